"""Several reports on one screen."""

from __future__ import annotations

from collections.abc import Sequence

from ..curves.numbers import with_interval
from ..reporting.report import Report
from ._table import table

__all__ = ["summary", "summary_row"]


def summary_row(report: Report) -> tuple[str, ...]:
    """Run, metric, forecast at its horizon, decision, warnings."""
    value, interval = with_interval(report.estimates["value_at"])
    findings = ", ".join(d.name for d in report.diagnoses.warnings) or "none"
    where = f"{value} {interval}".strip() or report.estimates["value_at"].status.code.replace("_", " ")
    return report.run.name, report.metric, where, report.recommendation.action.value, findings


def summary(rows: Sequence[tuple[str, ...]], *, width: int) -> str:
    """One line per run."""
    return table(("run", "metric", "at the horizon", "decision", "warnings"), rows, width=width)
