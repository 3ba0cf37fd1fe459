"""Breakpoint intervals cover and tests hold their size under correlated noise; negative controls do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

import curvefit as cf
from curvefit.segmentation import bump as bump_module
from curvefit.segmentation._existence import assess_existence, davies_p
from curvefit.segmentation._noise import noise_paths
from curvefit.segmentation._problem import prepare

N = 200
X = np.linspace(0.05, 10, N)
LINE = 1 + 0.3 * (10 - X)
KINK = 5 - 0.8 * np.minimum(X, 6.5)


def noise(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Noise of standard deviation near 1."""
    if kind == "t3":
        return rng.standard_t(3, N) / np.sqrt(3)
    rho = float(kind[2:]) if kind.startswith("ar") else 0.0
    z = noise_paths(np.array([rho]), rng.standard_normal((N, 1)))[:, 0]
    return z * LINE / 2 if kind == "follows the line" else z


def exceeds(hits: int, runs: int, promised: float) -> bool:
    """Whether so many hits happen less than once in a thousand studies under the promised rate."""
    return bool(binom.sf(hits - 1, runs, promised) < 1e-3)


SIZES = {"white": 0.07, "ar.7": 0.07, "t3": 0.07, "follows the line": 0.07, "ar.9": 0.10}


def rejections(kind: str, runs: int) -> tuple[int, int]:
    """How often the sup-F test and Davies' bound see a breakpoint in a straight line at 5 %."""
    rng = np.random.default_rng(17)
    ours = davies = 0
    for _ in range(runs):
        y = LINE + 0.1 * noise(kind, rng)
        design = prepare((X, y), None, "linear", "linear", False, False, None).design
        ours += assess_existence(design, True, rng).p_value <= 0.05
        davies += davies_p(X, y) <= 0.05
    return ours, davies


@pytest.mark.parametrize("kind", list(SIZES))
def test_the_existence_test_holds_its_size(kind):
    assert not exceeds(rejections(kind, 60)[0], 60, SIZES[kind])


def test_a_test_that_takes_correlated_noise_for_independent_does_not():
    """Negative control."""
    assert exceeds(rejections("ar.7", 60)[1], 60, 0.07)


def coverage(kind: str, runs: int, interval: str, assumed: str) -> int:
    """How often the interval of one breakpoint holds the truth."""
    rng = np.random.default_rng(18)
    hits = 0
    for _ in range(runs):
        y = KINK + 0.1 * noise(kind, rng)
        place = cf.segment((X, y), 1, interval=interval, noise=assumed, rng=rng).breakpoints[0].interval
        hits += place.low <= 6.5 <= place.high
    return hits


PROMISES = {"white": 0.915, "ar.7": 0.86}


@pytest.mark.parametrize("kind", list(PROMISES))
def test_the_default_interval_covers(kind):
    assert not exceeds(60 - coverage(kind, 60, "profile_likelihood", "auto"), 60, 1 - PROMISES[kind])


def test_an_interval_that_takes_correlated_noise_for_independent_does_not():
    """Negative control: the delta method with white noise."""
    assert exceeds(60 - coverage("ar.7", 60, "delta", "white"), 60, 1 - PROMISES["ar.7"])


MANY = 400  # series, curves or bumps of each full-size check


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(SIZES))
def test_the_existence_test_holds_its_size_in_many_series(kind):
    ours, davies = rejections(kind, MANY)
    assert not exceeds(ours, MANY, SIZES[kind])
    if kind == "ar.7":
        assert exceeds(davies, MANY, SIZES[kind])  # negative control


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "interval", "promised"),
    [
        ("white", "profile_likelihood", 0.915),
        ("ar.7", "profile_likelihood", 0.86),
        ("white", "profile_sieve", 0.93),
        ("ar.7", "profile_sieve", 0.93),
        ("ar.9", "profile_sieve", 0.86),
    ],
)
def test_intervals_cover_in_many_series(kind, interval, promised):
    assert not exceeds(MANY - coverage(kind, MANY, interval, "auto"), MANY, 1 - promised)


@pytest.mark.slow
def test_an_interval_that_takes_correlated_noise_for_independent_covers_too_seldom_in_many_series():
    """Negative control."""
    assert exceeds(MANY - coverage("ar.7", MANY, "delta", "white"), MANY, 1 - PROMISES["ar.7"])


def numbers(k: int, runs: int, assumed: str) -> tuple[int, int]:
    """How often exactly k breakpoints are selected where there are k, and how often more; AR(.7) noise."""
    rng = np.random.default_rng(19)
    places = {0: (), 1: (6.5,), 2: (3.0, 6.5), 3: (2.5, 5.0, 7.5)}[k]
    mean = 5 - 0.8 * X + sum(0.8 * (-1) ** j * np.maximum(X - p, 0) for j, p in enumerate(places))
    found = [len(cf.segment((X, mean + 0.1 * noise("ar.7", rng)), noise=assumed).breakpoints) for _ in range(runs)]
    return sum(f == k for f in found), sum(f > k for f in found)


@pytest.mark.slow
@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_the_number_of_breakpoints_is_found(k):
    exact, over = numbers(k, MANY // 4, "auto")
    assert not exceeds(MANY // 4 - exact, MANY // 4, 0.20)
    assert not exceeds(over, MANY // 4, 0.10)


@pytest.mark.slow
def test_selection_that_takes_correlated_noise_for_independent_finds_too_many():
    """Negative control."""
    assert exceeds(numbers(1, 20, "white")[1], 20, 0.10)


def bumps(kind: str, runs: int, height: float) -> int:
    """How often the verdict at 5 % is that there is a bump on an exponential decay."""
    rng = np.random.default_rng(20)
    mean = 1 + 3 * np.exp(-X / 2.5) + 0.1 * height * np.exp(-0.5 * ((X - 6) / 0.6) ** 2)
    shape = mean / np.mean(mean) / (LINE / 2)  # noise() follows the line where asked to: here the curve
    scale = shape if kind == "follows the line" else 1.0
    seen = (cf.double_descent((X, mean + 0.1 * scale * noise(kind, rng)), rng=rng) for _ in range(runs))
    return sum(found.verdict == "present" for found in seen)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(SIZES))
def test_the_bump_test_holds_its_size(kind):
    assert not exceeds(bumps(kind, MANY, 0.0), MANY, 0.07)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "height", "promised"), [("white", 6.0, 0.95), ("ar.7", 10.0, 0.90)])
def test_the_bump_test_sees_bumps(kind, height, promised):
    assert not exceeds(100 - bumps(kind, 100, height), 100, 1 - promised)


@pytest.mark.slow
def test_a_bump_test_that_takes_correlated_noise_for_independent_sees_bumps_everywhere(monkeypatch):
    """Negative control."""
    monkeypatch.setattr(bump_module, "correlation", lambda *_: (0.0, 0.0))
    assert exceeds(bumps("ar.7", 60, 0.0), 60, 0.07)


@pytest.mark.slow
def test_a_stream_of_noise_makes_few_events():
    from curvefit.segmentation.change_stream import ChangeStream

    rng = np.random.default_rng(21)
    false = {"auto": 0, "white": 0}
    for _ in range(30):
        y = noise_paths(np.array([0.7]), rng.standard_normal((2000, 1)))[:, 0]
        for assumed in false:
            false[assumed] += bool(ChangeStream(noise=assumed).update(np.arange(2000.0), y))
    assert not exceeds(false["auto"], 30, 0.10)
    assert exceeds(false["white"], 30, 0.10)  # negative control
