"""The README keeps its word: its structure, its Python and every command line on it."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import curvefit as cf
from curvefit.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


LINES = [line.split("#")[0].strip() for block in blocks("console") for line in block.splitlines()]
COMMANDS = [line.removeprefix("$ ") for line in LINES if line.startswith("$ curvefit ")]
ENDS = {"recommend": {0, 10, 11, 12}, "watch": {0, 10, 11, 12}, "diagnose": {0, 5}}


@pytest.fixture
def metrics(tmp_path, monkeypatch):
    """A folder with the log that the README speaks of."""
    rng = np.random.default_rng(8)
    x = np.arange(1, 61)
    rows = "".join(
        f"{i},{2 + i**-0.8 + 0.01 * e:.5f},{2.1 + i**-0.7 + 0.01 * f:.5f}\n"
        for i, e, f in zip(x, *rng.standard_normal((2, 60)), strict=True)
    )
    (tmp_path / "runs").mkdir()
    for file in ("metrics.csv", "runs/a.csv"):
        (tmp_path / file).write_text("epoch,train_loss,val_loss\n" + rows)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seeded(method, seed):
    x = np.arange(1.0, 41.0)
    noise = 0.01 * np.random.default_rng([len(method), seed]).standard_normal(40)
    curve = cf.Curve(x, len(method) / 4 + x**-0.5 + noise, "val_loss")
    return cf.Run(f"{method}{seed}", {"val_loss": curve}, attributes={"method": method, "seed": seed})


def test_the_two_commands_come_first():
    first, second = blocks("bash")[:2]
    assert "curvefit example" in first and "--plot" in first
    assert first.count("\n") == second.count("\n") == 1
    assert "-m pytest" in second
    assert TEXT.index(first) < TEXT.index(second) < TEXT.index("## ")


def test_pictures_and_links_exist():
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (ROOT / target).exists(), target


def test_the_python_runs(metrics, capsys):
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert (metrics / "val_loss.png").read_bytes().startswith(b"\x89PNG")
    assert "Interval" in capsys.readouterr().out


def test_every_command_is_shown():
    shown = {c.split()[1] for c in COMMANDS}
    assert {"read", "analyze", "forecast", "fit", "diagnose", "recommend", "list"} <= shown
    assert {"watch", "segment", "learn", "batch", "report", "compare", "scaling"} <= shown


@pytest.mark.parametrize("line", COMMANDS)
def test_the_command_runs(metrics, line, capsys):
    words = shlex.split(line)[1:]
    if words[0] == "report":
        assert main(["batch", "runs/", "-o", "results", "--models", "none", "--engine", "serial", "-q"]) == 0
    if words[0] == "batch":
        words += ["--engine", "serial"]
    if words[0] == "learn":
        for name in "bcdef":
            shutil.copy("runs/a.csv", f"runs/{name}.csv")
    if words[0] == "compare":
        cf.write_parquet([seeded(m, s) for m in ("adam", "sgd") for s in range(3)], "runs.parquet")
    if words[0] == "scaling":
        law = [
            (n, d, 1.7 + 400 * n**-0.34 + 410 * d**-0.28)
            for n in (1e7, 3e7, 1e8, 4e8, 1e9)
            for d in (1e9, 4e9, 2e10, 1e11)
        ]
        Path("points.csv").write_text(
            "N,D,L\n" + "".join(f"{n},{d},{y * 1.001 ** (i % 3)}\n" for i, (n, d, y) in enumerate(law))
        )
    capsys.readouterr()
    assert main(words) in ENDS.get(words[0], {0})
    assert capsys.readouterr().out
