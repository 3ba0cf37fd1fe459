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
from ..curves._whole import write_whole
from .schema import TABLES, FieldType, arrow_schema

__all__ = ["DONE", "Part", "committed", "file_name", "quarantine", "read_part", "whole", "write_part"]

DONE = "done"
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
        Bytes and SHA-256 of each file.
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
    """Write the results of a unit: every table, and then the record that makes them count.

    Parameters
    ----------
    out : Path
        The output folder.
    number, key
        Of the unit.
    rows : mapping of str to mapping of str to list
        Columns by table; of equal lengths within a table.
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
        columns = rows.get(name, {})
        target = out / name / file_name(number)
        length = len(next(iter(columns.values()), ()))
        if not length:
            with suppress(FileNotFoundError):
                target.unlink()  # of an earlier batch with other questions
            continue
        content = _parquet(pa.table(dict(columns), schema=arrow_schema(name, attributes)))
        write_whole(target, content)
        count[name], sizes[name], hashes[name] = length, len(content), hashlib.sha256(content).hexdigest()
    status: list[str] = rows["runs"]["status"]
    counts = {s: status.count(s) for s in dict.fromkeys(status)}
    about = {"number": number, "key": key, "rows": count, "sizes": sizes, "hashes": hashes, "counts": counts}
    record = {"part": about, "sha256": _digest(about)}
    write_whole(out / DONE / f"part-{number:05d}.json", json.dumps(record).encode("ascii"))
    return Part(number, key, count, sizes, hashes, counts)


def _digest(about: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode("ascii")).hexdigest()


def _parquet(table: Any) -> bytes:
    """A table as the bytes of a Parquet file with page checksums; the same table gives the same bytes."""
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", write_page_checksum=True, row_group_size=1 << 22)
    return out.getvalue()


def read_part(out: Path, number: int) -> Part | None:
    """The record of a unit; None when it is not there or not whole."""
    try:
        found = json.loads((out / DONE / f"part-{number:05d}.json").read_text(encoding="ascii"))
        return Part(**found["part"]) if _digest(found["part"]) == found["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def whole(out: Path, part: Part) -> bool:
    """Whether every file of a unit is there in its full size."""
    for name, size in part.sizes.items():
        try:
            if os.stat(out / name / part.file).st_size != size:  # noqa: PTH116 - thousands of times
                return False
        except OSError:
            return False
    return True


def committed(out: Path, keys: Sequence[str]) -> Iterator[Part]:
    """Units whose results are there and belong to what is asked now.

    Parameters
    ----------
    out : Path
        The output folder.
    keys : sequence of str
        Key of each unit, in order.
    """
    for number, key in enumerate(keys):
        part = read_part(out, number)
        if part is not None and part.key == key and whole(out, part):
            yield part


def quarantine(out: Path, keys: Sequence[str]) -> list[str]:
    """Set damaged files of the present questions aside, so that nobody reads them; returns their names.

    Every byte is compared with its checksum. A unit that was never finished, or that belongs to other questions, is
    not damaged: it is done again in place.
    """
    aside = []
    for number, key in enumerate(keys):
        part = read_part(out, number)
        if part is None or part.key != key:
            continue
        wrong = [
            out / n / part.file for n, size in part.sizes.items() if _differs(out / n / part.file, size, part.hashes[n])
        ]
        for file in wrong:
            with suppress(FileNotFoundError):
                file.replace(file.with_suffix(".corrupt"))
                aside.append(f"{file.parent.name}/{file.name}")
        if wrong:
            (out / DONE / f"part-{number:05d}.json").unlink(missing_ok=True)
    return aside


def _differs(file: Path, size: int, digest: str) -> bool:
    try:
        content = file.read_bytes()
    except OSError:
        return True
    return len(content) != size or hashlib.sha256(content).hexdigest() != digest
