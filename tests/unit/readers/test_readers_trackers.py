"""MLflow's file store and database, Trackio's database: written here by hand, read back, damaged, never written to."""

from __future__ import annotations

import io
import math
import sqlite3
import time
from contextlib import closing

import numpy as np
import pytest

import curvefit as cf
from curvefit.readers import Options, registry
from curvefit.readers._source import Source

T0 = 1_700_000_000_000
LARGEST = 1.7976931348623157e308


def points(run: cf.Run, name: str) -> list[tuple[float, float]]:
    return list(zip(run[name].x.tolist(), run[name].y.tolist(), strict=True))


def read_bytes(format: str, data: bytes) -> list[cf.Run]:
    source = Source(io.BytesIO(data), where="memory", path=None, size=len(data), options=Options(), name="memory")
    return registry[format].read(source)


# ------------------------------------------------------------------ MLflow, files


def lines(values, steps=None) -> str:
    steps = range(len(values)) if steps is None else steps
    return "".join(f"{T0 + 1000 * i} {v} {s}\n" for i, (v, s) in enumerate(zip(values, steps, strict=True)))


def store(log, run: str, **metrics: str) -> None:
    log(f"artifact_uri: x\nrun_id: {run}\nrun_name: calm-{run}\nuser_id: me\n", f"mlruns/7/{run}/meta.yaml")
    for name, content in metrics.items():
        log(content, f"mlruns/7/{run}/metrics/{name.replace('__', '/')}")
    log("0.5", f"mlruns/7/{run}/params/lr")
    log("500", f"mlruns/7/{run}/params/max_steps")
    log("secret", f"mlruns/7/{run}/params/api_key")


def test_a_file_store_is_one_run_per_folder(log, tmp_path):
    for run in "ab":
        store(log, run, loss=lines([3, 2, 1]), val__loss=lines(["nan", "0.25", "inf"], [0, 10, 20]))
    log("name: exp\n", "mlruns/7/meta.yaml")
    runs = cf.read(tmp_path)
    assert [r.name for r in runs] == ["calm-a", "calm-b"]
    for run in runs:
        assert points(run, "loss") == [(0, 3), (1, 2), (2, 1)]
        assert points(run, "val/loss") == [(10, 0.25)] and run["val/loss"].nonfinite_x.tolist() == [0, 20]
        assert run.horizon == 500 and run.attributes["lr"] == 0.5 and "api_key" not in run.attributes
        assert run["wall_time"].y[0] == T0 / 1000
        p = run.provenance
        assert (p.rows_in, p.rows_kept) == (6, 6) and p.points_kept == 6 + len(run["wall_time"])


def test_a_metric_without_steps_is_numbered_in_order_of_time(log):
    text = f"{T0 + 5} 3.0 0\n{T0 + 1} 1.0 0\n{T0 + 3} 2.0 0\n"
    (run,) = cf.read(log(text, "metrics/loss"), format="mlflow")
    assert points(run, "loss") == [(1, 1), (2, 2), (3, 3)]
    assert any("numbered" in n for n in run.provenance.notes) and "wall_time" not in run


def test_J11_lines_of_another_form_are_counted(log):
    text = (
        lines([3, 2]) + "12 3\n1 2 3 4\nx y z\n1700000000000 1_0 2\n1700000000000 1e999 2\n\n" + lines([1, 0], [5, 6])
    )
    (run,) = cf.read(log(text, "metrics/loss"))
    assert points(run, "loss") == [(0, 3), (1, 2), (5, 1), (6, 0)]
    assert run.provenance.rows_dropped == {"no time, value and step": 5}


def test_a_metric_file_cut_anywhere_gives_whole_lines():
    text = lines([0.125, 12.5, 1e-7, 3.0])
    ends = [i + 1 for i, c in enumerate(text) if c == "\n"]
    for cut in range(1, len(text)):
        try:
            (run,) = read_bytes("mlflow", text[:cut].encode())
        except cf.CurvefitError:
            assert cut < ends[0]
            continue
        whole = sum(e <= cut for e in ends)
        assert run["memory"].y.tolist() == [0.125, 12.5, 1e-7, 3.0][:whole]
        assert run.provenance.rows_dropped == ({} if cut in ends else {"unterminated last line": 1})


def test_a_resumed_run_supersedes_and_hostile_yaml_is_only_text(log, tmp_path):
    store(log, "a", loss=lines([3, 2, 1, 9, 8], [0, 1, 2, 1, 2]))
    log("run_name: !!python/object/apply:os.system ['touch canary']\n", "mlruns/7/a/meta.yaml")
    (run,) = cf.read(tmp_path)
    assert points(run, "loss") == [(0, 3), (1, 9), (2, 8)]
    assert "python" in run.name and not (tmp_path / "canary").exists()


# ------------------------------------------------------------------ databases


def database(path, *, wal: bool = False, page: int = 4096) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA page_size={page}")
        if wal:
            db.execute("PRAGMA journal_mode=WAL")
        db.executescript(
            "CREATE TABLE runs (run_uuid VARCHAR(32), name VARCHAR(250), lifecycle_stage VARCHAR(20));"
            "CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT,"
            " is_nan BOOLEAN);"
            "CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));"
        )
        db.executemany(
            "INSERT INTO runs VALUES (?, ?, ?)",
            [("a", "same", "active"), ("b", "same", "active"), ("c", "gone", "deleted")],
        )
        for run, shift in (("a", 0.0), ("b", 0.5), ("c", 9.0)):
            rows = [("loss", 1 / (s + 1) + shift, T0 + 1000 * s, run, s, 0) for s in range(6)]
            rows += [
                ("loss", 0.0, T0 + 6000, run, 6, 1),
                ("loss", LARGEST, T0 + 7000, run, 7, 0),
                ("loss", -LARGEST, T0 + 8000, run, 8, 0),
            ]
            rows += [("nostep", float(5 - i), T0 + 100 * (5 - i), run, 0, 0) for i in range(5)]
            db.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.execute("INSERT INTO params VALUES ('max_iters', '400', 'a'), ('lr', '0.5', 'a'), ('opt', 'adam', 'a')")
        db.commit()


def test_a_database_of_mlflow(tmp_path):
    database(tmp_path / "mlflow.db")
    runs = cf.read(tmp_path / "mlflow.db")
    assert [r.name for r in runs] == ["same", "same (2)"]
    first, second = runs
    assert points(first, "loss") == [(float(s), 1 / (s + 1)) for s in range(6)]
    assert first["loss"].nonfinite_x.tolist() == [6, 7, 8]
    assert [math.isnan(v) for v in first["loss"].nonfinite_y] == [True, False, False]
    assert first["loss"].nonfinite_y[1:].tolist() == [math.inf, -math.inf]
    assert points(first, "nostep") == [(float(k), float(k)) for k in range(1, 6)]
    assert points(second, "loss")[0] == (0, 1.5)
    assert dict(first.attributes) == {"run_id": "a", "max_iters": 400.0, "lr": 0.5, "opt": "adam"}
    assert any("deleted" in n for n in first.provenance.notes)
    assert cf.read(tmp_path / "mlflow.db", format="mlflow_db")[0].name == "same"


@pytest.mark.parametrize("wal", [False, True])
def test_nothing_is_written_beside_a_database(tmp_path, wal):
    path = tmp_path / "mlflow.db"
    database(path, wal=wal)
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    tmp_path.chmod(0o555)
    try:
        assert len(cf.read(path)) == 2
    finally:
        tmp_path.chmod(0o755)
    assert len(cf.read(path)) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["mlflow.db"] and before == (
        path.read_bytes(),
        path.stat().st_mtime_ns,
    )


def test_F39_a_database_that_is_being_written_is_read(tmp_path):
    path = tmp_path / "mlflow.db"
    database(path, wal=True)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("INSERT INTO metrics VALUES ('loss', 0.01, ?, 'a', 99, 0)", (T0 + 99_000,))
        writer.commit()
        assert points(cf.read(path)[0], "loss")[-1] == (99, 0.01), "what is in the write-ahead log counts"
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO metrics VALUES ('loss', 0.02, ?, 'a', 100, 0)", (T0 + 99_000,))
        assert points(cf.read(path)[0], "loss")[-1] == (99, 0.01)


def test_databases_of_others_and_hostile_ones_are_refused(tmp_path, refuse):
    with closing(sqlite3.connect(tmp_path / "x.db")) as db:
        db.execute("CREATE TABLE things (a, b)")
        db.execute("CREATE VIEW runs AS SELECT 1 AS run_uuid")
        db.execute(
            "CREATE VIEW metrics AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r)"
            " SELECT n AS run_uuid, n AS key, n AS value, n AS step, n AS timestamp FROM r"
        )
        db.commit()
    data = (tmp_path / "x.db").read_bytes()
    error = refuse(data, "mlflow.db")
    assert error.code == "CF-IO-003" and "things" in error.hint
    assert refuse(b"SQLite format 3\x00" + bytes(84), "mlflow.db").code in ("CF-IO-017", "CF-IO-003")


def test_values_that_are_no_numbers_are_counted(tmp_path):
    path = tmp_path / "mlflow.db"
    database(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "INSERT INTO metrics VALUES ('loss', 'much', 1, 'a', 50, 0), ('loss', 0.5, 1, 'a', 'late', 0), ('loss', NULL, 1, 'a', 51, 0)"
        )
        db.commit()
    run = cf.read(path)[0]
    assert len(run["loss"]) == 6 and run.provenance.rows_dropped == {"no number": 3}


def test_a_damaged_database_is_read_or_refused(tmp_path):
    database(tmp_path / "m.db", page=512)
    data = (tmp_path / "m.db").read_bytes()
    assert read_bytes("sqlite", data)
    for cut in range(0, len(data), 23):
        with pytest.raises(cf.CurvefitError):
            read_bytes("sqlite", data[:cut])
    rng = np.random.default_rng(8)
    for _ in range(250):
        broken = bytearray(data)
        for bit in rng.integers(8 * 100, 8 * len(data), size=3).tolist():
            broken[bit // 8] ^= 1 << bit % 8
        try:
            assert all(isinstance(r, cf.Run) for r in read_bytes("sqlite", bytes(broken)))
        except cf.CurvefitError as error:
            assert error.code.startswith("CF-")


# ------------------------------------------------------------------ Trackio


@pytest.mark.parametrize("run_id", [True, False], ids=["with run_id", "before run_id"])
def test_a_database_of_trackio(tmp_path, run_id):
    path = tmp_path / "project.db"
    own = "run_id TEXT, " if run_id else ""
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            f"CREATE TABLE metrics (id INTEGER PRIMARY KEY, {own}timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT)"
        )
        db.execute("CREATE TABLE configs (id INTEGER PRIMARY KEY, run_name TEXT, config TEXT)")
        for run in ("one", "two"):
            db.execute(
                "INSERT INTO configs (run_name, config) VALUES (?, ?)",
                (run, b'{"lr": 0.1, "max_steps": 90, "_Username": null}'),
            )
            for s in range(6):
                logged = b'{"loss": %d.5, "val": {"loss": %s}}' % (9 - s, b'"NaN"' if s == 2 else b"%d" % s)
                db.execute(
                    f"INSERT INTO metrics ({'run_id, ' if run_id else ''}timestamp, run_name, step, metrics) VALUES ({'?, ' if run_id else ''}?, ?, ?, ?)",
                    (*(["id"] if run_id else []), f"2026-01-01T00:00:0{s}+00:00", run, s, logged),
                )
        db.execute("INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES ('x', 'one', 7, '{broken')")
        db.commit()
    runs = cf.read(path)
    assert [r.name for r in runs] == ["one", "two"]
    for run in runs:
        assert points(run, "loss") == [(float(s), 9.5 - s) for s in range(6)]
        assert len(run["val.loss"]) == 5 and run["val.loss"].nonfinite_x.tolist() == [2]
        assert run.attributes["lr"] == 0.1 and run.horizon == 90
        assert np.diff(run["wall_time"].y).tolist() == [1.0] * 5
    assert runs[0].provenance.rows_dropped == {"broken JSON": 1}


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="needs tzset")
def test_a_time_without_zone_means_the_same_everywhere(tmp_path, monkeypatch):
    path = tmp_path / "project.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE metrics (timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT)")
        for s in range(4):
            db.execute("INSERT INTO metrics VALUES (?, 'one', ?, '{\"loss\": 1.5}')", (f"2026-01-01T00:00:0{s}", s))
        db.commit()
    try:
        for zone in ("Asia/Kolkata", "America/New_York"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            assert cf.read(path)[0]["wall_time"].y.tolist() == [1767225600.0 + s for s in range(4)], zone
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_folder_of_too_many_metrics_says_what_was_read_and_keeps_its_name(tmp_path, monkeypatch):
    (tmp_path / "0" / "r" / "metrics").mkdir(parents=True)
    (tmp_path / "0" / "r" / "meta.yaml").write_text("run_name: calm-river-7\n")
    for k in range(8):
        (tmp_path / "0" / "r" / "metrics" / f"m{k}").write_text("1700000000000 2.5 0\n1700000001000 1.5 10\n")

    def said():
        (run,) = cf.read(tmp_path)
        assert "calm-river-7" in run.name
        return len([n for n in run if n != "wall_time"]), [n for n in run.provenance.notes if "no more than that" in n]

    assert said() == (8, [])
    monkeypatch.setattr("curvefit.readers.mlflow.MAX_FILES", 6)
    assert said() == (4, ["5 files of this run were read, no more than that are of one run"])
