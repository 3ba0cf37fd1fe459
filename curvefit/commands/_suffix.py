"""Kind of a file by its suffix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..curves import UsageError

__all__ = ["suffix_of"]


def suffix_of(target: str, option: str, known: Sequence[str]) -> str:
    """The suffix without its dot, or the error that names the known ones."""
    found = Path(target).suffix.lower().removeprefix(".")
    if found not in known:
        what = f"{option}: cannot write {Path(target).suffix or 'a file without suffix'}"
        raise UsageError(what, where=target, hint=f"choices: {', '.join('.' + k for k in known)}")
    return found
