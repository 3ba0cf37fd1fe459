"""What the bootstraps share: curves drawn about the fit, and refits of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ...models import Array
from .._projection import Solution, polish
from .._sample import Points
from .._solve import FINE, Core
from ._base import Target

__all__ = ["centered", "refits", "target_at"]

Draw = Callable[[np.random.Generator], Array]


def centered(core: Core) -> Array:
    """Standardized residuals (deviation times root weight), centered, with the variance the fit took restored."""
    root = 1.0 if core.sample.weight is None else np.sqrt(core.sample.weight)
    e = core.deviation * root
    n = e.size
    lost = len(core.model.parameters) * n / max(core.n_effective, 1.0)
    return np.asarray((e - e.mean()) * np.sqrt(n / max(n - min(lost, n / 2), 1.0)))


def refits(core: Core, draw: Draw, count: int, rng: np.random.Generator) -> Iterator[tuple[Points, Solution, Array]]:
    """Rows, optimum and standardized deviations of curves drawn about the fit."""
    sample, model = core.sample, core.model
    root = None if sample.weight is None else np.sqrt(sample.weight)
    large = len(sample) > FINE and core.points.phi is None
    bins = sample.bins(len(core.points), sample.weight) if large else None
    law = core.mean(bins.center if bins is not None else sample.x / sample.x_scale)
    for _ in range(count):
        e = draw(rng)
        z = e if root is None else e / root
        if bins is not None:
            points = Points(bins.center, law + bins.mean(z), np.sqrt(bins.total))
        else:
            points = replace(core.points, z=law + z)
        yield points, polish(model, points, core.solution.t, iterations=40), e


def target_at(core: Core, target: Target, solution: Solution) -> Array:
    """The target at another optimum, in its own unit."""
    if target.kind == "shape":
        return target.outside(core, solution.theta[target.index : target.index + 1])
    return target.outside(core, target.weights(core, solution.theta[None, :])[0] @ solution.c)
