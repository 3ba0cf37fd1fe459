"""Markdown for issues, notebooks and wikis; names from a log are code spans or escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...curves._arguments import checked
from ...curves._checks import safe_text
from ...curves.numbers import format_x
from ...diagnostics.diagnosis import Verdict
from .. import wording

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["markdown"]

_SPECIAL = re.compile(r"[\\`*_\[\]<>&|~$@#]|:(?=//)|(?<=www)\.")
_BLOCK = re.compile(r"^( *\d*)([-+](?=[- +]|$)|[.)](?= |$))")  # what begins a list or a rule


@checked
def markdown(report: Report, *, level: int = 2) -> str:
    """The report as CommonMark with tables.

    Parameters
    ----------
    report : Report
    level : int
        Of the first heading, 1 to 5; the others are one deeper.

    Notes
    -----
    Names become code spans; every character of other text that could start markup, a link, an e-mail address, HTML or
    mathematics is escaped, and control characters are shown. Text from a log can not become anything but text.
    """
    top, sub = "#" * level, "#" * (level + 1)
    unit = report.curve.x_unit
    lines = [
        f"{top} {_code(report.metric)} of {_code(report.run.name)}",
        "",
        _escape(wording.what(report)) + ".",
        "",
        f"**{_escape(wording.headline(report))}**",
        "",
        *_bullets(wording.support(report)),
        f"{sub} Forecast at {_escape(unit)} {format_x(report.horizon)}",
        "",
        *_bands(report),
        *_bullets(wording.forecast_notes(report)),
    ]
    rows = wording.estimate_rows(report)
    if rows:
        lines += [f"{sub} Estimates with {100 * report.level:g} % confidence intervals", "", *_table(rows)]
    if report.fit is not None:
        law = f"{_code(report.fit.model.name)} ({_escape(wording.law_status(report).value)})"
        lines += [f"{sub} Fitted law: {law}", "", *_table(wording.fit_rows(report))]
    lines += [f"{sub} Diagnoses", "", *_diagnoses(report)]
    for heading, texts in (("Doubts and notes", wording.doubts(report)), ("Data", wording.data_lines(report))):
        if texts:
            lines += [f"{sub} {heading}", "", *_bullets(texts)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _escape(text: str) -> str:
    """Text that no Markdown reader takes for anything else, at the start of a line or inside."""
    text = text.strip(" ")
    inline = _SPECIAL.sub(lambda m: f"&#{ord(m[0])};" if m[0] in "<>&@:." else "\\" + m[0], safe_text(text))
    return _BLOCK.sub(r"\1\\\2", inline)


def _code(text: str) -> str:
    """A code span whose fence is longer than any run of backticks inside; pipes are escaped for tables."""
    clean = safe_text(text)
    longest = max((len(run) for run in re.findall("`+", clean)), default=0)
    fence = "`" * (longest + 1)
    space = " " if clean[:1] in ("`", " ") or clean[-1:] in ("`", " ") else ""
    return f"{fence}{space}{clean}{space}{fence}".replace("|", "\\|")


def _bullets(texts: list[str]) -> list[str]:
    return [*(f"- {_escape(t) or '(empty)'}" for t in texts), ""] if texts else []


def _bands(report: Report) -> list[str]:
    rows = wording.band_rows(report)
    names = [f"{100 * level:g} %" for level, _ in rows[0][2]]
    lines = ["| | median | " + " | ".join(names) + " |", "|---|--:|" + ":-:|" * len(names)]
    for label, middle, bands in rows:
        lines.append(f"| {label} | {middle} | " + " | ".join(text for _, text in bands) + " |")
    return [*lines, ""]


def _table(rows: list[wording.Row]) -> list[str]:
    if not rows:
        return []
    lines = ["| | value | interval | unit | |", "|---|--:|:-:|---|---|"]
    for r in rows:
        lines.append("| " + " | ".join(_escape(v) for v in (r.label, r.value, r.interval, r.unit, r.remark)) + " |")
    return [*lines, ""]


def _diagnoses(report: Report) -> list[str]:
    lines = []
    for d in report.diagnoses.present:
        at, suspicion = wording.places(d), wording.suspected(report, d)
        name = f"{wording.finding(report, d)}{' suspected' if suspicion else ''}"
        head = f"**{_escape(name)}** ({d.severity}{', ' + _escape(at) if at else ''})"
        advice = f" *{_escape(wording.advice(d, suspicion))}*" if d.advice else ""
        lines.append(f"- {head} {_escape(' '.join(t for t in (d.explanation, suspicion) if t))}{advice}")
    lines.extend(f"- {_escape(line)}" for line in wording.undecided(report))
    absent = [wording.finding(report, d) for d in report.diagnoses if d.verdict is Verdict.ABSENT]
    if absent:
        lines.append(f"- absent: {_escape(', '.join(absent))}")
    return [*(lines or ["- none asked for"]), ""]
