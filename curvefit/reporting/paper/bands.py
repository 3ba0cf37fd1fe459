"""Curves of methods over x with their bands over seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..figures import literal
from ..plots.fan import short_text, tick_numbers
from ..thinning import thin
from .canvas import Columns, looks, new_axes, paper_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..tables.comparison import Band, Comparison

__all__ = ["seed_bands"]

_LOG_SPAN = 30.0
_FEW_NODES = 2  # of the grid: runs that begin or end a step apart


def seed_bands(
    comparison: Comparison, *, ax: Axes | None = None, columns: Columns = 1, seeds: bool = True, title: str = ""
) -> Axes:
    """Interquartile mean of every method over x, its interval as a band, the seeds as thin lines behind.

    Where some runs of a method have no value its line is thin and dotted and not joined to the other: the mean of those
    that are left moves when a run ends, though no run does. The legend says how many are left.

    Parameters
    ----------
    comparison : Comparison
        From `compare`.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    columns : {1, 2}
        Width of a new figure in columns of a page.
    seeds : bool
        Whether to draw the seeds themselves.
    title : str
        Above the axes.
    """
    with paper_style():
        shown = [b for b in comparison.bands if np.isfinite(b.center).any()]
        heads = [f"{short_text(b.method, 28)} ({_counts(b)})" for b in shown]
        beside = max(1, min(len(heads), 46 * columns // (max(map(len, heads), default=0) + 8)))
        ax = new_axes(ax, columns, 2.3 * columns**0.6 + 0.13 * -(-len(heads) // beside))
        drawn = looks([b.method for b in comparison.bands])
        values: list[float] = []
        for band, head in zip(shown, heads, strict=True):
            look = drawn[band.method]
            if seeds:
                for x, y in band.curves:
                    at = thin(x, y, 300)
                    ax.plot(x[at], y[at], "-", lw=0.35, color=look.color, alpha=0.22, zorder=1)
            known = np.isfinite(band.low)
            ok = np.isfinite(band.center)
            whole = ok & (band.seeds >= _runs(band))
            for part, alpha in ((whole, 0.22), (ok & ~whole, 0.09)):
                ax.fill_between(
                    band.x, band.low, band.high, where=(part & known).tolist(), color=look.color, alpha=alpha, lw=0,
                    zorder=2,
                )  # fmt: skip
            every = max(1, int(whole.sum()) // 6)
            ax.plot(
                band.x,
                np.where(whole, band.center, np.nan),
                ls=look.dash,
                marker=look.marker,
                markevery=(int(np.argmax(whole)) + every // 2, every),
                mfc="white",
                color=look.color,
                label=head,
                zorder=3,
            )
            if (ok & ~whole).any():
                ax.plot(
                    band.x, np.where(ok & ~whole, band.center, np.nan), ls=":", lw=0.8, color=look.color, zorder=2.9
                )
            late = band.center[ok][int(0.1 * ok.sum()) :]
            values += [
                *late.tolist(),
                *band.low[known].tolist()[int(0.1 * known.sum()) :],
                *band.high[known].tolist()[int(0.1 * known.sum()) :],
            ]
        _scales(ax, comparison, values)
        for x_at in comparison.at:
            ax.axvline(x_at, color="#BBBBBB", lw=0.5, zorder=0.5)
        literal(ax.set_xlabel(comparison.x_unit))
        literal(ax.set_ylabel(short_text(comparison.metric)))
        if title:
            literal(ax.set_title(short_text(title, 60), pad=6 + 9 * (-(-len(heads) // beside) + 1)))
        heading = f"{short_text(comparison.by, 20)} (runs)"
        legend = ax.legend(  # above the axes: a curve may be anywhere in them
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=beside,
            title=heading,
            title_fontsize="small",
            columnspacing=1.2,
        )
        for text in (*legend.get_texts(), legend.get_title()):
            literal(text)
        tick_numbers(ax.xaxis, ax.get_xscale(), counted=True)
        tick_numbers(ax.yaxis, ax.get_yscale(), counted=False)
    return ax


def _runs(band: Band) -> int:
    return band.runs or int(band.seeds.max())


def _counts(band: Band) -> str:
    """How many runs, and how many where the curve starts and ends if those are fewer on more than a few x."""
    there = np.flatnonzero(band.seeds > 0)
    runs, start, end = _runs(band), int(band.seeds[there[0]]), int(band.seeds[there[-1]])
    fewer = [f"{count} {where}" for count, where in ((start, "from the start"), (end, "to the end")) if count < runs]
    missing = int((band.seeds[there] < runs).sum())
    return ", ".join([str(runs), *fewer]) if missing > _FEW_NODES else str(runs)


def _scales(ax: Axes, comparison: Comparison, values: list[float]) -> None:
    """Logarithmic x over long spans; y shows the aggregates, not the first moments of the worst seed."""
    grids = [b.x for b in comparison.bands if b.x.size]
    if grids:
        positive = np.concatenate(grids)
        positive = positive[positive > 0]
        if positive.size and positive.max() / positive.min() > _LOG_SPAN:
            ax.set_xscale("log")
            ax.set_xlim(positive.min(), positive.max())
    if values:
        low, high = float(np.min(values)), float(np.max(values))
        pad = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
        ax.set_ylim(low - pad, high + pad)
