"""Whether a fitted law follows the late part of the curve, where what it says of the future is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ._local_mean import local_mean

if TYPE_CHECKING:
    from ..fitting.fit import Fit
    from ._base import Known

__all__ = ["late_misfit"]

_Array = NDArray[np.float64]


def late_misfit(fit: Fit, since: float | None = None, known: Known | None = None) -> tuple[_Array, _Array]:
    """Local means of the residuals in windows side by side, and how large noise alone makes them.

    Parameters
    ----------
    fit : Fit
        A usable fit.
    since : float, optional
        x from which on, at the latest the middle of the run (the default).
    known : Known, optional
        What is known of a question with this fit: the residuals' local mean is read from there or left there.

    Returns
    -------
    off, noise : ndarray, shape (k,)
        Size of each mean in the unit of the metric, and the limit that none of them exceeds by noise with probability
        .99 (about .97 where noise is strongly correlated); empty where residuals and points cannot be matched (weights of 0).

    Notes
    -----
    Residuals are averaged, not the curve: a window as wide as the curve bends would show a misfit that is none.
    """
    x = fit.curve.x[fit.dropped :]
    residuals = np.asarray(fit.residuals)
    if residuals.size != x.size or x.size < 8:
        return np.empty(0), np.empty(0)
    local = None if known is None else known.misfit
    if local is None:
        local = local_mean(Curve(x, residuals, "residual"))
    if known is not None:
        known.misfit = local
    middle = float(x[0] + x[-1]) / 2
    aside = np.arange(local.x.size - 1, -1, -max(1, int(local.x.size / local.windows)))
    late = aside[local.x[aside] >= (middle if since is None else min(since, middle))]
    return np.abs(local.mean[late]), local.margin(0.99) * local.stderr[late]
