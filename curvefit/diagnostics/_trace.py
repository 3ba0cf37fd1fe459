"""A curve boiled down for testing: at most some 64 averages, their trend, and noise with serial correlation.

Everything is oriented so that smaller is better and counted in observations, not in x: the tests below do not know the
unit of x, the scale of the metric or its direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ..fitting.autocorrelation import robust_sd
from ._correlation import Likelihood, likelihood, pooled, settled
from ._phases import Phase
from ._trend import MAD, fitted, pieces, slow_change

__all__ = ["HIGHEST", "Span", "Trace", "cautious", "oriented", "trace"]

Array = NDArray[np.float64]

BINS = 64
RAW = 96  # curves of up to this many points are used as they are
LEAST = 8  # bins below which no noise is estimated
CERTAINTY = 0.5  # standard errors by which the correlation is taken larger than estimated
HIGHEST = 1e100
_SPACING = 0.25  # share by which the spacing of the bins of two curves may differ when they are taken together
_SHORT = 10  # observations below which a piece has no trend to speak of


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

    def __len__(self) -> int:
        return int(self.y.size)

    @property
    def sd(self) -> Array:
        """Standard deviation of each bin mean about its own expectation, shape (m,)."""
        out: Array = self.weight * self.noise / np.sqrt(1.0 - min(self.rho, 0.98) ** 2)
        return out

    @property
    def effective(self) -> float:
        """Number of independent observations the bins are worth, at the cautious correlation."""
        return len(self) * (1.0 - self.rho_high) / (1.0 + self.rho_high)

    @property
    def drop(self) -> float:
        """From the first level to the best of the trend, never below 0.

        The first level is that of the trend, or of the first value where that lies further above than its noise (the
        steepest part of a curve bends more than any trend).
        """
        first = max(float(self.trend[0]), float(self.y[0] - 2 * self.sd[0]), self.start)
        return max(first - float(np.min(self.trend)), 0.0)

    def expected(self) -> tuple[Array, NDArray[np.bool_]]:
        """Trend at every observation, and whether it is settled there: not just after the start of a piece."""
        index = np.arange(self.count, dtype=np.float64)
        out = np.empty(self.count)
        settled = np.ones(self.count, bool)
        short = np.zeros(self.count, bool)
        ends = [0]
        for start, stop in self.pieces:
            last = self.count if stop == len(self) else round((self.at[stop - 1] + self.at[stop]) / 2 + 0.5)
            part = slice(ends[-1], last)
            at, trend = self.at[start:stop], self.trend[start:stop]
            out[part] = np.interp(index[part], at, trend)
            if stop - start > 1:  # beyond the middles of the outer bins along the line through the last two
                early, late = index[part] < at[0], index[part] > at[-1]
                out[part][early] = trend[0] + (index[part][early] - at[0]) * (trend[1] - trend[0]) / (at[1] - at[0])
                out[part][late] = trend[-1] + (index[part][late] - at[-1]) * (trend[-1] - trend[-2]) / (at[-1] - at[-2])
            width = (last - ends[-1]) / (stop - start)
            settled[ends[-1] : ends[-1] + max(2, int(np.ceil(1.5 * width)), (last - ends[-1]) // 20)] = False
            short[ends[-1] : last] = last - ends[-1] < _SHORT
            ends.append(last)
        if np.count_nonzero(settled & ~short) >= max(5, self.count // 4):
            settled &= ~short
        if np.count_nonzero(settled) < max(5, self.count // 4):
            settled[2:] = True
        return out, settled

    @property
    def half_window(self) -> int:
        """Half of the window of `local`, in bins."""
        return _half_window(len(self))

    @property
    def local_stderr(self) -> Array:
        """Standard error of `local` at the cautious correlation, shape (m,)."""
        i = np.arange(len(self))
        low, high = np.maximum(i - self.half_window, 0), np.minimum(i + self.half_window + 1, len(self))
        factor = {k: _mean_sd(k, self.rho_high) for k in range(1, 2 * self.half_window + 2)}
        each = np.array([factor[k] for k in (high - low).tolist()])
        total = np.r_[0.0, np.cumsum(self.weight**2)]
        out: Array = np.sqrt((total[high] - total[low]) / (high - low)) * self.noise * each
        return out

    def since(self, start: int) -> Trace:
        """The bins from ``start`` on, with the noise measured about a line in the logarithm of the position there.

        A recent stretch is straight where the whole curve is not: what the trend has missed elsewhere no longer counts
        as noise.
        """
        at, y, weight = self.at[start:], self.y[start:], self.weight[start:]
        design = np.column_stack([np.ones(at.size), np.log((at + 1.0) / self.count)])
        q = np.linalg.qr(design / weight[:, None])[0]
        scaled = (y - y[-1]) / weight
        rest = scaled - q @ (q.T @ scaled)
        like = likelihood([rest], [design / weight[:, None]])
        rho, high, noise = settled(like.log, like, few=True)
        floor = 1e-12 * float(np.max(np.abs(self.y), initial=0.0))
        spans = (Span(0, at.size, self.spans[-1].phase),)
        return replace(
            self,
            x=self.x[start:],
            at=at,
            y=y,
            trend=y - rest * weight,
            local=_local(y, spans),
            weight=weight,
            noise=max(noise, floor),
            rho=rho,
            rho_high=high,
            dof=max(like.free - 1, 1),
            spans=spans,
            pieces=((0, at.size),),
            like=like,
        )

    def beside(self, others: Sequence[Trace]) -> Trace:
        """The same with the correlation from those of the other curves of the run that agree with it as well."""
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
        weight = self.weight[start:stop]
        sd = float(np.sqrt(weight @ weight / weight.size)) * self.noise
        part = self.y[start:stop]
        mean = float(part[0] if np.ptp(part) == 0 else part.mean())  # no rounding where nothing varies
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
        typical = float(np.sqrt(np.mean(self.weight[before[0] : after[1]] ** 2))) * self.noise
        walk = typical * np.sqrt(max(distance, 1.0) + sizes / 6.0)
        return m1 - m0, float(min(np.hypot(s0, s1), max(walk, typical * np.sqrt(2 / max(sizes / 2, 1)))))


def oriented(curve: Curve) -> Array:
    """Values with the sign that makes smaller better; beyond 1e100 they are cut there, so that squares stay finite."""
    return np.clip(curve.y if curve.direction == "min" else -curve.y, -HIGHEST, HIGHEST)


def _half_window(bins: int) -> int:
    return max(1, bins // 24)


def _local(y: Array, spans: Sequence[Span]) -> Array:
    """Moving average of each phase."""
    h = _half_window(y.size)
    out = np.empty(y.size)
    for span in spans:
        part = y[span.start : span.stop]
        if np.ptp(part) == 0:
            out[span.start : span.stop] = part  # no rounding where nothing varies
            continue
        total = np.r_[0.0, np.cumsum(part)]
        i = np.arange(len(span))
        low, high = np.maximum(i - h, 0), np.minimum(i + h + 1, len(span))
        out[span.start : span.stop] = (total[high] - total[low]) / (high - low)
    return out


@lru_cache(maxsize=4096)
def _mean_sd(k: int, rho: float) -> float:
    """Standard deviation of the mean of k neighbors of an AR(1) with innovations of unit size."""
    inflation = 1.0 + 2.0 * (rho / (1 - rho) - rho * (1 - rho**k) / (k * (1 - rho) ** 2)) if rho > 0 else 1.0
    return float(np.sqrt(max(inflation, 1.0) / (k * (1.0 - rho**2))))


def trace(curve: Curve, phases: Sequence[Phase]) -> Trace | None:
    """Boil a curve down; None when it has fewer than 8 finite points or no direction."""
    if curve.direction is None or len(curve) < LEAST:
        return None
    sign = 1.0 if curve.direction == "min" else -1.0
    raw = oriented(curve)
    edges, spans = _edges(curve.x, phases)
    counts = np.diff(edges)
    y = raw.copy() if counts.max() == 1 else _robust_bins(raw, edges)
    parts = pieces(y, [s.start for s in spans])
    smooth, designs, kept = fitted(y, parts)
    residual = (y - smooth)[kept]
    weight = np.ones(y.size)
    weight[kept] = slow_change(residual)
    weight[~kept] = np.interp(np.flatnonzero(~kept), np.flatnonzero(kept), weight[kept])
    weight *= np.sqrt(np.median(counts) / counts)
    scaled = residual / weight[kept]
    spread = MAD * float(np.median(np.abs(scaled)))
    if spread > 0:
        scaled = np.clip(scaled, -4 * spread, 4 * spread)
    ends = np.cumsum([0, *(q.shape[0] for q in designs)])
    inner = weight[kept]
    like = likelihood(
        [scaled[i:j] for i, j in pairwise(ends)],
        [q / inner[i:j, None] for q, (i, j) in zip(designs, pairwise(ends), strict=True)],
    )
    rho, rho_high, noise = settled(like.log, like)
    floor = 1e-12 * float(np.max(np.abs(y), initial=0.0))
    tamed = _tamed(y)
    middle = (edges[:-1] + edges[1:] - 1) / 2.0
    return Trace(
        x=curve.x[np.ceil(middle).astype(np.intp)],  # of an observation, which a checkpoint may belong to
        at=middle,
        y=tamed,
        trend=smooth,
        local=_local(tamed, spans),
        weight=weight,
        noise=max(noise, floor),
        rho=rho,
        rho_high=rho_high,
        dof=max(like.free - 1, 1),
        spans=spans,
        pieces=tuple(parts),
        sign=sign,
        count=raw.size,
        start=float(raw[0]) - 3 * robust_sd(raw[1:][-50_000:], order=2),
        like=like,
    )


def cautious(rho: float, free: int) -> float:
    """The correlation half a standard error (and the order of its bias) above its estimate from ``free`` residuals.

    Where the residuals about a curve with a change in it are too few for a likelihood.
    """
    n = max(free, 2)
    return min(rho + CERTAINTY * float(np.sqrt((1 - rho**2) / n)) + 2.0 / n, 0.995)


def _edges(x: Array, phases: Sequence[Phase]) -> tuple[NDArray[np.intp], tuple[Span, ...]]:
    """Bin edges in observations; no bin reaches across a change of phase."""
    n = x.size
    bins = n if n <= RAW else BINS
    edges = [0]
    spans: list[Span] = []
    for phase in phases:
        a, b = (int(np.searchsorted(x, v)) for v in (phase.start, phase.stop))
        if b <= a:
            continue
        k = min(b - a, max(round(bins * (b - a) / n), 4))
        first = len(edges) - 1
        edges.extend(np.linspace(a, b, k + 1).round().astype(int)[1:].tolist())
        spans.append(Span(first, len(edges) - 1, phase))
    return np.array(edges, dtype=np.intp), tuple(spans)


def _robust_bins(y: Array, edges: NDArray[np.intp]) -> Array:
    """Mean of each bin after pulling values in to six robust standard deviations about the medians of the bins."""
    counts = np.diff(edges)
    if counts.max() < 3:
        return np.asarray(np.add.reduceat(y, edges[:-1]) / counts, dtype=np.float64)
    if counts.max() < 1000:  # one sort for all bins: by bin, then by value
        order = np.lexsort((y, np.repeat(np.arange(counts.size), counts)))
        ranked = y[order]
        middles = (ranked[edges[:-1] + (counts - 1) // 2] + ranked[edges[:-1] + counts // 2]) / 2
    else:
        middles = np.array([np.median(y[a:b]) for a, b in pairwise(edges)])
    base = np.repeat(middles, counts)
    off = y - base
    reach = 6 * MAD * float(np.median(np.abs(off[:: max(off.size // 50_000, 1)])))
    # the slope inside a bin is not an outlier
    slope = np.abs(np.gradient(middles)) if middles.size > 1 else np.zeros(1)
    off = np.clip(off, -reach - np.repeat(slope, counts), reach + np.repeat(slope, counts))
    return np.asarray(middles + np.add.reduceat(off, edges[:-1]) / counts, dtype=np.float64)


def _tamed(y: Array) -> Array:
    """Values pulled in to 4.5 robust standard deviations about the running median of five; monotone ones stay as they are."""
    if y.size < 5:
        return y
    middle = y.copy()
    middle[1:-1] = np.median(np.stack([y[:-2], y[1:-1], y[2:]]), axis=0)
    middle[2:-2] = np.median(np.lib.stride_tricks.sliding_window_view(y, 5), axis=1)
    off = y - middle
    moved = np.abs(off[off != 0])
    if not moved.size:
        return y
    # the middle one of five is its own median one time in five; those zeros say nothing about the spread
    reach = 4.5 * MAD * float(np.median(moved))
    out: Array = middle + np.clip(off, -reach, reach)
    return out
