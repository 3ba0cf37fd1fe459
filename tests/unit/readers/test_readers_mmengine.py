"""OpenMMLab's logs: validation rows stand among the iterations, and training rows are never lost to them."""

from __future__ import annotations

import json

import pytest

import curvefit as cf


def lines(rows) -> str:
    return "".join(json.dumps(r) + "\n" for r in rows)


def points(run: cf.Run, name: str) -> list[tuple[float, float]]:
    return list(zip(run[name].x.tolist(), run[name].y.tolist(), strict=True))


def mmengine(epochs: int) -> list[dict]:
    rows = []
    for epoch in range(1, epochs + 1):
        for i in (50, 100, 150):
            step = 150 * (epoch - 1) + i
            rows.append({"lr": 0.02, "data_time": 0.1, "loss": 1 / step, "epoch": epoch, "iter": step, "step": step})
        rows.append({"coco/bbox_mAP": epoch / 8, "data_time": 0.2, "time": 0.2, "step": epoch})
    return rows


def mmcv(epochs: int) -> list[dict]:
    rows: list[dict] = [{"env_info": "sys.platform: linux", "config": "lr = 1", "seed": 0}]
    for epoch in range(1, epochs + 1):
        rows += [
            {"mode": "train", "epoch": epoch, "iter": i, "lr": 0.02, "loss": 1 / (epoch * i)} for i in (50, 100, 150)
        ]
        rows.append({"mode": "val", "epoch": epoch, "iter": 37, "lr": 0.02, "bbox_mAP": epoch / 8})
    return rows


@pytest.mark.parametrize("name", ["scalars.json", "20260101_120000.json", "log.jsonl"])
def test_epochs_of_validation_become_iterations(log, name):
    (run,) = cf.read(log(lines(mmengine(3)), name))
    assert run.provenance.reader == "mmengine" and run["loss"].x_unit == "iteration"
    assert points(run, "loss") == [(float(s), 1 / s) for s in range(50, 451, 50)]
    assert points(run, "coco/bbox_mAP") == [(150, 0.125), (300, 0.25), (450, 0.375)]
    assert not run.provenance.rows_dropped and not run.provenance.restarts


def test_iterations_within_epochs_are_joined(log):
    (run,) = cf.read(log(lines(mmcv(3)), "20230101.log.json"))
    assert points(run, "train/loss") == [(150.0 * (e - 1) + i, 1 / (e * i)) for e in (1, 2, 3) for i in (50, 100, 150)]
    assert points(run, "val/bbox_mAP") == [(150, 0.125), (300, 0.25), (450, 0.375)]
    assert any("150 iterations long" in n for n in run.provenance.notes)


def test_training_by_iterations_keeps_its_own_steps(log):
    rows = [
        {"lr": 0.1, "data_time": 0.1, "loss": 1 / s, "epoch": 1, "iter": s, "step": s} for s in range(100, 1000, 100)
    ]
    rows.insert(5, {"mIoU": 0.25, "step": 500})
    rows.append({"mIoU": 0.5, "step": 900})
    (run,) = cf.read(log(lines(rows), "scalars.json"))
    assert points(run, "mIoU") == [(500, 0.25), (900, 0.5)] and len(run["loss"]) == 9


def test_a_resumed_run_supersedes(log):
    rows = mmengine(3) + mmengine(3)[4:6] + [{"loss": 9.0, "data_time": 0.1, "epoch": 2, "iter": 300, "step": 300}]
    (run,) = cf.read(log(lines(rows), "scalars.json"))
    assert run.provenance.restarts and run["loss"].x[-1] == 300 and run["loss"].y[-1] == 9.0


def test_json_lines_of_others_are_none_of_these(log):
    rows = [{"step": s, "epoch": 1, "loss": 1 / s} for s in range(1, 9)]
    assert cf.read(log(lines(rows), "scalars.json"))[0].provenance.reader == "json_lines"
