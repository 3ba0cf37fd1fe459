"""What trackers export, and archives of arrays: Neptune, Comet, charts, W&B definitions, .npz."""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from struct import pack

import numpy as np
import pytest

import curvefit as cf
from curvefit.readers.wandb import MAGIC

STEPS = np.arange(1, 9)
LOSS, VAL = 3 / STEPS, 4 / STEPS


# ------------------------------------------------------------------ Neptune


def neptune(tmp_path, name="part_0.parquet"):
    """A file with the columns of Neptune's exporter: two runs, two series each, and their settings."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rows = []
    for k, run in enumerate(("RUN-1", "RUN-2")):
        rows.append((run, "params/lr", "float", None, None, None, 0.1 * (k + 1), None, None))
        rows.append((run, "params/max_steps", "int", None, None, 500, None, None, None))
        rows.append((run, "sys/name", "string", None, None, None, None, f"try {k}", None))
        rows.append((run, "sys/failed", "bool", None, None, None, None, None, False))
        rows.append((run, "logs/stdout", "string_series", Decimal(1), 1, None, None, "hello", None))
        for path, values in (("metrics/train/loss", LOSS + k), ("metrics/val/loss", VAL + k)):
            for s, v in zip(STEPS.tolist(), values.tolist(), strict=True):
                rows.append((run, path, "float_series", Decimal(s * 10), s, None, v, None, None))
    columns = list(zip(*rows, strict=True))
    moments = [None if t is None else datetime.fromtimestamp(1.7e9 + t, UTC) for t in columns[4]]
    table = pa.table(
        {
            "project_id": pa.array(["team/project"] * len(rows)),
            "run_id": pa.array(columns[0]),
            "attribute_path": pa.array(columns[1]),
            "attribute_type": pa.array(columns[2]),
            "step": pa.array(columns[3], pa.decimal128(18, 6)),
            "timestamp": pa.array(moments, pa.timestamp("ms", "UTC")),
            "int_value": pa.array(columns[5], pa.int64()),
            "float_value": pa.array(columns[6], pa.float64()),
            "string_value": pa.array(columns[7]),
            "bool_value": pa.array(columns[8], pa.bool_()),
            "string_set_value": pa.array([None] * len(rows), pa.list_(pa.string())),
            "file_value": pa.array([None] * len(rows), pa.struct([("path", pa.string())])),
        }
    )
    pq.write_table(table, tmp_path / name)
    return tmp_path / name


def test_neptune_series_are_curves_and_settings_are_facts(tmp_path):
    runs = cf.read(neptune(tmp_path))
    assert [r.name for r in runs] == ["RUN-1", "RUN-2"]
    for k, run in enumerate(runs):
        assert set(run.curves) == {"metrics/train/loss", "metrics/val/loss"}
        assert np.array_equal(run["metrics/train/loss"].x, STEPS * 10)
        assert np.array_equal(run["metrics/train/loss"].y, LOSS + k)
        assert run["metrics/val/loss"].metric.split == "val" and run["metrics/val/loss"].x_unit == "step"
        assert run.attributes["params/lr"] == 0.1 * (k + 1) and run.attributes["sys/name"] == f"try {k}"
        assert run.horizon == 500
    p = runs[0].provenance
    assert p.rows_dropped == {"facts about the run": 8, "no number": 2}
    assert sum(r.provenance.rows_in for r in runs) == 2 * (5 + 16)


# ------------------------------------------------------------------ Comet and charts

COMET = [
    {"metricName": m, "metricValue": repr(float(v)), "timestamp": 1.6e12 + s, "step": int(s), "epoch": None, "runContext": None}
    for m, values in (("train_loss", LOSS), ("val_loss", VAL))
    for s, v in zip(STEPS, values, strict=True)
]  # fmt: skip


def comet_csv() -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(COMET[0]))
    writer.writeheader()
    writer.writerows(COMET)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (json.dumps(COMET), "comet.json"),
        (json.dumps({"metrics": COMET}), "comet.json"),
        ("".join(json.dumps(r) + "\n" for r in COMET), "comet.jsonl"),
        (comet_csv(), "comet.csv"),
    ],
    ids=["list", "reply", "lines", "csv"],
)
def test_comet_rows_in_every_form(log, content, name):
    (run,) = cf.read(log(content, name))
    assert set(run.curves) == {"train_loss", "val_loss"}
    assert np.array_equal(run["train_loss"].x, STEPS) and np.array_equal(run["train_loss"].y, LOSS)
    assert np.array_equal(run["val_loss"].y, VAL)
    assert run.provenance.rows_in == run.provenance.rows_kept == 16


def test_comet_rows_of_several_experiments(log):
    rows = [{**r, "experimentKey": key} for key in ("a1", "b2") for r in COMET]
    runs = cf.read(log(json.dumps(rows), "comet.json"))
    assert [r.name for r in runs] == ["a1", "b2"] and all(len(r["val_loss"]) == 8 for r in runs)


def test_lines_of_a_chart(log):
    traces = [
        {"name": name, "metric": "val_loss", "x": STEPS.tolist(), "y": (VAL + k).tolist()}
        for k, name in enumerate(("first", "second"))
    ]
    traces[1]["y"] = traces[1]["y"][:-1]
    runs = cf.read(log(json.dumps(traces), "chart.json"))
    assert [r.name for r in runs] == ["first", "second"]
    assert np.array_equal(runs[0]["val_loss"].y, VAL) and len(runs[1]["val_loss"]) == 7
    assert runs[0].provenance.points_dropped == {"x or y alone": 1}


# ------------------------------------------------------------------ W&B definitions


def part(number: int, content: bytes | int) -> bytes:
    key = number << 3 | (0 if isinstance(content, int) else 2)
    head = bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])
    return head + (bytes([content]) if isinstance(content, int) else bytes([len(content)]) + content)


def wandb_log(definitions: list[bytes], rows: list[dict[str, float]]) -> bytes:
    out = MAGIC
    records = [part(12, d) for d in definitions]
    for i, row in enumerate(rows):
        items = b"".join(part(1, part(2, k.encode()) + part(16, json.dumps(v).encode())) for k, v in row.items())
        records.append(part(2, items + part(2, part(1, i))))
    for record in records:
        out += pack("<IHB", zlib.crc32(b"\x01" + record), len(record), 1) + record
    return out


ROWS = [{"train/loss": 3 / i, "val/loss": 4 / i, "score": 1.0 * i, "tokens_in": 100.0 * i} for i in range(1, 7)]


def test_all_metrics_against_one_other_make_it_x(log):
    every = part(2, b"*") + part(4, b"tokens_in")
    (run,) = cf.read(log(wandb_log([every], ROWS), "run-a.wandb"))
    assert run["val/loss"].x.tolist() == [100.0 * i for i in range(1, 7)]
    assert any("defines for its metrics" in n for n in run.provenance.notes)


def test_metrics_against_different_ones_keep_the_step(log):
    some = part(2, b"val/*") + part(4, b"tokens_in")
    (run,) = cf.read(log(wandb_log([some], ROWS), "run-a.wandb"))
    assert run["val/loss"].x.tolist() == [0, 1, 2, 3, 4, 5]
    assert any("'val/loss' against 'tokens_in'" in n for n in run.provenance.notes)
    (asked,) = cf.read(log(wandb_log([some], ROWS), "run-a.wandb"), x="tokens_in")
    assert asked["val/loss"].x.tolist() == [100.0 * i for i in range(1, 7)]


def test_a_goal_is_a_direction(log):
    goals = [part(1, b"score") + part(8, 1), part(2, b"train/*") + part(8, 2)]
    (run,) = cf.read(log(wandb_log(goals, ROWS), "run-a.wandb"))
    assert run["score"].direction == "min" and run["train/loss"].direction == "max"
    assert run["val/loss"].direction == "min"


# ------------------------------------------------------------------ npz


def saved(**arrays) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["<f8", "<f4", "<f2", ">f8", "<i8", "<u2"])
def test_arrays_of_every_numeric_kind(log, kind):
    values = np.arange(8, 0, -1).astype(kind)
    (run,) = cf.read(log(saved(step=STEPS, val_loss=values, max_steps=100), "a.npz"))
    assert np.array_equal(run["val_loss"].x, STEPS) and np.array_equal(run["val_loss"].y, values.astype(float))
    assert run.horizon == 100 and run.provenance.reader == "npz"


def test_evaluations_of_stable_baselines(log):
    results = np.arange(24.0).reshape(8, 3)
    (run,) = cf.read(log(saved(timesteps=STEPS * 500, results=results, ep_lengths=results), "evaluations.npz"))
    assert run["eval/mean_reward"].y.tolist() == results.mean(axis=1).tolist()
    assert run["eval/mean_reward"].direction == "max" and run.main_metric() == "eval/mean_reward"
    assert any("over the 3 episodes" in n for n in run.provenance.notes)


def test_arrays_with_two_axes_and_fortran_order(log):
    scores = np.asfortranarray(np.arange(16.0).reshape(8, 2))
    (run,) = cf.read(log(saved(step=STEPS, test_scores=scores, big=np.zeros((8, 40))), "a.npz"))
    assert run["test_scores[1]"].y.tolist() == scores[:, 1].tolist()
    assert any("'big' of shape (8, 40)" in n for n in run.provenance.notes)


def test_what_is_not_as_long_as_x_is_counted(log):
    (run,) = cf.read(log(saved(step=STEPS, loss=LOSS, extra=np.zeros(3), flag=np.ones(8, bool)), "a.npz"))
    assert run.provenance.points_dropped == {"of another length than x": 3, "boolean": 8}


def test_objects_are_not_read_and_numbers_beside_them_are(log, refuse, tmp_path):
    canary = tmp_path / "canary"

    class Touch:
        def __reduce__(self):
            return (open, (str(canary), "w"))

    objects = np.array([Touch()], dtype=object)
    (run,) = cf.read(log(saved(step=STEPS, loss=LOSS, objects=objects), "a.npz"))
    assert any("Python objects" in n for n in run.provenance.notes)
    error = refuse(saved(objects=objects), "b.npz")
    assert error.code == "CF-IO-012" and not canary.exists()


def test_headers_are_matched_and_never_evaluated(log, refuse):
    plain = io.BytesIO()
    np.save(plain, LOSS)
    evil = plain.getvalue().replace(b"(8,)", b"(8 if 1 else 0,)"[:4])
    assert evil != plain.getvalue()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("loss.npy", evil)
    assert refuse(out.getvalue(), "a.npz").code == "CF-IO-002"


def test_bombs_and_broken_archives_are_refused(refuse):
    assert refuse(saved(step=STEPS, loss=np.zeros(1_000_000)), "a.npz").code == "CF-IO-LIMIT"
    data = saved(step=STEPS, loss=LOSS)
    assert refuse(data[: len(data) // 2], "a.npz").code == "CF-IO-018"
    flipped = bytearray(data)
    flipped[60] ^= 4
    assert refuse(bytes(flipped), "a.npz").code in ("CF-IO-018", "CF-IO-003", "CF-IO-012")


# ------------------------------------------------------------------ results of boosting, saved as JSON


def test_saved_results_of_boosting_are_one_run(log):
    results = {"validation_0": {"logloss": LOSS.tolist()}, "validation_1": {"logloss": VAL.tolist()}}
    (run,) = cf.read(log(json.dumps(results), "evals.json"))
    assert run["validation_1/logloss"].y.tolist() == VAL.tolist()
    assert run["validation_0/logloss"].x_unit == "iteration" and run["validation_0/logloss"].metric.split == "val"
    (plain,) = cf.read(log(json.dumps({"train": {"loss": [3, 2, 1]}, "val": {"loss": [3, 2, 2]}}), "h.json"))
    assert plain["val/loss"].x_unit == "step", "two parts of the data say nothing of boosting"
