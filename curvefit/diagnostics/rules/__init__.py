"""Patterns looked for in a run, one per file."""

from __future__ import annotations

from ...curves._registry import Registry
from ._base import ALPHA, Rule

__all__ = ["ALPHA", "Rule", "registry"]

registry: Registry[Rule] = Registry(__name__, __path__, what="diagnosis")
