"""The report of a batch: every file, equal bytes, hostile names, what is missing, and where it must not write."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import shutil

import numpy as np
import pytest

import curvefit as cf
from curvefit.commands._main import run as command
from curvefit.curves import CurvefitError, UsageError
from curvefit.curves._whole import fill
from curvefit.decisions.recommendation import Action
from curvefit.studies import _folder
from curvefit.studies._methods_text import BIBTEX, bibtex, citations, methods_paragraph
from curvefit.studies._parameter_table import parameter_table
from curvefit.studies._pictures import Pictures
from curvefit.studies._summary_tables import Grouping, share_of
from curvefit.studies._views import views
from curvefit.studies.batch import batch
from curvefit.studies.paper import write_report
from curvefit.studies.summary import pooled_parameters, summarize

HOSTILE = "=cmd|'/C calc' <script>alert(1)</script> \x1b[31m $\\foo$ & _ %"


def paper_runs():
    rng, x = np.random.default_rng(0), np.arange(1.0, 61.0)
    runs = [
        cf.Run(
            HOSTILE if (m, s) == ("a", 0) else f"{m}{s}",
            {
                "val_loss": cf.Curve(
                    x[: 60 - 5 * s],
                    (1 + 0.1 * (m == "b") + 2 * x**-0.5 + 0.01 * rng.standard_normal(60))[: 60 - 5 * s],
                    "val_loss",
                )
            },
            attributes={"method": "a|b&c" if m == "a" else "b", "seed": s, "compute": 1e15 * (60 - 5 * s)},
        )
        for m in "ab"
        for s in range(4)
    ]
    runs.append(
        cf.Run(
            "empty",
            {"val_loss": cf.Curve([1.0], [float("nan")], "val_loss")},
            attributes={"method": "b", "seed": 9, "compute": 1.0},
        )
    )
    return runs


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return batch(paper_runs(), tmp_path_factory.mktemp("batch"), horizons="2x", models="power_law", tables=["forecasts", "parameters", "comparison", "diagnoses", "recommendations"])  # fmt: skip


@pytest.fixture(scope="module")
def paper(result, tmp_path_factory):
    return write_report(
        result,
        tmp_path_factory.mktemp("report") / "r",
        by="method",
        over="seed",
        at=[20, 40],
        examples=1,
        replicates=200,
    )


def test_every_table_and_figure_is_there_in_every_format(paper):
    for name in ("methods", "pairs", "ranks", "runs", "laws", "parameters", "forecasts", "recommendations"):
        for suffix in ("tex", "md", "csv", "json"):
            assert (paper.path / "tables" / f"{name}.{suffix}").stat().st_size > 20
    for name in ("bands", "ranking", "calibration", "pareto", "multiples", "forest-power_law-alpha"):
        assert (paper.path / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert b"<svg" in (paper.path / "figures" / f"{name}.svg").read_bytes()[:800]
    assert {str(p.relative_to(paper.path)) for p in paper.path.rglob("*") if p.is_file()} == set(paper.files)
    assert paper.missing == {}


def test_tables_hold_what_the_batch_holds(result, paper):
    rows = json.loads((paper.path / "tables/runs.json").read_text())["rows"]
    assert {r["group"]: (r["runs"], r["refused"]) for r in rows} == {"a|b&c": (4, 0), "b": (5, 1)}
    parameters = json.loads((paper.path / "tables/parameters.json").read_text())["rows"]
    alphas = [
        r
        for r in result.arrow("parameters").to_pylist()
        if r["parameter"] == "alpha" and r["run"] in ("b0", "b1", "b2", "b3")
    ]
    found = next(r for r in parameters if (r["group"], r["parameter"]) == ("b", "alpha"))
    oracle = cf.pool([r["value"] for r in alphas], [r["stderr"] for r in alphas], scale="log")
    assert found["scale"] == "log"  # an exponent is positive by its nature; an asymptote is not
    assert {r["scale"] for r in parameters if r["parameter"] == "E"} == {"linear"}
    assert found["mean"] == pytest.approx(oracle.mean.value, abs=1e-12)
    methods = list(csv.DictReader(io.StringIO((paper.path / "tables/methods.csv").read_text())))
    told = [(r["at"], r["runs"], r["missing"]) for r in methods]
    assert told == [("20.0", "4", "0"), ("20.0", "4", "1"), ("40.0", "4", "0"), ("40.0", "4", "1")]


@pytest.mark.slow
def test_equal_batches_give_equal_bytes(result, paper, tmp_path):
    again = write_report(result, tmp_path / "again", by="method", over="seed", at=[20, 40], examples=1, replicates=200)
    assert again.files == paper.files
    for name in paper.files:
        assert (again.path / name).read_bytes() == (paper.path / name).read_bytes(), name


def test_the_methods_cite_what_is_in_the_references_and_nothing_else(paper):
    text = (paper.path / "paper.md").read_text()
    keys = citations(text)
    assert keys
    entries = re.findall(r"^@\w+\{([a-z0-9]+),", (paper.path / "references.bib").read_text(), flags=re.M)
    assert entries == keys
    for words in ("2 methods were compared", "Holm", "seed 0", f"curvefit {cf.__version__}", "scipy"):
        assert words in text
    assert paper.summary.settings["configuration"] in text


@pytest.mark.parametrize("key", BIBTEX)
def test_references_are_whole(key):
    entry = bibtex([key])
    assert entry.count("{") == entry.count("}")
    assert re.match(rf"@\w+{{{key},\n", entry)
    assert "title = {" in entry


def test_hostile_names_stay_text_everywhere(paper):
    for name in paper.files:
        content = (paper.path / name).read_bytes()
        if not name.endswith((".pdf",)):
            assert b"\x1b" not in content, name
            assert b"<script>alert" not in content, name
    assert not any("cmd" in f for f in paper.files)
    assert r"a\textbar{}b\&c" in (paper.path / "tables/methods.tex").read_text()
    assert "a\\|b&#38;c" in (paper.path / "paper.md").read_text()


def test_without_a_comparison_it_describes_all_runs(result, tmp_path):
    made = write_report(result, tmp_path / "r", examples=0, html=False)
    assert made.comparison is None
    assert "index.html" not in made.files
    table = json.loads((made.path / "tables/runs.json").read_text())
    assert [c["title"] for c in table["columns"]] == ["runs", "ok", "degraded", "refused", "failed"]  # no group to name
    assert table["rows"] == [{"runs": 9, "ok": 8, "degraded": 0, "refused": 1, "failed": 0}]
    assert all("group" not in t.to_dicts()[0] for t in made.summary.tables())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": "metod"}, "Did you mean 'method'"),
        ({"over": "seed"}, "over without by"),
        ({"by": "method", "over": "sed"}, "no attribute named 'sed'"),
    ],
)
def test_a_missing_column_is_an_error_before_anything_is_written(result, tmp_path, options, words):
    with pytest.raises(UsageError, match=words):
        write_report(result, tmp_path / "r", **options)
    assert not (tmp_path / "r").exists()


def test_it_writes_through_no_link_and_into_no_file(result, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("x")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "tables").symlink_to(tmp_path / "real")
    for name in ("link", "file", "half"):
        with pytest.raises(CurvefitError):
            write_report(result, tmp_path / name, examples=0, html=False)
    assert list((tmp_path / "real").iterdir()) == []


def test_a_folder_that_is_no_batch_is_named(tmp_path):
    with pytest.raises(UsageError, match="no output of a batch"):
        write_report(tmp_path, tmp_path / "r")


def test_shares_have_wilsons_interval():
    from statsmodels.stats.proportion import proportion_confint

    for count, n in ((0, 5), (3, 10), (10, 10)):
        e = share_of(count, n)
        assert (e.interval.low, e.interval.high) == pytest.approx(
            proportion_confint(count, n, method="wilson"), abs=1e-12
        )


def test_the_summary_says_what_was_asked(result):
    found = summarize(result, "method")
    assert found.groups == ("method",)
    assert found.counts["refused"] + found.counts["failed"] == 1
    assert found.settings["models"] == "power_law"


def test_a_batch_without_attributes_says_where_they_come_from(tmp_path):
    x = np.arange(1.0, 21.0)
    bare = [cf.Run(f"m-seed{i}", {"val_loss": cf.Curve(x, 1 + x**-0.5 + i / 9, "val_loss")}) for i in range(2)]
    cf.batch(bare, tmp_path / "out", models=None, tables=["forecasts"])
    with pytest.raises(UsageError, match="no attributes") as caught:
        write_report(tmp_path / "out", tmp_path / "paper", by="method")
    assert "--names" in caught.value.hint
    assert not (tmp_path / "paper").exists()


def test_a_report_is_not_mixed_with_the_results_it_is_about(result):
    before = sorted(p.name for p in result.path.iterdir())
    for out in (result.path, result.path / "runs", result.path / "store" / "report"):
        with pytest.raises(UsageError, match="among the results") as refused:
            write_report(result, out)
        assert str(result.path / "report") in refused.value.hint
    assert sorted(p.name for p in result.path.iterdir()) == before
    assert "index.html" in write_report(result, result.path / "report", examples=0).files


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Two metrics of different size, two tasks, two methods, three seeds."""
    rng, x = np.random.default_rng(1), np.arange(1.0, 41.0)
    runs = []
    for task, size in (("small", 1.0), ("large", 100.0)):
        for method in "ab":
            for seed in range(3):
                loss = size * (1 + x**-0.5) + 0.01 * size * rng.standard_normal(40)
                grown = 0.9 - 0.5 * x**-0.5 + 0.003 * rng.standard_normal(40)
                runs.append(
                    cf.Run(
                        f"{task}-{method}{seed}",
                        {"val_loss": cf.Curve(x, loss, "val_loss"), "accuracy": cf.Curve(x, grown, "accuracy")},
                        attributes={"method": method, "seed": float(seed), "task": task},
                    )
                )
    return batch(runs, tmp_path_factory.mktemp("mixed"), horizons=["2x", 60], metrics="all", models="power_law", tables=["forecasts", "parameters", "comparison"])  # fmt: skip


def test_nothing_is_pooled_over_metrics_or_tasks(mixed):
    tables = {t.name: t.to_dicts() for t in summarize(mixed, "method", task="task").tables()}
    parameters = [r for r in tables["parameters"] if r["parameter"] == "E"]
    level = {(r["group"], r["metric"]): r["mean"] for r in parameters}
    assert set(level) == {(f"{m} / {t}", k) for m in "ab" for t in ("small", "large") for k in ("val_loss", "accuracy")}
    for m in "ab":
        assert level[f"{m} / large", "val_loss"] == pytest.approx(100, rel=0.1)
        assert level[f"{m} / small", "val_loss"] == pytest.approx(1, rel=0.1)
        assert level[f"{m} / large", "accuracy"] == pytest.approx(0.9, rel=0.1)
    assert all(r["runs"] == 3 for r in parameters)
    alone = {t.name: t.to_dicts() for t in summarize(mixed, "method").tables()}
    assert {(r["metric"], r["runs"]) for r in alone["forecasts"]} == {("val_loss", 6), ("accuracy", 6)}


def test_the_forecasts_say_at_which_x(mixed, result):
    one = next(t for t in summarize(mixed).tables() if t.name == "forecasts")
    assert {(r["horizon"], r["x"], r["unit"]) for r in one.to_dicts()} == {("2x", 80.0, "step"), ("60", 60.0, "step")}
    assert "at x" in one.render("plain") and "80" in one.render("latex")
    ends = next(t for t in summarize(result, "method").tables() if t.name == "forecasts").to_dicts()
    assert {(r["x_low"], r["x_high"]) for r in ends} == {(90.0, 120.0)}  # runs of 45 to 60 steps, twice that far
    apart = next(t for t in summarize(result, "method").tables() if t.name == "forecasts")
    titles = [c.title for c in apart.columns]
    assert titles[titles.index("least x") + 1] == "greatest x"  # no forecast goes from one of them to the other
    assert any("the median is of values at different x" in n for n in apart.notes)
    assert not any("at different x" in n for n in one.notes)


def test_runs_without_the_attribute_are_named(tmp_path):
    x = np.arange(1.0, 13)
    runs = [
        cf.Run(n, {"val_loss": cf.Curve(x, 1 / x, "val_loss")}, attributes=a)
        for n, a in (("with", {"m": "a"}), ("without", {}))
    ]
    found = batch(runs, tmp_path / "out", models=None, tables="forecasts")
    (status,) = [t for t in summarize(found, "m").tables() if t.name == "runs"]
    assert status.notes == ("Without m, and so in no other table: without.",)
    assert [(r["group"], r["runs"], r["ok"]) for r in status.to_dicts()] == [("a", 1, 1), ("(no m)", 1, 1)]


@pytest.fixture(scope="module")
def unlike(tmp_path_factory):
    """Runs over epochs and over steps, some with a plan, accuracies as shares and in percent."""
    rng, runs = np.random.default_rng(2), []
    for unit, scale, count in (("epoch", 1.0, 4), ("step", 100.0, 7)):
        x = scale * np.arange(1.0, 31.0)
        for i in range(count):
            falls = 1 + 2 * (x / scale) ** -0.6 + 0.01 * rng.standard_normal(30)
            grows = (1.0 if i % 2 else 100.0) * (0.9 - 0.5 * (x / scale) ** -0.5 + 0.002 * rng.standard_normal(30))
            curves = {
                "val_loss": cf.Curve(x, falls, "val_loss", x_unit=unit),
                "accuracy": cf.Curve(x, grows, "accuracy", x_unit=unit),
            }
            runs.append(cf.Run(f"{unit}{i}", curves, horizon=45 * scale if i < 3 else None))
    tables = ["forecasts", "parameters", "comparison", "recommendations"]
    return batch(runs, tmp_path_factory.mktemp("unlike"), metrics="all", models="power_law", tables=tables)


def test_nothing_is_pooled_over_units_of_x_or_scales_of_a_metric(unlike):
    tables = {t.name: t.to_dicts() for t in summarize(unlike).tables()}
    forecasts = tables["forecasts"]
    assert {r["unit"] for r in forecasts} == {"epoch", "step"}
    assert all(r["x"] <= 60 for r in forecasts if r["unit"] == "epoch")
    assert all(r["x"] >= 4500 for r in forecasts if r["unit"] == "step")
    for r in forecasts:
        low, high = {"val": (0.9, 2.0), "fra": (0.7, 1.0), "per": (70.0, 100.0)}[
            "val" if r["metric"].startswith("val_loss") else r["metric"].split("(")[1][:3]
        ]
        assert low < r["median"] < high, r
    kinds = {"val_loss over epoch": 4, "val_loss over step": 7}
    found = {r["metric"]: r["runs"] for r in tables["parameters"] if r["metric"].startswith("val_loss")}
    assert found == kinds
    by_kind = {(r["metric"], r["parameter"]): r["mean"] for r in tables["parameters"]}
    # A x^-alpha with x a hundred times as large has an A that is 100^alpha times as large: a mean of both is of neither
    ratio = by_kind["val_loss over step", "A"] / by_kind["val_loss over epoch", "A"]
    assert ratio == pytest.approx(100**0.6, rel=0.2)
    pooled = pooled_parameters(unlike, lambda _: "all")
    assert {k[1] for k in pooled} >= set(kinds)


def test_forecasts_say_which_went_to_a_plan_and_which_to_twice_the_data(unlike, result):
    made = summarize(unlike)
    table = next(t for t in made.tables() if t.name == "forecasts")
    rows = [r for r in table.to_dicts() if r["metric"] == "val_loss over step"]
    assert [(r["horizon"], r["x"], r["runs"]) for r in rows] == [
        ("planned length", 4500.0, 3),
        ("twice the data", 6000.0, 4),
    ]
    text = methods_paragraph(None, made)
    assert "forecast to the planned length of a run (12 curves) and twice the data (10 curves, where no plan" in text
    assert "(planned)" not in text
    assert "forecast to 2 times the data (8 curves)" in methods_paragraph(None, summarize(result))


def test_a_plan_beside_a_farther_horizon_is_still_told_from_twice_the_data(tmp_path):
    x = np.arange(1.0, 31.0)
    runs = [cf.Run(f"r{h}", {"val_loss": cf.Curve(x, 1 + x**-0.5, "val_loss")}, horizon=h) for h in (45.0, None)]
    made = batch(runs, tmp_path / "out", models=None, tables=["forecasts"], horizons=["planned", "3x"])
    rows = next(t for t in summarize(made).tables() if t.name == "forecasts").to_dicts()
    assert {(r["horizon"], r["x"]) for r in rows} == {("planned length", 45.0), ("3x", 90.0), ("twice the data", 60.0)}


def test_every_empty_cell_of_a_report_has_a_dash_and_a_reason(unlike, tmp_path):
    made = write_report(unlike, tmp_path / "r", examples=0)
    why = "the interval of a median at 95 % needs 6 runs"
    for suffix in ("md", "json", "tex", "csv"):
        told = (made.path / f"tables/forecasts.{suffix}").read_text().replace("\\%", "%")
        assert why in told, suffix
    table = next(t for t in made.summary.tables() if t.name == "forecasts")
    bare = [row for row in table.render("markdown").splitlines() if row.startswith("| ") and "| – |" in row]
    assert len(bare) == sum(r["median_low"] is None for r in table.to_dicts()) > 0
    page = (made.path / "index.html").read_text()
    assert why in page
    assert "<td></td>" not in page


def test_a_report_calls_an_action_what_a_recommendation_calls_it(unlike):
    table = next(t for t in summarize(unlike).tables() if t.name == "recommendations")
    titles = [c.title for c in table.columns if c.kind == "count"][1:]
    assert titles == [a.value for a in (Action.CONTINUE, Action.STOP, Action.INTERVENE, Action.COLLECT_MORE)]
    assert [c.name for c in table.columns][-4:] == ["continue", "stop", "intervene", "collect_more"]


def test_a_mean_that_a_few_far_off_runs_move_is_named():
    sure = {("all", "val_loss", "power_law", "A"): cf.pool([2.0, 2.1, 1.9, 2.05], [0.1] * 4)}
    far = cf.pool([2.0, 2.1, 1.9, 2.05, 1.95, 2.0, 2.1, 3e22], [0.1] * 8, name="A")
    runs = [{"run": "r", "metric": "val_loss", "status": "ok", "x_unit": "step"}]
    many = Grouping(lambda _: "all", "", runs)
    assert not any("far off" in n for n in parameter_table(sure, many, 0.95).notes)
    notes = parameter_table({next(iter(sure)): far}, many, 0.95).notes
    assert notes[-1] == (
        "Means moved away from most runs by a few that are far off: power_law A of val_loss (median of runs 2.025)."
    )


def test_no_figure_mixes_units(unlike):
    """Cost is the length of a run where no attribute holds it: epochs and steps have no common axis."""
    pictures = Pictures()
    runs = [(r, "val_loss", "") for r in unlike.runs_in_store()]
    pictures.of_runs(runs, "val_loss", None)
    assert pictures.missing["pareto"] == "the length of the runs counts epoch in some, step in others"
    steps = [(r, "accuracy", "") for r, *_ in runs if r.name.startswith("step")]
    pictures.of_runs(steps, "accuracy", None)
    assert pictures.missing["pareto"] == "accuracy has different units in the runs"


def test_the_page_says_up_to_where_a_run_was_asked_about(unlike):
    notes = {v.id: v.notes for v in views(unlike, {r.name: r for r in unlike.runs_in_store()})}
    assert notes["epoch0"] == ("Asked about up to the planned length of the run.",)
    assert notes["epoch3"] == ("Asked about up to twice the data, since no plan reaches beyond them.",)


def test_what_is_said_of_a_law_is_said_once_on_the_page(result):
    """A reason that all its parameters share stands among the notes; a parameter's own stays with it."""
    rows = result.arrow("parameters").to_pylist()
    best = {(r["run"], r["metric"]): r["model"] for r in result.arrow("comparison").to_pylist() if r["rank"] == 1}
    told = 0
    for view in views(result, {r.name: r for r in result.runs_in_store()}):
        of_law = [
            r
            for r in rows
            if (r["run"], r["metric"], r["model"]) == (view.id, view.metric, best.get((view.id, view.metric)))
        ]
        reasons = {r["reason"] for r in of_law}
        said = [n for n in view.notes if n.startswith("The fitted ")]
        if len(reasons) == 1 and None not in reasons and all(r["value"] is not None for r in of_law):
            assert said == [f"The fitted {view.law.replace('_', ' ')}: {reasons.pop()}."]
            assert not any(p["reason"] for p in view.parameters)
            told += 1
        else:
            assert said == [] and [p["reason"] for p in view.parameters] == [r["reason"] for r in of_law]
    assert told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cost": "computee"}, "no attribute named 'computee'. Did you mean 'compute'"),
        ({"cost": "method"}, "method is text .*, a cost is a number"),
        ({"metric": "val_lss"}, "no metric named 'val_lss'. Did you mean 'val_loss'"),
        ({"by": "method", "at": 20}, "at without over"),
        ({"pair": "seed"}, "pair without by and over"),
    ],
)
def test_a_misspelled_or_idle_option_is_an_error_before_anything_is_written(result, tmp_path, options, words):
    with pytest.raises(UsageError, match=words):
        write_report(result, tmp_path / "r", **options)
    assert not (tmp_path / "r").exists()


@pytest.fixture(scope="module")
def two_metrics(tmp_path_factory):
    """A loss and an accuracy per run; the batch is about the accuracy, which is not the main one."""
    rng, x = np.random.default_rng(2), np.arange(1.0, 21.0)
    runs = [
        cf.Run(
            f"{m}{s}",
            {
                "val_loss": cf.Curve(x, 1 + 1 / x + 0.01 * rng.standard_normal(20), "val_loss"),
                "train_acc": cf.Curve(x, 0.9 - 0.5 / x + 0.01 * rng.standard_normal(20), "train_acc"),
            },
            attributes={"method": m, "seed": float(s)},
        )
        for m in "ab"
        for s in range(3)
    ]
    return batch(
        runs, tmp_path_factory.mktemp("two"), horizons="2x", metrics="train_acc", models=None, tables=["forecasts"]
    )


def test_the_comparison_is_of_the_metric_that_the_batch_was_asked_about(two_metrics, tmp_path):
    made = write_report(two_metrics, tmp_path / "r", by="method", over="seed", examples=0, html=False, replicates=100)
    assert made.comparison.metric == "train_acc"
    with pytest.raises(UsageError, match=r"not asked about val_loss.* it is about train_acc"):
        write_report(two_metrics, tmp_path / "no", metric="val_loss")
    assert not (tmp_path / "no").exists()


def test_a_second_report_leaves_nothing_of_the_first_and_everything_else(two_metrics, tmp_path):
    out = tmp_path / "r"
    first = write_report(two_metrics, out, by="method", over="seed", examples=0, html=True, replicates=100)
    (out / "mine.txt").write_text("mine")
    (out / "tables" / "methods.xlsx").write_text("mine too")
    second = write_report(two_metrics, out, examples=0, html=False)
    assert {"index.html", "tables/methods.tex", "figures/bands.pdf"} <= set(first.files) - set(second.files)
    there = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    assert there == {*second.files, "mine.txt", "tables/methods.xlsx"}
    assert json.loads((out / "files.json").read_text())["files"] == list(second.files)


def test_a_list_of_files_that_names_others_removes_nothing(two_metrics, tmp_path):
    out = tmp_path / "r"
    out.mkdir()
    (tmp_path / "outside").write_text("mine")
    (out / "files.json").write_text(json.dumps({"files": ["../outside", str(tmp_path / "outside"), "tables", 3]}))
    write_report(two_metrics, out, examples=0, html=False)
    assert (tmp_path / "outside").read_text() == "mine"


def test_a_full_disk_leaves_the_folder_as_it_was(two_metrics, tmp_path, monkeypatch):
    old, new = tmp_path / "old", tmp_path / "new" / "deep"
    write_report(two_metrics, old, examples=0, html=False)
    before = {p: p.read_bytes() for p in old.rglob("*") if p.is_file()}
    calls = []

    def full(handle, content):
        calls.append(handle)
        if len(calls) % 9 == 0:
            os.close(handle)
            raise OSError(errno.ENOSPC, "No space left on device")
        fill(handle, content)

    monkeypatch.setattr(_folder, "fill", full)
    for out in (old, new):
        with pytest.raises(CurvefitError, match="No space left") as caught:
            write_report(two_metrics, out, by="method", over="seed", examples=0, html=False, replicates=100)
        assert caught.value.code == "CF-IO-NOSPC"
    assert {p: p.read_bytes() for p in old.rglob("*") if p.is_file()} == before
    assert not new.parent.exists()
    monkeypatch.undo()
    monkeypatch.setattr(_folder, "fill", full)
    calls.clear()
    assert command(["report", str(two_metrics.path), "-o", str(new), "--examples", "0", "--no-html"]) == 4


def test_a_batch_of_which_nothing_is_finished_is_not_reported(two_metrics, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(two_metrics.path, out)
    for file in (out / "done").iterdir():
        file.unlink()
    with pytest.raises(UsageError, match="nothing of the batch is finished yet: 0 of 1 unit of work"):
        write_report(out, tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_costs_are_compared_within_a_task_and_a_run_costs_all_that_was_logged():
    x = np.arange(1.0, 61.0)
    runs = []
    for task, size in (("small", 1.0), ("large", 100.0)):
        for i in range(3):
            y = size * (1 + x**-0.5) * (1 + i / 10)
            y[40:] = np.nan if i == 2 else y[40:]
            end = 60 - 10 * (i == 1)
            curve = cf.Curve(x[:end], y[:end], "val_loss")
            runs.append((cf.Run(f"{task}{i}", {"val_loss": curve}, attributes={"task": task}), "val_loss", "m"))
    pictures = Pictures()
    pictures.of_runs(runs, None, None, "task")
    assert [n for n in pictures.drawn if n.startswith("pareto")] == ["pareto-1", "pareto-2"]
    for stem, size in (("pareto-1", 100.0), ("pareto-2", 1.0)):
        axes, caption = pictures.drawn[stem]
        front = next(line for line in axes.lines if line.get_label() == "best for its length")
        assert front.get_xdata().tolist() == [50.0, 60.0]
        assert front.get_ydata()[-1] == pytest.approx(size * (1 + 60**-0.5))
        every = next(line for line in axes.lines if line.get_label() == "m")
        assert sorted(every.get_xdata()) == [50.0, 60.0, 60.0]
        assert "1 run ended in values that are not finite" in caption
    assert "task large" in pictures.drawn["pareto-1"][0].get_title(loc="left")
    together = Pictures()
    together.of_runs(runs, None, None)
    assert "pareto" in together.drawn


def test_the_reason_for_no_figure_of_costs_is_the_true_one():
    x = np.arange(1.0, 21.0)
    curve = {"val_loss": cf.Curve(x, 1 + 1 / x, "val_loss")}
    for facts, reason in (
        ([{"cost": "much"}, {"cost": "more"}], "cost is a number in no run"),
        ([{"cost": 1.0}, {}], "only one run has a cost"),
        ([{"cost": 1.0}, {"cost": 1.0}, {}], "the 2 runs that have a cost have the same cost"),
        ([{}, {}], "all runs have the same length"),
        ([{}], "there is only one run"),
    ):
        pictures = Pictures()
        pictures.of_runs(
            [(cf.Run(f"r{i}", curve, attributes=f), "val_loss", "") for i, f in enumerate(facts)], None, None
        )
        assert pictures.missing["pareto"] == reason


def test_runs_that_came_to_nothing_have_the_cost_of_all_that_was_logged_where_no_costs_differ():
    x = np.arange(1.0, 21.0)
    curves = [cf.Curve(x, np.where(x <= end, 1 + 1 / x, np.nan), "val_loss") for end in (20, 20, 12)]
    assert [c.x[-1] for c in curves] == [20, 20, 12]
    pictures = Pictures()
    pictures.of_runs([(cf.Run(f"r{i}", {"val_loss": c}), "val_loss", "") for i, c in enumerate(curves)], None, None)
    assert pictures.missing["pareto"] == (
        "all runs have the same length, 1 of them with values that are not finite at the end, which had their cost"
    )


def test_measured_coverage_stands_beside_the_nominal_one(paper):
    """Counted again by hand from forecasts of the second half of every curve with 20 points."""
    text = (paper.path / "paper.md").read_text()
    methods = text.split("## Methods")[1].split("## Tables")[0]
    figures = text.split("## Figures")[1]
    found = re.search(r"50, 80 and 95 % intervals hold (\d+), (\d+) and (\d+) % of (\d+) curves", methods)
    assert found is not None and found[0] in figures
    assert int(found[4]) == 8  # the ninth run has no value
    curves = [r["val_loss"] for r in paper_runs() if r.name != "empty"]
    inside = np.zeros(3)
    for c in curves:
        told = cf.forecast(c.until(float(c.x[len(c) // 2])), float(c.x[-1]))
        below = float(np.ravel(told.cdf(np.array([c.y[-1]])))[0])
        inside += [(1 - level) / 2 <= below <= (1 + level) / 2 for level in (0.5, 0.8, 0.95)]
    assert [int(found[i]) for i in (1, 2, 3)] == [round(100 * n / 8) for n in inside]


def test_levels_of_single_runs_and_of_the_comparison_are_told_apart(result, tmp_path):
    made = write_report(result, tmp_path / "r", by="method", over="seed", at=20, level=0.8, examples=0, html=False, replicates=100)  # fmt: skip
    text = (made.path / "paper.md").read_text()
    assert "Intervals of single runs (parameters, forecasts, estimates) have a nominal coverage of 0.95." in text
    assert "Intervals of the comparison (80 %) are" in text
    assert "Knapp's interval (80 %)" in text
    assert "random effects, 80 % intervals." in text and "random effects, 95 % intervals." not in text


def test_a_batch_that_was_refused_for_want_of_its_metric_is_not_reported_about_another(two_metrics, tmp_path):
    x = np.arange(1.0, 13.0)  # nobody knows which way it should go
    qux = {"qux": cf.Curve(x, x, "qux")}
    runs = [cf.Run(r.name, {**r.curves, **qux}, attributes=r.attributes) for r in two_metrics.runs_in_store()]
    refused = batch(runs, tmp_path / "out", metrics="qux", models=None, tables=["forecasts"])
    with pytest.raises(CurvefitError, match=r"no run has an answer about qux: .*larger"):
        write_report(refused, tmp_path / "r", by="method", over="seed")
    assert not (tmp_path / "r").exists()


def test_what_a_comparison_notes_is_told_once(tmp_path):
    rng = np.random.default_rng(4)
    runs = []
    for method, end in (("a", 20), ("b", 40)):
        x = np.arange(1.0, end + 1)
        for seed in range(3):
            y = 1 + x**-0.5 + 0.01 * rng.standard_normal(end)
            facts = {"method": method, "seed": float(seed)}
            runs.append(cf.Run(f"{method}{seed}", {"val_loss": cf.Curve(x, y, "val_loss")}, attributes=facts))
    result = batch(runs, tmp_path / "out", horizons="2x", models=None, tables=["forecasts"])
    asked = {"by": "method", "over": "seed", "at": [10, 30], "examples": 0, "html": False, "replicates": 100}
    made = write_report(result, tmp_path / "r", **asked)
    assert made.comparison.notes
    text = (made.path / "paper.md").read_text()
    assert text.count("no run of a has a value at step 30") == 1
