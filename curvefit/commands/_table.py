"""Plain aligned tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..curves._checks import safe_text

__all__ = ["table", "terminal_width", "wrapped"]


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), width: int = 80) -> str:
    """Columns aligned with two spaces between them, the last column wrapped to the width.

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
    columns = range(len(header))
    widths = [max(len(row[j]) for row in cells) for j in columns]
    lead = sum(widths[:-1]) + 2 * (len(header) - 1)
    last = max(20, width - lead)
    lines: list[str] = []
    for i, row in enumerate(cells):
        fixed = [
            row[j].rjust(widths[j]) if j in right else row[j].ljust(widths[j]) for j in columns if j < len(header) - 1
        ]
        tail = _wrap(row[-1], last)
        if len(header) - 1 in right:
            tail = [tail[0].rjust(min(widths[-1], last)), *tail[1:]]
        lines.append("  ".join([*fixed, tail[0]]).rstrip())
        lines.extend(" " * lead + more for more in tail[1:])
        if i == 0:
            lines.append("-" * min(width, lead + min(widths[-1], last)))
    return "\n".join(lines)


def _wrap(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, width, break_long_words=True) or [""]


def terminal_width(default: int = 80) -> int:
    """Columns of the terminal, between 40 and 120; the default when there is no terminal."""
    from shutil import get_terminal_size

    return min(120, max(40, get_terminal_size((default, 24)).columns or default))


def wrapped(text: str, *, width: int = 0, hanging: int = 0) -> list[str]:
    """Lines of at most the terminal's width less the indentation of answers; ``width`` is added to that."""
    from textwrap import wrap

    return wrap(text, terminal_width() - 2 + width, subsequent_indent=" " * hanging, break_long_words=False) or [""]
