"""JSON with one object per row, numbers finite or null."""

from __future__ import annotations

from json import dumps
from math import isfinite
from typing import TYPE_CHECKING, Any

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
    document = {
        "schema_version": 1,
        "table": table.name,
        "caption": table.caption,
        "columns": [{"name": c.name, "title": c.title, "kind": c.kind} for c in table.columns],
        "rows": [{k: _finite(v) for k, v in row.items()} for row in table.to_dicts()],
        "notes": list(table.notes),
    }
    return dumps(document, indent=indent, ensure_ascii=True, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
