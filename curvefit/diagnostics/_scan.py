"""Tests for a slope under serially correlated noise, at a known place or the best of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._trace import Trace

__all__ = ["Rise", "line", "rise", "step", "student_tail"]

Array = NDArray[np.float64]

WINDOWS = 6.0  # a scan is worth as many independent shapes, at a correlation taken larger than it is
SHORTEST = 5  # bins


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
              y_i = a + \beta\,(t_i - t_c)_+ + e_i \;(i \ge b), \qquad p = 6\,P(t_\nu > T)

    by generalized least squares under AR(1) noise.

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
    and an increasing sequence are never positively correlated), so that only the noise matters. Its correlation is taken
    1.5 standard errors above the estimate.
    """
    if stop - start < SHORTEST:
        return None
    knots = _spread_out(start, stop - SHORTEST, 32)
    slope, variance = _hinges(trace, _spread_out(start, stop - SHORTEST, 24), knots, stop)
    t = (-slope if down else slope) / np.sqrt(variance)
    best = int(np.argmax(np.max(t, axis=0)))
    top = float(np.max(t))
    p = min(1.0, WINDOWS * student_tail(top, trace.dof))
    return Rise(p, top, int(knots[best]), stop)


def _spread_out(first: int, last: int, most: int) -> NDArray[np.intp]:
    """At most that many integers from first to last, both included."""
    return np.unique(np.linspace(first, last, min(last - first + 1, most)).round().astype(np.intp))


def _hinges(trace: Trace, starts: NDArray[np.intp], knots: NDArray[np.intp], stop: int) -> tuple[Array, Array]:
    """Coefficient of the hinge at each knot (columns) over the bins from each start (rows) to ``stop``, and variances."""
    rho = trace.rho_high
    t, w = trace.at[:stop], trace.weight[:stop]
    y = trace.y[:stop] - trace.y[stop - 1]

    def whitened(v: Array) -> Array:
        out: Array = (v[1:] - rho * v[:-1]) / w[1:]
        return out

    def tails(v: Array) -> Array:  # sums over the whitened bins after each one
        out: Array = np.r_[np.cumsum(v[::-1])[::-1], 0.0]
        return out

    wy, wo, wt = whitened(y), whitened(np.ones(stop)), whitened(t)
    oo_all, oy_all, ot_all = tails(wo * wo), tails(wo * wy), tails(wo * wt)
    tt_all, ty_all = tails(wt * wt), tails(wt * wy)
    edge = (1 - rho**2) / w[starts] ** 2
    oo, oy = (oo_all[starts] + edge)[:, None], (oy_all[starts] + edge * y[starts])[:, None]
    c = t[knots]
    hh = (tt_all[knots] - 2 * c * ot_all[knots] + c * c * oo_all[knots])[None, :]
    oh = (ot_all[knots] - c * oo_all[knots])[None, :]
    hy = (ty_all[knots] - c * oy_all[knots])[None, :]
    det = oo * hh - oh**2
    good = (starts[:, None] <= knots[None, :]) & (det > 1e-12 * oo * hh)
    safe = np.where(good, det, 1.0)
    slope = np.where(good, (oo * hy - oh * oy) / safe, 0.0)
    return slope, np.where(good, np.maximum(trace.noise**2 * oo / safe, 1e-300), np.inf)


def line(trace: Trace, start: int, stop: int) -> tuple[float, float]:
    """Generalized least-squares slope per observation of bins ``start`` to ``stop``, and its standard error."""
    slope, variance = _slopes(trace, np.array([start]), stop)
    return float(slope[0]), float(np.sqrt(variance[0]))


def _slopes(trace: Trace, starts: NDArray[np.intp], stop: int) -> tuple[Array, Array]:
    """Slopes of bins c to ``stop`` for every c in ``starts``, and their variances."""
    rho = trace.rho_high
    y, t, w = trace.y[:stop], trace.at[:stop] - trace.at[stop - 1], trace.weight[:stop]
    y = y - y[-1]
    one = np.ones(stop)

    def whitened(v: Array) -> Array:
        out: Array = (v[1:] - rho * v[:-1]) / w[1:]
        return out

    def sums(a: Array, b: Array, a0: Array, b0: Array) -> Array:
        tail = np.r_[np.cumsum((a * b)[::-1])[::-1], 0.0]
        out: Array = tail[starts] + (1 - rho**2) * a0[starts] * b0[starts] / w[starts] ** 2
        return out

    wy, wo, wt = whitened(y), whitened(one), whitened(t)
    oo, ot, tt = sums(wo, wo, one, one), sums(wo, wt, one, t), sums(wt, wt, t, t)
    oy, ty = sums(wo, wy, one, y), sums(wt, wy, t, y)
    det = np.maximum(oo * tt - ot**2, 1e-300)
    return (oo * ty - ot * oy) / det, np.maximum(trace.noise**2 * oo / det, 1e-300)


def step(trace: Trace, start: int, at: int, stop: int) -> tuple[float, float] | None:
    """Generalized least-squares size of a step at a known bin beside a curve a + b t + c ln t, and its standard error.

    Parameters
    ----------
    trace : Trace
        The curve.
    start, stop : int
        Bins used.
    at : int
        First bin after the step.

    Returns
    -------
    (float, float) or None
        None when fewer than 4 bins lie on a side.
    """
    if at - start < 4 or stop - at < 4:
        return None
    rho, w = trace.rho_high, trace.weight[start:stop]
    t = trace.at[start:stop] - trace.at[at]
    curve = np.log(trace.at[start:stop] + 1.0)
    design = np.column_stack([np.ones(t.size), t / max(float(np.ptp(t)), 1.0), curve - curve[0], t >= 0])
    y = trace.y[start:stop] - trace.y[start]

    def whitened(v: Array) -> Array:
        scale = w if v.ndim == 1 else w[:, None]
        first = np.sqrt(1 - rho**2) * v[:1]
        return np.concatenate([first, v[1:] - rho * v[:-1]]) / scale

    q, r = np.linalg.qr(whitened(design))
    if abs(r[3, 3]) < 1e-12:
        return None
    size = float((q.T @ whitened(y))[3] / r[3, 3])
    return size, float(trace.noise / abs(r[3, 3]))
