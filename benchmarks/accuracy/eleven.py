"""The Bayesian mixture of eleven saturating families, sampled with emcee, as published for early termination (2015).

y = sum_k w_k f_k(t | theta_k) + noise; uniform priors on wide ranges, weights >= 0, and the curve may not end below where
it starts. 100 walkers about least-squares fits of each family, 500 steps to burn in and 2,000 to keep, thinned by 10.
Losses are turned over; values are scaled to [0, 1] by the observed range, x to its last observation.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from .entry import LEVELS

Array = NDArray[np.float64]
WALKERS, BURN, KEEP, THIN = 100, 500, 2000, 10
MOST_POINTS = 100

# (number of parameters, f(t, p) for p of shape (n, walkers, 1), start)
FAMILIES = {
    "vap": (3, lambda t, p: np.exp(p[0] + p[1] / t + p[2] * np.log(t)), (-0.62, -0.47, 0.04)),
    "pow3": (3, lambda t, p: p[0] - p[1] * t ** -np.abs(p[2]), (0.84, 0.52, 0.1)),
    "loglog linear": (2, lambda t, p: np.log(np.maximum(p[0] * np.log(t) + p[1], 1e-9)), (0.1, 2.0)),
    "hill3": (3, lambda t, p: p[0] * t ** np.abs(p[1]) / (np.abs(p[2]) ** np.abs(p[1]) + t ** np.abs(p[1])), (0.77, 0.59, 2.5)),
    "log power": (3, lambda t, p: p[0] / (1 + (t / np.exp(p[1])) ** p[2]), (0.77, 2.98, -0.51)),
    "pow4": (4, lambda t, p: p[0] - np.maximum(p[1] * t + p[2], 1e-9) ** -np.abs(p[3]), (0.8, 200.0, 0.0, 0.1)),
    "MMF": (4, lambda t, p: p[0] - (p[0] - p[1]) / (1 + np.abs(p[2] * t) ** np.abs(p[3])), (0.7, 0.1, 0.01, 5.0)),
    "exp4": (4, lambda t, p: p[0] - np.exp(-p[1] * t ** np.abs(p[2]) + p[3]), (0.7, 0.8, 0.8, 0.3)),
    "Janoschek": (4, lambda t, p: p[0] - (p[0] - p[1]) * np.exp(-np.abs(p[2]) * t ** np.abs(p[3])), (0.73, 0.07, 0.355, 0.46)),
    "Weibull": (4, lambda t, p: p[0] - (p[0] - p[1]) * np.exp(-(np.abs(p[2]) * t) ** np.abs(p[3])), (0.7, 0.1, 0.01, 1.0)),
    "ilog2": (2, lambda t, p: p[0] - p[1] / np.log(t + 1), (0.78, 0.43)),
}  # fmt: skip


def eleven_families(x: Array, y: Array, x_future: Array, direction: str, kind: str) -> Array:
    """Quantiles of a new observation from the posterior sample."""
    import emcee
    from scipy.optimize import least_squares

    thin = np.unique(np.linspace(0, len(y) - 1, min(len(y), MOST_POINTS)).round().astype(int))
    sign = -1.0 if direction == "min" else 1.0
    z = sign * y
    low, range_ = float(z.min()), max(float(np.ptp(z)), 1e-12)
    t = 1 + 99 * (x[thin] - x[0]) / (x[-1] - x[0])  # as epochs, 1 to 100
    ahead = 1 + 99 * (np.asarray(x_future) - x[0]) / (x[-1] - x[0])
    v = 0.1 + 0.8 * (z[thin] - low) / range_
    rng = np.random.default_rng(0)
    starts, sizes = [], []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for count, f, start in FAMILIES.values():

            def residual(p: Array, f=f) -> Array:
                return np.nan_to_num(f(t, p) - v, nan=10.0, posinf=10.0, neginf=-10.0)

            starts.append(least_squares(residual, np.array(start), max_nfev=100).x)
            sizes.append(count)
        edges = np.r_[0, np.cumsum(sizes)]
        families = [f for _, f, _ in FAMILIES.values()]

        def mean(theta: Array, at: Array) -> Array:
            out = np.zeros((len(theta), at.size))
            for k, f in enumerate(families):
                p = theta[:, edges[k] : edges[k + 1]].T[:, :, None]
                out += theta[:, edges[-1] + k, None] * f(at[None, :], p)
            return out

        def log_probability(theta: Array) -> Array:
            weights, log_sd = theta[:, edges[-1] : -1], theta[:, -1]
            curve = mean(theta, np.r_[t, ahead[-1]])
            value = -0.5 * np.sum((curve[:, :-1] - v) ** 2, axis=1) * np.exp(-2 * log_sd) - t.size * log_sd
            bad = (weights < 0).any(axis=1) | (log_sd < -10) | (log_sd > 1) | (np.abs(theta) > 1e4).any(axis=1)
            bad |= ~np.isfinite(value) | (curve[:, -1] < curve[:, 0])
            return np.where(bad, -np.inf, value)

        begin = np.concatenate([*starts, np.full(len(families), 1 / len(families)), [np.log(0.05)]])
        walkers = begin + 1e-2 * np.maximum(np.abs(begin), 1e-2) * rng.normal(size=(WALKERS, begin.size))
        walkers[:, edges[-1] : -1] = np.abs(walkers[:, edges[-1] : -1])
        np.random.seed(0)  # noqa: NPY002  # emcee draws from the global generator
        sampler = emcee.EnsembleSampler(WALKERS, begin.size, log_probability, vectorize=True)
        state = sampler.run_mcmc(walkers, BURN, skip_initial_state_check=True)
        sampler.reset()
        sampler.run_mcmc(state, KEEP, thin_by=1, skip_initial_state_check=True)
        theta = sampler.get_chain(flat=True, thin=THIN)
        sample = mean(theta, ahead) + np.exp(theta[:, -1:]) * rng.normal(size=(len(theta), ahead.size))
        sample = np.where(np.isfinite(sample), sample, np.nan)
        found = np.nanquantile(sample, LEVELS, axis=0).T
    back = sign * (low + range_ * (found - 0.1) / 0.8)
    return np.sort(back, axis=1)
