"""Which column of a table is what: x, metrics, labels that tell runs apart, facts that are constant in a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..curves import Metric, XUnit
from ..curves.run import is_learning_rate
from ._apart import constant_within, is_series, split_apart
from ._axis import choose_x
from ._base import Options
from ._cells import MISSING, NUMBER, TEXT, Column
from ._names import CLOCKS, IGNORED, LABELS, METRIC_COLUMNS, TIMES, VALUE_COLUMNS, normalize
from ._table import Table

__all__ = ["Layout", "codes_of", "lay_out"]

EXTRAS = ("x_unit", "segment", "flags", "wall_time", "direction", "kind")  # of the canonical long form
MANY = 8  # rows from which a constant column of unknown meaning counts as a fact about the run


@dataclass(slots=True, eq=False)
class Layout:
    """Roles of the columns.

    Parameters
    ----------
    x : ndarray of float64, shape (n,), or None
        x of each row, NaN where it is missing; None numbers the rows of each run.
    x_name : str
        Name of its column, for messages.
    unit : str
        Unit of x.
    metrics : list of Column
        Columns of values.
    labels : list of Column
        Columns that tell runs apart.
    series : Column or None
        Column that tells train from validation rows.
    names : Column or None
        Column of metric names when the table is in long form; ``metrics`` is then the one column of values.
    facts : list of Column
        Columns that are constant in each run.
    extras : dict of str to Column
        Further columns of the canonical long form.
    notes : list of str
        What was decided.
    counts : list of Column
        Other counts of training, such as the epoch.
    apart : list of Column
        Those of ``labels`` that tell runs of one name apart.
    """

    x: NDArray[np.float64] | None
    x_name: str
    unit: XUnit
    metrics: list[Column] = field(default_factory=list)
    labels: list[Column] = field(default_factory=list)
    series: Column | None = None
    names: Column | None = None
    facts: list[Column] = field(default_factory=list)
    extras: dict[str, Column] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    counts: list[Column] = field(default_factory=list)
    apart: list[Column] = field(default_factory=list)


def codes_of(columns: Sequence[Column], rows: int) -> NDArray[np.intp]:
    """Group number of each row, in order of first appearance, by the cells of some columns together."""
    codes = np.zeros(rows, np.intp)
    for column in columns:
        missing = column.state == MISSING
        cell = np.where(missing | np.isnan(column.values), 0.0, column.values)
        kind = np.where(missing, 3, np.where(column.state == TEXT, 1, 2 * np.isnan(column.values)))
        _, own = np.unique(cell, return_inverse=True)
        mixed = (codes * (int(own.max(initial=0)) + 1) + own) * 4 + kind
        _, first, codes = np.unique(mixed, return_index=True, return_inverse=True)
        rank = np.empty(first.size, np.intp)
        rank[np.argsort(first, kind="stable")] = np.arange(first.size)
        codes = rank[codes]
    return codes


def lay_out(table: Table, options: Options, where: str) -> Layout:
    """Decide the roles from names and content.

    Raises
    ------
    ReadError, UsageError
        When the x that was asked for is not there or is no x.
    """
    columns = list(table.columns)
    axis = choose_x(columns, table, options, where)
    layout = Layout(axis.x, axis.name, axis.unit, notes=axis.notes, counts=axis.counts)
    free = [c for c in columns if c.name != layout.x_name and normalize(c.name) not in IGNORED]
    free = [c for c in free if not _is_index(c, free)]
    by_name = {c.name: c for c in free}
    if table.long is not None and all(n in by_name for n in table.long):
        layout.names, value, label = (by_name[n] for n in table.long)
        layout.metrics, layout.labels = [value], [label]
        _find_metrics(layout, [c for c in free if c.name not in table.long], table.rows, None)
        return layout
    _find_long_form(layout, free)
    taken = {id(c) for c in (layout.names, *layout.metrics) if c is not None}
    layout.series = next((c for c in free if id(c) not in taken and is_series(c)), None)
    taken |= {id(layout.series)} if layout.series is not None else set()
    free = [c for c in free if id(c) not in taken]
    _find_labels(layout, free, table.rows)
    free = [c for c in free if c not in layout.labels]
    _find_metrics(layout, free, table.rows, options.metric)
    return layout


def _is_index(column: Column, others: list[Column]) -> bool:
    """A nameless first column that numbers the rows, as dataframes write it."""
    return (
        column.name == "column_1"
        and any(not c.name.startswith("column_") for c in others)
        and column.values.size > 0
        and bool(np.all(np.diff(column.values) == 1))
    )


# ------------------------------------------------------------------ long form, labels, metrics


def _find_long_form(layout: Layout, free: list[Column]) -> None:
    by_name = {normalize(c.name): c for c in reversed(free)}
    values = next((by_name[n] for n in VALUE_COLUMNS if n in by_name and by_name[n].numeric), None)
    names = next((by_name[n] for n in METRIC_COLUMNS if n in by_name and by_name[n].count(TEXT)), None)
    if values is None or names is None or names.count(TEXT) < 0.9 * names.values.size:
        return
    if len(names.texts) > max(1, names.values.size // 2) and names.values.size > 3:
        return  # a name per row tells nothing apart
    layout.names, layout.metrics = names, [values]
    layout.notes.append(f"long form: metrics are named in {names.name!r}, their values are in {values.name!r}")


def _find_labels(layout: Layout, free: list[Column], rows: int) -> None:
    """Columns of well-known names that vary, and columns whose changes explain why x goes back."""
    known = [c for c in free if normalize(c.name) in LABELS and _varies(c) and _groups(c) <= max(1, rows // 2)]
    layout.labels = _needed(known, rows)
    if layout.x is None or layout.names is not None:
        return
    finite = np.isfinite(layout.x)
    x = layout.x if finite.all() else layout.x[finite]
    if x.size < 4:
        return
    there = np.flatnonzero(finite) if x is not layout.x else slice(None)
    goes_back = bool(np.any(x[1:] < x[:-1]))
    for column in free:
        text = column.count(TEXT) > column.count(NUMBER) if column.texts else False
        if column in known or not (goes_back or text) or not _varies(column) or _groups(column) > rows // 2:
            continue
        codes = codes_of(layout.labels, rows)[there]
        together = codes[1:] == codes[:-1]
        back = (np.diff(x) < 0) & together
        own = codes_of([column], rows)[there]
        change = (own[1:] != own[:-1]) & together
        if _explains(column, x, own, back, change):
            layout.labels = [*layout.labels, column]
            layout.notes.append(f"x starts over wherever {column.name!r} changes: each of its values is a run")


def _needed(labels: list[Column], rows: int) -> list[Column]:
    """The labels that tell more runs apart than the others do already, the finest first considered."""
    chosen: list[Column] = []
    count = 1
    for column in sorted(labels, key=_groups, reverse=True):
        groups = int(codes_of([*chosen, column], rows).max(initial=0)) + 1
        if groups > count:
            chosen, count = [*chosen, column], groups
    return [c for c in labels if c in chosen]


def _explains(
    column: Column,
    x: NDArray[np.float64],
    codes: NDArray[np.intp],
    back: NDArray[np.bool_],
    change: NDArray[np.bool_],
) -> bool:
    """Whether a column tells runs apart: a text that changes only where x goes back, a number that does so exactly."""
    if column.count(TEXT) > column.count(NUMBER):
        return bool(change.any() and np.all(back[change])) or _untangles(x, codes)
    plain = normalize(column.name)
    metric = Metric.infer(column.name)
    if plain in TIMES or plain in CLOCKS or metric.direction is not None:
        return False
    if not (back.any() and np.array_equal(change, back)):
        return False
    # a sweep over a setting that also changes within runs (a learning rate) begins every run at the same x
    return not metric.auxiliary or bool(np.all(x[1:][back] == x[0]))


def _varies(column: Column) -> bool:
    values = column.values[column.present] if column.state.any() else column.values
    return values.size > 1 and bool(values[0] != values[-1] or np.any(values != values[0]))


def _groups(column: Column) -> int:
    if len(column.texts) and not column.count(NUMBER):
        return len(column.texts)
    return int(np.unique(column.values[column.present]).size)


def _untangles(x: NDArray[np.float64], codes: NDArray[np.intp]) -> bool:
    """Whether rows of several runs are interleaved: x increases strictly within each, not over all."""
    order = np.argsort(codes, kind="stable")
    inside = codes[order][1:] == codes[order][:-1]
    tangled = bool(np.any(np.diff(x) <= 0))
    return tangled and bool(inside.any()) and bool(np.all(np.diff(x[order])[inside] > 0))


def _find_metrics(layout: Layout, free: list[Column], rows: int, asked: str | None) -> None:
    codes = codes_of(layout.labels, rows)  # all zero, and never touched, without labels
    loose: list[Column] = []
    candidates: list[Column] = []
    for column in free:
        plain = normalize(column.name)
        if layout.names is not None:
            if plain in EXTRAS:
                layout.extras[plain] = column
            elif column.numeric and is_learning_rate(Metric.infer(column.name)):
                layout.extras.setdefault("rate", column)
                if constant_within(column, codes):
                    layout.facts.append(column)
            elif constant_within(column, codes):
                layout.facts.append(column)
            else:
                loose.append(column)
            continue
        if plain in TIMES and column.numeric and layout.x is not None and column.name != asked:
            if constant_within(column, codes):
                layout.facts.append(column)
            continue  # another count of training, not a metric
        metric = Metric.infer(column.name)
        expected = metric.direction is not None or column.name == asked
        if not column.present.any():
            continue
        if column.numeric or expected or not column.count(TEXT):
            if column.numeric and column.name != asked and _is_fact(column, metric, codes, rows):
                layout.facts.append(column)
            else:
                candidates.append(column)
        elif constant_within(column, codes):
            layout.facts.append(column)
        else:
            loose.append(column)
    if layout.names is None:
        layout.metrics = candidates or [c for c in layout.facts if c.numeric]
        layout.facts = [c for c in layout.facts if c not in layout.metrics]
    if loose:
        loose = _tell_apart(layout, loose, codes, rows)
    if loose:
        names = ", ".join(repr(c.name) for c in loose[:8])
        layout.notes.append(f"not read, neither a metric nor constant: {names}")


def _tell_apart(layout: Layout, loose: list[Column], codes: NDArray[np.intp], rows: int) -> list[Column]:
    """Runs of one name that differ in a column become runs of their own; the columns that do not say so."""
    if layout.names is not None and layout.series is None:
        layout.series = next((c for c in loose if is_series(c)), None)
    loose = [c for c in loose if c is not layout.series]
    streams = codes_of([*layout.labels, *(c for c in (layout.names, layout.series) if c is not None)], rows)
    chosen = split_apart(loose, codes, streams, layout.x, by_name_only=layout.names is None)
    if not chosen:
        return loose
    layout.labels, layout.apart = [*chosen, *layout.labels], chosen
    codes = codes_of(layout.labels, rows)
    facts = [c for c in loose if constant_within(c, codes)]
    layout.facts += facts
    words = " and ".join(repr(c.name) for c in chosen)
    layout.notes.append(
        f"rows of one name differ in {words}: each value is a run of its own, which stands before the name"
        if layout.labels[len(chosen) :]
        else f"rows differ in {words}: each value is a run of its own"
    )
    return [c for c in loose if c not in facts]


def _is_fact(column: Column, metric: Metric, codes: NDArray[np.intp], rows: int) -> bool:
    """Whether a column of numbers describes the run: constant in it, and no measure of quality by its name."""
    if normalize(column.name) in LABELS:
        return True
    if metric.direction is not None or is_learning_rate(metric):
        return False
    if not constant_within(column, codes) or np.isnan(column.values[column.present]).any():
        return False
    groups = int(codes.max(initial=0)) + 1
    differs = groups > 1 and _varies(column)
    return differs or (not metric.auxiliary and rows >= MANY * groups)
