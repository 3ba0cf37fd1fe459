"""An argument parser that complains in the package's own words."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from ..curves import UsageError

__all__ = ["Parser"]


class Parser(ArgumentParser):
    """An argument parser whose complaints are the package's own errors."""

    def error(self, message: str) -> Any:
        """Raise instead of printing the whole usage."""
        raise UsageError(message, hint=f"{self.prog} --help")
