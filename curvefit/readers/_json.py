"""JSON from strangers: bounded in depth and in digits, with NaN and Infinity, and with duplicate keys noticed."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

from ..curves import LimitError, ReadError
from ..curves._checks import safe_text
from ._cells import TOO_LARGE, Column, ColumnBuilder

__all__ = ["CELLS_PER_BYTE", "MAX_DOCUMENT", "MAX_KEYS", "JsonText", "Records", "facts_of", "flatten", "nesting"]

MAX_DEPTH = 64
MAX_DIGITS = 400
MAX_KEYS = 20_000
CELLS_PER_BYTE = 8  # a table of rows that share no key grows with their square
MAX_DOCUMENT = 1 << 28
_LONG_INTEGER = re.compile(rf"\d{{{MAX_DIGITS + 1},}}")
_SECRET = re.compile(r"(^|_)(api_?key|secret|passw(or)?d|token|auth|credential)s?($|_)", re.IGNORECASE)
_FACT_NAMES = frozenset(["meta", "config", "args", "hparams", "hyperparameters", "summary", "settings", "header"])


def nesting(data: bytes) -> int:
    """Deepest nesting of brackets outside strings, without recursion and in bounded memory."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return 0  # cannot be deep
    plain = re.sub(rb"\\.", b"__", data, flags=re.DOTALL) if b"\\" in data else data
    deepest = level = 0
    quotes = 0
    for at in range(0, len(plain), 1 << 20):
        chars = np.frombuffer(plain, np.uint8, min(1 << 20, len(plain) - at), at)
        inside = (np.cumsum(chars == 0x22) + quotes) % 2
        quotes = int(np.count_nonzero(chars == 0x22)) + quotes
        opens = (chars == 0x7B) | (chars == 0x5B)
        closes = (chars == 0x7D) | (chars == 0x5D)
        change = np.where(inside == 0, opens.astype(np.int32) - closes.astype(np.int32), 0)
        levels = level + np.cumsum(change, dtype=np.int64)
        deepest = max(deepest, int(levels.max()))
        level = int(levels[-1])
    return deepest


class JsonText:
    """A decoder that remembers what was odd.

    Parameters
    ----------
    where : str
        File, for messages.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.duplicates: list[str] = []
        self.line = 1
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_float=_number, parse_int=_integer, parse_constant=float
        )

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(pairs)
        if len(out) != len(pairs) and len(self.duplicates) < 100:
            keys = [k for k, _ in pairs]
            again = next(k for i, k in enumerate(keys) if k in keys[:i])
            self.duplicates.append(safe_text(again[:100]))
        return out

    def decode(self, text: str, at: int = 0) -> tuple[Any, int]:
        """One value from position ``at``, and the position after it.

        Raises
        ------
        ValueError
            When the text is no JSON from there on.
        LimitError
            When it nests deeper than 64 levels or has an integer of more than 400 digits.
        """
        if at == 0:
            depth = nesting(text.encode("utf-8", "replace"))
            if depth > MAX_DEPTH:
                raise LimitError(
                    f"nested {depth} levels deep, more than {MAX_DEPTH}", where=f"{self.where}:{self.line}"
                )
            found = _LONG_INTEGER.search(text)
            if found is not None and not _inside_string(text, found.start()):
                line = self.line + text.count("\n", 0, found.start())
                raise LimitError(
                    f"a number of more than {MAX_DIGITS} digits", where=f"{self.where}:{line}", hint="is it a number?"
                )
        return self._decoder.raw_decode(text, at)

    def document(self, data: bytes) -> Any:
        """The one value of a whole document.

        Raises
        ------
        ReadError
            CF-IO-014 with the line at which the document breaks.
        """
        text = data.decode("utf-8", "replace")
        start = len(text) - len(text.lstrip())
        try:
            value, end = self.decode(text.lstrip() if start else text)
        except json.JSONDecodeError as error:
            line = error.lineno + text[:start].count("\n")
            cut = error.pos >= len(text) - start - 2
            raise ReadError(
                f"broken JSON: {'the document is cut' if cut else error.msg}",
                code="CF-IO-014",
                where=f"{self.where}:{line}",
                hint="was it copied while it was written?"
                if cut or error.msg.startswith("Unterminated string")
                else "compare this line with a sound log, or export it again",
            ) from None
        rest = text[start + end :].strip()
        if rest:
            line = 1 + text[: start + end].count("\n")
            raise ReadError(
                "more text after the end of the JSON document",
                code="CF-IO-014",
                where=f"{self.where}:{line}",
                hint="for one object per line pass format='json_lines'",
            )
        return value

    def notes(self) -> list[str]:
        """A sentence about duplicate keys, if there were any."""
        if not self.duplicates:
            return []
        some = ", ".join(map(repr, dict.fromkeys(self.duplicates)))
        return [f"keys occur twice in one object ({some[:200]}); the last value counts"]


def _number(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else TOO_LARGE


def _integer(text: str) -> Any:
    return int(text) if len(text) <= MAX_DIGITS else TOO_LARGE


def _inside_string(text: str, at: int) -> bool:
    line_start = text.rfind("\n", 0, at) + 1
    return re.sub(r"\\.", "", text[line_start:at]).count('"') % 2 == 1


def facts_of(value: dict[str, Any]) -> dict[str, str | float]:
    """Plain facts of an object: texts and numbers, at most 64, nothing whose name sounds like a secret."""
    facts: dict[str, str | float] = {}
    for key, item in flatten(value):
        name = safe_text(key[:200])
        if _SECRET.search(name.replace(".", "_").replace("-", "_")):
            continue
        if isinstance(item, bool):
            facts[name] = str(item).lower()
        elif isinstance(item, int | float) and abs(item) < 1e300:
            facts[name] = float(item)
        elif isinstance(item, str) and item:
            facts[name] = safe_text(item[:200])
        if len(facts) >= 64:
            break
    return facts


def flatten(record: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Values of an object and of the objects in it, by dotted names."""
    out: list[tuple[str, Any]] = []
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            out.extend(flatten(value, f"{name}."))  # depth is bounded by the decoder
        else:
            out.append((name, value))
    return out


class Records:
    """Objects into the columns of a table; a key that an object lacks is missing there.

    Parameters
    ----------
    where : str
        File, for messages.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.rows = 0
        self._columns: dict[str, ColumnBuilder] = {}
        self._bytes = 0

    def add(self, record: dict[str, Any], size: int) -> None:
        """One row, and the bytes it took in the file; nested objects become dotted names."""
        self._bytes += size
        for key, value in flatten(record):
            column = self._columns.get(key)
            if column is None:
                cells = (len(self._columns) + 1) * (self.rows + 1)
                if len(self._columns) >= MAX_KEYS or cells > CELLS_PER_BYTE * self._bytes + 1_000_000:
                    raise LimitError(
                        f"{len(self._columns) + 1} different keys in {self.rows + 1} objects are too many for a table",
                        where=self.where,
                        hint="log the same names in every row",
                    )
                column = self._columns[key] = ColumnBuilder(safe_text(key[:1000]) or "value")
            if len(column) <= self.rows:
                column.pad(self.rows)
                column.add_value(value)
        self.rows += 1

    def finish(self, *, copy: bool = False) -> list[Column]:
        """The columns, in order of first appearance, with unique names; with ``copy`` they can go on growing."""
        seen: dict[str, int] = {}
        out = []
        for column in self._columns.values():
            column.pad(self.rows)
            done = column.finish(copy=copy)
            seen[done.name] = seen.get(done.name, 0) + 1
            if seen[done.name] > 1:
                done.name = f"{done.name}#{seen[done.name]}"
            out.append(done)
        return out


def fact_row(record: dict[str, Any]) -> dict[str, Any] | None:
    """The facts of a row that describes the run instead of measuring it, such as ``{"_meta": {...}}``."""
    if len(record) != 1:
        return None
    (key, value) = next(iter(record.items()))
    named = key.startswith("_") or key.strip("_").lower() in _FACT_NAMES
    return value if isinstance(value, dict) and named else None
