"""Tests for a slope under serially correlated noise, at a known place or the best of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ._trace import Trace, decays

__all__ = ["Rise", "line", "rise", "rises", "step", "student_tail", "weighted_fit"]

Array = NDArray[np.float64]

WINDOWS = 4.0  # a scan is worth as many independent shapes, at a correlation taken larger than it is
SHORTEST = 5  # bins
_TOGETHER = 32  # curves that are looked at together


@dataclass(frozen=True, slots=True)
class Rise:
    """The most significant rise from some bin to the end of a window.

    Parameters
    ----------
    p_value : float
        Of no rise anywhere (one-sided, the search paid for).
    t : float
        Student statistic of the slope.
    start, stop : int
        Bins.
    """

    p_value: float
    t: float
    start: int
    stop: int


def student_tail(t: float, dof: float) -> float:
    """P(T > t) for Student's t."""
    from scipy.special import stdtr

    return float(stdtr(dof, -t))


def rise(trace: Trace, start: int, stop: int, *, down: bool = False) -> Rise | None:
    r"""Test for a rise (or fall) that reaches to ``stop``: level from some bin b, climbing from some bin c on.

    .. math:: T = \max_{b \le c} \frac{\hat\beta_{bc}}{\mathrm{se}(\hat\beta_{bc})}, \qquad
              y_i = a + \beta\,(t_i - t_c)_+ + e_i \;(i \ge b), \qquad p = 4\,P(t_\nu > T)

    by weighted least squares, with the standard error that AR(1) noise gives it.

    Parameters
    ----------
    trace : Trace
        The curve.
    start, stop : int
        Bins to search; None is returned when fewer than 5 lie between them.
    down : bool
        Look for a fall instead.

    Notes
    -----
    Under any decreasing mean the coefficients have expectation at most 0 whatever the shape of the decrease (a decreasing
    and an increasing sequence are never positively correlated), so that only the noise matters. This is why the
    estimate does not use the correlation: generalized least squares would turn the tail of a smooth decay into a rise.
    The correlation is that of `Trace.rho_high`.
    """
    return rises([trace], start, stop, down=down)[0]


def rises(traces: Sequence[Trace], start: int, stop: int, *, down: bool = False) -> list[Rise | None]:
    """`rise` of curves with the same bins."""
    out: list[Rise | None] = []
    if stop - start < SHORTEST:
        return out + [None] * len(traces)
    starts, knots = _spread_out(start, stop - SHORTEST, 24), _spread_out(start, stop - SHORTEST, 32)
    for begin in range(0, len(traces), _TOGETHER):
        some = traces[begin : begin + _TOGETHER]
        slope, stderr = _hinges(some, starts, knots, stop)
        t = np.where(stderr > 0, (-slope if down else slope) / np.where(stderr > 0, stderr, 1.0), -np.inf)
        highest = np.max(t, axis=1)
        best = np.argmax(highest, axis=1)
        for trace, knot, top in zip(some, knots[best].tolist(), np.max(highest, axis=1).tolist(), strict=True):
            out.append(Rise(min(1.0, WINDOWS * student_tail(top, trace.dof)), top, knot, stop))
    return out


@lru_cache(maxsize=512)
def _spread_out(first: int, last: int, most: int) -> NDArray[np.intp]:
    """At most that many integers from first to last, both included."""
    return np.unique(np.linspace(first, last, min(last - first + 1, most)).round().astype(np.intp))


@lru_cache(maxsize=64)
def _hinge_columns(middles: bytes, knots: bytes) -> tuple[Array, Array]:
    """Hinges at knots, shape (m, C), and their squares."""
    t = np.frombuffer(middles)
    hinge = np.maximum(t[:, None] - t[None, np.frombuffer(knots, dtype=np.intp)], 0.0)
    squares = hinge**2
    hinge.flags.writeable = squares.flags.writeable = False
    return hinge, squares


def _hinges(
    traces: Sequence[Trace], starts: NDArray[np.intp], knots: NDArray[np.intp], stop: int
) -> tuple[Array, Array]:
    """Coefficient of the hinge at each knot from each start to ``stop``, and its standard error, shape (r, starts, knots).

    The error is 0 where the knot lies before the start.
    """
    weight, y = np.stack([t.weight[:stop] for t in traces]), np.stack([t.y[:stop] for t in traces])
    w, y = 1.0 / weight**2, y - y[:, -1:]
    hinge, squared = _hinge_columns(traces[0].at[:stop].tobytes(), knots.tobytes())  # (m, C)
    since = (np.arange(stop)[:, None] >= starts).astype(np.float64)  # (m, B)
    # a hinge is 0 before its knot, so that its sums are the same from every start that counts
    total, size = (w @ since)[:, :, None], (w @ squared)[:, None]
    mean = (w @ hinge)[:, None] / total
    power = size - total * mean**2
    good = (starts[:, None] <= knots) & (power > 1e-12 * size)
    scale = np.where(good, power, 1.0)
    slope = np.where(good, (((w * y) @ hinge)[:, None] - mean * ((w * y) @ since)[:, :, None]) / scale, 0.0)
    # the estimate is linear in y, with coefficients w * (hinge - mean) / power from the start on; what innovations add up to
    # is the same from every start, but for those before it, which go on from there
    rho, noise = np.array([t.rho_high for t in traces]), np.array([t.noise for t in traces])
    columns = np.concatenate([hinge.T, np.ones((1, stop))])
    carried = ((noise[:, None] / weight)[:, None] * columns) @ decays(rho, stop)  # (r, C + 1, m)
    before = (rho**2 / (1 - rho**2))[:, None, None]
    products = carried * carried[:, -1:]
    both = products @ since + before * products[:, :, starts]  # (r, C + 1, B)
    climbing = np.einsum("rcm,rcm->rc", carried, carried)[:, :-1] + before[:, 0] * carried[:, :-1, 0] ** 2
    squares = climbing[:, None] - 2 * mean * np.swapaxes(both[:, :-1], 1, 2) + mean**2 * both[:, -1][:, :, None]
    return slope, np.where(good, np.sqrt(np.maximum(squares, 0.0)) / scale, 0.0)


def _noise_root(trace: Trace, stop: int) -> Array:
    """A square root R of the covariance R R' of the first bins: AR(1), with the size of each bin."""
    rho = trace.rho_high
    root = decays(np.array([rho]), stop)[0]
    root[:, 0] /= np.sqrt(1 - rho**2)
    out: Array = trace.noise * trace.weight[:stop, None] * root
    return out


def weighted_fit(trace: Trace, start: int, stop: int, design: Array) -> tuple[Array, Array]:
    """Weighted least squares of bins ``start`` to ``stop`` on the columns, and standard errors under AR(1) noise.

    Parameters
    ----------
    trace : Trace
        The curve.
    start, stop : int
        Bins used.
    design : ndarray, shape (stop - start, p)
        Columns.

    Returns
    -------
    coefficients, stderr : ndarray, shape (p,)
    """
    w = 1.0 / trace.weight[start:stop]
    q, r = np.linalg.qr(design * w[:, None])
    solve = np.linalg.solve(r, q.T) * w  # coefficients = solve @ y
    root = _noise_root(trace, stop)[start:]
    return solve @ trace.y[start:stop], np.sqrt(np.sum((solve @ root) ** 2, axis=1))


def line(trace: Trace, start: int, stop: int) -> tuple[float, float]:
    """Slope per observation of bins ``start`` to ``stop``, and its standard error."""
    t = trace.at[start:stop] - trace.at[start]
    coefficients, stderr = weighted_fit(trace, start, stop, np.column_stack([np.ones(t.size), t]))
    return float(coefficients[1]), float(stderr[1])


def step(trace: Trace, start: int, at: int, stop: int, part: float = 0.0) -> tuple[float, float] | None:
    """Size of a step at a known bin beside a curve a + b t + c ln t, and its standard error, by generalized least squares.

    Here the correlation is used: under it neighbors tell more of a step than far points do.

    Parameters
    ----------
    trace : Trace
        The curve.
    start, stop : int
        Bins used.
    at : int
        First bin after the step.
    part : float
        Share of the bin before that which lies after the step.

    Returns
    -------
    (float, float) or None
        None when fewer than 4 bins lie on a side.
    """
    if at - start < 4 or stop - at < 4:
        return None
    t = trace.at[start:stop] - trace.at[at]
    curve = np.log(trace.at[start:stop] + 1.0)
    after = (t >= 0).astype(np.float64)
    after[at - 1 - start] = part
    design = np.column_stack([np.ones(t.size), t / max(float(np.ptp(t)), 1.0), curve - curve[0], after])
    if np.linalg.matrix_rank(design) < 4:
        return None
    rho, w = trace.rho_high, trace.weight[start:stop]

    def whitened(v: Array) -> Array:
        v = v / (w if v.ndim == 1 else w[:, None])
        out: Array = np.concatenate([np.sqrt(1 - rho**2) * v[:1], v[1:] - rho * v[:-1]])
        return out

    q, r = np.linalg.qr(whitened(design))
    size = float((q.T @ whitened(trace.y[start:stop] - trace.y[start]))[3] / r[3, 3])
    return size, float(trace.noise / abs(r[3, 3]))
