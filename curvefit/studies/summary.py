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
from ..curves.numbers import counted
from ..reporting.tables import BatchSummary, Column, Pooled, Table
from ..reporting.tables.table import Cell
from ._scores import label, some_names
from .pooling import MIN_RUNS, pool
from .result import BatchResult
from .schema import attribute_column

__all__ = ["pooled_parameters", "summarize"]

Rows = list[dict[str, Any]]
ALL = "all"
_ACTIONS = ("continue", "stop", "intervene", "collect_more")


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
    Values and parameters are pooled over runs (seeds) of one metric, never over metrics.
    """
    runs = rows_of(result, "runs")
    group = grouping(result, runs, by, task)
    name = " / ".join(a for a in (by, task) if a is not None) or "runs"
    several = len({r["metric"] for r in runs if r["metric"] is not None}) > 1
    wanted = ("run", "metric")
    laws = (
        rows_of(result, "comparison", (*wanted, "model", "rank", "weight")) if result.config.wants("comparison") else []
    )
    parts: list[Table] = [
        _statuses(runs, group, name),
        _laws(laws, group, name, several),
        _parameters(pooled_parameters(result, group, level=level, laws=laws), name, several),
        _forecasts(
            rows_of(result, "forecasts", (*wanted, "asked", "x", "median", "low", "high")), runs, group, name, several
        ),
        _diagnoses(rows_of(result, "diagnoses", (*wanted, "name", "verdict", "severity")), group, name, several),
        _actions(rows_of(result, "recommendations", (*wanted, "action")), group, name, several),
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
        groups=tuple(a for a in (by, task) if a is not None),
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
    result: BatchResult, group: Callable[[str], str | None], *, level: float = 0.95, laws: Rows | None = None
) -> dict[tuple[str, str, str, str], Pooled]:
    """Random-effects means by group, metric, law and parameter, over the runs whose best law it is.

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
    collected: dict[tuple[str, str, str, str], list[tuple[str, float, float]]] = {}
    for r in rows_of(result, "parameters", wanted):
        where = group(r["run"])
        usable = (
            r["value"] is not None and r["stderr"] is not None and r["stderr"] > 0 and r["status"] in ("ok", "degraded")
        )
        if where is None or not usable or (best and best.get((r["run"], r["metric"])) != r["model"]):
            continue
        collected.setdefault((where, r["metric"], r["model"], r["parameter"]), []).append(
            (r["run"], r["value"], r["stderr"])
        )
    found = {}
    for key in sorted(collected):
        names, values, stderr = zip(*collected[key], strict=True)
        kept = np.isfinite(values) & np.isfinite(stderr)
        if kept.sum() >= MIN_RUNS:
            found[key] = pool(list(values), list(stderr), names=list(names), name=key[3], level=level)
    return found


def _groups(rows: Rows, group: Callable[[str], str | None]) -> dict[str, Rows]:
    out: dict[str, Rows] = {}
    for r in rows:
        where = group(r["run"])
        if where is not None:
            out.setdefault(where, []).append(r)
    return dict(sorted(out.items()))


def _by_metric(rows: Rows, several: bool) -> list[tuple[tuple[str, ...], Rows]]:
    """Rows of each metric, with what stands before them in a table: nothing where there is only one."""
    if not several:
        return [((), rows)] if rows else []
    out: dict[str, Rows] = {}
    for r in rows:
        out.setdefault(r["metric"] or "", []).append(r)
    return [((metric,), members) for metric, members in sorted(out.items())]


def _metric_column(several: bool) -> tuple[Column, ...]:
    return (Column("metric", "metric"),) if several else ()


def _count_column(several: bool) -> Column:
    """What is counted: a run stands once for every metric."""
    return Column("runs", "curves" if several else "runs", "count")


def _statuses(runs: Rows, group: Callable[[str], str | None], name: str) -> Table:
    columns = (
        Column("group", name),
        Column("runs", "runs", "count"),
        *(Column(s, s, "count") for s in ("ok", "degraded", "refused", "failed")),
    )
    rows: list[tuple[Cell, ...]] = []
    lost = list(dict.fromkeys(r["run"] for r in runs if group(r["run"]) is None))
    for where, members in _groups(runs, group).items():
        count = Counter(r["status"] for r in members)
        rows.append(
            (where, len({r["run"] for r in members}), *(count[s] for s in ("ok", "degraded", "refused", "failed")))
        )
    notes = (f"{counted(len(lost), 'run')} without {name} left out: {some_names(lost)}.",) if lost else ()
    return Table("runs", "Runs by how they ended (one count per metric)", columns, tuple(rows), notes)


def _laws(rows: Rows, group: Callable[[str], str | None], name: str, several: bool) -> Table:
    columns = (
        Column("group", name),
        Column("law", "best law"),
        _count_column(several),
        Column("share", "share", "probability"),
    )
    out: list[tuple[Cell, ...]] = []
    for where, members in _groups([r for r in rows if r["rank"] == 1], group).items():
        count = Counter(r["model"] for r in members)
        out += [(where, law, n, n / len(members)) for law, n in count.most_common()]
    return Table("laws", "Law that describes a run best", columns, tuple(out))


def _parameters(found: dict[tuple[str, str, str, str], Pooled], name: str, several: bool) -> Table:
    columns = (
        Column("group", name),
        *_metric_column(several),
        Column("law", "law"),
        Column("parameter", "parameter"),
        Column("runs", "runs", "count"),
        Column("mean", "mean", "estimate"),
        Column("tau", "sd of runs", "number"),
        Column("heterogeneity", "I squared", "probability"),
    )
    rows: list[tuple[Cell, ...]] = [
        (where, *((metric,) if several else ()), law, parameter, len(p.runs), p.mean, p.tau, p.heterogeneity)
        for (where, metric, law, parameter), p in found.items()
    ]
    note = f"Random effects over the runs whose best law it is, at least {MIN_RUNS} of them; runs without a standard error are left out; sd is the standard deviation between runs."
    return Table("parameters", "Parameters of the best laws, pooled over runs", columns, tuple(rows), (note,))


def _forecasts(rows: Rows, runs: Rows, group: Callable[[str], str | None], name: str, several: bool) -> Table:
    unit = {(r["run"], r["metric"]): r["x_unit"] for r in runs}
    out: list[tuple[Cell, ...]] = []
    for where, grouped in _groups([r for r in rows if r["median"] is not None], group).items():
        for metric, members in _by_metric(grouped, several):
            for asked in dict.fromkeys(r["asked"] for r in members):
                here = [r for r in members if r["asked"] == asked]
                values = np.array([r["median"] for r in here], dtype=float)
                widths = [
                    (r["high"] - r["low"]) / abs(r["median"]) for r in here if r["low"] is not None and r["median"]
                ]
                units = sorted({unit.get((r["run"], r["metric"])) or "" for r in here})
                places = [r["x"] for r in here]
                out.append(
                    (
                        *(where, *metric, str(asked), ", ".join(units), min(places), max(places), values.size),
                        *(_middle(values), float(np.median(widths)) if widths else None),
                    )
                )
    columns = [
        Column("group", name),
        *_metric_column(several),
        Column("horizon", "horizon"),
        Column("unit", "unit of x"),
        Column("x_low", "from x", "position"),
        Column("x_high", "to x", "position"),
        Column("runs", "runs", "count"),
        Column("median", "median of runs", "estimate"),
        Column("width", "relative width", "number"),
    ]
    to = next(i for i, c in enumerate(columns) if c.name == "x_high")
    if all(row[to] == row[to - 1] for row in out):  # one x in each row
        columns[to - 1 : to + 1] = [Column("x", "at x", "position")]
        out = [(*row[:to], *row[to + 1 :]) for row in out]
    note = "The interval is that of the median over runs (order statistics), not of a forecast; the relative width is the median of those of the forecasts."
    return Table("forecasts", "Forecasts at the horizons", tuple(columns), tuple(out), (note,))


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


def _diagnoses(rows: Rows, group: Callable[[str], str | None], name: str, several: bool) -> Table:
    columns = (
        Column("group", name),
        Column("diagnosis", "diagnosis"),
        Column("severity", "severity"),
        Column("present", "present", "count"),
        Column("undecided", "undecided", "count"),
        _count_column(several),
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


def _actions(rows: Rows, group: Callable[[str], str | None], name: str, several: bool) -> Table:
    columns = (
        Column("group", name),
        _count_column(several),
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
