"""The canonical Parquet form: what is written, what other writers may leave out, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import LimitError, ReadError, UsageError
from curvefit.readers.parquet import write_parquet

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

COLUMNS = {
    "run_id": pa.string(),
    "metric": pa.string(),
    "x": pa.float64(),
    "x_unit": pa.string(),
    "y": pa.float64(),
    "wall_time": pa.float64(),
    "segment": pa.int32(),
    "flags": pa.uint8(),
}


def make(name="a", **options):
    loss = cf.Curve([1, 2, 3], [2.0, np.nan, 1.0], "loss", segment=[0, 0, 1], flags=[1, 0, 4])
    return cf.Run(name, {"loss": loss, "wall_time": cf.Curve([1, 3], [10.0, 30.0], "wall_time")}, **options)


def test_the_schema_is_the_documented_one(tmp_path):
    write_parquet(make(attributes={"seed": 1.0, "opt": "sgd"}), tmp_path / "a.parquet")
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert {n: schema.field(n).type for n in COLUMNS} == COLUMNS
    assert schema.names == [*COLUMNS, "seed", "opt"]
    assert schema.field("seed").type == pa.float64() and schema.field("opt").type == pa.string()
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [(r["metric"], r["x"], r["wall_time"], r["segment"], r["flags"]) for r in rows] == [
        ("loss", 1, 10, 0, 1),
        ("loss", 2, None, 0, 0),
        ("loss", 3, 30, 1, 4),
        ("wall_time", 1, 10, 0, 0),
        ("wall_time", 3, 30, 0, 0),
    ]
    assert np.isnan(rows[1]["y"]) and {r["seed"] for r in rows} == {1.0} and {r["opt"] for r in rows} == {"sgd"}


def test_other_writers_may_leave_out_what_they_do_not_know(tmp_path):
    table = pa.table(
        {
            "run_id": ["a", "a", "a", "b", "b"],
            "metric": ["val_loss", "val_loss", "acc", "acc", "acc"],
            "step": [1, 2, 1, 1, 2],
            "value": [2.0, 1.0, 0.1, 0.2, 0.3],
            "wall_time": [5.0, 6.0, None, None, None],
            "seed": [7, 7, 7, 8, 8],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    a, b = cf.read(tmp_path / "t.parquet")
    np.testing.assert_array_equal(a["val_loss"].y, [2, 1])
    np.testing.assert_array_equal(b["acc"].y, [0.2, 0.3])
    assert a["val_loss"].direction == "min" and a.attributes["seed"] == 7


def test_wall_time_beside_the_values_becomes_a_curve(tmp_path):
    table = pa.table(
        {
            "run_id": ["a"] * 3,
            "metric": ["loss", "loss", "acc"],
            "x": [1.0, 2.0, 2.0],
            "y": [3.0, 2.0, 0.5],
            "wall_time": [10.0, 20.0, 20.0],
            "segment": [0, 0, 0],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    (run,) = cf.read(tmp_path / "t.parquet")
    np.testing.assert_array_equal(run["wall_time"].x, [1, 2])
    np.testing.assert_array_equal(run["wall_time"].y, [10, 20])


def test_wide_parquet_is_read_like_any_table(tmp_path):
    pq.write_table(
        pa.table({"epoch": [1, 2, 3], "loss": [3.0, None, 1.0], "lr": [0.1, 0.1, 0.01]}), tmp_path / "t.parquet"
    )
    (run,) = cf.read(tmp_path / "t.parquet")
    np.testing.assert_array_equal(run["loss"].x, [1, 3])
    assert run["loss"].x_unit == "epoch" and len(run.schedule) == 3


def test_metadata_that_makes_no_sense_is_left_out(tmp_path):
    write_parquet(make(horizon=50), tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    for text in (
        b"",
        b"{",
        b"[1]",
        b'{"version": 99, "runs": {}}',
        b'{"version": 1, "runs": {"a": 3}}',
        b'{"version": 1, "runs": {"a": {"curves": {"loss": {"kind": "x", "bounds": ["a"]}}, "horizon": -1, "attributes": [1]}}}',
        b'{"version": 1, "runs": {"a": {"curves": {"loss": {"kind": "loss", "bounds": [2, 1], "defects": {"a": "b"}}}}}}',
        b'{"version": 1, "runs": {"a": {"schedule": "loss", "came_from": {"restarts": ["x"], "window": -3}}}}',
        b"[" * 100_000,
    ):
        pq.write_table(table.replace_schema_metadata({b"curvefit": text}), tmp_path / "b.parquet")
        (run,) = cf.read(tmp_path / "b.parquet")
        np.testing.assert_array_equal(run["loss"].y, [2, 1])
        assert run.horizon is None


def test_where_a_run_came_from_is_remembered(tmp_path):
    text = "step,loss\n1,9\n2,8\n3,7\n2,8.5\n3,7.5\n"
    (tmp_path / "log.csv").write_text(text)
    write_parquet(cf.read(tmp_path / "log.csv"), tmp_path / "a.parquet")
    (run,) = cf.read(tmp_path / "a.parquet")
    assert run.provenance.restarts == (2.0,) and run.provenance.reader == "parquet"
    assert any("log.csv" in n and "csv_table" in n for n in run.provenance.notes)
    np.testing.assert_array_equal(run["loss"].segment, [0, 1, 1])


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(UsageError, match="two runs are called 'a'"):
        write_parquet([make(), make()], tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="cannot write"):
        write_parquet(make(), tmp_path / "no" / "a.parquet")
    assert list(tmp_path.iterdir()) == [], "nothing half-written is left behind"


def test_an_existing_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    write_parquet(make("old"), path)

    def fail(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("curvefit.readers.parquet._rows", fail)
        write_parquet(make("new"), path)
    assert cf.read(path)[0].name == "old" and len(list(tmp_path.iterdir())) == 1
    write_parquet(make("new"), path)
    assert cf.read(path)[0].name == "new"


def test_strange_names_survive(tmp_path):
    names = ["a/b", "x" * 300, "naïve 😀", "7", "seed=3, lr=0.1"]
    write_parquet([make(n) for n in names], tmp_path / "a.parquet")
    assert [r.name for r in cf.read(tmp_path / "a.parquet")] == names
    write_parquet(make("bad\ud800\x1bname", horizon=9), tmp_path / "b.parquet")
    (run,) = cf.read(tmp_path / "b.parquet")
    assert run.name.isprintable() and run.name.encode("utf-8")


def test_many_runs_and_points(tmp_path):
    rng = np.random.default_rng(2)
    runs = [cf.Run(f"r{i}", {"loss": cf.Curve(np.arange(50), rng.random(50), "loss")}) for i in range(200)]
    write_parquet(runs, tmp_path / "a.parquet")
    read = cf.read(tmp_path / "a.parquet")
    assert [r.name for r in read] == [r.name for r in runs]
    assert all(a["loss"] == b["loss"] for a, b in zip(runs, read, strict=True))


def test_limits(tmp_path):
    write_parquet(make(), tmp_path / "a.parquet")
    with pytest.raises(LimitError):
        cf.read(tmp_path / "a.parquet", max_bytes=100)
    pq.write_table(pa.table({"step": np.zeros(400_000, np.int64), "loss": np.zeros(400_000)}), tmp_path / "z.parquet")
    size = (tmp_path / "z.parquet").stat().st_size
    with pytest.raises(LimitError, match="unpacks"):  # a column of one value packs to almost nothing
        cf.read(tmp_path / "z.parquet", max_bytes=size + 100)


def test_an_encrypted_file_is_refused(tmp_path):
    (tmp_path / "e.parquet").write_bytes(b"PARE" + b"\0" * 200)
    with pytest.raises(ReadError, match="encrypted"):
        cf.read(tmp_path / "e.parquet")


def test_without_pyarrow_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    write_parquet(make(), tmp_path / "a.parquet")
    from curvefit.curves import DependencyError
    from curvefit.readers import parquet

    def missing(module, *, extra, feature):
        raise DependencyError(f"{feature} needs pyarrow", hint=f"pip install 'curvefit[{extra}]'")

    monkeypatch.setattr(parquet, "optional", missing)
    with pytest.raises(DependencyError, match=r"curvefit\[parquet\]"):
        cf.read(tmp_path / "a.parquet")


def test_the_writer_is_public_and_gives_back_what_it_took(tmp_path):
    import curvefit as cf

    accuracy = cf.Curve([1, 2, 3], [0.4, 0.6, 50.0], "val_acc", x_unit="epoch")
    stated = cf.Curve([1, 2, 3], [0.4, 0.6, 0.7], "val_f1", x_unit="epoch", bounds=(0.0, 0.9))
    run = cf.Run("r", {"val_acc": accuracy, "val_f1": stated}, attributes={"seed": 3.0})
    cf.write_parquet(run, tmp_path / "runs.parquet")
    (again,) = cf.read(tmp_path / "runs.parquet")
    assert again["val_acc"] == accuracy
    assert again["val_acc"].until(2).bounds == (0, 1)  # inferred again, not remembered
    assert again["val_f1"].until(2).bounds == (0, 0.9)
    assert dict(again.attributes) == {"seed": 3.0}


@pytest.mark.parametrize(
    ("runs", "path", "said"),
    [
        (5, "a.parquet", "runs = 5"),
        ([5], "a.parquet", r"runs\[0\] is a int"),
        ([], 5, "5 is no path"),
        ("ab", "a.parquet", "runs = 'ab'"),
    ],
)
def test_what_is_no_run_is_not_written(runs, path, said, tmp_path, monkeypatch):
    import curvefit as cf

    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        cf.write_parquet(runs, path)
    assert not list(tmp_path.iterdir())
