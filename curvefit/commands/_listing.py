"""The frame that commands over runs share: read, work on each run, print or write JSON, account for failures."""

from __future__ import annotations

import sys
from abc import abstractmethod
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from typing import Any

from ..curves import Run
from ..curves._checks import safe_text
from ..reporting.document import finite
from ._base import Command
from ._document import envelope
from ._options import add_input, add_json
from ._output import OutputFile, dump_json, note
from ._runs import Batch, about_metric, metric_of, over_runs

__all__ = ["RunCommand"]


class RunCommand(Command):
    """A command that answers for each run with a few lines and a JSON object.

    Attributes
    ----------
    by_metric : bool
        Whether the command works on one metric of the run.
    """

    by_metric: bool = True

    @abstractmethod
    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments beyond the common ones."""

    @abstractmethod
    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """Lines for a person, and the same for a program."""

    def overall(self) -> dict[str, Any]:
        """What is said of all runs together, for a program; asked once all are done."""
        return {}

    def finish(self, batch: Batch[dict[str, Any]], args: Namespace) -> int:
        """Exit code once everything is written."""
        return batch.close()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_input(parser, metric=self.by_metric)
        self.add_own_arguments(parser)
        add_json(parser)

    def run(self, args: Namespace) -> int:
        """Answer for every run; a failure ends that run only."""
        name = type(self).__module__.rsplit(".", 1)[-1]
        with ExitStack() as stack:
            file = stack.enter_context(OutputFile(args.json, "--json")) if args.json not in (None, "-") else None
            batch = over_runs(args, lambda run: self._one(run, args))
            content = {
                "runs": batch.results,
                **self.overall(),
                "failures": batch.failed(),
                "interrupted": batch.interrupted,
            }
            clean, nonfinite = finite(envelope(name, content))
            text = dump_json({**clean, "nonfinite": nonfinite})
            if file:
                file.write(text.encode("ascii"))
            if args.json == "-":
                sys.stdout.write(text)
        return self.finish(batch, args)

    def _one(self, run: Run, args: Namespace) -> dict[str, Any]:
        metric = ""
        if self.by_metric:
            run, metric = metric_of(run, args)
            if args.metric is None and len(run) > 1:
                note(about_metric(run, metric), quiet=args.quiet)
        lines, fields = self.answer(run, metric, args)
        if args.json != "-":
            title = safe_text(f"{run.name}: {metric}" if metric else run.name)
            body = "\n".join(f"  {line}".rstrip() for line in lines.splitlines())
            print(f"{title}\n{body}\n", flush=True)
        return {"run": run.name, **({"metric": metric} if metric else {}), **fields}
