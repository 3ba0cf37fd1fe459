"""Stores are read in a short way where nothing is odd, and it gives what the readers give."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import curvefit as cf
from curvefit.readers._canonical import apply_facts, read_facts
from curvefit.readers.parquet import runs_of_rows, table_of
from curvefit.studies._groups import read_groups
from curvefit.studies._plain import plain_runs

sys.path.insert(0, str(Path(__file__).parent))
from studies_helpers import runs, small_store

X = np.arange(1.0, 21.0)


def both(table: pa.Table) -> tuple[list[cf.Run] | None, list[cf.Run]]:
    """In the short way, and as the readers do it."""
    facts = read_facts(table.schema.metadata or {})
    return plain_runs(table, facts, "f"), apply_facts(runs_of_rows(table.replace_schema_metadata(None), "f"), facts)


def content(run: cf.Run) -> tuple[object, ...]:
    curves = [
        (
            name,
            c.metric,
            c.x_unit,
            c.bounds,
            c.bounds_given,
            dict(c.defects),
            c.x.tolist(),
            c.y.tolist(),
            c.flags.tolist(),
            c.segment.tolist(),
        )
        for name, c in run.curves.items()
    ]
    rate = None if run.schedule is None else (run.schedule.x.tolist(), run.schedule.rate.tolist(), run.schedule.shape)
    return run.name, curves, rate, run.horizon, dict(run.attributes), run.provenance


def several() -> list[cf.Run]:
    """Two curves of different lengths and units, accuracies, a stated direction, a plan, attributes of both types."""
    made = list(runs(3))
    loss, accuracy = cf.Curve(X, 1 / X, "val_loss"), cf.Curve(X[:7], 1 - 1 / X[:7], "val_acc", x_unit="epoch")
    score = cf.Curve(X, 1 / X, cf.Metric.infer("score", direction="min"))
    percent = cf.Curve(X, 100 - X, "val_acc")
    made.append(cf.Run("two", {"val_loss": loss, "val_acc": accuracy}, attributes={"method": "c", "lr": 0.1}))
    made.append(cf.Run("12", {"score": score}, horizon=40.0, attributes={"seed": 3.0, "note": "1e5"}))
    made.append(cf.Run("grün (x)", {"val_acc": percent}))
    return made


def test_plain_rows_give_the_runs_of_the_readers():
    short, long = both(table_of(several()))
    assert short is not None
    assert [content(r) for r in short] == [content(r) for r in long]
    assert not short[0]["val_loss"].y.flags.writeable


def test_a_store_is_read_in_the_short_way(tmp_path, monkeypatch):
    small_store(tmp_path / "store", count=4)
    monkeypatch.setattr("curvefit.studies._groups.runs_of_rows", None)
    file = min((tmp_path / "store").glob("runs-*.parquet"))
    assert [r.name for r in read_groups(file, 0, 0)] == ["run000", "run001"]


def changed(table: pa.Table, name: str, values: object) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(
        at, table.schema.field(at).with_nullable(True), pa.array(values, table.schema.field(at).type)
    )


def odd() -> dict[str, pa.Table]:
    plain = table_of(list(runs(2)))
    n = plain.num_rows
    y, x = plain["y"].to_numpy().copy(), plain["x"].to_numpy().copy()
    y[3] = np.nan
    twice, jump = x.copy(), x.copy()
    twice[1] = twice[0]
    jump[11] = 1e6
    with_rate = cf.Run("r", {"loss": cf.Curve(X, 1 / X, "loss")}, cf.Schedule(X, 0.1 / X))
    return {
        "a value that is not finite": changed(plain, "y", y),
        "one x twice": changed(plain, "x", twice),
        "a jump in x": changed(plain, "x", jump),
        "a resumed run": changed(plain, "segment", np.arange(n) // 6),
        "flags": changed(plain, "flags", np.eye(1, n, 4, dtype=np.uint8)[0]),
        "wall times": changed(plain, "wall_time", np.arange(n) * 1.0),
        "a learning rate": table_of([with_rate]),
        "no facts": plain.replace_schema_metadata(None),
        "runs in turns": plain.take([*range(0, n, 2), *range(1, n, 2)]),
        "a metric that no fact is about": changed(plain, "metric", ["val_loss"] * (n - 3) + ["train_loss"] * 3),
        "a unit that changes": changed(plain, "x_unit", ["step"] * (n - 3) + ["epoch"] * 3),
    }


@pytest.mark.parametrize("what", list(odd()))
def test_what_is_odd_is_left_to_the_readers(what):
    short, _ = both(odd()[what])
    assert short is None


def test_a_store_of_odd_runs_is_read_as_ever(tmp_path):
    for i, table in enumerate(list(odd().values())[:7]):
        file = tmp_path / f"{i}.parquet"
        pq.write_table(table, file)
        assert [content(r)[:-1] for r in read_groups(file, 0, 0)] == [content(r)[:-1] for r in both(table)[1]]
