"""Replay runs: what would have been forecast on the way, and what came."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

from ..curves import Run
from ..curves.numbers import format_number, format_x
from ..forecasting import backtest as forecasting
from ..forecasting.forecasters import registry as forecasters
from ..forecasting.replay import Backtest as Record
from ..forecasting.replay import Backtests, BacktestSummary, Coverage, Replay
from ..forecasting.scheduled import logged_schedule
from ..reporting.backtests import plot_backtest
from ._drawing import DrawingCommand
from ._experience import add_experience
from ._options import add_level, finite, name_of
from ._runs import Batch
from ._table import table, terminal_width, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Backtest"]


@final
class Backtest(DrawingCommand):
    """A table per run of forecasts against what came, and one over all runs."""

    def __init__(self) -> None:
        self._made: list[Record] = []

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare cuts, horizon, method and schedule."""
        parser.add_argument(
            "--shares",
            type=_share,
            nargs="+",
            default=(0.2, 0.4, 0.6, 0.8),
            metavar="S",
            help="where to cut, as shares of the way (default: 0.2 0.4 0.6 0.8)",
        )
        parser.add_argument(
            "--horizon", type=finite, metavar="X", help="forecast the last observation up to X (default: of all)"
        )
        parser.add_argument(
            "--method", type=name_of(forecasters), default="pooled", metavar="M", help="forecaster (default: pooled)"
        )
        parser.add_argument(
            "--schedule",
            action=BooleanOptionalAction,
            default=True,
            help="let each forecast know the learning rate as logged until then (default: yes)",
        )
        add_experience(parser)
        add_level(parser)
        self.add_plot(parser)

    def run(self, args: Namespace) -> int:
        """Replay every run; a failure ends that run only."""
        self._made = []
        return super().run(args)

    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """One line for each cut."""
        rates, about_rate = (
            logged_schedule(run, run[metric]) if args.schedule and args.method == "pooled" else (None, "")
        )
        made = forecasting.backtest(
            run,
            metric,
            shares=args.shares,
            horizon=args.horizon,
            method=args.method,
            level=args.level,
            schedule=rates,
            planned=run.horizon if rates is not None else None,
            experience=args.experience,
        )
        self._made.append(made)
        self.draw(run, lambda: plot_backtest(made, run[metric]))
        rows = []
        for r in made.replays:
            half = (r.high - r.low) / 2
            median, low, high = (format_number(v, half) for v in (r.median, r.low, r.high))
            inside = "yes" if r.inside else "no"
            rows.append((f"{100 * r.share:g} %", format_x(r.x_cut), median, f"[{low}, {high}]", inside, _ratio(r)))
        header = (
            "known",
            made.x_unit,
            "median",
            f"{100 * args.level:g} % of observations",
            "held",
            "error / last value's",
        )
        text = [f"observed at {made.x_unit} {format_x(made.x)}: {format_number(made.observed)}"]
        text += table(header, rows, right=(0, 1, 2, 5), width=terminal_width() - 2).splitlines()
        notes = _notes(made, args)
        if about_rate:
            notes.append(about_rate)
        text += [line for note in notes for line in wrapped(f"note: {note}", hanging=6)]
        fields = made.to_dict()
        return "\n".join(text), {**{k: v for k, v in fields.items() if k not in ("run", "metric")}, "notes": notes}

    def drawn_over_all(self) -> Callable[[], Axes]:
        """How often the intervals held, over all runs."""
        return lambda: plot_backtest(Backtests(tuple(self._made)))

    def overall(self) -> dict[str, Any]:
        """Scores over all runs."""
        return {"summary": [s.to_dict() for s in Backtests(tuple(self._made)).summary()]}

    def finish(self, batch: Batch[dict[str, Any]], args: Namespace) -> int:
        """Scores over all runs, when there are several."""
        if len(self._made) > 1 and args.json != "-":
            print(_over_runs(Backtests(tuple(self._made)), args.level), flush=True)
        return super().finish(batch, args)


def _notes(made: Record, args: Namespace) -> list[str]:
    """What is to be known about the lines of the table; each sentence once, with where it was said."""
    said: dict[str, list[str]] = {}
    for r in made.replays:
        for reason in r.reasons:
            said.setdefault(reason, []).append(f"{100 * r.share:g} %")
    out = [f"at {', '.join(at)}: {reason}" for reason, at in said.items()]
    missing = len(set(args.shares)) - len(made.replays)
    return [*out, f"{missing} of the cuts leave the same observations as another"] if missing else out


def _over_runs(made: Backtests, level: float) -> str:
    rows = [
        (
            "all" if s.share is None else f"{100 * s.share:g} %",
            str(s.coverage.forecasts),
            _held(s.coverage),
            _ratio(s),
            f"{100 * s.better:.0f} %",
        )
        for s in made.summary()
    ]
    header = ("known", "forecasts", f"held, of {100 * level:g} % intervals", "error / last value's", "beat it")
    return f"{len(made)} runs\n" + "\n".join(
        f"  {line}" for line in table(header, rows, right=(0, 1, 3, 4), width=terminal_width() - 2).splitlines()
    )


def _held(coverage: Coverage) -> str:
    low, high = 100 * coverage.interval.low, 100 * coverage.interval.high
    return f"{100 * coverage.rate:.0f} % [{low:.0f}, {high:.0f}]"


def _ratio(scored: Replay | BacktestSummary) -> str:
    return f"{scored.error_ratio:.2f}" if scored.error_ratio < 100 else f"{scored.error_ratio:.2g}"


def _share(text: str) -> float:
    """A number between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise ArgumentTypeError(f"{text!r} is not a share between 0 and 1, such as 0.2")
    return value
