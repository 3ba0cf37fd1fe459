"""Checks of arguments that every room uses."""

from __future__ import annotations

import math
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DataError, UsageError

__all__ = ["as_float_array", "check_level", "frame_of", "frozen_array", "rebuilt", "safe_text"]


def check_level(level: float, name: str = "level") -> float:
    """Return the level if it lies strictly between 0 and 1, else say what was probably meant."""
    if not isinstance(level, int | float) or isinstance(level, bool) or not 0 < level < 1:
        meant = (
            f"did you mean {level / 100:g}?"
            if isinstance(level, int | float) and 50 <= level < 100  # a percentage that somebody would ask for
            else "a number strictly between 0 and 1, such as 0.95"
        )
        raise UsageError(f"{name} = {level!r} is not a coverage level", code="CF-USE-003", hint=meant)
    return float(level)


def frozen_array(values: ArrayLike) -> NDArray[np.float64]:
    """A read-only float64 copy (or the array itself when it already is one)."""
    array = np.asarray(values, dtype=np.float64)
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def as_float_array(values: Any, name: str) -> NDArray[np.float64]:
    """One-dimensional float64 array from anything array-like, or an error that names the offender.

    Masked entries and nulls become NaN; booleans, complex numbers, dates and text are refused.
    The caller's array is never modified.
    """
    if hasattr(values, "detach") and hasattr(values, "cpu"):  # torch tensors, on any device
        values = values.detach().cpu().numpy()
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan)
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{name} is not array-like: {error}", where=name) from None
    if array.ndim == 0:
        raise DataError(f"{name} is a single number; a curve needs a sequence", where=name)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1:
        raise DataError(f"{name} has shape {array.shape}; expected one dimension", where=name)
    if array.dtype.kind == "b":
        raise DataError(
            f"{name} holds booleans, not numbers", where=name, hint="convert with astype(float) if 0/1 is meant"
        )
    if array.dtype.kind in "mM":
        raise DataError(
            f"{name} holds dates or durations",
            where=name,
            hint="convert to seconds since the first entry, x_unit='second'",
        )
    if array.dtype.kind == "c":
        if np.any(array.imag != 0):
            raise DataError(f"{name} holds complex numbers", where=name)
        array = array.real
    if array.dtype.kind in "OUS":
        array = _from_objects(array, name)
    return np.array(array, dtype=np.float64)


def _from_objects(array: NDArray[Any], name: str) -> NDArray[np.float64]:
    out = np.empty(array.shape, dtype=np.float64)
    for i, item in enumerate(array.tolist()):
        if item is None or type(item).__name__ in ("NAType", "NaTType"):
            out[i] = math.nan
            continue
        if isinstance(item, bool | str | bytes | complex):
            raise DataError(f"{name}[{i}] is {item!r}, not a number", where=f"{name}[{i}]")
        try:
            out[i] = float(item)
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{name}[{i}] cannot be a float64: {error}", where=f"{name}[{i}]") from None
    return out


def rebuilt(record: Any) -> tuple[Any, tuple[Any, ...]]:
    """What ``__reduce__`` of a frozen dataclass returns, so that it can be sent to another process and copied."""
    values = (getattr(record, f.name) for f in fields(record))
    return type(record), tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)


def safe_text(text: object) -> str:
    """Text from input made harmless for a terminal: control, bidi and surrogate characters are escaped."""
    given = str(text)
    if given.isprintable():  # none of the characters below is
        return given
    out = []
    for char in given:
        point = ord(char)
        hidden = point < 0x20 or 0x7F <= point < 0xA0 or 0xD800 <= point <= 0xDFFF
        bidi = (
            point in (0x061C, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF)
            or 0x202A <= point <= 0x202E
            or 0x2066 <= point <= 0x2069
        )
        out.append(char.encode("unicode_escape").decode("ascii") if hidden or bidi else char)
    return "".join(out)


def frame_of(frame: Any, usual: str) -> Any:
    """A dataframe of any library as narwhals sees it, or an error that says what was meant."""
    import narwhals.stable.v2 as nw

    try:
        return nw.from_native(frame, eager_only=True)
    except TypeError:
        raise UsageError(f"a {type(frame).__name__} is no dataframe", where="from_frame()", hint=usual) from None
