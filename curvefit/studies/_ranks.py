"""Order of methods at every x and how sure it is, over seeds drawn anew for all x together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..curves.numbers import counted
from ..reporting.tables import Ranking
from ._statistics import MIN_SEEDS, drawn_iqm, iqm_of_known

__all__ = ["rankings"]

Array = NDArray[np.float64]
_DIGITS = 1e12  # values that agree to so many are equal: sums in another order


def rankings(
    where: Sequence[float],
    methods: Sequence[str],
    values: Sequence[Sequence[Array]],
    replicates: int,
    rng: np.random.Generator,
    *,
    smaller_is_better: bool,
    few: int,
    studentize: bool | None = None,
) -> tuple[Ranking, ...]:
    """Order at every x, seeds of all x drawn together so that ranks can be compared over x.

    Parameters
    ----------
    where : sequence of float, shape (k,)
        The x.
    methods : sequence of str, shape (m,)
        The methods.
    values : sequence of sequence of ndarray, shape (seeds, k)
        Values by method and task, NaN where a run has none.
    replicates : int
        How many draws.
    rng : numpy.random.Generator
        What draws.
    smaller_is_better : bool
        Which way is better.
    few : int
        Seeds per task below which means are drawn from their t distributions, as the intervals are: resamples of few seeds
        vary too little.
    studentize : bool, optional
        Whether to do so whatever the number of seeds.

    Returns
    -------
    tuple of Ranking
        At the x where all methods have a value. There is no probability where a method has fewer than three seeds in a
        task, or where the seeds of no method differ though the methods do, and a reason instead.
    """
    m = len(methods)
    observed = np.full((len(where), m), np.nan)
    fewest: Array = np.full(len(where), np.inf)
    scatter = np.zeros(len(where), dtype=bool)
    for j, tasks in enumerate(values):
        observed[:, j] = iqm_of_known(np.concatenate(list(tasks)).T)
        for task in tasks:
            seeds = np.isfinite(task).sum(axis=0)
            scatter |= (np.isfinite(task) & (task != _firsts(task))).any(axis=0)
            fewest = np.where(seeds > 0, np.minimum(fewest, seeds), fewest)
    enough = np.asarray(fewest >= MIN_SEEDS)
    if studentize is None:
        studentize = bool(np.min(fewest[enough], initial=np.inf) < few)
    drawn = np.stack([drawn_iqm(tasks, replicates, rng, studentize=studentize) for tasks in values], axis=1)
    sign = 1.0 if smaller_is_better else -1.0
    observed, drawn = _rounded(sign * observed), _rounded(sign * drawn)
    first = _first(drawn)
    with_all = np.asarray(np.isfinite(observed).all(axis=1))
    last = len(where) - 1
    sure = ["" if f >= MIN_SEEDS else _scarce(f) for f in fewest]
    flat = [not s and np.ptp(own) > 0 for s, own in zip(scatter, observed, strict=True)]
    sure = [why or ("no scatter between seeds" if still else "") for why, still in zip(sure, flat, strict=True)]
    found = []
    for k, x in enumerate(where):
        if not with_all[k]:
            continue
        own = observed[k]
        at = np.argsort(own, kind="stable")
        tied = (False, *(bool(t) for t in own[at][1:] == own[at][:-1]))
        scarce = sure[k]
        probability = np.full((m, m), np.nan) if scarce else _shares(drawn[k])
        tau, tau_why = float("nan"), scarce or (f"{sure[last]} at the last x" if sure[last] else "")
        same, same_why = float("nan"), tau_why
        if not with_all[last]:
            tau_why = same_why = "not all methods have a value at the last x"
        elif not tau_why and last > 0:
            both = (first[k] & first[last]).sum(axis=0)
            same = float(np.mean(both / (first[k] | first[last]).sum(axis=0)))
            tau, tau_why = _agreement(own, observed[last])
        found.append(
            Ranking(
                x, tuple(methods[i] for i in at), probability, tau, same, tied=tied, reasons=(scarce, tau_why, same_why)
            )
        )
    return tuple(found)


def _firsts(task: Array) -> Array:
    """The first value at every x that is there."""
    if not len(task):
        return np.zeros(task.shape[1])
    return np.asarray(task[np.argmax(np.isfinite(task), axis=0), np.arange(task.shape[1])])


def _scarce(seeds: float) -> str:
    return f"{counted(int(seeds), 'seed')} in a task: no probability below {MIN_SEEDS}"


def _agreement(own: Array, last: Array) -> tuple[float, str]:
    """Kendall's tau of two orders, or why there is none."""
    from scipy.stats import kendalltau

    if np.ptp(own) == 0 or np.ptp(last) == 0:
        return float("nan"), "all methods are equal"
    return float(kendalltau(own, last).statistic), ""


def _rounded(values: Array) -> Array:
    """Values to twelve digits of the largest one at each x, which are its first axis."""
    size = np.nanmax(np.abs(values), axis=tuple(range(1, values.ndim)), keepdims=True, initial=0.0)
    unit = np.where(size > 0, size, 1.0) / _DIGITS
    return np.asarray(np.round(values / unit) * unit)


def _first(drawn: Array) -> NDArray[np.bool_]:
    """Which methods share the first rank in every draw, shape (x, methods, draws)."""
    known = np.where(np.isfinite(drawn), drawn, np.inf)
    return np.asarray(known == known.min(axis=1, keepdims=True))


def _shares(drawn: Array) -> Array:
    """Share of draws by method (rows) and rank (columns); methods that tie share their ranks evenly."""
    m, draws = drawn.shape
    known = np.where(np.isfinite(drawn), drawn, np.inf)
    out = np.zeros((m, m + 1))
    for i in range(m):
        before, equal = (known < known[i]).sum(axis=0), (known == known[i]).sum(axis=0)
        np.add.at(out[i], before, 1 / equal)
        np.add.at(out[i], before + equal, -1 / equal)
    return np.asarray(np.cumsum(out, axis=1)[:, :m] / draws)
