"""Nominal against observed coverage of forecasts, with the band that chance allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ...curves import UsageError
from .canvas import Columns, new_axes, paper_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["calibration"]


def calibration(pit: ArrayLike, *, ax: Axes | None = None, columns: Columns = 1, title: str = "") -> Axes:
    """Share of observations inside central intervals of every level.

    Parameters
    ----------
    pit : array-like, shape (n,)
        Forecast probability of a value below what was observed, one per forecast; uniform when forecasts are calibrated.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    columns : {1, 2}
        Width of a new figure in columns of a page.
    title : str
        Above the axes.

    Notes
    -----
    The gray band holds 95 % of what independent calibrated forecasts would give at each level.
    """
    values = np.asarray(pit, dtype=float).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        raise UsageError("no forecast to check", where="calibration()")
    from scipy.special import bdtrik

    levels = np.linspace(0.02, 0.98, 49)
    inside = np.array([np.mean(np.abs(values - 0.5) <= level / 2) for level in levels])
    n = values.size
    low, high = (np.clip(np.nan_to_num(bdtrik(p, n, levels)) / n, 0, 1) for p in (0.025, 0.975))
    with paper_style():
        ax = new_axes(ax, columns, 2.7 if columns == 1 else None)
        ax.fill_between(levels, low, high, color="#DDDDDD", lw=0, label="95 % of chance", zorder=1)
        ax.plot([0, 1], [0, 1], "-", color="#888888", lw=0.6, zorder=1.5)
        ax.plot(levels, inside, "-", color="#0072B2", label=f"{n} forecast{'s' if n > 1 else ''}", zorder=2)
        marked = (0.5, 0.8, 0.95)
        shares = [float(np.mean(np.abs(values - 0.5) <= level / 2)) for level in marked]
        ax.plot(marked, shares, "o", color="#000000", mfc="white", zorder=3)
        ax.set_xlim(0, 1.02)
        ax.set_ylim(0, 1.02)
        ax.set_xlabel("nominal coverage")
        ax.set_ylabel("observed coverage")
        told = ", ".join(
            f"{100 * level:g} % holds {100 * share:.0f} %" for level, share in zip(marked, shares, strict=True)
        )
        ax.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=2,
            title=told,
            title_fontsize=6,
        )  # above the axes, where neither it nor the numbers can lie on the line
        if title:
            ax.set_title(title, pad=24)
    return ax
