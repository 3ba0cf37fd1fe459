"""What is left to gain if the present course goes on: slopes in the logarithm of the position, over recent windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._scan import student_tail
from ._trace import Trace, decays, late_noise, line_columns, recents

__all__ = ["CERTAIN", "LIKELY", "SLOW", "SMALL", "Course", "course", "courses"]

Array = NDArray[np.float64]

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
WORTH = 2  # independent windows that the three, each within the other, are worth: a course of exactly the limit is called level in 5 %


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
        return min(1.0, min(len(each), WORTH) * min(each))

    def p_no_gain(self) -> float:
        """Of the hypothesis that nothing is gained any more: small means still improving."""
        each = [student_tail(g / s, d) if s > 0 else float(g <= 0) for g, s, d in self._each()]
        return min(1.0, min(len(each), WORTH) * min(each))

    def p_lost(self, eps: float) -> float:
        """Of the hypothesis that at least ``eps`` is being lost: small means not getting worse."""
        each = [student_tail((eps + g) / s, d) if s > 0 else float(g <= -eps) for g, s, d in self._each()]
        return min(1.0, min(len(each), WORTH) * min(each))

    def _each(self) -> list[tuple[float, float, int]]:
        return list(zip(self.gains, self.stderrs, self.dof, strict=True))


def course(trace: Trace, ratio: float, others: Sequence[Trace] = ()) -> Course | None:
    """`courses` of one curve, beside other curves of its run: those whose noise agrees help to tell its correlation."""
    return courses([trace], [ratio], [others])[0]


def courses(traces: Sequence[Trace], ratios: Sequence[float], others: Sequence[Sequence[Trace]]) -> list[Course | None]:
    r"""Extrapolate recent windows of curves of one layout to ``ratios`` times the length of their data.

    .. math:: y = a - b \ln t + e, \qquad \text{gain} = b \ln r

    by weighted least squares with the standard error that AR(1) noise gives it, over the last 60, 40 and 25 % of the run
    (within the last phase of the learning rate).

    Parameters
    ----------
    traces : sequence of Trace
        Curves with the same bins and phases.
    ratios : sequence of float
        Length of each run at the horizon over the length now, above 1.
    others : sequence of sequences of Trace
        Other curves of each run, see `course`.

    Returns
    -------
    list of Course or None
        None when fewer than 6 bins lie in the last phase.

    Notes
    -----
    Along a power law, or any curve that is convex in ln t, the slope only gets smaller: the gain is then overstated,
    and "level" is a cautious verdict. A change that nothing announces is not in it.
    """
    bins, last = len(traces[0]), traces[0].spans[-1]
    starts = {max(bins - max(round(w * bins), _LEAST), last.start) for w in _WINDOWS}
    found = [_log_slopes(traces, start, others) for start in sorted(s for s in starts if bins - s >= _LEAST)]
    if not found:
        return [None] * len(traces)
    out: list[Course | None] = []
    for i, ratio in enumerate(ratios):
        reach = float(np.log(ratio))
        out.append(
            Course(
                tuple(-float(b[i]) * reach for b, _, _ in found),
                tuple(float(s[i]) * reach for _, s, _ in found),
                tuple(dof for _, _, dof in found),
            )
        )
    return out


def _log_slopes(traces: Sequence[Trace], start: int, others: Sequence[Sequence[Trace]]) -> tuple[Array, Array, int]:
    """Slopes in ln t from bin ``start`` on, standard errors and degrees of freedom; the noise is that of the window."""
    beside = [[o for o in own if len(o) == len(traces[0])] for own in others]
    if any(beside):
        found = [
            recent.beside([o.since(start) for o in own])
            for recent, own in zip(recents(traces, start), beside, strict=True)
        ]
        y, weight, dof = np.stack([t.y for t in found]), np.stack([t.weight for t in found]), found[0].dof
        rho, noise = np.array([t.rho_high for t in found]), np.array([t.noise for t in found])
    else:
        y, weight, _, like, _, rho, noise = late_noise(traces, start)
        dof = max(like[0].free - 1, 1)
    _, _, along, scale = line_columns(traces[0], start, weight)
    slopes = np.einsum("ij,ij->i", along, y / weight) / scale
    carried = np.einsum("ri,rik->rk", along, decays(rho, along.shape[1]))
    carried[:, 0] /= np.sqrt(1 - rho**2)
    return slopes, noise * np.sqrt(np.sum(carried**2, axis=1)) / scale, dof
