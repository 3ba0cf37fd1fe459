"""TensorBoard event files of scalars, written without TensorBoard."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from struct import pack

import numpy as np

from ..readers._crc32c import masked_crc

__all__ = ["EventWriter"]


class EventWriter:
    """Appends scalars to one event file in a folder; no handle stays open, so it can be copied, pickled and forked.

    Parameters
    ----------
    folder : Path
        Made when the first values come. Best one of its own: TensorBoard shows it as a run of its own and does not watch
        two files that grow in one folder.

    Notes
    -----
    The file begins with the mark of a restart at its first step, as ``purge_step`` of other writers sets it: what
    older files of the folder hold from there on is superseded.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: Path | None = None

    def write(self, values: Mapping[str, float], step: float) -> None:
        """Append the values, all of one step."""
        at = int(step)
        out = b""
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            now = time.time()
            self._file = self.folder / f"events.out.tfevents.{now:.6f}.{os.getpid()}.curvefit"
            out += _record(_event(b"\x1a" + _bytes(b"brain.Event:2")))
            out += _record(_event(b"\x10" + _varint(at) + b"\x3a" + _bytes(b"\x08\x01")))
        for tag, value in values.items():
            with np.errstate(over="ignore"):
                single = np.array(value).astype("<f4").tobytes()
            scalar = b"\x0a" + _bytes(tag.encode()) + b"\x15" + single
            out += _record(_event(b"\x10" + _varint(at) + b"\x2a" + _bytes(b"\x0a" + _bytes(scalar))))
        with self._file.open("ab") as file:
            file.write(out)


def _event(rest: bytes) -> bytes:
    """A message with its wall time; ``rest`` are its other fields."""
    return b"\x09" + pack("<d", time.time()) + rest


def _record(content: bytes) -> bytes:
    length = pack("<Q", len(content))
    return length + pack("<I", masked_crc(length)) + content + pack("<I", masked_crc(content))


def _bytes(content: bytes) -> bytes:
    return _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    number &= 2**64 - 1
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
