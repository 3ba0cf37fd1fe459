"""Mixtures of Student-t distributions with four degrees of freedom: everything in closed form but the quantiles.

With t = x / sqrt(x^2 + 4) the distribution function is F(x) = 1/2 + 3/4 (t - t^3/3) and the density 3/8 (1 - t^2)^(5/2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .batch import Floats, Ints

__all__ = ["Mixture", "t4_cdf", "t4_pdf", "t4_quantile"]

_BISECTIONS = 8
_NEWTON = 60  # most are done after 4; the rest is for components that differ a billion times in scale


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
        if "median" not in self._known:  # solved together with the others
            q = self._quantile(np.append(levels, 0.5))
            self._known["median"], q = q[..., -1], q[..., :-1]
        else:
            q = self._quantile(levels)
        median = self.median[..., None]
        stretched: Floats = median + (q - median) * np.where(levels < 0.5, self.stretch[..., :1], self.stretch[..., 1:])
        return stretched

    def _quantile(self, levels: Floats) -> Floats:
        own = t4_quantile(levels)
        low = np.full((*self.weight.shape[:2], levels.size), np.inf)
        high = -low
        for j in range(self.weight.shape[2]):
            of_component = self.location[..., j, None] + self.scale[..., j, None] * own
            used = self.weight[..., j, None] > 0
            low = np.where(used, np.minimum(low, of_component), low)
            high = np.where(used, np.maximum(high, of_component), high)
        shape = low.shape
        rows = np.repeat(np.arange(shape[0] * shape[1]), levels.size)
        solved = _solve(self, low.ravel(), high.ravel(), np.tile(levels, shape[0] * shape[1]), rows)
        return _ordered(solved.reshape(shape), levels)


def _solve(mixture: Mixture, low: Floats, high: Floats, goal: Floats, rows: Ints) -> Floats:
    """Roots of F = goal between low and high, one per entry; finished entries leave the loop."""
    components = mixture.weight.shape[2]
    parts = [a.reshape(-1, components).T for a in (mixture.location, mixture.scale, mixture.weight)]
    out = (low + high) / 2
    active = np.flatnonzero(high > low)
    z, lo, hi, want = out[active], low[active], high[active], goal[active]
    center, scale, weight = (a[:, rows[active]] for a in parts)
    fine = 1e-12 * scale.min(axis=0)
    for step in range(_BISECTIONS + _NEWTON):
        x = (z - center) / scale
        square = x * x + 4.0
        root = np.sqrt(square)
        size = np.abs(x)
        gap = 4.0 / (root * (root + size))
        tail = 0.25 * gap * gap * (3.0 - gap)
        excess = (weight * np.where(x < 0, tail, 1.0 - tail)).sum(axis=0) - want
        above = excess > 0
        hi = np.where(above, z, hi)
        lo = np.where(above, lo, z)
        middle = (lo + hi) / 2
        if step < _BISECTIONS:
            z = middle
            continue
        density = (weight / scale * (12.0 / (square * square * root))).sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = z - excess / density
        new = np.where((newton >= lo) & (newton <= hi), newton, middle)
        done = (np.abs(new - z) <= fine) | (hi - lo <= 4e-16 * np.abs(new))
        out[active] = new
        going = ~done
        if not going.any():
            return out
        if going.sum() < 0.7 * going.size:
            active, z, lo, hi, want = active[going], new[going], lo[going], hi[going], want[going]
            center, scale, weight, fine = center[:, going], scale[:, going], weight[:, going], fine[going]
        else:
            z = new
    out[active] = z
    return out


def _ordered(values: Floats, levels: Floats) -> Floats:
    """Quantiles non-decreasing in their level, which rounding could undo by one unit in the last place."""
    order = np.argsort(levels, kind="stable")
    values[..., order] = np.maximum.accumulate(values[..., order], axis=-1)
    return values
