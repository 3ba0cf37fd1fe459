"""Runs of canonical rows that hold nothing odd, without the care that strangers' files need: what a store mostly is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Direction, Kind, Metric, Provenance, Run, Split, XUnit
from ..curves._checks import safe_text
from ..readers._canonical import attributes_of, horizon_in, with_origin
from ..readers.parquet import CANONICAL

__all__ = ["plain_runs"]

_JUMP = 100.0  # times the smallest gap in x: beyond, the readers look closer
_NOTES = ("x is the column 'x'",)
_Array = NDArray[np.float64]


def plain_runs(rows: Any, facts: Mapping[str, Any], where: str) -> list[Run] | None:
    """The runs that the readers would make of some row groups; None where they would find something to settle or to note.

    Parameters
    ----------
    rows : pyarrow.Table
        Whole runs in the canonical form.
    facts : mapping of str to mapping
        What the file's metadata says of each run.
    where : str
        Name of the file, for the provenance.

    Notes
    -----
    Rows of a run and of a metric stand together, x increase and values are finite, nothing was resumed, masked or timed,
    there is no learning rate, and the facts name every metric.
    """
    if tuple(rows.column_names[: len(CANONICAL)]) != CANONICAL or not rows.num_rows:
        return None
    column = {name: rows.column(name) for name in CANONICAL}
    if any(column[name].null_count for name in CANONICAL if name != "wall_time"):
        return None
    x, y = (column[name].to_numpy() for name in ("x", "y"))
    odd = column["segment"].to_numpy().any() or column["flags"].to_numpy().any()
    if odd or column["wall_time"].null_count < rows.num_rows or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    (run, names), (metric, metrics), (unit, units) = (_codes(column[n]) for n in ("run_id", "metric", "x_unit"))
    new_run = np.flatnonzero(np.diff(run)) + 1
    first = np.flatnonzero((np.diff(run) != 0) | (np.diff(metric) != 0)) + 1
    starts = np.concatenate([[0], first])
    stops = np.append(first, x.size)
    gap = np.diff(x)
    gap[first - 1] = np.inf
    if (
        new_run.size + 1 != len(names)
        or not (gap > 0).all()
        or np.any(np.isin(np.flatnonzero(np.diff(unit)) + 1, first, invert=True))
    ):
        return None
    gap = np.append(gap, np.inf)
    smallest = np.minimum.reduceat(gap, starts)
    gap[stops - 1] = 0.0
    if np.any(np.maximum.reduceat(gap, starts) > _JUMP * smallest):
        return None
    parts: dict[str, dict[str, tuple[int, int, str]]] = {}
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        streams = parts.setdefault(names[run[start]], {})
        name = metrics[metric[start]]
        if name in streams:
            return None
        streams[name] = start, stop, units[unit[start]]
    out = []
    for name, streams in parts.items():
        made = _run(name, streams, facts.get(name), x, y, where)
        if made is None:
            return None
        out.append(made)
    return out


def _codes(column: Any) -> tuple[NDArray[np.intp], list[str]]:
    encoded = column.combine_chunks().dictionary_encode()
    texts: list[str] = encoded.dictionary.to_pylist()
    return encoded.indices.to_numpy(), texts


def _run(
    name: str, streams: Mapping[str, tuple[int, int, str]], fact: Any, x: _Array, y: _Array, where: str
) -> Run | None:
    known = fact.get("curves") if isinstance(fact, dict) else None
    if not isinstance(known, dict) or set(known) != set(streams) or fact.get("schedule", "") is not None:
        return None
    given = fact.get("attributes")
    if not isinstance(given, dict) or safe_text(name) != name:
        return None
    curves: dict[str, Curve] = {}
    for label, about in known.items():
        start, stop, unit = streams[label]
        stated = _stated(about)
        if stated is None or unit not in get_args(XUnit) or about.get("bounds") is not None or about.get("defects"):
            return None
        curves[label] = Curve(_own(x[start:stop]), _own(y[start:stop]), _metric(*stated), x_unit=cast("XUnit", unit))
    points = sum(stop - start for start, stop, _ in streams.values())
    provenance = Provenance(where, "parquet", points, points, {}, points, points, {}, notes=_NOTES)
    made = Run(name, curves, horizon=horizon_in(fact), provenance=provenance, attributes=attributes_of(given))
    return with_origin(made, fact.get("came_from"))


def _own(values: _Array) -> _Array:
    """A copy, since a curve may outlive the rest of its file; read-only, so that it is not copied again."""
    out = values.copy()
    out.flags.writeable = False
    return out


def _stated(about: Any) -> tuple[str, Any, Any, Any, str] | None:
    """Name, kind, direction, split and unit of a metric, if all of them make sense."""
    if not isinstance(about, dict):
        return None
    name, unit = about.get("name"), about.get("unit")
    kind, direction, split = (about.get(k) for k in ("kind", "direction", "split"))
    known = kind in get_args(Kind) and direction in (None, *get_args(Direction)) and split in (None, *get_args(Split))
    if not (known and isinstance(name, str) and name and isinstance(unit, str)):
        return None
    return name, kind, direction, split, unit


@lru_cache(maxsize=256)
def _metric(name: str, kind: Any, direction: Any, split: Any, unit: str) -> Metric:
    return Metric(name, kind, direction, split, unit)
