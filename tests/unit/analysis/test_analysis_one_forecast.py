"""Diagnoses, recommendation and report of one run rest on one forecast, with the learning rate where it is logged."""

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import UsageError
from curvefit.diagnostics.evidence import Evidence, future_grid
from curvefit.forecasting.api import forecast
from curvefit.forecasting.chances import AS_STATED, chance_as_good, using

END = 4000.0
PLANS = {
    "cosine": cf.Schedule.cosine(3e-4, END, warmup=100),
    "wsd": cf.Schedule.wsd(3e-4, END, decay=0.6, warmup=100),
    "none": None,
}


def half_a_run(plan):
    """Cut at half: a power law of the summed rate, better where the rate is lower."""
    x = np.arange(10.0, END + 1, 10)
    rate = np.full(x.size, 3e-4) if plan is None else plan.at(x)
    y = 2 + 8 * (np.cumsum(rate) / 3e-4 * 10 + 100) ** -0.4 - 0.15 * (1 - rate / 3e-4)
    y = y + 0.01 * np.random.default_rng(1).standard_normal(x.size)
    seen = x <= END / 2
    curve = cf.Curve(x[seen], y[seen], "val_loss")
    logged = None if plan is None else cf.Schedule(x[seen], rate[seen])
    return cf.Run("half", {"val_loss": curve}, schedule=logged, horizon=END)


@pytest.mark.parametrize("plan", PLANS)
def test_diagnose_recommend_and_analyze_never_disagree(plan):
    run = half_a_run(PLANS[plan])
    alone, decided, report = cf.diagnose(run), cf.recommend(run), cf.analyze(run, model=None)
    assert {d.name: (d.verdict, dict(d.evidence), d.explanation) for d in alone} == {
        d.name: (d.verdict, dict(d.evidence), d.explanation) for d in report.diagnoses
    }
    assert decided == report.recommendation
    evidence = Evidence(run)
    assert (
        evidence.forecast("val_loss").method == report.forecast.method == ("pooled" if plan == "none" else "annealed")
    )
    assert evidence.chance_gain_exceeds("val_loss", decided.min_gain) == decided.probability
    blind = forecast(run["val_loss"], future_grid(run["val_loss"], END))
    same = np.array_equal(blind.median, report.forecast.median)
    assert same == (plan == "none")


def test_the_probability_behind_a_diagnosis_is_the_corrected_one():
    run = half_a_run(None)
    evidence = Evidence(run)
    made = evidence.forecast("val_loss")
    value = made.level_now - 0.05
    with using(AS_STATED):
        stated = Evidence(run).chance_gain_exceeds("val_loss", 0.05)  # which keeps its answer
    assert stated == pytest.approx(float(made.underlying.cdf(np.array([value]))[-1, 0]), abs=1e-12)
    assert evidence.chance_gain_exceeds("val_loss", 0.05) == float(chance_as_good(made, value)[-1, 0]) != stated


def test_a_forecast_that_is_there_is_used_and_one_of_another_moment_refused():
    run = half_a_run(None)
    curve = run["val_loss"]
    given = forecast(curve, future_grid(curve, 8000))
    assert cf.diagnose(run, forecast=given)["still_improving"].evidence["horizon"] == 8000
    earlier = forecast(curve.until(1000), future_grid(curve, 8000))
    for ask in (cf.diagnose, cf.recommend):
        with pytest.raises(UsageError, match="begins after 1000"):
            ask(run, forecast=earlier)
        with pytest.raises(UsageError, match="ends at 8000"):
            ask(run, forecast=given, horizon=5000)


@pytest.mark.parametrize(("last", "end"), [(10, 1e5), (2000, 4000), (1e9, 1e9 + 8), (-3, 1), (0, 1), (1e-6, 3)])
def test_the_grid_of_judgement_rises_from_the_data_to_the_horizon(last, end):
    curve = cf.Curve(np.linspace(last - 2, last, 5), np.arange(5.0), "val_loss")
    grid = future_grid(curve, end)
    assert grid[0] > last and grid[-1] == end and np.all(np.diff(grid) > 0) and 8 <= grid.size <= 50
    assert {last + 0.25 * (end - last), last + 0.5 * (end - last)} <= set(grid.tolist())
