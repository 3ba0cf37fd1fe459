"""Decays that start anew where the learning rate drops: the law of each stretch, and the size of each drop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, DataError, Estimate, Interval, Schedule, Status, UsageError
from ..curves._checks import as_float_array, check_level
from ..fitting.autocorrelation import lag1
from ._criteria import deviance
from ._decay import Decay, Sharing, best_partitions, fit_decay, shapes
from .level_changes import points

__all__ = ["DecaySegment", "DecaySegments", "decay_segments"]

Array = NDArray[np.float64]
NEAR = 0.02  # of the range of x: a found break this close to a change of the rate is explained by it


@dataclass(frozen=True, slots=True)
class DecaySegment:
    """The law of one stretch, ``level + amplitude (1 + (x - start) / scale) ** -exponent``.

    Parameters
    ----------
    start, end : float
        First and last x.
    n : int
        Points in it.
    level : Estimate
        Where it tends to.
    amplitude : Estimate
        How far it falls from its start.
    scale : Estimate
        In x; how long the fall takes.
    exponent : float
        0.5, 1 or infinity (exponential).
    sd : float
        Standard deviation about it.
    """

    start: float
    end: float
    n: int
    level: Estimate
    amplitude: Estimate
    scale: Estimate
    exponent: float
    sd: float


@dataclass(frozen=True, slots=True, eq=False)
class DecaySegments:
    """Stretches, breaks and drops.

    Parameters
    ----------
    segments : tuple of DecaySegment
        In order; the last one is what goes on.
    breakpoints : tuple of Estimate
        x of the first point of each new stretch, exact where it was given; ``details["explained"]`` is 1 where the
        learning rate changed there, 0 where it did not, and missing without a schedule.
    drops : tuple of Estimate
        By how much each break changed the curve: the earlier law continued to the end of the next stretch, less the
        later law there. Positive where the curve is lower than it would have been.
    rss, rho : float
        Residual sum of squares, and correlation of neighboring residuals.
    criteria : tuple of float
        Selection criterion for 0, 1, ... breaks; empty when they were given.
    sharing : {"free", "shared"}
        Whether every stretch has its own shape.
    status, reasons
        How it ended.
    """

    segments: tuple[DecaySegment, ...]
    breakpoints: tuple[Estimate, ...]
    drops: tuple[Estimate, ...]
    rss: float
    rho: float
    criteria: tuple[float, ...]
    sharing: Sharing
    level: float
    status: Status
    reasons: tuple[str, ...]
    laws: tuple[Decay, ...] = ()

    def predict(self, x: ArrayLike) -> Array:
        """The laws at x; beyond the data the last one goes on."""
        at = np.asarray(x, dtype=np.float64)
        which = np.clip(np.searchsorted([law.start for law in self.laws], at, side="right") - 1, 0, None)
        out = np.empty_like(at)
        for i, law in enumerate(self.laws):
            out[which == i] = law.at(at[which == i])
        return out


def decay_segments(
    data: Curve | tuple[ArrayLike, ArrayLike],
    *,
    breaks: Schedule | Sequence[float] | None = None,
    n_breaks: int | Literal["auto"] = "auto",
    sharing: Sharing = "free",
    schedule: Schedule | None = None,
    noise: Literal["auto", "white"] = "auto",
    level: float = 0.95,
    max_breaks: int = 5,
    min_size: int | None = None,
) -> DecaySegments:
    r"""Fit a decay to each stretch between breaks that are known or found.

    .. math:: f_s(x) = c_s + a_s \left(1 + \frac{x - t_s}{\tau_s}\right)^{-\beta_s}

    Parameters
    ----------
    data : Curve or (x, y)
        Curve, or two array-likes of equal length.
    breaks : Schedule or sequence of float, optional
        Known first x of new stretches, or a schedule whose sudden changes are taken; then nothing is searched.
    n_breaks : int or "auto"
        How many to search for; "auto" selects 0 to ``max_breaks`` by the modified BIC of the autocorrelated likelihood.
    sharing : {"free", "shared"}
        "shared": scale and exponent are the same in all stretches.
    schedule : Schedule, optional
        Only says which of the found breaks the learning rate explains (within 2 % of the range of x).
    noise : {"auto", "white"}
        Whether neighboring residuals may correlate.
    level : float
        Nominal coverage.
    max_breaks : int
        For "auto", at most 10.
    min_size : int, optional
        Least points per stretch; default the larger of 8 and 4 %.

    Returns
    -------
    DecaySegments

    Notes
    -----
    The partition is exact on at most 240 bins and 48 shapes; breaks are then moved to their best point with the shapes
    held, and scales polished. Intervals for found breaks invert the likelihood ratio with the law of Hansen (2000),
    inflated by (1 + rho)/(1 - rho); those of drops, levels, amplitudes and scales are linearized and conditional on the
    breaks and on the exponent.

    References
    ----------
    Hansen (2000), Sample splitting and threshold estimation. Econometrica 68, 575-603.
    """
    check_level(level)
    for name, value, kinds in (("sharing", sharing, get_args(Sharing)), ("noise", noise, ("auto", "white"))):
        if value not in kinds:
            raise UsageError(f"{name} {value!r}", code="CF-USE-007", hint=f"choices: {', '.join(kinds)}")
    x, y, unit = points(data)
    y_unit = data.metric.unit if isinstance(data, Curve) else ""
    distinct, inverse = np.unique(x, return_inverse=True)
    if distinct.size < x.size:
        y = np.bincount(inverse, y) / np.bincount(inverse)
        x = distinct
    least = max(8, int(0.04 * x.size)) if min_size is None else int(min_size)
    if least < 4:
        raise UsageError(f"min_size = {min_size!r}", code="CF-USE-007", hint="at least 4 points for a decay")
    if x.size < least:
        raise DataError(f"{x.size} distinct x; a decay needs {least}", code="CF-DATA-002")
    correlated = noise == "auto"
    criteria: tuple[float, ...] = ()
    searched = breaks is None
    if breaks is not None:
        starts = _known(x, breaks, min(least, 4))
    else:
        most = min(max_breaks, 10, x.size // least - 1) if np.ptp(y) > 0 else 0  # rounding is no decay
        if n_breaks != "auto":
            if not isinstance(n_breaks, int) or isinstance(n_breaks, bool) or n_breaks < 0:
                raise UsageError(f"n_breaks = {n_breaks!r}", code="CF-USE-007", hint="0 or more, or 'auto'")
            if n_breaks > most and n_breaks > x.size // least - 1:
                raise DataError(
                    f"{x.size} points cannot hold {n_breaks} breaks with {least} per stretch", code="CF-DATA-007"
                )
            most = n_breaks
        found = [_moved(x, y, s, least, sharing) for s in best_partitions(x, y, most, least, sharing)]
        if n_breaks == "auto":
            criteria = tuple(_criterion(x, y, s, sharing, correlated) for s in found)
        starts = found[int(np.argmin(criteria))] if criteria else found[-1]
    laws = _laws(x, y, starts, sharing)
    return _report(
        x, y, starts, laws, searched, schedule or (breaks if isinstance(breaks, Schedule) else None), correlated, level,
        sharing, criteria, least, unit, y_unit,
    )  # fmt: skip


def _known(x: Array, breaks: Schedule | Sequence[float], least: int) -> NDArray[np.intp]:
    places = [c.x for c in breaks.changes()] if isinstance(breaks, Schedule) else as_float_array(breaks, "breaks")
    if not np.all(np.isfinite(places)):
        raise DataError("breaks must be finite", where="breaks")
    outside = [] if isinstance(breaks, Schedule) else [p for p in places if not x[0] < p <= x[-1]]
    if outside:
        raise DataError(
            f"breaks at {', '.join(f'{p:g}' for p in outside)} lie outside the data, {x[0]:g} to {x[-1]:g}",
            where="breaks", hint="the first x of each new stretch, after the first and up to the last x",
        )  # fmt: skip
    starts = np.unique(np.searchsorted(x, np.asarray(places, dtype=np.float64), side="left"))
    starts = starts[(starts > 0) & (starts < x.size)].astype(np.intp)
    sizes = np.diff(np.r_[0, starts, x.size])
    if np.any(sizes < least):
        raise DataError(
            f"a stretch between known breaks has {int(sizes.min())} points; a decay needs {least}", code="CF-DATA-007"
        )
    return starts


def _laws(x: Array, y: Array, starts: NDArray[np.intp], sharing: Sharing) -> tuple[Decay, ...]:
    grid = shapes(x)
    parts = [(x[i:j], y[i:j]) for i, j in pairwise(np.r_[0, starts, x.size])]
    if sharing == "free" or len(parts) == 1:
        return tuple(fit_decay(px, py, grid) for px, py in parts)
    from scipy.optimize import minimize_scalar

    def together(scale: float, exponent: float) -> float:
        return sum(fit_decay(px, py, grid, (scale, exponent)).rss for px, py in parts)

    scale, exponent = min(grid, key=lambda s: together(*s))
    ratio = grid[1][0] / grid[0][0]
    found = minimize_scalar(
        lambda t: together(float(np.exp(t)), exponent),
        bounds=(np.log(scale / ratio), np.log(scale * ratio)),
        method="bounded",
    )
    if float(found.fun) <= together(scale, exponent):
        scale = float(np.exp(found.x))
    return tuple(fit_decay(px, py, grid, (scale, exponent)) for px, py in parts)


def _moved(x: Array, y: Array, starts: NDArray[np.intp], least: int, sharing: Sharing) -> NDArray[np.intp]:
    """Each break at its best point within a bin or two, shapes held, until none moves."""
    edges = np.r_[0, starts, x.size].astype(np.intp)
    reach = 2 * max(1, x.size // 240)
    for _ in range(4):
        laws = _laws(x, y, edges[1:-1], sharing)
        moved = False
        for i in range(1, edges.size - 1):
            low, high = max(edges[i - 1] + least, edges[i] - reach), min(edges[i + 1] - least, edges[i] + reach)
            tried = np.arange(low, high + 1)
            if tried.size < 2:
                continue
            rss = _split_rss(x, y, int(edges[i - 1]), int(edges[i + 1]), tried, laws[i - 1], laws[i])
            best = int(tried[int(np.argmin(rss))])
            moved |= best != edges[i]
            edges[i] = best
        if not moved:
            break
    return np.asarray(edges[1:-1], dtype=np.intp)


def _split_rss(x: Array, y: Array, start: int, end: int, tried: NDArray[np.intp], left: Decay, right: Decay) -> Array:
    """Residual sums of squares of points start to end split at each place tried, with the shapes of two laws."""
    grid = [(left.scale, left.exponent)]
    out = []
    for t in tried:
        one = fit_decay(x[start:t], y[start:t], grid, (left.scale, left.exponent)).rss
        out.append(one + fit_decay(x[t:end], y[t:end], grid, (right.scale, right.exponent)).rss)
    return np.array(out)


def _residuals(x: Array, y: Array, starts: NDArray[np.intp], laws: Sequence[Decay]) -> Array:
    return np.concatenate(
        [y[i:j] - law.at(x[i:j]) for (i, j), law in zip(pairwise(np.r_[0, starts, x.size]), laws, strict=True)]
    )


def _criterion(x: Array, y: Array, starts: NDArray[np.intp], sharing: Sharing, correlated: bool) -> float:
    e = _residuals(x, y, starts, _laws(x, y, starts, sharing))
    k = starts.size
    coefficients = 2 * (k + 1) + (k + 1 if sharing == "free" else 1)
    floor = 1e-28 * float(np.sum((y - y.mean()) ** 2))
    return deviance(e, correlated, floor) + (coefficients + 2 * k) * float(np.log(x.size))


def _report(
    x: Array,
    y: Array,
    starts: NDArray[np.intp],
    laws: tuple[Decay, ...],
    searched: bool,
    schedule: Schedule | None,
    correlated: bool,
    level: float,
    sharing: Sharing,
    criteria: tuple[float, ...],
    least: int,
    unit: str,
    y_unit: str,
) -> DecaySegments:
    from scipy.stats import t as student

    k, n = starts.size, x.size
    e = _residuals(x, y, starts, laws)
    rss = float(e @ e)
    parameters = 2 * (k + 1) + (k + 1 if sharing == "free" else 1) + (k if searched else 0)
    rho = lag1(e, x, parameters=parameters) if correlated else 0.0
    inflation = (1 + rho) / (1 - rho)
    dof = n - parameters
    status, reasons = Status.OK, []
    if np.ptp(y) == 0:
        status, reasons = Status.CONSTANT, ["the values do not vary"]
    elif rss <= 1e-20 * float(np.sum((y - y.mean()) ** 2)):
        status, reasons = Status.DEGRADED, ["the laws fit exactly: no noise seen, intervals are not estimable"]
    elif dof <= 0:
        status, reasons = Status.TOO_FEW_POINTS, [f"{n} points for {parameters} parameters"]
    known = status is Status.OK
    sigma2 = rss / dof if dof > 0 else float("nan")
    quantile = float(student.ppf(0.5 + level / 2, max(n / inflation - parameters, 1.0)))

    def estimate(name: str, value: float, variance: float, of: str, positive: bool = False) -> Estimate:
        se = float(np.sqrt(max(variance, 0.0) * sigma2 * inflation)) if np.isfinite(variance) and dof > 0 else np.nan
        place: Interval | None = None
        if known and np.isfinite(se):
            low, high = value - quantile * se, value + quantile * se
            if positive:  # variance is that of the logarithm
                with np.errstate(over="ignore"):
                    low, high = value * float(np.exp(-quantile * se)), value * float(np.exp(quantile * se))
            place = Interval(low, high, level, "confidence", "delta")
        return Estimate(name, value, place, of, details={"stderr": se} if np.isfinite(se) else {})

    edges = np.r_[0, starts, n]
    segments = []
    for s, (i, j) in enumerate(pairwise(edges)):
        law = laws[s]
        segments.append(
            DecaySegment(
                float(x[i]), float(x[j - 1]), int(j - i),
                estimate(f"level_{s + 1}", law.level, float(law.covariance[0, 0]), y_unit),
                estimate(f"amplitude_{s + 1}", law.amplitude, float(law.covariance[1, 1]), y_unit),
                estimate(f"scale_{s + 1}", law.scale, float(law.covariance[2, 2]) or np.nan, unit, positive=True),
                law.exponent, float(np.std(e[i:j])),
            )
        )  # fmt: skip
    changes = [] if schedule is None else schedule.changes()
    places, drops = [], []
    for i in range(k):
        first = int(starts[i])
        details: dict[str, float] = {"last_before": float(x[first - 1])}
        interval: Interval | None = None
        if searched and known:
            start, end = int(edges[i]), int(edges[i + 2])
            wide = np.unique(np.linspace(start + min(least, 4), end - min(least, 4), 161).round()).astype(np.intp)
            near = np.arange(max(first - 60, start + 4), min(first + 60, end - 4) + 1)
            tried = np.unique(np.r_[wide, near, first])
            excess = _split_rss(x, y, start, end, tried, laws[i], laws[i + 1])
            excess = excess - excess.min()
            inside = tried[excess <= -2 * float(np.log1p(-np.sqrt(level))) * inflation * sigma2]
            interval = Interval(
                float(x[max(inside.min() - 1, 0)]), float(x[inside.max()]), level, "confidence", "profile_likelihood"
            )
        if schedule is not None:
            close = [c for c in changes if abs(c.x - float(x[first])) <= NEAR * float(x[-1] - x[0])]
            details["explained"] = float(bool(close))
        places.append(Estimate(f"breakpoint_{i + 1}", float(x[first]), interval, unit, details=details))
        last = float(x[edges[i + 2] - 1])
        old, new = laws[i], laws[i + 1]
        size = float(old.at(np.array([last]))[0] - new.at(np.array([last]))[0])
        one, two = old.gradient(last), new.gradient(last)
        variance = float(one @ old.covariance @ one + two @ new.covariance @ two)
        drops.append(estimate(f"drop_{i + 1}", size, variance, y_unit))
    return DecaySegments(
        tuple(segments), tuple(places), tuple(drops), rss, rho, criteria, sharing, level, status, tuple(reasons), laws
    )
