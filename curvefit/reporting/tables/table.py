"""A table of results that writes itself: cells are text, numbers, or estimates with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from ...curves import Estimate, UsageError
from ..table_formats import registry as formats

__all__ = ["Cell", "Column", "Table"]

Cell = str | int | float | Estimate | None
Kind = Literal["text", "number", "count", "position", "probability", "estimate"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        For machines: the header in CSV and the key in JSON.
    title : str
        For people.
    kind : {"text", "number", "count", "position", "probability", "estimate"}
        What stands in its cells. A position is an x, written without rounding up to a hundred million. An estimate is written as its value and its interval; a probability (also a p-value) with
        three decimals and ``<0.001`` below them.
    """

    name: str
    title: str
    kind: Kind = "text"


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
        Cells: text, numbers, `Estimate`, or None where there is nothing.
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

    def to_dicts(self) -> list[dict[str, Any]]:
        """Rows as plain values: an estimate gives value, low, high, level and status."""
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
    return [column.name, *(f"{column.name}_{part}" for part in ("low", "high", "level", "status"))]


def flat(column: Column, cell: Cell) -> list[tuple[str, Any]]:
    """Plain values of a cell by name."""
    if column.kind != "estimate":
        return [(column.name, None if isinstance(cell, Estimate) else cell)]
    values: list[Any] = [None] * 5
    if isinstance(cell, Estimate):
        interval = cell.interval
        ends = (None, None, None) if interval is None else (interval.low, interval.high, interval.level)
        values = [cell.value, *ends, cell.status.code]
    elif isinstance(cell, int | float):
        values[0] = cell
    return list(zip(flat_names(column), values, strict=True))


def finite(value: Any) -> Any:
    """The value, or None for a number that JSON has no word for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def finite_rows(table: Table) -> list[dict[str, Any]]:
    """Rows as plain values for JSON."""
    return [{k: finite(v) for k, v in row.items()} for row in table.to_dicts()]
