"""Arguments as users write them become one checked least-squares problem."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curves import DataError, UsageError
from ...curves.errors import unknown_name
from ..formula import parse_formula, split_response
from .expression import Bound, Expression, largest_affine_set
from .model_function import BlackBox, ModelFunction, TiedModel, read_signature, traced
from .optimize import probe_couples
from .problem import Problem
from .scales import Span, StartSampler, data_span, unit_exponents
from .table import Table, read_weights

__all__ = ["Setup", "prepare"]

Array = NDArray[np.float64]
SEARCH_ROWS = 256  # rows the global search looks at; the polish uses all


@dataclass(frozen=True, eq=False)
class Setup:
    """A model, its data and what is asked of its parameters.

    Parameters
    ----------
    label, response : str
        The model and the response, for people.
    function : Expression, BlackBox or TiedModel
        The model of the free parameters.
    names : tuple of str
        All parameters, as in the model, then those that only ties use.
    ties : mapping of str to Expression
        Parameters that follow from the free ones.
    columns : mapping of str to ndarray
        Predictors the model reads, rows in use only.
    y, weights : ndarray, shape (n,)
    rows : ndarray of int, shape (n,)
        Which rows of the data are in use.
    dropped : int
        Rows left out because a number in them is missing or not finite, or their weight is zero.
    start : ndarray or None
    low, high : ndarray
    """

    label: str
    response: str
    function: ModelFunction
    names: tuple[str, ...]
    ties: Mapping[str, Expression]
    columns: Mapping[str, Array]
    y: Array
    weights: Array | None
    rows: NDArray[np.intp]
    dropped: int
    start: Array | None
    low: Array
    high: Array

    @property
    def free(self) -> tuple[str, ...]:
        """Parameters that are fitted."""
        return self.function.parameters

    @property
    def unit(self) -> float:
        """A power of two near the size of the weighted response: residuals are divided by it, against overflow."""
        size = float(np.max(np.abs(self.y), initial=0.0))
        if self.weights is not None:
            size *= math.sqrt(float(self.weights.max()))
        return 2.0 ** math.floor(math.log2(size)) if 0 < size < math.inf else 1.0

    def problem(self, linear: Sequence[int] = (), index: NDArray[np.intp] | None = None) -> Problem:
        """The problem on all rows or on some; residuals are in units of ``unit``."""
        take = slice(None) if index is None else index
        y = self.y[take]
        root = np.full(len(y), 1.0 / self.unit)
        if self.weights is not None:
            root *= np.sqrt(self.weights[take])
        bound = self.function.bind({c: v[take] for c, v in self.columns.items()}, len(y))
        return Problem(bound, y, root, self.low, self.high, tuple(linear))

    def sampler(self) -> StartSampler:
        """Starting values that suit the data."""
        spans: dict[str, Span] = {c: data_span(v) for c, v in self.columns.items()}
        spans[""] = data_span(self.y)
        exponents = unit_exponents(self.function, list(spans)) if isinstance(self.function, Expression) else None
        return StartSampler(self.free, spans, exponents, np.column_stack([self.low, self.high]), self.start)

    def linear(self, rng: np.random.Generator) -> tuple[int, ...]:
        """Unbounded parameters in which the model is jointly affine, from its expression or by probing."""
        allowed = np.flatnonzero(~np.isfinite(self.low) & ~np.isfinite(self.high)).tolist()
        if isinstance(self.function, Expression):
            return largest_affine_set(self.function.interactions(), allowed)
        small = self.problem(index=self.thinned(40, rng))
        thetas = self.sampler().draw(60, rng)
        if self.start is not None:
            thetas[0] = self.start
        finite = np.array([bool(np.all(np.isfinite(small.residuals(t)))) for t in thetas])
        if not finite.any():
            return ()
        return largest_affine_set(probe_couples(small, thetas[finite][:6]), allowed)

    def thinned(self, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Up to ``count`` rows: one at random from each of as many strata along the first predictor."""
        n = len(self.y)
        order = np.argsort(next(iter(self.columns.values())), kind="stable") if self.columns else np.arange(n)
        if n <= count:
            return np.arange(n)
        edges = np.linspace(0, n, count + 1).astype(np.intp)
        chosen = edges[:-1] + (rng.random(count) * np.diff(edges)).astype(np.intp)
        chosen[0], chosen[-1] = 0, n - 1
        return np.sort(order[chosen])

    def roughness(self) -> Callable[[Array], float] | None:
        """How far the model strays from a straight line between neighboring rows; None without a single predictor."""
        if len(self.columns) != 1:
            return None
        name, x = next(iter(self.columns.items()))
        places = np.unique(x)
        if len(places) < 2:
            return None
        steps = np.linspace(0, len(places) - 2, min(len(places) - 1, 1000)).astype(np.intp)
        left, right = places[steps], places[steps + 1]
        part = (3.0 - math.sqrt(5.0)) / 2.0  # golden section: no period that fits all rows fits these places, too
        ends = self.function.bind({name: np.concatenate([left, right])}, 2 * len(left))
        between = self.function.bind({name: left + part * (right - left)}, len(left))

        def strays(theta: Array) -> float:
            low, high = ends.value(theta).reshape(2, -1)
            size = float(np.sum(np.abs(between.value(theta) - low - part * (high - low))))
            return size if math.isfinite(size) else math.inf

        return strays

    @property
    def cheap(self) -> bool:
        """Whether many parameter vectors can be evaluated at once."""
        return isinstance(self.function, Expression)


def prepare(
    model: str | Callable[..., Any],
    data: Any,
    start: Any,
    y: str,
    bounds: Mapping[str, tuple[float | None, float | None]] | None,
    weights: Any,
    ties: Mapping[str, str | float] | None,
    rng: np.random.Generator,
) -> Setup:
    """Check the arguments of ``least_squares`` and put them together."""
    table = Table(data)
    values, limits, tied = _from_lmfit(start) if _is_lmfit(start) else (start, {}, {})
    limits |= dict(bounds or {})
    tied |= dict(ties or {})
    named = [*values, *limits] if isinstance(values, Mapping) else list(limits)
    if isinstance(model, str):
        response, text = split_response(model, y)
        label = model.strip()
        predictors = [c for c in table.names if c != response]
        original: ModelFunction = parse_formula(text, predictors).expression
    elif callable(model):
        response, label = y, getattr(model, "__name__", type(model).__name__)
        predictors = [c for c in table.names if c != response]
        original = BlackBox(read_signature(model, predictors, list(dict.fromkeys(named)) or None))
    else:
        raise UsageError(
            f"the model is a {type(model).__name__}",
            code="CF-LSQ-002",
            where="model",
            hint="pass a formula such as 'E + A*x**-a' or a function f(x, E, A, a)",
        )
    target = _response(response, table)
    case_weights = read_weights(weights, table)
    rows, dropped = _usable_rows(table, original.columns, target, case_weights)
    columns = {c: table[c][rows] for c in original.columns}

    names, resolved = _resolve_ties(tied, original.parameters)
    free = tuple(name for name in names if name not in resolved)
    if not free:
        raise UsageError("the model has no free parameters", code="CF-LSQ-003", where="model")
    _check_names(limits, free, resolved, "bounds")
    low, high = _limits(limits, free)
    first = _start(values, free, resolved, low, high)
    if isinstance(original, BlackBox):
        original = _trace(original, columns, first if not resolved else None, rng)
    if isinstance(original, BlackBox):
        function: ModelFunction = TiedModel(original, free, resolved) if resolved else original
    else:
        assert isinstance(original, Expression)
        function = original.substitute(resolved, free)
    setup = Setup(
        label, response, function, names, resolved, columns, target[rows],
        None if case_weights is None else case_weights[rows], rows, dropped, first, low, high,
    )  # fmt: skip
    if first is not None:
        _check_start(setup, first)
    return setup


def _response(response: str, table: Table) -> Array:
    if response in table:
        return table[response]
    if response.isidentifier():
        raise unknown_name("column", response, table.names, where="y")
    expression = parse_formula(response, table.names, parameters=False).expression
    return expression.bind({c: table[c] for c in expression.columns}, table.rows).value(np.empty(0))


def _usable_rows(
    table: Table, columns: Sequence[str], target: Array, weights: Array | None
) -> tuple[NDArray[np.intp], int]:
    keep = np.isfinite(target)
    for name in columns:
        keep &= np.isfinite(table[name])
    if weights is not None:
        keep &= weights > 0
    if not keep.any():
        raise DataError("no row has all numbers finite", where="data", hint="check the response and the columns used")
    return np.flatnonzero(keep), int(np.sum(~keep))


def _resolve_ties(tied: Mapping[str, Any], parameters: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Expression]]:
    """All names in order, and every tie as an expression of free parameters."""
    parsed: dict[str, Expression] = {}
    for name, meaning in tied.items():
        text = repr(float(meaning)) if isinstance(meaning, int | float) else meaning
        parsed[name] = parse_formula(text, ()).expression
    helpers = [p for e in parsed.values() for p in e.parameters]
    names = tuple(dict.fromkeys([*parameters, *helpers]))
    _check_names(parsed, names, {}, "ties")
    resolved: dict[str, Expression] = {}
    for _ in range(len(parsed) + 1):
        ready = {
            n: e.substitute(resolved, ())
            for n, e in parsed.items()
            if n not in resolved and not any(p in parsed and p not in resolved for p in e.parameters)
        }
        if not ready:
            break
        resolved |= ready
    if len(resolved) < len(parsed):
        circle = ", ".join(sorted(set(parsed) - set(resolved)))
        raise UsageError(f"the ties of {circle} go round in a circle", code="CF-LSQ-003", where="ties")
    return names, resolved


def _check_names(given: Mapping[str, Any], known: Sequence[str], tied: Mapping[str, Any], where: str) -> None:
    for name in given:
        if name in tied:
            raise UsageError(f"{name!r} is tied and takes no {where}", code="CF-LSQ-003", where=where)
        if name not in known:
            raise unknown_name("parameter", str(name), known, where=where)


def _limits(limits: Mapping[str, tuple[float | None, float | None]], free: Sequence[str]) -> tuple[Array, Array]:
    low, high = np.full(len(free), -np.inf), np.full(len(free), np.inf)
    for name, pair in limits.items():
        try:
            left, right = pair
        except (TypeError, ValueError):
            raise UsageError(
                f"the bounds of {name!r} are {pair!r}", code="CF-LSQ-004", where="bounds", hint="pass (low, high)"
            ) from None
        j = free.index(name)
        low[j] = -np.inf if left is None else float(left)
        high[j] = np.inf if right is None else float(right)
        if not low[j] < high[j]:
            raise UsageError(
                f"the bounds of {name!r} are [{low[j]:g}, {high[j]:g}]; low < high is needed",
                code="CF-LSQ-004",
                where="bounds",
                hint="fix a parameter with ties={name: value}",
            )
    return low, high


def _start(values: Any, free: Sequence[str], tied: Mapping[str, Any], low: Array, high: Array) -> Array | None:
    if values is None:
        return None
    if isinstance(values, Mapping):
        _check_names({k: v for k, v in values.items() if k not in tied}, free, {}, "start")
        missing = [name for name in free if name not in values]
        if missing:
            raise UsageError(
                f"the start lacks {', '.join(missing)}",
                code="CF-LSQ-005",
                where="start",
                hint="give all parameters a value, or none",
            )
        listed = [values[name] for name in free]
    elif isinstance(values, str | bytes) or not hasattr(values, "__iter__") or getattr(values, "ndim", 1) != 1:
        raise UsageError(
            f"starting values are numbers, got {values!r:.60}",
            code="CF-LSQ-005",
            where="start",
            hint="a list in the order of the parameters, or {'a': 1.0}",
        )
    else:
        listed = list(values)
        if len(listed) != len(free):
            raise UsageError(
                f"{len(listed)} starting values for {len(free)} parameters: {', '.join(free)}",
                code="CF-LSQ-005",
                where="start",
            )
    try:
        out = np.array([float(v) for v in listed])
    except (TypeError, ValueError):
        raise UsageError(f"starting values are numbers, got {listed!r}", code="CF-LSQ-005", where="start") from None
    if not np.all(np.isfinite(out)):
        raise UsageError("a starting value is not finite", code="CF-LSQ-005", where="start")
    for name, value, left, right in zip(free, out, low, high, strict=True):
        if not left <= value <= right:
            raise UsageError(
                f"the start {name} = {value:g} is outside its bounds [{left:g}, {right:g}]",
                code="CF-LSQ-005",
                where="start",
            )
    return out


def _trace(box: BlackBox, columns: Mapping[str, Array], start: Array | None, rng: np.random.Generator) -> ModelFunction:
    guesses = rng.choice([-1.0, 1.0], (20, len(box.parameters))) * np.exp(rng.normal(0, 1, (20, len(box.parameters))))
    if start is not None:
        guesses = np.vstack([start, start * np.exp(rng.normal(0, 0.1, (3, len(start)))), guesses])
    return traced(box.signature, columns, guesses) or box


def _check_start(setup: Setup, start: Array) -> None:
    bound = setup.function.bind(setup.columns, len(setup.y))
    values = bound.value(start)
    if not np.all(np.isfinite(values)) and not isinstance(bound, Bound):
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise UsageError(
            f"the model is not finite at the start, first in row {int(setup.rows[row])}",
            code="CF-LSQ-005",
            where="start",
            hint="pass other starting values, or none",
        )


def _is_lmfit(start: Any) -> bool:
    return type(start).__name__ == "Parameters" and type(start).__module__.split(".")[0] == "lmfit"


def _from_lmfit(parameters: Any) -> tuple[dict[str, float], dict[str, Any], dict[str, Any]]:
    """Values, bounds and ties of lmfit's Parameters; their expressions are read by the package's own parser."""
    values: dict[str, float] = {}
    limits: dict[str, Any] = {}
    tied: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if parameter.expr is not None:
            tied[name] = str(parameter.expr)
        elif not parameter.vary:
            tied[name] = float(parameter.value)
        else:
            values[name] = float(parameter.value)
            if math.isfinite(parameter.min) or math.isfinite(parameter.max):
                limits[name] = (parameter.min, parameter.max)
    return values, limits, tied
