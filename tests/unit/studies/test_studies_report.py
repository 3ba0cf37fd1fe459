"""The report of a batch: every file, equal bytes, hostile names, what is missing, and where it must not write."""

from __future__ import annotations

import csv
import io
import json
import re

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import CurvefitError, UsageError
from curvefit.studies._methods_text import BIBTEX, bibtex, citations
from curvefit.studies.batch import batch
from curvefit.studies.paper import write_report
from curvefit.studies.summary import share_of, summarize

HOSTILE = "=cmd|'/C calc' <script>alert(1)</script> \x1b[31m $\\foo$ & _ %"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
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
    return batch(runs, tmp_path_factory.mktemp("batch"), horizons="2x", models="power_law", tables=["forecasts", "parameters", "comparison", "diagnoses", "recommendations"])  # fmt: skip


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
    oracle = cf.pool([r["value"] for r in alphas], [r["stderr"] for r in alphas])
    assert found["mean"] == pytest.approx(oracle.mean.value, abs=1e-12)
    methods = list(csv.DictReader(io.StringIO((paper.path / "tables/methods.csv").read_text())))
    told = [(r["at"], r["seeds"], r["missing"]) for r in methods]
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
    assert json.loads((made.path / "tables/runs.json").read_text())["rows"][0]["group"] == "all"


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


def test_runs_without_the_attribute_are_named(tmp_path):
    x = np.arange(1.0, 13)
    runs = [
        cf.Run(n, {"val_loss": cf.Curve(x, 1 / x, "val_loss")}, attributes=a)
        for n, a in (("with", {"m": "a"}), ("without", {}))
    ]
    found = batch(runs, tmp_path / "out", models=None, tables="forecasts")
    (status,) = [t for t in summarize(found, "m").tables() if t.name == "runs"]
    assert status.notes == ("1 run without m left out: without.",)
