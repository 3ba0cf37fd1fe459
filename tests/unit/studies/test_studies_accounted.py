"""What a batch does not look at, replaces or refuses is said: files that are no logs, attributes, links."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import curvefit as cf
from curvefit.commands._main import run as command
from curvefit.curves import UsageError

sys.path.insert(0, str(Path(__file__).parent))
from studies_helpers import QUICK, files, runs

ASK = ["--models", "none", "--only", "forecasts", "--horizon", "2x", "--engine", "serial"]


def logs(folder, names=("a", "b")):
    folder.mkdir()
    for name in names:
        lines = [f"{i},{1 + 2 / i}" for i in range(1, 21)]
        (folder / f"{name}.csv").write_text("\n".join(["step,val_loss", *lines]), encoding="utf-8")
    return folder


def told(out):
    return json.loads((out / "batch.json").read_text(encoding="ascii"))["passed_over"]


def test_files_that_are_no_logs_are_said_and_recorded_also_by_a_batch_that_goes_on(tmp_path, capsys):
    folder, out = logs(tmp_path / "logs"), tmp_path / "out"
    (folder / "notes.txt").write_text("remember the milk\n", encoding="utf-8")
    assert command(["read", str(folder)]) == 0
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "passed over" in line]
    assert "notes.txt" in said
    seen = []
    for _ in range(2):
        assert command(["batch", str(folder), "-o", str(out), *ASK]) == 0
        assert said in capsys.readouterr().err.splitlines()
        seen.append((out / "batch.json").read_bytes())
    assert seen[0] == seen[1]
    (of,) = told(out).values()
    assert of["files"] == 1 and of["first"][0].endswith("notes.txt")
    assert command(["batch", str(folder), "-o", str(out), "-q", *ASK]) == 0
    assert capsys.readouterr().err == "", "quiet"
    kept = cf.load_batch(out).arrow("runs").num_rows
    assert kept + sum(of["files"] for of in told(out).values()) == len(list(folder.iterdir()))


def test_a_folder_of_logs_alone_passes_over_nothing(tmp_path, capsys):
    folder, out = logs(tmp_path / "logs"), tmp_path / "out"
    assert command(["batch", str(folder), "-o", str(out), *ASK]) == 0
    assert "passed over" not in capsys.readouterr().err and told(out) == {}


def test_results_are_not_written_through_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.mkdir()
    link.symlink_to(target, target_is_directory=True)
    with pytest.raises(UsageError, match="is a link") as error:
        cf.batch(runs(2), link, **QUICK)
    assert error.value.code == "CF-OUT-001"
    with pytest.raises(UsageError, match="is a link"):
        cf.write_store(runs(2), link)
    assert list(target.iterdir()) == []
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "forecasts").symlink_to(target, target_is_directory=True)
    with pytest.raises(UsageError, match="is a link"):
        cf.batch(runs(2), tmp_path / "out", **QUICK)
    assert list(target.iterdir()) == []
    cf.batch(runs(2), target, **QUICK)  # negative control: the folder itself
    assert files(target)


def named(method, seed, name):
    (run,) = runs(1)
    return cf.Run(name, dict(run.curves), attributes={"method": method, "seed": seed})


def test_attributes_that_names_replace_are_said_once_with_what_they_were(tmp_path, capsys):
    data = [named("adam", 0.0, "0-sgd"), named("adam", 1.0, "1-sgd"), named("sgd", 7.0, "2-sgd")]
    result = cf.batch(data, tmp_path / "out", names="{seed}-{method}", **QUICK)
    said = capsys.readouterr().err
    assert said.count("--names replaced what was logged") == 1
    assert "method in 2 runs (such as 'adam' by 'sgd')" in said and "seed in 1 run (such as '7.0' by '2')" in said
    assert set(result.arrow("runs")["method"].to_pylist()) == {"sgd"}
    same = [named("adam", 0.0, "0-adam"), named("sgd", 1.0, "01-sgd")]
    cf.batch(same, tmp_path / "same", names="{seed}-{method}", **QUICK)
    assert "replaced" not in capsys.readouterr().err, "negative control"


def test_no_laws_are_asked_for_by_the_same_word_as_on_the_command_line(tmp_path):
    result = cf.batch(runs(2), tmp_path / "out", models="none", tables=["parameters"], horizons="2x")
    assert result.config.models == () and result.arrow("parameters").num_rows == 0
    assert cf.batch(runs(2), tmp_path / "list", **{**QUICK, "models": ["none"]}).config.models == ()
    with pytest.raises(UsageError, match="none"):
        cf.batch(runs(2), tmp_path / "mixed", **{**QUICK, "models": ["none", "power_law"]})


def test_a_batch_without_data_or_with_data_twice_says_what_to_do(tmp_path, capsys):
    out = str(tmp_path / "out")
    assert command(["batch", "-o", out]) == 2
    said = capsys.readouterr().err
    assert "neither DATASET nor --config" in said and "--config OUT/batch.json -o NEW" in said
    assert command(["batch", "logs", "--config", "batch.json", "-o", out]) == 2
    said = capsys.readouterr().err
    assert "logs beside it means nothing" in said and "leave DATASET out" in said
    assert not (tmp_path / "out").exists()
