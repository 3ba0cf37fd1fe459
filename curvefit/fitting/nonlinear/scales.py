"""How large a parameter may be: its unit read off the formula, its size from the spread of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .expression import FUNCTIONS, Expression

__all__ = ["Span", "StartSampler", "data_span", "unit_exponents"]

_RESPONSE = ""  # stands for the response among the dimensions
_LITERAL_PRIOR, _PARAMETER_PRIOR, _WEAK = 1e-2, 1e-4, 1e-2  # weights against 1 for a rule of dimensional analysis


@dataclass(frozen=True, slots=True)
class Span:
    """Where a column lies and which magnitudes it has.

    Parameters
    ----------
    low, high : float
        Smallest and largest value.
    fine, coarse : float
        Smallest and largest magnitude that matters: the spacing or the smallest non-zero size, and the range or the
        largest size.
    """

    low: float
    high: float
    fine: float
    coarse: float


def data_span(values: NDArray[np.float64]) -> Span:
    """The span of a column."""
    low, high = float(np.min(values)), float(np.max(values))
    sizes = np.abs(values[values != 0])
    reach = high - low
    coarse = max(reach, float(sizes.max(initial=0.0))) or 1.0
    distinct = len(np.unique(values))
    small = [v for v in (reach / max(distinct - 1, 1), float(sizes.min(initial=coarse))) if v > 0]
    return Span(low, high, max(min(small, default=coarse), 1e-4 * coarse), coarse)


def unit_exponents(expression: Expression, dimensions: Sequence[str]) -> NDArray[np.float64]:
    """Exponents of the units of columns and response in the unit of each parameter, by dimensional analysis.

    Terms of a sum share their unit, arguments of exp, sin, ... have none, the value has the unit of the response.
    Literals may carry a unit where a rule needs it (``cos(2*pi*t/12)``), reluctantly. The rules are solved by least
    squares: a formula that breaks them still gets the exponents that break them least.

    Parameters
    ----------
    expression : Expression
    dimensions : sequence of str
        Columns, and ``""`` for the response.

    Returns
    -------
    ndarray, shape (p, d)
    """
    steps, p, d = expression.steps, len(expression.parameters), len(dimensions)
    literals = [i for i, s in enumerate(steps) if s.op == "number"]
    unknowns = p + len(literals)
    width = unknowns + d  # coefficients of the unknowns, then the known exponents
    units: list[NDArray[np.float64]] = []
    rules: list[NDArray[np.float64]] = []

    def rule(difference: NDArray[np.float64], weight: float = 1.0) -> None:
        rules.append(weight * difference)

    for i, step in enumerate(steps):
        unit = np.zeros(width)
        args = [units[a] for a in step.args]
        if step.op == "number":
            unit[p + literals.index(i)] = 1.0
        elif step.op == "parameter":
            unit[expression.parameters.index(step.name)] = 1.0
        elif step.op == "column" and step.name in dimensions:
            unit[unknowns + dimensions.index(step.name)] = 1.0
        elif step.op in ("add", "subtract", "max", "min"):
            rule(args[0] - args[1])
            unit = args[1] if steps[step.args[0]].op == "number" else args[0]
        elif step.op == "multiply":
            unit = args[0] + args[1]
        elif step.op == "divide":
            unit = args[0] - args[1]
        elif step.op in ("negative", "abs"):
            unit = args[0]
        elif step.op == "sqrt":
            unit = args[0] / 2
        elif step.op == "power" and steps[step.args[1]].op == "number":
            unit = args[0] * steps[step.args[1]].number
        elif step.op == "power":  # of unknown size: one, with the sign that is written
            rule(args[1])
            rule(args[0], _WEAK)
            unit = -args[0] if _negative(expression, step.args[1]) else args[0]
        elif step.op in FUNCTIONS:
            rule(args[0], _WEAK if step.op.startswith("log") and step.op != "logistic" else 1.0)
        units.append(unit)
    target = np.zeros(width)
    if _RESPONSE in dimensions:
        target[unknowns + dimensions.index(_RESPONSE)] = 1.0
    rule(units[expression.output] - target)
    for j in range(unknowns):
        prior = np.zeros(width)
        prior[j] = _PARAMETER_PRIOR if j < p else _LITERAL_PRIOR
        rule(prior)
    matrix = np.array(rules)
    solution = np.linalg.lstsq(matrix[:, :unknowns], -matrix[:, unknowns:], rcond=None)[0]
    return np.asarray(solution[:p], dtype=np.float64)


def _negative(expression: Expression, place: int) -> bool:
    step = expression.steps[place]
    if step.op == "number":
        return step.number < 0
    if step.op == "negative":
        return not _negative(expression, step.args[0])
    if step.op in ("multiply", "divide"):
        return _negative(expression, step.args[0]) != _negative(expression, step.args[1])
    return False


class StartSampler:
    """Draws starting values whose magnitudes suit the data.

    Parameters
    ----------
    names : sequence of str
        Parameters.
    spans : mapping of str to Span
        Of each column, and of the response under ``""``.
    exponents : ndarray, shape (p, d), or None
        Units of the parameters in the order of ``spans``; None when nothing is known of the function: then every
        draw guesses one column's scale, its inverse or none.
    bounds : ndarray, shape (p, 2)
        Infinite where there is none.
    center : ndarray, shape (p,), optional
        A guess: a third of the draws scatter about it, over a factor of five or so.
    """

    def __init__(
        self,
        names: Sequence[str],
        spans: Mapping[str, Span],
        exponents: NDArray[np.float64] | None,
        bounds: NDArray[np.float64],
        center: NDArray[np.float64] | None = None,
    ) -> None:
        self.names = tuple(names)
        self._spans = list(spans.values())
        self._exponents = exponents
        self._bounds = bounds
        self.center = center

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Starting values, shape (count, p)."""
        coherent = rng.random(count) < 0.5  # one scale per column for all parameters, as in 1 + x/s + (x/s)**2
        shared = rng.random((count, len(self._spans)))
        out = np.column_stack([self._parameter(j, count, rng, coherent, shared) for j in range(len(self.names))])
        if self.center is not None:
            near = rng.random(count) < 1.0 / 3.0
            factor = np.exp(rng.normal(0.0, 1.5, out.shape))
            around = np.clip(self.center * factor, self._bounds[:, 0], self._bounds[:, 1])
            out = np.where(near[:, np.newaxis] & (self.center != 0), around, out)
        return out

    def _parameter(
        self,
        j: int,
        count: int,
        rng: np.random.Generator,
        coherent: NDArray[np.bool_],
        shared: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        exponents = self._guessed(count, rng) if self._exponents is None else np.tile(self._exponents[j], (count, 1))
        log_size = rng.uniform(-1.0, 1.0, count) * math.log(10.0)
        for k, span in enumerate(self._spans):
            place = np.where(coherent, shared[:, k], rng.random(count))
            log_size += exponents[:, k] * (math.log(span.fine) + place * math.log(span.coarse / span.fine))
        sign = np.where(rng.random(count) < 0.65, 1.0, -1.0)
        out = sign * np.exp(np.clip(log_size, -300.0, 300.0))
        for k, span in enumerate(self._spans):  # has exactly the unit of a column: may be a place on its axis
            others = np.delete(exponents, k, axis=1)
            place = (np.abs(exponents[:, k] - 1.0) < 0.1) & (np.abs(others).max(axis=1, initial=0.0) < 0.1)
            place &= rng.random(count) < 0.5
            reach = span.high - span.low
            where = rng.uniform(span.low - 0.1 * reach, span.high + 0.1 * reach, count)
            out = np.where(place, where, out)
        low, high = self._bounds[j]
        if math.isfinite(low) and math.isfinite(high):
            inside = rng.uniform(low, high, count)
            return np.where((out >= low) & (out <= high) & (rng.random(count) < 0.5), out, inside)
        if math.isfinite(low):
            out = np.where(out < low, low + np.abs(out), out)
        if math.isfinite(high):
            out = np.where(out > high, high - np.abs(out), out)
        return out

    def _guessed(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        exponents = np.zeros((count, len(self._spans)))
        exponents[np.arange(count), rng.integers(0, len(self._spans), count)] = rng.choice([-1.0, 0.0, 1.0], count)
        return exponents
