"""Comma-separated values in full precision, text cells that no program takes for a formula."""

from __future__ import annotations

from csv import QUOTE_MINIMAL, writer
from io import StringIO
from typing import TYPE_CHECKING, Any

from ...curves._checks import safe_text

if TYPE_CHECKING:
    from ..tables.table import Table

__all__ = ["csv"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "|", "%")


def csv(table: Table, /) -> str:
    """The table after RFC 4180: an estimate becomes value, low, high, level, status and reason.

    Parameters
    ----------
    table : Table

    Notes
    -----
    Numbers are written in full (``repr``), empty where there is none. A text cell that begins like a formula gets a leading
    apostrophe; control and direction characters are shown as escapes.
    """
    from ..tables.table import flat_names

    out = StringIO()
    lines = writer(out, quoting=QUOTE_MINIMAL, lineterminator="\r\n")
    names = [n for c in table.columns for n in flat_names(c)]
    lines.writerow([_cell(n) for n in names])
    for row in table.to_dicts():
        lines.writerow([_cell(row[n]) for n in names])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        clean = safe_text(value)
        return f"'{clean}" if value.lstrip(" ").startswith(_FORMULA) else clean
    return repr(value) if isinstance(value, int) else repr(float(value))
