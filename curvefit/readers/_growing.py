"""Text logs that grow: whole lines are taken as they come, an unfinished last line is waited for."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from ..curves import LimitError, Run
from ._source import Source
from ._text import MAX_LINE, encoding_of

__all__ = ["LineGrowth", "grows"]


def grows(source: Source) -> bool:
    """Whether appended bytes can be read on their own: plain UTF-8."""
    plain = encoding_of(source.head, source.options.encoding).lower().replace("_", "-") in (
        "utf-8",
        "utf-8-sig",
        "utf8",
    )
    return plain and not source.compressed


class LineGrowth:
    """Lines of one text log.

    Parameters
    ----------
    where : str
        File, for messages.
    take : callable
        Takes whole lines, and the block they stand in with one kind of line end.
    give : callable
        Runs of what was taken.
    """

    def __init__(self, where: str, take: Callable[[list[bytes], bytes], None], give: Callable[[], list[Run]]) -> None:
        self.where = where
        self._take = take
        self._give = give
        self._carry = b""
        self._begun = False

    def feed(self, data: bytes, path: str, label: str) -> None:
        """New bytes; what follows the last line end is kept for the next call."""
        if not self._begun:
            data = data.removeprefix(codecs.BOM_UTF8)
            self._begun = True
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._carry += data
            if len(self._carry) > MAX_LINE:
                raise LimitError(f"a line is longer than {MAX_LINE} bytes", where=self.where)
            return
        block = self._carry + data[:cut]
        self._carry = data[cut:]
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._take(block.split(b"\n")[:-1], block)

    def runs(self) -> list[Run]:
        """Runs of the whole lines."""
        return self._give()
