"""Columns of a table of finished runs, whatever it came in, for scaling laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves import DataError, UsageError
from ..curves._checks import as_float_array, frame_of
from ..curves.errors import unknown_name

__all__ = ["Points", "points_of"]

Array = NDArray[np.float64]
LOSS = ("L", "loss", "val_loss", "final_loss")
RUN = ("run_id", "run", "name")
SINGLE = ("N", "D", "C", "n", "n_samples", "samples", "params", "tokens", "flops")
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
    columns = _columns(data)
    names = tuple(columns)
    picked = tuple(variables) or _default_variables(names)
    label = loss if loss is not None else next((n for n in LOSS if n in names), None)
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
    notes = []
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
    if isinstance(data, Sequence) and not isinstance(data, str) and data and all(isinstance(r, Mapping) for r in data):
        keys = dict.fromkeys(k for row in data for k in row)
        return {k: [row.get(k) for row in data] for k in keys}
    if isinstance(data, Sequence):
        raise UsageError(f"{data!r:.60} is no table of points", where="scaling_law()", hint=_USUAL)
    frame = frame_of(data, _USUAL)
    return {c: frame[c].to_list() if not frame[c].dtype.is_numeric() else frame[c].to_numpy() for c in frame.columns}


def _default_variables(names: Sequence[str]) -> tuple[str, ...]:
    if "N" in names and "D" in names:
        return ("N", "D")
    found = next((n for n in SINGLE if n in names), None)
    if found is None:
        raise UsageError(
            "no column of a size",
            where="scaling_law()",
            hint=f"name one or two: cf.scaling_law(points, 'N', 'D'); columns: {', '.join(names[:20]) or 'none'}",
        )
    return (found,)
