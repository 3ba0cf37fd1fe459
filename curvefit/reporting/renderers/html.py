"""One self-contained page with an interactive chart; nothing in it is loaded from anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...curves._arguments import checked
from .. import wording
from ..html import RunView, page
from .terminal import terminal

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["html"]


@checked
def html(report: Report, *, title: str | None = None) -> str:
    """The report as one HTML document.

    Parameters
    ----------
    report : Report
    title : str, optional
        Of the page; default: metric and run.

    Notes
    -----
    The page carries its data, styles and program (the chart is uPlot, MIT license) and a content security policy that
    allows them by their hashes and nothing else. Without JavaScript it shows the report as text. Names from a log are
    escaped, control and bidirectional characters are made visible. Needs Jinja2 (``pip install 'curvefit[report]'``).
    """
    text = terminal(report, width=100, color=False, unicode=True, chart=len(report.curve) > 1)
    return page(wording.title(report) if title is None else title, [RunView.of(report)], plain=text)
