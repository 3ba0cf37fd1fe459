"""Learn from finished runs what sharpens the forecasts of the next one, and keep it as JSON."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import final

from ..curves import Run
from ..forecasting.learning import learn as learning
from ._base import Command, Exit
from ._options import add_input
from ._output import OutputFile
from ._runs import metric_of, over_runs

__all__ = ["Learn"]


@final
class Learn(Command):
    """Reads all runs, learns from their main metrics (or the one named), and writes the experience."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_input(parser)
        parser.add_argument(
            "-o", "--output", required=True, metavar="FILE", help="JSON file to write, for --experience"
        )
        parser.add_argument("-q", "--quiet", action="store_true", help="no messages on stderr other than errors")

    def run(self, args: Namespace) -> int:
        """Learn from what can be read; what cannot be is a failure beside it."""

        def named(run: Run) -> tuple[Run, str]:
            return metric_of(run, args)

        with OutputFile(args.output, "--output") as file:
            batch = over_runs(args, named)
            if not batch.results:
                return batch.close() or Exit.NOTHING_READABLE
            curves = [Run(run.name, {metric: run[metric]}, run.schedule, run.horizon) for run, metric in batch.results]
            made = learning.learn(curves)
            file.write(made.to_json().encode("ascii"))
        print(made.summary())
        return batch.close()
