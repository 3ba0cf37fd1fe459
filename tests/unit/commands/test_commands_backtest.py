"""``curvefit backtest``: the same numbers as the library, told per run and over all."""

from __future__ import annotations

import json

import numpy as np
import pytest

import curvefit as cf
from curvefit.__main__ import main


def run(*arguments):
    return main([str(a) for a in arguments])


def test_it_tells_each_cut_and_what_came(log, capsys):
    assert run("backtest", log, "-q") == 0
    out = capsys.readouterr().out
    bt = cf.backtest(cf.read(log)[0])
    assert out.startswith(f"run: val_loss\n  observed at step 200: {bt.observed:.4g}\n")
    lines = [line.split() for line in out.splitlines() if " % " in line and "[" in line]
    assert [(cells[0], float(cells[2])) for cells in lines] == [("20", 40), ("40", 80), ("60", 120), ("80", 160)]
    for cells, r in zip(lines, bt.replays, strict=True):
        assert float(cells[3]) == pytest.approx(r.median, abs=(r.high - r.low) / 10)
        assert cells[-2] == ("yes" if r.inside else "no")
        assert float(cells[-1]) == pytest.approx(r.error_ratio, abs=0.006)
    assert "runs" not in out  # nothing to sum up


def test_json_holds_the_records_and_the_summary(folder, capsys):
    assert run("backtest", folder / "a.csv", folder / "b.csv", "--json", "-", "--level", ".8") == 0
    document = json.loads(capsys.readouterr().out)
    runs = [cf.read(folder / name)[0] for name in ("a.csv", "b.csv")]
    made = cf.backtest_many(runs, level=0.8)
    assert document["command"] == "backtest"
    assert [{k: v for k, v in r.items() if k != "notes"} for r in document["runs"]] == json.loads(
        json.dumps(made.to_dict()["runs"])
    )
    assert document["summary"] == json.loads(json.dumps(made.to_dict()["summary"]))


def test_several_runs_are_summed_up_and_a_bad_one_is_accounted_for(folder, capsys):
    assert run("backtest", folder, "--shares", ".5", ".9", "-q") == 3
    captured = capsys.readouterr()
    total = captured.out[captured.out.index("2 runs") :]
    (both,) = [line.split() for line in total.splitlines() if line.split()[:1] == ["all"]]
    assert both[1] == "4"
    assert "empty.csv" in captured.err


def test_a_second_run_of_the_command_starts_from_nothing(folder, capsys):
    for _ in range(2):
        assert run("backtest", folder / "a.csv", folder / "b.csv", "-q") == 0
        assert "2 runs" in capsys.readouterr().out


def with_rate(path, n=100):
    x = np.arange(1, n + 1)
    y = 2 + 3 * x**-0.5 - 0.4 * np.clip((x - 70) / 30, 0, 1)
    rate = 1e-3 * np.clip((n - x) / 30, 0, 1)
    path.write_text(
        "step,val_loss,lr\n" + "".join(f"{a},{b:.6f},{c:.8f}\n" for a, b, c in zip(x, y, rate, strict=True))
    )
    return path


def test_the_logged_learning_rate_can_be_let_in(tmp_path, capsys):
    path = with_rate(tmp_path / "decaying.csv")
    assert run("backtest", path, "--shares", ".8", "--json", "-") == 0
    document = json.loads(capsys.readouterr().out)
    (replay,) = document["runs"][0]["replays"]
    loaded = cf.read(path)[0]
    assert replay["method"] == "annealed"
    assert replay["median"] == cf.backtest(loaded, shares=(0.8,), schedule=loaded.schedule).replays[0].median
    assert any("schedule" in note for note in document["runs"][0]["notes"])


def test_without_a_logged_learning_rate_it_says_so(log, capsys):
    assert run("backtest", log, "-q") == 0
    assert "No learning rate is logged" in capsys.readouterr().out
    assert run("backtest", log, "-q", "--no-schedule") == 0
    assert "learning rate" not in capsys.readouterr().out


def test_a_forecast_can_use_the_logged_learning_rate(tmp_path, log, capsys):
    path = with_rate(tmp_path / "decaying.csv")
    assert run("forecast", path, "--at", "120", "--json", "-") == 0
    told = json.loads(capsys.readouterr().out)["runs"][0]
    loaded = cf.read(path)[0]
    aware = cf.forecast(loaded["val_loss"], 120, schedule=loaded.schedule)
    assert told["method"] == "annealed"
    assert told["observation"]["median"][0] == pytest.approx(aware.median[0], rel=1e-9)
    assert aware.median[0] != pytest.approx(cf.forecast(loaded["val_loss"], 120).median[0], rel=1e-6)
    assert run("forecast", path, "--at", "120", "--no-schedule", "--json", "-") == 0
    blind = json.loads(capsys.readouterr().out)["runs"][0]
    assert blind["method"] == "pooled" and blind["observation"]["median"] != told["observation"]["median"]
    assert run("forecast", log, "-q") == 0
    assert "No learning rate is logged" in " ".join(capsys.readouterr().out.split())


def test_cuts_that_coincide_are_said(tmp_path, capsys):
    path = tmp_path / "run.csv"
    path.write_text("step,val_loss\n1,3\n2,2\n100,1\n")
    assert run("backtest", path, "-q") == 0
    assert "3 of the cuts leave the same observations as another" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("options", [("--shares", "1.5"), ("--shares", "x"), ("--method", "oracle"), ("--level", "95")])
def test_questions_that_make_no_sense_are_usage(log, options, capsys):
    assert run("backtest", log, *options) == 2
    assert options[1] in capsys.readouterr().err


def test_one_point_is_refused_with_the_run_named(tmp_path, capsys):
    path = tmp_path / "single.csv"
    path.write_text("step,val_loss\n1,3\n")
    assert run("backtest", path, "-q") == 3
    err = capsys.readouterr().err
    assert "single" in err
    assert "two x" in err
