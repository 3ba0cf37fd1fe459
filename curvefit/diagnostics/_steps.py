"""A sudden lasting change that is small against the noise of one average but not against that of all observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ._changes import SMALLEST, Change, other_shapes
from ._rows import MAD, clipped, lag1_rows, medians, medians_of_five, slow_changes
from ._scan import student_tail
from ._trace import RAW, Span, Trace, cautious, oriented

__all__ = ["steps_of", "strongest_steps"]

Array = NDArray[np.float64]

_TOGETHER = 1 << 15  # observations that are looked at together
_MOST = 1_500  # of longer phases as many averages are searched
_LEAST = 80  # observations
_TERMS = 7  # of the smooth curve beside a step
_OFFSETS = (0.025, 0.25, 10.0)  # shares of the phase within which the curve is steep
_LEAD = 0.03  # share of a phase that bends more than any smooth curve
_ENDS = 0.06  # share of it beside its ends in which no change is looked for
_REACH = 0.3  # share of it on either side that other shapes are compared over
_SUDDEN = 2.0  # times what the smooth curve does from bin to bin
_BETTER = 2.0  # in twice the log likelihood, as beside averages
_PAID = 32.0  # both directions, the averages that are searched too, and correlation that is not known


def strongest_steps(curve: Curve, trace: Trace, alpha: float) -> tuple[Change, ...]:
    """`steps_of` one curve."""
    return steps_of([curve], [trace], alpha)[0]


def steps_of(curves: Sequence[Curve], traces: Sequence[Trace], alpha: float) -> list[tuple[Change, ...]]:
    r"""The strongest step of each phase, from every observation.

    .. math:: y_i = s(t_i) + \delta\,1[i \ge k] + e_i, \qquad
              p = 32 n\, P\Big(t_\nu > \frac{|\hat\delta_k|}{v\,\mathrm{se}}\Big)

    by generalized least squares at all n places at once, s a polynomial of degree 6 in the logarithm of the position, e AR(1)
    at the cautious correlation, v the square root of the long-run variance of the innovations over their variance, at least 1.

    Parameters
    ----------
    curves : sequence of Curve
        The values of curves of one layout: as many observations, the same bins and phases.
    traces : sequence of Trace
        The same boiled down.
    alpha : float
        Share of curves without a change in which one may be found.

    Notes
    -----
    Under slow noise neighbors tell of a step what averages do not. Short curves are not averaged in the first place, so
    that `curvefit.diagnostics._changes` has said all there is to say of them.
    """
    out: list[list[Change]] = [[] for _ in traces]
    if traces[0].count <= RAW:
        return [tuple(own) for own in out]
    most = max(_TOGETHER // traces[0].count, 1)
    for begin in range(0, len(traces), most):
        some = traces[begin : begin + most]
        values = np.stack([oriented(c) for c in curves[begin : begin + most]])
        for span in some[0].spans:
            if not span.phase.rising:
                for own, found in zip(out[begin : begin + most], _strongest(values, some, span, alpha), strict=True):
                    own.extend(found)
    return [tuple(own) for own in out]


def _strongest(values: Array, traces: Sequence[Trace], span: Span, alpha: float) -> list[list[Change]]:
    """The strongest step of one phase of each curve, none or one of each."""
    bins, at = len(traces[0]), traces[0].at
    none: list[list[Change]] = [[] for _ in traces]
    first = 0 if span.start == 0 else round((at[span.start - 1] + at[span.start]) / 2 + 0.5)
    last = values.shape[1] if span.stop == bins else round((at[span.stop - 1] + at[span.stop]) / 2 + 0.5)
    if span.phase.after_rise:
        first += (last - first) // 4
    count = last - first
    if count < _LEAST:
        return none
    block = -(-count // _MOST)
    y = values[:, first : first + count // block * block].reshape(len(traces), -1, block).mean(axis=2)
    lead = max(int(_LEAD * y.shape[1]), 3)
    y = _pulled_in(y[:, lead:])
    n = y.shape[1]
    phase = _Phase(y, _bases(n, lead), max(int(_ENDS * n), 6))
    found = phase.searched()
    dof = n - _TERMS - 2
    each = max(n // (span.stop - span.start), 1)
    for i, trace in enumerate(traces):
        size, place = float(found.size[i]), int(found.at[i])
        # a bound: with the noise of a longer autoregression the error may only be larger
        if not found.error[i] > 0 or _p_value(size, float(found.error[i]), n, dof) >= alpha:
            continue
        step = (np.arange(n) >= place).astype(np.float64)
        design = np.column_stack([found.smooth[i], step])
        weight, rho = found.weight[i], float(found.rho[i])
        stderr = max(
            float(found.error[i]),
            float(_errors(design[None], y[i : i + 1], weight[None], _filter(design, y[i], weight)[None])[0]),
        )
        p_value = _p_value(size, stderr, n, dof)
        course = found.smooth[i] @ np.linalg.lstsq(design, y[i], rcond=None)[0][:-1]
        ordinary = abs(float(course[place] - course[max(place - each, 0)]))
        if p_value >= alpha or abs(size) < max(SMALLEST * trace.drop, _SUDDEN * ordinary):
            continue
        reach = max(int(_REACH * n), 20)
        window = slice(max(place - reach, 0), min(place + reach, n))
        t = (np.arange(n)[window] - place) / n
        near = np.column_stack([np.ones(t.size), t, t * t, np.log(np.arange(n)[window] + lead + 1.0)])
        with_step, others = other_shapes(near, (np.arange(n)[window] - place) / each, y[i, window], weight[window], rho)
        if others >= with_step * np.exp(-_BETTER / t.size):
            none[i].append(Change(int(np.searchsorted(at, first + (place + lead) * block)), size, stderr, p_value))
    return none


def _p_value(size: float, stderr: float, n: int, dof: int) -> float:
    return min(1.0, _PAID * n * student_tail(abs(size) / stderr, dof))


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """The strongest step of each curve: its place, size and error, the smooth curve beside it, and the noise."""

    at: NDArray[np.intp]
    size: Array
    error: Array
    smooth: Array
    weight: Array
    rho: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Phase:
    """Observations of one phase of many curves, the smooth curves that may describe it, and how near to its ends none is sought."""

    y: Array
    bases: Array
    ends: int

    def searched(self) -> _Found:
        """Look everywhere, then twice more: a step left in is taken for noise, and its correlation."""
        y = self.y
        n = y.shape[1]
        rest = y - (y @ self.bases) @ np.swapaxes(self.bases, 1, 2)  # (offsets, rows, n)
        rows = np.arange(y.shape[0])
        best = np.argmin(np.einsum("oin,oin->oi", rest, rest), axis=0)
        weight, rho = _noise(rest[best, rows], _TERMS)
        size, at = self._scan(self.bases[best], weight, rho)
        for _ in range(2):
            if not rows.size:
                break
            step = (np.arange(n) >= at[rows, None]).astype(np.float64)
            beside = step - (step @ self.bases) @ np.swapaxes(self.bases, 1, 2)
            power = np.einsum("oin,oin->oi", beside, beside)
            share = np.einsum("oin,oin->oi", beside, rest[:, rows]) / np.where(power > 0, power, 1.0)
            left = rest[:, rows] - share[:, :, None] * beside
            best[rows] = np.argmin(np.einsum("oin,oin->oi", left, left), axis=0)
            weight[rows], rho[rows] = _noise(left[best[rows], np.arange(rows.size)], _TERMS + 1)
            before = at[rows]
            few = replace(self, y=y[rows])
            size[rows], at[rows] = few._scan(self.bases[best[rows]], weight[rows], rho[rows])
            rows = rows[at[rows] != before]  # of the others the same would be found again
        step = (np.arange(n) >= at[:, None]).astype(np.float64)
        smooth = self.bases[best]
        error = _errors(np.concatenate([smooth, step[:, :, None]], axis=2), y, weight, rho[:, None])
        return _Found(at, size, error, smooth, weight, rho)

    def _scan(self, smooth: Array, weight: Array, rho: Array) -> tuple[Array, NDArray[np.intp]]:
        """Size and place of the strongest step by generalized least squares, by sums from the end."""
        y = self.y
        both = np.concatenate([smooth, y[:, :, None]], axis=2) / weight[:, :, None]
        r = rho[:, None, None]
        both[:, 1:] -= r * both[:, :-1].copy()
        both[:, :1] *= np.sqrt(1 - r**2)
        q = np.linalg.qr(both[:, :, :-1])[0]
        rest = both[:, :, -1:]
        rest = rest - q @ (np.swapaxes(q, 1, 2) @ rest)
        begin = 1.0 / weight  # a step is this at its place, and what follows it from there on
        follow = np.zeros(weight.shape)
        follow[:, 1:] = begin[:, 1:] - rho[:, None] * begin[:, :-1]
        columns = np.concatenate([q, rest], axis=2)
        total = np.zeros(columns.shape)
        total[:, :-1] = np.cumsum((follow[:, :, None] * columns)[:, :0:-1], axis=1)[:, ::-1]
        total += begin[:, :, None] * columns
        power = begin**2
        power[:, :-1] += np.cumsum((follow**2)[:, :0:-1], axis=1)[:, ::-1]
        free = power - np.einsum("inp,inp->in", total[:, :, :-1], total[:, :, :-1])
        good = free > 1e-9 * power
        scale = np.where(good, free, 1.0)
        size = np.where(good, total[:, :, -1] / scale, 0.0)
        inner = slice(self.ends, y.shape[1] - self.ends)
        t = np.where(good, np.abs(size) * np.sqrt(scale), 0.0)
        at = np.argmax(t[:, inner], axis=1) + self.ends
        return size[np.arange(y.shape[0]), at], at


def _pulled_in(y: Array) -> Array:
    """Single values of each row pulled in to 4.5 robust standard deviations about the median of five."""
    middle = y.copy()
    middle[:, 2:-2] = medians_of_five(y)
    off = y - middle
    size = np.sort(np.abs(off), axis=1)
    still, m = np.count_nonzero(size == 0, axis=1), y.shape[1]
    rows = np.arange(y.shape[0])
    moved = 0.5 * (
        size[rows, np.minimum((still + m - 1) // 2, m - 1)] + size[rows, np.minimum((still + m) // 2, m - 1)]
    )
    return np.asarray(middle + clipped(off, 4.5 * MAD * moved))


@lru_cache(maxsize=64)
def _bases(n: int, lead: int) -> Array:
    """Orthonormal polynomials in the logarithm of the position, steep within each of the offsets; shape (offsets, n, terms)."""
    out = []
    for offset in _OFFSETS:
        s = np.log1p((np.arange(n) + lead) / (offset * n))
        u = 2 * (s - s[0]) / (s[-1] - s[0]) - 1
        out.append(np.linalg.qr(np.polynomial.chebyshev.chebvander(u, _TERMS - 1))[0])
    bases = np.stack(out)
    bases.flags.writeable = False
    return bases


def _noise(rest: Array, taken: int) -> tuple[Array, Array]:
    """Relative size of the noise along each curve, and its cautious correlation."""
    weight = slow_changes(rest)
    scaled = rest / weight
    spread = MAD * medians(np.abs(scaled))
    scaled = clipped(scaled, np.where(spread > 0, 4 * spread, np.inf))
    free = rest.shape[1] - taken
    return weight, np.array([cautious(rho, free) for rho in lag1_rows(scaled, taken).tolist()])


def _filter(design: Array, y: Array, weight: Array) -> Array:
    """Coefficients of an autoregression of higher order, for noise of more than one time scale."""
    q = np.linalg.qr(design)[0]
    rest = (y - q @ (q.T @ y)) / weight
    order = min(round(4 * (y.size / 100) ** 0.25), y.size // 20)
    past = np.column_stack([rest[order - j - 1 : -j - 1] for j in range(order)])
    return np.asarray(np.linalg.lstsq(past, rest[order:], rcond=None)[0])


def _errors(design: Array, y: Array, weight: Array, filtered: Array) -> Array:
    """Standard errors of the last coefficients under autoregressive noise, slow waves of the innovations included."""
    columns = np.concatenate([design, y[:, :, None]], axis=2) / weight[:, :, None]
    order = filtered.shape[1]
    white = columns[:, order:]
    for j in range(order):
        white = white - filtered[:, j, None, None] * columns[:, order - j - 1 : -j - 1]
    q, r = np.linalg.qr(white[:, :, :-1])
    rest = white[:, :, -1:]
    rest = (rest - q @ (np.swapaxes(q, 1, 2) @ rest))[:, :, 0]
    variance = np.einsum("in,in->i", rest, rest) / (rest.shape[1] - design.shape[2] - order)
    seen = variance > 0
    worth = np.sqrt(np.maximum(_long_runs(rest) / np.where(seen, variance, 1.0), 1.0))
    return np.asarray(np.where(seen, np.sqrt(variance) * worth / np.maximum(np.abs(r[:, -1, -1]), 1e-300), 0.0))


def _long_runs(innovations: Array) -> Array:
    """Variance of sums over a run's length per innovation, from means of blocks of about the root of their number."""
    rows, n = innovations.shape
    block = max(round(float(np.sqrt(n))), 4)
    means = innovations[:, : n // block * block].reshape(rows, -1, block).mean(axis=2)
    return np.asarray(block * np.mean(means**2, axis=1))
