"""Logs to run the commands on."""

from __future__ import annotations

import pytest
from healthy_logs import write


@pytest.fixture
def log(tmp_path):
    """One healthy run of 200 steps."""
    return write(tmp_path / "run.csv")


@pytest.fixture
def folder(tmp_path):
    """Two good runs, one without data and one that is no log at all."""
    runs = tmp_path / "runs"
    runs.mkdir()
    write(runs / "a.csv", seed=1)
    write(runs / "b.csv", seed=2)
    (runs / "empty.csv").write_text("step,val_loss\n")
    return runs
