"""The search finds the global optimum: brute force over fine grids never does better."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from curvefit.segmentation._search import Design, solve


def rss(design: Design, psi: np.ndarray) -> float:
    columns = design.columns(psi)
    root = np.sqrt(design.w)
    beta = np.linalg.lstsq(columns * root[:, None], design.y * root, rcond=None)[0]
    return float(np.sum(design.w * (design.y - columns @ beta) ** 2)) + design.within


def brute_force(design: Design, k: int, between: int) -> float:
    """Least residual sum of squares over all combinations of places, ``between`` of them inside each gap of x."""
    x, m = design.x, design.min_size
    steps = (np.arange(between) + 0.5) / between
    places = (x[:-1, None] + np.diff(x)[:, None] * steps).ravel()
    best = np.inf
    for combo in combinations(places, k):
        counts = np.searchsorted(x, combo)
        if np.min(np.diff(np.r_[0, counts, x.size])) >= m:
            best = min(best, rss(design, np.array(combo)))
    return best


def noise_world(seed: int, n: int, **options) -> Design:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 1, n))
    return Design(
        (x - x.mean()) / x.std(), rng.standard_normal(n).cumsum(), rng.uniform(0.3, 3, n), 0.0, min_size=2, **options
    )


@pytest.mark.parametrize("options", [{}, {"first_zero": True}, {"last_zero": True}], ids=["free", "first", "last"])
@pytest.mark.parametrize(("k", "n", "between"), [(1, 20, 40), (2, 16, 4), (3, 13, 2)])
@pytest.mark.parametrize("seed", range(4))
def test_no_combination_on_a_grid_is_better(seed, k, n, between, options):
    design = noise_world(seed, n, **options)
    found = solve(design, k)
    assert found.psi.size == k
    assert found.rss == pytest.approx(rss(design, found.psi), rel=1e-9)
    assert found.rss <= brute_force(design, k, between) * (1 + 1e-9)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_every_segment_has_its_points(k):
    design = noise_world(7, 40)
    psi = solve(design, k).psi
    assert np.all(np.diff(psi) > 0)
    first = np.searchsorted(design.x, np.r_[-np.inf, psi], side="left")
    last = np.searchsorted(design.x, np.r_[psi, np.inf], side="right")
    assert np.min(last - first) >= design.min_size  # a point at a breakpoint lies on both lines


def test_more_breakpoints_never_fit_worse():
    design = noise_world(11, 60)
    values = [solve(design, k).rss for k in range(6)]
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(values))


@pytest.mark.parametrize("truth", [(-1.0, 0.3), (-0.9, 0.0, 0.8), (-1.2, -0.5, 0.1, 0.6, 1.2)])
def test_kinks_without_noise_are_found_exactly(truth):
    x = np.linspace(-1.7, 1.7, 301)
    y = 0.4 * x + sum((-1) ** i * 2 * np.maximum(x - p, 0) for i, p in enumerate(truth))
    found = solve(Design(x, y, np.ones(x.size), 0.0, min_size=5), len(truth))
    assert found.psi == pytest.approx(truth, abs=1e-6)
    assert found.rss < 1e-12


def test_bins_of_a_long_series_do_not_blunt_the_optimum():
    rng = np.random.default_rng(2)
    x = np.linspace(-1.7, 1.7, 5000)
    y = np.maximum(x + 0.5, 0) - 2 * np.maximum(x - 0.4, 0) + 0.1 * rng.standard_normal(x.size)
    design = Design(x, y, np.ones(x.size), 0.0, min_size=50)
    found = solve(design, 2)
    for i in range(2):
        for step in (-1e-3, 1e-3):
            other = found.psi.copy()
            other[i] += step
            assert rss(design, other) >= found.rss
    assert found.psi == pytest.approx([-0.5, 0.4], abs=0.02)
