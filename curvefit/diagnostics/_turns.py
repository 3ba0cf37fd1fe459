"""Rises of a curve that last to the end of a phase of the learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._scan import Rise, rise, student_tail
from ._trace import Span, Trace

__all__ = ["Turn", "distinct", "stretches", "turns_of"]


EARLY = 0.2  # share of the level that the comparison with the beginning takes
_FIRST = (2, 4)  # bins


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


def turns_of(
    boiled: Trace,
    values: NDArray[np.float64] | None = None,
    known: Mapping[tuple[int, int], Rise | None] | None = None,
) -> list[Turn]:
    """The best rise to the end of every phase, from any earlier point since the rate last rose.

    Parameters
    ----------
    boiled : Trace
        The curve.
    values : ndarray, shape (n,), optional
        Its single observations, smaller is better: a climb within a few bins is a jump only if it is one there.
    known : mapping, optional
        Rises that have been looked for already, by the first bin and the end of the stretch.

    Notes
    -----
    A climb that is over soon after the start is no hinge that fits: the first few bins are compared with the last half of the
    stretch as well. Both tests together have the level of one.
    """
    tested, known = [], known or {}
    for span, first in stretches(boiled):
        at = first, span.stop
        up = known[at] if at in known else rise(boiled, *at)
        if up is not None:
            early = _early(boiled, first, span.stop)
            tested.append((span, first, min(1.0, up.p_value / (1 - EARLY), early / EARLY)))
    turns = []
    for span, first, p_value in tested:
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
        jump = _jump(boiled, values, bottom, span.stop) / size if size > 0 and span.stop - bottom > 9 else 0.0
        turns.append(Turn(span, first, bottom, size, stderr, min(1.0, p_value * len(tested)), recovered, jump))
    return turns


def stretches(boiled: Trace) -> list[tuple[Span, int]]:
    """Phases in which the rate does not rise, and the bin since which it has not."""
    out, first = [], 0
    for span in boiled.spans:
        if span.phase.rising:
            first = span.stop
            continue
        if span.phase.after_rise:  # the loss may still climb after a restart
            first = span.start + int(np.argmax(boiled.local[span.start : span.start + max(len(span) // 2, 1)]))
        out.append((span, first))
    return out


def _early(boiled: Trace, first: int, stop: int) -> float:
    """P-value of a level over the last half of a stretch that is no worse than that of its first bins."""
    if stop - first < 4 * max(_FIRST):
        return 1.0
    best = 1.0
    for w in _FIRST:
        size, stderr = boiled.change((first, first + w), ((first + stop) // 2, stop))
        best = min(best, student_tail(size / stderr, boiled.dof) if stderr > 0 else float(size <= 0))
    return min(1.0, len(_FIRST) * best)


def _jump(boiled: Trace, values: NDArray[np.float64] | None, bottom: int, stop: int) -> float:
    """The largest rise within two bins beyond noise, or within two observations where these tell more."""
    steps = np.diff(boiled.y[bottom:stop])
    most = float(np.max(steps[:-1] + steps[1:], initial=0.0) - 3 * boiled.noise)
    if values is None or values.size <= len(boiled):
        return most
    part = values[int(boiled.at[bottom]) : int(boiled.at[stop - 1]) + 1]
    if part.size < 8:
        return most
    middle = np.median(np.lib.stride_tricks.sliding_window_view(part, 3), axis=1)
    within = middle[4:] - middle[:-4]  # of three observations and the three that follow the one between
    return min(most, float(np.max(within, initial=0.0)))


def distinct(turns: list[Turn]) -> list[Turn]:
    """Of rises from the same minimum the one that goes on longest."""
    last: dict[int, Turn] = {}
    for turn in turns:
        last[turn.bottom] = turn
    return list(last.values())
