"""Compare methods over seeds: aggregates with intervals, differences, ranks and crossings."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import final

import numpy as np

from ..curves import Run
from ..reporting.figures import FORMATS, figure_bytes
from ..studies.compare import compare as comparing
from ._base import Command, Exit
from ._document import write_json
from ._options import add_input, add_json, add_level, positive
from ._output import OutputFile, note
from ._runs import over_runs
from ._study import add_comparison, add_table, runs_with_attributes
from ._suffix import suffix_of

__all__ = ["Compare"]


@final
class Compare(Command):
    """Runs of logs, of Parquet, or of a batch; attributes come with them or from their names."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_input(parser)
        add_comparison(parser, required=True)
        parser.add_argument(
            "--names",
            metavar="PATTERN",
            help="takes attributes from the names of runs or files: '{method}-seed{seed}' reads adam-seed3.csv",
        )
        parser.add_argument(
            "--window",
            type=positive,
            metavar="W",
            help="compare the mean over the last W of x before each --at instead of the value there",
        )
        add_level(parser)
        add_table(parser)
        parser.add_argument(
            "--plot", metavar="FILE", help="draw the methods' curves with bands over seeds to FILE (.png, .svg, .pdf)"
        )
        add_json(parser)

    def run(self, args: Namespace) -> int:
        """Read all runs, then compare; what cannot be read is a failure beside it."""
        kind = suffix_of(args.plot, "--plot", FORMATS) if args.plot else ""
        paths = list(args.path)

        def kept(run: Run) -> Run:
            return run

        batch = over_runs(args, kept, runs_with_attributes)
        args.path = paths
        if not batch.results:
            return batch.close() or Exit.NOTHING_READABLE
        found = comparing(
            batch.results,
            args.by,
            args.over,
            args.at,
            task=args.task,
            pair=args.pair,
            metric=args.metric,
            direction=args.direction,
            level=args.level,
            interval=args.interval,
            correction=args.correction,
            short=args.short,
            window=args.window,
            replicates=args.replicates,
            rng=np.random.default_rng(args.seed),
        )
        if args.plot:
            with OutputFile(args.plot, "--plot") as file:
                file.write(figure_bytes(found.plot(), kind))
            note(f"figure: {args.plot}", quiet=args.quiet)
        if args.json == "-" or args.table == "csv":  # else they stand below the first table
            for sentence in found.notes:
                note(f"note: {sentence}", quiet=args.quiet)
        if args.json != "-":
            print(found.render(args.table))
        if args.json:
            write_json(args.json, "compare", {**found.to_dict(), "failures": batch.failed()})
        return batch.close()
