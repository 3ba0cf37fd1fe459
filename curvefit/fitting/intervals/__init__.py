"""Ways to an interval for a parameter or for the value of the curve, one per file."""

from __future__ import annotations

from ...curves._registry import Registry
from ._base import Ends, IntervalMethod, Target

__all__ = ["Ends", "IntervalMethod", "Target", "registry"]

registry: Registry[IntervalMethod] = Registry(__name__, __path__, what="interval method")
