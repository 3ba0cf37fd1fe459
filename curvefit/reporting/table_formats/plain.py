"""Aligned text for terminals and logs, control characters shown."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ...curves._checks import safe_text
from ._base import pieces

if TYPE_CHECKING:
    from ..tables.table import Table

__all__ = ["plain"]


def plain(table: Table, /) -> str:
    """Columns under each other with two spaces between.

    Parameters
    ----------
    table : Table

    Notes
    -----
    Control, escape and direction characters are shown as escapes, so that a name from a log cannot drive a terminal.
    """
    heads: list[str] = []
    right: list[bool] = []
    for c in table.columns:
        heads += [c.title, "interval"] if c.kind == "estimate" else [c.title]
        right += [True, False] if c.kind == "estimate" else [c.kind != "text"]
    rows = [heads]
    for row in table.rows:
        cells: list[str] = []
        for c, cell in zip(table.columns, row, strict=True):
            both = pieces(c, cell)
            cells += [both[0] or "-", both[1] or "-"] if c.kind == "estimate" else [both[0] or "-"]
        rows.append([safe_text(text) for text in cells])
    widths = [max(_cells(row[i]) for row in rows) for i in range(len(heads))]
    lines = [
        "  ".join(
            " " * (w - _cells(t)) + t if r else t + " " * (w - _cells(t))
            for t, w, r in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]
    notes = [f"note: {safe_text(note)}" for note in table.remarks]
    return "\n".join([safe_text(table.caption), *lines, *notes]) + "\n"


def _cells(text: str) -> int:
    """Columns a terminal needs for the text."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
