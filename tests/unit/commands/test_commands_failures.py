"""A failure ends one run; the exit code tells apart what went wrong."""

from __future__ import annotations

import pytest

from curvefit.__main__ import main
from curvefit.commands._attempt import Failures
from curvefit.commands._base import Exit
from curvefit.curves import DataError, ReadError


def test_nothing_failed():
    assert Failures().exit_code(0) == Exit.OK


def test_errors_of_the_package_keep_code_place_and_hint():
    failures = Failures()
    with failures.on("runs/a.csv", stage="read"):
        raise ReadError("3 fields, header has 2", code="CF-IO-007", where="runs/a.csv:1203", hint="look at line 1203")
    (failure,) = failures.items
    assert failure.line() == "error CF-IO-007: runs/a.csv:1203: 3 fields, header has 2 Hint: look at line 1203"
    assert failure.trace == ""
    assert failures.exit_code(0) == Exit.NOTHING_READABLE
    assert failures.exit_code(1) == Exit.SOME_FAILED


def test_a_run_that_was_read_but_refused_is_not_unreadable():
    failures = Failures()
    with failures.on("a"):
        raise DataError("no finite values")
    assert failures.exit_code(0) == Exit.SOME_FAILED


def test_a_bug_is_named_as_one_and_keeps_its_traceback(capsys):
    failures = Failures()
    with failures.on("a"):
        _ = 1 / 0
    assert failures.exit_code(5) == Exit.BUG
    failures.report()
    err = capsys.readouterr().err
    assert "this is a bug in curvefit" in err
    assert "Traceback" in err


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, BrokenPipeError])
def test_what_must_pass_through_passes(error):
    with pytest.raises(error), Failures().on("a"):
        raise error


def test_a_hostile_name_cannot_write_to_the_terminal(capsys):
    failures = Failures()
    with failures.on("\x1b]0;owned\x07.csv"):
        raise DataError("no\nfinite\x9bvalues")
    failures.report()
    err = capsys.readouterr().err
    assert "\x1b" not in err and "\x9b" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["read", "analyze"])
def test_a_folder_without_a_log_is_nothing_readable(command, tmp_path, capsys):
    assert main([command, str(tmp_path)]) == 4
    said = capsys.readouterr().err
    assert "no training log in this folder" in said and "CF-IO-008" in said  # as from curvefit.read
