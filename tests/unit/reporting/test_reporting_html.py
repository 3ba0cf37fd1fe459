"""The HTML page: what it holds is what went in, nothing from a log becomes markup, nothing is asked of anybody."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import page_builders
import pytest
import report_builders
from hypothesis import given, settings
from hypothesis import strategies as st

from curvefit.__main__ import main
from curvefit.curves import UsageError
from curvefit.curves._checks import safe_text
from curvefit.reporting.html import Fan, RunView, page
from curvefit.reporting.html import payload as payload_module

ASSETS = files("curvefit.reporting.html")
CSS_COLORS = re.compile(r"url\(|@import|expression\(", re.IGNORECASE)


class Document(HTMLParser):
    """Elements, attributes and texts as a browser without scripts sees them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.scripts, self.styles, self.links = [], [], [], [], []
        self.policy, self.text, self._open = "", [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [k for k, _ in attrs]
        found = dict(attrs)
        self.links += [v for k, v in attrs if k in ("src", "href", "srcset", "action", "data", "poster", "ping")]
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        if tag == "script":
            self.scripts.append([found.get("type"), found.get("id"), ""])
        if tag == "style":
            self.styles.append("")
        self._open.append(tag)

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts[-1][2] += data
        elif self._open and self._open[-1] == "style":
            self.styles[-1] += data
        else:
            self.text.append(data)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    @property
    def data(self):
        """Index and lines, as the page reads them."""
        blocks = {name: text for _, name, text in self.scripts if name}
        return json.loads(blocks["index"]), [json.loads(line) for line in blocks["lines"].split("\n") if line]


def numbers(series):
    """A series as the page unpacks it."""
    return np.cumsum(series["d"]) if isinstance(series, dict) else np.array(series, dtype=float)


def column(index, key):
    found = next(c for c in index["columns"] if c["k"] == key)
    return [found["c"][v] for v in found["v"]] if "c" in found else found["v"]


@pytest.fixture(scope="module")
def views():
    return page_builders.many_views(40, points=300)


@pytest.fixture(scope="module")
def document(views):
    return Document(page("Sweep", views))


@pytest.fixture(scope="module")
def stated():
    return report_builders.stated_report()


# --- what it holds


def test_every_run_stands_in_the_table_with_its_numbers(views, document):
    index, lines = document.data
    assert column(index, "id") == [safe_text(v.id) for v in views]
    assert len(lines) == len(views)
    last = [float(v.y[-1]) if len(v.y) else None for v in views]
    assert column(index, "last") == [None if v is None else pytest.approx(v, rel=1e-6) for v in last]
    assert column(index, "seed") == [v.attributes["seed"] for v in views]
    assert column(index, "points") == [len(v.x) for v in views]
    horizon = [None if v.forecast is None else pytest.approx(v.forecast.median[-1], rel=1e-6) for v in views]
    assert column(index, "forecast") == horizon
    assert column(index, "probability") == [None if v.recommendation is None else v.recommendation["probability"] for v in views]  # fmt: skip


def test_findings_are_those_present_the_worst_first(views, document):
    index, _ = document.data
    rank = {"error": 0, "warning": 1, "info": 2}
    for view, found in zip(views, index["findings"]["v"], strict=True):
        names = [index["findings"]["names"][f] for f in found]
        present = {d["name"].replace("_", " "): d["severity"] for d in view.diagnoses if d["verdict"] == "present"}
        assert set(names) == set(present)
        assert [rank[present[n]] for n in names] == sorted(rank[s] for s in present.values())


def test_the_chart_is_drawn_from_the_curve(views, document):
    _, lines = document.data
    for view, line in zip(views, lines, strict=True):
        if view.forecast is None:
            assert len(numbers(line["x"])) == 0
            continue
        assert np.array_equal(numbers(line["x"]), view.x)  # few enough to be kept whole
        assert numbers(line["y"]) == pytest.approx(view.y, abs=1e-3 * np.ptp(np.quantile(view.y, [0.1, 0.9])))
        level, low, high = line["fb"][0]
        assert level == view.forecast.level
        for drawn, given_ in ((line["fx"], view.forecast.x), (line["fm"], view.forecast.median), (low, view.forecast.low), (high, view.forecast.high)):  # fmt: skip
            assert numbers(drawn)[1:] == pytest.approx(given_, rel=2e-4)
        assert numbers(line["fx"])[0] == view.x[-1]  # the fan begins where the data end


def test_a_report_says_on_the_page_what_it_says_elsewhere(stated):
    document = Document(stated.render("html"))
    _, (line,) = document.data
    shown = "\n".join(document.text)
    for text in stated.render("terminal", width=100, color=False, unicode=True).splitlines():
        assert text in shown  # for readers without scripts
    assert line["r"][1] == "A person should look; keep the checkpoint of epoch 58."
    rows = {label: cells for label, *cells in line["h"]}
    assert rows["new observation"][0] == "0.440"
    assert line["bad"] == [61]
    assert [line["y"][0], line["y"][-1]] == pytest.approx([stated.curve.y[0], stated.curve.y[-1]], rel=1e-4)
    law = numbers(line["ly"])
    assert law == pytest.approx(0.4213 + 0.887 * numbers(line["lx"]) ** -0.793, rel=1e-3)


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        ({"name": "asymptote", "value": 0.41234, "low": 0.40, "high": 0.42}, ("asymptote", "0.412 [0.400, 0.420]", "")),
        ({"name": "best_point", "value": 58.0, "low": 51.0, "high": 60.0, "unit": "epoch"}, ("best point", "58 [51, 60]", "epoch")),
        ({"name": "target_reached", "value": 103.2, "low": 77.4, "high": None}, ("target reached", "103 [77, inf]", "")),
        ({"name": "a", "value": None, "status": "not_identified"}, ("a", "not identified", "")),
        ({"name": "a", "value": float("nan"), "status": "nonfinite"}, ("a", "nonfinite", "")),
        ({"parameter": "alpha", "value": 0.5}, ("alpha", "0.5", "")),
    ],
)  # fmt: skip
def test_plain_rows_are_written_with_the_digits_of_their_interval(row, texts):
    document = Document(page("one", [RunView("r", estimates=[row])]))
    index, (line,) = document.data
    label, value, interval, unit, _ = line["e"][0]
    assert (index["strings"][label], f"{value} {interval}".strip(), index["strings"][unit]) == texts


def test_long_curves_are_thinned_the_more_the_more_runs_there_are():
    x = np.arange(1.0, 20001.0)
    rng = np.random.default_rng(0)
    y = 1 / x + 0.1 * rng.standard_normal(x.size)
    y[7777] = 9.0  # what sticks out stays
    sizes = []
    for n in (1, 5, 2500):
        views = [RunView("long", x=x, y=y), *(RunView(f"r{i}") for i in range(n - 1))]
        line = Document(page("t", views)).data[1][0]
        kept = numbers(line["x"])
        sizes.append(kept.size)
        assert line["n"] == 20000 and {1.0, 7778.0, 20000.0} <= set(kept.tolist())
    assert sizes[0] <= 4000 and sizes[2] <= 400
    assert sizes[0] == sizes[1] > 5 * sizes[2]


def test_five_thousand_runs_stay_below_thirty_megabytes():
    """By what one of them weighs when there are as many; the whole page is opened in a browser elsewhere."""
    views = page_builders.many_views(100, points=2000)
    strings, found = payload_module._Strings(), payload_module._Strings()
    lines = [payload_module._detail(v, payload_module._FEWEST_COLUMNS, strings, found) for v in views]
    index = payload_module.payload("t", views).index
    assert 5000 * (len(index) + len("\n".join(lines))) / len(views) < 25e6


def test_equal_runs_are_equal_bytes():
    assert page("t", page_builders.many_views(12)) == page("t", page_builders.many_views(12))


def test_another_seed_is_another_page():
    """Negative control of the one above."""
    assert page("t", page_builders.many_views(12)) != page("t", page_builders.many_views(12, seed=1))


@pytest.mark.parametrize("views", [[], [RunView("empty")], [RunView("a"), RunView("a")], [RunView("", metric="m", x=[1.0], y=[np.nan])]],
                         ids=["none", "no points", "same name", "not finite"])  # fmt: skip
def test_pages_of_next_to_nothing(views):
    document = Document(page("t", views))
    assert len(document.data[1]) == len(views)
    assert ("There are no runs." in "".join(document.text)) == (not views)


@pytest.mark.parametrize("scale", [1e-320, 1e300, 1.0])
def test_numbers_of_any_size(scale):
    x = np.arange(1.0, 40.0)
    y = scale * np.where(x == 20, 1e5 if scale > 1 else 1.0, 1 / x)
    fan = Fan([50.0], [np.nan], [-np.inf], [np.inf])
    index, (line,) = Document(page("t", [RunView("r", {"big": 1e400, "none": None, "mixed": True}, x=x, y=y, forecast=fan)])).data  # fmt: skip
    assert numbers(line["y"])[:10] == pytest.approx(y[:10], rel=1e-4)
    assert column(index, "big") == [None]


def test_tables_and_figures_are_on_the_page():
    tables = {
        "Methods": [{"method": "adam", "median": 0.41234, "n": 10}, {"method": "sgd", "better": np.float64(0.5)}],
        "None": [],
    }
    svg = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
    png = f"data:image/png;base64,{b64encode(b'PNG').decode()}"
    document = Document(page("t", [], tables=tables, figures={"Ranking": svg, "Dots": png}))
    shown = "".join(document.text)
    assert all(text in shown for text in ("adam", "0.4123", "10", "0.5", "Methods", "The table is empty.", "Ranking"))
    images = [link for link in document.links if link.startswith("data:image") and "base64" in link][1:]
    assert b64decode(images[0].split(",")[1]).decode() == svg
    assert images[1] == png
    assert "svg" not in document.tags and not any(a.startswith("on") for a in document.attributes)


@pytest.mark.parametrize(
    "figure",
    [
        "https://e.vil/p.png",
        "javascript:alert(1)",
        "<img src=x>",
        "data:text/html;base64,PHA+",
        "data:image/png,<svg>",
        "",
    ],
)
def test_a_figure_that_is_none_is_refused(figure):
    with pytest.raises(UsageError, match="Ranking"):
        page("t", [], figures={"Ranking": figure})


def test_what_is_no_view_is_refused():
    with pytest.raises(UsageError, match="RunView"):
        page("t", [{"id": "a"}])


# --- nothing from a log becomes markup


HOSTILE = [
    *page_builders.HOSTILE,
    "&lt;b&gt;",
    "</noscript><script>alert(1)</script>",
    "</title><script>",
    "\\u003c/script>",
    "{{ 7*7 }}",
    "{% include 'x' %}",
    "${alert(1)}",
]


def everywhere(text):
    """A page with a text from a log wherever one may stand."""
    row = {"name": text, "value": 1.0, "unit": text, "status": text, "reason": text}
    finding = {"name": text, "severity": text, "at": text, "marks": [1.0], "explanation": text, "advice": text}
    view = RunView(
        text, {text: text}, text, text, [1.0, 2.0], [1.0, 2.0], estimates=[row], diagnoses=[finding], parameters=[row], law=text, notes=(text,), data=(text,),
        recommendation={"action": text, "sentence": text, "reasons": [text]}, status=text, reason=text, about=text, events=[(text, 1.0)], horizon_rows=[(text, text, (text,))],
    )  # fmt: skip
    picture = '<svg xmlns="http://www.w3.org/2000/svg"></svg>'
    return page(text, [view, view], tables={text: [{text: text}]}, figures={text: picture}, plain=text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_everywhere(text):
    spoiled, clean = Document(everywhere(text)), Document(everywhere("plain name"))
    assert spoiled.tags == clean.tags
    assert spoiled.attributes == clean.attributes
    assert [s[:2] for s in spoiled.scripts] == [s[:2] for s in clean.scripts]
    assert column(spoiled.data[0], "id") == [safe_text(text)] * 2
    assert safe_text(text) in "".join(spoiled.text)


PLAIN = Document(everywhere("plain name"))


@settings(max_examples=40)
@given(
    st.text(
        alphabet=st.sampled_from(list("abn01 \\`*{}%<>/!-='\"&;#\n\r\t\0\x1b\u202e\u2028\ud800")),
        min_size=1,
        max_size=20,
    )
)
def test_any_text_is_text(text):
    spoiled = Document(everywhere(text))
    assert spoiled.tags == PLAIN.tags
    assert column(spoiled.data[0], "id") == [safe_text(text)] * 2


@pytest.mark.parametrize("text", HOSTILE)
def test_the_page_is_ascii_without_control_characters(text):
    written = everywhere(text)
    assert written.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", written)


def test_data_cannot_end_their_script_element():
    written = everywhere("</script><!--")
    blocks = re.findall(r'<script type="[^"]+" id="[^"]+">(.*?)</script>', written, re.DOTALL)
    assert len(blocks) == 2
    assert not any(c in block for block in blocks for c in "<>&")


def test_the_escape_is_needed():
    """Negative control: data written plainly would end the element."""
    assert "</script>" in json.dumps({"id": page_builders.HOSTILE[0]})


# --- nothing is asked of anybody, and only what is known runs


def test_the_policy_allows_the_scripts_and_styles_of_the_page_and_nothing_else(document):
    rules = dict(rule.strip().split(" ", 1) for rule in document.policy.split(";"))
    code = [text for kind, _, text in document.scripts if kind is None]
    assert len(code) == 2 and len(document.styles) == 1

    def hashed(text):
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    assert rules.pop("script-src").split() == [hashed(text) for text in code]
    assert rules.pop("style-src") == hashed(document.styles[0])
    assert rules == {
        "default-src": "'none'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'",
        "require-trusted-types-for": "'script'", "trusted-types": "'none'",
    }  # fmt: skip
    assert "style" not in document.attributes and not any(a.startswith("on") for a in document.attributes)


def test_nothing_is_loaded_from_anywhere(document):
    assert all(link.startswith(("#", "data:image/")) for link in document.links)
    assert {"link", "script", "img", "iframe", "object", "embed", "base", "form"} & set(document.tags) <= {
        "link",
        "script",
    }
    assert not any(CSS_COLORS.search(style) for style in document.styles)
    addresses = re.findall(r"https?://[^\s\"'`)]+", "".join(text for _, _, text in document.scripts))
    assert set(addresses) <= {"http://www.w3.org/2000/svg", "https://github.com/leeoniya/uPlot"}


def test_programs_are_such_as_can_stand_in_a_page():
    for file in ASSETS.iterdir():
        if file.name.endswith((".js", ".css")):
            text = file.read_text(encoding="utf-8")
            assert text.isascii() and "\r" not in text and "\0" not in text
            assert not re.search(r"</script|</style|<!--", text, re.IGNORECASE)
            assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|XMLHttpRequest|fetch|WebSocket|sendBeacon)\s*[(=.]", text)  # fmt: skip


def test_the_chart_library_is_the_published_one_and_its_license_is_beside_it():
    published = "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"  # of dist/uPlot.iife.min.js in version 1.6.32 of the package uplot
    assert sha256((ASSETS / "uplot.min.js").read_bytes()).hexdigest() == published
    notice = (ASSETS / "uplot.LICENSE").read_text().strip()
    assert "The MIT License" in notice and "Leon Sorokin" in notice
    assert notice in page("t", [])  # every copy carries it


# --- on the command line


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    rng = np.random.default_rng(3)
    for k in range(2):
        rows = (f"{x},{2 + k + 3 * x**-0.5 + 0.01 * rng.standard_normal():.5f}" for x in range(1, 61))
        (folder / f"run{k}.csv").write_text("step,val_loss\n" + "\n".join(rows) + "\n")
    (folder / "bad.csv").write_text("step,val_loss\n1,x\n")
    return folder


def test_the_command_writes_one_page_of_one_run(logs, tmp_path, capsys):
    assert main(["analyze", str(logs / "run0.csv"), "--quiet", "--html", str(tmp_path / "page.html")]) == 0
    document = Document((tmp_path / "page.html").read_text(encoding="ascii"))
    index, (line,) = document.data
    assert index["title"] == "val_loss of run0" and line["n"] == 60
    assert "val_loss" in capsys.readouterr().out  # the report is printed as ever


def test_the_command_writes_one_page_of_many_runs_with_those_that_failed(logs, tmp_path, capsys):
    assert main(["analyze", str(logs), "--quiet", "--html", str(tmp_path / "page.html")]) == 3
    index, lines = Document((tmp_path / "page.html").read_text(encoding="ascii")).data
    assert len(lines) == 3 and column(index, "status") == ["ok", "ok", "failed"]
    assert "bad.csv" in column(index, "id")[2] and lines[2]["why"].startswith("CF-")
    assert capsys.readouterr().err


@pytest.mark.parametrize("option", [("--render", "html"), ("--html", "-")], ids="=".join)
def test_the_page_can_go_to_stdout(logs, capsys, option):
    assert main(["analyze", str(logs / "run0.csv"), str(logs / "run1.csv"), "--quiet", *option]) == 0
    written = capsys.readouterr().out
    assert written.startswith("<!doctype html>") and written.count("<!doctype") == 1
    assert len(Document(written).data[1]) == 2


def test_the_place_is_checked_before_the_work(logs, tmp_path, capsys):
    assert main(["analyze", str(logs), "--html", str(tmp_path / "no" / "page.html")]) == 2
    assert "--html" in capsys.readouterr().err


def test_views_of_reports_keep_attributes(stated):
    run = replace(stated.run, attributes={"seed": 3.0, "method": "adam <b>"})
    written = page("t", [RunView.of(replace(stated, run=run)), RunView.of(stated)])
    index, _ = Document(written).data
    assert column(index, "seed") == [3, None]
    assert column(index, "method") == ["adam <b>", ""]
    assert "<b>" not in written
