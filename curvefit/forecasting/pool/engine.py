"""From curves to predictive distributions: the whole pool, many curves at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._rows import LARGEST
from .batch import Chunk, Floats, Ints, Task, chunks
from .experts import Experts, consult
from .link import Link
from .mixture import Mixture
from .opinion import Opinion
from .prior import CONSTANT, FEW, stated_prior
from .view import View, look

__all__ = ["CONSTANT", "FEW", "SEEN", "Pooled", "Pooling", "cdf_of", "pool", "quantiles_of"]

SEEN = 0  # rests on the curve; FEW and CONSTANT rest on a stated prior

Pooling = Callable[[View, Experts], Opinion]


@dataclass(frozen=True, slots=True)
class Pooled:
    """Predictive distributions of one chunk of curves.

    Parameters
    ----------
    index, asked : ndarray of int, shape (N,)
        Place among the tasks, and number of future x.
    link : Link
        Between z and values.
    level : ndarray, shape (N,)
        Origin of z.
    observation, underlying : Mixture
        Of z relative to the level, for a new observation and for the underlying mean.
    now : ndarray, shape (N,)
        Mean curve at the last x, relative to the level.
    noise : ndarray, shape (N,)
        Observation noise in z.
    reasons : ndarray, shape (N, 3)
        See `Opinion`; NaN where the distribution is a stated prior.
    basis : ndarray of int, shape (N,)
        SEEN, FEW or CONSTANT: what the distribution rests on.
    h : ndarray, shape (N, H)
        Future x over the last x.
    """

    index: Ints
    asked: Ints
    link: Link
    level: Floats
    observation: Mixture
    underlying: Mixture
    now: Floats
    noise: Floats
    reasons: Floats
    basis: Ints
    h: Floats

    def noise_sd(self, z: Floats) -> Floats:
        """Observation noise in the unit of the metric where the mean is z, shape (N,)."""
        with np.errstate(over="ignore"):
            sd: Floats = np.minimum(self.noise * self.link.slope(z), LARGEST)
        return sd

    def quantile(
        self, levels: Floats, *, underlying: bool = False, columns: Ints | None = None, rows: Ints | None = None
    ) -> Floats:
        """Quantiles in the unit of the metric, shape (N, H, L), or (N, k, L) at k of the H future points.

        Of all curves, or of some rows.
        """
        mixture, link, level = self.part(underlying, columns, rows)
        return quantiles_of(mixture, link, level, np.asarray(levels, dtype=np.float64))

    def cdf(self, values: Floats, rows: Ints, *, underlying: bool = False, columns: Ints | None = None) -> Floats:
        """P(Y <= v) of some rows at some or all of the future points, for v of shape (rows, k, m)."""
        return cdf_of(*self.part(underlying, columns, rows), values)

    def part(self, underlying: bool, columns: Ints | None, rows: Ints | None) -> tuple[Mixture, Link, Floats]:
        """Mixture, link and level of some rows at some columns."""
        mixture, link, level = self.underlying if underlying else self.observation, self.link, self.level
        few = rows is not None and columns is not None and len(rows) * self.h.shape[1] < len(level) * len(columns)
        if columns is not None and not few:
            mixture, link = mixture.columns(columns), link.columns(columns)
        if rows is not None:
            mixture, link, level = mixture.rows(rows), link.rows(rows), level[rows]
        if columns is not None and few:  # what leaves less over is cut out first
            mixture, link = mixture.columns(columns), link.columns(columns)
        return mixture, link, level


def quantiles_of(mixture: Mixture, link: Link, level: Floats, levels: Floats) -> Floats:
    """Quantiles in the unit of the metric, shape (N, H, L), of mixtures of z relative to a level."""
    rising = link.sign > 0
    if rising.all():
        z = mixture.quantile(levels)
    elif not rising.any():
        z = mixture.quantile(1 - levels)
    else:
        z = np.empty((*mixture.weight.shape[:2], levels.size))
        z[rising] = mixture.rows(rising).quantile(levels)
        z[~rising] = mixture.rows(~rising).quantile(1 - levels)
    return link.backward(z + level[:, None, None])


def cdf_of(mixture: Mixture, link: Link, level: Floats, values: Floats) -> Floats:
    """P(Y <= v) for v of shape (N, H, m), of mixtures of z relative to a level."""
    floor, ceiling = link.floor[:, None, None], np.minimum(link.ceiling, LARGEST)[..., None]
    below, above = values < floor, values >= ceiling
    inside = np.where(below | above, link.origin[:, None, None], values)
    z = link.forward(inside.reshape(len(level), -1)).reshape(values.shape) - level[:, None, None]
    rising = link.sign > 0
    if rising.all():
        p = mixture.cdf(z)
    elif not rising.any():
        p = mixture.survival(z)
    else:
        p = np.empty(z.shape)
        p[rising] = mixture.rows(rising).cdf(z[rising])
        p[~rising] = mixture.rows(~rising).survival(z[~rising])
    kept: Floats = np.where(below, 0.0, np.where(above, 1.0, p))
    return kept


def pool(tasks: Sequence[Task], pooling: Pooling) -> Iterator[Pooled]:
    """Predictive distributions of all tasks, chunk by chunk, in no particular order."""
    for chunk in chunks(tasks):
        yield _pool_chunk(chunk, pooling)


def _pool_chunk(chunk: Chunk, pooling: Pooling) -> Pooled:
    link = Link.of(chunk)
    g = link.forward(chunk.y)
    basis = np.where(np.ptp(g, axis=1) > 0, SEEN, CONSTANT)
    basis = np.where(chunk.size < 3, FEW, basis)
    seen = basis == SEEN
    h = np.maximum(chunk.ahead / chunk.x[:, -1:], 1.0)
    if seen.all():
        return _seen(chunk, link, g, pooling, seen, basis)
    prior = stated_prior(chunk, link, g, basis, h)
    level = g[:, -1].copy()
    now, noise = np.zeros(len(level)), prior.noise.copy()
    reasons = np.full((len(level), 3), np.nan)
    observation, underlying = prior.observation, prior.underlying
    if seen.any():
        part = _seen(chunk, link, g, pooling, seen, basis)
        observation = _merged(observation, part.observation, seen)
        underlying = _merged(underlying, part.underlying, seen)
        level[seen], now[seen], noise[seen], reasons[seen] = part.level, part.now, part.noise, part.reasons
    return Pooled(chunk.index, chunk.asked, link, level, observation, underlying, now, noise, reasons, basis, h)


def _seen(chunk: Chunk, link: Link, g: Floats, pooling: Pooling, rows: NDArray[np.bool_], basis: Ints) -> Pooled:
    view = look(chunk, rows, link, g)
    experts = consult(view.fits, view.backtests, view.h, view.unit, view.noise, view.last)
    opinion = pooling(view, experts)
    now = (experts.weight[:, 0, :30] * view.fits.present()).sum(
        axis=1
    ) * view.unit  # the last value's share counts as the level, which is 0
    return Pooled(
        chunk.index[rows],
        chunk.asked[rows],
        view.link,
        view.level,
        opinion.observation,
        opinion.underlying,
        now,
        view.noise,
        opinion.reasons,
        basis[rows],
        view.h,
    )


def _merged(base: Mixture, part: Mixture, rows: NDArray[np.bool_]) -> Mixture:
    """The base with some rows replaced; components are filled up with weight 0."""
    count = part.weight.shape[2]
    shape = (*base.weight.shape[:2], max(count, base.weight.shape[2]))
    location, scale, weight = np.zeros(shape), np.ones(shape), np.zeros(shape)
    own = base.weight.shape[2]
    location[..., :own], scale[..., :own], weight[..., :own] = base.location, base.scale, base.weight
    weight[rows] = 0
    location[rows, :, :count], scale[rows, :, :count] = part.location, part.scale
    weight[rows, :, :count] = part.weight
    if part.stretch is None:
        return Mixture(location, scale, weight)
    stretch = np.ones((*shape[:2], 2))
    stretch[rows] = part.stretch
    return Mixture(location, scale, weight, stretch)
