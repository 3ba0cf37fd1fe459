"""Logs that are read are never written over."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from ..curves import CurvefitError, UsageError
from ..readers._base import Options
from ..readers.read import attempt

__all__ = ["spare_inputs"]


def spare_inputs(args: Namespace) -> None:
    """Refuse an output that is one of the logs to be read, also one in a folder: measurements cannot be made again."""
    named = getattr(args, "path", None) or []
    for option in ("output", "json", "html", "plot"):
        target = getattr(args, option, None)
        if not isinstance(target, str | Path) or str(target) == "-" or not Path(target).is_file():
            continue
        for path in [named] if isinstance(named, str | Path) else named:
            if _reads(str(path), Path(target)):
                raise UsageError(
                    f"--{option}: is a file to be read, and would be overwritten",
                    code="CF-OUT-001",
                    where=str(target),
                    hint="name another file",
                )


def _reads(path: str, target: Path) -> bool:
    """Whether an existing file is what a path names, or a log in the folder that it names."""
    if path == "-":
        return False
    if not os.path.isdir(path):  # noqa: PTH112 - also for names that are not valid text
        return os.path.exists(path) and os.path.samefile(path, target)  # noqa: PTH110, PTH121
    if not target.resolve().is_relative_to(Path(path).resolve()):
        return False
    return not isinstance(attempt(target, Options()), CurvefitError)
