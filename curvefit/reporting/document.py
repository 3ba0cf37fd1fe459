"""A report as plain dictionaries, lists, text and finite numbers: the form the JSON schema describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..curves import Estimate, Interval, Provenance
from ..decisions.recommendation import Recommendation
from ..diagnostics.diagnosis import Diagnosis
from ..forecasting.forecast import Forecast
from ._finite import finite

if TYPE_CHECKING:
    from ..fitting.fit import Fit
    from .report import Report

__all__ = [
    "BAND_LEVELS",
    "SCHEMA",
    "diagnosis_fields",
    "document",
    "estimate_fields",
    "finite",
    "fit_fields",
    "forecast_fields",
    "provenance_fields",
    "recommendation_fields",
]

SCHEMA = "curvefit/report-1"
BAND_LEVELS = (0.5, 0.8, 0.95)


def document(report: Report) -> dict[str, Any]:
    """Everything in the report, after the schema ``report-1.json``.

    Parameters
    ----------
    report : Report

    Returns
    -------
    dict
        Numbers are finite or None. Where a number was NaN or infinite, ``nonfinite`` holds its JSON pointer and
        which of the three it was, so nothing is lost and nothing is invalid JSON.
    """
    from .. import __version__

    curve = report.curve
    tree = {
        "schema": SCHEMA,
        "schema_version": 1,
        "curvefit_version": __version__,
        "run": report.run.name,
        "metric": {
            "name": report.metric,
            "kind": curve.kind,
            "direction": curve.direction,
            "split": curve.metric.split,
            "unit": curve.metric.unit,
        },
        "curve": {
            "points": len(curve),
            "x_unit": curve.x_unit,
            "x_first": float(curve.x[0]) if len(curve) else None,
            "x_last": float(curve.x[-1]) if len(curve) else None,
            "y_last": float(curve.y[-1]) if len(curve) else None,
            "nonfinite_points": int(curve.nonfinite_x.size),
            "bounds": None if curve.bounds is None else list(curve.bounds),
            "defects": dict(curve.defects),
        },
        "horizon": report.horizon,
        "level": report.level,
        "recommendation": recommendation_fields(report.recommendation),
        "forecast": forecast_fields(report.forecast),
        "fit": None if report.fit is None else fit_fields(report.fit, report.level),
        "estimates": {name: estimate_fields(e) for name, e in report.estimates.items()},
        "diagnoses": [diagnosis_fields(d) for d in report.diagnoses],
        "notes": list(report.notes),
        "provenance": provenance_fields(report.run.provenance),
    }
    clean: dict[str, Any]
    clean, nonfinite = finite(tree)
    clean["nonfinite"] = nonfinite
    return clean


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    return {
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "kind": interval.kind,
        "method": interval.method,
    }


def estimate_fields(estimate: Estimate) -> dict[str, Any]:
    """One number with its interval."""
    return {
        "name": estimate.name,
        "value": estimate.value,
        "interval": _interval(estimate.interval),
        "unit": estimate.unit,
        "status": estimate.status.code,
        "reasons": list(estimate.reasons),
        "details": {k: float(v) for k, v in estimate.details.items()},
    }


def forecast_fields(forecast: Forecast) -> dict[str, Any]:
    """Quantiles of both views over the grid; the bands are those of the fan chart."""
    tails = [(1 - level) / 2 for level in BAND_LEVELS]
    levels = np.array([0.5, *tails, *(1 - t for t in tails)])
    views: dict[str, Any] = {}
    for name, of in (("observation", forecast.observation), ("mean", forecast.underlying)):
        table = of.quantile(levels).T.tolist()
        k = len(BAND_LEVELS)
        views[name] = {
            "kind": "prediction" if name == "observation" else "confidence",
            "median": table[0],
            "bands": [
                {"level": level, "low": table[1 + i], "high": table[1 + k + i]} for i, level in enumerate(BAND_LEVELS)
            ],
        }
    return {
        "method": forecast.method,
        "status": forecast.status.code,
        "reasons": list(forecast.reasons),
        "x_last": forecast.x_last,
        "level_now": forecast.level_now,
        "noise": forecast.noise,
        "explanation": {k: float(v) for k, v in forecast.explanation.items()},
        "x": forecast.x.tolist(),
        **views,
    }


def fit_fields(fit: Fit, level: float) -> dict[str, Any]:
    """The law, its parameters and every reason to doubt it."""
    intervals = fit.conf_int(level)
    return {
        "model": fit.model.name,
        "status": fit.status.code,
        "parameters": [
            {
                "name": p.name,
                "value": float(fit.params[p.name]),
                "stderr": float(fit.stderr[p.name]),
                "interval": _interval(intervals[p.name]),
                "unit": p.unit,
                "meaning": p.meaning,
            }
            for p in fit.model.parameters
        ],
        "sigma": float(fit.sigma),
        "rho": float(fit.rho),
        "n_effective": float(fit.n_effective),
        "doubts": [{"name": d.name, "ok": d.ok, "message": d.message} for d in fit.doubts],
    }


def diagnosis_fields(diagnosis: Diagnosis) -> dict[str, Any]:
    """One verdict with its places and evidence."""
    return {
        "name": diagnosis.name,
        "verdict": diagnosis.verdict.value,
        "severity": diagnosis.severity,
        "metric": diagnosis.metric,
        "where": [estimate_fields(e) for e in diagnosis.where],
        "evidence": dict(diagnosis.evidence),
        "p_value": diagnosis.p_value,
        "explanation": diagnosis.explanation,
        "advice": diagnosis.advice,
    }


def recommendation_fields(recommendation: Recommendation) -> dict[str, Any]:
    """The decision with its arithmetic."""
    return {
        "action": recommendation.action.name.lower(),
        "sentence": recommendation.action.value,
        "metric": recommendation.metric,
        "x_star": recommendation.x_star,
        "expected_value": None
        if recommendation.expected_value is None
        else estimate_fields(recommendation.expected_value),
        "keep_x": recommendation.keep_x,
        "probability": recommendation.probability,
        "expected_gain": recommendation.expected_gain,
        "min_gain": recommendation.min_gain,
        "horizon": recommendation.horizon,
        "reasons": list(recommendation.reasons),
        "arithmetic": dict(recommendation.arithmetic),
    }


def provenance_fields(provenance: Provenance | None) -> dict[str, Any] | None:
    """Where the run came from, every row and point accounted for."""
    if provenance is None:
        return None
    return {
        "path": provenance.path,
        "reader": provenance.reader,
        "rows_in": provenance.rows_in,
        "rows_kept": provenance.rows_kept,
        "rows_dropped": dict(provenance.rows_dropped),
        "points_in": provenance.points_in,
        "points_kept": provenance.points_kept,
        "points_dropped": dict(provenance.points_dropped),
        "restarts": [float(x) for x in provenance.restarts],
        "sampling": provenance.sampling,
        "window": provenance.window,
        "notes": list(provenance.notes),
    }
