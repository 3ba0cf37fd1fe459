"""Covariance of least-squares estimates from the Jacobian, without ever forming its normal equations."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import DataError

__all__ = ["scaled_qr_covariance"]


def scaled_qr_covariance(jacobian: ArrayLike, rss: float, dof: float) -> tuple[NDArray[np.float64], float]:
    r"""Covariance of the estimates, $s^2 (J^\top J)^{-1}$ with $s^2 = \mathrm{RSS}/\nu$, by column-scaled QR.

    With $D$ the column norms of $J$ and $J D^{-1} = Q R$,

    $$\mathrm{Cov} = s^2\, D^{-1} R^{-1} R^{-\top} D^{-1}.$$

    Parameters
    ----------
    jacobian : array-like, shape (n, p)
        Derivatives of the (weighted) model by its parameters at the optimum.
    rss : float
        (Weighted) residual sum of squares, in squared units of the response.
    dof : float
        Residual degrees of freedom $\nu$; may be fractional (effective sample sizes).

    Returns
    -------
    covariance : ndarray, shape (p, p)
        Rows and columns of parameters that the data do not determine are NaN with an infinite variance; the
        others are unaffected by them. All variances are infinite when ``dof <= 0``.
    condition_number : float
        Ratio of the largest to the smallest singular value of $J D^{-1}$; infinite when the rank is below p,
        so that ``isinf(condition_number)`` is the test for rank deficiency.

    Raises
    ------
    DataError
        If the Jacobian is not a non-empty matrix of finite numbers.

    Notes
    -----
    Scaling the columns makes the result independent of the parameters' units, as van der Sluis showed it is nearly
    the best diagonal scaling; a pseudo-inverse of $J^\top J$ squares the condition number and then cuts off, which
    loses every digit when units differ by many orders of magnitude.

    References
    ----------
    A. van der Sluis (1969), "Condition numbers and equilibration of matrices", Numerische Mathematik 14, 14-23.
    D. M. Bates and D. G. Watts (1988), "Nonlinear Regression Analysis and Its Applications", Wiley, section 2.3.
    """
    matrix = np.asarray(jacobian, dtype=np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise DataError(f"a Jacobian has one row per observation and one column per parameter, got {matrix.shape}")
    if not np.all(np.isfinite(matrix)):
        raise DataError("the Jacobian holds non-finite numbers", hint="check the model near the optimum")
    n, p = matrix.shape
    largest = np.max(np.abs(matrix), axis=0)
    largest[largest == 0] = 1.0
    norms = largest * np.linalg.norm(matrix / largest, axis=0)  # in two steps: no overflow in the squares
    scale = np.where(norms > 0, norms, 1.0)
    r = np.linalg.qr(matrix / scale, mode="r")
    _, singular, rows = np.linalg.svd(r, full_matrices=True)
    values = np.zeros(p)
    values[: singular.size] = singular
    tolerance = values[0] * max(n, p) * np.finfo(np.float64).eps
    kept = values > tolerance
    full_rank = bool(np.all(kept))
    condition = float(values[0] / values[-1]) if full_rank else math.inf

    if full_rank:
        inverse = np.linalg.solve(r, np.eye(p))
        determined = np.ones(p, dtype=bool)
    else:
        inverse = (rows[kept].T / values[kept]) if np.any(kept) else np.zeros((p, 1))
        null = rows[~kept]
        determined = np.max(np.abs(null), axis=0) <= math.sqrt(np.finfo(np.float64).eps)
    inverse = inverse / scale[:, np.newaxis]
    variance = rss / dof if dof > 0 else math.inf
    with np.errstate(over="ignore", invalid="ignore"):
        covariance = (inverse * variance) @ inverse.T if math.isfinite(variance) else np.full((p, p), np.nan)
    if not math.isfinite(variance):
        determined = np.zeros(p, dtype=bool)
    covariance[~determined, :] = np.nan
    covariance[:, ~determined] = np.nan
    covariance[~determined, ~determined] = math.inf
    return (covariance + covariance.T) / 2, condition
