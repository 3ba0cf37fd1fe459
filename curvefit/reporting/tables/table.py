"""A table of results that writes itself: cells are text, numbers, or estimates with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from ...curves import Estimate, UsageError
from ...curves.numbers import counted
from ..table_formats import registry as formats

__all__ = ["Cell", "Column", "Table"]

Cell = str | int | float | Estimate | None
_MOST_GAPS = 6  # reasons below a table
Kind = Literal["text", "number", "count", "position", "probability", "spread", "estimate"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        For machines: the header in CSV and the key in JSON.
    title : str
        For people.
    kind : {"text", "number", "count", "position", "probability", "spread", "estimate"}
        What stands in its cells. A position is an x, written without rounding up to a hundred million. An estimate is written
        as its value and its interval; a probability (also a p-value) with three decimals and ``<0.001`` below them; a spread,
        such as a standard deviation, with two digits.
    breaks : bool
        Whether a long text, such as an order of many methods, goes on in another line where there is no room.
    """

    name: str
    title: str
    kind: Kind = "text"
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, rows, and what a reader must know about them.

    Parameters
    ----------
    name : str
        For machines: the stem of its file.
    caption : str
        One sentence.
    columns : tuple of Column
        What the cells of a row are.
    rows : tuple of tuple
        Cells: text, numbers, `Estimate`, or None where nothing applies. An `Estimate` without a value, in a column of any
        kind, says by its reasons why the cell is empty.
    notes : tuple of str
        Sentences below the table.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("columns", "rows", "notes"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        wrong = next((row for row in self.rows if len(row) != len(self.columns)), None)
        if wrong is not None:
            raise UsageError(f"a row of {len(wrong)} cells in a table of {len(self.columns)} columns", where=self.name)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        return self.render("plain")

    def __repr__(self) -> str:
        return f"Table({self.name!r}, {len(self.rows)} rows of {', '.join(c.name for c in self.columns)})"

    def render(self, format: str = "markdown", **options: Any) -> str:
        """The table as text.

        Parameters
        ----------
        format : str
            ``"latex"``, ``"markdown"``, ``"csv"``, ``"json"`` or ``"plain"``; ``curvefit list table_formats`` names all.
        **options
            Of that format.
        """
        return formats[format](self, **options)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and why cells are empty and estimates have no interval: one sentence per reason."""
        return (*self.notes, *_gaps(self))

    def to_dicts(self) -> list[dict[str, Any]]:
        """Rows as plain values: an estimate gives value, low, high, level, status, and the reason of what is missing."""
        return [
            {k: v for c, cell in zip(self.columns, row, strict=True) for k, v in flat(c, cell)} for row in self.rows
        ]

    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """Rows as a dataframe of pandas, polars or pyarrow."""
        import narwhals.stable.v2 as nw

        rows = self.to_dicts()
        names = [k for c in self.columns for k in flat_names(c)]
        return nw.to_native(nw.from_dict({n: [r[n] for r in rows] for n in names}, backend=backend))

    def _repr_markdown_(self) -> str:
        return self.render("markdown")


def flat_names(column: Column) -> list[str]:
    """Names of the plain columns that a column becomes."""
    if column.kind != "estimate":
        return [column.name]
    return [column.name, *(f"{column.name}_{part}" for part in ("low", "high", "level", "status", "reason"))]


def flat(column: Column, cell: Cell) -> list[tuple[str, Any]]:
    """Plain values of a cell by name."""
    if column.kind != "estimate":
        return [(column.name, None if isinstance(cell, Estimate) else cell)]
    values: list[Any] = [None] * 6
    if isinstance(cell, Estimate):
        interval = cell.interval
        ends = (None, None, None) if interval is None else (interval.low, interval.high, interval.level)
        values = [cell.value, *ends, cell.status.code, "; ".join(cell.reasons) or None]
    elif isinstance(cell, int | float):
        values[0] = cell
    return list(zip(flat_names(column), values, strict=True))


def finite(value: Any) -> Any:
    """The value, or None for a number that JSON has no word for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def finite_rows(table: Table) -> list[dict[str, Any]]:
    """Rows as plain values for JSON."""
    return [{k: finite(v) for k, v in row.items()} for row in table.to_dicts()]


def _gaps(table: Table) -> list[str]:
    """Why something is not there, with where; the same reason once."""
    found: dict[tuple[str, str], tuple[set[int], set[int]]] = {}
    for i, row in enumerate(table.rows):
        for k, cell in enumerate(row):
            gap = _gap(table.columns[k], cell)
            if gap is not None:
                columns, rows = found.setdefault(gap, (set(), set()))
                columns.add(k)
                rows.add(i)
    told = []
    for (what, why), (columns, rows) in found.items():
        titles = " or ".join(table.columns[k].title for k in sorted(columns))
        where = "" if len(rows) == len(table.rows) else f" in {counted(len(rows), 'row')}"
        told.append(f"No {what}{titles}{where}: {why.rstrip('.')}.")
    more = len(told) - _MOST_GAPS
    return told if more <= 0 else [*told[:_MOST_GAPS], f"{more} more reasons of empty cells stand in the CSV and JSON."]


def _gap(column: Column, cell: Cell) -> tuple[str, str] | None:
    """What is missing in a cell, and why."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "", "it does not apply"
    if not isinstance(cell, Estimate):
        return None
    if cell.value is not None and (column.kind != "estimate" or cell.interval is not None):
        return None
    why = "; ".join(cell.reasons) or ("none was computed" if cell.status.usable else cell.status.value)
    return ("interval of " if cell.value is not None else ""), why
