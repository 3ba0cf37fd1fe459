"""A batch says what one run after the other would, for every run, and says so when it cannot."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import curvefit as cf
from curvefit.commands._main import run as command
from curvefit.curves import UsageError
from curvefit.studies import _answer
from curvefit.studies._progress import Progress
from curvefit.studies._scan import metrics_of
from curvefit.studies.schema import TABLES, arrow_schema

sys.path.insert(0, str(Path(__file__).parent))
from studies_helpers import QUICK, files, runs, small_store, stored


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Every table, for a few runs, at two horizons."""
    out = tmp_path_factory.mktemp("full") / "out"
    data = list(runs(4, points=40))
    return data, cf.batch(data, out, models=["power_law", "exponential"], horizons=["2x", 60])


def close(found, expected) -> None:
    if expected is None or (isinstance(expected, float) and not np.isfinite(expected)):
        assert found is None
    elif isinstance(expected, float):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=0)
    else:
        assert found == expected


def test_forecasts_and_estimates_are_those_of_one_run(full):
    data, result = full
    ahead = {(r["run"], r["asked"]): r for r in result.arrow("forecasts").to_pylist()}
    told = {(r["run"], r["name"]): r for r in result.arrow("estimates").to_pylist()}
    for run in data:
        report = cf.analyze(run, horizon=80.0, model="power_law" if _law(result, run) == "power_law" else "exponential")
        for asked, x in (("2x", 80.0), ("60", 60.0)):
            band = cf.forecast(run["val_loss"], x).interval()
            row = ahead[run.name, asked]
            for name, value in (("x", x), ("median", band.mean[0]), ("low", band.low[0]), ("high", band.high[0])):
                close(row[name], float(value))
        for name, estimate in report.estimates.items():
            if name == "target_reached":
                continue
            row = told[run.name, name]
            close(row["value"], estimate.value)
            close(row["low"], estimate.interval.low if estimate.interval else None)
            close(row["high"], estimate.interval.high if estimate.interval else None)
            assert row["status"] == estimate.status.code
            for key, value in estimate.details.items():
                close(json.loads(row["details"])[key], float(value))


def _law(result, run) -> str:
    rows = result.arrow("comparison").to_pylist()
    return next(r["model"] for r in rows if r["run"] == run.name and r["rank"] == 1)


def test_diagnoses_and_recommendations_are_those_of_one_run(full):
    data, result = full
    rows = result.arrow("diagnoses").to_pylist()
    advice = {r["run"]: r for r in result.arrow("recommendations").to_pylist()}
    for run in data:
        expected = cf.diagnose(run, horizon=80.0)
        found = [r for r in rows if r["run"] == run.name]
        assert [(r["name"], r["verdict"], r["severity"]) for r in found] == [
            (d.name, d.verdict.value, d.severity) for d in expected.items
        ]
        for row, item in zip(found, expected.items, strict=True):
            close(row["p_value"], item.p_value)
            assert row["explanation"] == item.explanation
            for key, value in item.evidence.items():
                close(json.loads(row["evidence"])[key], value)
        one = cf.recommend(run, horizon=80.0)
        assert advice[run.name]["action"] == one.action.name.lower()
        close(advice[run.name]["probability"], one.probability)
        close(advice[run.name]["expected_gain"], one.expected_gain)
        close(advice[run.name]["x_star"], one.x_star)


def test_parameters_and_breakpoints_are_those_of_one_run(full):
    data, result = full
    rows = {(r["run"], r["model"], r["parameter"]): r for r in result.arrow("parameters").to_pylist()}
    breaks = result.arrow("breakpoints").to_pylist()
    for run in data:
        for law in ("power_law", "exponential"):
            fit = cf.fit(run["val_loss"], law)
            ends = fit.conf_int()
            for name, value in fit.params.items():
                row = rows[run.name, law, name]
                close(row["value"], float(value))
                close(row["stderr"], float(fit.stderr[name]))
                close(row["low"], ends[name].low if ends[name] else None)
                close(row["high"], ends[name].high if ends[name] else None)
        line = cf.segment(run["val_loss"])
        found = [r for r in breaks if r["run"] == run.name and r["number"] is not None]
        assert len(found) == len(line.breakpoints)
        assert not any("breakpoint " in (row["reason"] or "") for row in found)  # each says what is said of it
        for row, place in zip(found, line.breakpoints, strict=True):
            assert all(reason in (row["reason"] or "") for reason in place.reasons)
            close(row["x"], place.value)


def test_the_tables_are_as_documented(full):
    _, result = full
    for name, table in TABLES.items():
        assert result.arrow(name).schema.remove_metadata().names[: len(table.fields)] == [f.name for f in table.fields]
        assert result.arrow(name).num_rows > 0
        lazy = getattr(result, name)
        assert isinstance(lazy, nw.LazyFrame)
        assert lazy.collect("pyarrow").to_native().num_rows == result.arrow(name).num_rows
    assert result.arrow("runs")["method"].to_pylist() == ["a", "b", "a", "b"]
    assert result.arrow("runs")["seed"].to_pylist() == [0.0, 0.0, 1.0, 1.0]
    assert result.run("run002")["val_loss"] == full[0][2]["val_loss"]
    assert len(list(result.runs_in_store())) == 4
    with pytest.raises(cf.CurvefitError, match="Did you mean 'forecasts'"):
        result.frame("forecast")
    with pytest.raises(cf.CurvefitError, match="Did you mean 'median'"):
        result.arrow("forecasts", ["mediam"])


def test_a_batch_is_the_same_however_the_runs_are_cut(tmp_path):
    small_store(tmp_path / "a", per_group=24)
    small_store(tmp_path / "b", per_group=5)
    one = cf.batch(tmp_path / "a", tmp_path / "one", **QUICK).arrow("forecasts").to_pylist()
    five = cf.batch(tmp_path / "b", tmp_path / "five", **QUICK).arrow("forecasts").to_pylist()
    assert len(one) == len(five) > 0
    for here, there in zip(one, five, strict=True):
        assert here.keys() == there.keys()
        for name, value in here.items():
            close(there[name], value)


def test_the_recorded_configuration_gives_the_same_bytes(tmp_path):
    store = small_store(tmp_path / "store", count=6)
    cf.batch(
        store,
        tmp_path / "one",
        horizons=["3x"],
        models=None,
        tables=["forecasts", "estimates"],
        level=0.8,
        min_gain="1%",
    )
    cf.rerun(tmp_path / "one" / "batch.json", tmp_path / "two")
    assert files(tmp_path / "two") == files(tmp_path / "one")
    assert (
        command(
            [
                "batch",
                "--config",
                str(tmp_path / "one" / "batch.json"),
                "-o",
                str(tmp_path / "three"),
                "--engine",
                "serial",
            ]
        )
        == 0
    )
    assert files(tmp_path / "three") == files(tmp_path / "one")
    assert cf.load_batch(tmp_path / "two").config.level == 0.8


def worked_on(monkeypatch) -> list[int]:
    seen: list[int] = []
    answer = _answer.answer
    from curvefit.studies import _unit

    monkeypatch.setattr(_unit, "answer", lambda r, c, w, number: [seen.append(number), answer(r, c, w, number)][1])
    return seen


def test_what_is_done_is_not_done_again_and_other_questions_are_not_mixed(tmp_path, monkeypatch):
    store, out = small_store(tmp_path / "store", count=8), tmp_path / "out"
    seen = worked_on(monkeypatch)
    cf.batch(store, out, **QUICK)
    cf.batch(store, out, **QUICK)
    assert seen == [0, 1, 2, 3]
    before = files(out)
    with pytest.raises(UsageError, match=r"other questions: level 0\.95 -> 0\.5") as refused:
        cf.batch(store, out, **{**QUICK, "level": 0.5})
    assert "--no-resume" in refused.value.hint
    assert seen == [0, 1, 2, 3] and files(out) == before
    cf.batch(store, out, **{**QUICK, "level": 0.5}, resume=False)
    assert seen == [0, 1, 2, 3] * 2
    assert set(cf.load_batch(out).arrow("forecasts")["level"].to_pylist()) == {0.5}


def test_other_curves_do_not_replace_results_unasked(tmp_path, capsys):
    one, two = (small_store(tmp_path / name, count=4) for name in ("one", "two"))
    out = tmp_path / "out"
    cf.batch(one, out, **QUICK)
    before = files(out)
    asked = ["batch", str(two), "-o", str(out), "--models", "none", "--only", "forecasts", "--horizon", "2x"]
    assert command(asked) == 2
    assert f"dataset {one} -> {two}" in capsys.readouterr().err
    with pytest.raises(UsageError, match="runs in memory"):
        cf.batch(list(runs(2)), out, **QUICK)
    assert files(out) == before
    assert command([*asked, "--no-resume", "--engine", "serial", "-q"]) == 0
    assert cf.load_batch(out).config.dataset == str(two)


def test_questions_may_change_while_nothing_is_answered(tmp_path, monkeypatch):
    store, out = small_store(tmp_path / "store", count=4), tmp_path / "out"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("curvefit.studies._unit.answer", stop)
        with pytest.raises(KeyboardInterrupt):
            cf.batch(store, out, **QUICK)
    assert cf.batch(store, out, **{**QUICK, "level": 0.5}).counts["ok"] == 4


def test_attributes_come_from_names_of_files(tmp_path, capsys):
    logs = tmp_path / "logs"
    logs.mkdir()
    for method in ("adam", "sgd"):
        for seed in (0, 1):
            rows = "".join(f"{i},{1 + 1 / i}\n" for i in range(1, 13))
            (logs / f"{method}-seed{seed}.csv").write_text("step,val_loss\n" + rows)
    asked = ["batch", str(logs), "--models", "none", "--only", "forecasts", "--engine", "serial", "-q"]
    assert command([*asked, "-o", str(tmp_path / "out"), "--names", "{method}-seed{seed}"]) == 0
    result = cf.load_batch(tmp_path / "out")
    found = {(r["method"], r["seed"]) for r in result.arrow("runs", ["method", "seed"]).to_pylist()}
    assert found == {("adam", "0"), ("adam", "1"), ("sgd", "0"), ("sgd", "1")}
    assert cf.rerun(result.path / "batch.json", tmp_path / "again").arrow("runs") == result.arrow("runs")
    for wrong in ("seed", "{a}{a}"):
        assert command([*asked, "-o", str(tmp_path / "no"), "--names", wrong]) == 2
        assert "holds no attribute, or one twice" in capsys.readouterr().err


def test_a_pattern_that_matches_no_name_is_told_before_the_work_and_may_be_corrected(tmp_path, monkeypatch, capfd):
    store, out = small_store(tmp_path / "store", count=4), tmp_path / "out"
    seen = worked_on(monkeypatch)
    for data in (store, store, list(runs(4))):  # also the second time
        with pytest.raises(UsageError, match=r"matches 0 of 4 names, e\.g\. 'run000'"):
            cf.batch(data, out, **QUICK, names="{method}_sd{seed}")
    assert seen == []
    cf.batch(store, out, **QUICK, names="run0{number}")
    assert len(seen) == 1
    capfd.readouterr()
    some = cf.batch(list(runs(4)), tmp_path / "some", **QUICK, names="run{last}1")
    assert "matches 1 of 4 names; not 'run000', ..." in capfd.readouterr().err
    assert some.counts["ok"] == 4


def test_an_attribute_that_is_needed_afterwards_is_missed_before_the_work(tmp_path, monkeypatch, capsys):
    store, out = small_store(tmp_path / "store", count=4), tmp_path / "out"
    seen = worked_on(monkeypatch)
    with pytest.raises(UsageError, match=r"no attribute named 'metod'\. Did you mean 'method'"):
        cf.batch(store, out, **QUICK, needed="metod")
    words = ["batch", str(store), "-o", str(out), "--models", "none", "--only", "forecasts", "--engine", "serial", "-q"]
    for by, message in ((["--over", "seed"], "--by ATTRIBUTE"), (["--by", "metod", "--over", "seed"], "Did you mean")):
        assert command([*words, "--report", str(tmp_path / "paper"), *by]) == 2
        assert message in capsys.readouterr().err
    assert seen == []
    assert cf.batch(store, out, **QUICK, needed=["method", "seed"]).counts["ok"] == 4


def test_a_metric_that_no_run_has_is_missed_before_the_work(tmp_path, monkeypatch, capsys):
    store, out = small_store(tmp_path / "store", count=4), tmp_path / "out"
    seen = worked_on(monkeypatch)
    words = ["batch", str(store), "-o", str(out), "--models", "none", "--only", "forecasts", "--engine", "serial", "-q"]
    assert command([*words, "-m", "val_lss"]) == 2
    assert "no metric named 'val_lss'. Did you mean 'val_loss'?" in capsys.readouterr().err
    assert seen == [] and not (out / "batch.json").exists()
    odd = cf.Run("odd", {"test_loss": cf.Curve(np.arange(1.0, 9.0), 1 / np.arange(1.0, 9.0), "test_loss")})
    some = cf.batch([*runs(3), odd], tmp_path / "some", **QUICK, metrics=["all", "test_loss"])  # one run has it
    assert some.counts == {"ok": 4, "degraded": 0, "refused": 3, "failed": 0}
    assert command([*words, "-m", "val_loss"]) == 0


def test_which_metrics_are_there_is_known_of_whole_files_only(tmp_path):
    first, second = sorted(small_store(tmp_path / "store", count=4).glob("runs-*.parquet"))
    assert metrics_of([first, second]) == {"val_loss"}
    second.write_bytes(second.read_bytes()[:-10])
    assert metrics_of([first, second]) is None


def test_refusals_may_be_replaced_and_answers_never(tmp_path, capsys):
    store, out = tmp_path / "store", tmp_path / "out"
    x = np.arange(1.0, 13.0)  # nobody knows which way the other one should go
    cf.write_store((cf.Run(r.name, {**r.curves, "qux": cf.Curve(x, x, "qux")}) for r in runs(4)), store)
    words = ["batch", str(store), "-o", str(out), "--models", "none", "--only", "forecasts", "--engine", "serial"]
    assert command([*words, "-m", "qux"]) == 3
    assert "cannot tell whether smaller or larger 'qux' is better" in capsys.readouterr().err
    assert cf.load_batch(out).counts["refused"] == 4
    assert command([*words, "-m", "val_loss", "-q"]) == 0
    assert cf.load_batch(out).counts["ok"] == 4
    before = files(out)
    assert command([*words, "-m", "qux", "-q"]) == 2
    assert "other questions" in capsys.readouterr().err
    assert files(out) == before


def test_one_answer_among_refusals_is_kept(tmp_path):
    x = np.arange(1.0, 13.0)
    odd = cf.Run("odd", {"test_loss": cf.Curve(x, 1 + 1 / x, "test_loss")})
    out = tmp_path / "out"
    assert cf.batch([*runs(40), odd], out, **QUICK, metrics="test_loss").counts["ok"] == 1
    before = files(out)
    with pytest.raises(UsageError, match="other questions"):
        cf.batch([*runs(40), odd], out, **QUICK, metrics="val_loss")
    assert files(out) == before


def test_attributes_of_a_store_and_of_runs_in_memory_come_from_names_too(tmp_path):
    store = small_store(tmp_path / "store", count=4)
    for data, out in ((store, "stored"), (list(runs(4)), "given")):
        result = cf.batch(data, tmp_path / out, **QUICK, names="run{number}")
        rows = result.arrow("runs", ["run", "number", "method"]).to_pylist()
        assert [(r["number"], r["method"]) for r in rows] == [("000", "a"), ("001", "b"), ("002", "a"), ("003", "b")]
    again = cf.rerun(tmp_path / "given" / "batch.json", tmp_path / "given")
    assert again.arrow("runs") == result.arrow("runs") and len(again.store) == 4
    with pytest.raises(UsageError, match=r"names default -> \{x\}"):
        cf.batch(
            small_store(tmp_path / "s", 2), cf.batch(tmp_path / "s", tmp_path / "o", **QUICK).path, **QUICK, names="{x}"
        )


def test_only_files_that_changed_are_done_again(tmp_path, monkeypatch):
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    every = list(runs(6))
    cf.write_parquet(every[:3], data / "a.parquet")
    cf.write_parquet(every[3:5], data / "b.parquet")
    seen = worked_on(monkeypatch)
    cf.batch(data, out, **QUICK)
    cf.write_parquet(every[3:], data / "b.parquet")
    cf.batch(data, out, **QUICK)
    assert seen == [0, 1, 1]
    assert stored(out) == {r.name for r in every}
    (data / "b.parquet").unlink()
    cf.batch(data, out, **QUICK)
    assert stored(out) == {r.name for r in every[:3]}
    assert [p.name for p in (out / "runs").iterdir()] == ["part-00000.parquet"]


def test_logs_are_converted_on_the_way_and_bad_ones_are_rows(tmp_path, capfd):
    logs = tmp_path / "logs"
    logs.mkdir()
    for run in runs(3, points=10):
        lines = "".join(f"{x:g},{y:.6f}\n" for x, y in zip(run["val_loss"].x, run["val_loss"].y, strict=True))
        (logs / f"{run.name}.csv").write_text("step,val_loss\n" + lines)
    (logs / "empty.csv").write_text("")
    (logs / "nan.csv").write_text("step,val_loss\n1,nan\n2,nan\n")
    assert (
        command(
            [
                "batch",
                str(logs),
                "-o",
                str(tmp_path / "out"),
                "--engine",
                "serial",
                "--models",
                "none",
                "--only",
                "forecasts",
            ]
        )
        == 3
    )
    rows = {Path(r["run"]).stem: r for r in cf.load_batch(tmp_path / "out").arrow("runs").to_pylist()}
    assert {n: r["status"] for n, r in rows.items()} == {
        "run000": "ok", "run001": "ok", "run002": "ok", "nan": "refused", "empty": "failed",
    }  # fmt: skip
    assert rows["nan"]["code"] == "CF-DATA-001"
    assert rows["nan"]["n_nonfinite"] == 2
    assert rows["empty"]["code"] == "CF-IO-001"
    said = capfd.readouterr()
    assert "failed CF-IO-001" in said.err
    assert "5 curves: 3 ok, 1 refused, 1 failed" in said.out
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / "store").iterdir() if p.suffix == ".parquet"}
    command(
        [
            "batch",
            str(logs),
            "-o",
            str(tmp_path / "out"),
            "--engine",
            "serial",
            "--models",
            "none",
            "--only",
            "forecasts",
        ]
    )
    assert {p: p.stat().st_mtime_ns for p in before} == before  # converted once


def test_a_name_in_two_files_is_refused_never_merged(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    first, second, third = runs(3)
    cf.write_parquet([first, second], data / "a.parquet")
    cf.write_parquet([cf.Run(first.name, {"val_loss": third["val_loss"]}), third], data / "b.parquet")
    result = cf.batch(data, tmp_path / "out", **QUICK)
    rows = {r["run"]: r for r in result.arrow("runs").to_pylist()}
    assert len(rows) == 3
    assert (rows[first.name]["status"], rows[first.name]["code"]) == ("refused", "CF-DATA-010")
    assert "a.parquet, b.parquet" in rows[first.name]["reason"]
    assert rows[second.name]["status"] == rows[third.name]["status"] == "ok"
    with pytest.raises(cf.CurvefitError, match="several places"):
        result.run(first.name)


def test_a_run_over_row_groups_of_one_file_is_one_run(tmp_path):
    run = next(runs(1, points=30))
    cf.write_parquet(run, tmp_path / "whole.parquet")
    table = pq.read_table(tmp_path / "whole.parquet")
    pq.write_table(table, tmp_path / "cut.parquet", row_group_size=7)
    result = cf.batch(tmp_path / "cut.parquet", tmp_path / "out", **QUICK)
    assert result.arrow("runs")["n"].to_pylist() == [30]
    assert cf.open_store(tmp_path / "cut.parquet").run(run.name)["val_loss"] == run["val_loss"]


def test_runs_whose_rows_are_shuffled_are_put_together(tmp_path, monkeypatch):
    from curvefit.studies import _scan

    every = list(runs(5, points=20))
    cf.write_parquet(every, tmp_path / "whole.parquet")
    table = pq.read_table(tmp_path / "whole.parquet")
    order = np.random.default_rng(0).permutation(table.num_rows)
    pq.write_table(table.take(pa.array(order)), tmp_path / "mixed.parquet", row_group_size=9)
    monkeypatch.setattr(_scan, "MOST_ROWS", 50)  # as if the file were too large to be taken whole
    result = cf.batch(tmp_path / "mixed.parquet", tmp_path / "out", **QUICK)
    assert result.config.converted
    for run in every:
        assert result.run(run.name)["val_loss"] == run["val_loss"]


def test_mixed_attributes_have_one_type_for_all(tmp_path):
    first, second, third = runs(3)
    data = [
        cf.Run("a", first.curves, attributes={"size": 7.0, "status": "mine"}),
        cf.Run("b", second.curves, attributes={"size": "7B"}),
        cf.Run("c", third.curves),
    ]
    cf.write_store(data, tmp_path / "store", runs_per_group=1)
    rows = cf.batch(tmp_path / "store", tmp_path / "out", **QUICK).arrow("runs")
    assert rows["size"].to_pylist() == ["7", "7B", None]
    assert rows["run.status"].to_pylist() == ["mine", None, None]
    assert set(rows["status"].to_pylist()) == {"ok"}
    assert arrow_schema("runs", {"size": "string"}).field("size").type == pa.string()


HOSTILE = [
    "<script>alert(1)</script>",
    "../../etc/cron.d/x",
    "=cmd|'/C calc'!A0",
    "a\nb",
    "\x1b[31mred",
    "x" * 300,
    "n\u0303 \u202e",
]


def test_hostile_names_stay_names(tmp_path, capfd):
    before = set(tmp_path.rglob("*"))
    curve = next(runs(1))["val_loss"]
    empty = cf.Curve([1.0, 2.0], [np.nan, np.nan], "val_loss")
    data = [cf.Run(name, {"val_loss": curve if i % 2 else empty}) for i, name in enumerate(HOSTILE)]
    cf.write_store(data, tmp_path / "store")
    assert (
        command(
            ["batch", str(tmp_path / "store"), "-o", str(tmp_path / "out"), "--engine", "serial", "--models", "none"]
        )
        == 3
    )
    result = cf.load_batch(tmp_path / "out")
    assert len(result.arrow("runs")) == len(HOSTILE)
    said = capfd.readouterr()
    assert "\x1b" not in said.out + said.err
    assert {p.parts[len(tmp_path.parts)] for p in tmp_path.rglob("*") if p not in before} == {"store", "out"}


def test_one_metric_of_several_and_a_direction_that_nobody_knows(tmp_path):
    x = np.arange(1.0, 21.0)
    both = cf.Run(
        "both", {"val_loss": cf.Curve(x, 1 / x, "val_loss"), "train_loss": cf.Curve(x, 0.9 / x, "train_loss")}
    )
    odd = cf.Run("odd", {"qux": cf.Curve(x, 1 / x, "qux")})
    rows = (
        cf.batch([odd, both], tmp_path / "out", metrics=["val_loss", "train_loss"], **QUICK).arrow("runs").to_pylist()
    )
    assert [(r["run"], r["metric"], r["status"]) for r in rows] == [
        ("odd", "val_loss", "refused"),
        ("odd", "train_loss", "refused"),
        ("both", "val_loss", "ok"),
        ("both", "train_loss", "ok"),
    ]
    rows = cf.batch([odd], tmp_path / "odd", **QUICK).arrow("runs").to_pylist()
    assert (rows[0]["status"], rows[0]["code"]) == ("refused", "CF-DATA-004")


def test_a_horizon_behind_the_data_is_said_and_the_rest_goes_on(tmp_path):
    result = cf.batch(list(runs(2)), tmp_path / "out", **{**QUICK, "horizons": [5, 100]})
    rows = result.arrow("forecasts").to_pylist()
    assert [(r["asked"], r["status"], r["median"] is None) for r in rows] == [
        ("100", "ok", False),
        ("5", "refused", True),
    ] * 2
    assert "not beyond the last step" in rows[1]["reason"]
    result = cf.batch(list(runs(2)), tmp_path / "none", **{**QUICK, "horizons": 5})
    assert result.counts["degraded"] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizons": "soon"}, "horizon 'soon'"),
        ({"horizons": "0.5x"}, "horizon '0.5x'"),
        ({"models": "powerlaw"}, "power_law"),
        ({"models": ["auto", "power_law"]}, "beside 'auto'"),
        ({"tables": "forecast"}, "Did you mean 'forecasts'"),
        ({"rules": "spike"}, "Did you mean 'spikes'"),
        ({"estimands": "asymptot"}, "Did you mean 'asymptote'"),
        ({"method": "poled"}, "Did you mean 'pooled'"),
        ({"criterion": "aic"}, "Did you mean 'aicc'"),
        ({"level": 95}, "level"),
        ({"target": float("nan")}, "not finite"),
    ],
)
def test_questions_that_make_no_sense_are_errors_before_the_work(tmp_path, options, words):
    with pytest.raises(cf.CurvefitError, match=words):
        cf.batch(list(runs(1)), tmp_path / "out", **options)
    assert not (tmp_path / "out" / "batch.json").exists()


def test_places_that_cannot_be_used(tmp_path, capfd):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("x")
    with pytest.raises(cf.CurvefitError, match=r"something else \(thesis.tex\)"):
        cf.batch(list(runs(1)), mine, **QUICK)
    assert [p.name for p in mine.iterdir()] == ["thesis.tex"]
    with pytest.raises(cf.CurvefitError, match="no such file"):
        cf.batch(tmp_path / "nowhere", tmp_path / "out", **QUICK)
    with pytest.raises(cf.CurvefitError, match="no output of a batch"):
        cf.load_batch(mine)
    with pytest.raises(cf.CurvefitError, match="no store"):
        cf.open_store(mine)
    for words in (["batch", "-o", "x"], ["batch", str(mine), "-o", str(mine)], ["batch", "-", "-o", "x"]):
        assert command(words) == 2
    (tmp_path / "empty.csv").write_text("")
    assert command(["batch", str(tmp_path / "empty.csv"), "-o", str(tmp_path / "out3"), "--engine", "serial"]) == 4
    capfd.readouterr()


def test_a_store_whose_files_were_exchanged_is_refused(tmp_path):
    store = small_store(tmp_path / "store", count=4)
    shutil.copy(store / "runs-00000.parquet", tmp_path / "kept")
    (store / "runs-00000.parquet").write_bytes((tmp_path / "kept").read_bytes() + b"x")
    with pytest.raises(cf.CurvefitError, match="not the file that was indexed"):
        cf.batch(store, tmp_path / "out", **QUICK)
    with pytest.raises(cf.CurvefitError, match="two runs are called"):
        cf.write_store([*runs(2), *runs(1)], tmp_path / "twice")


def test_a_store_is_written_in_a_stream_and_read_back(tmp_path):
    alive: list[int] = []

    def stream():
        for i, run in enumerate(runs(9)):
            alive.append(i)
            yield run

    store = cf.write_store(stream(), tmp_path / "store", runs_per_group=4)
    assert [u.runs for u in store.units] == [4, 4, 1]
    again = cf.open_store(tmp_path / "store")
    for run, there in zip(runs(9), again, strict=True):
        assert there.name == run.name
        assert there["val_loss"] == run["val_loss"]
        assert dict(there.attributes) == dict(run.attributes)
    assert again.run("run008")["val_loss"] == list(runs(9))[8]["val_loss"]
    with pytest.raises(cf.CurvefitError, match="no run named"):
        again.run("nobody")
    assert len(cf.read(tmp_path / "store" / "runs-00000.parquet")) == 4


def test_progress_says_rate_and_remaining_time():
    import io

    out = io.StringIO()
    bar = Progress(100, 20, show=True, stream=out)
    bar._start -= 10.0
    bar.add(40, 1)
    bar.end()
    assert "60 of 100 runs (60 %), 4 per second, 0:10 left, 1 failed" in out.getvalue()
    quiet = io.StringIO()
    bar = Progress(1, 0, show=None, stream=quiet)
    bar.add(1, 0)
    bar.end()
    assert quiet.getvalue() == ""


def test_a_row_group_of_very_many_runs_is_cut_up_first(tmp_path, monkeypatch):
    from curvefit.studies import _scan

    every = list(runs(7))
    cf.write_parquet(every, tmp_path / "whole.parquet")
    pq.write_table(pq.read_table(tmp_path / "whole.parquet"), tmp_path / "one.parquet")
    assert len(cf.open_store(tmp_path / "one.parquet").units) == 1
    monkeypatch.setattr(_scan, "MOST_RUNS", 3)
    with pytest.raises(cf.CurvefitError, match="no store"):
        cf.open_store(tmp_path / "one.parquet")
    result = cf.batch(tmp_path / "one.parquet", tmp_path / "out", **QUICK)
    assert result.config.converted
    assert stored(tmp_path / "out") == {r.name for r in every}


def test_a_few_hundred_runs_are_many_units_and_the_units_grow(tmp_path):
    sizes = [
        u.runs for u in sorted(cf.write_store(runs(300, points=3), tmp_path / "store").units, key=lambda u: u.number)
    ]
    assert sum(sizes) == 300
    assert sizes[0] == 16 and len(sizes) >= 12
    assert sizes[:-1] == sorted(sizes[:-1]) and max(sizes) > 16
    (one,) = cf.write_store(runs(300, points=3), tmp_path / "one", runs_per_group=500).units
    assert one.runs == 300


def test_a_metric_whose_name_does_not_say_is_analyzed_with_a_stated_direction(tmp_path, capsys):
    logs = tmp_path / "logs"
    logs.mkdir()
    for method in "ab":
        for seed in range(2):
            rows = "".join(f"{i},{1 - i**-0.5 + seed / 100:.5f},{method},{seed}\n" for i in range(1, 40))
            (logs / f"{method}{seed}.csv").write_text("step,foo,method,seed\n" + rows)
    plain = ["batch", str(logs), "--models", "none", "--engine", "serial"]
    assert command([*plain, "-o", str(tmp_path / "no")]) == 3
    assert "--metric NAME --direction min or max" in capsys.readouterr().err
    assert command([*plain, "-o", str(tmp_path / "no"), "--direction", "max"]) == 2
    assert "--metric NAME --direction max" in capsys.readouterr().err
    out = tmp_path / "out"
    assert command([*plain, "-o", str(out), "-m", "foo", "--direction", "max"]) == 0
    assert cf.load_batch(out).arrow("runs")["direction"].to_pylist() == ["max"] * 4
    again = ["report", str(out), "-o", str(tmp_path / "paper"), "--by", "method", "--over", "seed", "--no-html", "-q"]
    again += ["--replicates", "100", "--examples", "0"]
    assert command(again) == 0
    assert "larger is better" in (tmp_path / "paper" / "paper.md").read_text()
