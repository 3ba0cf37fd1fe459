"""What every way of writing a table has in common.

A way is a function ``name(table, **options) -> str`` in a file of its name. It only arranges what the table holds: it
computes nothing, and text that came from a log never reaches the output unescaped for its medium.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

from ...curves import Estimate
from ...curves.numbers import format_number, format_x, with_interval

if TYPE_CHECKING:
    from ..tables.table import Cell, Column, Table

__all__ = ["TableFormat", "pieces"]


class TableFormat(Protocol):
    """The shape of every way in this folder."""

    def __call__(self, table: Table, /, **options: Any) -> str:
        """Write the table."""
        ...


def pieces(column: Column, cell: Cell) -> tuple[str, str]:
    """A cell for people: its text or number, and the interval of an estimate; empty where there is none."""
    if isinstance(cell, Estimate):
        value, interval = with_interval(cell)
        return value, interval
    if cell is None:
        return "", ""
    if isinstance(cell, str):
        return cell, ""
    if column.kind == "count":
        return f"{cell:.0f}", ""
    if column.kind == "position":
        return format_x(float(cell)), ""
    if column.kind == "probability":
        return _probability(float(cell)), ""
    return format_number(float(cell), digits=2 if column.kind == "spread" else 4), ""


def _probability(value: float) -> str:
    if math.isnan(value):
        return ""
    return "<0.001" if 0 < value < 0.0005 else ">0.999" if 0.9995 < value < 1 else f"{value:.3f}"
