"""Watching logs that grow: what is shown, how it ends, and the terminal afterwards."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from importlib import resources

import numpy as np
import pytest
from healthy_logs import write

from curvefit.__main__ import main
from curvefit.commands._screen import ENTER, LEAVE
from curvefit.commands._sparkline import clipped, sparkline, width_of
from curvefit.commands._watched import Watched

OWN = re.compile(r"\x1b\[(\?1049[hl]|\?25[hl]|H|J|K|0m|1m|2m|31m|33m)")  # the sequences that are ours


def rising(path):
    """A real run whose validation loss has long been rising while training goes on."""
    path.write_bytes((resources.files("curvefit.datasets") / "overfitting.csv").read_bytes())
    return path


# ------------------------------------------------------------------ one look


def test_one_look_shows_curve_forecast_and_advice(log, capsys):
    assert main(["watch", str(log), "--once"]) == 0
    out = capsys.readouterr().out
    for words in (
        "run · val_loss · step 200 of 400",
        "now ",
        "forecast at step 400",
        "95 % for a new value",
        "▶ ",
        "next check",
    ):
        assert words in out, words
    assert "│" in out and "█" in out and "\x1b" not in out


def test_one_look_for_a_program(folder, capsys):
    assert main(["watch", str(folder), "--once", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1 and document["command"] == "watch"
    assert [r["run"] for r in document["runs"]] == ["a", "b"]
    for run in document["runs"]:
        f = run["forecast"]
        assert f["low"] < f["median"] < f["high"] and f["x"] == 400 and f["kind"] == "prediction"
        assert run["recommendation"]["action"] == "continue" and run["code"] == 0 and run["next_check"] == 201
    assert document["bytes_read"] == sum(p.stat().st_size for p in folder.iterdir()) and document["restarts"] == 0


def test_json_goes_to_a_file_whole(log, tmp_path, capsys):
    target = tmp_path / "state.json"
    assert main(["watch", str(log), "--once", "--json", str(target)]) == 0
    assert json.loads(target.read_text())["runs"][0]["points"] == 200
    assert "val_loss" in capsys.readouterr().out
    assert main(["watch", str(log), "--once", "--json", str(tmp_path / "no" / "x.json")]) == 2


@pytest.mark.parametrize(("make", "code"), [(write, 0), (rising, 10)])
def test_the_advice_is_the_exit_code(tmp_path, make, code, capsys):
    path = make(tmp_path / "a.csv")
    assert main(["watch", str(path), "--once", "--exit-code"]) == code
    assert main(["watch", str(path), "--once"]) == 0
    capsys.readouterr()


def test_the_most_urgent_of_several_counts(tmp_path, capsys):
    write(tmp_path / "a.csv")
    rising(tmp_path / "b.csv")
    assert main(["watch", str(tmp_path), "--once", "--exit-code"]) == 10
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nothing.csv"], 4, "no such file"),
        (["-"], 2, "standard input cannot be watched"),
        (["run.csv", "--metric", "valloss"], 2, "val_loss"),
        (["run.csv", "--every", "0"], 2, "seconds"),
        (["empty.csv"], 4, "no data rows"),
        ([".", "--format", "wandb"], 4, "no training log in there"),
    ],
)
def test_what_cannot_be_watched_says_so(log, tmp_path, monkeypatch, capsys, arguments, code, says):
    (tmp_path / "empty.csv").write_text("step,val_loss\n")
    monkeypatch.chdir(tmp_path)
    got = main(["watch", *arguments, "--once"])
    err = capsys.readouterr().err
    assert got == code and says in err and "Traceback" not in err


def test_a_run_that_cannot_be_judged_does_not_hide_the_others(folder, capsys):
    (folder / "c.csv").write_text("step,val_loss\n1,nan\n2,nan\n")
    assert main(["watch", str(folder), "--once"]) == 3
    done = capsys.readouterr()
    assert "a · val_loss" in done.out and "c" in done.err and "Traceback" not in done.err


# ------------------------------------------------------------------ when a run is judged again


def test_a_run_is_judged_anew_when_there_is_enough_that_is_new(tmp_path, monkeypatch):
    import curvefit as cf
    from curvefit import analysis
    from curvefit.commands import registry
    from curvefit.commands._parser import Parser

    parser = Parser(prog="watch")
    registry["watch"].add_arguments(parser)
    args = parser.parse_args(["x"])
    count = []

    def run(n):
        x = np.arange(1.0, n + 1)
        return cf.Run("r", {"val_loss": cf.Curve(x, 2 + 1 / x, "val_loss")})

    report = analysis.analyze(run(20), model=None)
    monkeypatch.setattr(analysis, "analyze", lambda *a, **k: count.append(1) or report)
    watched = Watched("r", args)
    for n in (20, 20, 21, 22):
        watched.update(run(n))
    assert len(count) == 3 and watched.next_check == 23
    watched.update(run(6000))
    watched.update(run(6100))
    assert len(count) == 4, "two percent more are needed by then"
    assert watched.next_check == 6120
    watched.update(run(6120))
    watched.update(run(10))
    assert len(count) == 6, "the run began anew"


# ------------------------------------------------------------------ a terminal


class Terminal:
    """The command in a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 100))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.text = ""
        environment = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", "NO_COLOR": ""}
        environment.pop("NO_COLOR")
        command = [sys.executable, "-m", "curvefit", "watch", *arguments, "--every", "0.1"]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)

    def until(self, words: str, seconds: float = 60) -> None:
        """Read until the words are there."""
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end, f"{words!r} is not in:\n{self.text[-2000:]}"
            self._read(0.2)

    def _read(self, wait: float) -> bool:
        if not select.select([self.master], [], [], wait)[0]:
            return False
        try:
            self.text += os.read(self.master, 65536).decode("utf-8", "replace")
        except OSError:
            return False
        return True

    def end(self) -> int:
        code = self.process.wait(60)
        while self._read(0.1):
            pass
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is as it was"
        os.close(self.master)
        os.close(self.slave)
        return code


@pytest.fixture
def terminal():
    """Start the command in a terminal; it is ended whatever happens."""
    started = []

    def start(*arguments: str) -> Terminal:
        started.append(Terminal(*arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def test_in_a_terminal_it_is_redrawn_and_ends_cleanly(tmp_path, terminal):
    path = write(tmp_path / "a.csv", n=30)
    shown = terminal(str(tmp_path))
    shown.until("step 30 of 60")
    with path.open("a") as file:
        file.write("31,1.9,2.4\n32,1.9,2.4")
    shown.until("step 31 of 62")
    write(tmp_path / "evil\x1b[31m\x1b]0;owned\x07.csv", n=20)
    shown.until("evil\\x1b[31m\\x1b]0;owned\\x07")
    path.write_text(path.read_text()[:200])
    shown.until("1 time a file was cut or written anew")
    shown.process.send_signal(signal.SIGINT)
    assert shown.end() == 130
    text = shown.text
    assert text.startswith(ENTER) and text.count(ENTER) == text.count(LEAVE) == 1
    assert "a · val_loss" in text.split(LEAVE)[1], "what was seen last stays on the screen"
    assert "\x1b" not in OWN.sub("", text) and "\x07" not in text, "nothing of the log's names"
    assert "Traceback" not in text


def test_in_a_terminal_it_ends_when_the_advice_is_confirmed(tmp_path, terminal):
    path = rising(tmp_path / "a.csv")
    shown = terminal(str(path), "--exit-code")
    shown.until("Stop now")
    assert shown.process.poll() is None, "said once"
    with path.open("a") as file:
        file.write("121,0.05,0.99,1.75,0.72,0.001\n")
    assert shown.end() == 10
    assert "a: Stop now" in shown.text.split(LEAVE)[1]


# ------------------------------------------------------------------ the picture


def test_a_sparkline_follows_its_curve():
    x = np.arange(100.0)
    line = sparkline(x, 100 - x, [100, 200], [0, -100], width=61, direction="min")
    past, ahead = line.split("│")
    assert len(line) == 61 and len(past) == 30
    assert past[0] == "█" and ahead[-1] == "▁" and list(past + ahead) == sorted(past + ahead, reverse=True)
    assert sparkline(x, x, width=20, unicode=False)[0] == "_" and sparkline([], []) == ""
    assert set(sparkline(x, np.ones(100), width=20)) == {"▁"} and len(sparkline([1.0], [2.0])) == 1


def test_texts_are_cut_by_the_columns_they_take():
    assert width_of("日本") == 4 and width_of("e\u0301") == 1
    assert clipped("日本語", 5) == "日本…" and clipped("abc", 3) == "abc" and clipped("abcd", 3) == "ab…"


def test_an_option_that_would_do_nothing_is_not_taken(log, capsys):
    assert main(["watch", str(log), "--once", "--jobs", "2"]) == 2
    assert "unrecognized arguments: --jobs 2" in capsys.readouterr().err
