"""From the observed part of one run and its whole schedule: the change that is still to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Schedule
from ...models.annealed import Progress
from .grid import Nodes, observe, solve
from .shape import ShapePrior, tau_nodes

__all__ = ["Ahead", "look_ahead"]

Array = NDArray[np.float64]
_POWER = 2.0  # weights grow as this power of the progress
_EFFECTIVE = 8.0  # a partial run is worth at most this many independent points: its residuals are mostly misfit


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """What the annealed law says of the rest of one run.

    Parameters
    ----------
    x : ndarray, shape (H,)
        Future x.
    level_now : float
        Local mean of the curve at the last observation.
    change : ndarray, shape (H,)
        Expected change of the mean from ``level_now``, in the unit of the metric.
    sd : ndarray, shape (H,)
        Standard deviation of that change from shapes and levels the data leave open.
    rate_change : ndarray, shape (H,)
        Change of the learning rate to come between the last observation and x, as a share of the peak, counted as
        variation: a rate that goes down and up again has changed.
    gain_seen : float
        1 - posterior over prior standard deviation of the gain C: 0 when no decay was seen and C rests on the prior.
    nodes : Nodes
        The fit on the grid.
    """

    x: Array
    level_now: float
    change: Array
    sd: Array
    rate_change: Array
    gain_seen: float
    nodes: Nodes

    @property
    def location(self) -> Array:
        """Expected mean of the curve, shape (H,)."""
        return self.level_now + self.change


def look_ahead(
    curve: Curve, schedule: Schedule, x: Array, prior: ShapePrior, *, power: float = _POWER, effective: float = _EFFECTIVE
) -> Ahead | None:
    """Fit the annealed law to one partial run and integrate the rest of its schedule.

    Parameters
    ----------
    curve : Curve
        Observed part.
    schedule : Schedule
        Whole schedule, up to the largest x at least.
    x : ndarray, shape (H,)
        Future x.
    prior : ShapePrior
        What is known of the shape.
    power, effective : float
        Weights grow as this power of the progress; the run is worth at most that many independent points.

    Returns
    -------
    Ahead or None
        None where fewer than 3 points with progress are left, or nothing varies.

    Raises
    ------
    DataError
        For a schedule that is empty, zero, or shorter than asked for.
    """
    schedule.require(float(x[-1]))
    whole = float(Progress(schedule).progress(float(schedule.x[-1])))
    prior = prior.for_progress(whole)
    relaxations = [r for r, _ in tau_nodes(prior)]
    run = observe(curve, schedule, relaxations, prior.center.kappa, prior.center.unit, power)
    if run is None:
        return None
    nodes = solve([run], prior, min(effective, float(run.x.size)))
    keep = nodes.weight > 1e-6
    last = float(curve.x[-1])
    design = nodes.design(run.schedule, np.r_[run.x, last, x])[keep]
    weight = nodes.weight[keep] / nodes.weight[keep].sum()
    levels, covariance = nodes.levels[keep], nodes.covariance[keep]
    fitted = np.einsum("kmi,ki->km", design, levels)
    n = run.x.size
    change = fitted[:, n + 1 :] - fitted[:, n : n + 1]
    difference = design[:, n + 1 :] - design[:, n : n + 1]
    variance = np.einsum("kmi,kij,kmj->km", difference, covariance, difference)
    residual = curve.y - np.interp(curve.x, np.r_[run.x, last], weight @ fitted[:, : n + 1])
    recent = curve.x >= run.x[0]
    mean = weight @ change
    spread = weight @ (variance + (change - mean) ** 2)
    level = float(weight @ fitted[:, n]) + _local_level(residual[recent])
    amplitude = weight @ levels[:, 1]
    prior_sd = prior.log_ratio_sd * prior.center.ratio * max(float(amplitude), 1e-300)
    posterior_sd = float(np.sqrt(weight @ covariance[:, 2, 2]))
    return Ahead(
        x=x,
        level_now=level,
        change=mean,
        sd=np.sqrt(spread),
        rate_change=_variation(schedule, last, x) / schedule.peak,
        gain_seen=float(np.clip(1 - posterior_sd / prior_sd, 0.0, 1.0)),
        nodes=nodes,
    )


def _local_level(residual: Array) -> float:
    """Level of a series at its end: simple exponential smoothing with the gain of the local-level model.

    The two variances come from the differences d of the series: cov(d_t, d_{t-1}) = -noise^2 and
    var(d_t) = drift^2 + 2 noise^2, so that a smooth curve is anchored at its last point and a noisy one at a mean.
    """
    d = np.diff(residual)
    if d.size < 4:
        return float(residual[-1])
    late = d[d.size // 2 :] if d.size >= 16 else d
    noise = max(-float(np.mean(late[1:] * late[:-1])), 0.0)
    if noise == 0:
        return float(residual[-1])
    drift = max(float(np.mean(late * late)) - 2 * noise, 1e-3 * noise)
    gain = (np.sqrt(drift**2 + 4 * drift * noise) - drift) / (2 * noise)
    past = min(residual.size, int(np.ceil(20 / gain)))
    weight = (1 - gain) ** np.arange(past)[::-1]
    return float(weight @ residual[-past:] / weight.sum())


def _variation(schedule: Schedule, last: float, x: Array) -> Array:
    """Total variation of the rate between ``last`` and each x."""
    knots = np.unique(np.r_[last, schedule.x[(schedule.x > last) & (schedule.x < x[-1])], x])
    total = np.r_[0.0, np.cumsum(np.abs(np.diff(schedule.at(knots))))]
    return np.interp(x, knots, total)
