"""Names from a log are shown, never obeyed: the O rows of the catalogue of bad input."""

from __future__ import annotations

import csv
import io
import json
import locale
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import curvefit.reporting
from curvefit.curves import Metric
from curvefit.diagnostics.diagnosis import Diagnoses, Diagnosis, Verdict
from curvefit.reporting.figures import figure_bytes
from curvefit.reporting.renderers import registry as renderers

HTML = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</svg><script>", "-->", "<!--", "]]>", "&lt;"]
CONTROL = [
    "\x1b[31mred",
    "\x1b]8;;file:///etc/passwd\x07click\x1b]8;;\x07",
    "\x9b31m",
    "\u202egnp.exe",
    "a\rb\nc",
    "\x00",
    "\x7f",
    "\ud800",
]
MARKUP = ["[/foo]", "[link=file:///etc/passwd]x[/link]", "[bold]", "[x](javascript:alert(1))", "![](http://e.vil/p.png)",
          "http://e.vil", "www.e.vil", "# x", "- x", "1. x", "a|b", "`x`", "``", "$x$", "~~~", "> q", "***", "<http://e.vil>", "a@e.vil"]  # fmt: skip
MATHS = [
    "$\\foo$",
    "$" + "{" * 500,
    "$\\frac{1}{0}$ and $",
    "\\input{/etc/passwd}",
    "\\write18{rm -rf}",
    "50%_^&#",
    "$$",
]


def hostile(report, text):
    """The report with a text from a log wherever one may stand."""
    metric = report.metric
    name = text if text.strip() else text + "x"
    curve = report.curve.with_metric(name=name)
    run = replace(report.run, name=name, curves={name: curve})
    found = Diagnoses(
        name, (Diagnosis("spikes", Verdict.PRESENT, "warning", name, explanation=f"In {name}.", advice=name),)
    )
    advice = replace(report.recommendation, metric=name, reasons=(name, f"{name} of {metric}"))
    return replace(report, run=run, metric=name, curve=curve, diagnoses=found, recommendation=advice, notes=(name,))


class Tags(HTMLParser):
    """All tags and attribute names of a document."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {k for k, _ in attrs}


@pytest.mark.parametrize("text", ["".join(HTML[:1] + HTML[3:]), HTML[1], HTML[2]])
def test_o01_svg_gains_no_tag_or_attribute_from_a_name(stated_report, text):
    plain = Tags(figure_bytes(stated_report.plot(legend=False), "svg").decode())
    spoiled = Tags(figure_bytes(hostile(stated_report, text).plot(legend=False), "svg").decode())
    assert spoiled.tags <= plain.tags | {"use", "path", "g"}
    assert spoiled.attributes <= plain.attributes
    assert not any(a.startswith("on") for a in spoiled.attributes)


@pytest.mark.parametrize("text", HTML + MARKUP + CONTROL + MATHS)
def test_o01_markdown_gains_no_element_from_a_name(report, text):
    assert elements(hostile(report, text)) == elements(hostile(report, "plain name"))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(alphabet=st.sampled_from(list("ab01 \\`*_{}[]()<>#+-.!|~$^=&@:/\"'\n\t\x1b%;")), min_size=1, max_size=24)
)
def test_o01_markdown_gains_no_element_from_any_text(report, text):
    assert elements(hostile(report, text)) == elements(hostile(report, "plain name"))


def elements(report):
    """Kinds and numbers of everything a CommonMark reader with tables and links sees, text aside."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    seen = {}

    def count(tokens):
        for t in tokens:
            if t.type not in ("text", "inline", "softbreak", "text_special"):
                seen[t.type] = seen.get(t.type, 0) + 1
            count(t.children or [])

    count(reader.parse(report.render("markdown")))
    return seen


def test_o01_markdown_shows_the_name_as_it_is(report):
    for text in [*HTML, *MARKUP]:
        if text.startswith("`"):
            continue  # the fence is longer there; what is inside is compared by the others
        tokens = MarkdownIt("commonmark").parse(hostile(report, text).render("markdown"))
        spans = [c.content for t in tokens[:3] for c in t.children or [] if c.type == "code_inline"]
        assert spans == [text.replace("|", "\\|")] * 2


def test_o04_no_text_of_a_log_becomes_an_address(stated_report):
    spoiled = hostile(stated_report, "javascript:alert(1) http://e.vil")
    assert "href" not in figure_bytes(spoiled.plot(legend=False), "svg").decode().replace('xlink:href="#', "")
    assert "link_open" not in elements(spoiled)


@pytest.mark.parametrize("kind", ["fan", "residuals"])
@pytest.mark.parametrize("text", MATHS)
def test_o06_mathematics_in_a_name_is_drawn_as_text(stated_report, text, kind):
    ax = hostile(stated_report, text).plot(kind=kind)
    assert figure_bytes(ax, "png", dpi=40).startswith(b"\x89PNG")


def test_o06_every_text_of_a_figure_is_literal(stated_report):
    from matplotlib.text import Text

    for kind in ("fan", "residuals"):
        ax = hostile(stated_report, "$\\foo$").plot(kind=kind)
        holders = [t for t in ax.get_figure().findobj(Text) if "$" in t.get_text()]
        assert holders
        assert not any(t.get_parse_math() or t.get_usetex() for t in holders)


def test_o07_tex_is_off_whatever_the_user_has_set(stated_report):
    with mpl.rc_context({"text.usetex": True}):
        ax = hostile(stated_report, "\\input{/etc/passwd}").plot()
        assert figure_bytes(ax, "svg").startswith(b"<?xml")
        assert mpl.rcParams["text.usetex"] is True  # the user's settings come back


@pytest.mark.parametrize("text", ["=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\tx", "\rx", " =1+1", "\x00=1"])
def test_o08_text_cells_are_no_formulas_and_numbers_stay(report, text):
    rows = list(csv.reader(io.StringIO(hostile(report, text).render("csv"), newline="")))
    assert all(len(row) == len(rows[0]) for row in rows)
    for row in rows[1:]:
        for cell in row:
            if cell.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\0"):
                float(cell)
        assert row[0].startswith("'")
    gain = next(r for r in rows if r[3] == "remaining_improvement")
    assert float(gain[5]) == report.estimates["remaining_improvement"].interval.low < 0


@pytest.mark.parametrize("text", CONTROL + MARKUP)
def test_o09_no_control_character_reaches_the_terminal(report, text):
    for options in ({"color": False}, {"color": True}, {"color": False, "unicode": False}):
        out = hostile(report, text).render("terminal", **options)
        own = re.sub(r"\x1b\[[0-9;]*m", "", out) if options["color"] else out
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", own)
        assert not any(0xD800 <= ord(c) <= 0xDFFF for c in own)


def test_o09_rich_reads_no_markup_from_a_name(report):
    out = hostile(report, "[bold]x[/bold] [link=file:///etc/passwd]y[/link]").render("terminal", color=True)
    assert "[bold]x[/bold]" in re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert "\x1b]8" not in out


@pytest.mark.parametrize("name", sorted(renderers))
@pytest.mark.parametrize("text", CONTROL)
def test_o09_every_form_can_be_written_as_utf8(report, name, text):
    said = hostile(report, text).render(name)
    assert said and said.encode("utf-8").decode("utf-8") == said


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_o12_the_page_suits_the_encoding_of_stdout(report, encoding, monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", out)
    print(hostile(report, "Verlust – größer ≥ 損失"), file=out)
    out.flush()
    assert out.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [0, 1, 20])
def test_o12_a_terminal_without_width_still_gets_a_page(report, width):
    assert "Forecast at" in report.render("terminal", width=width, color=False)


def test_o12_no_stdout_at_all(report, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert report.render("terminal").isascii()


def test_o13_numbers_have_a_point_in_every_locale(report):
    before = locale.setlocale(locale.LC_ALL)
    usable = [name for name in ("de_DE.UTF-8", "tr_TR.UTF-8", "fr_FR.UTF-8") if _known(name)]
    try:
        pages = []
        for name in ["C", *usable]:
            locale.setlocale(locale.LC_ALL, name)
            pages.append([report.render(f) for f in ("terminal", "json", "markdown", "csv")])
        assert all(p == pages[0] for p in pages)
    finally:
        locale.setlocale(locale.LC_ALL, before)


def _known(name):
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        return False
    locale.setlocale(locale.LC_ALL, before)
    return True


def test_o13_nothing_here_asks_the_locale():
    for file in Path(curvefit.reporting.__file__).parent.rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        assert not re.search(r"import locale|\{[^}]*:n\}|format\([^)]*,\s*['\"]n['\"]\)", source), file


def test_o13_figures_ignore_the_locale_setting_of_matplotlib(report):
    with mpl.rc_context({"axes.formatter.use_locale": True}):
        ax = report.plot()
        ax.get_figure().canvas.draw()
        labels = [t.get_text() for t in ax.get_yticklabels()]
    assert any("." in t for t in labels)
    assert not any("," in t for t in labels)


def test_a_metric_may_have_any_name(report):
    assert Metric("[/foo]").name == "[/foo]"
    assert json.loads(hostile(report, "\x1b[2J").to_json())["run"] == "\x1b[2J"
    assert np.isfinite(report.horizon)
