"""Small data sets and forked children for the tests of batches."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

import curvefit as cf
from curvefit.studies.schema import TABLES

QUICK = {"models": None, "tables": ["forecasts"], "horizons": "2x"}


def runs(count: int, points: int = 12, seed: int = 0) -> Iterator[cf.Run]:
    """Falling validation losses with a method and a seed each."""
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, points + 1)
    for i in range(count):
        y = 1 + rng.uniform(1, 3) * x ** -rng.uniform(0.4, 1.1) + 0.02 * rng.standard_normal(points)
        curve = cf.Curve(x, y, "val_loss")
        yield cf.Run(f"run{i:03d}", {"val_loss": curve}, attributes={"method": "ab"[i % 2], "seed": float(i // 2)})


def small_store(folder: Path, count: int = 24, per_group: int = 2) -> Path:
    """A store of so many runs, so many in a row group."""
    cf.write_store(runs(count), folder, runs_per_group=per_group)
    return folder


def files(out: Path) -> dict[str, bytes]:
    """Bytes of all result files by name."""
    return {f.relative_to(out).as_posix(): f.read_bytes() for name in TABLES for f in sorted((out / name).glob("*"))}


def torn(out: Path) -> list[str]:
    """Files at their final name that are not whole."""
    bad = []
    for name in TABLES:
        for file in (out / name).glob("part-*.parquet"):
            try:
                pq.read_table(file, page_checksum_verification=True, partitioning=None)
            except (OSError, ValueError):
                bad.append(f"{name}/{file.name}")
    return bad


def leftovers(out: Path) -> list[str]:
    """Temporary files."""
    return [p.name for p in out.rglob(".tmp-*")]


def stored(out: Path) -> set[str]:
    """Names of the runs that count as done; each of them once."""
    if not (out / "batch.json").exists():
        return set()
    names = cf.load_batch(out).arrow("runs", ["run"])["run"].to_pylist()
    assert len(names) == len(set(names)), "a run is there twice"
    return set(names)


def forked(body: Callable[[], int | None]) -> int:
    """Process number of a child that does something and ends with its result as the exit code."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = body() or 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Exit code of a child, negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class SpyOs:
    """The module ``os`` with some of its calls watched: each is told before and after it is done."""

    WATCHED = ("open", "write", "fsync", "replace")

    def __init__(self, tell: Callable[[str, str, tuple], None], instead: dict[str, Callable] | None = None) -> None:
        self._tell = tell
        self._instead = instead or {}

    def __getattr__(self, name: str):
        real = self._instead.get(name, getattr(os, name))
        if name not in self.WATCHED:
            return real

        def call(*args, **kwargs):
            self._tell("before", name, args)
            result = real(*args, **kwargs)
            self._tell("after", name, (*args, result))
            return result

        return call
