"""W&B's .wandb files: the history of an offline (or any local) run, read without wandb."""

from __future__ import annotations

import json
import os
import re
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from struct import pack
from typing import Any, final

import numpy as np

from ..curves import LimitError, ReadError, Run
from ..curves._checks import safe_text
from ._base import Bundle, Growth, Reader
from ._cells import MISSING, NUMBER, Column, ColumnBuilder
from ._definitions import Definitions
from ._json import CELLS_PER_BYTE, MAX_KEYS, JsonText, facts_of, flatten
from ._leveldb_log import BLOCK, ChunkLog
from ._names import plan_of
from ._proto import BrokenMessageError, fields, varint
from ._runs import runs_of
from ._source import Source
from ._table import Account, Table

__all__ = ["Wandb"]

MAGIC = b":W&B\xe1\xbe\x00"
HISTORY, CONFIG, METRIC, RUN, EXIT = 2, 5, 12, 17, 18  # fields of a record
OTHERS = tuple(bytes([number << 3 | 2]) for number in (3, 4, 6, 7, 8, 9, 10, 11, 13))
VALUE = b"\x82\x01"  # field 16 of an item, its JSON
# An item shorter than 128 bytes: its name, the length of its value, and the value, JSON without control characters
_ITEM = re.compile(rb"\n[\x00-\x7f]([\n\x12][^\x82]*)\x82\x01([\x00-\x7f])([^\x00-\x1f]*)", re.DOTALL)
STEP = "_step"


@final
class Wandb(Reader):
    """The log that wandb keeps of a run, online or offline.

    Notes
    -----
    Only the history, the configuration and the name are read; the file also knows host, user and console, which stay
    where they are. x is ``_step`` unless a metric counts training itself, or the run defines one metric that all its measures
    of quality stand against (``define_metric``); a goal that is defined there is the direction. Chunks whose checksum does not
    match are skipped
    and counted. wandb writes a block of 32 KiB when it is full and the rest when its process ends, after ``finish()`` has
    returned; a log without its last record gets a note. Nested values become dotted names; images, tables and histograms are passed over.
    """

    name = "wandb"
    suffixes = (".wandb",)
    aliases = ("wb",)

    def sniff(self, head: bytes, path: str) -> float:
        """Whether the magic bytes are there."""
        return 1.0 if head.startswith(MAGIC[:6]) else 0.0

    def gather(self, folder: str, files: Sequence[str], folders: Sequence[str]) -> Bundle | None:
        """The log of a run's folder; the copies of its console and its summary beside it are left alone."""
        logs = [f for f in files if f.endswith(".wandb")]
        if len(logs) != 1:
            return None
        own = [*logs, *(f for f in folders if f in ("files", "logs", "tmp"))]
        paths = [os.path.join(folder, f) for f in own]  # noqa: PTH118
        return Bundle(self.name, (("", paths[0]),), frozenset(paths))

    def read(self, source: Source) -> list[Run]:
        """The run of a .wandb file."""
        if not source.head.startswith(MAGIC[:6]):
            raise ReadError("not a .wandb file: its first bytes are others", code="CF-IO-003", where=source.where)
        log = ChunkLog(len(MAGIC))
        history = _History(source.where)
        for record in log.read(_blocks(source)):
            history.record(record)
        return self._runs(history, log, source)

    def grow(self, source: Source) -> Growth | None:
        """Records as they are appended."""
        return None if source.compressed else _Growing(self._runs, source)

    def _runs(self, history: _History, log: ChunkLog, source: Source) -> list[Run]:
        """The run of what was read."""
        table = history.table(log, source)
        if table.rows == 0:
            lost = f" ({'; '.join(table.notes[:2])})" if table.notes else ""
            raise ReadError(
                f"no history in this W&B run, which has {log.records} records{lost}",
                code="CF-IO-002",
                where=source.where,
                hint="has the run logged anything yet?",
            )
        source.name = history.name or source.name
        return [history.definitions.directed(run) for run in runs_of(table, source, reader=self.name)]

    def example(self) -> bytes:
        """Three rows with a nested loss and a NaN."""

        def part(number: int, content: bytes) -> bytes:
            key = number << 3 | 2
            head = bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])
            return head + bytes([len(content)]) + content

        out = MAGIC
        for step, rows in enumerate((b"2.5", b"1.5", b"NaN")):
            items = part(1, part(2, b"val") + part(2, b"loss") + part(16, rows))
            items += part(1, part(2, b"_step") + part(16, b"%d" % step))
            record = part(HISTORY, items)
            out += pack("<IHB", zlib.crc32(b"\x01" + record), len(record), 1) + record
        return out


class _Growing:
    """A .wandb file that is still written."""

    def __init__(self, give: Callable[[_History, ChunkLog, Source], list[Run]], source: Source) -> None:
        self._give = give
        self._source = source
        self._log = ChunkLog(len(MAGIC))
        self._history = _History(source.where)

    def feed(self, data: bytes, path: str, label: str) -> None:
        """New bytes."""
        for record in self._log.feed(data):
            self._history.record(record)

    def runs(self) -> list[Run]:
        """The run so far."""
        return self._give(self._history, self._log, self._source)


def _blocks(source: Source) -> Iterator[bytes]:
    """Blocks of 32 KiB, whatever pieces the input comes in."""
    carry = b""
    for piece in source.blocks(32 * BLOCK):
        data = carry + piece
        whole = len(data) // BLOCK * BLOCK
        for at in range(0, whole, BLOCK):
            yield data[at : at + BLOCK]
        carry = data[whole:]
    if carry:
        yield carry


class _Cells:
    """Values of one metric: numbers by row, and the few cells that are none."""

    __slots__ = ("name", "odd", "rows", "values")

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = array("q")
        self.values = array("d")
        self.odd: list[tuple[int, Any]] = []

    def column(self, count: int) -> Column:
        values = np.full(count, np.nan)
        state = np.full(count, MISSING, np.uint8)
        odd = ColumnBuilder(self.name)
        for _, value in self.odd:
            odd.add_value(value)
        other = odd.finish()
        if self.odd:
            where = np.array([row for row, _ in self.odd])
            values[where], state[where] = other.values, other.state
        rows = np.frombuffer(self.rows, np.int64) if self.rows else np.zeros(0, np.int64)
        values[rows] = np.frombuffer(self.values) if self.values else np.zeros(0)
        state[rows] = NUMBER
        return Column(safe_text(self.name[:1000]) or "value", values, state, other.texts, other.quoted_numbers)


class _History:
    """Records into columns."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.rows = 0
        self.name = ""
        self.facts: dict[str, str | float] = {}
        self.account = Account()
        self.media: set[str] = set()
        self.ended = False
        self.definitions = Definitions()
        self._json = JsonText(where)
        self._columns: dict[str, _Cells] = {}
        self._keys: dict[bytes, _Cells] = {}
        self._bytes = 0

    def record(self, data: bytes) -> None:
        """One record of the log."""
        try:
            end = len(data)
            at = varint(data, 1, end)[1] if data[:1] == b"\x08" else 0  # the number of the record
            if data[at : at + 1] == b"\x12":  # a history, as almost all of them are
                size, at = varint(data, at + 1, end)
                if size <= end - at:
                    self._history(data, at, at + size)
                    return
            elif data[at : at + 1] in OTHERS:
                return
            for number, wire, value, stop in fields(data, 0, end):
                if wire == 2 and number == HISTORY:
                    self._history(data, value, stop)
                elif wire == 2 and number == RUN:
                    self._run(data, value, stop)
                elif wire == 2 and number == CONFIG:
                    self._config(data, value, stop)
                elif wire == 2 and number == METRIC:
                    self.definitions.add(data, value, stop)
                elif number == EXIT:
                    self.ended = True
        except BrokenMessageError:
            self.account.add("broken record", self.rows + 1)

    def _history(self, data: bytes, at: int, end: int) -> None:
        """One row: its items, each a name and a JSON value, and its step."""
        row = self.rows
        found: list[tuple[_Cells, bytes]] = []
        keys = self._keys
        step: int | None = None
        begin = at
        for prefix, size, text in _ITEM.findall(data, at, end):
            if prefix not in keys or size[0] != len(text):
                break
            at += len(prefix) + len(text) + 5
            found.append((keys[prefix], text))
        rest = data[at : at + 2]
        if at != end and not (len(rest) == 2 and rest[0] == 0x12 and at + 2 + rest[1] <= end):
            at, found = begin, []  # a new name, or an item of another form: field by field
        elif rest and data[at + 2 : at + 3] == b"\x08":
            step, at = varint(data, at + 3, end)
        for number, wire, value, stop in fields(data, at, end) if at < end else ():
            if wire == 2 and number == 1:
                found.append(self._item(data, value, stop))
            elif wire == 2 and number == 2:
                step = next((v for n, w, v, _ in fields(data, value, stop) if n == 1 and w == 0), 0)
        self._bytes += end
        self.rows += 1
        for cells, text in found:
            try:
                logged = float(text)
            except ValueError:
                self._other(cells, text, row)
                continue
            if logged - logged == 0.0 or text[-1:] in b"Ny":  # finite, or said not to be
                cells.rows.append(row)
                cells.values.append(logged)
            else:
                self._other(cells, text, row)
        cells = self._columns.get(STEP) or self._cells(STEP)
        if step is not None and (not cells.rows or cells.rows[-1] != row):
            cells.rows.append(row)
            cells.values.append(float(step))

    def _item(self, data: bytes, at: int, end: int) -> tuple[_Cells, bytes]:
        """Name and value of an item that is seen for the first time, or is long."""
        names: list[str] = []
        key, text, mark = "", b"", end
        for number, wire, value, stop in fields(data, at, end):
            if wire != 2:
                continue
            if number == 16:
                text = data[value:stop]
                mark = value
            elif number == 1:
                key = data[value:stop].decode("utf-8", "replace")
            elif number == 2:
                names.append(data[value:stop].decode("utf-8", "replace"))
        cells = self._cells(key or ".".join(names) or "value")
        prefix = data[at : mark - 3]
        simple = data[mark - 3 : mark - 1] == VALUE and VALUE not in prefix
        if simple and mark - 3 > at and len(self._keys) < 2 * MAX_KEYS:
            self._keys[prefix] = cells
        return cells, text

    def _cells(self, name: str) -> _Cells:
        cells = self._columns.get(name)
        if cells is None:
            count = (len(self._columns) + 1) * (self.rows + 1)
            if len(self._columns) >= MAX_KEYS or count > CELLS_PER_BYTE * self._bytes + 1_000_000:
                raise LimitError(
                    f"{len(self._columns) + 1} different names in {self.rows + 1} rows are too many for a table",
                    where=self.where,
                    hint="log the same names in every row",
                )
            cells = self._columns[name] = _Cells(name)
        return cells

    def _other(self, cells: _Cells, text: bytes, row: int) -> None:
        """A value that is no plain number: a text, null, or an object with values of its own."""
        try:
            value, _ = self._json.decode(text.decode("utf-8", "replace").strip())
        except (json.JSONDecodeError, ValueError, RecursionError, LimitError):
            self.account.add("broken JSON", row + 1)
            return
        if not isinstance(value, dict):
            cells.odd.append((row, value))
        elif "_type" in value:
            self.media.add(cells.name)
        else:
            for key, inner in flatten(value, f"{cells.name}."):
                other = self._cells(key)
                if isinstance(inner, int | float) and not isinstance(inner, bool):
                    other.rows.append(row)
                    other.values.append(float(inner))
                else:
                    other.odd.append((row, inner))

    def _run(self, data: bytes, at: int, end: int) -> None:
        """Name and configuration of the run."""
        called = ""
        for number, wire, value, stop in fields(data, at, end):
            if wire == 2 and number in (1, 8):
                text = safe_text(data[value:stop].decode("utf-8", "replace")[:200])
                if number == 1 and text:
                    self.facts["run_id"] = text
                called = text if number == 8 or not called else called
            elif wire == 2 and number == 4:
                self._config(data, value, stop)
        self.name = called or self.name

    def _config(self, data: bytes, at: int, end: int) -> None:
        for number, wire, value, stop in fields(data, at, end):
            if number != 1 or wire != 2:
                continue
            names: list[str] = []
            text = b""
            for inner, kind, begin, finish in fields(data, value, stop):
                if kind == 2 and inner in (1, 2):
                    names.append(data[begin:finish].decode("utf-8", "replace"))
                elif kind == 2 and inner == 16:
                    text = data[begin:finish]
            if not names or names[0].startswith("_wandb"):
                continue
            try:
                found, _ = self._json.decode(text.decode("utf-8", "replace"))
            except (ValueError, RecursionError, LimitError):
                continue
            if len(self.facts) < 64:
                self.facts.update(facts_of({".".join(names): found}))

    def table(self, log: ChunkLog, source: Source) -> Table:
        """What was read, and what was not."""
        notes = [*source.notes]
        for at, count in log.stretches[:5]:
            notes.append(f"{count} bytes from byte {at} on are damaged and were passed over")
        lost = dict(self.account.counts)
        for why, count in (
            ("damaged stretch", len(log.stretches)),
            ("record in pieces", log.broken),
            ("record cut at the end of the file", int(log.cut)),
        ):
            if count:
                lost[why] = lost.get(why, 0) + count
        if not self.ended:
            notes.append("the log has no end: the run goes on, was killed, or wandb has not written its last rows yet")
        if self.media:
            notes.append(f"not read, no numbers: {', '.join(map(repr, sorted(self.media)[:6]))}")
        account = Account()
        account.counts.update(lost)
        notes += [f"{count} lost: {why}" for why, count in account.counts.items()]
        columns = [c.column(self.rows) for c in self._columns.values() if c.rows or c.odd]
        x_name, said = self.definitions.x_name(columns)
        notes += said
        return Table(
            columns,
            x_name=x_name,
            account=account,
            attributes=dict(self.facts),
            plan=plan_of(self.facts),
            notes=notes,
            row_word="row",
        )
