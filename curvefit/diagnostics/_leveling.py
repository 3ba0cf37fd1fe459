"""What is left to gain if the present course goes on: slopes in the logarithm of the position, over recent windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._scan import student_tail, weighted_fit
from ._trace import Trace

__all__ = ["CERTAIN", "LIKELY", "SLOW", "SMALL", "Course", "course"]

SMALL = 0.02
"""Share of the total drop below which what is left to gain counts as nothing."""

LIKELY = 0.5
"""Probability of more than that by the forecast above which nobody should be told that a curve is level."""

SLOW = 0.1
"""Share of what the last nine tenths of a run gave: a certain gain of more is no level course, however little of all it is."""

CERTAIN = 0.01
"""Significance that makes such a gain certain."""

_WINDOWS = (0.6, 0.4, 0.25)  # of the run
_LEAST = 6  # bins


@dataclass(frozen=True, slots=True)
class Course:
    """Gain from the end of the data to the horizon, read from the slope of each recent window.

    Parameters
    ----------
    gains, stderrs : tuple of float
        Estimate and standard error per window, in the unit of the metric; positive is better.
    dof : tuple of int
        Degrees of freedom per window.
    """

    gains: tuple[float, ...]
    stderrs: tuple[float, ...]
    dof: tuple[int, ...]

    @property
    def gain(self) -> float:
        """Of the window that is told most precisely relative to its bias: the middle one."""
        return self.gains[len(self.gains) // 2]

    @property
    def stderr(self) -> float:
        """Standard error of ``gain``."""
        return self.stderrs[len(self.stderrs) // 2]

    def p_more_than(self, eps: float) -> float:
        """Of the hypothesis that at least ``eps`` is left: small means level."""
        each = [student_tail((eps - g) / s, d) if s > 0 else float(g >= eps) for g, s, d in self._each()]
        return min(1.0, len(each) * min(each))

    def p_no_gain(self) -> float:
        """Of the hypothesis that nothing is gained any more: small means still improving."""
        each = [student_tail(g / s, d) if s > 0 else float(g <= 0) for g, s, d in self._each()]
        return min(1.0, len(each) * min(each))

    def p_lost(self, eps: float) -> float:
        """Of the hypothesis that at least ``eps`` is being lost: small means not getting worse."""
        each = [student_tail((eps + g) / s, d) if s > 0 else float(g <= -eps) for g, s, d in self._each()]
        return min(1.0, len(each) * min(each))

    def _each(self) -> list[tuple[float, float, int]]:
        return list(zip(self.gains, self.stderrs, self.dof, strict=True))


def course(trace: Trace, ratio: float, others: Sequence[Trace] = ()) -> Course | None:
    r"""Extrapolate recent windows to ``ratio`` times the length of the data.

    .. math:: y = a - b \ln t + e, \qquad \text{gain} = b \ln r

    by weighted least squares with the standard error that AR(1) noise gives, over the last 60, 40 and 25 % of the run (within the last phase of
    the learning rate).

    Parameters
    ----------
    trace : Trace
        The curve.
    ratio : float
        Length of the run at the horizon over the length now, above 1.
    others : sequence of Trace
        Other curves of the run: those whose noise agrees help to tell its correlation.

    Returns
    -------
    Course or None
        None when fewer than 6 bins lie in the last phase.

    Notes
    -----
    Along a power law, or any curve that is convex in ln t, the slope only gets smaller: the gain is then overstated,
    and "level" is a cautious verdict. A change that nothing announces is not in it.
    """
    last = trace.spans[-1]
    found = []
    starts = {max(len(trace) - max(round(w * len(trace)), _LEAST), last.start) for w in _WINDOWS}
    for start in sorted(s for s in starts if len(trace) - s >= _LEAST):
        found.append(_log_slope(trace, start, [o for o in others if len(o) == len(trace)]))
    if not found:
        return None
    reach = float(np.log(ratio))
    slopes, stderrs, dof = zip(*found, strict=True)
    return Course(tuple(-b * reach for b in slopes), tuple(s * reach for s in stderrs), dof)


def _log_slope(trace: Trace, start: int, others: Sequence[Trace]) -> tuple[float, float, int]:
    """Slope in ln t from bin ``start`` on, its standard error and degrees of freedom; the noise is that of the window."""
    recent = trace.since(start).beside([o.since(start) for o in others])
    design = np.column_stack([np.ones(len(recent)), np.log((recent.at + 1.0) / trace.count)])
    slopes, stderr = weighted_fit(recent, 0, len(recent), design)
    return float(slopes[1]), float(stderr[1]), recent.dof
