"""Exports of Neptune: one row per value or setting, told apart by ``attribute_type``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..curves import Run
from ._cells import BOOLEAN, NUMBER, TEXT, Column
from ._names import plan_of
from ._table import Table

__all__ = ["is_neptune", "neptune_table", "with_settings"]

NEEDED = frozenset(["run_id", "attribute_path", "attribute_type", "step", "float_value"])
SERIES = "float_series"
SETTINGS = "facts about the run"
OTHER = "no number"
SETTING_COLUMNS = ("float_value", "int_value", "string_value", "bool_value")
MAX_FACTS = 64


def is_neptune(names: list[str]) -> bool:
    """Whether the columns are those of Neptune's exporter."""
    return set(names) >= NEEDED


def neptune_table(table: Table) -> tuple[Table, dict[str, dict[str, str | float]]]:
    """The series of numbers as a long table, and the single values of every run.

    Parameters
    ----------
    table : Table
        Every row of the file.
    """
    by_name = {c.name: c for c in table.columns}
    kind = by_name["attribute_type"]
    code = kind.texts.index(SERIES) if SERIES in kind.texts else -1
    series = (kind.state == TEXT) & (kind.values == code)
    others = [i for i, text in enumerate(kind.texts) if text.endswith("_series") and i != code]
    nested = (kind.state == TEXT) & np.isin(kind.values, others)
    facts: dict[str, dict[str, str | float]] = {}
    single = np.zeros(table.rows, bool)
    for name in SETTING_COLUMNS:
        column = by_name.get(name)
        if column is not None:
            single |= ~series & ~nested & np.isin(column.state, (NUMBER, TEXT, BOOLEAN))
    for row in np.flatnonzero(single).tolist():
        _settle_fact(by_name, row, facts)
    table.account.counts[SETTINGS] = int(np.count_nonzero(single))
    table.account.counts[OTHER] = int(np.count_nonzero(~series & ~single))
    rows = np.flatnonzero(series)
    columns = [_part(by_name[n], rows) for n in ("run_id", "attribute_path", "step", "float_value")]
    table.notes.append("an export of Neptune: series of numbers are read, single values are facts about their run")
    return (
        Table(
            columns,
            lines=rows + 1,
            account=table.account,
            notes=table.notes,
            x_name="step",
            long=("attribute_path", "float_value", "run_id"),
            row_word="row",
        ),
        facts,
    )


def _part(column: Column, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Column:
    return Column(column.name, column.values[rows], column.state[rows], column.texts)


def _settle_fact(by_name: dict[str, Column], row: int, facts: dict[str, dict[str, str | float]]) -> None:
    run, path = by_name["run_id"], by_name["attribute_path"]
    if run.state[row] != TEXT or path.state[row] != TEXT:
        return
    known = facts.setdefault(run.text(row), {})
    if len(known) >= MAX_FACTS:
        return
    for name in SETTING_COLUMNS:
        column = by_name.get(name)
        if column is not None and column.state[row] == NUMBER and np.isfinite(column.values[row]):
            known[path.text(row)] = float(column.values[row])
        elif column is not None and column.state[row] == TEXT:
            known[path.text(row)] = column.text(row)[:200]


def with_settings(runs: list[Run], facts: dict[str, dict[str, str | float]]) -> list[Run]:
    """Runs with their single values as attributes, and the length they were planned for."""
    out = []
    for run in runs:
        own = facts.get(run.name, {})
        unit = next(iter(run.curves.values())).x_unit
        out.append(
            replace(run, attributes={**own, **run.attributes}, horizon=run.horizon or plan_of(dict(own)).get(unit))
        )
    return out
