"""Statistics of methods over tasks and seeds: aggregates, their intervals, probability of improvement, differences.

A sample of a method is a list of arrays: one per task, one number per seed in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AGGREGATES",
    "MANY_SEEDS",
    "MIN_SEEDS",
    "Difference",
    "accelerated_median",
    "drawn_iqm",
    "expanded_tails",
    "improvement",
    "improvement_interval",
    "iqm",
    "iqm_of_known",
    "mean_difference",
    "mean_of_tasks",
    "median_of_tasks",
    "paired_difference",
    "quantile_interval",
    "resampled",
    "studentized",
    "task_matrix",
]

Array = NDArray[np.float64]
Sample = Sequence[Array]
MIN_SEEDS = 3
MANY_SEEDS = 10  # per task: from here on the stratified bootstrap holds its level
TRIM = 0.25
_MOST_ACCELERATION = 0.2  # so that tails stay tails


def iqm(values: Array) -> Array:
    """Mean of the middle half along the last axis, as ``scipy.stats.trim_mean(values, 0.25)``."""
    n = values.shape[-1]
    cut = int(TRIM * n)
    middle: Array = np.sort(values, axis=-1)[..., cut : n - cut].mean(axis=-1)
    return middle


def iqm_of_known(values: Array) -> Array:
    """The same where some values are NaN: they are left out, row by row; NaN where nothing is left."""
    ordered = np.sort(values, axis=-1)  # NaN last
    n = np.isfinite(values).sum(axis=-1)
    cut = (TRIM * n).astype(int)
    place = np.arange(values.shape[-1])
    inside = (place >= cut[..., None]) & (place < (n - cut)[..., None])
    total = np.where(inside, ordered, 0.0).sum(axis=-1)
    return np.asarray(np.where(n > 0, total / np.maximum(n - 2 * cut, 1), np.nan))


def task_matrix(sample: Sample) -> Array:
    """Mean of every task, shape (..., tasks)."""
    return np.stack([np.asarray(v).mean(axis=-1) for v in sample], axis=-1)


def _pooled_iqm(sample: Sample) -> Array:
    return iqm(np.concatenate([np.asarray(v) for v in sample], axis=-1))


def median_of_tasks(sample: Sample) -> Array:
    """Median over tasks of the mean of each."""
    return np.asarray(np.median(task_matrix(sample), axis=-1))


def mean_of_tasks(sample: Sample) -> Array:
    """Mean over tasks of the mean of each."""
    return np.asarray(task_matrix(sample).mean(axis=-1))


AGGREGATES: dict[str, Callable[[Sample], Array]] = {
    "iqm": _pooled_iqm,
    "median": median_of_tasks,
    "mean": mean_of_tasks,
}
"""Aggregates of Agarwal et al. (2021): of all seeds and tasks together, or of the means of tasks."""


def resampled(sample: Sample, replicates: int, rng: np.random.Generator) -> list[Array]:
    """Seeds drawn with replacement within every task: arrays of shape (replicates, seeds of the task)."""
    return [np.asarray(v)[rng.integers(0, len(v), (replicates, len(v)))] for v in sample]


def expanded_tails(sample: Sample, level: float) -> float:
    r"""Tail probability that widens a percentile interval to what few seeds are worth.

    .. math:: \Phi(-\sqrt{n / (n - 1)}\; t_{\nu, (1 + \text{level}) / 2})

    with :math:`n` seeds in the smallest task and :math:`\nu` the degrees of freedom within all tasks (Hesterberg 2015).
    """
    from scipy.special import ndtr, stdtrit

    fewest = min(len(v) for v in sample)
    freedom = sum(len(v) - 1 for v in sample)
    return float(ndtr(-math.sqrt(fewest / (fewest - 1)) * stdtrit(freedom, (1 + level) / 2)))


def quantile_interval(draws: Array, tail: float) -> tuple[float, float]:
    """Interval between the two tails of a bootstrap distribution."""
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def accelerated_median(sample: Sample, draws: Sample, level: float) -> tuple[float, float] | None:
    r"""Interval of the median over tasks: expanded percentiles moved for skewness, without half of the excess spread.

    .. math:: p_\pm = \Phi\Big(\frac{\pm z}{1 \mp a z}\Big), \quad
        a = \frac{\sum_t w_t^3 \sum_i d_{ti}^3 / n_t^3}{6\,(\sum_t w_t^2 \sum_i d_{ti}^2 / n_t^2)^{3/2}}, \quad
        f = \frac12 \Big(1 + \frac{s}{s^*}\Big), \quad s^2 = \sum_t w_t^2\, \frac{s_t^2}{n_t}

    Which task is in the middle is uncertain, and doubly so in a resampled data set: the bootstrap's standard deviation
    :math:`s^*` is larger than :math:`s`, that of the middle tasks' means. The quantiles, taken at :math:`p_\pm` of the
    draws, are drawn toward their median by :math:`f`.

    Parameters
    ----------
    sample : sequence of ndarray
        Values of the seeds by task; :math:`d_{ti}` are their deviations from the mean of the task.
    draws : sequence of ndarray, shape (replicates, seeds of the task)
        The same resampled; :math:`w_t` is how often the task is in the middle of them.
    level : float
        Nominal coverage; :math:`z` is that of `expanded_tails`.

    Returns
    -------
    (low, high) or None
        None where the seeds do not vary.

    Notes
    -----
    The acceleration is that of Efron's BCa intervals for several samples; the bias correction is left out, since the median
    of the draws estimates the median over tasks better than the median of the sample does. Coverage:
    ``benchmarks/statistics/COMPARISON.md``.

    References
    ----------
    Efron (1987), Journal of the American Statistical Association 82, 171-185.
    """
    from scipy.special import ndtr, ndtri

    means = task_matrix(draws)
    drawn = np.median(means, axis=-1)
    tasks = means.shape[-1]
    middle = np.argsort(means, axis=-1, kind="stable")[..., [(tasks - 1) // 2, tasks // 2]]
    weights = np.bincount(middle.ravel(), minlength=tasks) / middle.size
    second = third = linear = 0.0
    for w, v in zip(weights, sample, strict=True):
        n, off = len(v), v - v.mean()
        second += float(w**2 * (off**2).sum()) / n**2
        third += float(w**3 * (off**3).sum()) / n**3
        linear += float(w**2 * (off**2).sum()) / (n * (n - 1))
    spread = float(np.std(drawn))
    if second == 0 or spread == 0:
        return None
    a = float(np.clip(third / (6 * second**1.5), -_MOST_ACCELERATION, _MOST_ACCELERATION))
    z = np.array([1.0, -1.0]) * float(ndtri(expanded_tails(sample, level)))
    center = float(np.median(drawn))
    keep = (1 + math.sqrt(linear) / spread) / 2
    low, high = center + keep * (np.quantile(drawn, ndtr(z / (1 - a * z))) - center)
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class _Spread:
    """Standard error with its degrees of freedom."""

    stderr: float
    freedom: float


def _satterthwaite(parts: Sequence[tuple[float, float]]) -> _Spread:
    """Sum of variances, each with its degrees of freedom."""
    total = sum(v for v, _ in parts)
    below = sum(v * v / f for v, f in parts if v > 0)
    return _Spread(math.sqrt(total), total * total / below if below > 0 else math.inf)


def _spread(sample: Sample, aggregate: str) -> _Spread:
    """Standard error of an aggregate, tasks held fixed, seeds random.

    The interquartile mean is linear in the winsorized values to first order (Tukey and McLaughlin 1963), of which only
    the scatter within tasks counts.
    """
    if aggregate == "mean":
        tasks = len(sample)
        return _satterthwaite([(float(np.var(v, ddof=1)) / len(v) / tasks**2, len(v) - 1.0) for v in sample])
    values = np.concatenate(list(sample))
    n = values.size
    cut = int(TRIM * n)
    ordered = np.sort(values)
    low, high = ordered[cut], ordered[n - 1 - cut]
    kept = n - 2 * cut
    freedom = (kept - 1) / (n - 1)
    share = kept / n
    parts = [
        (float(np.var(np.clip(v, low, high), ddof=1)) * len(v) / (n * share) ** 2, max((len(v) - 1) * freedom, 1e-9))
        for v in sample
    ]
    return _satterthwaite(parts)


def drawn_iqm(sample: Sample, replicates: int, rng: np.random.Generator, *, studentize: bool) -> Array:
    r"""Interquartile means of drawn seeds at several x, seeds drawn together for all x; shape (x, replicates).

    .. math:: \bar y_k + \sqrt{\frac{\nu_k}{C_k}} \sum_t \frac{1}{n - 2 c} \sqrt{\frac{n_t}{n_t - 1}}
        \sum_i g_{ti}\, d_{tik}, \quad g_{ti} \sim N(0, 1), \quad C_k \sim \chi^2_{\nu_k}

    Parameters
    ----------
    sample : sequence of ndarray, shape (seeds, x)
        Values of the seeds by task, NaN where a seed has none; :math:`d_{tik}` are deviations of the winsorized values from
        their mean in the task, :math:`c` values are trimmed at either end.
    replicates : int
        How many.
    rng : numpy.random.Generator
        What draws.
    studentize : bool
        Whether to draw from the t distribution whose quantiles are the ends of `studentized`, :math:`\nu_k` its degrees of
        freedom; else seeds are resampled within tasks.
    """
    present = [np.asarray(v) for v in sample if len(v)]
    if not studentize:
        chosen = np.concatenate([v[rng.integers(0, len(v), (replicates, len(v)))] for v in present], axis=1)
        return iqm_of_known(np.moveaxis(chosen, -1, 0))
    from scipy.special import gammaincinv

    normal = [rng.standard_normal((replicates, len(v))) for v in present]
    uniform = rng.random(replicates)
    places = present[0].shape[1]
    out = np.full((places, replicates), np.nan)
    for k in range(places):
        known = [np.isfinite(v[:, k]) for v in present]
        there = [(v[ok, k], g[:, ok]) for v, g, ok in zip(present, normal, known, strict=True) if ok.any()]
        if not there or min(v.size for v, _ in there) < MIN_SEEDS:
            continue
        ordered = np.sort(np.concatenate([v for v, _ in there]))
        cut = int(TRIM * ordered.size)
        kept = ordered.size - 2 * cut
        out[k] = ordered[cut : ordered.size - cut].mean()
        freedom = _spread([v for v, _ in there], "iqm").freedom
        if not math.isfinite(freedom):  # no scatter
            continue
        scale = np.sqrt(freedom / (2 * gammaincinv(freedom / 2, uniform))) / kept
        for v, g in there:
            clipped = np.clip(v, ordered[cut], ordered[-1 - cut])
            out[k] += scale * math.sqrt(v.size / (v.size - 1)) * (g @ (clipped - clipped.mean()))
    return out


def studentized(sample: Sample, aggregate: str, level: float, draws: Sample) -> tuple[float, float] | None:
    r"""A t interval of an aggregate, None when the seeds do not vary.

    Parameters
    ----------
    sample : sequence of ndarray
        Values of the seeds by task.
    aggregate : {"mean", "iqm", "median"}
        Which aggregate.
    level : float
        Nominal coverage.
    draws : sequence of ndarray
        The same resampled: the median over tasks has its standard error from them, times :math:`\sqrt{n / (n - 1)}`.
    """
    from scipy.special import stdtrit

    center = float(AGGREGATES[aggregate](sample))
    if aggregate == "median":
        fewest = min(len(v) for v in sample)
        stderr = float(np.std(AGGREGATES[aggregate](draws))) * math.sqrt(fewest / (fewest - 1))
        spread = _Spread(stderr, float(sum(len(v) - 1 for v in sample)))
    else:
        spread = _spread(sample, aggregate)
    if spread.stderr == 0:
        return None
    half = float(stdtrit(spread.freedom, (1 + level) / 2)) * spread.stderr
    return center - half, center + half


def improvement(a: Sample, b: Sample, *, smaller_is_better: bool) -> Array:
    """Probability that a random seed of ``a`` is better than one of ``b``, averaged over tasks; ties count half.

    Leading axes of the arrays, such as bootstrap replicates, are kept.
    """
    shares = []
    for left, right in zip(a, b, strict=True):
        x, y = np.asarray(left)[..., :, None], np.asarray(right)[..., None, :]
        wins = (x < y) if smaller_is_better else (x > y)
        shares.append((wins + 0.5 * (x == y)).mean(axis=(-2, -1)))
    return np.asarray(np.mean(shares, axis=0))


def improvement_interval(share: float, sizes: Sequence[tuple[int, int]], level: float) -> tuple[float, float]:
    r"""Score interval of a probability of improvement (Newcombe 2006, method 5), averaged over tasks.

    .. math:: (\hat\theta - \theta)^2 = z^2 V(\theta), \quad V = \frac{1}{T^2} \sum_t
        \frac{\theta (1 - \theta)}{m_t n_t} \Big(1 + (N_t - 1)
        \Big(\frac{1 - \theta}{2 - \theta} + \frac{\theta}{1 + \theta}\Big)\Big), \quad N_t = \frac{m_t + n_t}{2}

    Parameters
    ----------
    share : float
        Estimate, in [0, 1].
    sizes : sequence of (int, int)
        Seeds of both methods by task.
    level : float
        Nominal coverage.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))

    def excess(theta: float) -> float:
        pairs = (1 - theta) / (2 - theta) + theta / (1 + theta)
        variance = sum(theta * (1 - theta) * (1 + ((m + n) / 2 - 1) * pairs) / (m * n) for m, n in sizes)
        return (share - theta) ** 2 - z * z * variance / len(sizes) ** 2

    low = 0.0 if share <= 0 else float(brentq(excess, 0.0, min(share, 1 - 1e-9)))
    high = 1.0 if share >= 1 else float(brentq(excess, max(share, 1e-9), 1.0))
    return low, high


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of means with its t interval and p-value; NaN where seeds do not vary."""

    value: float
    low: float
    high: float
    p_value: float
    freedom: float


def mean_difference(a: Sample, b: Sample, level: float) -> Difference:
    """Mean over tasks of a minus b, seeds independent; with one task Welch's test."""
    tasks = len(a)
    value = float(task_matrix(a).mean() - task_matrix(b).mean())
    parts = [(float(np.var(v, ddof=1)) / len(v) / tasks**2, len(v) - 1.0) for v in (*a, *b)]
    return _difference(value, _satterthwaite(parts), level)


def paired_difference(differences: Sample, level: float) -> Difference:
    """Mean over tasks of differences within pairs; with one task the paired t test."""
    return _difference(float(task_matrix(differences).mean()), _spread(differences, "mean"), level)


def _difference(value: float, spread: _Spread, level: float) -> Difference:
    from scipy.special import stdtr, stdtrit

    if spread.stderr == 0:
        return Difference(value, math.nan, math.nan, math.nan, spread.freedom)
    half = float(stdtrit(spread.freedom, (1 + level) / 2)) * spread.stderr
    p_value = 2 * float(stdtr(spread.freedom, -abs(value) / spread.stderr))
    return Difference(value, value - half, value + half, p_value, spread.freedom)
