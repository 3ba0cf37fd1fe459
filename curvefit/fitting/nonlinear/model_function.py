"""Models as users write them, a formula or a function, in one form that binds to data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...curves import DataError, UsageError
from .derivatives import CentralDifferences, complex_step_jacobian, complex_step_works
from .expression import Bound, Expression
from .problem import BoundFunction
from .tracing import trace

__all__ = ["BlackBox", "ModelFunction", "Signature", "TiedModel", "read_signature", "traced"]

Array = NDArray[np.float64]
_UNDEFINED = (ArithmeticError, ValueError)  # math domain errors, division by zero: no value at these parameters


class ModelFunction(Protocol):
    """A model before it meets data: ``Expression``, ``BlackBox`` or ``TiedModel``."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Data columns it reads."""
        ...

    def bind(self, data: Mapping[str, Array], n: int | None = None) -> Bound | BoundFunction:
        """The model as a function of the parameters alone."""
        ...


@dataclass(frozen=True, eq=False)
class Signature:
    """How a user's function takes its arguments.

    Parameters
    ----------
    function : callable
    parameters, columns : tuple of str
    positional : bool
        Called as ``f(x, *parameters)``; otherwise by name.
    """

    function: Callable[..., Any]
    parameters: tuple[str, ...]
    columns: tuple[str, ...]
    positional: bool

    def __call__(self, params: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
        """The function's value."""
        if self.positional:
            return self.function(*(data[c] for c in self.columns), *(params[p] for p in self.parameters))
        return self.function(**{c: data[c] for c in self.columns}, **{p: params[p] for p in self.parameters})


def read_signature(function: Callable[..., Any], columns: Sequence[str], names: Sequence[str] | None) -> Signature:
    """Tell parameters from columns by the names of a function's arguments.

    Arguments called like a column are columns and the others are parameters; arguments with a default that are not
    columns stay at their default. When no argument is called like a column, the first takes the only column.

    Parameters
    ----------
    function : callable
    columns : sequence of str
        Predictors among the data's columns.
    names : sequence of str, optional
        Parameters that a start or bounds name; needed for ``f(x, *params)``.
    """
    label = getattr(function, "__name__", type(function).__name__)
    try:
        arguments = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the arguments of {label} cannot be read: {error}",
            code="CF-LSQ-002",
            where="model",
            hint="wrap it: lambda x, a, b: ...",
        ) from None
    plain = [a for a in arguments if a.kind not in (a.VAR_POSITIONAL, a.VAR_KEYWORD)]
    starred = any(a.kind == a.VAR_POSITIONAL for a in arguments)
    by_name = [a.name for a in plain if a.name in columns and a.kind != a.POSITIONAL_ONLY]
    if by_name and not starred:
        only_positional = [a.name for a in plain if a.kind == a.POSITIONAL_ONLY]
        if not only_positional:
            free = [
                a.name
                for a in plain
                if a.name not in columns and (a.default is a.empty or (names is not None and a.name in names))
            ]
            return Signature(function, tuple(free), tuple(by_name), positional=False)
    if len(columns) != 1 and not (by_name and plain and plain[0].name in columns):
        raise UsageError(
            f"{label} has no argument called like a column, and there are {len(columns)} predictor columns",
            code="CF-LSQ-002",
            where="model",
            hint=f"name its arguments after the columns: {', '.join(columns) or 'none'}",
        )
    column = by_name[0] if by_name else columns[0]
    if starred:
        if not names:
            raise UsageError(
                f"{label} takes any number of parameters; their names are needed",
                code="CF-LSQ-002",
                where="start",
                hint="pass start={'a': ..., 'b': ...}",
            )
        return Signature(function, tuple(names), (column,), positional=True)
    free = [
        a.name for a in plain[1:] if a.kind != a.KEYWORD_ONLY and (a.default is a.empty or (names and a.name in names))
    ]
    return Signature(function, tuple(free), (column,), positional=True)


def traced(signature: Signature, data: Mapping[str, Array], thetas: Array) -> Expression | None:
    """The function's expression if it has one and agrees with the function itself at the given parameters."""
    expression = trace(signature, signature.parameters, signature.columns)
    if expression is None:
        return None
    rows = {c: data[c][:50] for c in signature.columns}
    box = BlackBox(signature)
    n = len(next(iter(rows.values()), np.zeros(1)))
    bound = expression.bind(rows, n)
    compared = 0
    for theta in thetas:
        expected, got = box.evaluate(theta, rows, n), bound.value(theta)
        same = np.isclose(got, expected, rtol=1e-10, atol=0, equal_nan=True)
        if not np.all(same | ~np.isfinite(expected)):
            return None
        compared += bool(np.all(np.isfinite(expected)))
    return expression if compared else None


@dataclass(frozen=True, eq=False)
class BlackBox:
    """A function that is only known by calling it."""

    signature: Signature

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return self.signature.parameters

    @property
    def columns(self) -> tuple[str, ...]:
        """Data columns it reads."""
        return self.signature.columns

    def evaluate(self, theta: NDArray[Any], data: Mapping[str, Array], n: int) -> NDArray[Any]:
        """Values of shape (n,), NaN where the function says that it has none."""
        params = dict(zip(self.parameters, theta, strict=True))
        try:
            with np.errstate(all="ignore"):
                out = np.asarray(self.signature(params, data))
        except _UNDEFINED:
            return np.full(n, np.nan)
        if out.dtype.kind not in "fiuc" or (out.dtype.kind == "c" and theta.dtype.kind != "c"):
            raise DataError(f"the model returns values of type {out.dtype}, not real numbers", where="model")
        if out.ndim == 0:
            out = np.broadcast_to(out, (n,))
        if out.shape != (n,):
            raise DataError(
                f"the model returns shape {out.shape} for {n} rows",
                where="model",
                hint="return one value per row, shape (n,)",
            )
        return out

    def bind(self, data: Mapping[str, Array], n: int | None = None) -> BoundFunction:
        """The function of the parameters alone; derivatives are chosen at the first point that has finite ones."""
        rows = max((len(data[c]) for c in self.columns), default=1) if n is None else n
        columns = {c: data[c] for c in self.columns}

        def value(theta: NDArray[Any]) -> NDArray[Any]:
            return self.evaluate(theta, columns, rows)

        differences = CentralDifferences(lambda t: np.asarray(value(t), dtype=np.float64))
        choice: list[bool] = []  # whether the complex step may be used; decided once

        def jacobian(theta: Array) -> Array:
            if choice and choice[0]:
                return complex_step_jacobian(value, theta)
            out = differences(theta)
            if not choice and np.all(np.isfinite(out)) and np.any(out):
                choice.append(complex_step_works(value, theta, out))
                if choice[0]:
                    return complex_step_jacobian(value, theta)
            return out

        return BoundFunction(value, jacobian, rows, lambda: bool(choice and choice[0]))


@dataclass(frozen=True, eq=False)
class TiedModel:
    """A black box some of whose parameters are expressions of the others.

    Parameters
    ----------
    inner : BlackBox
    parameters : tuple of str
        The free ones.
    ties : mapping of str to Expression
        The others; an expression without parameters fixes one.
    """

    inner: BlackBox
    parameters: tuple[str, ...]
    ties: Mapping[str, Expression]

    @property
    def columns(self) -> tuple[str, ...]:
        """Data columns it reads."""
        return self.inner.columns

    def bind(self, data: Mapping[str, Array], n: int | None = None) -> BoundFunction:
        """The function of the free parameters alone."""
        inner = self.inner.bind(data, n)
        place = {name: j for j, name in enumerate(self.parameters)}
        ties = {name: (e.bind({}, 1), [place[p] for p in e.parameters]) for name, e in self.ties.items()}

        def full(theta: NDArray[Any]) -> NDArray[Any]:
            return np.array(
                [
                    theta[place[name]] if name in place else ties[name][0].value(theta[ties[name][1]])[0]
                    for name in self.inner.parameters
                ]
            )

        def chain(theta: Array) -> Array:
            out = np.zeros((len(self.inner.parameters), len(theta)))
            for i, name in enumerate(self.inner.parameters):
                if name in place:
                    out[i, place[name]] = 1.0
                else:
                    bound, wrt = ties[name]
                    out[i, wrt] = bound.value_and_jacobian(theta[wrt])[1][0]
            return out

        return BoundFunction(
            lambda t: inner.value(full(t)),
            lambda t: inner.value_and_jacobian(full(t))[1] @ chain(t),
            inner.n,
            lambda: inner.exact,
        )
