"""What a reader makes of damaged files: refused, read in part and said so, or wrong."""

from __future__ import annotations

import io
import sqlite3
import struct
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import curvefit as cf
from curvefit.readers._crc32c import masked_crc

X = np.arange(1, 31)
LOSS, VAL = 2 + 3 / np.sqrt(X), 2.2 + 3 / np.sqrt(X)
Points = set[tuple[str, float, float]]


def _part(number: int, content: bytes) -> bytes:
    key = number << 3 | 2
    head = bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])
    return head + bytes([len(content)]) + content


def event_file() -> tuple[bytes, set[int]]:
    """Thirty steps of two scalars; lengths at which the file is whole."""
    bodies = [struct.pack("<Bd", 9, 1.7e9) + b"\x1a\x0dbrain.Event:2"]
    for x, *values in zip(X.tolist(), LOSS.tolist(), VAL.tolist(), strict=True):
        for tag, value in zip((b"loss", b"val_loss"), values, strict=True):
            item = _part(1, _part(1, tag) + struct.pack("<Bf", 0x15, value))
            bodies.append(struct.pack("<Bd", 9, 1.7e9 + x) + bytes([0x10, x]) + _part(5, item))
    out, whole = b"", set()
    for body in bodies:
        size = struct.pack("<Q", len(body))
        out += size + struct.pack("<I", masked_crc(size)) + body + struct.pack("<I", masked_crc(body))
        whole.add(len(out))
    return out, whole


def wandb_file() -> tuple[bytes, set[int]]:
    """Thirty rows of two values."""
    out, whole = b":W&B\xe1\xbe\x00", set()
    for x, a, b in zip(X.tolist(), LOSS.tolist(), VAL.tolist(), strict=True):
        items = _part(1, _part(2, b"loss") + _part(16, repr(a).encode()))
        items += _part(1, _part(2, b"val") + _part(2, b"loss") + _part(16, repr(b).encode()))
        record = _part(2, items + _part(1, _part(2, b"_step") + _part(16, b"%d" % x)))
        out += struct.pack("<IHB", zlib.crc32(b"\x01" + record), len(record), 1) + record
        whole.add(len(out))
    return out, whole


def sqlite_file() -> tuple[bytes, set[int]]:
    """MLflow's tables, with small pages so that there are many."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(
            "PRAGMA page_size=512; CREATE TABLE runs (run_uuid, name, lifecycle_stage);"
            "CREATE TABLE metrics (key, value FLOAT, timestamp, run_uuid, step, is_nan);"
            "INSERT INTO runs VALUES ('0a', 'calm-river-7', 'active');"
        )
        rows = [(k, v, s) for k, values in (("loss", LOSS), ("val_loss", VAL)) for s, v in zip(X, values, strict=True)]
        database.executemany(
            "INSERT INTO metrics VALUES (?, ?, 1700000000000, '0a', ?, 0)", [(k, float(v), int(s)) for k, v, s in rows]
        )
        database.commit()
        return bytes(database.serialize()), set()


def parquet_file() -> tuple[bytes, set[int]]:
    """The canonical form, with checksums on its pages."""
    curves = {"loss": cf.Curve(X, LOSS, "loss"), "val_loss": cf.Curve(X, VAL, "val_loss")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.parquet")
        cf.write_parquet([cf.Run("a", curves)], path)
        return path.read_bytes(), set()


def npz_file() -> tuple[bytes, set[int]]:
    """Three arrays, compressed."""
    out = io.BytesIO()
    np.savez_compressed(out, step=X, loss=LOSS, val_loss=VAL)
    return out.getvalue(), set()


SAMPLES: dict[str, tuple[str, Callable[[], tuple[bytes, set[int]]]]] = {
    "event file": ("events.out.tfevents.1", event_file),
    ".wandb": ("run-1.wandb", wandb_file),
    "SQLite": ("mlflow.db", sqlite_file),
    "Parquet": ("runs.parquet", parquet_file),
    ".npz": ("log.npz", npz_file),
}
CHECKED = ("event file", ".wandb", "Parquet", ".npz")  # formats whose values have checksums


@dataclass
class Outcome:
    """Counts by what came of a damaged file, and the slowest.

    Kinds: ``same`` (every point, none else), ``part`` (some points, the loss is said), ``shorter`` (cut where a shorter log would
    end), ``refused`` (an error of the package), ``renamed`` (the points of the file under another name), ``silent`` (fewer points and nothing
    said), ``changed`` (a point that was not in the file), ``crashed`` (any other error).
    """

    kinds: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, seconds: float, what: str) -> None:
        self.kinds[kind] += 1
        self.slowest = max(self.slowest, seconds)
        self.examples.setdefault(kind, what)


def points_of(runs: Iterable[cf.Run]) -> Points:
    """Metric, x and value of every point; a value that is not finite counts by its x."""
    found = set()
    for run in runs:
        for name, curve in run.curves.items():
            found |= {(name, float(x), float(y)) for x, y in zip(curve.x, curve.y, strict=True)}
            found |= {(name, float(x), float("inf")) for x in curve.nonfinite_x}
    return found


def judge(path: Path, whole: Points, *, boundary: bool) -> str:
    """What came of reading a damaged file."""
    try:
        runs = cf.read(path)
    except cf.CurvefitError:
        return "refused"
    except Exception as error:
        return f"crashed: {type(error).__name__}"
    found = points_of(runs)
    if found == whole:
        return "same"
    if not found <= whole:
        values = {p[1:] for p in whole}
        return "renamed" if {p[1:] for p in found} <= values else "changed"
    p = runs[0].provenance
    said = p is not None and (
        any(p.rows_dropped.values())
        or any(p.points_dropped.values())
        or any(
            w in note for note in p.notes for w in ("damaged", "cut", "broken", "passed over", "no array", "not read")
        )
    )
    return "part" if said else "shorter" if boundary else "silent"


def damaged(data: bytes, flips: int, every: int, seed: int = 0) -> Iterator[tuple[str, bytes, int]]:
    """Cuts at every so many bytes, then flipped bits: what was done, the bytes, and the length of a cut."""
    for length in range(0, len(data), every):
        yield f"cut at {length}", data[:length], length
    rng = np.random.default_rng(seed)
    for bit in rng.integers(0, 8 * len(data), flips).tolist():
        out = bytearray(data)
        out[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit}", bytes(out), -1


def fuzz(format: str, *, flips: int = 2000, every: int = 1, seed: int = 0) -> tuple[int, Outcome, Outcome]:
    """Bytes of the sample, what came of the cuts, and of the flipped bits."""
    name, make = SAMPLES[format]
    data, whole_at = make()
    cuts, bits = Outcome(), Outcome()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        whole = points_of(cf.read(path))
        for what, content, length in damaged(data, flips, every, seed):
            path.write_bytes(content)
            begin = time.process_time()
            kind = judge(path, whole, boundary=length in whole_at)
            (cuts if length >= 0 else bits).add(kind, time.process_time() - begin, what)
    return len(data), cuts, bits
