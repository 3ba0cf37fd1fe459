"""Intervals for breakpoints: profile F with effective sample size, the same calibrated by a sieve bootstrap, delta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..fitting.autocorrelation import effective_size
from ._noise import sieve_noise
from ._profile import HingeProfile, base_residual, hinge_profile, orthonormal
from ._search import Design

__all__ = ["BreakInterval", "breakpoint_interval", "coefficient_covariance"]

Array = NDArray[np.float64]
REPLICATES = 199


@dataclass(frozen=True, slots=True)
class BreakInterval:
    """End points (standardized x) and what should be known about them."""

    low: float
    high: float
    notes: tuple[str, ...] = ()


def coefficient_covariance(design: Design, psi: Array, sigma2: float) -> tuple[Array, Array]:
    """Coefficients of base and hinges, and the covariance of (coefficients, breakpoints) by linearization.

    References
    ----------
    Muggeo (2003), Estimating regression models with unknown break-points. Statistics in Medicine 22, 3055-3071.
    """
    columns = design.columns(psi)
    root = np.sqrt(design.w)[:, None]
    beta: Array = np.asarray(np.linalg.lstsq(columns * root, design.y * root[:, 0], rcond=None)[0], dtype=np.float64)
    jac = np.column_stack([columns, _moves(design, psi, beta)]) * root
    norms = np.linalg.norm(jac, axis=0)
    norms[norms == 0] = 1.0
    r = np.asarray(np.linalg.qr(jac / norms)[1])
    try:
        inverse = np.linalg.inv(r) / norms[:, None]
    except np.linalg.LinAlgError:
        return beta, np.full((jac.shape[1], jac.shape[1]), np.nan)
    return beta, np.asarray(sigma2 * (inverse @ inverse.T))


def _moves(design: Design, psi: Array, beta: Array) -> Array:
    """Derivative of the mean with respect to each breakpoint."""
    k = psi.size
    if k == 0:
        return np.zeros((design.x.size, 0))
    right = (design.x[:, None] > psi[None, :]).astype(float)
    return np.asarray(((1 - right) if design.last_zero else -right) * beta[-k:])


def breakpoint_interval(
    design: Design,
    psi: Array,
    i: int,
    rss: float,
    n: int,
    rho: float,
    level: float,
    kind: str,
    rng: np.random.Generator,
) -> BreakInterval:
    """Interval of breakpoint i; arguments as in ``segment``, x standardized."""
    from scipy.stats import f, t

    p = design.columns(psi).shape[1] + psi.size
    inflation = (1 + rho) / (1 - rho)
    dof = max(effective_size(n, rho) - p, 1.0)
    if kind == "delta":
        _, covariance = coefficient_covariance(design, psi, rss / (n - p) * inflation)
        half = float(t.ppf(0.5 + level / 2, dof) * np.sqrt(covariance[-psi.size + i, -psi.size + i]))
        return BreakInterval(float(psi[i]) - half, float(psi[i]) + half)
    profile = _profile_of(design, psi, i, design.y)
    if kind == "block_bootstrap":
        return _block_bootstrap(design, psi, i, level, rng)
    if kind == "profile_sieve":
        quantile = _sieve_quantile(design, psi, i, n, p, rho, level, rng)
    else:
        quantile = float(f.ppf(level, 1, dof)) * inflation
    best = float(profile.base_rss) + design.within - rss  # gain at the joint optimum
    pieces = profile.above(best - quantile * rss / (n - p))
    pieces = [q for q in pieces if q[1] >= q[0]]
    own = float(psi[i])
    if not pieces:
        return BreakInterval(own, own, ("the profile gave no interval",))
    # neighbors bound a breakpoint: a piece beyond them belongs to another one
    low_edge = float(psi[i - 1]) if i > 0 else -np.inf
    high_edge = float(psi[i + 1]) if i + 1 < psi.size else np.inf
    pieces = [(max(a, low_edge), min(b, high_edge)) for a, b in pieces if b > low_edge and a < high_edge] or [
        (own, own)
    ]
    notes = []
    if len(pieces) > 1:
        notes.append(f"the {level:.0%} set is a union of {len(pieces)} intervals; their hull is given")
    if pieces[0][0] <= max(float(profile.left[0]), low_edge) or pieces[-1][1] >= min(
        float(profile.right[-1]), high_edge
    ):
        notes.append("the interval reaches the edge of the range searched")
    return BreakInterval(min(pieces[0][0], own), max(pieces[-1][1], own), tuple(notes))


def _profile_of(design: Design, psi: Array, i: int, y: Array) -> HingeProfile:
    """Profile over breakpoint i with the other hinges and their shifts (linearized) in the base."""
    others = np.delete(psi, i)
    columns = design.columns(others)
    if others.size:
        columns = np.column_stack([columns, (design.x[:, None] > others[None, :]).astype(float)])
    q = orthonormal(columns, design.w)
    return hinge_profile(design.x, y, design.w, q, min_size=design.min_size, side=design.side)


def _sieve_quantile(
    design: Design, psi: Array, i: int, n: int, p: int, rho: float, level: float, rng: np.random.Generator
) -> float:
    q = orthonormal(design.columns(psi), design.w)
    residual = base_residual(design.y, q, design.w)
    fitted = design.y - residual
    # ties average the noise: a point of weight w has variance sigma^2 / w
    sd = np.sqrt(np.sum(design.w * residual**2) / max(n - p, 1) / design.w)
    noise = sieve_noise(rho, design.x.size, REPLICATES, rng)
    profile = _profile_of(design, psi, i, fitted[:, None] + sd[:, None] * noise)
    _, gain = profile.best()
    held = profile.gain(np.array([float(psi[i])]))[0]
    rest = np.maximum(profile.base_rss - gain, 1e-300) / max(design.x.size - p, 1)
    return float(np.quantile((gain - held) / rest, level, method="higher"))


def _block_bootstrap(design: Design, psi: Array, i: int, level: float, rng: np.random.Generator) -> BreakInterval:
    """Percentile interval from moving blocks of residuals; for comparison."""
    n = design.x.size
    length = max(2, round(2 * n ** (1 / 3)))
    q = orthonormal(design.columns(psi), design.w)
    residual = base_residual(design.y, q, design.w)
    starts = rng.integers(0, n - length + 1, (-(-n // length), REPLICATES))
    index = (starts[:, None, :] + np.arange(length)[None, :, None]).reshape(-1, REPLICATES)[:n]
    y = (design.y - residual)[:, None] + (residual - residual.mean())[index]
    places, _ = _profile_of(design, psi, i, y).best()
    low, high = np.quantile(places, [(1 - level) / 2, (1 + level) / 2])
    return BreakInterval(float(low), float(high))
