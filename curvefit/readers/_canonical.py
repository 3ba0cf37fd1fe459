"""The canonical long form beside its columns: points of a run, facts as JSON, and what they say when read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, CurvefitError, Direction, Kind, Metric, Run, Sampling, Schedule, Split
from ..curves._checks import safe_text
from ._cells import NUMBER
from ._groups import parts_of
from ._json import JsonText
from ._table import Table

__all__ = [
    "apply_facts",
    "attributes_of",
    "clock_of",
    "facts_json",
    "horizon_in",
    "points_of",
    "read_facts",
    "wall_times",
    "with_origin",
]

VERSION = 1
CLOCK = "wall_time"
RATE = "learning_rate"
Points = tuple[list[str], NDArray[np.float64], list[str], NDArray[np.float64], NDArray[np.int32], NDArray[np.uint8]]


def points_of(run: Run) -> Points:
    """Metric, x, unit, y, segment and flags of every point of a run, non-finite values at their place."""
    metric: list[str] = []
    unit: list[str] = []
    xs, ys, segments, flags = [], [], [], []
    for name, curve in _curves_and_rate(run).items():
        x = np.concatenate([curve.x, curve.nonfinite_x])
        order = np.argsort(x, kind="stable")
        beside = curve.nonfinite_x.size
        metric += [name] * x.size
        unit += [curve.x_unit] * x.size
        xs.append(x[order])
        ys.append(np.concatenate([curve.y, curve.nonfinite_y])[order])
        segments.append(np.concatenate([curve.segment, np.zeros(beside, np.int32)])[order])
        flags.append(np.concatenate([curve.flags, np.zeros(beside, np.uint8)])[order])
    if not xs:
        return [], np.zeros(0), [], np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.uint8)
    return metric, np.concatenate(xs), unit, np.concatenate(ys), np.concatenate(segments), np.concatenate(flags)


def _curves_and_rate(run: Run) -> Mapping[str, Curve]:
    """Curves, and the learning rate as one more when no curve carries it."""
    name = _rate_name(run)
    if run.schedule is None or name is None or name in run.curves:
        return run.curves
    unit = next(iter(run.curves.values())).x_unit if run.curves else "step"
    return {**run.curves, name: Curve(run.schedule.x, run.schedule.rate, RATE, x_unit=unit)}


def _rate_name(run: Run) -> str | None:
    """Name of the curve that holds the schedule: one of the run's own, or one that is not there yet."""
    if run.schedule is None or not len(run.schedule):
        return None
    for name, curve in run.curves.items():
        if np.array_equal(curve.x, run.schedule.x) and np.array_equal(curve.y, run.schedule.rate):
            return name
    name = RATE
    while name in run.curves:
        name += "_"
    return name


def clock_of(run: Run, x: NDArray[np.float64], unit: list[str]) -> NDArray[np.float64]:
    """Wall time at each point, from the run's own curve of it; NaN elsewhere."""
    clock = run.curves.get(CLOCK)
    out = np.full(x.size, np.nan)
    if clock is None or not len(clock):
        return out
    at = np.minimum(np.searchsorted(clock.x, x), len(clock) - 1)
    there = (clock.x[at] == x) & np.array([u == clock.x_unit for u in unit], bool)
    out[there] = clock.y[at[there]]
    return out


def facts_json(runs: list[Run]) -> bytes:
    """What the columns cannot hold, as JSON."""
    return json.dumps({"version": VERSION, "runs": {r.name: _facts(r) for r in runs}}, allow_nan=False).encode("ascii")


def _facts(run: Run) -> dict[str, Any]:
    curves: dict[str, Any] = {}
    for name, curve in run.curves.items():
        m = curve.metric
        curves[name] = {
            "name": m.name,
            "kind": m.kind,
            "direction": m.direction,
            "split": m.split,
            "unit": m.unit,
            "bounds": [_plain(v) for v in curve.bounds] if curve.bounds is not None and curve.bounds_given else None,
            "defects": dict(curve.defects),
            "x_unit": curve.x_unit,
        }
    p = run.provenance
    return {
        "horizon": run.horizon,
        "attributes": {k: v if isinstance(v, str) else _boxed(float(v)) for k, v in run.attributes.items()},
        "curves": curves,
        "schedule": _rate_name(run),
        "schedule_shape": None if run.schedule is None else run.schedule.shape,
        "came_from": None
        if p is None
        else {
            "path": p.path,
            "reader": p.reader,
            "restarts": list(p.restarts),
            "sampling": p.sampling,
            "window": p.window,
            "notes": list(p.notes),
        },
    }


def _boxed(value: float) -> float | list[str]:
    """A number for JSON; one that is not finite in a list, to be told from a text."""
    return value if np.isfinite(value) else [str(value)]


def _plain(value: float) -> float | str:
    return value if np.isfinite(value) else str(value)


def read_facts(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Facts by run, nothing when the file has none or they are broken."""
    text = metadata.get(b"curvefit", b"")
    if not text or len(text) > 1 << 27:
        return {}
    try:
        value = JsonText("metadata").document(text)
    except CurvefitError:
        return {}
    runs = value.get("runs") if isinstance(value, dict) and value.get("version") == VERSION else None
    return {safe_text(k): _safe_curves(v) for k, v in runs.items()} if isinstance(runs, dict) else {}


def _safe_curves(facts: Any) -> Any:
    """Facts with metric names as they are shown."""
    if isinstance(facts, dict) and isinstance(facts.get("curves"), dict):
        return {**facts, "curves": {safe_text(k): v for k, v in facts["curves"].items()}}
    return facts


def apply_facts(runs: list[Run], facts: dict[str, Any], metric: str | None = None) -> list[Run]:
    """Runs with what the file's metadata says about them; a fact that makes no sense is left out."""
    return [_applied(run, facts[run.name], metric) if isinstance(facts.get(run.name), dict) else run for run in runs]


def _applied(run: Run, facts: dict[str, Any], metric: str | None) -> Run:
    stated = facts.get("curves")
    curves: dict[str, Curve] = {}
    known = stated if isinstance(stated, dict) else {}
    for name in [n for n in known if n in run.curves] + [n for n in run.curves if n not in known]:
        fact = known.get(name)
        curves[name] = _curve(run.curves[name], fact) if isinstance(fact, dict) else run.curves[name]
    schedule = _schedule(run, facts, curves) if metric is None else run.schedule
    if len(curves) > 1 and isinstance(stated, dict) and facts.get("schedule") not in known:
        curves.pop(str(facts.get("schedule")), None)
    given = facts.get("attributes")
    attributes = attributes_of(given) if isinstance(given, dict) else dict(run.attributes)
    run = replace(run, curves=curves, schedule=schedule, horizon=horizon_in(facts), attributes=attributes)
    return with_origin(run, facts.get("came_from"))


def _schedule(run: Run, facts: dict[str, Any], curves: Mapping[str, Curve]) -> Schedule | None:
    """The schedule of the curve that the file names; what the columns say when it names none."""
    if "schedule" not in facts:
        return run.schedule
    curve = curves.get(str(facts["schedule"]))
    if curve is None or not len(curve) or np.any(curve.y < 0):
        return None
    shape = facts.get("schedule_shape")
    return Schedule(curve.x, curve.y, shape if isinstance(shape, str) else "logged")


def attributes_of(given: dict[str, Any]) -> dict[str, str | float]:
    """Attributes of a run that make sense."""
    out: dict[str, str | float] = {}
    for name, value in given.items():
        if isinstance(value, str):
            out[name] = value
        elif value in (["inf"], ["-inf"], ["nan"]):
            out[name] = float(value[0])
        elif isinstance(value, int | float) and not isinstance(value, bool):
            out[name] = float(value)
    return out


def _curve(curve: Curve, fact: dict[str, Any]) -> Curve:
    kind, direction, split = fact.get("kind"), fact.get("direction"), fact.get("split")
    unit, bounds, defects, name = fact.get("unit"), fact.get("bounds"), fact.get("defects"), fact.get("name")
    if (
        kind not in get_args(Kind)
        or direction not in (None, *get_args(Direction))
        or split not in (None, *get_args(Split))
    ):
        return curve
    metric = Metric(
        name if isinstance(name, str) and name else curve.metric.name,
        cast("Kind", kind),
        direction,
        split,
        unit if isinstance(unit, str) else "",
    )
    limits = None
    if isinstance(bounds, list) and len(bounds) == 2:
        pair = [float(b) for b in bounds if isinstance(b, int | float) or b in ("inf", "-inf")]
        limits = (pair[0], pair[1]) if len(pair) == 2 and pair[0] <= pair[1] else None
    counts = defects if isinstance(defects, dict) else {}
    return Curve(
        np.concatenate([curve.x, curve.nonfinite_x]),
        np.concatenate([curve.y, curve.nonfinite_y]),
        metric,
        x_unit=curve.x_unit,
        flags=np.concatenate([curve.flags, np.zeros(curve.nonfinite_x.size, np.uint8)]),
        segment=np.concatenate([curve.segment, np.zeros(curve.nonfinite_x.size, np.int32)]),
        bounds=limits,
        defects={str(k): v for k, v in counts.items() if isinstance(v, int) and not isinstance(v, bool) and v >= 0},
    )


def horizon_in(facts: dict[str, Any]) -> float | None:
    """The planned length of a run, if it makes sense."""
    return _positive(facts.get("horizon"))


def _positive(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e300
    return float(value) if good else None


def with_origin(run: Run, origin: Any) -> Run:
    """The run's provenance with what the file says about how it was logged."""
    p = run.provenance
    if p is None or not isinstance(origin, dict):
        return run
    restarts, sampling, window = origin.get("restarts"), origin.get("sampling"), origin.get("window")
    path, reader = origin.get("path"), origin.get("reader")
    starts = tuple(float(r) for r in restarts if isinstance(r, int | float)) if isinstance(restarts, list) else ()
    first = f" first read from {path} as {reader}" if isinstance(path, str) and isinstance(reader, str) and path else ""
    return replace(
        run,
        provenance=replace(
            p,
            restarts=starts or p.restarts,
            sampling=cast("Sampling", sampling) if sampling in get_args(Sampling) else p.sampling,
            window=_positive(window) or p.window,
            notes=(*p.notes, first.strip()) if first else p.notes,
        ),
    )


def wall_times(runs: list[Run], table: Table) -> list[Run]:
    """Runs with the column ``wall_time`` as a curve of its own, where it is not one already."""
    by_name = {c.name: c for c in table.columns}
    clock, x, label = by_name.get(CLOCK), by_name.get("x"), by_name.get("run_id")
    if clock is None or x is None or "y" not in by_name or not np.any(clock.state == NUMBER):
        return runs
    rows = parts_of(label, table.rows)
    out = []
    for run in runs:
        part = rows.get(run.name) if label is not None else next(iter(rows.values()))
        if CLOCK in run.curves or part is None:
            out.append(run)
            continue
        good = part[(clock.state[part] == NUMBER) & (x.state[part] == NUMBER) & np.isfinite(x.values[part])]
        xs, first = np.unique(x.values[good], return_index=True)
        unit = next(iter(run.curves.values())).x_unit
        out.append(run.with_curve(CLOCK, Curve(xs, clock.values[good][first], CLOCK, x_unit=unit)) if xs.size else run)
    return out
