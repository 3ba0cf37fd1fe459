"""Figures of a batch for its report: each drawn when there is something to draw, else the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..analysis import analyze
from ..curves import Curve, CurvefitError, DataError, Run
from ..curves.numbers import counted
from ..forecasting.api import forecast_many
from ..reporting.paper import calibration, forest, pareto, ranking, seed_bands, small_multiples
from ..reporting.report import Report
from ..reporting.tables import Comparison, Pooled
from ._scores import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Pictures", "held_of", "pit_of_replays"]

_COSTS = ("compute", "flops", "flop", "C", "gpu_hours", "cost")
_REPLAYED = 400
_NOMINAL = (0.5, 0.8, 0.95)  # levels that are told, as in the figure
_TASKS = 8  # figures of cost against value
_FEW = 20  # points from which a curve is cut in half and forecast


class Pictures:
    """Axes by name, and why others are not there.

    Attributes
    ----------
    drawn : dict of str to (Axes, str)
        Axes and caption by file stem.
    missing : dict of str to str
        Reason by name of the figure.
    pit : ndarray
        Forecast probabilities below what was observed, of the figure of calibration; empty without one.
    """

    def __init__(self) -> None:
        self.drawn: dict[str, tuple[Axes, str]] = {}
        self.missing: dict[str, str] = {}
        self.pit: np.ndarray = np.empty(0)

    def draw(self, name: str, caption: str, make: Callable[[], Axes]) -> None:
        """Draw one; an error of ours is the reason why it is not there."""
        try:
            self.drawn[name] = make(), caption
        except CurvefitError as error:
            self.missing[name] = error.what

    def of_comparison(self, comparison: Comparison) -> None:
        """Bands over x, and ranks where there are several x."""
        c = comparison
        share = f"{100 * c.level:g} %"
        self.draw(
            "bands",
            f"Interquartile mean of {c.metric} by {c.by} with {share} t intervals over {c.over}; thin lines are single runs, dotted is the mean of those that are left where some have no value.",
            lambda: seed_bands(c),
        )
        if len(c.rankings) > 1:
            unknown = ", a cross an unknown one" if any(r.reasons[0] for r in c.rankings) else ""
            self.draw(
                "ranking",
                f"Rank by interquartile mean of {c.metric}; the area of a disc is the probability of the rank{unknown}.",
                lambda: ranking(c),
            )
        else:
            self.missing["ranking"] = "it needs two x that all methods reach"

    def of_parameters(self, pooled: Mapping[tuple[str, str, str, str], Pooled], by: str | None) -> None:
        """One forest plot per parameter of the law that is best in most groups: groups, or the runs of the only one."""
        if not pooled:
            self.missing["forest"] = "no law is identified in three runs of a group"
            return
        count: dict[tuple[str, str], int] = {}
        members: dict[tuple[str, str], set[str]] = {}
        for (where, metric, law, _), p in pooled.items():
            count[metric, law] = count.get((metric, law), 0) + len(p.runs)
            members.setdefault((metric, law), set()).add(where)
        metric, law = max(count, key=lambda k: (len(members[k]), count[k], k))
        for name in dict.fromkeys(k[3] for k in pooled if k[1:3] == (metric, law)):
            groups = {k[0]: p for k, p in pooled.items() if k[1:] == (metric, law, name)}
            words = law.replace("_", " ")
            title = f"{words}: {name}"
            if len(groups) > 1:
                rows = [(f"{g} ({len(p.runs)})", p.mean) for g, p in groups.items()]
                levels = {i.level for i in (p.mean.interval for p in groups.values()) if i is not None}
                share = " and ".join(f"{100 * level:g} %" for level in levels if level is not None)
                told = f"Mean {name} of the {words} of {metric} by {by} (runs), random effects, {share} intervals."
                self.draw(f"forest-{law}-{name}", told, partial(forest, rows, label=title))
            else:
                only = next(iter(groups.values()))
                told = f"{name} of the {words} of {metric}: every run by itself and drawn toward the mean (random effects)."
                self.draw(f"forest-{law}-{name}", told, partial(forest, only, label=title))

    def of_runs(
        self, runs: Sequence[tuple[Run, str, str]], metric: str | None, cost: str | None, task: str | None = None
    ) -> None:
        """Calibration of forecasts from half of each run, and cost against value.

        Parameters
        ----------
        runs : sequence of (Run, str, str)
            Run, its metric, its group.
        metric : str or None
            Only curves of that name.
        cost : str or None
            Attribute that holds the cost of a run.
        task : str or None
            Attribute that names the task: costs and values are compared within each.
        """
        chosen = [(r, m, g) for r, m, g in runs if metric is None or m == metric]
        try:
            self.pit = pit_of_replays([r[m] for r, m, _ in chosen])
        except CurvefitError as error:
            self.missing["calibration"] = error.what
        else:
            self.draw(
                "calibration",
                "Nominal and observed coverage of forecasts of the last value from the first half of each curve (at most "
                f"{_REPLAYED}) with the pooled forecaster: {held_of(self.pit)}; runs that share a method or a task are not "
                "independent.",
                lambda: calibration(self.pit),
            )
        by_task: dict[str, list[tuple[Run, str, str]]] = {}
        for one in chosen:
            if task is not None and task in one[0].attributes:
                by_task.setdefault(label(one[0].attributes[task]), []).append(one)
        if len(by_task) < 2:
            self._of_costs("pareto", chosen, cost)
            return
        for number, name in enumerate(sorted(by_task)[:_TASKS], 1):  # a loss of one task is none of another
            self._of_costs(f"pareto-{number}", by_task[name], cost, f"{task} {name}")
        if len(by_task) > _TASKS:
            self.missing["pareto"] = f"it is drawn for the first {_TASKS} of {len(by_task)} values of {task}"

    def _of_costs(self, stem: str, chosen: Sequence[tuple[Run, str, str]], cost: str | None, where: str = "") -> None:
        """Cost against value of the runs of one task."""
        name = cost or next((a for a in _COSTS if any(a in r.attributes for r, _, _ in chosen)), None)
        points = [(_cost(r, m, name), float(r[m].y[-1]), g) for r, m, g in chosen if len(r[m])]
        metrics = {m for _, m, _ in chosen}
        known = {c for c, _, _ in points if np.isfinite(c)}
        scales = {(r[m].metric.unit, r[m].percent) for r, m, _ in chosen}
        units = {"step" if r[m].x_unit == "iteration" else r[m].x_unit for r, m, _ in chosen}
        if not points:
            self.missing[stem] = "no run has usable results of the metric"
        elif len(metrics) > 1:
            self.missing[stem] = "the runs have different metrics"
        elif len(scales) > 1:
            self.missing[stem] = f"{next(iter(metrics))} has different units in the runs"
        elif name is None and len(units) > 1:
            self.missing[stem] = f"the length of the runs counts {' in some, '.join(sorted(units))} in others"
        elif not known:
            self.missing[stem] = f"{name} is a number in no run"
        elif len(known) < 2:
            some = sum(np.isfinite(c) for c, _, _ in points)
            whose = "all runs" if some == len(points) else f"the {some} runs that have a {name}"
            lost = sum(_end(r[m]) > float(r[m].x[-1]) for r, m, _ in chosen if len(r[m])) if name is None else 0
            logged = (
                f", {lost} of them with values that are not finite at the end, which had their cost" if lost else ""
            )
            only = "there is only one run" if len(points) == 1 else f"only one run has a {name}"
            self.missing[stem] = f"{whose} have the same {name or 'length'}{logged}" if some > 1 else only
        else:
            curve = chosen[0][0][chosen[0][1]]
            what = name or f"length ({curve.x_unit})"
            lost = sum(_end(r[m]) > float(r[m].x[-1]) for r, m, _ in chosen if len(r[m]))
            ended = (
                f" {counted(lost, 'run')} ended in values that are not finite; the last finite one is drawn."
                if lost
                else ""
            )
            told = f"Last {next(iter(metrics))} against {what}{f', {where}' if where else ''}"
            self.draw(
                stem,
                f"{told}; filled marks are beaten by no run that costs less.{ended}",
                lambda: pareto(
                    [c for c, _, _ in points],
                    [v for _, v, _ in points],
                    methods=[g for _, _, g in points] if len({g for _, _, g in points}) <= 12 else None,
                    smaller_is_better=curve.direction != "max",
                    cost_label=what,
                    value_label=next(iter(metrics)),
                    title=where,
                ),
            )

    def of_examples(self, runs: Sequence[tuple[Run, str, str]], most: int) -> None:
        """Small multiples of a few runs, the groups in turn."""
        picked = _in_turn(runs, most)
        reports = []
        for run, metric, _ in picked:
            try:
                reports.append(analyze(run, metric))
            except CurvefitError:
                continue
        self.draw(
            "multiples",
            f"{len(reports)} of the runs: observations, fitted law, median and 80 and 95 % bands of the forecast.",
            lambda: _first(reports),
        )


def _first(reports: Sequence[Report]) -> Axes:
    figure = small_multiples(reports)
    axes: Axes = figure.axes[0]
    return axes


def _cost(run: Run, metric: str, name: str | None) -> float:
    if name is None:
        return _end(run[metric])
    value = run.attributes.get(name)
    return float(value) if isinstance(value, int | float) else float("nan")


def _end(curve: Curve) -> float:
    """The last x that was logged, whether or not there was a number: a run that came to nothing had its cost too."""
    return max(float(x.max()) for x in (curve.x, curve.nonfinite_x) if x.size)


def _in_turn(runs: Sequence[tuple[Run, str, str]], most: int) -> list[tuple[Run, str, str]]:
    """The first of every group, then the second, up to so many."""
    groups: dict[str, list[tuple[Run, str, str]]] = {}
    for item in runs:
        if len(item[0][item[1]]) >= 4:
            groups.setdefault(item[2], []).append(item)
    ordered = [members[i] for i in range(most) for members in groups.values() if i < len(members)]
    return ordered[:most]


def pit_of_replays(curves: Sequence[Curve]) -> np.ndarray:
    """Forecast probability of a value below the last observation, forecast from the first half of each curve.

    Parameters
    ----------
    curves : sequence of Curve
        Those with at least 20 points are used, at most 400 of them, evenly picked.
    """
    usable = [c for c in curves if len(c) >= _FEW]
    if len(usable) > _REPLAYED:
        usable = [usable[i] for i in np.linspace(0, len(usable) - 1, _REPLAYED).astype(int)]
    if not usable:
        raise DataError(f"no curve has {_FEW} points", where="calibration")
    by_end: dict[float, list[Curve]] = {}
    for c in usable:
        by_end.setdefault(float(c.x[-1]), []).append(c)
    out = []
    for end, members in by_end.items():
        told = forecast_many([c.until(float(c.x[len(c) // 2])) for c in members], end)
        out += [float(np.ravel(f.cdf(np.array([c.y[-1]])))[0]) for f, c in zip(told, members, strict=True)]
    return np.asarray(out)


def held_of(pit: np.ndarray) -> str:
    """What central intervals of forecasts hold, in words."""
    known = pit[np.isfinite(pit)]
    shares = [f"{100 * np.mean(np.abs(known - 0.5) <= level / 2):.0f}" for level in _NOMINAL]
    nominal = " and ".join((", ".join(f"{100 * level:g}" for level in _NOMINAL[:-1]), f"{100 * _NOMINAL[-1]:g}"))
    told = " and ".join((", ".join(shares[:-1]), shares[-1]))
    return f"{nominal} % intervals hold {told} % of {counted(known.size, 'curve')}"


def group_label(run: Run, by: str | None) -> str:
    """Group of a run for legends."""
    return "" if by is None else label(run.attributes.get(by, ""))
