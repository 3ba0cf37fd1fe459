"""Plain aligned tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

from ..curves._checks import safe_text
from ._sparkline import width_of

__all__ = ["table", "terminal_width", "wrapped"]

GAP = 2
LEAST = 8


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), width: int = 80) -> str:
    """Columns aligned with two spaces between them; the widest are wrapped until all fit.

    Parameters
    ----------
    header : sequence of str
        Column titles.
    rows : sequence of sequences of str
        Cells.
    right : sequence of int
        Columns aligned to the right (numbers).
    width : int
        Of the terminal, in characters.
    """
    cells = [[safe_text(c) for c in row] for row in (header, *rows)]
    widths = _fitted([max(width_of(row[j]) for row in cells) for j in range(len(header))], width)
    lines: list[str] = []
    for i, row in enumerate(cells):
        parts = [wrap(cell, w, break_long_words=True) or [""] for cell, w in zip(row, widths, strict=True)]
        for pieces in zip_longest(*parts, fillvalue=""):
            padded = [
                _padded(piece, w, right=j in right) for j, (piece, w) in enumerate(zip(pieces, widths, strict=True))
            ]
            lines.append((" " * GAP).join(padded).rstrip())
        if i == 0:
            lines.append("-" * (sum(widths) + GAP * (len(widths) - 1)))
    return "\n".join(lines)


def _padded(piece: str, width: int, *, right: bool) -> str:
    """A piece of a cell filled up to its column, by the columns that its letters take."""
    gap = " " * (width - width_of(piece))
    return gap + piece if right else piece + gap


def _fitted(widths: list[int], width: int) -> list[int]:
    """Widths that fit: the widest column gives way first, none below eight characters."""
    out = list(widths)
    while sum(out) + GAP * (len(out) - 1) > width and max(out) > LEAST:
        out[max(range(len(out)), key=lambda j: (out[j], j))] -= 1
    return out


def terminal_width(default: int = 80) -> int:
    """Columns of the terminal, between 40 and 120; the default when there is no terminal."""
    from shutil import get_terminal_size

    return min(120, max(40, get_terminal_size((default, 24)).columns or default))


def wrapped(text: str, *, width: int = 0, hanging: int = 0) -> list[str]:
    """Lines of at most the terminal's width less the indentation of answers; ``width`` is added to that."""
    return wrap(text, terminal_width() - 2 + width, subsequent_indent=" " * hanging) or [""]
