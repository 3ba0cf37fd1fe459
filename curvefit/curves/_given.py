"""What people hand over where a curve or a run is meant: taken when there is one way to read it, else told what to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._arguments import converters
from .curve import Curve
from .errors import UsageError
from .run import Run

__all__ = ["as_curve", "as_run"]


def as_curve(value: Any, of: str) -> Curve:
    """A curve from a curve, or from a run that has only one.

    Parameters
    ----------
    value : object
        What was handed over.
    of : str
        Function that asks, for the message.

    Raises
    ------
    UsageError
        For everything else, with what to write instead.
    """
    if isinstance(value, Curve):
        return value
    if isinstance(value, Run):
        if len(value) == 1:
            return next(iter(value.curves.values()))
        example = next(iter(value), "val_loss")
        raise UsageError(
            f"{of} works on one curve, the run {value.name!r} has {len(value)}", hint=f"run[{example!r}] is one"
        )
    hint = _instead(value, of, "cf.Curve(x, y, metric='val_loss')")
    raise UsageError(f"{of} needs a Curve, got {_kind(value)}", hint=hint)


def as_run(value: Any, of: str, metric: str | None = None) -> Run:
    """A run from a run, a curve, columns by name, or the bare values of one curve at x = 1, 2, 3, ...

    Parameters
    ----------
    value : object
        What was handed over; a list of one run, as `curvefit.read` returns it, is that run.
    of : str
        Function that asks, for the message.
    metric : str, optional
        Name of the curve when only values are given.

    Raises
    ------
    UsageError
        For everything else, with what to write instead.
    DataError
        When columns or values are no curves.
    """
    if isinstance(value, Run):
        return value
    if isinstance(value, Curve):
        return Run(value.metric.name, {value.metric.name: value})
    if isinstance(value, Mapping):
        if value and all(isinstance(c, Curve) for c in value.values()):
            return Run("run", value)
        return Run.from_mapping(value)
    if isinstance(value, list | tuple) and any(isinstance(item, Run | Curve) for item in value):
        if len(value) == 1:
            return as_run(value[0], of, metric)
        raise UsageError(f"{of} works on one run, got {len(value)}", hint=f"[cf.{of}(run) for run in runs]")
    if _is_text(value) or _is_frame(value) or not _is_sequence(value):
        hint = _instead(value, of, "cf.Run('name', {'val_loss': curve})")
        raise UsageError(f"{of} needs a Run, got {_kind(value)}", hint=hint)
    name = metric if isinstance(metric, str) else "value"
    numbers = list(value) if isinstance(value, range) else value
    return Run("run", {name: Curve(np.arange(1.0, len(numbers) + 1.0), numbers, name)})


def _instead(value: Any, of: str, usual: str) -> str:
    """What to write instead of what was handed over."""
    if _is_text(value):
        return f"read the file first: run = cf.read({os.fspath(value)!r})[0]"
    if _is_frame(value):
        if of in ("analyze", "diagnose", "recommend", "backtest"):
            return "cf.Run.from_frame(frame, x='step')"
        return "cf.Curve.from_frame(frame, x='step', y='val_loss')"
    if isinstance(value, list | tuple) and value and isinstance(value[0], Run | Curve):
        return f"one at a time: [cf.{of}(...) for each in it]"
    return usual


def _is_text(value: Any) -> bool:
    return isinstance(value, str | bytes | os.PathLike)


def _is_frame(value: Any) -> bool:
    """A table of any library: something with named columns."""
    return hasattr(value, "columns") or hasattr(value, "column_names")


def _is_sequence(value: Any) -> bool:
    sized = hasattr(value, "__len__") and hasattr(value, "__getitem__")
    return sized and (not isinstance(value, np.ndarray) or value.ndim > 0) and not isinstance(value, type)


def _kind(value: Any) -> str:
    """What it is, in a word a caller knows."""
    if value is None:
        return "None"
    if isinstance(value, str | os.PathLike):
        return f"{'the text' if isinstance(value, str) else 'the path'} {os.fspath(value)!r}"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _curve_or_run(value: Any, of: str, metric: str | None) -> Curve | Run:
    return value if isinstance(value, Curve) else as_run(value, of, metric)


converters["Curve"] = lambda value, of, metric: as_curve(value, of)
converters["Run"] = as_run
converters["Run | Curve"] = converters["Curve | Run"] = _curve_or_run
