"""Ways to forecast a curve: one per file, all behind the same interface."""

from ...curves._registry import Registry
from ._base import Forecaster

__all__ = ["Forecaster", "registry"]

registry: Registry[Forecaster] = Registry(__name__, __path__, what="forecaster")
