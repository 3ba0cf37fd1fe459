"""Scores of a predictive distribution against what came, from its quantiles and its distribution function alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .forecast import Distribution

__all__ = ["crps", "logpdf"]

Array = NDArray[np.float64]
_LARGEST, _SMALLEST = float(np.finfo(float).max), float(np.finfo(float).tiny)

# Knots even in the log odds, out to probabilities of 1e-9: the ends need no more for tails of four degrees of freedom.
_LOG_ODDS = np.linspace(-20.5, 20.5, 83)
_KNOTS = 1 / (1 + np.exp(-_LOG_ODDS))
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)
_ATOM = 1e-9  # a jump of the distribution function by more than this is probability on one value
_STEP = 0.02  # of a difference, in distances of neighboring knots
_FIVE = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0  # at -2, -1, 1, 2 steps


def crps(distribution: Distribution, values: Array) -> Array:
    r"""Continuous ranked probability score, in the unit of the metric; smaller is better.

    .. math:: \mathrm{CRPS}(F, y) = \int_{-\infty}^{y} F(v)^2\,dv + \int_{y}^{\infty} (1 - F(v))^2\,dv

    Parameters
    ----------
    distribution : Distribution
        At H points.
    values : ndarray, shape (m,) or (H, m)
        What was observed.

    Returns
    -------
    ndarray, shape (H, m)

    Notes
    -----
    Gauss-Legendre quadrature with five nodes between neighboring quantiles at 83 levels, even in the log odds, and the
    observation: steps and narrow parts of the distribution lie between quantiles that are close together, and gaps,
    where it is flat, are integrated exactly. Relative error below 1e-6 for normal, Student-t (four degrees of freedom)
    and log-normal distributions. What lies beyond the probabilities 1e-9 and 1 - 1e-9 counts nothing, so that a
    distribution without a mean has a score.

    References
    ----------
    Gneiting, T. and Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and estimation. Journal of the
    American Statistical Association 102, 359-378.
    """
    knots = distribution.quantile(_KNOTS)
    y = np.broadcast_to(np.asarray(values, dtype=np.float64), (len(knots), np.shape(values)[-1]))
    out = np.empty(y.shape)
    for j in range(y.shape[1]):  # one observation in common use
        v = y[:, j : j + 1]
        edges = np.sort(np.concatenate((knots, v), axis=1), axis=1)
        left, half = edges[:, :-1, None], edges[:, 1:, None] / 2 - edges[:, :-1, None] / 2
        at = left + half * (1 + _NODES)
        p = distribution.cdf(at.reshape(len(at), -1)).reshape(at.shape)
        gap = np.where(at < v[:, :, None], p, 1 - p)
        with np.errstate(over="ignore"):
            out[:, j] = np.minimum(((gap * gap) @ _WEIGHTS * half[..., 0]).sum(axis=1), _LARGEST)
    return out


def logpdf(distribution: Distribution, values: Array) -> Array:
    r"""Log density of what was observed, in nats per unit of the metric; larger is better.

    .. math:: \log f(y) = \log F'(y)

    Parameters
    ----------
    distribution : Distribution
        At H points.
    values : ndarray, shape (m,) or (H, m)
        What was observed.

    Returns
    -------
    ndarray, shape (H, m)
        ``-inf`` where there is no probability to be seen.

    Notes
    -----
    Central difference of fourth order of the distribution function, its step a fiftieth of the distance between
    neighboring quantiles there. Absolute error below 1e-5 inside the probabilities 1e-6 to 1 - 1e-6 for normal,
    Student-t and log-normal distributions; further out rounding of the distribution function near one takes over,
    up to ``-inf`` where less than a probability of about 1e-13 lies above. On a
    value that holds probability (a bound that observations pile up on) it is the log of that probability.
    """
    knots = distribution.quantile(_KNOTS)
    y = np.broadcast_to(np.asarray(values, dtype=np.float64), (len(knots), np.shape(values)[-1]))
    atom = distribution.cdf(y) - distribution.cdf(np.nextafter(y, -np.inf))
    h = _STEP * _spacing(knots, y)
    shifts = np.array([-2.0, -1.0, 1.0, 2.0])
    near = distribution.cdf((y[..., None] + h[..., None] * shifts).reshape(len(y), -1)).reshape(*y.shape, 4)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        smooth = np.log(near @ _FIVE) - np.log(h)
        rough = np.log((near[..., 2] - near[..., 1]) / 2) - np.log(h)  # next to a step, where the fourth order swings
        density = np.where(np.isfinite(smooth), smooth, rough)
        rises = near[..., 3] - near[..., 0] > 4 * np.finfo(float).eps * near[..., 3]
        density = np.where(rises, density, -np.inf)
        out: Array = np.where(atom > _ATOM, np.log(atom), density)
    return np.where(np.isnan(out), -np.inf, out)


def _spacing(knots: Array, y: Array) -> Array:
    """Distance between the quantiles around each value, between knots interpolated; never below rounding."""
    out = np.empty(y.shape)
    for row, (q, v) in enumerate(zip(knots, y, strict=True)):
        width = np.diff(q / 2)
        middle = q[:-1] + width
        ok = width > 0
        out[row] = 2 * np.interp(v, middle[ok], width[ok]) if ok.any() else 0.0
    return np.maximum(out, np.maximum(1e-9 * np.abs(y), _SMALLEST))
