"""How curves are boiled down: bins, trend and noise, for all curves of one layout at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ._correlation import Likelihood, likelihoods, settled_each
from ._phases import Phase
from ._rows import MAD, clipped, medians, medians_of_five, rough_sds, slow_changes
from ._trace import LEAST, RAW, Span, Trace, local_means, oriented
from ._trend import fitted, pieces

__all__ = ["trace", "traces"]

Array = NDArray[np.float64]
_Bounds = tuple[tuple[int, int], ...]

BINS = 64
_TOGETHER = 1 << 18  # observations that are worked on at once
_LATE = 50_000  # observations whose roughness is looked at


def trace(curve: Curve, phases: Sequence[Phase]) -> Trace | None:
    """Boil a curve down; None when it has fewer than 8 finite points or no direction."""
    return traces([curve], [phases])[0]


def traces(curves: Sequence[Curve], phases: Sequence[Sequence[Phase]]) -> list[Trace | None]:
    """Boil curves down, those with the same number of points and changes of phase at once.

    Parameters
    ----------
    curves : sequence of Curve
        With 8 finite points and a direction, else None is returned in their place.
    phases : sequence of sequences of Phase
        Of the learning rate of each curve.
    """
    out: list[Trace | None] = [None] * len(curves)
    groups: dict[tuple[int, _Bounds, tuple[Phase, ...]], list[int]] = {}
    for i, (curve, known) in enumerate(zip(curves, phases, strict=True)):
        if curve.direction is not None and len(curve) >= LEAST:
            bounds = tuple(tuple(np.searchsorted(curve.x, (phase.start, phase.stop)).tolist()) for phase in known)
            groups.setdefault((len(curve), bounds, tuple(known)), []).append(i)
    for (n, bounds, known), members in groups.items():
        edges, spans = _edges(n, bounds, known)
        most = max(_TOGETHER // n, 1)
        for at in range(0, len(members), most):
            some = members[at : at + most]
            for i, found in zip(some, _boiled([curves[i] for i in some], edges, spans), strict=True):
                out[i] = found
    return out


def _boiled(curves: list[Curve], edges: NDArray[np.intp], spans: tuple[Span, ...]) -> list[Trace]:
    """Traces of curves of one layout."""
    raw = oriented(curves[0])[None, :] if len(curves) == 1 else np.stack([oriented(c) for c in curves])
    counts = np.diff(edges)
    y = raw.copy() if counts.max() == 1 else _robust_bins(raw, edges)
    start = raw[:, 0] - 3 * rough_sds(raw[:, 1:][:, -_LATE:])
    floor = 1e-12 * np.max(np.abs(y), axis=1)
    tamed = _tamed(y)
    local = local_means(tamed, spans)
    middle = (edges[:-1] + edges[1:] - 1) / 2.0
    shown = np.ceil(middle).astype(np.intp)  # of an observation, which a checkpoint may belong to
    uneven = np.sqrt(np.median(counts) / counts)
    layouts: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for row, parts in enumerate(pieces(y, [s.start for s in spans])):
        layouts.setdefault(parts, []).append(row)
    out: dict[int, Trace] = {}
    for parts, rows in layouts.items():
        smooth, weight, noise, rho, high, like = _noise(y[rows], parts, uneven, floor[rows])
        for k, row in enumerate(rows):
            out[row] = Trace(
                x=curves[row].x[shown],
                at=middle,
                y=tamed[row],
                trend=smooth[k],
                local=local[row],
                weight=weight[k],
                noise=float(noise[k]),
                rho=float(rho[k]),
                rho_high=float(high[k]),
                dof=max(like[k].free - 1, 1),
                spans=spans,
                pieces=parts,
                sign=1.0 if curves[row].direction == "min" else -1.0,
                count=raw.shape[1],
                start=float(start[row]),
                like=like[k],
            )
    return [out[row] for row in range(len(curves))]


def _noise(
    y: Array, parts: tuple[tuple[int, int], ...], uneven: Array, floor: Array
) -> tuple[Array, Array, Array, Array, Array, list[Likelihood]]:
    """Trend, relative size of each bin's noise, size of the innovations, their correlation, that with caution, and likelihoods."""
    smooth, designs, kept = fitted(y, parts)
    inside, outside = np.flatnonzero(kept), np.flatnonzero(~kept)
    residual = (y - smooth)[:, inside]
    weight = np.ones(y.shape)
    weight[:, inside] = slow_changes(residual)
    if outside.size:  # on a line between the nearest ones, level before the first
        after = np.minimum(np.searchsorted(inside, outside), inside.size - 1)
        before = np.maximum(after - 1, 0)
        share = np.clip((outside - inside[before]) / np.maximum(inside[after] - inside[before], 1), 0.0, 1.0)
        low, high = weight[:, inside[before]], weight[:, inside[after]]
        weight[:, outside] = low + share * (high - low)
    weight *= uneven
    inner = weight[:, inside]
    scaled = residual / inner
    spread = MAD * medians(np.abs(scaled))
    scaled = clipped(scaled, np.where(spread > 0, 4 * spread, np.inf))
    ends = np.cumsum([0, *(q.shape[1] for q in designs)]).tolist()
    like = likelihoods(
        [scaled[:, i:j] for i, j in pairwise(ends)],
        [q / inner[:, i:j, None] for q, (i, j) in zip(designs, pairwise(ends), strict=True)],
    )
    rho, caution, noise = settled_each([one.log for one in like], like)
    return smooth, weight, np.maximum(noise, floor), rho, caution, like


@lru_cache(maxsize=256)
def _edges(n: int, bounds: _Bounds, phases: tuple[Phase, ...]) -> tuple[NDArray[np.intp], tuple[Span, ...]]:
    """Bin edges in observations; no bin reaches across a change of phase."""
    bins = n if n <= RAW else BINS
    edges = [0]
    spans: list[Span] = []
    for phase, (a, b) in zip(phases, bounds, strict=True):
        if b <= a:
            continue
        k = min(b - a, max(round(bins * (b - a) / n), 4))
        first = len(edges) - 1
        edges.extend(np.linspace(a, b, k + 1).round().astype(int)[1:].tolist())
        spans.append(Span(first, len(edges) - 1, phase))
    out = np.array(edges, dtype=np.intp)
    out.flags.writeable = False
    return out, tuple(spans)


def _robust_bins(y: Array, edges: NDArray[np.intp]) -> Array:
    """Mean of each bin of every row after pulling values in to six robust standard deviations about the bins' medians."""
    counts = np.diff(edges)
    if counts.max() < 3:
        return np.asarray(np.add.reduceat(y, edges[:-1], axis=1) / counts, dtype=np.float64)
    middles = _medians_of(y, edges, counts)
    base = np.repeat(middles, counts, axis=1)
    off = y - base
    reach = 6 * MAD * medians(np.abs(off[:, :: max(off.shape[1] // 50_000, 1)]))[:, None]
    if counts.size > 1:  # the slope inside a bin is not an outlier
        slope = np.empty(middles.shape)
        slope[:, 1:-1] = np.abs(middles[:, 2:] - middles[:, :-2]) / 2
        slope[:, 0], slope[:, -1] = np.abs(middles[:, 1] - middles[:, 0]), np.abs(middles[:, -1] - middles[:, -2])
        reach = reach + np.repeat(slope, counts, axis=1)
    off = np.minimum(np.maximum(off, -reach), reach)
    return np.asarray(middles + np.add.reduceat(off, edges[:-1], axis=1) / counts, dtype=np.float64)


def _medians_of(y: Array, edges: NDArray[np.intp], counts: NDArray[np.intp]) -> Array:
    """Median of each bin of every row."""
    most = int(counts.max())
    if most >= 1000:
        return np.stack([medians(y[:, a:b]) for a, b in pairwise(edges.tolist())], axis=1)
    inside = np.arange(most)[None, :] < counts[:, None]
    ranked = np.full((y.shape[0], counts.size, most), np.inf)  # one sort for all bins
    ranked[:, inside] = y
    ranked.sort(axis=-1)
    bins = np.arange(counts.size)
    return np.asarray((ranked[:, bins, (counts - 1) // 2] + ranked[:, bins, counts // 2]) / 2)


def _tamed(y: Array) -> Array:
    """Values pulled in to 4.5 robust standard deviations about the running median of five; monotone ones stay as they are."""
    m = y.shape[1]
    if m < 5:
        return y
    middle = y.copy()
    for i in (1, m - 2):
        middle[:, i] = np.median(y[:, i - 1 : i + 2], axis=1)
    middle[:, 2:-2] = medians_of_five(y)
    off = y - middle
    size = np.sort(np.abs(off), axis=1)
    still = np.count_nonzero(size == 0, axis=1)
    rows = np.arange(y.shape[0])
    # the middle one of five is its own median one time in five; those zeros say nothing about the spread
    low, high = (still + m - 1) // 2, (still + m) // 2
    moved = 0.5 * (size[rows, np.minimum(low, m - 1)] + size[rows, np.minimum(high, m - 1)])
    return np.asarray(middle + clipped(off, 4.5 * MAD * moved))
