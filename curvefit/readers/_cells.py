"""Cells of a table: a number, missing, or something else; columns that grow cell by cell.

Missing (nothing was logged) and NaN (not a number was logged) are different facts: ``""``, ``NA``, ``None`` and the like
are missing, ``nan`` in any spelling is a value.
"""

from __future__ import annotations

import hashlib
import math
import re
from array import array
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves._checks import safe_text

__all__ = ["MISSING_WORDS", "TOO_LARGE", "WHY", "Column", "ColumnBuilder", "State"]


class State(IntEnum):
    """What a cell holds."""

    NUMBER = 0
    MISSING = 1
    TEXT = 2
    OVERFLOW = 3  # too large for a float64
    BOOLEAN = 4
    NESTED = 5  # a list or an object


NUMBER, MISSING, TEXT, OVERFLOW, BOOLEAN, NESTED = (int(s) for s in State)
WHY = {TEXT: "not a number", OVERFLOW: "too large for a float", BOOLEAN: "boolean", NESTED: "list or object"}

MISSING_WORDS = frozenset(
    b"|NA|N/A|n/a|#N/A|<NA>|null|NULL|Null|None|none|NONE|-|--".split(b"|")
)  # the empty cell among them
_NAN = re.compile(rb"[+-]?(1\.#(QNAN|IND|INF)|nan\(.{0,20}\))", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(rb"[+-]?\d*,\d+([eE][+-]?\d+)?")
_THOUSANDS_POINT = re.compile(rb"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")
_THOUSANDS = re.compile(rb"[+-]?\d{1,3}(,\d{3})+(\.\d*)?|[+-]?\d+(_\d+)+(\.\d*)?|[+-]?\d{1,3}(\.\d{3}){2,}")
MAX_TEXTS = 1 << 16
MAX_TEXT = 200
MORE = "..."  # stands for the texts of a column beyond MAX_TEXTS different ones
TOO_LARGE = object()  # stands for a JSON number beyond float64


@dataclass(slots=True, eq=False)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Name in the header.
    values : ndarray of float64, shape (n,)
        Numbers; the index into ``texts`` where the state is TEXT; NaN elsewhere.
    state : ndarray of uint8, shape (n,)
        `State` of each cell.
    texts : list of str
        Distinct texts.
    quoted_numbers : int
        Numbers that were given as text in JSON.
    bad_bytes : int or None
        First row whose cell is not valid text.
    commas : list of int
        Rows with a decimal comma.
    commas_of_three : int
        How many of them may as well be thousands.
    thousands : (int, str) or None
        First row, and its text, that is a number only with thousands separators.
    """

    name: str
    values: NDArray[np.float64]
    state: NDArray[np.uint8]
    texts: list[str] = field(default_factory=list)
    quoted_numbers: int = 0
    bad_bytes: int | None = None
    commas: list[int] = field(default_factory=list)
    commas_of_three: int = 0
    thousands: tuple[int, str] | None = None

    @property
    def present(self) -> NDArray[np.bool_]:
        """Cells that are not missing."""
        return np.not_equal(self.state, MISSING)

    @property
    def overfull(self) -> bool:
        """Whether some texts stand for others, since there are too many different ones."""
        return len(self.texts) > MAX_TEXTS and self.texts[MAX_TEXTS] == MORE

    def count(self, state: int) -> int:
        """Cells in that state."""
        return int(np.count_nonzero(self.state == state))

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers: at least as many as texts."""
        if not self.state.any():
            return self.state.size > 0
        numbers = self.count(NUMBER) + self.count(OVERFLOW)
        return numbers > 0 and numbers >= self.count(TEXT)

    def text(self, row: int) -> str:
        """The text of a cell in state TEXT."""
        return self.texts[int(self.values[row])]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:11]


class ColumnBuilder:
    """A column that grows; about nine bytes per cell.

    Parameters
    ----------
    name : str
        Name in the header.
    decimal : bytes
        Decimal mark that was asked for, empty to accept a point and to count commas.
    """

    __slots__ = (
        "_texts",
        "bad_bytes",
        "commas",
        "commas_of_three",
        "decimal",
        "name",
        "quoted_numbers",
        "state",
        "thousands",
        "values",
    )

    def __init__(self, name: str, decimal: bytes = b"") -> None:
        self.name = name
        self.decimal = decimal
        self.values = array("d")
        self.state = bytearray()
        self._texts: dict[str, int] = {}
        self.commas: list[int] = []
        self.commas_of_three = 0
        self.thousands: tuple[int, str] | None = None
        self.quoted_numbers = 0
        self.bad_bytes: int | None = None

    def __len__(self) -> int:
        return len(self.state)

    def pad(self, rows: int) -> None:
        """Missing cells until the column has that many rows."""
        short = rows - len(self.state)
        if short > 0:
            self.values.extend([math.nan] * short)
            self.state.extend(bytes([MISSING]) * short)

    def extend(self, values: array[float]) -> None:
        """Many numbers."""
        self.values.extend(values)
        self.state.extend(bytes(len(values)))

    def _put(self, value: float, state: int) -> None:
        self.values.append(value)
        self.state.append(state)

    def add(self, cell: bytes) -> None:
        """One cell of a text table."""
        if not cell:
            self._put(math.nan, MISSING)
            return
        try:
            value = float(cell)
        except ValueError:
            self._add_other(cell.strip())
            return
        if value - value != 0.0:  # NaN or infinite
            if b"n" not in cell.lower():
                self._put(math.nan, OVERFLOW)
                return
        elif b"_" in cell or (
            self.decimal == b"," and b"." in cell
        ):  # float() reads 1_000; a log that says so is ambiguous
            self._add_other(cell.strip())
            return
        self.values.append(value)
        self.state.append(NUMBER)

    def _add_other(self, cell: bytes) -> None:
        if cell in MISSING_WORDS:
            self._put(math.nan, MISSING)
            return
        if _NAN.fullmatch(cell):
            self._put(math.inf if b"INF" in cell.upper() else math.nan, NUMBER)
            return
        if self.thousands is None:
            pattern = _THOUSANDS_POINT if self.decimal == b"," else _THOUSANDS
            if pattern.fullmatch(cell):
                self.thousands = (len(self.state), cell.decode("ascii"))
        if _DECIMAL_COMMA.fullmatch(cell):
            whole, _, digits = cell.partition(b",")
            self.commas.append(len(self.state))
            self.commas_of_three += len(digits) == 3 and len(whole.lstrip(b"+-")) <= 3
            self._put(float(cell.replace(b",", b".")), NUMBER)
            return
        try:
            text = cell.decode("utf-8")
        except UnicodeDecodeError:
            if self.bad_bytes is None:
                self.bad_bytes = len(self.state)
            text = cell.decode("utf-8", "replace")
        self.add_text(text)

    def add_text(self, text: str) -> None:
        """One cell that is text; a long one is cut, and stays different from others that begin like it."""
        text = safe_text(text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 12]}~{_digest(text)}")
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) >= MAX_TEXTS:
                text = MORE
            known = self._texts.setdefault(text, len(self._texts))
        self._put(float(known), TEXT)

    def add_value(self, value: Any) -> None:
        """One value of a JSON document: number, text, null, boolean, list or object."""
        if value is None:
            self._put(math.nan, MISSING)
        elif value is TOO_LARGE:
            self._put(math.nan, OVERFLOW)
        elif isinstance(value, bool):
            self._put(math.nan, BOOLEAN)
        elif isinstance(value, float):
            self._put(value, NUMBER)
        elif isinstance(value, int):
            try:
                self._put(float(value), NUMBER)
            except OverflowError:
                self._put(math.nan, OVERFLOW)
        elif isinstance(value, str):
            before = len(self.state)
            self.add(value.encode("utf-8", "replace"))
            if self.state[before] == NUMBER:
                self.quoted_numbers += 1
        else:
            self._put(math.nan, NESTED)

    def finish(self, *, copy: bool = False) -> Column:
        """The column as arrays; with ``copy`` it can go on growing."""
        return Column(
            self.name,
            (np.array if copy else np.frombuffer)(self.values, dtype=np.float64) if self.values else np.zeros(0),
            np.frombuffer(bytes(self.state), dtype=np.uint8),
            list(self._texts),
            self.quoted_numbers,
            self.bad_bytes,
            self.commas,
            self.commas_of_three,
            self.thousands,
        )
