"""A centered robust local mean of a curve with its standard error: what single noisy values are never read for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ..fitting._rowwise import lag1_rows, robust_sd_rows

__all__ = [
    "LocalMean",
    "alike",
    "index_bins",
    "local_mean",
    "local_means",
    "local_means_of",
    "winsorized",
    "winsorized_rows",
]

_MOST = 4096  # longer curves are first averaged in equal blocks
_CELLS = 1 << 13  # values that are looked at side by side: their windows stay in the cache
_CLIP = 3.5  # robust standard deviations beyond which a value is pulled in
_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LocalMean:
    """Local means of one window.

    Parameters
    ----------
    x : ndarray, shape (m,)
        x of an observation at the middle of each block (of each observation when nothing was blocked).
    mean : ndarray, shape (m,)
        Mean of the winsorized values in the window around it, in the unit of the metric.
    stderr : ndarray, shape (m,)
        Its standard error, serial correlation included; 0 where no noise is seen.
    window : int
        Number of observations in a full window; at the ends of the curve it is cut, not shifted.
    windows : float
        How many windows lie side by side in the curve.
    points : ndarray, shape (m,)
        Number of observations that each mean is taken over: ``window``, fewer at the ends of the curve.
    """

    x: _Array
    mean: _Array
    stderr: _Array
    window: int
    windows: float
    points: _Array

    def margin(self, level: float, share: float = 1.0) -> float:
        """Normal quantile that none of the windows (or of a share of them) exceeds by chance with probability ``level``.

        Bonferroni over windows that lie side by side, one-sided.
        """
        from scipy.special import ndtri

        return float(ndtri(1 - (1 - level) / max(self.windows * share, 1.0)))


def local_means(curve: Curve, *factors: float) -> tuple[LocalMean, ...]:
    r"""Mean of winsorized values over a centered window of about the square root of the number of points.

    .. math:: m_i = \frac{1}{|W_i|} \sum_{j \in W_i} \tilde y_j, \qquad
              |W| = \max(3, \sqrt n, n / 50), \qquad
              \mathrm{se}_i^2 = \frac{s_i^2}{|W_i|}\Big(\frac{1+\rho}{1-\rho}
              - \frac{2\rho(1-\rho^{|W_i|})}{|W_i|(1-\rho)^2}\Big)

    Parameters
    ----------
    curve : Curve
        With at least one finite point.
    *factors : float
        Each multiplies the window, for a look at how much the answer hangs on it.

    Returns
    -------
    tuple of LocalMean
        One per factor.

    Notes
    -----
    Values further than 3.5 robust standard deviations (and the local trend) from the running median are pulled in to
    that distance, so that a spike is not a best point. The noise is measured on residuals from a moving line over a
    doubled window. The standard error assumes a mean that is about linear within the window, and noise whose
    correlation decays geometrically.
    """
    return local_means_of([curve], *factors)[0]


def local_means_of(curves: Sequence[Curve], *factors: float) -> list[tuple[LocalMean, ...]]:
    """`local_means` of many curves, those of one length side by side."""
    out: list[tuple[LocalMean, ...]] = [()] * len(curves)
    for places in alike([len(c) for c in curves]):
        some = [curves[i] for i in places]
        y = np.array([c.y for c in some])
        scale = np.abs(y).max(axis=1)  # squares neither overflow nor vanish
        scale[scale == 0] = 1.0
        y /= scale[:, None]
        n, block, xs = y.shape[1], 1, [c.x for c in some]
        if n > _MOST:
            blocked = [_blocks(x, row) for x, row in zip(xs, y, strict=True)]
            xs, y, block = [b[0] for b in blocked], np.array([b[1] for b in blocked]), blocked[0][2]
        made = _means_of_rows(y, n, block, factors)
        for mean, stderr, *_ in made:
            mean *= scale[:, None]
            stderr *= scale[:, None]
        for row, i in enumerate(places):
            x = xs[row]
            out[i] = tuple(
                LocalMean(x, mean[row], stderr[row], round(width * block), x.size / width, points)
                for mean, stderr, width, points in made
            )
    return out


def alike(sizes: Sequence[int]) -> Iterator[list[int]]:
    """Places of equal sizes together, in blocks whose arrays stay in the cache."""
    groups: dict[int, list[int]] = {}
    for place, size in enumerate(sizes):
        groups.setdefault(size, []).append(place)
    for size, places in groups.items():
        step = max(1, _CELLS // max(size, 1))
        for start in range(0, len(places), step):
            yield places[start : start + step]


def _means_of_rows(
    y: _Array, n: int, block: int, factors: tuple[float, ...]
) -> list[tuple[_Array, _Array, int, _Array]]:
    """Mean and standard error, shape (N, m), width and number of observations for each factor.

    Parameters
    ----------
    y : ndarray, shape (N, m)
        Values of size 1 at most, or their means over blocks.
    n, block : int
        Number of observations, and of those in a block.
    factors : tuple of float
        Each multiplies the window.
    """
    m = y.shape[1]
    base = max(3.0, np.sqrt(n), n / 50.0) / block
    y = winsorized_rows(y, _odd(base, m))
    double = _odd(2 * base, m)
    residual = y - _moving_line(y, double)
    late = residual[:, m // 4 :]  # the start of a curve bends most; what bends is not correlation
    rho = lag1_rows(late, parameters=max(2, round(2 * late.shape[1] / double)))[:, None]
    variance = np.maximum(_moving(residual**2, _odd(8 * base, m)), 0.0) / np.maximum(1.0 - _taken(rho, double), 0.25)
    out = []
    for factor in factors:
        width = _odd(base * factor, m)
        low, high, count = _ends(m, width)
        inflation = (1 + rho) / (1 - rho) - 2 * rho * (1 - rho**count) / (count * (1 - rho) ** 2)
        stderr = np.sqrt(np.maximum(variance * inflation / count, 0.0))
        points = np.minimum(high * block, n) - low * block  # the last block may be shorter
        out.append((_moving(y, width), stderr, width, points.astype(np.float64)))
    return out


def _taken(rho: _Array, window: int) -> _Array:
    """Share of the variance of AR(1) noise that a line over a window takes with it, a little more at the curve's ends.

    In the middle of the window the line is its mean: a value has 2 cov(e, mean) - var(mean) in common with it.
    """
    half, near = window // 2, (1 + rho) / (1 - rho)
    with_mean = (near - 2 * rho ** (half + 1) / (1 - rho)) / window
    of_mean = (near - 2 * rho * (1 - rho**window) / (window * (1 - rho) ** 2)) / window
    out: _Array = 2 * with_mean - of_mean + 0.5 / window
    return out


def local_mean(curve: Curve) -> LocalMean:
    """The local mean over the usual window; see `local_means`."""
    return local_means(curve, 1.0)[0]


@lru_cache(maxsize=64)
def index_bins(n: int, most: int) -> tuple[NDArray[np.intp], _Array]:
    """Start and size of bins of positions that grow geometrically: the steep start of a curve is kept point by point.

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    most : int
        Number of bins, at most.
    """
    edges = np.unique(np.rint(np.geomspace(1, n + 1, most + 1)).astype(np.intp)) - 1
    starts, size = edges[:-1], np.diff(edges).astype(np.float64)
    starts.flags.writeable = size.flags.writeable = False
    return starts, size


def winsorized(y: _Array, width: int) -> _Array:
    """Values pulled in to 3.5 robust standard deviations around their running median.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Values in order of x.
    width : int
        Odd length of the running median.
    """
    one: _Array = winsorized_rows(y[None, :], width)[0]
    return one


def winsorized_rows(y: _Array, width: int) -> _Array:
    """`winsorized` of every row of y, shape (N, n)."""
    n = y.shape[1]
    if n < 5 or width < 3:
        return y
    half = width // 2
    index = np.arange(-half, n + half)
    index = np.where(index < 0, -index, np.where(index >= n, 2 * (n - 1) - index, index)) if half < n else index
    windows = np.lib.stride_tricks.sliding_window_view(y[:, np.clip(index, 0, n - 1)], width, axis=1)
    middle = np.partition(windows, half, axis=2)[:, :, half]  # the median of an odd number
    index = np.arange(n)
    trend = np.abs(middle[:, np.minimum(index + half, n - 1)] - middle[:, np.maximum(index - half, 0)])
    spread = np.maximum(robust_sd_rows(y - middle, order=0), robust_sd_rows(y))
    reach = _CLIP * spread[:, None] + trend
    out: _Array = np.clip(y, middle - reach, middle + reach)
    return out


def _odd(width: float, n: int) -> int:
    """Nearest odd number of at least 3, at most n."""
    return max(min(2 * int(width / 2) + 1, n if n % 2 else n - 1), min(3, n))


def _moving(y: _Array, width: int) -> _Array:
    """Centered moving average of every row, cut at the ends."""
    low, high, count = _ends(y.shape[1], width)
    first = y[:, :1]
    total = np.zeros((y.shape[0], y.shape[1] + 1))
    np.cumsum(y - first, axis=1, out=total[:, 1:])
    out: _Array = first + (total[:, high] - total[:, low]) / count
    return out


@lru_cache(maxsize=64)
def _ends(n: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp], _Array]:
    """Where the centered window of each value begins and where it has ended, cut at the ends, and how many it holds."""
    index, half = np.arange(n), width // 2
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, n)
    count = (high - low).astype(np.float64)
    for array in (low, high, count):
        array.flags.writeable = False
    return low, high, count


def _moving_line(y: _Array, width: int) -> _Array:
    """Value at each point of the least-squares line over its window in every row, cut at the ends."""
    n = y.shape[1]
    mean = _moving(y, width)
    if n < 3:
        return mean
    index = np.arange(n)
    low, high, count = _ends(n, width)
    weighted = np.zeros((y.shape[0], n + 1))
    np.cumsum(index * (y - y[:, :1]), axis=1, out=weighted[:, 1:])
    center = (low + high - 1) / 2.0
    sxy = weighted[:, high] - weighted[:, low] - center * count * (mean - y[:, :1])
    sxx = count * (count**2 - 1) / 12.0
    out: _Array = mean + np.where(sxx > 0, sxy / np.where(sxx > 0, sxx, 1.0), 0.0) * (index - center)
    return out


def _blocks(x: _Array, y: _Array) -> tuple[_Array, _Array, int]:
    """At most 4,096 points: means of blocks of equally many, values far out in their block pulled in."""
    size = -(-x.size // _MOST)
    if size == 1:
        return x, y, 1
    full = (x.size // size) * size
    table = y[:full].reshape(-1, size)
    # where a block lies and how much it scatters is read off some of its values: only far outliers hang on it
    some = table[:, :: max(1, size // 32)]
    middle = np.median(some, axis=1, keepdims=True)
    reach = _CLIP * 1.4826 * np.median(np.abs(some - middle), axis=1, keepdims=True)
    reach[reach == 0] = np.inf
    means = np.clip(table, middle - reach, middle + reach).mean(axis=1)
    centers = x[:full].reshape(-1, size)[:, size // 2]
    if full < x.size:  # the last, shorter block
        centers = np.append(centers, x[full + (x.size - full) // 2])
        means = np.append(means, np.median(y[full:]))
    return centers, means, size
