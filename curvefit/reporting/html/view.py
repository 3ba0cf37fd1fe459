"""What the HTML page shows of one run: plain numbers and texts, whoever computed them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Estimate, Interval
from ...curves.numbers import format_x, with_interval
from ...estimands._local_mean import local_mean
from .. import wording
from ..document import BAND_LEVELS
from ..thinning import thin
from ..view import choose_view

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["Fan", "RunView"]

Row = Mapping[str, Any]
Numbers = Sequence[float] | NDArray[np.float64]
_FEW = 80  # points up to which each one is seen
_COLUMNS = 1000  # resolution to which a long curve is thinned


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """Quantiles of a forecast over a grid.

    Parameters
    ----------
    x : sequence of float
        Grid beyond the data, increasing; its last x is the horizon.
    median, low, high : sequence of float
        Of a new observation, in the unit of the metric.
    level : float
        Nominal coverage of low to high.
    inner : tuple of (float, sequence, sequence)
        Narrower bands, each with its level, low and high.
    """

    x: Numbers
    median: Numbers
    low: Numbers
    high: Numbers
    level: float = 0.95
    inner: tuple[tuple[float, Numbers, Numbers], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RunView:
    """One metric of one run, as the page shows it.

    Numbers that are None or not finite are shown as missing. Rows are plain mappings; the keys are those of the tables
    of a batch, and whatever is missing in a row is left out of the page.

    Parameters
    ----------
    id : str
        Name of the run.
    attributes : mapping of str to str, float or None
        Facts about the run (method, seed, size): columns of the table.
    metric : str
        Name of the curve.
    x_name : str
        Unit of x.
    x, y : sequence of float
        The curve, best thinned already (the page thins further when there are many runs).
    forecast : Fan or None
        What will be observed.
    estimates : sequence of mapping
        ``name``, ``value``; optionally ``low``, ``high``, ``unit``, ``status``, ``reason``; or texts already written:
        ``label``, ``text``, ``interval``, ``remark``.
    diagnoses : sequence of mapping
        ``name``; optionally ``verdict`` (default present), ``severity`` (default info), ``x``, ``low``, ``high`` (the
        place; or ``at`` as text and ``marks``, all x of it), ``explanation``, ``advice``.
    recommendation : mapping or None
        ``action`` (stop, continue, intervene or collect_more); optionally ``sentence``, ``reasons``, ``probability``,
        ``expected_gain``.
    status : str
        "ok", "degraded", "refused" or "failed".
    reason : str
        Why it is not ok.
    points : int or None
        Points of the curve before any thinning; default: those given.
    direction : {"min", "max", ""}
        Which way is better.
    law : str
        Name of the fitted law.
    parameters : sequence of mapping
        Of the law, rows like ``estimates``.
    law_x, law_y : sequence of float
        The fitted law as a line.
    mean_x, mean_y : sequence of float
        A local mean of the curve as a line.
    nonfinite_x : sequence of float
        Where values were NaN or infinite.
    events : sequence of (str, float)
        Marks on the chart: label and x.
    notes : tuple of str
        Sentences that qualify the whole.
    data : tuple of str
        What went in and what was left out.
    horizon_rows : sequence of (str, str, tuple of str)
        The forecast at the horizon as text: what, median, the 50, 80 and 95 % bands.
    about : str
        One line under the title.
    scales : (str, str)
        "linear" or "log" of x and y.
    y_limits : (float, float) or None
        What the chart shows at first; chosen from the data when None.
    """

    id: str
    attributes: Mapping[str, str | float | None] = field(default_factory=dict)
    metric: str = ""
    x_name: str = "step"
    x: Numbers = ()
    y: Numbers = ()
    forecast: Fan | None = None
    estimates: Sequence[Row] = ()
    diagnoses: Sequence[Row] = ()
    recommendation: Row | None = None
    status: str = "ok"
    reason: str = ""
    points: int | None = None
    direction: Literal["min", "max", ""] = ""
    law: str = ""
    parameters: Sequence[Row] = ()
    law_x: Numbers = ()
    law_y: Numbers = ()
    mean_x: Numbers = ()
    mean_y: Numbers = ()
    nonfinite_x: Numbers = ()
    events: Sequence[tuple[str, float]] = ()
    notes: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    horizon_rows: Sequence[tuple[str, str, tuple[str, ...]]] = ()
    about: str = ""
    scales: tuple[str, str] = ("linear", "linear")
    y_limits: tuple[float, float] | None = None

    @classmethod
    def of(cls, report: Report) -> RunView:
        """What the page shows of a report, worded as in every other form of it."""
        curve, advice = report.curve, report.recommendation
        view = choose_view(report) if len(curve) else None
        log = view is not None and view.x_scale == "log"
        at = _thinned(curve, log)
        law_x, law_y = _law(report)
        mean_x, mean_y = _mean(curve, log)
        return cls(
            id=report.run.name,
            attributes=dict(report.run.attributes),
            metric=report.metric,
            x_name=curve.x_unit,
            x=curve.x[at],
            y=curve.y[at],
            forecast=_fan(report),
            estimates=[_text_row(r) for r in wording.estimate_rows(report)],
            diagnoses=[_finding(report, d) for d in report.diagnoses],
            recommendation={
                "action": advice.action.name.lower(),
                "sentence": wording.headline(report),
                "reasons": wording.support(report),
                "probability": advice.probability,
                "expected_gain": advice.expected_gain,
            },
            points=len(curve),
            direction=curve.direction or "",
            law="" if report.fit is None else f"{report.fit.model.name} ({wording.law_status(report).value})",
            parameters=[_text_row(r) for r in wording.fit_rows(report)],
            law_x=law_x,
            law_y=law_y,
            mean_x=mean_x,
            mean_y=mean_y,
            nonfinite_x=curve.nonfinite_x[:200],
            events=_events(report),
            notes=(*wording.forecast_notes(report), *wording.doubts(report)),
            data=tuple(wording.data_lines(report)),
            horizon_rows=[(label, middle, tuple(t for _, t in bands)) for label, middle, bands in wording.band_rows(report)],
            about=wording.what(report),
            scales=("linear", "linear") if view is None else (view.x_scale, view.y_scale),
            y_limits=None if view is None else view.y_limits,
        )  # fmt: skip


def _thinned(curve: Curve, log: bool) -> NDArray[np.intp]:
    start = int(np.searchsorted(curve.x, 0.0, side="right")) if log else 0
    return start + thin(curve.x[start:], curve.y[start:], _COLUMNS, log=log)


def _fan(report: Report) -> Fan:
    forecast = report.forecast
    tails = [(1 - level) / 2 for level in BAND_LEVELS]
    table = forecast.quantile([*tails, 0.5, *(1 - t for t in tails)]).T
    k = len(tails)
    bands = [(level, table[i], table[k + 1 + i]) for i, level in enumerate(BAND_LEVELS)]
    widest, low, high = bands.pop()
    return Fan(forecast.x, table[k], low, high, widest, tuple(bands))


def _text_row(row: wording.Row) -> dict[str, str]:
    return {"label": row.label, "text": row.value, "interval": row.interval, "unit": row.unit, "remark": row.remark}


def _finding(report: Report, diagnosis: Any) -> dict[str, Any]:
    suspicion = wording.suspected(report, diagnosis)
    return {
        "name": wording.finding(report, diagnosis),
        "verdict": diagnosis.verdict.value,
        "severity": diagnosis.severity,
        "suspected": bool(suspicion),
        "at": wording.places(diagnosis),
        "marks": [e.value for e in diagnosis.where[:40] if e.value is not None],
        "explanation": " ".join(t for t in (diagnosis.explanation, suspicion) if t),
        "advice": wording.advice(diagnosis, suspicion) if diagnosis.advice else "",
    }


def _law(report: Report) -> tuple[Numbers, Numbers]:
    """The fitted law over the data, where it is defined."""
    fit, curve = report.fit, report.curve
    if fit is None or not fit.status.usable or not len(curve):
        return (), ()
    first, last = float(curve.x[0]), float(curve.x[-1])
    even = np.geomspace if first > 0 else np.linspace
    x = np.union1d(even(first, last, 60), np.linspace(first, last, 60))
    x = {"all": x, "nonnegative": x[x >= 0], "positive": x[x > 0]}[fit.model.domain]
    y = fit.predict(x).mean
    ok = np.isfinite(y)
    return x[ok], y[ok]


def _mean(curve: Curve, log: bool) -> tuple[Numbers, Numbers]:
    """The local mean of a curve whose points are too many to be seen one by one."""
    if len(curve) <= _FEW:
        return (), ()
    local = local_mean(curve)
    shown = local.x > 0 if log else np.ones(local.x.size, dtype=bool)
    x, y = local.x[shown], local.mean[shown]
    at = thin(x, y, _COLUMNS // 4, log=log)
    return x[at], y[at]


def _events(report: Report) -> list[tuple[str, float]]:
    """Best point, plateau onset and restarts; findings bring their own marks."""
    found: list[tuple[str, float]] = []

    def add(label: str, estimate: Estimate | None) -> None:
        if estimate is not None and estimate.value is not None:
            found.append((label, float(estimate.value)))

    add("best point", report.estimates.get("best_point"))
    if wording.onset_known(report):
        add("plateau onset", report.estimates.get("plateau_onset"))
    source = report.run.provenance
    found.extend(("resumed", float(x)) for x in (source.restarts[:20] if source is not None else ()))
    return found


def text_of(row: Row) -> tuple[str, str, str, str, str]:
    """Label, value, interval, unit and remark of an estimate or parameter as text, with the digits of its interval."""
    if "text" in row:
        said, text, interval, unit, remark = (
            str(row.get(k) or "") for k in ("label", "text", "interval", "unit", "remark")
        )
        return said, text, interval, unit, remark
    label = str(row.get("label") or row.get("name") or row.get("parameter") or "").replace("_", " ")
    value, low, high = (_number(row.get(k)) for k in ("value", "low", "high"))
    status = str(row.get("status") or "ok")
    remark = str(row.get("reason") or ("" if status == "ok" else status.replace("_", " ")))
    if value is None:
        return label, "", status.replace("_", " ") if status != "ok" else "", "", remark
    open_ends = (-np.inf if low is None else low, np.inf if high is None else high)
    bounded = (low is not None or high is not None) and open_ends[0] <= open_ends[1]
    estimate = Estimate(label, value, Interval(*open_ends) if bounded else None)
    return label, *with_interval(estimate), str(row.get("unit") or ""), remark


def place_of(row: Row) -> tuple[str, list[float]]:
    """Where a finding is, as text and as the x to be marked."""
    marks: Iterable[Any] = row["marks"] if "marks" in row else [row.get("x")]
    numbers = [v for v in map(_number, marks) if v is not None]
    if "at" in row:
        return str(row["at"] or ""), numbers
    if not numbers:
        return "", []
    low, high = _number(row.get("low")), _number(row.get("high"))
    text = f"at {format_x(numbers[0])}"
    if low is not None and high is not None:
        text += f" [{format_x(low)}, {format_x(high)}]"
    count = _number(row.get("places"))
    return text + (f" and {count - 1:.0f} more" if count is not None and count > 1 else ""), numbers


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, str | bool):
        return None
    number = float(value)
    return number if np.isfinite(number) else None
