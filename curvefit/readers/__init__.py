"""A log becomes runs: one reader per file format, chosen by what the file holds."""

from __future__ import annotations

from ..curves._registry import Registry
from ._base import Options, Reader

__all__ = ["Options", "Reader", "registry"]

registry: Registry[Reader] = Registry(__name__, __path__, what="reader", beside=("read",))
