"""A batch over names that stand for several runs: each is answered by itself, none is joined with another."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import UsageError
from curvefit.studies._scan import canonical

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def table(sources, *, clash="source", points=12, order=None):
    """One run of one name per source, in the canonical form."""
    x = np.tile(np.arange(1.0, points + 1), len(sources))
    level = np.repeat(np.arange(1.0, len(sources) + 1), points)
    columns = {
        "run_id": ["a"] * x.size,
        "metric": ["val_loss"] * x.size,
        "x": x,
        "x_unit": ["step"] * x.size,
        "y": level + 1 / x,
        "segment": pa.array([0] * x.size, pa.int32()),
        clash: np.repeat(sources, points).tolist(),
    }
    made = pa.table(columns)
    return made if order is None else made.take(pa.array(order))


ASKED = {"models": None, "tables": "estimates", "estimands": "best_point"}


@pytest.mark.parametrize("group", [8, 12, 1000])
@pytest.mark.parametrize("clash", ["source", "seed"])
def test_one_name_in_two_sources_is_two_rows(tmp_path, group, clash):
    values = ["s", "t"] if clash == "source" else [1.0, 2.0]
    pq.write_table(table(values, clash=clash), tmp_path / "runs.parquet", row_group_size=group)
    assert canonical(tmp_path / "runs.parquet") is None
    result = cf.batch(tmp_path / "runs.parquet", tmp_path / "out", **ASKED)
    rows = result.arrow("runs", ["run", "n", "y_last", clash]).to_pylist()
    assert [(r["n"], r[clash]) for r in rows] == [(12, values[0]), (12, values[1])]
    assert [r["y_last"] for r in rows] == [1 + 1 / 12, 2 + 1 / 12]
    assert len({r["run"] for r in rows}) == 2


def test_rows_of_two_sources_in_turn_are_told_apart(tmp_path):
    order = np.arange(24).reshape(2, 12).T.ravel()
    pq.write_table(table(["s", "t"], order=order), tmp_path / "runs.parquet", row_group_size=5)
    result = cf.batch(tmp_path / "runs.parquet", tmp_path / "out", **ASKED)
    assert {r["run"]: r["n"] for r in result.arrow("runs", ["run", "n"]).to_pylist()} == {"s/a": 12, "t/a": 12}


def test_a_file_without_clashes_is_worked_on_in_place(tmp_path):
    one = table(["s"]).append_column("note", pa.array([None, "x"] * 6))
    pq.write_table(one.append_column("kind", pa.array(["loss"] * 12)), tmp_path / "runs.parquet", row_group_size=5)
    assert canonical(tmp_path / "runs.parquet") == [tmp_path / "runs.parquet"]
    result = cf.batch(tmp_path / "runs.parquet", tmp_path / "out", **ASKED)
    assert result.arrow("runs", ["run", "source"]).to_pylist() == [{"run": "a", "source": "s"}]


def test_one_name_in_two_files_is_refused_by_name(tmp_path):
    (tmp_path / "data").mkdir()
    for source in ("s", "t"):
        pq.write_table(table([source]), tmp_path / "data" / f"{source}.parquet")
    result = cf.batch(tmp_path / "data", tmp_path / "out", **ASKED)
    (row,) = result.arrow("runs", ["run", "status", "code", "reason"]).to_pylist()
    assert (row["run"], row["status"], row["code"]) == ("a", "refused", "CF-DATA-010")
    assert "s.parquet, t.parquet" in row["reason"]


def test_all_metrics_whose_direction_is_known(tmp_path):
    x = np.arange(1.0, 13)
    names = ("val_loss", "accuracy", "lr", "riddle")
    run = cf.Run("r", {n: cf.Curve(x, 1 / x, n) for n in names})
    result = cf.batch([run], tmp_path / "out", metrics="all", **ASKED)
    assert result.arrow("runs", ["metric"])["metric"].to_pylist() == ["val_loss", "accuracy"]
    both = cf.batch([run], tmp_path / "both", metrics=["accuracy", "all"], **ASKED)
    assert both.arrow("runs", ["metric"])["metric"].to_pylist() == ["accuracy", "val_loss"]
    with pytest.raises(UsageError, match="direction without a metric"):
        cf.batch([run], tmp_path / "no", metrics="all", direction="min", **ASKED)
