"""A small chart for the terminal: data, median and band of the forecast in braille dots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...curves.numbers import format_number, format_x
from ..thinning import thin
from ..view import View, choose_view
from ._page import Page

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["draw_chart"]

_Array = NDArray[np.float64]
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # braille bits by row and column of a cell


class _Canvas:
    """Cells of 2 x 4 dots over the picture's limits; every cell has the style of what was drawn in it last."""

    def __init__(self, view: View, rows: int, width: int) -> None:
        self.rows, self.width, self.view = rows, width, view
        self.bits = [[0] * width for _ in range(rows)]
        self.styles = [[""] * width for _ in range(rows)]
        self.signs: dict[tuple[int, int], str] = {}

    def column(self, x: _Array) -> list[int]:
        """Dot columns of x, those beyond the picture on its edge."""
        return self._place(x, self.view.x_limits, self.view.x_scale, 2 * self.width)

    def row(self, y: _Array) -> list[int]:
        """Dot rows of y counted from the top, those beyond the picture on its edge."""
        last = 4 * self.rows - 1
        return [last - r for r in self._place(y, self.view.y_limits, self.view.y_scale, 4 * self.rows)]

    def _place(self, values: _Array, limits: tuple[float, float], scale: str, dots: int) -> list[int]:
        low, high = limits
        inside = np.clip(values, low, high)
        if scale == "log":
            inside, low, high = np.log(inside), np.log(low), np.log(high)
        placed: list[int] = np.rint((inside - low) / (high - low) * (dots - 1)).astype(int).tolist()
        return placed

    def dot(self, row: int, column: int, style: str, *, alone: bool = False) -> None:
        """Set one dot; ``alone`` clears what another style left in its cell."""
        r, c = row // 4, column // 2
        if alone and self.styles[r][c] != style:
            self.bits[r][c] = 0
        self.bits[r][c] |= _DOTS[row % 4][column % 2]
        self.styles[r][c] = style

    def mark(self, column: int, sign: str) -> None:
        """Put a sign at the edge of a dot column: an arrow to what lies beyond it, a cross for what is no number."""
        self.signs[self.rows - 1 if sign == "↓" else 0, column // 2] = sign

    def line(self, row: int) -> list[tuple[str, str]]:
        """One line of text as styled cells."""
        cells = zip(self.bits[row], self.styles[row], strict=True)
        drawn = [(chr(0x2800 + bits) if bits else " ", style) for bits, style in cells]
        for (r, column), sign in self.signs.items():
            if r == row:
                drawn[column] = (sign, "data")
        return drawn


def draw_chart(page: Page, report: Report, rows: int = 9) -> None:
    """Draw data and forecast on the page; one character is two dots wide and four high.

    Parameters
    ----------
    page : Page
        A page that can show Unicode.
    report : Report
        With at least one finite point.
    rows : int
        Height in lines.
    """
    view = choose_view(report)
    low, high = view.y_limits
    if low < 0 <= report.curve.y.min():  # room for a line's width in a figure, no value here
        low = 0.0
        view = replace(view, y_limits=(low, high))
    labels = [format_number(v, (high - low) / 2) for v in (high, low)]
    margin = max(map(len, labels)) + 2
    canvas = _Canvas(view, rows, page.width - margin - 2)
    _forecast(canvas, report)
    _data(canvas, report)
    for i in range(rows):
        label = labels[0] if i == 0 else labels[1] if i == rows - 1 else ""
        page.line((label.rjust(margin) + " ", "muted"), *canvas.line(i))
    page.line((" " * (margin + 1) + _axis(canvas, report), "muted"))
    outside = _outside(report, view)
    if outside:
        page.paragraph(outside, first=" " * (margin + 1), indent=" " * (margin + 1), style="muted")


def _forecast(canvas: _Canvas, report: Report) -> None:
    """The 95 % band of new observations as a pattern of dots, with the median drawn free in it."""
    forecast = report.forecast
    quantiles = forecast.quantile([0.025, 0.5, 0.975])
    known = np.array(canvas.column(np.concatenate(([forecast.x_last], forecast.x))))
    columns = np.arange(known[0], known[-1] + 1)
    bottom, middle, top = (canvas.row(np.interp(columns, known, np.concatenate((q[:1], q)))) for q in quantiles.T)
    for c, lowest, highest in zip(columns.tolist(), bottom, top, strict=True):
        for r in range(highest, lowest + 1):
            if (r + c) % 2 == 0:
                canvas.dot(r, c, "band")
    for c, r in zip(columns.tolist(), middle, strict=True):
        canvas.dot(r, c, "median", alone=True)


def _data(canvas: _Canvas, report: Report) -> None:
    """Every dot column from the lowest to the highest value in it."""
    x, y = report.curve.x, report.curve.y
    if canvas.view.x_scale == "log":
        x, y = x[x > 0], y[x > 0]
    at = thin(x, y, 2 * canvas.width, log=canvas.view.x_scale == "log")
    x, y = x[at], y[at]
    columns, first = np.unique(canvas.column(x), return_index=True)
    bottom, top = canvas.row(np.minimum.reduceat(y, first)), canvas.row(np.maximum.reduceat(y, first))
    for c, lowest, highest in zip(columns.tolist(), bottom, top, strict=True):
        for r in range(highest, lowest + 1):
            canvas.dot(r, c, "data")
    low, high = canvas.view.y_limits
    bad = report.curve.nonfinite_x
    bad = bad[(bad >= canvas.view.x_limits[0]) & (bad <= canvas.view.x_limits[1])]
    for sign, places in (("↑", x[y > high]), ("↓", x[y < low]), ("×", bad)):
        for c in canvas.column(places):
            canvas.mark(c, sign)


def _outside(report: Report, view: View) -> str:
    """What the picture cannot show: how many observations lie above and below and how far, and how many are no numbers."""
    curve, (low, high) = report.curve, view.y_limits
    shown = curve.x > 0 if view.x_scale == "log" else np.ones(len(curve), dtype=bool)
    parts = []
    for arrow, where, extreme in (("↑", curve.y > high, np.argmax), ("↓", curve.y < low, np.argmin)):
        where &= shown
        count = int(np.count_nonzero(where))
        if count:
            at = int(extreme(curve.y))
            value = format_number(float(curve.y[at]), (high - low) / 2)
            until = f"as far as {value} at {curve.x_unit} {format_x(float(curve.x[at]))}"
            parts.append(f"{arrow} {count} value{'s' if count > 1 else ''} beyond the picture, {until}")
    bad = curve.nonfinite_x.size
    if bad:
        parts.append(f"× {bad} value{'s' if bad > 1 else ''} NaN or infinite")
    return "; ".join(parts)


def _axis(canvas: _Canvas, report: Report) -> str:
    """Numbers under the axis: where the data begin, where they end, the horizon."""
    log = " (log scale)" if canvas.view.x_scale == "log" else ""
    text = format_x(canvas.view.x_limits[0]) + log
    end = f"{report.curve.x_unit} {format_x(report.horizon)}"
    here = format_x(float(report.curve.x[-1]))
    at = canvas.column(report.curve.x[-1:])[0] // 2 - len(here) // 2
    if at > len(text) + 1 and at + len(here) + 1 < canvas.width - len(end):
        text = text.ljust(at) + here
    return text.ljust(canvas.width - len(end)) + end
