"""Frames of a TFRecord file: a length, its checksum, that many bytes, their checksum; found again after damage."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from ._crc32c import masked_crc, masked_crcs, words_at

__all__ = ["MAX_RECORD", "Frames", "Scanner"]

MAX_RECORD = 64 * 2**20
HEADER = 12
FRAME = 16
_HEADER = Struct("<QI")
_SEARCH = 1 << 16


@dataclass(slots=True)
class Frames:
    """Whole and intact records of a stretch of a file.

    Parameters
    ----------
    raw : bytes
        The stretch.
    data : ndarray of uint8
        The same bytes.
    starts, lengths : ndarray of int64
        Where the content of each record is.
    """

    raw: bytes
    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


@dataclass(slots=True)
class Scanner:
    """Cuts bytes that arrive piece by piece into records; only whole ones whose checksums hold come out.

    Attributes
    ----------
    offset : int
        Bytes of the file that are done with: scanning may go on from here.
    records : int
        Records seen, damaged ones included.
    damaged : int
        Records whose content does not match its checksum.
    stretches : list of (int, int)
        Offset and length of bytes that are no records.
    """

    offset: int = 0
    records: int = 0
    damaged: int = 0
    stretches: list[tuple[int, int]] = field(default_factory=list)
    _carry: bytes = b""
    _known: dict[int, int] = field(default_factory=dict)

    def feed(self, block: bytes, *, final: bool = False) -> Frames:
        """Records that the bytes complete.

        Parameters
        ----------
        block : bytes
            What follows the bytes fed before.
        final : bool
            Whether this is the end, so that what is missing is never going to come.
        """
        buffer = self._carry + block if self._carry else block
        data = np.frombuffer(buffer, np.uint8)
        starts: list[int] = []
        lengths: list[int] = []
        at = self._walk(buffer, 0, starts, lengths)
        while at < len(buffer):
            short = self._short(buffer, at)
            if short and not final:
                break
            found = self._search(data, at + 1, len(buffer), final)
            if found < 0 and short:
                break  # the last record is cut
            if found < 0:  # a header may begin within the last bytes
                found = len(buffer) if final else max(at, len(buffer) - HEADER + 1)
            self._lose(at, found - at)
            stuck = self._short(buffer, found)
            at = found if stuck and not final else self._walk(buffer, found, starts, lengths)
            if stuck and not final:
                break
        self._carry = buffer[at:]
        self.offset += at
        self.records += len(starts)
        return self._intact(buffer, data, np.array(starts, np.int64), np.array(lengths, np.int64))

    @property
    def pending(self) -> int:
        """Bytes of a record that has begun and is not whole."""
        return len(self._carry)

    def _walk(self, buffer: bytes, at: int, starts: list[int], lengths: list[int]) -> int:
        """Follow the headers while they are sound; the position of the first that is not, or is not whole."""
        unpack, known, end = _HEADER.unpack_from, self._known, len(buffer)
        while at + HEADER <= end:
            length, crc = unpack(buffer, at)
            if known.get(length) != crc:
                if length > MAX_RECORD or masked_crc(buffer[at : at + 8]) != crc:
                    break
                if len(known) < 1 << 16:
                    known[length] = crc
            stop = at + FRAME + length
            if stop > end:
                break
            starts.append(at + HEADER)
            lengths.append(length)
            at = stop
        return at

    @staticmethod
    def _short(buffer: bytes, at: int) -> bool:
        """Whether a record may begin here that is merely incomplete."""
        if at + HEADER > len(buffer):
            return True
        length, crc = _HEADER.unpack_from(buffer, at)
        sound = length <= MAX_RECORD and masked_crc(buffer[at : at + 8]) == crc
        return bool(sound and at + FRAME + length > len(buffer))

    @staticmethod
    def _search(data: NDArray[np.uint8], at: int, end: int, final: bool) -> int:
        """The next position where a record begins, -1 when there is none.

        Its two checksums hold; unless this is the end of the file, a sound header is enough when the rest is to come.
        """
        words = words_at(data)
        while at + HEADER <= end:
            count = min(_SEARCH, end - HEADER + 1 - at)
            where = np.arange(at, at + count)
            where = where[(words[where + 4] == 0) & (words[where] <= MAX_RECORD)]
            if final:
                where = where[where + FRAME + words[where].astype(np.int64) <= end]
            if where.size:
                sound = masked_crcs(data, where, np.full(where.size, 8)) == words[where + 8]
                for start in where[sound].tolist():
                    length = int(words[start])
                    if start + FRAME + length > end:
                        return int(start)
                    content = masked_crcs(data, np.array([start + HEADER]), np.array([length]))
                    if int(content[0]) == int(words[start + HEADER + length]):
                        return int(start)
            at += count
        return -1

    def _lose(self, at: int, count: int) -> None:
        if not count:
            return
        begin = self.offset + at
        if self.stretches and sum(self.stretches[-1]) == begin:
            last = self.stretches.pop()
            self.stretches.append((last[0], last[1] + count))
        else:
            self.stretches.append((begin, count))

    def _intact(
        self, raw: bytes, data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> Frames:
        if starts.size:
            sound = masked_crcs(data, starts, lengths) == words_at(data)[starts + lengths]
            if not sound.all():
                self.damaged += int(np.count_nonzero(~sound))
                starts, lengths = starts[sound], lengths[sound]
        return Frames(raw, data, starts, lengths)
