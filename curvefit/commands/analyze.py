"""Forecast, fit and diagnose each run of a log or folder, and say what to do."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import final

from ..curves import Run
from ._attempt import Failures
from ._options import add_input
from ._reports import ReportCommand
from ._runs import load

__all__ = ["Analyze"]


@final
class Analyze(ReportCommand):
    """The whole line from a log to a decision, for every run found."""

    def add_source(self, parser: ArgumentParser) -> None:
        """Files and folders."""
        add_input(parser)

    def find(self, args: Namespace, failures: Failures) -> Iterable[Run]:
        """Every run of every PATH."""
        return load(args, failures)
