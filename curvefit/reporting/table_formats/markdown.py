"""Markdown with pipes; every character that could start markup is escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...curves._checks import safe_text
from ._base import pieces

if TYPE_CHECKING:
    from ..tables.table import Table

__all__ = ["escaped", "markdown"]

_SPECIAL = re.compile(r"[\\`*_\[\]<>&|~$@#]|:(?=//)|(?<=www)\.")
_BLOCK = re.compile(r"^( *\d*)([-+](?=[- +]|$)|[.)](?= |$))")


def markdown(table: Table, /, *, caption: bool = True) -> str:
    """A table of GitHub's Markdown, its caption before it and its notes behind it.

    Parameters
    ----------
    table : Table
    caption : bool
        Whether to write the caption.

    Notes
    -----
    Text from a log can not become anything but text: links, HTML, mathematics and table bars are escaped.
    """
    heads: list[str] = []
    rule: list[str] = []
    for c in table.columns:
        heads += [escaped(c.title), "interval"] if c.kind == "estimate" else [escaped(c.title)]
        rule += ["--:", ":-:"] if c.kind == "estimate" else ["---" if c.kind == "text" else "--:"]
    lines = [f"**{escaped(table.caption)}**", ""] if caption else []
    lines += ["| " + " | ".join(heads) + " |", "|" + "|".join(rule) + "|"]
    for row in table.rows:
        cells: list[str] = []
        for c, cell in zip(table.columns, row, strict=True):
            both = pieces(c, cell)
            texts = both if c.kind == "estimate" else both[:1]
            cells += [escaped(text) or ("" if c.kind == "text" and cell is not None else "–") for text in texts]
        lines.append("| " + " | ".join(cells) + " |")
    if table.remarks:
        lines += ["", *(f"- {escaped(note)}" for note in table.remarks)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text that no Markdown reader takes for anything else."""
    text = text.strip(" ")
    inline = _SPECIAL.sub(lambda m: f"&#{ord(m[0])};" if m[0] in "<>&@:." else "\\" + m[0], safe_text(text))
    return _BLOCK.sub(r"\1\\\2", inline)
