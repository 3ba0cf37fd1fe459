"""Output files are whole or absent; tables and file names are harmless."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from curvefit import CurvefitError
from curvefit.commands._output import OutputFile
from curvefit.commands._sparkline import width_of
from curvefit.commands._table import table
from curvefit.curves import UsageError


def names(folder):
    return [f.name for f in folder.iterdir()]


def test_the_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "out.json"
    with OutputFile(target, "--json") as file:
        assert not target.exists()
        file.write(b"{}")
    assert target.read_bytes() == b"{}"
    assert names(tmp_path) == ["out.json"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "out.json"
    target.write_text("old")
    with pytest.raises(RuntimeError), OutputFile(target, "--json"):
        raise RuntimeError
    assert target.read_text() == "old"
    assert names(tmp_path) == ["out.json"]


def test_new_files_have_the_mode_of_any_other_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    with OutputFile(tmp_path / "ours", "--json") as file:
        file.write(b"x")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_symbolic_link_is_refused_even_when_it_dangles(tmp_path):
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("link", "dangling"):
        with pytest.raises(UsageError, match="symbolic link"), OutputFile(tmp_path / name, "--json"):
            pass
    assert (tmp_path / "elsewhere").read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


def test_places_that_cannot_work_are_known_before_the_work(tmp_path):
    with pytest.raises(UsageError, match="does not exist"), OutputFile(tmp_path / "no" / "out", "--json"):
        pass
    with pytest.raises(UsageError, match="is a folder"), OutputFile(tmp_path, "--json"):
        pass
    with pytest.raises(UsageError, match="cannot be written"), OutputFile("/proc/out", "--json"):
        pass


def test_a_device_is_written_directly():
    with OutputFile("/dev/null", "--json") as file:
        file.write(b"x")
    assert Path("/dev/null").is_char_device(), "not replaced by a file"


def test_a_full_device_is_an_error_of_its_own():
    with pytest.raises(CurvefitError, match="CF-IO-NOSPC"), OutputFile("/dev/full", "--json") as file:
        file.write(b"x")


def test_a_full_disk_keeps_the_old_file_and_removes_the_temporary_one(tmp_path):
    """A process whose files may not exceed 4 kB stands for a disk that is full."""
    (tmp_path / "out").write_text("old")
    program = (
        "from curvefit.commands._output import OutputFile\n"
        "from curvefit import CurvefitError\n"
        "try:\n"
        "    with OutputFile('out', '--json') as file: file.write(b'x' * 10000)\n"
        "except CurvefitError as error: print(error.code)\n"
    )

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=env,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "CF-IO-NOSPC", done.stderr
    assert (tmp_path / "out").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_table_is_aligned_and_wraps_its_last_column():
    text = table(("n", "name", "what"), [("1", "a", "short"), ("10", "bb", "word " * 30)], right=(0,), width=60)
    lines = text.splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert lines[2].startswith(" 1  a ")
    assert lines[3].startswith("10  bb")
    assert len(lines) > 5


def test_a_table_shows_control_characters():
    assert "\x1b" not in table(("a",), [("\x1b[31mred\x1b[0m",)])


def test_columns_are_aligned_where_letters_are_wide():
    lines = table(("metric", "n"), [("\u635f\u5931", "1"), ("e\u0301t\u00e9", "22")], right=(1,)).splitlines()
    assert [width_of(line) for line in lines] == [10, 10, 10, 10]
    assert lines[2] == "\u635f\u5931     1"


def test_a_table_of_long_names_still_fits():
    row = ("a" * 50, "b" * 50, "1.5 [1.2, 1.9]", "train on", "overfitting, spikes, regime_change")
    lines = table(("run", "metric", "at the horizon", "decision", "warnings"), [row], width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.count("a") for line in lines[2:]) >= 50
