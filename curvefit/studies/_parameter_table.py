"""The table of parameters that are pooled over runs, with who is left out and why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..curves import Estimate, Status
from ..curves.numbers import counted, format_number
from ..reporting.tables import Column, Pooled, Table
from ..reporting.tables.table import Cell
from ._identified import Law, LawRuns, scale_of
from ._scores import some_names
from ._summary_tables import ALL, Grouping
from .pooling import MIN_RUNS

__all__ = ["parameter_table"]


def parameter_table(
    found: Mapping[tuple[str, str, str, str], Pooled],
    many: Grouping,
    level: float,
    fitted: Mapping[Law, LawRuns] | None = None,
    *,
    best: bool = True,
) -> Table:
    """Parameters pooled over the runs that identify their law; a reason where these are too few."""
    columns = (
        *many.metric_column,
        Column("law", "law"),
        Column("parameter", "parameter"),
        Column("runs", "runs", "count"),
        Column("mean", "mean", "estimate"),
        Column("scale", "scale"),
        Column("tau", "sd of runs", "spread"),
        Column("heterogeneity", "I squared", "probability"),
    )
    cells: dict[tuple[str, str, str, str], tuple[Cell, ...]] = {
        key: (len(p.runs), p.mean, p.scale, p.tau, p.heterogeneity) for key, p in found.items()
    }
    why = (f"fewer than {MIN_RUNS} runs identify the law",)
    nothing = Estimate("mean", None, status=Status.NOT_IDENTIFIED, reasons=why)
    unsaid: tuple[Cell, Cell] = (nothing, nothing)
    everyone = fitted or {}
    empty: dict[tuple[str, str, str, str], tuple[Cell, ...]] = {
        (*law, parameter): (len(runs.identified), nothing, scale_of(law[2], parameter), *unsaid)
        for law, runs in everyone.items()
        if len(runs.identified) < MIN_RUNS <= runs.total
        for parameter in runs.parameters
    }
    rows: list[tuple[Cell, ...]] = [
        (where, *((kind,) if many.several else ()), law, parameter, *told)
        for (where, kind, law, parameter), told in sorted({**cells, **empty}.items(), key=lambda item: item[0])
    ]
    whose = " whose best law it is and" if best else ""
    notes = (
        f"Random effects over the runs{whose} that identify the law, the same for all of its parameters, with "
        f"{100 * level:g} % intervals; sd is the standard deviation between runs. On the log scale, of parameters that are "
        "positive by nature, the mean is geometric and sd that of logarithms.",
        *_unidentified(everyone),
        *([f"Not shown: laws of fewer than {MIN_RUNS} runs of a group."] if _rare(everyone) else []),
        *_moved(found),
    )
    caption = f"Parameters of the {'best' if best else 'fitted'} laws, pooled over runs"
    return many.table("parameters", caption, columns, rows, notes)


def _rare(fitted: Mapping[Law, LawRuns]) -> bool:
    return any(runs.total < MIN_RUNS for runs in fitted.values())


def _unidentified(fitted: Mapping[Law, LawRuns]) -> list[str]:
    """Which runs are not pooled, and why."""
    told = []
    for (where, kind, law), runs in fitted.items():
        if runs.left_out and runs.total >= MIN_RUNS:
            whose = "" if where == ALL else f"{where}: "
            count = f"{len(runs.left_out)} of {counted(runs.total, 'run')}"
            told.append(f"{whose}{count} of {law} of {kind} ({some_names(runs.left_out)})")
    if not told:
        return []
    more = f"; and {counted(len(told) - 5, 'more row')}" if len(told) > 5 else ""
    return [
        "Left out as not identified, with an interval that is open or too wide or a parameter at a limit of the search: "
        f"{'; '.join(told[:5])}{more}."
    ]


def _moved(found: Mapping[tuple[str, str, str, str], Pooled]) -> list[str]:
    """Means that lie far from most runs, since a few are far off: laws whose parameters trade off have such."""
    far = []
    for (where, kind, law, parameter), p in found.items():
        low, middle, high = np.quantile([e.value for e in p.own if e.value is not None], [0.25, 0.5, 0.75])
        mean = p.mean.value
        if mean is not None and not low - 3 * (high - low) <= mean <= high + 3 * (high - low):
            whose = "" if where == ALL else f"{where}: "
            far.append(f"{whose}{law} {parameter} of {kind} (median of runs {format_number(float(middle))})")
    if not far:
        return []
    more = f" and {len(far) - 5} more" if len(far) > 5 else ""
    return [f"Means moved away from most runs by a few that are far off: {', '.join(far[:5])}{more}."]
