"""A sudden lasting change that is small against the noise of one average but not against that of all observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ..fitting.autocorrelation import lag1
from ._changes import SMALLEST, Change, other_shapes
from ._scan import student_tail
from ._trace import RAW, Span, Trace, cautious, oriented
from ._trend import MAD, slow_change

__all__ = ["strongest_steps"]

Array = NDArray[np.float64]

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
    r"""The strongest step of each phase, from every observation.

    .. math:: y_i = s(t_i) + \delta\,1[i \ge k] + e_i, \qquad
              p = 32 n\, P\Big(t_\nu > \frac{|\hat\delta_k|}{v\,\mathrm{se}}\Big)

    by generalized least squares at all n places at once, s a polynomial of degree 6 in the logarithm of the position, e AR(1)
    at the cautious correlation, v the square root of the long-run variance of the innovations over their variance, at least 1.

    Parameters
    ----------
    curve : Curve
        The values.
    trace : Trace
        The same boiled down.
    alpha : float
        Share of curves without a change in which one may be found.

    Notes
    -----
    Under slow noise neighbors tell of a step what averages do not. Short curves are not averaged in the first place, so
    that `curvefit.diagnostics._changes` has said all there is to say of them.
    """
    if trace.count <= RAW:
        return ()
    values = oriented(curve)
    found = (_strongest(values, trace, span, alpha) for span in trace.spans if not span.phase.rising)
    return tuple(c for c in found if c is not None)


@dataclass(frozen=True, slots=True)
class _Scan:
    """Sizes of a step at each place and their errors for unit noise."""

    size: Array
    error: Array


def _strongest(values: Array, trace: Trace, span: Span, alpha: float) -> Change | None:
    first = 0 if span.start == 0 else round((trace.at[span.start - 1] + trace.at[span.start]) / 2 + 0.5)
    last = values.size if span.stop == len(trace) else round((trace.at[span.stop - 1] + trace.at[span.stop]) / 2 + 0.5)
    if span.phase.after_rise:
        first += (last - first) // 4
    count = last - first
    if count < _LEAST:
        return None
    block = -(-count // _MOST)
    y = values[first : first + count // block * block].reshape(-1, block).mean(axis=1)
    lead = max(int(_LEAD * y.size), 3)
    y = _pulled_in(y[lead:])
    n = y.size
    inner = slice(max(int(_ENDS * n), 6), n - max(int(_ENDS * n), 6))
    smooth = min((_basis(n, lead, offset) for offset in _OFFSETS), key=lambda q: _left(q, y))
    weight, rho = _noise(smooth, y)
    scan = _scan(smooth, y, weight, rho)
    at = inner.start + int(np.argmax(np.abs(scan.size / scan.error)[inner]))
    for _ in range(2):  # a step left in is taken for noise, and its correlation
        step = (np.arange(n) >= at).astype(np.float64)
        smooth = min(
            (_basis(n, lead, offset) for offset in _OFFSETS), key=lambda q: _left(np.column_stack([q, step]), y)
        )
        weight, rho = _noise(np.column_stack([smooth, step]), y)
        scan = _scan(smooth, y, weight, rho)
        at = inner.start + int(np.argmax(np.abs(scan.size / scan.error)[inner]))
    size = float(scan.size[at])
    step = (np.arange(n) >= at).astype(np.float64)
    design = np.column_stack([smooth, step])
    dof = n - _TERMS - 2
    stderr = max(_error(design, y, weight, np.array([rho])), _error(design, y, weight, _filter(design, y, weight)))
    if not stderr > 0:
        return None
    p_value = min(1.0, _PAID * n * student_tail(abs(size) / stderr, dof))
    each = max(n // (span.stop - span.start), 1)
    course = smooth @ np.linalg.lstsq(design, y, rcond=None)[0][:-1]
    ordinary = abs(float(course[at] - course[max(at - each, 0)]))
    if p_value >= alpha or abs(size) < max(SMALLEST * trace.drop, _SUDDEN * ordinary):
        return None
    reach = max(int(_REACH * n), 20)
    window = slice(max(at - reach, 0), min(at + reach, n))
    bins = (np.arange(n)[window] - at) / each
    t = (np.arange(n)[window] - at) / n
    near = np.column_stack([np.ones(t.size), t, t * t, np.log(np.arange(n)[window] + lead + 1.0)])
    with_step, others = other_shapes(near, bins, y[window], weight[window], rho)
    if others < with_step * np.exp(-_BETTER / t.size):
        return None
    place = first + (at + lead) * block
    return Change(int(np.searchsorted(trace.at, place)), size, stderr, p_value)


def _pulled_in(y: Array) -> Array:
    """Single values pulled in to 4.5 robust standard deviations about the median of five."""
    middle = y.copy()
    middle[2:-2] = np.median(np.lib.stride_tricks.sliding_window_view(y, 5), axis=1)
    off = y - middle
    moved = np.abs(off[off != 0])
    if not moved.size:
        return y
    reach = 4.5 * MAD * float(np.median(moved))
    return np.asarray(middle + np.clip(off, -reach, reach))


def _basis(n: int, lead: int, offset: float) -> Array:
    s = np.log1p((np.arange(n) + lead) / (offset * n))
    u = 2 * (s - s[0]) / (s[-1] - s[0]) - 1
    return np.asarray(np.linalg.qr(np.polynomial.chebyshev.chebvander(u, _TERMS - 1))[0])


def _left(design: Array, y: Array) -> float:
    q = np.linalg.qr(design)[0]
    rest = y - q @ (q.T @ y)
    return float(rest @ rest)


def _noise(design: Array, y: Array) -> tuple[Array, float]:
    """Relative size of the noise along the curve, and its cautious correlation."""
    q = np.linalg.qr(design)[0]
    rest = y - q @ (q.T @ y)
    weight = slow_change(rest)
    scaled = rest / weight
    spread = MAD * float(np.median(np.abs(scaled)))
    if spread > 0:
        scaled = np.clip(scaled, -4 * spread, 4 * spread)
    taken = design.shape[1]
    return weight, cautious(lag1(scaled, parameters=taken), y.size - taken)


def _filter(design: Array, y: Array, weight: Array) -> Array:
    """Coefficients of an autoregression of higher order, for noise of more than one time scale."""
    q = np.linalg.qr(design)[0]
    rest = (y - q @ (q.T @ y)) / weight
    order = min(round(4 * (y.size / 100) ** 0.25), y.size // 20)
    past = np.column_stack([rest[order - j - 1 : -j - 1] for j in range(order)])
    return np.asarray(np.linalg.lstsq(past, rest[order:], rcond=None)[0])


def _error(design: Array, y: Array, weight: Array, filtered: Array) -> float:
    """Standard error of the last coefficient under autoregressive noise, slow waves of the innovations included."""
    columns = np.column_stack([design, y]) / weight[:, None]
    order = filtered.size
    white = columns[order:] - sum(f * columns[order - j - 1 : -j - 1] for j, f in enumerate(filtered))
    q, r = np.linalg.qr(white[:, :-1])
    rest = white[:, -1] - q @ (q.T @ white[:, -1])
    sd = float(np.sqrt(rest @ rest / (rest.size - design.shape[1] - order)))
    if not sd > 0:
        return 0.0
    return sd * float(np.sqrt(max(_long_run(rest) / sd**2, 1.0))) / max(abs(float(r[-1, -1])), 1e-300)


def _scan(smooth: Array, y: Array, weight: Array, rho: float) -> _Scan:
    """Generalized least squares of a step at every place, by sums from the end."""

    def white(v: Array) -> Array:
        v = v / (weight if v.ndim == 1 else weight[:, None])
        return np.concatenate((np.sqrt(1 - rho**2) * v[:1], v[1:] - rho * v[:-1]))

    q = np.linalg.qr(white(smooth))[0]
    rest = white(y)
    rest = rest - q @ (q.T @ rest)
    begin = 1.0 / weight  # a step is this at its place, and what follows it from there on
    follow = np.r_[0.0, 1.0 / weight[1:] - rho / weight[:-1]]

    def from_end(v: Array) -> Array:
        total = np.cumsum((follow[:, None] * v)[::-1], axis=0)[::-1]
        return np.asarray(begin[:, None] * v + np.vstack([total[1:], np.zeros((1, v.shape[1]))]))

    power = begin**2 + np.r_[np.cumsum((follow**2)[::-1])[::-1][1:], 0.0]
    free = power - np.sum(from_end(q) ** 2, axis=1)
    good = free > 1e-9 * power
    scale = np.where(good, free, 1.0)
    size = np.where(good, from_end(rest[:, None])[:, 0] / scale, 0.0)
    return _Scan(size, np.where(good, 1.0 / np.sqrt(scale), np.inf))


def _long_run(innovations: Array) -> float:
    """Variance of sums over a run's length per innovation, from means of blocks of about the root of their number."""
    block = max(round(float(np.sqrt(innovations.size))), 4)
    means = innovations[: innovations.size // block * block].reshape(-1, block).mean(axis=1)
    return float(block * np.mean(means**2))
