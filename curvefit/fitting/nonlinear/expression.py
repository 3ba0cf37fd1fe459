"""Arithmetic expressions as a list of steps: evaluated, differentiated and analyzed by walking the list."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONSTANTS", "FUNCTIONS", "Bound", "Builder", "Expression", "Step", "largest_affine_set"]

Array = NDArray[Any]  # float64, or complex128 under the complex step

CONSTANTS: Mapping[str, float] = {"pi": math.pi}


def _abs(a: Array) -> Array:
    """|a| continued analytically, so that a complex step passes through it."""
    return a * np.sign(a.real) if np.iscomplexobj(a) else np.abs(a)


def _larger(a: Array, b: Array) -> Array:
    return np.where(np.real(a) >= np.real(b), a, b)


def _smaller(a: Array, b: Array) -> Array:
    return np.where(np.real(a) <= np.real(b), a, b)


def _logistic(a: Array) -> Array:
    """1 / (1 + exp(-a)) without overflow on either side."""
    if np.iscomplexobj(a):
        return 0.5 * (1.0 + np.tanh(0.5 * a))
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1.0, e) / (1.0 + e)


@dataclass(frozen=True, slots=True)
class _Function:
    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]  # from argument and value


FUNCTIONS: Mapping[str, _Function] = {
    "exp": _Function(np.exp, lambda a, f: f),
    "expm1": _Function(np.expm1, lambda a, f: f + 1.0),
    "log": _Function(np.log, lambda a, f: 1.0 / a),
    "log1p": _Function(np.log1p, lambda a, f: 1.0 / (1.0 + a)),
    "log2": _Function(np.log2, lambda a, f: 1.0 / (a * math.log(2.0))),
    "log10": _Function(np.log10, lambda a, f: 1.0 / (a * math.log(10.0))),
    "sqrt": _Function(np.sqrt, lambda a, f: 0.5 / f),
    "sin": _Function(np.sin, lambda a, f: np.cos(a)),
    "cos": _Function(np.cos, lambda a, f: -np.sin(a)),
    "tan": _Function(np.tan, lambda a, f: 1.0 + f * f),
    "arcsin": _Function(np.arcsin, lambda a, f: 1.0 / np.sqrt(1.0 - a * a)),
    "arccos": _Function(np.arccos, lambda a, f: -1.0 / np.sqrt(1.0 - a * a)),
    "arctan": _Function(np.arctan, lambda a, f: 1.0 / (1.0 + a * a)),
    "sinh": _Function(np.sinh, lambda a, f: np.cosh(a)),
    "cosh": _Function(np.cosh, lambda a, f: np.sinh(a)),
    "tanh": _Function(np.tanh, lambda a, f: 1.0 - f * f),
    "arcsinh": _Function(np.arcsinh, lambda a, f: 1.0 / np.sqrt(1.0 + a * a)),
    "logistic": _Function(_logistic, lambda a, f: f * (1.0 - f)),
    "abs": _Function(_abs, lambda a, f: np.sign(np.real(a))),
}

_BINARY: Mapping[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.true_divide,
    "power": np.power,
    "max": _larger,
    "min": _smaller,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One operation; arguments are the numbers of earlier steps."""

    op: str  # "number", "parameter", "column", "negative", a key of _BINARY or of FUNCTIONS
    args: tuple[int, ...] = ()
    number: float = 0.0
    name: str = ""


class Builder:
    """Collects steps; equal subexpressions become one step and numbers are folded at once."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.parameters: list[str] = []
        self.columns: list[str] = []
        self._seen: dict[Step, int] = {}

    def _add(self, step: Step) -> int:
        place = self._seen.get(step)
        if place is None:
            place = self._seen[step] = len(self.steps)
            self.steps.append(step)
        return place

    def number(self, value: float) -> int:
        """A constant."""
        return self._add(Step("number", number=float(value)))

    def parameter(self, name: str) -> int:
        """A parameter, listed in order of first use."""
        if name not in self.parameters:
            self.parameters.append(name)
        return self._add(Step("parameter", name=name))

    def column(self, name: str) -> int:
        """A data column."""
        if name not in self.columns:
            self.columns.append(name)
        return self._add(Step("column", name=name))

    def apply(self, op: str, *args: int) -> int:
        """An operation on earlier steps."""
        step = Step(op, args)
        inputs = [self.steps[a] for a in args]
        if all(s.op == "number" for s in inputs):
            with np.errstate(all="ignore"):
                return self.number(float(_evaluate(step, [np.float64(s.number) for s in inputs])))
        return self._add(step)

    def finish(self, output: int) -> Expression:
        """The expression whose value is that step."""
        return Expression(tuple(self.steps), output, tuple(self.parameters), tuple(self.columns))


def _evaluate(step: Step, inputs: Sequence[Any]) -> Any:
    if step.op == "negative":
        return -inputs[0]
    if step.op in FUNCTIONS:
        return FUNCTIONS[step.op].value(inputs[0])
    return _BINARY[step.op](inputs[0], inputs[1])


@dataclass(frozen=True, eq=False)
class Expression:
    """A function of parameters and data columns, element by element over the rows.

    Parameters
    ----------
    steps : tuple of Step
        In an order in which every step comes after its arguments.
    output : int
        The step that is the value.
    parameters, columns : tuple of str
        Names it depends on.
    """

    steps: tuple[Step, ...]
    output: int
    parameters: tuple[str, ...]
    columns: tuple[str, ...]
    depends: tuple[int, ...] = field(init=False)  # per step, a bit per parameter

    def __post_init__(self) -> None:
        masks: list[int] = []
        for step in self.steps:
            if step.op == "parameter":
                masks.append(1 << self.parameters.index(step.name))
            else:
                mask = 0
                for a in step.args:
                    mask |= masks[a]
                masks.append(mask)
        object.__setattr__(self, "depends", tuple(masks))

    def bind(self, data: Mapping[str, Array], n: int | None = None) -> Bound:
        """The function of the parameters alone over n rows; what depends on data only is computed once."""
        return Bound(self, data, n)

    def substitute(self, replacements: Mapping[str, Expression], parameters: Sequence[str] = ()) -> Expression:
        """The expression with parameters replaced by expressions; ``parameters`` come first and in that order."""
        builder = Builder()
        builder.parameters.extend(parameters)
        output = _copy(self, builder, replacements)
        return builder.finish(output)

    def interactions(self) -> NDArray[np.bool_]:
        """Matrix that is False where the second derivative by two parameters is zero for structural reasons."""
        p = len(self.parameters)
        couples: list[list[int]] = []
        for step, mask in zip(self.steps, self.depends, strict=True):
            rows = [0] * p
            for a in step.args:
                rows = [r | s for r, s in zip(rows, couples[a], strict=True)]
            masks = [self.depends[a] for a in step.args]
            pairs: list[tuple[int, int]] = []
            if step.op == "multiply":
                pairs = [(masks[0], masks[1]), (masks[1], masks[0])]
            elif step.op == "divide":
                pairs = [(masks[0], masks[1]), (masks[1], mask)]
            elif step.op not in ("number", "parameter", "column", "negative", "add", "subtract"):
                pairs = [(mask, mask)]
            for left, right in pairs:
                rows = [r | right if left >> j & 1 else r for j, r in enumerate(rows)]
            couples.append(rows)
        return np.array([[bool(row >> j & 1) for j in range(p)] for row in couples[self.output]], dtype=bool).reshape(
            p, p
        )


def largest_affine_set(couples: NDArray[np.bool_], allowed: Sequence[int] | None = None) -> tuple[int, ...]:
    """The largest set of parameters without couples among them, greedily from every first member.

    Parameters
    ----------
    couples : ndarray of bool, shape (p, p)
        Which pairs have a non-zero second derivative.
    allowed : sequence of int, optional
        Parameters that may be in the set.
    """
    alone = [j for j in (range(len(couples)) if allowed is None else allowed) if not couples[j, j]]
    order = sorted(alone, key=lambda j: int(couples[j].sum()))
    best: list[int] = []
    for first in order:
        chosen = [first]
        for j in order:
            if j not in chosen and not couples[j, chosen].any():
                chosen.append(j)
        if len(chosen) > len(best):
            best = chosen
    return tuple(sorted(best))


def _copy(source: Expression, builder: Builder, replacements: Mapping[str, Expression]) -> int:
    places: list[int] = []
    for step in source.steps:
        if step.op == "number":
            places.append(builder.number(step.number))
        elif step.op == "column":
            places.append(builder.column(step.name))
        elif step.op == "parameter" and step.name in replacements:
            places.append(_copy(replacements[step.name], builder, {}))
        elif step.op == "parameter":
            places.append(builder.parameter(step.name))
        else:
            places.append(builder.apply(step.op, *(places[a] for a in step.args)))
    return places[source.output]


class Bound:
    """An expression with its data: values and exact derivatives for one parameter vector or for many at once.

    Parameters
    ----------
    expression : Expression
    data : mapping of str to ndarray, shape (n,)
        At least the expression's columns; all of one length.
    n : int, optional
        Number of rows; needed when the expression uses no column.
    """

    def __init__(self, expression: Expression, data: Mapping[str, Array], n: int | None = None) -> None:
        self.expression = expression
        self.exact = True
        self.n = max((np.size(column) for column in data.values()), default=1) if n is None else n
        steps = expression.steps
        needed = {expression.output}
        for i in range(len(steps) - 1, -1, -1):
            if i in needed:
                needed.update(steps[i].args)
        self._order = [i for i in sorted(needed) if expression.depends[i]]
        fixed: list[Any] = [None] * len(steps)
        with np.errstate(all="ignore"):
            for i in sorted(needed):
                step = steps[i]
                if step.op == "number":
                    fixed[i] = np.float64(step.number)
                elif step.op == "column":
                    fixed[i] = np.asarray(data[step.name])
                elif not expression.depends[i]:
                    fixed[i] = _evaluate(step, [fixed[a] for a in step.args])
        self._fixed = fixed
        self._index = {name: j for j, name in enumerate(expression.parameters)}

    def _forward(self, theta: Array) -> list[Any]:
        batch = theta.ndim == 2
        values = list(self._fixed)
        steps = self.expression.steps
        for i in self._order:
            step = steps[i]
            if step.op == "parameter":
                j = self._index[step.name]
                values[i] = theta[:, j, np.newaxis] if batch else theta[j]
            elif step.op == "power" and steps[step.args[1]].op == "number":
                values[i] = values[step.args[0]] ** steps[step.args[1]].number  # numpy's fast paths for 2, -1, .5
            else:
                values[i] = _evaluate(step, [values[a] for a in step.args])
        return values

    def value(self, theta: Array) -> Array:
        """Values, shape (n,) for theta of shape (p,) and (b, n) for theta of shape (b, p)."""
        theta = np.asarray(theta)
        with np.errstate(all="ignore"):
            out = self._forward(theta)[self.expression.output]
        return np.array(np.broadcast_to(out, (*theta.shape[:-1], self.n)))

    def value_and_jacobian(self, theta: Array, wrt: Sequence[int] | None = None) -> tuple[Array, Array]:
        """Values and derivatives by the parameters ``wrt`` (all by default), shape (..., n, k); reverse accumulation.

        Where an outer derivative is exactly zero the product is zero even if the inner one overflows: the tail of
        ``1 / (1 + exp(u))`` is flat, not undefined.
        """
        theta = np.asarray(theta)
        expression = self.expression
        chosen = range(len(expression.parameters)) if wrt is None else wrt
        mask = 0
        for j in chosen:
            mask |= 1 << j
        shape = (*theta.shape[:-1], self.n)
        with np.errstate(all="ignore"):
            values = self._forward(theta)
            adjoint: dict[int, Any] = {expression.output: np.ones((), dtype=theta.dtype)}
            for i in reversed(self._order):
                if i not in adjoint or not expression.depends[i] & mask:
                    continue
                step = expression.steps[i]
                if step.op == "parameter":
                    continue
                outer = adjoint.pop(i)
                for k, a in enumerate(step.args):
                    if expression.depends[a] & mask:
                        inner = _partial(step, k, [values[b] for b in step.args], values[i])
                        part = outer if inner is None else _product(outer, inner)
                        adjoint[a] = adjoint[a] + part if a in adjoint else part
            place = {s.name: i for i, s in enumerate(expression.steps) if s.op == "parameter"}
            jacobian = np.zeros((*shape, len(chosen)), dtype=theta.dtype)
            for k, j in enumerate(chosen):
                i = place.get(expression.parameters[j], -1)
                if i in adjoint:
                    jacobian[..., k] = adjoint[i]
        return np.array(np.broadcast_to(values[expression.output], shape)), jacobian

    def affine_parts(self, theta: Array, chosen: Sequence[int]) -> tuple[Array, Array]:
        """Values where the chosen parameters, in which the expression is affine, are 0, and what one of each adds."""
        return self.value_and_jacobian(theta, wrt=chosen)


def _product(outer: Any, inner: Any) -> Any:
    out = outer * inner
    return np.where(outer == 0, 0.0, out) if not np.all(np.isfinite(out)) else out


def _partial(step: Step, k: int, inputs: Sequence[Any], value: Any) -> Any:
    """Derivative of a step by its k-th argument; None stands for one."""
    op = step.op
    if op == "add" or (op == "subtract" and k == 0):
        return None
    if op in ("subtract", "negative"):
        return np.float64(-1.0)
    if op in FUNCTIONS:
        return FUNCTIONS[op].slope(inputs[0], value)
    left, right = inputs
    if op == "multiply":
        return right if k == 0 else left
    if op == "divide":
        return 1.0 / right if k == 0 else -value / right
    if op == "power":
        if k == 0:
            return right * left ** (right - 1.0)
        return np.where(value == 0, 0.0, value * np.log(np.where(left == 0, 1.0, left)))
    chosen_left = np.real(left) >= np.real(right) if op == "max" else np.real(left) <= np.real(right)
    return np.where(chosen_left, 1.0, 0.0) if k == 0 else np.where(chosen_left, 0.0, 1.0)
