"""Where the units of work of a batch are done: in this process, in several, or on many machines."""

from __future__ import annotations

from ...curves._registry import Registry
from ._base import Engine, Outcome

__all__ = ["Engine", "Outcome", "registry"]

registry: Registry[Engine] = Registry(__name__, __path__, what="engine")
