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

__all__ = ["Change", "changes", "dated", "other_shapes"]

Array = NDArray[np.float64]

LEAST = 16  # bins below which no change is looked for
SIDE = 4  # bins on either side of a change
AFTER = 6  # bins after it, lest an excursion that is still going on passes for lasting
REACH = 20  # bins on either side that are looked at
SMALLEST = 0.01  # of the total drop: a change below it is of no consequence
_LEAD = 3  # bins at the start of a run, which bends more than any smooth curve through a window
_SUDDEN = 2.0  # times the typical change from bin to bin just before: what is smaller is not sudden
_SCREEN, _STRIKING = 2.0, 6.0  # typical gaps
_AROUND = (-2, -1, 0, 1)  # bins beside a place of the screen, whose gap is widest after a change that takes its time
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
_BETTER = 2.0  # in twice the log likelihood: by how much another shape must be better to take the place of a change
_PASSING = (1.5, 4.0, 10.0)  # bins within which an excursion dies away
_BUMPS = tuple((c, w) for w in (2.0, 4.0) for c in (-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0))  # centers and widths in bins


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
    places, so that a quiet curve costs next to nothing. An excursion that dies away is described better by a decay or a
    bump than by a step, a kink by a change of slope: neither is a change of level; nor is what a curve as steep does from bin to bin anyway.
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
    places, striking = _screened(trace, start, span.stop)
    searched = 2.0 * len(_LASTING) * (span.stop - start) * len(trace.spans)
    accepted: list[int] = []
    for at in places:  # strongest first: each accepted change ends the windows of the rest
        if any(abs(at - a) < SIDE for a in accepted):
            continue
        tested = _test(trace, (start, span.stop), at, accepted, striking, searched, alpha)
        if tested is not None and all(abs(tested.at - a) >= SIDE for a in accepted):
            accepted.append(tested.at)
    out = []
    for at in sorted(accepted):  # once more, knowing all the others
        others = [a for a in accepted if a != at]
        tested = _test(trace, (start, span.stop), at, others, others, searched, alpha)
        if tested is not None:
            out.append(tested)
    return out


def _screened(trace: Trace, start: int, stop: int) -> tuple[list[int], list[int]]:
    """The places with the largest gaps between lines through the bins on either side, strongest first; and the striking ones."""
    # value at distance -1/2 of a line through points at distances 0, 1, ..., SIDE - 1
    d = np.arange(SIDE) + 0.5
    weights = 1.0 / SIDE - (d - d.mean()) * d.mean() / float(np.sum((d - d.mean()) ** 2))
    kernel = np.r_[-weights[::-1], weights]
    gap = np.lib.stride_tricks.sliding_window_view(trace.y[start:stop], 2 * SIDE) @ kernel
    places = np.arange(gap.size) + start + SIDE
    scaled = gap / trace.weight[places]
    with np.errstate(over="ignore"):  # beside exact zeros every gap is beyond all bounds
        z = np.abs(scaled) / max(MAD * float(np.median(np.abs(scaled))), 1e-300)
    z[np.abs(gap) < 0.5 * SMALLEST * trace.drop] = 0.0
    chosen: list[int] = []
    for i in np.argsort(-z).tolist():
        if z[i] < _SCREEN or len(chosen) >= _MOST:
            break
        if all(abs(int(places[i]) - c) >= SIDE - 1 for c in chosen):
            chosen.append(int(places[i]))
    return chosen, [c for c in chosen if z[c - start - SIDE] > _STRIKING]


def _test(
    trace: Trace, ends: tuple[int, int], at: int, others: list[int], cuts: list[int], searched: float, alpha: float
) -> Change | None:
    """Generalized least squares of a lasting change at or beside a place, against an excursion or a bend there."""
    start, stop = ends
    low = max([start, at - REACH, *(a for a in others if a < at)])
    high = min([stop, at + REACH, *(a for a in others if a > at)])
    if at - low < SIDE or high - at < (AFTER if high == stop else SIDE):
        return None
    index = np.arange(low, high)
    t = trace.at[low:high] - trace.at[at]
    u = t / max(float(np.ptp(t)), 1.0)
    base = [np.ones(t.size), u]
    if t.size >= 14:
        base += [u * u]
    if t.size >= 20:
        base += [np.log(trace.at[low:high] + 1.0)]
    y = trace.y[low:high] - trace.y[at]
    rho = _correlation(trace, {at, *cuts, *others})
    plain = trace.weight[low:high]
    tried = [(at + d, r) for d in _AROUND for r in _LASTING if at + d - low >= SIDE and at + d <= high - SIDE]
    if not tried:
        return None
    design = np.column_stack(base)
    left = _left(design, np.column_stack([_lasting(index - a, r) for a, r in tried]), y, plain, rho)
    at, best = tried[int(np.argmin(left))]
    first = _fit(np.column_stack([*base, _lasting(index - at, best)]), y, plain, rho)
    noise = _two_sided(plain, first.residual, at - low)
    fitted = _fit(np.column_stack([*base, _lasting(index - at, best)]), y, noise, rho)
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
    others_left = _others_left(design, (index - at).astype(np.float64), y, plain, rho)
    # noise of each side would forgive the misfit of a step beside a kink: both are compared with one noise
    if others_left < first.rss * np.exp(-_BETTER / t.size):
        return None
    return Change(at, fitted.size, stderr, p)


def _others_left(design: Array, bins: Array, y: Array, noise: Array, rho: float) -> float:
    """What the best of the excursions and bends about a place leaves."""
    passing = [
        np.where(bins >= d, np.exp(-np.maximum(bins - d, 0) / r), 0.0) for d in (-1.0, 0.0, 1.0) for r in _PASSING
    ]
    bumps = [np.exp(-0.5 * ((bins - c) / w) ** 2) for c, w in _BUMPS]
    bends = [np.maximum(bins - shift, 0.0) for shift in _BENDS]
    return float(
        np.min(_left(design, np.column_stack([*passing, *bumps, *bends, *(b * b for b in bends)]), y, noise, rho))
    )


def other_shapes(design: Array, bins: Array, y: Array, noise: Array, rho: float) -> tuple[float, float]:
    """What a step at bin 0 leaves beside a design, and what the best excursion or bend does; ``bins`` need not be whole."""
    step = _fit(np.column_stack([design, bins >= 0]), y, noise, rho)
    return step.rss, _others_left(design, bins, y, noise, rho)


def _lasting(bins: NDArray[np.intp], within: float) -> Array:
    """Share of a lasting change that is made by each bin."""
    if within < 1.0:
        return np.where(bins == 0, 1.0 - within, (bins > 0).astype(np.float64))
    return np.where(bins >= 0, 1 - np.exp(-(bins + 1.0) / within), 0.0)


def _correlation(trace: Trace, places: set[int]) -> float:
    """Correlation of neighboring bins when the curve may jump there, cautious: a jump left in is taken for correlation."""
    cuts = sorted({*places, *(i for part in trace.pieces for i in part)})
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


def _whitened(v: Array, noise: Array, rho: float) -> Array:
    """Values, or columns of values, with AR(1) noise of those sizes made white."""
    v = v / (noise if v.ndim == 1 else noise[:, None])
    out: Array = np.concatenate([np.sqrt(1 - rho**2) * v[:1], v[1:] - rho * v[:-1]])
    return out


def _left(design: Array, extra: Array, y: Array, noise: Array, rho: float) -> Array:
    """Residual sum of squares with each of the extra columns beside the design: what `_fit` leaves, for all at once."""
    q = np.linalg.qr(_whitened(design, noise, rho))[0]
    w, columns = _whitened(y, noise, rho), _whitened(extra, noise, rho)
    w = w - q @ (q.T @ w)
    size = np.sqrt(np.sum(columns * columns, axis=0))
    columns = columns - q @ (q.T @ columns)
    columns -= q @ (q.T @ columns)  # twice is enough
    power = np.sqrt(np.sum(columns * columns, axis=0))
    new = power > 1e-9 * size
    along = columns / np.where(new, power, np.inf)
    rest = w[:, None] - along * (w @ along)
    return np.asarray(np.sum(rest * rest, axis=0))


def _fit(design: Array, y: Array, noise: Array, rho: float) -> _Fit:
    q, r = np.linalg.qr(_whitened(design, noise, rho))
    w = _whitened(y, noise, rho)
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
    largest = float(np.max(np.abs(y)))  # the place knows no scale, squares of huge values do
    found = changepoints((x, y / largest if largest > 0 else y), n_changes=1, cost="linear", min_size=3)
    if not found.locations:
        return fallback[1], *fallback
    place = found.locations[0]
    at = float(place.details["first_after"])
    ends = (place.interval.low, place.interval.high) if place.interval is not None else (float(place.value or at), at)
    return at, min(ends[0], at), max(ends[1], at)
