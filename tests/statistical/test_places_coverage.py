"""Intervals of the places that diagnoses give hold the truth. Full size: ``python -m benchmarks.diagnosis places``.

A rate of nine in ten that holds fails here once in a thousand. Negative controls: with the correlation of the noise ignored,
or bins taken for points, they do not.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from benchmarks.diagnosis.places import PLACES, measured
from curvefit.diagnostics import _where
from curvefit.diagnostics.rules import plateaued

SEED = 70_000


def least(runs, rate=0.9):
    return stats.binom.ppf(0.001, runs, rate)


@pytest.mark.parametrize(
    ("label", "name", "n", "noise"),
    [
        ("overfitting_plateau", "parting_onset", 200, "white"),
        ("overfitting_plateau", "parting_onset", 200, "ar.7"),
        ("regime_change", "regime_change", 100, "t3"),
        ("lr_drop, rate not logged", "lr_drop", 300, "white"),
        ("lr_drop, rate logged every 7th", "size", 100, "t3"),
        ("plateaued, ramp", "plateau_onset", 100, "white"),
        ("plateaued, ramp", "kink", 100, "ar.7"),
        ("grokking", "training_saturated", 300, "white"),
        ("double_descent", "peak", 200, "white"),
        ("double_descent", "recovery", 200, "ar.7"),
        ("validation_below_training", "validation_above_training", 100, "ar.7"),
    ],
)
def test_the_interval_holds_the_place(label, name, n, noise):
    cell = measured(PLACES[label], 15.0, n, noise, 24, SEED)[name]
    assert cell.given >= 16
    assert cell.hits >= least(cell.given)


def _steps(rho, runs=300, n=120):
    """Values with one step of two standard deviations, and where it is."""
    rng = np.random.default_rng(5)
    for _ in range(runs):
        k = int(rng.integers(30, 90))
        e = rng.standard_normal(n + 200) * np.sqrt(1 - rho**2)
        yield 2.0 * (np.arange(n) >= k) + lfilter([1.0], [1.0, -rho], e)[200:] + 0.01 * np.arange(n), k


def _steps_held(rho):
    ends = [(_where.step_ends(y), k) for y, k in _steps(rho)]
    return sum(found is not None and found[0] <= k <= found[1] for found, k in ends)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_the_places_of_a_step_that_fit_hardly_worse_hold_it(rho):
    assert _steps_held(rho) >= least(300, 0.93)


def test_they_do_not_where_correlation_is_ignored(monkeypatch):
    """Negative control."""
    monkeypatch.setattr(_where, "lag1", lambda *_, **__: 0.0)
    assert _steps_held(0.7) < least(300, 0.93)


def test_bins_taken_for_points_do_not_hold_a_kink(monkeypatch):
    """Negative control: the observation after the middle of a bin in place of the middle."""
    whole = plateaued._kink
    monkeypatch.setattr(plateaued, "_kink", lambda curve, of: whole(curve, replace(of, at=np.ceil(of.at))))
    cell = measured(PLACES["plateaued, ramp"], 15.0, 100, "ar.7", 24, SEED)["kink"]
    assert cell.given >= 16 and cell.hits < least(cell.given)
