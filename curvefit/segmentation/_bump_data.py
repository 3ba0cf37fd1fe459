"""The data of a bump test: one curve, or several seeds at the x they share, in at most 240 bins."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, DataError
from ..curves._checks import as_float_array

__all__ = ["BINS", "Data", "binned", "prepared"]

Array = NDArray[np.float64]
Data = Curve | tuple[ArrayLike, ArrayLike]
BINS = 240
SHARED = 0.5  # of the x of the longest seed that all must have


def prepared(
    data: Data | Sequence[Data], direction: str | None
) -> tuple[Array, Array, float, str, str, int, Array | None]:
    """Distinct x, mean over seeds, sign, units, number of seeds, and the seeds in columns where they can be compared."""
    many: list[Data]
    if isinstance(data, Curve) or (
        isinstance(data, tuple) and len(data) == 2 and not isinstance(data[0], Curve | tuple)
    ):
        many = [data]
    else:
        many = list(data)
    curves = [item for item in many if isinstance(item, Curve)]
    ways = {c.metric.need_direction() for c in curves} if direction is None else {direction}
    if len(ways) > 1:
        names = ", ".join(sorted({c.metric.name for c in curves}))
        raise DataError(f"seeds of {names} are not runs of one metric", hint="one metric, several seeds")
    seeds = [_finite(item) for item in many]
    x = np.concatenate([s[0] for s in seeds]) if seeds else np.zeros(0)
    if not x.size:
        raise DataError("no finite points", code="CF-DATA-001")
    if len(seeds) > 1:
        seeds = _at_shared_x(seeds)
    x, y = (np.concatenate([s[i] for s in seeds]) for i in range(2))
    top = float(np.max(np.abs(y)))
    if top > 1e150:  # squares must not overflow
        raise DataError(f"values up to {top:g} overflow when squared", hint="rescale, or take logarithms")
    distinct, inverse = np.unique(x, return_inverse=True)
    mean = np.bincount(inverse, y) / np.bincount(inverse)
    table: Array | None = None
    if len(seeds) > 1 and all(np.array_equal(s[0], distinct) for s in seeds):
        table = np.column_stack([s[1] for s in seeds])
        if np.all(np.ptp(table, axis=1) <= 1e-12 * top):  # copies of one run tell no more than it does
            table, seeds = None, seeds[:1]
    unit, y_unit = (str(curves[-1].x_unit), curves[-1].metric.unit) if curves else ("", "")
    return distinct, mean, -1.0 if "max" in ways else 1.0, unit, y_unit, len(seeds), table


def _finite(item: Data) -> tuple[Array, Array]:
    x, y = (item.x, item.y) if isinstance(item, Curve) else (as_float_array(item[0], "x"), as_float_array(item[1], "y"))
    if x.shape != y.shape:
        raise DataError(f"{x.size} x values and {y.size} y values")
    keep = np.isfinite(x) & np.isfinite(y)
    return x[keep], y[keep]


def _at_shared_x(seeds: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """Where seeds were not logged at the same x, their mean would jump from one to the other."""
    shared = reduce(np.intersect1d, [s[0] for s in seeds])
    most = max(np.unique(s[0]).size for s in seeds)
    if shared.size < SHARED * most:
        raise DataError(
            f"the {len(seeds)} seeds share {shared.size} of at most {most} x",
            hint="seeds logged at the same x, or one run at a time",
        )
    kept = [np.isin(s[0], shared) for s in seeds]
    return [(s[0][k], s[1][k]) for s, k in zip(seeds, kept, strict=True)]


def binned(x: Array, y: Array, logarithmic: bool) -> tuple[Array, Array, NDArray[np.intp]]:
    """At most 240 bins, equal on the axis of the bump, so that early points of a log axis keep their place."""
    if x.size <= BINS:
        return x, y, np.arange(x.size)
    z = np.log(x) if logarithmic else x
    at = np.minimum(((z - z[0]) / (z[-1] - z[0]) * BINS).astype(int), BINS - 1)
    _, inverse = np.unique(at, return_inverse=True)
    count = np.bincount(inverse)
    return np.bincount(inverse, x) / count, np.bincount(inverse, y) / count, np.asarray(inverse, dtype=np.intp)
