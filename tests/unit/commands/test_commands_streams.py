"""Streams that are closed, full or no longer read: a reason and an exit code, and nothing but data on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from curvefit.__main__ import main
from curvefit.commands._base import Exit

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the devices of Linux")  # noqa: PTH110


def shell(line: str, log) -> subprocess.CompletedProcess[str]:
    """What a shell line does, ``cf`` standing for the command and ``LOG`` for a log."""
    line = line.replace("cf ", f"{sys.executable} -m curvefit ").replace("LOG", f"'{log}'")
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, timeout=60)


def test_messages_never_stand_among_the_data_where_stderr_is_closed(log):
    done = shell("cf read LOG missing.csv --json - 2>&-", log)
    assert done.returncode == Exit.SOME_FAILED
    document = json.loads(done.stdout)
    assert [f["code"] for f in document["failures"]] == ["CF-IO-GONE"]


def test_a_closed_stdout_is_no_bug(log, tmp_path):
    done = shell(f"cf read LOG --json '{tmp_path}/facts.json' >&-", log)
    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert json.loads((tmp_path / "facts.json").read_text())["runs"]


def test_a_closed_stdin_is_said_to_be_closed(log):
    done = shell("cf read - <&-", log)
    assert done.returncode == Exit.NOTHING_READABLE
    assert done.stderr.startswith("error CF-IO-009: <stdin>: standard input is closed")


def test_an_empty_stdin_is_named_once(log):
    done = shell("cf read - </dev/null", log)
    assert done.returncode == Exit.NOTHING_READABLE
    assert done.stderr.startswith("error CF-IO-001: <stdin>: empty file")


@pytest.mark.parametrize("words", ["read LOG LOG", "read LOG --json -"])
def test_a_full_disk_behind_stdout_is_said_once_and_is_no_fault_of_a_run(words, log):
    done = shell(f"cf {words} >/dev/full", log)
    assert done.returncode == Exit.NOTHING_READABLE
    assert done.stderr == "error CF-IO-NOSPC: <stdout>: cannot be written: No space left on device\n"


def test_an_empty_path_is_a_fault_of_the_question_and_loses_no_other(log, capsys):
    assert main(["read", ""]) == Exit.USAGE
    assert "an empty path" in capsys.readouterr().err
    assert main(["read", "", str(log)]) == Exit.SOME_FAILED
    assert "val_loss" in capsys.readouterr().out
