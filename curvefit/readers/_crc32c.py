"""CRC-32C (Castagnoli) of many records at once, as TFRecord files store it.

The checksum is linear over GF(2): zero bytes before a message change nothing when the state starts at zero, and what the
usual start of all ones adds depends on the length alone. So messages of different lengths are padded in front, and all of
them advance together, four bytes at a time, by table look-ups on whole vectors. Long messages are cut into lanes whose
states are joined afterwards.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["crc32c", "masked_crc", "masked_crcs", "words_at"]

Words = NDArray[np.uint32]
POLYNOMIAL = 0x82F63B78  # reflected
ONES = 0xFFFFFFFF
LANE = 4096  # bytes of one lane of a long message
BATCH = 1 << 14  # messages that advance together: their states stay in the fast caches
DELTA = 0xA282EAD8


@cache
def _table() -> Words:
    """State after one byte, from a state of zero."""
    state = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        state = np.where(state & 1, (state >> 1) ^ np.uint32(POLYNOMIAL), state >> 1).astype(np.uint32)
    return state


@cache
def _tables() -> tuple[Words, Words]:
    """State after four bytes whose lower or upper half is given, from a state of zero."""
    one = _table()
    half = np.arange(1 << 16, dtype=np.uint32)
    out = []
    for state in (half, half << np.uint32(16)):
        for _ in range(4):
            state = one[state & 0xFF] ^ (state >> np.uint32(8))
        out.append(state.astype(np.uint32))
    return out[0], out[1]


@cache
def _starts() -> list[int]:
    """What a start of all ones adds to the state, by length up to a lane."""
    one = _table().tolist()
    state, out = ONES, [ONES]
    for _ in range(LANE):
        state = one[state & 0xFF] ^ (state >> 8)
        out.append(state)
    return out


@cache
def _over_lane() -> list[list[int]]:
    """State after a lane of zero bytes, for each byte of the state before it."""
    low, high = _tables()
    out = []
    for shift in (0, 8, 16, 24):
        state = np.arange(256, dtype=np.uint32) << np.uint32(shift)
        for _ in range(LANE // 4):
            state = low[state & 0xFFFF] ^ high[state >> np.uint32(16)]
        out.append(state.tolist())
    return out


def words_at(data: NDArray[np.uint8]) -> Words:
    """The four bytes from every position on as one little-endian word, without a copy."""
    return np.ndarray((max(0, data.size - 3),), "<u4", data.data, strides=(1,))


def _advance(state: Words, word: Words) -> Words:
    low, high = _tables()
    state = state ^ word
    out: Words = low[state & np.uint32(0xFFFF)] ^ high[state >> np.uint32(16)]
    return out


def _plain(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Words:
    """States of messages up to a lane long, from a state of zero; at least three bytes precede each in ``data``."""
    words = words_at(data)
    order = np.argsort(lengths, kind="stable")
    out = np.zeros(starts.size, np.uint32)
    for at in range(0, starts.size, BATCH):
        part = order[at : at + BATCH]
        length = lengths[part]
        width = -(-int(length[-1]) // 4)
        pad = 4 * width - length
        begin = starts[part] - pad
        widest = int(pad[0])
        state = np.zeros(part.size, np.uint32)
        for k in range(width):
            if 4 * k >= widest:
                word = words[begin + 4 * k]
            else:  # some messages have not begun, or begin within this word
                word = words[np.maximum(begin + 4 * k, 0)]
                missing = np.clip(pad - 4 * k, 0, 4).astype(np.uint64)
                word = (word & ((np.uint64(ONES) << (8 * missing)) & np.uint64(ONES))).astype(np.uint32)
            state = _advance(state, word)
        out[part] = state
    return out


def crcs(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Words:
    """CRC-32C of stretches of a buffer.

    Parameters
    ----------
    data : ndarray of uint8
        The buffer; at least four bytes precede each stretch.
    starts, lengths : ndarray of int64
        The stretches.
    """
    lengths = lengths.astype(np.int64)
    long = lengths > LANE
    out = np.zeros(starts.size, np.uint32)
    short = np.flatnonzero(~long)
    if short.size:
        first = np.array(_starts(), np.uint32)
        out[short] = _plain(data, starts[short], lengths[short]) ^ first[lengths[short]]
    if long.any():
        over = _over_lane()
        for i in np.flatnonzero(long).tolist():
            begin, end = int(starts[i]), int(starts[i] + lengths[i])
            head = (end - begin) % LANE or LANE
            at = np.r_[begin, np.arange(begin + head, end, LANE)]
            states = _plain(data, at, np.diff(np.r_[at, end])).tolist()
            state = states[0] ^ _starts()[head]
            for lane in states[1:]:
                a, b, c, d = over
                state = a[state & 255] ^ b[state >> 8 & 255] ^ c[state >> 16 & 255] ^ d[state >> 24] ^ lane
            out[i] = state
    return out ^ np.uint32(ONES)


def masked_crcs(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Words:
    """Masked CRC-32C of stretches of a buffer, as TFRecord stores it: rotated by 15 bits plus a constant."""
    crc = crcs(data, starts, lengths)
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(DELTA)


def crc32c(message: bytes) -> int:
    """CRC-32C of a short message."""
    one = _table().tolist()
    state = ONES
    for byte in message:
        state = one[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ ONES


def masked_crc(message: bytes) -> int:
    """Masked CRC-32C of a short message."""
    crc = crc32c(message)
    return (((crc >> 15) | (crc << 17)) + DELTA) & ONES
