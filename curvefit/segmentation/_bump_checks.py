"""Quick and assumption-free looks at a rise: a closed-form screen, the largest rise, and noise from seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["SEEDS", "largest_rise", "rise_p_value", "rise_score", "seed_noise"]

Array = NDArray[np.float64]
WINDOWS = (1 / 80, 1 / 40, 1 / 20, 1 / 10, 1 / 5)  # shares of the points
SMOOTH = 20
SEEDS = 6  # from which their own spread makes better noise than any model of it


def rise_score(y: Array, count: Array) -> float:
    """Largest rise between means of neighboring-sized windows, in its standard errors under independent noise.

    Correlated noise makes larger scores, so that a small one is small whatever the correlation.

    Parameters
    ----------
    y, count : ndarray, shape (n,)
        Means of bins in order, and the numbers of points behind them.
    """
    middle = y[1:-1] - 0.5 * (y[:-2] + y[2:])
    size = np.sqrt(1 / count[1:-1] + 0.25 / count[:-2] + 0.25 / count[2:])
    sd = 1.4826022185056018 * float(np.median(np.abs(middle / size)))
    if sd <= 0:
        return float("inf")
    total, weight = np.r_[0.0, np.cumsum(y * count)], np.r_[0.0, np.cumsum(count)]
    best = -np.inf
    for share in WINDOWS:
        w = max(2, round(share * y.size))
        if 2 * w > y.size:
            break
        n = weight[w:] - weight[:-w]
        mean = (total[w:] - total[:-w]) / n
        low = np.minimum.accumulate(mean)[:-w]
        where = np.maximum.accumulate(np.where(mean[:-w] == low, np.arange(low.size), 0))
        best = max(best, float(np.max((mean[w:] - low) / (sd * np.sqrt(1 / n[w:] + 1 / n[where])))))
    return best


def largest_rise(y: Array) -> Array:
    """Largest rises of the moving means over two points and over a twentieth of them, shape (2, B), of responses (n, B)."""
    total = np.concatenate([np.zeros((1, y.shape[1])), np.cumsum(y, axis=0)])
    rises = []
    for w in (2, max(2, y.shape[0] // SMOOTH)):
        mean = (total[w:] - total[:-w]) / w
        rises.append(np.max(mean - np.minimum.accumulate(mean, axis=0), axis=0))
    return np.stack(rises)


def rise_p_value(y: Array, worlds: Array) -> float:
    """Share of simulated worlds (n, B) without a bump that rise as far as y (n,), the smaller one of both windows, doubled."""
    reached = np.sum(largest_rise(worlds) >= largest_rise(y[:, None]), axis=1)
    return float(min(1.0, 2 * (1 + reached.min()) / (1 + worlds.shape[1])))


def seed_noise(deviations: Array, replicates: int, rng: np.random.Generator) -> Array:
    """Noise of the mean over seeds, shape (n, B): their deviations from it with normal multipliers.

    Its covariance is that of the seeds, whatever the correlation along the curve.

    Parameters
    ----------
    deviations : ndarray, shape (n, S)
        Each seed less the mean over seeds, on common x.

    References
    ----------
    Mammen (1993), Bootstrap and wild bootstrap for high dimensional linear models. Annals of Statistics 21, 255-285.
    """
    seeds = deviations.shape[1]
    multipliers = rng.standard_normal((seeds, replicates))
    return np.asarray(deviations @ multipliers / np.sqrt(seeds * (seeds - 1)))
