"""One comparison at work: values of runs at x, aggregates, differences and ranks of methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..curves import Estimate, Interval, Status, UsageError
from ..curves._checks import safe_text
from ..curves.numbers import counted, format_x
from ..reporting.tables import Aggregate, Pair, Ranking
from ._ranks import rankings
from ._scores import WHERE, Entry, Short, ends_before, stopped, value_at
from ._statistics import (
    AGGREGATES,
    MANY_SEEDS,
    MIN_SEEDS,
    accelerated_median,
    expanded_tails,
    improvement,
    improvement_interval,
    mean_difference,
    paired_difference,
    quantile_interval,
    resampled,
    studentized,
)

__all__ = ["IntervalMethod", "Scored", "Study", "carried_forward", "unreached"]

Array = NDArray[np.float64]
IntervalMethod = Literal["auto", "percentile", "expanded", "t"]
Scored = list[tuple[Entry, float | None]]


class Study:
    """What all questions of one comparison share."""

    def __init__(
        self,
        entries: list[Entry],
        methods: tuple[str, ...],
        tasks: list[str],
        way: str,
        unit: str,
        level: float,
        interval: IntervalMethod,
        short: Short,
        window: float | None,
        replicates: int,
        rng: np.random.Generator,
    ) -> None:
        self.entries, self.methods, self.tasks = entries, methods, tasks
        self.smaller, self.unit, self.level = way == "min", unit, level
        self.interval, self.short, self.window = interval, short, window
        self.replicates, self.rng = replicates, rng

    def scored(self, x: float) -> Scored:
        """Value of every run at x."""
        return [(e, value_at(e.curve, x, self.short, self.window)) for e in self.entries]

    def sample(self, table: Scored, method: str) -> dict[str, Array]:
        """Values of a method by task, tasks without any left out."""
        found: dict[str, list[float]] = {t: [] for t in self.tasks}
        for e, v in table:
            if v is not None and e.method == method:
                found[e.task].append(v)
        return {t: np.array(v) for t, v in found.items() if v}

    def shared(self, table: Scored) -> set[str]:
        """Tasks that have a value of every method."""
        return set.intersection(*(set(self.sample(table, m)) for m in self.methods))

    def unlike(self, x: float, table: Scored) -> list[str]:
        """A sentence where methods have values of different tasks, so that their aggregates are of different things."""
        own = {m: set(self.sample(table, m)) for m in self.methods}
        present = [tasks for tasks in own.values() if tasks]
        if all(tasks == present[0] for tasks in present):
            return []
        shared = set.intersection(*own.values())
        told = ", ".join(f"{safe_text(m)} {len(tasks)}" for m, tasks in own.items())
        ranks = f"over the {len(shared)} that all have" if shared else "not given, since no task has all of them"
        return [
            f"methods have values of different tasks at {self.unit} {format_x(x)} ({told} of {len(self.tasks)}): each aggregate is "
            f"over the tasks of its own method and not to be held against the others; differences are over shared tasks, ranks {ranks}"
        ]

    def aggregate(self, method: str, x: float, table: Scored) -> Aggregate:
        """Interquartile mean, median and mean of one method at x."""
        by_task = self.sample(table, method)
        missing = sum(1 for e, v in table if e.method == method and v is None)
        values = list(by_task.values())
        seeds = sum(v.size for v in values)
        fewest = min((v.size for v in values), default=0)
        draws = resampled(values, self.replicates, self.rng) if fewest >= MIN_SEEDS else []
        made = {name: self._estimate(name, values, draws, x, fewest, missing) for name in AGGREGATES}
        carried = sum(1 for e, v in table if e.method == method and v is not None and ends_before(e.curve, x))
        return Aggregate(
            method, x, len(values), seeds, fewest, missing, made["iqm"], made["median"], made["mean"], carried
        )

    def _estimate(
        self, name: str, values: list[Array], draws: list[Array], x: float, fewest: int, missing: int
    ) -> Estimate:
        if not values:
            why = f"no run has a value at {self.unit} {format_x(x)}"
            return Estimate(name, None, status=Status.TOO_FEW_POINTS, reasons=(why,))
        center = float(AGGREGATES[name](values))
        if fewest < MIN_SEEDS:
            why = f"{fewest} seed{'s' if fewest > 1 else ''} in a task: no interval below {MIN_SEEDS}"
            return Estimate(name, center, status=Status.TOO_FEW_POINTS, reasons=(why,))
        how = self._way(name, fewest)
        ends: tuple[float, float] | None
        if how == "t":
            ends = studentized(values, name, self.level, draws)
        elif how == "accelerated":
            ends = accelerated_median(values, draws, self.level)
        else:
            tail = (1 - self.level) / 2 if how == "percentile" else expanded_tails(values, self.level)
            ends = quantile_interval(AGGREGATES[name](draws), tail)
        if ends is None or ends[0] == ends[1]:
            return Estimate(name, center, status=Status.CONSTANT, reasons=("all seeds are equal",))
        told = {
            "t": "t",
            "percentile": "stratified bootstrap",
            "expanded": "stratified bootstrap, expanded percentiles",
            "accelerated": "stratified bootstrap, accelerated percentiles",
        }[how]
        ends = min(ends[0], center), max(ends[1], center)
        reasons = (f"{missing} run{'s' if missing > 1 else ''} without a value there",) if missing else ()
        status = Status.DEGRADED if missing else Status.OK
        return Estimate(name, center, Interval(*ends, self.level, method=told), status=status, reasons=reasons)

    def _way(self, name: str, fewest: int) -> str:
        if self.interval != "auto":
            return self.interval
        if fewest < MANY_SEEDS:
            return "t"
        return "accelerated" if name == "median" and len(self.tasks) > 1 else "expanded"

    def pair(self, a: str, b: str, x: float, table: Scored, paired: bool) -> Pair:
        """Difference of two methods at x, and the probability that one is better."""
        left, right = self.sample(table, a), self.sample(table, b)
        common = [t for t in self.tasks if t in left and t in right]
        if not common:
            why = "no task has values of both" if len(self.tasks) > 1 else "one of the two has no value there"
            none = Estimate("difference", None, status=Status.TOO_FEW_POINTS, reasons=(why,))
            return Pair(a, b, x, 0, 0, none, none, float("nan"), float("nan"), None)
        u, v = [left[t] for t in common], [right[t] for t in common]
        share = self._improvement(u, v)
        matched = self._matched(table, a, b, common) if paired else None
        if matched is not None:
            values = [m for m in matched if m.size]
            n = sum(m.size for m in values)
            fewest = min((m.size for m in values), default=0)
            found = paired_difference(values, self.level) if fewest >= MIN_SEEDS else None
            center = float(np.mean([m.mean() for m in values])) if values else None
        else:
            n, fewest = 0, min(w.size for w in (*u, *v))
            found = mean_difference(u, v, self.level) if fewest >= MIN_SEEDS else None
            center = float(np.mean([p.mean() - q.mean() for p, q in zip(u, v, strict=True)]))
        what = "pair" if paired else "seed"
        if found is None:
            why = f"{fewest} {what}{'' if fewest == 1 else 's'} in a task: no interval below {MIN_SEEDS}"
            difference = Estimate("difference", center, status=Status.TOO_FEW_POINTS, reasons=(why,))
        elif np.isnan(found.low):
            difference = Estimate(
                "difference", found.value, status=Status.CONSTANT, reasons=("no scatter between seeds",)
            )
        else:
            how = "paired t" if paired else "Welch t"
            difference = Estimate("difference", found.value, Interval(found.low, found.high, self.level, method=how))
        p_value = found.p_value if found is not None else float("nan")
        return Pair(a, b, x, len(common), n, difference, share, p_value, float("nan"), None)

    def _improvement(self, u: list[Array], v: list[Array]) -> Estimate:
        share = float(improvement(u, v, smaller_is_better=self.smaller))
        fewest = min(w.size for w in (*u, *v))
        if fewest < MIN_SEEDS:
            return Estimate(
                "improvement", share, status=Status.TOO_FEW_POINTS, reasons=(f"no interval below {MIN_SEEDS} seeds",)
            )
        ends = (0.0, 0.0)
        how = "stratified bootstrap"
        if fewest >= MANY_SEEDS:
            drawn = improvement(
                *(resampled(w, self.replicates, self.rng) for w in (u, v)), smaller_is_better=self.smaller
            )
            ends = quantile_interval(drawn, (1 - self.level) / 2)
        if ends[0] == ends[1]:  # few seeds, or methods so far apart that every replicate agrees
            how = "score interval"
            ends = improvement_interval(share, [(p.size, q.size) for p, q in zip(u, v, strict=True)], self.level)
        return Estimate(
            "improvement", share, Interval(min(ends[0], share), max(ends[1], share), self.level, method=how)
        )

    def _matched(self, table: Scored, a: str, b: str, common: list[str]) -> list[Array]:
        out = []
        for t in common:
            keys = [{e.pair: v for e, v in table if e.method == m and e.task == t and v is not None} for m in (a, b)]
            counts = [sum(1 for e, v in table if e.method == m and e.task == t and v is not None) for m in (a, b)]
            for method, found, count in zip((a, b), keys, counts, strict=True):
                if len(found) < count:
                    what = f"two runs of {method!r} have one pairing key"
                    hint = "--pair (pair= in Python) names an attribute that is different in every run of a method"
                    raise UsageError(what, code="CF-USE-009", where=WHERE, hint=hint)
            out.append(np.array([keys[0][k] - keys[1][k] for k in sorted(keys[0].keys() & keys[1].keys())]))
        return out

    def rankings(self, where: tuple[float, ...], tables: list[Scored]) -> tuple[Ranking, ...]:
        """Order at every x over the tasks that all methods have there, seeds of all x drawn together."""
        scores = np.array([[np.nan if v is None else v for _, v in table] for table in tables])
        for row, table in zip(scores, tables, strict=True):
            shared = self.shared(table)
            row[[e.task not in shared for e in self.entries]] = np.nan
        rows = {
            m: [
                scores[:, [i for i, e in enumerate(self.entries) if e.method == m and e.task == t]].T
                for t in self.tasks
            ]
            for m in self.methods
        }
        return rankings(
            where,
            self.methods,
            list(rows.values()),
            self.replicates,
            self.rng,
            smaller_is_better=self.smaller,
            few=MANY_SEEDS,
            studentize=None if self.interval == "auto" else self.interval == "t",
        )


def carried_forward(aggregates: Sequence[Aggregate], unit: str) -> list[str]:
    """A sentence for every x at which last values of runs that ended earlier count."""
    notes = []
    for x in dict.fromkeys(a.at for a in aggregates):
        here = [a for a in aggregates if a.at == x]
        carried, runs = sum(a.carried for a in here), sum(a.seeds for a in here)
        if carried:
            who = ", ".join(f"{safe_text(a.method)} {a.carried}" for a in here if a.carried)
            verb = "is the last one of a run" if carried == 1 else "are last ones of runs"
            notes.append(
                f"{carried} of {counted(runs, 'value')} at {unit} {format_x(x)} {verb} that ended before: {who}"
            )
    return notes


def unreached(x: float, table: Scored, methods: Sequence[str], unit: str) -> list[str]:
    """A sentence for every method none of whose runs has a value at x.

    Raises
    ------
    UsageError
        When no run of any method has one.
    """
    known = {e.method for e, v in table if v is not None}
    if not known:
        curves = [e.curve for e, _ in table if len(e.curve)]
        ends = sorted(float(c.x[-1]) for c in curves)
        first = min((float(c.x[0]) for c in curves), default=x)
        hint = "the values of all runs are no numbers there"
        if x < first:
            hint = f"the first run begins at {unit} {format_x(first)}"
        elif ends and x > ends[0]:
            every = f"all runs reach {unit} {format_x(ends[0])}"
            some = f", the longest {format_x(ends[-1])}" if ends[-1] > ends[0] else ""
            hint = (
                f"{every}{some}; --short last (short='last' in Python) takes the last value of a run that ended earlier"
            )
        raise UsageError(f"no run has a value at {unit} {format_x(x)}", code="CF-USE-009", where=WHERE, hint=hint)
    notes = []
    for method in methods:
        if method in known:
            continue
        curves = [e.curve for e, _ in table if e.method == method and len(e.curve)]
        lost = [c for c in curves if stopped(c)]
        last = max((float(c.x[-1]) for c in curves), default=x)
        why = "its runs have no numbers there"
        if last < x and len(lost) < len(curves):
            why = f"its longest run ends at {format_x(last)} (--short last takes last values; short='last' in Python)"
        notes.append(f"no run of {safe_text(method)} has a value at {unit} {format_x(x)}: {why}")
    return notes
