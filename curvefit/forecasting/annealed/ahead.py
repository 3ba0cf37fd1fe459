"""From the observed part of one run and its whole schedule: the change that is still to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Schedule
from ...models.annealed import Progress
from .grid import Observed, observe, solve, without_outliers
from .shape import ShapePrior, tau_nodes

__all__ = ["Ahead", "look_ahead", "variation"]

Array = NDArray[np.float64]
_POWER = 2.0  # weights grow as this power of the progress
_EFFECTIVE = 8.0  # a partial run is worth at most this many independent points: its residuals are mostly misfit
_CUTS = (0.5, 0.65, 0.8)  # shares of the observed progress from which the present is predicted as a test


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
    noise, level_sd : float
        Standard deviation of one observation about the law near the end, and of ``level_now``.
    amplitude : float
        Posterior mean of A at the progress of the whole run, in units in which smaller is better.
    tests : ndarray, shape (T,)
        Squared errors of the same forecast made from the first part of the data, as shares of the squared change it
        predicted; empty where the data are too short.
    gain_seen : float
        1 - posterior over prior standard deviation of the gain C: 0 when no decay was seen and C rests on the prior.
    annealing : ndarray, shape (H,)
        Part of ``change`` that comes from changes of the learning rate; the rest is progress.
    alpha, ratio : float
        Posterior means of the exponent and of C / A at the progress of the whole run.
    """

    x: Array
    level_now: float
    change: Array
    sd: Array
    rate_change: Array
    noise: float
    level_sd: float
    amplitude: float
    tests: Array
    gain_seen: float
    annealing: Array
    alpha: float
    ratio: float

    @property
    def location(self) -> Array:
        """Expected mean of the curve, shape (H,)."""
        return self.level_now + self.change


def look_ahead(
    curve: Curve,
    schedule: Schedule,
    x: Array,
    prior: ShapePrior,
    *,
    power: float = _POWER,
    effective: float = _EFFECTIVE,
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
        None where the law does not apply: fewer than 3 points with progress, nothing varies, the metric gets worse
        with progress, or a positive metric would end below 0.

    Raises
    ------
    DataError
        For a schedule that is empty, zero, or shorter than asked for.
    """
    schedule.require(float(x[-1]))
    whole = float(Progress(schedule).progress(float(schedule.x[-1])))
    prior = prior.for_progress(whole)
    relaxations = [r for r, _ in tau_nodes(prior)]
    sign = -1.0 if curve.direction == "max" else 1.0
    origin, half = float(curve.y[-1]), float(curve.y.max() / 2 - curve.y.min() / 2)
    if not half > 0:
        return None
    y = sign * ((curve.y / 2 - origin / 2) / half)  # neither overflow nor underflow; smaller is better
    y = without_outliers(y)
    run = observe(curve.x, y, schedule, relaxations, prior.center.kappa, prior.center.unit, power)
    nodes = None if run is None else solve([run], prior, min(effective, float(run.x.size)))
    if run is None or nodes is None:
        return None
    last = float(curve.x[-1])
    n = run.x.size
    design = np.concatenate([nodes.design(run.s, run.annealed), nodes.design_at(run.schedule, np.r_[last, x])], axis=1)
    fitted = np.einsum("kmi,ki->km", design, nodes.levels)
    weight = nodes.weight
    if curve.direction == "min" and curve.kind in ("loss", "error", "other") and curve.y.min() >= 0:
        weight = weight * (fitted[:, n + 1 :].min(axis=1) >= -origin / 2 / half)
        if weight.sum() < 1e-12:
            return None
    keep = weight > 1e-6 * weight.max()
    design, fitted, weight = design[keep], fitted[keep], weight[keep] / weight[keep].sum()
    change = fitted[:, n + 1 :] - fitted[:, n : n + 1]
    difference = design[:, n + 1 :] - design[:, n : n + 1]
    variance = np.einsum("kmi,kij,kmj->km", difference, nodes.covariance[keep], difference)
    mean = weight @ change
    present = np.interp(curve.x, np.r_[run.x, last], weight @ fitted[:, : n + 1])
    level, level_sd, noise = _level((y - present)[curve.x >= run.x[0]])
    amplitude = float(weight @ nodes.levels[keep, 1])
    prior_sd = prior.log_ratio_sd * prior.center.ratio * max(abs(amplitude), 1e-300)
    posterior_sd = float(np.sqrt(weight @ nodes.covariance[keep, 2, 2]))
    with np.errstate(over="ignore", invalid="ignore"):
        found = Ahead(
            x=x,
            level_now=origin + sign * 2 * half * (float(weight @ fitted[:, n]) + level),
            change=sign * 2 * half * mean,
            sd=2 * half * np.sqrt(weight @ (variance + (change - mean) ** 2)),
            rate_change=variation(schedule, last, x) / schedule.peak,
            noise=2 * half * noise,
            level_sd=2 * half * level_sd,
            amplitude=2 * half * amplitude,
            tests=_back_tests(
                run, prior, power, effective, float(np.interp(run.x[-1], curve.x, present)) + level, noise
            ),
            gain_seen=float(np.clip(1 - posterior_sd / prior_sd, 0.0, 1.0)),
            annealing=sign * 2 * half * (weight @ (difference[:, :, 2] * nodes.levels[keep, 2:])),
            alpha=float(weight @ nodes.alpha[keep]),
            ratio=float(weight @ nodes.levels[keep, 2]) / amplitude,
        )
    numbers = np.r_[found.level_now, found.change, found.sd, found.noise, found.amplitude]
    return found if np.all(np.abs(numbers) < 1e307) else None


def _back_tests(run: Observed, prior: ShapePrior, power: float, effective: float, now: float, noise: float) -> Array:
    """The same forecast of ``now``, the present level, from the first part of the data; noise is taken off."""
    out = []
    for cut in _CUTS:
        count = int(np.searchsorted(run.s, cut * run.s[-1], side="right"))
        if count < 4 or count == run.x.size:
            continue
        part = run.first(count, power)
        nodes = solve([part], prior, min(effective, float(count)))
        if nodes is None:
            out.append(1.0)
            continue
        seen = np.r_[:count, run.x.size - 1]
        fitted = nodes.weight @ np.einsum("kmi,ki->km", nodes.design(run.s[seen], run.annealed[:, seen]), nodes.levels)
        change = float(fitted[-1] - fitted[-2])
        residual = part.y - fitted[:-1]
        then = part.y[-1] - residual[-1] + _level(residual)[0]
        error = max((then + change - now) ** 2 - noise**2, 0.0)
        out.append(min(error / max(change * change, 1e-300), 4.0))
    return np.array(out)


def _level(residual: Array) -> tuple[float, float, float]:
    """Level of a series at its end, its standard deviation, and the noise about it.

    The mean of the last k values, k = 1, 2, 4, ... chosen by the mean absolute error of that rule one step ahead over
    the last half: a smooth curve is anchored at its last point, a noisy one at a mean. Values
    in that mean farther than 4 noise standard deviations from its median count as that far.
    """
    n = residual.size
    if n < 4:
        scatter = float(np.std(np.diff(residual)) / 2**0.5) if n > 2 else 0.0
        return float(residual[-1]), scatter, scatter
    late = residual[n // 2 :] if n >= 16 else residual
    steps = np.diff(late)
    noise = float(np.sqrt(np.mean(steps * steps) / 2))
    if late.size > 16:
        noise = min(noise, float(1.0484 * np.median(np.abs(steps))))  # 1.4826 / sqrt(2)
    total = np.r_[0.0, np.cumsum(residual)]
    best, chosen = np.inf, 1
    k = 1
    while k <= max(n // 8, 1):
        at = np.arange(max(n // 2, k), n)
        error = float(np.mean(np.abs(residual[at] - (total[at] - total[at - k]) / k)))
        if error < best * (1 - 1e-9):
            best, chosen = error, k
        k *= 2
    tail = residual[-chosen:]
    if chosen > 2:
        middle = float(np.median(tail))
        tail = np.clip(tail, middle - 4 * noise, middle + 4 * noise)
    return float(tail.mean()), noise / chosen**0.5, noise


def variation(schedule: Schedule, last: float, x: Array) -> Array:
    """Total variation of the rate between ``last`` and each x."""
    knots = np.unique(np.r_[last, schedule.x[(schedule.x > last) & (schedule.x < x[-1])], x])
    total = np.r_[0.0, np.cumsum(np.abs(np.diff(schedule.at(knots))))]
    return np.interp(x, knots, total)
