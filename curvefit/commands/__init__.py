"""The command line: one command per file, found by looking into this folder."""

from __future__ import annotations

from ..curves._registry import Registry
from ._base import Command

__all__ = ["Command", "registry"]

registry: Registry[Command] = Registry(__name__, __path__, what="command")
