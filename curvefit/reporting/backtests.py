"""Figures of back-tests: what would have been said of one run on the way, and how often it held over many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import Curve, UsageError
from ..curves.numbers import format_number
from ..forecasting.replay import Backtest, Backtests
from .figures import COLORS, literal, new_axes, style
from .plots.fan import short_text, tick_numbers
from .thinning import thin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_backtest"]


def plot_backtest(
    found: Backtest | Backtests, curve: Curve | None = None, *, ax: Axes | None = None, columns: int = 1000
) -> Axes:
    """Draw a back-test.

    Of one run: at each cut the median and the interval of what was to come, beside the line of what came. Of several: the
    share of intervals that held at each cut, with the 95 % interval of that share, beside what was promised.

    Parameters
    ----------
    found : Backtest or Backtests
        What `curvefit.backtest` returned, or several of them.
    curve : Curve, optional
        The observed curve, drawn behind the forecasts of one run.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    columns : int
        Resolution to which long curves are thinned; extremes are kept.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import curvefit as cf
    >>> x = range(1, 101)
    >>> curve = cf.Curve(x, [1.0 + 2.0 * i**-0.5 for i in x], metric="val_loss")
    >>> ax = cf.plot_backtest(cf.backtest(curve), curve)
    """
    if not isinstance(found, Backtest | Backtests):
        raise UsageError(
            f"a {type(found).__name__} is no back-test", hint="cf.plot_backtest(cf.backtest(curve), curve)"
        )
    with style():
        ax = new_axes() if ax is None else ax
        if isinstance(found, Backtest):
            _one(ax, found, curve, columns)
        else:
            _many(ax, found)
    return ax


def _one(ax: Axes, found: Backtest, curve: Curve | None, columns: int) -> None:
    if curve is not None:
        at = thin(curve.x, curve.y, columns)
        ax.plot(curve.x[at], curve.y[at], "-", lw=1.0, color=COLORS["data"], label="observed", zorder=2)
    ax.axhline(found.observed, ls=(0, (5, 3)), lw=1.0, color=COLORS["mean"], label="what came", zorder=2.2)
    ax.plot([found.x], [found.observed], "*", ms=9, color=COLORS["mean"], zorder=3)
    for held, color, marker, label in (
        (True, COLORS["forecast"], "o", "held"),
        (False, COLORS["event"], "s", "missed"),
    ):
        some = [r for r in found.replays if r.inside is held]
        if some:
            middle = np.array([r.median for r in some])
            ends = np.abs(np.array([[r.low, r.high] for r in some]).T - middle)
            name = f"forecast then, {100 * found.level:g} % interval: {label}"
            ax.errorbar(
                [r.x_cut for r in some], middle, ends, fmt=marker, ms=4.5, capsize=3, lw=1.4, color=color, label=name, zorder=4
            )  # fmt: skip
    _limits(ax, found, curve)
    ax.set_xlabel(f"{found.x_unit} at which it was said")
    literal(ax.yaxis.label).set_text(short_text(found.metric))
    title = f"{found.inside} of {len(found.replays)} intervals held, error {format_number(found.error_ratio, digits=2)} of the last value's"
    literal(ax.title)
    ax.set_title(title)
    tick_numbers(ax.yaxis, "linear", counted=False)
    ax.legend(loc="best", frameon=False)


def _limits(ax: Axes, found: Backtest, curve: Curve | None) -> None:
    """A wide interval or a high start must not press what matters into a line."""
    values = np.array([v for r in found.replays for v in (r.median, r.y_cut, r.observed)])
    ends = np.array([v for r in found.replays for v in (r.low, r.high)])
    span = max(
        float(np.ptp(values)), float(np.median(np.abs(ends - found.observed))), 1e-12 * abs(found.observed), 1e-300
    )
    low = max(float(min(ends.min(), values.min())), float(values.min()) - 3 * span)
    high = min(float(max(ends.max(), values.max())), float(values.max()) + 3 * span)
    if curve is not None:
        later = curve.y[curve.x >= found.replays[0].x_cut]
        low, high = min(low, float(later.min())), max(high, min(float(later.max()), high + 3 * span))
    room = 0.06 * (high - low)
    ax.set_ylim(low - room, high + room)


def _many(ax: Axes, found: Backtests) -> None:
    at = [s for s in found.summary() if s.share is not None]
    if not at:
        raise UsageError("no back-tests to draw", hint="cf.backtest_many(runs)")
    levels = sorted({b.level for b in found})
    for level in levels:
        ax.axhline(level, ls=(0, (5, 3)), lw=1.0, color=COLORS["mean"], label=f"promised: {100 * level:g} %", zorder=2)
    rate = np.array([s.coverage.rate for s in at])
    ends = np.abs(np.array([[s.coverage.interval.low, s.coverage.interval.high] for s in at]).T - rate)
    x = [float(s.share or 0.0) for s in at]
    ax.errorbar(
        x, rate, ends, fmt="o", ms=5, capsize=3, lw=1.4, color=COLORS["forecast"], label="intervals that held", zorder=3
    )
    ax.plot(
        np.array(x) + 0.012, [min(s.error_ratio, 2.0) for s in at], "D", ms=5, color=COLORS["event"], mfc="white",
        label="median error over the last value's (2 and above at 2)", zorder=3,
    )  # fmt: skip
    ax.set_ylim(-0.05, max(1.05, *(min(s.error_ratio, 2.0) + 0.1 for s in at)))
    ax.set_xlim(0, 1)
    ax.set_xlabel("share of the run that was known")
    ax.set_ylabel("share, ratio")
    ax.set_title(f"{len(found)} runs replayed")
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.13), frameon=False)
