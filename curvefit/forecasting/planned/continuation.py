"""How a logged schedule may go on, as schedules with probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...curves import DataError, RateChange, Schedule
from .decays import Candidate, Rate, decays

__all__ = ["Continuation", "continuations", "rounding"]

Array = NDArray[np.float64]
_KNOTS = 512
_LOOKED_AT = 1000  # points of a log
_FITS = 1e-3  # a logged rate follows its formula to this share of the peak, or to its own rounding
_AGREES = 0.02  # an earlier schedule within this share of the peak of the log so far may be the same one
_EARLIER = 0.8  # stated belief that a run follows the schedule of an earlier run that agrees with it so far
# While a rate has only been constant, nothing in the log says whether a decay is planned. These are stated beliefs:
# (share of the run at which the decay begins, probability); 1 is never.
_STABLE = ((1.0, 0.5), (0.9, 0.15), (0.8, 0.25), (0.6, 0.1))


@dataclass(frozen=True, slots=True)
class Continuation:
    """One way the schedule may go on.

    Parameters
    ----------
    schedule : Schedule
        The log, and this continuation of it up to the horizon.
    probability : float
        Of this continuation; those of one log sum to 1.
    words : str
        What it is, for people.
    """

    schedule: Schedule
    probability: float
    words: str


def continuations(
    logged: Schedule, horizon: float, planned: float | None = None, earlier: Sequence[Schedule] = ()
) -> tuple[Continuation, ...]:
    """How a logged schedule may go on until ``horizon``, most probable first.

    Parameters
    ----------
    logged : Schedule
        What was logged so far.
    horizon : float
        x up to which the rate is needed.
    planned : float, optional
        x at which training is planned to end; shapes that end with the run (cosine, decay after a stable phase) need
        it. Without it a rate that has been constant is taken to stay so.
    earlier : sequence of Schedule
        Schedules of earlier runs, whole. Those that agree with the log so far, stretched to ``planned``, are candidates
        and share four fifths of the probability.

    Returns
    -------
    tuple of Continuation
        Empty where the rate is still warming up: its peak is not known yet.

    Raises
    ------
    DataError
        When nothing was logged or the rate is zero.

    Notes
    -----
    After the warm-up the log is read as cycles that repeat, or as sudden drops, of which the last is followed by a
    constant rate or by one smooth decay. A decay is fitted by each shape (linear, cosine, exponential, 1 - sqrt,
    inverse square root, inverse time), to round end points where the log does not rule them out; those that stay
    within 0.1 % of the peak (or the rounding of the log) share the probability by how well they fit. A rate that has
    only been constant may stay so or decay over the last part of the run: that is carried as stated probabilities,
    because no fit can tell.

    Examples
    --------
    >>> from curvefit import Schedule
    >>> log = Schedule.cosine(3e-4, 1_000, final=0.1).until(400)
    >>> [(c.words, round(c.probability, 2)) for c in continuations(log, 1_000, 1_000)]
    [('cosine to 10 % of the peak', 1.0)]
    """
    if not len(logged):
        raise DataError("the schedule is empty", where="schedule")
    if logged.peak <= 0:
        raise DataError("the learning rate is 0 everywhere", where="schedule", code="CF-DATA-006")
    last = float(logged.x[-1])
    if last >= horizon:
        return (Continuation(logged, 1.0, "logged"),)
    if planned is not None and planned <= last:
        planned = None
    body = logged.x >= logged.warmup_end
    x, share = logged.x[body], logged.rate[body] / logged.peak
    if x.size == 1 and len(logged) > 1:
        return ()
    tolerance = max(_FITS, rounding(logged.rate) / logged.peak)
    cycling = bool(np.any(np.diff(share) > 5 * tolerance))
    found = _cycles(x, share) if cycling else _falling(x, share, tolerance, planned)
    if earlier and planned is not None:
        found = _as_before(x, share, planned, earlier, found)
    end = max(horizon, planned or horizon)
    total = sum(c.probability for c in found)
    out = [Continuation(_joined(logged, c, end), c.probability / total, c.words) for c in found]
    return tuple(sorted(out, key=lambda c: -c.probability))


def _joined(logged: Schedule, way: Candidate, end: float) -> Schedule:
    """The log, and a continuation of it on a grid that keeps its jumps sudden."""
    last = float(logged.x[-1])
    jumps = np.array([j for j in way.jumps if last < j < end])
    grid = np.unique(np.r_[np.linspace(last, end, _KNOTS + 1)[1:], np.nextafter(jumps, -np.inf), jumps])
    return logged.extend(Schedule(grid, np.clip(way.rate(grid), 0.0, 1.0) * logged.peak, way.words))


def _as_before(
    x: Array, share: Array, planned: float, earlier: Sequence[Schedule], found: list[Candidate]
) -> list[Candidate]:
    """Earlier schedules that agree with the log so far, before the shapes that fit it."""
    agreeing: list[tuple[Rate, Array]] = []
    counts: list[float] = []
    probe = np.linspace(float(x[-1]), planned, 65)
    for schedule in earlier:
        if not len(schedule) or schedule.peak <= 0:
            continue
        rate = _stretched(schedule, planned)
        if np.max(np.abs(rate(x) - share)) > _AGREES:
            continue
        ahead = rate(probe)
        for i, (_, other) in enumerate(agreeing):
            if np.max(np.abs(other - ahead)) < 0.01:
                counts[i] += 1
                break
        else:
            agreeing.append((rate, ahead))
            counts.append(1.0)
    if not agreeing:
        return found
    total, rest = sum(counts), sum(c.probability for c in found)
    known = [
        Candidate(rate, _EARLIER * n / total, f"as in {n:.0f} earlier run{'s' * (n > 1)}")
        for (rate, _), n in zip(agreeing, counts, strict=True)
    ]
    return known + [Candidate(c.rate, (1 - _EARLIER) * c.probability / rest, c.words) for c in found]


def _stretched(schedule: Schedule, planned: float) -> Rate:
    """An earlier schedule as shares of its peak, with its end moved to the planned one."""
    factor = float(schedule.x[-1]) / planned
    return lambda v: schedule.at(v * factor) / schedule.peak


def rounding(rate: Array) -> float:
    """Half a unit in the last decimal with which the rates were logged; 0 where they seem to be complete."""
    distinct = np.unique(rate)
    if distinct.size < 8:
        return 0.0
    for decimals in range(1, 11):
        scaled = distinct * 10.0**decimals
        if np.all(np.abs(scaled - np.round(scaled)) < 1e-6 * np.maximum(scaled, 1.0)):
            return 0.5 * 10.0**-decimals
    return 0.0


def _falling(x: Array, share: Array, tolerance: float, planned: float | None) -> list[Candidate]:
    """Sudden drops, a constant rate, or a smooth decay."""
    drops = [c for c in Schedule(x, share).changes(0.8) if c.old - c.new > 2 * tolerance]
    start = int(np.searchsorted(x, drops[-1].x)) if drops else 0
    rest = share[start:]
    if np.ptp(rest) > 1e-6 and _rests(x[start:], rest):
        return [Candidate(_constant(float(rest[-1])), 1.0, "stays where its decay has ended")]
    if np.ptp(rest) > 1e-6:
        return decays(x[start:], rest, tolerance, planned)
    level = float(rest[-1])
    return _after_drops(float(x[0]), drops, level, float(x[-1])) if drops else _stable(level, float(x[-1]), planned)


def _rests(x: Array, share: Array) -> bool:
    """Whether a decay has ended: constant for a twentieth of the log at least, and for twice as long as ever on the way."""
    if x.size > _LOOKED_AT:  # in a dense log no single step shows a move
        some = np.linspace(0, x.size - 1, _LOOKED_AT).astype(np.intp)
        x, share = x[some], share[some]
    moves = np.flatnonzero(np.abs(np.diff(share)) > 1e-6) + 1
    if not moves.size:
        return False  # it has only begun to
    way = x[moves[share[moves - 1] < share[0] - 1e-6]]  # where it moved once it had begun to
    still = float(x[-1] - x[moves[-1]])
    longest = float(np.max(np.diff(way))) if way.size > 1 else 0.0
    return still >= 0.05 * float(x[-1] - x[0]) and still > 2 * longest and x.size - moves[-1] >= 3


def _constant(level: float) -> Rate:
    return lambda v: np.full(v.shape, level)


def _line_down(begin: float, end: float, level: float) -> Rate:
    return lambda v: level * np.clip((end - v) / (end - begin), 0.0, 1.0)


def _stable(level: float, last: float, planned: float | None) -> list[Candidate]:
    """Constant so far: it stays, or decays with the end of the run."""
    if planned is None:
        return [Candidate(_constant(level), 1.0, "constant")]
    found = []
    for share, probability in _STABLE:
        if share == 1.0:
            found.append(Candidate(_constant(level), probability, "constant"))
        elif share * planned >= last:
            words = f"constant, then linear to 0 over the last {100 * (1 - share):.0f} % of the run"
            found.append(Candidate(_line_down(share * planned, planned, level), probability, words))
    return found


def _after_drops(begin: float, drops: list[RateChange], level: float, last: float) -> list[Candidate]:
    """Constant after sudden drops: it stays, or drops again when the drops were regular."""
    stay = Candidate(_constant(level), 1.0, "stays after its drops")
    places = np.array([begin, *(c.x for c in drops)])
    gaps = np.diff(places)
    gap = float(gaps[-1])
    if len(drops) < 2 or np.ptp(gaps[-2:]) > 0.05 * gap or places[-1] + gap <= last:
        return [stay]
    ratio = float(np.exp(np.mean(np.log([max(c.ratio, 1e-6) for c in drops]))))

    jumps = tuple(float(places[-1] + gap * i) for i in range(1, 200))

    def again(v: Array) -> Array:
        count = np.searchsorted(jumps, v, side="right")
        return np.asarray(level * ratio**count)

    return [Candidate(again, 0.6, f"times {ratio:.3g} every {gap:.6g}", jumps), Candidate(stay.rate, 0.4, stay.words)]


def _cycles(x: Array, share: Array) -> list[Candidate]:
    """Cycles: the last complete one is repeated, stretched by the growth of the last two periods."""
    rises = np.flatnonzero((share[1:] > share[:-1]) & np.r_[True, share[1:-1] <= share[:-2]])  # a rise begins here
    tops = [0]
    for i in rises.tolist():
        top = i + 1
        while top + 1 < x.size and share[top + 1] > share[top]:
            top += 1
        if share[top] - share[i] > 0.05 and top < x.size - 1:  # a rise that still goes on has no top yet
            tops.append(top)
    level = float(share[-1])
    if len(tops) < 2:
        return [Candidate(_constant(level), 1.0, "rose again: the last rate stays")]
    peaks = x[tops]
    period = float(peaks[-1] - peaks[-2])
    growth = period / float(peaks[-2] - peaks[-3]) if len(tops) > 2 else 1.0
    growth = round(growth) if abs(growth - round(growth)) < 0.1 and growth >= 1 else growth
    inside = slice(tops[-2], tops[-1])
    phase, pattern = (x[inside] - peaks[-2]) / period, share[inside]
    height = float(share[tops[-1]] / share[tops[-2]])

    def repeat(v: Array) -> Array:
        begin, length, scale = float(peaks[-1]), period * growth, height
        out = np.empty_like(v)
        for i, at in enumerate(v):
            while at >= begin + length:
                begin, length, scale = begin + length, length * growth, scale * height
            out[i] = scale * np.interp((at - begin) / length, phase, pattern)
        return out

    seen = x[tops[-1] :]
    if np.max(np.abs(repeat(seen) - share[tops[-1] :])) > 0.1:
        return [Candidate(_constant(level), 1.0, "cycles that do not repeat: the last rate stays")]
    return [Candidate(repeat, 1.0, f"cycles of {period * growth:.6g}" + (" and growing" if growth > 1 else ""))]
