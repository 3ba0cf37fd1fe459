"""Find sudden changes of level, of level and variance, or of a line: how many, where, and how sure that is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, final, get_args

from ..curves import Run
from ..curves.numbers import counted, format_number, format_x
from ..reporting.document import estimate_fields
from ..reporting.segments import plot_segments
from ..segmentation._partition import Cost
from ..segmentation.level_changes import ChangePoints
from ..segmentation.level_changes import changepoints as find
from ._drawing import DrawingCommand, count_or_auto, penalty
from ._options import add_level
from ._table import table, terminal_width, wrapped

__all__ = ["Changepoints"]


@final
class Changepoints(DrawingCommand):
    """Changes with the interval of their place, their size and a p-value, and the segments between them."""

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare what changes and what a change costs."""
        parser.add_argument(
            "--cost",
            choices=get_args(Cost),
            default="mean",
            help="what is constant between changes: the mean, mean and variance, or a line (default: mean)",
        )
        parser.add_argument(
            "--penalty", type=penalty, default="auto", metavar="P", help="price of a change in log n (default: auto)"
        )
        parser.add_argument(
            "--n-changes", type=count_or_auto, default="auto", metavar="K", help="number of changes, when known"
        )
        parser.add_argument(
            "--noise", choices=("auto", "white"), default="auto", help="whether neighbors may correlate (default: auto)"
        )
        add_level(parser)
        self.add_plot(parser)

    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """A table of changes, one of segments."""
        curve = run[metric]
        found = find(
            curve,
            cost=args.cost,
            penalty=args.penalty,
            n_changes=None if args.n_changes == "auto" else args.n_changes,
            noise=args.noise,
            level=args.level,
        )
        self.draw(run, lambda: plot_segments(curve, found, title=f"{metric}, {run.name}"))
        lost = int(curve.nonfinite_x.size)
        said = (
            [] if not lost else wrapped(f"note: {counted(lost, 'value')} of {metric} not finite: left out", hanging=6)
        )
        return "\n".join([*_lines(found, curve.x_unit), *said]), {**_fields(found), "nonfinite_values": lost}


def _lines(found: ChangePoints, unit: str) -> list[str]:
    width = terminal_width() - 2
    out = []
    if found.locations:
        rows = []
        for i, e in enumerate(found.locations, 1):
            ends = "-" if e.interval is None else f"[{format_x(e.interval.low)}, {format_x(e.interval.high)}]"
            p = format_number(e.details["p_value"], digits=2)
            rows.append((str(i), format_x(e.value or 0.0), ends, format_number(e.details["jump"], digits=3), p))
        header = ("change", f"last {unit or 'x'} before", f"{100 * found.level:g} % interval", "jump", "p")
        out += table(header, rows, right=(0, 1, 3, 4), width=width).splitlines()
    else:
        out.append("no change")
    out.append("")
    line = found.cost == "linear"
    parts: list[tuple[str, ...]] = []
    for i, s in enumerate(found.segments, 1):
        cells = [str(i), f"{format_x(s.start)} to {format_x(s.end)}", str(s.n), format_number(s.level, digits=4)]
        parts.append((*cells, *([format_number(s.slope, digits=3)] if line else []), format_number(s.sd, digits=3)))
    columns = ("segment", unit or "x", "points", "level", *(["slope"] if line else []), "sd")
    out += table(columns, parts, right=(0, 2, 3, 4, 5), width=width).splitlines()
    out += ["", f"correlation of neighbors {found.rho:.2f}"]
    return [*out, *(text for r in found.reasons for text in wrapped(f"note: {r}", hanging=6))]


def _fields(found: ChangePoints) -> dict[str, Any]:
    return {
        "changes": [estimate_fields(e) for e in found.locations],
        "segments": [
            {"start": s.start, "end": s.end, "n": s.n, "level": s.level, "slope": s.slope, "sd": s.sd}
            for s in found.segments
        ],
        "cost": found.cost,
        "rho": found.rho,
        "criteria": list(found.criteria),
        "level": found.level,
        "status": found.status.code,
        "reasons": list(found.reasons),
    }
