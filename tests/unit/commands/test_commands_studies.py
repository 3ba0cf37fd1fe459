"""compare, report and scaling as people call them: answers, JSON, figures, mistakes, hostile files."""

from __future__ import annotations

import json

import numpy as np
import pytest

import curvefit as cf
from curvefit.commands._main import run

X = np.arange(1.0, 31.0)


@pytest.fixture
def logs(tmp_path):
    rng = np.random.default_rng(0)
    for m, level in (("adam", 1.0), ("sgd", 1.3)):
        for s in range(3):
            y = level + 1 / X + 0.02 * rng.standard_normal(30)
            (tmp_path / f"{m}-seed{s}.csv").write_text(
                "step,val_loss\n" + "".join(f"{a},{b}\n" for a, b in zip(X, y, strict=True))
            )
    return tmp_path


@pytest.fixture
def points(tmp_path):
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(4e7, 1e10, 6), np.geomspace(4e8, 3e11, 6)))
    loss = (1.8 + 480 / n**0.35 + 2100 / d**0.37) * np.exp(0.004 * np.random.default_rng(0).standard_normal(36))
    file = tmp_path / "points.csv"
    file.write_text("N,D,L,kind\n" + "".join(f"{a},{b},{c},dense\n" for a, b, c in zip(n, d, loss, strict=True)))
    return file


COMPARE = ["--names", "{method}-seed{seed}", "--by", "method", "--over", "seed", "--replicates", "100"]


def test_compare_takes_attributes_from_names(logs, tmp_path, capsys):
    out, figure = tmp_path / "c.json", tmp_path / "c.pdf"
    assert run(["compare", str(logs), *COMPARE, "--at", "10", "30", "--json", str(out), "--plot", str(figure)]) == 0
    document = json.loads(out.read_text())
    assert (document["command"], document["schema_version"]) == ("compare", 1)
    assert document["methods"] == ["adam", "sgd"]
    runs = [cf.read(f)[0] for f in sorted(logs.glob("adam*.csv"))]
    rows = document["tables"]["methods"]
    assert rows[0]["mean"] == pytest.approx(np.mean([r["val_loss"].y[9] for r in runs]), abs=1e-12)
    assert len(document["scores"]) == 12
    assert figure.read_bytes().startswith(b"%PDF")
    assert "interquartile mean" in capsys.readouterr().out


def test_compare_says_at_once_that_a_pattern_matches_no_name(logs, capsys):
    words = ["--names", "{method}_sd{seed}", "--by", "method", "--over", "seed"]
    assert run(["compare", str(logs), *words]) == 2
    assert "matches 0 of 6 names" in capsys.readouterr().err
    (logs / "extra.csv").write_text((logs / "adam-seed0.csv").read_text())
    assert run(["compare", str(logs), *COMPARE]) == 0
    assert "matches 6 of 7 names; not 'extra" in capsys.readouterr().err


def test_a_batch_counts_one_curve_and_calls_an_error_no_warning(tmp_path, capsys):
    file = tmp_path / "run.csv"
    y = np.where(X < 25, 1 + 1 / X, np.nan)
    file.write_text("step,train_loss\n" + "".join(f"{a},{b}\n" for a, b in zip(X, y, strict=True)))
    out = str(tmp_path / "out")
    assert run(["batch", str(file), "-o", out, "--only", "diagnoses", "--engine", "serial", "-q"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("1 curve: 1 ") and "errors and warnings: 1 diverged" in printed


@pytest.mark.parametrize(
    ("table", "words"),
    [("latex", r"\toprule"), ("markdown", "| method |"), ("csv", "method,at,runs"), ("json", '"table": "methods"')],
)
def test_compare_prints_tables_in_any_format(logs, capsys, table, words):
    assert run(["compare", str(logs), *COMPARE, "--table", table, "-q"]) == 0
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--by", "method", "--over", "seed"], 2, "--names"),
        (
            ["--names", "{method}-seed{seed}", "--by", "optimizer", "--over", "seed"],
            2,
            "no attribute named 'optimizer'",
        ),
        (["--names", "no-braces", "--by", "method", "--over", "seed"], 2, "holds no attribute"),
        ([*COMPARE, "--plot", "c.docx"], 2, "choices: .png"),
        ([*COMPARE, "--table", "docx"], 2, "choices"),
        (["--by", "method"], 2, "--over"),
        ([*COMPARE, "--at", "1e9"], 2, "no run has a value at step 1e9"),
        ([*COMPARE[:-1], "5"], 2, "from 100"),
        ([*COMPARE, "--metric", "val_los"], 2, "Did you mean 'val_loss'"),
        (["--names", "{method}-seed{seed}", "--by", "method", "--over", "method"], 2, "(by= and over= in Python)"),
    ],
)
def test_mistakes_of_compare_are_named(logs, capsys, words, code, message):
    assert run(["compare", str(logs), *words]) == code
    assert message in capsys.readouterr().err


def test_a_file_that_cannot_be_read_does_not_lose_the_others(logs, capsys):
    (logs / "adam-seed9.csv").write_text("")
    assert run(["compare", str(logs), *COMPARE]) == 3
    told = capsys.readouterr()
    assert "adam-seed9.csv" in told.err
    assert "adam" in told.out


@pytest.mark.parametrize("table", ["plain", "markdown", "csv", "json"])
def test_a_note_of_a_comparison_is_printed_once(logs, capsys, table):
    (logs / "stray.csv").write_text((logs / "adam-seed0.csv").read_text())
    assert run(["compare", str(logs), *COMPARE, "--table", table]) == 0
    told = capsys.readouterr()
    assert (told.out + told.err).count("1 run left out") == 1


def test_hostile_names_of_files_stay_text(logs, capsys):
    for i in range(3):
        text = (logs / "adam-seed0.csv").read_text()
        (logs / f"\x1b[31m=cmd-seed{i}.csv").write_text(text)
    assert run(["compare", str(logs), *COMPARE, "--table", "csv"]) == 0
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err


def test_scaling_answers_and_writes(points, tmp_path, capsys):
    out, figure = tmp_path / "s.json", tmp_path / "s.svg"
    words = ["--replicates", "50", "--compute", "1e22", "--predict", "1e10", "2e11", "--where", "kind=dense"]
    assert run(["scaling", str(points), *words, "--json", str(out), "--plot", str(figure)]) == 0
    document = json.loads(out.read_text())
    assert document["law"] == "L = E + A/N^alpha + B/D^beta"
    assert document["prediction"]["low"] < document["prediction"]["loss"] < document["prediction"]["high"]
    best = document["optimal"][0]["sizes"]
    assert 6 * best["N"]["value"] * best["D"]["value"] == pytest.approx(1e22)
    assert b"<svg" in figure.read_bytes()[:800]
    assert "Rolling extrapolation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--x", "M"], 2, "no column named 'M'"),
        (["--where", "kind=sparse"], 2, "values there: dense"),
        (["--where", "kind"], 2, "COLUMN=VALUE"),
        (["--predict", "1e10"], 2, "--predict takes 2"),
        (["--loss", "kind"], 3, "not a number"),
        (["--replicates", "many"], 2, "whole number"),
    ],
)
def test_mistakes_of_scaling_are_named(points, capsys, words, code, message):
    assert run(["scaling", str(points), *words]) == code
    assert message in capsys.readouterr().err


def test_least_squares_and_a_prediction_without_an_interval(points, capsys):
    assert run(["scaling", str(points), "--delta", "inf", "--replicates", "0", "--predict", "1e10", "2e11"]) == 0
    printed = capsys.readouterr().out
    assert "No interval of value: no bootstrap replicates." in printed
    assert printed.rstrip().endswith(", without an interval: no bootstrap replicates")
    assert run(["scaling", str(points), "--delta", "-1"]) == 2
    assert "not a positive number" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["batch", "compare", "report", "scaling"])
def test_help_says_what_every_option_does_and_what_happens_without_it(command, capsys):
    """Every choice that has a default names it, and no option is without a word."""
    from curvefit.commands import registry
    from curvefit.commands._parser import Parser

    parser = Parser(prog=command)
    registry[command].add_arguments(parser)
    for action in parser._actions:
        assert action.help, action.dest
        if action.choices and action.default is not None:
            assert f"default: {action.default}" in action.help, action.dest
    assert run([command, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    if command in ("compare", "report"):
        assert (
            "drop leaves them out there and counts them as missing, last takes their last value (default: drop)" in text
        )


def test_a_batch_recommends_in_the_words_of_a_recommendation(tmp_path, capsys):
    rows = "".join(f"{i},{2 + (i % 3) / 50}\n" for i in range(1, 60))
    (tmp_path / "flat.csv").write_text("step,val_loss\n" + rows)
    out = tmp_path / "b.json"
    words = ["--models", "none", "--engine", "serial", "-q", "--json", str(out)]
    assert run(["batch", str(tmp_path / "flat.csv"), "-o", str(tmp_path / "out"), *words]) == 0
    ((code, count),) = json.loads(out.read_text())["summary"]["recommended"].items()
    said = {
        "continue": "train on",
        "stop": "stop now",
        "intervene": "a person should look",
        "collect more": "cannot tell yet",
    }
    assert f"recommended: {count} {said[code]}" in capsys.readouterr().out


def test_scaling_of_what_is_no_table(tmp_path, capsys):
    (tmp_path / "empty.csv").write_text("")
    assert run(["scaling", str(tmp_path / "empty.csv")]) == 4
    assert run(["scaling", str(tmp_path)]) == 4
    assert "error" in capsys.readouterr().err


def test_report_of_what_is_no_batch_names_the_first_step(logs, tmp_path, capsys):
    assert run(["report", str(logs), "-o", str(tmp_path / "r")]) == 2
    assert "curvefit batch" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_report_writes_the_folder_and_says_what(logs, tmp_path, capsys):
    runs = [cf.read(f)[0] for f in sorted(logs.glob("*.csv"))]
    named = [cf.Run(r.name, r.curves, attributes={"method": r.name[:3], "seed": i}) for i, r in enumerate(runs)]
    cf.write_parquet(named, tmp_path / "runs.parquet")
    assert (
        run(
            [
                "batch",
                str(tmp_path / "runs.parquet"),
                "-o",
                str(tmp_path / "out"),
                "--models",
                "none",
                "--only",
                "forecasts",
                "-q",
            ]
        )
        == 0
    )
    words = [
        "--by",
        "method",
        "--over",
        "seed",
        "--examples",
        "0",
        "--no-html",
        "--replicates",
        "100",
        "--json",
        "-",
        "-q",
    ]
    capsys.readouterr()
    assert run(["report", str(tmp_path / "out"), "-o", str(tmp_path / "r"), *words]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"paper.md", "references.bib", "tables.tex", "tables/methods.tex", "figures/bands.pdf"} <= set(
        document["files"]
    )
    assert document["not_drawn"]["pareto"] == "all runs have the same length"
    assert all((tmp_path / "r" / f).is_file() for f in document["files"])


QUICK = ["--models", "none", "--only", "forecasts", "--engine", "serial", "-q"]


def test_one_command_goes_from_logs_to_the_paper(logs, tmp_path, capsys):
    out, paper = tmp_path / "there" / "out", tmp_path / "paper"
    words = ["--names", "{method}-seed{seed}", "--by", "method", "--over", "seed"]
    assert run(["batch", str(logs), "-o", str(out), *QUICK, *words, "--report", str(paper)]) == 2  # within the data
    assert "where the data are" in capsys.readouterr().err
    data = tmp_path / "data"
    data.mkdir()
    for log in logs.glob("*.csv"):
        log.rename(data / log.name)
    assert run(["batch", str(data), "-o", str(out), *QUICK, *words, "--report", str(paper)]) == 0
    assert "tables.tex" in capsys.readouterr().out
    methods = (paper / "tables" / "methods.tex").read_text(encoding="utf-8")
    assert r"\toprule" in methods
    assert "sgd" in methods


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--by", "method"], "--report DIR"), (["--report", "out/in"], "another folder for --report")],
)
def test_a_report_beside_a_batch_needs_its_own_folder(logs, tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert run(["batch", str(logs / "adam-seed0.csv"), "-o", "out", *QUICK, *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
