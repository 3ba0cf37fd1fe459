"""JSON with one object per row, numbers finite or null."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..tables.table import Table

__all__ = ["json"]


def json(table: Table, /, *, indent: int | None = 2) -> str:
    """Name, caption, columns with their titles, rows and notes; ASCII with escapes.

    Parameters
    ----------
    table : Table
    indent : int, optional
        Of nested lines; None for one line.
    """
    from ..tables.table import finite_rows

    document = {
        "schema_version": 1,
        "table": table.name,
        "caption": table.caption,
        "columns": [{"name": c.name, "title": c.title, "kind": c.kind} for c in table.columns],
        "rows": finite_rows(table),
        "notes": list(table.remarks),
    }
    return dumps(document, indent=indent, ensure_ascii=True, allow_nan=False) + "\n"
