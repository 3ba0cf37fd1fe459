"""Small multiples: many curves with their fits and forecasts on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...curves import UsageError
from ..figures import literal
from ..plots.fan import short_text, tick_numbers
from ..thinning import thin
from ..view import choose_view
from .canvas import Columns, new_figure, paper_style, short_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..report import Report

__all__ = ["small_multiples"]

_MOST = 24


def small_multiples(
    reports: Sequence[Report], *, columns: Columns = 2, across: int | None = None, most: int = _MOST
) -> Figure:
    """One small panel per run: observations, fitted law, median and 80 and 95 % bands of the forecast.

    Parameters
    ----------
    reports : sequence of Report
        From `analyze`.
    columns : {1, 2}
        Width in columns of a page.
    across : int, optional
        Panels side by side; default two on one column, four on two.
    most : int
        Panels; of more reports the first ones are drawn.

    Returns
    -------
    matplotlib Figure
    """
    shown = list(reports)[:most]
    if not shown:
        raise UsageError("no report to draw", where="small_multiples()")
    wide = min(across or 2 * columns, len(shown))
    rows = -(-len(shown) // wide)
    names = short_names([r.run.name for r in shown], 24)
    metrics, units = [_metric(r) for r in shown], [r.curve.x_unit for r in shown]
    one_metric, one_unit = len(set(metrics)) == 1, len(set(units)) == 1
    with paper_style():
        height = 0.2 + (1.28 if one_unit else 1.38) * rows + (0.15 if one_unit else 0.0)
        figure, axes = new_figure(columns, rows=rows, across=wide, height=height, squeeze=False)
        flat: list[Any] = list(np.ravel(axes))
        for ax, report, name in zip(flat, shown, names, strict=False):
            _panel(ax, report, name)
        if one_metric:
            literal(figure.supylabel(short_text(metrics[0]), fontsize=7))
        for i, (ax, metric, unit) in enumerate(zip(flat, metrics, units, strict=False)):
            if not one_metric:
                literal(ax.set_ylabel(short_text(metric, 22), fontsize=5.5, labelpad=1.5))
            if not one_unit or i + wide >= len(shown):  # one that all share stands below each column
                literal(ax.set_xlabel(unit, fontsize=5.5, labelpad=1.0))
        for ax in flat[len(shown) :]:
            ax.set_axis_off()
        handles, labels = flat[0].get_legend_handles_labels()
        found = dict(zip(labels, handles, strict=True))
        for ax in flat[1 : len(shown)]:
            found.update({k: h for h, k in zip(*ax.get_legend_handles_labels(), strict=True) if k not in found})
        figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=5 if columns == 2 else 3)
        if len(reports) > len(shown):
            literal(figure.text(0.995, 0.995, f"{len(shown)} of {len(reports)} runs", ha="right", va="top", fontsize=6))
    return figure


def _metric(report: Report) -> str:
    """Name and unit of what is shown."""
    curve = report.curve
    unit = curve.metric.unit or ("percent" if curve.percent else "")
    return f"{report.metric} ({unit})" if unit else report.metric


def _panel(ax: Axes, report: Report, name: str) -> None:
    view = choose_view(report)
    curve, forecast = report.curve, report.forecast
    ax.set_xscale(view.x_scale)
    ax.set_yscale(view.y_scale)
    x, y = curve.x, curve.y
    if view.x_scale == "log":
        x, y = x[x > 0], y[x > 0]
    at = thin(x, y, 250, log=view.x_scale == "log")
    ax.plot(x[at], y[at], "-", lw=0.5, color="#999999", label="observed", zorder=2)
    start = np.r_[0, np.arange(forecast.x.size)]
    ahead = np.concatenate(([forecast.x_last], forecast.x))
    for level, shade in ((0.95, 0.22), (0.8, 0.35)):
        low, high = forecast.quantile([(1 - level) / 2, (1 + level) / 2])[start].T
        ax.fill_between(ahead, low, high, color="#0072B2", alpha=shade, lw=0, label=f"{100 * level:g} %", zorder=1)
    ax.plot(ahead, forecast.median[start], ls=(0, (4, 1.5)), lw=1.0, color="#0072B2", label="forecast", zorder=3)
    if report.fit is not None and report.fit.status.usable:
        first = x[0] if x.size else 1.0
        grid = np.geomspace(first, x[-1], 150) if first > 0 else np.linspace(first, x[-1], 150)
        grid = grid[{"all": grid > -np.inf, "nonnegative": grid >= 0, "positive": grid > 0}[report.fit.model.domain]]
        mean = report.fit.predict(grid).mean
        ok = np.isfinite(mean)
        ax.plot(grid[ok], mean[ok], "-", lw=0.9, color="#000000", label="fitted law", zorder=2.5)
    ax.set_xlim(*view.x_limits)
    ax.set_ylim(*view.y_limits)
    tick_numbers(ax.xaxis, ax.get_xscale(), counted=True, most=4)
    tick_numbers(ax.yaxis, ax.get_yscale(), counted=False)
    ax.tick_params(labelsize=5.5)
    ax.locator_params(axis="y", nbins=4) if view.y_scale == "linear" else None
    literal(ax.set_title(name, fontsize=6.0, fontweight="normal", pad=2.5))
