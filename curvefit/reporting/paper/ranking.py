"""Rank of every method over x with the probability of each rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...curves.numbers import format_x
from ..figures import literal
from ..plots.fan import short_text
from .canvas import Columns, looks, new_axes, paper_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..tables.comparison import Comparison

__all__ = ["ranking"]


def ranking(comparison: Comparison, *, ax: Axes | None = None, columns: Columns = 1, title: str = "") -> Axes:
    """Lines of rank over the x of the comparison; the area of a disc is the probability of that rank, a cross stands for an unknown one.

    Parameters
    ----------
    comparison : Comparison
        With at least one ranking.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    columns : {1, 2}
        Width of a new figure in columns of a page.
    title : str
        Above the axes.
    """
    with paper_style():
        m = len(comparison.methods)
        ax = new_axes(ax, columns, 0.7 + 0.28 * m)
        drawn = looks(comparison.methods)
        places = list(range(len(comparison.rankings)))
        for i, method in enumerate(comparison.methods):
            look = drawn[method]
            ranks = [r.order.index(method) + 1 for r in comparison.rankings]
            ax.plot(places, ranks, ls=look.dash, color=look.color, lw=1.0, zorder=2)
            for place, r in zip(places, comparison.rankings, strict=True):
                if not r.probability[i, 0] >= 0:  # unknown
                    ax.plot([place], [ranks[place]], "x", ms=4.0, color=look.color, zorder=3)
                    continue
                for rank in range(m):
                    share = float(r.probability[i, rank])
                    if share >= 0.01:
                        own = rank + 1 == ranks[place]
                        ax.scatter(
                            [place + 0.0], [rank + 1], s=90 * share, marker="o", lw=0.7, zorder=3 if own else 2.5,
                            facecolor=look.color if own else "none", edgecolor=look.color,
                        )  # fmt: skip
            if places:
                literal(
                    ax.text(
                        places[-1] + 0.18,
                        ranks[-1],
                        short_text(method, 24),
                        va="center",
                        color=look.color,
                        fontsize=6.5,
                    )
                )
                if len(places) > 1:
                    literal(
                        ax.text(
                            -0.18,
                            ranks[0],
                            short_text(method, 24),
                            va="center",
                            ha="right",
                            color=look.color,
                            fontsize=6.5,
                        )
                    )
        ax.set_xticks(places, [format_x(r.at) for r in comparison.rankings])
        ax.set_yticks(range(1, m + 1))
        ax.set_ylim(m + 0.5, 0.5)
        ax.set_xlim(-0.9 if len(places) > 1 else -0.4, len(places) - 1 + 0.9)
        literal(ax.set_xlabel(comparison.x_unit))
        ax.set_ylabel("rank")
        if title:
            literal(ax.set_title(short_text(title, 60)))
    return ax
