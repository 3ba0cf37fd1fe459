"""A curve that grows point by point in bounded memory: raw while short, means of equal blocks when long."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Metric, Schedule, UsageError
from ..curves.curve import XUnit
from ..curves.run import is_learning_rate

__all__ = ["BROKEN", "Companions", "History", "numbers", "whole"]

Array = NDArray[np.float64]

MOST = 1024  # blocks kept; when there are more, neighbors are merged
_COMPANIONS = 32  # further metrics at most
BROKEN = (AttributeError, LookupError, OverflowError, TypeError, ValueError)  # what a state that is none leads to


class History:
    """Finite points in order, at most ``MOST`` of them, each the mean of the same number of observations.

    Up to ``MOST`` observations every one is kept. Then pairs of neighbors become their means, again and again: the time
    to add a point does not depend on how many there were, on average, and the noise of the blocks is even.

    Attributes
    ----------
    size : int
        Observations per block, a power of two.
    """

    def __init__(self) -> None:
        self.size = 1
        self._x: list[float] = []  # of the observation in the middle of each block
        self._last: list[float] = []  # of its last observation
        self._y: list[float] = []
        self._open_x: list[float] = []  # observations of the block that is not full yet
        self._open_y: list[float] = []

    def __len__(self) -> int:
        """Observations that are still represented."""
        return self.size * len(self._y) + len(self._open_y)

    @property
    def last_x(self) -> float | None:
        """X of the newest observation."""
        if self._open_x:
            return self._open_x[-1]
        return self._last[-1] if self._last else None

    @property
    def first_x(self) -> float | None:
        """X of the first block."""
        return self._x[0] if self._x else self._open_x[0] if self._open_x else None

    def add(self, x: float, y: float) -> None:
        """One finite observation; those at the same or a later x are superseded by it."""
        newest = self.last_x
        if newest is not None and x <= newest:
            self.rewind(x)
        self._open_x.append(x)
        self._open_y.append(y)
        if len(self._open_y) >= self.size:
            self._x.append(self._open_x[(self.size - 1) // 2])
            self._last.append(self._open_x[-1])
            self._y.append(sum(self._open_y) / self.size)
            self._open_x.clear()
            self._open_y.clear()
            if len(self._y) > MOST:
                self._merge()

    def rewind(self, x: float) -> None:
        """Forget what was observed at or after x; a block that reaches there goes as a whole."""
        keep = bisect_left(self._open_x, x)
        del self._open_x[keep:], self._open_y[keep:]
        keep = bisect_left(self._last, x)
        if keep < len(self._last):
            del self._x[keep:], self._last[keep:], self._y[keep:]
            self._open_x.clear()
            self._open_y.clear()

    def _merge(self) -> None:
        """Neighbors become their means; the odd one at the end goes back to the open block."""
        if len(self._y) % 2:
            self._open_x = [self._last.pop()]
            self._open_y = [self._y.pop()]
            self._x.pop()
            if self.size > 1:  # as many equal observations as it stood for
                self._open_x *= self.size
                self._open_y *= self.size
        left, right = self._y[::2], self._y[1::2]
        self._y = [(a + b) / 2 for a, b in zip(left, right, strict=True)]
        self._x = self._last[::2]
        self._last = self._last[1::2]
        self.size *= 2

    def arrays(self) -> tuple[Array, Array]:
        """X and y of the full blocks, shape (m,) each."""
        return np.array(self._x, dtype=np.float64), np.array(self._y, dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "size": self.size,
            "x": list(self._x),
            "last": list(self._last),
            "y": list(self._y),
            "open_x": list(self._open_x),
            "open_y": list(self._open_y),
        }

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> History:
        """From `state`."""
        out = cls()
        try:
            out.size = whole(state["size"], 1)
            out._x, out._last, out._y = (numbers(state[k]) for k in ("x", "last", "y"))
            out._open_x, out._open_y = numbers(state["open_x"]), numbers(state["open_y"])
        except BROKEN as e:
            raise UsageError(f"this is no saved history: {e!r}", code="CF-USE-012", where="Monitor state") from e
        if (
            out.size & (out.size - 1)
            or len({len(out._x), len(out._last), len(out._y)}) > 1
            or len(out._open_x) != len(out._open_y)
        ):
            raise UsageError(
                "a saved history has lists of different length or blocks of no size",
                code="CF-USE-012",
                where="Monitor state",
            )
        return out


class Companions:
    """Further metrics of the same steps."""

    def __init__(self) -> None:
        self._series: dict[str, History] = {}
        self._lost: dict[str, float] = {}  # first x of the non-finite values a metric ends in

    def add(self, x: float, name: str, value: float) -> None:
        """One value, finite or not."""
        if name not in self._series:
            if len(self._series) >= _COMPANIONS:
                raise UsageError(f"more than {_COMPANIONS} further metrics; {name!r} is passed over")
            self._series[name] = History()
        if np.isfinite(value):
            self._series[name].add(x, value)
            self._lost.pop(name, None)
        else:
            self._lost.setdefault(name, x)

    def rewind(self, x: float) -> None:
        """Forget what was observed after x (at x the values of the present step are already there)."""
        for name, series in self._series.items():
            if (newest := series.last_x) is not None and newest > x:
                series.rewind(x)
            if self._lost.get(name, -np.inf) > x:
                del self._lost[name]

    def curves(self, x_unit: XUnit) -> tuple[dict[str, Curve], Schedule | None]:
        """The curves by name, and the learning rate where one of them is that."""
        found: dict[str, Curve] = {}
        schedule = None
        for name, series in self._series.items():
            x, y = series.arrays()
            metric = Metric.infer(name)
            if is_learning_rate(metric) and schedule is None and x.size:
                schedule = Schedule(x, np.maximum(y, 0.0))
            if metric.auxiliary and name in self._lost:
                x, y = np.append(x, self._lost[name]), np.append(y, np.nan)
            if x.size:
                found[name] = Curve(x, y, metric, x_unit=x_unit)
        return found, schedule

    def state(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"series": {k: v.state() for k, v in self._series.items()}, "lost": dict(self._lost)}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Companions:
        """From `state`."""
        out = cls()
        try:
            out._series = {str(k): History.of(v) for k, v in state["series"].items()}
            out._lost = dict(zip(map(str, state["lost"]), numbers(state["lost"].values()), strict=True))
        except BROKEN as e:
            raise UsageError(f"these are no saved metrics: {e!r}", code="CF-USE-012", where="Monitor state") from e
        return out


def whole(value: Any, least: int = 0) -> int:
    """A whole number that a computer counts with, or ValueError."""
    number = int(value)
    if not least <= number < 2**62:
        raise ValueError(f"{number:.3g} is no count")
    return number


def numbers(values: Any) -> list[float]:
    """A list of finite floats, or ValueError."""
    out = [float(v) for v in values]
    if not all(np.isfinite(out)):
        raise ValueError("a value is not finite")
    return out
