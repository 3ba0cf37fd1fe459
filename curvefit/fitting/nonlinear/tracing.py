"""A Python function of plain arithmetic becomes an expression, by calling it once with symbols for its arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .expression import FUNCTIONS, Builder, Expression

__all__ = ["trace"]

_UFUNCS = {
    "add": "add",
    "subtract": "subtract",
    "multiply": "multiply",
    "divide": "divide",
    "true_divide": "divide",
    "power": "power",
    "float_power": "power",
    "negative": "negative",
    "maximum": "max",
    "minimum": "min",
    "absolute": "abs",
    "fabs": "abs",
    **{name: name for name in FUNCTIONS},
}
# what a user's function raises that takes no symbols; the last, libraries that know the type and have no such case
_REFUSALS = (TypeError, ValueError, AttributeError, IndexError, KeyError, ArithmeticError, NotImplementedError)


class _Symbol:
    """Stands for a number or column while a function is traced; anything but arithmetic raises."""

    __slots__ = ("builder", "place")

    def __init__(self, builder: Builder, place: int) -> None:
        self.builder = builder
        self.place = place

    def apply(self, op: str, *others: object, swapped: bool = False) -> _Symbol:
        places = [self.place, *(self.to_place(o) for o in others)]
        if swapped:
            places.reverse()
        return _Symbol(self.builder, self.builder.apply(op, *places))

    def to_place(self, value: object) -> int:
        if isinstance(value, _Symbol):
            return value.place
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.item()
        if isinstance(value, _Symbol):
            return value.place
        if isinstance(value, bool | complex) or not isinstance(value, int | float | np.floating | np.integer):
            raise TypeError("only numbers mix with symbols")
        if not math.isfinite(value):
            raise ValueError("not a finite number")
        return self.builder.number(float(value))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> _Symbol:
        if method != "__call__" or options:
            raise TypeError("only plain calls are traced")
        name = ufunc.__name__
        if name == "square":
            return self.apply("power", 2.0)
        if name == "reciprocal":
            return _Symbol(self.builder, self.builder.apply("divide", self.to_place(1.0), self.place))
        if name == "positive":
            return self
        if name not in _UFUNCS:
            raise TypeError(f"{name} is not traced")
        return _Symbol(self.builder, self.builder.apply(_UFUNCS[name], *(self.to_place(i) for i in inputs)))

    def __add__(self, other: object) -> _Symbol:
        return self.apply("add", other)

    def __radd__(self, other: object) -> _Symbol:
        return self.apply("add", other, swapped=True)

    def __sub__(self, other: object) -> _Symbol:
        return self.apply("subtract", other)

    def __rsub__(self, other: object) -> _Symbol:
        return self.apply("subtract", other, swapped=True)

    def __mul__(self, other: object) -> _Symbol:
        return self.apply("multiply", other)

    def __rmul__(self, other: object) -> _Symbol:
        return self.apply("multiply", other, swapped=True)

    def __truediv__(self, other: object) -> _Symbol:
        return self.apply("divide", other)

    def __rtruediv__(self, other: object) -> _Symbol:
        return self.apply("divide", other, swapped=True)

    def __pow__(self, other: object) -> _Symbol:
        return self.apply("power", other)

    def __rpow__(self, other: object) -> _Symbol:
        return self.apply("power", other, swapped=True)

    def __neg__(self) -> _Symbol:
        return self.apply("negative")

    def __pos__(self) -> _Symbol:
        return self

    def __abs__(self) -> _Symbol:
        return self.apply("abs")

    def __bool__(self) -> bool:
        raise TypeError("a decision on data is not traced")

    def __eq__(self, other: object) -> bool:
        raise TypeError("a comparison is not traced")

    __hash__ = None  # type: ignore[assignment]  # how Python spells unhashable; the stubs say a method


def trace(
    function: Callable[[Mapping[str, Any], Mapping[str, Any]], Any], parameters: Sequence[str], columns: Sequence[str]
) -> Expression | None:
    """The expression a function computes, or None when it does more than arithmetic.

    Parameters
    ----------
    function : callable
        Of a mapping of parameters and a mapping of columns.
    parameters, columns : sequence of str
        Names; those that the function does not use are kept among the parameters.

    Notes
    -----
    A function that looks at its arguments (branches, indexing, sums over the rows) cannot be traced. The caller
    compares the expression with the function on numbers before relying on it.
    """
    builder = Builder()
    symbols = {name: _Symbol(builder, builder.parameter(name)) for name in parameters}
    data = {name: _Symbol(builder, builder.column(name)) for name in columns}
    try:
        result = function(symbols, data)
        if isinstance(result, np.ndarray) and result.ndim == 0:
            result = result.item()
        if not isinstance(result, _Symbol):
            return None
    except _REFUSALS:
        return None
    if any(s.op == "number" and not math.isfinite(s.number) for s in builder.steps) or len(builder.steps) > 5000:
        return None
    return builder.finish(result.place)
