"""From runs to scores: who is compared, over which seeds and tasks, and the value of every run at an x."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, DataError, Run, UsageError, XUnit
from ..curves._checks import frame_of, safe_text
from ..curves.errors import unknown_name
from ..curves.numbers import counted
from ._unknown import measured, unknown_attribute

__all__ = ["WAY", "WHERE", "Entry", "Short", "collect", "ends_before", "label", "some_names", "stopped", "value_at"]

Array = NDArray[np.float64]
Short = Literal["drop", "last"]
WAY = "curvefit batch or compare with --direction min or max (direction= in Python)"
_WAYS = {"min": "smaller", "max": "larger", None: "unknown"}
WHERE = "comparison"  # of errors, for people at a command line and in Python


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of the comparison.

    Parameters
    ----------
    name, method, task, seed, pair : str
        Name of the run and its attributes as text.
    curve : Curve
        What is compared.
    """

    name: str
    method: str
    task: str
    seed: str
    pair: str
    curve: Curve


def label(value: object) -> str:
    """An attribute as text: whole numbers without a point."""
    if isinstance(value, float | int | np.floating | np.integer) and not isinstance(value, bool):
        number = float(value)
        return (
            f"{number:.0f}"
            if math.isfinite(number) and number == round(number) and abs(number) < 1e15
            else repr(number)
        )
    return str(value)


def collect(
    data: Any, by: str, over: str, task: str | None, pair: str | None, metric: str | None
) -> tuple[list[Entry], list[str]]:
    """Runs with all attributes asked for; what lacks one is left out and said.

    Raises
    ------
    UsageError
        When no run has an attribute or metric that was asked for, or two runs are the same method, task and seed.
    DataError
        When no run is left, or values or x do not count the same in all runs.
    """
    runs = _runs(data, metric)
    if not runs:
        raise DataError("no runs to compare", where=WHERE)
    wanted = [n for n in (by, over, task, pair) if n is not None]
    known = sorted({a for r in runs for a in r.attributes})
    if not known and not measured(by, runs):
        raise UsageError(
            f"the runs have no attributes, so none is called {safe_text(str(by))!r}",
            code="CF-USE-002",
            where=WHERE,
            hint="cf.Run(..., attributes={'method': 'adam', 'seed': 0}); command line: --names '{method}-seed{seed}'",
        )
    for name in wanted:
        if not isinstance(name, str) or name not in known:
            raise unknown_attribute(name, known, runs, where=WHERE)
    if by == over:
        raise UsageError(
            f"{by} cannot be both what is compared and what is repeated",
            code="CF-USE-009",
            where=WHERE,
            hint="--by names the method, --over the seed (by= and over= in Python)",
        )
    chosen = metric if metric is not None else _common_metric(runs)
    if not any(chosen in run for run in runs):
        raise unknown_name("metric", chosen, {name for run in runs for name in run}, where=WHERE)
    entries: list[Entry] = []
    notes: list[str] = []
    lacking: dict[str, list[str]] = {}
    for run in runs:
        missing = [n for n in wanted if _absent(run.attributes.get(n))]
        if missing:
            lacking.setdefault(f"no {missing[0]}", []).append(run.name)
            continue
        if chosen not in run:
            lacking.setdefault(f"no {chosen}", []).append(run.name)
            continue
        facts = {n: label(run.attributes[n]) for n in wanted}
        entries.append(
            Entry(
                run.name,
                facts[by],
                facts[task] if task else "",
                facts[over],
                facts[pair] if pair else "",
                run[chosen],
            )
        )
    notes += [
        f"{counted(len(names), 'run')} left out, {safe_text(why)}: {some_names(names)}"
        for why, names in sorted(lacking.items())
    ]
    if not entries:
        raise DataError("no run is left", where=WHERE, hint="; ".join(notes))
    _check(entries, by, over, task)
    return entries, notes


def some_names(names: Sequence[str], most: int = 5) -> str:
    """Names of runs for a sentence."""
    more = len(names) - most
    return ", ".join(map(safe_text, names[:most])) + (f" and {more} more" if more > 0 else "")


def value_at(curve: Curve, x: float, short: Short, window: float | None) -> float | None:
    """Value of a curve at x, or None where it has none.

    Between two observations the value lies on the line between them; with a window it is the mean of the observations
    in ``(x - window, x]``. A curve whose values stop being numbers before x has none, whatever ``short`` says.
    """
    if not len(curve):
        return None
    last = float(curve.x[-1])
    if ends_before(curve, x):
        if short != "last" or stopped(curve):
            return None
        x = last
    if window is not None:
        inside = (curve.x > x - window) & (curve.x <= x * (1 + 1e-9))
        return float(curve.y[inside].mean()) if inside.any() else None
    if x < float(curve.x[0]):
        return None
    return float(np.interp(x, curve.x, curve.y))


def ends_before(curve: Curve, x: float) -> bool:
    """Whether the last value of a curve lies before x."""
    last = float(curve.x[-1])
    return x > last * (1 + 1e-9) if last > 0 else x > last


def stopped(curve: Curve) -> bool:
    """Whether the values of a curve stopped being numbers before it ended."""
    return bool(curve.nonfinite_x.size and (not len(curve) or curve.nonfinite_x.max() > curve.x[-1]))


def _absent(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _common_metric(runs: Sequence[Run]) -> str:
    """The main metric of most runs; a tie goes to the first."""
    found: Counter[str] = Counter()
    for run in runs:
        try:
            found[run.main_metric()] += 1
        except DataError:
            continue
    if not found:
        found.update(name for run in runs for name, curve in run.curves.items() if not curve.metric.auxiliary)
    if not found:
        raise DataError("no run has a curve", where=WHERE)
    return found.most_common(1)[0][0]


def _check(entries: Sequence[Entry], by: str, over: str, task: str | None) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    for e in entries:
        key = (e.method, e.task, e.seed)
        if key in seen:
            which = f"{by} {e.method!r}" + (f", {task} {e.task!r}" if task else "") + f", {over} {e.seed!r}"
            raise UsageError(
                f"two runs are {which}: {seen[key]!r} and {e.name!r}",
                code="CF-USE-009",
                where=WHERE,
                hint="--task ATTRIBUTE (task= in Python) names what tells them apart"
                if task is None
                else "each seed stands once in a task",
            )
        seen[key] = e.name
    name = repr(entries[0].curve.metric.name)
    read = "read them with one x (curvefit batch or compare with --x COLUMN; x= in Python), or leave some out"
    _agree(entries, _counted_by, "x does not count the same in all runs", read)
    _agree(entries, _unit, f"{name} is not in one unit in all runs", "convert some of them, or leave them out")
    _agree(entries, lambda c: _WAYS[c.direction], f"the runs disagree which way of {name} is better", WAY)


def _agree(entries: Sequence[Entry], told_of: Callable[[Curve], str], what: str, hint: str) -> None:
    """Refuse runs that differ in what must be one thing; a curve of which nothing is told agrees with all."""
    found: dict[str, list[str]] = {}
    for e in entries:
        found.setdefault(told_of(e.curve), []).append(e.name)
    found.pop("", None)
    if len(found) > 1:
        told = "; ".join(f"{one} ({some_names(names, 3)})" for one, names in found.items())
        raise DataError(f"{what}: {told}", where=WHERE, hint=hint)


def _counted_by(curve: Curve) -> str:
    return "step" if curve.x_unit == "iteration" else curve.x_unit


def _unit(curve: Curve) -> str:
    """Unit of the values; an accuracy beyond one is in percent."""
    told = curve.metric.unit
    if told or curve.metric.kind != "accuracy" or not len(curve):
        return told
    return "percent" if float(curve.y.max()) > 1 + 1e-6 else "fraction"


def _runs(data: Any, metric: str | None) -> list[Run]:
    """Runs of whatever was handed over: runs, a batch, or a long dataframe."""
    if isinstance(data, Run):
        return [data]
    if hasattr(data, "runs_in_store"):  # the result of a batch
        return list(data.runs_in_store())
    if isinstance(data, Mapping) or hasattr(data, "columns") or hasattr(data, "__dataframe__"):
        return _of_frame(data, metric)
    if isinstance(data, Iterable) and not isinstance(data, str | bytes):
        runs = list(data)
        wrong = next((r for r in runs if not isinstance(r, Run)), None)
        if wrong is None:
            return runs
        data = wrong
    raise UsageError(
        f"{data!r:.60} holds no runs",
        where=WHERE,
        hint="a list of cf.Run, the result of a batch, or a long dataframe with run_id, x, y and attributes",
    )


def _of_frame(data: Any, metric: str | None) -> list[Run]:
    """Runs of a long table: run_id, x, y, optionally metric and x_unit; every other column is an attribute."""
    if isinstance(data, Mapping):
        columns = {k: list(v) for k, v in data.items()}
    else:
        frame = frame_of(data, "cf.compare(frame, by='method', over='seed')")
        columns = {c: frame[c].to_list() for c in frame.columns}
    for name in ("run_id", "x", "y"):
        if name not in columns:
            raise unknown_name("column", name, columns, where=WHERE)
    if len({len(c) for c in columns.values()}) > 1:
        raise DataError("columns differ in length", where=WHERE)
    rows: dict[str, dict[str, list[int]]] = {}
    names = columns.get("metric", [metric or "value"] * len(columns["x"]))
    for i, (run, name) in enumerate(zip(columns["run_id"], names, strict=True)):
        rows.setdefault(str(run), {}).setdefault(str(name), []).append(i)
    core = ("run_id", "x", "y", "metric", "x_unit", "wall_time", "segment", "flags")
    units = columns.get("x_unit")
    runs = []
    for run_name, metrics in rows.items():
        curves = {}
        for name, at in metrics.items():
            unit = cast("XUnit", str(units[at[0]])) if units is not None else "step"  # Curve refuses what is none
            curves[name] = Curve([columns["x"][i] for i in at], [columns["y"][i] for i in at], name, x_unit=unit)
        first = next(iter(metrics.values()))
        facts: dict[str, str | float] = {}
        for key in columns:
            if key in core:
                continue
            values = {label(columns[key][i]) for at in metrics.values() for i in at}
            if len(values) > 1:
                raise DataError(f"{key} is not the same in all rows of run {run_name!r}", where=WHERE)
            value = columns[key][first[0]]
            if not _absent(value):
                facts[key] = value if isinstance(value, str | float | int) else str(value)
        runs.append(Run(run_name, curves, attributes=facts))
    return runs
