"""What the methods paragraph says of a comparison: only what was used in it, read off its intervals."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from ..curves.numbers import counted, format_x
from ..reporting.tables import Comparison
from ._statistics import MANY_SEEDS, MIN_SEEDS

__all__ = ["compared"]

_T = "t"
_PERCENTILE = "stratified bootstrap"
_EXPANDED = "stratified bootstrap, expanded percentiles"
_ACCELERATED = "stratified bootstrap, accelerated percentiles"
_SCORE = "score interval"
_CORRECTIONS = {
    "holm": "Holm's method [@holm1979]",
    "bonferroni": "Bonferroni's method",
    "fdr_bh": "Benjamini and Hochberg's method [@benjamini1995]",
    "fdr_by": "Benjamini and Yekutieli's method",
}


def compared(c: Comparison) -> str:
    """Sentences about a comparison, with citations as ``[@key]`` of what was used in it and of nothing else."""
    fewest = min((a.fewest for a in c.aggregates), default=0)
    tasks = f" and {c.task}" if c.task else ""
    told = (
        f"{len(c.methods)} methods were compared by {c.metric} at {c.x_unit} {', '.join(map(format_x, c.at))} over {c.over}{tasks} "
        f"(at least {fewest} per {'task and ' if c.task else ''}method), with interquartile means and probabilities of improvement "
        "as defined by Agarwal et al. [@agarwal2021].",
        _values(c),
        _intervals(c),
        _improvements(c),
        _ranks(c),
        _crossings(c),
        _tests(c),
        _shortfall(c),
    )
    return "".join(f"{sentence} " for sentence in told if sentence)


def _values(c: Comparison) -> str:
    """How a value at x is got of a run that was logged elsewhere."""
    if window := c.settings.get("window"):
        return f"The value of a run at x is the mean of its observations in the last {window} of {c.x_unit} up to x."
    return (
        "The value of a run at x is the one logged there, else it lies on the straight line between its neighboring "
        "logged points."
    )


def _ways(c: Comparison) -> dict[str, set[str]]:
    """Which aggregates have an interval of each kind; over one task the median is the mean and is not shown."""
    names = ("iqm", "mean", "median") if c.task else ("iqm", "mean")
    found: dict[str, set[str]] = {}
    for a in c.aggregates:
        for name in names:
            interval = getattr(a, name).interval
            if interval is not None:
                found.setdefault(interval.method, set()).add(name)
    return found


def _intervals(c: Comparison) -> str:
    ways = _ways(c)
    banded = any(np.isfinite(b.low).any() for b in c.bands)
    whose = f"Intervals of the comparison ({100 * c.level:g} %)"
    if not ways:
        told = "Interquartile means and means have no intervals" + (
            f", which need {MIN_SEEDS} seeds{' per task' if c.task else ''}."
            if any(a.fewest < MIN_SEEDS for a in c.aggregates)
            else "."
        )
    else:
        drawn = [_PERCENTILES[w] for w in _PERCENTILES if w in ways]
        if drawn and c.task:
            drawn[0] = drawn[0].replace("stratified bootstrap", f"bootstrap of seeds within each {c.task}")
        how = ", ".join(drawn)
        if _T in ways:
            how = f"t intervals below ten seeds{' per task' if c.task else ''}, else {how}" if drawn else "t intervals"
        if drawn or "median" in ways.get(_T, ()):
            how += f", with {c.settings['replicates']} bootstrap replicates" + (
                "" if drawn else " for the standard error of a median over tasks"
            )
        told = f"{whose} are {how}."
    if banded and set(ways) != {_T}:
        told += f" Bands over x are t intervals ({100 * c.level:g} %)."
    if banded or "iqm" in ways.get(_T, ()) or _studentized(c):
        told += " The standard error of an interquartile mean"
        told += (
            "" if "iqm" in ways.get(_T, ()) else " there" if banded else ", by which ranks are drawn,"
        ) + " is that of a trimmed mean [@tukey1963]."
    return told


_PERCENTILES = {
    _PERCENTILE: "percentiles of the stratified bootstrap",
    _EXPANDED: "expanded percentiles of the stratified bootstrap [@hesterberg2015]",
    _ACCELERATED: "expanded percentiles that are accelerated [@efron1987] for the median over tasks",
}


def _improvements(c: Comparison) -> str:
    kinds = {p.improvement.interval.method for p in c.pairs if p.improvement.interval is not None}
    if kinds == {_SCORE}:
        return "Probabilities of improvement have score intervals [@newcombe2006]."
    if kinds == {_PERCENTILE}:
        return f"Probabilities of improvement have percentiles of the stratified bootstrap ({c.settings['replicates']} replicates)."
    if kinds:
        return (
            f"Probabilities of improvement have percentiles of the stratified bootstrap ({c.settings['replicates']} replicates), "
            "and score intervals [@newcombe2006] where seeds are few or all replicates agree."
        )
    return ""


def _studentized(c: Comparison) -> bool:
    """Whether interquartile means were drawn from t distributions for the ranks."""
    if not any(np.isfinite(r.probability).any() for r in c.rankings):
        return False
    if c.settings["interval"] != "auto":
        return c.settings["interval"] == "t"
    return any(MIN_SEEDS <= _fewest(c, x) < MANY_SEEDS for x in c.at)


def _fewest(c: Comparison, x: float) -> int:
    """Seeds in the smallest of the tasks that all methods have at an x, over which ranks are."""
    count = Counter((method, task) for method, task, _, at, _ in c.scores if at == x)
    shared = set.intersection(*({task for m, task in count if m == method} for method in c.methods))
    return min((n for (_, task), n in count.items() if task in shared), default=0)


def _ranks(c: Comparison) -> str:
    if not any(np.isfinite(r.probability).any() for r in c.rankings):
        return ""
    how = "drawn from t distributions" if _studentized(c) else "resampled"
    return f"Probabilities of ranks are shares of {c.settings['replicates']} draws of all interquartile means, {how}."


def _crossings(c: Comparison) -> str:
    if not any(x.x.interval is not None for x in c.crossings):
        return ""
    return (
        "Intervals of crossings hold the points at which Welch's test [@welch1947] does not tell two mean curves apart."
    )


def _tests(c: Comparison) -> str:
    tested = sum(math.isfinite(p.p_value) for p in c.pairs)
    if not tested:
        few = "no pair of methods has seeds enough for a p-value"
        return f"Differences were not tested, since {few}."
    how = (
        f"Differences were taken within pairs of equal {c.pair} and tested with the paired t test"
        if c.pair
        else "Differences of means were tested with Welch's test [@welch1947]"
    )
    correction = c.settings["correction"]
    if correction == "none":
        return f"{how}, not corrected for the number of comparisons."
    of = "" if tested == len(c.pairs) else f" (of {len(c.pairs)}, the others having no p-value)"
    return f"{how}, corrected for {counted(tested, 'comparison')}{of} by {_CORRECTIONS[correction]}."


def _shortfall(c: Comparison) -> str:
    carried = sum(a.carried for a in c.aggregates)
    if carried:
        return f"{carried} of {sum(a.seeds for a in c.aggregates)} values are last values of runs that ended before."
    if not any(a.missing for a in c.aggregates):
        return ""
    return f"Runs that ended before {'are left out there' if c.settings['short runs'] == 'drop' else 'count as their last value'}."
