"""Folders: what is a log, what is not, and what only says it is one."""

from __future__ import annotations

from curvefit.readers.read import read_all


def test_a_table_that_is_none_is_a_failure_and_not_passed_over(tmp_path):
    (tmp_path / "good.csv").write_text("step,loss\n1,3\n2,2\n3,1\n")
    (tmp_path / "torn.csv").write_bytes(bytes(range(128, 256)) * 20)
    (tmp_path / "weights.bin").write_bytes(bytes(range(128, 256)) * 20)
    result = read_all(tmp_path)
    assert len(result.runs) == 1 and len(result.skipped) == 1
    assert [f.path.endswith("torn.csv") for f in result.failures] == [True]
