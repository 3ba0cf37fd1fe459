"""Every folder of interchangeable ways in the package, found by looking."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from ..curves._registry import Registry

__all__ = ["registries"]

ROOT = Path(__file__).resolve().parents[1]


def registries() -> dict[str, Registry[Any]]:
    """Registries by the dotted name of their folder inside the package, such as ``models.noise``.

    A folder belongs here when its ``__init__.py`` sets ``registry``; only those folders are imported, none of the ways.
    """
    return {name: import_module(f"curvefit.{name}").registry for name in sorted(_folders())}


def _folders() -> Iterator[str]:
    for file in ROOT.rglob("__init__.py"):
        if "\nregistry" in file.read_text(encoding="utf-8"):
            yield ".".join(file.parent.relative_to(ROOT).parts)
