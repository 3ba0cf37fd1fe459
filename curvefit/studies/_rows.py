"""Results of one run as rows of the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np

from ..curves import Curve, Estimate, Interval, Run, Status
from ..decisions.recommendation import Recommendation
from ..diagnostics.diagnosis import Diagnoses
from ..fitting.record import Fit
from ..fitting.selection import Selection
from ..forecasting.forecast import Forecast
from ..forecasting.together import last_quantiles
from ..models import Parameter
from ..segmentation.segmented_regression import SegmentedFit
from .schema import TABLES, FieldType, attribute_column

__all__ = ["Rows", "forecasts_told"]


class Rows:
    """Columns of every table, row by row.

    Parameters
    ----------
    attributes : mapping of str to {"string", "float"}
        Attributes of the runs, for the table of runs.
    """

    def __init__(self, attributes: Mapping[str, FieldType]) -> None:
        self.attributes = attributes
        self._columns = {attribute_column(a): (a, kind) for a, kind in attributes.items()}
        self.tables: dict[str, dict[str, list[Any]]] = {
            name: {f.name: [] for f in table.fields} for name, table in TABLES.items()
        }
        self.tables["runs"].update({column: [] for column in self._columns})
        self._order = {t: [(n, column.append) for n, column in held.items()] for t, held in self.tables.items()}

    def _add(self, table: str, **values: Any) -> None:
        for name, append in self._order[table]:
            value = values.get(name)
            append(None if isinstance(value, float) and not isfinite(value) else value)

    def run(self, name: str, run: Run | None, curve: Curve | None, **values: Any) -> None:
        """What became of a run; the run and the curve as far as there are any."""
        facts: dict[str, Any] = {}
        if run is not None:
            facts.update({c: _attribute(run.attributes.get(a), kind) for c, (a, kind) in self._columns.items()})
        if curve is not None:
            metric = curve.metric
            facts.update(
                kind=metric.kind,
                direction=metric.direction,
                split=metric.split,
                unit=metric.unit or ("percent" if curve.percent else None),
                x_unit=curve.x_unit,
                n=len(curve),
                n_nonfinite=int(curve.nonfinite_x.size),
            )
            if len(curve):
                facts.update(x_first=float(curve.x[0]), x_last=float(curve.x[-1]), y_last=float(curve.y[-1]))
        self._add("runs", run=_text(name), **{**facts, **values})

    def forecast(
        self, run: str, metric: str, asked: str, level: float, made: Forecast, told: Sequence[float] | None = None
    ) -> None:
        """What will be observed at the last x of a forecast; its six `told` numbers, where they are known."""
        low, median, high, mean_low, mean, mean_high = forecasts_told([made], level)[0] if told is None else told
        self._add(
            "forecasts",
            run=run, metric=metric, x=float(made.x[-1]), median=median, low=low, high=high, mean=mean, mean_low=mean_low,
            mean_high=mean_high, level=level, asked=asked, forecaster=made.method, status=made.status.code,
            reason=_joined(made.reasons),
        )  # fmt: skip

    def no_forecast(self, run: str, metric: str, asked: str, x: float | None, level: float, reason: str) -> None:
        """A horizon that could not be answered, and why."""
        self._add(
            "forecasts", run=run, metric=metric, x=x, level=level, asked=asked, status="refused", reason=_text(reason)
        )

    def estimate(self, run: str, metric: str, found: Estimate, level: float) -> None:
        """One quantity of interest."""
        ends = found.interval
        self._add(
            "estimates",
            run=run, metric=metric, name=found.name, value=found.value, low=ends.low if ends else None,
            high=ends.high if ends else None, level=ends.level if ends else level, kind=ends.kind if ends else None,
            unit=found.unit or None, status=found.status.code, reason=_joined(found.reasons), details=_json(found.details),
        )  # fmt: skip

    def parameters(self, run: str, metric: str, law: Fit, level: float) -> None:
        """Parameters of a fitted law with their intervals."""
        interval = "profile_likelihood"
        usable = law.core is not None
        intervals = law.conf_int(level, interval) if usable else {}
        params, errors = (law.params, law.stderr) if usable else ({}, {})
        for parameter in law.model.parameters:
            ends = intervals.get(parameter.name)
            unknown = _not_identified(law, parameter, ends)
            self._add(
                "parameters",
                run=run, metric=metric, model=law.model.name, parameter=parameter.name,
                value=_number(params.get(parameter.name)), stderr=_number(errors.get(parameter.name)),
                low=ends.low if ends else None, high=ends.high if ends else None, level=level, interval=interval,
                unit=parameter.unit or None, status=Status.NOT_IDENTIFIED.code if unknown else law.status.code,
                reason=_joined(r for r in (unknown, _doubts(law)) if r),
            )  # fmt: skip

    def comparison(self, run: str, metric: str, selection: Selection, excluded: Iterable[str]) -> None:
        """Laws, best first, then those that could not be fitted or were out of the question."""
        for rank, candidate in enumerate(selection.candidates, 1):
            law = candidate.fit
            usable = law.core is not None
            self._add(
                "comparison",
                run=run, metric=metric, model=candidate.name, rank=rank if usable else None, n=len(law.curve),
                k=len(law.model.parameters), score=candidate.score, delta=candidate.delta,
                weight=candidate.weight if usable else None, rss=law.rss if usable else None,
                sigma=law.sigma if usable else None, rho=law.rho, criterion=selection.criterion,
                status=law.status.code, reason=_doubts(law),
            )  # fmt: skip
        for name, why in selection.refused.items():
            self._add(
                "comparison",
                run=run,
                metric=metric,
                model=name,
                criterion=selection.criterion,
                status="refused",
                reason=_text(why),
            )
        for name in excluded:
            self._add(
                "comparison", run=run, metric=metric, model=name, criterion=selection.criterion, status="not_applicable",
                reason="far from the best law at a first look; not compared further",
            )  # fmt: skip

    def breakpoints(self, run: str, metric: str, line: SegmentedFit) -> None:
        """Breakpoints of a broken line; one row without x when there is none."""
        same: dict[str, Any] = {
            "run": run, "metric": metric, "level": line.level, "axis": line.x_axis, "status": line.status.code,
            "reason": _joined(line.reasons),
        }  # fmt: skip
        slopes = [s.value for s in line.slopes]
        if not line.breakpoints:
            self._add("breakpoints", **same, slope_before=slopes[0] if slopes else None)
        of_all = [r for r in line.reasons if not r.startswith("breakpoint ")]  # the others are those of one of them
        for i, place in enumerate(line.breakpoints):
            ends = place.interval
            self._add(
                "breakpoints",
                **{**same, "status": place.status.code, "reason": _joined((*place.reasons, *of_all))},
                number=i + 1, x=place.value, low=ends.low if ends else None, high=ends.high if ends else None,
                slope_before=slopes[i], slope_after=slopes[i + 1],
            )  # fmt: skip

    def diagnoses(self, run: str, metric: str, found: Diagnoses) -> None:
        """Every verdict; column by column, since there are many."""
        items = found.items
        first = [item.where[0] if item.where else None for item in items]
        ends = [place.interval if place else None for place in first]
        columns: dict[str, list[Any]] = {
            "run": [run] * len(items),
            "metric": [metric] * len(items),
            "name": [item.name for item in items],
            "verdict": [item.verdict.value for item in items],
            "severity": [item.severity for item in items],
            "on": [_text(item.metric) or None for item in items],
            "x": [_finite(place.value) if place else None for place in first],
            "low": [_finite(one.low) if one else None for one in ends],
            "high": [_finite(one.high) if one else None for one in ends],
            "p_value": [_finite(item.p_value) for item in items],
            "places": [len(item.where) for item in items],
            "explanation": [_text(item.explanation) for item in items],
            "advice": [_text(item.advice) for item in items],
            "evidence": [_json(item.evidence) for item in items],
        }
        for name, held in self.tables["diagnoses"].items():
            held += columns[name]

    def recommendation(self, run: str, metric: str, found: Recommendation) -> None:
        """What to do."""
        value = found.expected_value
        ends = value.interval if value else None
        self._add(
            "recommendations",
            run=run, metric=metric, action=found.action.name.lower(), sentence=_text(found.sentence), x_star=found.x_star,
            expected=value.value if value else None, expected_low=ends.low if ends else None,
            expected_high=ends.high if ends else None, keep_x=found.keep_x, probability=found.probability,
            expected_gain=found.expected_gain, min_gain=found.min_gain, horizon=found.horizon, reason=_text(found.reason),
            reasons=json.dumps([_text(r) for r in found.reasons]), arithmetic=_json(found.arithmetic),
        )  # fmt: skip


def forecasts_told(forecasts: Sequence[Forecast], level: float) -> list[list[float]]:
    """Lower end, median and upper end of a new observation and of the mean, at the last x of each forecast."""
    tail = (1 - level) / 2
    levels = [tail, 0.5, 1 - tail]
    both = [last_quantiles(forecasts, levels), last_quantiles(forecasts, levels, view="mean")]
    out: list[list[float]] = np.concatenate(both, axis=1).tolist()
    return out


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _text(text: str) -> str:
    """Text that Parquet can hold: lone surrogates are escaped."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _joined(reasons: Iterable[str]) -> str | None:
    return _text("; ".join(reasons)) or None


def _doubts(law: Fit) -> str | None:
    return _joined(d.message for d in law.checks if not d.ok)


def _not_identified(law: Fit, parameter: Parameter, ends: Interval | None) -> str:
    """Why the data do not identify a parameter of a law that was fitted; empty where they do."""
    if not law.status.usable or not law.noise_seen:
        return ""
    if ends is None:
        return "not identified: no interval"
    # 0 is no exponent and no time scale: an interval that reaches it has no end there, unless the law is defined at 0
    reached = ends.low <= parameter.low and not getattr(parameter, "offset", 0.0)
    if not ends.closed or reached:
        return "not identified: its interval is open"
    limit, index = law.model.limit, law.model.names.index(parameter.name)
    is_asymptote = limit is not None and [k for k, v in enumerate(limit) if v] == [index] and limit[index] == 1
    return law.asymptote_doubt(ends) if is_asymptote else ""


def _json(numbers: Mapping[str, float]) -> str | None:
    if not numbers:
        return None
    parts = [f"{_quoted(k)}: {float(v)!r}" if isfinite(v) else f"{_quoted(k)}: null" for k, v in numbers.items()]
    return f"{{{', '.join(parts)}}}"


_quoted = lru_cache(maxsize=4096)(json.dumps)


def _attribute(value: str | float | None, kind: FieldType) -> str | float | None:
    if value is None or (kind == "float" and isinstance(value, str)):
        return None
    if kind == "float":
        return float(value)
    return _text(value if isinstance(value, str) else f"{float(value):.17g}")
