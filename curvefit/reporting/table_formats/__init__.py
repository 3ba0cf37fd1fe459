"""Tables as text: one way of writing per file."""

from __future__ import annotations

from ...curves._registry import Registry
from ._base import TableFormat

registry: Registry[TableFormat] = Registry(__name__, __path__, what="table format")

__all__ = ["TableFormat", "registry"]
