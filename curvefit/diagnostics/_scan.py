"""Tests for a slope under serially correlated noise, at a known place or the best of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._trace import Trace

__all__ = ["Rise", "line", "rise", "step", "student_tail"]

Array = NDArray[np.float64]

WINDOWS = 8.0  # windows of a scan over all starting points that are worth as many independent ones
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
    r"""Test for a rise (or fall) that reaches to ``stop``, over all starting points.

    .. math:: T = \max_c \hat b_c / \mathrm{se}(\hat b_c), \qquad p = 8\,P(t_\nu > T)

    with b_c the generalized least-squares slope of bins c to ``stop`` under AR(1) noise.

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
    Under any decreasing mean the slopes have expectation at most 0, whatever the shape of the decrease, so that only
    the noise matters. Its correlation is taken 1.5 standard errors above the estimate.
    """
    if stop - start < SHORTEST:
        return None
    starts = np.unique(np.linspace(start, stop - SHORTEST, min(stop - SHORTEST - start + 1, 48)).round().astype(int))
    slope, variance = _slopes(trace, starts, stop)
    t = (-slope if down else slope) / np.sqrt(variance)
    best = int(np.argmax(t))
    p = min(1.0, WINDOWS * student_tail(float(t[best]), trace.dof))
    return Rise(p, float(t[best]), int(starts[best]), stop)


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
    """Generalized least-squares size of a step at a known bin beside one line, and its standard error.

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
        None when fewer than 3 bins lie on a side.
    """
    if at - start < 3 or stop - at < 3:
        return None
    rho, w = trace.rho_high, trace.weight[start:stop]
    t = trace.at[start:stop] - trace.at[at]
    design = np.column_stack([np.ones(t.size), t / max(float(np.ptp(t)), 1.0), t >= 0])
    y = trace.y[start:stop] - trace.y[start]

    def whitened(v: Array) -> Array:
        scale = w if v.ndim == 1 else w[:, None]
        first = np.sqrt(1 - rho**2) * v[:1]
        return np.concatenate([first, v[1:] - rho * v[:-1]]) / scale

    q, r = np.linalg.qr(whitened(design))
    if abs(r[2, 2]) < 1e-12:
        return None
    size = float((q.T @ whitened(y))[2] / r[2, 2])
    return size, float(trace.noise / abs(r[2, 2]))
