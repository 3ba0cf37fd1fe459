"""Sudden changes of level that last: where a curve jumps or drops and does not come back, beyond noise and curvature."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ..fitting.autocorrelation import lag1
from ..segmentation.level_changes import changepoints
from ._scan import student_tail
from ._trace import Span, Trace, cautious, oriented
from ._trend import MAD, trend

__all__ = ["Change", "changes", "dated"]

Array = NDArray[np.float64]

LEAST = 16  # bins below which no change is looked for
SIDE = 4  # bins on either side of a change
AFTER = 6  # bins after it, lest an excursion that is still going on passes for lasting
REACH = 20  # bins on either side that are looked at
SMALLEST = 0.01  # of the total drop: a change below it is of no consequence
_LEAD = 3  # bins at the start of a run, which bends more than any smooth curve through a window
_SUDDEN = 2.0  # times the typical change from bin to bin just before: what is smaller is not sudden
_SCREEN = 2.0  # typical gaps
_MOST = 6  # candidates that are tested
_LASTING = (0.0, 0.5, 3.0)  # bins within which a change is made: at once, in the middle of a bin, or relaxing
_BENDS = (
    -10.0,
    -6.0,
    -3.0,
    -1.0,
    1.0,
    3.0,
    6.0,
    10.0,
)  # bins from the place at which a curve may begin to bend instead
_PASSING = (1.5, 4.0, 10.0)  # bins within which an excursion dies away


@dataclass(frozen=True, slots=True)
class Change:
    """A sudden change in one curve, in bins of its trace.

    Parameters
    ----------
    at : int
        First bin after it.
    size, stderr : float
        Level after minus level before beside a smooth curve, smaller is better; and its standard error.
    p_value : float
        Of no change at any of the places searched, two-sided.
    """

    at: int
    size: float
    stderr: float
    p_value: float


@lru_cache(maxsize=16)  # several rules ask for the changes of the same trace
def changes(trace: Trace, alpha: float) -> tuple[Change, ...]:
    r"""Sudden lasting changes between the known changes of phase, in order.

    .. math:: y_i = a + b u_i + c u_i^2 + d \ln(t_i + 1) + \delta\, r(t_i - t_k) + e_i, \qquad
              p = 2 K\, P(t_\nu > |\hat\delta| / \mathrm{se})

    within 20 bins, with AR(1) errors at the cautious correlation and the noise of the window, of each side where they
    differ; r is a step or one that relaxes within three bins. K counts every place and shape searched.

    Parameters
    ----------
    trace : Trace
        The curve.
    alpha : float
        Share of curves without a change in which one may be found.

    Notes
    -----
    A closed-form screen (the gap between lines through four bins on either side, in its standard errors) picks at most six
    places, so that a quiet curve costs next to nothing. An excursion that dies away is described better by a decay than by a
    step, a kink by a change of slope: neither is a change of level; nor is what a curve as steep does from bin to bin anyway.
    """
    found: list[Change] = []
    for span in trace.spans:
        if not span.phase.rising:
            found.extend(_within(trace, span, alpha))
    return tuple(found)


def _within(trace: Trace, span: Span, alpha: float) -> list[Change]:
    start = span.start + (_LEAD if span.start == 0 else 0)
    if span.phase.after_rise:
        start = span.start + max(SIDE, len(span) // 4)
    if span.stop - start < LEAST:
        return []
    places = _screened(trace, start, span.stop)
    searched = 2.0 * len(_LASTING) * (span.stop - start) * len(trace.spans)
    accepted: list[int] = []
    for at in places:  # strongest first: each accepted change ends the windows of the rest
        tested = _test(trace, start, at, span.stop, accepted, searched, alpha)
        if tested is not None:
            accepted.append(at)
    out = []
    for at in sorted(accepted):  # once more, knowing all the others
        others = [a for a in accepted if a != at]
        tested = _test(trace, start, at, span.stop, others, searched, alpha)
        if tested is not None:
            out.append(tested)
    return out


def _screened(trace: Trace, start: int, stop: int) -> list[int]:
    """The places with the largest gaps between lines through the bins on either side, strongest first."""
    # value at distance -1/2 of a line through points at distances 0, 1, ..., SIDE - 1
    d = np.arange(SIDE) + 0.5
    weights = 1.0 / SIDE - (d - d.mean()) * d.mean() / float(np.sum((d - d.mean()) ** 2))
    kernel = np.r_[-weights[::-1], weights]
    gap = np.lib.stride_tricks.sliding_window_view(trace.y[start:stop], 2 * SIDE) @ kernel
    places = np.arange(gap.size) + start + SIDE
    scaled = gap / trace.weight[places]
    z = np.abs(scaled) / max(MAD * float(np.median(np.abs(scaled))), 1e-300)
    z[np.abs(gap) < 0.5 * SMALLEST * trace.drop] = 0.0
    chosen: list[int] = []
    for i in np.argsort(-z).tolist():
        if z[i] < _SCREEN or len(chosen) >= _MOST:
            break
        if all(abs(int(places[i]) - c) >= SIDE - 1 for c in chosen):
            chosen.append(int(places[i]))
    return chosen


def _test(
    trace: Trace, start: int, at: int, stop: int, others: list[int], searched: float, alpha: float
) -> Change | None:
    """Generalized least squares of a lasting change at a place, against an excursion there."""
    low = max([start, at - REACH, *(a for a in others if a < at)])
    high = min([stop, at + REACH, *(a for a in others if a > at)])
    if at - low < SIDE or high - at < (AFTER if high == stop else SIDE):
        return None
    t = trace.at[low:high] - trace.at[at]
    u = t / max(float(np.ptp(t)), 1.0)
    base = [np.ones(t.size), u]
    if t.size >= 14:
        base += [u * u]
    if t.size >= 20:
        base += [np.log(trace.at[low:high] + 1.0)]
    width = float(np.ptp(trace.at[low:high])) / max(t.size - 1, 1)
    after = t >= 0
    lasting = [_lasting(t / width, after, r) for r in _LASTING]
    passing = [np.where(after, np.exp(-np.maximum(t, 0) / width / r), 0.0) for r in _PASSING]
    y = trace.y[low:high] - trace.y[at]
    rho = _correlation(trace, at)
    noise = trace.weight[low:high].copy()
    fits = [_fit(np.column_stack([*base, shape]), y, noise, rho) for shape in lasting]
    best = min(range(len(fits)), key=lambda k: fits[k].rss)
    noise = _two_sided(noise, fits[best].residual, at - low)
    fitted = _fit(np.column_stack([*base, lasting[best]]), y, noise, rho)
    dof = t.size - len(base) - 1
    floor = 1e-9 * max(trace.drop, float(np.max(np.abs(trace.y))))
    sd = max(float(np.sqrt(fitted.rss / max(dof, 1))), floor)
    ordinary = float(np.median(np.abs(np.diff(trace.y[max(at - SIDE - 1, low) : at]))))
    if abs(fitted.size) < max(SMALLEST * trace.drop, _SUDDEN * ordinary) or fitted.scale <= 0:
        return None
    stderr = sd / fitted.scale
    p = min(1.0, searched * student_tail(abs(fitted.size) / stderr, max(dof, 1)))
    if p >= alpha:
        return None
    bends = [np.maximum(t / width - shift, 0.0) for shift in _BENDS]
    plain = trace.weight[low:high]  # noise of each side would forgive the misfit of a step beside a kink
    for other in (*passing, *bends, *(b * b for b in bends)):
        if _fit(np.column_stack([*base, other]), y, plain, rho).rss < fits[best].rss:
            return None
    return Change(at, fitted.size, stderr, p)


def _lasting(t: Array, after: NDArray[np.bool_], within: float) -> Array:
    """Share of a lasting change that is made by each bin."""
    if within < 1.0:
        return np.where(t == 0, 1.0 - within, after.astype(np.float64))
    return np.where(after, 1 - np.exp(-(t + 1) / within), 0.0)


def _correlation(trace: Trace, at: int) -> float:
    """Correlation of neighboring bins when the curve may jump there, cautious: a jump left in is taken for correlation."""
    cuts = sorted({at, *(i for part in trace.pieces for i in part)})
    smooth, parameters, kept = trend(trace.y, list(pairwise(cuts)))
    scaled = ((trace.y - smooth) / trace.weight)[kept]
    spread = MAD * float(np.median(np.abs(scaled)))
    if spread > 0:
        scaled = np.clip(scaled, -4 * spread, 4 * spread)
    free = max(scaled.size - parameters, 2)
    return min(cautious(lag1(scaled, parameters=parameters), free), trace.rho_high)


@dataclass(frozen=True, slots=True)
class _Fit:
    """Coefficient of the last column, its precision when the noise is 1, and what is left."""

    size: float
    scale: float
    rss: float
    residual: Array


def _fit(design: Array, y: Array, noise: Array, rho: float) -> _Fit:
    def whitened(v: Array) -> Array:
        v = v / (noise if v.ndim == 1 else noise[:, None])
        out: Array = np.concatenate([np.sqrt(1 - rho**2) * v[:1], v[1:] - rho * v[:-1]])
        return out

    q, r = np.linalg.qr(whitened(design))
    w = whitened(y)
    along = q.T @ w
    rest = w - q @ along
    top = float(np.max(np.abs(np.diag(r))))
    scale = abs(float(r[-1, -1]))
    if scale < 1e-9 * top:
        return _Fit(0.0, 0.0, float(rest @ rest), rest)
    return _Fit(float(along[-1] / r[-1, -1]), scale, float(rest @ rest), rest)


def _two_sided(noise: Array, residual: Array, k: int) -> Array:
    """Noise of either side of a change where they plainly differ: a cut of the learning rate quietens a curve."""
    left, right = float(np.mean(residual[:k] ** 2)), float(np.mean(residual[k:] ** 2))
    if min(left, right) <= 0 or k < 2 * SIDE or residual.size - k < 2 * SIDE:
        return noise
    if max(left, right) / min(left, right) < 3.0:
        return noise
    out = noise.copy()
    out[:k] *= np.sqrt(left)
    out[k:] *= np.sqrt(right)
    return out


def dated(curve: Curve, trace: Trace, change: Change) -> tuple[float, float, float]:
    """First x after a change and the ends of its interval, from the single observations around it.

    The place is that of the best two lines, its interval from `curvefit.changepoints`.
    """
    each = curve.x.size / len(trace)
    reach = max(int(np.clip(round(200 / (2 * each)), 1, 8)), 1)
    low, high = max(change.at - reach, 0), min(change.at + reach, len(trace)) - 1
    first = int(np.floor(trace.at[low]))
    last = min(int(np.ceil(trace.at[high])) + 1, curve.x.size)
    x, y = curve.x[first:last], oriented(curve)[first:last]
    fallback = float(trace.x[max(change.at - 1, 0)]), float(trace.x[change.at])
    if x.size < 8:
        return fallback[1], *fallback
    found = changepoints((x, y), n_changes=1, cost="linear", min_size=3)
    if not found.locations:
        return fallback[1], *fallback
    place = found.locations[0]
    at = float(place.details["first_after"])
    ends = (place.interval.low, place.interval.high) if place.interval is not None else (float(place.value or at), at)
    return at, min(ends[0], at), max(ends[1], at)
