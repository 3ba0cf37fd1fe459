"""Lines of many curves at once: planted periods are found where they are, by themselves and in company."""

import numpy as np
import pytest

from curvefit.diagnostics._periodogram import _background, _powers, strongest_lines


def waves(cycles, n=240, seed=0, amplitude=1.0):
    rng = np.random.default_rng([seed, n])
    t = np.arange(n) / n
    return [rng.standard_normal(n) + amplitude * np.sin(2 * np.pi * (c * t + rng.uniform())) for c in cycles]


@pytest.mark.parametrize("n", [240, 5000])
def test_a_wave_is_found_between_whole_numbers_of_cycles(n):
    planted = [13.0, 20.2, 31.4, 17.75]
    found = strongest_lines(waves(planted, n), [None] * 4)
    assert [one.cycles for one in found] == pytest.approx(planted, abs=0.2)  # four standard errors at 240 points
    assert all(one.p_value < 1e-6 for one in found)
    assert [one.power for one in found] == pytest.approx([0.5] * 4, rel=0.6)


def test_noise_has_no_line():
    found = strongest_lines(waves([20.0] * 200, amplitude=0.0), [None] * 200)
    assert 0 <= sum(one.p_value < 0.05 for one in found) <= 10


def test_company_does_not_matter():
    z = waves([13.0, 20.2, 31.4, 50.0, 8.0], amplitude=0.3)
    z[2] = np.ones(240)
    known = [None, 240 / 20.2, None, 30.0, None]
    for one, other, length in zip(strongest_lines(z, known), z, known, strict=True):
        own = strongest_lines([other], [length])[0]
        assert (one is None) == (own is None)
        if one is not None and own is not None:
            assert (one.p_value, one.cycles, one.power) == pytest.approx((own.p_value, own.cycles, own.power), rel=1e-9)


def test_the_place_is_where_the_fourier_sum_is_highest():
    z = waves([22.3], amplitude=2.0)[0]
    found = strongest_lines([z], [None])[0]
    t = np.arange(240) / 240
    tried = np.arange(21.0, 24.0, 0.01)
    power = np.abs(np.exp(-2j * np.pi * np.outer(tried, t)) @ (z - z.mean())) ** 2
    assert found.cycles == pytest.approx(tried[np.argmax(power)], abs=0.06)


def test_a_known_length_needs_no_search():
    z = waves([20.0], amplitude=0.45, seed=3)
    searched, known = (strongest_lines(z, [length])[0] for length in (None, 12.0))
    assert known.p_value < 0.2 * searched.p_value
    assert known.cycles == 20.0


def test_the_background_follows_an_even_spectrum():
    raw = _powers(np.random.default_rng(1).standard_normal((300, 240)))
    ratio = raw / _background(raw)
    assert 0.75 < float(np.mean(ratio[:, 20:])) < 1.0  # taken higher than it is fitted
