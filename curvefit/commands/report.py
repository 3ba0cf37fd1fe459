"""Write what a paper needs of a batch: tables, figures, methods, references and an HTML page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import final

from ..curves import UsageError
from ..curves._checks import safe_text
from ..studies.paper import write_report
from ._base import Command, Exit
from ._document import write_json
from ._options import add_json, add_level
from ._study import add_comparison, is_batch, tell_paper

__all__ = ["Report"]


@final
class Report(Command):
    """One folder from the output of ``curvefit batch``; the same batch gives the same bytes."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("path", metavar="OUT", help="folder that curvefit batch has written")
        parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder to write the report to")
        parser.add_argument("-m", "--metric", help="metric to compare (default: the main one of most runs)")
        parser.add_argument(
            "--cost",
            metavar="ATTRIBUTE",
            help="attribute with the cost of a run, for the figure of cost against value (default: compute, flops, ..., else its length)",
        )
        parser.add_argument(
            "--examples",
            type=int,
            default=12,
            choices=range(25),
            metavar="N",
            help="how many runs the figure of examples shows (default: 12, at most 24)",
        )
        parser.add_argument("--no-html", action="store_true", help="write no HTML page")
        add_comparison(parser, required=False)
        add_level(parser)
        add_json(parser)

    def run(self, args: Namespace) -> int:
        """Write the folder and name its files."""
        if not is_batch(args.path):
            raise UsageError(
                "this is no output of a batch",
                code="CF-USE-009",
                where=safe_text(args.path),
                hint=f"first: curvefit batch {safe_text(args.path)} -o OUT",
            )
        made = write_report(
            args.path,
            args.output,
            by=args.by,
            over=args.over,
            at=args.at,
            task=args.task,
            pair=args.pair,
            metric=args.metric,
            cost=args.cost,
            level=args.level,
            interval=args.interval,
            correction=args.correction,
            short=args.short,
            replicates=args.replicates,
            examples=args.examples,
            html=False if args.no_html else None,
            seed=args.seed,
        )
        tell_paper(made, quiet=args.quiet, printed=args.json != "-")
        if args.json:
            content = {
                "output": str(made.path),
                "files": list(made.files),
                "not_drawn": dict(made.missing),
                "counts": dict(made.summary.counts),
                "settings": dict(made.summary.settings),
                "comparison": None if made.comparison is None else made.comparison.to_dict(),
            }
            write_json(args.json, "report", content)
        return Exit.OK
