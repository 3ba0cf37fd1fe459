"""JSON Lines: one object per line, as most home-made loggers write them; nested objects become dotted names."""

from __future__ import annotations

import json
from array import array
from copy import deepcopy
from typing import Any, final

import numpy as np

from ..curves import ReadError, Run
from ._base import Reader
from ._growing import LineGrowth, grows
from ._json import JsonText, Records, fact_row, facts_of
from ._names import plan_of
from ._runs import runs_of
from ._source import Source
from ._table import Account, Table
from ._text import decode_head, text_blocks

__all__ = ["JsonLines", "ObjectLog"]

MAX_PRETTY = 1 << 20  # characters of one object that is spread over lines
FACTS = "facts about the run"


@final
class JsonLines(Reader):
    """One JSON object per line.

    Notes
    -----
    Several objects on a line and objects spread over lines are read too. A broken line is dropped and counted; at the end
    of the file it belongs to a run in progress. A line such as ``{"_meta": {...}}`` describes the run.
    """

    name = "json_lines"
    suffixes = (".jsonl", ".ndjson", ".jsonlines")
    aliases = ("jsonl", "ndjson")

    def sniff(self, head: bytes, path: str) -> float:
        """High when the first line is an object and another object follows."""
        text = decode_head(head).lstrip()
        if not text.startswith(b"{"):
            return 0.0
        named = path.lower().removesuffix(".gz").endswith(self.suffixes)
        lines = [line for line in text.split(b"\n")[:4] if line.strip()]
        whole = [_is_object(line) for line in lines]
        if len(lines) >= 2 and (whole[0] or whole[1]) and lines[1].lstrip().startswith(b"{"):
            return 0.9
        if named:
            return 0.85
        return 0.4 if whole and whole[0] and len(lines) == 1 else 0.0

    def read(self, source: Source) -> list[Run]:
        """Runs of a file of JSON objects."""
        log = ObjectLog(source)
        log.read()
        return self._runs(log.table(), source)

    def grow(self, source: Source) -> LineGrowth | None:
        """Objects as they are appended."""
        log = ObjectLog(source)
        return (
            LineGrowth(source.where, log.feed, lambda: self._runs(log.table(copy=True), source))
            if grows(source)
            else None
        )

    def _runs(self, table: Table, source: Source) -> list[Run]:
        """Runs of what was read."""
        if table.rows == 0:
            dropped = "; ".join(table.account.notes())
            raise ReadError("no data rows" + (f" ({dropped})" if dropped else ""), code="CF-IO-002", where=source.where)
        return runs_of(table, source, reader=self.name)

    def example(self) -> bytes:
        """A run with its configuration, a NaN and a nested validation loss."""
        return (
            b'{"_meta": {"lr": 0.1, "steps": 100}}\n{"step": 10, "train_loss": 2.5}\n'
            b'{"step": 20, "train_loss": 2.0, "val": {"loss": 2.2}}\n{"step": 30, "train_loss": NaN}\n'
            b'{"step": 40, "train_loss": 1.5, "val": {"loss": 1.8}}\n'
        )


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode("utf-8", "replace")), dict)
    except (ValueError, RecursionError):
        return False


class ObjectLog:
    """Lines into records."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.json = JsonText(source.where)
        self.records = Records(source.where)
        self.lines = array("q")
        self.account = Account()
        self.facts: dict[str, str | float] = {}
        self.number = 0
        self.crowded = self.spread = 0
        self._open: list[str] = []  # lines of an object that is not closed yet
        self._open_at = 0
        self._size = 0

    def read(self) -> None:
        """Every line of the source."""
        tail = b""
        for block in text_blocks(self.source):
            lines = block.split(b"\n")
            tail = lines.pop()
            for line in lines:
                self.line(line)
        self.finish(tail)

    def line(self, raw: bytes) -> None:
        """One whole line."""
        self.number += 1
        text = raw.decode("utf-8", "replace").strip()
        if not text:
            return
        if "\0" in text:
            self._give_up()
            self.account.add("zero bytes inside", self.number)
            return
        if self._open:
            self._continue(text)
            return
        if not self._take(text, self.number):
            self._start(text)

    def _take(self, text: str, line: int) -> bool:
        """Read every object of a text; False when it is broken, and then nothing of it is used."""
        at, found = 0, []
        self.json.line = line
        while at < len(text):
            try:
                value, at = self.json.decode(text, at)
            except json.JSONDecodeError:
                return False
            found.append(value)
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
        self.crowded += len(found) > 1
        for value in found:
            self._record(value, line, len(text) // len(found))
        return True

    def _record(self, value: Any, line: int, size: int) -> None:
        if not isinstance(value, dict):
            self.account.add("not an object", line)
            return
        facts = fact_row(value)
        if facts is not None:
            self.facts.update(facts_of(facts))
            self.account.add(FACTS, line)
            return
        self.records.add(value, size)
        self.lines.append(line)

    def _start(self, text: str) -> None:
        """A line that is no object by itself: broken, or the first of an object spread over lines."""
        if text in ("{", "[{") or (text.startswith("{") and not text.endswith("}") and text[-1] in "{[,"):
            self._open, self._open_at, self._size = [text], self.number, len(text)
        else:
            self.account.add("broken JSON", self.number)

    def _continue(self, text: str) -> None:
        if text.startswith("{") and len(text) > 2 and self._take(text, self.number):
            self._give_up(self.number - 1)  # a whole object: what was open before it was broken
            return
        self._open.append(text)
        self._size += len(text)
        if text[0] in "}]" and self._take("\n".join(self._open).rstrip(","), self._open_at):
            self.spread += 1
            self._open = []
        elif self._size > MAX_PRETTY:
            self._give_up()

    def _give_up(self, last: int | None = None) -> None:
        if self._open:
            self.account.add("broken JSON", self._open_at)
            self._open = []

    def finish(self, tail: bytes) -> None:
        """The last line, which may lack its line end; an object that is closed is whole all the same."""
        if tail.strip():
            self.number += 1
            text = tail.decode("utf-8", "replace").strip()
            if self._open:
                before = self.spread
                self._continue(text)
                if self.spread > before or not self._open:
                    return
                self._open = []
                self.account.add("unterminated last line", self._open_at)
            elif not (text.endswith("}") and self._take(text, self.number)):
                self.account.add("unterminated last line", self.number)
        elif self._open:
            self.account.add("unterminated last line", self._open_at)
            self._open = []

    def feed(self, lines: list[bytes], block: bytes) -> None:
        """Whole lines of a block."""
        for line in lines:
            self.line(line)

    def table(self, *, copy: bool = False) -> Table:
        """What was read; with ``copy`` the log can go on growing."""
        notes = [*self.source.notes, *self.json.notes()]
        if self.crowded:
            notes.append(f"{self.crowded} lines hold more than one object")
        if self.spread:
            notes.append(f"{self.spread} objects are spread over several lines")
        return Table(
            self.records.finish(copy=copy),
            lines=np.array(self.lines, dtype=np.int64)
            if copy or not self.lines
            else np.frombuffer(self.lines, dtype=np.int64),
            account=deepcopy(self.account) if copy else self.account,
            attributes=dict(self.facts),
            plan=plan_of(self.facts),
            notes=notes,
        )
