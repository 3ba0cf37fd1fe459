"""Rows of one name that are several runs: what else tells them apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..curves import Metric
from ._cells import MISSING, NUMBER, TEXT, Column
from ._names import CLOCKS, LABELS, SPLIT_COLUMNS, TIMES, normalize, split_of

__all__ = ["APART", "constant_within", "is_series", "split_apart"]

# What a run has only one of: two values are two runs, however their rows are called.
APART = (LABELS - {"job_id"}) | frozenset((
    "source", "data", "data_set", "dataset", "dataset_name", "corpus", "task", "task_name", "benchmark", "game",
    "environment", "env", "env_id", "env_name", "method", "method_name", "algorithm", "algo", "approach", "learner",
    "model", "model_size", "architecture", "arch", "network", "optimizer", "optim", "variant", "condition", "setting",
    "group", "group_name", "run_group", "project", "study", "sweep", "sweep_id",
))  # fmt: skip
_PARTS_OF_A_RUN = frozenset((
    "segment", "attempt", "restart", "restarts", "resume", "resumed", "session", "session_id", "phase", "job_id",
    "checkpoint", "part", "chunk",
))  # fmt: skip
_FEWEST = 3  # rows per stream, on average, for a column of unknown meaning to tell runs apart


def constant_within(column: Column, codes: NDArray[np.intp]) -> bool:
    """Whether a column has one value in each group, missing cells aside, and any at all."""
    present = column.present
    group, values, state = codes[present], column.values[present], column.state[present]
    if not values.size:
        return False
    if np.any(group[1:] < group[:-1]):
        order = np.argsort(group, kind="stable")
        group, values, state = group[order], values[order], state[order]
    differ = (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    return not np.any((group[1:] == group[:-1]) & (differ | (state[1:] != state[:-1])))


def is_series(column: Column) -> bool:
    """Whether a column says which part of the data each row is about."""
    return (
        normalize(column.name) in SPLIT_COLUMNS
        and 2 <= len(column.texts) <= 4
        and not column.count(NUMBER)
        and all(split_of(t) for t in column.texts)
    )


def split_apart(
    loose: list[Column],
    codes: NDArray[np.intp],
    streams: NDArray[np.intp],
    x: NDArray[np.float64] | None,
    *,
    by_name_only: bool,
) -> list[Column]:
    """Columns that tell runs of one name apart, each missing wherever the name is enough.

    What becomes of a run depends on its own rows only, so that a file read in parts gives the same runs.

    Parameters
    ----------
    loose : list of Column
        Columns that change within some run.
    codes : ndarray of int, shape (n,)
        Run of each row, so far.
    streams : ndarray of int, shape (n,)
        Curve of each row, so far.
    x : ndarray of float64, shape (n,), or None
        x of each row.
    by_name_only : bool
        Whether a column must be called like something a run has only one of.
    """
    chosen: list[Column] = []
    for column in sorted(loose, key=lambda c: normalize(c.name) not in APART):
        known = normalize(column.name) in APART
        if not known and (by_name_only or not _may(column)):
            continue
        cells = _cells(column)
        varying = _varying(cells, column.present, codes)
        if not varying.any():
            continue
        finer = _paired(streams, cells)
        _, first = np.unique(finer, return_index=True)
        rows = np.bincount(codes, minlength=varying.size)
        pieces = np.bincount(codes[first], minlength=varying.size)
        untangled = np.zeros_like(varying) if x is None else _untangled(codes, streams, finer, x)
        varying &= (untangled | (rows >= 2 * pieces)) if known else (untangled & (rows >= _FEWEST * pieces))
        if not varying.any():
            continue
        apart = varying[codes]
        chosen.append(replace(column, state=np.where(apart, column.state, MISSING).astype(np.uint8)))
        cells = np.where(apart, cells, 0)
        codes, streams = _paired(codes, cells), _paired(streams, cells)
    return chosen


def _cells(column: Column) -> NDArray[np.intp]:
    """A number for each cell that differs where cells do, 0 where there is none."""
    values = np.where(np.isnan(column.values), np.inf, column.values)
    own = np.unique(values, return_inverse=True)[1] + 1
    return np.where(column.present, 2 * own + (column.state == TEXT), 0)


def _paired(codes: NDArray[np.intp], cells: NDArray[np.intp]) -> NDArray[np.intp]:
    """Groups by both."""
    paired: NDArray[np.intp] = np.unique(codes * (int(cells.max(initial=0)) + 1) + cells, return_inverse=True)[1]
    return paired


def _varying(cells: NDArray[np.intp], present: NDArray[np.bool_], codes: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which groups hold more than one value, missing cells aside."""
    out = np.zeros(int(codes.max(initial=-1)) + 1, np.bool_)
    values, group = cells[present], codes[present]
    order = np.argsort(group, kind="stable")
    v, g = values[order], group[order]
    out[g[1:][(g[1:] == g[:-1]) & (v[1:] != v[:-1])]] = True
    return out


def _may(column: Column) -> bool:
    """Whether a column of unknown meaning may tell runs apart."""
    plain = normalize(column.name)
    return plain not in _PARTS_OF_A_RUN | set(TIMES) | CLOCKS and Metric.infer(column.name).direction is None


def _untangled(
    codes: NDArray[np.intp], streams: NDArray[np.intp], finer: NDArray[np.intp], x: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Groups whose x repeats or goes back within a curve, but increases throughout within each finer curve."""
    groups = int(codes.max(initial=-1)) + 1
    tangled, still = np.zeros(groups, np.bool_), np.zeros(groups, np.bool_)
    for by, out in ((streams, tangled), (finer, still)):
        order = np.argsort(by, kind="stable")
        order = order[np.isfinite(x[order])]
        back = (by[order][1:] == by[order][:-1]) & (np.diff(x[order]) <= 0)
        out[codes[order][1:][back]] = True
    return tangled & ~still
