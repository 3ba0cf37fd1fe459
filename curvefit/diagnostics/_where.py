"""Where a sudden change or a kink may lie: every place whose fit is hardly worse than the best one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..fitting.autocorrelation import lag1
from ._trace import Trace

__all__ = ["kink_ends", "step_ends"]

Array = NDArray[np.float64]

_EDGE = 3  # observations on either side of a step
_FINER = 2  # places of a kink per bin
_AFTER = 0.2  # share of the curve within which what bends behind a kink has bent
_OFFSETS = (0.025, 0.25)  # shares of the curve within which a law is steep
_LEAD = 12  # part of a stretch in which a law bends more than the terms with these offsets


def step_ends(y: Array, level: float = 0.95) -> tuple[int, int] | None:
    r"""First and last index that may be the first value after the one step between two lines.

    .. math:: \Big\{k : \frac{\mathrm{RSS}(k) - \mathrm{RSS}(\hat k)}{s^2} \frac{1 - \rho}{1 + \rho}
              \le -2 \ln\big(1 - \sqrt{\text{level}}\big)\Big\}

    Parameters
    ----------
    y : ndarray, shape (n,)
        Values, evenly spaced.
    level : float
        Nominal coverage.

    Returns
    -------
    (int, int) or None
        None where fewer than 12 values, or no noise, are there.

    References
    ----------
    Hansen (2000), Sample splitting and threshold estimation. Econometrica 68, 575-603.
    """
    n = y.size
    if n < 4 * _EDGE:
        return None
    y = y - float(np.mean(y))
    before = _line_rss(y)
    rss = before[:-1] + _line_rss(y[::-1])[::-1][1:]  # of k values and of the rest
    rss = rss[_EDGE - 1 : n - _EDGE]
    best = int(np.argmin(rss)) + _EDGE
    t = np.arange(n, dtype=np.float64)
    late = (t >= best).astype(np.float64)
    design = np.column_stack([np.ones(n), t / n, late, late * t / n])
    q = np.linalg.qr(design)[0]
    rest = y - q @ (q.T @ y)
    left = float(rest @ rest)
    if not left > 1e-20 * float(y @ y):
        return None
    rho = min(lag1(rest, parameters=5), 0.99)
    limit = -2.0 * math.log(1.0 - math.sqrt(level)) * (1 + rho) / (1 - rho)
    near = np.flatnonzero(rss <= rss[best - _EDGE] + limit * left / (n - 5)) + _EDGE
    return int(near[0]), int(near[-1])


def _line_rss(y: Array) -> Array:
    """What the least-squares line through the first k values leaves, k = 1 ... n."""
    k = np.arange(1.0, y.size + 1)
    t = k - 1.0
    one, two, cross = np.cumsum(y), np.cumsum(y * y), np.cumsum(t * y)
    sxy = cross - t / 2 * one
    sxx = np.maximum(k * (k * k - 1) / 12.0, 1e-300)
    return np.asarray(np.maximum(two - one * one / k - np.where(k > 1, sxy * sxy / sxx, 0.0), 0.0))


def kink_ends(trace: Trace, start: int, stop: int, level: float = 0.95) -> tuple[float, float]:
    r"""First and last position, in observations, at which a curve may have begun to climb.

    .. math:: y_i = a + b\,f(t_i) + \beta\,(t_i - c)_+ + e_i

    with AR(1) errors e at the cautious correlation; every c that an F test at the level does not reject, under either of two
    laws f: a logarithm, or two of them with a climb that bends while the law before it fades.

    Parameters
    ----------
    trace : Trace
        The curve.
    start, stop : int
        Bins looked at, at least 8.
    level : float
        Nominal coverage.

    Notes
    -----
    Neither law is known to hold, and a law that does not fit moves the kink by more than the noise does: the interval is the
    hull of both, and half a bin on either side.
    """
    width = float(np.median(np.diff(trace.at[start:stop])))
    lead = start + max((stop - start) // _LEAD, 1)
    ends = [_kinks(trace, start, stop, width, level, fades=False)]
    if stop - lead >= 12:
        ends.append(_kinks(trace, lead, stop, width, level, fades=True))
    return min(low for low, _ in ends) - width / 2, max(high for _, high in ends) + width / 2


def _kinks(trace: Trace, start: int, stop: int, width: float, level: float, *, fades: bool) -> tuple[float, float]:
    at, n, rho = trace.at[start:stop], float(trace.count), trace.rho_high
    one = np.ones(at.size)
    base = [one, *(np.log(at + s * n) for s in _OFFSETS)] if fades else [one, np.log(at + 1.0)]
    own = 2 if fades else 1

    def white(columns: Array) -> Array:
        scaled = columns / trace.weight[start:stop, None]
        return np.vstack([math.sqrt(1 - rho**2) * scaled[:1], scaled[1:] - rho * scaled[:-1]])

    places = np.linspace(at[2], at[-4], max(_FINER * (at.size - 6), 1) + 1)
    u, half = at[:, None] - places, width / 2
    climb = np.where(u >= half, u, np.where(u <= -half, 0.0, (u + half) ** 2 / (2 * width))) / n  # means of bins
    shapes = [climb, np.log1p(climb / _AFTER)] if fades else [climb]
    y = trace.y[start:stop]
    columns = white(np.column_stack([*base, y - y[-1], *shapes]))
    q = np.linalg.qr(columns[:, : len(base)])[0]
    rest = columns[:, len(base) :]
    rest = rest - q @ (q.T @ rest)
    response, first = rest[:, 0], rest[:, 1 : 1 + places.size]
    power = np.maximum(np.sum(first**2, axis=0), 1e-300)
    gain = (response @ first) ** 2 / power
    if fades:
        second = rest[:, 1 + places.size :]
        before = np.sum(second**2, axis=0)
        second = second - first * (np.sum(first * second, axis=0) / power)
        left = np.sum(second**2, axis=0)
        gain += np.where(left > 1e-9 * before, (response @ second) ** 2 / np.maximum(left, 1e-300), 0.0)
    rss = float(response @ response) - gain
    dof = max(at.size - len(base) - own - 1, 1)
    least = max(float(rss.min()), 0.0)
    near = np.flatnonzero(rss <= least * (1 + _quantile(level, dof) ** 2 / dof) + 1e-300)
    return float(places[near[0]]), float(places[near[-1]])


def _quantile(level: float, dof: int) -> float:
    """Two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, 0.5 + level / 2))
