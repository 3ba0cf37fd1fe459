"""A batch in a handful of tables: how runs ended, laws, parameters, forecasts, diagnoses, recommendations by group."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import __version__
from ..curves import Estimate, Interval, Status, UsageError
from ..curves._checks import safe_text
from ..curves.errors import unknown_name
from ..reporting.tables import BatchSummary, Column, Pooled, Table
from ..reporting.tables.table import Cell
from ._scores import label
from .pooling import MIN_RUNS, pool
from .result import BatchResult
from .schema import attribute_column

__all__ = ["pooled_parameters", "summarize"]

Rows = list[dict[str, Any]]
ALL = "all"
_ACTIONS = ("continue", "stop", "intervene", "collect_more")


def summarize(result: BatchResult, by: str | None = None, *, level: float = 0.95) -> BatchSummary:
    """Tables of a batch, by an attribute of the runs.

    Parameters
    ----------
    result : BatchResult
        From `batch` or `load_batch`.
    by : str, optional
        Attribute; default all runs together.
    level : float
        Nominal coverage of pooled parameters.

    Raises
    ------
    UsageError
        When no run has the attribute.
    """
    runs = rows_of(result, "runs")
    group = grouping(result, runs, by)
    name = by or "runs"
    wanted = ("run", "metric")
    laws = (
        rows_of(result, "comparison", (*wanted, "model", "rank", "weight")) if result.config.wants("comparison") else []
    )
    parts: list[Table] = [
        _statuses(runs, group, name),
        _laws(laws, group, name),
        _parameters(pooled_parameters(result, group, level=level, laws=laws), name),
        _forecasts(rows_of(result, "forecasts", (*wanted, "asked", "median", "low", "high", "status")), group, name),
        _diagnoses(rows_of(result, "diagnoses", (*wanted, "name", "verdict", "severity")), group, name),
        _actions(rows_of(result, "recommendations", (*wanted, "action")), group, name),
    ]
    notes = (
        []
        if result.complete
        else [f"the batch is not complete: {len(result.parts)} of {result.units} units of work are done"]
    )
    config = result.config
    return BatchSummary(
        title=f"Batch of {len({r['run'] for r in runs})} runs",
        counts=result.counts,
        groups=() if by is None else (by,),
        contents=tuple(parts),
        settings={
            "curvefit": __version__,
            "models": ", ".join(config.models) or "none",
            "criterion": config.criterion,
            "forecaster": config.method,
            "horizons": ", ".join(config.horizons),
            "level": f"{config.level:g}",
            "configuration": config.digest[:16],
        },
        notes=tuple(notes),
    )


def rows_of(result: BatchResult, table: str, columns: tuple[str, ...] | None = None) -> Rows:
    """Rows of a table as plain values."""
    found: Rows = result.arrow(table, list(columns) if columns else None).to_pylist()
    return found


def grouping(result: BatchResult, runs: Rows, by: str | None) -> Callable[[str], str | None]:
    """Group of a run by its name; None for a run without the attribute."""
    if by is None:
        return lambda _: ALL
    column = attribute_column(by)
    if not result.config.attributes:
        raise UsageError(
            f"the runs have no attributes, so none is called {safe_text(str(by))!r}",
            code="CF-USE-002",
            where=safe_text(str(result.path)),
            hint="constant columns of a log are attributes, or cf.Run(..., attributes={'method': 'adam', 'seed': 0}); "
            "curvefit compare --names '{method}-seed{seed}' takes them from file names",
        )
    if by not in result.config.attributes:
        raise unknown_name("attribute", by, result.config.attributes, where=str(result.path))
    of = {r["run"]: r[column] for r in runs}

    def group(run: str) -> str | None:
        value = of.get(run)
        return None if value is None or value == "" else label(value)

    return group


def pooled_parameters(
    result: BatchResult, group: Callable[[str], str | None], *, level: float = 0.95, laws: Rows | None = None
) -> dict[tuple[str, str, str], Pooled]:
    """Random-effects means by group, law and parameter, over the runs whose best law it is.

    Parameters
    ----------
    result : BatchResult
        With parameters.
    group : callable
        Group of a run by its name.
    level : float
        Nominal coverage.
    laws : list of dict, optional
        Rows of the comparison, when they are at hand.
    """
    if not result.config.wants("parameters"):
        return {}
    if laws is None:
        laws = rows_of(result, "comparison", ("run", "metric", "model", "rank"))
    best = {(r["run"], r["metric"]): r["model"] for r in laws if r["rank"] == 1}
    wanted = ("run", "metric", "model", "parameter", "value", "stderr", "status")
    collected: dict[tuple[str, str, str], list[tuple[str, float, float]]] = {}
    for r in rows_of(result, "parameters", wanted):
        where = group(r["run"])
        usable = (
            r["value"] is not None and r["stderr"] is not None and r["stderr"] > 0 and r["status"] in ("ok", "degraded")
        )
        if where is None or not usable or (best and best.get((r["run"], r["metric"])) != r["model"]):
            continue
        collected.setdefault((where, r["model"], r["parameter"]), []).append((r["run"], r["value"], r["stderr"]))
    found = {}
    for key in sorted(collected):
        names, values, stderr = zip(*collected[key], strict=True)
        kept = np.isfinite(values) & np.isfinite(stderr)
        if kept.sum() >= MIN_RUNS:
            found[key] = pool(list(values), list(stderr), names=list(names), name=key[2], level=level)
    return found


def _groups(rows: Rows, group: Callable[[str], str | None]) -> dict[str, Rows]:
    out: dict[str, Rows] = {}
    for r in rows:
        where = group(r["run"])
        if where is not None:
            out.setdefault(where, []).append(r)
    return dict(sorted(out.items()))


def _statuses(runs: Rows, group: Callable[[str], str | None], name: str) -> Table:
    columns = (
        Column("group", name),
        Column("runs", "runs", "count"),
        *(Column(s, s, "count") for s in ("ok", "degraded", "refused", "failed")),
    )
    rows: list[tuple[Cell, ...]] = []
    lost = sum(group(r["run"]) is None for r in runs)
    for where, members in _groups(runs, group).items():
        count = Counter(r["status"] for r in members)
        rows.append(
            (where, len({r["run"] for r in members}), *(count[s] for s in ("ok", "degraded", "refused", "failed")))
        )
    notes = (f"{lost} rows of runs without {name} are left out.",) if lost else ()
    return Table("runs", "Runs by how they ended (one count per metric)", columns, tuple(rows), notes)


def _laws(rows: Rows, group: Callable[[str], str | None], name: str) -> Table:
    columns = (
        Column("group", name),
        Column("law", "best law"),
        Column("runs", "runs", "count"),
        Column("share", "share", "probability"),
    )
    out: list[tuple[Cell, ...]] = []
    for where, members in _groups([r for r in rows if r["rank"] == 1], group).items():
        count = Counter(r["model"] for r in members)
        out += [(where, law, n, n / len(members)) for law, n in count.most_common()]
    return Table("laws", "Law that describes a run best", columns, tuple(out))


def _parameters(found: dict[tuple[str, str, str], Pooled], name: str) -> Table:
    columns = (
        Column("group", name),
        Column("law", "law"),
        Column("parameter", "parameter"),
        Column("runs", "runs", "count"),
        Column("mean", "mean", "estimate"),
        Column("tau", "sd between runs", "number"),
        Column("heterogeneity", "I squared", "probability"),
    )
    rows: list[tuple[Cell, ...]] = [
        (where, law, parameter, len(p.runs), p.mean, p.tau, p.heterogeneity)
        for (where, law, parameter), p in found.items()
    ]
    note = f"Random effects over the runs whose best law it is, at least {MIN_RUNS} of them; runs without a standard error are left out."
    return Table("parameters", "Parameters of the best laws, pooled over runs", columns, tuple(rows), (note,))


def _forecasts(rows: Rows, group: Callable[[str], str | None], name: str) -> Table:
    columns = (
        Column("group", name),
        Column("horizon", "horizon"),
        Column("runs", "runs", "count"),
        Column("median", "median of runs", "estimate"),
        Column("width", "median relative width", "number"),
    )
    out: list[tuple[Cell, ...]] = []
    for where, members in _groups(rows, group).items():
        for asked in dict.fromkeys(r["asked"] for r in members):
            here = [r for r in members if r["asked"] == asked and r["median"] is not None]
            values = np.array([r["median"] for r in here], dtype=float)
            if not values.size:
                continue
            widths = [(r["high"] - r["low"]) / abs(r["median"]) for r in here if r["low"] is not None and r["median"]]
            out.append((where, str(asked), values.size, _middle(values), float(np.median(widths)) if widths else None))
    note = "The interval is that of the median over runs (order statistics), not of a forecast."
    return Table("forecasts", "Forecasts at the horizons", columns, tuple(out), (note,))


def _middle(values: Any) -> Estimate:
    """Median with the distribution-free interval between two order statistics."""
    from scipy.special import bdtr

    ordered = np.sort(values)
    n = ordered.size
    center = float(np.median(ordered))
    below = -1
    while 2 * float(bdtr(below + 1, n, 0.5)) <= 0.05:  # binomial tail of the next order statistic
        below += 1
    if below < 0:
        return Estimate("median", center, status=Status.TOO_FEW_POINTS, reasons=(f"{n} runs: no interval at 95 %",))
    return Estimate(
        "median",
        center,
        Interval(float(ordered[below]), float(ordered[n - 1 - below]), 0.95, method="order statistics"),
    )


def _diagnoses(rows: Rows, group: Callable[[str], str | None], name: str) -> Table:
    columns = (
        Column("group", name),
        Column("diagnosis", "diagnosis"),
        Column("severity", "severity"),
        Column("present", "present", "count"),
        Column("undecided", "undecided", "count"),
        Column("runs", "runs", "count"),
        Column("share", "share present", "estimate"),
    )
    out: list[tuple[Cell, ...]] = []
    for where, members in _groups(rows, group).items():
        for rule in sorted({r["name"] for r in members}):
            here = [r for r in members if r["name"] == rule]
            present = sum(r["verdict"] == "present" for r in here)
            if present:
                undecided = sum(r["verdict"] == "undecided" for r in here)
                out.append(
                    (
                        where,
                        rule.replace("_", " "),
                        here[0]["severity"],
                        present,
                        undecided,
                        len(here),
                        share_of(present, len(here)),
                    )
                )
    return Table(
        "diagnoses",
        "Diagnoses that are present in some run, with 95 % Wilson intervals of their share",
        columns,
        tuple(out),
    )


def share_of(count: int, n: int, level: float = 0.95) -> Estimate:
    """A share with Wilson's score interval."""
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    p = count / n
    center = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Estimate(
        "share", p, Interval(max(0.0, min(center - half, p)), min(1.0, max(center + half, p)), level, method="Wilson")
    )


def _actions(rows: Rows, group: Callable[[str], str | None], name: str) -> Table:
    columns = (
        Column("group", name),
        Column("runs", "runs", "count"),
        *(Column(a, a.replace("_", " "), "count") for a in _ACTIONS),
    )
    out: list[tuple[Cell, ...]] = []
    for where, members in _groups(rows, group).items():
        count = Counter(str(r["action"]).lower() for r in members)
        out.append((where, len(members), *(count[a] for a in _ACTIONS)))
    return Table("recommendations", "Recommended actions", columns, tuple(out))


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
                cells[c.title] = f"{value} {interval}".strip()
            rows.append(cells)
        out[title(t.name)] = rows
    return out
