"""Reports as figures: one kind of figure per file."""

from __future__ import annotations

from ...curves._registry import Registry
from ._base import Plot

registry: Registry[Plot] = Registry(__name__, __path__, what="plot")

__all__ = ["Plot", "registry"]
