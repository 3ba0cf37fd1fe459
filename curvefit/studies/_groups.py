"""Runs of some row groups of a canonical file."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..curves import ReadError, Run
from ..curves._checks import safe_text
from ..curves._optional import optional
from ..readers._canonical import apply_facts, read_facts
from ..readers.parquet import runs_of_rows
from ._plain import plain_runs

__all__ = ["read_groups"]

_FEATURE = "stores of many runs"


def read_groups(file: Path, first: int, last: int) -> list[Run]:
    """Runs of some row groups of a canonical file.

    Raises
    ------
    ReadError
        When the file is gone or damaged.
    """
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    shown = safe_text(os.fspath(file))
    try:
        with pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=True) as source:
            rows = source.read_row_groups(list(range(first, last + 1)), use_threads=False)
        stat = os.stat(file)  # noqa: PTH116
        facts = _facts(os.fspath(file), stat.st_mtime_ns, stat.st_size)
    except (OSError, pa.ArrowException) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ReadError(f"cannot be read: {safe_text(first_line)}", code="CF-IO-015", where=shown) from None
    if not rows.num_rows:
        return []
    plain = plain_runs(rows, facts, shown)
    return plain if plain is not None else apply_facts(runs_of_rows(rows.replace_schema_metadata(None), shown), facts)


@lru_cache(maxsize=2)
def _facts(file: str, time: int, size: int) -> dict[str, Any]:
    """Facts of the runs of a file, read once per file and process."""
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    return read_facts(pq.read_schema(file).metadata or {})
