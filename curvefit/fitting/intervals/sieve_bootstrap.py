"""Profile likelihood with its threshold calibrated on curves with simulated AR(1) noise; hundreds of refits."""

from __future__ import annotations

import numpy as np

from ...models import Array
from ...models.noise.autoregressive import Autoregressive
from .._projection import Solution, Through, polish
from .._sample import Points
from .._solve import Core, correlation
from ._base import Ends, Target
from ._region import accepted_region
from ._resampling import Draw, centered, refits
from .profile_likelihood import profiled

__all__ = ["sieve_bootstrap"]

DRAWS = 199
_ANCHORS = 5  # x at which the threshold of a band is calibrated; interpolated in between


def sieve_bootstrap(core: Core, target: Target, level: float, *, rng: np.random.Generator | None = None) -> Ends:
    r"""Profile interval with the quantile of the likelihood ratio over refits in place of the F quantile.

    .. math:: F^* = \frac{\mathrm{RSS}^*(g = \hat g) - \mathrm{RSS}^*_{\min}}{s^{*2}}, \qquad
              s^{*2} = \frac{\mathrm{RSS}^*_{\min}}{n^*_\mathrm{eff} - p}

    Parameters
    ----------
    core, target, level
        As for every interval method.
    rng : numpy.random.Generator, optional
        Source of chance; default a fixed seed, so that the same fit gives the same interval.

    Notes
    -----
    Deviations are drawn from an AR(1) with the estimated correlation (irregular spacing allowed) and resampled innovations;
    every refit estimates its own correlation, so the uncertainty of that is part of the threshold. Assumes that an AR(1)
    describes the noise.

    References
    ----------
    Buhlmann (1997), Sieve bootstrap for time series. Bernoulli 3, 123-148.
    """
    if target.size == 1:
        return _single(core, target, level, rng)
    assert target.x is not None
    picks = np.unique(np.linspace(0, target.size - 1, _ANCHORS).round().astype(int))
    ratio = np.array([_threshold(core, Target("value", target.x[i : i + 1]), level, rng) for i in picks])
    wanted = np.interp(np.arange(target.size), picks, ratio)
    low, high = np.empty(target.size), np.empty(target.size)
    edge = np.zeros(target.size, bool)
    # the ends are nearly linear in the root of the threshold: profile at the anchors' thresholds and interpolate
    levels = np.unique(ratio)
    ends = [profiled(core, target, accepted_region(core, level, core.variance * r)) for r in levels]
    for i in range(target.size):
        root = np.sqrt(wanted[i])
        low[i] = np.interp(root, np.sqrt(levels), [e.low[i] for e in ends])
        high[i] = np.interp(root, np.sqrt(levels), [e.high[i] for e in ends])
        edge[i] = any(e.edge[i] for e in ends)
    return Ends(low, high, edge, any(e.joined for e in ends))


def _single(core: Core, target: Target, level: float, rng: np.random.Generator | None) -> Ends:
    budget = core.variance * _threshold(core, target, level, rng)
    return profiled(core, target, accepted_region(core, level, budget))


def _threshold(core: Core, target: Target, level: float, rng: np.random.Generator | None) -> float:
    """Quantile of the likelihood ratio of the true value over simulated curves."""
    ratios = sorted(
        _ratio(core, target, points, solution)
        for points, solution in _draws(core, np.random.default_rng(0) if rng is None else rng, keep=rng is None)
    )
    return float(np.quantile(ratios, level, method="weibull"))


def _draws(core: Core, rng: np.random.Generator, *, keep: bool) -> list[tuple[Points, Solution]]:
    found = core.cache.get("sieve") if keep else None
    if not isinstance(found, list):
        draw = _innovations(core)
        found = [(points, solution) for points, solution, _ in refits(core, draw, DRAWS, rng)]
        if keep:
            core.cache["sieve"] = found
    return found


def _innovations(core: Core) -> Draw:
    e, x = centered(core), core.sample.x
    phi = Autoregressive(min(core.rho, 0.99)).phi(x)
    root = np.sqrt(1.0 - phi * phi)
    inner = np.append(e[:1], (e[1:] - phi * e[:-1]) / root)
    inner = (inner - inner.mean()) * (e.std() / max(inner.std(), 1e-300))
    even = bool(phi.size and np.all(phi == phi[0]))

    def draw(rng: np.random.Generator) -> Array:
        out: Array = rng.choice(inner, inner.size)
        if even:
            from scipy.signal import lfilter

            out[1:] *= root[0]
            return np.asarray(lfilter([1.0], [1.0, -phi[0]], out))
        for i in range(1, out.size):
            out[i] = phi[i - 1] * out[i - 1] + root[i - 1] * out[i]
        return out

    return draw


def _ratio(core: Core, target: Target, points: Points, free: Solution) -> float:
    """Likelihood ratio of the value that generated a curve, in units of that curve's own variance."""
    n, p = len(core.sample), len(core.model.parameters)
    t = core.solution.t
    if target.kind == "shape":
        held = np.zeros(t.size, bool)
        held[target.index] = True
        bound = polish(core.model, points, t, fixed=held, iterations=40)
    else:
        a = target.weights(core, core.solution.theta[None, :])[0, 0]
        through = Through(
            lambda theta: target.weights(core, theta[None, :])[0, 0],
            lambda theta: target.slopes(core, theta)[0],
            float(a @ core.solution.c),
            1e5 * np.sqrt(len(points)) / max(float(np.linalg.norm(a)), 1e-300),
        )
        bound = polish(core.model, points, t, through=through, iterations=40)
    residual = free.residual
    _, n_effective = correlation(residual, points.u, p) if len(points) == n else (0.0, core.n_effective)
    variance = free.rss / max(min(n_effective, n) - p, 1.0)
    return max(bound.rss - free.rss, 0.0) / max(variance, 1e-300)
