"""A table as read: columns of cells, and an account of the rows that did not make it into the table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..curves import ReadError, Sampling, XUnit
from ._cells import NUMBER, TEXT, Column

_PERCENT = re.compile(r"[+-]?\d+(\.\d*)?\s*%")

__all__ = ["Account", "Table", "check_marks", "unique_names"]


class Account:
    """Counts of dropped rows by reason, with the first few places."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._places: dict[str, list[int]] = {}

    def add(self, reason: str, line: int, count: int = 1) -> None:
        """Count one row, or a few at one place."""
        self.counts[reason] = self.counts.get(reason, 0) + count
        places = self._places.setdefault(reason, [])
        if len(places) < 5:
            places.append(line)

    def first(self, reason: str) -> int:
        """The first place of a reason."""
        return self._places.get(reason, [0])[0]

    def notes(self, word: str = "line") -> list[str]:
        """One sentence per reason, with the places."""
        out = []
        for reason, places in self._places.items():
            n = self.counts[reason]
            lines = ", ".join(map(str, places)) + (", ..." if n > len(places) else "")
            out.append(f"{n} {'row' if n == 1 else 'rows'} dropped: {reason} ({word} {lines})")
        return out


@dataclass(slots=True, eq=False)
class Table:
    """Columns of equal length and what is known beside them.

    Parameters
    ----------
    columns : list of Column
        In file order.
    first_line : int
        Line of the first row when rows are consecutive lines; ignored when ``lines`` is given.
    lines : ndarray of int64 or None
        Line (or record) number of each row.
    account : Account
        Rows of the file that are not in the table.
    breaks : tuple of int
        Rows at which the file says that logging started again (a repeated header).
    attributes : dict
        Facts about the run found beside the rows.
    plan : dict
        Planned lengths by unit of x, for example ``{"step": 10000.0}``.
    names_repeated : tuple of str
        Column names that occurred more than once; the columns are called ``name#1``, ``name#2``.
    sampling, window, notes
        For the provenance; window by unit of x.
    points_dropped : dict
        Values beside the table, by reason.
    x_name : str or None
        Column of x by the format's own rules.
    long : (str, str, str) or None
        Columns of metric names, of values and of run names, where the format fixes them.
    row_unit : str
        Unit of x when rows are numbered.
    row_word : str
        What a row is called in messages.
    """

    columns: list[Column]
    first_line: int = 1
    lines: NDArray[np.int64] | None = None
    account: Account = field(default_factory=Account)
    breaks: tuple[int, ...] = ()
    attributes: dict[str, str | float] = field(default_factory=dict)
    plan: dict[str, float] = field(default_factory=dict)
    names_repeated: tuple[str, ...] = ()
    sampling: Sampling = "full"
    window: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    points_dropped: dict[str, int] = field(default_factory=dict)
    x_name: str | None = None
    long: tuple[str, str, str] | None = None
    row_unit: XUnit = "step"
    row_word: str = "line"

    @property
    def rows(self) -> int:
        """Rows in the table."""
        return int(self.columns[0].values.size) if self.columns else 0

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [c.name for c in self.columns]

    def line(self, row: int) -> int:
        """Line of a row in the file."""
        return int(self.lines[row]) if self.lines is not None else self.first_line + row


def unique_names(fields: Iterable[str]) -> tuple[list[str], tuple[str, ...]]:
    """Names without duplicates, and the names that had to be numbered; nameless columns get one."""
    names = [f if f else f"column_{i}" for i, f in enumerate(fields, 1)]
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    repeated = tuple(n for n, k in seen.items() if k > 1)
    count = dict.fromkeys(repeated, 0)
    for i, name in enumerate(names):
        if name in count:
            count[name] += 1
            names[i] = f"{name}#{count[name]}"
    return names, repeated


def check_marks(columns: list[Column], table: Table, *, delimiter: bytes, decimal: str | None, where: str) -> None:
    """Settle decimal commas and thousands separators; refuse what can be read two ways.

    Raises
    ------
    ReadError
        CF-PARSE-001 for thousands separators, CF-PARSE-002 for decimal commas that are not plain, CF-IO-006 for bytes
        that are no text in a column of numbers.
    """
    for column in columns:
        _read_percent(column, table)
        if not column.numeric:
            continue
        if column.bad_bytes is not None:
            raise ReadError(
                f"bytes that are not UTF-8 in column {column.name!r}, which holds numbers",
                code="CF-IO-006",
                where=f"{where}:{table.line(column.bad_bytes)}",
                hint="pass encoding='latin-1' or whatever the file was written in",
            )
        if decimal != "," and column.commas:
            _check_commas(column, table, delimiter, where)
        elif column.thousands is not None:
            raise _thousands(column, table, where)


def _read_percent(column: Column, table: Table) -> None:
    """Numbers of a column in which every cell that is not missing ends with a percent sign."""
    if not column.texts or column.count(NUMBER) or not all(_PERCENT.fullmatch(t) for t in column.texts):
        return
    numbers = np.array([float(t.rstrip("% ")) for t in column.texts])
    rows = np.flatnonzero(column.state == TEXT)
    values, state = column.values.copy(), column.state.copy()
    values[rows], state[rows] = numbers[values[rows].astype(np.intp)], NUMBER
    column.values, column.state, column.texts = values, state, []
    table.notes.append(f"column {column.name!r} is in percent")


def _check_commas(column: Column, table: Table, delimiter: bytes, where: str) -> None:
    commas = len(column.commas)
    if commas == column.commas_of_three:  # every one of them may group thousands
        raise _thousands(column, table, where)
    numbers = column.values[column.state == NUMBER]
    whole = int(np.count_nonzero(np.isfinite(numbers) & (numbers == np.floor(numbers))))
    if delimiter != b";" or commas + whole <= 0.99 * numbers.size:
        raise ReadError(
            f"column {column.name!r} has numbers with a comma and numbers with a point"
            if delimiter == b";"
            else f"column {column.name!r} has numbers with a comma",
            code="CF-PARSE-002",
            where=f"{where}:{table.line(column.commas[0])}",
            hint="pass decimal=',' if the comma is the decimal mark",
        )
    table.notes.append(f"column {column.name!r}: the comma was read as the decimal mark")


def _thousands(column: Column, table: Table, where: str) -> ReadError:
    row, text = column.thousands if column.thousands is not None else (column.commas[0], "")
    example = f" {text!r}" if text else ""
    return ReadError(
        f"ambiguous thousands separator{example} in column {column.name!r}",
        code="CF-PARSE-001",
        where=f"{where}:{table.line(row)}",
        hint="write numbers without separators, or pass decimal=',' if that is what the comma means",
    )
