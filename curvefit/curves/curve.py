"""One metric against one x: the values, and what is known about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntFlag
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ._arguments import checked
from ._checks import as_float_array, frame_of, frozen_array
from .errors import DataError, UsageError
from .metric import Direction, Kind, Metric
from .numbers import counted

__all__ = ["Curve", "Flag", "XUnit"]

XUnit = Literal["step", "epoch", "token", "sample", "parameter", "flop", "second", "iteration"]


class Flag(IntFlag):
    """What is known about single points."""

    NONE = 0
    AGGREGATED = 1  # a bin or chart average, not a raw value
    MASKED_NAN = 2  # exactly 0 or frozen while the gradient norm is not finite
    CLIPPED = 4  # written as the largest float by a logger that has no infinity


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Curve:
    """Values of a metric at increasing x. Finite points are the curve; NaN and infinities are facts beside it.

    Parameters
    ----------
    x, y : array-like, shape (n,)
        Where (unit ``x_unit``) and what (unit of the metric). Sorted by x here (ties by y); a point with a missing x
        is refused. Points whose y is NaN or infinite go to ``nonfinite_x`` and ``nonfinite_y``.
    metric : str or Metric
        A name is read with `Metric.infer`.
    x_unit : {"step", "epoch", "token", "sample", "parameter", "flop", "second", "iteration"}
        Unit of x.
    flags : array-like of int, shape (n,), optional
        `Flag` bits of each point.
    segment : array-like of int, shape (n,), optional
        Segment of each point when the run was resumed.
    bounds : (float, float), optional
        Values the metric cannot leave; default from the metric: [0, 1] or [0, 100] for an accuracy (percent when a
        value exceeds 1), nothing else.
    defects : mapping of str to int, optional
        What was dropped or changed on the way here, by reason; filled by readers.

    Attributes
    ----------
    x, y : ndarray of float64, read-only, shape (m,)
        The finite points.
    nonfinite_x, nonfinite_y : ndarray of float64, read-only
        Where NaN or an infinity was logged, and which.
    bounds_given : bool
        Whether the bounds were given, or inferred from the values.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    metric: Metric
    x_unit: XUnit
    flags: NDArray[np.uint8]
    segment: NDArray[np.int32]
    bounds: tuple[float, float] | None
    bounds_given: bool
    nonfinite_x: NDArray[np.float64]
    nonfinite_y: NDArray[np.float64]
    defects: Mapping[str, int] = field(default_factory=dict)

    @checked
    def __init__(
        self,
        x: Any,
        y: Any,
        metric: str | Metric = "value",
        *,
        x_unit: XUnit = "step",
        flags: Any = None,
        segment: Any = None,
        bounds: tuple[float, float] | None = None,
        defects: Mapping[str, int] | None = None,
    ) -> None:
        if x_unit not in get_args(XUnit):
            raise UsageError(f"x_unit {x_unit!r}", code="CF-USE-006", hint=f"choices: {', '.join(get_args(XUnit))}")
        named = metric if isinstance(metric, Metric) else Metric.infer(metric)
        xs, ys = _own(x, "x"), _own(y, "y")
        if xs.shape != ys.shape:
            raise DataError(f"{xs.size} x values and {ys.size} y values", where=named.name)
        if not np.all(np.isfinite(xs)):
            row = int(np.flatnonzero(~np.isfinite(xs))[0])
            raise DataError(f"x[{row}] is {xs[row]}", where=named.name, hint="drop the rows without an x")
        flag = np.zeros(xs.size, np.uint8) if flags is None else _codes(flags, np.uint8, "flags")
        seg = np.zeros(xs.size, np.int32) if segment is None else _codes(segment, np.int32, "segment")
        if flag.shape != xs.shape or seg.shape != xs.shape:
            raise DataError("flags and segment need one entry per point", where=named.name)
        if xs.size > 1 and not np.all(xs[1:] > xs[:-1]):
            order = np.lexsort((ys, xs))
            xs, ys, flag, seg = xs[order], ys[order], flag[order], seg[order]
        finite = np.isfinite(ys)
        put = object.__setattr__
        whole = bool(finite.all())
        put(self, "nonfinite_x", frozen_array(() if whole else xs[~finite]))
        put(self, "nonfinite_y", frozen_array(() if whole else ys[~finite]))
        if not whole:
            xs, ys, flag, seg = xs[finite], ys[finite], flag[finite], seg[finite]
        xs.flags.writeable = ys.flags.writeable = flag.flags.writeable = seg.flags.writeable = False  # all are our own
        put(self, "x", frozen_array(xs))
        put(self, "y", frozen_array(ys))
        put(self, "metric", named)
        put(self, "x_unit", x_unit)
        put(self, "flags", flag)
        put(self, "segment", seg)
        put(self, "bounds", _checked_bounds(bounds, named) if bounds is not None else _bounds(named, ys))
        put(self, "bounds_given", bounds is not None)
        put(self, "defects", MappingProxyType(dict(defects or {})))

    @classmethod
    @checked
    def from_frame(cls, frame: Any, x: str, y: str, metric: str | Metric | None = None, **options: Any) -> Curve:
        """From two columns of any dataframe that narwhals understands; rows where y is missing are absent.

        Parameters
        ----------
        frame : dataframe
            pandas, polars, pyarrow, ...
        x, y : str
            Column names.
        metric : str or Metric, optional
            Default: the name of column y.
        **options
            As for `Curve`.
        """
        data = frame_of(frame, "cf.Curve.from_frame(frame, x='step', y='val_loss')")
        for name in (x, y):
            if name not in data.columns:
                from .errors import unknown_name

                raise unknown_name("column", name, data.columns)
        import narwhals.stable.v2 as nw

        data = data.select(x, y).filter(~nw.col(y).is_null() & ~nw.col(x).is_null())
        return cls(data[x].to_numpy(), data[y].to_numpy(), metric if metric is not None else y, **options)

    def __len__(self) -> int:
        return int(self.x.size)

    def __repr__(self) -> str:
        span = f"{self.x_unit} {self.x[0]:g} to {self.x[-1]:g}" if len(self) else "no finite points"
        return f"Curve({self.metric.name!r}, {counted(len(self), 'point')}, {span})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Curve):
            return NotImplemented
        same = (self.metric, self.x_unit, self.bounds) == (other.metric, other.x_unit, other.bounds)
        arrays = ("x", "y", "flags", "segment", "nonfinite_x", "nonfinite_y")
        return same and all(np.array_equal(getattr(self, a), getattr(other, a), equal_nan=True) for a in arrays)

    __hash__ = None  # type: ignore[assignment]  # how Python spells unhashable; the stubs say a method

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (
            np.r_[self.x, self.nonfinite_x],
            np.r_[self.y, self.nonfinite_y],
            self.metric,
            self.x_unit,
            np.r_[self.flags, np.zeros(self.nonfinite_x.size, np.uint8)],
            np.r_[self.segment, np.zeros(self.nonfinite_x.size, np.int32)],
            self.bounds if self.bounds_given else None,
            dict(self.defects),
        )

    @property
    def kind(self) -> Kind:
        """Kind of the metric."""
        return self.metric.kind

    @property
    def direction(self) -> Direction | None:
        """Which way is better, None when unknown."""
        return self.metric.direction

    @property
    def percent(self) -> bool:
        """Whether this is an accuracy given in percent."""
        return self.kind == "accuracy" and self.bounds == (0.0, 100.0)

    @checked
    def until(self, x: float) -> Curve:
        """The part at or before x, as it would have looked then: bounds that were inferred are so from that part alone."""
        if np.isnan(x):
            raise UsageError(f"until needs an x, got {x!r}", where=self.metric.name, hint="curve.until(100)")
        keep, beside = self.x <= x, self.nonfinite_x <= x
        return Curve(
            np.r_[self.x[keep], self.nonfinite_x[beside]],
            np.r_[self.y[keep], self.nonfinite_y[beside]],
            self.metric,
            x_unit=self.x_unit,
            flags=np.r_[self.flags[keep], np.zeros(int(beside.sum()), np.uint8)],
            segment=np.r_[self.segment[keep], np.zeros(int(beside.sum()), np.int32)],
            bounds=self.bounds if self.bounds_given else None,
            defects=self.defects,
        )

    def with_metric(self, **changes: Any) -> Curve:
        """The same points with parts of the metric replaced, for example ``direction="max"``."""
        return Curve(
            np.r_[self.x, self.nonfinite_x],
            np.r_[self.y, self.nonfinite_y],
            replace(self.metric, **changes),
            x_unit=self.x_unit,
            flags=np.r_[self.flags, np.zeros(self.nonfinite_x.size, np.uint8)],
            segment=np.r_[self.segment, np.zeros(self.nonfinite_x.size, np.int32)],
            bounds=self.bounds if self.bounds_given else None,
            defects=self.defects,
        )


def _own(values: Any, name: str) -> NDArray[np.float64]:
    """A float64 array that nobody else can write to: a copy, or the array itself when it is read-only."""
    if type(values) is np.ndarray and values.dtype == np.float64 and values.ndim == 1 and not values.flags.writeable:
        return values
    return as_float_array(values, name)


def _codes(values: Any, kind: type[np.integer[Any]], name: str) -> NDArray[Any]:
    """Whole numbers of the given type, one per point."""
    try:
        return np.array(values, kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{name} are not small whole numbers: {error}", where=name, hint="one per point") from None


def _checked_bounds(bounds: Any, metric: Metric) -> tuple[float, float]:
    try:
        low, high = (float(v) for v in bounds)
    except (TypeError, ValueError, OverflowError):
        low = high = np.nan
    if not low < high:
        raise UsageError(
            f"bounds = {bounds!r}", code="CF-USE-003", where=metric.name, hint="two numbers, such as (0, 1)"
        )
    return low, high


def _bounds(metric: Metric, y: NDArray[np.float64]) -> tuple[float, float] | None:
    if metric.kind != "accuracy" or not y.size:
        return None
    low, high = float(y.min()), float(y.max())
    if metric.unit == "percent" or (metric.unit != "fraction" and 1 < high <= 100 and low >= 0):
        return (0.0, 100.0) if low >= 0 and high <= 100 else None
    return (0.0, 1.0) if low >= 0 and high <= 1 else None


def _rebuild(
    x: Any, y: Any, metric: Metric, x_unit: XUnit, flags: Any, segment: Any, bounds: Any, defects: Any
) -> Curve:
    return Curve(x, y, metric, x_unit=x_unit, flags=flags, segment=segment, bounds=bounds, defects=defects)
