"""The wire form of protocol buffers: fields of a message, without a schema."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["BrokenMessageError", "fields", "varint"]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class BrokenMessageError(ValueError):
    """Bytes that are no message."""


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits per byte, and the position after it."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), at
        shift += 7
    raise BrokenMessageError("a number without an end")


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Fields of the message in ``data[at:end]``.

    Yields
    ------
    (number, wire, value, stop)
        For a number of variable length: its value, and the position after it. For anything else: where the content begins
        and ends.

    Raises
    ------
    BrokenMessageError
        When the bytes are no message.
    """
    while at < end:
        key, at = varint(data, at, end)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = varint(data, at, end)
            yield number, wire, value, at
            continue
        if wire == BYTES:
            length, at = varint(data, at, end)
        elif wire == FIXED64:
            length = 8
        elif wire == FIXED32:
            length = 4
        else:
            raise BrokenMessageError(f"wire type {wire}")
        if number == 0 or length > end - at:
            raise BrokenMessageError("a field that reaches past its message")
        yield number, wire, at, at + length
        at += length
