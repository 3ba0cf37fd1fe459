"""Facts about many runs at once: a small array call for each of them becomes one for all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from ..curves import CurvefitError
from ..forecasting.forecast import Forecast
from ..forecasting.together import last_chances
from ._changes import ALPHA_CHANGE, changes_of
from ._leveling import SMALL, courses
from ._noise import residuals_of
from ._periodogram import LEAST, lines_of
from ._scan import rises
from ._steps import steps_of
from ._trace import Span, Trace, recents
from ._traces import traces
from ._turns import stretches
from .evidence import Evidence

__all__ = ["find_together", "in_turn"]

_AT_ONCE = 1 << 17  # points of the curves that are looked at together

_Layout = tuple[int, tuple[Span, ...], tuple[tuple[int, int], ...], bytes]


def in_turn(evidences: Iterable[Evidence]) -> Iterator[Evidence]:
    """The evidence of one run after the other, its facts found with those of as many more as have so many points."""
    waiting: deque[Evidence] = deque()
    points = 0
    for evidence in evidences:
        waiting.append(evidence)
        points += sum(len(curve) for curve in evidence.run.curves.values())
        if points > _AT_ONCE:
            yield from _emptied(waiting)
            points = 0
    yield from _emptied(waiting)


def _emptied(waiting: deque[Evidence]) -> Iterator[Evidence]:
    with suppress(ArithmeticError, ValueError, MemoryError):  # what goes wrong with one is said when that one is judged
        find_together(waiting)
    while waiting:
        yield waiting.popleft()


def find_together(evidences: Sequence[Evidence]) -> None:
    """Find the traces, residuals and courses that most rules will ask for, and leave them with the evidence.

    Parameters
    ----------
    evidences : sequence of Evidence
        Of any runs; those whose curves have the same length and phases are worked on at once.

    Notes
    -----
    One run by itself goes through the same functions: nothing depends on the company it is in.
    """
    asked = [(e, name) for e in evidences for name in dict.fromkeys((*e.judged, *e.mattering))]
    found = traces([e.run[name] for e, name in asked], [e.phases for e, _ in asked])
    for (e, name), own in zip(asked, found, strict=True):
        if own is not None:
            e.known.raw[name] = own
    groups: dict[_Layout, list[tuple[Evidence, str, Trace]]] = {}
    for e in evidences:
        for name in e.judged:
            boiled = e.trace(name)
            if boiled is not None:
                layout = boiled.count, boiled.spans, boiled.pieces, boiled.at.tobytes()
                groups.setdefault(layout, []).append((e, name, boiled))
    for group in groups.values():
        _of_one_layout(group)
    _chances(evidences)


def _of_one_layout(group: list[tuple[Evidence, str, Trace]]) -> None:
    boiled = [t for *_, t in group]
    singles = residuals_of([e.run[name] for e, name, _ in group], boiled)
    for (e, name, _), single in zip(group, singles, strict=True):
        e.known.residuals[name] = single
    trained = [(e, name, s) for (e, name, _), s in zip(group, singles, strict=True) if name == e.progress]
    if trained and boiled[0].count >= LEAST:
        lines = lines_of([(e.run, e.run[name], single) for e, name, single in trained])
        for (e, name, _), line in zip(trained, lines, strict=True):
            e.known.lines[name] = line
    _rises([(e, name, t) for e, name, t in group if name == e.validation])
    steps = steps_of([e.run[name] for e, name, _ in group], boiled, ALPHA_CHANGE)
    for (e, name, _), change, step in zip(group, changes_of(boiled, ALPHA_CHANGE), steps, strict=True):
        e.known.changes[name], e.known.steps[name] = change, step
    for start in (len(boiled[0]) // 2, len(boiled[0]) // 4):  # what rules look at that begin late
        for (e, name, _), late in zip(group, recents(boiled, start), strict=True):
            e.known.later[name, start] = late
    ahead = [(e, name, t, ratio) for e, name, t in group if (ratio := _stretch(e, name)) is not None]
    if ahead:
        of = [t for _, _, t, _ in ahead], [r for *_, r in ahead], [e.others(name) for e, name, *_ in ahead]
        for (e, name, *_), course in zip(ahead, courses(*of), strict=True):
            e.known.courses[name] = course


def _rises(group: list[tuple[Evidence, str, Trace]]) -> None:
    """To the end of each phase of the validation curves, from where most of them begin to be looked at."""
    if not group:
        return
    for e, name, _ in group:
        e.known.rises[name] = {}
    for span, first in stretches(group[0][-1]):
        if not span.phase.after_rise:
            found = rises([t for *_, t in group], first, span.stop)
            for (e, name, _), up in zip(group, found, strict=True):
                e.known.rises[name][first, span.stop] = up


def _stretch(evidence: Evidence, name: str) -> float | None:
    try:
        return evidence.stretch(name)
    except CurvefitError:  # a horizon that is not beyond the data: told by who asks for it
        return None


def _ahead(evidence: Evidence, name: str) -> Forecast | None:
    try:
        return evidence.forecast(name)
    except CurvefitError:  # likewise
        return None


def _chances(evidences: Sequence[Evidence]) -> None:
    """Of the smallest gain that counts, which two rules ask for."""
    asked: list[tuple[Evidence, str, float, Forecast]] = []
    for e in evidences:
        boiled = None if e.main is None else e.trace(e.main)
        ahead = None if e.main is None or boiled is None else _ahead(e, e.main)
        if e.main is not None and boiled is not None and ahead is not None:
            asked.append((e, e.main, SMALL * boiled.drop, ahead))
    if not asked:
        return
    goals = [e.goal(ahead, gain) for e, _, gain, ahead in asked]
    for (e, name, gain, _), chance in zip(asked, last_chances([f for *_, f in asked], goals).tolist(), strict=True):
        e.known.chances[name, gain] = chance
