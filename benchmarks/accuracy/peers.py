"""Other forecasters of curves beside the pool, on the same tasks, each with its time.

    python -m benchmarks.accuracy.peers [--cheap 100] [--medium 20] [--slow 20]

Three tables, each on tasks that all its forecasters answered (failures count as the last value, and are printed): the
cheap peers, those that search (lmfit, MMF4, damped-trend smoothing), and the Bayesian mixture of eleven families, sampled
with emcee. The pool answers with the gate of the half that the curve is not in. A number is how many series of each
source are taken; four cutoffs each, ``--cutoffs`` for fewer. Needs the development curves beside the checkout, torch for
gates that are not cached yet, and the extra ``bench``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.pool.gate import Gate

from . import crossfit
from .eleven import eleven_families
from .entry import LEVELS, scorable

Array = NDArray[np.float64]
Peer = Callable[..., Array]
EDGES = np.r_[0, (LEVELS[1:] + LEVELS[:-1]) / 2, 1]


def _normal(mean: Array, sd: Array) -> Array:
    from scipy.special import ndtri

    return mean[:, None] + np.maximum(sd, 1e-12)[:, None] * ndtri(LEVELS)


def mean_of_last_tenth(x: Array, y: Array, x_future: Array, direction: str, kind: str) -> Array:
    """Mean of the last tenth of the observations, as a point."""
    return np.full((len(x_future), LEVELS.size), y[-max(len(y) // 10, 1) :].mean())


def random_walk_with_drift(x: Array, y: Array, x_future: Array, direction: str, kind: str) -> Array:
    """Last value plus the mean step; textbook interval."""
    steps = np.diff(y) / np.diff(x)
    weight = np.diff(x)
    drift = float(np.average(steps, weights=weight))
    noise = float(np.sum((np.diff(y) - drift * weight) ** 2 / weight) / max(len(steps) - 1, 1))
    ahead = np.asarray(x_future) - x[-1]
    spread = np.sqrt(noise * ahead * (1 + ahead / (x[-1] - x[0])))
    return _normal(y[-1] + drift * ahead, spread)


def exp3_multistart(x: Array, y: Array, x_future: Array, direction: str, kind: str) -> Array:
    """Least squares of c + a exp(-b x) from five starts; delta method and residual variance."""
    return _curve_fit(lambda t, c, a, b: c + a * np.exp(-b * t), x, y, x_future, (0.3, 1.0, 3.0, 8.0, 20.0))


def _curve_fit(f: Callable[..., Array], x: Array, y: Array, x_future: Array, rates: tuple[float, ...]) -> Array:
    from scipy.optimize import curve_fit

    t, ahead = x / x[-1], np.asarray(x_future) / x[-1]
    best = None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for rate in rates:
            design = np.column_stack([np.ones_like(t), f(t, 0.0, 1.0, rate)])
            c, a = np.linalg.lstsq(design, y, rcond=None)[0]
            try:
                p, cov = curve_fit(f, t, y, p0=(c, a, rate), method="lm", maxfev=2000)
            except (RuntimeError, ValueError, TypeError, np.linalg.LinAlgError):
                continue
            sse = float(np.sum((y - f(t, *p)) ** 2))
            if np.isfinite(sse) and np.all(np.isfinite(cov)) and (best is None or sse < best[0]):
                best = sse, p, cov
        if best is None:
            raise RuntimeError("no start converged")
        sse, p, cov = best
        step = 1e-6 * np.maximum(np.abs(p), 1e-6)
        j = np.stack([(f(ahead, *(p + d)) - f(ahead, *(p - d))) / (2 * d.sum()) for d in np.diag(step)], axis=1)
        variance = np.maximum(np.einsum("ij,jk,ik->i", j, cov, j), 0) + sse / max(len(t) - 3, 1)
    return _normal(f(ahead, *p), np.sqrt(variance))


def lmfit_power(x: Array, y: Array, x_future: Array, direction: str, kind: str) -> Array:
    """Lmfit's PowerLawModel + ConstantModel with its own guess; its prediction band and residual variance."""
    from lmfit.models import ConstantModel, PowerLawModel

    use = x > 0
    t, v, ahead = x[use] / x[-1], y[use], np.asarray(x_future) / x[-1]
    model = PowerLawModel() + ConstantModel()
    start = model.make_params(amplitude=float(v[0] - v[-1]) or 1e-3, exponent=-0.5, c=float(v[-1]))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = model.fit(v, start, x=t, max_nfev=2000)
        mean = found.eval(x=ahead)
        band = found.eval_uncertainty(x=ahead, sigma=1) if found.covar is not None else np.zeros_like(mean)
    return _normal(mean, np.hypot(band, np.sqrt(found.redchi)))


def mmf4(x: Array, y: Array, x_future: Array, direction: str, kind: str) -> Array:
    """Morgan-Mercer-Flodin with four parameters, least squares from random starts, as a point."""
    from scipy.optimize import least_squares

    t, ahead = x / x[-1], np.asarray(x_future) / x[-1]
    low, half = float(y.min()), max(float(np.ptp(y)), 1e-12)
    v = (y - low) / half
    rng = np.random.default_rng(0)

    def f(p: Array, t: Array) -> Array:
        a, c, log_b, d = p
        b, power = np.exp(np.clip(log_b, -20, 20)), t ** np.clip(d, -10, 10)
        return (a * b + c * power) / (b + power)

    best = None
    with np.errstate(all="ignore"):
        for _ in range(8):
            start = np.r_[v[0] + 0.1 * rng.normal(), v[-1] + 0.1 * rng.normal(), rng.normal(), rng.uniform(0.3, 2)]
            found = least_squares(lambda p: np.nan_to_num(f(p, t) - v, nan=1e3), start, max_nfev=200)
            if best is None or found.cost < best.cost:
                best = found
        mean = low + half * f(best.x, ahead)
    return np.repeat(mean[:, None], LEVELS.size, axis=1)


def damped_trend(x: Array, y: Array, x_future: Array, direction: str, kind: str) -> Array:
    """Exponential smoothing with a damped additive trend (statsmodels ETS), on the observations as equally spaced."""
    import pandas as pd
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    thin = np.unique(np.linspace(0, len(y) - 1, min(len(y), 200)).round().astype(int))
    gap = float(x[-1] - x[0]) / (thin.size - 1)
    steps = np.maximum(np.round((np.asarray(x_future) - x[-1]) / gap).astype(int), 1)
    far = int(min(steps.max(), 2000))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = ETSModel(pd.Series(y[thin]), error="add", trend="add", damped_trend=True).fit(disp=False, maxiter=200)
        made = found.get_prediction(start=thin.size, end=thin.size + far - 1)
        mean, sd = made.predicted_mean, np.sqrt(made.forecast_variance)
    at = np.minimum(steps, far) - 1
    return _normal(np.asarray(mean)[at], np.asarray(sd)[at])


def ours(study: crossfit.Study, folds: list[crossfit.Fold]) -> dict[str, tuple[set[int], Any]]:
    """For each fold the series it tests, and the pool with the gate that has not seen them."""
    out = {}
    for fold in folds:
        stretch = crossfit.fit_stretch([other.missed for other in folds if other.name != fold.name])
        gate = Gate(*(np.asarray(fold.gate[k], np.float64) for k in crossfit.PARTS), stretch)
        out[fold.name] = (fold.test, scorable(Pooled(gate)))
    return out


def table(
    title: str, study: crossfit.Study, pool: dict[str, tuple[set[int], Any]], peers: dict[str, Any], limit: int
) -> None:
    """Scores of the pool and the peers on the first ``limit`` series of each source."""
    scorer, counted, chosen = study.scorer, {}, []
    for i, s in enumerate(study.series):
        counted[s["source"]] = counted.get(s["source"], 0) + 1
        if counted[s["source"]] <= limit:
            chosen.append(i)
    rows: dict[str, tuple[Any, float]] = {}
    parts, seconds = [], 0.0
    done: set[int] = set()
    import pandas as pd

    for test, forecaster in pool.values():
        mine = [i for i in chosen if i in test and i not in done]
        done |= set(mine)
        start = time.process_time()
        frame, _, _ = scorer.run(forecaster, [study.series[i] for i in mine])
        seconds += time.process_time() - start
        frame["series"] = [mine[k] for k in frame.series]
        parts.append(frame)
    rows["curvefit, gate of the other half"] = (pd.concat(parts), seconds)
    for name, peer in peers.items():
        start = time.process_time()
        frame, _, _ = scorer.run(peer, [study.series[i] for i in chosen])
        frame["series"] = [chosen[k] for k in frame.series]
        rows[name] = (frame, time.process_time() - start)
    n = len(next(iter(rows.values()))[0])
    print(f"\n{title}: {n} tasks, at most {limit} series per source\n")
    print("| forecaster | median error | mean error | CRPS | wins | c50 | c80 | c95 | fail | CPU ms per curve |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, (frame, taken) in rows.items():
        m = scorer.report(frame, taken, {})["macro"]["last"]["all"]
        cells = [f"{m[k]:.3f}" for k in ("medR", "meanR", "crpsR")] + [
            f"{m[k]:.2f}" for k in ("win", "c50", "c80", "c95")
        ]
        print(f"| {name} | " + " | ".join(cells) + f" | {m['fail']} | {1e3 * taken / n:.3g} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cheap", type=int, default=100)
    parser.add_argument("--medium", type=int, default=20)
    parser.add_argument("--slow", type=int, default=20)
    parser.add_argument("--cutoffs", default="0.2,0.4,0.6,0.8")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--cache", type=Path, default=crossfit.CACHE)
    parser.add_argument("--data", type=Path, default=crossfit.DATA)
    args = parser.parse_args()
    study = crossfit.Study(args.data, args.cache, [int(s) for s in args.seeds.split(",")])
    study.scorer.CUTOFFS = tuple(float(c) for c in args.cutoffs.split(","))
    pool = ours(study, crossfit.trained(study, "half"))
    builtin = study.scorer.BUILTIN
    cheap = {
        "last value": builtin["last_value"],
        "mean of the last tenth": mean_of_last_tenth,
        "random walk with drift": random_walk_with_drift,
        "pow3, four starts": builtin["pow3_multistart"],
        "exp3, five starts": exp3_multistart,
    }
    medium = {"lmfit power + constant": lmfit_power, "MMF4, eight starts": mmf4, "damped-trend ETS": damped_trend}
    if args.cheap:
        table("Cheap", study, pool, cheap, args.cheap)
    if args.medium:
        table("Searches", study, pool, medium, args.medium)
    if args.slow:
        table("Bayesian", study, pool, {"eleven families, emcee": eleven_families}, args.slow)


if __name__ == "__main__":
    main()
