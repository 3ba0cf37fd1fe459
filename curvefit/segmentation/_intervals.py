"""Intervals for breakpoints: profile F with effective sample size, the same calibrated by a sieve bootstrap, delta."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..fitting.autocorrelation import lag1, regularly_spaced
from ._noise import HIGHEST, correlated_gram, noise_paths, sieve_noise
from ._profile import HingeProfile, base_residual, orthonormal
from ._search import Design, hinges

__all__ = ["BreakInterval", "breakpoint_interval", "coefficient_covariance"]

Array = NDArray[np.float64]
REPLICATES = 199
SMALL = 2000  # distinct x up to which the bias of the correlation is simulated; beyond it is nothing
PLACES = 400  # at which a profile is given
SINGULAR = 1e12  # condition number beyond which a covariance is rounding


@dataclass(frozen=True, slots=True, eq=False)
class BreakInterval:
    """End points (standardized x), what should be known about them, and the profile they were read from."""

    low: float
    high: float
    notes: tuple[str, ...] = ()
    places: Array = field(default_factory=lambda: np.zeros(0))
    rss: Array = field(default_factory=lambda: np.zeros(0))
    limit: float = float("nan")


def coefficient_covariance(design: Design, psi: Array, sigma2: float, rho: float = 0.0) -> tuple[Array, Array]:
    """Coefficients of ``design.columns`` and the covariance of (coefficients, breakpoints) by linearization.

    Correlated noise of regular spacing multiplies it by (1 + rho)/(1 - rho); with irregular spacing its sandwich with
    the correlations themselves is taken.

    References
    ----------
    Muggeo (2003), Estimating regression models with unknown break-points. Statistics in Medicine 22, 3055-3071.
    """
    beta, jac, half = _linearized(design, psi)
    if half is None:  # a slope and the place of its breakpoint rest on one and the same point
        return beta, np.full((jac.shape[1], jac.shape[1]), np.nan)
    if rho <= 0 or regularly_spaced(design.x):
        return beta, np.asarray(sigma2 * (1 + rho) / (1 - rho) * half)
    return beta, np.asarray(sigma2 * half @ correlated_gram(jac, rho, design.x) @ half)


def _linearized(design: Design, psi: Array) -> tuple[Array, Array, Array | None]:
    """Coefficients, the Jacobian by (coefficients, breakpoints), and (J'J)^-1, None where that is rounding."""
    columns = design.columns(psi)
    root = np.sqrt(design.w)[:, None]
    beta: Array = np.asarray(np.linalg.lstsq(columns * root, design.y * root[:, 0], rcond=None)[0], dtype=np.float64)
    jac = np.column_stack([columns, design.moves(psi, beta)]) * root
    norms = np.linalg.norm(jac, axis=0)
    norms[norms == 0] = 1.0
    r = np.asarray(np.linalg.qr(jac / norms)[1])
    # few columns of unit length, none near the others: an inverse by substitution cannot be that large
    far = r.shape[0] <= 4 and float(np.min(np.abs(np.diagonal(r)))) > 0.01
    if not far and np.linalg.cond(r) > SINGULAR:
        return beta, jac, None
    inverse = np.linalg.inv(r) / norms[:, None]
    return beta, jac, np.asarray(inverse @ inverse.T)


def _inflation(design: Design, psi: Array, i: int, rho: float) -> float:
    """Factor by which correlation raises the variance of breakpoint i."""
    if rho <= 0 or regularly_spaced(design.x):
        return (1 + rho) / (1 - rho)
    _, jac, half = _linearized(design, psi)
    if half is None:
        return (1 + rho) / (1 - rho)
    row = half[i - psi.size]
    ratio = float(row @ correlated_gram(jac, rho, design.x) @ row / row[i - psi.size])
    return max(ratio, 1.0) if np.isfinite(ratio) else (1 + rho) / (1 - rho)


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
    shown: int = PLACES,
    profile: HingeProfile | None = None,
) -> BreakInterval:
    """Interval of breakpoint i; arguments as in ``segment``, x standardized; the profile at so many places.

    Its ``profile`` beside the other breakpoints need not be worked out where it is there already.
    """
    from scipy.special import fdtri, stdtrit

    p = design.columns(psi).shape[1] + psi.size
    inflation = _inflation(design, psi, i, rho)
    dof = max(n / inflation - p, 1.0)
    profile = profile or _profile_of(design, psi, i, design.y)
    best = float(profile.base_rss) + design.within - rss  # gain at the joint optimum
    low_edge = max(float(profile.left[0]), float(psi[i - 1]) if i > 0 else -np.inf)
    high_edge = min(float(profile.right[-1]), float(psi[i + 1]) if i + 1 < psi.size else np.inf)
    places = np.unique(np.append(np.linspace(low_edge, high_edge, shown), psi[i])) if shown else np.zeros(0)
    seen = BreakInterval(0.0, 0.0, (), places, rss + np.maximum(best - profile.gain(places), 0.0))
    if kind == "delta":
        _, covariance = coefficient_covariance(design, psi, rss / (n - p), rho)
        half = float(stdtrit(dof, 0.5 + level / 2) * np.sqrt(covariance[-psi.size + i, -psi.size + i]))
        if not np.isfinite(half):
            whole = float(design.x[0]), float(design.x[-1])
            return replace(
                seen, low=whole[0], high=whole[1], notes=("the linearization is singular: nothing excluded",)
            )
        return replace(seen, low=float(psi[i]) - half, high=float(psi[i]) + half)
    if kind == "block_bootstrap":
        low, high = _block_bootstrap(design, psi, i, level, rng)
        return replace(seen, low=low, high=high)
    if kind == "profile_sieve":
        quantile = _sieve_quantile(design, psi, i, n, p, rho, level, rng)
    else:
        quantile = float(fdtri(1, dof, level)) * inflation
    seen = replace(seen, limit=rss * (1 + quantile / (n - p)))
    pieces = profile.above(best - quantile * rss / (n - p))
    pieces = [q for q in pieces if q[1] >= q[0]]
    own = float(psi[i])
    if not pieces:
        return replace(seen, low=own, high=own, notes=("the profile gave no interval",))
    # neighbors bound a breakpoint: a piece beyond them belongs to another one
    pieces = [(max(a, low_edge), min(b, high_edge)) for a, b in pieces if b > low_edge and a < high_edge] or [
        (own, own)
    ]
    notes = []
    if len(pieces) > 1:
        notes.append(f"the {level:.0%} set is a union of {len(pieces)} intervals; their hull is given")
    low, high = min(pieces[0][0], own), max(pieces[-1][1], own)
    if low <= low_edge or high >= high_edge:
        notes.append("the interval reaches the edge of the range searched")
    # beyond the first and last place searched nothing was compared, so nothing is excluded
    beyond = (i == 0 and low <= low_edge, i + 1 == psi.size and high >= high_edge)
    if any(beyond):
        notes[-1] += " and is drawn out to the end of the data; a smaller min_size searches nearer to it"
        low, high = (float(design.x[0]) if beyond[0] else low), (float(design.x[-1]) if beyond[1] else high)
    return replace(seen, low=low, high=high, notes=tuple(notes))


def _profile_of(design: Design, psi: Array, i: int, y: Array) -> HingeProfile:
    """Profile over breakpoint i with the other hinges and their shifts (linearized) in the base."""
    others = np.delete(psi, i)
    shifts = (design.x[:, None] > others[None, :]).astype(float) if others.size else None
    return design.profile(others, y, shifts)


def _sieve_quantile(
    design: Design, psi: Array, i: int, n: int, p: int, rho: float, level: float, rng: np.random.Generator
) -> float:
    q = orthonormal(design.columns(psi), design.w)
    residual = base_residual(design.y, q, design.w)
    fitted = design.y - residual
    # ties average the noise: a point of weight w has variance sigma^2 / w
    sd = np.sqrt(np.sum(design.w * residual**2) / max(n - p, 1) / design.w)
    size = design.x.size
    spread = float(np.sqrt((1 - rho * rho) / size))
    if rho > 0 and p + 2 < size <= SMALL:
        pilot = noise_paths(np.full(REPLICATES, rho), rng.standard_normal((size, REPLICATES)), design.x)
        again = _replicate_rho(design, psi, i, fitted[:, None] + sd[:, None] * pilot, p)
        rho, spread = min(max(2 * rho - float(np.mean(again)), 0.0), HIGHEST), float(np.std(again))
    noise = sieve_noise(rho, size, REPLICATES, rng, design.x, spread)
    profile = _profile_of(design, psi, i, fitted[:, None] + sd[:, None] * noise)
    _, gain = profile.best()
    held = profile.gain(np.array([float(psi[i])]))[0]
    rest = np.maximum(profile.base_rss - gain, 1e-300) / max(design.x.size - p, 1)
    return float(np.quantile((gain - held) / rest, level, method="higher"))


def _replicate_rho(design: Design, psi: Array, i: int, y: Array, p: int) -> Array:
    """Correlation of neighboring residuals of simulated series (n, B), each with breakpoint i at its own best place."""
    others = np.delete(psi, i)
    columns = design.columns(others)
    if others.size:
        columns = np.column_stack([columns, (design.x[:, None] > others[None, :]).astype(float)])
    q = orthonormal(columns, design.w)
    place, _ = _profile_of(design, psi, i, y).best()
    e = base_residual(y, q, design.w)
    h = base_residual(hinges(design, place), q, design.w)
    power = np.sum(design.w[:, None] * h * h, axis=0)
    e = e - h * (np.sum(design.w[:, None] * h * e, axis=0) / np.where(power > 0, power, 1.0))
    e = e * np.sqrt(design.w)[:, None]
    return np.array([lag1(column, design.x, parameters=p) for column in e.T])


def _block_bootstrap(design: Design, psi: Array, i: int, level: float, rng: np.random.Generator) -> tuple[float, float]:
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
    return float(low), float(high)
