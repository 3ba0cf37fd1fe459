"""Sudden changes of level that last: where a curve jumps or drops and does not come back, beyond noise and curvature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ..segmentation.level_changes import changepoints
from ._beside import Whitened
from ._rows import MAD, clipped, lag1_rows, medians
from ._scan import student_tail
from ._trace import Span, Trace, cautious, oriented
from ._trend import trends
from ._where import step_ends

__all__ = ["ALPHA_CHANGE", "Change", "changes", "changes_of", "dated", "other_shapes"]

Array = NDArray[np.float64]

ALPHA_CHANGE: Final = 0.01
"""Share of curves without a sudden change in which one may be found; rules that warn ask for less."""

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


def changes(trace: Trace, alpha: float) -> tuple[Change, ...]:
    """`changes_of` one curve."""
    return changes_of([trace], alpha)[0]


def changes_of(traces: Sequence[Trace], alpha: float) -> list[tuple[Change, ...]]:
    r"""Sudden lasting changes between the known changes of phase, in order, of curves of one layout.

    .. math:: y_i = a + b u_i + c u_i^2 + d \ln(t_i + 1) + \delta\, r(t_i - t_k) + e_i, \qquad
              p = 2 K\, P(t_\nu > |\hat\delta| / \mathrm{se})

    within 20 bins, with AR(1) errors at the cautious correlation and the noise of the window, of each side where they
    differ; r is a step or one that relaxes within three bins. K counts every place and shape searched.

    Parameters
    ----------
    traces : sequence of Trace
        Curves with the same bins and phases.
    alpha : float
        Share of curves without a change in which one may be found.

    Notes
    -----
    A closed-form screen (the gap between lines through four bins on either side, in its standard errors) picks at most six
    places, so that a quiet curve costs next to nothing. An excursion that dies away is described better by a decay or a
    bump than by a step, a kink by a change of slope: neither is a change of level; nor is what a curve as steep does from bin to bin anyway.
    """
    found: list[list[Change]] = [[] for _ in traces]
    for span in traces[0].spans:
        if not span.phase.rising:
            for own, more in zip(found, _within(traces, span, alpha), strict=True):
                own.extend(more)
    return [tuple(own) for own in found]


def _within(traces: Sequence[Trace], span: Span, alpha: float) -> list[list[Change]]:
    start = span.start + (_LEAD if span.start == 0 else 0)
    if span.phase.after_rise:
        start = span.start + max(SIDE, len(span) // 4)
    if span.stop - start < LEAST:
        return [[] for _ in traces]
    screened = _screened(traces, start, span.stop)
    search = _Search(start, span.stop, 2.0 * len(_LASTING) * (span.stop - start) * len(traces[0].spans), alpha)
    asked = [
        _Place(t, at, (), striking) for t, (places, striking) in zip(traces, screened, strict=True) for at in places
    ]
    answers = iter(search.tested(asked))
    out = []
    for trace, (places, striking) in zip(traces, screened, strict=True):
        accepted: list[int] = []
        for at in places:  # strongest first: each accepted change ends the windows of the rest
            tested = next(answers)
            if any(abs(at - a) < SIDE for a in accepted):
                continue
            if accepted:
                tested = search.tested([_Place(trace, at, tuple(accepted), striking)])[0]
            if tested is not None and all(abs(tested.at - a) >= SIDE for a in accepted):
                accepted.append(tested.at)
        own = []
        for at in sorted(accepted):  # once more, knowing all the others
            others = tuple(a for a in accepted if a != at)
            tested = search.tested([_Place(trace, at, others, others)])[0]
            if tested is not None:
                own.append(tested)
        out.append(own)
    return out


def _screened(traces: Sequence[Trace], start: int, stop: int) -> list[tuple[list[int], tuple[int, ...]]]:
    """The places with the largest gaps between lines through the bins on either side, strongest first; and the striking ones."""
    # value at distance -1/2 of a line through points at distances 0, 1, ..., SIDE - 1
    d = np.arange(SIDE) + 0.5
    weights = 1.0 / SIDE - (d - d.mean()) * d.mean() / float(np.sum((d - d.mean()) ** 2))
    kernel = np.concatenate((-weights[::-1], weights))
    y = np.stack([t.y[start:stop] for t in traces])
    gap = np.lib.stride_tricks.sliding_window_view(y, 2 * SIDE, axis=1) @ kernel
    first = start + SIDE
    scaled = gap / np.stack([t.weight[first : first + gap.shape[1]] for t in traces])
    with np.errstate(over="ignore"):  # beside exact zeros every gap is beyond all bounds
        z = np.abs(scaled) / np.maximum(MAD * medians(np.abs(scaled)), 1e-300)[:, None]
    z[np.abs(gap) < 0.5 * SMALLEST * np.array([t.drop for t in traces])[:, None]] = 0.0
    out = []
    for row in z:
        high = np.flatnonzero(row >= _SCREEN)
        chosen: list[int] = []
        for i in high[np.argsort(-row[high])].tolist():
            if len(chosen) >= _MOST:
                break
            if all(abs(first + i - c) >= SIDE - 1 for c in chosen):
                chosen.append(first + i)
        out.append((chosen, tuple(c for c in chosen if row[c - first] > _STRIKING)))
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A place to test in one curve, the changes that end its window, and where else the curve may jump."""

    trace: Trace
    at: int
    others: tuple[int, ...]
    cuts: tuple[int, ...]

    def window(self, start: int, stop: int) -> tuple[int, int] | None:
        """First bin and end of what is looked at; None where too little lies on a side."""
        at = self.at
        low = max([start, at - REACH, *(a for a in self.others if a < at)])
        high = min([stop, at + REACH, *(a for a in self.others if a > at)])
        return (low, high) if at - low >= SIDE and high - at >= (AFTER if high == stop else SIDE) else None


@dataclass(frozen=True, slots=True)
class _Search:
    """Where changes are looked for, how many places and shapes that are, and how sure one must be."""

    start: int
    stop: int
    searched: float
    alpha: float

    def tested(self, places: Sequence[_Place]) -> list[Change | None]:
        """Generalized least squares of a lasting change at or beside each place, against an excursion or a bend there."""
        out: list[Change | None] = [None] * len(places)
        alike: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for i, place in enumerate(places):
            window = place.window(self.start, self.stop)
            if window is not None and _tried(place.at - window[0], window[1] - window[0]):
                alike.setdefault((place.at - window[0], window[1] - window[0]), []).append((i, window[0]))
        if not alike:
            return out
        known = [i for group in alike.values() for i, _ in group]
        rho = dict(zip(known, _correlations([places[i] for i in known]), strict=True))
        for (k, n), group in alike.items():
            some = [places[i] for i, _ in group]
            answers = self._alike(some, [low for _, low in group], k, n, np.array([rho[i] for i, _ in group]))
            for (i, _), answer in zip(group, answers, strict=True):
                out[i] = answer
        return out

    def _alike(self, places: list[_Place], low: list[int], k: int, n: int, rho: Array) -> list[Change | None]:
        """The same for places k bins after the beginning of windows of n bins."""
        y, plain = (np.stack([v[a : a + n] for v, a in zip(of, low, strict=True)]) for of in _values(places))
        y = y - y[:, k : k + 1]
        design = _smooth([p.trace.at[a : a + n] for p, a in zip(places, low, strict=True)], k)
        tried = _tried(k, n)
        white = Whitened(design, y, plain, rho)
        fits = white.beside(_shapes(k, n))
        best = np.argmin(fits.left, axis=1)
        rows = np.arange(len(places))
        residual = white.y - fits.along[rows, :, best] * fits.share[rows, best][:, None]
        size, scale, left = (v[rows, best] for v in (fits.size, fits.scale, fits.left))
        dof = n - design.shape[2] - 1
        out: list[Change | None] = []
        for i, place in enumerate(places):
            d, r = tried[best[i]]
            noise = _two_sided(plain[i], residual[i], k + d)
            fitted = float(size[i]), float(scale[i]), float(left[i])
            if noise is not None:
                column = _lasting(np.arange(n) - k - d, r)[:, None]
                again = Whitened(design[i : i + 1], y[i : i + 1], noise[None, :], rho[i : i + 1]).beside(column)
                fitted = float(again.size[0, 0]), float(again.scale[0, 0]), float(again.left[0, 0])
            change = self._judged(place.trace, place.at + d, low[i], fitted, dof)
            if change is not None and self._other_shape(white, i, k + d, n, float(left[i])):
                change = None
            out.append(change)
        return out

    def _judged(self, trace: Trace, at: int, low: int, fitted: tuple[float, float, float], dof: int) -> Change | None:
        size, scale, left = fitted
        floor = 1e-9 * max(trace.drop, float(np.max(np.abs(trace.y))))
        sd = max(float(np.sqrt(left / max(dof, 1))), floor)
        if scale <= 0:
            return None
        stderr = sd / scale
        p = min(1.0, self.searched * student_tail(abs(size) / stderr, max(dof, 1)))
        if p >= self.alpha:
            return None
        ordinary = float(np.median(np.abs(np.diff(trace.y[max(at - SIDE - 1, low) : at]))))
        if abs(size) < max(SMALLEST * trace.drop, _SUDDEN * ordinary):
            return None
        return Change(at, size, stderr, p)

    @staticmethod
    def _other_shape(white: Whitened, i: int, k: int, n: int, left: float) -> bool:
        """Whether an excursion or a bend describes a curve as well as the change k bins after the beginning does."""
        others = white.only(i).beside(_excursions_and_bends(np.arange(n, dtype=np.float64) - k)).left
        # noise of each side would forgive the misfit of a step beside a kink: both are compared with one noise
        return float(np.min(others)) < left * float(np.exp(-_BETTER / n))


def other_shapes(design: Array, bins: Array, y: Array, noise: Array, rho: float) -> tuple[float, float]:
    """What a step at bin 0 leaves beside a design, and what the best excursion or bend does; ``bins`` need not be whole."""
    white = Whitened(design[None], y[None], noise[None], np.array([rho]))
    step = white.beside((bins >= 0).astype(np.float64)[:, None]).left
    return float(step[0, 0]), float(np.min(white.beside(_excursions_and_bends(bins)).left))


def _excursions_and_bends(bins: Array) -> Array:
    """What else may be about a place, in bins from it, one column each."""
    passing = [
        np.where(bins >= d, np.exp(-np.maximum(bins - d, 0) / r), 0.0) for d in (-1.0, 0.0, 1.0) for r in _PASSING
    ]
    bumps = [np.exp(-0.5 * ((bins - c) / w) ** 2) for c, w in _BUMPS]
    bends = [np.maximum(bins - shift, 0.0) for shift in _BENDS]
    return np.column_stack([*passing, *bumps, *bends, *(b * b for b in bends)])


def _values(places: Sequence[_Place]) -> tuple[list[Array], list[Array]]:
    return [p.trace.y for p in places], [p.trace.weight for p in places]


def _smooth(at: Sequence[Array], k: int) -> Array:
    """Columns of a smooth curve through windows, shape (r, n, 2 to 4)."""
    where = np.stack(at)
    t = where - where[:, k : k + 1]
    u = t / np.maximum(where[:, -1:] - where[:, :1], 1.0)
    columns = [np.ones(t.shape), u]
    if t.shape[1] >= 14:
        columns.append(u * u)
    if t.shape[1] >= 20:
        columns.append(np.log(where + 1.0))
    return np.stack(columns, axis=2)


@lru_cache(maxsize=1024)
def _tried(k: int, n: int) -> tuple[tuple[int, float], ...]:
    """Shifts of the place and times that a change may take, in a window of n bins with the place after k."""
    return tuple((d, r) for d in _AROUND for r in _LASTING if k + d >= SIDE and k + d <= n - SIDE)


@lru_cache(maxsize=1024)
def _shapes(k: int, n: int) -> Array:
    """One column for each that is tried."""
    index = np.arange(n)
    out = np.column_stack([_lasting(index - k - d, r) for d, r in _tried(k, n)])
    out.flags.writeable = False
    return out


def _lasting(bins: NDArray[np.intp], within: float) -> Array:
    """Share of a lasting change that is made by each bin."""
    if within < 1.0:
        return np.where(bins == 0, 1.0 - within, (bins > 0).astype(np.float64))
    return np.where(bins >= 0, 1 - np.exp(-(bins + 1.0) / within), 0.0)


def _correlations(places: Sequence[_Place]) -> list[float]:
    """Correlation of neighboring bins when the curve may jump there, cautious: a jump left in is taken for correlation."""
    layouts: dict[tuple[int, ...], list[int]] = {}
    for i, p in enumerate(places):
        cuts = sorted({p.at, *p.cuts, *p.others, *(e for part in p.trace.pieces for e in part)})
        layouts.setdefault(tuple(cuts), []).append(i)
    out = [0.0] * len(places)
    for layout, members in layouts.items():
        some = [places[i].trace for i in members]
        y = np.stack([t.y for t in some])
        smooth, parameters, kept = trends(y, list(pairwise(layout)))
        scaled = ((y - smooth) / np.stack([t.weight for t in some]))[:, kept]
        spread = MAD * medians(np.abs(scaled))
        scaled = clipped(scaled, np.where(spread > 0, 4 * spread, np.inf))
        free = max(scaled.shape[1] - parameters, 2)
        for i, trace, rho in zip(members, some, lag1_rows(scaled, parameters).tolist(), strict=True):
            out[i] = min(cautious(rho, free), trace.rho_high)
    return out


def _two_sided(noise: Array, residual: Array, k: int) -> Array | None:
    """Noise of either side of a change where they plainly differ: a cut of the learning rate quietens a curve."""
    if k < 2 * SIDE or residual.size - k < 2 * SIDE:
        return None
    before, after = residual[:k], residual[k:]
    left, right = float(before @ before) / k, float(after @ after) / after.size
    if min(left, right) <= 0 or max(left, right) / min(left, right) < 3.0:
        return None
    out = noise.copy()
    out[:k] *= np.sqrt(left)
    out[k:] *= np.sqrt(right)
    return out


def dated(curve: Curve, trace: Trace, change: Change) -> tuple[float, float, float]:
    """First x after a change and the ends of its interval, from the single observations around it.

    The place is that of the best two lines; its interval that of `curvefit.changepoints`, and every place whose lines fit hardly
    worse.
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
    ends = (
        [(place.interval.low, place.interval.high)] if place.interval is not None else [(float(place.value or at), at)]
    )
    near = step_ends(y / largest) if largest > 0 else None  # of a few noisy values the law of large samples is too sure
    if near is not None:
        ends.append((float(x[near[0] - 1]), float(x[near[1]])))
    return at, min(at, *(low for low, _ in ends)), max(at, *(high for _, high in ends))
