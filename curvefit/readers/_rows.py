"""The careful way through a text table: row by row, every defect counted with its line."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from copy import deepcopy

import numpy as np

from ..curves import ReadError
from ..curves._checks import safe_text
from ._cells import MISSING_WORDS, ColumnBuilder
from ._records import Dialect, Splitter, is_number, split_fields
from ._source import Source
from ._table import Account, Table, unique_names

__all__ = ["RowLog", "decode_name", "read_rows"]

BULK = True  # many plain lines at once; the result is the same without


def decode_name(field: bytes) -> str:
    """A column name as people should see it: without padding, quotes and control characters."""
    return safe_text(field.decode("utf-8", "replace").strip())


class _Rows:
    """Rows into columns."""

    def __init__(self, dialect: Dialect, names: list[str], source: Source) -> None:
        self.dialect = dialect
        self.source = source
        self.decimal = (source.options.decimal or "").encode("ascii")
        self.columns = {name: ColumnBuilder(name, self.decimal) for name in names}
        self.active = list(self.columns.values())
        self.header = [f.strip() for f in dialect.header]
        self.lines = array("q")
        self.account = Account()
        self.breaks: list[int] = []
        self.notes: list[str] = []
        self.comments = 0

    def row(self, line: int, text: bytes, fields: list[bytes]) -> None:
        """One record."""
        number_first = text[0] in b"0123456789+-."
        if text.startswith(b"#"):
            self.comments += 1
        elif b"\0" in text:
            self.account.add("zero bytes inside", line)
        elif number_first and len(fields) == len(self.active):
            self._take(line, fields)
        elif self.header and [f.strip() for f in fields] == self.header:
            self.account.add("repeated header", line)
            self.breaks.append(len(self.lines))
        elif self.header and self._is_new_header(fields):
            self._change_header(line, fields)
        elif len(fields) != len(self.active):
            self.account.add("wrong field count", line)
        else:
            self._take(line, fields)

    def bulk(self, lines: list[bytes], first: int) -> bool:
        """Many plain lines at once, column by column; False, and nothing taken, when any of them needs a closer look.

        Plain are lines with the right number of fields, no quotes, comments or zeros, and a number in every row of at
        least one column, which no header has.
        """
        if len(self.active) < len(self.columns) or self.decimal or not lines:
            return False
        delimiter, width = self.dialect.delimiter, len(self.active)
        cells = [line.split(delimiter) for line in lines] if delimiter else [line.split() for line in lines]
        if not all(len(row) == width for row in cells):
            return False
        columns = list(zip(*cells, strict=True))
        numbers = [_floats(column) for column in columns]
        if all(n is None for n in numbers):
            return False
        for builder, values, column in zip(self.active, numbers, columns, strict=True):
            if values is not None:
                builder.extend(values)
            else:
                for cell in column:
                    builder.add(cell)
        self.lines.extend(range(first, first + len(lines)))
        return True

    def _take(self, line: int, fields: list[bytes]) -> None:
        for column, field in zip(self.active, fields, strict=True):
            column.add(field)
        self.lines.append(line)
        if len(self.active) < len(self.columns):
            self._pad()

    def _pad(self) -> None:
        n = len(self.lines)
        for column in self.columns.values():
            column.pad(n)

    def _is_new_header(self, fields: list[bytes]) -> bool:
        """Names only, none twice empty, and most of the old names among them."""
        if len(fields) < 2 or any(is_number(f) for f in fields):
            return False
        names = [f.strip() for f in fields]
        shared = len(set(names) & set(self.header))
        return (
            shared >= 2
            and 2 * shared >= min(len(self.header), len(names))
            and not any(n in MISSING_WORDS for n in names)
        )

    def _change_header(self, line: int, fields: list[bytes]) -> None:
        self.header = [f.strip() for f in fields]
        names, repeated = unique_names([decode_name(f) for f in fields])
        if repeated:
            raise ReadError(
                f"the header changes here and names {repeated[0]!r} twice",
                code="CF-IO-005",
                where=f"{self.source.where}:{line}",
                hint="split the file at this line",
            )
        self.account.add("repeated header", line)
        new = [n for n in names if n not in self.columns]
        gone = [n for n in self.columns if n not in names]
        what = [f"adds {', '.join(map(repr, new))}"] if new else []
        what += [f"drops {', '.join(map(repr, gone))}"] if gone else []
        self.notes.append(f"the header changes at line {line}: it {' and '.join(what) or 'reorders the columns'}")
        rows = len(self.lines)
        for name in new:
            self.columns[name] = ColumnBuilder(name, self.decimal)
            self.columns[name].pad(rows)
        self.active = [self.columns[n] for n in names]
        self.breaks.append(rows)


class RowLog:
    """Every row of a text table, taken block by block.

    Parameters
    ----------
    dialect : Dialect
        Delimiter and header.
    names : list of str
        Column names, unique.
    source : Source
        For options and messages.
    """

    def __init__(self, dialect: Dialect, names: list[str], source: Source) -> None:
        self._rows = _Rows(dialect, names, source)
        self._splitter = Splitter(dialect.delimiter, first=1, where=source.where)
        self._skip = dialect.first_line - 1
        self._keep = source.options.keep_partial_tail

    def feed(self, lines: list[bytes], block: bytes) -> None:
        """Whole lines, and the block that they stand in.

        Raises
        ------
        ReadError
            When a quote is never closed, or a changed header repeats a name.
        """
        splitter = self._splitter
        if self._skip:
            drop = min(self._skip, len(lines))
            self._skip -= drop
            splitter.number += drop
            lines = lines[drop:]
        if BULK and splitter.opened is None and _is_plain(block) and self._rows.bulk(lines, splitter.number + 1):
            splitter.number += len(lines)
            return
        for line, text, fields in splitter.feed(lines):
            self._rows.row(line, text, fields)

    def finish(self, tail: bytes) -> None:
        """The end of the file, and what stands there without a line end."""
        self._splitter.close()
        if tail and not tail.isspace() and not self._skip:
            _last(self._rows, self._splitter.number + 1, tail, self._keep)

    def table(self, *, copy: bool = False) -> Table:
        """What was read; with ``copy`` the log can go on growing."""
        rows = self._rows
        notes = [*rows.notes]
        if rows.comments:
            notes.append(f"{rows.comments} comment lines among the rows were skipped")
        lines = (
            np.array(rows.lines, dtype=np.int64)
            if copy or not rows.lines
            else np.frombuffer(rows.lines, dtype=np.int64)
        )
        account = deepcopy(rows.account) if copy else rows.account
        columns = [c.finish(copy=copy) for c in rows.columns.values()]
        return Table(columns, lines=lines, account=account, breaks=tuple(rows.breaks), notes=notes)


def read_rows(dialect: Dialect, names: list[str], blocks: Iterator[bytes], source: Source) -> Table:
    """Read every row of a text table.

    Parameters
    ----------
    dialect : Dialect
        Delimiter and header.
    names : list of str
        Column names, unique.
    blocks : iterator of bytes
        Text from the beginning of the file, see `text_blocks`.
    source : Source
        For options and messages.

    Raises
    ------
    ReadError
        When a quote is never closed, or a changed header repeats a name.
    """
    log = RowLog(dialect, names, source)
    tail = b""
    for block in blocks:
        *lines, tail = block.split(b"\n")
        log.feed(lines, block)
    log.finish(tail)
    return log.table()


def _is_plain(block: bytes) -> bool:
    """Whether no line of a block can be a comment, blank, quoted, damaged or hold a number with underscores."""
    odd = (b'"', b"#", b"\0", b"_", b"\n\n")  # float() reads 1_000, which is ambiguous in a log
    return not block.startswith(b"\n") and not any(mark in block for mark in odd)


def _floats(column: tuple[bytes, ...]) -> array[float] | None:
    """Numbers of a column whose cells all are plain numbers, NaN and infinities by name among them."""
    try:
        values = array("d", map(float, column))
    except ValueError:
        return None
    # an overflow and an infinity that was logged are told apart cell by cell
    return None if np.isinf(np.frombuffer(values)).any() else values


def _last(rows: _Rows, line: int, text: bytes, keep: bool) -> None:
    """A last line without a line end may be cut in the middle of a number; a closed quote shows that it is not."""
    fields = split_fields(text, rows.dialect.delimiter)
    whole = fields is not None and len(fields) == len(rows.active) and text.rstrip(b" ").endswith(b'"')
    if fields is not None and (keep or whole):
        rows.row(line, text, fields)
    elif not text.startswith(b"#"):
        rows.account.add("unterminated last line", line)
