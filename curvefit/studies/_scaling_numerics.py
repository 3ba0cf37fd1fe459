"""Fitting sums of inverse powers with a robust loss: linear parameters eliminated on a grid, then Gauss-Newton.

Everything works on a batch of weightings at once (bootstrap replicates are weights), on centered log variables.
Parameters of one fit: ``[E, log a_1 .. log a_k, alpha_1 .. alpha_k]`` with ``a_j`` the term at the center of the data.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["law", "objective", "polish", "profile_starts"]

Array = NDArray[np.float64]
_EXPONENTS = np.array(
    [0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0]
)
_LAMBDA = 1e-3
_TINY = 1e-300


def law(parameters: Array, z: Array) -> tuple[Array, Array]:
    """Terms (batch, k, n) and their sum with the floor (batch, n) at centered logs ``z`` of shape (k, n)."""
    k = z.shape[0]
    terms: Array = np.exp(parameters[:, 1 : 1 + k, None] - parameters[:, 1 + k :, None] * z)
    return terms, parameters[:, :1] + terms.sum(axis=1)


def objective(parameters: Array, z: Array, log_y: Array, weights: Array, delta: float) -> Array:
    """Weighted sum of Huber's loss of the log residuals, by replicate; infinite for a delta of infinity is squares."""
    r = np.abs(log_y - np.log(np.maximum(law(parameters, z)[1], _TINY)))
    loss = np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta) if np.isfinite(delta) else 0.0)
    total: Array = (weights * loss).sum(axis=1)
    return total


def profile_starts(z: Array, log_y: Array, delta: float, count: int) -> Array:
    """The best nodes of a grid over exponents, the linear parameters eliminated at each by relative least squares.

    Parameters
    ----------
    z : ndarray, shape (k, n)
        Centered logs of the variables.
    log_y : ndarray, shape (n,)
        Logs of the losses.
    delta : float
        Of Huber's loss, which ranks the nodes.
    count : int
        How many nodes to return.

    Returns
    -------
    ndarray, shape (count or fewer, 1 + 2 k)
    """
    k, n = z.shape
    nodes = np.stack(np.meshgrid(*[_EXPONENTS] * k, indexing="ij"), axis=-1).reshape(-1, k)
    basis = np.empty((len(nodes), n, k + 1))
    basis[:, :, 0] = 1.0
    basis[:, :, 1:] = np.exp(-nodes[:, None, :] * z.T)
    basis *= np.exp(-log_y)[None, :, None]  # residuals relative to the loss
    linear = _nonnegative(basis)
    keep = (linear[:, 1:] > 0).all(axis=1)
    if not keep.any():
        return np.empty((0, 1 + 2 * k))
    starts = np.concatenate([linear[keep, :1], np.log(linear[keep, 1:]), nodes[keep]], axis=1)
    found = objective(starts, z, log_y, np.ones((1, n)), delta)
    picked: Array = starts[np.argsort(found, kind="stable")[:count]]
    return picked


def _nonnegative(basis: Array) -> Array:
    """Least squares of ones on every basis, the floor held at zero where it would be negative."""
    gram = basis.transpose(0, 2, 1) @ basis
    right = basis.sum(axis=1)
    size = gram.shape[1]
    ridge = 1e-12 * np.einsum("bii->b", gram)[:, None, None] * np.eye(size)
    free: Array = np.linalg.solve(gram + ridge, right[:, :, None])[:, :, 0]
    below = free[:, 0] < 0
    if below.any():
        part = (gram + ridge)[below][:, 1:, 1:]
        free[below, 0] = 0.0
        free[below, 1:] = np.linalg.solve(part, right[below, 1:, None])[:, :, 0]
    return free


def polish(
    start: Array, z: Array, log_y: Array, weights: Array, delta: float, *, iterations: int, floor: bool = True
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Damped Gauss-Newton on Huber's loss, reweighted at every step, for a batch of weightings.

    Parameters
    ----------
    start : ndarray, shape (b, p)
        Where to start.
    z, log_y : ndarray
        Centered logs of the variables, and logs of the losses.
    weights : ndarray, shape (b, n) or (1, n)
        How often every point counts.
    delta : float
        Where Huber's loss turns linear; infinite for squares.
    iterations : int
        At most; a replicate is left alone once its loss falls by less than 1e-13 of itself.
    floor : bool
        Whether there is a floor E; else it stays zero.

    Returns
    -------
    parameters, objective, settled
    """
    parameters = start.copy()
    current = objective(parameters, z, log_y, weights, delta)
    damping = np.full(len(parameters), _LAMBDA)
    settled = np.zeros(len(parameters), dtype=bool)
    first = 0 if floor else 1
    identity = np.eye(parameters.shape[1] - first)
    for _ in range(iterations):
        at = np.flatnonzero(~settled)
        if not at.size:
            break
        part, share = parameters[at], weights if len(weights) == 1 else weights[at]
        terms, mean = law(part, z)
        residual = log_y - np.log(np.maximum(mean, _TINY))
        jacobian = np.concatenate([np.ones_like(mean)[:, None], terms, -terms * z], axis=1)[:, first:]
        jacobian /= np.maximum(mean, _TINY)[:, None]
        weight = share * np.minimum(1.0, delta / np.maximum(np.abs(residual), _TINY))
        weighted = jacobian * weight[:, None]
        hessian = weighted @ jacobian.transpose(0, 2, 1)
        gradient = weighted @ residual[:, :, None]
        if floor:  # a floor that lies at zero and would go below is held there for this step
            held = (part[:, 0] <= 0) & (gradient[:, 0, 0] < 0)
            hessian[held, 0, :] = 0.0
            hessian[held, :, 0] = 0.0
            hessian[held, 0, 0] = 1.0
            gradient[held, 0] = 0.0
        scale = np.einsum("bii->bi", hessian) + _TINY
        damped = hessian + (damping[at, None] * scale + 1e-14 * scale.max(axis=1, keepdims=True))[:, :, None] * identity
        step = np.linalg.solve(damped, gradient)[:, :, 0]
        tried = part.copy()
        tried[:, first:] += np.clip(step, -2.0, 2.0)
        tried[:, 0] = np.maximum(tried[:, 0], 0.0)
        found = objective(tried, z, log_y, share, delta)
        better = found < current[at]
        gained = np.where(better, current[at] - found, 0.0)
        parameters[at[better]] = tried[better]
        small = (gained <= 1e-13 * np.maximum(current[at], _TINY)) & (damping[at] <= 1.0)
        settled[at] = np.where(better, small, damping[at] > 1e6)
        current[at] = np.where(better, found, current[at])
        damping[at] = np.where(better, np.maximum(damping[at] * 0.3, 1e-12), damping[at] * 6.0)
    return parameters, current, settled
