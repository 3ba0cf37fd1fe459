"""Delta method: symmetric, from the curvature at the optimum; fast, and too short where the law is strongly curved."""

from __future__ import annotations

import numpy as np

from .._solve import Core
from ._base import Ends, Target, estimate, t_quantile, tangent, unit_covariance

__all__ = ["delta"]


def delta(core: Core, target: Target, level: float, *, rng: np.random.Generator | None = None) -> Ends:
    r"""Symmetric interval from the linearized law.

    .. math:: \hat g \pm t_{\nu} \sqrt{\nabla g^\top \operatorname{Cov}(\hat\theta)\, \nabla g}, \qquad
              \nu = n_\mathrm{eff} - p

    Parameters
    ----------
    core, target, level, rng
        As for every interval method; nothing is drawn.

    Notes
    -----
    Exact for linear laws. For an asymptote or exponent that the data hardly identify it is far too short or, by symmetry,
    reaches into impossible values. A shape parameter on a limit of its search has no delta interval (NaN).
    """
    center = estimate(core, target)
    covariance, _ = unit_covariance(core)
    slope = tangent(core, target)
    with np.errstate(invalid="ignore", over="ignore"):
        relevant = np.where(slope != 0, 1.0, 0.0)
        safe = np.where(np.isfinite(covariance), covariance, 0.0)
        variance = np.einsum("mi,ij,mj->m", slope, safe, slope)
        lost = relevant @ (~np.isfinite(np.diag(covariance))).astype(float) > 0
        half = np.where(lost, np.inf, t_quantile(level, core.dof) * np.sqrt(np.maximum(variance, 0.0)))
        if target.kind == "shape":
            half = half * (core.sample.x_scale if core.model.shape[target.index].unit == "x" else 1.0)
            if (core.solution.low | core.solution.high)[target.index]:
                half = np.full(1, np.nan)
        else:
            half = half * core.sample.scale
        return Ends(center - half, center + half, np.zeros(target.size, bool))
