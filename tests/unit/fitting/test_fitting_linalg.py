"""Covariance by column-scaled QR against closed forms and an oracle in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from curvefit.curves import DataError
from curvefit.fitting._linalg import scaled_qr_covariance


def exact_inverse_of_normal_matrix(jacobian: np.ndarray) -> np.ndarray:
    """(J'J)^-1 by Gauss-Jordan in fractions: no rounding at all."""
    rows = [[Fraction(float(v)) for v in row] for row in jacobian]
    p = len(rows[0])
    a = [
        [sum(r[i] * r[j] for r in rows) for j in range(p)] + [Fraction(int(i == j)) for j in range(p)] for i in range(p)
    ]
    for i in range(p):
        pivot = a[i][i]
        a[i] = [v / pivot for v in a[i]]
        for k in range(p):
            if k != i:
                factor = a[k][i]
                a[k] = [v - factor * w for v, w in zip(a[k], a[i], strict=True)]
    return np.array([[float(v) for v in row[p:]] for row in a])


def test_straight_line_has_the_textbook_covariance():
    x = np.arange(5.0)
    jacobian = np.column_stack([np.ones(5), x])
    covariance, condition = scaled_qr_covariance(jacobian, rss=6.0, dof=3)
    sxx = np.sum((x - 2.0) ** 2)
    np.testing.assert_allclose(
        covariance, 2.0 * np.array([[1 / 5 + 4 / sxx, -2 / sxx], [-2 / sxx, 1 / sxx]]), rtol=1e-14
    )
    assert 1 < condition < 10


@pytest.mark.parametrize("units", [(1.0, 1.0, 1.0, 1.0), (1e-12, 1e9, 1.0, 1e-3), (1e-150, 1e150, 1e-8, 1.0)])
def test_units_of_the_parameters_cost_no_digits(units):
    x = np.linspace(1.0, 3.0, 12)
    base = np.column_stack([np.ones(12), x, x**2, x**3])
    exact = exact_inverse_of_normal_matrix(base)
    scale = np.array(units)
    covariance, condition = scaled_qr_covariance(base * scale, rss=8.0, dof=8)
    np.testing.assert_allclose(covariance * scale * scale[:, None], exact, rtol=1e-9)
    plain = scaled_qr_covariance(base, rss=8.0, dof=8)[1]
    assert condition == pytest.approx(plain, rel=1e-6)


def test_pinv_of_the_normal_matrix_is_the_negative_control():
    x = np.linspace(1.0, 3.0, 12)
    jacobian = np.column_stack([np.ones(12), x]) * np.array([1.0, 1e-10])
    wrong = np.linalg.pinv(jacobian.T @ jacobian)
    right = exact_inverse_of_normal_matrix(jacobian)
    assert not np.allclose(wrong, right, rtol=0.5, atol=0)
    np.testing.assert_allclose(scaled_qr_covariance(jacobian, 10.0, 10)[0], right, rtol=1e-12)


def test_rank_deficiency_is_reported_and_spares_determined_parameters():
    x = np.linspace(0.0, 1.0, 9)
    jacobian = np.column_stack([np.ones(9), x, 2.0 * x])
    covariance, condition = scaled_qr_covariance(jacobian, 7.0, 7)
    assert np.isinf(condition)
    assert np.isinf(covariance[1, 1])
    assert np.isinf(covariance[2, 2])
    line = scaled_qr_covariance(jacobian[:, :2], 7.0, 7)[0]
    assert covariance[0, 0] == pytest.approx(line[0, 0], rel=1e-10)
    assert np.isnan(covariance[0, 1])


def test_a_parameter_without_effect_has_infinite_variance():
    jacobian = np.column_stack([np.ones(4), np.zeros(4)])
    covariance, condition = scaled_qr_covariance(jacobian, 3.0, 3)
    assert np.isinf(condition)
    assert np.isinf(covariance[1, 1])
    assert covariance[0, 0] == pytest.approx(0.25)


def test_more_parameters_than_points_and_no_degrees_of_freedom():
    jacobian = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]])
    covariance, condition = scaled_qr_covariance(jacobian, 0.0, -1)
    assert np.isinf(condition)
    assert np.all(np.isinf(np.diag(covariance)))
    square, _ = scaled_qr_covariance(np.eye(2), 0.0, 0)
    assert np.all(np.isinf(np.diag(square)))


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((0, 2)), np.array([[1.0, np.nan]])])
def test_unusable_jacobians_are_refused(bad):
    with pytest.raises(DataError):
        scaled_qr_covariance(bad, 1.0, 1)
