"""Units of work on disk: which are done is read off the files themselves, never off a list kept beside them."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..curves._optional import optional
from ._durable import write_whole
from .schema import TABLES, FieldType, arrow_schema

__all__ = ["Part", "committed", "file_name", "quarantine", "read_part", "write_part"]

_KEY = b"curvefit.batch"
_FEATURE = "batches"


@dataclass(frozen=True, slots=True)
class Part:
    """A unit of work whose results are complete.

    Parameters
    ----------
    number : int
        Number of the unit.
    key : str
        Hash of what went into it: the rows, the questions, the version.
    rows : mapping of str to int
        Rows by table; a table without rows has no file.
    sizes, hashes : mapping of str to int, to str
        Bytes and SHA-256 of each file but that of the runs, which holds this record.
    counts : mapping of str to int
        Runs by status.
    """

    number: int
    key: str
    rows: Mapping[str, int]
    sizes: Mapping[str, int] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Name of its files."""
        return file_name(self.number)


def file_name(number: int) -> str:
    """Name of the files of a unit of work."""
    return f"part-{number:05d}.parquet"


def write_part(
    out: Path,
    number: int,
    key: str,
    rows: Mapping[str, Mapping[str, list[Any]]],
    attributes: Mapping[str, FieldType],
) -> Part:
    """Write the results of a unit: every table first, that of the runs last, which makes them count.

    Parameters
    ----------
    out : Path
        The output folder.
    number, key
        Of the unit.
    rows : mapping of str to mapping of str to list
        Columns by table; all tables that are to exist, with equal lengths within a table.
    attributes : mapping
        Attributes of the runs and their types.

    Notes
    -----
    Once this returns the unit is durable. Until then it does not count, whatever of it is on disk.
    """
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    count: dict[str, int] = {}
    sizes: dict[str, int] = {}
    hashes: dict[str, str] = {}
    for name in TABLES:
        if name == "runs":
            continue
        columns = rows.get(name, {})
        target = out / name / file_name(number)
        length = len(next(iter(columns.values()), ()))
        if not length:
            with suppress(FileNotFoundError):
                target.unlink()  # of an earlier batch with other questions
            continue
        content = _parquet(pa.table(dict(columns), schema=arrow_schema(name)))
        write_whole(target, content)
        count[name], sizes[name], hashes[name] = length, len(content), hashlib.sha256(content).hexdigest()
    runs = rows["runs"]
    status: list[str] = runs["status"]
    counts = {s: status.count(s) for s in dict.fromkeys(status)}
    count["runs"] = len(status)
    about = {"number": number, "key": key, "rows": count, "sizes": sizes, "hashes": hashes, "counts": counts}
    table = pa.table(dict(runs), schema=arrow_schema("runs", attributes))
    table = table.replace_schema_metadata({_KEY: json.dumps(about).encode("ascii")})
    write_whole(out / "runs" / file_name(number), _parquet(table))
    return Part(number, key, count, sizes, hashes, counts)


def _parquet(table: Any) -> bytes:
    """A table as the bytes of a Parquet file with page checksums; the same table gives the same bytes."""
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", write_page_checksum=True, row_group_size=1 << 22)
    return out.getvalue()


def read_part(out: Path, number: int) -> Part | None:
    """What the file of the runs says of a unit; None when it is not there or not whole."""
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    try:
        found = pq.read_schema(out / "runs" / file_name(number)).metadata or {}
        return Part(**json.loads(found[_KEY]))
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError):
        return None


def committed(out: Path, keys: Sequence[str], *, verify: bool = False) -> Iterator[Part]:
    """Units whose results are there, whole, and belong to what is asked now.

    Parameters
    ----------
    out : Path
        The output folder.
    keys : sequence of str
        Key of each unit, in order.
    verify : bool
        Whether to compare the checksum of every file, rather than its size.
    """
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    for number, key in enumerate(keys):
        part = read_part(out, number)
        if part is None or part.key != key or not _whole(out, part, verify):
            continue
        if verify:
            try:
                pq.read_table(out / "runs" / part.file, page_checksum_verification=True, partitioning=None)
            except (OSError, ValueError):
                continue
        yield part


def _whole(out: Path, part: Part, verify: bool) -> bool:
    for name, size in part.sizes.items():
        file = out / name / part.file
        try:
            if os.stat(file).st_size != size:  # noqa: PTH116 - thousands of times
                return False
            if verify and hashlib.sha256(file.read_bytes()).hexdigest() != part.hashes.get(name):
                return False
        except OSError:
            return False
    return True


def quarantine(out: Path, keys: Sequence[str]) -> list[str]:
    """Set damaged files of the present questions aside, so that nobody reads them; returns their names.

    A unit that was never finished, or that belongs to other questions, is not damaged: it is done again in place.
    """
    aside = []
    for number, key in enumerate(keys):
        main = out / "runs" / file_name(number)
        part = read_part(out, number)
        if part is None:
            damaged = [main] if main.exists() else []
        elif part.key == key:
            damaged = [
                out / n / part.file
                for n, size in part.sizes.items()
                if _differs(out / n / part.file, size, part.hashes[n])
            ]
            damaged += [main] if damaged or _unreadable(main) else []
        else:
            damaged = []
        for file in damaged:
            with suppress(OSError):
                file.replace(file.with_suffix(".corrupt"))
                aside.append(f"{file.parent.name}/{file.name}")
    return aside


def _differs(file: Path, size: int, digest: str) -> bool:
    try:
        content = file.read_bytes()
    except OSError:
        return True
    return len(content) != size or hashlib.sha256(content).hexdigest() != digest


def _unreadable(file: Path) -> bool:
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    try:
        pq.read_table(file, page_checksum_verification=True, partitioning=None)
    except (OSError, pa.ArrowException):
        return True
    return False
