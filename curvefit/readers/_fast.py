"""The fast way through a text table that is provably regular: numbers only, the same fields in every line.

The proof costs one pass over the bytes: with digits, signs, points and exponents deleted, what remains of ``k`` columns
must be ``k - 1`` delimiters and a line feed, over and over. Then a C parser may read the numbers; a cell that it does not
give as a finite number must be empty, which the counts show. Anything else takes the careful way, which gives the same
result on every file that both can read.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._cells import MISSING, Column
from ._records import Dialect
from ._source import Source
from ._table import Account, Table

__all__ = ["FAST_FROM", "read_fast"]

FAST_FROM = 1 << 20  # bytes; below it, importing the C parser costs more than it saves
BLOCK = 1 << 23
_NUMBER_BYTES = b"0123456789.+-eE"


def read_fast(dialect: Dialect, names: list[str], source: Source) -> Table | None:
    """Read a regular table, or None when it is not regular.

    Parameters
    ----------
    dialect : Dialect
        Delimiter and header.
    names : list of str
        Column names, unique.
    source : Source
        The opened input.
    """
    options = source.options
    if (
        len(dialect.delimiter) != 1
        or dialect.quoted
        or options.keep_partial_tail
        or options.decimal not in (None, ".")
        or dialect.delimiter in _NUMBER_BYTES
    ):
        return None
    parsed = _plain(dialect, source) if _can_map(source, dialect) else _blocks(dialect, source)
    if parsed is None:
        return None
    columns, partial = parsed
    account = Account()
    rows = columns[0].size
    if partial:
        account.add("unterminated last line", dialect.first_line + rows)
    return Table([_column(n, v) for n, v in zip(names, columns, strict=True)], dialect.first_line, account=account)


def _column(name: str, values: NDArray[np.float64]) -> Column:
    return Column(name, values, np.isnan(values).view(np.uint8) * np.uint8(MISSING))


def _can_map(source: Source, dialect: Dialect) -> bool:
    return source.path is not None and not source.compressed and dialect.first_line == 2


def _regular(data: bytes, width: int, delimiter: bytes) -> int:
    """Rows of a block that ends with a line feed, or -1 when it is not regular."""
    rest = data.translate(None, _NUMBER_BYTES)
    rows, odd = divmod(len(rest), width)
    return rows if not odd and rest == (delimiter * (width - 1) + b"\n") * rows else -1


def _plain(dialect: Dialect, source: Source) -> tuple[list[NDArray[np.float64]], bool] | None:
    """A plain file: the proof reads it in blocks, the parser opens it by name (and may use several threads)."""
    rows = 0
    carry = b""
    first = True
    for block in source.blocks(BLOCK):
        data = carry + block if carry else block
        if first:
            data = data[data.find(b"\n") + 1 :]
            first = False
        cut = data.rfind(b"\n") + 1
        found = _regular(data[:cut] if cut < len(data) else data, dialect.width, dialect.delimiter)
        if found < 0:
            return None
        rows += found
        carry = data[cut:]
    if rows == 0 or carry.translate(None, _NUMBER_BYTES + dialect.delimiter):
        return None
    columns = _parse(source.path, dialect, skip=1)
    if columns is None or columns[0].size != rows + bool(carry):
        return None  # also when the file grew in between
    if carry:
        columns = [c[:rows] for c in columns]
    if any(np.isinf(c).any() for c in columns):
        return None
    source.check_unchanged()
    return columns, bool(carry)


def _blocks(dialect: Dialect, source: Source) -> tuple[list[NDArray[np.float64]], bool] | None:
    """Anything else that can be streamed, block by block."""
    parts: list[list[NDArray[np.float64]]] = []
    skip = dialect.first_line - 1
    carry = b""
    for data in _joined(source):
        block = carry + data if carry else data
        while skip and (end := block.find(b"\n")) >= 0:
            block = block[end + 1 :]
            skip -= 1
        if skip:
            return None
        cut = block.rfind(b"\n") + 1
        rows = _regular(block[:cut], dialect.width, dialect.delimiter)
        if rows < 0:
            return None
        if rows:
            columns = _parse(io.BytesIO(block[:cut]), dialect, skip=0)
            if columns is None or columns[0].size != rows or any(np.isinf(c).any() for c in columns):
                return None
            parts.append(columns)
        carry = block[cut:]
    if not parts or carry.translate(None, _NUMBER_BYTES + dialect.delimiter):
        return None
    return [np.concatenate([p[i] for p in parts]) for i in range(dialect.width)], bool(carry)


def _joined(source: Source) -> Iterator[bytes]:
    """Blocks of a useful size from a decompressor's small ones."""
    parts: list[bytes] = []
    size = 0
    for block in source.blocks(BLOCK):
        parts.append(block)
        size += len(block)
        if size >= BLOCK:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def _parse(data: Any, dialect: Dialect, *, skip: int) -> list[NDArray[np.float64]] | None:
    """Columns of a regular text as float64, empty cells as NaN; None when a cell is no number."""
    import pandas as pd

    exact: dict[str, Any] = {}
    if tuple(int(p) for p in pd.__version__.split(".")[:2]) < (3, 1):
        exact["float_precision"] = "round_trip"  # later versions always round correctly
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            frame = pd.read_csv(
                data,
                sep=dialect.delimiter.decode("ascii"),
                header=None,
                skiprows=skip,
                dtype=np.float64,
                na_values=[""],
                keep_default_na=False,
                compression=None,
                **exact,
            )
    except (ValueError, OverflowError, Warning):  # ParserError is a ValueError
        return None
    if frame.shape[1] != dialect.width:
        return None
    return [frame[i].to_numpy() for i in range(dialect.width)]
