"""Convert logs of any format into one Parquet file in the canonical long form."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, final

from ..curves import Run, UsageError
from ..curves._checks import safe_text
from ..readers.parquet import write_parquet
from ._base import Command
from ._document import write_json
from ._options import add_input, add_json
from ._output import OutputFile, note
from ._runs import over_runs

__all__ = ["Convert"]


@final
class Convert(Command):
    """Every run that can be read, in one file; what cannot is named and does not stop the rest."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from, where to."""
        add_input(parser, metric=False)
        parser.add_argument(
            "-o", "--output", metavar="FILE", required=True, help="Parquet file to write, whole or not at all"
        )
        add_json(parser)

    def run(self, args: Namespace) -> int:
        """Read, then write once everything is known."""
        if not args.output.lower().endswith((".parquet", ".pq")):
            raise UsageError(
                f"--output: {safe_text(args.output)!r} is no Parquet file", hint="a name such as runs.parquet"
            )
        for target, option in ((args.output, "--output"), (args.json, "--json")):
            if target not in (None, "-"):
                with OutputFile(target, option):
                    pass  # a place that cannot be written to is known before anything is read
        batch = over_runs(args, lambda run: run)
        runs = batch.results
        if runs:
            write_parquet(runs, args.output)
            points = sum(len(c) + c.nonfinite_x.size for r in runs for c in r.curves.values())
            what = f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}, {points} points"
            note(f"{what}: {args.output}", quiet=args.quiet)
        if args.json is not None:
            content = {
                "output": args.output if runs else None,
                "runs": [_facts(r) for r in runs],
                "failures": batch.failed(),
                "interrupted": batch.interrupted,
            }
            write_json(args.json, "convert", content)
        return batch.close()


def _facts(run: Run) -> dict[str, Any]:
    return {
        "run": run.name,
        "reader": run.provenance.reader if run.provenance else "",
        "metrics": {name: len(curve) + int(curve.nonfinite_x.size) for name, curve in run.curves.items()},
    }
