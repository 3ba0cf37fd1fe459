"""A centered robust local mean of a curve with its standard error: what single noisy values are never read for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ..fitting.autocorrelation import lag1, robust_sd

__all__ = ["LocalMean", "index_bins", "local_mean", "local_means", "winsorized"]

_MOST = 4096  # longer curves are first averaged in equal blocks
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
    scale = float(np.max(np.abs(curve.y))) or 1.0  # squares neither overflow nor vanish
    x, y, block = _blocks(curve.x, curve.y / scale)
    n = x.size
    base = max(3.0, np.sqrt(curve.x.size), curve.x.size / 50.0) / block
    y = winsorized(y, _odd(base, n))
    double = _odd(2 * base, n)
    residual = y - _moving_line(y, double)
    late = residual[n // 4 :]  # the start of a curve bends most; what bends is not correlation
    rho = lag1(late, parameters=max(2, round(2 * late.size / double)))
    # a line over 2w takes about 1/(2w) of the variance away with it, twice that at the ends
    variance = np.maximum(_moving(residual**2, _odd(8 * base, n))[0], 0.0) / max(1.0 - 1.5 / double, 0.5)
    out = []
    for factor in factors:
        width = _odd(base * factor, n)
        mean, count = _moving(y, width)
        low, high = _ends(n, width)
        inflation = (1 + rho) / (1 - rho) - 2 * rho * (1 - rho**count) / (count * (1 - rho) ** 2)
        stderr = np.sqrt(np.maximum(variance * inflation / count, 0.0))
        points = np.minimum(high * block, curve.x.size) - low * block  # the last block may be shorter
        out.append(
            LocalMean(x, mean * scale, stderr * scale, round(width * block), n / width, points.astype(np.float64))
        )
    return tuple(out)


def local_mean(curve: Curve) -> LocalMean:
    """The local mean over the usual window; see `local_means`."""
    return local_means(curve, 1.0)[0]


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
    return edges[:-1], np.diff(edges).astype(np.float64)


def winsorized(y: _Array, width: int) -> _Array:
    """Values pulled in to 3.5 robust standard deviations around their running median.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Values in order of x.
    width : int
        Odd length of the running median.
    """
    n = y.size
    if n < 5 or width < 3:
        return y
    half = width // 2
    padded = np.pad(y, half, mode="reflect") if half < n else np.pad(y, half, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    middle = np.partition(windows, half, axis=1)[:, half]  # the median of an odd number
    index = np.arange(n)
    trend = np.abs(middle[np.minimum(index + half, n - 1)] - middle[np.maximum(index - half, 0)])
    reach = _CLIP * max(robust_sd(y - middle, order=0), robust_sd(y)) + trend
    return np.clip(y, middle - reach, middle + reach)


def _odd(width: float, n: int) -> int:
    """Nearest odd number of at least 3, at most n."""
    return max(min(2 * int(width / 2) + 1, n if n % 2 else n - 1), min(3, n))


def _moving(y: _Array, width: int) -> tuple[_Array, _Array]:
    """Centered moving average, cut at the ends, and how many values each holds."""
    total = np.concatenate(([0.0], np.cumsum(y - y[0])))
    low, high = _ends(y.size, width)
    count = (high - low).astype(np.float64)
    return y[0] + (total[high] - total[low]) / count, count


def _ends(n: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the centered window of each value begins and where it has ended, cut at the ends."""
    index, half = np.arange(n), width // 2
    return np.maximum(index - half, 0), np.minimum(index + half + 1, n)


def _moving_line(y: _Array, width: int) -> _Array:
    """Value at each point of the least-squares line over its window, cut at the ends."""
    n = y.size
    index = np.arange(n)
    low, high = _ends(n, width)
    mean, count = _moving(y, width)
    if n < 3:
        return mean
    weighted = np.concatenate(([0.0], np.cumsum(index * (y - y[0]))))
    center = (low + high - 1) / 2.0
    sxy = weighted[high] - weighted[low] - center * count * (mean - y[0])
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
