"""Planted sudden changes and bumps are found and placed; healthy runs are left alone. Full size: benchmarks/segmentation.

Bounds are binomial: a rate that holds fails here once in a thousand. Negative control: with the correlation of the noise
ignored the search for changes accuses healthy runs.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.diagnosis.worlds import healthy
from curvefit.diagnostics import _changes
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry
from curvefit.simulate import run

ALLOWED = 0.05 / 15
WORLDS = ("white", "ar.9", "t3", "staircase, white", "early plateau, white", "wsd, white")


def answers(rule, runs):
    for one in runs:
        yield one, registry[rule](Evidence(one.run))


def planted(fault, runs, **options):
    return [run(fault, rng=np.random.default_rng(100 + i), **options) for i in range(runs)]


@pytest.mark.parametrize(("n", "noise"), [(200, "white"), (200, "ar.5"), (1000, "white")])
def test_planted_changes_are_found_and_placed(n, noise):
    runs = planted("regime_change", 15, n=n, noise=noise)
    found = [(w.truth["regime_change.x"], d) for w, d in answers("regime_change", runs) if d.present]
    assert len(found) >= stats.binom.ppf(0.001, 15, 0.9)
    off = [min(abs(e.value - x) for e in d.where) / n for x, d in found]
    assert np.median(off) <= 0.01


def test_planted_bumps_are_found_and_placed():
    runs = planted("double_descent", 5, n=200)
    found = [(w.truth["double_descent.peak"], d) for w, d in answers("double_descent", runs) if d.present]
    assert len(found) >= stats.binom.ppf(0.001, 5, 0.9)
    assert np.median([abs(d.where[0].value - x) / 200 for x, d in found]) <= 0.05


@pytest.mark.parametrize("rule", ["regime_change", "double_descent"])
def test_healthy_runs_are_left_alone(rule):
    runs = [healthy(world, 200, 700 + i) for world in WORLDS for i in range(12)]
    count = sum(d.present for _, d in answers(rule, runs))
    assert count <= stats.binom.ppf(0.999, len(runs), ALLOWED)


def test_negative_control_correlation_ignored(monkeypatch):
    runs = [healthy("ar.9", 200, 700 + i) for i in range(60)]
    monkeypatch.setattr(_changes, "cautious", lambda *_: 0.0)
    count = sum(d.present for _, d in answers("regime_change", runs))
    assert count > stats.binom.ppf(0.999, len(runs), ALLOWED)
