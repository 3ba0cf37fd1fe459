"""TensorBoard event files: scalars of every writer, the files of a folder as one run; TensorBoard itself is not needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from struct import pack
from typing import final

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, ReadError, Run, XUnit
from ..curves._checks import safe_text
from ..curves.errors import unknown_name
from ._axis import join_pieces
from ._base import Bundle, Growth, Reader
from ._cells import Column
from ._crc32c import masked_crc
from ._events import EventDecoder, Scalars
from ._groups import Group, Unit
from ._names import split_of
from ._runs import runs_of
from ._source import Source
from ._streams import CLOCK, with_clock
from ._table import Account, Table
from ._tfrecord import Scanner
from ._writers import Span, group_files

__all__ = ["Tensorboard"]

PIECE = 1 << 21
MARK = ".tfevents."
VERSION = b"brain.Event:"
PURGED = "purged by a restart"


@final
class Tensorboard(Reader):
    """Event files of TensorFlow, PyTorch, tensorboardX, Keras, JAX and whatever else writes them.

    Notes
    -----
    A folder with event files is one run, unless different programs wrote into it: files that share no tag, no process and no
    time, and are of different machines or more than a day apart, are different runs. The files of a run are read in the order
    in which they were begun, a restart purges what it replaces (unless ``resume`` says otherwise), and subfolders called train,
    validation and the like contribute their tags with that prefix. Records whose checksum does not match are skipped and counted; after damage the next sound record is
    searched for. Scalars stored as tensors of any numeric type are read; histograms, images and text are not.
    x is the step; ``x="wall_time"`` may be asked for.
    """

    name = "tensorboard"
    suffixes = (".tfevents",)
    aliases = ("tfevents", "tb")

    def sniff(self, head: bytes, path: str) -> float:
        """Whether the first record is an event; when it is damaged, what stands in it tells, and the others are read."""
        told = 0.6 if VERSION in head[:128] else 0.0
        if len(head) < 12 or head[4:8] != b"\0\0\0\0":
            return told
        if masked_crc(head[:8]) != int.from_bytes(head[8:12], "little"):
            return told
        if told:
            return 1.0
        return 0.8 if MARK in os.path.basename(path) or head[12:13] == b"\x09" else 0.0  # noqa: PTH119

    def gather(self, folder: str, files: Sequence[str], folders: Sequence[str]) -> Bundle | None:
        """All event files of a folder, and those of its subfolders that are named after a part of the data."""
        found = [("", os.path.join(folder, f)) for f in files if MARK in f]  # noqa: PTH118
        for sub in filter(split_of, folders):
            inside = os.path.join(folder, sub)  # noqa: PTH118
            try:
                with os.scandir(inside) as entries:
                    names = sorted(e.name for e in entries if MARK in e.name and e.is_file(follow_symlinks=False))
            except OSError:
                continue  # the walk comes to it and says why
            found += [(f"{sub}/", os.path.join(inside, n)) for n in names]  # noqa: PTH118
        return Bundle(self.name, tuple(found), frozenset(p for _, p in found)) if found else None

    def read(self, source: Source) -> list[Run]:
        """The run of one event file, or of all that belong to it."""
        log = _Log()
        for part in source.whole_run():
            log.read(part, source.notes)
        if not log.parts:
            raise log.nothing(source)
        return log.runs(source, self.name)

    def grow(self, source: Source) -> Growth | None:
        """Records as they are appended to the files of the run."""
        return None if source.compressed else _Growing(source, self.name)

    def example(self) -> bytes:
        """A loss at three steps, and the record that every event file begins with."""
        events = [pack("<Bd", 9, 1.7e9) + b"\x1a\x0dbrain.Event:2"]
        for step, loss in ((1, 2.5), (2, 1.5), (3, 1.25)):
            value = b"\x0a\x04loss" + pack("<Bf", 0x15, loss)
            summary = b"\x0a" + bytes([len(value)]) + value
            events.append(pack("<Bd", 9, 1.7e9 + step) + bytes([0x10, step, 0x2A, len(summary)]) + summary)
        frames = []
        for event in events:
            size = pack("<Q", len(event))
            frames.append(size + pack("<I", masked_crc(size)) + event + pack("<I", masked_crc(event)))
        return b"".join(frames)


@dataclass(slots=True)
class _Part:
    """Scalars of one file."""

    name: str
    scalars: Scalars
    began: float

    @property
    def ended(self) -> float:
        return float(self.scalars.wall[-1])


class _Growing:
    """Event files of a run that is still written."""

    def __init__(self, source: Source, reader: str) -> None:
        self._source = source
        self._reader = reader
        self._files: dict[str, tuple[str, Scanner, EventDecoder, list[Scalars]]] = {}

    def feed(self, data: bytes, path: str, label: str) -> None:
        """New bytes of one of the files."""
        if path not in self._files:
            self._files[path] = (label, Scanner(), EventDecoder(), [])
        _, scanner, decoder, pieces = self._files[path]
        got = decoder.decode(scanner.feed(data))
        if got.tag.size or got.restarts:
            pieces.append(got)

    def runs(self) -> list[Run]:
        """Runs of all files so far."""
        log = _Log()
        for path, (label, scanner, decoder, pieces) in self._files.items():
            if len(pieces) > 1:
                pieces[:] = [_joined(pieces)]
            shown = safe_text(os.path.basename(path))  # noqa: PTH119
            log.add(scanner, decoder, [replace(p) for p in pieces], shown, label)
        if not log.parts:
            raise log.nothing(self._source)
        return log.runs(self._source, self._reader)


@dataclass(slots=True)
class _Log:
    """Files of a run."""

    tags: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    parts: list[_Part] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    records: int = 0

    def read(self, source: Source, notes: list[str]) -> None:
        """One event file, block by block."""
        scanner, decoder = Scanner(), EventDecoder()
        pieces: list[Scalars] = []
        ended = False
        blocks = source.blocks(PIECE)
        block = next(blocks, b"")
        while not ended:
            following = next(blocks, b"")
            ended = not following
            got = decoder.decode(scanner.feed(block, final=ended))
            if got.tag.size or got.restarts:
                pieces.append(got)
            block = following
        shown = os.path.basename(source.where)  # noqa: PTH119
        self.add(scanner, decoder, pieces, shown, source.label)
        if source.notes is not notes:
            notes.extend(f"{shown}: {n}" for n in source.notes)

    def add(self, scanner: Scanner, decoder: EventDecoder, pieces: list[Scalars], shown: str, label: str) -> None:
        """What was read of one file; the pieces are used up."""
        self.files += 1
        self.records += scanner.records
        self._count(scanner, decoder, shown)
        self.others.update((label + t, what) for t, what in decoder.others.items())
        if pieces:
            code = np.array([self._code(label + t) for t in decoder.tags] or [0], np.int32)
            scalars = _joined(pieces)
            scalars.tag = code[scalars.tag]
            began = float(scalars.wall[0]) if scalars.wall.size else np.inf
            self.parts.append(_Part(shown, scalars, began if np.isfinite(began) else np.inf))

    def _code(self, tag: str) -> int:
        if tag not in self.codes:
            self.codes[tag] = len(self.tags)
            self.tags.append(tag)
        return self.codes[tag]

    def _count(self, scanner: Scanner, decoder: EventDecoder, shown: str) -> None:
        """What could not be read, by reason."""
        for at, count in scanner.stretches[:5]:
            self.notes.append(f"{shown}: {count} bytes from byte {at} on are no records and were passed over")
        for why, count in (
            ("damaged record", scanner.damaged),
            ("damaged stretch", len(scanner.stretches)),
            ("no event", decoder.broken),
            ("record cut at the end of the file", int(scanner.pending > 0)),
        ):
            if count:
                self.account.add(why, 0, count)
                self.notes.append(f"{shown}: {why}: {count}")

    def nothing(self, source: Source) -> ReadError:
        """The error when there is not one scalar."""
        held = f"; it holds {', '.join(sorted(set(self.others.values())))}" if self.others else ""
        lost = f" ({'; '.join(self.notes[:2])})" if self.notes else ""
        if not self.records:
            return ReadError(
                f"no event records{lost}", code="CF-IO-003", where=source.where, hint="is this really an event file?"
            )
        return ReadError(
            f"no scalars in {self.records} event records{held}{lost}",
            code="CF-IO-008",
            where=source.where,
            hint="has the run logged anything yet?",
        )

    # -------------------------------------------------------------- runs

    def runs(self, source: Source, reader: str) -> list[Run]:
        """The run, or one run per writer where several wrote the same tags at the same time."""
        self.parts.sort(key=lambda p: (p.began, p.name))
        spans = [Span(p.name, p.began, p.ended, frozenset(np.unique(p.scalars.tag).tolist())) for p in self.parts]
        groups_of_files, programs = group_files(spans)
        lanes = [[self.parts[i] for i in group] for group in groups_of_files]
        if programs > 1:
            self.notes.append(
                f"{programs} programs wrote into this folder, with nothing in common; each has runs of its own"
            )
        if len(lanes) > programs:
            self.notes.append(f"{len(lanes)} writers logged the same tags at the same time; each is a run")
        supersede = source.options.resume == "supersede"
        purged = 0
        streams = []
        for lane in lanes:
            scalars = _joined([p.scalars for p in lane])
            if supersede and scalars.restarts:
                count = scalars.tag.size
                scalars = _purge(scalars)
                purged += count - scalars.tag.size
            streams.append(scalars)
        self.parts.clear()
        if purged:
            self.account.add(PURGED, 0, purged)
            self.notes.append(f"{purged} values were purged: a restart replaced them")
        if self.files > 1:
            self.notes.append(f"{self.files} event files")
        if self.others:
            names = ", ".join(map(repr, list(self.others)[:6])) + (", ..." if len(self.others) > 6 else "")
            self.notes.append(f"not read, no scalars: {names}")
        count = sum(s.value.size for s in streams)
        column = Column("value", np.zeros(0), np.zeros(count, np.uint8))
        table = Table([column], points_dropped={PURGED: purged} if purged else {}, row_word="record")
        table.account.counts.update(self.account.counts)
        table.notes = [*source.notes, *self.notes]
        groups, clocks, values = [], {}, []
        offset = 0
        for i, scalars in enumerate(streams, 1):
            name = source.name if len(streams) == 1 else f"{source.name} ({i})"
            group, clocks[name], sorted_values = self._group(name, scalars, column, offset, source, table.notes)
            groups.append(group)
            values.append(sorted_values)
            offset += sorted_values.size
        column.values = values[0] if len(values) == 1 else np.concatenate(values)
        return [with_clock(r, clocks.get(r.name)) for r in runs_of(table, source, reader=reader, groups=groups)]

    def _group(
        self, name: str, scalars: Scalars, column: Column, offset: int, source: Source, notes: list[str]
    ) -> tuple[Group, Curve | None, NDArray[np.float64]]:
        """One unit per tag, in order of first appearance; the wall time of every step; the values in order of the units.

        Columns of the scalars are given up as soon as they have been used: there may be many millions of them.
        """
        clock = None if source.options.x not in (None, "step") else _clock(scalars)
        x, unit = _x_of(scalars, source)
        scalars.step, scalars.wall = scalars.step[:0].copy(), scalars.wall[:0].copy()
        count = np.bincount(scalars.tag)
        tag = np.flatnonzero(count)
        begin = np.r_[0, np.cumsum(count[tag])]
        order = np.argsort(scalars.tag, kind="stable")
        first = order[begin[:-1]]
        x = x[order]
        values = scalars.value[order]
        scalars.tag, scalars.value = scalars.tag[:0].copy(), scalars.value[:0].copy()
        del order
        units = []
        numbered = []
        for k in np.argsort(first, kind="stable").tolist():
            here = slice(int(begin[k]), int(begin[k + 1]))
            own = x[here]
            if source.options.x == "row" or (own.size > 1 and own[0] == own[-1] and np.all(own == own[0])):
                own = np.arange(1.0, own.size + 1)
                numbered.append(self.tags[tag[k]])
            elif source.options.x == "cumulative":
                own = join_pieces(own, None)
            rows = np.arange(offset + here.start, offset + here.stop, dtype=np.int32)
            units.append(Unit(rows, own, source.options.x_unit or unit, [(self.tags[tag[k]], column)]))
        if numbered and source.options.x is None:
            notes.append(f"every value has the same step, so they are numbered: {', '.join(map(repr, numbered[:6]))}")
        return Group(name, units), clock, values


def _x_of(scalars: Scalars, source: Source) -> tuple[NDArray[np.float64], XUnit]:
    asked = source.options.x
    if asked in (None, "step", "row", "cumulative"):
        return scalars.step.astype(np.float64), "step"
    if asked != CLOCK:
        raise unknown_name("column", asked, ("step", CLOCK, "row", "cumulative"), where=source.where)
    return scalars.wall - np.nanmin(scalars.wall), "second"


def _joined(pieces: list[Scalars]) -> Scalars:
    """One after the other; the pieces are emptied as they are used."""
    if len(pieces) == 1:
        return pieces[0]
    starts = np.cumsum([0, *(p.tag.size for p in pieces)]).tolist()
    restarts = [(int(at + begin), step) for p, begin in zip(pieces, starts, strict=False) for at, step in p.restarts]
    together = {}
    for name in ("tag", "step", "wall", "value"):
        together[name] = np.concatenate([getattr(p, name) for p in pieces])
        for p in pieces:
            setattr(p, name, getattr(p, name)[:0].copy())  # a view would hold on to all of it
    return Scalars(**together, restarts=restarts)


def _purge(scalars: Scalars) -> Scalars:
    """Without what a restart replaces: everything logged before it from its step on."""
    keep = np.ones(scalars.tag.size, bool)
    for at, step in scalars.restarts:
        keep[:at] &= scalars.step[:at] < step
    if keep.all():
        return scalars
    return Scalars(scalars.tag[keep], scalars.step[keep], scalars.wall[keep], scalars.value[keep])


def _clock(scalars: Scalars) -> Curve | None:
    """Wall time by step, the last one logged where a step occurs again."""
    good = np.isfinite(scalars.wall) & (scalars.wall > 0)
    step, wall = (scalars.step, scalars.wall) if good.all() else (scalars.step[good], scalars.wall[good])
    x, last = np.unique(step[::-1], return_index=True)
    if x.size < 2:
        return None
    return Curve(x.astype(np.float64), wall[::-1][last], CLOCK, x_unit="step")
