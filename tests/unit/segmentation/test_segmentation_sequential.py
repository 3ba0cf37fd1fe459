"""Draws that stop early: the p-value stays valid, the decision is that of all draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from curvefit.segmentation._bump_design import BumpDesign, whiten
from curvefit.segmentation._sequential import enough, sequential_p
from curvefit.segmentation.bump import double_descent

N = 200
X = np.linspace(0.05, 10, N)
LAW = 1 + 3 * np.exp(-X / 2.5)
BUMP = np.exp(-0.5 * ((X - 6) / 0.6) ** 2)


def p_value(stream: np.ndarray, observed: float, most: int, exceedances: int) -> tuple[float, int]:
    """p from a fixed stream of draws, and how many were made."""
    at = 0

    def draw(count: int) -> np.ndarray:
        nonlocal at
        at += count
        return stream[at - count : at]

    return sequential_p(draw, observed, most, exceedances).p_value, at


@pytest.mark.parametrize(("alpha", "most"), [(0.05, 199), (0.05, 209), (1 / 300, 499), (0.3, 99)])
def test_every_decision_is_that_of_all_draws(alpha, most):
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(1500):
        stream = rng.standard_normal(most)
        observed = rng.normal(0.8, 1.5)
        p, used = p_value(stream, observed, most, enough(alpha, most))
        every = (1 + np.sum(stream >= observed)) / (1 + most)
        assert (p <= alpha) == (every <= alpha)
        drawn.append(used)
    assert np.mean(drawn) < 0.9 * most
    assert max(drawn) == most


@pytest.mark.parametrize("alpha", [0.02, 0.05, 0.2, 0.5])
def test_the_p_value_is_valid_at_every_level(alpha):
    rng = np.random.default_rng(2)
    runs = 4000
    below = early = 0
    for _ in range(runs):
        stream = rng.standard_normal(199)
        observed = rng.standard_normal()
        below += p_value(stream, observed, 199, enough(0.05, 199))[0] <= alpha
        cut = stream[:14]  # negative control: a share of few draws that leaves the observed one out
        early += np.mean(cut >= observed) <= alpha
    assert binom.sf(below - 1, runs, alpha) > 1e-3
    if alpha <= 0.05:
        assert binom.sf(early - 1, runs, alpha) < 1e-3


def test_the_p_value_is_exceedances_over_draws():
    stream = np.array([0.0, 2.0, 0.0, 2.0, 0.0, 2.0, 0.0, 2.0])
    assert p_value(stream, 1.0, 8, 3)[0] == 3 / 6
    assert p_value(stream, 1.0, 8, 5)[0] == 5 / 9
    assert p_value(stream, 3.0, 8, 1) == (1 / 9, 8)


def test_a_bump_that_is_none_costs_few_draws_and_a_clear_one_all():
    rng = np.random.default_rng(3)
    clear = double_descent((X, LAW + BUMP + 0.1 * rng.standard_normal(N)))
    assert clear.null.size == 199
    assert "stopped" not in clear.method
    shapes = [double_descent((X, LAW + 0.1 * rng.standard_normal(N))) for _ in range(12)]
    simulated = [s for s in shapes if "bootstrap" in s.method]
    assert simulated
    assert any(s.null.size < 199 and "stopped at 10 larger" in s.method and s.p_value > 0.05 for s in simulated)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_curves_fitted_together_are_least_squares(rho):
    design = BumpDesign.on(X / 10, X / 10)
    rng = np.random.default_rng(4)
    many = (LAW + 0.5 * BUMP)[:, None] + 0.1 * rng.standard_normal((N, 6))
    found = design.fit(many, rho)
    curves, centers, widths = design.refined_many(many, found.law, found.place, rho, 3)
    coarse = design.refined_many(many, found.law, found.place, rho, 0)[0]
    for j in range(6):
        bump = np.exp(-0.5 * ((X / 10 - centers[j]) / widths[j]) ** 2)
        g = int(found.law[j])
        matrix = whiten(np.column_stack([np.ones(N), design.laws[:, g], design.tangents[g], bump]), rho)
        response = whiten(many[:, [j]], rho)[:, 0]
        rss = float(np.sum((response - matrix @ np.linalg.lstsq(matrix, response, rcond=1e-10)[0]) ** 2))
        own = float(np.sum(whiten((many[:, [j]] - curves[:, [j]]), rho) ** 2))
        assert own == pytest.approx(rss, rel=1e-8)
        assert own <= float(np.sum(whiten((many[:, [j]] - coarse[:, [j]]), rho) ** 2)) * (1 + 1e-12)
