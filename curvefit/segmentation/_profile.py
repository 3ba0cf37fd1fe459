"""The exact profile of the residual sum of squares over one breakpoint, in O(n).

With a base of q weighted-orthonormal columns Q (intercept, slope, other hinges) projected out, adding the hinge
h(psi) = (x - psi)_+ lowers the residual sum of squares by

    G(psi) = N(psi)^2 / D(psi),   N = sum w r h,   D = sum w h^2 - sum_j (sum w Q_j h)^2,

where r are the residuals of the base. Between two neighbouring x the set of points right of psi does not change, so
N is linear and D quadratic in psi: the maximum of G there and the set {G >= c} have closed forms (Hudson 1966,
J. Am. Stat. Assoc. 61:1097), and the global optimum is exact whatever the number of local ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["HingeProfile", "Side", "base_residual", "hinge_profile", "orthonormal"]

Array = NDArray[np.float64]
Side = Literal["right", "left", "both"]
_TINY = 1e-10


def orthonormal(columns: Array, w: Array) -> Array:
    """Columns made orthonormal under the weights: Q with Q' diag(w) Q = I; dependent columns are left out."""
    if columns.shape[1] == 1:
        power = float(w @ (columns[:, 0] * columns[:, 0]))
        return np.asarray(columns / np.sqrt(power) * (w > 0)[:, None]) if power > 0 else columns[:, :0]
    root = np.sqrt(w)[:, None]
    scaled = columns * root
    norms = np.sqrt(np.einsum("ij,ij->j", scaled, scaled))
    if columns.shape[1] == 2 and np.all(norms > 0):
        a, b = (scaled / norms).T
        for _ in range(2):  # twice is enough
            b = b - a * float(a @ b)
        size = float(np.sqrt(b @ b))
        q = np.column_stack([a, b / size]) if size > _TINY else a[:, None]
        return np.asarray(q / np.where(root > 0, root, 1.0) * (root > 0))
    scaled = scaled[:, norms > 0] / norms[norms > 0]
    q, r = np.linalg.qr(scaled)
    diagonal = np.abs(np.diag(r))
    keep = diagonal > _TINY * max(float(diagonal.max(initial=0.0)), 1.0)
    safe = np.where(root > 0, root, 1.0)
    return np.asarray(q[:, keep] / safe * (root > 0))


def base_residual(y: Array, q: Array, w: Array) -> Array:
    """Residuals of y (shape (n,) or (n, B)) after weighted projection on the base, projected twice for accuracy."""
    weights = w if y.ndim == 1 else w[:, None]
    r = y - q @ (q.T @ (weights * y))
    return np.asarray(r - q @ (q.T @ (weights * r)))


@dataclass(frozen=True, slots=True, eq=False)
class HingeProfile:
    """Coefficients of G(psi) = (a - b psi)^2 / (c + d psi + e psi^2) on each interval between neighbouring x.

    Parameters
    ----------
    left, right : ndarray, shape (m,)
        Ends of the admissible intervals, in order.
    a, b : ndarray, shape (m,) or (m, B)
        Of the numerator, for B responses at once.
    c, d, e : ndarray, shape (m,)
        Of the denominator.
    floor : ndarray, shape (m,)
        Denominators below this are rounding: the base spans the hinge there, and the gain is 0.
    base_rss : float or ndarray, shape (B,)
        Residual sum of squares of the base alone.
    """

    left: Array
    right: Array
    a: Array
    b: Array
    c: Array
    d: Array
    e: Array
    floor: Array
    base_rss: Array

    def gain(self, psi: Array) -> Array:
        """G at breakpoints, shape (k,) or (k, B)."""
        at = np.clip(np.searchsorted(self.right, psi, side="left"), 0, self.left.size - 1)
        wide = self.a.ndim == 2
        p = psi[:, None] if wide else psi
        numerator = (self.a[at] - self.b[at] * p) ** 2
        denominator = self.c[at] + psi * (self.d[at] + psi * self.e[at])
        if wide:
            return _ratio(numerator, denominator[:, None], self.floor[at][:, None])
        return _ratio(numerator, denominator, self.floor[at])

    def _denominator(self, psi: Array) -> Array:
        return self.c + psi * (self.d + psi * self.e)

    def best(self) -> tuple[Array, Array]:
        """The maximizing breakpoint and its G, for one response (0-d arrays) or B of them (shape (B,))."""
        wide = self.a.ndim == 2
        c, d, e, floor = (v[:, None] if wide else v for v in (self.c, self.d, self.e, self.floor))
        left, right = (v[:, None] if wide else v for v in (self.left, self.right))
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = -(2 * self.b * c + self.a * d) / (self.b * d + 2 * self.a * e)
        inner = np.where(np.isfinite(inner), np.clip(inner, left, right), left)
        candidates = np.stack([np.broadcast_to(left, inner.shape), inner, np.broadcast_to(right, inner.shape)])
        gains = _ratio((self.a - self.b * candidates) ** 2, c + candidates * (d + candidates * e), floor)
        flat_gain, flat_psi = gains.reshape(-1, *gains.shape[2:]), candidates.reshape(-1, *gains.shape[2:])
        at = np.argmax(flat_gain, axis=0)
        if wide:
            cols = np.arange(flat_gain.shape[1])
            return flat_psi[at, cols], flat_gain[at, cols]
        return flat_psi[at], flat_gain[at]

    def reaches(self, thresholds: Array) -> NDArray[np.bool_]:
        """Whether the largest G of each response, of B on the same x, is at least its threshold, shape (B,).

        Between neighboring x it lies between the larger of the two ends and a bound (the larger numerator over the
        smallest denominator), which leaves few places to be looked at.
        """
        ends = [np.square(self.a - self.b * at[:, None]) for at in (self.left, self.right)]
        out = np.zeros(self.a.shape[1], dtype=bool)
        for numerator, at in zip(ends, (self.left, self.right), strict=True):
            depth = self._denominator(at)
            good = depth > self.floor
            if good.any():
                out |= np.max(numerator[good] / depth[good, None], axis=0) >= thresholds
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = -0.5 * self.d / self.e
        inner = np.where((turn > self.left) & (turn < self.right), turn, self.left)
        least = np.minimum(
            np.minimum(self._denominator(self.left), self._denominator(self.right)), self._denominator(inner)
        )
        bound = np.maximum(ends[0], ends[1])
        safe = least > self.floor
        bound[safe] /= least[safe, None]
        bound[~safe] = np.inf
        i, j = np.nonzero((bound >= thresholds * (1 - 1e-9)) & ~out)
        if i.size:
            a, b, c, d, e = self.a[i, j], self.b[i, j], self.c[i], self.d[i], self.e[i]
            with np.errstate(divide="ignore", invalid="ignore"):
                inner = -(2 * b * c + a * d) / (b * d + 2 * a * e)
            inner = np.where(np.isfinite(inner), np.clip(inner, self.left[i], self.right[i]), self.left[i])
            gain = _ratio((a - b * inner) ** 2, c + inner * (d + inner * e), self.floor[i])
            out[j[gain >= thresholds[j]]] = True
        return out

    def above(self, threshold: float) -> list[tuple[float, float]]:
        """The set {psi: G(psi) >= threshold} as disjoint intervals (one response)."""
        # (a - b psi)^2 - t (c + d psi + e psi^2) >= 0
        t = float(threshold)
        qa, qb, qc = self.b**2 - t * self.e, -2 * self.a * self.b - t * self.d, self.a**2 - t * self.c
        pieces: list[tuple[float, float]] = []
        span = self.right - self.left
        # solved in s = (psi - left) / span in [0, 1] to keep the roots well scaled
        s2, s1, s0 = qa * span**2, (2 * qa * self.left + qb) * span, qa * self.left**2 + qb * self.left + qc
        with np.errstate(divide="ignore", invalid="ignore"):
            disc = s1**2 - 4 * s2 * s0
            root = np.sqrt(np.maximum(disc, 0))
            half = -0.5 * (s1 + np.where(s1 >= 0, root, -root))
            r1, r2 = half / s2, s0 / half
        low, high = np.fmin(r1, r2), np.fmax(r1, r2)
        scale = np.abs(s2) + np.abs(s1) + np.abs(s0)
        spanned = np.maximum(self._denominator(self.left), self._denominator(self.right)) <= self.floor
        # an interval whose three values lie below the threshold and whose parabola opens upward holds nothing
        somewhere = (disc > 0) | (s0 >= 0)
        for i in np.flatnonzero(~spanned & somewhere):
            if disc[i] <= 0 or not (np.isfinite(low[i]) and np.isfinite(high[i])):
                inside = [(0.0, 1.0)] if s0[i] + 0.5 * (s1[i] + 0.5 * s2[i]) >= 0 else []
                if disc[i] > 0 and scale[i] > 0 and np.isfinite(low[i]) != np.isfinite(high[i]):  # linear
                    r = low[i] if np.isfinite(low[i]) else high[i]
                    inside = [(r, 1.0)] if s1[i] > 0 else [(0.0, r)]
            elif s2[i] < 0:
                inside = [(low[i], high[i])]
            else:
                inside = [(0.0, low[i]), (high[i], 1.0)]
            for u, v in inside:
                u, v = max(u, 0.0), min(v, 1.0)
                middle = float(self.left[i] + 0.5 * (u + v) * span[i])
                depth = float(self.c[i] + middle * (self.d[i] + middle * self.e[i]))
                if u <= v and depth > self.floor[i]:  # else 0/0 beside a place that the base spans
                    pieces.append((float(self.left[i] + u * span[i]), float(self.left[i] + v * span[i])))
        return _merge(pieces, float(np.ptp(np.r_[self.left, self.right])))


def hinge_profile(
    x: Array, y: Array, w: Array, q: Array, *, min_size: int = 2, side: Side = "both", minus: Array | None = None
) -> HingeProfile:
    """Profile of one hinge over all admissible positions.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Distinct and increasing.
    y : ndarray, shape (n,) or (n, B)
        Response, or B responses on the same x.
    w : ndarray, shape (n,)
        Weights, positive.
    q : ndarray, shape (n, k)
        Base, orthonormal under w.
    min_size : int
        Least number of distinct x on either side of the breakpoint.
    side : {"both", "right", "left"}
        The hinge (x - psi)_+ or (psi - x)_+. With an intercept and a slope in the base the two are equivalent, and
        "both" takes on each half of the data the one that does not cancel.
    minus : ndarray, shape (n,), optional
        A fixed column g: the column that moves is (x - psi)_+ - g, with side "right". Lines that end as flat as they
        begin move their breakpoints so.
    """
    n = x.size
    r = base_residual(y, q, w)
    wide = r.ndim == 2
    weights = w[:, None] if wide else w
    base_rss = np.sum(weights * r * r, axis=0)
    at = np.arange(max(min_size - 1, 0), n - max(min_size, 1))
    half = int(np.searchsorted(at, n // 2)) if side == "both" else (at.size if side == "left" else 0)

    def sums(v: Array) -> Array:
        """Prefix sums up to x_i on the left part, suffix sums from x_{i+1} on the right part."""
        head = np.cumsum(v, axis=0)[at[:half]] if half else v[:0]
        tail = np.cumsum(v[::-1], axis=0)[::-1][at[half:] + 1] if half < at.size else v[:0]
        return head if not tail.shape[0] else tail if not head.shape[0] else np.concatenate([head, tail])

    wr, k = weights * r, q.shape[1]
    fixed = [w, w * x, w * x * x, *(w[:, None] * q).T, *((w * x)[:, None] * q).T]
    if wide:
        b, a = sums(wr), sums(wr * x[:, None])
        known = sums(np.stack(fixed, axis=1))
    else:
        together = sums(np.stack([wr, wr * x, *fixed], axis=1))
        b, a, known = together[:, 0], together[:, 1], together[:, 2:]
    s0, s1, s2, qb, qa = known[:, 0], known[:, 1], known[:, 2], known[:, 3 : 3 + k], known[:, 3 + k :]
    # (psi - x)_+ has numerator psi B - A, the negative of (x - psi)_+ over the same points: G is the same
    c = s2 - np.sum(qa * qa, axis=1)
    d = -2 * s1 + 2 * np.sum(qa * qb, axis=1)
    e = s0 - np.sum(qb * qb, axis=1)
    left, right = x[at], x[at + 1]
    raw = np.maximum(s2 - 2 * s1 * left + s0 * left**2, s2 - 2 * s1 * right + s0 * right**2)
    if minus is not None:
        beyond = [np.cumsum((w * minus * v)[::-1])[::-1][at + 1] for v in (np.ones(n), x)]
        shared, power = q.T @ (w * minus), float(w @ (minus * minus))
        a = a - np.sum(weights * r * (minus[:, None] if wide else minus), axis=0)
        c = c - 2 * beyond[1] + power - shared @ shared + 2 * (qa @ shared)
        d = d + 2 * beyond[0] - 2 * (qb @ shared)
        raw = raw + power
    return HingeProfile(left, right, a, b, c, d, e, _TINY * raw, np.asarray(base_rss))


def _ratio(numerator: Array, denominator: Array, floor: Array) -> Array:
    good = denominator > floor
    return np.asarray(np.where(good, numerator / np.where(good, denominator, 1.0), 0.0))


def _merge(pieces: list[tuple[float, float]], span: float) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    gap = 1e-9 * span
    for u, v in sorted(pieces):
        if merged and u <= merged[-1][1] + gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], v))
        else:
            merged.append((u, v))
    return merged
