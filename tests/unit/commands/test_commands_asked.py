"""What is asked on the command line: how to read, where to write, and hints in its own words."""

from __future__ import annotations

import json

import pytest

import curvefit as cf
from curvefit.__main__ import main
from curvefit.commands._attempt import as_options

ROWS = "".join(f"{i},{3 / i:.4f}\n" for i in range(1, 60))


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("pass delimiter=';'", "pass --delimiter ';'"),
        ("pass keep_partial_tail=True if the last line is whole", "pass --keep-partial-tail if the last line is whole"),
        ("pass a larger max_bytes=", "pass a larger --max-bytes"),
        ("pass delimiter= if the columns differ", "pass --delimiter if the columns differ"),
        ("another column (x='epoch'), or x='row'", "another column (--x 'epoch'), or --x 'row'"),
        ("np.savez(path, step=steps, loss=losses)", "np.savez(path, step=steps, loss=losses)"),
        ("is max_x=3 or x=3 meant?", "is max_x=3 or x=3 meant?"),
    ],
)
def test_a_hint_names_the_options_of_the_command_line(hint, said):
    assert as_options(hint) == said


def test_the_hint_that_is_shown_helps_when_it_is_followed(tmp_path, capsys):
    log = tmp_path / "run.csv"
    log.write_text("step,loss\n1,2.0")
    assert main(["read", str(log)]) == 4
    assert "--keep-partial-tail" in capsys.readouterr().err
    assert main(["read", str(log), "--keep-partial-tail"]) == 0


def test_a_large_file_can_be_asked_for(tmp_path, capsys):
    log = tmp_path / "run.csv"
    log.write_text("step,loss\n" + ROWS)
    assert main(["read", str(log), "--max-bytes", "100"]) == 4
    assert "pass a larger --max-bytes" in capsys.readouterr().err
    assert main(["watch", str(log), "--once", "--max-bytes", "100"]) == 4
    assert main(["read", str(log), "--max-bytes", "1k"]) == 0
    for size in ("0", "-1", "1.5G", "G", "", "1e3", "9" * 5000):
        assert main(["read", str(log), f"--max-bytes={size}"]) == 2, size
    assert "Traceback" not in capsys.readouterr().err


def test_one_of_two_columns_of_the_same_name_can_be_asked_for(tmp_path, capsys):
    log = tmp_path / "run.csv"
    log.write_text("step,loss,loss\n" + "".join(f"{i},{3 / i:.4f},{5 / i:.4f}\n" for i in range(1, 60)))
    assert main(["forecast", str(log), "--json", "-"]) == 4
    assert "--metric 'loss#1'" in capsys.readouterr().err
    assert main(["forecast", str(log), "-m", "loss#2", "--json", "-"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert found["metric"] == "loss#2"
    assert main(["watch", str(log), "--once", "-m", "loss#2"]) == 0
    assert "loss#2" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["convert", "-o", "all.parquet", "--json"], ["forecast", "--json"], ["analyze", "--html"]], ids=" ".join
)
def test_an_output_never_overwrites_a_log_of_the_folder_that_is_read(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "deep").mkdir(parents=True)
    log = tmp_path / "runs" / "deep" / "b.csv"
    log.write_text("step,loss\n" + ROWS)
    assert main([words[0], "runs", *words[1:], "runs/deep/b.csv"]) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert log.read_text() == "step,loss\n" + ROWS


def test_what_was_converted_into_the_folder_is_not_read_with_it_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("step,loss\n" + ROWS)
    assert main(["convert", ".", "-o", "all.parquet"]) == 0
    assert main(["convert", ".", "-o", "all.parquet"]) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert len(cf.read("all.parquet")) == 1


def test_results_that_lie_among_the_logs_are_no_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("step,loss\n" + ROWS)
    for _ in range(2):  # the second finds the files of the first
        assert main(["analyze", ".", "--json", "report.json", "--html", "page.html", "-q"]) == 0
        assert [r["run"] for r in json.loads((tmp_path / "report.json").read_text())["reports"]] == ["a"]
    (tmp_path / "one.json").write_text(cf.analyze(cf.read("a.csv")[0]).to_json())
    assert [r.name for r in cf.read(".")] == ["a"]
    capsys.readouterr()


def test_stdout_takes_one_document(tmp_path, capsys):
    log = tmp_path / "a.csv"
    log.write_text("step,loss\n" + ROWS)
    assert main(["analyze", str(log), "--json", "-", "--html", "-"]) == 2
    done = capsys.readouterr()
    assert done.out == "" and "both want stdout" in done.err


def test_runs_of_one_name_have_names_of_their_own(tmp_path, capsys):
    log = tmp_path / "a.csv"
    log.write_text("step,loss\n" + ROWS)
    assert main(["read", *[str(log)] * 3, "--json", "-"]) == 0
    names = [r["run"] for r in json.loads(capsys.readouterr().out)["runs"]]
    assert names == ["a", f"a ({log})", f"a ({log}, 2)"]


def test_ends_of_a_range_are_told_apart(tmp_path, capsys):
    log = tmp_path / "a.csv"
    log.write_text("tokens,loss\n" + "".join(f"{10**15 + i},{2 + i / 1e9:.12f}\n" for i in range(50)))
    assert main(["read", str(log)]) == 0
    out = capsys.readouterr().out
    assert "1e15 to 1.00000000000005e15" in out
    assert "2 to 2.00000005" in out
    log.write_text("step,loss\n-0.0,1\n1,2\n")
    assert main(["read", str(log)]) == 0
    assert " 0 to 1 " in capsys.readouterr().out


def test_a_convert_that_cannot_tell_its_result_does_not_begin(tmp_path, capsys):
    log = tmp_path / "a.csv"
    log.write_text("step,loss\n" + ROWS)
    out = tmp_path / "a.parquet"
    assert main(["convert", str(log), "-o", str(out), "--json", str(tmp_path / "no" / "x.json")]) == 2
    assert not out.exists()
    capsys.readouterr()


def test_what_is_no_encoding_is_refused_whatever_the_file(tmp_path, capsys):
    log = tmp_path / "a.csv"
    log.write_text("\ufeffstep,loss\n" + ROWS, encoding="utf-8")
    for name in ("klingon", "rot13", "hex"):
        assert main(["read", str(log), "--encoding", name]) == 2
        assert "no encoding of text" in capsys.readouterr().err
