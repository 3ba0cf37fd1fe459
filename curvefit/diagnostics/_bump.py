"""A bump beside a falling law: whether there is one in a boiled-down curve, and where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..segmentation._bump_design import BumpDesign
from ..segmentation._noise import noise_paths
from ._trace import Trace
from ._trend import MAD

__all__ = ["Bump", "bump"]

Array = NDArray[np.float64]

_CORRELATIONS = (0.0, 0.2, 0.4, 0.6, 0.75, 0.87, 0.94, 0.98)
_SHORT, _STEEP = 140.0, 4.5  # how much larger the statistic of no bump is on few bins, and under correlation
_STEPS = 4  # by which a bump leaves the grid
_DRAWS = 199
_FITTED = 8  # numbers that law, bump and correlation take from the residuals


@dataclass(frozen=True, slots=True, eq=False)
class Bump:
    """The best bump beside the best falling law.

    Parameters
    ----------
    p_value : float
        Of no bump.
    statistic : float
        Twice the logarithm of the ratio of likelihoods.
    rho : float
        Correlation of neighboring bins about law and bump.
    minimum, peak, recovery : float
        In observations; nan where the curve does not come back to the minimum before its end.
    rise, fall : float
        Of the fitted curve, up to the peak and down from it; 0 where it does not rise.
    noise : float
        Standard deviation of the innovations of a bin about law and bump.
    intervals : ndarray, shape (3, 2)
        Ends of the 95 % intervals of the three places; nan where there is none.
    """

    p_value: float
    statistic: float
    rho: float
    minimum: float
    peak: float
    recovery: float
    rise: float
    fall: float
    noise: float
    intervals: Array


def bump(trace: Trace, alpha: float) -> Bump | None:
    r"""Likelihood-ratio test of a falling law against the law and a bump, each with the correlation that suits it best.

    .. math:: T = 2 \max_\rho \ell_1(\rho) - 2 \max_\rho \ell_0(\rho), \qquad
              p = \exp\!\left(\frac{140}{m} + 4.5\,\hat\rho_1 - \frac T2\right)

    on m bins with AR(1) noise. The place and width of a bump mean nothing where there is none, so that T has no
    chi-squared law. The constants follow the tail of T simulated for laws of many shapes: p < .01 in under .5 % of
    curves with white noise and in 2 to 6 % of those with correlations of .8 to .95, of most of which the data themselves
    do not rise and fall, which `curvefit.diagnostics.rules.double_descent` asks for besides.

    Parameters
    ----------
    trace : Trace
        The curve.
    alpha : float
        Places get intervals only where p is smaller; they are from redrawn noise about law and bump.

    Returns
    -------
    Bump or None
        None where the values do not vary or no bump improves on a law.
    """
    m = len(trace)
    scale, middle = float(np.std(trace.y)), float(np.mean(trace.y))
    if not scale > 0:
        return None
    design = _design(trace.at.tobytes(), trace.count)
    v = (trace.y - middle) / scale
    best0, best1, fitted = -np.inf, -np.inf, None
    for rho in _CORRELATIONS:
        fit = design.fit(v[:, None], rho)
        own = 0.5 * float(np.log(1 - rho**2))
        likelihood = [own - 0.5 * m * float(np.log(max(rss[0], 1e-28))) for rss in (fit.rss0, fit.rss1)]
        best0 = max(best0, likelihood[0])
        if fit.place[0] >= 0 and likelihood[1] > best1:
            best1, fitted = likelihood[1], (rho, fit)
    if fitted is None:
        return None
    rho, fit = fitted
    statistic = 2 * (max(best0, best1) - best0)
    p_value = float(np.exp(min(_SHORT / m + _STEEP * rho - statistic / 2, 0.0)))
    curve, center, width = design.refined_many(v[:, None], fit.law, fit.place, rho, _STEPS)
    seen = _features(design.axis, curve, center, width)[:, 0]
    intervals = np.full((3, 2), np.nan)
    if p_value < alpha and seen[3] > 0:
        intervals = _intervals(design, v, curve[:, 0], int(fit.law[0]), int(fit.place[0]), rho)
    shocks = np.diff(v - curve[:, 0]) + (1 - rho) * (v - curve[:, 0])[:-1]
    at = trace.count * seen[:3] - 1.0
    return Bump(
        p_value=p_value,
        statistic=statistic,
        rho=rho,
        minimum=float(at[0]),
        peak=float(at[1]),
        recovery=float(at[2]),
        rise=float(seen[3] * scale),
        fall=float(seen[4] * scale),
        noise=scale * MAD * float(np.median(np.abs(shocks))),
        intervals=trace.count * intervals - 1.0,
    )


@lru_cache(maxsize=16)
def _design(at: bytes, count: int) -> BumpDesign:
    u = (np.frombuffer(at) + 1.0) / count
    return BumpDesign.on(u, u)


def _features(axis: Array, curves: Array, centers: Array, widths: Array) -> Array:
    """First minimum, peak, recovery (on the axis), rise and fall of curves of shape (m, B); shape (5, B)."""
    out = np.full((5, curves.shape[1]), np.nan)
    out[3:] = 0.0
    rises = curves - np.minimum.accumulate(curves, axis=0)
    for j, (f, rise, center, width) in enumerate(zip(curves.T, rises.T, centers, widths, strict=True)):
        beside = np.where(np.abs(axis - center) <= 1.5 * width, rise, 0.0)
        peak = int(np.argmax(beside))
        if beside[peak] <= 0:
            continue
        low = int(np.argmin(f[: peak + 1]))
        back = np.flatnonzero(f[peak:] <= f[low])
        recovery = _crossed(axis, f, peak + int(back[0]), f[low]) if back.size else np.nan
        out[:, j] = _turned(axis, f, low), _turned(axis, f, peak), recovery, beside[peak], f[peak] - f[peak:].min()
    return out


def _turned(axis: Array, f: Array, i: int) -> float:
    """Where the parabola through a lowest or highest value and its neighbors turns."""
    if not 0 < i < f.size - 1:
        return float(axis[i])
    one, two = (f[i] - f[i - 1]) / (axis[i] - axis[i - 1]), (f[i + 1] - f[i]) / (axis[i + 1] - axis[i])
    if one * two >= 0:
        return float(axis[i])
    first, last = (axis[i - 1] + axis[i]) / 2, (axis[i] + axis[i + 1]) / 2
    return float(first + (last - first) * one / (one - two))


def _crossed(axis: Array, f: Array, i: int, level: float) -> float:
    """Where the line from the value before comes down to a level."""
    fall = float(f[i - 1] - f[i])
    return float(axis[i] - (axis[i] - axis[i - 1]) * (level - f[i]) / fall) if fall > 0 else float(axis[i])


def _intervals(design: BumpDesign, v: Array, curve: Array, law: int, place: int, rho: float) -> Array:
    """Where the three places lie in 95 of 100 curves drawn anew about the fitted one, and half a bin on either side."""
    rng = np.random.default_rng(0)
    rest = v - curve
    shocks = rest[1:] - rho * rest[:-1]
    shocks = (shocks - shocks.mean()) * np.sqrt(v.size / max(v.size - _FITTED, 1))
    drawn = rng.choice(shocks, (v.size, _DRAWS)) / max(float(np.sqrt(1 - rho**2)), 1e-9)
    resolved = float(np.median(np.diff(design.axis))) / 2
    worlds = curve[:, None] + noise_paths(np.full(_DRAWS, rho), drawn)
    every = np.full(_DRAWS, 1, dtype=np.intp)
    fitted = design.refined_many(worlds, law * every, place * every, rho, _STEPS)
    found = _features(design.axis, *fitted)[:3]
    out = np.full((3, 2), np.nan)
    for i, values in enumerate(found):
        seen = values[np.isfinite(values)]
        if seen.size > _DRAWS / 2:
            out[i] = np.quantile(seen, [0.025, 0.975]) + np.array([-resolved, resolved])
    return out
