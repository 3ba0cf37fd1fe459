"""Quantities of interest, each with an interval: one way per file, each answers one `Question`."""

from __future__ import annotations

from ..curves._registry import Registry
from ._base import Estimand, Question, coarse_grid, horizon_grid

registry: Registry[Estimand] = Registry(__name__, __path__, what="estimand")

__all__ = ["Estimand", "Question", "coarse_grid", "horizon_grid", "registry"]
