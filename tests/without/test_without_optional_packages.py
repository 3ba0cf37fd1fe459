"""Without an optional package: the plain way, or an error that says what is missing and how to get it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def command(hidden, *arguments, cwd):
    """Run the command line in an interpreter in which some packages cannot be imported."""
    program = (
        f"import sys\nfor name in {list(hidden)!r}: sys.modules[name] = None\n"
        f"from curvefit.__main__ import main\nsys.exit(main({[str(a) for a in arguments]!r}))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    file = tmp_path_factory.mktemp("without") / "run.csv"
    rng = np.random.default_rng(3)
    rows = (f"{x},{2 + 3 * x**-0.5 + 0.01 * rng.standard_normal():.5f}" for x in range(1, 201))
    file.write_text("step,val_loss\n" + "\n".join(rows) + "\n")
    return file


def test_the_report_is_plain_text_without_rich(log):
    done = command(["rich"], "analyze", log, "--quiet", cwd=log.parent)
    assert done.returncode == 0, done.stderr
    assert "val_loss" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_what_is_said_is_the_same_with_and_without_rich(log):
    """The words do not depend on who draws the frame."""
    plain = command(["rich"], "analyze", log, "--quiet", "--json", "-", cwd=log.parent).stdout
    rich = command([], "analyze", log, "--quiet", "--json", "-", cwd=log.parent).stdout
    assert plain == rich


def test_a_parquet_file_names_the_extra_without_pyarrow(log, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pa.table({"step": np.arange(1.0, 101), "val_loss": 1 / np.arange(1.0, 101)})
    parquet.write_table(table, tmp_path / "run.parquet")
    done = command(["pyarrow"], "read", tmp_path / "run.parquet", cwd=tmp_path)
    assert done.returncode == 4
    assert "pyarrow" in done.stderr
    assert "pip install 'curvefit[parquet]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("hidden", ["pyarrow", "polars", "sklearn", "dask"])
def test_a_csv_needs_none_of_them(log, hidden):
    done = command([hidden], "read", log, cwd=log.parent)
    assert done.returncode == 0, done.stderr


def test_a_report_needs_no_slow_package(log):
    """Nothing that takes seconds to import is touched by `curvefit analyze` without a figure."""
    slow = ["pandas", "matplotlib", "lmfit", "statsmodels", "scipy.stats", "pyarrow"]
    done = command(slow, "analyze", log, "--quiet", cwd=log.parent)
    assert done.returncode == 0, done.stderr


def test_an_html_page_names_the_extra_without_jinja2(log, tmp_path):
    done = command(["jinja2"], "analyze", log, "--html", tmp_path / "page.html", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "pip install 'curvefit[report]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
    assert command(["jinja2"], "analyze", log, "--quiet", cwd=tmp_path).returncode == 0
