"""Charts exported from the Weights & Biases web page: one column per run and metric, with minimum and maximum."""

from __future__ import annotations

import re

import numpy as np

from ..curves.numbers import counted
from ._base import Options
from ._cells import Column
from ._groups import Group, Unit
from ._layout import lay_out
from ._names import normalize
from ._table import Table

__all__ = ["chart_groups"]

_PART = re.compile(r"^(?P<base>.+ - .+?)(?P<part>__MIN|__MAX)?$", re.DOTALL)
EXTREME = "minimum or maximum of a chart's bin"


def chart_groups(table: Table, options: Options, where: str) -> list[Group] | None:
    """Runs of a chart export, or None when the table is none.

    The values are averages over bins of steps, possibly smoothed: the sampling of such runs is "aggregated", and points
    whose bin held different values carry the flag.
    """
    first = table.columns[0]
    if normalize(first.name) not in ("step", "relative_time_process", "relative_time_wall", "wall_time", "epoch"):
        return None
    bases: dict[str, dict[str, Column]] = {}
    for column in table.columns[1:]:
        found = _PART.match(column.name)
        if found is None:
            return None
        bases.setdefault(found["base"], {})[found["part"] or ""] = column
    if not bases or any("" not in parts for parts in bases.values()):
        return None
    layout = lay_out(
        Table([first], table.first_line, table.lines),
        Options(x=options.x or first.name, x_unit=options.x_unit),
        where,
    )
    x = np.arange(1.0, table.rows + 1) if layout.x is None else layout.x
    table.sampling = "aggregated"
    table.notes.append(
        f"a chart exported from Weights & Biases, {counted(len(bases), 'line')}: values are averages over bins of {first.name}"
    )
    groups: dict[str, Group] = {}
    for base, parts in bases.items():
        name, _, metric = base.rpartition(" - ")
        rows = np.flatnonzero(parts[""].present | np.any([c.present for c in parts.values()], axis=0))
        flags = np.zeros(rows.size, np.uint8)
        low, high = parts.get("__MIN"), parts.get("__MAX")
        if low is not None and high is not None:
            flags[low.values[rows] < high.values[rows]] = 1
        unit = Unit(rows, x[rows], layout.unit, [(metric, parts[""])], flags=flags)
        unit.beside = [(EXTREME, c) for k, c in parts.items() if k]
        groups.setdefault(name, Group(name, [], {})).units.append(unit)
    return list(groups.values())
