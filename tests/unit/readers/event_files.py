"""A small writer of TensorBoard event files for tests, written apart from the reader: bit by bit checksums."""

from __future__ import annotations

import struct


def crc32c(data: bytes) -> int:
    """CRC-32C by its definition."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def record(content: bytes) -> bytes:
    size = struct.pack("<Q", len(content))
    return size + masked(size) + content + masked(content)


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def part(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def event(step: int, wall: float = 1.7e9, *values: bytes, restart: bool = False) -> bytes:
    out = struct.pack("<Bd", 9, wall)
    if step:
        out += number(2, step)
    if values:
        out += part(5, b"".join(part(1, v) for v in values))
    if restart:
        out += part(7, number(1, 1))
    return record(out)


def simple(tag: str, value: float) -> bytes:
    return part(1, tag.encode()) + struct.pack("<Bf", 2 << 3 | 5, value)


def tensor(tag: str, content: bytes, plugin: str = "scalars") -> bytes:
    return part(1, tag.encode()) + part(9, part(1, part(1, plugin.encode()))) + part(8, content)


def version() -> bytes:
    return record(struct.pack("<Bd", 9, 1.7e9) + part(3, b"brain.Event:2"))


def scalars(tag: str, points, wall: float = 1.7e9) -> bytes:
    return b"".join(event(s, wall + i, simple(tag, v)) for i, (s, v) in enumerate(points))
