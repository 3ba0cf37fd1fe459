"""Which column is x, and in which unit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ..curves import ReadError, UsageError, XUnit
from ..curves.errors import unknown_name
from ._base import Options
from ._cells import NUMBER, TEXT, Column
from ._names import SIZES, TIMES, normalize, x_unit_of
from ._table import Table

__all__ = ["NUMBERED", "Axis", "choose_x", "join_pieces", "seconds_of"]

NUMBERED = "no column says what x is: the rows are numbered from 1 (pass x= to name one)"


@dataclass(slots=True, eq=False)
class Axis:
    """x of the rows of a table.

    Parameters
    ----------
    x : ndarray of float64, shape (n,), or None
        x of each row, NaN where it is missing; None numbers the rows of each run.
    name : str
        Name of its column.
    unit : str
        Unit of x.
    notes : list of str
        How it was chosen.
    counts : list of Column
        Other counts of training, such as the epoch.
    """

    x: NDArray[np.float64] | None
    name: str
    unit: XUnit
    notes: list[str] = field(default_factory=list)
    counts: list[Column] = field(default_factory=list)


def choose_x(columns: list[Column], table: Table, options: Options, where: str) -> Axis:
    """The column of x that was asked for, or the one whose name says so, or the number of the row.

    Raises
    ------
    ReadError, UsageError
        When the x that was asked for is not there or is no x, or every candidate is constant.
    """
    if options.x == "row":
        return Axis(None, "", options.x_unit or table.row_unit, notes=["x is the number of the row"])
    if options.x is not None and options.x != "cumulative":
        column = _named(columns, options.x, where)
        values = _x_values(column, table, options, where)
        unit = options.x_unit or x_unit_of(column.name) or "step"
        _check_varies(values, column, where)
        return Axis(values, column.name, unit, notes=[f"x is the column {column.name!r}, as asked"])
    column_or_none, note = _guess_x(columns, table.x_name, where)
    if column_or_none is None:
        return Axis(None, "", options.x_unit or table.row_unit, notes=[note])
    column = column_or_none
    unit = options.x_unit or x_unit_of(column.name) or "step"
    notes = [note] if note else [f"x is the column {column.name!r}"]
    values = _numbers(column)
    if np.fmax.reduce(values, initial=0.0) > 2**53:
        notes.append("x exceeds 2^53: neighboring values may be the same number in float64")
    counts = [c for c in columns if c is not column and normalize(c.name) in TIMES and c.numeric]
    if options.x == "cumulative":
        there = np.isfinite(values)
        epochs = [c for c in counts if TIMES[normalize(c.name)] == "epoch" and np.isfinite(_numbers(c)[there]).all()]
        values = join_pieces(values, epochs[0].values if epochs else None)
        by = f" by {epochs[0].name!r}" if epochs else ""
        notes = [f"x joins the pieces of {column.name!r}{by}, spaced as within a piece"]
    return Axis(values, column.name, unit, notes=notes, counts=counts)


def join_pieces(x: NDArray[np.float64], epochs: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """An x that starts over, made to go on: pieces follow each other at the usual distance."""
    there = np.flatnonzero(np.isfinite(x))
    v = x[there]
    if v.size < 2:
        return x
    ahead = np.diff(v)
    spacing = float(np.median(ahead[ahead > 0])) if np.any(ahead > 0) else 1.0
    out = x.copy()
    if epochs is not None:
        length = float(v.max() - v.min()) + spacing
        out[there] = v + (epochs[there] - epochs[there].min()) * length
        return out
    starts = np.flatnonzero(ahead < 0) + 1
    piece = np.zeros(v.size, np.intp)
    piece[starts] = 1
    piece = np.cumsum(piece)
    offset = np.zeros(starts.size + 1)
    for k, (a, b) in enumerate(itertools.pairwise([0, *starts.tolist()]), 1):
        offset[k] = offset[k - 1] + float(v[a:b].max()) + spacing - float(v[b])
    out[there] = v + offset[piece]
    return out


def _named(columns: list[Column], name: str, where: str) -> Column:
    exact = [c for c in columns if c.name == name]
    loose = exact or [c for c in columns if c.name.lower() == name.lower()]
    if len(loose) != 1:
        raise unknown_name("column", name, [*(c.name for c in columns), "row", "cumulative"], where=where)
    return loose[0]


def _numbers(column: Column) -> NDArray[np.float64]:
    if not column.state.any():
        return column.values
    return np.where(column.state == NUMBER, column.values, np.nan)


def _x_values(column: Column, table: Table, options: Options, where: str) -> NDArray[np.float64]:
    if column.numeric:
        return _numbers(column)
    rows = np.flatnonzero(column.state == TEXT)
    first = seconds_of(column.text(int(rows[0]))) if rows.size else None
    if first is None:
        sample = f", for example {column.text(int(rows[0]))!r}" if rows.size else ""
        raise ReadError(
            f"column {column.name!r} holds no numbers{sample}", code="CF-IO-007", where=where, hint="choose another x"
        )
    if options.x_unit != "second":
        raise UsageError(
            f"column {column.name!r} holds dates",
            code="CF-PARSE-003",
            where=where,
            hint="pass x_unit='second' for seconds since the first",
        )
    values = np.full(column.values.size, np.nan)
    parsed = [seconds_of(t) for t in column.texts]
    for r in rows:
        moment = parsed[int(column.values[r])]
        values[r] = np.nan if moment is None else moment
    return np.asarray(values - np.nanmin(values), dtype=np.float64)


def seconds_of(text: str) -> float | None:
    """Seconds since 1970 of an ISO date; one without a time zone is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except OverflowError:  # the first and last day of the calendar, in another zone
        return None


def _check_varies(values: NDArray[np.float64], column: Column, where: str) -> None:
    finite = values[np.isfinite(values)]
    if finite.size > 1 and np.all(finite == finite[0]):
        raise ReadError(
            f"x is {finite[0]:g} in all {finite.size} rows of column {column.name!r}",
            code="CF-DATA-005",
            where=where,
            hint="pass x='row' to number the rows, or another column",
        )


def _guess_x(columns: list[Column], preferred: str | None, where: str) -> tuple[Column | None, str]:
    """The column whose name says x, and a sentence about it."""
    ranked: list[tuple[int, int, int, Column]] = []
    order = {name: i for i, name in enumerate([*TIMES, *SIZES])}
    constant: list[Column] = []
    for position, column in enumerate(columns):
        rank = -1 if column.name == preferred else order.get(normalize(column.name))
        if rank is None or not column.numeric:
            continue
        values = _numbers(column)
        finite = np.isfinite(values)
        values = values if finite.all() else values[finite]
        if values.size > 1 and column.name != preferred and values[0] == values[-1] and np.all(values == values[0]):
            constant.append(column)
        elif values.size >= 0.5 * column.values.size or column.name == preferred:
            sparse = int(values.size < 0.9 * column.values.size) if column.name != preferred else -1
            ranked.append((sparse, rank, len(column.name) + position, column))
    if ranked:
        best = min(ranked, key=lambda r: r[:3])[3]
        unit = x_unit_of(best.name)
        others = [c.name for c in (r[3] for r in ranked) if c is not best and normalize(c.name) in TIMES]
        more = f" ({', '.join(map(repr, others))} can be asked for instead)" if others else ""
        size = (
            f", a size; its unit is shown as {unit}"
            if normalize(best.name) in ("width", "units", "hidden_units", "hidden_size")
            else ""
        )
        return best, f"x is the column {best.name!r}{size}{more}"
    if constant:
        _check_varies(_numbers(constant[0]), constant[0], where)
    return None, NUMBERED
