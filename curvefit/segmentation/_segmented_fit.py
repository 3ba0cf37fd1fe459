"""What a segmented regression found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Estimate, Status
from ._existence import ExistenceTest
from ._problem import Axis

__all__ = ["BreakpointProfile", "SegmentedFit"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BreakpointProfile:
    """The best residual sum of squares with one breakpoint held at each place, the others near their optimum.

    Parameters
    ----------
    x : ndarray, shape (m,)
        Places, increasing, in the unit of x.
    rss : ndarray, shape (m,)
        Residual sum of squares there.
    limit : float
        Places below it are in the interval; nan for intervals that are not made from the profile.
    """

    x: Array
    rss: Array
    limit: float


@dataclass(frozen=True, slots=True, eq=False)
class SegmentedFit:
    """A fitted broken line.

    Parameters
    ----------
    breakpoints : tuple of Estimate
        x of each breakpoint, increasing, in the unit of x.
    slopes, intercepts : tuple of Estimate
        Of each segment's line on the axes that were fitted; intercepts at x = 0 (or log x = 0).
    jumps, slope_changes : tuple of Estimate
        Change of level and of slope at each breakpoint; a continuous line has no jumps.
    intercept : Estimate
        That of the first segment.
    rss : float
        Residual sum of squares, weighted; with a robust loss, of the pseudo-values.
    sigma : float
        Residual standard deviation.
    rho, n_effective : float
        Correlation of neighboring residuals and the independent points that leaves.
    existence_test : ExistenceTest or None
        Is there any breakpoint at all?
    status, reasons
        How it ended.
    x_axis, y_axis : {"linear", "log"}
        Axes on which the segments are straight.
    criteria : tuple of float
        Selection criterion for 0, 1, ... breakpoints; empty when the number was given.
    sequential_tests : tuple of ExistenceTest
        Tests of one breakpoint more, in order, where the number was selected by them.
    profiles : tuple of BreakpointProfile
        One per breakpoint.
    continuous : bool
        Whether the segments meet.
    loss : str
        What was minimized.
    """

    breakpoints: tuple[Estimate, ...]
    slopes: tuple[Estimate, ...]
    intercept: Estimate
    rss: float
    sigma: float
    rho: float
    n_effective: float
    n: int
    existence_test: ExistenceTest | None
    status: Status
    reasons: tuple[str, ...]
    x_axis: Axis
    y_axis: Axis
    level: float
    criteria: tuple[float, ...] = field(default=())
    intercepts: tuple[Estimate, ...] = ()
    jumps: tuple[Estimate, ...] = ()
    slope_changes: tuple[Estimate, ...] = ()
    profiles: tuple[BreakpointProfile, ...] = field(default=(), repr=False)
    sequential_tests: tuple[ExistenceTest, ...] = ()
    continuous: bool = True
    loss: str = "squared"

    def predict(self, x: ArrayLike) -> Array:
        """The broken line at x, on the original scale."""
        at = np.asarray(x, dtype=np.float64)
        z = np.log(at) if self.x_axis == "log" else at
        breaks = [float(b.value or 0.0) for b in self.breakpoints]
        knots = np.log(breaks) if self.x_axis == "log" and breaks else np.asarray(breaks)
        slopes = np.array([float(s.value or 0.0) for s in self.slopes])
        if self.continuous:
            out = float(self.intercept.value or 0.0) + slopes[0] * z
            for knot, before, after in zip(knots, slopes[:-1], slopes[1:], strict=True):
                out = out + (after - before) * np.maximum(z - knot, 0.0)
        else:
            segment = np.searchsorted(knots, z, side="left")
            out = np.array([float(c.value or 0.0) for c in self.intercepts])[segment] + slopes[segment] * z
        return np.asarray(np.exp(out) if self.y_axis == "log" else out)
