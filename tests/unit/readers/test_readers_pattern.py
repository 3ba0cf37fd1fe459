"""A form of line that the caller describes by one regular expression."""

from __future__ import annotations

import json
import threading
import time

import pytest

import curvefit as cf
from curvefit.__main__ import main

PLAIN = r"it=(?P<step>\d+) L=(?P<loss>\S+)"


def test_named_groups_are_x_and_metrics(log):
    lines = [f"[I] it={i} of 50 L={3 / i:.4f}, V={4 / i:.4f}; ok\nnoise {i}\n" for i in range(1, 9)]
    pattern = r"it=(?P<step>\d+) of (?P<horizon>\d+) L=(?P<loss>\S+) V=(?P<val_loss>\S+)"
    (run,) = cf.read(log("".join(lines), "a.log"), pattern=pattern)
    assert run["loss"].x.tolist() == list(range(1, 9))
    assert run["val_loss"].y.tolist() == [round(4 / i, 4) for i in range(1, 9)]
    assert run.horizon == 50 and run["val_loss"].metric.split == "val" and run["loss"].metric.split == "train"
    assert "8 of 16 lines match the pattern" in run.provenance.notes


def test_a_group_of_texts_tells_the_splits_apart(log):
    lines = "".join(f"{s} at {i}: loss {v}\n" for i in range(1, 5) for s, v in (("train", 1 / i), ("val", 2 / i)))
    (run,) = cf.read(log(lines, "a.log"), pattern=r"(?P<split>train|val) at (?P<step>\d+): loss (?P<loss>\S+)")
    assert run["train/loss"].y.tolist() == [1 / i for i in range(1, 5)]
    assert run["val/loss"].y.tolist() == [2 / i for i in range(1, 5)]


def test_what_is_no_number_is_counted_and_the_cut_line_too(log):
    text = "it=1 L=2.5\nit=2 L=nan\nit=3 L=oops\nit=4 L=1e999\nit=5 L=1_0\nit=6 L=2.0\nit=7 L=1."
    (run,) = cf.read(log(text, "a.log"), pattern=PLAIN)
    assert run["loss"].x.tolist() == [1, 6] and run["loss"].nonfinite_x.tolist() == [2]
    assert run["loss"].defects == {"not a number": 2, "too large for a float": 1}
    assert run.provenance.rows_dropped["unterminated last line"] == 1
    (kept,) = cf.read(log(text, "a.log"), pattern=PLAIN, keep_partial_tail=True)
    assert kept["loss"].x.tolist() == [1, 6, 7]


def test_without_x_the_lines_are_numbered_on_demand(log):
    path = log("L=3.0\nL=2.0\nL=1.0\n", "a.log")
    (run,) = cf.read(path, pattern=r"L=(?P<loss>\S+)", x="row")
    assert run["loss"].x.tolist() == [1, 2, 3]
    with pytest.raises(cf.CurvefitError, match="no group of the pattern is a step"):
        cf.read(path, pattern=r"L=(?P<loss>\S+)")


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (r"loss (\S+)", "names no group"),
        (r"(?P<step>\d+)", "no group of the pattern is a metric"),
        (r"(?P<step>\d+) (?P<horizon>\d+)", "no group of the pattern is a metric"),
        (r"(?P<step>\d+", "no regular expression"),
        (r"(?P<step>\d+)(?P<loss>\S+)" + "a" * 1000, "characters"),
    ],
)
def test_a_pattern_that_cannot_serve_is_refused(log, pattern, what):
    with pytest.raises(cf.CurvefitError, match=what) as caught:
        cf.read(log("it=1 L=2\n", "a.log"), pattern=pattern)
    assert caught.value.code == "CF-USE-014" and caught.value.hint


def test_a_pattern_is_for_console_logs(log):
    with pytest.raises(cf.CurvefitError, match="console logs"):
        cf.read(log("it=1 L=2\n", "a.log"), pattern=PLAIN, format="csv_table")


def test_no_line_fits(refuse):
    error = refuse("it=1 loss=2\n", "a.log", pattern=PLAIN)
    assert error.code == "CF-IO-003" and "none of 1 line" in error.what


@pytest.mark.parametrize(
    "pattern",
    [r"step (?P<step>\d+) loss (?P<loss>(a+)+)$", r"step (?P<step>\d+) loss (?P<loss>a*a*a*a*)$"],
    ids=["exponential", "polynomial"],
)
def test_a_pattern_that_does_not_end_is_stopped_with_its_line(refuse, pattern):
    begin = time.monotonic()
    error = refuse("step 1 loss aa\nstep 2 loss " + "a" * 5000 + "!\n", "a.log", pattern=pattern)
    assert error.code == "CF-IO-LIMIT" and error.where.endswith("a.log:2")
    assert time.monotonic() - begin < 60


def test_also_outside_the_main_thread(log):
    path = log("step 2 loss " + "a" * 5000 + "!\n", "a.log")
    caught = []

    def work():
        try:
            cf.read(path, pattern=r"step (?P<step>\d+) loss (?P<loss>(a+)+)$")
        except cf.CurvefitError as error:
            caught.append(error.code)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert caught == ["CF-IO-LIMIT"]


def test_in_a_folder_other_files_are_passed_over(log):
    log("it=1 L=3\nit=2 L=2\n", "runs/a.log")
    log("hello\n", "runs/notes.txt")
    log(b"\x00\x01\x02" * 99, "runs/blob.bin")
    (run,) = cf.read(log("it=1 L=5\nit=2 L=4\n", "runs/b/b.log").parent.parent, pattern=PLAIN)[:1]
    runs = cf.read(log("x\n", "runs/other.md").parent, pattern=PLAIN)
    assert [r.name for r in runs] == ["a", "b/b"] and run["loss"].y.tolist() == [3, 2]


def test_on_the_command_line(log, capsys):
    path = log("it=1 L=3\nit=2 L=2\n", "a.log")
    assert main(["read", str(path), "--pattern", PLAIN, "--json", "-"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["metrics"][0]["points"] == 2
    assert main(["read", str(path), "--pattern", "("]) == 2
    assert "CF-USE-014" in capsys.readouterr().err
