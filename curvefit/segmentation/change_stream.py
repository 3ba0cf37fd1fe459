"""Changepoints while the points come in: bounded memory, state that can be written down, the same penalty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import DataError, UsageError
from ..curves._checks import as_float_array

__all__ = ["ChangeEvent", "ChangeStream"]

Array = NDArray[np.float64]
StreamCost = Literal["mean", "linear"]
VERSION = 1
LEAST = 100  # points before anything is tested: with fewer the correlation of the noise is hardly known
PENDING = 256
PRICE = {"mean": 5.0, "linear": 7.0}  # two more than for one test at the end


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """A change that was seen.

    Parameters
    ----------
    last_before, first_after : float
        x between which it lies.
    seen_at : float
        x of the last point that was known when it was seen.
    before, after : float
        Levels of the two sides (for lines: their values at the change).
    gain : float
        By how much the criterion beats its price, in units of log n.
    n_before : int
        Points of the segment that ended.
    """

    last_before: float
    first_after: float
    seen_at: float
    before: float
    after: float
    gain: float
    n_before: int


class ChangeStream:
    r"""Finds changes in a stream; memory and time per point do not grow with its length.

    .. math:: \max_\tau\; n \log\frac{\mathrm{RSS}_w(0;\, \hat\rho_\tau)}{\mathrm{RSS}_w(\tau;\, \hat\rho_\tau)}
              > \lambda \log n

    The points since the last change are kept as at most ``bins`` sums (numbers, first and second moments, products of
    neighbors), from which the whitened residual sums of squares at every edge of a bin are exact. When they run out,
    the older half is merged in pairs, so that recent points stay separate. A test is made after every 2 % more
    points, and at least after every ``bins``.

    Parameters
    ----------
    cost : {"mean", "linear"}
        What is constant between changes: the level, or a line.
    penalty : float or "auto"
        Price lambda of a change in units of log n, as in ``changepoints``; "auto" is 5 (7 for "linear").
    noise : {"auto", "white"}
        Whether neighbors may correlate.
    min_size : int
        Least points on either side of a change; fewer let a single outlier pass for one.
    bins : int
        Memory, at least 32.

    Notes
    -----
    Nothing is said before 100 points. Tests at many times make more false alarms than one test at the end, which is why
    a change costs more here; strongly correlated noise (rho above .9) still makes some.

    References
    ----------
    Zhang and Siegmund (2007), A modified Bayes information criterion. Biometrics 63, 22-32.
    """

    def __init__(
        self,
        *,
        cost: StreamCost = "mean",
        penalty: float | Literal["auto"] = "auto",
        noise: Literal["auto", "white"] = "auto",
        min_size: int = 10,
        bins: int = 256,
    ) -> None:
        if cost not in get_args(StreamCost):
            raise UsageError(f"cost {cost!r}", code="CF-USE-007", hint=f"choices: {', '.join(get_args(StreamCost))}")
        if noise not in ("auto", "white"):
            raise UsageError(f"noise {noise!r}", code="CF-USE-007", hint="choices: auto, white")
        price = PRICE[cost] if penalty == "auto" else float(penalty)
        if not 0 < price < np.inf:
            raise UsageError(f"penalty = {penalty!r}", code="CF-USE-007", hint="a positive number, in units of log n")
        if min_size < 3 or bins < 32:
            raise UsageError(
                f"min_size = {min_size!r}, bins = {bins!r}", code="CF-USE-007", hint="at least 3 and at least 32"
            )
        self.cost: StreamCost = cost
        self.price, self.noise, self.min_size, self.bins = price, noise, int(min_size), int(bins)
        self.n = 0
        self.skipped = 0
        self._pending: list[tuple[float, float]] = []
        self._origin = np.zeros(2)
        self._last: Array | None = None  # the point before the next one, in the segment's coordinates
        self._end = -np.inf
        self._next = LEAST
        self._count = np.zeros(0)
        self._own, self._pairs = np.zeros((0, 3, 3)), np.zeros((0, 3, 3))
        self._first, self._final = np.zeros((0, 3)), np.zeros((0, 3))

    def update(self, x: ArrayLike, y: ArrayLike) -> list[ChangeEvent]:
        """Take one or more points in order and give the changes that they reveal.

        Parameters
        ----------
        x, y : float or array-like, shape (m,)
            Next points; x must not decrease. Values that are not finite are counted in ``skipped`` and left out.

        Returns
        -------
        list of ChangeEvent

        Raises
        ------
        DataError
            x decreases, lengths differ, or values overflow when squared; then nothing of this call is taken.
        """
        xs, ys = (as_float_array(np.atleast_1d(np.asarray(v)), name) for v, name in ((x, "x"), (y, "y")))
        if xs.shape != ys.shape:
            raise DataError(f"{xs.size} x values and {ys.size} y values")
        keep = np.isfinite(xs) & np.isfinite(ys)
        px, py = xs[keep], ys[keep]
        if px.size and (px[0] < self._end or np.any(np.diff(px) < 0)):
            raise DataError("x decreases in a stream", code="CF-DATA-007", hint="give points in order of x")
        if px.size and max(float(np.max(np.abs(px))), float(np.max(np.abs(py)))) > 1e75:
            raise DataError("values beyond 1e75 overflow in a stream's sums", hint="rescale")
        self.skipped += int(xs.size - px.size)
        events: list[ChangeEvent] = []
        for point in zip(px.tolist(), py.tolist(), strict=True):
            self._pending.append(point)
            self.n += 1
            self._end = point[0]
            if self.n >= self._next or len(self._pending) >= PENDING:
                self._flush()
            if self.n >= self._next:
                while (event := self._test()) is not None:
                    events.append(event)
                self._next = self.n + int(np.clip(self._count.sum() // 50, 1, self.bins))
        return events

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as plain numbers and lists for JSON."""
        self._flush()
        return {
            "version": VERSION, "cost": self.cost, "price": self.price, "noise": self.noise, "min_size": self.min_size,
            "bins": self.bins, "n": self.n, "skipped": self.skipped, "next": self._next,
            "end": None if self._end == -np.inf else self._end, "origin": self._origin.tolist(),
            "last": None if self._last is None else self._last.tolist(), "count": self._count.tolist(),
            "own": self._own.tolist(), "pairs": self._pairs.tolist(), "first": self._first.tolist(),
            "final": self._final.tolist(),
        }  # fmt: skip

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ChangeStream:
        """Go on where ``state`` was taken.

        Raises
        ------
        DataError
            The state is not one, or of another version.
        """
        try:
            if state["version"] != VERSION:
                raise DataError(f"state of version {state['version']!r}", hint=f"this is version {VERSION}")
            out = cls(
                cost=state["cost"], penalty=state["price"], noise=state["noise"], min_size=state["min_size"],
                bins=state["bins"],
            )  # fmt: skip
            out.n, out.skipped, out._next = int(state["n"]), int(state["skipped"]), int(state["next"])
            out._end = -np.inf if state["end"] is None else float(state["end"])
            out._origin = np.asarray(state["origin"], dtype=np.float64).reshape(2)
            last = state["last"]
            out._last = None if last is None else np.asarray(last, dtype=np.float64).reshape(3)
            out._count = np.asarray(state["count"], dtype=np.float64).reshape(-1)
            m = out._count.size
            out._own, out._pairs = (np.asarray(state[k], dtype=np.float64).reshape(m, 3, 3) for k in ("own", "pairs"))
            out._first, out._final = (np.asarray(state[k], dtype=np.float64).reshape(m, 3) for k in ("first", "final"))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                "this is not the state of a stream of changes", hint="give what state() returned"
            ) from error
        if not all(np.all(np.isfinite(v)) for v in (out._own, out._pairs, out._first, out._final, out._count)):
            raise DataError("the state of a stream holds values that are not finite")
        return out

    def _flush(self) -> None:
        if not self._pending:
            return
        points = np.asarray(self._pending)
        self._pending = []
        if self._last is None:
            self._origin = points[0].copy()
        phi = np.column_stack([np.ones(len(points)), points - self._origin])
        previous = np.vstack([phi[:1] if self._last is None else self._last, phi[:-1]])
        pairs = phi[:, :, None] * previous[:, None, :]
        if self._last is None:
            pairs[0] = 0.0
        self._last = phi[-1]
        self._count = np.concatenate([self._count, np.ones(len(phi))])
        self._own = np.concatenate([self._own, phi[:, :, None] * phi[:, None, :]])
        self._pairs = np.concatenate([self._pairs, pairs])
        self._first, self._final = np.concatenate([self._first, phi]), np.concatenate([self._final, phi])
        while self._count.size > self.bins:
            half = (self._count.size // 4) * 2
            some = slice(0, half, 2), slice(1, half, 2)
            for name in ("_count", "_own", "_pairs"):
                v = getattr(self, name)
                setattr(self, name, np.concatenate([v[some[0]] + v[some[1]], v[half:]]))
            self._first = np.concatenate([self._first[some[0]], self._first[half:]])
            self._final = np.concatenate([self._final[some[1]], self._final[half:]])

    def _coefficients(self, moments: Array) -> Array:
        """C with residual c'phi, for moments of shape (m, 3, 3)."""
        n = moments[:, 0, 0]
        mean_z, mean_v = moments[:, 0, 1] / n, moments[:, 0, 2] / n
        slope = np.zeros_like(n)
        if self.cost == "linear":
            power = moments[:, 1, 1] - n * mean_z**2
            good = power > 1e-12 * np.maximum(moments[:, 1, 1], 1e-300)
            slope = np.where(good, (moments[:, 1, 2] - n * mean_z * mean_v) / np.where(good, power, 1.0), 0.0)
        return np.column_stack([slope * mean_z - mean_v, -slope, np.ones_like(n)])

    def _test(self) -> ChangeEvent | None:
        n = float(self._count.sum())
        if n < max(LEAST, 2 * self.min_size):
            return None
        own, pairs, count = np.cumsum(self._own, axis=0), np.cumsum(self._pairs, axis=0), np.cumsum(self._count)
        whole = own[-1:]
        c0 = self._coefficients(whole)
        spread = float(whole[0, 2, 2] - whole[0, 0, 2] ** 2 / n)
        floor = max(1e-14 * spread, 1e-300)

        def form(c: Array, m: Array, d: Array) -> Array:
            return np.asarray(np.einsum("ti,tij,tj->t", c, np.broadcast_to(m, (c.shape[0], 3, 3)), d))

        def ends(c: Array, at: Array) -> Array:
            return np.asarray(np.sum(c * at, axis=1))

        cut = np.flatnonzero((count >= self.min_size) & (n - count >= self.min_size))
        if not cut.size or spread <= 0:
            return None
        left, right = own[cut], whole - own[cut]
        c1, c2 = self._coefficients(left), self._coefficients(right)
        link = self._first[cut + 1][:, :, None] * self._final[cut][:, None, :]  # the pair across the change
        after = pairs[-1:] - pairs[cut] - link
        power = form(c1, left, c1) + form(c2, right, c2)
        cross = form(c1, pairs[cut], c1) + form(c2, after, c2) + form(c2, link, c1)
        power = np.maximum(power, floor)
        parameters = 4 if self.cost == "linear" else 2
        rho = np.zeros(cut.size)
        if self.noise == "auto":  # bias-corrected as ``lag1``: the two sides have swallowed some of it
            rho = np.clip((n * cross / power + parameters) / (n - parameters - 2), 0.0, 0.99)
        # whitened: sum of (e_i - rho e_(i-1))^2, the first point scaled by 1 - rho^2
        outer = ends(c1, self._first[:1]) ** 2 + ends(c2, self._final[-1:]) ** 2
        split = power - 2 * rho * cross + rho**2 * (power - outer)
        begin, finish = (float(ends(c0, v)[0]) for v in (self._first[:1], self._final[-1:]))
        total, neighbors = (float(form(c0, m, c0)[0]) for m in (whole, pairs[-1:]))
        none = total - 2 * rho * neighbors + rho**2 * (total - begin**2 - finish**2)
        gains = n * np.log(np.maximum(none, floor) / np.maximum(split, floor)) / np.log(n)
        best = int(np.argmax(gains))
        gain = float(gains[best]) - self.price
        if not gain > 0:
            return None
        at = int(cut[best])
        low, high = self._final[at], self._first[at + 1]
        middle = 0.5 * (low[1] + high[1])
        before, later = (float(-(c[best, 0] + c[best, 1] * middle) + self._origin[1]) for c in (c1, c2))
        event = ChangeEvent(
            float(low[1] + self._origin[0]), float(high[1] + self._origin[0]), self._end, before, later, float(gain),
            int(count[at]),
        )  # fmt: skip
        self._forget(at + 1)
        return event

    def _forget(self, k: int) -> None:
        """Drop the first k bins and put the origin at the new first point."""
        move = np.eye(3)
        move[1:, 0] = -self._first[k, 1:]
        self._pairs[k] = self._pairs[k] - self._first[k][:, None] * self._final[k - 1][None, :]
        self._origin = self._origin + self._first[k, 1:]
        self._count = self._count[k:]
        self._own, self._pairs = (move @ v[k:] @ move.T for v in (self._own, self._pairs))
        self._first, self._final = (v[k:] @ move.T for v in (self._first, self._final))
        if self._last is not None:
            self._last = move @ self._last
