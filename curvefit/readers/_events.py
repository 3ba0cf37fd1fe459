"""Scalars in TensorBoard event records, decoded many at a time.

Records of one tag differ in the wall time, the step and the value only. So records of equal length are compared as rows of
a matrix with these bytes blanked: rows that agree are decoded together, by slices, once the first of them has been walked
field by field. Whatever does not fit that pattern is walked on its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from struct import unpack_from

import numpy as np
from numpy.typing import NDArray

from ..curves._checks import safe_text
from ._proto import BrokenMessageError, fields
from ._tensors import Value, decode_numbers, number_of_tensor
from ._tfrecord import Frames

__all__ = ["EventDecoder", "Scalars"]

FEW = 12  # records of one length below which a matrix does not pay
ROWS = 1 << 13
ROUNDS = 6
MAX_KNOWN = 1 << 16
START = 1  # status of a session log
_STEP, _SUMMARY, _SESSION, _WALL = 2, 5, 7, 1


@dataclass(slots=True)
class Scalars:
    """Scalar values in the order of their records.

    Parameters
    ----------
    tag : ndarray of int32
        Index into the decoder's tags.
    step : ndarray of int64
        Step as logged.
    wall : ndarray of float64
        Seconds since 1970.
    value : ndarray of float64
        The value, exactly as stored.
    """

    tag: NDArray[np.int32]
    step: NDArray[np.int64]
    wall: NDArray[np.float64]
    value: NDArray[np.float64]
    restarts: list[tuple[int, int]] = field(default_factory=list)
    """Scalars before which a session began again, and the step from which it replaces what was logged."""


@dataclass(slots=True)
class _Event:
    step: int = 0
    wall: float = math.nan
    restart: bool = False
    values: list[Value] = field(default_factory=list)


Signature = tuple[tuple[int, int, str], ...]


class EventDecoder:
    """Event records into scalars.

    Attributes
    ----------
    tags : list of str
        Tags of scalars in order of first appearance.
    others : dict of str to str
        Tags that hold something else, and what.
    broken : int
        Records with sound checksums that are no events.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.tags: list[str] = []
        self.others: dict[str, str] = {}
        self.broken = 0
        self._index: dict[str, int] = {}
        self._known: dict[bytes, tuple[Signature, tuple[int, ...]]] = {}

    def decode(self, frames: Frames) -> Scalars:
        """Scalars of intact records."""
        parts = _Parts()
        lengths = frames.lengths
        order = np.argsort(lengths, kind="stable")
        cuts = np.flatnonzero(np.diff(lengths[order])) + 1
        data = frames.raw
        for group in np.split(order, cuts):
            if group.size < FEW or not 12 <= int(lengths[group[0]]) <= 1024:
                for i in group.tolist():
                    self._one(data, i, frames, parts)
                continue
            for at in range(0, group.size, ROWS):
                self._many(data, group[at : at + ROWS], frames, parts)
        return parts.scalars()

    def _code(self, tag: str) -> int:
        code = self._index.get(tag)
        if code is None:
            code = self._index[tag] = len(self.tags)
            self.tags.append(self.prefix + tag)
        return code

    # -------------------------------------------------------------- one record

    def _one(self, data: bytes, i: int, frames: Frames, parts: _Parts) -> None:
        event = self._walk(data, int(frames.starts[i]), int(frames.lengths[i]))
        if event is not None:
            parts.add_one(i, event, [self._code(v.tag) for v in event.values])

    def _walk(self, data: bytes, start: int, length: int) -> _Event | None:
        """An event field by field; None when the record is none."""
        event = _Event()
        end = start + length
        try:
            for number, wire, value, stop in fields(data, start, end):
                if number == _WALL and wire == 1:
                    event.wall = float(unpack_from("<d", data, value)[0])
                elif number == _STEP and wire == 0:
                    event.step = value - 2**64 if value >= 2**63 else value
                elif number == _SESSION and wire == 2:
                    event.restart = any(n == 1 and w == 0 and v == START for n, w, v, _ in fields(data, value, stop))
                elif number == _SUMMARY and wire == 2:
                    for inner, kind, begin, finish in fields(data, value, stop):
                        if inner == 1 and kind == 2:
                            self._summary_value(data, begin, finish, start, event)
        except BrokenMessageError:
            self.broken += 1
            return None
        return event

    def _summary_value(self, data: bytes, at: int, end: int, start: int, event: _Event) -> None:
        """One value of a summary, if it is a scalar."""
        tag, plugin, what = "", b"", ""
        found: Value | None = None
        for number, wire, value, stop in fields(data, at, end):
            if number == 1 and wire == 2:
                tag = data[value:stop].decode("utf-8", "replace")
            elif number == 2 and wire == 5:
                found = Value("", "<f4", value - start, 4, float(unpack_from("<f", data, value)[0]))
            elif number == 8 and wire == 2:
                found = number_of_tensor(data, value, stop, start)
                what = "" if found is not None else "tensors that are no single numbers"
            elif number == 9 and wire == 2:
                plugin = _plugin(data, value, stop)
            elif number in (3, 4, 5, 6) and wire == 2:
                what = {4: "images", 6: "audio"}.get(number, "histograms")
        tag = safe_text(tag)
        if plugin == b"hparams":
            return
        if found is None:
            if tag and what and len(self.others) < 1000:
                self.others.setdefault(tag, what)
            return
        found.tag = tag
        event.values.append(found)

    # -------------------------------------------------------------- many records of one length

    def _many(self, data: bytes, index: NDArray[np.intp], frames: Frames, parts: _Parts) -> None:
        length = int(frames.lengths[index[0]])
        windows = np.lib.stride_tricks.sliding_window_view(frames.data, length)
        rows = windows[frames.starts[index]]
        plain = rows[:, 0] == 0x09  # the wall time comes first
        width = _step_widths(rows)
        width[~plain] = -1
        for w in np.unique(width).tolist():
            here = np.flatnonzero(width == w)
            if w < 0 or here.size < FEW:
                for i in index[here].tolist():
                    self._one(data, i, frames, parts)
                continue
            whole = here.size == index.size
            self._alike(data, index if whole else index[here], rows if whole else rows[here], int(w), frames, parts)

    def _alike(
        self,
        data: bytes,
        index: NDArray[np.intp],
        rows: NDArray[np.uint8],
        width: int,
        frames: Frames,
        parts: _Parts,
    ) -> None:
        """Records of one length whose steps take the same number of bytes."""
        wall = np.ascontiguousarray(rows[:, 1:9]).view("<f8")[:, 0]
        step = np.zeros(index.size, np.uint64)
        for k in range(width):
            step |= (rows[:, 10 + k] & 0x7F).astype(np.uint64) << np.uint64(7 * k)
        steps = step.view(np.int64)
        begin = 9 + (1 + width if width else 0)
        rest = np.arange(index.size)
        for _ in range(ROUNDS):
            if not rest.size:
                return
            first = int(index[rest[0]])
            event = self._walk(data, int(frames.starts[first]), int(frames.lengths[first]))
            if event is None or any(not v.kind for v in event.values) or event.restart:
                if event is None:
                    self.broken -= 1  # counted when it is walked alone
                self._one(data, first, frames, parts)
                rest = rest[1:]
                continue
            signature: Signature = tuple((v.at, v.width, v.kind) for v in event.values)
            codes, group = self._codes(rows[rest], begin, signature, data, index[rest], frames)
            fits = codes[group, 0] != -1 if signature else codes[group, 0] == 0
            some = rest[fits]
            for k, (at, size, kind) in enumerate(signature):
                values = decode_numbers(np.ascontiguousarray(rows[some, at : at + size]), kind)
                parts.add(index[some], codes[group[fits], k], steps[some], wall[some], values)
            rest = rest[~fits]
        for i in index[rest].tolist():
            self._one(data, i, frames, parts)

    def _codes(
        self,
        rows: NDArray[np.uint8],
        begin: int,
        signature: Signature,
        data: bytes,
        index: NDArray[np.intp],
        frames: Frames,
    ) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Tags of groups of rows that agree but for the blanked bytes, and the group of each row.

        A group whose records are built differently has -1 for its first tag; without values 0 stands for one that fits.
        """
        masked = rows.copy()
        masked[:, :begin] = 0
        for at, size, _ in signature:
            masked[:, at : at + size] = 0
        _, first, group = np.unique(_hashes(masked), return_index=True, return_inverse=True)
        same = (masked == masked[first][group]).all(axis=1)
        codes = np.full((first.size + 1, max(1, len(signature))), -1, np.int32)
        group[~same] = first.size  # two groups met in one hash
        for g, row in enumerate(first.tolist()):
            key = b"%d:" % begin + masked[row].tobytes()
            known = self._known.get(key)
            if known is None:
                i = int(index[row])
                broken = self.broken
                event = self._walk(data, int(frames.starts[i]), int(frames.lengths[i]))
                self.broken = broken
                if event is None or event.restart or any(not v.kind for v in event.values):
                    continue
                known = (
                    tuple((v.at, v.width, v.kind) for v in event.values),
                    tuple(self._code(v.tag) for v in event.values),
                )
                if known[0] and known[0] == signature and len(self._known) < MAX_KNOWN:
                    self._known[key] = known
            if known[0] == signature:
                codes[g] = known[1] or 0
        return codes, group


class _Parts:
    """Scalars found so far, by record."""

    def __init__(self) -> None:
        self._arrays: list[tuple[NDArray[np.generic], ...]] = []
        self._single: list[tuple[int, int, int, float, float]] = []
        self._restarts: list[tuple[int, int]] = []

    def add(self, index: NDArray[np.intp], *columns: NDArray[np.generic]) -> None:
        self._arrays.append((index, *columns))

    def add_one(self, index: int, event: _Event, codes: list[int]) -> None:
        if event.restart:
            self._restarts.append((index, event.step))
        for code, value in zip(codes, event.values, strict=True):
            self._single.append((index, code, event.step, event.wall, value.value))

    def scalars(self) -> Scalars:
        """Everything in the order of the records."""
        if self._single:
            columns = zip(*self._single, strict=True)
            kinds = (np.intp, np.int32, np.int64, np.float64, np.float64)
            self._arrays.append(tuple(np.array(c, k) for c, k in zip(columns, kinds, strict=True)))
        if not self._arrays:
            none = np.zeros(0, np.int64)
            return Scalars(
                none.astype(np.int32), none, none.astype(float), none.astype(float), [(0, s) for _, s in self._restarts]
            )
        index, tag, step, wall, value = (np.concatenate(c) for c in zip(*self._arrays, strict=True))
        order = np.argsort(index, kind="stable")
        index = index[order]
        restarts = [(int(np.searchsorted(index, i)), s) for i, s in sorted(self._restarts)]
        return Scalars(
            tag[order].astype(np.int32),
            step[order].astype(np.int64),
            wall[order].astype(np.float64),
            value[order].astype(np.float64),
            restarts,
        )


def _step_widths(rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Bytes of each row's step: 0 when it is left out, as for step 0; -1 when the record is built otherwise."""
    length = rows.shape[1]
    width = np.full(rows.shape[0], -1)
    width[rows[:, 9] == 0x2A] = 0
    going = rows[:, 9] == 0x10
    for k in range(1, 11):
        if 10 + k >= length or not going.any():
            break
        last = going & (rows[:, 9 + k] < 0x80)
        width[last & (rows[:, 10 + k] == 0x2A)] = k
        going &= ~last
    return width


def _hashes(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A number per row; equal rows have equal numbers."""
    n, length = rows.shape
    wide = -(-length // 8)
    padded = np.zeros((n, 8 * wide), np.uint8)
    padded[:, :length] = rows
    words = padded.view(np.uint64)
    out = np.zeros(n, np.uint64)
    for k in range(wide):
        out = (out ^ words[:, k]) * np.uint64(0x9E3779B97F4A7C15)
        out ^= out >> np.uint64(29)
    return out


def _plugin(data: bytes, at: int, end: int) -> bytes:
    """Name of the plugin in a value's metadata."""
    for number, wire, value, stop in fields(data, at, end):
        if number == 1 and wire == 2:
            for inner, kind, begin, finish in fields(data, value, stop):
                if inner == 1 and kind == 2:
                    return data[begin:finish]
    return b""
