"""Columns of a table of finished runs, whatever it came in, for scaling laws."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves import DataError, LimitError, ReadError, UsageError
from ..curves._checks import as_float_array, frame_of, safe_text
from ..curves._optional import optional
from ..curves.errors import unknown_name

__all__ = ["Points", "points_of", "read_points"]

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
_MOST_BYTES = 1 << 28
_MISSING = frozenset({"", "na", "nan", "null", "none"})
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


def points_of(data: Any, variables: Sequence[str], loss: str | None, run: str | None) -> Points:
    """Find the columns; rows with a missing, non-finite or non-positive number are left out and counted."""
    columns = read_points(data) if isinstance(data, str | os.PathLike) else _columns(data)
    names = tuple(columns)
    picked, notes = (tuple(variables), []) if variables else _recognized(columns)
    label = loss if loss is not None else _named(LOSS, names)
    if label is None:
        raise UsageError(
            "no column of losses", hint=f"loss='NAME' with one of {', '.join(names[:20])}", where="scaling_law()"
        )
    for name in (*picked, label, *([run] if run is not None else [])):
        if name not in names:
            raise unknown_name("column", name, names, where="scaling_law()")
    if label in picked or len(set(picked)) < len(picked):
        raise UsageError(
            f"{', '.join(picked)} cannot explain {label}", where="scaling_law()", hint="name other columns"
        )
    x = np.stack([as_float_array(columns[n], n) for n in picked], axis=1)
    y = as_float_array(columns[label], label)
    if len(y) != len(x):
        raise DataError("columns differ in length", where="scaling_law()")
    good = np.isfinite(x).all(axis=1) & np.isfinite(y) & (x > 0).all(axis=1) & (y > 0)
    owner = run if run is not None else next((n for n in RUN if n in names), None)
    if owner is None:
        groups = np.arange(y.size)
    else:
        _, groups = np.unique(np.asarray([str(v) for v in columns[owner]]), return_inverse=True)
    if not good.all():
        notes.append(
            f"{int((~good).sum())} of {good.size} rows left out: a number is missing, not finite or not positive"
        )
    _, compact = np.unique(groups[good], return_inverse=True)
    return Points(picked, x[good], y[good], compact, tuple(notes))


def _columns(data: Any) -> dict[str, Any]:
    if isinstance(data, Mapping):
        sizes = {k: len(v) for k, v in data.items() if hasattr(v, "__len__") and not isinstance(v, str)}
        if len(sizes) < len(data) or len(set(sizes.values())) > 1:
            raise DataError("columns are sequences of one length by name", where="scaling_law()", hint=_USUAL)
        return dict(data)
    if isinstance(data, Sequence) and data and all(isinstance(r, Mapping) for r in data):
        keys = dict.fromkeys(k for row in data for k in row)
        return {k: [row.get(k) for row in data] for k in keys}
    if isinstance(data, Sequence):
        raise UsageError(f"{data!r:.60} is no table of points", where="scaling_law()", hint=_USUAL)
    frame = frame_of(data, _USUAL)
    return {c: frame[c].to_list() if not frame[c].dtype.is_numeric() else frame[c].to_numpy() for c in frame.columns}


def _named(usual: Sequence[str], names: Iterable[str]) -> str | None:
    """The first column that has one of the usual names, in any spelling; single letters only as they are."""
    spelled: dict[str, str] = {}
    for name in names:
        spelled.setdefault(_plain(name), name)
    return next((spelled[u] for u in map(_plain, usual) if u in spelled), None)


def _plain(name: str) -> str:
    return name if len(name) == 1 else "".join(c for c in name.lower() if c.isalnum())


def _recognized(columns: Mapping[str, Any]) -> tuple[tuple[str, ...], list[str]]:
    """Variables by the usual names of columns, size and data before anything else, and what is to be said of the choice."""
    logs = {n: v for n in columns if (v := _logs(columns[n])) is not None}
    size, data, other = (_named(usual, logs) for usual in (SIZES, DATA, COMPUTE))
    found = [n for n in (size, data, other) if n is not None]
    if not found:
        raise UsageError(
            "no column of a size",
            where="scaling_law()",
            hint=f"name one or two: cf.scaling_law(points, 'N', 'D'); columns: {', '.join(list(columns)[:20]) or 'none'}",
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
    return tuple(picked), [f"Only {picked[0]} was used, since {why}; also there: {', '.join(rest)}."] if rest else []


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
        x = np.array([np.nan if v is None else float(v) for v in values])
    except (TypeError, ValueError):
        return None
    good = np.isfinite(x) & (x > 0)
    return np.log(np.where(good, x, np.nan)) if good.any() else None


def read_points(path: str | os.PathLike[str]) -> dict[str, list[Any]]:
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
        raise ReadError(f"cannot be read: {error.strerror}", code="CF-IO-001", where=where) from None
    if not content.strip():
        raise ReadError("is empty", code="CF-IO-002", where=where)
    if content.startswith(b"PAR1"):
        return _parquet(content, where)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ReadError("is neither text nor Parquet", code="CF-IO-008", where=where) from None
    return _json(text, where) if text.lstrip()[:1] in "[{" else _delimited(text, where)


def _parquet(content: bytes, where: str) -> dict[str, list[Any]]:
    pa = optional("pyarrow", extra="parquet", feature="reading Parquet")
    pq = optional("pyarrow.parquet", extra="parquet", feature="reading Parquet")
    try:
        found: dict[str, list[Any]] = pq.read_table(
            pa.BufferReader(content), page_checksum_verification=True
        ).to_pydict()
    except (pa.ArrowException, OSError, OverflowError) as error:
        raise ReadError(f"broken Parquet file: {safe_text(str(error))[:200]}", code="CF-IO-015", where=where) from None
    return found


def _json(text: str, where: str) -> dict[str, list[Any]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        try:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise ReadError("is no valid JSON", code="CF-IO-008", where=where) from None
    if isinstance(rows, dict) and rows and all(isinstance(v, list) for v in rows.values()):
        return {str(k): v for k, v in rows.items()}
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        raise ReadError("holds no rows", code="CF-IO-008", where=where, hint='[{"N": 1e8, "D": 2e9, "L": 3.1}, ...]')
    return {str(k): [r.get(k) for r in rows] for k in dict.fromkeys(k for r in rows for k in r)}


def _delimited(text: str, where: str) -> dict[str, list[Any]]:
    first = text.lstrip().splitlines()[0]
    mark = max("\t;,", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=mark))
    except csv.Error as error:
        raise ReadError(f"is no table: {error}", code="CF-IO-008", where=where) from None
    rows = [r for r in rows if any(cell.strip() for cell in r)]
    names = [n.strip() for n in rows[0]]
    if len(set(names)) < len(names):
        raise ReadError("two columns have one name", code="CF-IO-008", where=where)
    if len(rows) < 2:
        raise ReadError("no data rows", code="CF-IO-002", where=where)
    ragged = next((i for i, r in enumerate(rows[1:], 2) if len(r) != len(names)), None)
    if ragged is not None:
        raise ReadError(
            f"row {ragged} has {len(rows[ragged - 1])} fields, the header {len(names)}", code="CF-IO-007", where=where
        )
    return {n: _values([r[i].strip() for r in rows[1:]]) for i, n in enumerate(names)}


def _values(cells: list[str]) -> list[Any]:
    """Numbers where all cells are numbers or missing, else text."""
    out: list[Any] = []
    for cell in cells:
        if cell.lower() in _MISSING:
            out.append(None)
            continue
        try:
            out.append(float(cell))
        except ValueError:
            return list(cells)
    return out
