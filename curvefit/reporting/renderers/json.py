"""JSON after the shipped schema: pure ASCII, every number finite or null."""

from __future__ import annotations

import re
from json import dumps
from typing import TYPE_CHECKING

from ...curves._arguments import checked

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["json"]

_NUMBERS = re.compile(r'\[\n\s+([^"\[\]{}]*?)\n\s+\]')  # a list of nothing but numbers, one per line


@checked
def json(report: Report, *, indent: int | None = 2) -> str:
    """The report as one JSON object, closed by a line end.

    Parameters
    ----------
    report : Report
    indent : int or None
        Spaces per level, lists of numbers kept on one line; None for one line in all.

    Notes
    -----
    The schema is ``curvefit/reporting/schema/report-1.json``; ``schema_version`` grows when a reader of the old one
    would stumble. Keys keep one order, so that equal reports are equal bytes.
    """
    tree = report.to_dict()
    if indent is None:
        return dumps(tree, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n"
    text = dumps(tree, indent=indent, ensure_ascii=True, allow_nan=False)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"
