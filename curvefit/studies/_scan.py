"""Canonical Parquet files as they are: which runs stand in which row groups, without reading a value."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves import ReadError
from ..curves._checks import safe_text
from ..curves._optional import optional
from ..readers._arrow import is_scalar
from ..readers._names import normalize
from ..readers.parquet import CANONICAL
from .schema import FieldType

__all__ = ["MOST_ROWS", "File", "Unit", "canonical", "checksum", "metrics_of", "scan"]

MOST_RUNS = 5_000  # runs in row groups that hang together; more are converted first
MOST_ROWS = 8_000_000  # points in one row group that are worked on at once; more are converted first
_NEEDED = ("run_id", "metric", "x", "y", "segment")
_FEATURE = "stores of many runs"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a store.

    Parameters
    ----------
    name : str
        Relative to the store; empty when the store is one file.
    size, time : int
        Bytes, and time of the last change in nanoseconds: while both stay, the checksum is taken to.
    sha256 : str
        Of its bytes.
    """

    name: str
    size: int
    time: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of work.

    Parameters
    ----------
    number : int
        Counted over the whole store.
    file : int
        Number of the file.
    first, last : int
        Row groups of it, both ends included.
    runs, rows : int
        How many.
    """

    number: int
    file: int
    first: int
    last: int
    runs: int
    rows: int


def canonical(path: Path) -> list[Path] | None:
    """Files of a data set that can be worked on in place; None when it must be converted.

    Every file below the folder is canonical Parquet, and no row group is too large to be worked on at once.
    """
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    files = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()) if path.is_dir() else [path]
    if not files or not all(p.suffix in (".parquet", ".pq") for p in files):
        return None
    for file in files:
        try:
            meta = pq.read_metadata(file)
        except (OSError, pa.ArrowException):
            return None
        names = meta.schema.names
        if not all(n in names for n in _NEEDED) or meta.num_rows == 0:
            return None
        if any(meta.row_group(i).num_rows > MOST_ROWS for i in range(meta.num_row_groups)):
            return None
        if not _joined(file) or not _one_run_per_name(file):
            return None
    return files


@lru_cache(maxsize=4096)
def _groups(file: Path, size: int, time: int) -> tuple[tuple[tuple[str, ...], int], ...]:
    """Names of the runs and number of rows of every row group."""
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    with pq.ParquetFile(file, read_dictionary=["run_id"], page_checksum_verification=True) as source:
        out = []
        for group in range(source.num_row_groups):
            column = source.read_row_group(group, columns=["run_id"], use_threads=False)["run_id"]
            names = dict.fromkeys(n for chunk in column.chunks for n in chunk.unique().to_pylist())
            out.append((tuple(names), len(column)))
    return tuple(out)


def _of(file: Path) -> tuple[tuple[tuple[str, ...], int], ...]:
    stat = file.stat()
    return _groups(file, stat.st_size, stat.st_mtime_ns)


def _joined(file: Path) -> bool:
    """Whether what hangs together, in one row group or by a run in several, can be worked on at once."""
    return all(rows <= MOST_ROWS and runs <= MOST_RUNS for _, _, runs, rows in _pieces(_of(file), 1))


def _one_run_per_name(file: Path) -> bool:
    """Whether no attribute changes within a run; where one does, the name may stand for several runs."""
    stat = file.stat()
    return _constant(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _constant(file: Path, size: int, time: int) -> bool:
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    schema = pq.read_schema(file)
    columns = [c.name for c in schema if _of_a_run(c.name) and is_scalar(c.type, pa)]
    texts = [c for c in columns if str(schema.field(c).type).endswith("string")]
    told: dict[str, dict[str, Any]] = {c: {} for c in columns}
    with pq.ParquetFile(file, read_dictionary=["run_id", *texts], page_checksum_verification=True) as source:
        for group in range(source.num_row_groups if columns else 0):
            rows = source.read_row_group(group, columns=["run_id", *columns], use_threads=False)
            names, run = _coded(rows["run_id"])
            for column, seen in told.items():
                values, cell = _coded(rows[column])
                pairs = run * (len(values) + 1) + cell
                for pair in np.unique(pairs[np.diff(pairs, prepend=-1) != 0]).tolist():
                    who, what = divmod(pair, len(values) + 1)
                    value = values[what - 1] if what else None
                    if value is None or (isinstance(value, float) and math.isnan(value)):
                        continue
                    if seen.setdefault(names[who - 1], value) != value:
                        return False
    return True


def _of_a_run(column: str) -> bool:
    """Whether a column should have one value in a run."""
    plain = column.removeprefix("run.")
    if normalize(column) in ("kind", "direction"):
        return False  # of a metric
    return normalize(plain) not in CANONICAL if plain == column else normalize(plain) in CANONICAL


def _coded(column: Any) -> tuple[list[Any], NDArray[np.int64]]:
    """Distinct values of a column, and for each row the number of its value from 1; 0 where there is none."""
    encoded = column.dictionary_encode().unify_dictionaries()
    if not encoded.num_chunks:
        return [], np.zeros(0, np.int64)
    codes = [c.indices.fill_null(-1).to_numpy(zero_copy_only=False) for c in encoded.chunks]
    return encoded.chunk(0).dictionary.to_pylist(), np.concatenate(codes).astype(np.int64) + 1


def _pieces(groups: tuple[tuple[tuple[str, ...], int], ...], most_runs: int) -> Iterator[tuple[int, int, int, int]]:
    """Row groups put together so that each run is inside one piece: first, last, runs, rows.

    A run that goes on in later row groups holds everything between together.
    """
    last_of: dict[str, int] = {}
    for i, (names, _) in enumerate(groups):
        last_of.update(dict.fromkeys(names, i))
    first, reach, runs, rows = 0, 0, set[str](), 0
    for i, (names, count) in enumerate(groups):
        fresh = runs | set(names)
        if i > first and reach < i and (len(fresh) > most_runs or rows + count > MOST_ROWS):
            yield first, i - 1, len(runs), rows
            first, fresh, rows = i, set(names), 0
        runs, rows = fresh, rows + count
        reach = max([reach if i > first else i, *(last_of[n] for n in names)])
    if groups:
        yield first, len(groups) - 1, len(runs), rows


def metrics_of(files: Iterable[Path]) -> frozenset[str] | None:
    """Names of all metrics in canonical files, without reading a value; None when a file does not tell all of them."""
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    names: set[Any] = set()
    try:
        for file in files:
            with pq.ParquetFile(file, read_dictionary=["metric"]) as source:
                for group in range(source.num_row_groups):
                    column = source.read_row_group(group, columns=["metric"], use_threads=False)["metric"]
                    names.update(name for chunk in column.chunks for name in chunk.unique().to_pylist())
    except (OSError, pa.ArrowException):
        return None  # damaged: the unit that reads it says so
    return frozenset(map(safe_text, names)) if all(isinstance(n, str) for n in names) else None


def checksum(file: Path) -> str:
    """SHA-256 of a file's bytes."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise ReadError(
            f"cannot be read: {error.strerror}", code="CF-IO-GONE", where=safe_text(os.fspath(file))
        ) from None


def scan(
    where: Path, files: list[Path], *, most_runs: int
) -> tuple[tuple[File, ...], tuple[Unit, ...], dict[str, FieldType], dict[str, tuple[str, ...]]]:
    """Files, units of work, attributes, and runs whose name stands in several files.

    Parameters
    ----------
    where : Path
        The data set.
    files : list of Path
        Its files, as `canonical` found them.
    most_runs : int
        Small row groups are put together up to so many runs.
    """
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    listed: list[File] = []
    units: list[Unit] = []
    attributes: dict[str, FieldType] = {}
    places: dict[str, int] = {}
    repeated: dict[str, list[str]] = {}
    for number, file in enumerate(files):
        stat = file.stat()
        name = file.relative_to(where).as_posix() if where.is_dir() else ""
        listed.append(File(name, stat.st_size, stat.st_mtime_ns, checksum(file)))
        for kind, column in _attributes(pq.read_schema(file)):
            attributes[column] = kind if attributes.get(column, kind) == kind else "string"
        groups = _of(file)
        for run in {safe_text(n) for names, _ in groups for n in names}:
            if run in places:
                repeated.setdefault(run, [listed[places[run]].name]).append(name)
            else:
                places[run] = number
        for first, last, runs, rows in _pieces(groups, most_runs):
            units.append(Unit(len(units), number, first, last, runs, rows))
    return tuple(listed), tuple(units), attributes, {k: tuple(v) for k, v in sorted(repeated.items())}


def _attributes(schema: Any) -> Iterator[tuple[FieldType, str]]:
    """Attributes of the runs among the columns, with their types."""
    for column in schema:
        if not _of_a_run(column.name):
            continue
        plain = column.name.removeprefix("run.")
        text = str(column.type)
        number = text.startswith(("int", "uint", "float", "double", "halffloat", "decimal"))
        yield "float" if number else "string", plain
