"""Every estimand keeps the contract of `curvefit.estimands._base`; found through the registry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from curvefit.curves import Curve, Estimate
from curvefit.estimands import Question, horizon_grid, registry
from curvefit.estimands.api import answer, estimate
from curvefit.fitting.fit import fit
from curvefit.forecasting.api import forecast

NAMES = registry.names()
UNITS = {"best_point": "step", "plateau_onset": "step", "target_reached": "step"}


def question(y, metric="val_loss", horizon=400.0, **options):
    x = np.arange(1.0, len(y) + 1)
    curve = Curve(x, y, metric)
    return Question(curve, forecast(curve, horizon_grid(curve, horizon)), fit(curve), horizon, **options)


def typical(sign=1.0, seed=0):
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, 201.0)
    return sign * (2 + 3 * x**-0.8 + 0.02 * rng.standard_normal(200))


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_under_its_own_name_with_a_typed_interval(name):
    out = registry[name](question(typical(), target=2.05))
    assert isinstance(out, Estimate)
    assert out.name == name
    assert out.value is not None
    assert out.interval is not None
    assert out.interval.low <= out.value <= out.interval.high
    assert out.interval.level == 0.95
    assert out.interval.kind == ("prediction" if name == "value_at" else "confidence")
    assert out.interval.method
    assert all(isinstance(k, str) and isinstance(v, float) for k, v in out.details.items())
    assert out.unit == UNITS.get(name, out.unit)


@pytest.mark.parametrize("name", NAMES)
def test_the_interval_grows_with_the_level(name):
    asked = question(typical(), target=2.05, level=0.5)
    narrow = registry[name](asked).interval
    wide = registry[name](Question(asked.curve, asked.forecast, asked.fit, 400.0, 2.05, level=0.99)).interval
    assert narrow.level == 0.5
    assert wide.width >= narrow.width


@pytest.mark.parametrize("name", NAMES)
def test_the_same_question_has_the_same_answer(name):
    first, second = (registry[name](question(typical(), target=2.05)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "y",
    [[1.0], [1.0, 2.0], [3.0, 2.0, 1.0, 0.5], np.ones(50), np.r_[1.0, np.zeros(49)], np.full(50, 1e-320), 1e300 / np.arange(1.0, 51),
     np.r_[np.ones(25), np.full(25, np.nan)], np.exp(np.arange(50.0)), np.tile([0.0, 1.0], 25)],
    ids=["one", "two", "four", "constant", "zeros", "subnormal", "huge", "nan_half", "explosion", "alternating"],
)  # fmt: skip
def test_no_curve_raises_and_no_number_is_nan(name, y):
    """What the data cannot tell is a status with a sentence."""
    out = registry[name](question(y, target=0.5))
    assert out.value is None or math.isfinite(out.value)
    assert not any(math.isnan(v) for v in out.details.values())
    if out.value is None:
        assert not out.status.usable
        assert out.reasons


@pytest.mark.parametrize("name", NAMES)
def test_without_forecast_fit_and_target_it_answers_with_a_status(name):
    out = registry[name](Question(Curve(np.arange(1.0, 51.0), 1 / np.arange(1.0, 51.0), "val_loss")))
    assert out.value is not None or (not out.status.usable and out.reasons)


@pytest.mark.parametrize("name", NAMES)
def test_starting_at_zero_is_no_obstacle(name):
    x = np.arange(0.0, 200.0)
    curve = Curve(x, 2 + 3 * (x + 1) ** -0.8, "val_loss")
    out = registry[name](Question(curve, forecast(curve, horizon_grid(curve, 400)), fit(curve), 400.0, 2.05))
    assert out.value is not None or out.reasons


@pytest.mark.parametrize("name", NAMES)
def test_the_x_unit_does_not_matter(name):
    """Positions scale with x, everything else stays (the forecaster's and the fit's own tolerance)."""
    x, y = np.arange(1.0, 201.0), typical()
    out = []
    for scale in (1.0, 1024.0):
        curve = Curve(scale * x, y, "val_loss")
        horizon = 400.0 * scale
        asked = Question(curve, forecast(curve, horizon_grid(curve, horizon)), fit(curve), horizon, 2.05)
        out.append(registry[name](asked))
    factor = 1024.0 if out[0].unit == "step" else 1.0
    assert out[1].value == pytest.approx(factor * out[0].value, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_estimate_asks_by_name(name):
    curve = Curve(np.arange(1.0, 201.0), typical(), "val_loss")
    assert estimate(curve, name, horizon=400, target=2.05) == registry[name](question(typical(), target=2.05))


def test_answer_gives_all_in_reading_order():
    out = answer(question(typical()))
    assert list(out)[:2] == ["value_at", "remaining_improvement"]
    assert set(out) == set(NAMES) - {"target_reached"}
    assert set(answer(question(typical(), target=2.05))) == set(NAMES)


def test_what_is_missing_is_said():
    curve = Curve(np.arange(1.0, 51.0), 1 / np.arange(1.0, 51.0), "val_loss")
    with pytest.raises(ValueError, match="needs a horizon"):
        estimate(curve, "value_at")
    with pytest.raises(ValueError, match="needs a target"):
        estimate(curve, "target_reached", horizon=100)
    with pytest.raises(ValueError, match="Did you mean 'value_at'"):
        estimate(curve, "value_att", horizon=100)
    with pytest.raises(ValueError, match="no finite points"):
        estimate(Curve([1.0], [np.nan], "val_loss"), "best_point")
    with pytest.raises(ValueError, match="smaller or larger"):
        estimate(Curve([1.0, 2.0], [1.0, 2.0], "something"), "best_point")
