"""Tables become runs: rows to runs, segments settled, every point accounted for. The same for all readers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..curves import (
    Curve,
    Provenance,
    ReadError,
    Run,
    Sampling,
    Schedule,
    XUnit,
)
from ..curves.errors import unknown_name
from ..curves.run import is_learning_rate
from ._axis import NUMBERED
from ._groups import Group, groups_of
from ._layout import lay_out
from ._names import SETTINGS, normalize
from ._settle import Book, settle
from ._source import Source
from ._table import Table

__all__ = ["is_log", "named_apart", "runs_of"]


def runs_of(table: Table, source: Source, *, reader: str, groups: list[Group] | None = None) -> list[Run]:
    """Runs of a table.

    Parameters
    ----------
    table : Table
        Columns and the account of rows that are not in it.
    source : Source
        For options, names and messages.
    reader : str
        Name of the reader, for the provenance.
    groups : list of Group, optional
        How the table splits into runs, when the reader knows better than the columns' names.

    Raises
    ------
    ReadError
        When no metric is left, or names are ambiguous.
    DataError
        When x starts over many times.
    """
    options = source.options
    if table.names_repeated and not any(n == options.metric for n in table.names):
        name = table.names_repeated[0]
        raise ReadError(
            f"column names that occur more than once: {', '.join(map(repr, table.names_repeated[:8]))}",
            code="CF-IO-005",
            where=source.where,
            hint=f"rename one, or pass metric='{name}#1' for the first of them",
        )
    notes: list[str] = []
    if groups is None:
        layout = lay_out(table, options, source.where)
        groups = groups_of(layout, table, source.name)
        notes = layout.notes
    runs: list[Run] = []
    books: list[Book] = []
    orphans = Book()
    for group in groups:
        book = Book()
        curves = _curves(group, table, book, source, several=len(groups) > 1)
        if curves:
            runs.append(_run(group, curves, table))
            books.append(book)
        else:
            orphans.merge(book)
            for text in book.notes:
                orphans.note(text)
    if not runs:
        raise _nothing(table, orphans, source)
    books[0].merge(orphans)
    for why, count in table.account.counts.items():
        books[0].drop_rows(why, count)
    for why, count in table.points_dropped.items():
        books[0].drop_points(why, count)
    shared = [*table.notes, *notes, *_quoted(table)]
    first = [*table.account.notes(table.row_word), *orphans.notes]
    out: list[Run] = []
    for i, (run, book) in enumerate(zip(runs, books, strict=True)):
        kept = _asked(run, book, options.metric)
        if kept is not None:
            said = (*shared, *(first if i == 0 else ()), *book.notes)
            out.append(_with_provenance(kept, book, table, source, reader, said))
    if not out:
        known = dict.fromkeys(name for run in runs for name in run.curves)
        raise unknown_name("metric", str(options.metric), known, where=source.where)
    return out


def _curves(group: Group, table: Table, book: Book, source: Source, *, several: bool) -> dict[str, Curve]:
    where = f"{source.where} ({group.name})" if several else source.where
    names = frozenset(name for unit in group.units for name, _ in unit.metrics)
    curves: dict[str, Curve] = {}
    for unit in group.units:
        for name, curve in settle(unit, names, table, book, source, where):
            if len(curve) or curve.nonfinite_x.size:
                key, k = name, 2
                while key in curves:
                    key, k = f"{name}#{k}", k + 1
                curves[key] = curve
    return curves


def _quoted(table: Table) -> list[str]:
    names = [c.name for c in table.columns if c.quoted_numbers]
    return [f"numbers given as text were read as numbers: {', '.join(map(repr, names[:8]))}"] if names else []


def _run(group: Group, curves: dict[str, Curve], table: Table) -> Run:
    units: set[XUnit] = {c.x_unit for c in curves.values()}
    unit = next(iter(units)) if len(units) == 1 else None
    schedule = group.schedule
    rates = [c for c in curves.values() if is_learning_rate(c.metric) and len(c)]
    rates.sort(key=lambda c: c.metric.name.lower() not in ("learning_rate", "lr"))
    for curve in rates:
        if np.all(curve.y >= 0):
            schedule = Schedule(curve.x, curve.y)
            break
    horizon = table.plan.get(unit) if unit is not None else None
    attributes = {**table.attributes, **group.facts}
    attributes |= {k: v for k, v in _settings(curves).items() if k not in attributes}
    return Run(group.name, curves, schedule=schedule, horizon=horizon, attributes=attributes)


def _settings(curves: dict[str, Curve]) -> dict[str, str | float]:
    """Settings that were logged and never change in this run, such as its learning rate or batch size."""
    found: dict[str, str | float] = {}
    for name, curve in curves.items():
        if normalize(name) not in SETTINGS and not is_learning_rate(curve.metric):
            continue
        if len(curve) > 1 and not curve.nonfinite_x.size and np.all(curve.y == curve.y[0]):
            found[name] = float(curve.y[0])
    return found


def _asked(run: Run, book: Book, metric: str | None) -> Run | None:
    """The run with the one metric that was asked for, None when it has no such metric."""
    if metric is None:
        return run
    if metric not in run.curves:
        return None
    for name, curve in run.curves.items():
        if name != metric:
            count = len(curve) + int(curve.nonfinite_x.size)
            book.points_kept -= count
            book.points["not asked for"] = book.points.get("not asked for", 0) + count
    return Run(run.name, {metric: run[metric]}, schedule=run.schedule, horizon=run.horizon, attributes=run.attributes)


def _with_provenance(run: Run, book: Book, table: Table, source: Source, reader: str, notes: tuple[str, ...]) -> Run:
    unit = next(iter(run.curves.values())).x_unit
    sampling: Sampling = table.sampling
    provenance = Provenance(
        path=source.where,
        reader=reader,
        rows_in=book.rows_in,
        rows_kept=book.rows_kept,
        rows_dropped=book.rows,
        points_in=book.points_in,
        points_kept=book.points_kept,
        points_dropped=book.points,
        restarts=tuple(sorted(book.restarts)),
        sampling=sampling,
        window=table.window.get(unit),
        notes=notes,
    )
    return Run(
        run.name,
        run.curves,
        schedule=run.schedule,
        horizon=run.horizon,
        provenance=provenance,
        attributes=run.attributes,
    )


def _nothing(table: Table, book: Book, source: Source) -> ReadError:
    why = "; ".join([*book.notes[:2], *table.account.notes()[:2], *table.notes[:2]])
    names = ", ".join(map(repr, table.names[:8]))
    return ReadError(
        f"no metric with a value in it{f' ({why})' if why else ''}",
        code="CF-IO-008",
        where=source.where,
        hint=f"columns: {names}" if names else "",
    )


def is_log(run: Run) -> bool:
    """Whether names say that this is a log: in a folder, any list of numbers in a configuration would pass for one."""
    known = any(c.metric.direction is not None for c in run.curves.values())
    return known or (run.provenance is not None and NUMBERED not in run.provenance.notes)


def named_apart(runs: list[Run], name: str | None) -> list[Run]:
    """Several runs of one log in a folder bear its name and their own."""
    if name is None or len(runs) < 2:
        return runs
    return [r if r.name.startswith(f"{name} (") else replace(r, name=f"{name}:{r.name}") for r in runs]
