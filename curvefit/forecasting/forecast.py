"""The predictive distribution of what will be observed, at chosen x."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Direction, Kind, Prediction, Status
from ..curves._checks import check_level

__all__ = ["Distribution", "Forecast"]


class Distribution(ABC):
    """Predictive distributions at H future x, one way of representing them per subclass.

    Every method is vectorized over the H points, deterministic, and in the unit of the metric.
    """

    @abstractmethod
    def quantile(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles, shape (H, L), non-decreasing along each row."""

    @abstractmethod
    def cdf(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(Y <= v), shape (H, m) for values of shape (m,) or (H, m)."""


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What will be observed at future x, and where the mean curve will be.

    Parameters
    ----------
    x : ndarray, shape (H,)
        Future x, beyond the last observation.
    observation, underlying : Distribution
        Of a new observation, and of the underlying mean (observation noise removed).
    method : str
        Name of the forecaster.
    metric : str
        Name of the metric.
    kind, direction
        Of the metric.
    x_last, y_last : float
        Last observed point.
    level_now : float
        Local mean of the curve at ``x_last``, from which gains are counted.
    noise : float
        Standard deviation of one observation about the mean near ``x_last``, in the metric's unit.
    status : Status
        OK, DEGRADED (with reasons) or why there is only a prior.
    reasons : tuple of str
        Plain sentences behind the status.
    explanation : mapping of str to float
        What the method did, for example pooled exponent, recency and share of "no change".
    """

    x: NDArray[np.float64]
    observation: Distribution
    underlying: Distribution
    method: str
    metric: str
    kind: Kind
    direction: Direction
    x_last: float
    y_last: float
    level_now: float
    noise: float
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()
    explanation: Mapping[str, float] = field(default_factory=dict)

    def quantile(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Quantiles of a new observation, shape (H, L)."""
        return self.observation.quantile(_levels(levels))

    @property
    def median(self) -> NDArray[np.float64]:
        """Point forecast: the median of a new observation, shape (H,)."""
        return self.quantile([0.5])[:, 0]

    def cdf(self, values: ArrayLike) -> NDArray[np.float64]:
        """P(new observation <= v): shape (H,) for one value, (H, m) for m values."""
        v = np.asarray(values, dtype=np.float64)
        out = self.observation.cdf(np.atleast_1d(v))
        return out[:, 0] if v.ndim == 0 else out

    def mean(self, levels: ArrayLike | None = None) -> NDArray[np.float64]:
        """Underlying mean: its median, shape (H,), or its quantiles at the levels, shape (H, L)."""
        if levels is None:
            return self.underlying.quantile(np.array([0.5]))[:, 0]
        return self.underlying.quantile(_levels(levels))

    def interval(self, level: float = 0.95, *, view: str = "observation") -> Prediction:
        """Central interval of a new observation (``view="observation"``) or of the mean (``view="mean"``)."""
        tail = (1 - check_level(level)) / 2
        of = self.observation if view == "observation" else self.underlying
        low, mid, high = of.quantile(np.array([tail, 0.5, 1 - tail])).T
        return Prediction(self.x, mid, low, high, "prediction" if view == "observation" else "confidence", level)


def _levels(levels: ArrayLike) -> NDArray[np.float64]:
    values: Sequence[float] = np.atleast_1d(np.asarray(levels, dtype=np.float64)).tolist()
    return np.array([check_level(v, "quantile level") for v in values])
