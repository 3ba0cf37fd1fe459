"""The robust smooth trend of a boiled-down curve, piece by piece, and how the size of its noise changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ._rows import MAD, clipped, medians, slow_changes

__all__ = ["MAD", "fitted", "pieces", "slow_change", "trend", "trends"]

Array = NDArray[np.float64]

_LEAD = 2  # bins at the start of a piece that no trend is asked to follow
_SCALES = (0.025, 0.25, 10.0)
_JUMPS = 8  # candidates for a sudden jump that are looked at


@lru_cache(maxsize=2048)
def _basis(n: int, p: int, offset: float) -> Array:
    """Orthonormal polynomials in ``log(position + offset)``: a small offset is steep at the start, a large one even."""
    s = np.log1p(np.arange(n) / max(offset * n, 1.0))
    u = 2 * s / s[-1] - 1 if n > 1 else np.zeros(n)
    q: Array = np.linalg.qr(np.polynomial.chebyshev.chebvander(u, p - 1))[0]
    q.flags.writeable = False
    return q


@lru_cache(maxsize=1024)
def _bases(n: int, p: int, scales: int) -> tuple[Array, Array]:
    """Those of several scales, shape (s, n, p), and the same transposed."""
    q = np.stack([_basis(n, p, offset) for offset in _SCALES[:scales]])
    back = np.ascontiguousarray(np.swapaxes(q, 1, 2))
    q.flags.writeable = back.flags.writeable = False
    return q, back


def pieces(y: Array, starts: Collection[int]) -> list[tuple[tuple[int, int], ...]]:
    """Bins of each row between phases and between sudden jumps: one bad jump would otherwise pass for noise everywhere.

    A jump is a change of the median of three bins that stands far out of the differences between bins and dwarfs the
    changes beside it, in which a steep start differs.

    Parameters
    ----------
    y : ndarray, shape (r, m)
        Bins of each curve.
    starts : collection of int
        First bins of the phases.
    """
    m = y.shape[1]
    smooth = tuple(pairwise(sorted({*starts, m})))
    out = [smooth] * y.shape[0]
    if m < 16:
        return out
    # of bins i, i + 1, i + 2
    low, high = np.minimum(y[:, :-2], y[:, 1:-1]), np.maximum(y[:, :-2], y[:, 1:-1])
    middle = np.maximum(low, np.minimum(high, y[:, 2:]))
    change = np.abs(middle[:, 3:] - middle[:, :-3])  # between bins i..i+2 and i+3..i+5: a jump before bin i + 3
    bent = y[:, 2:] - y[:, 1:-1] - (y[:, 1:-1] - y[:, :-2])
    typical = MAD * medians(np.abs(bent)) / np.sqrt(6.0)
    for row in np.flatnonzero(np.max(change, axis=1) > 8 * typical).tolist():
        cuts = _cuts(y[row], change[row], 8 * float(typical[row]), {*starts, m})
        out[row] = tuple(pairwise(sorted(cuts)))
    return out


def _cuts(y: Array, change: Array, least: float, cuts: set[int]) -> set[int]:
    """The cuts there are and one at every jump."""
    order = np.argsort(-change)[:_JUMPS]
    for i in order.tolist():
        far = np.concatenate((change[max(i - 6, 0) : max(i - 2, 0)], change[i + 3 : i + 7]))
        at = i + 3
        near = any(abs(at - c) < 4 for c in cuts)
        if change[i] > least and change[i] > 4 * float(np.max(far, initial=0.0)) and i >= 3 and not near:
            cuts.add(i + 2 + int(np.argmax(np.abs(np.diff(y[i + 1 : i + 5])))))
    return cuts


def trend(y: Array, parts: Sequence[tuple[int, int]]) -> tuple[Array, int, NDArray[np.bool_]]:
    """`trends` of one curve."""
    out, total, kept = trends(y[None, :], parts)
    return out[0], total, kept


def trends(y: Array, parts: Sequence[tuple[int, int]]) -> tuple[Array, int, NDArray[np.bool_]]:
    """Trend of each piece of every row, how many parameters it took, and which bins it uses: see `fitted`."""
    out, designs, kept = fitted(y, parts)
    return out, sum(q.shape[2] for q in designs), kept


def fitted(y: Array, parts: Sequence[tuple[int, int]]) -> tuple[Array, list[Array], NDArray[np.bool_]]:
    """Trend of each piece by least squares with outliers pulled in, the columns of each piece, and which bins it uses.

    The first two bins of a piece are left as they are: what bends there faster than a trend can is neither noise nor
    correlation. Of three scales of position, from logarithmic to even, the one that leaves least is taken.

    Parameters
    ----------
    y : ndarray, shape (r, m)
        Bins of each curve.
    parts : sequence of (int, int)
        The pieces that all of them have.
    """
    out = y.copy()
    kept = np.ones(y.shape[1], bool)
    designs = []
    for i, (start, stop) in enumerate(parts):
        lead = _LEAD if stop - start >= 4 * _LEAD else 0
        kept[start : start + lead] = False
        n = stop - start - lead
        # a later piece often falls and then turns: a line would leave that to the noise
        p = max(min(max(n // 6, min(n // 2, 3)), 8) if i == 0 else min(max(n // 5, min(n // 3, 2)), 4), 1)
        q, back = _bases(n, p, 3 if n >= 24 or i else 2)
        out[:, start + lead : stop], best = _robust_fit(y[:, start + lead : stop], q, back)
        designs.append(q[best])
    return out, designs, kept


def _robust_fit(y: Array, q: Array, back: Array) -> tuple[Array, NDArray[np.intp]]:
    """Projection on the columns of that q that leaves least, with values pulled in to 3.5 robust standard deviations; and which."""
    n, p = q.shape[1:]
    wide = float(np.sqrt(n / max(n - p, 1)))
    mean = (y @ q) @ back  # (scales, rows, n)
    rest = y - mean
    for _ in range(3):
        reach = 3.5 * (MAD * wide * medians(np.abs(rest)))
        new = ((mean + clipped(rest, reach)) @ q) @ back
        live = reach > 0
        mean = new if live.all() else np.where(live[..., None], new, mean)
        rest = y - mean
    reach = 3.5 * MAD * medians(np.abs(rest))
    reach[reach <= 0] = np.inf
    best = np.argmin(np.sum(clipped(rest, reach) ** 2, axis=-1), axis=0)
    still = np.max(y, axis=1) == np.min(y, axis=1)
    best[still] = 0
    out = mean[best, np.arange(y.shape[0])]
    out[still] = y[still]  # no rounding where nothing varies
    return out, best


def slow_change(residual: Array, margin: float = 1.0) -> Array:
    """`slow_changes` of one curve."""
    out: Array = slow_changes(residual[None, :], margin)[0]
    return out
