"""Mixtures of Student-t distributions with four degrees of freedom: everything in closed form but the quantiles.

With t = x / sqrt(x^2 + 4) the distribution function is F(x) = 1/2 + 3/4 (t - t^3/3) and the density 3/8 (1 - t^2)^(5/2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .batch import Floats, Ints

__all__ = ["Mixture", "t4_cdf", "t4_pdf", "t4_quantile"]

_BLOCK = 1 << 13  # quantiles solved at a time: their arrays stay in the cache
_SMALL_ENOUGH = 4096  # points times components that are evaluated in one go
_TOGETHER = 3  # steps for all; those that need more go on alone
_MOST = 100  # hardly any needs more than 6; the rest is for components that differ a billion times in scale
_SMALL = 1e-6  # scales: a step as short is the last


def t4_cdf(x: Floats) -> Floats:
    """Distribution function of Student's t with four degrees of freedom; accurate in the lower tail."""
    size = np.abs(np.clip(x, -1e75, 1e75))
    root = np.sqrt(size * size + 4.0)
    gap = 4.0 / (root * (root + size))  # 1 - t without cancellation
    tail = 0.25 * gap * gap * (3.0 - gap)  # 1/2 - 3/4 (t - t^3/3)
    cdf: Floats = np.where(np.asarray(x) < 0, tail, 1 - tail)
    return cdf


def t4_pdf(x: Floats) -> Floats:
    """Density of Student's t with four degrees of freedom."""
    pdf: Floats = 0.375 * (1 + np.square(x) / 4) ** -2.5
    return pdf


def t4_quantile(level: Floats) -> Floats:
    """Quantile of Student's t with four degrees of freedom, in closed form."""
    p = np.asarray(level, dtype=np.float64)
    tail = np.minimum(p, 1 - p)
    root = np.sqrt(4 * tail * (1 - tail))
    square = 4 * np.cos(np.arccos(np.minimum(root, 1.0)) / 3) / np.where(root > 0, root, 1.0)
    size = np.sqrt(np.maximum(square - 4, 0.0))
    size = size + (t4_cdf(-size) - tail) / t4_pdf(size)  # one Newton step: near the median the difference above cancels
    quantile: Floats = np.where(root > 0, np.where(p < 0.5, -size, size), np.where(p < 0.5, -np.inf, np.inf))
    return quantile


@dataclass(frozen=True, slots=True)
class _Levels:
    """What depends on the levels alone; those above one half are sought in the mirror, where they are lower tails.

    Parameters
    ----------
    order : ndarray of int, slice, shape (L,)
        Levels from the smallest to the largest.
    mirror, goal : ndarray, shape (L, 1)
        -1 for levels above one half, else 1; probability of the lower tail.
    own : ndarray, shape (L, 1)
        Quantiles of Student's t.
    v : ndarray, shape (L, 1)
        See `_Steps`.
    """

    order: Ints | slice
    mirror: Floats
    goal: Floats
    own: Floats
    v: Floats


@lru_cache(maxsize=32)
def _levels(raw: bytes) -> _Levels:
    levels = np.frombuffer(raw)
    mirror = np.where(levels > 0.5, -1.0, 1.0)[:, None]
    goal = np.minimum(levels, 1 - levels)[:, None]
    step = np.diff(levels)
    order: Ints | slice = np.argsort(levels, kind="stable")
    if (step > 0).all():
        order = slice(None)
    elif (step < 0).all():
        order = slice(None, None, -1)
    return _Levels(order, mirror, goal, t4_quantile(goal), _v(goal, 1 - goal))


def _v(p: Floats, rest: Floats) -> Floats:
    """R - 1/r with r the fourth root of the odds."""
    root = np.sqrt(np.sqrt(p / rest))
    v: Floats = root - 1 / root
    return v


@dataclass(frozen=True, slots=True)
class Mixture:
    """Mixtures over J components, for N curves and H points each.

    Parameters
    ----------
    location, scale, weight : ndarray, shape (N, H, J)
        Of the components; scales > 0, weights >= 0 and 1 in sum.
    stretch : ndarray, shape (N, H, 2), optional
        Factors > 0 by which distances below and above the median are stretched.
    """

    location: Floats
    scale: Floats
    weight: Floats
    stretch: Floats | None = None
    _known: dict[str, Floats] = field(default_factory=dict, repr=False, compare=False)

    @property
    def median(self) -> Floats:
        """Medians, shape (N, H), solved once."""
        if "median" not in self._known:
            self._known["median"] = self._quantile(np.array([0.5]))[..., 0]
        return self._known["median"]

    def stretched(self, factors: Floats) -> Mixture:
        """The same mixture, stretched about its median by factors of shape (N, H, 2) below and above it."""
        return Mixture(self.location, self.scale, self.weight, factors, self._known)

    def rows(self, rows: NDArray[np.bool_] | Ints | slice) -> Mixture:
        """The mixtures of some curves."""
        stretch = None if self.stretch is None else self.stretch[rows]
        known = {k: v[rows] for k, v in self._known.items()}
        return Mixture(self.location[rows], self.scale[rows], self.weight[rows], stretch, known)

    def columns(self, columns: Ints) -> Mixture:
        """The mixtures at some of the future points."""
        stretch = None if self.stretch is None else self.stretch[:, columns]
        known = {k: v[:, columns] for k, v in self._known.items()}
        location, scale, weight = (a[:, columns] for a in (self.location, self.scale, self.weight))
        return Mixture(location, scale, weight, stretch, known)

    def cdf(self, z: Floats) -> Floats:
        """P(Z <= z) for z of shape (N, H, m)."""
        z, _ = self._relaxed(z)
        out = np.zeros(z.shape)
        for j in range(self.weight.shape[2]):
            standard = (z - self.location[..., j, None]) / self.scale[..., j, None]
            out += self.weight[..., j, None] * t4_cdf(standard)
        return np.minimum(out, 1.0)

    def survival(self, z: Floats) -> Floats:
        """P(Z > z), accurate in the upper tail."""
        stretch = None if self.stretch is None else self.stretch[..., ::-1]
        known = {k: -v for k, v in self._known.items()}
        return Mixture(-self.location, self.scale, self.weight, stretch, known).cdf(-z)

    def pdf(self, z: Floats) -> Floats:
        """Density at z of shape (N, H, m)."""
        z, factor = self._relaxed(z)
        out = np.zeros(z.shape)
        for j in range(self.weight.shape[2]):
            scale = self.scale[..., j, None]
            out += self.weight[..., j, None] / scale * t4_pdf((z - self.location[..., j, None]) / scale)
        density: Floats = out / factor
        return density

    def _relaxed(self, z: Floats) -> tuple[Floats, Floats | float]:
        """Points of the mixture before it was stretched, and the factor there."""
        if self.stretch is None:
            return z, 1.0
        median = self.median[..., None]
        factor = np.where(z < median, self.stretch[..., :1], self.stretch[..., 1:])
        return median + (z - median) / factor, factor

    def quantile(self, levels: Floats) -> Floats:
        """Quantiles, shape (N, H, L): bisection between the components' own, then Newton steps kept inside.

        The bracket only ever shrinks, so the result is as exact as the distribution function.
        """
        levels = np.asarray(levels, dtype=np.float64)
        if self.stretch is None:
            return self._quantile(levels)
        if "median" in self._known:
            q = self._quantile(levels)
        elif (middle := np.flatnonzero(levels == 0.5)).size:
            q = self._quantile(levels)
            self._known["median"] = q[..., middle[0]]
        else:  # solved together with the others
            q = self._quantile(np.append(levels, 0.5))
            self._known["median"], q = q[..., -1], q[..., :-1]
        median = self._known["median"][..., None]
        stretched: Floats = median + (q - median) * np.where(levels < 0.5, self.stretch[..., :1], self.stretch[..., 1:])
        return stretched

    def _quantile(self, levels: Floats) -> Floats:
        rows, points, components = self.weight.shape
        location, scale, weight = (
            np.ascontiguousarray(a.reshape(-1, components).T) for a in (self.location, self.scale, self.weight)
        )
        asked = _levels(levels.tobytes())
        out = np.empty((rows * points, levels.size))
        block = max(1, _BLOCK // max(levels.size, 1))
        for start in range(0, rows * points, block):
            part = slice(start, start + block)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                out[part] = _quantiles(location[:, part], scale[:, part], weight[:, part], asked).T
        quantiles = out.reshape(rows, points, levels.size)
        some = quantiles[..., asked.order]  # rounding could undo their order by one unit in the last place
        quantiles[..., asked.order] = np.maximum.accumulate(some, axis=-1)
        return quantiles


def _quantiles(location: Floats, scale: Floats, weight: Floats, levels: _Levels) -> Floats:
    """Quantiles, shape (L, R), of R mixtures whose components have shape (J, R)."""
    mirror, own = levels.mirror, levels.own
    shape = (len(mirror), location.shape[1])
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    for m, s, w in zip(location, scale, weight, strict=True):
        of_component = mirror * m + s * own
        if not w.all():
            used = w > 0
            np.minimum(low, of_component, out=low, where=used)
            np.maximum(high, of_component, out=high, where=used)
        else:
            np.minimum(low, of_component, out=low)
            np.maximum(high, of_component, out=high)
    middle = (weight * location).sum(axis=0)
    width = np.sqrt((weight * (scale * scale + (location - middle) ** 2)).sum(axis=0))
    z = np.minimum(np.maximum(mirror * middle + width * own, low), high)
    steps = _Steps(location, scale, weight, mirror, levels.goal, levels.v)
    sizes = np.where(weight > 0, scale, np.inf).min(axis=0)
    size = high - low
    short = _SMALL * sizes
    if steps.small:
        for _ in range(_TOGETHER):
            z, low, high, size, good = steps.take(z, low, high, size)
        done = _finished(z, low, high, size, good, short)
        for _ in range(_MOST):
            if done.all():
                break
            new, low, high, size, good = steps.take(z, low, high, size)
            z = np.where(done, z, new)
            done |= _finished(new, low, high, size, good, short)
        return np.asarray(mirror * z)
    for _ in range(_TOGETHER):
        z, low, high, size, good = steps.take(z, low, high, size)
    flat = z.reshape(-1)
    left = np.flatnonzero(~_finished(z, low, high, size, good, short))  # only those that are not done go on
    state = np.stack([a.reshape(-1)[left] for a in (z, low, high, size)])
    for _ in range(_MOST):
        if not left.size:
            break
        level, row = np.divmod(left, shape[1])
        few = _Steps(
            location[:, row], scale[:, row], weight[:, row], mirror[level, 0], levels.goal[level, 0], levels.v[level, 0]
        )
        *found, good = few.take(state[0], state[1], state[2], state[3])
        finished = _finished(found[0], found[1], found[2], found[3], good, short[row])
        flat[left] = found[0]
        left, state = left[~finished], np.stack(found)[:, ~finished]
    quantiles: Floats = mirror * z
    return quantiles


def _finished(
    z: Floats, low: Floats, high: Floats, size: Floats, good: NDArray[np.bool_], short: Floats
) -> NDArray[np.bool_]:
    """Which points need no further step: a short one of Newton's leaves an error of the order of its square."""
    done: NDArray[np.bool_] = good & (size <= short)
    if not done.all():
        rounding = 4e-16 * np.abs(z)
        done |= (size <= rounding) | (high - low <= rounding)
    return done


class _Steps:
    """Newton steps towards F(z) = p in v = r - 1/r with r = (F / (1 - F))^(1/4).

    For a Student-t with four degrees of freedom v is nearly linear in z from tail to tail, so that steps are few.
    """

    def __init__(
        self, location: Floats, scale: Floats, weight: Floats, mirror: Floats, goal: Floats, v: Floats
    ) -> None:
        self.small = location.size * mirror.size <= _SMALL_ENOUGH
        inverse = 1 / scale
        share, density = 0.25 * weight, 3.0 * weight * inverse  # a fourth, as the steps need it
        if self.small and mirror.ndim == 2:  # levels are rows
            location, inverse, share, density = (a[:, None] for a in (location, inverse, share, density))
        self._location = mirror * location if self.small else [mirror * m for m in location]
        self._inverse, self._share, self._density = inverse, share, density
        self._goal, self._v = goal, v
        span = location.max() - location.min() + scale.max()
        self._clip = not bool(span < 1e100 * scale.min())  # squares might overflow

    def take(
        self, z: Floats, low: Floats, high: Floats, last: Floats
    ) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
        """One step: new points, brackets, lengths of the steps, and which of them are Newton's.

        A step that leaves the bracket, or is not half as long as the last one, is replaced by bisection.
        """
        total, density = self._evaluate(z)
        above = total > self._goal
        high = np.where(above, z, high)
        low = np.where(above, low, z)
        rest = 1.0 - total
        root = np.sqrt(np.sqrt(total / rest))
        inverse = 1.0 / root
        step = (self._v - root + inverse) * (total * rest) / ((root + inverse) * density)
        new = z + step
        good = (new >= low) & (new <= high) & (np.abs(step) <= 0.5 * last)
        new = np.where(good, new, 0.5 * (low + high))
        return new, low, high, np.abs(new - z), good

    def _evaluate(self, z: Floats) -> tuple[Floats, Floats]:
        """Distribution function and a fourth of the density: with t = x / sqrt(x^2 + 4) the former is (1 + t)^2 (2 - t) / 4."""
        if self.small:  # all components at once: what counts is the number of calls
            x = (z - self._location) * self._inverse
            if self._clip:
                np.clip(x, -1e150, 1e150, out=x)
            r = 1.0 / np.sqrt(x * x + 4.0)
            x *= r
            a = x + 1.0
            a = a * a * (2.0 - x) * self._share
            r2 = r * r
            return np.add.reduce(a, axis=0), np.add.reduce(r * r2 * r2 * self._density, axis=0)
        total, density = np.zeros(z.shape), np.zeros(z.shape)
        x, r, a = np.empty(z.shape), np.empty(z.shape), np.empty(z.shape)
        for m, inverse, share, mass in zip(self._location, self._inverse, self._share, self._density, strict=True):
            np.subtract(z, m, out=x)
            x *= inverse
            if self._clip:
                np.clip(x, -1e150, 1e150, out=x)
            np.multiply(x, x, out=r)
            r += 4.0
            np.sqrt(r, out=r)
            np.divide(1.0, r, out=r)
            x *= r  # t
            np.add(x, 1.0, out=a)
            a *= a
            np.subtract(2.0, x, out=x)
            a *= x
            a *= share
            total += a
            np.multiply(r, r, out=x)
            r *= x
            r *= x
            r *= mass
            density += r
        return total, density
