"""Runs from metrics that were logged one by one, each value with its step and its time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Run, XUnit
from ..curves.errors import unknown_name
from ._axis import join_pieces
from ._cells import Column
from ._groups import Group, Unit
from ._names import plan_of
from ._runs import runs_of
from ._source import Source
from ._table import Table

__all__ = ["CLOCK", "Logged", "Stream", "read_streams", "with_clock"]

CLOCK = "wall_time"


@dataclass(slots=True)
class Stream:
    """Values of one metric in the order in which they were logged.

    Parameters
    ----------
    name : str
        Name of the metric.
    step, value : ndarray of float64
        Step and value.
    wall : ndarray of float64
        Seconds since 1970.
    """

    name: str
    step: NDArray[np.float64]
    value: NDArray[np.float64]
    wall: NDArray[np.float64]


@dataclass(slots=True)
class Logged:
    """One run and what it logged."""

    name: str
    streams: list[Stream] = field(default_factory=list)
    facts: dict[str, str | float] = field(default_factory=dict)


def read_streams(logged: list[Logged], table: Table, source: Source, *, reader: str) -> list[Run]:
    """Runs of what was logged; ``table`` brings the account and the notes, and is filled here.

    A metric whose steps are all the same was logged without one: its values are numbered in order of time.
    """
    count = sum(s.value.size for run in logged for s in run.streams)
    values = np.empty(count)
    column = Column("value", values, np.zeros(count, np.uint8))
    table.columns = [column]
    groups: list[Group] = []
    clocks: dict[str, Curve | None] = {}
    numbered: list[str] = []
    names: dict[str, int] = {}
    offset = 0
    for run in logged:
        names[run.name] = names.get(run.name, 0) + 1
        name = run.name if names[run.name] == 1 else f"{run.name} ({names[run.name]})"
        units, timed = [], []
        for stream in run.streams:
            x, unit, order, counted = _x_of(stream, source, run)
            if counted:
                numbered.append(stream.name)
            else:
                timed.append(stream)
            n = stream.value.size
            values[offset : offset + n] = stream.value if order is None else stream.value[order]
            rows = np.arange(offset, offset + n, dtype=np.int32)
            units.append(Unit(rows, x, unit, [(stream.name, column)]))
            offset += n
        clocks[name] = _clock(timed) if source.options.x in (None, "step") else None
        groups.append(Group(name, units, run.facts))
    if numbered and source.options.x is None:
        some = ", ".join(map(repr, dict.fromkeys(numbered[:6])))
        table.notes.append(f"logged without steps, so the values are numbered in order of time: {some}")
    out = []
    for read in runs_of(table, source, reader=reader, groups=groups):
        plan = plan_of(dict(read.attributes)).get(next(iter(read.curves.values())).x_unit)
        known = replace(read, horizon=plan) if plan is not None and read.horizon is None else read
        out.append(with_clock(known, clocks.get(read.name)))
    return out


def _x_of(stream: Stream, source: Source, run: Logged) -> tuple[NDArray[np.float64], XUnit, Any, bool]:
    """X of a stream, its unit, the order of the values, and whether they had to be numbered."""
    asked = source.options.x
    unit: XUnit = source.options.x_unit or "step"
    step = stream.step
    if asked == CLOCK:
        begin = min(float(s.wall.min()) for s in run.streams if s.wall.size)
        return stream.wall - begin, source.options.x_unit or "second", None, False
    if asked not in (None, "step", "row", "cumulative"):
        raise unknown_name("column", asked, ("step", CLOCK, "row", "cumulative"), where=source.where)
    if asked == "row" or (step.size > 1 and bool(np.all(step == step[0]))):
        return np.arange(1.0, step.size + 1), unit, np.argsort(stream.wall, kind="stable"), True
    return (join_pieces(step, None) if asked == "cumulative" else step), unit, None, False


def _clock(streams: list[Stream]) -> Curve | None:
    """Wall time by step, the last one logged where a step occurs again."""
    if not streams:
        return None
    step = np.concatenate([s.step for s in streams])
    wall = np.concatenate([s.wall for s in streams])
    good = np.isfinite(wall) & (wall > 0) & np.isfinite(step)
    order = np.argsort(wall[good], kind="stable")[::-1]
    x, last = np.unique(step[good][order], return_index=True)
    return Curve(x, wall[good][order][last], CLOCK, x_unit="step") if x.size > 1 else None


def with_clock(run: Run, clock: Curve | None) -> Run:
    """The run with the wall time as a curve of its own, which its provenance counts."""
    if clock is None or CLOCK in run.curves or run.provenance is None:
        return run
    p = run.provenance
    counted = replace(p, points_in=p.points_in + len(clock), points_kept=p.points_kept + len(clock))
    return replace(run, curves={**run.curves, CLOCK: clock}, provenance=counted)
