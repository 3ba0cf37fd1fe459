"""Every raw log is recognized without being told its format, or refused with the reason."""

from __future__ import annotations

import csv

import pytest

from benchmarks.robustness.formats import rows

pytestmark = pytest.mark.shared

READERS = {
    "csv_text_header_log": "csv_table",
    "dopamine_json": "json_table",
    "gzip_csv_wide": "csv_table",
    "hf_trainer_state": "trainer_state",
    "jsonl_metrics": "json_lines",
    "keras_csvlogger": "csv_table",
    "lightning_metrics_csv": "csv_table",
    "llmc_log": "text_log",
    "megatron_deepspeed_log": "text_log",
    "modded_nanogpt_log": "text_log",
    "multipowerlaw_csv": "csv_table",
    "sb3_evaluations_npz": "npz",
    "sb3_monitor_csv": "csv_table",
    "tfevents": "tensorboard",
    "torch7_json_stats_log": "text_log",
    "wandb_csv_export": "csv_table",
    "wandb_offline": "",  # the run logged no history
    "yolo_results_csv": "csv_table",
}


def test_every_raw_file_is_recognized_or_refused_with_the_reason(shared):
    raw = shared / "curves" / "raw"
    found = list(rows(raw))
    with (raw / "INDEX.csv").open(encoding="utf-8") as file:
        listed = sorted((r["format"], r["file"]) for r in csv.DictReader(file))
    assert sorted((r.folder, r.file) for r in found) == listed
    for row in found:
        assert row.reader == READERS[row.folder], row
        if row.reader:
            assert row.runs >= 1 and row.points >= 4
        else:
            assert row.runs == 0 and "no history" in row.defects and row.defects.startswith("refused (CF-")
    assert sum(r.runs for r in found) == 466 and sum(r.points for r in found) == 178_444
