"""A first look at many laws: how well each can follow a curve, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..curves import Curve
from ..models import Array, Model
from ._projection import search
from ._sample import Sample
from .fit import find_model, prepared

__all__ = ["FirstLook", "first_look"]

_LOOSE = 1e-3  # cosine of residuals and tangents: the sum of squares is right to a millionth
_STARTS = 2  # local minima of the starting grid that are followed


@dataclass(frozen=True, slots=True, eq=False)
class FirstLook:
    """Least squares with one law, without uncertainty.

    Attributes
    ----------
    model : Model
        The law.
    log_rss : float
        Logarithm of the residual sum of squares, whose unit is the squared unit of y.
    """

    model: Model
    log_rss: float
    _sample: Sample
    _params: Array

    def residuals(self, curve: Curve) -> Array:
        """Deviations of the points at which the law was looked at or later, up to a unit."""
        seen = replace(self._sample, x=curve.x, y=curve.y).since(self._sample.x[0])
        return seen.residuals(lambda u: self.model.predict(u, self._params))


def first_look(curve: Curve, laws: Iterable[str]) -> list[FirstLook]:
    """Follow a curve with each law as well as it can; laws that do not apply, and exact ones, are left out.

    Parameters
    ----------
    curve : Curve
        Some hundred points.
    laws : iterable of str
        Names of laws.
    """
    out = []
    for name in laws:
        problem = prepared(curve, find_model(name), None)
        if problem.sample is None:
            continue
        found = search(problem.model, problem.sample.points(), starts=_STARTS, tolerance=_LOOSE)
        if np.isfinite(found.rss) and found.rss > 0:
            log_rss = math.log(found.rss) + 2 * math.log(problem.sample.scale)
            params = np.concatenate([found.c, found.theta])
            out.append(FirstLook(problem.model, log_rss, problem.sample, params))
    return out
