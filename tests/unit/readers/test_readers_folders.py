"""Folders: what is a log, what is not, and what only says it is one."""

from __future__ import annotations

import functools
import os

import pytest

import curvefit as cf
from curvefit.curves import ReadError
from curvefit.readers.read import read_all


def test_a_table_that_is_none_is_a_failure_and_not_passed_over(tmp_path):
    (tmp_path / "good.csv").write_text("step,loss\n1,3\n2,2\n3,1\n")
    (tmp_path / "torn.csv").write_bytes(bytes(range(128, 256)) * 20)
    (tmp_path / "weights.bin").write_bytes(bytes(range(128, 256)) * 20)
    result = read_all(tmp_path)
    assert len(result.runs) == 1 and len(result.skipped) == 1
    assert [f.path.endswith("torn.csv") for f in result.failures] == [True]


def test_a_document_that_breaks_inside_a_text_says_what_to_try(log):
    with pytest.raises(ReadError, match=r"broken JSON.*while it was written"):
        cf.read(log('{"log_history": [{"loss": 2.0, "ste', "state.json"))
    with pytest.raises(ReadError, match=r"broken JSON.*export it again"):
        cf.read(log('{"log_history": [{"loss": 2.0,, "step": 1}, {"loss": 1.0, "step": 2}]}', "state.json"))


def test_several_processes_read_the_same_in_the_same_order(log, tmp_path):
    for i in range(70):
        log(f"step,loss\n1,{i}\n2,{i / 2}\n", f"runs/r{i}/log.csv")
    log("step,loss\n", "runs/r5/empty.csv")
    log(b"\0\1", "runs/r6/blob.bin")
    one, two = read_all(tmp_path / "runs"), read_all(tmp_path / "runs", jobs=2)
    assert [(r.name, dict(r.curves)) for r in one.runs] == [(r.name, dict(r.curves)) for r in two.runs]
    assert len(one.runs) == 70 and [f.error.code for f in two.failures] == ["CF-IO-002"]
    assert one.skipped.counts == two.skipped.counts


def test_a_process_that_dies_loses_nothing(monkeypatch):
    from curvefit.readers import _parallel

    monkeypatch.setattr(_parallel, "CHUNK", 2)
    here = os.getpid()
    found = dict(_parallel.outcomes(functools.partial(dies_elsewhere, here), range(9), 2))
    assert found == {i: i * i for i in range(9)}


def dies_elsewhere(here: int, value: int) -> int:
    if os.getpid() != here:
        os._exit(9)
    return value * value


@pytest.mark.parametrize("jobs", [0, -1, 1000, "2", True])
def test_a_number_of_processes_that_makes_no_sense(log, jobs):
    path = log("step,loss\n1,2\n2,1\n", "runs/log.csv")
    with pytest.raises(cf.CurvefitError, match="jobs"):
        cf.read(path.parent, jobs=jobs)
