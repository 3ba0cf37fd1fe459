"""Double descent: does a curve fall, rise to a peak and fall again, beyond what correlated noise does?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..curves import DataError, Estimate, Interval, Status, UsageError
from ..curves._checks import check_level
from ._bump_checks import SEEDS, rise_p_value, rise_score, seed_noise
from ._bump_data import Data, binned, prepared
from ._bump_design import BumpDesign
from ._bump_noise import REACH, STEPS, correlation, slope
from ._noise import HIGHEST, noise_paths, noise_sd, raw_lag1, sd_with_slope
from ._sequential import enough, sequential_p
from ._two_scale import TwoScale, TwoScaleDesign

__all__ = ["BumpTest", "double_descent"]

Array = NDArray[np.float64]
PARAMETERS = 7
WIDER = 2.0  # errors of rho are skewed downwards: one standard error rejects 8 % of AR(.9) series at 5 %
RISE = 0.5  # a bump of which the data themselves show less than this is a misfit of the laws
SCREEN = 3.0  # n log(rss0/rss1) below this is below the median of every null that was simulated


@dataclass(frozen=True, slots=True, eq=False)
class BumpTest:
    """Verdict on a bump, with its features where there is one.

    Parameters
    ----------
    verdict : {"present", "absent", "undecided"}
        At the level asked for; "undecided", too, where the laws fit badly but the data do not rise.
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
    max_rise_p_value : float
        Of the largest rise of a moving mean of the data under the same null: the check that assumes no shape of bump.
    two_scale : TwoScale or None
        The form with two time scales, where ``form="two_scale"`` asked for it.
    x, law, curve : ndarray, shape (n,)
        The (binned) x of the test, the best monotone law and the best law with a bump there, for figures.
    null : ndarray, shape (at most replicates,)
        Statistics of the simulated null, as many as were drawn.
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
    max_rise_p_value: float = float("nan")
    two_scale: TwoScale | None = None
    x: Array = field(default_factory=lambda: np.zeros(0))
    law: Array = field(default_factory=lambda: np.zeros(0))
    curve: Array = field(default_factory=lambda: np.zeros(0))
    null: Array = field(default_factory=lambda: np.zeros(0))


def double_descent(
    data: Data | Sequence[Data],
    *,
    direction: Literal["min", "max"] | None = None,
    axis: Literal["auto", "linear", "log"] = "auto",
    alpha: float = 0.05,
    level: float = 0.95,
    replicates: int = 199,
    form: Literal["bump", "two_scale"] = "bump",
    rng: np.random.Generator | None = None,
) -> BumpTest:
    r"""Test a monotone law against the law plus a bump, and describe the bump.

    .. math:: f(x) = c + a\,\phi(x) + h\,b(x), \quad a, h \ge 0, \qquad
              T = n \log \frac{\min \mathrm{RSS}(h = 0)}{\min \mathrm{RSS}(h > 0,\ f \text{ rises})}

    Parameters
    ----------
    data : Curve, (x, y), or a sequence of them
        One curve, or several seeds of the same run: they are averaged at common x. The deviations of six or more on
        the same x are the noise of the null; of fewer, an autoregressive model. x may be time, model size or the
        number of samples.
    direction : {"min", "max"}, optional
        Which way is better; default from the curve, "min" for plain arrays.
    axis : {"auto", "linear", "log"}
        Axis on which the bump is symmetric; "auto" takes the logarithm when x spans a factor of 30 or more.
    alpha : float
        Size of the test.
    level : float
        Nominal coverage of the intervals.
    replicates : int
        Most bootstrap replicates of the null. Fewer are drawn where so many exceed the statistic that the test of size
        ``alpha`` cannot reject any more; its decision is that of all of them.
    form : {"bump", "two_scale"}
        "two_scale" fits and tests, besides, the sum of two biases and two variances with their own time scales; x must
        be time.
    rng : numpy.random.Generator, optional
        Default seed 0.

    Returns
    -------
    BumpTest

    Notes
    -----
    The place and width of a bump mean nothing under the null, so no chi-squared law holds (Davies 1987). The null is
    simulated: the best monotone law plus autoregressive noise whose correlation is that of the residuals about law and
    bump, read backwards through simulations of the same search (indirect inference) and drawn anew from its sampling
    distribution for each replicate. A closed-form screen stands in front: without a rise of one standard error under
    independent noise anywhere, nothing is simulated. Draws stop early as Besag and Clifford (1991) do: at the h-th larger
    one p is h over the draws made, and h is such that no more draws could change the decision.

    References
    ----------
    Besag and Clifford (1991), Sequential Monte Carlo p-values. Biometrika 78, 301-304.
    Davies (1987), Biometrika 74, 33-43. Buehlmann (1997), Sieve bootstrap for time series. Bernoulli 3, 123-148.
    Nakkiran et al. (2020), Deep double descent. ICLR. Heckel and Yilmaz (2021), Early stopping in deep networks: double
    descent and how to eliminate it. ICLR.
    """
    check_level(level)
    check_level(alpha, "alpha")
    if axis not in ("auto", "linear", "log"):
        raise UsageError(f"axis {axis!r}", code="CF-USE-007", hint="choices: auto, linear, log")
    if direction not in (None, "min", "max"):
        raise UsageError(f"direction {direction!r}", code="CF-USE-007", hint="choices: min, max")
    if replicates < 39:
        raise UsageError(f"replicates = {replicates!r}", code="CF-USE-007", hint="at least 39; 199 by default")
    if form not in ("bump", "two_scale"):
        raise UsageError(f"form {form!r}", code="CF-USE-007", hint="choices: bump, two_scale")
    generator = rng or np.random.default_rng(0)
    x, y, sign, unit, y_unit, seeds, table = prepared(data, direction)
    if np.ptp(y) == 0:
        return _nothing("absent", 1.0, level, Status.CONSTANT, "the values do not vary")
    if x.size < 12:
        return _nothing("undecided", float("nan"), level, Status.TOO_FEW_POINTS, f"{x.size} points; 12 would be needed")
    logarithmic = axis == "log" or (axis == "auto" and x[0] > 0 and x[-1] / x[0] >= 30)
    if axis == "log" and x[0] <= 0:
        raise DataError("x is not positive", hint="axis='linear'")
    xb, yb, bins = binned(x, y * sign, logarithmic)
    if rise_score(yb, np.bincount(bins).astype(float)) < 1.0:
        return BumpTest(
            "absent", 0.5, 0.0, "screened: no rise of one standard error under independent noise", None, None, None,
            None, None, 0.0, 0.0, level,
        )  # fmt: skip
    origin = min(float(x[0]), 0.0)
    u = np.maximum((xb - origin) / (float(x[-1]) - origin), 1e-9)
    coordinate = np.log(u) if logarithmic else u
    scale = float(np.std(yb))
    v = (yb - float(np.mean(yb))) / scale
    design = BumpDesign.on(u, coordinate)
    n = v.size
    first = design.fit(v[:, None])
    residual = v - design.curve(v, int(first.law[0]), int(first.place[0]), steps=STEPS)
    if float(np.std(residual)) <= 1e-7:  # sums of squares of unit variance are known to 1e-14
        return _nothing(
            "undecided", float("nan"), level, Status.DEGRADED, "no noise seen: a test has nothing to weigh against"
        )
    null_curve = design.curve(v, int(first.law0[0]), -1)
    sd = noise_sd(residual, null_curve, PARAMETERS, REACH)
    deviations: Array | None = None
    if table is not None and seeds >= SEEDS:  # of the mean, on the bins and scale of the test
        centered = table - table.mean(axis=1, keepdims=True)
        sums = [np.bincount(bins, column) / np.bincount(bins) for column in centered.T]
        deviations = np.column_stack(sums) / scale
        sd = np.sqrt(np.sum(deviations**2, axis=1) / (seeds * (seeds - 1)))
        sd = np.maximum(sd, 1e-3 * float(np.median(sd)))
        rho = float(np.clip(np.mean([raw_lag1(d / sd) for d in deviations.T]), 0.0, HIGHEST))
        error = 0.0
    else:
        rho, error = correlation(design, null_curve, sd, residual, generator)
    best = design.fit(v[:, None], rho)
    statistic = float(best.statistic(n)[0])
    law, place = int(best.law[0]), int(best.place[0])
    if place < 0 or statistic < SCREEN:
        return BumpTest(
            "absent", 1.0 if place < 0 else 0.5, statistic, "screened: no rise beyond what noise makes every second time",
            None, None, None, None, None, 0.0, rho, level,
        )  # fmt: skip

    uneven, uneven_error = 0.0, 0.0  # slope of the log variance along the law, and its error
    if deviations is None:
        uneven, uneven_error = slope(design, null_curve, sd, residual, rho, generator)
        sd = sd_with_slope(residual, null_curve, PARAMETERS, uneven, REACH)
    first_null = null_curve

    def noise(count: int) -> Array:
        """Paths with the sizes, the tails and a correlation as likely as the one seen, or those of the seeds."""
        if deviations is not None:
            return seed_noise(deviations, count, generator)
        phi = np.clip(rho + WIDER * error * generator.standard_normal(count), 0.0, HIGHEST)
        paths = noise_paths(phi, _innovations(residual / sd, rho, (n, count), generator))
        if uneven_error == 0:
            return sd[:, None] * paths
        drawn = uneven + uneven_error * generator.standard_normal(count)
        return sd_with_slope(residual, first_null, PARAMETERS, drawn, REACH) * paths

    null_curve = design.curve(v, int(best.law0[0]), -1, rho)
    nulls: list[Array] = []

    def draw(count: int) -> Array:
        nulls.append(null_curve[:, None] + noise(count))
        return design.fit(nulls[-1], rho).statistic(n)

    # the other form needs every draw
    stop = enough(alpha, replicates) if form == "bump" else replicates + 1
    found = sequential_p(draw, statistic, replicates, stop)
    worlds = np.column_stack(nulls)
    rise_p = rise_p_value(v, worlds)
    p_value = found.p_value
    curve, center, width = design.refined(v, law, place, rho, STEPS)
    seen = _features(coordinate, curve, center, width)
    rise = float(np.nan_to_num(seen[4]) / np.median(sd))
    kind = "AR sieve" if deviations is None else "seed"
    method = f"sup-LR, {kind} bootstrap of the monotone law, {found.null.size} replicates"
    method += f", stopped at {stop} larger" if found.stopped else ""
    method += f", {seeds} seeds" if seeds > 1 else ""
    two = (
        _two_scale(u, v, worlds - null_curve[:, None], rho, (scale, float(np.mean(yb)), sign), float(x[-1]) - origin)
        if form == "two_scale"
        else None
    )
    law0, with_bump = (sign * (c * scale + float(np.mean(yb))) for c in (null_curve, curve))
    shown: dict[str, Any] = {
        "max_rise_p_value": rise_p, "two_scale": two, "x": xb, "law": law0, "curve": with_bump, "null": found.null,
    }  # fmt: skip
    if p_value > alpha:
        return BumpTest("absent", p_value, statistic, method, None, None, None, None, None, rise, rho, level, **shown)
    if not np.isfinite(seen[0]) or rise_p > RISE:
        return BumpTest(
            "undecided", p_value, statistic, method, None, None, None, None, None, rise, rho, level, Status.DEGRADED,
            ("the values depart from every monotone law that was tried, but no rise stands out of the noise",), **shown,
        )  # fmt: skip
    worlds = curve[:, None] + noise(replicates)
    again = design.fit(worlds, rho)
    fitted, *bumps = design.refined_many(worlds, again.law, again.place, rho, STEPS)
    samples = np.array([_features(coordinate, *each) for each in zip(fitted.T, *bumps, strict=True)])

    def back(at: float) -> float:
        place = np.exp(at) if logarithmic else at
        return float(place * (x[-1] - origin) + origin)

    def estimate(name: str, i: int) -> Estimate:
        value, is_x = float(seen[i]), i < 3
        if not np.isfinite(value):
            return Estimate(name, None, None, unit, Status.NOT_REACHED, ("not within the data",))
        draws = samples[np.isfinite(samples[:, i]), i]
        to = back if is_x else (lambda q: float(q * scale))
        interval: Interval | None = None
        if draws.size > replicates / 2:
            low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
            interval = Interval(
                to(min(float(low), value)), to(max(float(high), value)), level, "confidence", "sieve bootstrap"
            )
        return Estimate(name, to(value), interval, unit if is_x else y_unit)

    return BumpTest(
        "present", p_value, statistic, method, estimate("peak", 0), estimate("first_minimum", 1),
        estimate("recovery", 2), estimate("height", 3), estimate("prominence", 4), rise, rho, level, **shown,
    )  # fmt: skip


def _innovations(ratio: Array, rho: float, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Innovations of unit variance drawn from those of the standardized residuals, so that heavy tails stay heavy."""
    own = ratio[1:] - rho * ratio[:-1]
    own = own - own.mean()
    return np.asarray(rng.choice(own / max(float(np.sqrt(np.mean(own**2))), 1e-300), shape))


def _two_scale(u: Array, v: Array, paths: Array, rho: float, unit: tuple[float, float, float], span: float) -> TwoScale:
    """The form with two time scales, tested against itself without variances, in the same noise."""
    scale, middle, sign = unit
    design = TwoScaleDesign.on(u, rho)
    seen, at = design.statistic(v[:, None])
    fitted, c = design.solution(v, int(at[0]))
    null = design.statistic(design.monotone(v)[:, None] + paths)[0]
    larger = int(np.sum(null >= seen[0]))
    times = tuple(t * span for t in design.pairs[int(at[0])])
    coefficients = (float(c[0] * scale + middle), *(float(k * scale) for k in c[1:]))
    p_value = (1 + larger) / (1 + paths.shape[1])
    return TwoScale((times[0], times[1]), coefficients, float(seen[0]), p_value, sign * (fitted * scale + middle))


def _features(at: Array, f: Array, center: float, width: float) -> Array:
    """Peak, first minimum, recovery (on the axis), height over the chord between the minima, prominence.

    Between points the top and the bottom are those of the parabola through three neighbors.
    """
    rise = np.where(np.abs(at - center) <= 1.5 * width, f - np.minimum.accumulate(f), 0.0)
    peak = int(np.argmax(rise))
    if rise[peak] <= 0:
        return np.full(5, np.nan)
    low = int(np.argmin(f[: peak + 1]))
    after = int(np.argmin(f[peak:])) + peak
    below = np.flatnonzero(f[peak:] <= f[low])
    recovery = np.nan
    if below.size:
        i = peak + int(below[0])
        recovery = float(at[i - 1] + (f[i - 1] - f[low]) / max(f[i - 1] - f[i], 1e-300) * (at[i] - at[i - 1]))
    share = (at[peak] - at[low]) / (at[after] - at[low]) if after > peak else 0.0
    chord = f[low] + (f[after] - f[low]) * share
    return np.array([_vertex(at, f, peak), _vertex(at, f, low), recovery, float(f[peak] - chord), float(rise[peak])])


def _vertex(at: Array, f: Array, i: int) -> float:
    """Place of the extreme of the parabola through point i and its neighbors; the point itself at an end."""
    if not 0 < i < f.size - 1:
        return float(at[i])
    left, right = (f[i] - f[i - 1]) / (at[i] - at[i - 1]), (f[i + 1] - f[i]) / (at[i + 1] - at[i])
    if left * right > 0 or left == right:
        return float(at[i])
    middle_left, middle_right = 0.5 * (at[i - 1] + at[i]), 0.5 * (at[i] + at[i + 1])
    return float(middle_left + left / (left - right) * (middle_right - middle_left))


def _nothing(
    verdict: Literal["present", "absent", "undecided"], p: float, level: float, status: Status, reason: str
) -> BumpTest:
    return BumpTest(verdict, p, 0.0, "none", None, None, None, None, None, 0.0, 0.0, level, status, (reason,))
