"""Bai and Perron's tests of structural breaks in a mean: sup-F, UDmax, sequential, with intervals for the dates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, DataError, Estimate, Interval, Status, UsageError
from ..curves._checks import check_level
from ..fitting.autocorrelation import lag1
from ._argmax_law import argmax_quantile
from ._kernel_variance import kernel_variance
from ._partition import SegmentCost, partitions
from ._sup_f_law import critical_value, tail_probability
from .level_changes import Segment, points

__all__ = ["BreakTest", "StructuralBreaks", "structural_breaks"]

Array = NDArray[np.float64]
Noise = Literal["auto", "white", "homogeneous", "kernhac"]
FEW, STRONG = 300, 0.5  # points and correlation of neighbors with which the asymptotic tests reject too often


@dataclass(frozen=True, slots=True)
class BreakTest:
    """One test of breaks in the mean.

    Parameters
    ----------
    name : str
        "sup-F(k)", "UDmax" or "sup-F(l+1|l)".
    statistic, critical_value : float
        Large statistics speak for breaks; the critical value is that of ``alpha``.
    p_value : float
        Asymptotic, never below 0.001.
    """

    name: str
    statistic: float
    critical_value: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class StructuralBreaks:
    """The table of tests, and the breaks they lead to.

    Parameters
    ----------
    sup_f : tuple of BreakTest
        Of k breaks against none, k = 1, 2, ...
    ud_max : BreakTest
        Of some breaks against none: the largest of them.
    sequential : tuple of BreakTest
        Of l + 1 breaks against l, until one does not reject.
    locations : tuple of Estimate
        Last x before each break of the number that the sequential tests found, or that was given.
    segments : tuple of Segment
        One more.
    bic, lwz : tuple of float
        Of 0, 1, ... breaks, independent noise.
    trimming, alpha, level : float
        As asked for.
    status, reasons
        How it ended.
    """

    sup_f: tuple[BreakTest, ...]
    ud_max: BreakTest | None
    sequential: tuple[BreakTest, ...]
    locations: tuple[Estimate, ...]
    segments: tuple[Segment, ...]
    bic: tuple[float, ...]
    lwz: tuple[float, ...]
    trimming: float
    alpha: float
    level: float
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()


def structural_breaks(
    data: Curve | tuple[ArrayLike, ArrayLike],
    *,
    n_breaks: int | None = None,
    max_breaks: int = 5,
    trimming: float = 0.15,
    noise: Noise = "auto",
    alpha: float = 0.05,
    level: float = 0.95,
) -> StructuralBreaks:
    r"""Test whether and how often the mean of a series breaks.

    .. math:: F(k) = \frac{n - k - 1}{n k}\, \hat\delta' R' (R \hat V R')^{-1} R \hat\delta

    Parameters
    ----------
    data : Curve or (x, y)
        Curve, or two array-likes of equal length.
    n_breaks : int, optional
        Date so many breaks, whatever the sequential tests say.
    max_breaks : int
        Most breaks considered, at most 5.
    trimming : float
        Least share of the data per segment, 0.05 to 0.25.
    noise : {"auto", "white", "homogeneous", "kernhac"}
        "auto": correlated, with another variance in each segment, estimated as Bai and Perron do. "kernhac": the same
        with the small-sample details of R's ``sandwich::kernHAC``. "white" and "homogeneous": independent; the tests take
        one variance for all segments, the intervals one for each ("white") or one for all.
    alpha : float
        Size of the tests.
    level : float
        Nominal coverage of the intervals for the dates.

    Returns
    -------
    StructuralBreaks

    Notes
    -----
    Asymptotic: with strongly correlated noise (rho above .5) and fewer than some hundred points the tests reject too
    often; ``changepoints`` simulates its p-values instead. Intervals are those of Bai (1997), rounded outwards as R's
    strucchange does; each location's ``details`` hold the positions before rounding, counted from 1. With one x per
    observation "white" is ``confint(breakpoints(y ~ 1))`` of strucchange, "homogeneous" the same with ``het.err = FALSE``,
    and "kernhac" the same with ``vcov = kernHAC``. R's mbreaks rounds to the nearest position, and its upper ends then up
    by one for the break itself and for each later one.

    References
    ----------
    Bai and Perron (1998), Estimating and testing linear models with multiple structural changes. Econometrica 66, 47-78.
    Bai and Perron (2003), Computation and analysis of multiple structural change models. Journal of Applied
    Econometrics 18, 1-22. Liu, Wu and Zidek (1997), Statistica Sinica 7, 497-525. Zeileis, Kleiber, Kraemer and Hornik
    (2003), Testing and dating of structural changes in practice. Computational Statistics and Data Analysis 44, 109-123.
    """
    check_level(level)
    check_level(alpha, "alpha")
    if noise not in get_args(Noise):
        raise UsageError(f"noise {noise!r}", code="CF-USE-007", hint=f"choices: {', '.join(get_args(Noise))}")
    if not 0.05 <= trimming <= 0.25:
        raise UsageError(f"trimming = {trimming!r}", code="CF-USE-007", hint="0.05 to 0.25")
    if not 1 <= max_breaks <= 5:
        raise UsageError(f"max_breaks = {max_breaks!r}", code="CF-USE-007", hint="1 to 5")
    x, y, unit = points(data)
    n = y.size
    least = max(int(trimming * n), 2)
    most = min(max_breaks, n // least - 1, 3 if trimming > 0.15 else 5, 2 if trimming > 0.2 else 5)
    if most < 1:
        raise DataError(f"{n} points hold no two segments of {least}", code="CF-DATA-007")
    if n_breaks is not None and not 0 <= n_breaks <= most:
        raise UsageError(f"n_breaks = {n_breaks!r}", code="CF-USE-007", hint=f"0 to {most} with this trimming")
    if np.ptp(y) == 0:
        only = (Segment(float(x[0]), float(x[-1]), n, float(y[0]), 0.0, 0.0),)
        return StructuralBreaks(
            (), None, (), (), only, (), (), trimming, alpha, level, Status.CONSTANT, ("the values do not vary",)
        )
    found = partitions(SegmentCost.of(x, y, "mean", least), n, most)
    tests = []
    for k, starts in enumerate(found[1:], start=1):
        value = _f(y, starts, noise)
        tests.append(
            BreakTest(
                f"sup-F({k})", value, critical_value(alpha, str(k), trimming), tail_probability(value, str(k), trimming)
            )
        )
    top = max(t.statistic for t in tests)
    ud_max = BreakTest("UDmax", top, critical_value(alpha, "udmax", trimming), tail_probability(top, "udmax", trimming))
    sequential = _sequential(x, y, found, least, trimming, alpha, noise)
    passed = sum(t.p_value <= alpha for t in sequential)
    k = passed if n_breaks is None else n_breaks
    starts = found[k]
    edges = np.r_[0, starts, n]
    segments = tuple(
        Segment(float(x[i]), float(x[j - 1]), int(j - i), float(y[i:j].mean()), 0.0, float(y[i:j].std()))
        for i, j in pairwise(edges)
    )
    locations = tuple(_date(x, y, edges, i, level, unit, noise) for i in range(1, k + 1))
    deviances = [n * np.log(max(_rss(y, s), 1e-300) / n) for s in found]
    bic = tuple(float(d + 2 * j * np.log(n)) for j, d in enumerate(deviances))
    lwz = tuple(float(d + 2 * j * 0.299 * np.log(n) ** 2.1) for j, d in enumerate(deviances))
    reasons = [f"break {i}: {note}" for i, place in enumerate(locations, start=1) for note in place.reasons]
    rest = y - np.repeat([s.level for s in segments], np.diff(edges))
    rho = lag1(rest, x, parameters=k + 1) if noise in ("auto", "kernhac") else 0.0
    if n < FEW and rho > STRONG and float(rest @ rest) > 1e-24 * float(np.var(y)) * n:
        reasons.append(
            f"neighbors are correlated by {rho:.2f} and {n} points are few for that: these tests are asymptotic and "
            "reject too often; curvefit.changepoints simulates its p-values"
        )
    return StructuralBreaks(
        tuple(tests), ud_max, sequential, locations, segments, bic, lwz, trimming, alpha, level,
        Status.DEGRADED if reasons else Status.OK, tuple(reasons),
    )  # fmt: skip


def _rss(y: Array, starts: NDArray[np.intp]) -> float:
    edges = np.r_[0, starts, y.size]
    return float(sum(np.sum((y[i:j] - y[i:j].mean()) ** 2) for i, j in pairwise(edges)))


def _f(y: Array, starts: NDArray[np.intp], noise: Noise) -> float:
    """F of equal means on both sides of every break."""
    n, k = y.size, starts.size
    edges = np.r_[0, starts, n]
    parts = [y[i:j] for i, j in pairwise(edges)]
    means = np.array([p.mean() for p in parts])
    robust = noise in ("auto", "kernhac")
    if robust:
        variances = [_long_run(p - p.mean(), noise) / p.size for p in parts]
    else:
        spread = _rss(y, starts) / (n - k - 1)
        variances = [spread / p.size for p in parts]
    r = np.eye(k, k + 1, 1) - np.eye(k, k + 1)
    step = r @ means
    middle = r @ np.diag(np.maximum(variances, 1e-24 * float(np.var(y)))) @ r.T  # steps without noise: not singular
    return float((n - k - 1) / (n * k) * (step @ np.linalg.solve(middle, step)) * (1.0 if robust else n / (n - k - 1)))


def _long_run(residuals: Array, noise: Noise) -> float:
    """Variance of sqrt(n) times their mean."""
    if noise in ("white", "homogeneous"):
        return float(np.mean(residuals * residuals))
    return kernel_variance(residuals, "kernhac" if noise == "kernhac" else "bai_perron")


def _sequential(
    x: Array, y: Array, found: list[NDArray[np.intp]], least: int, trimming: float, alpha: float, noise: Noise
) -> tuple[BreakTest, ...]:
    out: list[BreakTest] = []
    for known, starts in enumerate(found[:-1]):
        edges = np.r_[0, starts, y.size]
        values = [0.0]
        for i, j in pairwise(edges):
            if j - i >= 2 * least and np.var(y[i:j]) > 1e-24 * np.var(y):
                split = partitions(SegmentCost.of(x[i:j], y[i:j], "mean", least), int(j - i), 1)
                values.append(_f(y[i:j], split[-1], noise) if len(split) > 1 else 0.0)
        top = max(values)
        out.append(
            BreakTest(
                f"sup-F({known + 1}|{known})",
                top,
                critical_value(alpha, "1", trimming, known + 1),
                tail_probability(top, "1", trimming, known + 1),
            )
        )
        if out[-1].p_value > alpha:
            break
    return tuple(out)


def _date(x: Array, y: Array, edges: NDArray[np.intp], i: int, level: float, unit: str, noise: Noise) -> Estimate:
    before, after = y[edges[i - 1] : edges[i]], y[edges[i] : edges[i + 1]]
    jump = float(after.mean() - before.mean())
    sides = [before - before.mean(), after - after.mean()]
    if noise == "homogeneous":
        v1 = v2 = _rss(y, edges[1:-1]) / y.size
    else:
        v1, v2 = (_long_run(s, noise) for s in sides)
    last = int(edges[i]) - 1
    details = {"first_after": float(x[last + 1]), "jump": jump}
    tiny = 1e-24 * jump * jump
    if v1 <= tiny or v2 <= tiny:
        return Estimate(f"break_{i}", float(x[last]), None, unit, Status.DEGRADED, ("no noise on one side",), details)
    tail = (1 - level) / 2
    length = v1 / (jump * jump)
    phi1, phi2 = float(np.sqrt(v1)), float(np.sqrt(v2))
    back = argmax_quantile(1 - tail, 1.0, phi1, phi2) * length
    ahead = argmax_quantile(tail, 1.0, phi1, phi2) * length
    first, final = last - int(np.ceil(back)), last - int(np.floor(ahead))
    details |= {"low_position": last + 1 - float(back), "high_position": last + 1 - float(ahead)}
    notes = ("the interval leaves the data",) if first < 0 or final > x.size - 1 else ()
    low, high = float(x[max(first, 0)]), float(x[min(final, x.size - 1)])
    place = Interval(low, high, level, "confidence", "argmax of Brownian motion")
    return Estimate(f"break_{i}", float(x[last]), place, unit, Status.DEGRADED if notes else Status.OK, notes, details)
