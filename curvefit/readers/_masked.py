"""Losses that a trainer's log filter put in place of NaN: exactly 0 or frozen while the gradient norm is not finite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..curves import Flag, Metric
from ._cells import NUMBER, Column
from ._names import normalize

__all__ = ["masked_rows", "with_mask"]

_NORMS = frozenset(["grad_norm", "gradient_norm", "gnorm", "total_grad_norm", "global_grad_norm"])


def masked_rows(metrics: list[tuple[str, Column]]) -> NDArray[np.bool_] | None:
    """Rows of the table whose gradient norm was logged and is not finite; None when there are none."""
    for name, column in metrics:
        if normalize(name) in _NORMS:
            bad = (column.state == NUMBER) & ~np.isfinite(column.values)
            return bad if bad.any() else None
    return None


def with_mask(
    flags: NDArray[np.uint8] | None, y: NDArray[np.float64], bad: NDArray[np.bool_], metric: Metric
) -> NDArray[np.uint8] | None:
    """Flags with `Flag.MASKED_NAN` where a training loss is 0 or repeats the one before in a bad row.

    Parameters
    ----------
    flags : ndarray of uint8 or None
        Flags so far.
    y : ndarray, shape (n,)
        Values in order of x.
    bad : ndarray of bool, shape (n,)
        Whether the gradient norm of the same row is not finite.
    metric : Metric
        What y is.
    """
    if metric.kind != "loss" or metric.split not in (None, "train") or not bad.any():
        return flags
    frozen = np.concatenate([[False], y[1:] == y[:-1]])
    hidden = bad & ((y == 0) | frozen)
    if not hidden.any():
        return flags
    out = np.zeros(y.size, np.uint8) if flags is None else flags.copy()
    out[hidden] |= int(Flag.MASKED_NAN)
    return out
