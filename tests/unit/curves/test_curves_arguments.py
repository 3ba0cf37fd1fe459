"""Wrong types: every public function says what came, where, and what was meant."""

from __future__ import annotations

import datetime
import pathlib
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import curvefit as cf
from curvefit.curves import CurvefitError, DataError, UsageError, as_curve, as_run
from curvefit.curves._arguments import checked, is_number

CURVE = cf.Curve([1, 2, 3], [3.0, 2.0, 1.5], "val_loss")
RUN = cf.Run("r", {"val_loss": CURVE})
FRAME = pd.DataFrame({"step": [1, 2, 3], "val_loss": [3.0, 2.0, 1.5]})
JUNK = [
    None, 5, -1, 1.5, float("nan"), float("inf"), "a", "", b"x", [], [1, 2], ["a"], (1,), {}, {"a": 1}, object(), int, 10**400,
    np.array(3.0), np.zeros((2, 2)), np.array(["a"]), CURVE, RUN, [CURVE], [RUN], len, True, 3j, FRAME, pd.Series([1.0]),
    datetime.datetime(2020, 1, 1), pathlib.Path("nowhere"), range(3), {1, 2}, [[1, 2], [3]], "\x1b[31m",
]  # fmt: skip


@checked
def asked(a: float, b: int | None = None, *, c: str | None = "x", d: bool = False) -> tuple[object, ...]:
    """What was understood."""
    return a, b, c, d


def test_what_fits_passes_and_numbers_of_any_library_become_floats():
    for one in (1, 1.0, np.float32(1), np.int64(1), np.array(1.0), Decimal(1), Fraction(1)):
        assert asked(one) == (1.0, None, "x", False)
        assert type(asked(one)[0]) is float
    assert asked(1, np.int32(2), c=None, d=np.True_) == (1.0, 2, None, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a",), "a = 'a' is not a number"),
        ((True,), "a = True is not a number"),
        (([1.0],), "a = [1.0] is not a number"),
        ((3j,), "a = 3j is not a number"),
        ((10**400,), "is not a number"),
        ((1, 1.5), "b = 1.5 is not a whole number or None"),
        ((1, "2"), "b = '2' is not a whole number or None"),
    ],
)
def test_what_does_not_fit_is_named(arguments, said):
    with pytest.raises(UsageError) as caught:
        asked(*arguments)
    assert said in caught.value.what
    assert caught.value.where == "asked()"


def test_keywords_are_checked_too_and_python_still_counts_arguments():
    with pytest.raises(UsageError, match="c = 5 is not a text or None"):
        asked(1, c=5)
    with pytest.raises(UsageError, match="d = 1 is not True or False"):
        asked(1, d=1)
    with pytest.raises(TypeError):
        asked()
    assert asked.__name__ == "asked"
    assert not is_number(np.zeros(3))


def test_a_run_is_made_of_what_can_only_mean_one():
    assert as_run(RUN, "analyze") is RUN
    assert as_run([RUN], "analyze") is RUN
    assert as_run(CURVE, "analyze")["val_loss"] is CURVE
    assert as_run({"val_loss": CURVE}, "analyze")["val_loss"] is CURVE
    assert as_run({"step": [5, 6], "val_loss": [2.0, 1.0]}, "analyze")["val_loss"].x.tolist() == [5, 6]
    assert as_run([3.0, 2.0], "analyze", "val_loss")["val_loss"].x.tolist() == [1, 2]
    assert as_run(np.array([3.0, 2.0]), "analyze", "val_loss")["val_loss"].y.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("log.csv", "cf.read('log.csv')[0]"),
        (pathlib.Path("log.csv"), "cf.read('log.csv')[0]"),
        (FRAME, "cf.Run.from_frame(frame, x='step')"),
        ([RUN, RUN], "[cf.analyze(run) for run in runs]"),
        (None, "cf.Run("),
        (5, "cf.Run("),
    ],
)
def test_what_is_no_run_is_told_how_to_become_one(value, hint):
    with pytest.raises(UsageError) as caught:
        as_run(value, "analyze")
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("log.csv", "cf.read('log.csv')[0]"),
        (FRAME, "cf.Curve.from_frame(frame, x='step', y='val_loss')"),
        (cf.Run("r", {"a": CURVE, "b": CURVE}), "run['a']"),
        ([CURVE, CURVE], "one at a time"),
        ([1.0, 2.0], "cf.Curve(x, y"),
    ],
)
def test_what_is_no_curve_is_told_how_to_become_one(value, hint):
    with pytest.raises(UsageError) as caught:
        as_curve(value, "forecast")
    assert hint in caught.value.hint
    assert as_curve(RUN, "forecast") is CURVE


PLACES = {
    "Curve x_unit": lambda j: cf.Curve([1, 2], [1.0, 2.0], x_unit=j),
    "Curve metric": lambda j: cf.Curve([1, 2], [1.0, 2.0], j),
    "Curve x": lambda j: cf.Curve(j, [1.0, 2.0]),
    "Curve y": lambda j: cf.Curve([1, 2], j),
    "Curve flags": lambda j: cf.Curve([1, 2], [1.0, 2.0], flags=j),
    "Curve segment": lambda j: cf.Curve([1, 2], [1.0, 2.0], segment=j),
    "Curve defects": lambda j: cf.Curve([1, 2], [1.0, 2.0], defects=j),
    "Curve bounds": lambda j: cf.Curve([1, 2], [1.0, 2.0], bounds=j),
    "Curve.until": CURVE.until,
    "Curve.from_frame": lambda j: cf.Curve.from_frame(j, "step", "val_loss"),
    "Curve.from_frame x": lambda j: cf.Curve.from_frame(FRAME, j, "val_loss"),
    "Curve.with_metric": lambda j: CURVE.with_metric(direction=j),
    "Run curves": lambda j: cf.Run("r", j),
    "Run horizon": lambda j: cf.Run("r", {}, horizon=j),
    "Run attributes": lambda j: cf.Run("r", {}, attributes=j),
    "Run[]": lambda j: RUN[j],
    "Run.from_mapping": cf.Run.from_mapping,
    "Run.from_mapping x": lambda j: cf.Run.from_mapping({"a": [1]}, x=j),
    "Run.from_frame": lambda j: cf.Run.from_frame(j, x="step"),
    "Run.find": lambda j: RUN.find(kind=j),
    "Metric kind": lambda j: cf.Metric("a", kind=j),
    "Metric.infer": cf.Metric.infer,
    "Schedule": lambda j: cf.Schedule(j, [1e-3]),
    "Schedule.cosine": lambda j: cf.Schedule.cosine(1e-3, j),
    "Schedule.wsd": lambda j: cf.Schedule.wsd(1e-3, 100, decay=j),
}


@pytest.mark.parametrize("place", PLACES)
def test_no_wrong_type_ends_in_anything_but_an_error_of_the_package(place):
    refused = 0
    for junk in JUNK:
        try:
            PLACES[place](junk)
        except CurvefitError as error:
            refused += 1
            assert error.what
    assert refused >= 5


def test_the_hint_of_a_dataframe_that_is_none():
    with pytest.raises(UsageError) as caught:
        cf.Run.from_frame([1, 2], x="step")
    assert "cf.Run.from_frame" in caught.value.hint
    with pytest.raises(DataError, match="sequences by name"):
        cf.Run.from_mapping({"val_loss": "abc"})
