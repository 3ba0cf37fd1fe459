"""Fit a law to a metric and say how well the data determine it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, final

from .. import analysis
from ..curves import Run, UsageError
from ..reporting.document import fit_fields
from ._listing import RunCommand
from ._options import add_level, model_name
from ._table import wrapped

__all__ = ["Fit"]


@final
class Fit(RunCommand):
    """Parameters with intervals, and every reason to doubt them."""

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare the law."""
        parser.add_argument(
            "--model",
            type=model_name,
            default="auto",
            metavar="M",
            help="law, a sum of laws (a+b), or auto (default: auto)",
        )
        add_level(parser)

    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """The fit's own summary."""
        law, notes = analysis.describe(run[metric], args.model)
        if law is None:
            raise UsageError("no law was asked for", hint="--model auto")
        text = [law.summary(args.level), *(line for note in notes for line in wrapped(f"note: {note}", hanging=6))]
        return "\n".join(text), {**fit_fields(law, args.level), "notes": list(notes)}
