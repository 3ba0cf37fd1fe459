"""A scaling law: the points, the law and its extrapolation with the prediction interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..figures import literal
from ..plots.fan import short_text, tick_numbers
from .canvas import Columns, new_axes, paper_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..tables.scaling_fit import ScalingFit

__all__ = ["scaling"]

_BEYOND = 10.0
_LINES = 8  # sizes that have a line each; more of them are drawn in groups
_GROUPS = 6
_CROWD = 150  # points from which they are drawn smaller
_NARROW = 5.0  # ratio of losses below which a linear axis shows more


def scaling(
    fit: ScalingFit, *, ax: Axes | None = None, columns: Columns = 1, beyond: float = _BEYOND, title: str = ""
) -> Axes:
    """Loss against the variable, or against compute with lines of equal size and the compute-optimal frontier.

    Parameters
    ----------
    fit : ScalingFit
        From `scaling_law`, in one variable or two.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    columns : {1, 2}
        Width of a new figure in columns of a page.
    beyond : float
        How far beyond the largest point the law is drawn, as a factor.
    title : str
        Above the axes.
    """
    with paper_style():
        ax = new_axes(ax, columns)
        ax.set_xscale("log")
        narrow = fit.losses.max() < _NARROW * fit.losses.min()
        ax.set_yscale("linear" if narrow else "log")
        if len(fit.variables) == 2:
            _frontier(ax, fit, beyond)
            factors = " \N{MULTIPLICATION SIGN} ".join(
                [f"{fit.flops_per:g}", *(short_text(v, 12) for v in fit.variables)]
            )
            literal(ax.set_xlabel(f"compute (FLOP), {factors}"))
        else:
            _line(ax, fit, beyond)
            literal(ax.set_xlabel(short_text(fit.variables[0])))
        ax.set_ylabel("loss")
        low, high = fit.losses.min(), fit.losses.max()
        pad = 0.12 * (high - low)
        ax.set_ylim(low - 2 * pad if narrow else 0.85 * low, high + pad if narrow else 1.1 * high)
        for text in ax.legend(loc="upper right").get_texts():
            literal(text)
        tick_numbers(ax.yaxis, ax.get_yscale(), counted=False)
        if title:
            literal(ax.set_title(short_text(title, 60)))
    return ax


def _line(ax: Axes, fit: ScalingFit, beyond: float) -> None:
    x = fit.points[:, 0]
    grid = np.geomspace(x.min(), x.max() * beyond, 200)
    _law(ax, grid, fit, (grid,), x.max())
    ax.plot(x, fit.losses, "o", ms=2.5, color="#0072B2", mfc="white", mew=0.7, label=f"{x.size} points", zorder=4)


def _law(
    ax: Axes, grid: NDArray[np.float64], fit: ScalingFit, values: tuple[NDArray[np.float64], ...], edge: float
) -> None:
    told = fit.predict(*values)
    share = f"{100 * fit.level:g} %"
    if np.isfinite(told.low).all():
        ax.fill_between(
            grid, told.low, told.high, color="#BBBBBB", alpha=0.6, lw=0, label=f"{share} of new runs", zorder=1
        )
    inside = grid <= edge
    ax.plot(grid[inside], told.mean[inside], "-", color="#000000", label="law", zorder=3)
    ax.plot(grid[~inside], told.mean[~inside], ls=(0, (4, 2)), color="#000000", label="beyond the data", zorder=3)


def _frontier(ax: Axes, fit: ScalingFit, beyond: float) -> None:
    first, second = fit.points.T
    compute = fit.flops_per * first * second
    grid = np.geomspace(compute.min(), compute.max() * beyond, 120)
    best = [fit.optimal(float(c)) for c in grid]
    names = fit.variables
    a = np.array([b.sizes[names[0]].value or np.nan for b in best])
    ok = np.isfinite(a) & (a > 0)
    if ok.any():
        _law(ax, grid[ok], fit, (a[ok], grid[ok] / fit.flops_per / a[ok]), float(compute.max()))
    groups = _alike(first)
    for shade, here in zip(np.linspace(0.0, 1.0, len(groups)), groups, strict=True):
        color = _shade(shade)
        size = float(np.exp(np.median(np.log(first[here]))))
        span = np.geomspace(compute[here].min() / 1.5, compute[here].max() * 1.5, 60)
        told = fit.predict(np.full(span.size, size), span / fit.flops_per / size, interval=None)
        ax.plot(span, told.mean, "-", lw=0.6, color=color, alpha=0.8, zorder=2)
        ax.plot(
            compute[here],
            fit.losses[here],
            "o",
            ms=3.2 if first.size < _CROWD else 2.0,
            mec="#FFFFFF",
            mew=0.3,
            color=color,
            label=f"{short_text(names[0], 8)} {'near ' if np.ptp(first[here]) else ''}{_size(size)}",
            zorder=3.5,
        )


def _alike(sizes: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    """Points of one size each where there are few sizes, else of neighboring sizes; every point is in one group."""
    levels, which = np.unique(sizes, return_inverse=True)
    if levels.size > _LINES:
        which = np.searchsorted(np.quantile(sizes, np.linspace(0, 1, _GROUPS + 1))[1:-1], sizes, side="right")
    return [which == i for i in np.unique(which)]


def _size(value: float) -> str:
    for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * unit:  # which is 1 of it when rounded to three digits
            return f"{value / unit:.3g}{letter}"
    return f"{value:.3g}"


def _shade(share: float) -> tuple[float, float, float]:
    """From light to dark blue, so that order survives in gray."""
    light, dark = (0.62, 0.82, 0.95), (0.0, 0.16, 0.36)
    red, green, blue = (a + share * (b - a) for a, b in zip(light, dark, strict=True))
    return red, green, blue
