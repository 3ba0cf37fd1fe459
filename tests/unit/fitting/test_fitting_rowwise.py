"""Noise and correlation of many rows at once are those of each row."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.fitting._rowwise import lag1_rows, median_rows, regular_rows, robust_sd_rows
from curvefit.fitting.autocorrelation import lag1, regularly_spaced, robust_sd


def rows(n: int) -> np.ndarray:
    rng = np.random.default_rng(n)
    y = rng.standard_normal((9, n)).cumsum(axis=1) * 0.1 + rng.standard_normal((9, n))
    y[1] = 2.0  # constant
    y[2] = np.round(y[2])  # more than half of the differences may vanish
    y[3] *= 1e-300
    y[4] *= 1e200
    y[5, n // 2] += 1e6
    y[6] = 0.0
    return y


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 20, 101])
def test_rows_are_as_one_by_one(n):
    y = rows(n)
    assert median_rows(y) == pytest.approx(np.median(y, axis=1), rel=1e-15)
    for order in (0, 1, 2):
        alone = [robust_sd(row, order=order) for row in y]
        assert robust_sd_rows(y, order=order) == pytest.approx(alone, rel=1e-12)
    for parameters in (1, 2, 5):
        alone = [lag1(row, parameters=parameters) for row in y]
        assert lag1_rows(y, parameters=parameters) == pytest.approx(alone, rel=1e-9, abs=1e-12)


def test_rows_that_hold_no_number_have_no_median():
    assert np.isnan(median_rows(np.array([[1.0, np.nan, 2.0], [1.0, 2.0, np.nan]]))).all()
    assert np.isnan(median_rows(np.array([[1.0, np.nan], [3.0, 5.0]]))).tolist() == [True, False]


def test_regular_rows_increase_and_have_even_steps():
    x = np.array([[1.0, 2, 3, 4], [1, 2, 4, 8], [1, 1, 2, 3], [0, 10, 20, 31]])
    found = regular_rows(x).tolist()
    assert found == [True, False, False, True]
    assert [regularly_spaced(row) for row in x[[0, 1, 3]]] == [True, False, True]
    assert regular_rows(np.array([[1.0, 2.0], [1.0, 1.0]])).tolist() == [True, False]
