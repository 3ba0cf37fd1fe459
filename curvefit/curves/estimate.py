"""Numbers that people see: a value with its interval, level, kind and unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ._checks import check_level, frozen_array, rebuilt, safe_text
from .errors import DataError
from .numbers import with_interval
from .status import Status

__all__ = ["Estimate", "Interval", "IntervalKind", "Prediction"]

IntervalKind = Literal["confidence", "prediction", "range"]


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval, its level and what it is an interval of.

    Parameters
    ----------
    low, high : float
        End points in the unit of the quantity; infinite where the side is open.
    level : float or None
        Nominal coverage, in (0, 1); None for a range, which has none.
    kind : {"confidence", "prediction", "range"}
        Of a parameter or mean curve, of a new observation, or no statement of chance at all: the logged values that a
        place lies between, or the extent of what lies there.
    method : str
        How it was computed, for example ``"profile_likelihood"``.
    """

    low: float
    high: float
    level: float | None = 0.95
    kind: IntervalKind = "confidence"
    method: str = ""

    def __post_init__(self) -> None:
        if self.level is not None:
            check_level(self.level)
        if (self.level is None) != (self.kind == "range"):
            raise DataError(
                f"an interval of kind {self.kind!r} with level {self.level}: a range, and nothing else, has none"
            )
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise DataError(f"an interval needs low <= high, got [{self.low}, {self.high}]")

    @property
    def width(self) -> float:
        """High minus low."""
        return self.high - self.low

    @property
    def closed(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Estimate:
    """One quantity of interest.

    Parameters
    ----------
    name : str
        Name of the estimand.
    value : float or None
        Point estimate; None where the status says why there is none.
    interval : Interval or None
        Its interval; None where it is not estimable.
    unit : str
        Unit of value and interval (of the metric, of x, or empty).
    status : Status
        How it ended.
    reasons : tuple of str
        Plain sentences behind a status other than ok.
    details : mapping of str to float
        Further named numbers, for example ``probability_never`` or ``horizon``.
    """

    name: str
    value: float | None
    interval: Interval | None = None
    unit: str = ""
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()
    details: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise DataError(f"estimate {self.name!r} has a non-finite value; use None and a status")
        object.__setattr__(self, "details", MappingProxyType(dict(self.details)))

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt(self)

    def __str__(self) -> str:
        """One line: value, interval, unit, and what qualifies it."""
        value, interval = with_interval(self)
        if self.value is None:
            told = self.status.code.replace("_", " ")
        else:
            told = " ".join(part for part in (value, interval, self.unit) if part)
            if self.interval is not None:
                level = self.interval.level
                told += f" ({'' if level is None else f'{100 * level:g} % '}{self.interval.kind})"
        why = "" if self.status is Status.OK else "; ".join(self.reasons)
        return safe_text(f"{self.name.replace('_', ' ')}: {told}" + (f"; {why}" if why else ""))

    def __repr__(self) -> str:
        value, interval = with_interval(self)
        told = self.status.code
        if self.value is not None:
            told = " ".join(part for part in (value, interval, self.unit) if part)
        return f"Estimate({self.name!r}, {safe_text(told)})"


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Values of a curve at chosen x with an interval at each.

    Parameters
    ----------
    x : ndarray, shape (m,)
        Where, in the unit of the curve's x.
    mean : ndarray, shape (m,)
        Point prediction, in the unit of the metric.
    low, high : ndarray, shape (m,)
        End points of the interval; equal to NaN where no interval was asked for or none is estimable.
    kind : {"confidence", "prediction"} or None
        Of the mean curve, of a new observation, or no interval.
    level : float
        Nominal coverage.
    """

    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    kind: IntervalKind | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        for name in ("x", "mean", "low", "high"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))
