"""Forecast a metric at later x, with intervals for a new observation and for the mean curve."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from .. import analysis
from ..curves import Run, UsageError
from ..curves.numbers import format_number, format_x
from ..estimands import horizon_grid
from ..forecasting import api as forecasting
from ..forecasting.forecasters import registry as forecasters
from ..forecasting.scheduled import forecast_run
from ..reporting.document import forecast_fields
from ._experience import add_experience
from ._listing import RunCommand
from ._options import add_level, finite, name_of
from ._table import table, terminal_width, wrapped

__all__ = ["Forecast"]


@final
class Forecast(RunCommand):
    """A table of quantiles at the x that were asked for."""

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare horizon, places and method."""
        parser.add_argument(
            "--horizon",
            type=finite,
            metavar="X",
            help="last x (default: planned length, else end of the rate's decay, else twice the data)",
        )
        parser.add_argument(
            "--at", type=finite, nargs="+", metavar="X", help="x to forecast at instead of a grid up to the horizon"
        )
        parser.add_argument(
            "--method", type=name_of(forecasters), default="pooled", metavar="M", help="forecaster (default: pooled)"
        )
        parser.add_argument(
            "--schedule",
            action=BooleanOptionalAction,
            default=True,
            help="use the logged learning rate and what it will be (default: yes)",
        )
        add_experience(parser)
        add_level(parser)

    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """Median and interval of a new observation, then of the mean curve."""
        curve = run[metric]
        notes: tuple[str, ...] = ()
        if args.at and args.horizon is not None:
            raise UsageError("--horizon and --at both say where to forecast", hint="give one of them")
        if args.at:
            x = np.array(sorted(set(args.at)))
        else:
            horizon, notes = analysis.planned(run, curve, args.horizon)
            x = readable(horizon_grid(curve, horizon, points=8), float(curve.x[-1]))
        if args.schedule:
            made, about_rate = forecast_run(
                run, curve, x, method=args.method, level=args.level, experience=args.experience
            )
            notes = (*notes, *about_rate)
        else:
            made = forecasting.forecast(curve, x, method=args.method, level=args.level, experience=args.experience)
        seen, mean = made.interval(args.level), made.interval(args.level, view="mean")
        rows = []
        for i, at in enumerate(made.x):
            half = (seen.high[i] - seen.low[i]) / 2
            cells = (seen.mean[i], seen.low[i], seen.high[i], mean.mean[i], mean.low[i], mean.high[i])
            v = [format_number(float(c), half) for c in cells]
            rows.append((format_x(float(at)), v[0], f"[{v[1]}, {v[2]}]", v[3], f"[{v[4]}, {v[5]}]"))
        share = f"{100 * args.level:g} %"
        header = (curve.x_unit, "median", f"{share} of observations", "mean curve", f"{share} of the mean")
        text = table(header, rows, right=(0, 1, 3), width=terminal_width() - 2).splitlines()
        text += [line for r in (*made.reasons, *notes) for line in wrapped(f"note: {r}", hanging=6)]
        return "\n".join(text), {**forecast_fields(made), "level": args.level, "notes": list(notes)}


def readable(x: NDArray[np.float64], last: float) -> NDArray[np.float64]:
    """The grid with its inner x rounded to two digits where that keeps them beyond the data and below the horizon."""
    rounded = [float(f"{v:.2g}") for v in x[:-1]]
    inner = sorted({r for r in rounded if last < r < x[-1]})
    return np.array([*inner, x[-1]])
