"""Double descent: does a curve fall, rise to a peak and fall again, beyond what correlated noise does?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, DataError, Estimate, Interval, Status
from ..curves._checks import as_float_array, check_level
from ._bump_design import BumpDesign
from ._intervals import sieve_noise

__all__ = ["BumpTest", "double_descent"]

Array = NDArray[np.float64]
Data = Curve | tuple[ArrayLike, ArrayLike]
BINS = 240
PARAMETERS = 7
SCREEN = 9.0  # n log(rss0/rss1) below this has p > .2 under every null that was simulated


@dataclass(frozen=True, slots=True, eq=False)
class BumpTest:
    """Verdict on a bump, with its features where there is one.

    Parameters
    ----------
    verdict : {"present", "absent", "undecided"}
        At the level asked for.
    p_value : float
        Of the null of a monotone law.
    statistic : float
        n log(rss of the law / rss of law and bump), whitened.
    method : str
        How the p-value was made.
    peak, first_minimum, recovery : Estimate or None
        x of the peak, of the minimum before it, and where the curve is back at that minimum.
    height, prominence : Estimate or None
        Height of the bump over the law; rise from the first minimum to the peak. In the metric's unit.
    max_rise : float
        The largest rise of the fitted curve between two x, in noise standard deviations: the nonparametric check.
    rho : float
        Correlation of neighboring residuals.
    status, reasons
        How it ended.
    """

    verdict: Literal["present", "absent", "undecided"]
    p_value: float
    statistic: float
    method: str
    peak: Estimate | None
    first_minimum: Estimate | None
    recovery: Estimate | None
    height: Estimate | None
    prominence: Estimate | None
    max_rise: float
    rho: float
    level: float
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()


def double_descent(
    data: Data | Sequence[Data],
    *,
    direction: Literal["min", "max"] | None = None,
    axis: Literal["auto", "linear", "log"] = "auto",
    alpha: float = 0.05,
    level: float = 0.95,
    replicates: int = 199,
    rng: np.random.Generator | None = None,
) -> BumpTest:
    r"""Test a monotone law against the law plus a bump, and describe the bump.

    .. math:: f(x) = c + a\,\phi(x) + h\,b(x), \quad a, h \ge 0, \qquad
              T = n \log \frac{\min \mathrm{RSS}(h = 0)}{\min \mathrm{RSS}(h > 0,\ f \text{ rises})}

    Parameters
    ----------
    data : Curve, (x, y), or a sequence of them
        One curve, or several seeds of the same run: they are averaged at common x and their spread is the noise.
    direction : {"min", "max"}, optional
        Which way is better; default from the curve, "min" for plain arrays.
    axis : {"auto", "linear", "log"}
        Axis on which the bump is symmetric; "auto" takes the logarithm when x spans a factor of 30 or more.
    alpha : float
        Size of the test.
    level : float
        Nominal coverage of the intervals.
    replicates : int
        Bootstrap replicates.
    rng : numpy.random.Generator, optional
        Default seed 0.

    Returns
    -------
    BumpTest

    Notes
    -----
    The place and width of a bump mean nothing under the null, so no chi-squared law holds (Davies 1987). The null is
    simulated: the best monotone law plus autoregressive noise whose correlation is that of the residuals about law and
    bump, corrected for bias and drawn anew for each replicate. A closed-form screen stands in front.

    References
    ----------
    Davies (1987), Biometrika 74, 33-43. Buehlmann (1997), Sieve bootstrap for time series. Bernoulli 3, 123-148.
    Nakkiran et al. (2020), Deep double descent. ICLR.
    """
    check_level(level)
    check_level(alpha, "alpha")
    generator = rng or np.random.default_rng(0)
    x, y, sign, unit, y_unit, seeds = _prepare(data, direction)
    if np.ptp(y) == 0:
        return _nothing("absent", 1.0, level, Status.CONSTANT, "the values do not vary")
    if x.size < 12:
        return _nothing("undecided", float("nan"), level, Status.TOO_FEW_POINTS, f"{x.size} points; 12 would be needed")
    logarithmic = axis == "log" or (axis == "auto" and x[0] > 0 and x[-1] / x[0] >= 30)
    if axis == "log" and x[0] <= 0:
        raise DataError("x is not positive", hint="axis='linear'")
    xb, yb = _bin(x, y * sign, logarithmic)
    u = (xb - min(x[0], 0.0)) / (x[-1] - min(x[0], 0.0))
    u = np.maximum(u, 1e-9)
    coordinate = np.log(u) if logarithmic else u
    scale = float(np.std(yb))
    shift = float(np.mean(yb))
    v = (yb - shift) / scale
    design = BumpDesign.on(u, coordinate)
    n = v.size
    first = design.fit(v[:, None])
    residual = v - _fitted(design, v, int(first.law[0]), int(first.place[0]))
    if float(np.std(residual)) <= 1e-10:
        return _nothing(
            "undecided", float("nan"), level, Status.DEGRADED, "no noise seen: a test has nothing to weigh against"
        )
    sd = _local_sd(residual)
    first = design.fit(v[:, None], 0.0, sd)  # once more, weighted: loud stretches must not choose the law
    residual = v - _fitted(design, v, int(first.law[0]), int(first.place[0]), sd)
    sd = _local_sd(residual)
    null_curve = _fitted(design, v, int(first.law0[0]), -1, sd)
    rho = _unbiased_correlation(design, null_curve, sd, residual, generator)
    best = design.fit(v[:, None], rho, sd)
    statistic = float(best.statistic(n)[0])
    law, place = int(best.law[0]), int(best.place[0])
    if place < 0 or statistic < SCREEN:
        return BumpTest(
            "absent", 1.0 if place < 0 else 0.2, statistic, "screened: no rise that noise would not make",
            None, None, None, None, None, 0.0, rho, level,
        )  # fmt: skip
    noise = sd[:, None] * sieve_noise(rho, n, replicates, generator, residual / sd)
    null_curve = _fitted(design, v, int(best.law0[0]), -1, sd)
    null = design.fit(null_curve[:, None] + noise, rho, sd).statistic(n)
    p_value = float((1 + np.sum(null >= statistic)) / (1 + replicates))
    present = p_value <= alpha
    curve = _fitted(design, v, law, place, sd)
    rise = _features(u, curve)
    method = f"sup-LR, AR sieve bootstrap of the monotone law, {replicates} replicates" + (
        f", {seeds} seeds" if seeds > 1 else ""
    )
    if not present:
        return BumpTest(
            "absent",
            p_value,
            statistic,
            method,
            None,
            None,
            None,
            None,
            None,
            float(rise[4] / np.median(sd)),
            rho,
            level,
        )
    again_noise = sd[:, None] * sieve_noise(rho, n, replicates, generator, residual / sd)
    again = design.fit(curve[:, None] + again_noise, rho, sd)
    samples = np.array(
        [
            _features(u, _fitted(design, curve + again_noise[:, b], int(again.law[b]), int(again.place[b]), sd))
            for b in range(replicates)
        ]
    )

    def back(value: float) -> float:
        return float(value * (x[-1] - min(x[0], 0.0)) + min(x[0], 0.0))

    def estimate(name: str, i: int, is_x: bool) -> Estimate:
        value = rise[i]
        if not np.isfinite(value):
            return Estimate(name, None, None, unit, Status.NOT_REACHED, ("not within the data",))
        draws = samples[np.isfinite(samples[:, i]), i]
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]) if draws.size > 20 else (value, value)
        low, high = min(float(low), value), max(float(high), value)
        to = back if is_x else (lambda q: float(q * scale))
        place = Interval(to(low), to(high), level, "confidence", "sieve bootstrap") if high > low else None
        return Estimate(name, to(float(value)), place, unit if is_x else y_unit)

    return BumpTest(
        "present", p_value, statistic, method,
        estimate("peak", 0, True), estimate("first_minimum", 1, True), estimate("recovery", 2, True),
        estimate("height", 3, False), estimate("prominence", 4, False), float(rise[4] / np.median(sd)), rho, level,
    )  # fmt: skip


def _prepare(data: Data | Sequence[Data], direction: str | None) -> tuple[Array, Array, float, str, str, int]:
    many: list[Data]
    if isinstance(data, Curve) or (
        isinstance(data, tuple) and len(data) == 2 and not isinstance(data[0], Curve | tuple)
    ):
        many = [data]
    else:
        many = list(data)
    xs, ys, unit, y_unit, way = [], [], "", "", direction
    for item in many:
        if isinstance(item, Curve):
            xs.append(item.x)
            ys.append(item.y)
            unit, y_unit = str(item.x_unit), item.metric.unit
            way = way or item.metric.need_direction()
        else:
            xs.append(as_float_array(item[0], "x"))
            ys.append(as_float_array(item[1], "y"))
        if xs[-1].shape != ys[-1].shape:
            raise DataError(f"{xs[-1].size} x values and {ys[-1].size} y values")
    x = np.concatenate(xs) if xs else np.zeros(0)
    y = np.concatenate(ys) if ys else np.zeros(0)
    keep = np.isfinite(x) & np.isfinite(y)
    x, y = x[keep], y[keep]
    if not x.size:
        raise DataError("no finite points", code="CF-DATA-001")
    distinct, inverse = np.unique(x, return_inverse=True)
    mean = np.bincount(inverse, y) / np.bincount(inverse)
    return distinct, mean, -1.0 if way == "max" else 1.0, unit, y_unit, len(many)


def _bin(x: Array, y: Array, logarithmic: bool) -> tuple[Array, Array]:
    """At most 240 bins, equal on the axis of the bump, so that early points of a log axis keep their place."""
    if x.size <= BINS:
        return x, y
    z = np.log(x) if logarithmic else x
    at = np.minimum(((z - z[0]) / (z[-1] - z[0]) * BINS).astype(int), BINS - 1)
    _, inverse = np.unique(at, return_inverse=True)
    count = np.bincount(inverse)
    return np.bincount(inverse, x) / count, np.bincount(inverse, y) / count


def _local_sd(residual: Array) -> Array:
    """Standard deviation of the noise along the curve: a moving average of squares, shrunk to the overall one."""
    n = residual.size
    width = max(15, n // 6)
    squares = residual**2 * n / max(n - PARAMETERS, 1)
    total = np.concatenate([[0.0], np.cumsum(squares)])
    low = np.clip(np.arange(n) - width // 2, 0, n)
    high = np.clip(np.arange(n) + width // 2 + 1, 0, n)
    count = high - low
    overall = float(np.mean(squares))
    r = min(max(_raw_lag1(residual), 0.0), 0.97)
    prior = 10 * (1 + r * r) / (1 - r * r)  # squares of correlated noise are correlated too: fewer to average
    return np.asarray(np.sqrt((total[high] - total[low] + prior * overall) / (count + prior)))


def _unbiased_correlation(
    design: BumpDesign, null: Array, sd: Array, residual: Array, rng: np.random.Generator
) -> float:
    """Correlation of the noise whose residuals, after choosing law and bump, look as correlated as the observed ones.

    Indirect inference: series with known correlation go through the same fit, and the observed lag-1 correlation of
    the residuals is read backwards. A bump that was searched for swallows correlated noise; this gives it back.
    """
    ratio = residual / sd
    observed = _raw_lag1(ratio)
    grid = np.array([0.0, 0.3, 0.5, 0.7, 0.8, 0.88, 0.94, 0.97])
    n, each = null.size, 24
    worlds = np.concatenate(
        [null[:, None] + sd[:, None] * _ar1(float(p), n, each, rng) for p in grid],
        axis=1,
    )
    fits = design.fit(worlds, 0.0, sd)
    seen = np.array(
        [
            _raw_lag1((worlds[:, b] - _fitted(design, worlds[:, b], int(fits.law[b]), int(fits.place[b]), sd)) / sd)
            for b in range(worlds.shape[1])
        ]
    )
    mean = np.maximum.accumulate(seen.reshape(grid.size, each).mean(axis=1) + 1e-9 * np.arange(grid.size))
    return float(np.interp(observed, mean, grid))


def _ar1(rho: float, n: int, columns: int, rng: np.random.Generator) -> Array:
    z = rng.standard_normal((n, columns))
    scale = np.sqrt(1 - rho * rho)
    for i in range(1, n):
        z[i] = rho * z[i - 1] + scale * z[i]
    return z


def _raw_lag1(e: Array) -> float:
    power = 2 * float(e @ e) - float(e[0] ** 2 + e[-1] ** 2)
    return 2 * float(e[1:] @ e[:-1]) / power if power > 0 else 0.0


def _fitted(design: BumpDesign, v: Array, law: int, place: int, sd: Array | None = None) -> Array:
    columns = [np.ones(v.size), design.laws[:, law], design.tangents[law][:, 0], design.tangents[law][:, 1]]
    if place >= 0:
        columns.append(design.bumps[:, place])
    matrix = np.column_stack(columns)
    norms = np.maximum(np.linalg.norm(matrix, axis=0), 1e-300)
    weight = np.ones(v.size) if sd is None else 1.0 / sd
    scaled = matrix / norms
    return np.asarray(scaled @ np.linalg.lstsq(scaled * weight[:, None], v * weight, rcond=1e-10)[0])


def _features(u: Array, f: Array) -> Array:
    """Peak, first minimum, recovery (all in u), height over the chord, prominence."""
    running = np.minimum.accumulate(f)
    peak = int(np.argmax(f - running))
    prominence = float(f[peak] - running[peak])
    if prominence <= 0:
        return np.full(5, np.nan)
    low = int(np.argmin(f[: peak + 1]))
    below = np.flatnonzero(f[peak:] <= f[low])
    recovery = float(u[peak + below[0]]) if below.size else np.nan
    after = int(np.argmin(f[peak:])) + peak
    chord = (
        f[low] + (f[after] - f[low]) * (u[peak] - u[low]) / max(u[after] - u[low], 1e-300) if after > low else f[low]
    )
    return np.array([u[peak], u[low], recovery, float(f[peak] - chord), prominence])


def _nothing(
    verdict: Literal["present", "absent", "undecided"], p: float, level: float, status: Status, reason: str
) -> BumpTest:
    return BumpTest(verdict, p, 0.0, "none", None, None, None, None, None, 0.0, 0.0, level, status, (reason,))
