"""Intervals of the estimands cover the truth of simulated runs as often as they say.

A count k of N intervals passes when it lies inside the central 99.9 % of Binomial(N, level); an interval that is wide
on purpose has no upper limit. The named negative control takes correlated noise for white and must be refused.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.stats import binom

from curvefit.curves import Curve
from curvefit.estimands import Question, horizon_grid
from curvefit.estimands._local_mean import local_mean
from curvefit.estimands._misfit import late_misfit
from curvefit.estimands.best_point import best_point
from curvefit.estimands.convergence_rate import convergence_rate
from curvefit.estimands.plateau_onset import plateau_onset
from curvefit.estimands.remaining_improvement import remaining_improvement
from curvefit.estimands.target_reached import target_reached
from curvefit.estimands.value_at import value_at
from curvefit.fitting.fit import fit
from curvefit.forecasting.api import forecast_many

LEVEL = 0.95
X = np.arange(1.0, 401.0)
NOISES = {"white": 0.0, "ar.7": 0.7}


def noise(rng, rho, n=X.size):
    e = rng.standard_normal(n) * np.sqrt(1 - rho**2)
    e[0] /= np.sqrt(1 - rho**2)
    return lfilter([1], [1, -rho], e)


def within(hits, level=LEVEL, *, wide=False):
    n, k = len(hits), int(np.sum(hits))
    low, high = binom.ppf([0.0005, 0.9995], n, level)
    return low <= k and (wide or k <= high)


def rates(rho, n, seed=1):
    """Curve and the true slope per decade of its last half."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        mean = 2 + 3 * X**-0.5
        truth = -np.polyfit(np.log10(X[199:]), mean[199:], 1)[0]
        yield Curve(X, mean + 0.05 * noise(rng, rho), "val_loss"), truth


SIZES = [pytest.param(80, id="80"), pytest.param(400, id="400", marks=pytest.mark.slow)]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("rho", NOISES.values(), ids=NOISES)
def test_convergence_rate(n, rho):
    hits = [truth in convergence_rate(Question(curve, level=LEVEL)).interval for curve, truth in rates(rho, n)]
    assert within(hits)


def test_negative_control_a_rate_that_takes_correlated_noise_for_white(monkeypatch):
    monkeypatch.setattr("curvefit.estimands.convergence_rate.lag1_rows", lambda y, **__: np.zeros(len(y)))
    hits = [truth in convergence_rate(Question(curve)).interval for curve, truth in rates(0.7, 80)]
    assert np.mean(hits) < 0.75
    assert not within(hits)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("rho", NOISES.values(), ids=NOISES)
@pytest.mark.parametrize("alpha", [0.7, 1.2])
def test_plateau_onset_from_a_fit(n, rho, alpha):
    def mean(v):
        return 0.5 + v**-alpha

    truth = brentq(lambda v: (mean(v) - mean(800)) / (mean(1) - mean(800)) - 0.01, 1, 800)
    rng = np.random.default_rng(2)
    hits = []
    for _ in range(n // 2):
        curve = Curve(X, mean(X) + 0.01 * noise(rng, rho), "val_loss")
        interval = plateau_onset(Question(curve, None, fit(curve), 800.0)).interval
        if interval is not None:  # else the law was said to miss the late curve, and a forecast would be used
            hits.append(truth in interval)
    assert len(hits) >= 0.95 * (n // 2)
    assert within(hits)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("rho", NOISES.values(), ids=NOISES)
def test_a_true_law_is_not_said_to_miss_the_late_curve(n, rho):
    """At most one in a hundred by its own claim; a law without the curve's bend is found out nearly always."""
    rng = np.random.default_rng(6)
    alarms = {"power_law": 0, "exponential": 0}
    for _ in range(n):
        curve = Curve(X, 0.5 + X**-0.7 + 0.005 * noise(rng, rho), "val_loss")
        for law in alarms:
            off, limit = late_misfit(fit(curve, law))
            alarms[law] += bool(np.any(off > limit))
    assert alarms["power_law"] <= binom.ppf(0.999, n, 0.01)
    assert alarms["exponential"] >= (0.9 if rho == 0 else 0.0) * n


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("rho", NOISES.values(), ids=NOISES)
def test_best_point_is_at_least_as_sure_as_it_says(n, rho):
    rng = np.random.default_rng(3)
    hits = []
    for _ in range(n):
        curve = Curve(X, 0.3 * np.log(X / 150) ** 2 + 0.1 * noise(rng, rho), "val_loss")
        hits.append(150 in best_point(Question(curve)).interval)
    assert within(hits, wide=True)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("rho", NOISES.values(), ids=NOISES)
def test_a_target_reached_in_the_past_is_where_it_says(n, rho):
    rng = np.random.default_rng(4)
    mean = 2 + 3 * X**-0.5
    hits = []
    for _ in range(n):
        out = target_reached(Question(Curve(X, mean + 0.05 * noise(rng, rho), "val_loss"), target=float(mean[79])))
        hits.append(out.interval is not None and 80 in out.interval)
    assert within(hits, wide=True)


def passages(rho, n, shape):
    """Interval of a first passage in the past, and when it was: up to the end of the run, or while the run falls steeply."""
    rng = np.random.default_rng(7)
    x = np.arange(1.0, 101.0)
    mean = {"late": lambda v: 2 + 3 * v**-0.5, "steep": lambda v: 2 + 3 * np.exp(-v / 4)}[shape]
    curves = [Curve(x, mean(x) + 0.05 * noise(rng, rho, x.size), "val_loss") for _ in range(n)]
    ahead = forecast_many(curves, horizon_grid(curves[0], 200, 8))
    when = rng.uniform(*{"late": (30, 98), "steep": (3, 10)}[shape], n)
    for curve, fc, x_t in zip(curves, ahead, when, strict=True):
        yield target_reached(Question(curve, fc, target=float(mean(x_t)))).interval, x_t


@pytest.mark.parametrize("shape", ["late", "steep"])
@pytest.mark.parametrize("rho", NOISES.values(), ids=NOISES)
def test_a_passage_in_the_past_is_covered_late_and_where_the_run_falls_steeply(rho, shape):
    hits = [interval is not None and when in interval for interval, when in passages(rho, 80, shape)]
    assert within(hits, wide=True), np.mean(hits)


def test_negative_control_a_passage_that_the_past_does_not_prove_is_taken_for_future(monkeypatch):
    monkeypatch.setattr("curvefit.estimands.target_reached._passage", lambda *_: (np.inf, np.inf))
    hits = [interval is not None and when in interval for interval, when in passages(0.0, 80, "late")]
    assert not within(hits, wide=True)


def test_negative_control_one_wide_window_is_late_on_a_steep_start():
    """The middle of the first window that is surely beyond the target, and of the first that may be."""
    rng = np.random.default_rng(7)
    hits = []
    for when in rng.uniform(3, 10, 80):
        x = np.arange(1.0, 101.0)
        local = local_mean(Curve(x, 2 + 3 * np.exp(-x / 4) + 0.05 * noise(rng, 0.0, x.size), "val_loss"))
        ahead, margin = 2 + 3 * np.exp(-when / 4) - local.mean, local.margin(LEVEL) * local.stderr
        hits.append(x[np.argmax(ahead >= -margin)] <= when <= x[np.argmax(ahead > margin)])
    assert not within(hits, wide=True)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("rho", NOISES.values(), ids=NOISES)
def test_what_is_read_off_the_forecast_is_at_least_as_sure_as_it_says(n, rho):
    """Value of a new observation, remaining improvement and time to target, on power laws of many shapes."""
    rng = np.random.default_rng(5)
    curves, truths = [], []
    for _ in range(n):
        alpha, floor, sd = rng.uniform(0.2, 1.2), rng.uniform(0.1, 2), 10 ** rng.uniform(-2.5, -1)
        mean = floor + X**-alpha
        end = floor + 800**-alpha
        curves.append(Curve(X, mean + sd * noise(rng, rho), "val_loss"))
        truths.append((end + sd * rng.standard_normal(), mean[-1] - end, floor + 600**-alpha))
    ahead = forecast_many(curves, horizon_grid(curves[0], 800, 16))
    value, gain, time = [], [], []
    for curve, fc, (new, left, target) in zip(curves, ahead, truths, strict=True):
        value.append(new in value_at(Question(curve, fc)).interval)
        gain.append(left in remaining_improvement(Question(curve, fc)).interval)
        when = target_reached(Question(curve, fc, target=target))
        time.append(when.interval is None or 600 in when.interval or when.details["already_reached"] == 1)
    for hits in (value, gain, time):
        assert within(hits, wide=True)
