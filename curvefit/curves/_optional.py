"""The only place that imports an optional package."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from .errors import DependencyError

__all__ = ["available", "optional"]


def available(module: str) -> bool:
    """Whether the module can be imported, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def optional(module: str, *, feature: str, extra: str | None = None, package: str | None = None) -> ModuleType:
    """Import an optional module, or say which feature needs it and how to install it.

    Parameters
    ----------
    module : str
        Dotted module name.
    feature : str
        What the user asked for, in words.
    extra : str, optional
        The extra of this package that brings it; without one, the hint is to install the module's own package.
    package : str, optional
        Name of that package where it is not the module's.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.split(".", maxsplit=1)[0] != error.name.split(".")[0]:
            raise
        name = module.split(".", maxsplit=1)[0]
        raise DependencyError(
            f"{feature} needs the package {name!r}, which is not installed",
            hint=f"pip install 'curvefit[{extra}]'" if extra else f"pip install {package or name}",
        ) from None
