"""One fitted law extrapolated, with the interval of a new observation (normal, delta method by default)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Status
from ...fitting.fit import fit
from ...fitting.record import Fit
from ..forecast import Forecast
from ..normal import NormalDistribution
from ._base import Forecaster
from ._late_noise import late_noise, smallest_width
from ._reasons import shared_doubts
from .random_walk import RandomWalk

__all__ = ["Parametric"]

_ONE_SD = 0.6826894921370859  # level of an interval of one standard deviation to each side


class Parametric(Forecaster):
    r"""A new observation is :math:`N(f(x; \hat\theta), s_f^2(x) + s^2)` for one law f fitted to the whole curve.

    Parameters
    ----------
    model : str
        Law, as for `fit`.
    intervals : str
        Where the standard error of the law's value comes from: ``"delta"``, ``"block_bootstrap"``, ...

    Notes
    -----
    Right when the law is. On real curves a law fitted to the whole past extrapolates worse than local trends, and its
    interval, which knows no other law, is too narrow; it is here to compare, and for curves whose law is known. Where
    the fit says nothing (too few points, no variation, no convergence) it is a random walk, and says so.
    """

    def __init__(self, model: str = "power_law", intervals: str = "delta") -> None:
        self.model, self.intervals = model, intervals

    def forecast(self, curves: Sequence[Curve], xs: Sequence[NDArray[np.float64]]) -> list[Forecast]:
        """Forecast each curve at its future x."""
        return [self._one(curve, x) for curve, x in zip(curves, xs, strict=True)]

    def _one(self, curve: Curve, x: NDArray[np.float64]) -> Forecast:
        status, reasons = shared_doubts(curve, x)
        enough = status in (Status.OK, Status.DEGRADED) and float(x[0]) > 0
        with np.errstate(all="ignore"):  # whatever overflows on the way is judged by its result
            law = fit(curve, self.model) if enough else None
            views = None if law is None else _views(law, curve, x, self.intervals)
        if law is None or views is None:
            return _random_walk(curve, x, status, reasons, law)
        observation, underlying, now = views
        doubts = tuple(d.message for d in law.doubts if not d.ok) if law.status is not Status.OK else ()
        reasons = (*reasons, *doubts)
        return Forecast(
            x=x,
            observation=observation,
            underlying=underlying,
            method="parametric",
            metric=curve.metric.name,
            kind=curve.kind,
            direction=curve.metric.need_direction(),
            x_last=float(curve.x[-1]),
            y_last=float(curve.y[-1]),
            level_now=now,
            noise=max(law.sigma, 0.0) if np.isfinite(law.sigma) else late_noise(curve),
            status=Status.DEGRADED if reasons else Status.OK,
            reasons=reasons,
            explanation={k: v for k, v in law.params.items() if np.isfinite(v)},
        )


def _views(
    law: Fit, curve: Curve, x: NDArray[np.float64], method: str
) -> tuple[NormalDistribution, NormalDistribution, float] | None:
    """Distributions of a new observation and of the mean, and the law's value now; None where it has none."""
    if not law.status.usable:
        return None
    last = max(float(curve.x[-1]), np.nextafter(0.0, 1.0))
    now = float(law.predict(last).mean[0])
    seen = law.predict(x, "prediction", _ONE_SD, method=method)
    mean = law.predict(x, "confidence", _ONE_SD, method=method)
    least = 1e-9 * smallest_width(curve)
    sd = np.maximum((seen.high - seen.low) / 2, least)
    mean_sd = np.maximum((mean.high - mean.low) / 2, least)
    finite = np.isfinite([sd, mean_sd, seen.mean]).all() and np.isfinite(now)
    if not finite or np.abs(seen.mean).max() > 1e300 or sd.max() > 1e300:
        return None
    return (
        NormalDistribution(seen.mean, sd, curve.bounds),
        NormalDistribution(mean.mean, mean_sd, curve.bounds),
        now,
    )


def _random_walk(
    curve: Curve, x: NDArray[np.float64], status: Status, reasons: tuple[str, ...], law: Fit | None
) -> Forecast:
    why = "no law could be fitted" if law is None else f"the fitted law gives no interval ({law.status.value})"
    walk = RandomWalk().forecast([curve], [x])[0]
    after = Status.DEGRADED if status is Status.OK else status
    return replace(walk, method="parametric", status=after, reasons=(*reasons, f"{why}: a random walk instead"))
