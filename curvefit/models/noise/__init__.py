"""Noise about a law, one kind per file: how likely residuals are, what weight they deserve, and how to draw them."""

from __future__ import annotations

from ...curves._registry import Registry
from ._base import Noise

__all__ = ["Noise", "registry"]

registry: Registry[Noise] = Registry(__name__, __path__, what="noise")
