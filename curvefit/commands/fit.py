"""Fit a law to a metric and say how well the data determine it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, final

from .. import analysis
from ..curves import Run, UsageError
from ..models import registry as models
from ..reporting.document import fit_fields
from ._listing import RunCommand
from ._options import add_level, name_of

__all__ = ["Fit"]


@final
class Fit(RunCommand):
    """Parameters with intervals, and every reason to doubt them."""

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare the law."""
        parser.add_argument(
            "--model",
            type=name_of(models, extra=("auto",)),
            default="auto",
            metavar="M",
            help="law, or auto for the best of all (default: auto)",
        )
        add_level(parser)

    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """The fit's own summary."""
        law = analysis.describe(run[metric], args.model)
        if law is None:
            raise UsageError("no law was asked for", hint="--model auto")
        return law.summary(), fit_fields(law, args.level)
