"""The public functions under wrong types and under records that can only mean one thing."""

from __future__ import annotations

import datetime
import pathlib

import numpy as np
import pandas as pd
import pytest

import curvefit as cf
from curvefit.curves import CurvefitError, UsageError

X = np.arange(1.0, 31.0)
CURVE = cf.Curve(X, 0.5 + X**-0.5, "val_loss")
RUN = cf.Run("r", {"val_loss": CURVE})
FIT = cf.fit(CURVE)
AHEAD = cf.forecast(CURVE, [40.0, 60.0])
REPORT = cf.analyze(RUN, model=None)
JUNK = [
    None, 5, -1, 1.5, float("nan"), float("inf"), "a", "", b"x", [], [1, 2], ["a"], (1,), {}, {"a": 1}, object(), int, 10**400,
    np.array(3.0), np.zeros((2, 2)), np.array(["a"]), CURVE, RUN, [CURVE, CURVE], [RUN, RUN], len, True, 3j,
    pd.DataFrame({"step": [1, 2]}), datetime.datetime(2020, 1, 1), pathlib.Path("nowhere"), range(3), {1, 2}, [[1, 2], [3]],
    "\x1b[31m",
]  # fmt: skip

PLACES = {
    "read": cf.read,
    "read format": lambda j: cf.read(".", format=j),
    "read resume": lambda j: cf.read("nowhere", resume=j),
    "load_example": cf.load_example,
    "fit": cf.fit,
    "fit model": lambda j: cf.fit(CURVE, j),
    "fit noise": lambda j: cf.fit(CURVE, "constant", noise=j),
    "fit weights": lambda j: cf.fit(CURVE, "constant", weights=j),
    "Fit.predict": FIT.predict,
    "Fit.predict interval": lambda j: FIT.predict([40.0], interval=j, method="delta"),
    "Fit.predict level": lambda j: FIT.predict([40.0], "confidence", j, method="delta"),
    "Fit.conf_int": lambda j: FIT.conf_int(j, "delta"),
    "Fit.summary": FIT.summary,
    "select criterion": lambda j: cf.select(CURVE, ["constant"], j),
    "select models": lambda j: cf.select(CURVE, j),
    "least_squares start": lambda j: cf.least_squares("a + b*x", {"x": X, "y": X}, j),
    "forecast": lambda j: cf.forecast(j, 80),
    "forecast x": lambda j: cf.forecast(CURVE, j, method="last_value"),
    "forecast schedule": lambda j: cf.forecast(CURVE, 40, schedule=j),
    "forecast method": lambda j: cf.forecast(CURVE, 40, method=j),
    "forecast level": lambda j: cf.forecast(CURVE, 40, method="last_value", level=j),
    "forecast_many": lambda j: cf.forecast_many(j, [80], method="last_value"),
    "forecast_many x": lambda j: cf.forecast_many([CURVE], j, method="last_value"),
    "Forecast.quantile": AHEAD.quantile,
    "Forecast.cdf": AHEAD.cdf,
    "Forecast.crps": AHEAD.crps,
    "Forecast.mean": AHEAD.mean,
    "Forecast.interval": AHEAD.interval,
    "backtest": lambda j: cf.backtest(j, method="last_value"),
    "backtest shares": lambda j: cf.backtest(CURVE, shares=j, method="last_value"),
    "backtest_many": lambda j: cf.backtest_many(j, method="last_value"),
    "estimate": lambda j: cf.estimate(j, "best_point"),
    "estimate name": lambda j: cf.estimate(CURVE, j),
    "estimate horizon": lambda j: cf.estimate(CURVE, "best_point", horizon=j),
    "estimate target": lambda j: cf.estimate(CURVE, "target_reached", horizon=60, target=j, forecast=AHEAD),
    "estimate eps": lambda j: cf.estimate(CURVE, "best_point", eps=j),
    "estimate fit": lambda j: cf.estimate(CURVE, "asymptote", fit=j),
    "diagnose rules": lambda j: cf.diagnose(RUN, rules=j),
    "diagnose metric": lambda j: cf.diagnose(RUN, metric=j, rules=["resumed"]),
    "diagnose horizon": lambda j: cf.diagnose(RUN, horizon=j, rules=["resumed"]),
    "diagnoses[]": lambda j: REPORT.diagnoses[j],
    "recommend forecast": lambda j: cf.recommend(RUN, forecast=j, diagnoses=REPORT.diagnoses),
    "recommend diagnoses": lambda j: cf.recommend(RUN, forecast=AHEAD, diagnoses=j),
    "recommend cost": lambda j: cf.recommend(RUN, cost_per_unit=j, forecast=AHEAD, diagnoses=REPORT.diagnoses),
    "recommend min_gain": lambda j: cf.recommend(RUN, min_gain=j, forecast=AHEAD, diagnoses=REPORT.diagnoses),
    "recommend target": lambda j: cf.recommend(RUN, target=j, forecast=AHEAD, diagnoses=REPORT.diagnoses),
    "recommend best": lambda j: cf.recommend(RUN, best=j, forecast=AHEAD, diagnoses=REPORT.diagnoses),
    "Report.render": REPORT.render,
    "Report.render width": lambda j: REPORT.render("terminal", width=j, chart=False),
    "Report.to_json": lambda j: REPORT.to_json(indent=j),
    "Report.plot ax": lambda j: REPORT.plot(ax=j),
    "Report.plot kind": lambda j: REPORT.plot(kind=j),
    "Report.plot x_scale": lambda j: REPORT.plot(x_scale=j),
    "Report.plot smooth": lambda j: REPORT.plot(smooth=j),
    "Report.plot columns": lambda j: REPORT.plot(columns=j, legend=False),
}  # fmt: skip
OPEN = {"diagnose horizon", "estimate horizon", "backtest", "read"}  # of these junk some is meant by somebody


@pytest.mark.parametrize("place", PLACES)
def test_no_wrong_type_ends_in_anything_but_an_error_of_the_package(place):
    refused = 0
    for junk in JUNK:
        try:
            PLACES[place](junk)
        except CurvefitError as error:
            refused += 1
            assert error.what
            assert "\x1b" not in error.where
    assert refused >= 10


@pytest.mark.parametrize("function", [cf.analyze, cf.diagnose, cf.recommend])
def test_what_can_only_mean_one_run_is_taken(function):
    answers = [function(given) for given in (RUN, CURVE, [RUN], {"val_loss": CURVE})]
    told = {
        "analyze": lambda a: a.forecast.median.tolist(),
        "diagnose": lambda a: [(d.name, d.verdict) for d in a],
        "recommend": lambda a: (a.action, a.x_star, a.probability),
    }[function.__name__]
    assert all(told(a) == told(answers[0]) for a in answers)


@pytest.mark.parametrize("function", [cf.analyze, cf.diagnose, cf.recommend, cf.backtest])
@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("runs/metrics.csv", "cf.read('runs/metrics.csv')[0]"),
        (pathlib.Path("m.csv"), "cf.read('m.csv')[0]"),
        (pd.DataFrame({"step": [1, 2], "val_loss": [2.0, 1.0]}), "cf.Run.from_frame(frame, x='step')"),
    ],
)
def test_what_is_no_run_is_told_how_to_become_one(function, given, hint):
    with pytest.raises(UsageError) as caught:
        function(given)
    assert hint in caught.value.hint


def test_a_run_of_one_curve_is_a_curve():
    assert cf.forecast(RUN, 40).median == cf.forecast(CURVE, 40).median
    assert cf.fit(RUN).params == FIT.params
    with pytest.raises(UsageError) as caught:
        cf.forecast_many(CURVE, [80])
    assert "cf.forecast(curve, x)" in caught.value.hint


def test_auto_is_told_to_be_a_selection():
    with pytest.raises(UsageError) as caught:
        cf.fit(CURVE, "auto")
    assert "cf.select(curve).best" in caught.value.hint


def test_options_that_a_format_does_not_have_are_named():
    with pytest.raises(UsageError, match="no option of json named 'width'"):
        REPORT.render("json", width=80)
    with pytest.raises(UsageError, match="Did you mean 'x_scale'"):
        REPORT.plot(xscale="log")
