"""The checks a fit is put through after the optimizer has spoken."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..curves.numbers import counted
from ..models import Sum
from ._doubt import Doubt
from ._projection import search
from ._solve import Core
from .autocorrelation import robust_sd

__all__ = ["degrading", "doubts_of", "residuals_vary"]

_INFORMATIVE = {"excluded", "correlation", "outliers"}  # told, but the intervals already account for them


def degrading(doubts: Sequence[Doubt]) -> bool:
    """Whether some failed check takes away from what the fit may be used for."""
    return any(not d.ok and d.name not in _INFORMATIVE for d in doubts)


def doubts_of(core: Core, condition: float, dropped: int) -> tuple[Doubt, ...]:
    """All checks that need no profile."""
    checks = [_noise(core), _converged(core), _limits(core), _condition(core, condition), _points(core)]
    seen = checks[0].ok
    if core.model.shape or len(core.model.linear) > 1:
        checks.append(_trend(core) if seen else Doubt("trend", True, "no noise to hide a trend"))
    if isinstance(core.model, Sum):
        checks.append(_parts(core))
    if seen:
        checks += [_ends(core), _correlation(core), _smoothed(core), _outliers(core), _even(core)]
    if dropped:
        checks.append(
            Doubt("excluded", False, f"{counted(dropped, 'point')} at x = 0 left out: the law is not defined there")
        )
    return tuple(checks)


def residuals_vary(core: Core) -> bool:
    """Whether residuals stand out of rounding errors, so that uncertainty can be measured by them."""
    size = float(np.max(np.abs(core.points.z), initial=0.0))
    return math.sqrt(core.rss / len(core.sample)) > 1e-11 * max(size, abs(core.sample.center) / core.sample.scale)


def _noise(core: Core) -> Doubt:
    seen = residuals_vary(core)
    said = (
        "residuals vary"
        if seen
        else "noise not estimable: the curve passes through every point, so there are no intervals"
    )
    return Doubt("noise", seen, said)


def _converged(core: Core) -> Doubt:
    s = core.solution
    if not s.converged:
        return Doubt("converged", False, f"no optimum after {s.iterations} steps; this is the best point found")
    flat = core.points.rows(np.ones(len(core.points)))
    z = core.points.rows(core.points.z)
    level = z - flat * float(flat @ z) / float(flat @ flat)
    if core.model.limit is not None and s.rss > float(level @ level) * (1 + 1e-8) + 1e-300:
        return Doubt("converged", False, "a constant fits better: the optimizer ended in the wrong place")
    return Doubt("converged", True, f"stationary after {s.iterations} steps")


def _limits(core: Core) -> Doubt:
    s = core.solution
    held = [
        f"{p.name} at its {'lower' if low else 'upper'} limit"
        for p, low, high in zip(core.model.shape, s.low, s.high, strict=True)
        if low or high
    ]
    if held:
        return Doubt("limits", False, f"{', '.join(held)} of the search: no standard error, one-sided interval")
    return Doubt("limits", True, "inside the limits of the search")


def _condition(core: Core, condition: float) -> Doubt:
    if condition > 1e10:
        return Doubt("condition", False, f"parameters are not separately identified (condition number {condition:.1e})")
    return Doubt("condition", True, f"condition number {condition:.3g}")


def _points(core: Core) -> Doubt:
    p, n = len(core.model.parameters), max(core.n_effective, 1.0)
    text = f"{n:.3g} independent point{'s' * (n != 1)} for {p} parameter{'s' * (p != 1)}"
    return Doubt("points", n >= p + 5, text)


def _trend(core: Core) -> Doubt:
    """Against a constant, with the noise of this fit: an ordinary F test, a rough guide since shapes were searched."""
    from scipy.special import fdtrc

    flat = core.points.rows(np.ones(len(core.points)))
    z = core.points.rows(core.points.z)
    level = z - flat * float(flat @ z) / float(flat @ flat)
    extra = len(core.model.parameters) - 1
    f = (float(level @ level) - core.solution.rss) / max(extra, 1) / core.variance
    p = float(fdtrc(max(extra, 1), core.dof, max(f, 0.0)))
    if p > 0.01:
        text = f"a constant is not excluded (p = {p:.2g})"
        return Doubt("trend", False, text)
    return Doubt("trend", True, f"a constant is excluded (p = {p:.1g})")


def _parts(core: Core) -> Doubt:
    assert isinstance(core.model, Sum)
    for part in (core.model.left, core.model.right):
        alone = search(part, core.points).rss
        extra = len(core.model.parameters) - len(part.parameters)
        if alone - core.solution.rss <= 3.0 * extra * core.variance:
            return Doubt("parts", False, f"{part.name} alone fits as well: the other part's parameters mean nothing")
    return Doubt("parts", True, "both parts are needed")


def _correlation(core: Core) -> Doubt:
    n, m, rho = len(core.sample), core.n_effective, core.rho
    text = f"neighboring residuals correlate by {rho:.2f}: {n} points count as {max(m, 1.0):.0f}"
    return Doubt("correlation", m >= 0.8 * n, text)


def _smoothed(core: Core) -> Doubt:
    if core.rho > 0.95:
        return Doubt(
            "smoothed",
            False,
            "residuals correlate above 0.95: the law misses the shape of the curve, or the values were smoothed",
        )
    return Doubt("smoothed", True, "no sign of smoothing")


def _outliers(core: Core) -> Doubt:
    middle = robust_sd(core.deviation, order=0)
    count = int(np.count_nonzero(np.abs(core.deviation) > 8.0 * middle)) if middle > 0 else 0
    how = "weighed down by Student's t" if core.robust else "at full weight"
    return Doubt("outliers", count == 0, f"{counted(count, 'point')} more than 8 robust sd from the curve, {how}")


def _ends(core: Core) -> Doubt:
    """A run of large residuals of one sign that starts at an end is the law's failure, not noise."""
    e = core.deviation
    middle = robust_sd(e, order=0)
    for name, part in (("first", e[:4096]), ("last", e[-4096:][::-1])):
        off = np.flatnonzero(~((np.abs(part) > 3.0 * middle) & (part * part[0] > 0)))
        run = int(off[0]) if off.size else part.size
        if middle > 0 and run >= 3:
            return Doubt("ends", False, f"the {name} {run} points lie off the law on one side, more than 3 sd each")
    return Doubt("ends", True, "the law follows the curve at both ends")


def _even(core: Core) -> Doubt:
    """Noise that changes along the curve: between its halves, or with the law's value."""
    n = len(core.sample)
    if n < 40:
        return Doubt("even noise", True, "too few points to compare the noise of two parts")
    thin = slice(None, None, max(1, n >> 16))
    e = core.deviation[thin]
    value = core.sample.z()[thin] - e
    if core.sample.weight is not None:
        e = e * np.sqrt(core.sample.weight[thin])
    if core.noise.name == "multiplicative":
        e = e / np.abs(value + core.sample.center / core.sample.scale)
    early, late = (robust_sd(part, order=0) for part in np.array_split(e, 2))
    if min(early, late) <= 0:
        return Doubt("even noise", True, "more than half the residuals of one half are 0")
    ratio = max(early, late) / min(early, late)
    if ratio > 2.0:
        where = "first" if early > late else "second"
        text = f"residuals spread {ratio:.1f} times as wide in the {where} half: intervals take them for even"
        return Doubt("even noise", False, text)
    size = np.abs(e)
    if np.ptp(value) > 0 and np.ptp(size) > 0:
        r = float(np.corrcoef(np.minimum(size, 5.0 * max(early, late)), value)[0, 1])
        if abs(r) * np.sqrt(core.n_effective * e.size / n) > 4.0:
            how = "grow" if r > 0 else "shrink"
            text = f"residuals {how} with the law's value (correlation {r:.2f}): intervals take them for even"
            return Doubt("even noise", False, f"{text}; try noise='multiplicative'" if r > 0 else text)
    return Doubt("even noise", True, f"both halves within a factor {max(ratio, 1.05):.2g}")
