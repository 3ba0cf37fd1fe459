"""Monotone laws with and without a bump, on one grid, solved for many responses at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BumpDesign", "BumpFit", "whiten"]

Array = NDArray[np.float64]


def whiten(columns: Array, rho: float) -> Array:
    """Columns after the AR(1) filter that makes the noise white (Prais and Winsten 1954)."""
    out = columns.copy()
    out[1:] -= rho * columns[:-1]
    out[0] *= np.sqrt(1 - rho * rho)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class BumpFit:
    """Best fits of B responses.

    Parameters
    ----------
    rss0, rss1 : ndarray, shape (B,)
        Residual sums of squares of the best monotone law, and of the best law with a rising bump.
    law0 : ndarray of int, shape (B,)
        Which monotone law was best alone.
    law, place : ndarray of int, shape (B,)
        Which law and bump were best together; law0 and -1 where no bump rises.
    """

    rss0: Array
    rss1: Array
    law0: NDArray[np.intp]
    law: NDArray[np.intp]
    place: NDArray[np.intp]

    def statistic(self, n: int) -> Array:
        """Likelihood-ratio statistic n log(rss0 / rss1), shape (B,)."""
        return np.asarray(n * np.log(np.maximum(self.rss0, 1e-300) / np.maximum(self.rss1, 1e-300)))


@dataclass(frozen=True, slots=True, eq=False)
class BumpDesign:
    """Grid of decreasing laws phi_g and bumps b_m over scaled x in (0, 1].

    Laws: exp(-(u/tau)^beta) and power laws (u + d)^-a, scaled to run from 1 to 0 over the data, and the straight line.
    Each carries the derivatives by its two shape parameters, so that a law between two nodes of the grid is fitted to
    first order and its misfit is not taken for a bump. Bumps: Gaussian in the chosen axis.

    Parameters
    ----------
    laws : ndarray, shape (n, G)
        One column per law.
    tangents : ndarray, shape (G, n, 2)
        Derivatives of each law by its shape.
    bumps : ndarray, shape (n, M)
        One column per bump, peak height 1.
    rises : ndarray, shape (G, M)
        Least ratio height / amplitude at which law g plus bump m has a rise.
    centers, widths : ndarray, shape (M,)
        Of the bumps, on the axis.
    axis : ndarray, shape (n,)
        Where the points are on it.
    """

    laws: Array
    tangents: Array
    bumps: Array
    rises: Array
    centers: Array
    widths: Array
    axis: Array

    @classmethod
    def on(cls, u: Array, axis: Array) -> BumpDesign:
        """Build the grid on points u (scaled to (0, 1]) whose axis coordinate (u or its logarithm) is given."""
        shapes: list[tuple[Callable[[Array, float, float], Array], float, float]] = [
            (_stretched, np.log(tau), beta)
            for tau in np.geomspace(max(float(u[0]), 1e-3), 3.0, 12)
            for beta in (0.5, 1.0, 2.0)
        ]
        shapes += [(_power, a, d) for d in (0.0, 0.05) for a in (0.25, 0.5, 1.0, 2.0)] + [(_line, 0.0, 0.0)]
        laws, tangents = [], []
        for law, p, q in shapes:
            v = law(u, p, q)
            low, high = float(v.min()), float(v.max())
            if high - low <= 1e-9 * max(abs(high), 1e-300):
                continue
            step = 1e-4
            pair = [(law(u, p + step, q) - v) / step, (law(u, p, q + step) - v) / step]
            laws.append((v - low) / (high - low))
            tangents.append(np.column_stack(pair) / (high - low))
        matrix = np.column_stack(laws)
        span = float(axis[-1] - axis[0])
        grid = [
            (axis[0] + f * span, w * span)
            for w in (0.025, 0.05, 0.09, 0.15, 0.25)
            for f in np.arange(0.08, 0.96, max(w / 1.5, 0.03))
        ]
        centers, widths = np.array([g[0] for g in grid]), np.array([g[1] for g in grid])
        bumps = np.exp(-0.5 * ((axis[:, None] - centers) / widths) ** 2)
        # d law / d bump over each step where the bump climbs: the bump must outrun the law somewhere
        climb = np.diff(bumps, axis=0)
        fall = -np.diff(matrix, axis=0)
        rises = np.full((matrix.shape[1], centers.size), np.inf)
        for m in range(centers.size):
            up = climb[:, m] > 1e-9
            if np.any(up):
                rises[:, m] = np.min(np.maximum(fall[up], 0.0) / climb[up, m][:, None], axis=0)
        return cls(matrix, np.stack(tangents), bumps, rises, centers, widths, axis)

    def fit(self, y: Array, rho: float = 0.0) -> BumpFit:
        """Fit responses of shape (n, B), whitened with one correlation."""
        n, b = y.shape
        response = whiten(y, rho)
        one = whiten(np.ones((n, 1)), rho)
        one = one / np.linalg.norm(one)
        bumps = whiten(self.bumps, rho)
        bumps = bumps - one @ (one.T @ bumps)
        response = response - one @ (one.T @ response)
        total = np.sum(response**2, axis=0)
        power = np.sum(bumps**2, axis=0)
        cross = bumps.T @ response  # (M, B)
        columns = np.arange(b)
        rss0, law0 = np.full(b, np.inf), np.zeros(b, dtype=np.intp)
        rss1, law, place = np.full(b, np.inf), np.zeros(b, dtype=np.intp), np.full(b, -1, dtype=np.intp)
        for g in range(self.laws.shape[1]):
            main = whiten(self.laws[:, [g]], rho)
            side = whiten(self.tangents[g], rho)
            # amplitude and shape together: tangents first, so that the law's own part is what they leave
            q = _orthonormal(np.column_stack([one, main, side]))[:, 1:]
            along = q.T @ response
            explained = np.sum(along**2, axis=0)
            falls = (main - one @ (one.T @ main))[:, 0] @ response > 0
            rss = np.where(falls, total - explained, np.inf)
            better = rss < rss0
            rss0, law0 = np.where(better, rss, rss0), np.where(better, g, law0)
            shared = bumps.T @ q  # (M, 3)
            rest = np.maximum(power - np.sum(shared**2, axis=1), 1e-9 * power)
            part = cross - shared @ along
            height = part / rest[:, None]
            amplitude = np.abs(np.sum(along * (q.T @ main), axis=0) / float(np.sum((q.T @ main) ** 2)))
            ok = (height > 0) & (height > amplitude * self.rises[g][:, None]) & falls
            rss = np.where(ok, total - explained - part * height, np.inf)
            best = np.argmin(rss, axis=0)
            value = rss[best, columns]
            better = value < rss1
            rss1 = np.where(better, value, rss1)
            law, place = np.where(better, g, law), np.where(better, best, place)
        lost = ~np.isfinite(rss0)
        rss0, rss1 = np.where(lost, total, rss0), np.minimum(rss1, np.where(lost, total, rss0))
        place = np.where(rss1 < rss0, place, -1)
        law = np.where(place >= 0, law, law0)
        return BumpFit(rss0, rss1, law0, law, place)

    def curve(self, v: Array, law: int, place: int, rho: float = 0.0, steps: int = 0) -> Array:
        """Fitted curve of one response, of the law alone where place is -1; shape (n,)."""
        return self.refined(v, law, place, rho, steps)[0]

    def refined(self, v: Array, law: int, place: int, rho: float, steps: int) -> tuple[Array, float, float]:
        """Fitted curve, shape (n,), and the center and width of its bump on the axis (nan where there is none).

        The center and width of a bump leave the grid by at most so many Gauss-Newton steps, each of which improves.
        """
        base = [np.ones((v.size, 1)), self.laws[:, [law]], self.tangents[law]]
        if place < 0:
            return _project(np.column_stack(base), v, rho)[0], np.nan, np.nan
        center, width = float(self.centers[place]), float(self.widths[place])
        fitted, rss, best = np.zeros_like(v), np.inf, (center, width)
        first, last = float(self.axis[0]), float(self.axis[-1])
        for _ in range(1 + steps):
            z = (self.axis - center) / width
            b = np.exp(-0.5 * z * z)
            trial, coefficients = _project(np.column_stack([*base, b]), v, rho)
            value = float(np.sum(whiten((v - trial)[:, None], rho) ** 2))
            if value >= rss * (1 - 1e-9) or coefficients[-1] <= 0:
                break
            fitted, rss, best = trial, value, (center, width)
            if not steps:
                break
            _, full = _project(np.column_stack([*base, b, b * z / width, b * z * z]), v, rho)
            height = max(float(full[-3]), 0.5 * float(coefficients[-1]))
            center = float(np.clip(center + np.clip(full[-2] / height, -0.3 * width, 0.3 * width), first, last))
            width = width * float(np.exp(np.clip(full[-1] / height, -0.2, 0.2)))
            width = float(np.clip(width, 0.5 * self.widths.min(), 1.5 * self.widths.max()))
        return fitted, *best


def _stretched(u: Array, p: float, q: float) -> Array:
    return np.asarray(np.exp(-((u / np.exp(p)) ** q)))


def _power(u: Array, p: float, q: float) -> Array:
    return np.asarray((u + q) ** -p)


def _line(u: Array, p: float, q: float) -> Array:
    return np.asarray(-u + p * u**2 + q * u**3)


def _orthonormal(columns: Array) -> Array:
    q, r = np.linalg.qr(columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-300))
    keep = np.abs(np.diag(r)) > 1e-9
    keep[0] = True
    return np.asarray(q[:, keep])


def _project(columns: Array, v: Array, rho: float) -> tuple[Array, Array]:
    """Generalized least squares: fitted values and coefficients."""
    norms = np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    scaled = columns / norms
    beta = np.linalg.lstsq(whiten(scaled, rho), whiten(v[:, None], rho)[:, 0], rcond=1e-10)[0]
    return np.asarray(scaled @ beta), np.asarray(beta / norms)
