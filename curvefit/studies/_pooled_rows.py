"""Rows of different kinds in one table of points: what one law was fitted to although it may be several."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves._checks import safe_text
from ._point_files import MISSING

__all__ = ["pooled", "shown_value"]

# Words in names of columns: of kinds of rows; of repeats and sizes, which are none; of labels, which may be free text.
_KINDS = frozenset(
    [
        "metric",
        "dataset",
        "corpus",
        "source",
        "split",
        "task",
        "benchmark",
        "domain",
        "language",
        "optimizer",
        "schedule",
        "scheduler",
        "architecture",
        "arch",
        "family",
        "kind",
        "method",
        "experts",
        "tokenizer",
    ]
)
_NO_KINDS = frozenset(
    [
        "run",
        "seed",
        "seeds",
        "rep",
        "repeat",
        "replicate",
        "trial",
        "fold",
        "uuid",
        "date",
        "time",
        "size",
        "tokens",
        "samples",
        "params",
        "steps",
        "length",
        "loss",
    ]
)
_LABELS = frozenset(["name", "id", "ids", "path", "file", "host", "url", "note", "notes", "comment"])
Array = NDArray[np.float64]
_MOST = 12  # values of a column of text; with more it is taken for names or remarks
_ROWS = 3  # rows that a value of such a column stands for, at least on average
_SHOWN = 4


def pooled(columns: Mapping[str, Any], used: NDArray[np.bool_], x: Array, known: Collection[str]) -> list[str]:
    """A sentence for every column that tells kinds of rows apart and takes several values among those used.

    Parameters
    ----------
    columns : mapping of str to sequence
        Cells by column.
    used : ndarray of bool, shape (n,)
        Rows that the law is fitted to.
    x : ndarray, shape (n, k)
        Values of the variables.
    known : collection of str
        Columns that are the variables, the loss or the run.
    """
    notes = []
    for name, column in columns.items():
        if name in known or len(column) != used.size:
            continue
        rows = [i for i in np.flatnonzero(used) if not _missing(column[i])]
        cells = [shown_value(column[i]) for i in rows]
        values = list(dict.fromkeys(cells))
        if len(values) < 2 or not _of_kinds(name, [column[i] for i in rows], values) or _labels(cells, x[rows]):
            continue
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        notes.append(
            f"Rows with {len(values)} values of {safe_text(name)} were fitted together "
            f"({', '.join(map(safe_text, values[:_SHOWN]))}{more}); "
            f"--where {shlex.quote(safe_text(f'{name}={values[0]}'))} takes those of one."
        )
    return notes


def shown_value(value: Any) -> str:
    """A cell as a condition names it: whole numbers without decimals."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        number = float(value)
        return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"
    return str(value).strip()


def _of_kinds(name: str, cells: list[Any], values: list[str]) -> bool:
    """Whether a column tells kinds of rows apart, by its name or since few texts stand in many rows."""
    words = {w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    if words & _NO_KINDS or len(values) == len(cells):
        return False
    few = len(values) <= min(_MOST, len(cells) // _ROWS)
    text = any(isinstance(v, str) for v in cells)
    if words & _KINDS:
        return text or few
    return text and few and not words & _LABELS


def _labels(cells: list[str], x: Array) -> bool:
    """Whether every value of a column stands for one value of a variable and the other way round, as 400M for 4e8."""
    kinds = len(set(cells))
    return any(len(set(zip(cells, v.tolist(), strict=True))) == kinds == np.unique(v).size for v in x.T)


def _missing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in MISSING
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))
