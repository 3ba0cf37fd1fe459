"""Profile likelihood: every value that some accepted curve takes; asymmetric where the law is, open where data say little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...models import Array
from .._projection import project, shapes
from .._solve import Core
from ._base import Ends, Target
from ._region import Region, accepted_region, pushed

__all__ = ["profile_likelihood", "profiled"]

_ANCHORS = 6  # x at which the band of a law with several shapes is profiled exactly


def profile_likelihood(core: Core, target: Target, level: float, *, rng: np.random.Generator | None = None) -> Ends:
    r"""All values v for which the best curve with g = v fits nearly as well as the best curve.

    .. math:: \{v : \min_{g(\theta) = v} \mathrm{RSS}(\theta) \le \mathrm{RSS}_{\min} + s^2 F_{1, \nu}\}, \qquad
              \nu = n_\mathrm{eff} - p

    Parameters
    ----------
    core, target, level, rng
        As for every interval method; nothing is drawn.

    Notes
    -----
    Parameters and values of the curve are profiled alike, with the linear parameters eliminated exactly. With one shape
    parameter the search is exhaustive between the limits of the search. With several it follows profile traces from the
    optimum; a second optimum far away can be missed. A side on which the search limit itself is accepted is open: a
    parameter gets its natural limit there, an asymptote an infinite end unless it has stopped moving.

    References
    ----------
    Bates and Watts (1988), Nonlinear Regression Analysis and Its Applications, section 6.1.2. Wiley.
    """
    return profiled(core, target, accepted_region(core, level))


def profiled(core: Core, target: Target, region: Region) -> Ends:
    """Ends of the target over a region of accepted shapes."""
    if target.kind == "shape":
        return _shape(region, target)
    low, high = _extremes(region, target, -1.0), _extremes(region, target, 1.0)
    edge = np.full(target.size, bool(np.any(region.open_low | region.open_high)))
    if edge[0] and target.kind != "value":
        for values, sign in ((low, -1.0), (high, 1.0)):
            values[_runs_away(region, target, sign, values)] = sign * np.inf
    return Ends(target.outside(core, low), target.outside(core, high), edge, region.joined)


def _shape(region: Region, target: Target) -> Ends:
    j, s = target.index, region.core.model.shape[target.index]
    t = np.tile(region.best.t, (2, 1))
    t[:, j] = region.ends[j]
    found = target.outside(region.core, shapes(region.core.model, t)[:, j])
    low, high = found[:1].copy(), found[1:].copy()
    if region.open_low[j]:
        low[:] = s.low
    if region.open_high[j]:
        high[:] = s.high
    return Ends(low, high, np.array([bool(region.open_low[j] or region.open_high[j])]), region.joined)


def _extremes(region: Region, target: Target, sign: float) -> Array:
    """Furthest values over the accepted shapes, shape (m,), in the fit's units."""
    size = region.best.t.size
    if size >= 2:
        if target.size == 1:
            return np.array([pushed(region, target, sign)[0]])
        return _band(region, target, sign)
    values = sign * region.values(target, sign)
    k = np.argmax(values, axis=0)
    column = np.arange(values.shape[1])
    out: Array = values[k, column]
    if size == 1 and values.shape[0] >= 3:  # vertex of the parabola through the best node and its neighbors
        inner = np.clip(k, 1, values.shape[0] - 2)
        t = region.t[:, 0]
        t0, t1, t2 = t[inner - 1], t[inner], t[inner + 1]
        f0, f1, f2 = values[inner - 1, column], values[inner, column], values[inner + 1, column]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            d1, d2 = (f1 - f0) / (t1 - t0), (f2 - f1) / (t2 - t1)
            bend = (d2 - d1) / (t2 - t0)
            vertex = 0.5 * (t0 + t1) - d1 / (2 * bend)
            top = f0 + d1 * (vertex - t0) + bend * (vertex - t0) * (vertex - t1)
        good = (k > 0) & (k < values.shape[0] - 1) & (bend < 0) & (vertex > t0) & (vertex < t2) & (top >= out)
        out = np.asarray(np.where(good & np.isfinite(top), top, out))
    out *= sign
    return out


def _band(region: Region, target: Target, sign: float) -> Array:
    """Several shapes and many x: exact at a few x, between them the furthest of all curves found."""
    assert target.x is not None
    picks = np.unique(np.linspace(0, target.size - 1, _ANCHORS).round().astype(int))
    extra = []
    exact: dict[int, float] = {}
    for i in picks:
        single = Target("value", target.x[i : i + 1])
        exact[int(i)], t = pushed(region, single, sign)
        extra.append(t)
    t = np.concatenate([region.t, np.array(extra)])
    wide = replace(region, t=t, batch=project(region.core.model, region.points, t))
    out: Array = sign * np.max(sign * wide.values(target, sign), axis=0)
    for i, value in exact.items():
        out[i] = sign * max(sign * value, sign * out[i])
    return out


def _runs_away(region: Region, target: Target, sign: float, reached: Array) -> NDArray[np.bool_]:
    """Whether the furthest value belongs to an accepted search limit at which the target diverges."""
    values = sign * region.values(target, sign)
    center = sign * region.values(target, 0.0)[int(np.argmin(region.batch.rss))]
    away = np.zeros(values.shape[1], bool)
    level = target.kind == "limit" or target.index == 0
    for j, s in enumerate(region.core.model.shape):
        diverges = s.diverges if level else (True, True)
        for k, opened in enumerate((region.open_low[j], region.open_high[j])):
            at_limit = np.abs(region.t[:, j] - region.ends[j, k]) <= 1e-6
            if opened and diverges[k] and np.any(at_limit):
                there = np.max(values[at_limit], axis=0)
                away |= there - center > 0.5 * (sign * reached - center)
    return away
