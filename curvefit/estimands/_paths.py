"""Mean curves a fit allows: the fitted one, and draws around it that bend as the law bends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._local_mean import index_bins

if TYPE_CHECKING:
    from ..fitting.fit import Fit

__all__ = ["mean_paths"]

_DRAWS = 200
_KNOTS = 48
_Array = NDArray[np.float64]


def mean_paths(fit: Fit, x: _Array) -> _Array | None:
    r"""Draws of the mean curve from the uncertainty of a fit, the fitted curve first.

    .. math:: \log(\theta_d + o) \sim N, \qquad
              c_d = \arg\min_c \sum_k n_k \big(f(x_k; \hat c, \hat\theta) + \delta_d(x_k) - B(x_k; \theta_d)\,c\big)^2

    Parameters
    ----------
    fit : Fit
        With a finite covariance.
    x : ndarray, shape (m,)
        Where, in the unit of the curve's x.

    Returns
    -------
    ndarray, shape (201, m), or None when the fit has no finite covariance

    Notes
    -----
    A normal distribution of all parameters at once would leave the ridge that asymptote, gap and exponent share. Shape
    parameters are drawn on their search scale and the linear ones solved again, so that every draw still passes
    through the data; delta is what the data leave open about the linear ones once the shape is known. The draws are
    the same in every call (a fixed generator), so an estimate does not change from run to run.
    """
    model = fit.model
    vector, covariance = model.vector(fit.params), np.asarray(fit.covariance, dtype=np.float64)
    if not (np.all(np.isfinite(covariance)) and np.all(np.isfinite(vector))):
        return None
    k = len(model.linear)
    c, theta = vector[:k], vector[k:]
    rng = np.random.default_rng(20)
    used = fit.curve.x[fit.dropped :]
    starts, weight = index_bins(used.size, _KNOTS)
    knots, weight = used[starts + (weight / 2).astype(int)], np.sqrt(weight / used.size)
    offset = np.array([s.offset for s in model.shape])
    spread = covariance[k:, k:] / np.outer(theta + offset, theta + offset)
    exponent = np.log(theta + offset) + _normal(spread, rng)
    shapes = np.exp(np.minimum(exponent, 300.0)) - offset  # what the data leave wide open goes to its bound below
    low = np.array([s.low for s in model.shape])
    high = np.array([s.high for s in model.shape])
    shapes = np.clip(shapes, low, high)
    cross = covariance[:k, k:]
    # pinv of a covariance of one to three shapes, which may be singular
    open_linear = covariance[:k, :k] - (cross @ np.linalg.pinv(covariance[k:, k:]) @ cross.T if theta.size else 0.0)
    here = weight[:, None] * _basis(fit, knots, theta[None, :])[0]  # (knots, k)
    wanted = here @ c + _normal(open_linear, rng) @ here.T  # (draws, knots)
    bent = weight[:, None] * _basis(fit, knots, shapes)  # (draws, knots, k)
    scale = np.sqrt(np.sum(bent**2, axis=1, keepdims=True))
    scale[scale == 0] = 1.0
    scaled = bent / scale
    gram = np.einsum("dnk,dnl->dkl", scaled, scaled) + 1e-12 * np.eye(k)
    right = np.einsum("dnk,dn->dk", scaled, wanted)
    solved = np.linalg.solve(gram, right[..., None])[..., 0] / scale[:, 0, :]
    with np.errstate(over="ignore", invalid="ignore"):
        drawn = np.einsum("dmk,dk->dm", _basis(fit, x, shapes), solved)
    fitted = model.predict(x, vector)
    ok = np.all(np.isfinite(drawn), axis=1)
    return np.vstack([fitted, drawn[ok]])


def _normal(covariance: _Array, rng: np.random.Generator) -> _Array:
    """Draws of a normal vector with mean 0, shape (draws, p); directions of negative variance by rounding are 0."""
    p = covariance.shape[0]
    if p == 0:
        return np.zeros((_DRAWS, 0))
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    root = vectors * np.sqrt(np.maximum(values, 0.0)) * scale[:, None]
    out: _Array = rng.standard_normal((_DRAWS, p)) @ root.T
    return out


def _basis(fit: Fit, x: _Array, shapes: _Array) -> _Array:
    """Basis functions at x for each row of shape parameters, shape (rows, len(x), k)."""
    columns = fit.model.basis(x[None, :], *(shapes[:, j, None] for j in range(shapes.shape[1])))
    full = (shapes.shape[0], x.size)
    return np.stack([np.broadcast_to(column, full) for column in columns], axis=-1)
