"""Formulas such as ``"E + A*x**-a"`` become functions of parameters and data columns, without evaluating any text."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import CurvefitError, UsageError
from ..curves._checks import safe_text
from .nonlinear.expression import CONSTANTS, FUNCTIONS, Bound, Builder, Expression

__all__ = ["Formula", "parse_formula", "split_response"]

MAX_CHARACTERS = 4000
MAX_NODES = 1000
MAX_DEPTH = 100
MAX_PARAMETERS = 50
MAX_EXPONENT = 1000.0

_SYNONYMS = {
    "ln": "log",
    "atan": "arctan",
    "asin": "arcsin",
    "acos": "arccos",
    "asinh": "arcsinh",
    "fabs": "abs",
    "absolute": "abs",
    "expit": "logistic",
    "sigmoid": "logistic",
    "maximum": "max",
    "minimum": "min",
}
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
_WRITTEN = {ast.BitXor: "^ (write ** for a power)", ast.Mod: "%", ast.FloorDiv: "//", ast.MatMult: "@"}


@dataclass(frozen=True, eq=False)
class Formula:
    """A parsed formula: which names are parameters, which are columns, and its value.

    Parameters
    ----------
    text : str
        As written.
    expression : Expression
        What it means.

    Examples
    --------
    >>> law = parse_formula("E + A*x**-a", columns=["x"])
    >>> law.parameters
    ('E', 'A', 'a')
    >>> law({"E": 1.0, "A": 2.0, "a": 0.5}, {"x": [1.0, 4.0]})
    array([3., 2.])
    """

    text: str
    expression: Expression

    @property
    def parameters(self) -> tuple[str, ...]:
        """Free names that are not data columns, in order of appearance."""
        return self.expression.parameters

    @property
    def columns(self) -> tuple[str, ...]:
        """Data columns it uses."""
        return self.expression.columns

    def __call__(self, params: Mapping[str, complex], columns: Mapping[str, ArrayLike]) -> NDArray[Any]:
        """Value at each row, complex where a parameter is.

        Parameters
        ----------
        params : mapping of str to number
            One value per parameter.
        columns : mapping of str to array-like, shape (n,)
            The data columns.
        """
        return self._bound(columns).value(self._vector(params))

    def jacobian(self, params: Mapping[str, float], columns: Mapping[str, ArrayLike]) -> NDArray[Any]:
        """Exact derivatives by the parameters, shape (n, p), in the order of ``parameters``."""
        return self._bound(columns).value_and_jacobian(self._vector(params))[1]

    def _bound(self, columns: Mapping[str, ArrayLike]) -> Bound:
        missing = [c for c in self.columns if c not in columns]
        if missing:
            raise UsageError(f"the formula needs the column {missing[0]!r}", code="CF-FML-007", where="columns")
        n = max((np.size(column) for column in columns.values()), default=1)
        return self.expression.bind({c: np.asarray(columns[c]) for c in self.columns}, n)

    def _vector(self, params: Mapping[str, complex]) -> NDArray[Any]:
        if set(params) != set(self.parameters):
            raise UsageError(
                f"the formula has the parameters {', '.join(self.parameters)}; got {', '.join(map(str, params))}",
                code="CF-FML-008",
                where="params",
            )
        return np.array([params[name] for name in self.parameters])


def split_response(text: str, y: str) -> tuple[str, str]:
    """Split ``"log(y) = a + b*x"`` into response and formula; without ``=`` (or ``~``) the response is ``y``."""
    for sign in ("=", "~"):
        if sign in text and "==" not in text:
            left, _, right = text.partition(sign)
            if not left.strip() or not right.strip() or sign in right:
                raise UsageError(
                    f"{_quoted(text)} has no single {sign!r} between a response and a formula",
                    code="CF-FML-001",
                    where="formula",
                    hint="write for example 'log(y) = a + b*x', or only the right-hand side",
                )
            return left.strip(), right.strip()
    return y, text


def parse_formula(text: str, columns: Iterable[str], *, parameters: bool = True) -> Formula:
    """Parse a formula of numbers, names, + - * / **, unary minus, parentheses and named functions.

    Parameters
    ----------
    text : str
        For example ``"E + A*x**-a"``. Powers are written ``**``. ``pi`` is known unless a column is called so.
    columns : iterable of str
        Names that are data; every other name is a parameter.
    parameters : bool
        Whether free names are allowed; False for a response such as ``"log(y)"``.

    Returns
    -------
    Formula

    Raises
    ------
    UsageError
        With the position, what stands there and what is allowed: at anything outside the grammar, and beyond the
        limits of length (4,000 characters), size, depth and literal powers (1,000 in absolute value).

    Notes
    -----
    The text is parsed to a syntax tree and the tree is walked; nothing is compiled or executed. Arithmetic on
    literals is done in floating point, so ``9**9**9`` overflows at once and is refused.
    """
    if not isinstance(text, str) or not text.strip():
        raise UsageError("the formula is empty or not text", code="CF-FML-001", where="formula")
    if len(text) > MAX_CHARACTERS:
        raise UsageError(
            f"the formula has {len(text)} characters; at most {MAX_CHARACTERS} are read",
            code="CF-FML-002",
            where="formula",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tokenizer's remarks on literals such as 1or
            tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise UsageError(
            f"{_quoted(text)} is not a formula: {safe_text(error.msg)}",
            code="CF-FML-001",
            where=f"formula, position {error.offset or 1}",
            hint="use + - * / **, parentheses, numbers, names and functions, for example 'E + A*x**-a'",
        ) from None
    except (ValueError, MemoryError, RecursionError):  # NUL bytes, or nesting beyond the parser
        raise UsageError(
            f"{_quoted(text)} is nested too deeply or holds a NUL character", code="CF-FML-002", where="formula"
        ) from None
    _check_size(tree)
    parser = _Parser(text, frozenset(columns), parameters)
    output = parser.walk(tree.body)
    builder = parser.builder
    if len(builder.parameters) > MAX_PARAMETERS:
        raise UsageError(
            f"the formula has {len(builder.parameters)} parameters; at most {MAX_PARAMETERS} are fitted",
            code="CF-FML-002",
            where="formula",
            hint="names that should be data must be columns of the data",
        )
    return Formula(text, builder.finish(output))


def _check_size(tree: ast.AST) -> None:
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    nodes = 0
    while stack:
        node, depth = stack.pop()
        nodes += not isinstance(node, ast.operator | ast.unaryop | ast.expr_context)
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            limit = f"more than {MAX_NODES} terms" if nodes > MAX_NODES else f"nesting deeper than {MAX_DEPTH}"
            raise UsageError(f"the formula has {limit}", code="CF-FML-002", where="formula")
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _quoted(text: str) -> str:
    shown = safe_text(text.strip())
    return repr(shown if len(shown) <= 60 else shown[:57] + "...")


class _Parser:
    """Walks the syntax tree; what is not listed here is refused."""

    def __init__(self, text: str, columns: frozenset[str], parameters: bool) -> None:
        self.text = text
        self.columns = columns
        self.free_names = parameters
        self.builder = Builder()

    def refuse(self, node: ast.expr, what: str, code: str = "CF-FML-003", hint: str = "") -> CurvefitError:
        place = f"formula, position {node.col_offset + 1}"
        return UsageError(f"in {_quoted(self.text)}: {what}", code=code, where=place, hint=hint)

    def walk(self, node: ast.expr) -> int:
        if isinstance(node, ast.Constant):
            return self._number(node)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        kinds = {"Attribute": "a dotted name", "Subscript": "an index in brackets", "Compare": "a comparison"}
        kind = kinds.get(type(node).__name__, f"{type(node).__name__.lower()} syntax")
        raise self.refuse(
            node,
            f"{kind} is not part of a formula",
            hint="only numbers, names, + - * / ** and named functions; pass a function instead for anything else",
        )

    def _number(self, node: ast.Constant) -> int:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.refuse(node, f"{safe_text(repr(node.value))[:40]} is not a real number")
        try:
            value = float(node.value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise self.refuse(node, "a number here is too large", code="CF-FML-004")
        return self.builder.number(value)

    def _name(self, node: ast.Name) -> int:
        name = node.id
        if name in self.columns:
            return self.builder.column(name)
        if name in CONSTANTS:
            return self.builder.number(CONSTANTS[name])
        if name.startswith("__"):
            raise self.refuse(node, f"{name!r} is not a name for a parameter")
        if not self.free_names:
            raise self.refuse(
                node,
                f"{safe_text(name)!r} is not a column of the data",
                code="CF-FML-005",
                hint=_choices(name, self.columns, "columns"),
            )
        return self.builder.parameter(name)

    def _binary(self, node: ast.BinOp) -> int:
        op = _OPERATORS.get(type(node.op))
        if op is None:
            sign = _WRITTEN.get(type(node.op), type(node.op).__name__)
            raise self.refuse(node, f"the operator {sign} is not part of a formula", hint="operators: + - * / **")
        left, right = self.walk(node.left), self.walk(node.right)
        return self._apply(node, op, left, right)

    def _apply(self, node: ast.expr, op: str, *args: int) -> int:
        steps = self.builder.steps
        if op == "power" and steps[args[1]].op == "number" and abs(steps[args[1]].number) > MAX_EXPONENT:
            raise self.refuse(node, f"the power {steps[args[1]].number:g} exceeds {MAX_EXPONENT:g}", code="CF-FML-004")
        place = self.builder.apply(op, *args)
        step = self.builder.steps[place]
        if step.op == "number" and not math.isfinite(step.number):
            raise self.refuse(node, "the arithmetic on numbers here overflows or is undefined", code="CF-FML-004")
        return place

    def _unary(self, node: ast.UnaryOp) -> int:
        if isinstance(node.op, ast.UAdd):
            return self.walk(node.operand)
        if isinstance(node.op, ast.USub):
            return self._apply(node, "negative", self.walk(node.operand))
        raise self.refuse(node, f"the operator {type(node.op).__name__.lower()} is not part of a formula")

    def _call(self, node: ast.Call) -> int:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(
                node,
                "only a function's plain name can be called (exp, not np.exp)",
                code="CF-FML-006",
                hint=f"functions: {', '.join(sorted(FUNCTIONS))}, max, min",
            )
        name = _SYNONYMS.get(node.func.id, node.func.id)
        count = 2 if name in ("max", "min") else 1
        if name not in FUNCTIONS and count == 1:
            raise self.refuse(
                node,
                f"{safe_text(node.func.id)!r} is not a known function",
                code="CF-FML-006",
                hint=_choices(node.func.id, [*FUNCTIONS, "max", "min"], "functions"),
            )
        if node.keywords or len(node.args) != count or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.refuse(node, f"{name} takes {count} argument{'s' if count > 1 else ''}", code="CF-FML-006")
        return self._apply(node, name, *(self.walk(a) for a in node.args))


def _choices(name: str, choices: Iterable[str], what: str) -> str:
    names = sorted(choices)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}{what}: {', '.join(names) or 'none'}"
