"""The terminal while something is watched: a picture that is drawn over, and everything as it was afterwards."""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size
from textwrap import wrap
from types import TracebackType

from ._sparkline import clipped

__all__ = ["Screen"]

Line = tuple[str, str]  # text and style
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # another screen without a cursor, and back
HOME, REST, LINE_END = "\x1b[H", "\x1b[J", "\x1b[K"
STYLES = {
    "": "",
    "title": "\x1b[1m",
    "muted": "\x1b[2m",
    "warning": "\x1b[33m",
    "critical": "\x1b[31m",
    "value": "\x1b[1m",
}
PLAIN = "\x1b[0m"


class Screen:
    """Draws lines on stdout: over and over on a terminal, one after the other elsewhere.

    Parameters
    ----------
    live : bool
        Whether the picture is drawn over. On leaving, the other screen is closed and the last picture is printed.

    Notes
    -----
    Texts must be safe already; all escape sequences come from here.
    """

    def __init__(self, *, live: bool) -> None:
        self.live = live
        self.color = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._entered = False
        self._last: list[Line] = []

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        width, height = get_terminal_size((80, 24))
        return max(40, min(120, width or 80)), max(6, height or 24)

    @property
    def unicode(self) -> bool:
        """Whether block characters can be shown."""
        try:
            "▁█│▶·".encode(sys.stdout.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def __enter__(self) -> Screen:
        if self.live:
            self._entered = True
            sys.stdout.write(ENTER)
            sys.stdout.flush()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not self._entered:
            return
        self._entered = False
        sys.stdout.write(LEAVE)
        for line in self._last:
            sys.stdout.write(self._styled(line) + "\n")
        sys.stdout.flush()

    def draw(self, lines: list[Line]) -> None:
        """Show the lines; elsewhere than on a terminal only when they are new."""
        width, height = self.size
        shown = lines
        if self.live:
            whole = [(part, style) for text, style in lines for part in _wrapped(text, width).split("\n")]
            short = [(clipped(text, width), style) for text, style in lines]
            self._last = shown = whole if len(whole) < height else short
            body = "".join(self._styled(line) + LINE_END + "\r\n" for line in shown[: height - 1])
            sys.stdout.write(HOME + body + REST)
        elif shown != self._last:
            self._last = shown
            text = "\n".join(_wrapped(text, width) for text, _ in shown)
            sys.stdout.write(text.rstrip() + "\n\n")
        sys.stdout.flush()

    def _styled(self, line: Line) -> str:
        text, style = line
        return f"{STYLES[style]}{text}{PLAIN}" if style and self.color else text


def _wrapped(text: str, width: int) -> str:
    """A line on as many lines as it needs, each below the beginning of its text."""
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return "\n".join(wrap(text, width, subsequent_indent=indent, break_on_hyphens=False) or [""])
