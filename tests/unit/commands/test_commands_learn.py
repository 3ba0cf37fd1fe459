"""``curvefit learn`` and ``--experience``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from curvefit.__main__ import main


def folder_of(path, count, seed=0):
    rng, x = np.random.default_rng(seed), np.arange(1, 41)
    for i in range(count):
        y = 1 + rng.uniform(1, 3) * x ** -rng.uniform(0.6, 1.2) + 0.01 * rng.normal(size=x.size)
        rows = "".join(f"{a},{b:.6f}\n" for a, b in zip(x, y, strict=True))
        (path / f"run{i}.csv").write_text("step,val_loss\n" + rows)
    return path


def run(*args):
    return main([str(a) for a in args])


@pytest.fixture
def runs(tmp_path):
    return folder_of(tmp_path, 6)


@pytest.mark.slow
def test_what_is_learned_is_written_and_used(runs, tmp_path, capsys):
    out = tmp_path / "experience.json"
    assert run("learn", runs, "-o", out, "-q") == 0
    assert "Learned from 6 runs" in capsys.readouterr().out
    assert json.loads(out.read_text())["schema"] == "curvefit-experience"
    log = runs / "run0.csv"
    medians = []
    for extra in ((), ("--experience", out)):
        assert run("forecast", log, "--at", "80", "--json", "-", "-q", *extra) == 0
        medians.append(json.loads(capsys.readouterr().out)["runs"][0]["observation"]["median"][0])
    assert medians[0] != medians[1]
    for command in ("backtest", "recommend", "analyze"):
        assert run(command, log, "-q", "--experience", out) == 0
        assert capsys.readouterr().out


def test_too_few_runs_and_bad_files_are_refused_without_a_file_left(tmp_path, capsys):
    folder_of(tmp_path, 3)
    out = tmp_path / "e.json"
    assert run("learn", tmp_path, "-o", out) != 0
    assert "3 of 3 runs can be learned from" in capsys.readouterr().err and not out.exists()
    out.write_text("{}")
    assert run("forecast", tmp_path / "run0.csv", "--experience", out) == 2
    assert "not an experience" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("learn", "-o"), ("forecast", "--json"), ("backtest", "--json"), ("analyze", "--plot")], ids=" ".join
)
def test_an_output_never_overwrites_a_log_that_is_read(runs, capsys, words):
    command, option = words
    logs = sorted(runs.glob("*.csv"))
    before = logs[2].read_bytes()
    beside = runs / ".." / runs.name / logs[2].name  # the same file by another name
    assert run(command, *logs, option, beside) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert logs[2].read_bytes() == before


def test_a_bad_experience_is_named(runs, tmp_path, capsys):
    log = runs / "run0.csv"
    assert run("forecast", log, "--experience", tmp_path / "gone.json") == 2
    said = capsys.readouterr().err
    assert "gone.json: No such file" in said and "curvefit learn" in said
