"""Which rows belong together: runs of a table, and within a run the rows that were logged in one stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ..curves import Direction, Kind, LimitError, Metric, Schedule, XUnit
from ._cells import MAX_TEXTS, MISSING, NUMBER, TEXT, Column
from ._layout import Layout, codes_of
from ._names import normalize
from ._table import Table

__all__ = ["Group", "Unit", "groups_of", "parts_of"]

Rows = NDArray[np.integer[Any]]
_NAMES = ("run_id", "run_name", "run")


@dataclass(slots=True, eq=False)
class Unit:
    """Rows that were logged in one stream, in log order, and their metrics.

    Parameters
    ----------
    rows : ndarray of int, shape (k,)
        Row numbers in the table.
    x : ndarray of float64, shape (k,)
        x of these rows, NaN where missing.
    unit : str
        Unit of x.
    metrics : list of (str, Column)
        Metric names and the columns of their values.
    segment, flags : ndarray or None
        Settled segments and flags, from a file that stores them.
    metric : Metric or None
        What the metric is, when the file says so.
    beside : list of (str, Column)
        Columns of values that are counted as dropped, with the reason.
    counts : list of Column
        Other counts of training, such as the epoch.
    """

    rows: Rows
    x: NDArray[np.float64]
    unit: XUnit
    metrics: list[tuple[str, Column]]
    segment: NDArray[np.int32] | None = None
    flags: NDArray[np.uint8] | None = None
    metric: Metric | None = None
    beside: list[tuple[str, Column]] = field(default_factory=list)
    counts: list[Column] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Group:
    """One run of a table.

    Parameters
    ----------
    name : str
        Name of the run.
    units : list of Unit
        Streams of rows; a row is in at most one of them.
    facts : dict
        What is constant in this run.
    schedule : Schedule or None
        Learning rate that stands beside the values of a long form.
    """

    name: str
    units: list[Unit]
    facts: dict[str, str | float] = field(default_factory=dict)
    schedule: Schedule | None = None


def groups_of(layout: Layout, table: Table, name: str) -> list[Group]:
    """Split a table into runs by its labels."""
    for column in (*layout.labels, *((layout.names,) if layout.names is not None else ())):
        if column.overfull:
            raise LimitError(
                f"column {column.name!r} holds more than {MAX_TEXTS} different names",
                hint="split the file; Parquet has no such limit",
            )
    rows = np.arange(table.rows, dtype=np.int32)
    stated = "" if len(layout.labels) > len(layout.apart) else _stated_name(layout)
    out: list[Group] = []
    parts: Iterable[Rows] = [rows]
    if layout.labels:
        parts = _parts(codes_of(layout.labels, table.rows), rows)
    for part in parts:
        label = _label(layout.labels, int(part[0]))
        facts = _facts([*layout.labels, *layout.facts], part)
        pieces = _replicates(layout, part)
        for i, piece in enumerate(pieces, 1):
            called = "/".join(part for part in (label, stated) if part) or name
            own = {k: v for k, v in facts.items() if not (v == called and normalize(k) in _NAMES)}
            if len(pieces) > 1:
                called, own["repeat"] = f"{called}/{i}", float(i)
            out.append(Group(called, _units(layout, piece), own, _rate_beside(layout, piece)))
    if len(out) > 1 and any("repeat" in g.facts for g in out):
        layout.notes.append("runs that share a label and the same x one after another are told apart by number")
    _tell_apart(out)
    return out


def _tell_apart(groups: list[Group]) -> None:
    """Give runs of one name numbers, and none the name of another."""
    taken: set[str] = set()
    count: dict[str, int] = {}
    for group in groups:
        name, k = group.name, count.get(group.name, 1)
        while group.name in taken:
            k += 1
            group.name = f"{name} ({k})"
        count[name] = k
        taken.add(group.name)


def _parts(codes: NDArray[np.intp], rows: Rows) -> Iterator[Rows]:
    """Rows of each code, in order of first appearance, each in log order."""
    if not rows.size:
        return
    if codes.max() == 0:
        yield rows
        return
    order = np.argsort(codes, kind="stable")
    yield from np.split(rows[order], np.flatnonzero(np.diff(codes[order])) + 1)


def parts_of(label: Column | None, rows: int) -> dict[str, Rows]:
    """Rows of each value of a label."""
    labels = [] if label is None else [label]
    parts = _parts(codes_of(labels, rows), np.arange(rows))
    return {_label(labels, int(part[0])): part for part in parts}


def _stated_name(layout: Layout) -> str:
    """The run's name when a column of names holds only one."""
    by_name = {normalize(c.name): c for c in reversed(layout.facts)}
    for name in _NAMES:
        column = by_name.get(name)
        if column is not None and len(column.texts) == 1 and column.count(TEXT):
            return column.texts[0]
    return ""


def _label(labels: list[Column], row: int) -> str:
    parts = []
    for column in labels:
        if column.state[row] == TEXT:
            parts.append(column.text(row))
        elif column.state[row] == NUMBER:
            parts.append(f"{column.name}={column.values[row]:g}")
    return "/".join(parts)


def _facts(columns: list[Column], rows: Rows) -> dict[str, str | float]:
    facts: dict[str, str | float] = {}
    for column in columns:
        there = rows[column.state[rows] != MISSING]
        if there.size:
            row = int(there[0])
            if column.state[row] == TEXT:
                facts[column.name] = column.text(row)
            elif column.state[row] == NUMBER:
                facts[column.name] = float(column.values[row])
    return facts


def _replicates(layout: Layout, rows: Rows) -> list[Rows]:
    """Several runs with the same label and the same x, stacked; only where labels show that the table stacks runs."""
    if not layout.labels or layout.x is None or layout.names is not None or layout.series is not None:
        return [rows]
    x = layout.x[rows]
    starts = np.flatnonzero(np.diff(x) < 0) + 1
    k = starts.size + 1
    if k < 2 or rows.size % k or rows.size // k < 2:
        return [rows]
    grid = x.reshape(k, -1)
    if not np.array_equal(starts, np.arange(1, k) * grid.shape[1]) or not np.all(grid == grid[0]):
        return [rows]
    return list(rows.reshape(k, -1))


def _units(layout: Layout, rows: Rows) -> list[Unit]:
    if layout.names is not None:
        return list(_long_units(layout, rows))
    if layout.series is None:
        return [_unit(layout, rows, [(c.name, c) for c in layout.metrics])]
    units = []
    for part in _parts(codes_of_rows([layout.series], rows), rows):
        row = int(part[0])
        prefix = f"{layout.series.text(row)}/" if layout.series.state[row] == TEXT else ""
        units.append(_unit(layout, part, [(prefix + c.name, c) for c in layout.metrics]))
    return units


def codes_of_rows(columns: list[Column], rows: Rows) -> NDArray[np.intp]:
    """Group numbers of some rows by some columns."""
    parts = [Column(c.name, c.values[rows], c.state[rows], c.texts) for c in columns]
    return codes_of(parts, rows.size)


def _rate_beside(layout: Layout, rows: Rows) -> Schedule | None:
    """Schedule of a long form that repeats the learning rate beside every value."""
    column = layout.extras.get("rate")
    if column is None or layout.x is None:
        return None
    good = rows[(column.state[rows] == NUMBER) & (column.values[rows] >= 0)]
    return Schedule(layout.x[good], column.values[good]) if good.size else None


def _unit(layout: Layout, rows: Rows, metrics: list[tuple[str, Column]]) -> Unit:
    x = np.arange(1.0, rows.size + 1) if layout.x is None else _rows_of(layout.x, rows)
    return Unit(rows, x, layout.unit, metrics, counts=layout.counts if layout.x is not None else [])


def _rows_of(values: NDArray[np.float64], rows: Rows) -> NDArray[np.float64]:
    """Some rows of a column; the column itself when they are all of them, for rows are never reordered here."""
    return values if rows.size == values.size else values[rows]


def _long_units(layout: Layout, rows: Rows) -> Iterator[Unit]:
    """One stream per metric name, and the wall time beside them as a metric of its own."""
    assert layout.names is not None
    value = layout.metrics[0]
    streams = [layout.names] if layout.series is None else [layout.names, layout.series]
    for part in _parts(codes_of_rows(streams, rows), rows):
        row = int(part[0])
        if layout.names.state[row] == TEXT:
            name = layout.names.text(row)
        elif layout.names.state[row] == NUMBER:
            name = f"{layout.names.values[row]:g}"
        else:
            name = value.name
        if layout.series is not None and layout.series.state[row] == TEXT:
            name = f"{layout.series.text(row)}/{name}"
        unit = _unit(layout, part, [(name, value)])
        unit.unit = _unit_of_x(layout, row)
        segment, flags = layout.extras.get("segment"), layout.extras.get("flags")
        if (
            segment is not None
            and np.all(segment.state[part] == NUMBER)
            and np.all(np.abs(segment.values[part]) < 2**31)
        ):
            unit.segment = segment.values[part].astype(np.int32)
        if flags is not None and np.all(flags.state[part] == NUMBER):
            unit.flags = (np.abs(flags.values[part]) % 256).astype(np.uint8)
        kind, direction = (
            _word(layout, "kind", row, get_args(Kind)),
            _word(layout, "direction", row, get_args(Direction)),
        )
        if kind or direction:
            unit.metric = Metric.infer(
                name, kind=cast("Kind | None", kind), direction=cast("Direction | None", direction)
            )
        yield unit


def _word(layout: Layout, name: str, row: int, choices: tuple[str, ...]) -> str | None:
    """A word of a further column, if it is one of the choices."""
    column = layout.extras.get(name)
    text = column.text(row) if column is not None and column.state[row] == TEXT else None
    return text if text in choices else None


def _unit_of_x(layout: Layout, row: int) -> XUnit:
    return cast("XUnit", _word(layout, "x_unit", row, get_args(XUnit)) or layout.unit)
