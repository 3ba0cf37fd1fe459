"""What a command is, and what its exit code says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace
from enum import IntEnum

__all__ = ["Command", "Exit"]


class Exit(IntEnum):
    """Exit codes, the same for every command.

    A command that was asked to answer by its exit code adds its own: ``recommend --exit-code`` ends with 0 (train
    on), 10 (stop), 11 (a person should look) or 12 (cannot tell yet); ``diagnose --fail-on`` ends with 5.
    """

    OK = 0
    BUG = 1
    USAGE = 2
    SOME_FAILED = 3
    NOTHING_READABLE = 4
    FOUND = 5
    INTERRUPTED = 130


class Command(ABC):
    """One command, in the file of its name; the first line of that file's docstring is its help.

    Contract: data goes to stdout, messages to stderr; ``--json FILE`` writes the same data with its
    ``schema_version``; a run that fails never loses the rest; every disappointment is an exit code, never a traceback.
    """

    @abstractmethod
    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""

    @abstractmethod
    def run(self, args: Namespace) -> int:
        """Do it and return the exit code."""
