"""A batch in a handful of tables: how runs ended, laws, parameters, forecasts, diagnoses, recommendations by group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import __version__
from ..curves import UsageError
from ..curves._checks import safe_text
from ..curves.errors import unknown_name
from ..reporting.tables import BatchSummary, Pooled, Table
from ._identified import LawRuns, best_only, law_runs, scale_of
from ._parameter_table import parameter_table
from ._scores import label
from ._summary_tables import (
    ALL,
    Grouping,
    Rows,
    action_table,
    diagnosis_table,
    forecast_table,
    horizons_told,
    kinds_of,
    law_table,
    status_table,
)
from .pooling import MIN_RUNS, pool
from .result import BatchResult
from .schema import attribute_column

__all__ = ["pooled_parameters", "summarize"]


def summarize(
    result: BatchResult, by: str | None = None, *, task: str | None = None, level: float = 0.95
) -> BatchSummary:
    """Tables of a batch, by an attribute of the runs.

    Parameters
    ----------
    result : BatchResult
        From `batch` or `load_batch`.
    by : str, optional
        Attribute; default all runs together.
    task : str, optional
        Attribute of the task: nothing is pooled over different tasks.
    level : float
        Nominal coverage of pooled parameters.

    Raises
    ------
    UsageError
        When no run has the attribute.

    Notes
    -----
    Values and parameters are pooled over runs (seeds) of one metric, of one unit of it and of x, never over several.
    """
    runs = rows_of(result, "runs")
    group = grouping(result, runs, by, task)
    wanted = ("run", "metric")
    laws = (
        rows_of(result, "comparison", (*wanted, "model", "rank", "weight")) if result.config.wants("comparison") else []
    )
    forecasts = rows_of(result, "forecasts", (*wanted, "asked", "x", "median", "low", "high", "reason"))
    fitted = _law_runs(result, group, laws, runs)
    many = Grouping(group, " / ".join(a for a in (by, task) if a is not None), runs, _root(result))
    parts: list[Table] = [
        status_table(runs, many),
        law_table(laws, many, best=best_only(result)),
        parameter_table(_pooled(fitted, level), many, level, fitted, best=best_only(result)),
        forecast_table(forecasts, many, level),
        diagnosis_table(rows_of(result, "diagnoses", (*wanted, "name", "verdict", "severity")), many, level),
        action_table(rows_of(result, "recommendations", (*wanted, "action")), many),
    ]
    notes = (
        []
        if result.complete
        else [f"the batch is not complete: {len(result.parts)} of {result.units} units of work are done"]
    )
    config = result.config
    everyone = {r["run"] for r in runs}
    analyzed = {r["run"] for r in runs if r["status"] in ("ok", "degraded")}
    return BatchSummary(
        title=f"Batch of {len(everyone)} runs",
        counts=result.counts,
        groups=tuple(a for a in (by, task) if a is not None),
        contents=tuple(parts),
        settings={
            "curvefit": __version__,
            "analyzed": str(len(analyzed)),
            "not analyzed": str(len(everyone - analyzed)),
            "models": ", ".join(config.models) or "none",
            "criterion": config.criterion if best_only(result) else "none",
            "forecaster": config.method,
            "horizons": ", ".join(config.horizons),
            "forecast to": horizons_told(forecasts, runs),
            "level": f"{config.level:g}",
            "configuration": config.digest[:16],
        },
        notes=tuple(notes),
    )


def _root(result: BatchResult) -> str:
    """Folder of the data set as paths in it begin."""
    dataset = result.config.dataset
    return f"{dataset.rstrip('/')}/" if dataset else ""


def rows_of(result: BatchResult, table: str, columns: tuple[str, ...] | None = None) -> Rows:
    """Rows of a table as plain values."""
    found: Rows = result.arrow(table, list(columns) if columns else None).to_pylist()
    return found


def grouping(result: BatchResult, runs: Rows, by: str | None, task: str | None = None) -> Callable[[str], str | None]:
    """Group of a run by its name; None for a run without the attributes."""
    names = [a for a in (by, task) if a is not None]
    if not names:
        return lambda _: ALL
    if not result.config.attributes:
        raise UsageError(
            f"the runs have no attributes, so none is called {safe_text(str(names[0]))!r}",
            code="CF-USE-002",
            where=safe_text(str(result.path)),
            hint="curvefit batch --names '{method}-seed{seed}' takes them from names of runs and files; constant columns "
            "of a log are attributes; in Python cf.Run(..., attributes={'method': 'adam', 'seed': 0})",
        )
    for name in names:
        if name not in result.config.attributes:
            raise unknown_name("attribute", name, result.config.attributes, where=str(result.path))
    columns = [attribute_column(name) for name in names]
    of = {r["run"]: [r[c] for c in columns] for r in runs}

    def group(run: str) -> str | None:
        values = of.get(run, [None])
        return None if any(v is None or v == "" for v in values) else " / ".join(map(label, values))

    return group


def pooled_parameters(
    result: BatchResult, group: Callable[[str], str | None], *, level: float = 0.95
) -> dict[tuple[str, str, str, str], Pooled]:
    """Random-effects means by group, metric, law and parameter, over the runs that identify the law.

    Where laws were compared, only runs whose best law it is count. A metric that stands over several units of x, or in
    several units, is several: a rate per epoch is none per step.

    Parameters
    ----------
    result : BatchResult
        With parameters.
    group : callable
        Group of a run by its name.
    level : float
        Nominal coverage.

    Notes
    -----
    All parameters of a law are pooled over the same runs: those in which each of them has a value, a standard error and a
    closed interval. There is none where fewer than three are left.
    """
    if not result.config.wants("parameters"):
        return {}
    laws = rows_of(result, "comparison", ("run", "metric", "model", "rank")) if best_only(result) else []
    return _pooled(_law_runs(result, group, laws, rows_of(result, "runs")), level)


def _law_runs(
    result: BatchResult, group: Callable[[str], str | None], laws: Rows, runs: Rows
) -> dict[tuple[str, str, str], LawRuns]:
    if not result.config.wants("parameters"):
        return {}
    best = {(r["run"], r["metric"]): r["model"] for r in laws if r["rank"] == 1} if best_only(result) else {}
    return law_runs(result, group, kinds_of(runs), best)


def _pooled(fitted: Mapping[tuple[str, str, str], LawRuns], level: float) -> dict[tuple[str, str, str, str], Pooled]:
    found = {}
    for law, here in fitted.items():
        if len(here.identified) < MIN_RUNS:
            continue
        for parameter in here.parameters:
            values, stderr = zip(*(told[parameter] for told in here.identified.values()), strict=True)
            scale = scale_of(law[2], parameter)
            found[(*law, parameter)] = pool(
                list(values), list(stderr), names=list(here.identified), name=parameter, level=level, scale=scale
            )
    return found


def flattened(tables: Iterable[Table], title: Callable[[str], str]) -> dict[str, list[dict[str, Any]]]:
    """Tables by title, one mapping of texts per row, for a page."""
    from ..reporting.table_formats._base import pieces

    out: dict[str, list[dict[str, Any]]] = {}
    for t in tables:
        rows = []
        for row in t.rows:
            cells: dict[str, Any] = {}
            for c, cell in zip(t.columns, row, strict=True):
                value, interval = pieces(c, cell)
                cells[c.title] = f"{value} {interval}".strip() or "–"
            rows.append(cells)
        out[title(t.name)] = rows
    return out
