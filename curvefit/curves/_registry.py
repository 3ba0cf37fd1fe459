"""Interchangeable ways, found by looking into a folder: one way per file, the file named after it."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import unknown_name

__all__ = ["Registry"]

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


@cache
def _outside(group: str) -> dict[str, EntryPoint]:
    """Ways that installed packages bring, looked up once and only if some package brings any."""
    if not _any_outside():
        return {}
    from importlib.metadata import entry_points

    return {e.name: e for e in entry_points(group=group)}


@cache
def _any_outside() -> bool:
    """Whether a package on the path declares a group of ours: importing the machinery for all of them costs 50 ms."""
    for folder in map(Path, sys.path):
        try:
            found = [name for name in os.listdir(folder) if name.endswith(("dist-info", "egg-info"))]  # noqa: PTH208
        except OSError:
            continue
        for name in found:
            try:
                if b"[curvefit." in (folder / name / "entry_points.txt").read_bytes():
                    return True
            except OSError:
                continue
    return False


class Registry(Generic[T]):
    """The ways of one folder by name; nothing is imported before it is asked for.

    A file ``power_law.py`` registers the way ``power_law``. Its value is the module's attribute of that name (a
    function) or of the same name in capitals, ``PowerLaw`` (a class, which is instantiated without arguments).
    Files that start with an underscore, and ``api.py``, are not ways. Installed packages add ways under the entry-point group.

    Parameters
    ----------
    package : str
        Dotted name of the folder, ``__name__`` of its ``__init__``.
    paths : sequence of str
        ``__path__`` of that package.
    what : str
        What one way is called, for messages: ``"model"``.
    beside : tuple of str
        Public modules of the folder that are not ways, such as the function that picks one.
    """

    def __init__(self, package: str, paths: Sequence[str], what: str, beside: tuple[str, ...] = ()) -> None:
        self.package = package
        self.what = what
        self._paths = list(paths)
        self._beside = {"api", *beside}
        self._group = f"curvefit.{package.rsplit('.', 1)[-1]}"
        self._loaded: dict[str, T] = {}
        self._found: list[str] | None = None

    def _local(self) -> list[str]:
        if self._found is None:  # the folder is looked into once
            names = {m.name for m in iter_modules(self._paths) if not m.ispkg and not m.name.startswith("_")}
            self._found = sorted(names - self._beside)
        return self._found

    def names(self) -> list[str]:
        """Names of all ways, sorted."""
        return sorted({*self._local(), *_outside(self._group)})

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __getitem__(self, name: str) -> T:
        if not isinstance(name, str):
            raise unknown_name(self.what, name, self.names())
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> T:
        if name in self._local():
            module = import_module(f"{self.package}.{name}")
            way: Any = getattr(module, name, None)
            if way is None:
                way = getattr(module, "".join(part.capitalize() for part in name.split("_")))()
            loaded: T = way
            return loaded
        if name in _outside(self._group):
            outside: Any = _outside(self._group)[name].load()
            found: T = outside() if isinstance(outside, type) else outside
            return found
        raise unknown_name(self.what, name, self.names())

    def summary(self, name: str) -> str:
        """First line of the way's module docstring, read without importing it."""
        if name in self._local():
            for folder in self._paths:
                file = Path(folder) / f"{name}.py"
                if file.is_file():
                    doc = _docstring(file.read_text(encoding="utf-8"))
                    return doc.strip().splitlines()[0] if doc.strip() else ""
        if name not in self.names():
            raise unknown_name(self.what, name, self.names())
        return f"from another package ({self._group})"


def _docstring(text: str) -> str:
    """Docstring of a module, without parsing the rest where it plainly comes first."""
    if text.startswith('"""') and "\\" not in (plain := text[3 : text.find('"""', 3)]):
        return plain
    return ast.get_docstring(ast.parse(text)) or ""
