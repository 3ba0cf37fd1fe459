"""A curve boiled down for testing: at most some 64 averages, their trend, and noise with serial correlation.

Everything is oriented so that smaller is better and counted in observations, not in x: the tests below do not know the
unit of x, the scale of the metric or its direction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ._correlation import Likelihood, likelihoods, pooled, settled, settled_each
from ._phases import Phase

__all__ = [
    "HIGHEST",
    "LEAST",
    "RAW",
    "Span",
    "Trace",
    "cautious",
    "decays",
    "late_noise",
    "line_columns",
    "local_means",
    "observed",
    "oriented",
    "recents",
]

Array = NDArray[np.float64]

RAW = 96  # curves of up to this many points are used as they are
LEAST = 8  # bins below which no noise is estimated
CERTAINTY = 0.5  # standard errors by which the correlation is taken larger than estimated
HIGHEST = 1e100
_SPACING = 0.25  # share by which the spacing of the bins of two curves may differ when they are taken together
_SHORT = 10  # observations below which a piece has no trend to speak of
_KEPT = 4096  # observations up to which a layout is kept for the next curve


@dataclass(frozen=True, slots=True)
class Span:
    """Bins ``start`` to ``stop`` (exclusive) of one phase of the learning rate."""

    start: int
    stop: int
    phase: Phase

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Averages of a curve in order, with a model of their noise.

    Parameters
    ----------
    x : ndarray, shape (m,)
        x of the observation in the middle of each bin.
    at : ndarray, shape (m,)
        The same counted in observations.
    y : ndarray, shape (m,)
        Bin means, smaller is better, outliers pulled in.
    trend : ndarray, shape (m,)
        Robust smooth trend.
    local : ndarray, shape (m,)
        Centered local mean over ``2 half_window + 1`` bins, cut at the ends and at changes of phase.
    weight : ndarray, shape (m,)
        Noise of each bin relative to the typical one.
    noise : float
        Standard deviation of the innovations where ``weight`` is 1.
    rho : float
        Correlation of neighboring bins, estimated.
    rho_high : float
        The same with its uncertainty taken into account (`settled`): what tests use.
    dof : int
        Degrees of freedom of ``noise``.
    spans : tuple of Span
        Phases of the learning rate.
    pieces : tuple of (int, int)
        Bins between phases and sudden jumps: the trend is smooth within each.
    sign : float
        +1 when smaller was better in the log, -1 when y was negated.
    count : int
        Observations in the curve.
    start : float
        First observation less three standard deviations of its noise.
    like : Likelihood
        Of the correlation, given what is left about the trend.
    drop : float
        From the first level to the best of the trend, never below 0.
    """

    x: Array
    at: Array
    y: Array
    trend: Array
    local: Array
    weight: Array
    noise: float
    rho: float
    rho_high: float
    dof: int
    spans: tuple[Span, ...]
    pieces: tuple[tuple[int, int], ...]
    sign: float
    count: int
    start: float
    like: Likelihood
    drop: float = field(init=False)

    def __post_init__(self) -> None:
        """The first level is that of the trend, or of the first value where that lies further above than its noise.

        The steepest part of a curve bends more than any trend.
        """
        first = float(self.y[0]) - 2 * float(self.weight[0]) * self.noise / float(
            np.sqrt(1.0 - min(self.rho, 0.98) ** 2)
        )
        highest = max(float(self.trend[0]), first, self.start)
        object.__setattr__(self, "drop", max(highest - float(np.min(self.trend)), 0.0))

    def __len__(self) -> int:
        return int(self.y.size)

    @property
    def sd(self) -> Array:
        """Standard deviation of each bin mean about its own expectation, shape (m,)."""
        return np.asarray(self.weight * self.noise / np.sqrt(1.0 - min(self.rho, 0.98) ** 2))

    @property
    def effective(self) -> float:
        """Number of independent observations the bins are worth, at the cautious correlation."""
        return len(self) * (1.0 - self.rho_high) / (1.0 + self.rho_high)

    def expected(self) -> tuple[Array, NDArray[np.bool_]]:
        """Trend at every observation, and whether it is settled there: not just after the start of a piece."""
        low, high, share, settled = observed(self)
        return self.trend[low] + share * (self.trend[high] - self.trend[low]), settled

    @property
    def half_window(self) -> int:
        """Half of the window of `local`, in bins."""
        return _half_window(len(self))

    def local_error(self, i: int, noise: float, rho: float) -> float:
        """Standard error of `local` at one bin, were the innovations of that size and correlation."""
        weight = self.weight[max(i - self.half_window, 0) : i + self.half_window + 1]
        return math.sqrt(weight.dot(weight) / weight.size) * noise * _mean_sd(weight.size, rho)

    @property
    def local_stderr(self) -> Array:
        """Standard error of `local` at the cautious correlation, shape (m,)."""
        low, high, count = _around(len(self), self.half_window)
        factor = np.array([_mean_sd(k, self.rho_high) for k in range(1, 2 * self.half_window + 2)])
        total = np.r_[0.0, np.cumsum(self.weight**2)]
        return np.asarray(np.sqrt((total[high] - total[low]) / count) * self.noise * factor[count - 1])

    def since(self, start: int) -> Trace:
        """The bins from ``start`` on, with the noise measured about a line in the logarithm of the position there.

        A recent stretch is straight where the whole curve is not: what the trend has missed elsewhere no longer counts
        as noise.
        """
        return recents([self], start)[0]

    def beside(self, others: Sequence[Trace]) -> Trace:
        """The same with the correlation from those of the other curves of the run that agree with it as well."""
        if not others:
            return self
        spacing = float(np.median(np.diff(self.x)))
        alike = [o.like for o in others if abs(float(np.median(np.diff(o.x))) - spacing) <= _SPACING * spacing]
        log = pooled(self.like, alike)
        if log is self.like.log:
            return self
        rho, high, noise = settled(log, self.like)
        floor = 1e-12 * float(np.max(np.abs(self.y), initial=0.0))
        return replace(self, rho=rho, rho_high=high, noise=max(noise, floor))

    def level(self, start: int, stop: int) -> tuple[float, float]:
        """Mean of bins ``start`` to ``stop`` and its standard error at the cautious correlation."""
        weight, part = self.weight[start:stop], self.y[start:stop]
        sd = math.sqrt(weight.dot(weight) / weight.size) * self.noise
        first = float(part[0])
        still = first == part[-1] and bool((part == first).all())
        mean = first if still else float(np.add.reduce(part)) / part.size  # no rounding where nothing varies
        return mean, sd * _mean_sd(stop - start, self.rho_high)

    def change(self, before: tuple[int, int], after: tuple[int, int]) -> tuple[float, float]:
        """Level after minus level before and the standard error of the difference, correlation included.

        Notes
        -----
        The noise may be no more than a random walk with the same innovations would allow over that distance.
        """
        (m0, s0), (m1, s1) = self.level(*before), self.level(*after)
        distance = (after[0] + after[1] - before[0] - before[1]) / 2
        sizes = (after[1] - after[0]) + (before[1] - before[0])
        weight = self.weight[before[0] : after[1]]
        typical = math.sqrt(float(weight @ weight) / weight.size) * self.noise
        walk = typical * math.sqrt(max(distance, 1.0) + sizes / 6.0)
        return m1 - m0, min(math.hypot(s0, s1), max(walk, typical * math.sqrt(2 / max(sizes / 2, 1))))


def late_noise(
    traces: Sequence[Trace], start: int
) -> tuple[Array, Array, Array, list[Likelihood], Array, Array, Array]:
    """Bins of traces of one layout from ``start`` on, and their noise about a line in the logarithm of the position.

    Returns
    -------
    y, weight, rest : ndarray, shape (r, k)
        Bins, their relative noise, and what the line leaves in units of it.
    like : list of Likelihood
        Of the correlation.
    rho, high, noise : ndarray, shape (r,)
        See `settled_each`.
    """
    y = np.stack([t.y for t in traces])
    floor = 1e-12 * np.max(np.abs(y), axis=1, initial=0.0)
    y = y[:, start:]
    weight = np.stack([t.weight[start:] for t in traces])
    design, level, slope, _ = line_columns(traces[0], start, weight)
    rest = (y - y[:, -1:]) / weight
    rest = rest - np.einsum("ij,ij->i", rest, level)[:, None] * level
    rest = rest - np.einsum("ij,ij->i", rest, slope)[:, None] * slope
    like = likelihoods([rest], [design])
    rho, high, noise = settled_each([one.log for one in like], like, few=True)
    return y, weight, rest, like, rho, high, np.maximum(noise, floor)


def recents(traces: Sequence[Trace], start: int) -> list[Trace]:
    """`Trace.since` of traces of one layout."""
    first = traces[0]
    y, weight, rest, like, rho, high, noise = late_noise(traces, start)
    smooth = y - rest * weight
    spans = (Span(0, y.shape[1], first.spans[-1].phase),)
    local = local_means(y, spans)
    return [
        replace(
            t,
            x=t.x[start:],
            at=t.at[start:],
            y=y[i],
            trend=smooth[i],
            local=local[i],
            weight=weight[i],
            noise=float(noise[i]),
            rho=float(rho[i]),
            rho_high=float(high[i]),
            dof=max(like[i].free - 1, 1),
            spans=spans,
            pieces=((0, y.shape[1]),),
            like=like[i],
        )
        for i, t in enumerate(traces)
    ]


def line_columns(trace: Trace, start: int, weight: Array) -> tuple[Array, Array, Array, Array]:
    """Level and logarithm of the position from bin ``start`` on, divided by the noise of each curve.

    Parameters
    ----------
    trace : Trace
        One of the curves, for its positions.
    weight : ndarray, shape (r, k)
        Relative noise of each curve there.

    Returns
    -------
    design : ndarray, shape (r, k, 2)
        The columns.
    level, slope : ndarray, shape (r, k)
        The same orthonormal, the level first.
    scale : ndarray, shape (r,)
        What ``slope`` has of the second column: the slope in the logarithm is ``slope @ (y / weight) / scale``.
    """
    level = 1.0 / weight
    slope = np.log((trace.at[start:] + 1.0) / trace.count) * level
    design = np.stack([level, slope], axis=2)
    level = level / np.sqrt(np.einsum("ij,ij->i", level, level))[:, None]
    for _ in range(2):  # twice is enough
        slope = slope - np.einsum("ij,ij->i", slope, level)[:, None] * level
    scale = np.sqrt(np.einsum("ij,ij->i", slope, slope))
    return design, level, slope / np.where(scale > 0, scale, 1.0)[:, None], scale


def decays(rho: Array, n: int) -> Array:
    """``rho ** (i - j)`` for i >= j and 0 elsewhere, shape (r, n, n): how innovations go on in AR(1) noise."""
    lags = np.zeros((rho.size, n + 1))
    lags[:, :n] = rho[:, None] ** np.arange(n)
    return np.asarray(lags[:, _lags(n)])


@lru_cache(maxsize=128)
def _lags(n: int) -> NDArray[np.intp]:
    i = np.arange(n)
    out = np.where(i[:, None] >= i[None, :], i[:, None] - i[None, :], n)
    out.flags.writeable = False
    return np.asarray(out)


Observed = tuple[NDArray[np.int32], NDArray[np.int32], Array, NDArray[np.bool_]]


def observed(trace: Trace) -> Observed:
    """For every observation the bins on either side, how far it is from the first to the second, and whether it is settled.

    Beyond the middles of the outer bins of a piece it lies on the line through the last two.
    """
    key = trace.count, trace.at.tobytes(), trace.pieces
    return _observed(*key) if trace.count <= _KEPT else _observed.__wrapped__(*key)


@lru_cache(maxsize=64)
def _observed(count: int, middles: bytes, pieces: tuple[tuple[int, int], ...]) -> Observed:
    where = np.frombuffer(middles)
    low, share = np.empty(count, np.int32), np.empty(count)  # of a long curve nothing is larger than it must be
    settled = np.ones(count, bool)
    short = np.zeros(count, bool)
    high = np.empty(count, np.int32)
    first = 0
    for start, stop in pieces:
        last = count if stop == where.size else round((where[stop - 1] + where[stop]) / 2 + 0.5)
        at, index = where[start:stop], np.arange(first, last, dtype=np.float64)
        if stop - start > 1:
            left = np.clip(np.searchsorted(at, index, side="right") - 1, 0, stop - start - 2)
            share[first:last] = (index - at[left]) / np.diff(at)[left]
            low[first:last], high[first:last] = start + left, start + left + 1
        else:
            low[first:last], high[first:last], share[first:last] = start, start, 0.0
        width = (last - first) / (stop - start)
        settled[first : first + max(2, int(np.ceil(1.5 * width)), (last - first) // 20)] = False
        short[first:last] = last - first < _SHORT
        first = last
    if np.count_nonzero(settled & ~short) >= max(5, count // 4):
        settled &= ~short
    if np.count_nonzero(settled) < max(5, count // 4):
        settled[2:] = True
    for part in (low, high, share, settled):
        part.flags.writeable = False
    return low, high, share, settled


def oriented(curve: Curve) -> Array:
    """Values with the sign that makes smaller better; beyond 1e100 they are cut there, so that squares stay finite."""
    return np.asarray((curve.y if curve.direction == "min" else -curve.y).clip(-HIGHEST, HIGHEST))


def _half_window(bins: int) -> int:
    return max(1, bins // 24)


def local_means(y: Array, spans: Sequence[Span]) -> Array:
    """Moving average of each phase of every row."""
    h = _half_window(y.shape[1])
    out = np.empty(y.shape)
    for span in spans:
        part = y[:, span.start : span.stop]
        total = np.zeros((y.shape[0], len(span) + 1))
        np.cumsum(part, axis=1, out=total[:, 1:])
        low, high, count = _around(len(span), h)
        mean = (total[:, high] - total[:, low]) / count
        still = np.max(part, axis=1) == np.min(part, axis=1)
        mean[still] = part[still]  # no rounding where nothing varies
        out[:, span.start : span.stop] = mean
    return out


@lru_cache(maxsize=512)
def _around(n: int, h: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """First bin, last bin (exclusive) and number of bins around each of n."""
    i = np.arange(n)
    low, high = np.maximum(i - h, 0), np.minimum(i + h + 1, n)
    return low, high, high - low


@lru_cache(maxsize=4096)
def _mean_sd(k: int, rho: float) -> float:
    """Standard deviation of the mean of k neighbors of an AR(1) with innovations of unit size."""
    inflation = 1.0 + 2.0 * (rho / (1 - rho) - rho * (1 - rho**k) / (k * (1 - rho) ** 2)) if rho > 0 else 1.0
    return float(np.sqrt(max(inflation, 1.0) / (k * (1.0 - rho**2))))


def cautious(rho: float, free: int) -> float:
    """The correlation half a standard error (and the order of its bias) above its estimate from ``free`` residuals.

    Where the residuals about a curve with a change in it are too few for a likelihood.
    """
    n = max(free, 2)
    return min(rho + CERTAINTY * float(np.sqrt((1 - rho**2) / n)) + 2.0 / n, 0.995)
