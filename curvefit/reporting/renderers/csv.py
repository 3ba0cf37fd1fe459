"""A table for spreadsheets: one row per number, text cells that no program takes for a formula."""

from __future__ import annotations

from csv import QUOTE_MINIMAL, writer
from io import StringIO
from typing import TYPE_CHECKING

from ...curves._arguments import checked
from ..document import BAND_LEVELS

if TYPE_CHECKING:
    from ...curves import Interval
    from ..report import Report

__all__ = ["csv"]

_HEADER = ("run", "metric", "section", "name", "value", "low", "high", "level", "kind", "unit", "status", "text")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "|", "%")


@checked
def csv(report: Report) -> str:
    """The report as comma-separated rows under one header (RFC 4180).

    Parameters
    ----------
    report : Report

    Notes
    -----
    Columns: run, metric, section (recommendation, forecast, estimate, parameter, diagnosis), name, value, low, high,
    level, kind, unit, status, text. Numbers are written in full (``repr``) and empty where there is none; an open end
    is empty too. A text cell that begins like a formula gets a leading apostrophe.
    """
    rows = [*_forecast(report), *_estimates(report), *_parameters(report), *_diagnoses(report)]
    advice = report.recommendation
    first = ["recommendation", advice.action.name.lower(), _number(advice.x_star), "", "", "", ""]
    rows.insert(0, [*first, report.curve.x_unit, "", " ".join(advice.reasons)])
    out = StringIO()
    table = writer(out, quoting=QUOTE_MINIMAL, lineterminator="\r\n")
    table.writerow(_HEADER)
    for row in rows:
        table.writerow([_cell(report.run.name), _cell(report.metric), *(_cell(c) for c in row)])
    return out.getvalue()


class _Number(str):
    """Text that is a number and stays one."""

    __slots__ = ()


def _number(value: float | None) -> str:
    finite = value is not None and abs(value) < float("inf")
    return _Number(repr(float(value))) if finite and value is not None else ""


def _cell(text: str) -> str:
    if isinstance(text, _Number):
        return text
    clean = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
    return f"'{clean}" if text.lstrip(" ").startswith(_FORMULA) else clean


def _interval(interval: Interval | None) -> list[str]:
    if interval is None:
        return ["", "", "", ""]
    return [_number(interval.low), _number(interval.high), _number(interval.level), interval.kind]


def _forecast(report: Report) -> list[list[str]]:
    rows = []
    unit = report.curve.metric.unit
    for name, kind, quantile in (
        ("new observation", "prediction", report.forecast.quantile),
        ("mean curve", "confidence", report.forecast.mean),
    ):
        for level in BAND_LEVELS:
            low, middle, high = (float(v) for v in quantile([(1 - level) / 2, 0.5, (1 + level) / 2])[-1])
            numbers = [_number(v) for v in (middle, low, high, level)]
            rows.append(["forecast", name, *numbers, kind, unit, report.forecast.status.code, ""])
    return rows


def _estimates(report: Report) -> list[list[str]]:
    return [
        ["estimate", name, _number(e.value), *_interval(e.interval), e.unit, e.status.code, "; ".join(e.reasons)]
        for name, e in report.estimates.items()
    ]


def _parameters(report: Report) -> list[list[str]]:
    fit = report.fit
    if fit is None:
        return []
    ends = fit.conf_int(report.level)
    return [
        ["parameter", p.name, _number(fit.params[p.name]), *_interval(ends[p.name]), p.unit, fit.status.code, p.meaning]
        for p in fit.model.parameters
    ]


def _diagnoses(report: Report) -> list[list[str]]:
    rows = []
    for d in report.diagnoses:
        place = d.where[0] if d.where else None
        value = _number(place.value) if place else ""
        unit = place.unit if place else ""
        rows.append(
            [
                "diagnosis",
                d.name,
                value,
                *_interval(place.interval if place else None),
                unit,
                d.verdict.value,
                d.explanation,
            ]
        )
    return rows
