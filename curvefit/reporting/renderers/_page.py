"""A page of styled lines: wrapped by terminal cells, written plain or with colors by rich."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from io import StringIO

from ...curves._checks import safe_text
from ...curves._optional import available, optional

__all__ = ["Page", "cells", "wrap"]

_STYLES = {
    "": "",
    "title": "bold",
    "action": "bold reverse",
    "heading": "bold cyan",
    "muted": "dim",
    "value": "bold",
    "error": "bold red",
    "warning": "yellow",
    "info": "green",
    "data": "cyan",
    "band": "dim",
    "median": "bold magenta",
}
_ASCII = {
    "–": "-",
    "—": "-",
    "±": "+/-",
    "·": ".",
    "•": "-",
    "→": "->",
    "…": "...",
    "≥": ">=",
    "≤": "<=",
    "×": "x",
    "∞": "inf",
}

Segment = tuple[str, str]  # text, style


class Page:
    """Lines of segments, each a piece of text with the name of a style.

    Parameters
    ----------
    width : int
        Of the terminal in cells, at least 40.
    unicode : bool
        Whether the terminal shows more than ASCII.
    """

    def __init__(self, width: int = 80, *, unicode: bool = True) -> None:
        self.width = max(40, width)
        self.unicode = unicode
        self._lines: list[list[Segment]] = []

    def line(self, *segments: Segment | str) -> None:
        """One line as it is; text from a log is made harmless here, whoever wrote it."""
        pairs = [(s, "") if isinstance(s, str) else s for s in segments]
        self._lines.append([(self.text(text), style) for text, style in pairs])

    def paragraph(self, text: str, *, first: str = "", indent: str = "", style: str = "", mark: str = "") -> None:
        """Wrapped text; the first line begins with ``first`` (styled with ``mark``), the others with ``indent``."""
        lead = self.text(first)
        for i, piece in enumerate(wrap(self.text(text), self.width - max(cells(lead), cells(indent)))):
            self._lines.append([(lead, mark or style) if i == 0 else (indent, ""), (piece, style)])

    def heading(self, text: str) -> None:
        """A section title with an empty line before it."""
        self.line()
        self.paragraph(text, indent="  ", style="heading")

    def text(self, text: str) -> str:
        """Text made safe, and spelled in ASCII where the terminal has no more."""
        clean = safe_text(text)
        if self.unicode or clean.isascii():
            return clean
        return "".join(_ASCII.get(c, c if c.isascii() else f"\\u{ord(c):04x}") for c in clean)

    def plain(self) -> str:
        """The page without styles."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines) + "\n"

    def colored(self) -> str:
        """The page with ANSI styles, drawn by rich; plain where rich is not installed."""
        if not available("rich"):
            return self.plain()
        feature = "a colored report"
        console = optional("rich.console", extra="cli", feature=feature).Console(
            file=StringIO(),
            force_terminal=True,
            color_system="standard",
            width=self.width,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
        )
        make = optional("rich.text", extra="cli", feature=feature).Text
        page = make(no_wrap=True, overflow="ignore", end="")
        for line in self._lines:
            for text, style in line:
                page.append(text, _STYLES[style])
            page.append("\n")
        console.print(page, soft_wrap=True, end="")
        written: str = console.file.getvalue()
        return written


def cells(text: str) -> int:
    """Columns a terminal needs for the text: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrap(text: str, width: int) -> list[str]:
    """Text in lines of at most ``width`` cells, broken at spaces (not before a %), or inside words longer than a line."""
    width = max(width, 10)
    lines: list[str] = []
    current = ""
    for word in _pieces(re.split(" (?!%)", text), width):
        candidate = f"{current} {word}" if current else word
        if current and cells(candidate) > width:
            lines.append(current)
            candidate = word
        current = candidate
    return [*lines, current] if current or not lines else lines


def _pieces(words: Iterable[str], width: int) -> Iterable[str]:
    for word in words:
        rest = word
        while cells(rest) > width:
            cut = width
            while cells(rest[:cut]) > width:
                cut -= 1
            yield rest[:cut]
            rest = rest[cut:]
        yield rest
