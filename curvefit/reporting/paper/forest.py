"""A forest plot: estimates with their intervals under each other, pooled ones as diamonds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...curves import Estimate
from ..figures import literal
from ..plots.fan import short_text, tick_numbers
from ..tables.pooled import Pooled
from .canvas import Columns, new_axes, paper_style, short_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["forest"]

_MOST = 40


def forest(
    found: Pooled | Sequence[tuple[str, Estimate]],
    *,
    ax: Axes | None = None,
    columns: Columns = 1,
    label: str = "",
    reference: float | None = None,
    most: int = _MOST,
    title: str = "",
) -> Axes:
    """Draw estimates as points with bars; of a pooled quantity also the shrunken runs, the mean, and where another run lies.

    Parameters
    ----------
    found : Pooled or sequence of (name, Estimate)
        What to draw, from top to bottom.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    columns : {1, 2}
        Width of a new figure in columns of a page.
    label : str
        Of the x axis; default the name of the quantity.
    reference : float, optional
        A value to compare with, as a line.
    most : int
        Rows to draw; of more runs those evenly spaced in order of their value.
    title : str
        Above the axes.
    """
    if isinstance(found, Pooled):
        pooled: Pooled | None = found
        rows = list(zip(found.runs, found.own, strict=True))
    else:
        pooled, rows = None, list(found)
    shrunk = dict(enumerate(pooled.shrunken)) if pooled else {}
    rows, shrunk, total = _some(rows, shrunk, most)
    with paper_style():
        extra = 2 if pooled else 0
        ax = new_axes(ax, columns, 0.75 + 0.145 * (len(rows) + extra))
        for i, (_, e) in enumerate(rows):
            _bar(ax, e, i, "#000000", "o", fill="#000000")
            if i in shrunk:
                _bar(ax, shrunk[i], i + 0.3, "#0072B2", "s", fill="white")
        if pooled:
            _bar(ax, pooled.mean, len(rows) + 0.1, "#D55E00", "D", fill="#D55E00")
            _bar(ax, pooled.new_run, len(rows) + 1.1, "#D55E00", "D", fill="white")
            ax.axhline(len(rows) - 0.45, color="#BBBBBB", lw=0.5)
        ends = _limits([e for _, e in rows], [pooled.mean] if pooled else [])
        if ends is not None:
            _cut_off(ax, rows, *ends)
        if reference is not None:
            ax.axvline(reference, color="#999999", lw=0.8, ls=(0, (4, 2)), zorder=0.5)
        names = short_names([n for n, _ in rows], 26) + (["mean of all", "another run"] if pooled else [])
        ax.set_yticks(range(len(names)), names)
        for text in ax.get_yticklabels():
            literal(text)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        tick_numbers(ax.xaxis, "linear", counted=True, most=5 * columns)
        name = rows[0][1].name if rows else ""
        literal(ax.set_xlabel(short_text(label or (pooled.name if pooled else name.replace("_", " ")))))
        if pooled:
            ax.plot([], [], "o", color="#000000", label="by itself")
            ax.plot([], [], "s", color="#0072B2", mfc="white", label="shrunken")
            ax.plot([], [], "D", color="#D55E00", label="pooled")
            ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.0, handlelength=1.0)
        bare = sum(e.value is not None and (e.interval is None or not e.interval.closed) for _, e in rows)
        if bare:
            literal(ax.set_xlabel(f"{ax.get_xlabel()} (hollow: no closed interval)"))
        if total > len(rows):  # below the axis, where nothing is drawn
            literal(ax.set_xlabel(f"{ax.get_xlabel()}\n{len(rows)} of {total} shown, evenly spaced in order"))
        if title:
            literal(ax.set_title(short_text(title, 60), pad=16 if pooled else 6))
    return ax


def _limits(shown: Sequence[Estimate], whole: Sequence[Estimate]) -> tuple[float, float] | None:
    """Ends of the axis where a few estimates are so far from the rest that nothing else could be seen."""
    values = np.array([e.value for e in shown if e.value is not None and np.isfinite(e.value)])
    if values.size < 4:
        return None
    inner = np.array([np.quantile(values, 0.1, method="higher"), np.quantile(values, 0.9, method="lower")])
    room = float(np.diff(inner)[0]) or abs(float(inner[0])) or 1.0
    low, high = float(inner[0]) - 1.5 * room, float(inner[1]) + 1.5 * room
    for e in whole:  # is always seen
        for end in (e.value, *((e.interval.low, e.interval.high) if e.interval is not None else ())):
            if end is not None and np.isfinite(end):
                low, high = min(low, float(end) - 0.1 * room), max(high, float(end) + 0.1 * room)
    reach = [
        end
        for e in shown
        for end in (e.value, *((e.interval.low, e.interval.high) if e.interval is not None else ()))
        if end is not None and np.isfinite(end)
    ]
    span = max(reach) - min(reach)
    return (
        (max(low, min(reach) - 0.05 * room), min(high, max(reach) + 0.05 * room)) if span > 6 * (high - low) else None
    )


def _cut_off(ax: Axes, rows: Sequence[tuple[str, Estimate]], low: float, high: float) -> None:
    """End the axis there, with an arrow for every estimate beyond."""
    ax.set_xlim(low, high)
    for i, (_, e) in enumerate(rows):
        if e.value is not None and not low <= e.value <= high:
            ax.plot(
                [low if e.value < low else high],
                [i],
                "<" if e.value < low else ">",
                color="#000000",
                ms=4,
                clip_on=False,
            )


def _some(
    rows: list[tuple[str, Estimate]], shrunk: dict[int, Estimate], most: int
) -> tuple[list[tuple[str, Estimate]], dict[int, Estimate], int]:
    """All rows, or those evenly spaced in order of their value."""
    total = len(rows)
    if total <= most:
        return rows, shrunk, total
    order = sorted((i for i in range(total) if rows[i][1].value is not None), key=lambda i: rows[i][1].value or 0.0)
    picked = sorted({order[round(j * (len(order) - 1) / (most - 1))] for j in range(most)}, key=order.index)
    return [rows[i] for i in picked], {k: shrunk[i] for k, i in enumerate(picked) if i in shrunk}, total


def _bar(ax: Axes, e: Estimate, y: float, color: str, marker: str, *, fill: str) -> None:
    if e.value is None:
        return
    if e.interval is not None and e.interval.closed:
        ax.plot([e.interval.low, e.interval.high], [y, y], "-", color=color, lw=0.9, zorder=2)
    closed = e.interval is not None and e.interval.closed
    ax.plot([e.value], [y], marker, color=color, mfc=fill if closed else "white", ms=3.2, mew=0.8, zorder=3)
