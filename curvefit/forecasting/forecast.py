"""The predictive distribution of what will be observed, at chosen x."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import DataError, Direction, Estimate, Interval, Kind, Prediction, Status
from ..curves._arguments import checked
from ..curves._checks import check_level, safe_text
from ..curves.numbers import format_x, with_interval
from . import scoring

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

    def at(self, index: NDArray[np.intp]) -> Distribution:
        """The distributions at some of the x, shape (k,), counted from the end where negative.

        What is asked of them costs what they cost, not what all H do.
        """
        return _Part(self, index)

    def crps(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Continuous ranked probability score, shape (H, m) for values of shape (m,) or (H, m); see `scoring.crps`."""
        return scoring.crps(self, values)

    def logpdf(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density, shape (H, m) for values of shape (m,) or (H, m); see `scoring.logpdf`."""
        return scoring.logpdf(self, values)


class _Part(Distribution):
    """Some x of a distribution that cannot take itself apart."""

    __slots__ = ("_index", "_whole")

    def __init__(self, whole: Distribution, index: NDArray[np.intp]) -> None:
        self._whole, self._index = whole, index

    def quantile(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles, shape (k, L)."""
        return self._whole.quantile(levels)[self._index]

    def cdf(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(Y <= v), shape (k, m)."""
        v = np.asarray(values, dtype=np.float64)
        if v.ndim < 2:
            return self._whole.cdf(v)[self._index]
        every = np.repeat(v[:1], self._whole.quantile(np.array([0.5])).shape[0], axis=0)
        every[self._index] = v
        return self._whole.cdf(every)[self._index]


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

    def at(self, index: ArrayLike | slice) -> Forecast:
        """The forecast for some of its x, by position: one, several, or a slice.

        Asking it for quantiles costs less than picking them from those of all x.
        """
        every = np.arange(self.x.size)
        which: NDArray[np.intp] = every[index] if isinstance(index, slice) else every[np.atleast_1d(index)]
        return replace(
            self, x=self.x[which], observation=self.observation.at(which), underlying=self.underlying.at(which)
        )

    def __str__(self) -> str:
        """One line: the last x, the median of a new observation there and its 95 % interval, and what qualifies it."""
        low, middle, high = (float(v) for v in self.quantile([0.025, 0.5, 0.975])[-1])
        told = with_interval(Estimate("", middle, Interval(low, high, 0.95, "prediction")))
        why = "" if self.status is Status.OK else "; ".join(("", *self.reasons))
        at = format_x(float(self.x[-1]))
        return safe_text(f"forecast of {self.metric} at x = {at}: {' '.join(told)} (95 % of new observations){why}")

    def __repr__(self) -> str:
        return (
            f"Forecast({safe_text(self.metric)!r}, {self.method}, {self.x.size} x up to {format_x(float(self.x[-1]))})"
        )

    @checked
    def quantile(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Quantiles of a new observation, shape (H, L)."""
        return self.observation.quantile(_levels(levels))

    @property
    def median(self) -> NDArray[np.float64]:
        """Point forecast: the median of a new observation, shape (H,)."""
        return self.quantile([0.5])[:, 0]

    @checked
    def cdf(self, values: ArrayLike) -> NDArray[np.float64]:
        """P(new observation <= v): shape (H,) for one value, (H, m) for m values."""
        v = np.asarray(values, dtype=np.float64)
        if v.ndim > 2 or (v.ndim == 2 and v.shape[0] != self.x.size):
            raise DataError(f"values of shape {v.shape} for {self.x.size} future x", where=self.metric)
        out = self.observation.cdf(np.atleast_1d(v))
        return out[:, 0] if v.ndim == 0 else out

    @checked
    def crps(self, y: ArrayLike) -> NDArray[np.float64]:
        r"""Continuous ranked probability score of what was observed, in the unit of the metric; smaller is better.

        .. math:: \mathrm{CRPS}(F, y) = \int (F(v) - 1\{y \le v\})^2\,dv

        It is the absolute error of a forecast that is one value, and rewards a narrow distribution in the right place.

        Parameters
        ----------
        y : float or array-like, shape (H,)
            One observation at each future x, or one for all.

        Returns
        -------
        ndarray, shape (H,)

        Raises
        ------
        DataError
            y is not finite, or there are not as many as future x.

        Notes
        -----
        Numerical, with a relative error below 1e-6; probabilities below 1e-9 on either side count nothing.
        """
        return self.observation.crps(self._observed(y))[:, 0]

    @checked
    def logpdf(self, y: ArrayLike) -> NDArray[np.float64]:
        """Log density of what was observed, in nats per unit of the metric; larger is better.

        Parameters
        ----------
        y : float or array-like, shape (H,)
            One observation at each future x, or one for all.

        Returns
        -------
        ndarray, shape (H,)
            On a bound that holds probability: the log of that probability.

        Raises
        ------
        DataError
            y is not finite, or there are not as many as future x.

        Notes
        -----
        Numerical, with an absolute error below 1e-5 where more than a probability of 1e-6 lies on either side.
        """
        return self.observation.logpdf(self._observed(y))[:, 0]

    def _observed(self, y: ArrayLike) -> NDArray[np.float64]:
        values = np.asarray(y, dtype=np.float64)
        if values.ndim > 1 or (values.ndim == 1 and values.shape != self.x.shape):
            raise DataError(f"observations of shape {values.shape} for {self.x.size} future x", where=self.metric)
        if not np.all(np.isfinite(values)):
            raise DataError(f"an observation is {values[~np.isfinite(values)].flat[0]}", where=self.metric)
        return np.broadcast_to(values, self.x.shape)[:, None]

    @checked
    def mean(self, levels: ArrayLike | None = None) -> NDArray[np.float64]:
        """Underlying mean: its median, shape (H,), or its quantiles at the levels, shape (H, L)."""
        if levels is None:
            return self.underlying.quantile(np.array([0.5]))[:, 0]
        return self.underlying.quantile(_levels(levels))

    @checked
    def interval(self, level: float = 0.95, *, view: str = "observation") -> Prediction:
        """Central interval of a new observation (``view="observation"``) or of the mean (``view="mean"``)."""
        tail = (1 - check_level(level)) / 2
        of = self.observation if view == "observation" else self.underlying
        low, mid, high = of.quantile(np.array([tail, 0.5, 1 - tail])).T
        return Prediction(self.x, mid, low, high, "prediction" if view == "observation" else "confidence", level)


def _levels(levels: ArrayLike) -> NDArray[np.float64]:
    if isinstance(levels, list) and all(type(v) is float and 0.0 < v < 1.0 for v in levels):
        return np.array(levels)  # the usual case, in a fifth of the time
    values = np.atleast_1d(np.asarray(levels, dtype=np.float64))
    each: Sequence[float] = values.tolist()
    return np.array([check_level(v, "quantile level") for v in each])
