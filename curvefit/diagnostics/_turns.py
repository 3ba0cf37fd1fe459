"""Rises of a curve that last to the end of a phase of the learning rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._scan import rise
from ._trace import Span, Trace

__all__ = ["Turn", "distinct", "turns_of"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A rise in one phase of the learning rate."""

    span: Span
    first: int  # bin from which the minimum was looked for
    bottom: int
    size: float
    stderr: float
    p_value: float
    recovered: float  # share of the highest rise that is gone again at the end of the phase
    jump: float  # share of the rise made by the largest single step


def turns_of(boiled: Trace) -> list[Turn]:
    """The best rise to the end of every phase, from any earlier point since the rate last rose."""
    tested = []
    first = 0
    for span in boiled.spans:
        if span.phase.rising:
            first = span.stop
            continue
        if span.phase.after_rise:  # the loss may still climb after a restart
            first = span.start + int(np.argmax(boiled.local[span.start : span.start + max(len(span) // 2, 1)]))
        up = rise(boiled, first, span.stop)
        if up is not None:
            tested.append((span, first, up))
    turns = []
    for span, first, up in tested:
        local = boiled.local[first : span.stop]
        bottom = first + int(np.argmin(local))
        width = max(2, (span.stop - bottom) // 5)
        last = (max(span.stop - width, bottom + 1), span.stop)
        h = max(boiled.half_window, 1)
        begin = max(
            s.start for s in boiled.spans if s.start <= bottom
        )  # the level before a cut is not that of the minimum
        low = (max(bottom - h, first, begin), min(bottom + h + 1, last[0]) if last[0] > bottom else bottom + 1)
        size, stderr = boiled.change(low, last) if last[1] - last[0] > 0 and low[1] > low[0] else (0.0, 0.0)
        after = boiled.local[bottom : span.stop]
        top = float(np.max(after) - after[0])
        recovered = 1.0 - size / top if top > 0 else 0.0
        steps = np.diff(boiled.y[bottom : span.stop])
        pair = steps[:-1] + steps[1:] if steps.size > 1 else steps
        jump = float(np.max(pair, initial=0.0) - 3 * boiled.noise) / size if size > 0 and steps.size > 8 else 0.0
        turns.append(Turn(span, first, bottom, size, stderr, min(1.0, up.p_value * len(tested)), recovered, jump))
    return turns


def distinct(turns: list[Turn]) -> list[Turn]:
    """Of rises from the same minimum the one that goes on longest."""
    last: dict[int, Turn] = {}
    for turn in turns:
        last[turn.bottom] = turn
    return list(last.values())
