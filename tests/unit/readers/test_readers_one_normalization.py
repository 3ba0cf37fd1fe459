"""One run in every format is one run: names, splits, restarts, plans and accounts do not depend on who wrote it."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import zlib
from contextlib import closing

import numpy as np
import pytest
from event_files import event, simple

import curvefit as cf
from curvefit.curves import Run

STEPS = [*range(1, 21), *range(15, 26)]  # resumed at 15
KINDS = {
    "eval_loss": ("loss", "min", "val"),
    "val/loss": ("loss", "min", "val"),
    "valid_loss": ("loss", "min", "val"),
    "test_acc": ("accuracy", "max", "test"),
    "train/box_loss": ("loss", "min", "train"),
    "metrics/mAP50(B)": ("accuracy", "max", None),
    "val_perplexity": ("other", "min", "val"),
    "train/grad_norm": ("other", None, "train"),
    "episode_reward": ("reward", "max", None),
}
ROWS = [(s, [0.5 + (k + 1) / (s + i / 64) for k in range(len(KINDS))]) for i, s in enumerate(STEPS)]
PLAN = 400.0


def csv(folder):
    lines = [",".join(["step", *KINDS]), *(",".join(map(repr, [s, *v])) for s, v in ROWS)]
    (folder / "run.csv").write_text("\n".join(lines) + "\n")
    return folder / "run.csv"


def objects():
    return [{"step": s, **dict(zip(KINDS, v, strict=True))} for s, v in ROWS]


def json_lines(folder):
    facts = json.dumps({"_meta": {"max_steps": PLAN}}) + "\n"
    (folder / "run.jsonl").write_text(facts + "".join(json.dumps(row) + "\n" for row in objects()))
    return folder / "run.jsonl"


def json_table(folder):
    (folder / "run.json").write_text(json.dumps({"max_steps": PLAN, "history": objects()}))
    return folder / "run.json"


def comet(folder):
    rows = [{"metricName": n, "metricValue": repr(r[n]), "step": r["step"]} for n in KINDS for r in objects()]
    (folder / "run.json").write_text(json.dumps(rows))
    return folder / "run.json"


def parquet(folder):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({k: [r[k] for r in objects()] for k in objects()[0]}), folder / "run.parquet")
    return folder / "run.parquet"


def npz(folder):
    columns = {k: np.array([r[k] for r in objects()]) for k in objects()[0]}
    out = io.BytesIO()
    np.savez(out, max_steps=PLAN, **columns)
    (folder / "run.npz").write_bytes(out.getvalue())
    return folder / "run.npz"


def tensorboard(folder):
    data = b"".join(
        event(s, 1.7e9 + i, *(simple(n, v) for n, v in zip(KINDS, values, strict=True)))
        for i, (s, values) in enumerate(ROWS)
    )
    (folder / "events.out.tfevents.1.run").write_bytes(data)
    return folder / "events.out.tfevents.1.run"


def _part(number: int, content: bytes) -> bytes:
    key, size = number << 3 | 2, len(content)
    head = bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])
    return head + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + content


def wandb(folder):
    config = _part(5, _part(1, _part(1, b"max_steps") + _part(16, repr(PLAN).encode())))
    records = [config]
    for row in objects():
        names = {"_step": row["step"], **{k: v for k, v in row.items() if k != "step"}}
        items = (_part(1, _part(2, k.encode()) + _part(16, json.dumps(v).encode())) for k, v in names.items())
        records.append(_part(2, b"".join(items)))
    out = b":W&B\xe1\xbe\x00"
    for record in records:
        out += struct.pack("<IHB", zlib.crc32(b"\x01" + record), len(record), 1) + record
    (folder / "run-x.wandb").write_bytes(out)
    return folder / "run-x.wandb"


def mlflow_database(folder):
    with closing(sqlite3.connect(folder / "mlflow.db")) as base:
        base.executescript(
            "CREATE TABLE runs (run_uuid, name, lifecycle_stage); INSERT INTO runs VALUES ('0a', 'run', 'active');"
            "CREATE TABLE params (key, value, run_uuid); INSERT INTO params VALUES ('max_steps', '400', '0a');"
            "CREATE TABLE metrics (key, value FLOAT, timestamp, run_uuid, step, is_nan);"
        )
        for i, row in enumerate(objects()):
            base.executemany(
                "INSERT INTO metrics VALUES (?, ?, ?, '0a', ?, 0)", [(n, row[n], 1000 * i, row["step"]) for n in KINDS]
            )
        base.commit()
    return folder / "mlflow.db"


def mlflow_folder(folder):
    run = folder / "mlruns" / "0" / ("0a" * 16)
    (run / "params").mkdir(parents=True)
    (run / "meta.yaml").write_text(f"run_id: {'0a' * 16}\nrun_name: run\nlifecycle_stage: active\n")
    (run / "params" / "max_steps").write_text("400")
    for n in KINDS:
        file = run / "metrics" / n
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{1000 * i} {r[n]!r} {r['step']}\n" for i, r in enumerate(objects())))
    return folder / "mlruns"


def trackio(folder):
    with closing(sqlite3.connect(folder / "run.db")) as base:
        base.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp, run_name, step, metrics)")
        for i, row in enumerate(objects()):
            blob = json.dumps({n: row[n] for n in KINDS})
            base.execute(
                "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES (?, 'run', ?, ?)",
                (f"2025-01-01T00:00:{i:02d}", row["step"], blob),
            )
        base.commit()
    return folder / "run.db"


def console(folder):
    own = "".join(f"it={s} " + " ".join(f"v{k}={v!r}" for k, v in enumerate(values)) + "\n" for s, values in ROWS)
    (folder / "run.log").write_text(own)
    return folder / "run.log"


FORMATS = (
    csv, json_lines, json_table, comet, parquet, npz, tensorboard, wandb, mlflow_database, mlflow_folder, trackio,
)  # fmt: skip
PLANNED = (json_lines, json_table, npz, wandb, mlflow_database, mlflow_folder)


def read(write, folder) -> Run:
    (run,) = cf.read(write(folder))
    return run


@pytest.mark.parametrize("write", FORMATS)
def test_names_kinds_and_splits(write, tmp_path):
    run = read(write, tmp_path)
    found = {n: (c.kind, c.direction, c.metric.split) for n, c in run.curves.items() if n in KINDS}
    assert found == KINDS
    assert run.main_metric() in ("val/loss", "eval_loss")
    assert {c.x_unit for c in run.curves.values()} == {"step"}


@pytest.mark.parametrize("write", FORMATS)
def test_a_resumed_run_is_settled_by_one_rule(write, tmp_path):
    run = read(write, tmp_path)
    for k, name in enumerate(KINDS):
        curve = run[name]
        assert curve.x.tolist() == list(range(1, 26)), name
        assert set(curve.segment.tolist()) == {0, 1}
        last = {s: v[k] for s, v in ROWS}
        expected = np.array([last[s] for s in range(1, 26)])
        assert np.array_equal(curve.y, expected.astype(np.float32) if write is tensorboard else expected)
    p = run.provenance
    assert p.restarts == (15.0,)
    superseded = p.rows_dropped["superseded by a later segment"]
    assert superseded in (6, 6 * len(KINDS)), "a row holds all metrics, or one"
    again = tmp_path / "again"
    again.mkdir()
    kept = cf.read(write(again), resume="keep")[0]
    assert len(kept["val/loss"]) == len(STEPS)


@pytest.mark.parametrize("write", FORMATS)
def test_plan_sampling_and_account(write, tmp_path):
    run = read(write, tmp_path)
    assert run.horizon == (PLAN if write in PLANNED else None)
    p = run.provenance
    assert p.sampling == "full" and str(tmp_path) in p.path and p.reader
    assert sum(len(c) + c.nonfinite_x.size for c in run.curves.values()) == p.points_kept
    lost = sum(p.points_dropped.values())
    assert p.points_in - p.points_kept == lost
    assert lost in (6 * len(KINDS), 6 * len(KINDS) + 6), "six rows of every metric, and of the clock beside them"


def test_a_form_of_ones_own_is_settled_likewise(tmp_path):
    groups = " ".join(rf"v{k}=(?P<{n}>\S+)" for k, n in enumerate(["eval_loss", "val_acc", "train_loss"]))
    (run,) = cf.read(console(tmp_path), pattern=rf"it=(?P<step>\d+) {groups}")
    assert run["eval_loss"].metric.split == "val" and run["val_acc"].direction == "max"
    assert run["train_loss"].x.tolist() == list(range(1, 26)) and run.provenance.restarts == (15.0,)
