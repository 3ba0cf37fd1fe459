"""Records of a log in LevelDB's format, as W&B writes it: chunks in blocks of 32 KiB, each with a checksum."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct

__all__ = ["ChunkLog"]

BLOCK = 1 << 15
HEADER = 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
MAX_RECORD = 64 * 2**20
_HEADER = Struct("<IHB")
_SEEDS = {kind: zlib.crc32(bytes([kind])) for kind in (FULL, FIRST, MIDDLE, LAST)}


@dataclass(slots=True)
class ChunkLog:
    """Cuts blocks into records; only whole ones whose checksums hold come out.

    Parameters
    ----------
    start : int
        Bytes before the first chunk, which count towards the first block.

    Attributes
    ----------
    records : int
        Records given out.
    broken : int
        Records of which a chunk is damaged or missing.
    stretches : list of (int, int)
        Offset and length of bytes that are no chunks.
    cut : bool
        Whether the log ends within a record.
    """

    start: int = 0
    records: int = 0
    broken: int = 0
    stretches: list[tuple[int, int]] = field(default_factory=list)
    cut: bool = False
    _parts: list[bytes] = field(default_factory=list)
    _size: int = 0
    _offset: int = 0
    _at: int = -1
    _held: bytes = b""

    def read(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Records of consecutive blocks of 32 KiB, of which the last may be shorter."""
        offset, at = 0, self.start
        following = next(blocks, b"")
        while following:
            block, following = following, next(blocks, b"")
            yield from self._block(block, offset, at, last=not following)
            offset, at = offset + len(block), 0
        if self._parts:
            self.cut = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Records that appended bytes complete; the rest of a block that is not whole yet is waited for."""
        self._held += data
        self._at = self.start if self._at < 0 else self._at
        while len(self._held) >= BLOCK:
            block, self._held = self._held[:BLOCK], self._held[BLOCK:]
            yield from self._block(block, self._offset, self._at, last=False)
            self._offset, self._at = self._offset + BLOCK, 0
        end = len(self._held)
        while end - self._at >= HEADER:
            crc, length, kind = _HEADER.unpack_from(self._held, self._at)
            stop = self._at + HEADER + length
            if kind not in _SEEDS or stop > end:
                return  # cut, or damaged: that is known once the block is whole
            content = self._held[self._at + HEADER : stop]
            if zlib.crc32(content, _SEEDS[kind]) != crc:
                return
            self._at = stop
            if kind == FULL and not self._parts:
                self.records += 1
                yield content
            else:
                yield from self._piece(kind, content)

    def _block(self, block: bytes, offset: int, at: int, *, last: bool) -> Iterator[bytes]:
        end = len(block)
        crc32, unpack, seeds = zlib.crc32, _HEADER.unpack_from, _SEEDS
        while end - at >= HEADER:
            crc, length, kind = unpack(block, at)
            stop = at + HEADER + length
            if kind in seeds and stop <= end:
                content = block[at + HEADER : stop]
                if crc32(content, seeds[kind]) == crc:
                    at = stop
                    if kind == FULL and not self._parts:
                        self.records += 1
                        yield content
                    else:
                        yield from self._piece(kind, content)
                    continue
            found = self._search(block, at + 1)
            if found < 0 and last and kind in seeds and stop > end and end - at + offset % BLOCK < BLOCK:
                self.cut = True  # the last chunk is not whole
                return
            found = end if found < 0 else found
            if block.count(0, at, found) == found - at and not last:
                at = found  # a block may be filled up with zeros
                continue
            self.stretches.append((offset + at, found - at))
            self._drop()
            at = found
        if last and at < end and block.count(0, at, end) < end - at:
            self.cut = True

    @staticmethod
    def _search(block: bytes, at: int) -> int:
        """The next position in the block where a whole chunk with a sound checksum begins, -1 when there is none."""
        end = len(block)
        for here in range(at, end - HEADER + 1):
            seed = _SEEDS.get(block[here + 6])
            if seed is None:
                continue
            crc, length, _ = _HEADER.unpack_from(block, here)
            stop = here + HEADER + length
            if stop <= end and zlib.crc32(block[here + HEADER : stop], seed) == crc:
                return here
        return -1

    def _piece(self, kind: int, content: bytes) -> Iterator[bytes]:
        """Chunks of a record that is spread over several."""
        if kind in (FULL, FIRST):
            self._drop()
        elif not self._parts:
            self.broken += kind == LAST  # its beginning was lost
            return
        self._parts.append(content)
        self._size += len(content)
        if kind in (FULL, LAST):
            whole = b"".join(self._parts)
            self._parts, self._size = [], 0
            self.records += 1
            yield whole
        elif self._size > MAX_RECORD:
            self._drop()

    def _drop(self) -> None:
        self.broken += bool(self._parts)
        self._parts, self._size = [], 0
