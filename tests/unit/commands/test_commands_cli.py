"""What a person and a script see: text, JSON, files and exit codes of every command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curvefit.__main__ import main
from curvefit.commands import registry

ROOT = Path(__file__).resolve().parents[3]
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "80"}
COMMAND = [sys.executable, "-m", "curvefit"]


def run(*arguments):
    """Exit code in this process."""
    return main([str(a) for a in arguments])


def document(capsys, *arguments):
    """The JSON that a command prints; stdout holds nothing else."""
    code = run(*arguments, "--json", "-")
    return code, json.loads(capsys.readouterr().out)


def test_help_and_version(capsys):
    assert run("--help") == 0
    out = capsys.readouterr().out
    for name in registry:
        assert f"\n  {name} " in out
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("curvefit 0.")


@pytest.mark.parametrize("name", registry.names())
def test_every_command_explains_itself_within_80_columns(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run(name, "--help") == 0
    out = capsys.readouterr().out
    assert registry.summary(name).split()[0] in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_nothing_asked_is_a_usage_error_on_stderr(capsys):
    assert run() == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "commands:" in captured.err


def test_an_unknown_command_names_the_closest(capsys):
    assert run("analyse") == 2
    assert "Did you mean 'analyze'?" in capsys.readouterr().err


def test_read_lists_metrics_and_counts(log, capsys):
    assert run("read", log) == 0
    out = capsys.readouterr().out
    assert "val_loss" in out and "200 rows, 200 kept" in out
    code, tree = document(capsys, "read", log)
    assert code == 0
    assert tree["schema_version"] == 1 and tree["command"] == "read"
    (found,) = tree["runs"]
    assert [m["name"] for m in found["metrics"]] == ["train_loss", "val_loss"]
    assert found["metrics"][1]["split"] == "val" and found["metrics"][1]["points"] == 200


def test_read_tells_nan_from_missing(tmp_path, capsys):
    (tmp_path / "r.csv").write_text("step,val_loss\n1,2.0\n2,nan\n3,\n4,1.5\n")
    _, tree = document(capsys, "read", tmp_path / "r.csv")
    (metric,) = tree["runs"][0]["metrics"]
    assert (metric["points"], metric["not_finite"]) == (2, 1)


def test_analyze_prints_a_report_of_at_most_80_columns(log, capsys):
    assert run("analyze", log, "--horizon", 400) == 0
    captured = capsys.readouterr()
    assert "val_loss" in captured.out and "400" in captured.out
    assert max(len(line) for line in captured.out.splitlines()) <= 80
    assert "run: val_loss (also there: train_loss)" in captured.err


def test_quiet_says_nothing_on_stderr(log, capsys):
    assert run("analyze", log, "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_analyze_as_json_is_the_report(log, capsys):
    code, tree = document(capsys, "analyze", log, "--horizon", 400, "--level", 0.9)
    assert code == 0
    (report,) = tree["reports"]
    assert (report["metric"]["name"], report["horizon"], report["level"]) == ("val_loss", 400, 0.9)
    assert tree["failures"] == [] and tree["interrupted"] is False


def test_the_same_log_gives_the_same_bytes(log):
    first, second = (
        subprocess.run([*COMMAND, "analyze", log, "--json", "-"], env=ENV, capture_output=True, check=True).stdout
        for _ in range(2)
    )
    assert first == second


def test_json_goes_to_a_file_and_the_report_to_stdout(log, tmp_path, capsys):
    assert run("analyze", log, "--json", tmp_path / "out.json") == 0
    assert "val_loss" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "out.json").read_text())["reports"]) == 1


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_plot_draws_the_format_of_the_suffix(log, tmp_path, suffix, magic):
    assert run("analyze", log, "--quiet", "--plot", tmp_path / f"fan{suffix}") == 0
    assert (tmp_path / f"fan{suffix}").read_bytes().startswith(magic)


def test_a_format_that_cannot_be_drawn_is_known_before_the_work(log, tmp_path, capsys):
    assert run("analyze", log, "--plot", tmp_path / "fan.gif") == 2
    assert ".png, .svg, .pdf" in capsys.readouterr().err


def test_a_folder_gives_every_report_the_failures_and_a_summary(folder, tmp_path, capsys):
    assert run("analyze", folder, "--json", tmp_path / "all.json", "--plot", tmp_path / "fan.png") == 3
    captured = capsys.readouterr()
    assert "decision" in captured.out
    assert "empty.csv" in captured.err and "CF-IO-002" in captured.err
    tree = json.loads((tmp_path / "all.json").read_text())
    assert [r["run"] for r in tree["reports"]] == ["a", "b"]
    assert [f["code"] for f in tree["failures"]] == ["CF-IO-002"]
    assert sorted(tree["figures"]) == ["a", "b"]
    assert all(Path(file).read_bytes().startswith(b"\x89PNG") for file in tree["figures"].values())
    assert not (tmp_path / "fan.png").exists()


@pytest.mark.parametrize("command", ["read", "convert"])
def test_what_is_passed_over_in_a_folder_is_named(tmp_path, capsys, command):
    (tmp_path / "runs").mkdir()
    words = {f"words{i}.txt": "nothing to see\n" for i in range(3)} | {".hidden": "private\n"}
    tables = {"good.csv": "step,loss\n1,3\n2,2\n3,1\n", "headerless.csv": "1,3\n2,2\n3,1\n"}
    for name, text in (words | tables).items():
        (tmp_path / "runs" / name).write_text(text)
    more = ["-o", str(tmp_path / "out.parquet")] if command == "convert" else []
    assert main([command, str(tmp_path / "runs"), *more]) == 0
    said = capsys.readouterr().err
    assert "passed over 4 files" in said and "words0.txt and 2 more)" in said and ".hidden" not in said
    assert "no name of a metric" in said and "headerless.csv)" in said
    assert main([command, str(tmp_path / "runs"), *more, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_a_console_log_of_its_own_form_points_to_the_pattern(tmp_path, capsys):
    (tmp_path / "own.log").write_text("it=1 L=2.0\nit=2 L=1.9\nfoo\n")
    assert main(["read", str(tmp_path / "own.log")]) == 4
    assert "--pattern" in capsys.readouterr().err


def test_two_files_of_one_name_stay_apart(tmp_path, log, capsys):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.csv").write_bytes(log.read_bytes())
    _, tree = document(capsys, "read", log, tmp_path / "other" / "run.csv")
    names = [r["run"] for r in tree["runs"]]
    assert len(set(names)) == 2 and "other" in names[1]


def test_nothing_readable(tmp_path, capsys):
    assert run("analyze", tmp_path / "missing.csv") == 4
    assert "CF-IO-GONE" in capsys.readouterr().err
    (tmp_path / "x.pkl").write_bytes(b"\x80\x04\x95\x00\x00\x00\x00")
    assert run("analyze", tmp_path / "x.pkl") == 4
    assert "CF-IO-012" in capsys.readouterr().err


def test_an_unknown_metric_lists_the_candidates_and_the_closest(log, capsys):
    assert run("analyze", log, "--metric", "val/loss") == 2
    err = capsys.readouterr().err
    assert "Did you mean 'val_loss'?" in err and "train_loss" in err


def test_an_unknown_metric_in_one_of_two_runs_loses_only_that_one(tmp_path, log, capsys):
    (tmp_path / "odd.csv").write_text("step,loss\n" + "".join(f"{i},{1 / i}\n" for i in range(1, 50)))
    code, tree = document(capsys, "analyze", log, tmp_path / "odd.csv", "--metric", "val_loss")
    assert code == 3
    assert len(tree["reports"]) == 1 and tree["failures"][0]["where"].startswith("odd")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--level", "95", "did you mean 0.95"),
        ("--level", "0", "not a coverage level"),
        ("--level", "1", "not a coverage level"),
        ("--level", "1.5", "such as 0.95"),
        ("--level", "nan", "not a coverage level"),
        ("--horizon", "nan", "not a positive number"),
        ("--horizon", "inf", "asymptote"),
        ("--horizon", "0", "not a positive number"),
        ("--horizon=-3", None, "not a positive number"),
        ("--target", "inf", "not finite"),
        ("--min-gain=-1", None, "negative"),
        ("--model", "power_lw", "Did you mean 'power_law'?"),
        ("--format", "cvs", "choices"),
        ("--horizon", "soon", "not a number"),
    ],
)
def test_values_that_make_no_sense_are_usage_errors(log, capsys, option, value, said):
    assert run("analyze", log, option, *([] if value is None else [value])) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_a_horizon_inside_the_data_points_to_the_fit(log, capsys):
    assert run("analyze", log, "--horizon", 100) == 2
    assert "predict" in capsys.readouterr().err


def test_direction_settles_what_the_name_does_not_say(tmp_path, capsys):
    rows = "".join(f"{i},{1 - 1 / i + 0.001 * (i % 3)}\n" for i in range(1, 80))
    (tmp_path / "r.csv").write_text("step,quality\n" + rows)
    assert run("analyze", tmp_path / "r.csv") == 3
    assert "--direction" in capsys.readouterr().err
    code, tree = document(capsys, "analyze", tmp_path / "r.csv", "--direction", "max")
    assert code == 0 and tree["reports"][0]["metric"]["direction"] == "max"


def test_stdin(log):
    with log.open("rb") as file:
        done = subprocess.run(
            [*COMMAND, "read", "-", "--json", "-"], stdin=file, env=ENV, capture_output=True, check=True
        )
    assert json.loads(done.stdout)["runs"][0]["metrics"][0]["points"] == 200


def test_forecast_gives_both_views(log, capsys):
    code, tree = document(capsys, "forecast", log, "--at", 300, 400, "--level", 0.8)
    assert code == 0
    (one,) = tree["runs"]
    assert one["x"] == [300, 400] and one["level"] == 0.8
    assert run("forecast", log, "--horizon", 400) == 0
    assert "80 % of observations" not in capsys.readouterr().out
    assert run("forecast", log, "--at", 300, "--horizon", 400) == 2
    assert "--horizon and --at" in capsys.readouterr().err


@pytest.mark.parametrize(
    "question",
    [
        ("analyze", "--horizon"),
        ("recommend", "--horizon"),
        ("diagnose", "--horizon"),
        ("forecast", "--horizon"),
        ("forecast", "--at"),
    ],
)
def test_an_x_inside_the_data_is_a_wrong_question_everywhere(log, capsys, question):
    """One exit code for one mistake, whichever command is asked."""
    command, option = question
    assert run(command, log, option, 50) == 2
    assert "not beyond" in capsys.readouterr().err


def test_fit_prints_parameters_and_doubts(log, capsys):
    assert run("fit", log, "--model", "power_law") == 0
    assert "alpha" in capsys.readouterr().out
    code, tree = document(capsys, "fit", log, "--model", "power_law")
    assert code == 0
    (one,) = tree["runs"]
    assert one["model"] == "power_law" and {p["name"] for p in one["parameters"]} == {"E", "A", "alpha"}


def test_diagnose_and_its_gate(tmp_path, log, capsys):
    assert run("diagnose", log, "--fail-on", "warning") == 0
    capsys.readouterr()
    rows = "".join(f"{i},{2 / i if i < 60 else 'nan'}\n" for i in range(1, 80))
    (tmp_path / "blown.csv").write_text("step,train_loss\n" + rows)
    assert run("diagnose", tmp_path / "blown.csv") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "diverged" in text
    assert text.count("without a validation curve: ") == 1
    assert "overfitting" in text.split("without a validation curve: ")[1].split("undecided")[0]
    assert "overfitting" not in text.split("absent: ")[1]
    assert run("diagnose", tmp_path / "blown.csv", "--fail-on", "error", "--quiet") == 5


def test_recommend_answers_by_its_exit_code_when_asked(log, capsys):
    assert run("recommend", log, "--horizon", 400) == 0
    text = capsys.readouterr().out
    code, tree = document(capsys, "recommend", log, "--horizon", 400)
    assert code == 0
    expected = {"continue": 0, "stop": 10, "intervene": 11, "collect_more": 12}[tree["runs"][0]["action"]]
    assert run("recommend", log, "--horizon", 400, "--exit-code", "--quiet") == expected
    assert tree["runs"][0]["reasons"][0].split()[0] in text


def test_recommend_by_exit_code_needs_one_run(folder, capsys):
    (folder / "empty.csv").unlink()
    assert run("recommend", folder, "--exit-code", "--quiet") == 2
    assert "one run" in capsys.readouterr().err


def test_list_names_every_way_and_only_those_asked_for(capsys):
    assert run("list", "models") == 0
    assert "power_law" in capsys.readouterr().out
    code, tree = document(capsys, "list")
    assert code == 0 and {"models", "readers", "commands", "estimands"} <= set(tree["ways"])
    assert run("list", "modles") == 2
    assert "Did you mean 'models'?" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "guess"), [("nope", ""), ("powerlaw", "Did you mean 'power_law'?")])
def test_only_a_close_law_is_suggested(name, guess, log, capsys):
    assert run("fit", log, "--model", name) == 2
    said = capsys.readouterr().err
    assert guess in said and ("Did you mean" in said) == bool(guess)


def test_example_draws_into_the_working_folder_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("example") == 0
    captured = capsys.readouterr()
    assert (tmp_path / "curvefit-example.png").read_bytes().startswith(b"\x89PNG")
    assert "curvefit-example.png" in captured.err
    (tmp_path / "curvefit-example.png").unlink()
    assert run("example", "--no-plot") == 0
    assert not (tmp_path / "curvefit-example.png").exists()
    (tmp_path / "curvefit-example.png").write_bytes(b"somebody's own")
    capsys.readouterr()
    assert run("example") == 0
    assert (tmp_path / "curvefit-example.png").read_bytes() == b"somebody's own"
    assert "was left as it is; to replace it: --plot curvefit-example.png" in capsys.readouterr().err
    assert run("example", "healthy", "--plot", "curvefit-example.png") == 0
    assert (tmp_path / "curvefit-example.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert run("example", "helthy") == 2
    assert "Did you mean 'healthy'?" in capsys.readouterr().err


def test_a_closed_pipe_is_quiet(folder):
    """`curvefit analyze | head -1`: no traceback, no complaint."""
    line = f"{' '.join(COMMAND)} analyze {folder} --quiet 2>err.txt | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], env=ENV, cwd=folder.parent, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] in ("0", "3")
    said = (folder.parent / "err.txt").read_text()
    assert "Traceback" not in said and "BrokenPipe" not in said


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_unicode_gets_escapes(tmp_path, log, encoding):
    odd = tmp_path / "größe-🚀.csv"
    odd.write_bytes(log.read_bytes())
    env = {**ENV, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    done = subprocess.run([*COMMAND, "analyze", odd, "--quiet"], env=env, capture_output=True, check=True)
    done.stdout.decode(encoding)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["read", "analyze", "diagnose", "recommend", "forecast", "backtest", "fit"])
def test_control_characters_in_names_never_reach_the_terminal(tmp_path, log, name, capsys):
    odd = tmp_path / "a\x1b]0;owned\x07b.csv"
    odd.write_bytes(log.read_bytes().replace(b"val_loss", b"val_loss\x1b[31m"))
    run(name, odd)
    captured = capsys.readouterr()
    assert "val_loss" in captured.out
    assert not {"\x1b", "\x07"} & set(captured.out + captured.err)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_done(tmp_path, number):
    """The report of the runs that were done is written, and the exit code says interrupted."""
    runs = tmp_path / "runs"
    runs.mkdir()
    rows = "".join(f"{i},{1 / i}\n" for i in range(1, 200))
    for i in range(400):
        (runs / f"r{i:03}.csv").write_text("step,val_loss\n" + rows)
    out = tmp_path / "out.json"
    child = subprocess.Popen(
        [*COMMAND, "analyze", str(runs), "--json", str(out)], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    child.stdout.readline()  # the first report is being printed
    time.sleep(0.2)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err.decode()
    tree = json.loads(out.read_text())
    assert tree["interrupted"] is True
    assert 0 < len(tree["reports"]) < 400
    assert b"Traceback" not in err


def test_output_errors_come_before_the_work(log, tmp_path, capsys):
    (tmp_path / "link.json").symlink_to(tmp_path / "elsewhere.json")
    for target in (tmp_path / "no" / "out.json", tmp_path / "link.json", tmp_path):
        assert run("analyze", log, "--json", target) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and "--json" in captured.err
    assert not (tmp_path / "elsewhere.json").exists()


def test_inputs_are_never_changed_and_nothing_else_is_written(folder, tmp_path):
    before = {f: (f.read_bytes(), f.stat().st_mtime_ns) for f in folder.rglob("*")}
    assert run("analyze", folder, "--quiet") == 3
    assert {f: (f.read_bytes(), f.stat().st_mtime_ns) for f in folder.rglob("*")} == before
    assert [f.name for f in tmp_path.iterdir()] == ["runs"]


def test_x_below_zero_can_be_asked_for(tmp_path, capsys):
    log = tmp_path / "before.csv"
    log.write_text("step,val_loss\n" + "".join(f"{i - 40},{1 + 1 / (1 + i)}\n" for i in range(30)))
    assert main(["forecast", str(log), "--at", "-5", "5", "-q"]) == 0
    assert "-5 " in capsys.readouterr().out
    assert main(["forecast", str(log), "--horizon", "-5", "-q"]) == 0
    assert main(["backtest", str(log), "--horizon", "-15", "-q"]) == 0
    assert "observed at step -15" in capsys.readouterr().out
    assert main(["forecast", str(log), "--at", "-20", "-q"]) == 2
    assert "not beyond the last observation" in capsys.readouterr().err
