"""Fit a scaling law to finished runs: parameters, compute-optimal sizes, predictions beyond the data."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any, final

import numpy as np

from ..curves import Estimate, Interval, UsageError
from ..curves.errors import unknown_name
from ..curves.numbers import format_number, with_interval
from ..reporting.document import estimate_fields
from ..reporting.figures import FORMATS, figure_bytes
from ..reporting.tables import ScalingFit
from ..reporting.tables._percentiles import no_width
from ..studies._point_files import Rows, read_points
from ..studies._pooled_rows import shown_value
from ..studies.scaling import scaling_law
from ._base import Command, Exit
from ._document import write_json
from ._options import add_json, add_level, positive
from ._output import OutputFile, note
from ._study import add_table
from ._suffix import suffix_of

__all__ = ["Scaling"]


@final
class Scaling(Command):
    """A table with one row per run: its sizes and its loss."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "path", metavar="PATH", help="table with one row per finished run: .csv, .tsv, .json, .jsonl or .parquet"
        )
        parser.add_argument(
            "--x",
            nargs="+",
            default=(),
            metavar="COLUMN",
            help="columns of the variables, one or more (default: size and amount of data by their usual names: N, params, "
            "model_size, ... and D, tokens, dataset_size, ...; else compute)",
        )
        parser.add_argument("--loss", metavar="COLUMN", help="column of the loss (default: L, loss, val_loss, ...)")
        parser.add_argument(
            "--run",
            dest="owner",
            metavar="COLUMN",
            help="column that says which rows are of one run, resampled together (default: run_id, run or name if there, "
            "else each row is one)",
        )
        parser.add_argument(
            "--where",
            type=_condition,
            nargs="+",
            default=(),
            metavar="COLUMN=VALUE",
            help="use only rows with these values, such as kind=dense",
        )
        parser.add_argument(
            "--delta",
            type=_delta,
            default=1e-3,
            metavar="D",
            help="size of a log residual beyond which a run counts less (Huber's loss); inf: least squares (default: 0.001)",
        )
        parser.add_argument("--no-floor", action="store_true", help="fit a pure power law: the floor E is 0")
        parser.add_argument(
            "--flops-per",
            type=positive,
            default=6.0,
            metavar="C",
            help="compute of a run is C times the product of the two variables (default: 6, as of dense transformers)",
        )
        parser.add_argument(
            "--replicates",
            type=_replicates,
            default=400,
            metavar="N",
            help="how often runs are resampled for the intervals; 0: no intervals (default: 400)",
        )
        parser.add_argument(
            "--seed", type=int, default=0, metavar="S", help="of the random numbers of the bootstrap (default: 0)"
        )
        parser.add_argument(
            "--compute",
            type=positive,
            nargs="+",
            default=(),
            metavar="C",
            help="print the best sizes for these amounts of compute, in FLOP",
        )
        parser.add_argument(
            "--predict",
            type=positive,
            nargs="+",
            default=(),
            metavar="V",
            help="print the loss of a new run at these values, one per variable in the order of --x",
        )
        add_level(parser)
        add_table(parser)
        parser.add_argument("--plot", metavar="FILE", help="draw the points and the law to FILE (.png, .svg, .pdf)")
        add_json(parser)

    def run(self, args: Namespace) -> int:
        """Read, fit, answer."""
        kind = suffix_of(args.plot, "--plot", FORMATS) if args.plot else ""
        rows = read_points(args.path)
        rows = _chosen(rows, args.where)
        fit = scaling_law(
            rows,
            *args.x,
            loss=args.loss,
            run=args.owner,
            delta=args.delta,
            replicates=args.replicates,
            level=args.level,
            floor=not args.no_floor,
            flops_per=args.flops_per,
            rng=np.random.default_rng(args.seed),
        )
        if args.compute and len(fit.variables) != 2:
            raise UsageError(
                f"--compute needs a law in two variables, and this one is in {' and '.join(fit.variables)}",
                hint="name two: --x SIZE DATA, such as --x params tokens"
                + (f"; {fit.reasons[0]}" if fit.reasons else ""),
            )
        best = [fit.optimal(c) for c in args.compute]
        told = _told(fit, args.predict) if args.predict else None
        if args.plot:
            with OutputFile(args.plot, "--plot") as file:
                file.write(figure_bytes(fit.plot(columns=2), kind))
            note(f"figure: {args.plot}", quiet=args.quiet)
        if args.json != "-":
            print(fit.render(args.table))
            for b in best:
                sizes = "; ".join(str(e) for e in (*b.sizes.values(), b.ratio, b.loss))
                print(f"compute {format_number(b.compute)}: {sizes}")
            if told is not None:
                at = ", ".join(f"{v} {format_number(x)}" for v, x in zip(fit.variables, args.predict, strict=True))
                known = told["low"] is not None
                interval = Interval(told["low"], told["high"], fit.level, "prediction") if known else None
                value, ends = with_interval(Estimate("loss", told["loss"], interval))
                why = no_width(told["loss"]) if len(fit.draws) else "no bootstrap replicates"
                share = f" {ends} ({100 * fit.level:g} % of new runs)" if known else f", without an interval: {why}"
                print(f"a run at {at}: {value}{share}")
        if args.json:
            write_json(
                args.json, "scaling", {**fit.to_dict(), "optimal": [_allocation(b) for b in best], "prediction": told}
            )
        return Exit.OK if fit.status.usable else Exit.SOME_FAILED


def _told(fit: ScalingFit, values: Any) -> dict[str, Any]:
    if len(values) != len(fit.variables):
        raise UsageError(f"--predict takes {len(fit.variables)} values", hint=" ".join(fit.variables))
    found = fit.predict(*values)
    low, high = float(found.low[0]), float(found.high[0])
    known = np.isfinite(low) and np.isfinite(high)
    if not np.isfinite(found.mean[0]):
        raise UsageError("the loss there is beyond what a number can hold", hint="--predict nearer to the data")
    return {
        "at": dict(zip(fit.variables, values, strict=True)),
        "loss": float(found.mean[0]),
        "low": low if known else None,
        "high": high if known else None,
        "level": found.level,
    }


def _allocation(best: Any) -> dict[str, Any]:
    return {
        "compute": best.compute,
        "sizes": {k: estimate_fields(e) for k, e in best.sizes.items()},
        "ratio": estimate_fields(best.ratio),
        "loss": estimate_fields(best.loss),
    }


def _chosen(columns: Rows, conditions: Any) -> Rows:
    for name, value in conditions:
        if name not in columns:
            raise unknown_name("column", name, columns)
        keep = [i for i, v in enumerate(columns[name]) if _is(v, value)]
        if not keep:
            some = ", ".join(sorted({shown_value(v) for v in columns[name]})[:8])
            raise UsageError(f"no row has {name} = {value!r}", hint=f"values there: {some}")
        columns = columns.taken(keep)
    return columns


def _is(cell: Any, value: str) -> bool:
    """Whether a cell is the value of a condition: 1 and 1.0 are one number."""
    if str(cell) == value or shown_value(cell) == value:
        return True
    try:
        return not isinstance(cell, bool) and float(cell) == float(value)
    except (TypeError, ValueError):
        return False


def _condition(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ArgumentTypeError(f"{text!r} is not COLUMN=VALUE")
    return name, value


def _delta(text: str) -> float:
    return math.inf if text == "inf" else positive(text)


def _replicates(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 100_000:
        raise ArgumentTypeError(f"{text!r} is not a whole number up to 100000")
    return int(text)
