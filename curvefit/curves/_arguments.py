"""Types of arguments, checked where people call: what came, where, and what was meant, instead of a traceback."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError

__all__ = ["as_numbers", "checked", "converters", "is_number", "short"]

P = ParamSpec("P")
R = TypeVar("R")

converters: dict[str, Callable[[Any, str, str | None], Any]] = {}
"""What makes the record an annotation names of what was handed over: by annotation, from value, function and metric."""

_PLAIN: dict[str, Callable[[Any], Any]] = {"number": float, "whole": int}
_TEXTS = frozenset({"str", "Direction", "Kind", "Criterion", "IntervalKind", "ResumePolicy", "Scale", "Split", "XUnit"})
_RECORDS = frozenset(
    {"Axes", "Curve", "Diagnoses", "Fit", "Forecast", "Forecaster", "Metric", "Model", "Run", "Schedule"}
)
_LINEAGES: dict[type, frozenset[str]] = {}  # names of a type and of those it comes from
_MEANT = {
    "number": "a number",
    "whole": "a whole number",
    "text": "a text",
    "flag": "True or False",
    "numbers": "numbers, such as [1.0, 2.0]",
    "several": "a list",
    "any number": "a list",
    "mapping": "a mapping by name, such as {'name': value}",
    "None": "None",
}


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Hold the arguments of a public function to its annotations, as far as they are about numbers, text and records.

    Parameters
    ----------
    function : callable
        With annotated parameters. Those that say ``float`` get a float; ``Curve`` and ``Run`` get what the
        `converters` make of the argument; what an annotation says beyond that is left to the function.

    Returns
    -------
    callable
        The same, which raises `UsageError` naming the argument for one of another type.
    """
    loose: Callable[..., R] = function  # what is converted is no longer of the types that P stands for
    parameters = list(signature(function).parameters.values())
    plan = {p.name: str(p.annotation) for p in parameters if p.annotation is not Parameter.empty}
    order = [p.name for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
    metric_at = order.index("metric") if "metric" in order else len(order)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        where = function.__name__
        given = args[metric_at] if metric_at < min(len(args), len(order)) else kwargs.get("metric")
        metric = given if isinstance(given, str) else None
        positional = [_checked(plan, name, value, where, metric) for name, value in zip(order, args, strict=False)]
        named = {name: _checked(plan, name, value, where, metric) for name, value in kwargs.items()}
        return loose(*positional, *args[len(order) :], **named)

    return call


def _checked(plan: Mapping[str, str], name: str, value: Any, where: str, metric: Any) -> Any:
    annotation = plan.get(name)
    if annotation is None:
        return value
    if annotation in converters:
        return converters[annotation](value, where, metric)
    kinds = _kinds(annotation)
    if not kinds or any(_is(kind, value) for kind in kinds):
        if value is not None and kinds and kinds[0] in _PLAIN and set(kinds) <= {kinds[0], "None"}:
            return _PLAIN[kinds[0]](value)
        return value
    meant = " or ".join(_MEANT.get(kind, f"a {kind}") for kind in kinds)
    raise UsageError(f"{name} = {short(value)} is not {meant}", code="CF-USE-009", where=f"{where}()", hint=_hint(name))


@lru_cache(maxsize=512)
def _kinds(annotation: str) -> tuple[str, ...]:
    """What the alternatives of an annotation ask for; empty when one of them may be anything."""
    found: list[str] = []
    for part in _alternatives(annotation):
        outer = part.split("[", 1)[0]
        if part == "float":
            kind = "number"
        elif part == "int":
            kind = "whole"
        elif part == "bool":
            kind = "flag"
        elif part in _TEXTS or (outer == "Literal" and '"' in part.replace("'", '"')):
            kind = "text"
        elif part == "ArrayLike":
            kind = "numbers"
        elif outer == "Iterable":
            kind = "any number"
        elif outer in ("Sequence", "list", "tuple"):
            kind = "several"
        elif outer == "Mapping":
            kind = "mapping"
        elif part in _RECORDS or part == "None":
            kind = part
        else:
            return ()
        found.append(kind)
    return tuple(dict.fromkeys(found))


def _alternatives(annotation: str) -> list[str]:
    """Parts between bars that are in no brackets."""
    flat = re.sub(r"\[.*\]", lambda inside: inside[0].replace("|", "\0"), annotation)
    return [part.strip().replace("\0", "|") for part in flat.split("|")]


def _is(kind: str, value: Any) -> bool:
    if kind == "None":
        return value is None
    if kind == "text":
        return isinstance(value, str)
    if kind == "flag":
        return isinstance(value, bool | np.bool_)
    if kind == "number":
        return is_number(value)
    if kind == "whole":
        return (
            is_number(value)
            and hasattr(type(value), "__index__")
            and getattr(value, "dtype", np.dtype(int)).kind in "iu"
        )
    if kind == "numbers":
        return _are_numbers(value)
    if kind in ("several", "any number"):
        plain = isinstance(value, Iterable) and getattr(value, "ndim", 1) == 1
        return (
            plain
            and not isinstance(value, str | bytes | Mapping)
            and not _is_record(value)
            and (kind == "any number" or hasattr(value, "__len__"))
        )
    if kind == "mapping":
        return isinstance(value, Mapping)
    return kind in _names(value)


def _names(value: object) -> frozenset[str]:
    """Names of the type of a value, and of those it comes from."""
    kind = type(value)
    found = _LINEAGES.get(kind)
    if found is None:
        if len(_LINEAGES) >= 512:
            _LINEAGES.clear()
        found = _LINEAGES[kind] = frozenset(c.__name__ for c in kind.__mro__)
    return found


def _is_record(value: Any) -> bool:
    return not _RECORDS.isdisjoint(_names(value))


def as_numbers(value: Any, name: str, where: str) -> NDArray[np.float64]:
    """Floats of any shape, or the error for what are none."""
    if not _are_numbers(value):
        raise UsageError(
            f"{name} = {short(value)} is not {_MEANT['numbers']}", code="CF-USE-009", where=where, hint=_hint(name)
        )
    return np.asarray(value, dtype=np.float64)


def is_number(value: Any) -> bool:
    """Whether it is one real number, of Python, NumPy or any library, and no flag."""
    kind = type(value)
    if kind is float or kind is np.float64:
        return True
    if isinstance(value, bool | np.bool_ | str | bytes | complex) or getattr(value, "ndim", False):
        return False
    if not (hasattr(kind, "__float__") or hasattr(kind, "__index__")):
        return False
    try:
        return not math.isinf(float(value)) or kind is not int
    except (TypeError, ValueError, OverflowError):
        return False


def _are_numbers(value: Any) -> bool:
    if isinstance(value, str | bytes | bool) or _is_record(value):
        return False
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iuf":
            np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return False
    return (array.dtype.kind in "iufO" and array.size > 0) or array.dtype.kind == "f"


def short(value: object) -> str:
    """What was given, in at most 60 characters of one line."""
    try:
        text = repr(value).split("\n", 1)[0]
    except ValueError:  # an integer of more digits than Python writes
        return f"{type(value).__name__} of too many digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _hint(name: str) -> str:
    """What to write for the arguments that people mistake most."""
    return {
        "x": "x=80 or x=[80, 120], in the unit of the curve's x",
        "metric": "the name of one of the run's curves, such as 'val_loss'",
        "horizon": "horizon=200, an x beyond the data",
        "level": "level=0.95",
        "levels": "levels=[0.1, 0.5, 0.9]",
        "curves": "a list of curves; for one: cf.forecast(curve, x)",
        "max_bytes": "max_bytes=2**30, a number of bytes",
        "keep_partial_tail": "keep_partial_tail=True or False",
    }.get(name, "")
