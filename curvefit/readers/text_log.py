"""Console logs: nanoGPT, modded-nanogpt, llm.c, Megatron, Hugging Face, Keras, Torch7, lines like "step 10 loss 2.3"."""

from __future__ import annotations

import re
from array import array
from copy import deepcopy
from typing import final

import numpy as np

from ..curves import ReadError, Run
from ._base import Reader
from ._growing import LineGrowth, grows
from ._json import Records
from ._names import x_unit_of
from ._pattern import HORIZON, Matcher, no_match
from ._profiles import PROFILES, Profile, Values
from ._runs import runs_of
from ._source import Source
from ._table import Account, Table
from ._text import decode_head, looks_binary, text_blocks

__all__ = ["TextLog"]

LINE = 1 << 14  # characters of a line that are looked at
FEW = 2  # lines of a form that make a log of it
_PROGRAM = re.compile(rb"(?m)^(import|from) (os|sys|torch)\b")
_EPOCH = re.compile(r"^Epoch (\d{1,9})(?:/(\d{1,9}))?\s*$")
_NUMBERS = re.compile(r"[0-9+\-.eE,;\t ]*")  # no form has nothing else
_RANK = re.compile(r"^\s*\[?\d{1,6}\]?:\s+")


@final
class TextLog(Reader):
    """Whatever a training script prints.

    Notes
    -----
    Each line is compared with the forms that well-known programs print; the log is of the program whose form occurs most,
    and lines of other forms are passed over, for they are no measurements. ``M`` in ``iteration N/M`` is the planned length.
    Printed values are rounded. Of Keras the last progress line of each epoch is read. With ``pattern``, a regular expression
    whose named groups are x and the metrics, the lines that match it are read and no others.
    """

    name = "text_log"
    suffixes = (".log", ".out")
    aliases = ("stdout", "console")

    def sniff(self, head: bytes, path: str) -> float:
        """Whether at least two lines have a known form; a log may begin with the program that wrote it."""
        text = decode_head(head)
        if path.lower().endswith((".py", ".md", ".rst", ".ipynb", ".sh", ".html")) or looks_binary(text):
            return 0.0
        counts: dict[str, int] = {}
        for line in text.decode("utf-8", "replace").splitlines():
            found = None if _NUMBERS.fullmatch(line) else _take(line, PROFILES)
            if found is not None:
                counts[found[0].name] = counts.get(found[0].name, 0) + 1
                if found[0].sure and counts[found[0].name] >= FEW:
                    return 0.8
        if counts.get("console", 0) >= FEW:
            return 0.35
        many = _PROGRAM.search(text) is not None or path.lower().endswith(self.suffixes)
        return 0.3 if (many and len(head) >= 1 << 16) or any(p != "console" for p in counts) else 0.0

    def read(self, source: Source) -> list[Run]:
        """The run of a console log."""
        if source.options.pattern is not None:
            return runs_of(_by_pattern(source, source.options.pattern), source, reader=self.name)
        log = _Log(source)
        tail = ""
        for block in text_blocks(source):
            *lines, tail = block.decode("utf-8", "replace").split("\n")
            for line in lines:
                log.line(line)
        log.last(tail, keep=source.options.keep_partial_tail)
        return self._runs(log.table(), source)

    def grow(self, source: Source) -> LineGrowth | None:
        """Lines as they are printed."""
        if not grows(source):
            return None
        if source.options.pattern is not None:
            lines = _Lines(source, source.options.pattern)
            return LineGrowth(source.where, lines.feed, lambda: runs_of(lines.table(), source, reader=self.name))
        log = _Log(source)
        return LineGrowth(source.where, log.feed, lambda: self._runs(log.table(), source))

    def _runs(self, table: Table, source: Source) -> list[Run]:
        """The run of the lines that were taken."""
        if table.rows == 0:
            raise ReadError(
                "a console log without a line of a known form",
                code="CF-IO-003",
                where=source.where,
                hint="log the metrics as CSV or JSON Lines, or as lines such as 'step 10 loss 2.3'",
            )
        return runs_of(table, source, reader=self.name)

    def example(self) -> bytes:
        """Lines as nanoGPT prints them."""
        return (
            b"tokens per iteration will be: 491,520\nstep 0: train loss 4.3, val loss 4.4\n"
            b"iter 0: loss 4.31, time 900.00ms, mfu -100.00%\niter 10: loss 3.2, time 80.00ms, mfu 40.00%\n"
            b"iter 20: loss 2.9, time 80.00ms, mfu 40.00%\nstep 20: train loss 2.9, val loss 3.1\n"
            b"iter 30: loss 2.8, time 80.00ms, mfu 40.00%\nstep 40: train loss 2.7, val loss 2.9\n"
        )


def _take(line: str, profiles: tuple[Profile, ...]) -> tuple[Profile, Values] | None:
    """The first profile that the line fits, and its values."""
    text = _RANK.sub("", line[:LINE].replace("\b", ""), count=1)
    for profile in profiles:
        found = profile.start.search(text)
        if found is not None:
            values = profile.values(text, found)
            if values:
                return profile, values
    return None


class _Log:
    """Lines into records, by the program that prints such lines."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.number = 0
        self.epoch: Values = {}
        self.found: dict[str, list[tuple[int, Values]]] = {}
        self.plan: dict[str, dict[str, float]] = {}
        self.sizes = 0
        self.account = Account()

    def line(self, line: str) -> None:
        """One line."""
        self.number += 1
        self.sizes += len(line)
        if not line or line.isspace():
            return
        epoch = _EPOCH.match(line)
        if epoch is not None:
            self.epoch = {"epoch": float(epoch[1])}
            if epoch[2]:
                self.plan.setdefault("Keras", {})["epoch"] = float(epoch[2])
            return
        taken = _take(line, PROFILES)
        if taken is None:
            return
        profile, values = taken
        rows = self.found.setdefault(profile.name, [])
        if profile.name == "Keras":
            values = {**self.epoch, **values}
            if rows and rows[-1][1].get("epoch") == values.get("epoch") and self.epoch:
                rows.pop()  # the same line, drawn again
        for key in [k for k in values if k.startswith("plan:")]:
            unit = x_unit_of(key[5:])
            length = values.pop(key)
            if unit is not None and isinstance(length, float):
                self.plan.setdefault(profile.name, {})[unit] = length
        rows.append((self.number, values))

    def feed(self, lines: list[bytes], block: bytes) -> None:
        """Whole lines of a block."""
        for line in lines:
            self.line(line.decode("utf-8", "replace"))

    def last(self, line: str, *, keep: bool) -> None:
        """A last line without a line end may be cut in the middle of a number."""
        if keep:
            self.line(line)
        elif _take(line, PROFILES) is not None:
            self.account.add("unterminated last line", self.number + 1)

    def table(self) -> Table:
        """Records of the form that occurs most, a sure one first."""
        sure = {p.name for p in PROFILES if p.sure}
        best = max(self.found, key=lambda n: (n in sure and len(self.found[n]) >= FEW, len(self.found[n])), default="")
        rows = self.found.get(best, [])
        if best == "console" and len(rows) < FEW:
            rows = []
        records = Records(self.source.where)
        lines = array("q")
        for line, values in _carried(rows):
            records.add(values, 1 + self.sizes // max(1, len(rows)))
            lines.append(line)
        notes = [*self.source.notes]
        if rows:
            notes.append(f"{len(rows)} of {self.number} lines are read, by the form of {best}")
        return Table(
            records.finish(),
            lines=np.frombuffer(lines, dtype=np.int64) if lines else np.zeros(0, np.int64),
            account=deepcopy(self.account),
            plan=dict(self.plan.get(best, {})),
            notes=notes,
            row_unit="epoch" if best == "Keras" else "step",
        )


class _Lines:
    """Lines of the form that the caller describes.

    Raises
    ------
    ReadError
        When the file is binary.
    """

    def __init__(self, source: Source, pattern: str) -> None:
        if looks_binary(decode_head(source.head)):
            raise ReadError("a binary file, not a console log", code="CF-IO-003", where=source.where)
        self.source = source
        self.pattern = pattern
        self.number = self.size = 0
        self._matcher: Matcher | None = None
        self.rows: list[tuple[int, Values]] = []
        self.plan: dict[str, float] = {}
        self.account = Account()

    def feed(self, lines: list[bytes], block: bytes) -> None:
        """Whole lines of a block."""
        self._matcher = self._matcher or Matcher(self.pattern, self.source.where)
        self.take(self._matcher, lines, len(block))

    def take(self, matcher: Matcher, lines: list[bytes], size: int) -> None:
        """Lines, and the bytes that they take."""
        for line, values in matcher.match([_plain(line.decode("utf-8", "replace")) for line in lines]):
            length = values.pop(HORIZON, None)
            unit = next((u for u in map(x_unit_of, values) if u not in (None, "second")), None)
            if unit is not None and isinstance(length, float) and 0 < length < np.inf:
                self.plan[unit] = length
            self.rows.append((line, values))
        self.number, self.size = matcher.line, self.size + size

    def table(self) -> Table:
        """What was taken.

        Raises
        ------
        ReadError
            When no line matched.
        """
        if not self.rows and not self.account.counts:
            raise no_match(self.pattern, self.number, self.source.where)
        records = Records(self.source.where)
        places = array("q")
        for line, values in _carried(self.rows):
            records.add(values, 1 + self.size // max(1, len(self.rows)))
            places.append(line)
        return Table(
            records.finish(),
            lines=np.array(places, dtype=np.int64),
            account=deepcopy(self.account),
            plan=dict(self.plan),
            notes=[*self.source.notes, f"{len(self.rows)} of {self.number} lines match the pattern"],
        )


def _by_pattern(source: Source, pattern: str) -> Table:
    """Every line of a source."""
    log = _Lines(source, pattern)
    tail = b""
    with Matcher(pattern, source.where) as matcher:
        for block in text_blocks(source):
            *lines, tail = block.split(b"\n")
            log.take(matcher, lines, len(block))
        if tail and source.options.keep_partial_tail:
            log.take(matcher, [tail], len(tail))
        elif tail and matcher.match([_plain(tail.decode("utf-8", "replace"))]):
            log.number = matcher.line
            log.account.add("unterminated last line", matcher.line)
    return log.table()


def _plain(line: str) -> str:
    return line.replace("\b", "")


def _carried(rows: list[tuple[int, Values]]) -> list[tuple[int, Values]]:
    """Rows of one x together: a script often prints a value per line."""
    out: list[tuple[int, Values]] = []
    for line, values in rows:
        counts = {k: v for k, v in values.items() if x_unit_of(k) not in (None, "second")}
        before = out[-1][1] if out else {}
        same = counts and {k: v for k, v in before.items() if x_unit_of(k) not in (None, "second")} == counts
        if same and not (set(values) - set(counts)) & set(before):
            out[-1] = (out[-1][0], {**before, **values})
        else:
            out.append((line, values))
    return out
