"""Intervals of scaling laws hold simulated truths; full size by ``python -m benchmarks.studies.laws``."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.studies import laws

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("runs", "noise"), [(15, "normal"), (25, "t3")])
def test_intervals_of_a_law_and_its_best_split_hold(runs, noise):
    found = laws.coverage(runs, noise, 60, 80)
    assert set(found) == set(laws.WHAT)
    assert min(found.values()) >= 0.86, found  # 95 %, of the nine the worst, and the error of 60 simulations


def test_negative_control_checkpoints_of_a_run_taken_for_runs():
    asked = ("E", "alpha", "beta", "N inside", "loss inside", "loss beyond")
    together, apart = (laws.coverage(12, "shared", 60, 50, control=control) for control in (False, True))
    assert np.mean([together[w] for w in asked]) > 0.9, together
    assert np.mean([apart[w] for w in asked]) < 0.85, apart
