"""Search coordinates of the shape parameters, their limits, and the grid a search starts from."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..models import Array, Model
from ._sample import Points

__all__ = ["coordinates", "grid", "limits", "nodes", "shapes", "valleys"]

_MAX_NODES = 4096


def coordinates(model: Model, theta: Array) -> Array:
    """Search coordinates ``ln(theta + offset)`` of shapes, along the last axis."""
    out: Array = np.log(theta + model.axes[2])
    return out


def shapes(model: Model, t: Array) -> Array:
    """Shapes of search coordinates, along the last axis; exact on the limits of the search."""
    low, high, offset = model.axes
    theta = np.exp(t) - offset
    out: Array = np.where(theta <= low + 1e-12 * (low + offset), low, np.minimum(theta, high))
    return out


def limits(model: Model, points: Points) -> tuple[Array, Array]:
    """Search limits in search coordinates, shape (S,) each; exponents are capped where x^-alpha would overflow."""
    low, high, _ = model.axes
    if model.domain == "positive":
        cap = 300.0 / max(-math.log(min(float(points.u[0]), 1.0)), 1e-300)
        high = np.array([min(h, cap) if s.unit == "" else h for h, s in zip(high, model.shape, strict=True)])
        low = np.minimum(low, high * 0.5)
    return coordinates(model, low), coordinates(model, high)


def nodes(model: Model, points: Points) -> Array:
    """Starting grid in search coordinates, shape (G, S)."""
    return grid(model, *(tuple(edge.tolist()) for edge in limits(model, points)))[0]


@lru_cache(maxsize=256)
def grid(model: Model, low: tuple[float, ...], high: tuple[float, ...]) -> tuple[Array, tuple[int, ...]]:
    """Product of the starting values of all shapes, shape (G, S), and its extent along each."""
    if not model.shape:
        return np.zeros((1, 0)), ()
    axes = []
    for s, least, most in zip(model.shape, low, high, strict=True):
        start = np.log(np.array(s.grid) + s.offset)
        axes.append(np.unique(np.minimum(np.maximum(start, least), most)))
    while math.prod(a.size for a in axes) > _MAX_NODES:
        longest = int(np.argmax([a.size for a in axes]))
        axes[longest] = axes[longest][::2]
    out = np.array(list(itertools.product(*axes)))
    out.flags.writeable = False
    return out, tuple(a.size for a in axes)


def valleys(rss: Array, extent: tuple[int, ...]) -> NDArray[np.intp]:
    """Local minima of a grid, lowest first; neighbors touch by a side or a corner."""
    values = rss.reshape(extent)
    least = values
    for k in range(len(extent)):
        inner = np.moveaxis(least, k, 0)
        out = inner.copy()
        out[1:] = np.minimum(out[1:], inner[:-1])
        out[:-1] = np.minimum(out[:-1], inner[1:])
        least = np.moveaxis(out, 0, k)
    found = np.flatnonzero((values <= least) & np.isfinite(values))
    return found[np.argsort(rss[found], kind="stable")]
