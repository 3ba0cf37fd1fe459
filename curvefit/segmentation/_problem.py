"""Data of a segmented regression made ready: checked, put on their axes, ties collapsed, x standardized."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, DataError, UsageError
from ..curves._checks import as_float_array
from ._search import Design

__all__ = ["Axis", "Problem", "prepare"]

Array = NDArray[np.float64]
Axis = Literal["linear", "log"]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Prepared data: the design, how to undo its scaling, every point behind it, and names for messages."""

    design: Design
    center: float
    scale: float
    n: int
    x_axis: Axis
    y_axis: Axis
    x_unit: str
    y_unit: str
    constant: bool
    y: Array
    w: Array
    inverse: NDArray[np.intp]

    def with_values(self, y: Array, w: Array) -> Problem:
        """The same places with other values and weights, shape (n,) in the order of ``inverse``."""
        design = _collapsed(self.design.x, y, w, self.inverse, self.design)
        return replace(self, design=design, y=y, w=w)

    def x_of(self, z: float) -> float:
        """A standardized place in the unit of x."""
        value = z * self.scale + self.center
        return float(np.exp(value)) if self.x_axis == "log" else float(value)


def prepare(
    data: Curve | tuple[Any, Any],
    weights: Any,
    x_axis: Axis,
    y_axis: Axis,
    first: bool,
    last: bool,
    min_size: int | None,
) -> Problem:
    if isinstance(data, Curve):
        x, y = data.x, data.y
    else:
        x, y = as_float_array(data[0], "x"), as_float_array(data[1], "y")
    x_unit: str = data.x_unit if isinstance(data, Curve) else ""
    y_unit = data.metric.unit if isinstance(data, Curve) else ""
    if x.shape != y.shape:
        raise DataError(f"{x.size} x values and {y.size} y values")
    w = np.ones(x.size) if weights is None else as_float_array(weights, "weights")
    if w.shape != x.shape:
        raise DataError(f"{w.size} weights for {x.size} points")
    if np.any(~np.isfinite(w)) or np.any(w < 0):
        raise DataError("weights must be finite and not negative", where="weights")
    keep = np.isfinite(x) & np.isfinite(y) & (w > 0)
    x, y, w = x[keep], y[keep], w[keep]
    for name, axis, v in (("x", x_axis, x), ("y", y_axis, y)):
        if axis not in get_args(Axis):
            raise UsageError(f"{name}_axis {axis!r}", code="CF-USE-007", hint="choices: linear, log")
        if axis == "log" and np.any(v <= 0):
            raise DataError(f"{int(np.sum(v <= 0))} values of {name} are not positive", hint=f"{name}_axis='linear'")
    top = float(np.max(np.abs(y), initial=0.0))
    if top > 1e150:  # squares must not overflow
        raise DataError(f"values up to {top:g} overflow when squared", hint="rescale, or take logarithms")
    if 0 < top < 1e-150:  # nor vanish
        raise DataError(f"values up to {top:g} vanish when squared", hint="rescale, or take logarithms")
    x, y = (np.log(x) if x_axis == "log" else x), (np.log(y) if y_axis == "log" else y)
    if x.size < 4:
        raise DataError(f"{x.size} usable points; a line with a breakpoint needs at least 5", code="CF-DATA-002")
    distinct, inverse = np.unique(x, return_inverse=True)
    if distinct.size < 4:
        raise DataError(
            f"only {distinct.size} distinct x; a line with a breakpoint needs 4", code="CF-DATA-003",
            hint="is x the column that counts (command line: --x COLUMN)?",
        )  # fmt: skip
    center, scale = float(np.mean(distinct)), float(np.std(distinct))
    if min_size is not None and not 1 <= min_size < distinct.size:
        raise UsageError(
            f"min_size = {min_size!r}", code="CF-USE-007", hint="a number of distinct x from 1 to less than all of them"
        )
    size = min_size if min_size is not None else max(2, int(0.05 * distinct.size))
    z: Array = np.asarray((distinct - center) / scale, dtype=np.float64)
    inverse = np.asarray(inverse, dtype=np.intp)
    design = _collapsed(z, y, w, inverse, Design(z, z, z, 0.0, first, last, int(size)))
    constant = bool(np.ptp(design.y) == 0)
    return Problem(design, center, scale, int(x.size), x_axis, y_axis, x_unit, y_unit, constant, y, w, inverse)


def _collapsed(z: Array, y: Array, w: Array, inverse: NDArray[np.intp], like: Design) -> Design:
    total = np.asarray(np.bincount(inverse, w), dtype=np.float64)
    mean = np.asarray(np.bincount(inverse, w * y) / total, dtype=np.float64)
    within = float(np.sum(w * (y - mean[inverse]) ** 2))
    return Design(z, mean, total, within, like.first_zero, like.last_zero, like.min_size)
