"""NumPy archives (.npz): arrays by name as columns, evaluations of Stable-Baselines3; nothing is unpickled."""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from typing import final

import numpy as np
from numpy.typing import NDArray

from ..curves import LimitError, ReadError, Run
from ..curves._checks import safe_text
from ._base import Reader
from ._cells import BOOLEAN, NUMBER, Column
from ._foreign import is_npz
from ._names import TIMES, normalize, plan_of
from ._runs import runs_of
from ._source import MAX_RATIO, RATIO_FROM, Source
from ._table import Account, Table

__all__ = ["Npz"]

Arrays = dict[str, NDArray[np.generic]]
_HEADER = re.compile(
    rb"\{\s*'descr':\s*'(?P<kind>[<>|=]?[A-Za-z]\d{0,6})',\s*'fortran_order':\s*(?P<order>True|False),\s*"
    rb"'shape':\s*\((?P<shape>[\d, ]{0,100})\),?\s*\}\s*"
)
_NUMERIC = re.compile(r"[<>|=]?[bBiuf]\d{1,2}")
_BOOL = re.compile(r"[<>|=]?(\?|b1)")
MANY = 32  # columns that one array with two axes may become
EVALUATIONS = {"results": "eval/mean_reward", "ep_lengths": "eval/mean_ep_length", "successes": "eval/success_rate"}
BROKEN = (  # what zipfile raises on damage; NotImplementedError is an unknown compression
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError, KeyError,
    IndexError, OverflowError, struct.error,
)  # fmt: skip


@final
class Npz(Reader):
    """Archives of numpy.savez: one array per metric, as long as the array of x.

    Notes
    -----
    Arrays of Python objects are not read, by policy: they are pickles. An array with two axes becomes a column for each place on
    the second (``scores[0]``, ``scores[1]``, ...). In ``evaluations.npz`` of Stable-Baselines3 the episodes of one evaluation
    are averaged, as its own log does. Single numbers are facts about the run. Checksums of the archive are verified.
    """

    name = "npz"
    suffixes = (".npz",)
    aliases = ("numpy", "sb3")

    def sniff(self, head: bytes, path: str) -> float:
        """Whether this is a zip archive whose first member is an array."""
        return 1.0 if is_npz(head) else 0.0

    def read(self, source: Source) -> list[Run]:
        """The run of an archive."""
        data = source.contents(source.options.max_bytes, "pass a larger max_bytes=")
        notes = [*source.notes]
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                _check_count(archive, data)
                arrays = _arrays(archive, source, notes)
        except LimitError:
            raise
        except BROKEN as error:
            what = safe_text(str(error)[:200]) or type(error).__name__
            raise ReadError(
                f"broken NumPy archive: {what}", code="CF-IO-018", where=source.where, hint="was it copied whole?"
            ) from None
        table = _table(arrays, notes)
        if table.rows == 0:
            raise ReadError(
                "no array of numbers in this archive" + (f" ({'; '.join(notes[:3])})" if notes else ""),
                code="CF-IO-012" if any("objects" in n for n in notes) else "CF-IO-002",
                where=source.where,
                hint="np.savez(path, step=steps, loss=losses)",
            )
        return runs_of(table, source, reader=self.name)

    def example(self) -> bytes:
        """Steps and two losses."""
        out = io.BytesIO()
        np.savez(out, step=np.arange(1, 5), loss=np.array([2.0, 1.5, np.nan, 1.2]), val_loss=np.linspace(2, 1, 4))
        return out.getvalue()


def _check_count(archive: zipfile.ZipFile, data: bytes) -> None:
    """A damaged directory may hide members: the end of the archive says how many there are."""
    end = data.rfind(b"PK\x05\x06")
    stated = int.from_bytes(data[end + 10 : end + 12], "little")
    if stated not in (len(archive.infolist()), 0xFFFF):
        raise zipfile.BadZipFile(f"its directory lists {len(archive.infolist())} of {stated} members")


def _arrays(archive: zipfile.ZipFile, source: Source, notes: list[str]) -> Arrays:
    """Every array of numbers, by name, within the limits on what a file may unpack to."""
    members = archive.infolist()
    stated = sum(m.file_size for m in members)
    packed = sum(m.compress_size for m in members)
    if stated > source.options.max_bytes or (stated > RATIO_FROM and stated > MAX_RATIO * max(1, packed)):
        raise LimitError(
            f"unpacks to {stated} bytes from {packed}",
            where=source.where,
            hint="pass a larger max_bytes= if you trust it",
        )
    found: Arrays = {}
    for member in members:
        name = safe_text(member.filename.removesuffix(".npy")[:1000]) or "value"
        if not member.filename.endswith(".npy"):
            notes.append(f"{name!r} is no array and was passed over")
            continue
        array, why = _array(archive.read(member))
        if array is None:
            notes.append(f"array {name!r} {why}")
        elif name not in found:
            found[name] = array
    return found


def _array(data: bytes) -> tuple[NDArray[np.generic] | None, str]:
    """The array of a .npy member; its header is a plain text that is matched, never evaluated."""
    if data[:6] != b"\x93NUMPY" or len(data) < 12 or data[6] not in (1, 2, 3):
        return None, "has no header of NumPy and was passed over"
    wide = 2 if data[6] == 1 else 4
    begin = 8 + wide
    end = begin + int.from_bytes(data[8:begin], "little")
    header = _HEADER.fullmatch(data[begin:end]) if end <= min(len(data), 1 << 16) else None
    if header is None:
        objects = b"O'" in data[begin : begin + 64]
        return None, (
            "holds Python objects, which are pickles, and was not read" if objects else "has an unknown header"
        )
    kind = header["kind"].decode("ascii")
    shape = tuple(int(n) for n in header["shape"].replace(b" ", b"").split(b",") if n)
    if "O" in kind:
        return None, "holds Python objects, which are pickles, and was not read"
    if not (_NUMERIC.fullmatch(kind) or _BOOL.fullmatch(kind)) or len(shape) > 2:
        return None, f"is of the kind {kind!r} with {len(shape)} axes and was passed over"
    dtype = np.dtype(kind)
    count = math.prod(shape)
    if len(data) - end != count * dtype.itemsize:
        raise ValueError(f"an array of {count} values has {len(data) - end} bytes")
    array = np.frombuffer(data, dtype, count, end)
    return array.reshape(shape, order="F" if header["order"] == b"True" else "C"), ""


def _table(arrays: Arrays, notes: list[str]) -> Table:
    """Arrays as columns of one table."""
    facts = {n: float(a) for n, a in arrays.items() if a.ndim == 0 and a.dtype.kind != "b"}
    facts = {n: v for n, v in facts.items() if math.isfinite(v)}
    long = {n: a for n, a in arrays.items() if a.ndim and a.shape[0]}
    evaluations = "timesteps" in long and "results" in long and long["timesteps"].ndim == 1
    columns: dict[str, Column] = {}
    for name, array in long.items():
        if array.ndim == 1:
            columns[name] = _column(name, array)
        elif evaluations and name in EVALUATIONS and array.shape[1]:
            called = EVALUATIONS[name]
            columns[called] = _column(called, np.asarray(array, np.float64).mean(axis=1))
            notes.append(f"{called} is the mean of {name!r} over the {array.shape[1]} episodes of an evaluation")
        elif 0 < array.shape[1] <= MANY:
            for k in range(array.shape[1]):
                columns[f"{name}[{k}]"] = _column(f"{name}[{k}]", array[:, k])
        else:
            notes.append(f"array {name!r} of shape {array.shape} was passed over")
    sizes = [c.values.size for c in columns.values()]
    x = next((c for n, c in columns.items() if normalize(n) in TIMES), None)
    rows = x.values.size if x is not None else max(sizes, default=0)
    kept = [c for c in columns.values() if c.values.size == rows]
    other = [c for c in columns.values() if c.values.size != rows]
    if other:
        names = ", ".join(repr(c.name) for c in other[:8])
        notes.append(f"not as long as {x.name if x is not None else 'the longest'!r}: {names}")
    return Table(
        kept,
        first_line=1,
        account=Account(),
        attributes=dict(facts),
        plan=plan_of(dict(facts)),
        points_dropped={"of another length than x": sum(c.values.size for c in other)},
        notes=notes,
        row_word="row",
    )


def _column(name: str, array: NDArray[np.generic]) -> Column:
    if array.dtype.kind == "b":
        return Column(name, np.full(array.size, np.nan), np.full(array.size, BOOLEAN, np.uint8))
    values = np.ascontiguousarray(array, dtype=np.float64)
    return Column(name, values, np.full(array.size, NUMBER, np.uint8))
