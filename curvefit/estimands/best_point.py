"""Best point so far, on a centered robust local mean: where, and how good."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Estimate, Interval, Status
from ..fitting.autocorrelation import robust_sd
from ._base import Question, unanswered
from ._local_mean import LocalMean
from ._shared import local_of

__all__ = ["best_point", "many"]

_LEAST = 8  # observations that noise is measured on
_BEYOND = 6.0  # standard errors by which a narrower window must be better: more than looks at correlated noise give


def best_point(question: Question) -> Estimate:
    r"""The x at which the local mean of the curve is best.

    .. math:: x^* = \arg\min_i\, s\,m_i, \qquad
              C = \{x_i : s\,(m_i - m_*) \le z_K \sqrt{\mathrm{se}_i^2 + \mathrm{se}_*^2}\}

    Parameters
    ----------
    question : Question
        Only its curve is read.

    Returns
    -------
    Estimate
        x of an observation at the middle of the best window, in the unit of x. Where the curve is so steep beside it that
        half the window, or single values, are better elsewhere in it beyond all noise, and no spike lies in it: there.
        The interval runs from the first to the last x whose local mean cannot be told from the best one (z_K:
        Bonferroni over the K windows side by side).
        Details: ``value`` of the local mean there with ``stderr`` and, of the level asked, ``value_low`` to ``value_high``;
        its ``window`` in observations, of which ``points`` lie in the curve (fewer at its ends), and ``x_half``,
        ``value_half``, ``x_double``, ``value_double`` with half
        and twice that window.

    Notes
    -----
    Never a single value that noise can have made: on a flat noisy curve the future's best single value beats the past's
    almost half the time. A mean over a window that reaches into a steep start is worst there, so that its best place lies
    up to half a window late; a gain of six standard errors moves it back (``benchmarks/decisions``).
    The value is that of the winner among many windows and so flattering, by up to two standard errors on a long level run:
    its own interval allows for K windows on the worse side; on a curve that is still improving at the end the value lags by
    about a quarter window. The 95 % interval of the place covers .96 to 1 in simulated worlds and on logged runs, that of the value
    .91 to 1 and .89 (``benchmarks/statistics/ESTIMATES.md``).
    """
    return many([question])[0]


def many(questions: Sequence[Question]) -> list[Estimate]:
    """Answer many questions at once."""
    able = [q for q in questions if len(q.curve)]
    found = dict(zip((id(q) for q in able), local_of(able), strict=True))
    return [
        _told(q, found[id(q)])
        if id(q) in found
        else unanswered("best_point", Status.TOO_FEW_POINTS, "no finite points", unit=q.curve.x_unit)
        for q in questions
    ]


def _told(question: Question, ways: tuple[LocalMean, ...]) -> Estimate:
    curve, sign = question.curve, question.sign
    places = [int((way.mean if sign > 0 else -way.mean).argmin()) for way in ways]
    (main, half, double), (at, at_half, at_double) = ways, places
    x, value, stderr, window, points = _kept(curve, sign, main, half, at)
    details = {
        "value": value,
        "stderr": stderr,
        **_reach(value, stderr, sign, main, question.level),
        "window": window,
        "points": points,
        "x_half": float(half.x[at_half]),
        "value_half": float(half.mean[at_half]),
        "x_double": float(double.x[at_double]),
        "value_double": float(double.mean[at_double]),
    }
    status, interval = Status.OK, None
    reasons: tuple[str, ...] = ()
    if float(curve.y.max() - curve.y.min()) == 0.0:
        status = Status.CONSTANT
        reasons = ("every value is the same: the first point is as good as any",)
        x = float(curve.x[0])
    elif len(curve) >= 5:
        keep = _indistinguishable(main, at, sign, question.level)
        low, high = min(float(main.x[keep[0]]), x), max(float(main.x[keep[-1]]), x)
        interval = Interval(low, high, question.level, "confidence", "local mean")
        if keep.size >= 0.5 * main.x.size:
            status = Status.DEGRADED
            reasons = (
                f"{100 * keep.size / main.x.size:.0f} % of the run cannot be told from its best part beyond the noise",
            )
    return Estimate("best_point", x, interval, curve.x_unit, status, reasons, details)


def _reach(value: float, stderr: float, sign: float, main: LocalMean, level: float) -> dict[str, float]:
    """Interval of the mean at the best place: chance made it the best of K, so that the truth is rather worse."""
    from scipy.special import ndtri

    if not stderr > 0:
        return {}
    better = value - sign * float(ndtri((1 + level) / 2)) * stderr
    worse = value + sign * _highest(main.windows, (1 - level) / 2) * stderr
    return {"value_low": min(better, worse), "value_high": max(better, worse)}


def _highest(windows: float, chance: float) -> float:
    """Height u that a moving average over K windows exceeds anywhere by chance: sf(u) + K u phi(u), Slepian's process.

    Windows that overlap have many more chances than those side by side.
    """
    u = 2.0
    for _ in range(30):  # sf(u) is phi(u) / u, nearly
        u = math.sqrt(2 * math.log(max((windows * u + 1 / u) / (math.sqrt(2 * math.pi) * chance), 1.01)))
    return u


def _kept(
    curve: Curve, sign: float, main: LocalMean, half: LocalMean, at: int
) -> tuple[float, float, float, float, float]:
    """X of the checkpoint, and the value there with its standard error, window and number of observations.

    The noise is that of second differences in the later half, or from the best place on if that is longer: a steep start
    is no noise.
    """
    found = float(main.x[at]), float(main.mean[at]), float(main.stderr[at]), float(main.window), float(main.points[at])
    n, reach = len(curve), main.window // 2
    if main.x.size != n or n < _LEAST:  # blocks of observations, among which nothing is steep
        return found
    low, high = max(at - reach, 0), min(at + reach + 1, n)
    noise = robust_sd(curve.y[max(min(at, n - max(_LEAST, n // 2)), 0) :], order=2)
    y, best = sign * curve.y[low:high], sign * half.mean
    step = _BEYOND * noise * math.sqrt(2.0)
    away = step + 2 * float(np.median(np.abs(np.diff(y))))
    lower = np.minimum(np.append(y[1:], np.inf), np.append(np.inf, y[:-1]))
    upper = np.maximum(np.append(y[1:], -np.inf), np.append(-np.inf, y[:-1]))
    spikes = (y < lower - away) | (
        (y > upper + away) & (np.arange(low, high) >= at)
    )  # before it the curve may be steep
    if not noise > 0 or np.any(spikes):  # noise of 0: most values repeat the one before
        return found
    near = low + int(best[low:high].argmin())
    if best[at] - best[near] > _BEYOND * noise * math.sqrt(1 / half.points[at] + 1 / half.points[near]):
        at = near
        found = (
            float(half.x[at]),
            float(half.mean[at]),
            float(half.stderr[at]),
            float(half.window),
            float(half.points[at]),
        )
    near = int(y.argmin())
    if sign * curve.y[at] - y[near] > step:
        at = low + near
        found = float(curve.x[at]), float(curve.y[at]), noise, 1.0, 1.0
    return found


def _indistinguishable(main: LocalMean, at: int, sign: float, level: float) -> NDArray[np.intp]:
    """Where the local mean is not worse than the best by more than the noise of their difference.

    Stepped down: windows that are out no longer count among those that could be best by chance.
    """
    worse = sign * (main.mean - main.mean[at])
    spread = np.hypot(main.stderr, main.stderr[at])
    keep = np.arange(worse.size)
    for _ in range(5):
        left = np.flatnonzero(worse <= main.margin(level, keep.size / worse.size) * spread)
        if left.size == keep.size:
            break
        keep = left
    return keep
