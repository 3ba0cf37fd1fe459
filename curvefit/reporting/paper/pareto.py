"""Compute against loss: every run, and those that no other run beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...curves import UsageError
from ...curves.numbers import format_number
from ..figures import literal
from ..plots.fan import short_text, tick_numbers
from .canvas import Columns, looks, new_axes, paper_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["on_front", "pareto"]

_LOG_SPAN = 10.0
_LARGE = 1e15  # from where letters for thousands end


def pareto(
    cost: ArrayLike,
    value: ArrayLike,
    *,
    methods: Sequence[str] | None = None,
    smaller_is_better: bool = True,
    cost_label: str = "compute",
    value_label: str = "loss",
    ax: Axes | None = None,
    columns: Columns = 1,
    title: str = "",
) -> Axes:
    """Draw every run and the front of those that no other beats in both.

    Parameters
    ----------
    cost, value : array-like, shape (n,)
        One of each per run; rows with a number that is not finite are left out.
    methods : sequence of str, optional
        Method of every run.
    smaller_is_better : bool
        Which way the value is better.
    cost_label, value_label : str
        Of the axes.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    columns : {1, 2}
        Width of a new figure in columns of a page.
    title : str
        Above the axes.
    """
    x, y = np.asarray(cost, dtype=float), np.asarray(value, dtype=float)
    names = np.array([""] * x.size if methods is None else [str(m) for m in methods], dtype=object)
    if not x.shape == y.shape == names.shape:
        raise UsageError("cost, value and methods differ in length", where="pareto()")
    good = np.isfinite(x) & np.isfinite(y)
    if not good.any():
        raise UsageError("no run has both numbers", where="pareto()")
    x, y, names = x[good], y[good], names[good]
    front = on_front(x, y, smaller_is_better=smaller_is_better)
    from matplotlib.ticker import FuncFormatter

    best = f"best for its {short_text(cost_label.split(' (', maxsplit=1)[0], 24)}"
    with paper_style():
        drawn = looks(sorted(set(names.tolist())))
        heads = [*(short_text(n, 28) for n in drawn if n), best]
        beside = max(1, min(len(heads), 46 * columns // (max(map(len, heads)) + 8)))
        rows = -(-len(heads) // beside)
        ax = new_axes(ax, columns, 2.3 * columns**0.6 + 0.13 * rows)
        for name, look in drawn.items():
            here = names == name
            ax.plot(
                x[here],
                y[here],
                look.marker,
                ls="none",
                ms=3.0,
                color=look.color,
                mfc="white",
                mew=0.7,
                alpha=0.8,
                label=short_text(name, 28) or None,
                zorder=2,
            )
            ahead = here & front
            ax.plot(x[ahead], y[ahead], look.marker, ls="none", ms=4.0, color=look.color, zorder=4)
        order = np.argsort(x[front], kind="stable")
        ax.step(
            x[front][order],
            y[front][order],
            where="post",
            color="#444444",
            lw=0.9,
            label=best,
            zorder=3,
        )
        if x.min() > 0 and x.max() / x.min() > _LOG_SPAN:
            ax.set_xscale("log")
        literal(ax.set_xlabel(cost_label))
        literal(ax.set_ylabel(short_text(value_label)))
        legend = ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=beside, columnspacing=1.2)
        for text in legend.get_texts():
            literal(text)
        tick_numbers(ax.xaxis, ax.get_xscale(), counted=x.max() < _LARGE)
        if x.max() >= _LARGE:
            ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: format_number(float(f"{v:.6g}"), digits=3)))
        tick_numbers(ax.yaxis, ax.get_yscale(), counted=False)
        if title:
            literal(ax.set_title(short_text(title, 60), pad=6 + 9 * rows))
    return ax


def on_front(
    cost: NDArray[np.float64], value: NDArray[np.float64], *, smaller_is_better: bool = True
) -> NDArray[np.bool_]:
    """Whether no other run costs no more and is better, or costs less and is as good."""
    y = value if smaller_is_better else -value
    order = np.lexsort((y, cost))
    best = np.minimum.accumulate(y[order])
    before = np.concatenate([[np.inf], best[:-1]])
    front = np.zeros(cost.size, dtype=bool)
    front[order] = y[order] < before
    return front
