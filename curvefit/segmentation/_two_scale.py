"""Two biases and two variances that decay and grow at two rates: double descent as Heckel and Yilmaz explain it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._bump_design import whiten

__all__ = ["TwoScale", "TwoScaleDesign"]

Array = NDArray[np.float64]
RATES = 24


@dataclass(frozen=True, slots=True, eq=False)
class TwoScale:
    """``floor + sum_i bias_i exp(-2 u / t_i) + variance_i (1 - exp(-u / t_i))^2``, every coefficient at least 0.

    Parameters
    ----------
    times : tuple of float
        t_1 < t_2, in the unit of x.
    coefficients : tuple of float
        floor (may be negative), bias_1, variance_1, bias_2, variance_2, in the unit of the metric;
        of its negative where larger is better.
    statistic, p_value : float
        n log of the residual sum of squares with both variances 0, which is monotone, over that with them, and the
        probability of a larger one under the null of the best monotone law.
    curve : ndarray, shape (n,)
        Fitted values at the (binned) x of the test.
    """

    times: tuple[float, float]
    coefficients: tuple[float, ...]
    statistic: float
    p_value: float
    curve: Array


@dataclass(frozen=True, slots=True, eq=False)
class TwoScaleDesign:
    """Columns of the form at every pair of rates on a grid, whitened, reduced by QR."""

    pairs: list[tuple[float, float]]
    columns: list[Array]
    rho: float

    @classmethod
    def on(cls, u: Array, rho: float) -> TwoScaleDesign:
        """Grid over u, scaled to (0, 1]."""
        times = np.geomspace(max(float(u[0]), 5e-3), 2.0, RATES)
        pairs = [(float(s), float(t)) for i, s in enumerate(times) for t in times[i + 3 :]]
        return cls(pairs, [_columns(u, *pair) for pair in pairs], rho)

    def fit(self, y: Array) -> tuple[Array, Array, NDArray[np.intp]]:
        """Residual sums of squares with and without variances of responses (n, B), and the best pairs."""
        from scipy.optimize import nnls

        response = whiten(y, self.rho)
        total = np.sum(response**2, axis=0)
        full, bare = np.full(y.shape[1], np.inf), np.full(y.shape[1], np.inf)
        at = np.zeros(y.shape[1], dtype=np.intp)
        for g, columns in enumerate(self.columns):
            q, r = np.linalg.qr(whiten(columns, self.rho))
            inner = q.T @ response
            rest = np.maximum(total - np.sum(inner**2, axis=0), 0.0)
            r0, some = r[:, _MONOTONE], np.linalg.qr(r[:, _MONOTONE])[0]
            bound = total - np.sum((some.T @ inner) ** 2, axis=0)  # without signs: what the monotone part can reach
            for b in range(y.shape[1]):
                if rest[b] < full[b]:
                    value = rest[b] + nnls(r, inner[:, b])[1] ** 2
                    if value < full[b]:
                        full[b], at[b] = value, g
                if bound[b] < bare[b]:
                    bare[b] = min(bare[b], rest[b] + nnls(r0, inner[:, b])[1] ** 2)
        return full, bare, at

    def statistic(self, y: Array) -> tuple[Array, NDArray[np.intp]]:
        """N log(rss without / rss with variances), shape (B,), and the best pairs."""
        full, bare, at = self.fit(y)
        return np.asarray(y.shape[0] * np.log(np.maximum(bare, 1e-300) / np.maximum(full, 1e-300))), at

    def monotone(self, v: Array) -> Array:
        """Best fit of one response without variances."""
        from scipy.optimize import nnls

        response = whiten(v[:, None], self.rho)[:, 0]
        fits = [nnls(whiten(c[:, _MONOTONE], self.rho), response) for c in self.columns]
        best = int(np.argmin([f[1] for f in fits]))
        return np.asarray(self.columns[best][:, _MONOTONE] @ fits[best][0])

    def solution(self, v: Array, pair: int) -> tuple[Array, Array]:
        """Fitted values and the five coefficients of one response."""
        from scipy.optimize import nnls

        columns = self.columns[pair]
        c = nnls(whiten(columns, self.rho), whiten(v[:, None], self.rho)[:, 0])[0]
        return np.asarray(columns @ c), np.array([c[0] - c[1], *c[2:]])


_MONOTONE = [0, 1, 2, 4]


def _columns(u: Array, s: float, t: float) -> Array:
    """Level up, level down, and bias and variance of the fast and of the slow part."""
    one, a, b = np.ones_like(u), np.exp(-u / s), np.exp(-u / t)
    return np.column_stack([one, -one, a * a, (1 - a) ** 2, b * b, (1 - b) ** 2])
