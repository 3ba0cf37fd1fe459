"""Sudden lasting changes of a run, sorted by what explains them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..curves import Curve, Estimate, Interval, Run, Schedule
from ._changes import AFTER, ALPHA_CHANGE, REACH, SIDE, Change, dated
from ._scan import step
from ._trace import Trace
from .evidence import Evidence

__all__ = ["ALPHA_CHANGE", "Sorted", "place_of", "sort_changes"]

_BACK = 0.25  # share of a change for the worse that may be left when it counts as gone
_NOTHING = 0.1  # share of the total drop below which a run had not begun to learn
_LARGE = 0.1  # share of the total drop that a course late in a run does not make up for
_MANY = 4  # observations in a bin from which on it matters where in a bin a change lies
_PARTS = (0.0, 0.25, 0.5, 0.75)
_MOVED = 0.1  # share by which the logged rate must move to explain a change


@dataclass(frozen=True, slots=True)
class Sorted:
    """Changes of one curve.

    Parameters
    ----------
    drops : tuple of Change
        For the better while no learning rate is logged: what a cut of the rate looks like.
    unexplained : tuple of Change
        For the worse and lasting, or for the better although the logged rate stays.
    explained : tuple of Change
        Where the logged learning rate moves the same way, the run was resumed, or learning begins.
    passing : tuple of Change
        For the worse, but gone again before the end; and what takes it back.
    """

    drops: tuple[Change, ...]
    unexplained: tuple[Change, ...]
    explained: tuple[Change, ...]
    passing: tuple[Change, ...]


def sort_changes(evidence: Evidence, name: str, trace: Trace, alpha: float) -> Sorted:
    """Changes of a curve that are found at ``alpha``, by what explains them."""
    kinds: dict[str, list[Change]] = {"drops": [], "unexplained": [], "explained": [], "passing": []}
    found = [c for c in evidence.changes(name) if c.p_value < alpha]
    steps = [c for c in evidence.steps(name) if c.p_value < alpha]
    fine = [c for c in steps if all(abs(c.at - f.at) > SIDE for f in found)]
    found = sorted([*found, *fine], key=lambda c: c.at)
    restarts = [c for c in found if c.size > 0 and _is_reached(trace, c, 0.0)]
    for i, change in enumerate(found):
        if _has_a_cause(evidence, name, trace, change):
            kinds["explained"].append(change)
        elif change.size < 0 and i > 0 and abs(found[i - 1].size + change.size) < 0.5 * found[i - 1].size:
            kinds["passing"].append(change)  # takes back what the one before had done
        elif change.size > 0:
            again = len(restarts) > 1 and change in restarts  # one after the other: a schedule that is not logged
            kinds["passing" if again or _comes_back(trace, change) else "unexplained"].append(change)
        else:
            known = evidence.schedule is not None and len(evidence.schedule) >= 3
            kinds["unexplained" if known else "drops"].append(change)
    return Sorted(**{k: tuple(v) for k, v in kinds.items()})


def _has_a_cause(evidence: Evidence, name: str, trace: Trace, change: Change) -> bool:
    if _rate_explains(evidence.schedule, trace, change):
        return True
    if change.size < 0 and _begins(trace, change):
        return True
    return _resumed(evidence.run, evidence.run[name], trace, change)


def _rate_explains(schedule: Schedule | None, trace: Trace, change: Change) -> bool:
    """Whether the logged rate falls shortly before an improvement, or rises shortly before a loss."""
    if schedule is None or len(schedule) < 3:
        return False
    first, last = max(change.at - REACH // 2, 0), min(change.at + 2, len(trace) - 1)
    before, after = schedule.at(trace.x[[first, last]])
    return bool(after < (1 - _MOVED) * before if change.size < 0 else after > (1 + _MOVED) * before)


def _resumed(run: Run, curve: Curve, trace: Trace, change: Change) -> bool:
    restarts = list(run.provenance.restarts) if run.provenance is not None else []
    restarts += [float(curve.x[i + 1]) for i in np.flatnonzero(np.diff(curve.segment) != 0).tolist()]
    low, high = trace.x[max(change.at - 3, 0)], trace.x[min(change.at + 2, len(trace) - 1)]
    return any(low <= x <= high for x in restarts)


def _begins(trace: Trace, change: Change) -> bool:
    """Whether next to nothing was gained before: learning begins there, after a slow start."""
    before = float(np.mean(trace.y[max(change.at - 3, 0) : change.at]))
    return float(np.mean(trace.y[:3])) - before < _NOTHING * trace.drop


def _comes_back(trace: Trace, change: Change) -> bool:
    """Whether the level before a change for the worse is nearly reached again, beyond where the course before it led."""
    start = max((span.start for span in trace.spans if span.start <= change.at), default=0)
    before = slice(max(change.at - REACH, start), change.at)
    log = np.log(trace.at + 1.0)
    if change.at - before.start < SIDE or change.size > _LARGE * trace.drop:
        return _is_reached(trace, change, 0.0)
    slope = min(float(np.polyfit(log[before], trace.y[before], 1)[0]), 0.0)
    # no law gains more late than on the whole
    return _is_reached(trace, change, max(slope, -trace.drop / max(float(np.ptp(log)), 1e-300)))


def _is_reached(trace: Trace, change: Change, slope: float) -> bool:
    """Whether the level before a change, going on with that slope in the logarithm of the position, is nearly reached later."""
    later = slice(change.at + AFTER, None)
    level = float(np.mean(trace.y[max(change.at - 3, 0) : change.at]))
    course = level + slope * np.log((trace.at[later] + 1.0) / (trace.at[change.at] + 1.0))
    return bool(course.size and np.min(trace.local[later] - course) < _BACK * change.size)


def place_of(label: str, curve: Curve, trace: Trace, change: Change, unit: str) -> Estimate:
    """First x after a change, with its interval and size (positive is better)."""
    at, low, high = dated(curve, trace, change)
    size, stderr = _sized(trace, change)
    details = {"size": -size, "size_stderr": stderr, "p_value": change.p_value}
    interval = Interval(low, high, 0.95, "confidence", "argmax of Brownian motion")
    return Estimate(label, at, interval, unit, details=details)


def _sized(trace: Trace, change: Change) -> tuple[float, float]:
    """Size of a change and its standard error.

    A change within a bin of many observations looks smaller than it is: if one that leaves it a share of a bin fits best and is
    larger, that is its size.
    """
    known = change.size, change.stderr
    if trace.count < _MANY * len(trace):
        return known
    edges = [e for part in trace.pieces for e in part]
    first = max([change.at - REACH, 0, *(e for e in edges if e <= change.at - SIDE)])
    stop = min([change.at + REACH, len(trace), *(e for e in edges if e >= change.at + SIDE)])
    tried = [step(trace, first, at, stop, part) for at in range(change.at - 1, change.at + 2) for part in _PARTS]
    fits = [one for one in tried if one is not None and one[1] > 0]
    size, stderr = max(fits, key=lambda one: abs(one[0]) / one[1], default=known)
    return (size, max(stderr, change.stderr)) if size * change.size > change.size**2 else known
