"""The closed-form profile of one breakpoint is what least squares at every place gives."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.segmentation._profile import base_residual, hinge_profile, orthonormal


def world(seed: int, n: int = 40):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-2, 3, n))
    y = 1 - 0.5 * x + np.maximum(x - 0.6, 0) + 0.3 * rng.standard_normal(n)
    return x, y, rng.uniform(0.2, 4.0, n)


def direct_rss(columns: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    """The oracle: weighted least squares by numpy."""
    root = np.sqrt(w)
    beta = np.linalg.lstsq(columns * root[:, None], y * root, rcond=None)[0]
    return float(np.sum(w * (y - columns @ beta) ** 2))


BASES = {
    "both": lambda x: np.column_stack([np.ones_like(x), x]),
    "right": lambda x: np.ones((x.size, 1)),
    "left": lambda x: np.ones((x.size, 1)),
}


@pytest.mark.parametrize("side", list(BASES))
def test_gain_is_the_drop_of_the_residual_sum_of_squares(side):
    x, y, w = world(1)
    base = BASES[side](x)
    profile = hinge_profile(x, y, w, orthonormal(base, w), side=side)
    places = np.linspace(x[1], x[-2], 57)
    sign = -1.0 if side == "left" else 1.0
    expected = [
        direct_rss(base, y, w) - direct_rss(np.column_stack([base, np.maximum(sign * (x - p), 0)]), y, w)
        for p in places
    ]
    assert profile.gain(places) == pytest.approx(expected, rel=1e-8, abs=1e-9)
    assert float(profile.base_rss) == pytest.approx(direct_rss(base, y, w), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_place_is_no_worse_than_any_on_a_fine_grid(seed):
    x, y, w = world(seed)
    profile = hinge_profile(x, y, w, orthonormal(BASES["both"](x), w))
    place, gain = profile.best()
    grid = profile.gain(np.linspace(profile.left[0], profile.right[-1], 20001))
    assert gain >= grid.max() * (1 - 1e-12)
    assert gain <= grid.max() * (1 + 1e-4)
    assert float(profile.gain(np.array([float(place)]))[0]) == pytest.approx(float(gain), rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.3, 0.8, 0.99])
def test_the_set_above_a_threshold_is_that_of_a_fine_grid(seed, share):
    x, y, w = world(seed)
    profile = hinge_profile(x, y, w, orthonormal(BASES["both"](x), w))
    threshold = share * float(profile.best()[1])
    pieces = profile.above(threshold)
    grid = np.linspace(profile.left[0], profile.right[-1], 20001)
    inside = np.zeros(grid.size, bool)
    for low, high in pieces:
        inside |= (grid >= low) & (grid <= high)
    disagree = inside != (profile.gain(grid) >= threshold)
    assert np.mean(disagree) < 1e-3  # grid points within rounding of an end
    for low, high in pieces:
        for end in (low, high):
            if profile.left[0] < end < profile.right[-1]:
                assert float(profile.gain(np.array([end]))[0]) == pytest.approx(threshold, rel=1e-7)


def test_many_responses_are_solved_as_one_by_one():
    x, y, w = world(3)
    many = np.column_stack([y, y[::-1], np.sin(3 * x)])
    q = orthonormal(BASES["both"](x), w)
    places, gains = hinge_profile(x, many, w, q).best()
    for j in range(3):
        place, gain = hinge_profile(x, many[:, j], w, q).best()
        assert places[j] == pytest.approx(float(place), rel=1e-12)
        assert gains[j] == pytest.approx(float(gain), rel=1e-12)


def test_a_dependent_column_is_left_out_of_the_base():
    x, _, w = world(4)
    q = orthonormal(np.column_stack([np.ones_like(x), x, 3 * x - 2]), w)
    assert q.shape[1] == 2
    assert q.T @ (w[:, None] * q) == pytest.approx(np.eye(2), abs=1e-12)


def test_a_response_of_the_base_leaves_nothing_and_gains_nothing():
    x, _, w = world(5)
    q = orthonormal(BASES["both"](x), w)
    y = 4 - 7 * x
    assert np.max(np.abs(base_residual(y, q, w))) < 1e-13
    assert float(hinge_profile(x, y, w, q).best()[1]) < 1e-24


def test_a_place_the_base_spans_is_in_no_set():
    """Beside another breakpoint and its shift the profile is 0/0; rounding there must not enter an interval."""
    x, y, w = world(6)
    for held in (-0.7, 0.4, float(x[20])):
        base = np.column_stack([np.ones_like(x), x, np.maximum(x - held, 0), (x > held).astype(float)])
        profile = hinge_profile(x, y, w, orthonormal(base, w))
        gap = np.searchsorted(x, held)
        spanned = np.linspace(x[gap - 1], x[gap], 5)[1:-1] if held not in x else np.array([held])
        assert profile.gain(spanned) == pytest.approx(0.0, abs=1e-12)
        for scale in (1.0, 1e-3, 1e4):
            scaled = hinge_profile(x, scale * y, w, orthonormal(base, w))
            pieces = scaled.above(0.5 * float(scaled.best()[1]))
            assert pieces == [pytest.approx(p, rel=1e-6) for p in profile.above(0.5 * float(profile.best()[1]))]
