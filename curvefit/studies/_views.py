"""Runs of a batch as the HTML page shows them, from the tables of the batch and the curves in its store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..curves import Run
from ..reporting.html import Fan, RunView
from ..reporting.thinning import thin
from .result import BatchResult
from .summary import rows_of

__all__ = ["views"]

_COLUMNS = 240
_ESTIMATES = ("run", "metric", "name", "value", "low", "high", "unit", "status", "reason")
_DIAGNOSES = ("run", "metric", "name", "verdict", "severity", "x", "low", "high", "explanation", "advice")
_ADVICE = ("run", "metric", "action", "sentence", "reason", "probability", "expected_gain")
_FORECASTS = ("run", "metric", "x", "median", "low", "high", "level", "status")
_PARAMETERS = ("run", "metric", "model", "parameter", "value", "low", "high", "unit", "status", "reason")
_HORIZONS = {
    "planned": ("Asked about up to the planned length of the run.",),
    "decay": ("Asked about up to the end of the decay that the learning rate is in.",),
    "twice": ("Asked about up to twice the data, since no plan reaches beyond them.",),
}
Key = tuple[str, str]


def views(result: BatchResult, runs: Mapping[str, Run]) -> Iterator[RunView]:
    """One view per run and metric, in the order of the table of runs; failed runs without a curve too."""
    estimates = _grouped(result, "estimates", _ESTIMATES)
    diagnoses = _grouped(result, "diagnoses", _DIAGNOSES)
    advice = _grouped(result, "recommendations", _ADVICE)
    forecasts = _grouped(result, "forecasts", _FORECASTS)
    parameters = _grouped(result, "parameters", _PARAMETERS)
    best = {
        (r["run"], r["metric"]): r["model"]
        for r in (
            rows_of(result, "comparison", ("run", "metric", "model", "rank"))
            if result.config.wants("comparison")
            else []
        )
        if r["rank"] == 1
    }
    for row in rows_of(result, "runs"):
        key = (row["run"], row["metric"])
        run = runs.get(row["run"])
        curve = run[row["metric"]] if run is not None and row["metric"] in run else None
        law = best.get(key, "")
        fitted, doubts = _law_told(law, [p for p in parameters.get(key, []) if p["model"] == law])
        found = next(iter(advice.get(key, [])), None)
        at = np.arange(0) if curve is None else thin(curve.x, curve.y, _COLUMNS)
        yield RunView(
            id=row["run"],
            attributes={} if run is None else dict(run.attributes),
            metric=row["metric"] or "",
            x_name=row["x_unit"] or "step",
            x=() if curve is None else curve.x[at],
            y=() if curve is None else curve.y[at],
            forecast=_fan(row, forecasts.get(key, [])),
            estimates=estimates.get(key, []),
            diagnoses=[d for d in diagnoses.get(key, []) if d["verdict"] != "absent"],
            recommendation=None
            if found is None
            else {**found, "reasons": [found["reason"]] if found["reason"] else []},
            status=row["status"],
            reason=row["reason"] or "",
            points=row["n"],
            direction=row["direction"] or "",
            law=law,
            parameters=fitted,
            nonfinite_x=() if curve is None else curve.nonfinite_x[:50],
            notes=(*_HORIZONS.get(row["horizon_from"] or "", ()), *doubts),
        )


def _grouped(result: BatchResult, table: str, columns: tuple[str, ...]) -> dict[Key, list[dict[str, Any]]]:
    out: dict[Key, list[dict[str, Any]]] = {}
    if table in result.config.tables:
        for r in rows_of(result, table, columns):
            out.setdefault((r["run"], r["metric"]), []).append(r)
    return out


def _law_told(law: str, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the parameters with what is said of them alone, and what is said of all of them once."""
    reasons = [(p["reason"] or "").split("; ") for p in rows]
    common = [r for r in reasons[0] if r and all(r in others for others in reasons[1:])] if reasons else []
    if not common or any(p["value"] is None for p in rows):
        return [{**p, "name": p["parameter"]} for p in rows], []
    told = []
    for p, said in zip(rows, reasons, strict=True):
        own = "; ".join(r for r in said if r not in common)
        told.append({**p, "name": p["parameter"], "status": p["status"] if own else "ok", "reason": own or None})
    return told, [f"The fitted {law.replace('_', ' ')}: {'; '.join(common)}."]


def _fan(row: Mapping[str, Any], forecasts: list[dict[str, Any]]) -> Fan | None:
    """From the present level to the horizons, in order."""
    known = sorted(
        (f for f in forecasts if None not in (f["x"], f["median"], f["low"], f["high"])), key=lambda f: f["x"]
    )
    start = row["level_now"] if row["level_now"] is not None else row["y_last"]
    known = [f for f in known if row["x_last"] is not None and f["x"] > row["x_last"]]
    if not known or start is None:
        return None
    x = [row["x_last"], *(f["x"] for f in known)]
    median, low, high = ([start, *(f[k] for f in known)] for k in ("median", "low", "high"))
    return Fan(x, median, low, high, known[0]["level"] or 0.95)
