"""Fit broken lines: how many breakpoints, where, and how sure that is under correlated noise."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, final, get_args

from ..curves import Estimate, Run
from ..curves.numbers import counted, format_number, format_x
from ..reporting.document import estimate_fields
from ..reporting.segments import plot_segments
from ..segmentation.segmented_regression import Axis, BreakpointInterval, SegmentedFit
from ..segmentation.segmented_regression import segment as fit_line
from ._drawing import DrawingCommand, count_or_auto
from ._options import add_level
from ._table import table, terminal_width, wrapped

__all__ = ["Segment"]


@final
class Segment(DrawingCommand):
    """Breakpoints and slopes with their intervals, and the test whether there is any breakpoint."""

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare the line."""
        parser.add_argument(
            "--n-breakpoints", type=count_or_auto, default="auto", metavar="K", help="0 to 10, or auto (default: auto)"
        )
        parser.add_argument(
            "--terminal-slope", type=float, choices=(0.0,), metavar="0", help="0: the line ends level (a true plateau)"
        )
        parser.add_argument(
            "--interval",
            choices=get_args(BreakpointInterval),
            default="profile_likelihood",
            metavar="I",
            help=f"{', '.join(get_args(BreakpointInterval))} (default: profile_likelihood)",
        )
        parser.add_argument(
            "--noise", choices=("auto", "white"), default="auto", help="whether neighbors may correlate (default: auto)"
        )
        parser.add_argument(
            "--x-axis", choices=get_args(Axis), default="linear", help="axis on which lines are straight"
        )
        parser.add_argument("--y-axis", choices=get_args(Axis), default="linear", help="the same for the metric")
        add_level(parser)
        self.add_plot(parser)

    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """A table of breakpoints, one of segments, and the test."""
        curve = run[metric]
        fit = fit_line(
            curve,
            args.n_breakpoints,
            terminal_slope=args.terminal_slope,
            interval=args.interval,
            noise=args.noise,
            level=args.level,
            x_axis=args.x_axis,
            y_axis=args.y_axis,
        )
        self.draw(run, lambda: plot_segments(curve, fit, title=f"{metric}, {run.name}"))
        lost = int(curve.nonfinite_x.size)
        said = (
            [] if not lost else wrapped(f"note: {counted(lost, 'value')} of {metric} not finite: left out", hanging=6)
        )
        return "\n".join([*_lines(fit, curve.x_unit), *said]), {**_fields(fit), "nonfinite_values": lost}


def _lines(fit: SegmentedFit, unit: str) -> list[str]:
    width = terminal_width() - 2
    share = f"{100 * fit.level:g} % interval"
    out = []
    if fit.breakpoints:
        rows = [(str(i), _value(b), _interval(b)) for i, b in enumerate(fit.breakpoints, 1)]
        out += table(("break", unit or "x", share), rows, right=(0, 1), width=width).splitlines()
    else:
        out.append("no breakpoint")
    out.append("")
    ends = ["start", *(_value(b) for b in fit.breakpoints), "end"]
    parts = [
        (str(i), f"{a} to {b}", _value(s), _interval(s))
        for i, (a, b, s) in enumerate(zip(ends[:-1], ends[1:], fit.slopes, strict=True), 1)
    ]
    slope = "slope" if fit.x_axis == fit.y_axis == "linear" else f"slope ({fit.y_axis} y, {fit.x_axis} x)"
    out += table(("segment", unit or "x", slope, share), parts, right=(0, 2), width=width).splitlines()
    out.append("")
    if fit.existence_test is not None:
        test = fit.existence_test
        out += wrapped(f"any breakpoint at all: p = {format_number(test.p_value, digits=2)} ({test.method})", hanging=2)
    out += wrapped(
        f"noise: sd {format_number(fit.sigma, digits=3)}, correlation of neighbors {fit.rho:.2f}: {fit.n} points are worth "
        f"{fit.n_effective:.0f}",
        hanging=2,
    )
    return [*out, *(line for r in fit.reasons for line in wrapped(f"note: {r}", hanging=6))]


def _value(e: Estimate) -> str:
    if e.value is None:
        return e.status.code.replace("_", " ")
    half = (e.interval.high - e.interval.low) / 2 if e.interval is not None and e.interval.closed else None
    return format_number(e.value, half) if half else format_x(float(f"{e.value:.6g}"))


def _interval(e: Estimate) -> str:
    if e.interval is None:
        return "-"
    half = (e.interval.high - e.interval.low) / 2
    return f"[{format_number(e.interval.low, half)}, {format_number(e.interval.high, half)}]"


def _fields(fit: SegmentedFit) -> dict[str, Any]:
    test = fit.existence_test
    return {
        "breakpoints": [estimate_fields(b) for b in fit.breakpoints],
        "slopes": [estimate_fields(s) for s in fit.slopes],
        "intercept": estimate_fields(fit.intercept),
        "rss": fit.rss,
        "sigma": fit.sigma,
        "rho": fit.rho,
        "n": fit.n,
        "n_effective": fit.n_effective,
        "existence_test": None
        if test is None
        else {"statistic": test.statistic, "p_value": test.p_value, "method": test.method},
        "criteria": list(fit.criteria),
        "x_axis": fit.x_axis,
        "y_axis": fit.y_axis,
        "level": fit.level,
        "status": fit.status.code,
        "reasons": list(fit.reasons),
    }
