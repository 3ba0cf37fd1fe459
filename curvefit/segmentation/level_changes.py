"""Changepoints in level, in level and variance, or in a line: how many, where, how sure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, DataError, Estimate, Interval, Status, UsageError
from ..curves._checks import as_float_array, check_level
from ..fitting.autocorrelation import lag1
from ._argmax_law import argmax_quantile
from ._criteria import Criterion, check_criterion, deviance, price
from ._noise import sieve_noise
from ._partition import Cost, SegmentCost, partitions

__all__ = ["ChangePoints", "Segment", "changepoints", "points"]

Array = NDArray[np.float64]
REPLICATES = 199
THINNED = 2000
WANDERS = 0.95  # correlation of residuals about constant levels beyond which there are none
WINDOW = 400  # a local test of level or slope sees at most this many (binned) points


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch between two changes.

    Parameters
    ----------
    start, end : float
        First and last x.
    n : int
        Points in it.
    level : float
        Mean of the values.
    slope : float
        Of its line against x; 0 unless the cost is "linear".
    sd : float
        Standard deviation about that.
    """

    start: float
    end: float
    n: int
    level: float
    slope: float
    sd: float


@dataclass(frozen=True, slots=True, eq=False)
class ChangePoints:
    """Changes and the segments between them.

    Parameters
    ----------
    locations : tuple of Estimate
        x of the last point before each change, with its interval; details hold ``first_after``, ``jump`` and ``p_value``.
    segments : tuple of Segment
        One more than there are changes.
    rho : float
        Correlation of neighboring residuals within segments.
    criteria : tuple of float
        Selection criterion for 0, 1, ... changes.
    status, reasons
        How it ended.
    """

    locations: tuple[Estimate, ...]
    segments: tuple[Segment, ...]
    cost: Cost
    rho: float
    criteria: tuple[float, ...]
    level: float
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()


def changepoints(
    data: Curve | tuple[ArrayLike, ArrayLike],
    *,
    cost: Cost = "mean",
    penalty: float | Literal["auto"] = "auto",
    n_changes: int | None = None,
    noise: Literal["auto", "white"] = "auto",
    level: float = 0.95,
    max_changes: int = 20,
    min_size: int | None = None,
    criterion: Criterion = "mbic",
    alpha: float = 0.05,
    rng: np.random.Generator | None = None,
) -> ChangePoints:
    r"""Find sudden changes and say how many there are, where, and how sure that is.

    .. math:: \min_{k, \tau}\; n \log(\mathrm{RSS}_w / n) - \log(1 - \rho^2) + (2 + \lambda k) \log n

    Parameters
    ----------
    data : Curve or (x, y)
        Curve, or two array-likes of equal length.
    cost : {"mean", "meanvar", "linear"}
        What is constant within a segment: the mean, mean and variance, or a line.
    penalty : float or "auto"
        Price lambda of one change in units of log n; "auto" is 3 (4 for "meanvar", 5 for "linear"): one per estimated
        level (and variance, slope) plus two for the place, which was searched.
    n_changes : int, optional
        Number of changes, when known; then nothing is selected.
    noise : {"auto", "white"}
        "auto": RSS_w is the residual sum of squares after whitening with the lag-1 correlation of the residuals, so
        that correlated noise is not paid for with changes.
    level : float
        Nominal coverage of the location intervals.
    max_changes : int
        Most changes considered.
    min_size : int, optional
        Least points per segment; default the larger of 3 and 2 %.
    criterion : {"mbic", "bic", "lwz", "sequential"}
        How the number is selected: the equation above ("mbic"), the same with BIC's or LWZ's price, or simulated tests
        of one change more until none rejects. A number for ``penalty`` replaces the price of the first.
    alpha : float
        Size of each sequential test.
    rng : numpy.random.Generator, optional
        For the p-values; default seed 0.

    Returns
    -------
    ChangePoints

    Notes
    -----
    The partition is exact up to 640 points and exact on 640 bins beyond. Location intervals use the law of Bai (1997)
    with the variance of each side, multiplied by (1 + rho)/(1 - rho). The p-value of a change is that of the largest F
    between its neighbors under an autoregressive sieve; it does not account for the selection of their number.

    References
    ----------
    Zhang and Siegmund (2007), A modified Bayes information criterion. Biometrics 63, 22-32.
    Bai (1997), Review of Economics and Statistics 79, 551-563.
    """
    check_level(level)
    check_level(alpha, "alpha")
    check_criterion(criterion)
    if noise not in ("auto", "white"):
        raise UsageError(f"noise {noise!r}", code="CF-USE-007", hint="choices: auto, white")
    if cost not in get_args(Cost):
        raise UsageError(f"cost {cost!r}", code="CF-USE-007", hint=f"choices: {', '.join(get_args(Cost))}")
    x, y, unit = points(data)
    n = x.size
    least = min_size if min_size is not None else max(3, n // 50)
    if least < 1:
        raise UsageError(f"min_size = {min_size!r}", code="CF-USE-007", hint="a whole number of points, at least 1")
    if n_changes is not None and n_changes < 0:
        raise UsageError(f"n_changes = {n_changes!r}", code="CF-USE-007", hint="a whole number from 0, or None")
    if n_changes is not None and (n_changes + 1) * least > n:
        raise DataError(
            f"{n} points cannot hold {n_changes} changes with {least} points per segment", code="CF-DATA-007",
            hint=f"at most n_changes={n // least - 1}, or a smaller min_size",
        )  # fmt: skip
    if np.ptp(y) == 0:
        only = (_segment(x, y, 0, n, cost),)
        return ChangePoints((), only, cost, 0.0, (), level, Status.CONSTANT, ("the values do not vary",))
    per = {"mean": 3.0, "meanvar": 4.0, "linear": 5.0}[cost] if penalty == "auto" else float(penalty)
    if not per > 0:
        raise UsageError(
            f"penalty = {penalty!r}", code="CF-USE-007", hint="a positive number, in units of log n per change"
        )
    found = partitions(SegmentCost.of(x, y, cost, least), n, max_changes if n_changes is None else n_changes)
    generator = rng or np.random.default_rng(0)
    correlated = noise == "auto"
    nothing = 1e-24 * float(np.sum((y - y.mean()) ** 2))
    criteria: tuple[float, ...] = ()
    if n_changes is None and criterion == "sequential":
        changes = _sequential(x, y, found, cost, correlated, alpha, generator)
    else:
        if n_changes is None:  # what fits exactly leaves nothing that more changes could explain
            fits = [float(np.sum(_residuals(x, y, c, cost)[0] ** 2)) <= nothing for c in found]
            found = found[: fits.index(True) + 1] if any(fits) else found
        criteria = tuple(_criterion(x, y, c, cost, per, correlated, criterion) for c in found)
        changes = found[int(np.argmin(criteria))] if n_changes is None else found[-1]
    residual, _ = _residuals(x, y, changes, cost)
    rho = lag1(residual, x, parameters=changes.size + 1) if correlated else 0.0
    edges = np.r_[0, changes, n]
    segments = tuple(_segment(x, y, int(i), int(j), cost) for i, j in pairwise(edges))
    locations = tuple(_location(x, y, edges, i, cost, rho, level, unit, generator) for i in range(1, edges.size - 1))
    if float(residual @ residual) <= nothing:
        reasons = ["the segments fit exactly: no noise seen, intervals are not estimable"]
    else:
        reasons = [f"change {i}: {note}" for i, place in enumerate(locations, start=1) for note in place.reasons]
    if cost == "mean" and rho > WANDERS:
        reasons.append(
            f"neighbors are correlated by {rho:.2f}: it trends or wanders, and no constant levels describe it; "
            "ask for cost='linear' or for curvefit.segment"
        )
    status = Status.DEGRADED if reasons else Status.OK
    return ChangePoints(locations, segments, cost, rho, criteria, level, status, tuple(reasons))


def points(data: Curve | tuple[ArrayLike, ArrayLike]) -> tuple[Array, Array, str]:
    """Finite points in order, and the unit of x."""
    if isinstance(data, Curve):
        x, y, unit = data.x, data.y, str(data.x_unit)
    else:
        x, y, unit = as_float_array(data[0], "x"), as_float_array(data[1], "y"), ""
    if x.shape != y.shape:
        raise DataError(f"{x.size} x values and {y.size} y values")
    keep = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[keep], kind="stable")
    x, y = x[keep][order], y[keep][order]
    if x.size < 4:
        raise DataError(f"{x.size} usable points; a change needs at least 4", code="CF-DATA-002")
    if x[0] == x[-1]:
        raise DataError(
            f"all {x.size} points are at x = {x[0]:g}: nothing can change along it", code="CF-DATA-003",
            hint="pass the position (0, 1, 2, ...) as x, or the column that counts (command line: --x COLUMN)",
        )  # fmt: skip
    scale = float(np.max(np.abs(y)))
    if scale > 1e150:  # squares must not overflow
        raise DataError(f"values up to {scale:g} overflow when squared", hint="rescale, or take logarithms")
    return x, y, unit


def _residuals(x: Array, y: Array, changes: NDArray[np.intp], cost: Cost) -> tuple[Array, Array]:
    """Residuals within segments, and their standard deviation at every point."""
    e, sd = y.copy(), np.empty_like(y)
    edges = np.r_[0, changes, y.size]
    for i, j in pairwise(edges):
        e[i:j] -= y[i:j].mean()
        if cost == "linear" and j - i > 2:
            z = x[i:j] - x[i:j].mean()
            e[i:j] -= z * float(z @ e[i:j]) / max(float(z @ z), 1e-300)
        sd[i:j] = np.sqrt(np.mean(e[i:j] ** 2))
    return e, sd


def _criterion(
    x: Array, y: Array, changes: NDArray[np.intp], cost: Cost, per: float, correlated: bool, criterion: Criterion
) -> float:
    n, k = y.size, changes.size
    e, sd = _residuals(x, y, changes, cost)
    floor = 1e-14 * float(np.std(y))
    value = 0.0
    if cost == "meanvar":  # standardized by each segment's spread, whose logarithm enters the likelihood
        sd = np.maximum(sd, floor)
        value = 2.0 * float(np.sum(np.log(sd)))
        e = e / sd
    value += deviance(e, correlated, n * floor**2, 0.999)
    if criterion == "mbic":
        return float(value + (2 + per * k) * np.log(n))
    return value + price(criterion, n, k, (1 if cost == "mean" else 2) * (k + 1), 0.0)


def _sequential(
    x: Array,
    y: Array,
    found: list[NDArray[np.intp]],
    cost: Cost,
    correlated: bool,
    alpha: float,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """The first partition of which no segment asks for one change more."""
    for changes, more in pairwise(found):
        # correlation as seen with the change that is tested, else the change itself would pass for it
        e, _ = _residuals(x, y, more, cost)
        rho = lag1(e, x, parameters=more.size + 1) if correlated else 0.0
        edges = np.r_[0, changes, y.size]
        smallest = min(_local_p(x[i:j], y[i:j], rho, cost, rng) for i, j in pairwise(edges))
        if 1 - (1 - smallest) ** (changes.size + 1) > alpha:
            return changes
    return found[-1]


def _segment(x: Array, y: Array, i: int, j: int, cost: Cost) -> Segment:
    v, z = y[i:j], x[i:j] - x[i:j].mean()
    slope = float(z @ v) / max(float(z @ z), 1e-300) if cost == "linear" and j - i > 2 else 0.0
    rest = v - v.mean() - slope * z
    return Segment(float(x[i]), float(x[j - 1]), j - i, float(v.mean()), slope, float(np.sqrt(np.mean(rest**2))))


def _location(
    x: Array,
    y: Array,
    edges: NDArray[np.intp],
    i: int,
    cost: Cost,
    rho: float,
    level: float,
    unit: str,
    rng: np.random.Generator,
) -> Estimate:
    start, at, end = int(edges[i - 1]), int(edges[i]), int(edges[i + 1])
    before, after = y[start:at], y[at:end]
    if cost == "linear":  # the jump is the gap between the two lines at the change
        e, _ = _residuals(x, y, edges[1:-1], cost)
        one, two = (_segment(x, y, start, at, cost), _segment(x, y, at, end, cost))
        middle = 0.5 * (x[at - 1] + x[at])
        jump = (two.level + two.slope * (middle - x[at:end].mean())) - (
            one.level + one.slope * (middle - x[start:at].mean())
        )
        v1, v2 = float(np.mean(e[start:at] ** 2)), float(np.mean(e[at:end] ** 2))
    else:
        jump = float(after.mean() - before.mean())
        v1, v2 = float(np.var(before)), float(np.var(after))
    inflation = (1 + rho) / (1 - rho)
    p_value = _local_p(x[start:end], y[start:end], rho, cost, rng)
    details = {"first_after": float(x[at]), "jump": float(jump), "p_value": p_value}
    tiny = 1e-24 * max(jump * jump, 1e-300)
    if v1 <= tiny or v2 <= tiny or jump == 0:
        return Estimate(
            f"change_{i}", float(x[at - 1]), None, unit, Status.DEGRADED, ("no noise on one side",), details
        )
    phi1, phi2 = np.sqrt(v1 * inflation), np.sqrt(v2 * inflation)
    tail = (1 - level) / 2
    unit_length = v1 * inflation / (jump * jump)
    upper = argmax_quantile(1 - tail, 1.0, phi1, phi2) * unit_length
    lower = argmax_quantile(tail, 1.0, phi1, phi2) * unit_length
    last = at - 1
    first_index, last_index = last - int(np.ceil(upper)), last - int(np.floor(lower))
    notes = ("the interval leaves the data",) if first_index < 0 or last_index > x.size - 1 else ()
    place = Interval(
        float(x[max(first_index, 0)]),
        float(x[min(last_index, x.size - 1)]),
        level,
        "confidence",
        "argmax of Brownian motion",
    )
    return Estimate(f"change_{i}", float(x[last]), place, unit, Status.DEGRADED if notes else Status.OK, notes, details)


def _local_p(x: Array, y: Array, rho: float, cost: Cost, rng: np.random.Generator) -> float:
    """P-value of the largest likelihood ratio for one change in this stretch, under AR(1) noise."""
    if y.size > WINDOW and cost != "meanvar":  # bins: correlation of neighbors fades as bins grow
        edges = np.linspace(0, y.size, WINDOW + 1).astype(int)
        rho = rho ** (y.size / WINDOW)
        x, y = (np.add.reduceat(v, edges[:-1]) / np.diff(edges) for v in (x, y))
    if y.size > THINNED and cost == "meanvar":  # means of bins would lose the variance; every so many points keeps it
        step = -(-y.size // THINNED)
        x, y, rho = x[::step], y[::step], rho**step
    n = y.size
    least = 4 if cost == "meanvar" else 2
    if n < 2 * least + 1:
        return 1.0
    z = ((x - x.mean()) / max(float(np.std(x)), 1e-300))[:, None]
    ends = np.arange(least, n - least + 1)

    def rest(v: Array, at: NDArray[np.intp], reverse: bool) -> Array:
        """Residual sums of squares of the first (or last) so many points about their mean or line."""

        def sums(column: Array) -> Array:
            return np.asarray(np.cumsum(column[::-1] if reverse else column, axis=0)[at - 1])

        size, total = at[:, None].astype(float), sums(v)
        out = sums(v * v) - total**2 / size
        if cost == "linear":
            s, ss = sums(z), sums(z * z)
            power = ss - s**2 / size
            tilt = (sums(z * v) - s * total / size) ** 2 / np.where(power > 0, power, 1.0)
            out = out - np.where(power > 1e-12 * ss, tilt, 0.0)
        return np.asarray(np.maximum(out, 1e-300))

    def largest(v: Array) -> Array:
        v = v - v.mean(axis=0)
        whole, left, right = rest(v, np.array([n]), False)[0], rest(v, ends, False), rest(v, n - ends, True)
        if cost == "meanvar":
            one, two = ends[:, None], n - ends[:, None]
            return np.asarray(
                n * np.log(whole / n) - np.min(one * np.log(left / one) + two * np.log(right / two), axis=0)
            )
        split = np.min(left + right, axis=0)
        return np.asarray((whole - split) / np.maximum(split, 1e-300))

    observed = float(largest(y[:, None])[0])
    draws = []
    step = max(1, min(REPLICATES, 2_000_000 // n))
    for some in range(0, REPLICATES, step):
        draws.append(largest(sieve_noise(rho, n, min(step, REPLICATES - some), rng)))
    return float((1 + np.sum(np.concatenate(draws) >= observed)) / (1 + REPLICATES))
