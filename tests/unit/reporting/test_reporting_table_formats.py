"""Tables as text: digits follow the uncertainty, and no name from a log becomes anything but text."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from curvefit.curves import Estimate, Interval, Status, UsageError
from curvefit.reporting.table_formats import registry
from curvefit.reporting.table_formats.latex import escaped as tex
from curvefit.reporting.tables import Column, Table

HOSTILE = (
    "<script>alert(1)</script>",
    "a&b_c%d#e$f^g~h{i}j\\k",
    "\\input{/etc/passwd}",
    "\\write18{id}",
    "[x]",
    "*",
    "-- --- ,, `` '' \"q\"",
    "=cmd|'/C calc'!A0",
    "@SUM(A1)",
    "+1",
    "-0.5",
    "\t=1",
    "\x1b[31mred\x1b]8;;file:///etc/passwd\x07",
    "$\\foo$ {{{{{",
    "中文 🎉",
    "a\nb\r\nc",
    "\u202eevil",
    "| a | b |",
    "[l](javascript:alert(1)) ![i](http://x/y)",
    "\ud800",
    "",
)
COLUMNS = (
    Column("run", "run"),
    Column("v", "value", "estimate"),
    Column("n", "n", "count"),
    Column("p", "p", "probability"),
)
GOOD = Estimate("q", 1.23456, Interval(1.2, 1.27))


def table(names=HOSTILE, caption="A caption"):
    return Table("t", caption, COLUMNS, tuple((n, GOOD, i, 0.0001 * i) for i, n in enumerate(names)), ("a note",))


def test_digits_follow_the_uncertainty_in_every_format():
    one = Table("t", "c", COLUMNS, (("r", GOOD, 3, 0.0001),))
    assert "1.235 & [\\num{1.200}, \\num{1.270}] & 3 & {\\textless{}0.001}" in one.render("latex")
    assert "| r | 1.235 | \\[1.200, 1.270\\] | 3 | &#60;0.001 |" in one.render("markdown")
    assert re.search(r"r +1\.235 +\[1\.200, 1\.270\] +3 +<0\.001", one.render("plain"))
    assert one.render("csv").splitlines()[1] == "r,1.23456,1.2,1.27,0.95,ok,,3,0.0001"
    assert json.loads(one.render("json"))["rows"][0]["v_low"] == 1.2


def test_siunitx_columns_have_room_for_every_number():
    wide = Table("t", "c", (Column("v", "v", "number"),), ((123.5,), (-0.25,), (1.5,)))
    shape = re.search(r"table-format=(-?)(\d+)\.(\d+)(?:e(-?)(\d+))?", wide.render("latex"))
    assert (shape[1], int(shape[2]), int(shape[3])) == ("-", 3, 2)
    small = Table("t", "c", (Column("v", "v", "number"),), ((1.5e-9,), (-2.25e-8,)))
    shape = re.search(r"table-format=(-?)(\d+)\.(\d+)e(-?)(\d+)", small.render("latex"))
    assert (shape[1], int(shape[2]), int(shape[3]), shape[4], int(shape[5])) == ("-", 1, 2, "-", 1)


def test_numbers_of_very_different_size_are_not_aligned_at_the_point():
    """The point of 336777 below that of 0.08999 would leave a column of mostly nothing, too wide for a page."""
    for values in ((336777.0, 0.08999), (4.682e7, 0.3269)):
        wide = Table("t", "c", (Column("v", "v", "number"),), tuple((v,) for v in values)).render("latex")
        assert r"\begin{tabular}{@{}r@{}}" in wide
        assert wide.count(r"\num{") == 2


def test_what_is_missing_is_a_dash_and_an_open_end_infinite():
    open_end = Estimate("q", 2.0, Interval(1.0, math.inf), status=Status.DEGRADED)
    rows = (
        (None, None, None, None),
        ("r", Estimate("q", None, status=Status.TOO_FEW_POINTS), 1, 0.5),
        ("s", open_end, 1, math.nan),
    )
    one = Table("t", "c", COLUMNS, rows)
    assert "{--} & -- & {--} & {--}" in one.render("latex")
    assert r"\ensuremath{\infty}" in one.render("latex")
    document = json.loads(one.render("json"))
    assert [r["v_status"] for r in document["rows"]] == [None, "too_few_points", "degraded"]
    assert document["rows"][2]["v_high"] is None
    assert document["rows"][2]["p"] is None


def test_every_empty_cell_is_a_dash_with_its_reason_in_every_format():
    few = Estimate("q", 1.5, status=Status.TOO_FEW_POINTS, reasons=("2 seeds: no interval below 3",))
    none = Estimate("q", None, status=Status.TOO_FEW_POINTS, reasons=("no run reaches it",))
    one = Table("t", "c", COLUMNS, (("a", GOOD, 1, 0.5), ("b", few, 2, 0.5), ("d", few, 2, none), ("e", none, 0, None)))
    said = (
        "No interval of value in 2 rows: 2 seeds: no interval below 3.",
        "No value or p in 2 rows: no run reaches it.",
        "No p in 1 row: it does not apply.",
    )
    assert one.remarks == said
    for name in ("latex", "markdown", "plain", "json"):
        text = re.sub(r"\s+", " ", one.render(name))
        assert all(sentence in text for sentence in said), name
    assert re.search(r"^b +1\.5 +- +2", one.render("plain"), flags=re.M)
    assert re.search(r"^e +- +- +0 +-$", one.render("plain"), flags=re.M)
    assert "| b | 1.5 | – | 2 | 0.500 |" in one.render("markdown")
    assert "| e | – | – | 0 | – |" in one.render("markdown")
    assert r"b & 1.5 & -- & 2 & 0.500 \\" in one.render("latex")
    assert [r["v_reason"] for r in one.to_dicts()] == [None, *2 * few.reasons, *none.reasons]
    assert one.render("csv").splitlines()[2] == "b,1.5,,,,too_few_points,2 seeds: no interval below 3,2,0.5"
    assert table(("a", "b")).remarks == ("a note",)


def test_more_reasons_than_anybody_reads_are_counted():
    rows = tuple((f"r{i}", Estimate("q", 1.0, reasons=(f"reason {i}",)), 1, 0.5) for i in range(9))
    remarks = Table("t", "c", COLUMNS, rows).remarks
    assert len(remarks) == 7
    assert remarks[-1] == "3 more reasons of empty cells stand in the CSV and JSON."


def test_csv_cells_are_text_never_formulas_and_numbers_stay_numbers():
    rows = list(csv.reader(io.StringIO(table().render("csv"))))
    assert len(rows) == 1 + len(HOSTILE)
    for name, row in zip(HOSTILE, rows[1:], strict=True):
        assert row[0][:1] not in ("=", "+", "-", "@", "\t", "\r", "|", "%"), name
        assert float(row[1]) == 1.23456
    negative = Table("t", "c", (Column("v", "v", "number"),), ((-0.5,),))
    assert negative.render("csv") == "v\r\n-0.5\r\n"


@pytest.mark.parametrize("name", ["plain", "markdown", "csv", "latex"])
def test_nothing_drives_a_terminal(name):
    text = table(caption="\x1b[2J caption\u202e").render(name)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert table(caption="\x1b").render("json").isascii()


def test_markdown_rows_keep_their_cells():
    lines = table().render("markdown").splitlines()
    rows = [line for line in lines if line.startswith("| ")][1:]
    assert len(rows) == len(HOSTILE)
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 6
        assert "<" not in row
        assert not re.search(r"(?<!\\)\]\(", row)


@settings(max_examples=150, deadline=None)
@given(hs.text(max_size=40))
def test_tex_prints_any_text_as_it_is(text):
    written = tex(text)
    assert re.search("[\x00-\x1f\x7f]", written) is None
    commands = set(re.findall(r"\\([A-Za-z]+)", written))
    assert commands <= {
        "textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "char", "ldots",
        "textasciigrave", "textquotesingle", "ensuremath", "pm", "times", "cdot", "leq", "geq", "infty", "to", "tau", "alpha", "beta",
    }  # fmt: skip
    bare = re.sub(r"\\[A-Za-z]+(\d+)?(\{\})?|\\[{}$&#%_]", "", written)
    assert not set(bare) & set("\\$&#%_^~"), written
    depth = 0
    for char in bare:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0


def test_any_table_makes_one_row_per_row_in_tex():
    body = table().render("latex", environment=False)
    assert body.count(r"\\") == len(HOSTILE) + 1
    assert table(HOSTILE * 3).render("latex").count(r"\begin{longtable}") == 1


if shutil.which("pdflatex"):  # there is no package for it: where TeX is installed, it has the last word

    @pytest.mark.slow
    def test_it_compiles(tmp_path):
        for name, rows in (("short", HOSTILE), ("long", HOSTILE * 3)):
            (tmp_path / f"{name}.tex").write_text(table(rows).render("latex", document=True), encoding="utf-8")
            command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
            assert done.returncode == 0, done.stdout[-2000:]
            assert (tmp_path / f"{name}.pdf").stat().st_size > 1000

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "name", ["adamw_lr0.0{}_wd1.0", "m{}" + "W" * 60, "{}" + "\\_" * 40, "{}" + "中" * 40, "x{}"]
    )
    def test_an_order_of_many_methods_fits_the_page(tmp_path, name):
        (tmp_path / "order.tex").write_text(order_of(14, name)[1].render("latex", document=True), encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "order.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert b"Overfull" not in done.stdout

    @pytest.mark.slow
    def test_a_wide_table_fits_the_page(tmp_path):
        names = ("source", "metric", "law", "parameter")
        columns = (*(Column(n, n) for n in names), Column("runs", "runs", "count"), Column("x", "from x", "position"),
                   Column("mean", "mean", "estimate"), Column("tau", "sd between runs", "number"))  # fmt: skip
        texts = ("double_descent_jantonioruiz", "eval_return_mean", "stretched_exponential", "kappa")
        rows = [
            (
                *texts,
                7,
                1.99e14 / 3**i,
                Estimate("mean", -1.5e5 / 7**i, Interval(-4.6e7 / 7**i, 1.6e5, 0.95)),
                336777 / 8**i,
            )
            for i in range(8)
        ]
        for count in (1, 6):
            text = Table("t", "caption", columns, tuple(rows * count)).render("latex", document=True)
            (tmp_path / "wide.tex").write_text(text, encoding="utf-8")
            for _ in range(2):
                done = subprocess.run(
                    ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "wide.tex"],
                    cwd=tmp_path,
                    capture_output=True,
                    check=False,
                )
                assert done.returncode == 0, done.stdout[-2000:]
            assert b"Overfull" not in done.stdout


def order_of(count, name="adamw_lr0.0{}_wd1.0"):
    """Ranks of so many methods, as a comparison has them."""
    columns = (
        Column("at", "step", "number"), Column("order", "order, best first", breaks=True),
        Column("p", "P(first is first)", "probability"), Column("tau", "Kendall's tau with the order at the last", "number"),
        Column("same", "P(same first at the last)", "probability"),
    )  # fmt: skip
    names = [name.format(i) for i in range(count)]
    rows = tuple((1350 * k, " > ".join(names[:-2]) + f" > {names[-2]} = {names[-1]}", 0.5, 0.25, 1.0) for k in (1, 2))
    return names, Table("ranks", "Order of the methods", columns, rows)


def test_an_order_of_many_methods_goes_over_lines_and_loses_none():
    names, many = order_of(12)
    text = many.render("latex")
    assert all(text.count(tex(n)) == 2 for n in names)
    assert "ldots" not in text
    assert r"wd1.0~\textgreater{} adamw" in text and "wd1.0~= adamw" in text  # lines end behind a sign, never before it
    assert re.search(r"raggedright.arraybackslash\}p\{[\d.]+em\}", text)
    assert "raggedright" not in order_of(2)[1].render("latex")
    assert r"{\shortstack{Kendall\textquotesingle{}s tau with \\ the order at the last}}" in text


def test_names_of_labels_are_harmless():
    assert r"\label{tab-a-b}" in table().render("latex", label="tab}a{b")


def test_frames_and_mistakes():
    frame = table(("a", "b")).to_frame("polars")
    assert frame.columns == ["run", "v", "v_low", "v_high", "v_level", "v_status", "v_reason", "n", "p"]
    assert frame["v_high"].to_list() == [1.27, 1.27]
    with pytest.raises(UsageError, match="choices: csv, json, latex, markdown, plain"):
        table().render("docx")
    with pytest.raises(UsageError, match="a row of 2 cells"):
        Table("t", "c", COLUMNS, (("a", 1),))


@pytest.mark.parametrize("name", registry.names())
def test_equal_tables_are_equal_bytes(name):
    assert table().render(name) == table().render(name)
    assert table().render(name).endswith("\n")


def test_very_long_names_leave_room_for_the_numbers():
    one = Table("t", "c", (Column("n", "n"), Column("v", "v", "number")), (("a" * 150 + "-seed1", 1.0),))
    written = one.render("latex")
    assert re.search(r"a{20,40}\\ldots\{\}a*-\w*seed1 & 1", written)
    assert "a" * 150 in one.render("csv") and "a" * 150 in one.render("json")


def test_greek_is_printed_and_other_scripts_by_code_point():
    assert tex("λ") == r"\ensuremath{\lambda}" and tex("Ω") == r"\ensuremath{\Omega}"
    assert tex("名") == r"\textless{}U+540D\textgreater{}"


def test_a_spread_has_two_digits_for_people_and_all_for_machines():
    t = Table("t", "c", (Column("sd", "sd of runs", "spread"),), ((0.0049114,), (12.345,), (0.0,)))
    assert [line.strip("| ") for line in t.render("markdown").splitlines() if line.startswith("|")][2:] == [
        "0.0049",
        "12",
        "0",
    ]
    assert "0.0049" in t.render("latex") and "0.00491" not in t.render("latex")
    assert "0.0049114" in t.render("csv")
