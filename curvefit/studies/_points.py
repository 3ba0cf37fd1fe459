"""Columns of a table of finished runs, whatever it came in, for scaling laws."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves import CurvefitError, DataError, UsageError
from ..curves._checks import as_float_array, frame_of, safe_text
from ..curves.errors import unknown_name
from ._point_files import MISSING, Rows, read_points
from ._pooled_rows import pooled

__all__ = ["Points", "points_of"]

Array = NDArray[np.float64]
LOSS = ("L", "loss", "val_loss", "final_loss", "validation_loss", "eval_loss", "test_loss", "train_loss")
RUN = ("run_id", "run", "name")
SIZES = (
    *("N", "params", "n_params", "num_params", "parameters", "n_parameters", "num_parameters"),
    *("param_count", "parameter_count", "model_size", "size"),
)
DATA = (
    *("D", "tokens", "n_tokens", "num_tokens", "train_tokens", "training_tokens", "dataset_size", "data_size"),
    *("data", "samples", "n_samples", "num_samples", "examples", "n_examples", "train_size"),
)
COMPUTE = ("C", "flops", "train_flops", "training_flops", "compute", "n")
"""Usual names of the number of parameters, of the amount of data, and of compute or any other size."""
_LINE = 0.9999  # correlation of logs from which two variables are one
_SIZE = re.compile(r"(\d+\.?\d*|\.\d+)\s*([kmbgt])", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
_TIMES = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
_NO_NUMBER = "a number is missing, not finite or not positive"
_PLACES, _REASONS = 6, 4
_USUAL = "columns N, D and L: cf.scaling_law({'N': [...], 'D': [...], 'L': [...]})"


@dataclass(frozen=True, slots=True)
class Points:
    """Usable rows.

    Parameters
    ----------
    variables : tuple of str
        Names of the variables.
    x : ndarray, shape (n, k)
        Their values, positive.
    loss : ndarray, shape (n,)
        Positive.
    groups : ndarray of int, shape (n,)
        Run of every row.
    notes : tuple of str
        What was left out.
    """

    variables: tuple[str, ...]
    x: Array
    loss: Array
    groups: NDArray[np.int_]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Numbers of a column, NaN where there is none; the texts that are none, by row; one that has a unit of size."""

    values: Array
    texts: Mapping[int, str]
    scaled: str = ""

    @property
    def found(self) -> int:
        return int((~np.isnan(self.values)).sum())


def points_of(data: Any, variables: Sequence[str], loss: str | None, run: str | None) -> Points:
    """Find the columns; rows with text, or a missing, non-finite or non-positive number are left out and counted."""
    columns = read_points(data) if isinstance(data, str | os.PathLike) else _columns(data)
    names = tuple(columns)
    picked, notes = (tuple(variables), []) if variables else _recognized(columns)
    label = loss if loss is not None else _named(LOSS, names)
    if label is None:
        raise UsageError(
            "no column of losses",
            hint=f"loss='NAME', on the command line --loss NAME, with one of {', '.join(names[:20])}",
            where="scaling_law()",
        )
    for name in (*picked, label, *([run] if run is not None else [])):
        if name not in names:
            raise unknown_name("column", name, names, where="scaling_law()")
    if label in picked or len(set(picked)) < len(picked):
        raise UsageError(
            f"{', '.join(picked)} cannot explain {label}", where="scaling_law()", hint="name other columns"
        )
    read = {n: _numbers(columns[n], n, sizes=n != label) for n in (*picked, label)}
    for name, column in read.items():
        if len(column.texts) > column.found:
            raise _no_numbers(name, column, columns)
        if column.scaled:
            notes.append(
                f"{name} holds sizes such as {column.scaled!r}: k, M, B or G, and T were read as powers of ten."
            )
    x = np.stack([read[n].values for n in picked], axis=1)
    y = read[label].values
    if len(y) != len(x):
        raise DataError("columns differ in length", where="scaling_law()")
    good = np.isfinite(x).all(axis=1) & np.isfinite(y) & (x > 0).all(axis=1) & (y > 0)
    owner = run if run is not None else next((n for n in RUN if n in names), None)
    if owner is None:
        groups = np.arange(y.size)
    else:
        _, groups = np.unique(np.asarray([str(v) for v in columns[owner]]), return_inverse=True)
    notes += _left_out(good, read, columns)
    notes += pooled(columns, good, x, {*picked, label, *([owner] if owner is not None else [])})
    _, compact = np.unique(groups[good], return_inverse=True)
    return Points(picked, x[good], y[good], compact, tuple(notes))


def _numbers(values: Any, name: str, *, sizes: bool) -> _Numbers:
    """Numbers, also those given as text; ``400M`` where sizes stand."""
    items = values.tolist() if isinstance(values, np.ndarray) and values.dtype.kind in "OU" else values
    if not isinstance(items, Sequence) or not any(isinstance(v, str | list | dict) for v in items):
        return _Numbers(as_float_array(values, name), {})
    texts: dict[int, str] = {}
    scaled, out = "", list(items)
    for i, item in enumerate(items):
        if isinstance(item, list | dict):
            texts[i], out[i] = str(item), None
        if not isinstance(item, str):
            continue
        cell, out[i] = item.strip(), None
        if cell.lower() in MISSING:
            continue
        size = _SIZE.fullmatch(cell) if sizes else None
        try:
            plain = cell.replace(",", "") if sizes and _THOUSANDS.fullmatch(cell) else cell
            out[i] = float(size[1]) * _TIMES[size[2].lower()] if size else float(plain)
        except ValueError:
            texts[i] = cell
        scaled = scaled or (cell if size else "")
    return _Numbers(as_float_array(out, name), texts, scaled)


def _quoted(text: str) -> str:
    return f"'{safe_text(text[:20])}{'...' if len(text) > 20 else ''}'"


def _no_numbers(name: str, column: _Numbers, rows: Rows) -> DataError:
    at, text = next(iter(column.texts.items()))
    return DataError(
        f"{name} is {_quoted(text)} in {rows.word} {rows.places[at]}, not a number; "
        f"{len(column.texts)} of its {len(rows.places)} cells hold none",
        where="scaling_law()",
        hint="name a column of numbers; sizes may be written 400M, 1.5B or 4e8",
    )


def _left_out(good: NDArray[np.bool_], read: Mapping[str, _Numbers], rows: Rows) -> list[str]:
    """How many rows were left out, why, and where they stand."""
    why: dict[str, list[int]] = defaultdict(list)
    for place, text in rows.broken:
        why[text].append(place)
    for i in np.flatnonzero(~good):
        words = [f"{n} is {_quoted(c.texts[int(i)])}" for n, c in read.items() if int(i) in c.texts]
        why[" and ".join(words) or _NO_NUMBER].append(rows.places[i])
    if not why:
        return []
    told = [f"{text} ({_listed(rows.word, places)})" for text, places in list(why.items())[:_REASONS]]
    if len(why) > _REASONS:
        told.append(_listed(rows.word, sorted(p for places in list(why.values())[_REASONS:] for p in places)))
    count = sum(map(len, why.values()))
    return [f"{count} of {good.size + len(rows.broken)} rows left out: {'; '.join(told)}."]


def _listed(word: str, places: Sequence[int]) -> str:
    shown = ", ".join(map(str, places[:_PLACES]))
    more = f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
    return f"{word}{'s' if len(places) > 1 else ''} {shown}{more}"


def _columns(data: Any) -> Rows:
    if isinstance(data, Mapping):
        sizes = {k: len(v) for k, v in data.items() if hasattr(v, "__len__") and not isinstance(v, str)}
        if len(sizes) < len(data) or len(set(sizes.values())) > 1:
            raise DataError("columns are sequences of one length by name", where="scaling_law()", hint=_USUAL)
        return data if isinstance(data, Rows) else Rows(data)
    if isinstance(data, Sequence) and data and all(isinstance(r, Mapping) for r in data):
        keys = dict.fromkeys(k for row in data for k in row)
        return Rows({k: [row.get(k) for row in data] for k in keys})
    if isinstance(data, Sequence):
        raise UsageError(f"{data!r:.60} is no table of points", where="scaling_law()", hint=_USUAL)
    frame = frame_of(data, _USUAL)
    return Rows(
        {c: frame[c].to_list() if not frame[c].dtype.is_numeric() else frame[c].to_numpy() for c in frame.columns}
    )


def _named(usual: Sequence[str], names: Iterable[str]) -> str | None:
    """The first column that has one of the usual names, in any spelling; single letters only as they are."""
    spelled: dict[str, str] = {}
    for name in names:
        spelled.setdefault(_plain(name), name)
    return next((spelled[u] for u in map(_plain, usual) if u in spelled), None)


def _plain(name: str) -> str:
    return name if len(name) == 1 else "".join(c for c in name.lower() if c.isalnum())


def _recognized(columns: Rows) -> tuple[tuple[str, ...], list[str]]:
    """Variables by the usual names of columns, size and data before anything else, and what is to be said of the choice."""
    logs = {n: v for n in columns if (v := _logs(columns[n])) is not None}
    size, data, other = (_named(usual, logs) for usual in (SIZES, DATA, COMPUTE))
    found = [n for n in (size, data, other) if n is not None]
    wordy = [n for usual, known in ((SIZES, size), (DATA, data)) if known is None and (n := _named(usual, columns))]
    for name in wordy if not found else ():
        column = _numbers(columns[name], name, sizes=True)
        if column.texts:
            raise _no_numbers(name, column, columns)
    if not found:
        raise UsageError(
            "no column of a size",
            where="scaling_law()",
            hint=f"name one or two: cf.scaling_law(points, 'N', 'D'), on the command line --x N D; "
            f"columns: {', '.join(list(columns)[:20]) or 'none'}",
        )
    picked, why = found[:1], "no variables were named"
    if size is not None and data is not None:
        picked, why = _apart(size, data, logs)
    rest = [n for n in found if n not in picked]
    if len(picked) == 2 and picked == ["N", "D"]:
        return ("N", "D"), []
    if len(picked) == 2:
        extra = f" (also there: {', '.join(rest)})" if rest else ""
        return tuple(picked), [f"{size} was taken for the size of the model and {data} for the amount of data{extra}."]
    only = [f"Only {picked[0]} was used, since {why}; also there: {', '.join(rest)}."] if rest else []
    return tuple(picked), only + [f"{n} is a column of text and was not used." for n in wordy]


def _apart(size: str, data: str, logs: Mapping[str, Array]) -> tuple[list[str], str]:
    """Both, or the one that there is something to learn about."""
    x, y = logs[size], logs[data]
    both = np.isfinite(x) & np.isfinite(y) if x.size == y.size else np.ones(0, dtype=bool)
    counts = {n: np.unique(logs[n][np.isfinite(logs[n])]).size for n in (size, data)}
    for poor, rich in ((size, data), (data, size)):
        if counts[poor] < 3 <= counts[rich]:
            return [rich], f"{poor} takes fewer than three values"
    if both.sum() > 2 and min(counts.values()) > 2 and abs(np.corrcoef(x[both], y[both])[0, 1]) > _LINE:
        return [size], f"{data} is a power of it in these runs and cannot be told from it"
    return [size, data], ""


def _logs(values: Any) -> Array | None:
    """Logs of the numbers of a column, NaN where there is none; None where it is no column of numbers."""
    try:
        x = _numbers(values, "", sizes=True).values
    except CurvefitError:
        return None
    good = np.isfinite(x) & (x > 0)
    return np.log(np.where(good, x, np.nan)) if good.any() else None
