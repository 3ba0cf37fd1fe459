"""Best point so far, on a centered robust local mean: where, and how good."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..curves import Estimate, Interval, Status
from ._base import Question, unanswered
from ._local_mean import LocalMean
from ._shared import local_of

__all__ = ["best_point", "many"]


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
        x of an observation at the middle of the best window, in the unit of x. The interval runs from the first to
        the last x whose local mean cannot be told from the best one (z_K: Bonferroni over the K windows side by side).
        Details: ``value`` of the local mean there with ``stderr``, the ``window`` in observations, of which ``points``
        lie in the curve (fewer at its ends), and ``x_half``, ``value_half``, ``x_double``, ``value_double`` with half
        and twice that window.

    Notes
    -----
    Never a single value: on a flat noisy curve the future's best single value beats the past's almost half the time.
    The value is that of the winner among many windows and so slightly flattering; on a curve that is still improving
    at the end it lags by about a quarter window.
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
    details = {
        "value": float(main.mean[at]),
        "stderr": float(main.stderr[at]),
        "window": float(main.window),
        "points": float(main.points[at]),
        "x_half": float(half.x[at_half]),
        "value_half": float(half.mean[at_half]),
        "x_double": float(double.x[at_double]),
        "value_double": float(double.mean[at_double]),
    }
    x = float(main.x[at])
    status, interval = Status.OK, None
    reasons: tuple[str, ...] = ()
    if float(curve.y.max() - curve.y.min()) == 0.0:
        status = Status.CONSTANT
        reasons = ("every value is the same: the first point is as good as any",)
        x = float(curve.x[0])
    elif len(curve) >= 5:
        keep = _indistinguishable(main, at, sign, question.level)
        interval = Interval(float(main.x[keep[0]]), float(main.x[keep[-1]]), question.level, "confidence", "local mean")
        if keep.size >= 0.5 * main.x.size:
            status = Status.DEGRADED
            reasons = (
                f"{100 * keep.size / main.x.size:.0f} % of the run cannot be told from its best part beyond the noise",
            )
    return Estimate("best_point", x, interval, curve.x_unit, status, reasons, details)


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
