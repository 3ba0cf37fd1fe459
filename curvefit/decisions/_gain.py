"""What training on would bring: gains of the mean curve, their probabilities, and the net worth of each x."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, UsageError
from ..curves._arguments import is_number, short
from ..diagnostics._leveling import SMALL  # one meaning of "little is left" for diagnosis and decision
from ..forecasting.chances import chance_as_good, chance_reached
from ..forecasting.forecast import Forecast

__all__ = ["Gains", "smallest_gain"]

Array = NDArray[np.float64]
_LEVELS = (np.arange(200) + 0.5) / 200


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """Improvement of the mean curve over the level now, positive whatever the direction.

    Probabilities are those of `forecasting.chances`: read off the distribution function and corrected by how often the
    pool's came true; only an expectation takes quantiles.

    Parameters
    ----------
    forecast : Forecast
        Over increasing x.
    """

    forecast: Forecast

    @classmethod
    def of(cls, forecast: Forecast) -> Gains:
        """From a forecast over increasing x."""
        return cls(forecast)

    @property
    def x(self) -> Array:
        """Future x, shape (H,)."""
        return self.forecast.x

    @property
    def level_now(self) -> float:
        """Local mean of the curve at the last x, in the metric's unit."""
        return self.forecast.level_now

    @property
    def sign(self) -> float:
        """+1 when smaller is better, -1 otherwise: gain = sign * (level_now - mean)."""
        return 1.0 if self.forecast.direction == "min" else -1.0

    def expected(self, at: int | slice = slice(None)) -> Array:
        """E[max(0, gain)] at each x or some of them: one would keep the better checkpoint."""
        gains = self.sign * (self.level_now - self.forecast.at(at).mean(_LEVELS))
        return np.asarray((np.maximum(gains, 0.0) / gains.shape[1]).sum(axis=1))  # the sum itself may overflow

    @property
    def median(self) -> Array:
        """Median gain at each x."""
        return np.asarray(self.sign * (self.level_now - self.forecast.mean()))

    def probability(self, gain: float, at: int = -1) -> float:
        """P(gain of the mean curve at x[at] >= gain)."""
        return float(chance_as_good(self.forecast.at(at), self.level_now - self.sign * gain)[0, 0])

    def ever(self, value: float) -> Array:
        """P(the mean curve has been as good as ``value``) by each x."""
        return chance_reached(self.forecast, value)[:, 0]

    def beats(self, value: float, noise: float) -> Array:
        """P(the mean curve has been as good as the mean behind a best ``value`` seen with that noise) by each x.

        The best single value of a noisy run flatters it; what is compared is its mean, known to within the noise.
        """
        if noise <= 0:
            return self.ever(value)
        from scipy.special import ndtri

        return np.asarray(chance_reached(self.forecast, value + noise * ndtri((np.arange(9) + 0.5) / 9)).mean(axis=1))

    def earned(self, kept: float) -> Array:
        r"""Quantiles of max(0, gain over a checkpoint) at each x, shape (H, 200), at levels .0025, .0075, ...

        .. math:: \operatorname{sd}^2_{\mathrm{earned}}(x) = \operatorname{sd}^2(x) - \operatorname{sd}^2(x_1)

        What is not known of the mean now is no gain that training brings: without this one more step would always pay
        where steps are cheap enough.

        Parameters
        ----------
        kept : float
            Local mean at the best point so far, in the unit of the metric.
        """
        mean = self.forecast.mean(_LEVELS)
        middle = mean[:, 99:101].mean(axis=1)[:, None]
        spread = mean[:, 168] - mean[:, 31]
        left = np.sqrt(np.maximum(1.0 - (spread[0] / np.maximum(spread, 1e-300)) ** 2, 0.0))[:, None]
        gains = self.sign * (kept - middle) - self.sign * (mean - middle) * left
        return np.asarray(np.maximum(np.sort(gains, axis=1), 0.0))

    def net_worth(self, x_last: float, cost_per_unit: float, worth_per_unit: float, *, kept: float) -> Array:
        """Expected worth of what is `earned`, minus the cost of getting to each x, in their common currency."""
        earned = self.earned(kept)
        return np.asarray(worth_per_unit * (earned / earned.shape[1]).sum(axis=1) - cost_per_unit * (self.x - x_last))


def smallest_gain(min_gain: float | str | None, curve: Curve, level_now: float, noise: float) -> tuple[float, str]:
    """Smallest gain that matters, in the metric's unit, and where it came from.

    Parameters
    ----------
    min_gain : float, str or None
        A number in the metric's unit; ``"1%"`` of the level now; ``"2 sigma"`` standard deviations of one observation.
        None: 2 % of what has been gained so far, or a tenth of the noise where that is more.
    curve : Curve
        The observed part.
    level_now, noise : float
        Local mean and noise at the last x.

    Raises
    ------
    UsageError
        For anything else, and for numbers that are negative or not finite.
    """
    if min_gain is None:
        start = float(curve.y[0]) if len(curve) else level_now
        drop = abs(level_now - start)
        if SMALL * drop >= 0.1 * noise:
            better = (level_now < start) == (curve.direction != "max")
            return SMALL * drop, f"{100 * SMALL:g} % of the {'improvement' if better else 'change'} so far"
        return 0.1 * noise, "a tenth of the noise of one observation"
    if isinstance(min_gain, str):
        text = min_gain.strip().lower()
        number = text.removesuffix("%").removesuffix("sigma").strip()
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if np.isfinite(value) and value >= 0:
            if text.endswith("%"):
                return value / 100 * abs(level_now), f"{value:g} % of the level now"
            if text.endswith("sigma"):
                return value * noise, f"{value:g} standard deviations of one observation"
            return value, "as given"
    elif is_number(min_gain) and np.isfinite(float(min_gain)) and float(min_gain) >= 0:
        return float(min_gain), "as given"
    raise UsageError(
        f"min_gain = {short(min_gain)}",
        code="CF-USE-008",
        hint='a number >= 0 in the unit of the metric, "1%" or "2 sigma"',
    )
