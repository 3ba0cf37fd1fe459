"""Learn the annealed law's shape from finished runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, DataError, Schedule
from ...models.annealed import MultiPower, Progress
from .grid import Observed, observe
from .shape import Shape, ShapePrior

__all__ = ["LearnedShape", "learn_shape"]

Array = NDArray[np.float64]
_EFFECTIVE = 8.0  # independent points one run is worth
_BINS = 64
_POWER = 1.0  # weights grow as this power of the progress
# Widths of the prior for another run of the same code: the spread of published and measured shapes between sizes.
_SAME_CODE = {"alpha_sd": 0.03, "log_ratio_sd": 0.15, "log_tau_sd": 0.5, "misfit": 0.002}
# How far a learned kernel may wander from the start: kappa, ln beta, gamma.
_KERNEL_SD = np.array([0.05, 0.3, 0.25])


@dataclass(frozen=True, slots=True)
class LearnedShape:
    """A shape, and how well it fits the runs it was learned from.

    Parameters
    ----------
    shape : Shape
        In the unit of the runs' x, stated at their median whole progress.
    rmse : float
        Weighted root mean square of the residuals over all runs, as a share of the amplitude.
    runs : int
        Number of runs.
    """

    shape: Shape
    rmse: float
    runs: int

    def prior(self, *, relative: bool = False, source: str = "", **widths: float) -> ShapePrior:
        """A prior for the next run: of the same code, or (``relative``) of other code with lengths as shares.

        Widths may be given as ``alpha_sd``, ``log_ratio_sd``, ``log_tau_sd``, ``misfit``.
        """
        center = self.shape
        if relative:
            center = replace(center, relaxation=center.relaxation.rescaled(1 / center.unit), unit=1.0)
        return ShapePrior(center, **(_SAME_CODE | widths), relative=relative, source=source)


def learn_shape(
    runs: Sequence[tuple[Curve, Schedule]],
    start: ShapePrior,
    *,
    shared_levels: bool = False,
    of_amplitude: bool = True,
) -> LearnedShape:
    r"""Fit one shape to finished runs, each with its own levels or all with the same.

    Minimizes, over (alpha, ln ratio, ln tau, kappa, ln beta, gamma),

    .. math:: \frac{n}{2} \ln \frac{1}{N}\sum_{runs} \frac{\sigma_i^2}{A_i^2} + \text{penalty of the start}

    with the weighted residual variance :math:`\sigma_i^2` at the exact least-squares levels (L0, A) and C = ratio A.

    Parameters
    ----------
    runs : sequence of (Curve, Schedule)
        Finished runs; x in one unit. Smaller values are better unless the metric says otherwise.
    start : ShapePrior
        Where to start, and what to shrink to.
    shared_levels : bool
        Whether all runs are of one model, so that they share L0 and A.
    of_amplitude : bool
        Residuals count as shares of the amplitude; else of the spread of the values, which is safer with noise: the
        amplitude grows without bound as alpha goes to 0.

    Raises
    ------
    DataError
        When no run can be used.

    Notes
    -----
    Needs scipy. Without a change of the learning rate in any run only alpha is learned; the rest stays at the start.
    """
    from scipy.optimize import minimize

    totals = [float(Progress(s).progress(float(c.x[-1]))) for c, s in runs if len(c)]
    if not totals:
        raise DataError("no run to learn from", where="learn_shape")
    unit = float(np.median(totals))
    prior = start.for_progress(unit)
    center = prior.center
    kernel = center.relaxation
    multi = isinstance(kernel, MultiPower)
    beta, gamma = (kernel.beta, kernel.gamma) if isinstance(kernel, MultiPower) else (1.0, 0.0)
    origin = np.array([center.alpha, log(center.ratio), log(kernel.tau), center.kappa, log(beta), gamma])
    widths = np.r_[prior.alpha_sd, prior.log_ratio_sd, prior.log_tau_sd, _KERNEL_SD]
    free = 6 if multi else 4

    def shape_of(z: Array) -> Shape:
        alpha, ratio, tau, kappa, b, g = origin + widths * np.r_[z, np.zeros(6 - free)]
        relaxation = MultiPower(exp(tau), exp(b), float(g)) if multi else kernel.rescaled(exp(tau) / kernel.tau)
        return Shape(max(float(alpha), 0.02), exp(ratio), relaxation, float(kappa), unit)

    def observed(shape: Shape) -> list[Observed]:
        seen = []
        for curve, schedule in runs:
            sign = -1.0 if curve.direction == "max" else 1.0
            one = observe(curve.x, sign * curve.y, schedule, [shape.relaxation], shape.kappa, shape.unit, _POWER, _BINS)
            if one is not None:
                seen.append(one)
        return seen

    if not observed(shape_of(np.zeros(free))):
        raise DataError("no run with at least 3 points and a learning rate", where="learn_shape")

    def loss(z: Array) -> float:
        shape = shape_of(z)
        misfit = relative_misfit(observed(shape), shape, shared_levels, of_amplitude)
        return 0.5 * _EFFECTIVE * len(runs) * log(misfit**2 + 1e-8) + 0.5 * float(z @ z)

    corners = np.vstack([np.zeros(free), 0.7 * np.eye(free)])
    found = minimize(
        loss,
        np.zeros(free),
        method="Nelder-Mead",
        options={"initial_simplex": corners, "maxiter": 400, "xatol": 0.01, "fatol": 0.005},
    )
    shape = shape_of(np.asarray(found.x))
    seen = observed(shape)
    return LearnedShape(shape, relative_misfit(seen, shape, shared_levels, of_amplitude), len(seen))


def relative_misfit(runs: Sequence[Observed], shape: Shape, shared_levels: bool, of_amplitude: bool = True) -> float:
    """Root mean square of the residuals as a share of the amplitude or of the spread of the values, at the best levels."""
    parts = [(np.concatenate([r.s for r in runs]), runs)] if shared_levels else [(r.s, [r]) for r in runs]
    shares = []
    for s, group in parts:
        z = s**-shape.alpha - shape.ratio * np.concatenate([r.annealed[0] for r in group])
        y = np.concatenate([r.y for r in group])
        w = np.concatenate([r.weight / r.weight.sum() for r in group]) / len(group)
        z, y = z - w @ z, y - w @ y
        amplitude = float((w * z) @ y) / float((w * z) @ z)
        residual = y - amplitude * z
        size = amplitude**2 if of_amplitude else float(w @ y**2)
        shares.append(float(w @ residual**2) / size if amplitude > 0 and size > 0 else 1.0)
    return float(np.sqrt(np.mean(np.minimum(shares, 1.0))))
