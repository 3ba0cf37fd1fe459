"""Generalized least squares of many curves, each with many columns in turn beside its own design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fits", "Whitened"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """Of every curve with each of several columns beside its design.

    Parameters
    ----------
    left : ndarray, shape (r, c)
        Residual sum of squares.
    size, scale : ndarray, shape (r, c)
        Coefficient of the column, and its precision when the noise is 1; 0 where the design spans the column.
    along : ndarray, shape (r, n, c)
        Unit vector of the column beside the design.
    share : ndarray, shape (r, c)
        What the values have of it.
    """

    left: Array
    size: Array
    scale: Array
    along: Array
    share: Array


class Whitened:
    """Values beside a design, in AR(1) noise of given sizes made white."""

    __slots__ = ("_noise", "_q", "_rho", "_top", "y")

    def __init__(self, design: Array, y: Array, noise: Array, rho: Array) -> None:
        self._noise, self._rho = noise, rho
        self._q, r = np.linalg.qr(self._whiten(design))
        self._top = np.max(np.abs(np.diagonal(r, axis1=1, axis2=2)), axis=1)
        w = self._whiten(y[:, :, None])
        self.y = (w - self._q @ (np.swapaxes(self._q, 1, 2) @ w))[:, :, 0]

    def only(self, i: int) -> Whitened:
        """One curve."""
        out = object.__new__(Whitened)
        for name in self.__slots__:
            setattr(out, name, getattr(self, name)[i : i + 1])
        return out

    def _whiten(self, v: Array) -> Array:
        v = v / self._noise[:, :, None]
        rho = self._rho[:, None, None]
        out: Array = np.concatenate([np.sqrt(1 - rho**2) * v[:, :1], v[:, 1:] - rho * v[:, :-1]], axis=1)
        return out

    def beside(self, columns: Array) -> Fits:
        """With each of the columns, shape (n, c), beside the design."""
        c = self._whiten(np.broadcast_to(columns, (self._noise.shape[0], *columns.shape)))
        size = np.sqrt(np.einsum("inc,inc->ic", c, c))
        back = np.swapaxes(self._q, 1, 2)
        c = c - self._q @ (back @ c)
        c = c - self._q @ (back @ c)  # twice is enough
        power = np.sqrt(np.einsum("inc,inc->ic", c, c))
        new = power > 1e-9 * size
        along = c / np.where(new, power, np.inf)[:, None, :]
        share = np.einsum("in,inc->ic", self.y, along)
        rest = self.y[:, :, None] - along * share[:, None, :]
        told = new & (power >= 1e-9 * np.maximum(self._top[:, None], power))
        scale = np.where(told, power, 0.0)
        return Fits(
            np.einsum("inc,inc->ic", rest, rest),
            np.where(told, share / np.where(told, power, 1.0), 0.0),
            scale,
            along,
            share,
        )
