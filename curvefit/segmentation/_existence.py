"""Is there any breakpoint? Sup-F over its place, with a null that knows the noise is correlated; Davies' bound."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..fitting.autocorrelation import lag1
from ._noise import HIGHEST, noise_paths, noise_sd, sieve_noise
from ._profile import HingeProfile, base_residual, orthonormal
from ._search import Design, binned

__all__ = ["ExistenceTest", "davies_p", "assess_existence"]

Array = NDArray[np.float64]
REPLICATES = 499
RAMPS = 48  # places of either end of a ramp
BINS = 500  # a long series is tested on its bins, whose noise is less correlated
_PARTS = 8  # of a series, in which a breakpoint is not placed before it is known that there may be one


@dataclass(frozen=True, slots=True)
class ExistenceTest:
    """A test of "no breakpoint".

    Parameters
    ----------
    statistic : float
        Largest F over the places searched.
    p_value : float
        Of the null of a straight line.
    method : str
        "sup-F, AR sieve bootstrap" or "sup-F, screened" when the closed-form screen had already decided.
    at : float
        Where the statistic is largest (standardized x).
    """

    statistic: float
    p_value: float
    method: str
    at: float


def assess_existence(
    design: Design,
    correlated: bool,
    rng: np.random.Generator | None,
    given: Array | None = None,
    known: tuple[HingeProfile, float] | None = None,
) -> ExistenceTest:
    """Sup-F test of one breakpoint more against none more.

    The null is a line (with the breakpoints ``given``, which may move a little) plus noise whose correlation is
    estimated under the alternative (the null alone would leave the kink in the residuals and find correlation that is
    not there), and whose size may follow the fitted line. Without a generator the draws are those of seed 0, kept from one
    test to the next. The profile of a first breakpoint and the correlation of what it leaves may be known already.
    """
    whole, design = design, binned(design, BINS)
    known = known if design is whole else None
    others = np.zeros(0) if given is None else given
    shifts = (design.x[:, None] > others[None, :]).astype(float) if others.size else None
    ramps = design.both_zero and not others.size
    if ramps:
        places, gains, base_rss = _ramps(design, others, shifts, design.y[:, None])
        place, gain, base = places[:, 0], float(gains[0]), float(base_rss[0])
    else:
        profile = design.profile(others, extra=shifts) if known is None else known[0]
        top, height = profile.best()
        place, gain, base = np.array([float(top)]), float(height), float(profile.base_rss)
    n = design.x.size
    at = np.sort(np.append(others, place))
    full = orthonormal(columns := design.columns(at), design.w)
    p = columns.shape[1] + at.size
    dof = max(n - p, 1)
    statistic = gain / (max(base - gain, 1e-300) / dof)
    e = base_residual(design.y, full, design.w)
    root = np.sqrt(design.w)
    sd = noise_sd(e * root, design.y - e, p)
    sd = sd / max(float(np.mean(sd)), 1e-300) if float(np.max(sd)) > 0 else np.ones(n)
    if known is None or not bool(np.all(sd == sd[0])):
        rho = lag1(e * root / sd, design.x, parameters=p) if correlated else 0.0
    else:
        rho = known[1]
    noise = (_drawn(rho, n, design.x) if rng is None else sieve_noise(rho, n, REPLICATES, rng, design.x)) * (sd / root)[
        :, None
    ]
    if ramps:
        _, gains, rss0 = _ramps(design, others, shifts, noise)
        count = int(np.count_nonzero(gains / (np.maximum(rss0 - gains, 1e-300) / dof) >= statistic))
    else:  # F grows with the gain: what the gain must reach is known before it is sought
        count = _reaching(design, others, shifts, noise, statistic / (statistic + dof))
    p_value = (1 + count) / (1 + REPLICATES)
    return ExistenceTest(statistic, p_value, "sup-F, AR sieve bootstrap", float(np.mean(place)))


def _drawn(rho: float, n: int, x: Array) -> Array:
    """What `sieve_noise` makes of the draws of seed 0."""
    first, innovations = _draws(n, rho > 0)
    phi = np.clip(rho + float(np.sqrt((1 - rho * rho) / n)) * first, 0.0, HIGHEST)
    return noise_paths(phi, innovations, x) if rho > 0 else innovations


@lru_cache(maxsize=4)
def _draws(n: int, correlated: bool) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    first = rng.standard_normal(REPLICATES) if correlated else np.zeros(0)
    innovations = rng.standard_normal((n, REPLICATES))
    for drawn in (first, innovations):
        drawn.flags.writeable = False
    return first, innovations


def _reaching(design: Design, others: Array, shifts: Array | None, y: Array, share: float) -> int:
    """How many of the series, shape (n, B), one breakpoint more explains by such a share of what the base leaves."""
    if not others.size:
        y = y[:, _bent(design, y, share)]
    if not y.shape[1]:
        return 0
    profile = design.profile(others, y, shifts)
    return int(np.count_nonzero(profile.reaches(profile.base_rss * share)))


def _bent(design: Design, y: Array, share: float) -> NDArray[np.bool_]:
    """Which of the series, shape (n, B), one breakpoint might explain by such a share of what the base leaves.

    Wherever it lies among neighbors, before and after these the line is straight: it leaves at least what straight lines
    leave there.
    """
    n, squares = design.x.size, y * y
    size = -(-n // _PARTS)
    starts, place = np.arange(0, n, size)[:, None], np.arange(n)
    sloped = not design.first_zero, not design.last_zero
    rest = _left(design, y, squares, place < starts, sloped[0])
    rest += _left(design, y, squares, place >= starts + size, sloped[1])
    base_rss = _left(design, y, squares, place[None] >= 0, all(sloped))[0]
    return np.asarray(np.min(rest, axis=0) <= base_rss * (1 - share * (1 - 1e-9)))


def _left(design: Design, y: Array, squares: Array, parts: NDArray[np.bool_], sloped: bool) -> Array:
    """Sums of squares that a level, or a line, leaves of series (n, B) in each of the parts (k, n); at least a part of them."""
    w = parts * design.w
    total = np.sum(w, axis=1, keepdims=True)
    total = np.where(total > 0, total, 1.0)
    rest = w @ squares - (w @ y) ** 2 / total
    if sloped:
        x = design.x - w @ design.x[:, None] / total
        spread = np.sum(w * x * x, axis=1, keepdims=True)
        good = spread > 1e-9 * total  # x has unit variance
        rest = np.where(good, rest - ((w * x) @ y) ** 2 / np.where(good, spread, 1.0), 0.0)
    return np.asarray(rest)


def _ramps(design: Design, others: Array, shifts: Array | None, y: Array) -> tuple[Array, Array, Array]:
    """The same of a ramp between two breakpoints, on a grid: a line with flat ends has no fewer."""
    n, m = design.x.size, design.min_size
    knots = design.x[np.unique(np.linspace(m - 1, n - m, RAMPS).astype(int))]
    q = orthonormal(design.base(), design.w)
    r = base_residual(y, q, design.w)
    h = base_residual(np.maximum(design.x[:, None] - knots[None, :], 0.0), q, design.w)
    gram, v = h.T @ (design.w[:, None] * h), h.T @ (design.w[:, None] * r)
    i, j = np.triu_indices(knots.size, 1)
    power = gram[i, i] + gram[j, j] - 2 * gram[i, j]
    best, at = np.full(y.shape[1], -1.0), np.zeros(y.shape[1], dtype=np.intp)
    for part in np.array_split(np.arange(i.size), max(1, i.size * y.shape[1] // 2_000_000)):
        gains = (v[i[part]] - v[j[part]]) ** 2 / np.maximum(power[part], 1e-300)[:, None]
        top = np.argmax(gains, axis=0)
        value = gains[top, np.arange(y.shape[1])]
        at, best = np.where(value > best, part[top], at), np.maximum(best, value)
    return np.stack([knots[i[at]], knots[j[at]]]), best, np.sum(design.w[:, None] * r * r, axis=0)


def davies_p(x: Array, y: Array, *, places: int = 10) -> float:
    r"""Davies' upper bound on the p-value of a kink at an unknown place, independent normal noise.

    .. math:: p \le 2 \left[P(t_\nu > M) + \frac{V\,\Gamma(\nu/2 + 1/2)}{2 \sqrt\pi\,\Gamma(\nu/2)}
              (1 - u)^{(\nu - 1)/2}\right], \qquad u = \frac{M^2}{\nu + M^2}

    M is the largest of the absolute t statistics at the places, V the total variation of the angle arcsin of the
    multiple correlation between them, nu = n - 3.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Data, n at least 5.
    places : int
        Number of places at which the score is evaluated, between the second and the last but one x.

    Returns
    -------
    float
        Two-sided bound, at most 1.

    Notes
    -----
    Far too small where noise is correlated: with AR(.7) noise it rejects half of all straight lines.

    References
    ----------
    Davies (2002), Hypothesis testing when a nuisance parameter is present only under the alternative: linear model
    case. Biometrika 89, 484-489.
    """
    from scipy.special import gammaln
    from scipy.stats import t

    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    n = x.size
    dof = n - 3
    ones = np.ones(n)
    q = orthonormal(np.column_stack([ones, x]), ones)
    h = base_residual(np.maximum(x[:, None] - np.linspace(x[1], x[-2], places), 0.0), q, ones)
    r = base_residual(y, q, ones)
    power = np.sum(h * h, axis=0)
    useful = power > 1e-12 * float(np.max(power))
    h, power = h[:, useful], power[useful]
    explained = (r @ h) ** 2 / power
    rest = np.maximum(float(r @ r) - explained, 1e-300)
    largest = float(np.sqrt(np.max(explained / rest) * dof))
    variation = float(np.sum(np.abs(np.diff(np.arcsin(np.sqrt(explained / (explained + rest)))))))
    log_tail = (dof - 1) / 2 * np.log1p(-(largest**2) / (dof + largest**2)) + gammaln((dof + 1) / 2) - gammaln(dof / 2)
    bound = float(t.sf(largest, dof)) + variation * float(np.exp(log_tail)) / (2 * np.sqrt(np.pi))
    return float(min(1.0, 2 * bound))
