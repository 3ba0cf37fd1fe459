"""Analyze one of the example runs that come with the package, and draw it."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import final

from ..curves import Run
from ..datasets import examples
from ._attempt import Failures
from ._options import add_metric
from ._output import note
from ._reports import ReportCommand

__all__ = ["Example"]

FIGURE = "curvefit-example.png"


@final
class Example(ReportCommand):
    """A first look without a log of one's own: the report, and its figure in the working folder."""

    def add_source(self, parser: ArgumentParser) -> None:
        """Which example."""
        parser.add_argument(
            "name",
            metavar="NAME",
            nargs="?",
            default="healthy",
            help=f"{', '.join(examples.names())} (default: healthy)",
        )
        add_metric(parser)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """As for analyze, with a figure unless told otherwise."""
        super().add_arguments(parser)
        parser.add_argument("--no-plot", dest="plot", action="store_const", const="", help=f"do not write {FIGURE}")

    def run(self, args: Namespace) -> int:
        """As for analyze; a file that nobody asked to replace is left as it is."""
        left = args.plot is None and os.path.lexists(FIGURE)
        if args.plot is None and not left:
            args.plot = FIGURE
        code = super().run(args)
        if left:
            note(f"{FIGURE} exists and was left as it is; to replace it: --plot {FIGURE}", quiet=args.quiet)
        return code

    def find(self, args: Namespace, failures: Failures) -> Iterable[Run]:
        """The one example."""
        return [examples.load_example(args.name)]
