"""Laws that a training curve may follow, one per file, and the noise about them."""

from __future__ import annotations

from ..curves._registry import Registry
from ._base import Array, Model, Parameter, Shape, Sum

__all__ = ["Array", "Model", "Parameter", "Shape", "Sum", "registry"]

registry: Registry[Model] = Registry(__name__, __path__, what="model")
