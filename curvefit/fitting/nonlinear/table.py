"""Data as users hand it over becomes columns of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, DataError, UsageError
from ...curves._checks import as_float_array

__all__ = ["Table", "read_weights"]

Array = NDArray[np.float64]


class Table:
    """Columns of a mapping, a curve or any dataframe, converted to numbers when they are used.

    Parameters
    ----------
    data : mapping of str to array-like, Curve, or dataframe
        Dataframes are those that narwhals understands. A curve has the columns ``x`` and ``y``.
    """

    def __init__(self, data: Any) -> None:
        self._done: dict[str, Array] = {}
        self._frame = not isinstance(data, Curve | Mapping)
        self._raw: Mapping[str, Any]
        if isinstance(data, Curve):
            self._raw = {"x": data.x, "y": data.y}
        elif isinstance(data, Mapping):
            self._raw = {str(name): column for name, column in data.items()}
        else:
            import narwhals.stable.v2 as nw

            try:
                frame = nw.from_native(data, eager_only=True)
            except TypeError:
                raise UsageError(
                    f"data is a {type(data).__name__}",
                    code="CF-LSQ-001",
                    where="data",
                    hint="pass a mapping of column names to arrays, a dataframe or a Curve",
                ) from None
            self._raw = {name: frame[name] for name in frame.columns}
        self.names = tuple(self._raw)
        sizes = {name: _size(self._raw[name], name) for name in self.names}
        if not sizes:
            raise DataError("data has no columns", where="data")
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{name} {size}" for name, size in list(sizes.items())[:10])
            raise DataError(f"the columns have different lengths: {listed}", where="data")
        self.rows = next(iter(sizes.values()))

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Array:
        if name not in self._done:
            raw = self._raw[name]
            if self._frame:
                raw = raw.to_list() if bool(raw.is_null().any()) else raw.to_numpy()
            self._done[name] = as_float_array(raw, name)
        return self._done[name]


def _size(column: Any, name: str) -> int:
    try:
        return len(column)
    except TypeError:
        raise DataError(f"the column {name!r} is a {type(column).__name__}, not a sequence", where=name) from None


def read_weights(weights: Any, table: Table) -> Array | None:
    """Weights from a column's name or an array, checked.

    Raises
    ------
    DataError
        For negative or non-finite weights, a wrong length, or when all are zero.
    """
    if weights is None:
        return None
    if isinstance(weights, str):
        if weights not in table:
            raise UsageError(
                f"there is no column {weights!r} for the weights",
                code="CF-USE-002",
                where="weights",
                hint=f"columns: {', '.join(table.names)}",
            )
        values = table[weights]
    else:
        values = as_float_array(weights, "weights")
    if len(values) != table.rows:
        raise DataError(f"{len(values)} weights for {table.rows} rows", where="weights")
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if len(bad):
        raise DataError(
            f"weight {values[bad[0]]:g} in row {bad[0]}; weights are finite and not negative",
            where=f"weights[{bad[0]}]",
            hint="a weight of zero leaves a row out",
        )
    if not np.any(values > 0):
        raise DataError("all weights are zero", where="weights")
    return values
