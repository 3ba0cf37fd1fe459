"""The robust smooth trend of a boiled-down curve, piece by piece, and how the size of its noise changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAD", "fitted", "middle_of", "pieces", "slow_change", "trend"]

Array = NDArray[np.float64]

MAD = 1.482602218505602  # standard deviations per median absolute deviation, for Gaussian values
_LEAD = 2  # bins at the start of a piece that no trend is asked to follow
_SCALES = (0.025, 0.25, 10.0)
_JUMPS = 8  # candidates for a sudden jump that are looked at
_UNEVEN = float(np.log(10.0))  # noise is taken to change by at most this factor either way


@lru_cache(maxsize=2048)
def _basis(n: int, p: int, offset: float) -> Array:
    """Orthonormal polynomials in ``log(position + offset)``: a small offset is steep at the start, a large one even."""
    s = np.log1p(np.arange(n) / max(offset * n, 1.0))
    u = 2 * s / s[-1] - 1 if n > 1 else np.zeros(n)
    q: Array = np.linalg.qr(np.polynomial.chebyshev.chebvander(u, p - 1))[0]
    q.flags.writeable = False
    return q


def middle_of(values: Array) -> float:
    """Median of finite values; for a few dozen a fifth of the time that `numpy.median` takes."""
    n = values.size
    half = n // 2
    if n % 2:
        return float(np.partition(values, half)[half])
    both = np.partition(values, [half - 1, half])
    return float(0.5 * (both[half - 1] + both[half])) if n else float("nan")


def pieces(y: Array, starts: Collection[int]) -> list[tuple[int, int]]:
    """Bins between phases and between sudden jumps: one bad jump would otherwise pass for noise everywhere.

    A jump is a change of the median of three bins that stands far out of the differences between bins and dwarfs the
    changes beside it, in which a steep start differs.
    """
    cuts = {*starts, y.size}
    if y.size >= 16:
        middle = np.median(np.lib.stride_tricks.sliding_window_view(y, 3), axis=1)  # of bins i, i + 1, i + 2
        change = np.abs(middle[3:] - middle[:-3])  # between bins i..i+2 and i+3..i+5: a jump before bin i + 3
        typical = MAD * float(np.median(np.abs(np.diff(y, 2)))) / np.sqrt(6.0)
        order = np.argsort(-change)[:_JUMPS]
        for i in order.tolist():
            far = np.r_[change[max(i - 6, 0) : max(i - 2, 0)], change[i + 3 : i + 7]]
            at = i + 3
            near = any(abs(at - c) < 4 for c in cuts)
            if change[i] > 8 * typical and change[i] > 4 * float(np.max(far, initial=0.0)) and i >= 3 and not near:
                cuts.add(i + 2 + int(np.argmax(np.abs(np.diff(y[i + 1 : i + 5])))))
    ends = sorted(cuts)
    return list(pairwise(ends))


def trend(y: Array, parts: Sequence[tuple[int, int]]) -> tuple[Array, int, NDArray[np.bool_]]:
    """Trend of each piece, how many parameters it took, and which bins it uses: see `fitted`."""
    out, designs, kept = fitted(y, parts)
    return out, sum(q.shape[1] for q in designs), kept


def fitted(y: Array, parts: Sequence[tuple[int, int]]) -> tuple[Array, list[Array], NDArray[np.bool_]]:
    """Trend of each piece by least squares with outliers pulled in, the columns of each piece, and which bins it uses.

    The first two bins of a piece are left as they are: what bends there faster than a trend can is neither noise nor
    correlation. Of three scales of position, from logarithmic to even, the one that leaves least is taken.
    """
    out = y.copy()
    kept = np.ones(y.size, bool)
    designs = []
    for i, (start, stop) in enumerate(parts):
        lead = _LEAD if stop - start >= 4 * _LEAD else 0
        kept[start : start + lead] = False
        part = y[start + lead : stop]
        n = part.size
        # a later piece often falls and then turns: a line would leave that to the noise
        p = max(int(np.clip(n // 6, min(n // 2, 3), 8)) if i == 0 else int(np.clip(n // 5, min(n // 3, 2), 4)), 1)
        columns = [_basis(n, p, offset) for offset in (_SCALES if n >= 24 or i else _SCALES[:2])]
        tried = [_robust_fit(part, q) for q in columns]
        best = min(range(len(tried)), key=lambda k: tried[k][1])
        out[start + lead : stop] = tried[best][0]
        designs.append(columns[best])
    return out, designs, kept


def _robust_fit(y: Array, q: Array) -> tuple[Array, float]:
    """Projection on the columns of q with values pulled in to 3.5 robust standard deviations, and what it leaves."""
    n, p = q.shape
    if np.ptp(y) == 0:
        return y.copy(), 0.0  # no rounding where nothing varies
    mean = q @ (q.T @ y)
    rest = y - mean
    for _ in range(3):
        spread = MAD * middle_of(np.abs(rest)) * float(np.sqrt(n / max(n - p, 1)))
        if spread <= 0:
            break
        mean = q @ (q.T @ (mean + np.clip(rest, -3.5 * spread, 3.5 * spread)))
        rest = y - mean
    reach = 3.5 * MAD * middle_of(np.abs(rest))
    return mean, float(np.sum(np.clip(rest, -reach, reach) ** 2)) if reach > 0 else float(rest @ rest)


def slow_change(residual: Array, margin: float = 1.0) -> Array:
    """Size of the noise relative to its typical size: a power of the position, shrunk to none.

    Parameters
    ----------
    residual : ndarray, shape (n,)
        In order.
    margin : float
        Standard errors by which the power is shrunk towards 0.
    """
    n = residual.size
    s = np.log1p(np.arange(n) / max(n / 40, 1.0))
    s = s - s.mean()
    size = np.abs(residual)
    spread = MAD * middle_of(size)
    power = float(s @ s)
    if not (spread > 0 and power > 0):
        return np.ones(n)
    slope = float(s @ np.log(np.maximum(size / spread, 0.01))) / power
    slope = np.sign(slope) * max(abs(slope) - margin / np.sqrt(power), 0.0)
    out: Array = np.exp(np.clip(slope * s, -_UNEVEN, _UNEVEN))
    return out
