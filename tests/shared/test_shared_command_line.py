"""Real logs of other people's trainings go through the whole line, from file to decision."""

from __future__ import annotations

import json

import pytest

from curvefit.__main__ import main

pytestmark = pytest.mark.shared
FOLDERS = [
    "csv_text_header_log",
    "hf_trainer_state",
    "jsonl_metrics",
    "keras_csvlogger",
    "lightning_metrics_csv",
    "multipowerlaw_csv",
    "sb3_monitor_csv",
    "wandb_csv_export",
    "yolo_results_csv",
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_log_ends_in_a_report_or_a_reason(shared, folder, tmp_path, capsys):
    files = sorted(f for f in (shared / "curves" / "raw" / folder).iterdir() if f.is_file())
    assert files
    for file in files:
        code = main(["analyze", str(file), "--json", str(tmp_path / "out.json"), "--quiet"])
        captured = capsys.readouterr()
        assert code in (0, 3), captured.err
        assert all(len(line) <= 80 for line in captured.out.splitlines())
        tree = json.loads((tmp_path / "out.json").read_text())
        assert len(tree["reports"]) + len(tree["failures"]) > 0
        for failure in tree["failures"]:
            assert failure["code"].startswith("CF-") and failure["code"] != "CF-BUG"
            assert failure["hint"]
