"""Tables of points from files: columns by name, and where each row stands."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..curves import LimitError, ReadError
from ..curves._checks import safe_text
from ..curves._optional import optional

__all__ = ["MISSING", "Rows", "read_points"]

MISSING = frozenset({"", "na", "nan", "null", "none"})
_MOST_BYTES = 1 << 28


class Rows(dict[str, list[Any]]):
    """Columns of a table by name, where each row stands in its file, and the rows that are no rows of it.

    Parameters
    ----------
    columns : mapping of str to list
        Cells by column, of one length.
    places : sequence of int, optional
        Line of each row; by default rows are numbered from 1.
    broken : sequence of (int, str)
        Line, and what is wrong with it, of every row that was left out.
    """

    def __init__(
        self,
        columns: Mapping[str, Any],
        places: Sequence[int] | None = None,
        broken: Sequence[tuple[int, str]] = (),
    ) -> None:
        super().__init__(columns)
        rows = len(next(iter(columns.values()))) if columns else 0
        self.word = "row" if places is None else "line"
        self.places = list(range(1, rows + 1) if places is None else places)
        self.broken = tuple(broken)

    def taken(self, keep: Sequence[int]) -> Rows:
        """Some of the rows."""
        part = Rows({k: [v[i] for i in keep] for k, v in self.items()}, [self.places[i] for i in keep], self.broken)
        part.word = self.word
        return part


def read_points(path: str | os.PathLike[str]) -> Rows:
    """Columns of a table of points from CSV, TSV, JSON, JSON Lines or Parquet.

    Raises
    ------
    ReadError
        When the file is none of these, empty, or larger than 256 MiB.
    """
    file = Path(path)
    where = safe_text(os.fspath(path))
    try:
        size = file.stat().st_size
        if not file.is_file():
            raise ReadError("is no file", code="CF-IO-001", where=where, hint="name a table of points")
        if size > _MOST_BYTES:
            raise LimitError(f"{size} bytes are more than {_MOST_BYTES}", where=where)
        content = file.read_bytes()
    except OSError as error:
        raise ReadError(
            f"cannot be read: {error.strerror}",
            code="CF-IO-001",
            where=where,
            hint="name a table with one row per finished run: .csv, .tsv, .json, .jsonl or .parquet",
        ) from None
    if not content.strip():
        raise ReadError("is empty", code="CF-IO-002", where=where)
    if content.startswith(b"PAR1"):
        return _parquet(content, where)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ReadError("is neither text nor Parquet", code="CF-IO-008", where=where) from None
    return _json(text, where) if text.lstrip()[:1] in "[{" else _delimited(text, where)


def _parquet(content: bytes, where: str) -> Rows:
    pa = optional("pyarrow", extra="parquet", feature="reading Parquet")
    pq = optional("pyarrow.parquet", extra="parquet", feature="reading Parquet")
    try:
        found: dict[str, list[Any]] = pq.read_table(
            pa.BufferReader(content), page_checksum_verification=True
        ).to_pydict()
    except (pa.ArrowException, OSError, OverflowError) as error:
        raise ReadError(f"broken Parquet file: {safe_text(str(error))[:200]}", code="CF-IO-015", where=where) from None
    return Rows(found)


def _json(text: str, where: str) -> Rows:
    lines = None
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        try:
            lines = [i for i, line in enumerate(text.splitlines(), 1) if line.strip()]
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise ReadError("is no valid JSON", code="CF-IO-008", where=where) from None
    if isinstance(rows, dict) and rows and all(isinstance(v, list) for v in rows.values()):
        if len({len(v) for v in rows.values()}) > 1:
            raise ReadError("columns differ in length", code="CF-IO-007", where=where)
        return Rows({str(k): v for k, v in rows.items()})
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        raise ReadError("holds no rows", code="CF-IO-008", where=where, hint='[{"N": 1e8, "D": 2e9, "L": 3.1}, ...]')
    return Rows({str(k): [r.get(k) for r in rows] for k in dict.fromkeys(k for r in rows for k in r)}, lines)


def _delimited(text: str, where: str) -> Rows:
    first = text.lstrip().splitlines()[0]
    mark = max("\t;,", key=first.count)
    reader, begin = csv.reader(io.StringIO(text), delimiter=mark), 1
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((begin, row))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise ReadError(f"is no table: {error}", code="CF-IO-008", where=where) from None
    names = [n.strip() for n in rows[0][1]]
    if len(set(names)) < len(names):
        raise ReadError("two columns have one name", code="CF-IO-008", where=where)
    if len(rows) < 2:
        raise ReadError("no data rows", code="CF-IO-002", where=where)
    whole = [(i, r) for i, r in rows[1:] if len(r) == len(names)]
    broken = [(i, f"{len(r)} fields where the header has {len(names)}") for i, r in rows[1:] if len(r) != len(names)]
    if len(broken) > len(whole):
        line, why = broken[0]
        raise ReadError(
            f"line {line} has {why}",
            code="CF-IO-007",
            where=where,
            hint="one name in the header for every field of a row",
        )
    cells = {n: _values([r[i].strip() for _, r in whole]) for i, n in enumerate(names)}
    return Rows(cells, [i for i, _ in whole], broken)


def _values(cells: list[str]) -> list[Any]:
    """Numbers where all cells are numbers or missing, else text."""
    out: list[Any] = []
    for cell in cells:
        if cell.lower() in MISSING:
            out.append(None)
            continue
        try:
            out.append(float(cell))
        except ValueError:
            return list(cells)
    return out
