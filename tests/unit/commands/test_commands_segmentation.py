"""curvefit segment and curvefit changepoints: answers, figures, documents and exit codes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from curvefit.commands._main import run

X = np.arange(1.0, 121.0)


@pytest.fixture
def logs(tmp_path):
    rng = np.random.default_rng(0)
    means = {"kinked": np.maximum(0, 1 - X / 60), "jumped": (X > 70).astype(float)}
    for name, mean in means.items():
        rows = [f"{x:g},{y:.6f}" for x, y in zip(X, mean + 0.02 * rng.standard_normal(X.size), strict=True)]
        (tmp_path / f"{name}.csv").write_text("step,val_loss\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_segment_answers_in_eighty_columns_and_json(logs, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    target = logs / "out.json"
    code = run(
        ["segment", str(logs / "kinked.csv"), "--n-breakpoints", "1", "--terminal-slope", "0", "--json", str(target)]
    )
    out = capsys.readouterr().out
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "any breakpoint at all: p = 0.002" in out
    document = json.loads(target.read_text())
    (one,) = document["runs"]
    assert (document["schema_version"], document["command"], one["metric"]) == (1, "segment", "val_loss")
    (place,) = one["breakpoints"]
    assert place["interval"]["low"] <= 60 <= place["interval"]["high"]
    assert one["slopes"][-1]["value"] == 0
    assert one["existence_test"]["p_value"] < 0.05


def test_changepoints_answers_and_says_no_change(logs, capsys):
    assert run(["changepoints", str(logs / "jumped.csv"), "--json", "-", "-q"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["runs"]
    (change,) = one["changes"]
    assert change["value"] == 70
    assert change["details"]["jump"] == pytest.approx(1, abs=0.05)
    assert [s["n"] for s in one["segments"]] == [70, 50]
    assert run(["changepoints", str(logs / "jumped.csv"), "--n-changes", "0"]) == 0
    assert "no change" in capsys.readouterr().out


def test_figures_one_file_or_one_each(logs, capsys):
    assert run(["segment", str(logs / "kinked.csv"), "--n-breakpoints", "1", "--plot", str(logs / "a.png")]) == 0
    assert (logs / "a.png").read_bytes().startswith(b"\x89PNG")
    both = [str(logs / f"{n}.csv") for n in ("kinked", "jumped")]
    assert run(["changepoints", *both, "--plot", str(logs / "b.svg"), "-q"]) == 0
    assert len(list(logs.glob("b-*.svg"))) == 2
    assert not (logs / "b.svg").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--n-breakpoints", "30"], 2), (["--terminal-slope", "1"], 2), (["--interval", "none"], 2), (["--plot", "x.gif"], 2), (["-m", "nope"], 2)],
)  # fmt: skip
def test_wrong_options_are_said_with_their_exit_code(logs, words, code, capsys):
    good = str(logs / "kinked.csv")
    assert run(["segment", good, *words]) == code
    assert capsys.readouterr().err


def test_one_bad_file_does_not_lose_the_rest(logs, capsys):
    (logs / "short.csv").write_text("step,val_loss\n1,2\n2,1\n")
    assert run(["segment", str(logs / "short.csv"), str(logs / "kinked.csv"), "--n-breakpoints", "1"]) == 3
    assert "kinked" in capsys.readouterr().out
    assert run(["changepoints", str(logs / "gone.csv")]) == 4


@pytest.mark.parametrize("command", ["segment", "changepoints"])
def test_values_left_out_are_counted(logs, capsys, command):
    path = logs / "gap.csv"
    path.write_text(
        "step,val_loss\n" + "\n".join(f"{i},{'nan' if 40 < i < 50 else 1 + i % 3}" for i in range(100)) + "\n"
    )
    assert run([command, str(path), "--json", str(logs / "gap.json"), "-q"]) == 0
    assert "note: 9 values of val_loss not finite: left out" in capsys.readouterr().out
    assert json.loads((logs / "gap.json").read_text())["runs"][0]["nonfinite_values"] == 9
