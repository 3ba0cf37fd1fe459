"""Real log files: points kept and dropped add up to what a plain counter finds in the file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections import Counter

import numpy as np
import pytest

import curvefit as cf

pytestmark = pytest.mark.shared

MISSING = {"", "NA", "N/A", "None", "null"}
# Columns that are no metric, by hand: x, other counts of training, labels, facts about the run.
OTHER = {
    "csv_text_header_log": {"subset", "units", "epoch", "epochs"},
    "gzip_csv_wide": {
        "hyper_id", "step", "num_experts", "d_model", "num_blocks", "num_heads", "kqv_size", "flop_increase", "k",
        "router_type", "seed", "routing_frequency", "total_parameter_count", "dense_parameter_count", "flops_per_step",
        "model_size_label",
    },
    "keras_csvlogger": {"epoch"},
    "lightning_metrics_csv": {"epoch", "step"},
    "multipowerlaw_csv": {"step"},
    "sb3_monitor_csv": set(),
    "wandb_csv_export": {"Step"},
    "yolo_results_csv": {"epoch"},
}  # fmt: skip
JSON_FORMATS = ("hf_trainer_state", "jsonl_metrics", "dopamine_json")
UNREAD = ("wandb_offline",)


def text_of(path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def count_csv(path, other) -> Counter:
    """Cells that are not missing, by column, with the csv module alone."""
    lines = [r for r in csv.reader(io.StringIO(text_of(path))) if r and not r[0].startswith("#")]
    width = len(lines[-1])
    start = next(i for i, r in enumerate(lines) if len(r) == width)
    names = [n.strip() for n in lines[start]]
    found: Counter = Counter()
    for row in lines[start + 1 :]:
        assert len(row) == width
        for name, cell in zip(names, row, strict=True):
            if name not in other and cell.strip() not in MISSING:
                found[name] += 1
    return found


def count_json(path) -> Counter:
    text = text_of(path)
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        value = json.loads(text)
        rows = value["log_history"] if isinstance(value, dict) else value
    found: Counter = Counter()
    for row in rows:
        for name, value in row.items():
            if name not in ("step", "epoch", "Iteration", "Agent", "_meta", "_summary") and value is not None:
                found[name] += 1
    return found


def files(shared, format):
    found = sorted((shared / "curves" / "raw" / format).iterdir())
    assert found
    return found


@pytest.mark.parametrize("format", [*OTHER, *JSON_FORMATS])
def test_points_kept_and_dropped_are_the_points_in_the_file(shared, format):
    for path in files(shared, format):
        expected = count_json(path) if format in JSON_FORMATS else count_csv(path, OTHER[format])
        runs = cf.read(path)
        kept = sum(len(c) + c.nonfinite_x.size for r in runs for c in r.curves.values())
        dropped = sum(sum(r.provenance.points_dropped.values()) for r in runs)
        assert kept + dropped == expected.total(), path.name
        assert kept == sum(r.provenance.points_kept for r in runs)
        if format == "wandb_csv_export":
            assert dropped == 2 * kept  # the minimum and maximum of each bin
        else:
            assert dropped == 0


VALUES = {
    "csv_text_header_log": {"test_loss": (0, 10), "test_accuracy": (0, 1), "test_error": (0, 1)},
    "gzip_csv_wide": {"loss_validation": (1, 12), "loss_c4": (1, 12)},
    "keras_csvlogger": {"loss": (0, 3), "val_loss": (0, 3), "accuracy": (0, 1), "val_accuracy": (0, 1)},
    "lightning_metrics_csv": {"train_loss": (0, 3)},
    "multipowerlaw_csv": {"loss": (2, 5), "lr": (0, 1e-3)},
    "sb3_monitor_csv": {"episode_reward": (-2000, 2000)},
    "wandb_csv_export": {},
    "yolo_results_csv": {"metrics/mAP50(B)": (0, 1), "metrics/precision(B)": (0, 1)},
    "hf_trainer_state": {"loss": (0, 30), "learning_rate": (0, 1e-3)},
    "jsonl_metrics": {"train_loss": (0, 6), "test_acc": (0, 1)},
    "dopamine_json": {"Value": (-30, 1000)},
}
KINDS = {
    "loss": ("loss", "min"),
    "accuracy": ("accuracy", "max"),
    "acc": ("accuracy", "max"),
    "error": ("error", "min"),
    "reward": ("reward", "max"),
}


@pytest.mark.parametrize("format", VALUES)
def test_names_kinds_and_ranges_are_sensible(shared, format):
    seen = set()
    for path in files(shared, format):
        for run in cf.read(path):
            assert run.curves
            for name, curve in run.curves.items():
                assert np.all(np.diff(curve.x) >= 0) and len(curve)
                low, high = VALUES[format].get(name, (-math.inf, math.inf))
                assert low <= curve.y.min() and curve.y.max() <= high, (path.name, name)
                seen.add(name)
                word = name.split("_")[-1]
                if word in KINDS:
                    assert (curve.kind, curve.direction) == KINDS[word], name
    assert set(VALUES[format]) <= seen


def test_what_is_known_about_single_files(shared):
    raw = shared / "curves" / "raw"
    runs = cf.read(next((raw / "gzip_csv_wide").iterdir()))
    assert len(runs) == 223 and runs[0].name == "hyper_id=0" and runs[0].attributes["router_type"] == "Dense"
    for path in (raw / "dopamine_json").iterdir():
        runs = cf.read(path)
        assert len(runs) == 30 and all(len(r["Value"]) == 199 for r in runs)
    for path in (raw / "wandb_csv_export").iterdir():
        runs = cf.read(path)
        assert len(runs) == 36 and {r.provenance.sampling for r in runs} == {"aggregated"}
    states = {p.name.split("+")[0]: cf.read(p)[0] for p in (raw / "hf_trainer_state").iterdir()}
    assert [(states[k].horizon, states[k].provenance.window) for k in ("NijatZeynalov", "aigoncharov")] == [
        (9411, 10),
        (12030, 500),
    ]
    for run in states.values():
        assert run["loss"].metric.split == "train" and run.schedule is not None
    for path in (raw / "jsonl_metrics").iterdir():
        (run,) = cf.read(path)
        assert run.horizon == 20_000 and run.attributes["optimizer"] == "muon"
    (run,) = cf.read(next(p for p in (raw / "sb3_monitor_csv").iterdir() if "Ant" in p.name))
    assert run["episode_reward"].x[-1] > 1e6
    assert run["episode_reward"].x_unit == "step"


@pytest.mark.parametrize("format", UNREAD)
def test_formats_that_are_not_read_yet_are_named(shared, format):
    words = {
        "wandb_offline": "W&B",
    }
    for path in files(shared, format):
        with pytest.raises(cf.CurvefitError) as caught:
            cf.read(path)
        assert words[format] in caught.value.what and caught.value.hint


# Counted with grep and awk: lines of training and of validation, the last validation loss, the planned length.
LOGS = {
    "2024-10-13_llmc": ("train_loss", 19_560, "val_loss", 80, 3.2722, None),
    "2024-06-06_AdamW": ("train_loss", 9536, "val_loss", 76, 3.275959, None),
    "2024-10-29_Optimizers": ("train_loss", 5100, "val_loss", 42, 3.3406, 5100),
    "2024-12-04_ValueEmbed": ("train_loss", 1530, "val_loss", 14, 3.2751, 1530),
    "2025-09-30_CustomBatching": ("step_avg", 2431, "val_loss", 11, 3.2747, 2420),
    "blowup-1-1793404": ("lm loss", 1, "val lm loss", 3, 7.628450, 148_693),
    "nin_1875527964": ("loss", 200, "test_acc", 200, None, None),
}


@pytest.mark.parametrize("name", LOGS)
def test_console_logs_hold_what_a_plain_search_finds(shared, name):
    (path,) = (p for p in (shared / "curves" / "raw").rglob("*") if name in p.name)
    train, count, val, evaluations, last, plan = LOGS[name]
    (run,) = cf.read(path)
    assert run.provenance.reader == "text_log" and not run.provenance.rows_dropped
    assert len(run[train]) == count and len(run[val]) == evaluations and run.horizon == plan
    assert last is None or run[val].y[-1] == last


def test_a_folder_of_everything(shared):
    from curvefit.readers.read import read_all

    result = read_all(shared / "curves" / "raw")
    refused = {f.path.split("/")[-2]: f.error.what for f in result.failures}
    assert list(refused) == ["wandb_offline"] and "no history" in refused["wandb_offline"], "its run logged nothing"
    assert len(result.runs) > 400
    names = [r.name for r in result.runs]
    assert len(set(names)) == len(names)
