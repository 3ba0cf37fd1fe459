"""Records of a back-test: one forecast of the past, those of one curve, those of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..curves import Interval, Status
from .forecast import Forecast

__all__ = ["Backtest", "Backtests", "BacktestSummary", "Coverage", "Replay"]


@dataclass(frozen=True, slots=True)
class Replay:
    """One forecast of the past, and what came.

    Parameters
    ----------
    share : float
        Share of the way at which the curve was cut.
    x_cut, y_cut : float
        Last observation that was known.
    points : int
        Observations that were known.
    x, observed : float
        What was forecast, and what came.
    median, low, high : float
        Point forecast and interval of the observation.
    crps : float
        Continuous ranked probability score, in the unit of the metric.
    probability : float
        P(observation <= what came); about uniform over many independent curves when forecasts are calibrated.
    method : str
        Forecaster that was used.
    status : Status
        Of the forecast.
    reasons : tuple of str
        Plain sentences behind the status.
    """

    share: float
    x_cut: float
    y_cut: float
    points: int
    x: float
    observed: float
    median: float
    low: float
    high: float
    crps: float
    probability: float
    method: str
    status: Status
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, forecast: Forecast, share: float, points: int, observed: float, level: float) -> Replay:
        """From a forecast at one x."""
        interval = forecast.interval(level)
        return cls(
            share=share,
            x_cut=forecast.x_last,
            y_cut=forecast.y_last,
            points=points,
            x=float(forecast.x[0]),
            observed=observed,
            median=float(interval.mean[0]),
            low=float(interval.low[0]),
            high=float(interval.high[0]),
            crps=float(forecast.crps(observed)[0]),
            probability=float(forecast.cdf(observed)[0]),
            method=forecast.method,
            status=forecast.status,
            reasons=forecast.reasons,
        )

    @property
    def inside(self) -> bool:
        """Whether what came lies in the interval."""
        return self.low <= self.observed <= self.high

    @property
    def error(self) -> float:
        """Distance of the median from what came."""
        return abs(self.median - self.observed)

    @property
    def last_value_error(self) -> float:
        """Distance of the last known observation from what came; the CRPS, too, of saying just that value."""
        return abs(self.y_cut - self.observed)

    @property
    def error_ratio(self) -> float:
        """Error over that of the last value: below 1 is better than "it stays"; 1 when both are zero."""
        return _ratio(self.error, self.last_value_error)

    @property
    def crps_ratio(self) -> float:
        """CRPS over that of the last value; 1 when both are zero."""
        return _ratio(self.crps, self.last_value_error)

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON."""
        return {
            "share": self.share,
            "x_cut": self.x_cut,
            "y_cut": self.y_cut,
            "points": self.points,
            "x": self.x,
            "observed": self.observed,
            "median": self.median,
            "low": self.low,
            "high": self.high,
            "inside": self.inside,
            "error": self.error,
            "error_ratio": self.error_ratio,
            "crps": self.crps,
            "crps_ratio": self.crps_ratio,
            "probability": self.probability,
            "method": self.method,
            "status": self.status.code,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Backtest:
    """What would have been said of one curve on the way, against what came.

    Parameters
    ----------
    run, metric : str
        Names.
    x_unit : str
        Of x.
    level : float
        Of the intervals.
    replays : tuple of Replay
        By share; at least one.
    """

    run: str
    metric: str
    x_unit: str
    level: float
    replays: tuple[Replay, ...]

    @property
    def x(self) -> float:
        """Where the observation was that had to be forecast."""
        return self.replays[0].x

    @property
    def observed(self) -> float:
        """What came."""
        return self.replays[0].observed

    @property
    def inside(self) -> int:
        """How many of the intervals hold what came."""
        return sum(r.inside for r in self.replays)

    @property
    def error_ratio(self) -> float:
        """Median over the cuts of the error relative to that of the last value."""
        return _median([r.error_ratio for r in self.replays])

    @property
    def crps_ratio(self) -> float:
        """Median over the cuts of the CRPS relative to that of the last value."""
        return _median([r.crps_ratio for r in self.replays])

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON."""
        return {
            "run": self.run,
            "metric": self.metric,
            "x_unit": self.x_unit,
            "level": self.level,
            "x": self.x,
            "observed": self.observed,
            "inside": self.inside,
            "error_ratio": self.error_ratio,
            "crps_ratio": self.crps_ratio,
            "replays": [r.to_dict() for r in self.replays],
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many intervals held what came, and which true rates agree with that.

    Parameters
    ----------
    inside, forecasts : int
        Intervals that held, and all.
    runs : int
        Runs they come from, the number of independent observations.
    interval : Interval
        Of the rate, at 95 %.
    """

    inside: int
    forecasts: int
    runs: int
    interval: Interval

    @property
    def rate(self) -> float:
        """Share of intervals that held."""
        return self.inside / self.forecasts

    @classmethod
    def of(cls, held: Sequence[tuple[int, int]]) -> Coverage:
        r"""From how many intervals held, of how many, for each run.

        .. math:: P(\mathrm{Bin}(n, p) \ge n\hat p) = P(\mathrm{Bin}(n, p) \le n\hat p) = .025

        solved for p at both ends (Clopper and Pearson, 1934) with n the number of *runs*: the forecasts of one run are
        about the same observation and count as one, which is cautious when they are not all right or all wrong.
        """
        from scipy.special import betaincinv

        inside, forecasts, n = sum(k for k, _ in held), sum(m for _, m in held), len(held)
        right = n * inside / forecasts
        low = float(betaincinv(right, n - right + 1, 0.025)) if right > 0 else 0.0
        high = float(betaincinv(right + 1, n - right, 0.975)) if right < n else 1.0
        return cls(inside, forecasts, n, Interval(low, high, 0.95))

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON."""
        ends = {"low": self.interval.low, "high": self.interval.high, "level": self.interval.level}
        return {
            "inside": self.inside,
            "forecasts": self.forecasts,
            "runs": self.runs,
            "rate": self.rate,
            "interval": ends,
        }


@dataclass(frozen=True, slots=True)
class BacktestSummary:
    """Scores of many back-tests at one share, or at all.

    Parameters
    ----------
    share : float or None
        Where curves were cut; None for all shares together.
    coverage : Coverage
        How often the intervals held.
    error_ratio, crps_ratio : float
        Medians over forecasts of the ratios to the last value.
    better : float
        Share of forecasts whose median was nearer to what came than the last value, ties counted half.
    """

    share: float | None
    coverage: Coverage
    error_ratio: float
    crps_ratio: float
    better: float

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON."""
        return {
            "share": self.share,
            "coverage": self.coverage.to_dict(),
            "error_ratio": self.error_ratio,
            "crps_ratio": self.crps_ratio,
            "better": self.better,
        }


@dataclass(frozen=True, slots=True)
class Backtests:
    """Back-tests of many runs.

    Parameters
    ----------
    items : tuple of Backtest
        One per run.
    """

    items: tuple[Backtest, ...]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Backtest]:
        return iter(self.items)

    def __getitem__(self, place: int) -> Backtest:
        return self.items[place]

    def summary(self) -> tuple[BacktestSummary, ...]:
        """Scores at each share, then at all together; empty without runs."""
        shares = sorted(Counter(r.share for b in self.items for r in b.replays))
        at = [_summary(share, [[r for r in b.replays if r.share == share] for b in self.items]) for share in shares]
        return (*at, _summary(None, [list(b.replays) for b in self.items])) if at else ()

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON."""
        return {"runs": [b.to_dict() for b in self.items], "summary": [s.to_dict() for s in self.summary()]}


def _summary(share: float | None, by_run: list[list[Replay]]) -> BacktestSummary:
    by_run = [replays for replays in by_run if replays]
    all_of_them = [r for replays in by_run for r in replays]
    ratios = [r.error_ratio for r in all_of_them]
    return BacktestSummary(
        share,
        Coverage.of([(sum(r.inside for r in replays), len(replays)) for replays in by_run]),
        _median(ratios),
        _median([r.crps_ratio for r in all_of_them]),
        float(np.mean([0.5 if v == 1 else float(v < 1) for v in ratios])),
    )


def _ratio(error: float, base: float) -> float:
    if base > 0:
        with np.errstate(over="ignore"):
            return float(np.float64(error) / base)
    return 1.0 if error == 0 else float("inf")


def _median(values: list[float]) -> float:
    """Median; the larger of the middle two when one of them is infinite."""
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return low / 2 + high / 2
