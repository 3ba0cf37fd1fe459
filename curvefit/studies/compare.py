"""Methods compared over seeds at chosen x: aggregates with intervals, differences, ranks, crossings, bands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..curves import DataError, Direction, UsageError
from ..curves._arguments import is_number
from ..curves._checks import check_level, safe_text
from ..curves.errors import unknown_name
from ..curves.numbers import format_x
from ..reporting.tables import Comparison, Pair
from ._comparing import IntervalMethod, Study, carried_forward, unreached
from ._resampling import averaged, bands, common_grid, crossing, gridded
from ._scores import WAY, WHERE, Entry, Short, collect, some_names, stopped

__all__ = ["Comparison", "IntervalMethod", "compare"]

_CORRECTIONS = ("holm", "bonferroni", "fdr_bh", "fdr_by", "none")


def compare(
    runs: Any,
    by: str,
    over: str,
    at: float | Sequence[float] | None = None,
    *,
    task: str | None = None,
    pair: str | None = None,
    metric: str | None = None,
    direction: Direction | None = None,
    level: float = 0.95,
    interval: IntervalMethod = "auto",
    correction: str = "holm",
    short: Short = "drop",
    window: float | None = None,
    replicates: int = 2000,
    rng: np.random.Generator | None = None,
) -> Comparison:
    """Compare methods over seeds at chosen x.

    Parameters
    ----------
    runs : sequence of Run, batch result, or long dataframe
        Runs with attributes. A dataframe has the columns run_id, x, y, optionally metric, and one per attribute.
    by : str
        Attribute that names the method.
    over : str
        Attribute that names the seed.
    at : float or sequence of float, optional
        Where to compare, in the unit of x; default the largest x that every run reaches but those whose values stopped being
        numbers, which count as missing there.
    task : str, optional
        Attribute that names the task; seeds are resampled within tasks.
    pair : str, optional
        Attribute that pairs runs of two methods in a task, such as a shared data order; differences are then taken within
        pairs.
    metric : str, optional
        Which curve; default the main metric of most runs.
    direction : {"min", "max"}, optional
        Which way is better; default as the metric says.
    level : float
        Nominal coverage of the intervals.
    interval : {"auto", "percentile", "expanded", "t"}
        Of the interquartile mean, median and mean. "auto": t intervals below ten seeds per task, the stratified bootstrap
        from ten on, with expanded percentiles (accelerated ones for the median over several tasks).
    correction : {"holm", "bonferroni", "fdr_bh", "fdr_by", "none"}
        For the number of comparisons, over all pairs of methods and all x.
    short : {"drop", "last"}
        What a run that ended before x counts as: nothing, or its last value.
    window : float, optional
        Take the mean of the observations in this span before x instead of the value at x.
    replicates : int
        Bootstrap replicates.
    rng : numpy.random.Generator, optional
        Default seed 0.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        When no run has an attribute or metric that was asked for, or a value at an x that was asked for; when two runs are
        the same method, task and seed, or there are fewer than two methods.
    DataError
        When runs count x or values in different units, or nothing says which way is better.

    Notes
    -----
    Definitions follow Agarwal et al. (2021): the interquartile mean is the mean of the middle half of all seeds of all
    tasks; median and mean are over tasks of the mean of each; seeds are resampled within tasks, tasks are held fixed; the
    probability of improvement is averaged over tasks. There is no interval below three seeds per task. Percentile
    intervals are too narrow with few seeds: expanded ones move the tails to
    those of a t distribution (Hesterberg 2015). Differences of means have Welch's or the paired t interval with
    Satterthwaite's degrees of freedom. Runs whose values stopped being numbers before x are left out and counted: read an
    aggregate beside its missing runs.

    References
    ----------
    Agarwal et al. (2021), Deep reinforcement learning at the edge of the statistical precipice. NeurIPS. Hesterberg (2015),
    The American Statistician 69, 371-386. Newcombe (2006), Statistics in Medicine 25, 559-573. Holm (1979), Scandinavian
    Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> import numpy as np, curvefit as cf
    >>> rng, x = np.random.default_rng(0), np.arange(1.0, 51.0)
    >>> runs = [
    ...     cf.Run(f"{m}{s}", {"val_loss": cf.Curve(x, 1 + x**-p + 0.01 * rng.standard_normal(50), "val_loss")}, attributes={"method": m, "seed": s})
    ...     for m, p in (("sgd", 0.5), ("adam", 0.6)) for s in range(5)
    ... ]
    >>> cf.compare(runs, "method", "seed", 50).methods
    ('adam', 'sgd')
    """
    check_level(level)
    _check_options(interval, correction, short, replicates, window)
    entries, notes = collect(runs, by, over, task, pair, metric)
    way = direction or entries[0].curve.direction
    if way is None:
        name = entries[0].curve.metric.name
        raise DataError(
            f"cannot tell whether smaller or larger {name!r} is better", code="CF-DATA-004", where=WHERE, hint=WAY
        )
    methods = tuple(sorted({e.method for e in entries}, key=_natural))
    if len(methods) < 2:
        raise UsageError(
            f"one {by} only: {methods[0]!r}, and comparing needs two" + "".join(f"; {n}" for n in notes),
            code="CF-USE-009",
            where=WHERE,
            hint=f"--by (by= in Python) names what differs; curvefit report without --over groups its tables by {by}",
        )
    notes += _alike(methods, by)
    where = _places(at, entries)
    if at is None:
        notes += _held_back(entries, where[0])
    rng = np.random.default_rng(0) if rng is None else rng
    smaller = way == "min"
    tasks = sorted({e.task for e in entries}, key=_natural)
    study = Study(
        entries, methods, tasks, way, entries[0].curve.x_unit, level, interval, short, window, replicates, rng
    )
    tables = [study.scored(x) for x in where]
    for x, table in zip(where, tables, strict=True):
        notes += unreached(x, table, methods, study.unit)
        notes += study.unlike(x, table)
    aggregates = tuple(study.aggregate(m, x, table) for x, table in zip(where, tables, strict=True) for m in methods)
    notes += carried_forward(aggregates, study.unit)
    pairs = [
        study.pair(a, b, x, table, bool(pair))
        for x, table in zip(where, tables, strict=True)
        for a, b in combinations(methods, 2)
    ]
    grid = common_grid(entries)
    curves = gridded(entries, methods, tasks, grid)
    passed = [
        crossing(a, b, curves, grid, study.unit, level, replicates, rng, smaller_is_better=smaller)
        for a, b in combinations(methods, 2)
    ]
    scores = tuple(
        (e.method, e.task, e.seed, x, v)
        for x, table in zip(where, tables, strict=True)
        for e, v in table
        if v is not None
    )
    return Comparison(
        by=by,
        over=over,
        task=task or "",
        pair=pair or "",
        metric=entries[0].curve.metric.name,
        direction=way,
        x_unit=study.unit,
        at=where,
        level=level,
        methods=methods,
        aggregates=aggregates,
        pairs=_corrected(pairs, correction, level),
        rankings=study.rankings(where, tables),
        crossings=tuple(c for c in passed if c is not None),
        bands=bands(entries, curves, grid, level),
        scores=scores,
        settings={
            "interval": interval,
            "correction": correction,
            "replicates": str(replicates),
            "short runs": short,
            "values carried forward": str(sum(a.carried for a in aggregates)),
            "tasks": str(len(tasks)),
            "window": "" if window is None else format_x(window),
            "nodes of crossings": str(grid.size) if averaged(entries, grid) else "",
        },
        notes=tuple(notes),
    )


def _corrected(pairs: list[Pair], correction: str, level: float) -> tuple[Pair, ...]:
    from dataclasses import replace

    known = [i for i, p in enumerate(pairs) if np.isfinite(p.p_value)]
    if not known:
        return tuple(pairs)
    values = np.array([pairs[i].p_value for i in known])
    if correction != "none":
        from statsmodels.stats.multitest import multipletests

        values = multipletests(values, method=correction)[1]
    out = list(pairs)
    for i, value in zip(known, values, strict=True):
        out[i] = replace(out[i], p_adjusted=float(value), significant=bool(value < 1 - level))
    return tuple(out)


def _check_options(interval: str, correction: str, short: str, replicates: int, window: float | None) -> None:
    for what, value, choices in (
        ("interval", interval, ("auto", "percentile", "expanded", "t")),
        ("correction", correction, _CORRECTIONS),
        ("way with short runs", short, ("drop", "last")),
    ):
        if value not in choices:
            raise unknown_name(what, value, choices, where=WHERE)
    if not (isinstance(replicates, int | np.integer) and replicates >= 100):
        raise UsageError(f"replicates = {replicates!r} is not a whole number from 100", code="CF-USE-009", where=WHERE)
    if window is not None and not (is_number(window) and window > 0):
        raise UsageError(f"window = {window!r} is not a positive number", code="CF-USE-009", where=WHERE)


def _places(at: float | Sequence[float] | None, entries: Sequence[Entry]) -> tuple[float, ...]:
    if at is None:
        ends = [float(e.curve.x[-1]) for e in entries if len(e.curve)]
        if not ends:
            raise DataError("no run has finite values", where=WHERE)
        alive = [float(e.curve.x[-1]) for e in entries if len(e.curve) and not stopped(e.curve)]
        return (min(alive or ends),)
    given: Any = [at] if is_number(at) else at
    plain = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)
    if not plain or not all(is_number(a) and np.isfinite(a) for a in given):
        raise UsageError(
            f"at = {at!r:.60} is no x", code="CF-USE-009", where=WHERE, hint="--at 100 1000 (at=[100, 1000] in Python)"
        )
    found = tuple(sorted({float(a) for a in given}))
    if not found:
        raise UsageError("at is empty", code="CF-USE-009", where=WHERE, hint="--at 100 1000 (at=[100, 1000] in Python)")
    return found


def _alike(methods: Sequence[str], by: str) -> list[str]:
    """A sentence where methods differ in nothing but spaces and capitals."""
    plain: dict[str, list[str]] = {}
    for method in methods:
        plain.setdefault(" ".join(method.split()).casefold(), []).append(repr(safe_text(method)))
    return [f"{' and '.join(names)} are taken for different values of {by}" for names in plain.values() if names[1:]]


def _held_back(entries: Sequence[Entry], place: float) -> list[str]:
    """A sentence where runs ended so early that the x all reach says little about the others."""
    ends = {e.name: float(e.curve.x[-1]) for e in entries if len(e.curve) and not stopped(e.curve)}
    far = max(ends.values(), default=0.0)
    if not far > 0 or place > 0.9 * far:
        return []
    early = sorted((end, run) for run, end in ends.items() if end < far)
    named = some_names([run for _, run in early], 3)
    return [
        f"compared at {place:g} because {safe_text(early[0][1])} ends there; {len(ends) - len(early)} of {len(ends)} runs reach {far:g}"
        f" (at {far:g} these count as missing: {named})"
    ]


def _natural(text: str) -> tuple[int, float, str]:
    """Numbers by size, before texts."""
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text
