"""Reports as text: one way of writing per file."""

from __future__ import annotations

from ...curves._registry import Registry
from ._base import Renderer

registry: Registry[Renderer] = Registry(__name__, __path__, what="report format")

__all__ = ["Renderer", "registry"]
