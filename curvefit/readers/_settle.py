"""Rows of one stream settled: restarts, duplicates, cells that are no numbers; every row and point accounted for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, DataError, Metric, Segmented, XUnit, segment_log
from ..curves.numbers import counted
from ._cells import MISSING, NUMBER, TEXT, WHY, Column
from ._groups import Unit
from ._masked import masked_rows, with_mask
from ._names import metric_of
from ._source import Source
from ._table import Table

__all__ = ["Book", "settle"]

Rows = NDArray[np.integer[Any]]
SUPERSEDED = "superseded by a later segment"
DUPLICATE = "exact duplicate"
NO_X = "without x"
NO_VALUE = "without values"
FEW = 4  # distances that tell how x is spaced


@dataclass(slots=True)
class Book:
    """What became of the rows and points of one run."""

    rows_in: int = 0
    rows_kept: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    points_in: int = 0
    points_kept: int = 0
    points: dict[str, int] = field(default_factory=dict)
    restarts: set[float] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def drop_rows(self, why: str, count: int) -> None:
        self.rows_in += count
        if count:
            self.rows[why] = self.rows.get(why, 0) + count

    def drop_points(self, why: str, count: int) -> None:
        self.points_in += count
        if count:
            self.points[why] = self.points.get(why, 0) + count

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def merge(self, other: Book) -> None:
        """Add the account of rows that belong to no run of their own."""
        for why, count in other.rows.items():
            self.drop_rows(why, count)
        for why, count in other.points.items():
            self.drop_points(why, count)


@dataclass(slots=True)
class Settled:
    """Rows of a unit that stay, in order of x."""

    rows: Rows
    x: NDArray[np.float64]
    segment: NDArray[np.int32] | None
    flags: NDArray[np.uint8] | None
    whole: bool  # all rows of the table, in their order


def settle(
    unit: Unit, names: frozenset[str], table: Table, book: Book, source: Source, where: str
) -> Iterable[tuple[str, Curve]]:
    """Curves of rows that were logged together."""
    for why, column in unit.beside:
        book.drop_points(why, int(np.count_nonzero(column.state[unit.rows] != MISSING)))
    stay = _settle_rows(unit, table, book, source, where)
    _note_jump(stay.x, book)
    used = np.zeros(stay.rows.size, bool)
    repeated = np.zeros(stay.rows.size, bool)
    settled = unit.segment is not None or bool(np.all(stay.x[1:] > stay.x[:-1]))
    masked = masked_rows(unit.metrics)
    for name, column in unit.metrics:
        state = column.state if stay.whole else column.state[stay.rows]
        defects = _count_garbage(column, state, stay.rows, table, book)
        clean = not state.any()
        at: Rows | None = None if clean else np.flatnonzero(state == NUMBER)
        if not settled:
            at = _without_duplicates(name, column, stay, at, book, defects, repeated)
        used[slice(None) if at is None else at] = True
        metric = unit.metric or metric_of(name, names)
        curve = _curve(column, stay, at, metric, unit.unit, defects, masked)
        count = len(curve) + int(curve.nonfinite_x.size)
        book.points_in += count
        book.points_kept += count
        yield name, curve
    kept = int(np.count_nonzero(used))
    book.rows_in += kept
    book.rows_kept += kept
    if kept < stay.rows.size:
        twice = int(np.count_nonzero(repeated & ~used))
        book.drop_rows(DUPLICATE, twice)
        book.drop_rows(NO_VALUE, stay.rows.size - kept - twice)


def _settle_rows(unit: Unit, table: Table, book: Book, source: Source, where: str) -> Settled:
    """Rows with an x, after the resume policy."""
    rows, x, flags, segment = unit.rows, unit.x, unit.flags, unit.segment
    there = np.isfinite(x)
    if not there.all():
        _drop(rows[~there], unit, book, NO_X)
        rows, x = rows[there], x[there]
        flags = None if flags is None else flags[there]
        segment = None if segment is None else segment[there]
    marks = tuple(int(m) for m in np.searchsorted(rows, table.breaks)) if table.breaks else ()
    if unit.segment is not None or not (marks or np.any(x[1:] < x[:-1])):
        return Settled(rows, x, segment, flags, rows.size == table.rows)
    _refuse_within_epochs(unit, rows, x, where)
    part = segment_log(x, resume=source.options.resume, where=where, breaks=marks)
    _note_segments(part, book)
    if part.superseded:
        gone = np.ones(rows.size, bool)
        gone[part.index] = False
        _drop(rows[gone], unit, book, SUPERSEDED)
    flags = None if flags is None else flags[part.index]
    return Settled(rows[part.index], x[part.index], part.segment, flags, False)


def _refuse_within_epochs(unit: Unit, rows: Rows, x: NDArray[np.float64], where: str) -> None:
    """Raise when x goes back just where a coarser count goes up: it counts within epochs, and nothing was resumed."""
    back = np.flatnonzero(x[1:] < x[:-1])
    for column in unit.counts:
        count = column.values[rows]
        if back.size and np.all(count[1:] >= count[:-1]) and np.all(count[back + 1] > count[back]):
            raise DataError(
                f"x starts over {back.size} times, each time {column.name!r} goes up: it counts within epochs",
                code="CF-DATA-005",
                where=where,
                hint=f"pass x='cumulative' to join the pieces, x={column.name!r}, or x='row' to number the rows",
            )


def _curve(
    column: Column,
    stay: Settled,
    at: Rows | None,
    metric: Metric,
    unit: XUnit,
    defects: dict[str, int],
    masked: NDArray[np.bool_] | None,
) -> Curve:
    if at is None:
        xs, segment, flags = stay.x, stay.segment, stay.flags
        ys = column.values if stay.whole else column.values[stay.rows]
    else:
        xs, ys = stay.x[at], column.values[stay.rows[at]]
        segment = None if stay.segment is None else stay.segment[at]
        flags = None if stay.flags is None else stay.flags[at]
    if masked is not None:
        flags = with_mask(flags, ys, masked[stay.rows if at is None else stay.rows[at]], metric)
    return Curve(xs, ys, metric, x_unit=unit, flags=flags, segment=segment, defects=defects)


def _count_garbage(column: Column, state: NDArray[np.uint8], rows: Rows, table: Table, book: Book) -> dict[str, int]:
    """Cells that are neither numbers nor missing, counted and shown."""
    counts: dict[str, int] = {}
    if state.max(initial=0) <= MISSING:
        return counts
    for code, why in WHY.items():
        hit = state == code
        counts[why] = int(np.count_nonzero(hit))
        if counts[why]:
            book.drop_points(why, counts[why])
            _note_garbage(column, rows[hit], code, why, table, book)
    return {why: count for why, count in counts.items() if count}


def _drop(rows: Rows, unit: Unit, book: Book, why: str) -> None:
    book.drop_rows(why, rows.size)
    book.drop_points(why, sum(int(np.count_nonzero(c.state[rows] != MISSING)) for _, c in unit.metrics))


def _without_duplicates(
    name: str,
    column: Column,
    stay: Settled,
    at: Rows | None,
    book: Book,
    defects: dict[str, int],
    repeated: NDArray[np.bool_],
) -> Rows | None:
    """Points without those that repeat the one before exactly; where an x carries different values all are replicates."""
    index: Rows = np.arange(stay.rows.size) if at is None else at
    x, y = stay.x[index], column.values[stay.rows[index]]
    same = x[1:] == x[:-1]
    if stay.segment is not None:
        segment = stay.segment[index]
        same &= segment[1:] == segment[:-1]
    if not same.any():
        return at
    equal = (y[1:] == y[:-1]) | (np.isnan(y[1:]) & np.isnan(y[:-1]))
    if np.any(same & ~equal):
        count = int(np.unique(x[1:][same]).size)
        book.note(f"{name!r}: {count} x carry several values; all are kept as replicates")
        return at
    again = np.concatenate([[False], same])
    count = int(np.count_nonzero(again))
    book.drop_points(DUPLICATE, count)
    defects[DUPLICATE] = count
    repeated[index[again]] = True
    kept: Rows = index[~again]
    return kept


def _note_segments(part: Segmented, book: Book) -> None:
    book.restarts.update(part.restarts)
    if part.shuffled:
        book.note("the rows were not in order of x and have been sorted")
    for start in part.restarts[:3]:
        book.note(f"logging starts again at x = {start:g}")
    if part.superseded:
        book.note(
            f"{counted(part.superseded, 'row')} logged twice over; the resume policy decided which stay (resume=)"
        )


def _note_jump(x: NDArray[np.float64], book: Book) -> None:
    """Note a gap in x that dwarfs the gaps around it, or after which x goes on in much larger steps, as a change of unit
    leaves it.
    """
    if x.size < 9:
        return
    size = 1 << 14
    at = max(range(0, x.size - 1, size), key=lambda i: float(np.max(np.diff(x[i : i + size + 1]))))
    widest = at + int(np.argmax(np.diff(x[at : at + size + 1])))
    before = np.diff(x[max(0, widest - 30) : widest + 1])
    after = np.diff(x[widest + 1 : widest + 32])
    gap = float(x[widest + 1] - x[widest])
    around = np.concatenate([before, after])
    beside = around[(around > 0) & (around < gap)]
    dwarfs = beside.size >= FEW and gap > 100 * float(beside.max())
    if dwarfs or (min(before.size, after.size) >= FEW and _grows(before, gap, after)):
        book.note(f"x jumps from {x[widest]:g} to {x[widest + 1]:g}: does its unit change there?")


def _grows(before: NDArray[np.float64], gap: float, after: NDArray[np.float64]) -> bool:
    """Whether even steps become even steps more than ten times as large, over a gap that is none of either."""
    small, large = float(np.median(before)), float(np.median(after))
    even = float(before.max()) <= 2 * small and float(after.max()) <= 2 * large
    return even and 0 < 10 * small < large and gap > 3 * large


def _note_garbage(column: Column, rows: Rows, code: int, why: str, table: Table, book: Book) -> None:
    sample = f", for example {column.text(int(rows[0]))!r}" if code == TEXT else ""
    count = "1 cell is" if rows.size == 1 else f"{rows.size} cells are"
    book.note(f"{column.name!r}: {count} {why}{sample} ({table.row_word} {table.line(int(rows[0]))})")
