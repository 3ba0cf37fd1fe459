"""What a report pools: only runs that identify the law, the same runs for all of its parameters."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.studies._identified import law_runs
from curvefit.studies._pictures import Pictures
from curvefit.studies._views import _law_told
from curvefit.studies.summary import pooled_parameters, summarize

TABLES = ["parameters", "comparison"]


def falling(name, method, y, x, **attributes):
    return cf.Run(name, {"val_loss": cf.Curve(x, y, "val_loss")}, attributes={"method": method, **attributes})


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """Logarithms, which no power law describes with an asymptote, beside power laws with one."""
    rng, x = np.random.default_rng(0), np.arange(20.0, 4001.0, 20.0)
    runs = [falling(f"log{s}", "log", 3.2 - 0.1 * np.log(x) + 0.01 * rng.standard_normal(x.size), x) for s in range(4)]
    runs += [falling(f"law{s}", "law", 1 + 4 * x**-0.5 + 0.01 * rng.standard_normal(x.size), x) for s in range(4)]
    runs += [falling("log-in-law", "law", 3.2 - 0.1 * np.log(x) + 0.01 * rng.standard_normal(x.size), x)]
    return cf.batch(runs, tmp_path_factory.mktemp("half") / "out", models="power_law", tables=TABLES)


def table_of(result, by="method"):
    return next(t for t in summarize(result, by).tables() if t.name == "parameters")


def test_no_mean_is_told_of_runs_that_do_not_identify_the_law(half):
    table = table_of(half)
    rows = {(r["group"], r["parameter"]): r for r in table.to_dicts()}
    assert set(rows) == {(g, p) for g in ("log", "law") for p in ("E", "A", "alpha")}
    for name in ("E", "A", "alpha"):
        row = rows["log", name]
        assert (row["runs"], row["mean"], row["mean_low"], row["tau"], row["mean_status"]) == (
            0, None, None, None, "not_identified",
        )  # fmt: skip
        assert row["mean_reason"] == "fewer than 3 runs identify the law"
        assert rows["law", name]["runs"] == 4
    assert rows["law", "E"]["mean"] == pytest.approx(1, abs=0.02)
    assert rows["law", "alpha"]["mean"] == pytest.approx(0.5, abs=0.05)
    (note,) = [n for n in table.remarks if n.startswith("Left out as not identified")]
    assert "log: 4 of 4 runs of power_law of val_loss (log0, log1, log2, log3)" in note
    assert "law: 1 of 5 runs of power_law of val_loss (log-in-law)" in note


def test_all_parameters_of_a_law_are_pooled_over_the_same_runs(half):
    pooled = pooled_parameters(half, lambda _: "all")
    assert {k[3]: p.runs for k, p in pooled.items()} == dict.fromkeys(
        ("E", "A", "alpha"), ("law0", "law1", "law2", "law3")
    )


def test_no_forest_is_drawn_of_what_is_not_identified(half):
    pictures = Pictures()
    pictures.of_parameters(pooled_parameters(half, lambda run: "log" if run.startswith("log") else None), "method")
    assert (pictures.drawn, pictures.missing) == ({}, {"forest": "no law is identified in three runs of a group"})


def test_the_table_of_parameters_says_which_are_not_identified(half):
    rows = {(r["run"], r["parameter"]): r for r in half.arrow("parameters").to_pylist()}
    for name in ("E", "A", "alpha"):
        assert rows["log0", name]["status"] == "not_identified"
        assert rows["log0", name]["reason"].startswith("not identified: its interval is open; ")
        assert rows["law0", name]["status"] == "ok"
        assert rows["law0", name]["reason"] is None


def test_an_asymptote_is_identified_as_the_fit_says_it_is(tmp_path):
    """Below the bounds of the metric, or wider than what was observed: the rows say what `Fit.asymptote` says."""
    rng, x = np.random.default_rng(3), np.arange(1.0, 41.0)
    runs = [
        falling(f"{e:g}-{n:g}-{s}", "m", np.abs(e + 2 * x**-0.4 + n * rng.standard_normal(40)), x)
        for e in (0.0, 0.5)
        for n in (0.003, 0.2)
        for s in range(3)
    ]
    made = cf.batch(runs, tmp_path / "out", models="power_law", tables=TABLES)
    told = {r["run"]: r for r in made.arrow("parameters").to_pylist() if r["parameter"] == "E"}
    seen = set()
    for run in runs:
        limit = cf.fit(run["val_loss"], "power_law").asymptote()
        assert (told[run.name]["status"] == "not_identified") == (limit.status.code == "not_identified"), run.name
        if limit.reasons:
            assert told[run.name]["reason"].startswith(limit.reasons[0])
        seen.add(limit.status.code)
    assert seen == {"ok", "not_identified"}


def test_the_page_says_of_a_parameter_only_what_is_said_of_it_alone():
    rows = [
        {"parameter": n, "value": 1.0, "status": s, "reason": r}
        for n, s, r in (
            ("E", "not_identified", "not identified: its interval is open; noise grows"),
            ("alpha", "degraded", "noise grows"),
        )
    ]
    told, notes = _law_told("power_law", rows)
    assert notes == ["The fitted power law: noise grows."]
    assert [(r["name"], r["status"], r["reason"]) for r in told] == [
        ("E", "not_identified", "not identified: its interval is open"),
        ("alpha", "ok", None),
    ]
    told, notes = _law_told("power_law", [rows[0], {**rows[1], "status": "ok", "reason": None}])
    assert notes == []
    assert [r["reason"] for r in told] == [rows[0]["reason"], None]


class Told:
    """The table of parameters of a batch, row by row."""

    def __init__(self, rows):
        self.rows = rows

    def arrow(self, table, columns):
        assert table == "parameters"
        return self

    def to_pylist(self):
        return self.rows


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": None},
        {"high": None},
        {"stderr": None},
        {"stderr": 0.0},
        {"value": None},
        {"value": 0.0},
        {"status": "not_identified"},
        {"status": "refused"},
    ],
)
def test_one_parameter_that_is_not_known_leaves_the_run_out(wrong):
    """Also in results whose rows say ok beside an open interval, as batches wrote them before."""
    good = {
        "metric": "val_loss",
        "model": "power_law",
        "value": 0.5,
        "stderr": 0.1,
        "low": 0.3,
        "high": 0.7,
        "status": "ok",
    }
    rows = [{**good, "run": f"r{i}", "parameter": p} for i in range(4) for p in ("E", "A", "alpha")]
    rows[2].update(wrong)
    (found,) = law_runs(Told(rows), lambda _: "all", {}, {}).values()
    assert (found.left_out, list(found.identified), found.total) == (["r0"], ["r1", "r2", "r3"], 4)
