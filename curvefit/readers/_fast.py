"""The fast way through a text table that is provably regular: numbers only, the same fields in every line.

The proof costs one pass over the bytes: with digits, signs, points and exponents deleted, what remains of ``k`` columns
must be ``k - 1`` delimiters and a line feed, over and over. Then a C parser may read the numbers; a cell that it does not
give as a finite number must be empty, which the counts show. Anything else takes the careful way, which gives the same
result on every file that both can read.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._cells import MISSING, Column
from ._records import Dialect
from ._source import Source
from ._table import Account, Table

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["FAST_FROM", "read_fast"]

FAST_FROM = 1 << 20  # bytes; below it, importing the C parser costs more than it saves
BLOCK = 1 << 23
PIECE = 1 << 18  # small enough to stay in the cache while it is proved
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
    values.flags.writeable = False  # nobody else holds them: curves need no copy
    if np.isfinite(values).all():
        return Column(name, values, np.zeros(values.size, np.uint8))
    return Column(name, values, np.isnan(values).view(np.uint8) * np.uint8(MISSING))


def _can_map(source: Source, dialect: Dialect) -> bool:
    return source.path is not None and not source.compressed and dialect.first_line == 2 and "://" not in source.path


class _Proof:
    """Whether a text is regular, block by block: what remains without the bytes of numbers must repeat one pattern."""

    def __init__(self, dialect: Dialect, end: bytes) -> None:
        self.pattern = dialect.delimiter * (dialect.width - 1) + end
        self.rows = 0
        self.rest = b""
        self._lines = b""

    def add(self, block: bytes) -> bool:
        """Take the next bytes, beginning at the first row; False when they are not regular."""
        left = block.translate(None, _NUMBER_BYTES)
        rest = self.rest + left if self.rest else left
        rows, extra = divmod(len(rest), len(self.pattern))
        if len(self._lines) < rows * len(self.pattern):
            self._lines = self.pattern * rows
        whole = rows * len(self.pattern)
        if rest[:whole] != self._lines[:whole]:
            return False
        self.rows += rows
        self.rest = rest[whole:] if extra else b""
        return self.pattern.startswith(self.rest)


def _end_of(block: bytes, first_line: int) -> bytes:
    """Line end that the file uses, by its first line."""
    end = block.find(b"\n")
    return b"\r\n" if first_line > 1 and end > 0 and block[end - 1 : end] == b"\r" else b"\n"


class _Screen:
    """Counts of bytes that, with what the parser returns, prove a table without empty cells regular.

    Bytes below ``+`` and above ``9`` must all be line feeds, delimiters and exponents. If the parser gives as many rows as
    there are line feeds, none of them with a gap, then every line has at least ``width`` fields; if there are exactly
    ``width - 1`` delimiters per line, none has more.
    """

    def __init__(self, delimiter: bytes) -> None:
        self.delimiter = delimiter[0]
        self.low = self.high = self.delimiters = 0
        self.tail = b""

    def add(self, block: bytes) -> None:
        """Count one block."""
        chars = np.frombuffer(block, np.uint8)
        self.low += int(np.count_nonzero(chars < 0x2B))
        high = int(np.count_nonzero(chars > 0x39))
        if high:  # "e" and "E" are the letters of a number
            high -= int(np.count_nonzero((chars & 0xDF) == 0x45))
        self.high += high
        self.delimiters += int(np.count_nonzero(chars == self.delimiter))
        end = block.rfind(b"\n")
        self.tail = block[end + 1 :] if end >= 0 else self.tail + block

    def agrees(self, columns: list[NDArray[np.float64]]) -> bool:
        """Whether the counts are those of the rows that were returned; a last line without its end comes on top."""
        partial = bool(self.tail)
        lines = columns[0].size - partial
        low, high = (self.delimiter < 0x2B, self.delimiter > 0x39)
        inside = self.delimiters - self.tail.count(self.delimiter)
        return (
            lines > 0
            and self.low - low * self.delimiters == lines
            and self.high - high * self.delimiters == 0
            and inside == lines * (len(columns) - 1)
            and self.tail.count(self.delimiter) < len(columns)
            and not any(np.isnan(c[:lines]).any() for c in columns)
        )


def _plain(dialect: Dialect, source: Source) -> tuple[list[NDArray[np.float64]], bool] | None:
    """A plain file: bytes are counted in pieces while the parser, which opens the file by name, runs beside it."""
    from concurrent.futures import ThreadPoolExecutor  # slow to import and only for large files

    screen = _Screen(dialect.delimiter)
    path = os.path.abspath(source.path or "")  # noqa: PTH100 - "~" means itself
    end = b"\n"
    with ThreadPoolExecutor(max_workers=1) as beside:
        parsing: Future[list[NDArray[np.float64]] | None] | None = None
        for block in source.blocks(PIECE):
            if parsing is None:
                end = _end_of(block, dialect.first_line)
                block = block[block.find(b"\n") + 1 :]
                if not _Proof(dialect, end).add(block):
                    return None
                import pandas  # noqa: F401 - not for the first time in a thread

                parsing = beside.submit(_parse, path, dialect, skip=1)
            screen.add(block)
        columns = parsing.result() if parsing is not None else None
    if columns is None or any(map(_overflows, columns)):
        return None
    if not screen.agrees(columns) and not _proved(dialect, source, end, columns[0].size):
        return None  # also when the file grew in between
    partial = bool(screen.tail)
    source.check_unchanged()
    return [c[: c.size - partial] for c in columns] if partial else columns, partial


def _proved(dialect: Dialect, source: Source, end: bytes, rows: int) -> bool:
    """The strict proof of a whole plain file with empty cells or CRLF line ends."""
    proof = _Proof(dialect, end)
    last = b""
    first = True
    for block in source.blocks(PIECE):
        if first:
            block, first = block[block.find(b"\n") + 1 :], False
        if not proof.add(block):
            return False
        last = block[-1:] or last
    return proof.rows > 0 and last != b"\r" and rows == proof.rows + (last != b"\n")


def _blocks(dialect: Dialect, source: Source) -> tuple[list[NDArray[np.float64]], bool] | None:
    """Anything else that can be streamed, block by block."""
    parts: list[list[NDArray[np.float64]]] = []
    skip = dialect.first_line - 1
    carry = b""
    proof: _Proof | None = None
    for data in _joined(source):
        if proof is None:
            proof = _Proof(dialect, _end_of(data, dialect.first_line))
        block = carry + data if carry else data
        while skip and (end := block.find(b"\n")) >= 0:
            block = block[end + 1 :]
            skip -= 1
        cut = block.rfind(b"\n") + 1
        before = proof.rows
        if skip or not proof.add(block[:cut]) or proof.rest:
            return None
        if cut:
            columns = _parse(io.BytesIO(block[:cut]), dialect, skip=0)
            if columns is None or columns[0].size != proof.rows - before or any(map(_overflows, columns)):
                return None
            parts.append(columns)
        carry = block[cut:]
    if (
        not parts
        or carry.translate(None, _NUMBER_BYTES + dialect.delimiter)
        or carry.count(dialect.delimiter) >= dialect.width
    ):
        return None
    return [np.concatenate([p[i] for p in parts]) for i in range(dialect.width)], bool(carry)


def _overflows(values: NDArray[np.float64]) -> bool:
    """Whether a number was too large: regular cells hold no infinities."""
    return not -np.inf < np.fmin.reduce(values, initial=0.0) or not np.fmax.reduce(values, initial=0.0) < np.inf


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
    except (ValueError, OverflowError):  # ParserError is a ValueError
        return None
    if frame.shape[1] != dialect.width:
        return None
    return [frame[i].to_numpy() for i in range(dialect.width)]
