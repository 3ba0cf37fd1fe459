"""Monotone laws with and without a bump, on one grid, solved for many responses at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["BumpDesign", "BumpFit", "whiten"]

Array = NDArray[np.float64]
_TOGETHER = 1 << 14  # numbers that are worked on at once
_KEPT = 12  # correlations for which the whitened laws of a design are kept


def whiten(columns: Array, rho: float) -> Array:
    """Columns after the AR(1) filter that makes the noise white (Prais and Winsten 1954)."""
    out = columns.copy()
    out[1:] -= rho * columns[:-1]
    out[0] *= np.sqrt(1 - rho * rho)
    return out


def _unwhiten(columns: Array, rho: float) -> Array:
    """The inverse of ``whiten``."""
    if rho == 0:
        return columns
    out = columns.copy()
    out[0] /= np.sqrt(1 - rho * rho)
    for i in range(1, out.shape[0]):
        out[i] += rho * out[i - 1]
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
class _White:
    """What a fit needs of the laws and bumps under one correlation.

    Parameters
    ----------
    one : ndarray, shape (n, 1)
        The constant, of unit length; the rest is beside it.
    laws : ndarray, shape (G, n, 3)
        Orthonormal columns of each law and its tangents.
    mains : ndarray, shape (G, 3)
        What takes those to the amplitude of the law.
    falls : ndarray, shape (n, G)
        The laws.
    bumps : ndarray, shape (n, M)
        The bumps.
    shared : ndarray, shape (G, M, 3)
        What the bumps share with the columns of each law.
    inverse : ndarray, shape (G, M)
        One over what the columns of each law leave of the bumps.
    bound : ndarray, shape (G,)
        Whether a bump beside the law must have some height to rise.
    """

    one: Array
    laws: Array
    mains: Array
    falls: Array
    bumps: Array
    shared: Array
    inverse: Array
    bound: NDArray[np.bool_]

    @classmethod
    def of(cls, design: BumpDesign, rho: float) -> _White:
        n, count = design.laws.shape
        one = whiten(np.ones((n, 1)), rho)
        one = one / np.linalg.norm(one)
        bumps = whiten(design.bumps, rho)
        bumps = bumps - one @ (one.T @ bumps)
        power = np.sum(bumps**2, axis=0)
        mains = whiten(design.laws, rho)
        # amplitude and shape together: tangents first, so that the law's own part is what they leave
        sides = whiten(np.concatenate(list(design.tangents), axis=1), rho)
        q = np.stack([_padded(np.column_stack([one, mains[:, g], sides[:, 2 * g : 2 * g + 2]])) for g in range(count)])
        back = np.swapaxes(q, 1, 2)
        own = np.einsum("gkn,ng->gk", back, mains)
        shared = np.swapaxes(back @ bumps, 1, 2)
        rest = np.maximum(power - np.sum(shared**2, axis=2), 1e-9 * power)
        return cls(
            one, q, own / np.sum(own**2, axis=1)[:, None], mains - one @ (one.T @ mains), bumps, shared, 1.0 / np.maximum(rest, 1e-300),
            np.any(design.rises > 0, axis=1),
        )  # fmt: skip


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
    kept: dict[float, _White] = field(default_factory=dict, repr=False)

    @classmethod
    def on(cls, u: Array, axis: Array) -> BumpDesign:
        """The grid on points u (scaled to (0, 1]) whose axis coordinate (u or its logarithm) is given; the last few are kept."""
        return _built(u.tobytes(), axis.tobytes())

    @classmethod
    def _build(cls, u: Array, axis: Array) -> BumpDesign:
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
        b = y.shape[1]
        white = self._white(rho)
        response = whiten(y, rho)
        response = response - white.one @ (white.one.T @ response)
        total = np.sum(response**2, axis=0)
        cross = white.bumps.T @ response  # (M, B)
        alongs = np.swapaxes(white.laws, 1, 2) @ response  # (G, 3, B)
        lefts = total - np.sum(alongs**2, axis=1)
        fall = white.falls.T @ response > 0
        amplitudes = np.abs(np.einsum("gk,gkb->gb", white.mains, alongs))
        columns = np.arange(b)
        rss = np.where(fall, lefts, np.inf)
        law0 = np.argmin(rss, axis=0)
        rss0 = rss[law0, columns]
        rss1, law, place = np.full(b, np.inf), np.zeros(b, dtype=np.intp), np.full(b, -1, dtype=np.intp)
        laws = self.laws.shape[1]
        together = max(_TOGETHER // cross.size, 1)  # laws at a time, as many as stay near the processor
        for first in range(0, laws, together):
            some = slice(first, first + together)
            part = cross - white.shared[some] @ alongs[some]  # (laws, M, B)
            height = part * white.inverse[some, :, None]
            least = amplitudes[some, None, :] * self.rises[some, :, None] if white.bound[some].any() else 0.0
            gain = np.where(height > np.maximum(least, 0.0), part * height, -np.inf)
            best = np.argmax(gain, axis=1)
            highest = np.take_along_axis(gain, best[:, None, :], axis=1)[:, 0]
            value = np.where(fall[some], lefts[some] - highest, np.inf)
            top = np.argmin(value, axis=0)
            better = value[top, columns] < rss1
            rss1 = np.where(better, value[top, columns], rss1)
            law, place = np.where(better, first + top, law), np.where(better, best[top, columns], place)
        lost = ~np.isfinite(rss0)
        law0 = np.where(lost, 0, law0)
        rss0, rss1 = np.where(lost, total, rss0), np.minimum(rss1, np.where(lost, total, rss0))
        place = np.where(rss1 < rss0, place, -1)
        law = np.where(place >= 0, law, law0)
        return BumpFit(rss0, rss1, law0, law, place)

    def _white(self, rho: float) -> _White:
        """The laws and bumps made white, for the last few correlations."""
        if rho not in self.kept:
            while len(self.kept) >= _KEPT:
                del self.kept[next(iter(self.kept))]
            self.kept[rho] = _White.of(self, rho)
        return self.kept[rho]

    def curve(self, v: Array, law: int, place: int, rho: float = 0.0, steps: int = 0) -> Array:
        """Fitted curve of one response, of the law alone where place is -1; shape (n,)."""
        return self.refined(v, law, place, rho, steps)[0]

    def refined(self, v: Array, law: int, place: int, rho: float, steps: int) -> tuple[Array, float, float]:
        """Fitted curve, shape (n,), and the center and width of its bump on the axis (nan where there is none)."""
        curves, centers, widths = self.refined_many(v[:, None], np.array([law]), np.array([place]), rho, steps)
        return curves[:, 0], float(centers[0]), float(widths[0])

    def refined_many(
        self, v: Array, law: NDArray[np.intp], place: NDArray[np.intp], rho: float, steps: int
    ) -> tuple[Array, Array, Array]:
        """Fitted curves of responses (n, B) by generalized least squares, and centers and widths of their bumps.

        The center and width of a bump leave the grid by at most so many Gauss-Newton steps, each of which improves.
        """
        white = whiten(v, rho)
        ones = np.ones((v.shape[0], 1))
        bases = {
            int(g): _orthonormal(whiten(np.column_stack([ones, self.laws[:, [g]], self.tangents[g]]), rho))
            for g in np.unique(law)
        }

        def rest(columns: Array, of: NDArray[np.intp]) -> Array:
            """What the bases of these laws leave of whitened columns."""
            out = columns.copy()
            for g, q in bases.items():
                mine = np.flatnonzero(of == g)
                if mine.size:
                    part = columns[:, mine]
                    out[:, mine] = part - q @ (q.T @ part)
            return out

        left = rest(white, law)
        error, rss = left.copy(), np.sum(left**2, axis=0)
        centers, widths = np.full(law.size, np.nan), np.full(law.size, np.nan)
        active = np.flatnonzero(place >= 0)
        rss[active] = np.inf
        center, width = self.centers[place[active]].astype(float), self.widths[place[active]].astype(float)
        first, last = float(self.axis[0]), float(self.axis[-1])
        narrow, wide = 0.5 * float(self.widths.min()), 1.5 * float(self.widths.max())
        for step in range(1 + steps):
            if not active.size:
                break
            z = (self.axis[:, None] - center) / width
            b = np.exp(-0.5 * z * z)
            raw = whiten(b, rho)
            bump = rest(raw, law[active])
            power = np.sum(bump**2, axis=0)
            seen = power > 1e-18 * np.sum(raw**2, axis=0)
            height = np.where(seen, np.sum(bump * left[:, active], axis=0) / np.where(seen, power, 1.0), 0.0)
            trial = left[:, active] - height * bump
            value = np.sum(trial**2, axis=0)
            good = (value < rss[active] * (1 - 1e-9)) & (height > 0)
            active, center, width, height = active[good], center[good], width[good], height[good]
            error[:, active], rss[active] = trial[:, good], value[good]
            centers[active], widths[active] = center, width
            if step == steps or not active.size:
                break
            z, b, bump = z[:, good], b[:, good], bump[:, good]
            moves = np.stack(
                [bump, rest(whiten(b * z / width, rho), law[active]), rest(whiten(b * z * z, rho), law[active])]
            )
            gains = _three(moves, left[:, active])
            top = np.maximum(gains[0], 0.5 * height)
            center = np.clip(center + np.clip(gains[1] / top, -0.3 * width, 0.3 * width), first, last)
            width = np.clip(width * np.exp(np.clip(gains[2] / top, -0.2, 0.2)), narrow, wide)
        return v - _unwhiten(error, rho), centers, widths


def _three(columns: Array, response: Array) -> Array:
    """Coefficients of three columns, shape (3, n, B), for responses (n, B); shape (3, B)."""
    norms = np.maximum(np.sqrt(np.sum(columns**2, axis=1)), 1e-300)
    scaled = columns / norms[:, None, :]
    gram = np.einsum("inb,jnb->bij", scaled, scaled) + 1e-12 * np.eye(3)
    right = np.einsum("inb,nb->bi", scaled, response)
    return np.asarray(np.linalg.solve(gram, right[:, :, None])[:, :, 0].T / norms)


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


def _padded(columns: Array) -> Array:
    """`_orthonormal` without the first column, zeros in place of those that depend on others."""
    q = _orthonormal(columns)[:, 1:]
    return np.column_stack([q, np.zeros((q.shape[0], columns.shape[1] - 1 - q.shape[1]))])


@lru_cache(maxsize=4)
def _built(u: bytes, axis: bytes) -> BumpDesign:
    return BumpDesign._build(np.frombuffer(u), np.frombuffer(axis))
