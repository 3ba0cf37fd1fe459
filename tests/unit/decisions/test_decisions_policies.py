"""Rules of others, as the benchmark replays them, on sequences whose answer can be counted by hand."""

import numpy as np
import pytest

from benchmarks.decisions import policies
from benchmarks.decisions.replay import hull, ratios
from benchmarks.decisions.watching import evaluations


def test_patience_counts_observations_without_an_improvement():
    y = np.array([5.0, 4.0, 4.0, 4.5, 3.9, 4.0, 4.0, 4.0, 3.0])
    assert policies.patience(y, 2) == 3
    assert policies.patience(y, 3) == 7
    assert policies.patience(y, 4) == y.size - 1


def test_patience_scaled_by_noise_asks_for_more():
    k = np.arange(60)
    zigzag = 10.0 - 0.01 * k + 0.5 * (-1.0) ** k
    assert policies.patience(zigzag, 10) == 59
    assert policies.patience(zigzag, 10, noise_scaled=True) < 20


def test_generalization_loss_is_in_percent_of_the_best():
    np.testing.assert_allclose(policies.generalization_loss(np.array([2.0, 1.0, 1.1, 1.5])), [0, 0, 10, 50])
    assert policies.prechelt_gl(np.array([2.0, 1.0, 1.04, 1.06, 0.5]), 5.0) == 3


def test_up_needs_strips_in_a_row():
    strips = np.repeat([5.0, 4.0, 4.5, 4.2, 4.3, 4.4, 4.5], policies.STRIP)
    assert policies.prechelt_up(strips, 1) == 3 * policies.STRIP - 1
    assert policies.prechelt_up(strips, 2) == 6 * policies.STRIP - 1
    assert policies.prechelt_up(strips, 4) == strips.size - 1


def test_pq_weighs_the_loss_against_progress():
    error = np.r_[np.linspace(2.0, 1.0, 10), np.linspace(1.0, 1.2, 20)]
    falling, level = np.linspace(2.0, 0.1, 30), np.full(30, 0.1)
    assert policies.prechelt_pq(error, level, 0.5) == 14
    assert policies.prechelt_pq(error, falling, 0.5) > 14


def test_pruners_compare_with_completed_trials_at_the_same_step():
    good, bad = np.linspace(1, 0, 20), np.linspace(1, 0.5, 20) + 0.3
    trials = [good + 0.01 * i for i in range(5)] + [bad, good]
    stops = list(policies.prune_sweep(trials, policies.percentile_pruner(50)))
    assert stops[:5] == [19] * 5 and stops[5] == 0 and stops[6] == 19
    wave = np.r_[np.linspace(2, 1.5, 8), np.full(12, 1.6)]
    patient = policies.patient_pruner(policies.percentile_pruner(50), 3)
    assert list(policies.prune_sweep([*trials[:5], wave], patient))[5] == 11


def test_hull_is_what_mixtures_of_rules_reach():
    points = [(0.3, 0.4), (0.5, 0.35), (0.6, 0.1), (0.8, 0.09)]
    c, g = hull(points)
    np.testing.assert_allclose(np.c_[c, g], [(0.3, 0.4), (0.6, 0.1), (1.0, 0.0)])
    compute, regret = ratios((0.68, 0.05), points)
    assert compute == pytest.approx(0.68 / 0.8) and regret == pytest.approx(0.05 / 0.08)


def test_evaluations_wait_for_a_tenth_more():
    counts = evaluations(1000)
    assert counts[:3] == [8, 9, 10] and counts[-1] < 1000 and np.max(np.divide(counts[1:], counts[:-1])) <= 1.125
