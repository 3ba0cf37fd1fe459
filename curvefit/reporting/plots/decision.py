"""Decision: what training on to each x is expected to be worth, with its band and the decision marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...curves._checks import safe_text
from ...curves.numbers import format_number, format_probability, format_x
from ...decisions._gain import Gains
from ...decisions.recommendation import Action
from ..figures import COLORS, literal, new_axes, style
from .fan import short_text, tick_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..report import Report

__all__ = ["decision"]

_Array = NDArray[np.float64]
_BAND = (0.1, 0.9)


def decision(report: Report, *, ax: Axes | None = None, title: str | None = None) -> Axes:
    r"""Draw the expected net worth of training on to x, or the gain where no prices are given.

    .. math:: V(x) = w\,E[\max(0, \mathrm{gain}_{\mathrm{kept}}(x))] - c\,(x - x_T)

    Parameters
    ----------
    report : Report
        With a forecast; prices are those the recommendation was made with.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    title : str, optional
        Default: metric, decision and run.

    Returns
    -------
    matplotlib Axes

    Notes
    -----
    The band holds the net worth (the gain) with 80 % probability at each x. At the last observation the width of the gain
    is what is not known of the mean there; the net worth is counted without it.
    """
    with style():
        ax = new_axes() if ax is None else ax
        answer = report.recommendation
        heading = f"{report.metric}: {answer.action.value}, {report.run.name}"
        literal(ax.set_title(short_text(heading if title is None else title, 80)))
        if not report.forecast.status.usable or not np.all(np.isfinite(report.forecast.mean([0.1, 0.5, 0.9]))):
            ax.set_axis_off()
            why = f"no forecast: {report.forecast.status.value}"
            literal(ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes))
            return ax
        gains = Gains.of(report.forecast)
        cost = answer.arithmetic.get("cost_per_unit")
        worth = answer.arithmetic.get("worth_per_unit")
        priced = cost is not None and worth is not None
        c, w = (cost, worth) if cost is not None and worth is not None else (0.0, 1.0)
        last = report.forecast.x_last
        x = np.r_[last, gains.x]
        over = answer.arithmetic.get("level_kept", gains.level_now) if priced else gains.level_now
        if priced:
            ends = np.vstack([np.zeros(2), np.quantile(gains.earned(over), _BAND, axis=1).T])
        else:
            ends = np.sort(gains.sign * (over - report.forecast.mean(_BAND)), axis=1)
            ends = np.vstack([ends[:1], ends])  # what the mean is now is not known exactly either
        low, high = (w * side - c * (x - last) for side in ends.T)
        middle = gains.net_worth(last, c, w, kept=over) if priced else gains.median
        label = "expected net worth" if priced else "median gain of the mean curve"
        ax.fill_between(
            x, low, high, color=COLORS["forecast"], alpha=0.18, lw=0, label="80 % of what may come", zorder=1
        )
        ax.plot(x[1:], middle, "-", lw=1.6, color=COLORS["forecast"], label=label, zorder=3)
        ax.axhline(0.0, color=COLORS["fit"], lw=0.8, zorder=0.5)
        if not priced and answer.min_gain > 0:
            ax.axhline(
                answer.min_gain,
                color=COLORS["guide"],
                lw=1.0,
                ls=(0, (4, 2)),
                zorder=0.6,
                label="smallest gain that matters",
            )
        _mark(ax, report, x, np.r_[0.0, middle])
        unit = report.curve.metric.unit
        literal(ax.set_xlabel(safe_text(report.curve.x_unit)))
        literal(ax.set_ylabel("net worth of training on" if priced else f"gain{f' ({unit})' if unit else ''}"))
        ax.set_xlim(last, float(x[-1]))
        tick_numbers(ax.xaxis, ax.get_xscale(), counted=True)
        ax.legend(loc="best")
    return ax


def _mark(ax: Axes, report: Report, x: _Array, middle: _Array) -> None:
    """A line and a point at the decision: x* for "train on", the last observation for all other answers."""
    answer = report.recommendation
    going_on = answer.action is Action.CONTINUE and answer.x_star is not None
    at = float(answer.x_star) if going_on and answer.x_star is not None else float(x[0])
    value = float(np.interp(at, x, middle))
    ax.axvline(at, color=COLORS["event"], lw=1.0, zorder=2)
    ax.plot([at], [value], "o", ms=5, color=COLORS["event"], zorder=4, clip_on=False)
    words = (
        f"train on to {report.curve.x_unit} {format_x(at)}"
        if going_on
        else f"{answer.action.value}: {report.curve.x_unit} {format_x(at)}"
    )
    if answer.probability is not None:
        words += f"\nP(gain ≥ {format_number(answer.min_gain, digits=3)}) = {format_probability(answer.probability)}"
    left = at < (x[0] + x[-1]) / 2
    note = ax.annotate(
        words, (at, 0.02), xycoords=("data", "axes fraction"), xytext=(5 if left else -5, 0), textcoords="offset points",
        ha="left" if left else "right", va="bottom", fontsize=8, color=COLORS["event"], linespacing=1.3, bbox={"fc": "white", "ec": "none", "alpha": 0.92, "pad": 1.5}, zorder=5,
    )  # fmt: skip
    literal(note)
