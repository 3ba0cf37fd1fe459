"""Single numbers in TensorProto messages, of every numeric type."""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

import numpy as np
from numpy.typing import NDArray

from ._proto import fields, varint

__all__ = ["Value", "decode_numbers", "number_of_tensor"]

# Types by number: how they are stored in tensor_content, and in how many bytes.
_FIXED = {1: ("<f4", 4), 2: ("<f8", 8), 3: ("<i4", 4), 4: ("<u1", 1), 5: ("<i2", 2), 6: ("<i1", 1), 9: ("<i8", 8),
          10: ("<u1", 1), 14: ("bf16", 2), 17: ("<u2", 2), 19: ("<f2", 2), 22: ("<u4", 4), 23: ("<u8", 8)}  # fmt: skip
_LISTS = {5: 1, 6: 2, 7: 3, 10: 9, 11: 10, 13: 19, 16: 22, 17: 23}  # field of the values: type they are stored as
_SIGNED = {3, 5, 6, 9}


@dataclass(slots=True)
class Value:
    """A number found in a record: which, where and how its bytes are to be read."""

    tag: str
    kind: str  # how to decode the bytes, empty when only this record is known
    at: int  # position in the record
    width: int
    value: float


def decode_numbers(raw: NDArray[np.uint8], kind: str) -> NDArray[np.float64]:
    """Numbers whose bytes are the rows of a matrix."""
    if kind == "bf16":
        return (raw.view("<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)[:, 0].astype(np.float64)
    with np.errstate(invalid="ignore"):  # a signaling NaN is a NaN
        return raw.view(kind)[:, 0].astype(np.float64)


def number_of_tensor(data: bytes, at: int, end: int, start: int) -> Value | None:
    """The number of a tensor without dimensions, None for any other tensor."""
    kind = 0
    content: tuple[int, int] | None = None
    items: tuple[int, int, int, int] | None = None
    for number, wire, value, stop in fields(data, at, end):
        if number == 1 and wire == 0:
            kind = value
        elif number == 2 and wire == 2:
            if any(n == 2 or (n == 3 and v) for n, _, v, _ in fields(data, value, stop)):
                return None
        elif number == 4 and wire == 2:
            content = (value, stop)
        elif number in _LISTS:
            items = (number, wire, value, stop)
    if kind not in _FIXED:
        return None
    if content is not None and content[1] > content[0]:
        form, width = _FIXED[kind]
        if content[1] - content[0] != width:
            return None
        raw = np.frombuffer(data, np.uint8, width, content[0]).reshape(1, width)
        return Value("", form, content[0] - start, width, float(decode_numbers(raw, form)[0]))
    return None if items is None else _listed(data, kind, items, start)


def _listed(data: bytes, kind: int, items: tuple[int, int, int, int], start: int) -> Value | None:
    """The one number of a tensor that lists its values."""
    number, wire, value, stop = items
    if number in (5, 6) and kind in (1, 2) and _LISTS[number] == kind:
        form, width = _FIXED[kind]
        if wire == 2 and stop - value != width:
            return None
        if wire not in (1, 2, 5):
            return None
        return Value("", form, value - start, width, float(unpack_from("<f" if kind == 1 else "<d", data, value)[0]))
    if wire == 2:
        raw, after = varint(data, value, stop)
        if after != stop:
            return None
    elif wire == 0:
        raw = value
    else:
        return None
    if number == 13 and kind in (14, 19):  # half precision, its bits as a number
        bits = np.array([raw & 0xFFFF], "<u2").view(np.uint8).reshape(1, 2)
        return Value("", "", 0, 0, float(decode_numbers(bits, _FIXED[kind][0])[0]))
    fits = {7: {3, 4, 5, 6, 17}, 10: {9}, 11: {10}, 16: {22}, 17: {23}}
    if kind not in fits.get(number, set()):
        return None
    signed = raw - 2**64 if kind in _SIGNED and raw >= 2**63 else raw
    return Value("", "", 0, 0, float(signed))
