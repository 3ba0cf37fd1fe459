"""The tables of a batch: what is counted and pooled, in which groups, and why a cell is empty."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..curves import Estimate, Interval, Status
from ..curves.numbers import counted
from ..decisions.recommendation import Action
from ..reporting.tables import Column, Table
from ..reporting.tables.table import Cell
from ._scores import some_names

__all__ = [
    "ALL",
    "Grouping",
    "Rows",
    "action_table",
    "diagnosis_table",
    "forecast_table",
    "horizons_told",
    "kinds_of",
    "law_table",
    "share_of",
    "status_table",
]

Rows = list[dict[str, Any]]
Kinds = Mapping[tuple[str, str], str]
ALL = "all"
PLANNED, DECAY, TWICE = "planned length", "end of the decay", "twice the data"
_OWN = {"planned": PLANNED, "decay": DECAY, "twice": TWICE}
_STATUSES = ("ok", "degraded", "refused", "failed")
_ACTIONS = (Action.CONTINUE, Action.STOP, Action.INTERVENE, Action.COLLECT_MORE)


@dataclass(frozen=True)
class Grouping:
    """Who belongs together.

    Parameters
    ----------
    of : callable
        Group of a run by its name; None for a run without the attributes.
    name : str
        Of the attributes; empty where all runs are one group, which then has no column.
    runs : list of dict
        The table of runs.
    root : str
        Folder of the data set, from which paths of logs that could not be read are told.
    """

    of: Callable[[str], str | None]
    name: str
    runs: Rows
    root: str = ""

    @cached_property
    def kinds(self) -> Kinds:
        """What the curve of a run and metric is compared as."""
        return kinds_of(self.runs)

    @property
    def several(self) -> bool:
        """Whether there is more than one kind of curve, so that a column must tell them apart."""
        return len(set(self.kinds.values())) > 1

    def members(self, rows: Rows) -> dict[str, Rows]:
        """Rows of each group, in order of the groups."""
        out: dict[str, Rows] = {}
        for r in rows:
            where = self.of(r["run"])
            if where is not None:
                out.setdefault(where, []).append(r)
        return dict(sorted(out.items()))

    def by_kind(self, rows: Rows) -> dict[str, Rows]:
        """Rows of each kind of curve."""
        out: dict[str, Rows] = {}
        for r in rows:
            out.setdefault(self.kinds.get((r["run"], r["metric"]), r["metric"] or ""), []).append(r)
        return dict(sorted(out.items()))

    def table(
        self,
        name: str,
        caption: str,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell]],
        notes: Sequence[str] = (),
    ) -> Table:
        """A table whose first column is the group, left out where there is only one for want of an attribute."""
        heads, cells = (Column("group", self.name), *columns), [tuple(r) for r in rows]
        if not self.name:
            heads, cells = heads[1:], [r[1:] for r in cells]
        return Table(name, caption, heads, tuple(cells), tuple(notes))

    @property
    def metric_column(self) -> tuple[Column, ...]:
        """The kind of curve, where there are several."""
        return (Column("metric", "metric"),) if self.several else ()

    def split(self, rows: Rows) -> list[tuple[tuple[Cell, ...], Rows]]:
        """Rows of each group, and of each kind of curve where there are several, with the cells that name them."""
        out: list[tuple[tuple[Cell, ...], Rows]] = []
        for where, members in self.members(rows).items():
            if not self.several:
                out.append(((where,), members))
            else:
                out += [((where, kind), here) for kind, here in self.by_kind(members).items()]
        return out


def kinds_of(runs: Rows) -> Kinds:
    """Metric of every curve, with the unit of x and its own unit where curves of that name differ in them.

    Nothing is pooled over different kinds: an accuracy of 0.9 and one of 90 percent, a rate per epoch and one per step.
    """
    usable = [r for r in runs if r["metric"] is not None and r["status"] in ("ok", "degraded")]
    facts = {(r["run"], r["metric"]): (r["metric"], _unit(r), _x_unit(r)) for r in usable}
    units: dict[str, set[str]] = {}
    x_units: dict[str, set[str]] = {}
    for metric, unit, x_unit in facts.values():
        units.setdefault(metric, set()).add(unit)
        x_units.setdefault(metric, set()).add(x_unit)
    out = {}
    for key, (metric, unit, x_unit) in facts.items():
        of = f" ({unit or 'no unit'})" if len(units[metric]) > 1 else ""
        out[key] = metric + of + (f" over {x_unit or 'x'}" if len(x_units[metric]) > 1 else "")
    return out


def _unit(row: Mapping[str, Any]) -> str:
    """Unit of a metric: an accuracy beyond one is in percent."""
    told = str(row.get("unit") or "")
    if told or row.get("kind") != "accuracy" or row.get("y_last") is None:
        return told
    return "percent" if row["y_last"] > 1 else "fraction"


def _x_unit(row: Mapping[str, Any]) -> str:
    unit = str(row.get("x_unit") or "")
    return "step" if unit == "iteration" else unit


def status_table(runs: Rows, many: Grouping) -> Table:
    """How runs ended; those without the attribute, as logs that could not be read, in a row of their own."""
    columns = (Column("runs", "runs", "count"), *(Column(s, s, "count") for s in _STATUSES))
    lost = [r for r in runs if many.of(r["run"]) is None]
    groups = [*many.members(runs).items(), *([(f"(no {many.name})", lost)] if lost else [])]
    rows: list[tuple[Cell, ...]] = []
    for where, members in groups:
        count = Counter(r["status"] for r in members)
        rows.append((where, len({r["run"] for r in members}), *(count[s] for s in _STATUSES)))
    names = [r["run"].removeprefix(many.root) for r in lost]
    notes = (
        (f"Without {many.name}, and so in no other table: {some_names(list(dict.fromkeys(names)))}.",) if lost else ()
    )
    return many.table("runs", "Runs by how they ended (one count per metric)", columns, rows, notes)


def law_table(rows: Rows, many: Grouping, *, best: bool = True) -> Table:
    """Which law describes how many runs best."""
    columns = (
        *many.metric_column,
        Column("law", "best law" if best else "law"),
        Column("runs", "runs", "count"),
        Column("share", "share", "probability"),
    )
    out: list[tuple[Cell, ...]] = []
    for named, members in many.split([r for r in rows if r["rank"] == 1]):
        count = Counter(r["model"] for r in members)
        out += [(*named, law, n, n / len(members)) for law, n in count.most_common()]
    return many.table("laws", "Law that describes a run best" if best else "Law that was fitted", columns, out)


def _horizon(row: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """What a forecast was made to: a run without a plan beyond its data is asked about twice of them."""
    if row["asked"] != "planned":
        return str(row["asked"])
    if run.get("horizon_from") in _OWN:
        return _OWN[run["horizon_from"]]
    first, last = run.get("x_first"), run.get("x_last")
    if first is None or last is None:
        return PLANNED
    twice = last + max(last - min(first, 0.0), 0.0) or last + 1.0
    return TWICE if math.isclose(row["x"], twice, rel_tol=1e-12) else PLANNED


def horizons_told(forecasts: Rows, runs: Rows) -> str:
    """To where curves were forecast, in words, with counts where it was not the same for all."""
    of = {(r["run"], r["metric"]): r for r in runs}
    count = Counter(_horizon(r, of.get((r["run"], r["metric"]), {})) for r in forecasts if r["median"] is not None)
    if not count:
        return ""
    told = []
    for name, n in count.items():
        place = {
            PLANNED: "the planned length of a run",
            DECAY: "the end of the decay that the learning rate is in",
            TWICE: "twice the data",
        }.get(name)
        if place is None:
            place = f"{name.removesuffix('x')} times the data" if name.endswith("x") else f"x = {name}"
        why = ", where no plan reached beyond them" if name == TWICE else ""
        told.append(f"{place} ({counted(n, 'curve')}{why})")
    return " and ".join((", ".join(told[:-1]), told[-1])) if len(told) > 1 else told[0]


def forecast_table(rows: Rows, many: Grouping, level: float) -> Table:
    """Medians over the runs of a group, never over different kinds of curves."""
    of = {(r["run"], r["metric"]): r for r in many.runs}
    out: list[tuple[Cell, ...]] = []
    for where, grouped in many.members([r for r in rows if r["median"] is not None]).items():
        for kind, members in many.by_kind(grouped).items():
            horizons: dict[str, Rows] = {}
            for r in members:
                horizons.setdefault(_horizon(r, of.get((r["run"], r["metric"]), {})), []).append(r)
            for horizon, here in horizons.items():
                units = sorted({str(of.get((r["run"], r["metric"]), {}).get("x_unit") or "") for r in here})
                places = [r["x"] for r in here]
                values = np.array([r["median"] for r in here], dtype=float)
                out.append(
                    (
                        *(where, *((kind,) if many.several else ()), horizon, ", ".join(units)),
                        *(min(places), max(places), values.size, _middle(values, level), _width(here)),
                    )
                )
    columns = [
        *many.metric_column,
        Column("horizon", "horizon"),
        Column("unit", "unit of x"),
        Column("x_low", "least x", "position"),
        Column("x_high", "greatest x", "position"),
        Column("runs", "runs", "count"),
        Column("median", "median of runs", "estimate"),
        Column("width", "relative width", "number"),
    ]
    to = next(i for i, c in enumerate(columns) if c.name == "x_high")
    if all(row[to + 1] == row[to] for row in out):  # one x in each row, which has its group before it
        columns[to - 1 : to + 1] = [Column("x", "at x", "position")]
        out = [(*row[: to + 1], *row[to + 2 :]) for row in out]
        mixed = ""
    else:
        mixed = (
            " Least and greatest x are those to which the runs of a row were forecast; where they differ, the median is of "
            "values at different x."
        )
    notes = [
        f"The {100 * level:g} % interval is that of the median over runs (order statistics), not of a forecast; the relative "
        f"width is the median of those of the forecasts.{mixed}"
    ]
    notes += [f"{counted(n, 'forecast')} not made: {why}." for why, n in _not_made(rows, many)]
    return many.table("forecasts", "Forecasts at the horizons", columns, out, notes)


def _not_made(rows: Rows, many: Grouping) -> list[tuple[str, int]]:
    """Reasons of missing forecasts, most frequent first; numbers in them differ by run and are left out."""
    lost = [r for r in rows if r["median"] is None and many.of(r["run"]) is not None]
    return Counter(str(r["reason"] or "no reason was recorded").split(", ")[0].rstrip(".") for r in lost).most_common(3)


def _width(rows: Rows) -> Cell:
    """Median relative width of prediction intervals."""
    widths = [(r["high"] - r["low"]) / abs(r["median"]) for r in rows if r["low"] is not None and r["median"]]
    if widths:
        return float(np.median(widths))
    why = "every forecast is zero" if any(r["low"] is not None for r in rows) else "no forecast has an interval"
    return Estimate("width", None, status=Status.NOT_APPLICABLE, reasons=(why,))


def _middle(values: Any, level: float) -> Estimate:
    """Median with the distribution-free interval between two order statistics."""
    from scipy.special import bdtr

    ordered = np.sort(values)
    n = ordered.size
    center = float(np.median(ordered))
    below = -1
    while 2 * float(bdtr(below + 1, n, 0.5)) <= 1 - level:  # binomial tail of the next order statistic
        below += 1
    if below < 0:
        needed = math.ceil(1 - math.log2(1 - level))  # 2 * 2**-n <= 1 - level
        why = f"the interval of a median at {100 * level:g} % needs {needed} runs"
        return Estimate("median", center, status=Status.TOO_FEW_POINTS, reasons=(why,))
    return Estimate(
        "median",
        center,
        Interval(float(ordered[below]), float(ordered[n - 1 - below]), level, method="order statistics"),
    )


def diagnosis_table(rows: Rows, many: Grouping, level: float) -> Table:
    """Shares of runs in which a diagnosis is present, among those in which it is decided."""
    columns = (
        *many.metric_column,
        Column("diagnosis", "diagnosis"),
        Column("severity", "severity"),
        Column("present", "present", "count"),
        Column("absent", "absent", "count"),
        Column("undecided", "undecided", "count"),
        Column("share", "share of decided", "estimate"),
    )
    out: list[tuple[Cell, ...]] = []
    for named, members in many.split(rows):
        for rule in sorted({r["name"] for r in members}):
            here = [r for r in members if r["name"] == rule]
            count = Counter(r["verdict"] for r in here)
            present, absent, undecided = (count[v] for v in ("present", "absent", "undecided"))
            if present:
                share = share_of(present, present + absent, level)
                out.append((*named, rule.replace("_", " "), here[0]["severity"], present, absent, undecided, share))
    caption = "Diagnoses that are present in some run"
    notes = (
        f"The share is that of the runs in which it is decided, present or absent, with {100 * level:g} % Wilson intervals; "
        "undecided runs are in neither part of it.",
    )
    return many.table("diagnoses", caption, columns, out, notes if out else ())


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


def action_table(rows: Rows, many: Grouping) -> Table:
    """What was recommended, in the words of every recommendation."""
    columns = (
        *many.metric_column,
        Column("runs", "runs", "count"),
        *(Column(a.name.lower(), a.value, "count") for a in _ACTIONS),
    )
    out: list[tuple[Cell, ...]] = []
    for named, members in many.split(rows):
        count = Counter(str(r["action"]).lower() for r in members)
        out.append((*named, len(members), *(count[a.name.lower()] for a in _ACTIONS)))
    return many.table("recommendations", "Recommended actions", columns, out)
