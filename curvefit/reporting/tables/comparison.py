"""What a comparison of methods over seeds found: aggregates, differences, ranks, crossings and bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...curves import Estimate, Status
from ...curves.numbers import format_x
from .table import Cell, Column, Table, finite_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Aggregate", "Band", "Comparison", "Crossing", "Pair", "Ranking"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One method at one x.

    Parameters
    ----------
    method : str
        Value of the attribute that was compared.
    at : float
        x of the comparison.
    tasks : int
        How many tasks it was seen in.
    seeds : int
        Values: runs that have one there, over all tasks.
    fewest : int
        Seeds in the task with the fewest.
    missing : int
        Runs without a value there: they ended earlier, or their values were no numbers.
    iqm, median, mean : Estimate
        Interquartile mean over tasks and seeds, median and mean over tasks of their means.
    carried : int
        How many of the values are last values of runs that ended earlier.
    """

    method: str
    at: float
    tasks: int
    seeds: int
    fewest: int
    missing: int
    iqm: Estimate
    median: Estimate
    mean: Estimate
    carried: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two methods at one x.

    Parameters
    ----------
    a, b : str
        The methods.
    at : float
        x of the comparison.
    tasks : int
        Tasks that have both.
    pairs : int
        Matched pairs, 0 where seeds are independent.
    difference : Estimate
        Mean of a minus mean of b.
    improvement : Estimate
        Probability that a seed of a is better than one of b; ties count half.
    p_value : float
        That the means are equal; NaN where it cannot be computed.
    p_adjusted : float
        The same, corrected for the number of comparisons.
    significant : bool or None
        Whether the corrected p-value is below one minus the level; None without one.
    """

    a: str
    b: str
    at: float
    tasks: int
    pairs: int
    difference: Estimate
    improvement: Estimate
    p_value: float
    p_adjusted: float
    significant: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Order of the methods at one x and how sure it is.

    Parameters
    ----------
    at : float
        x of the comparison.
    order : tuple of str
        Methods from best to worst by interquartile mean.
    probability : ndarray, shape (methods, methods)
        Of every rank (columns) for every method (rows, in the order of the comparison), over drawn seeds; methods that tie
        share their ranks. NaN below three seeds.
    agreement : float
        Kendall's tau with the order at the last x.
    same_best : float
        Probability that the best one here is the best one at the last x too, both drawn together.
    tied : tuple of bool
        Whether a method in the order equals the one before it.
    reasons : tuple of str
        Why there is no probability, agreement or same_best; empty where there is one.
    """

    at: float
    order: tuple[str, ...]
    probability: Array
    agreement: float
    same_best: float
    tied: tuple[bool, ...] = ()
    reasons: tuple[str, str, str] = ("", "", "")

    @property
    def text(self) -> str:
        """The order with ``>`` between methods, ``=`` between equal ones."""
        signs = [" = " if t else " > " for t in self.tied[1:]] or [" > "] * (len(self.order) - 1)
        return self.order[0] + "".join(sign + m for sign, m in zip(signs, self.order[1:], strict=True))


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where the curve of one method last passes that of another.

    Parameters
    ----------
    a, b : str
        The methods; a is the better one at the end.
    x : Estimate
        Since where a is better; an end is infinite where resampled curves cross beyond what was observed.
    probability : float
        Share of resampled pairs of curves that cross within the data.
    """

    a: str
    b: str
    x: Estimate
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Curve of one method over x with its interval.

    Parameters
    ----------
    method : str
        The method.
    x : ndarray, shape (m,)
        Common grid.
    center : ndarray, shape (m,)
        Interquartile mean over tasks and seeds that reach x.
    low, high : ndarray, shape (m,)
        Its interval; NaN below three seeds.
    seeds : ndarray, shape (m,)
        Runs that have a value there, over all tasks.
    curves : tuple of (x, y)
        Some of the runs themselves.
    runs : int
        Runs of the method; the mean of fewer of them is another mean.
    """

    method: str
    x: Array
    center: Array
    low: Array
    high: Array
    seeds: Array
    curves: tuple[tuple[Array, Array], ...] = ()
    runs: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Methods compared over seeds; what `compare` returns.

    Parameters
    ----------
    by, over : str
        Attributes that name the method and the seed.
    task : str
        Attribute that names the task; empty when there is one task.
    pair : str
        Attribute that pairs runs of two methods; empty when seeds are independent.
    metric, direction, x_unit : str
        What was compared, which way is better, and the unit of x.
    at : tuple of float
        Where.
    level : float
        Nominal coverage of the intervals.
    methods : tuple of str
        All methods.
    aggregates, pairs, rankings, crossings, bands : tuple
        What was found.
    scores : tuple of (method, task, seed, x, value)
        The numbers behind it.
    settings : mapping of str to str
        How: interval, correction, replicates, seed of the generator.
    notes : tuple of str
        What was left out and what qualifies the rest.
    """

    by: str
    over: str
    task: str
    pair: str
    metric: str
    direction: str
    x_unit: str
    at: tuple[float, ...]
    level: float
    methods: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]
    pairs: tuple[Pair, ...]
    rankings: tuple[Ranking, ...]
    crossings: tuple[Crossing, ...]
    bands: tuple[Band, ...]
    scores: tuple[tuple[str, str, str, float, float], ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        where = ", ".join(format_x(a) for a in self.at)
        return f"Comparison({self.metric!r} of {len(self.methods)} by {self.by!r} over {self.over!r} at {where})"

    def __str__(self) -> str:
        return self.render("plain")

    def tables(self) -> tuple[Table, ...]:
        """Tables of methods, pairs, ranks and crossings; those without rows are left out."""
        found = (self._methods(), self._pairs(), self._ranks(), self._crossings())
        return tuple(t for t in found if len(t))

    def render(self, format: str = "markdown", **options: Any) -> str:
        """All tables as text; see `Table.render`."""
        return "\n".join(t.render(format, **options) for t in self.tables())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "by": self.by,
            "over": self.over,
            "task": self.task or None,
            "pair": self.pair or None,
            "metric": self.metric,
            "direction": self.direction,
            "x_unit": self.x_unit,
            "at": list(self.at),
            "level": self.level,
            "methods": list(self.methods),
            "settings": dict(self.settings),
            "notes": list(self.notes),
            "tables": {t.name: finite_rows(t) for t in self.tables()},
            "scores": [dict(zip(("method", "task", "seed", "x", "value"), s, strict=True)) for s in self.scores],
        }

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Curves of the methods with their bands over seeds."""
        from ..paper.bands import seed_bands

        return seed_bands(self, ax=ax, **options)

    @property
    def _share(self) -> str:
        return f"{100 * self.level:g} % confidence interval"

    def _methods(self) -> Table:
        columns: tuple[Column, ...] = (
            Column("method", self.by),
            Column("at", self.x_unit, "number"),
            Column("tasks", "tasks", "count"),
            Column("runs", "runs", "count"),
            Column("missing", "missing", "count"),
            Column("carried", "carried forward", "count"),
            Column("iqm", "interquartile mean", "estimate"),
            Column("median", "median", "estimate"),
            Column("mean", "mean", "estimate"),
        )
        rows: list[tuple[Cell, ...]] = [
            (a.method, a.at, a.tasks, a.seeds, a.missing, a.carried, a.iqm, a.median, a.mean) for a in self.aggregates
        ]
        caption = f"{self.metric} by {self.by}, over {self.over}, with {self._share}s"
        if not self.task:  # over one task the median is the mean
            columns, rows = columns[:7] + columns[8:], [r[:7] + r[8:] for r in rows]
        return _lean(Table("methods", caption, columns, tuple(rows), self.notes))

    def _pairs(self) -> Table:
        columns = (
            Column("a", "a"),
            Column("b", "b"),
            Column("at", self.x_unit, "number"),
            Column("tasks", "shared tasks", "count"),
            Column("pairs", "pairs", "count"),
            Column("difference", "mean a - mean b", "estimate"),
            Column("improvement", "P(a better)", "estimate"),
            Column("p_value", "p", "probability"),
            Column("p_adjusted", "p adjusted", "probability"),
        )
        rows: list[tuple[Cell, ...]] = [
            (
                p.a,
                p.b,
                p.at,
                p.tasks,
                p.pairs,
                p.difference,
                p.improvement,
                *(_or_why(v, p.difference.reasons) for v in (p.p_value, p.p_adjusted)),
            )
            for p in self.pairs
        ]
        caption = f"Differences of {self.metric} between methods ({'smaller' if self.direction == 'min' else 'larger'} is better)"
        how = f"{'Paired' if self.pair else 'Independent'} seeds."
        if any(np.isfinite(p.p_adjusted) for p in self.pairs):
            how = f"{how[:-1]}; p-values corrected by {self.settings.get('correction', 'none')}."
        return _lean(Table("pairs", caption, columns, tuple(rows), (how,)))

    def _ranks(self) -> Table:
        columns: tuple[Column, ...] = (
            Column("at", self.x_unit, "number"),
            Column("order", "order, best first", breaks=True),
            Column("first", "P(first is first)", "probability"),
            Column("agreement", "Kendall's tau with the order at the last", "number"),
            Column("same_best", "P(same first at the last)", "probability"),
        )
        rows: list[tuple[Cell, ...]] = []
        for r in self.rankings:
            first = float(r.probability[self.methods.index(r.order[0]), 0])
            known = (_or_why(v, (why,)) for v, why in zip((first, r.agreement, r.same_best), r.reasons, strict=True))
            rows.append((r.at, r.text, *known))
        if len(self.at) == 1:  # nothing to agree with
            columns, rows = columns[:3], [r[:3] for r in rows]
        return Table(
            "ranks", "Order of the methods over x by interquartile mean, and how sure it is", columns, tuple(rows)
        )

    def _crossings(self) -> Table:
        columns = (
            Column("a", "better at the end"),
            Column("b", "passed"),
            Column("x", f"since {self.x_unit}", "estimate"),
            Column("probability", "P(crossing in the data)", "probability"),
        )
        rows: list[tuple[Cell, ...]] = [(c.a, c.b, c.x, _or_why(c.probability, c.x.reasons)) for c in self.crossings]
        how = "By the difference of mean curves; the order of the methods is by interquartile mean, and the two can differ."
        if nodes := self.settings.get("nodes of crossings"):
            how += f" Curves are means around {nodes} x each, so that the end is the last of these stretches."
        return Table(
            "crossings", "Where the mean curve of one method last passes that of another", columns, tuple(rows), (how,)
        )


def _or_why(value: float, reasons: tuple[str, ...]) -> Cell:
    """A number, or why there is none."""
    if np.isnan(value):
        return Estimate("value", None, status=Status.NOT_APPLICABLE, reasons=reasons)
    return float(value)


def _lean(table: Table) -> Table:
    """Without columns of counts that say nothing: one task, nothing missing, no pairs."""
    idle = {
        c.name
        for i, c in enumerate(table.columns)
        if (c.name in ("tasks", "pairs") and all(r[i] in (0, 1) for r in table.rows))
        or (c.name in ("missing", "carried") and not any(r[i] for r in table.rows))
    }
    keep = [i for i, c in enumerate(table.columns) if c.name not in idle]
    return Table(
        table.name,
        table.caption,
        tuple(table.columns[i] for i in keep),
        tuple(tuple(r[i] for i in keep) for r in table.rows),
        table.notes,
    )
