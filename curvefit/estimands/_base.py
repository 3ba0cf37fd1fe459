"""What is asked of a curve, and what every way of answering has in common.

A way is a function ``name(question) -> Estimate`` in a file of its name. It reads the question and nothing else, never
raises for what the data cannot tell (it answers with a `Status` and a sentence), keeps improvement positive whatever
the direction of the metric, and says of every interval what it is an interval of. Beside it may stand
``many(questions) -> list[Estimate]``, the same answers to many questions, computed side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Estimate, Status, UsageError
from ..curves._checks import check_level
from ..forecasting.forecast import Forecast
from ._local_mean import LocalMean

if TYPE_CHECKING:
    from ..fitting.fit import Fit

__all__ = ["Estimand", "Known", "Question", "coarse_grid", "horizon_grid", "thinned", "unanswered"]

_GRID, _FEWEST = 48, 12  # x of a forecast from which estimands are read
_STEP = 0.06  # in log x, at most, of those x that they do read


@dataclass(slots=True)
class Known:
    """What several ways read of a curve, once one of them has computed it."""

    local: tuple[LocalMean, ...] | None = None
    misfit: LocalMean | None = None
    noise: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A curve, what is known of it, and what is asked.

    Parameters
    ----------
    curve : Curve
        The observed part.
    forecast : Forecast or None
        On increasing x (`horizon_grid`) of which the last is the horizon; None when there is none.
    fit : Fit or None
        The law fitted to the curve; None when there is none.
    horizon : float or None
        x up to which the question is asked, beyond the last observation.
    target : float or None
        Value of the metric to be reached.
    eps : float
        Share of the total gain below which what is left counts as nothing (plateau onset by gain).
    level : float
        Nominal coverage of the intervals.
    min_gain : float
        Smallest improvement that matters, in the unit of the metric.
    """

    curve: Curve
    forecast: Forecast | None = None
    fit: Fit | None = None
    horizon: float | None = None
    target: float | None = None
    eps: float = 0.01
    level: float = 0.95
    min_gain: float = 0.0
    known: Known = field(default_factory=Known, init=False, repr=False)

    def __post_init__(self) -> None:
        check_level(self.level)
        if not 0 < self.eps < 1:
            raise UsageError(f"eps = {self.eps!r} is not a share between 0 and 1", code="CF-USE-003", hint="eps=0.01")
        if not (np.isfinite(self.min_gain) and self.min_gain >= 0):
            raise UsageError(f"min_gain = {self.min_gain!r} is not a number >= 0", code="CF-USE-003")
        for name in ("horizon", "target"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value):
                raise UsageError(f"{name} = {value!r} is not finite", code="CF-USE-003")

    @property
    def sign(self) -> float:
        """+1 when smaller is better, so that ``sign * (before - after)`` is an improvement; -1 otherwise."""
        return 1.0 if self.curve.metric.need_direction() == "min" else -1.0

    @property
    def unit(self) -> str:
        """Unit of the metric."""
        return self.curve.metric.unit or ("percent" if self.curve.percent else "")


class Estimand(Protocol):
    """The shape of every way in this folder."""

    def __call__(self, question: Question, /) -> Estimate:
        """Answer the question."""
        ...


def unanswered(
    name: str, status: Status, *reasons: str, unit: str = "", details: Mapping[str, float] | None = None
) -> Estimate:
    """An estimate without a value that says why."""
    return Estimate(name, None, None, unit, status, reasons, details or {})


def horizon_grid(curve: Curve, horizon: float, points: int = _GRID) -> NDArray[np.float64]:
    """Increasing x from just beyond the last observation to the horizon, even in log x where x is positive.

    Parameters
    ----------
    curve : Curve
        With at least one finite point.
    horizon : float
        Beyond the last observation, in the unit of x.
    points : int
        Number of x.

    Raises
    ------
    UsageError
        When the horizon is not beyond the data.
    """
    last = float(curve.x[-1])
    if not horizon > last:
        raise UsageError(
            f"the horizon {horizon:g} is not beyond the last {curve.x_unit}, {last:g}",
            code="CF-USE-007",
            where=curve.metric.name,
            hint="ask for a later one, or read the past off a fit: cf.fit(curve, ...).predict(x)",
        )
    even = np.geomspace if last > 0 else np.linspace
    grid: NDArray[np.float64] = even(last, horizon, points + 1)[1:]
    grid[-1] = horizon
    return grid


def coarse_grid(curve: Curve, horizon: float) -> NDArray[np.float64]:
    """Those x of `horizon_grid` that quantities of interest are read at, its first, and a quarter and half of the way.

    For a forecast of the pool, whose distribution at an x does not depend on which later ones are asked about: on these
    x it says what it says on the whole grid, in half the time. Its level now is that of the experts at the first x.
    """
    last = float(curve.x[-1])
    n = _enough(last, horizon)
    if n == _GRID or not horizon > last:
        grid = horizon_grid(curve, horizon)
    else:
        grid = last * np.exp(np.log(horizon / last) * _rungs(n))
        grid[-1] = horizon
    marks = last + np.array([0.25, 0.5]) * (horizon - last)
    near = np.minimum(np.searchsorted(grid, marks - 1e-12 * np.abs(marks)), grid.size - 1)
    same = np.abs(grid[near] - marks) <= 1e-12 * np.abs(marks)
    grid[near[same]] = marks[same]
    return np.sort(np.concatenate([grid, marks[~same]]))


@lru_cache(maxsize=8)
def _rungs(n: int) -> NDArray[np.float64]:
    """Shares of the way in log x: the first of the whole grid, and n."""
    rungs: NDArray[np.float64] = np.concatenate([[1 / _GRID], np.arange(1, n + 1) / n])
    rungs.flags.writeable = False
    return rungs


def thinned(forecast: Forecast) -> Forecast:
    """The forecast at those x of `horizon_grid` that matter where its course is smooth; any other forecast as it is."""
    x, last = forecast.x, forecast.x_last
    if forecast.method != "pooled" or last <= 0 or x.size < _FEWEST:
        return forecast
    n = _enough(last, float(x[-1]))
    grid = last * np.exp(np.log(x[-1] / last) / n * np.arange(1, n + 1))
    at = np.minimum(np.searchsorted(x, grid * (1 - 1e-9)), x.size - 1)
    if x.size == n or np.any(np.abs(x[at] - grid) > 1e-9 * grid):
        return forecast
    return forecast.at(at)


def _enough(last: float, horizon: float) -> int:
    """How many x of the grid: the smallest divisor with steps that are short enough."""
    if last <= 0:
        return _GRID
    return next((n for n in (_FEWEST, 16, 24) if np.log(horizon / last) <= _STEP * n), _GRID)
