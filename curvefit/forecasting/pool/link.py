"""From values to an unbounded scale on which larger is better, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._rows import LARGEST, quantile_of_last, within
from .batch import Chunk, Floats, Ints

__all__ = ["IDENTITY", "LOG", "LOGIT", "Link"]

IDENTITY, LOG, LOGIT = 0, 1, 2
_EDGE = 0.005  # offset of the logit: an accuracy of exactly 0 or 1 stays finite
_LARGEST_LOGIT = float(np.log((1 - 1e-6 + _EDGE) / (1e-6 + _EDGE)))


@dataclass(frozen=True, slots=True)
class Link:
    """z = s g(y), per row: log(y + d) for losses, logit for bounded scores, (y - y_last)/range else.

    Parameters
    ----------
    kind : ndarray of int, shape (N,)
        IDENTITY, LOG or LOGIT.
    sign : ndarray, shape (N,)
        s: +1 when larger is better, else -1.
    origin, scale : ndarray, shape (N,)
        Identity: y_last and half the range; log: 0 and d = 1e-3 times the 90 % quantile; logit: lower bound and its width.
    floor, ceiling : ndarray, shape (N,) and (N, H)
        Values the forecast is kept within.
    """

    kind: Ints
    sign: Floats
    origin: Floats
    scale: Floats
    floor: Floats
    ceiling: Floats

    @classmethod
    def of(cls, chunk: Chunk) -> Link:
        """The links of a chunk, chosen from the observed values alone."""
        y, size = chunk.y, chunk.size
        lowest, highest = y.min(axis=1), y.max(axis=1)
        half = highest / 2 - lowest / 2  # halved: the range of values near the largest float is not one
        inside = chunk.bounded & (lowest >= chunk.low) & (highest <= chunk.low + chunk.width)
        offset = np.zeros(len(size))
        losses = chunk.positive & ~inside & (lowest >= 0)
        if losses.all():
            offset = 1e-3 * quantile_of_last(y, size, 0.9)
        elif losses.any():
            offset[losses] = 1e-3 * quantile_of_last(y[losses], size[losses], 0.9)
        log = losses & (offset > 0)
        kind = np.where(inside, LOGIT, np.where(log, LOG, IDENTITY))
        origin = np.where(inside, chunk.low, np.where(log, 0.0, y[:, -1]))
        cap = _cap(chunk, log & (chunk.size > 2) & (half > 0))
        size_of = np.maximum(np.abs(lowest), np.abs(highest)) / 2  # values that do not vary have only their size
        half = np.where(half > 0, half, np.where(size_of > 0, size_of, 0.5))
        scale = np.where(inside, chunk.width, np.where(log, offset, half))
        floor = np.where(inside, chunk.low, np.where(losses, 0.0, -np.inf))
        top = np.where(inside, chunk.low + chunk.width, np.inf)
        return cls(kind, chunk.sign, origin, scale, floor, np.minimum(top[:, None], cap))

    def rows(self, rows: NDArray[np.bool_] | Ints | slice) -> Link:
        """The links of some rows."""
        return Link(
            self.kind[rows],
            self.sign[rows],
            self.origin[rows],
            self.scale[rows],
            self.floor[rows],
            self.ceiling[rows],
        )

    def columns(self, columns: Ints) -> Link:
        """The links at some of the future points."""
        return Link(self.kind, self.sign, self.origin, self.scale, self.floor, self.ceiling[:, columns])

    def forward(self, y: Floats) -> Floats:
        """Z of values, shape (N, m)."""
        s, a, b = (v[:, None] for v in (self.sign, self.origin, self.scale))
        kind = self.kind[:, None]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if (self.kind == LOG).all():
                g = np.log(y + b)
            elif (self.kind == IDENTITY).all():
                g = (y / 2 - a / 2) / b
            else:
                t = (y - a) / b
                g = np.where(
                    kind == LOG,
                    np.log(y + b),
                    np.where(kind == LOGIT, np.log((t + _EDGE) / (1 - t + _EDGE)), (y / 2 - a / 2) / b),
                )
        z: Floats = np.multiply(s, g)
        return z

    def backward(self, z: Floats) -> Floats:
        """Values of z, shape (N, H, ...), kept between floor and ceiling."""
        extra = (slice(None),) + (None,) * (z.ndim - 1)
        s, a, b, floor = (v[extra] for v in (self.sign, self.origin, self.scale, self.floor))
        kind = self.kind[extra]
        g = s * z
        with np.errstate(over="ignore", invalid="ignore"):
            if (self.kind == LOG).all():
                y = np.exp(np.minimum(g, 709.0)) - b
            elif (self.kind == IDENTITY).all():
                y = 2 * (a / 2 + b * g)
            else:
                t = np.exp(np.minimum(np.where(kind == IDENTITY, 0.0, g), 709.0))
                share = np.where(t < 1e300, ((1 + _EDGE) * t - _EDGE) / (1 + t), 1.0 + _EDGE)
                y = np.where(kind == LOG, t - b, np.where(kind == LOGIT, a + b * share, 2 * (a / 2 + b * g)))
        top = self.ceiling.reshape(self.ceiling.shape + (1,) * (z.ndim - 2))
        return within(within(y, floor, top), -LARGEST, LARGEST)

    def best(self) -> Floats:
        """Largest z that is a value inside the bounds, shape (N,): a thousandth of the offset above 0 for losses.

        A forecast whose median lies beyond it would be certain of the bound itself.
        """
        at_bound = np.log1p(1e-3) + np.log(np.where(self.kind == LOG, self.scale, 1.0))
        return np.where(self.kind == LOG, -at_bound, np.where(self.kind == LOGIT, _LARGEST_LOGIT, np.inf))

    def slope(self, z: Floats) -> Floats:
        """dy/dz without its sign, at z of shape (N,), for small differences such as the noise."""
        g = self.sign * z
        if (self.kind == LOG).all():
            return np.exp(np.minimum(g, 700.0))
        with np.errstate(over="ignore", invalid="ignore"):
            t = np.exp(np.minimum(np.where(self.kind == IDENTITY, 0.0, g), 700.0))
            logit = self.scale * (1 + 2 * _EDGE) * np.where(t < 1e150, t / (1 + t) ** 2, 0.0)
            linear = np.minimum(2 * self.scale, LARGEST)
        return np.where(self.kind == LOG, t, np.where(self.kind == LOGIT, logit, linear))


def _cap(chunk: Chunk, log: NDArray[np.bool_]) -> Floats:
    """Largest value of a loss at each future x: max y + a range, or recent max + b recent range, if that is less.

    With a = 1.2 h - 1 between 1 and 1.4 and b = max(h - .5, min(2.4 h - 2.2, 2.6)), and never below the last value. On a
    log scale the upper tail has no mean; a loss rises no faster than its own past suggests. A line that rises from the
    origin gains (h - 1) of its range and 2 (h - 1) of that of its second half: up to h = 2 both limits leave room for it.
    Below eight points the first limit alone holds: the range of the latest rests on two to four of them.
    """
    cap = np.full(chunk.ahead.shape, np.inf)
    if log.any():
        some = slice(None) if log.all() else log
        x, y = chunk.x[some], chunk.y[some]
        u, h = x / x[:, -1:], chunk.ahead[some] / x[:, -1:]
        recent = u >= 0.5 - 1e-9
        top = np.where(recent, y, -np.inf).max(axis=1)
        low = np.where(recent, y, np.inf).min(axis=1)
        highest = y.max(axis=1)
        with np.errstate(over="ignore"):
            whole = highest[:, None] + within(1.2 * h - 1, 1.0, 1.4) * (highest - y.min(axis=1))[:, None]
            latest = top[:, None] + np.maximum(h - 0.5, np.minimum(2.4 * h - 2.2, 2.6)) * (top - low)[:, None]
            limit = np.where((chunk.size[some] < 8)[:, None], whole, np.minimum(whole, latest))
        cap[some] = np.maximum(limit, y[:, -1:])
    return cap
