"""A small chart for the terminal: data, median and band of the forecast in braille dots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..numbers import format_number, format_x
from ..view import choose_view
from ._page import Page

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["draw_chart"]

_Array = NDArray[np.float64]
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # braille bits by row and column of a cell


def draw_chart(page: Page, report: Report, rows: int = 9) -> None:
    """Draw data and forecast on the page; one column is two dots wide, one row four dots high.

    Parameters
    ----------
    page : Page
        A page that can show Unicode.
    report : Report
    rows : int
        Height in lines.
    """
    curve, forecast = report.curve, report.forecast
    view = choose_view(report)
    x_scale, y_scale = view.x_scale, view.y_scale
    low, high = view.y_limits
    to_x, to_y = (np.log if s == "log" else np.asarray for s in (x_scale, y_scale))
    keep = curve.x > 0 if x_scale == "log" else np.ones(len(curve), bool)
    labels = [format_number(v, (high - low) / 2) for v in (high, low)]
    margin = max(map(len, labels)) + 2
    width = page.width - margin - 2
    left, right = to_x(curve.x[keep][0]), to_x(report.horizon)

    def column(x: _Array) -> NDArray[np.intp]:
        return np.clip((to_x(x) - left) / (right - left) * (2 * width - 1), 0, 2 * width - 1).round().astype(int)

    def row(y: _Array) -> NDArray[np.intp]:
        part = (to_y(np.clip(y, low, high)) - to_y(low)) / (to_y(high) - to_y(low))
        return ((1 - part) * (4 * rows - 1)).round().astype(int)

    layers = {}
    grid = np.concatenate(([float(curve.x[-1])], forecast.x))
    now = np.full((1, 3), forecast.level_now)
    bottom, middle, top = np.vstack([now, forecast.quantile([0.025, 0.5, 0.975])]).T
    columns = np.arange(int(column(grid[:1])[0]), int(column(grid[-1:])[0]) + 1)
    at = [np.interp(columns, column(grid), v) for v in (bottom, middle, top)]
    layers["band"] = [
        (r, c)
        for c, b, t in zip(columns, row(at[0]), row(at[2]), strict=True)
        for r in range(t, b + 1)
        if (r + c) % 2 == 0
    ]
    layers["median"] = list(zip(row(at[1]).tolist(), columns.tolist(), strict=True))
    cols, first = np.unique(column(curve.x[keep]), return_index=True)
    y = curve.y[keep]
    spans = np.minimum.reduceat(y, first), np.maximum.reduceat(y, first)
    layers["data"] = [
        (r, c) for c, b, t in zip(cols, row(spans[0]), row(spans[1]), strict=True) for r in range(t, b + 1)
    ]
    bits = np.zeros((rows, width), int)
    style = np.full((rows, width), "", dtype=object)
    for name in ("band", "median", "data"):
        for r, c in layers[name]:
            if name == "median" and style[r // 4, c // 2] == "band":
                bits[r // 4, c // 2] = 0  # the median stands alone in its cell
            bits[r // 4, c // 2] |= _DOTS[r % 4][c % 2]
            style[r // 4, c // 2] = name
    for i in range(rows):
        label = labels[0] if i == 0 else labels[1] if i == rows - 1 else ""
        segments: list[tuple[str, str]] = [(label.rjust(margin) + " ", "muted")]
        for j in range(width):
            segments.append((chr(0x2800 + int(bits[i, j])) if bits[i, j] else " ", str(style[i, j])))
        page.line(*segments)
    start, end = f"{format_x(float(curve.x[keep][0]))}", f"{curve.x_unit} {format_x(report.horizon)}"
    log = " (log scale)" if x_scale == "log" else ""
    now_at = int(column(grid[:1])[0]) // 2
    here = format_x(float(curve.x[-1]))
    axis = start + log
    if now_at - len(here) // 2 > len(axis) + 1 and now_at + len(here) < width - len(end):
        axis = axis.ljust(now_at - len(here) // 2) + here
    page.line((" " * (margin + 1) + axis.ljust(width - len(end)) + end, "muted"))
