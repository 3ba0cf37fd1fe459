"""Text for a terminal of 80 columns, in colors where it has them; the recommendation comes first."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from ...curves._arguments import checked
from ...curves.numbers import format_x
from ...diagnostics.diagnosis import Diagnosis, Verdict
from .. import wording
from ._chart import draw_chart
from ._page import Page, cells

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["terminal"]

_MARKS = {"error": "x", "warning": "!", "info": "i"}


@checked
def terminal(
    report: Report,
    *,
    width: int | None = None,
    color: bool | None = None,
    unicode: bool | None = None,
    chart: bool = True,
) -> str:
    """The report as lines of text.

    Parameters
    ----------
    report : Report
    width : int, optional
        Columns; default those of the terminal between 60 and 100, and 80 where there is none.
    color : bool, optional
        Default: when stdout is a terminal and ``NO_COLOR`` is not set. Needs rich, without it the text is plain.
    unicode : bool, optional
        Default: when stdout can show it. Without it everything is ASCII and there is no chart.
    chart : bool
        Whether to draw the small chart.

    Notes
    -----
    Control characters, escape sequences and bidirectional marks in names from a log are shown, not obeyed; markup of
    rich is never read from them.
    """
    tty = sys.stdout is not None and sys.stdout.isatty()
    if width is None:
        width = min(100, max(60, shutil.get_terminal_size((80, 24)).columns or 80)) if tty else 80
    if color is None:
        color = tty and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    if unicode is None:
        unicode = "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()
    page = Page(width, unicode=unicode)
    _head(page, report)
    if chart and page.unicode and len(report.curve) >= 2:
        page.line()
        draw_chart(page, report)
    _forecast(page, report)
    _estimates(page, report)
    _fit(page, report)
    _diagnoses(page, report)
    for heading, lines in (("Doubts and notes", wording.doubts(report)), ("Data", wording.data_lines(report))):
        if lines:
            page.heading(heading)
            for line in lines:
                page.paragraph(line, first="  • ", indent="    ", style="muted" if heading == "Data" else "")
    return page.colored() if color else page.plain()


def _head(page: Page, report: Report) -> None:
    page.paragraph(wording.title(report), style="title")
    page.paragraph(wording.what(report), style="muted")
    page.line()
    page.paragraph(
        wording.headline(report), style="value", first="▶ " if page.unicode else "> ", indent="  ", mark="value"
    )
    for reason in wording.support(report):
        page.paragraph(reason, first="  • ", indent="    ")


def _forecast(page: Page, report: Report) -> None:
    """Both views at the horizon side by side with their bands; one band a line where that is too wide."""
    page.heading(f"Forecast at {report.curve.x_unit} {format_x(report.horizon)}")
    rows = wording.band_rows(report)
    names = [f"{100 * level:g} %" for level, _ in rows[0][2]]
    value = max(6, *(len(r[1]) for r in rows))
    columns = [max(len(name), *(len(r[2][i][1]) for r in rows)) for i, name in enumerate(names)]
    if 2 + 15 + 2 + value + sum(2 + c for c in columns) <= page.width:
        head = "  ".join(name.center(c) for name, c in zip(names, columns, strict=True))
        page.line((f"  {'':15}  {'median':>{value}}  {head}", "muted"))
        for label, middle, bands in rows:
            cols = "  ".join(text.center(c) for (_, text), c in zip(bands, columns, strict=True))
            page.line(f"  {label:15}  ", (f"{middle:>{value}}", "value"), f"  {cols}")
        rows = []
    for label, middle, bands in rows:
        page.line(f"  {label:15}  ", (middle, "value"))
        for name, (_, text) in zip(names, bands, strict=True):
            page.line((f"    {name:>6}  ", "muted"), text)
    for line in wording.forecast_notes(report):
        page.paragraph(line, first="  ", indent="  ", style="warning")


def _estimates(page: Page, report: Report) -> None:
    rows = wording.estimate_rows(report)
    if not rows:
        return
    page.heading(f"Estimates with {100 * report.level:g} % confidence intervals")
    _table(page, rows)


def _fit(page: Page, report: Report) -> None:
    fit = report.fit
    if fit is None:
        return
    page.heading(f"Fitted law: {fit.model.name.replace('_', ' ')} ({wording.law_status(report).value})")
    rows = wording.fit_rows(report)
    if rows:
        _table(page, rows)


def _table(page: Page, rows: list[wording.Row]) -> None:
    """Label, value, interval and unit in columns; the remark follows where it fits, else on its own line."""
    label = max(cells(page.text(r.label)) for r in rows)
    value = max(cells(page.text(r.value)) for r in rows)
    middle = max(cells(page.text(_middle(r))) for r in rows)
    for r in rows:
        name, number, rest = page.text(r.label), page.text(r.value), page.text(_middle(r))
        lead = f"  {name}{' ' * (label - cells(name))}  "
        filled = f"{' ' * (value - cells(number))}{number}"
        room = page.width - cells(lead) - value - middle - 4
        remark = page.text(r.remark)
        if remark and cells(remark) <= room:
            page.line(lead, (filled, "value"), f"  {rest}{' ' * (middle - cells(rest))}  ", (remark, "muted"))
            continue
        if cells(lead) + value + 2 + cells(rest) <= page.width:
            page.line(lead, (filled, "value"), f"  {rest}")
        else:  # many digits: the interval goes below
            page.line(lead, (filled, "value"))
            page.paragraph(rest, first="      ", indent="      ")
        if remark:
            page.paragraph(remark, first="      ", indent="      ", style="muted")


def _middle(row: wording.Row) -> str:
    return " ".join(p for p in (row.interval, row.unit) if p)


def _diagnoses(page: Page, report: Report) -> None:
    page.heading("Diagnoses")
    found = report.diagnoses
    for d in found.present:
        _present(page, d, wording.finding(report, d), wording.suspected(report, d))
    for line in wording.undecided(report):
        page.paragraph(line, first="  ? ", indent="    ", style="muted")
    absent = [wording.finding(report, d) for d in found if d.verdict is Verdict.ABSENT]
    if absent:
        page.paragraph(f"absent: {', '.join(absent)}", first="  - ", indent="    ", style="muted")
    if not len(found):
        page.line(("  none asked for", "muted"))


def _present(page: Page, d: Diagnosis, name: str, suspicion: str) -> None:
    at = wording.places(d)
    head = f"{name}{' suspected' if suspicion else ''}{' ' + at if at else ''}"
    page.paragraph(head, first=f"  {_MARKS[d.severity]} ", indent="    ", style=d.severity)
    if d.explanation:
        page.paragraph(" ".join(t for t in (d.explanation, suspicion) if t), first="    ", indent="    ")
    if d.advice:
        page.paragraph(wording.advice(d, suspicion), first="    → ", indent="      ")
