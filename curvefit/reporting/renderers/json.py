"""JSON after the shipped schema: pure ASCII, every number finite or null."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["json"]


def json(report: Report, *, indent: int | None = 2) -> str:
    """The report as one JSON object, closed by a line end.

    Parameters
    ----------
    report : Report
    indent : int or None
        Spaces per level; None for one line.

    Notes
    -----
    The schema is ``curvefit/reporting/schema/report-1.json``; ``schema_version`` grows when a reader of the old one
    would stumble. Keys keep one order, so that equal reports are equal bytes.
    """
    separators = (",", ":") if indent is None else None
    return dumps(report.to_dict(), indent=indent, ensure_ascii=True, allow_nan=False, separators=separators) + "\n"
