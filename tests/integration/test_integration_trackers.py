"""Written by the trackers themselves, read back here, equal to what was logged. Needs their packages."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

import curvefit as cf

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore"),  # of the trackers
    pytest.mark.filterwarnings("error:::curvefit"),
]

STEPS = np.arange(60)
LOSS = 1 / (STEPS + 1.0)
VAL = 2 / (STEPS + 1.0)
LOSS[7], VAL[9] = math.nan, math.inf


def check(run: cf.Run, name: str, expected: np.ndarray, steps: np.ndarray = STEPS, *, single: bool = False) -> None:
    """The curve holds exactly what was logged, in the precision in which it was stored."""
    stored = expected.astype(np.float32).astype(float) if single else expected
    finite = np.isfinite(stored)
    assert np.array_equal(run[name].x, steps[finite]) and np.array_equal(run[name].y, stored[finite])
    assert np.array_equal(run[name].nonfinite_x, steps[~finite])


def test_tensorboardx(tmp_path):
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(tmp_path / "run")) as writer:
        for s in STEPS.tolist():
            writer.add_scalar("loss", LOSS[s], s)
            writer.add_scalar("val/loss", VAL[s], s)
            writer.add_histogram("weights", np.arange(9.0), s)
            writer.add_text("note", "text", s)
    (run,) = cf.read(tmp_path)
    check(run, "loss", LOSS, single=True)
    check(run, "val/loss", VAL, single=True)


def test_tensorboard_agrees_with_its_own_reader(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboardX import SummaryWriter

    for first, purge in ((0, None), (40, 40)):
        with SummaryWriter(str(tmp_path / "run"), purge_step=purge, filename_suffix=f".{first}") as writer:
            for s in STEPS.tolist()[first:]:
                writer.add_scalar("loss", s + first / 100, s)
    log = EventAccumulator(str(tmp_path / "run"), size_guidance={"scalars": 0})
    log.Reload()
    theirs = [(e.step, e.value) for e in log.Scalars("loss")]
    (run,) = cf.read(tmp_path)
    assert list(zip(run["loss"].x.tolist(), run["loss"].y.tolist(), strict=True)) == theirs
    assert run.provenance.rows_dropped == {"purged by a restart": 20}


def test_wandb_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    import wandb

    run = wandb.init(project="p", name="calm-river-1", config={"lr": 0.1, "max_steps": 90})
    for s in STEPS.tolist():
        run.log({"loss": float(LOSS[s]), "val": {"loss": float(VAL[s])}, "picture": wandb.Histogram([1, 2, 3])})
    run.finish()
    (read,) = cf.read(tmp_path)
    assert read.name == "calm-river-1" and read.horizon == 90 and read.attributes["lr"] == 0.1
    check(read, "loss", LOSS)
    check(read, "val.loss", VAL)


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_mlflow(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    place = tmp_path / ("mlruns" if kind == "file" else "mlflow.db")
    mlflow.set_tracking_uri(place.as_uri() if kind == "file" else f"sqlite:///{place}")
    mlflow.set_experiment("curves")
    with mlflow.start_run(run_name="calm-river-2"):
        mlflow.log_params({"lr": 0.1, "max_steps": 90})
        for s in STEPS.tolist():
            mlflow.log_metric("loss", float(LOSS[s]), step=s)
            mlflow.log_metric("val/loss", float(VAL[s]), step=s)
    (run,) = cf.read(place)
    assert run.name == "calm-river-2" and run.horizon == 90 and run.attributes["lr"] == 0.1
    check(run, "loss", LOSS)
    check(run, "val/loss", VAL)


def test_trackio(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "TRACKIO_DIR", str(tmp_path))
    import trackio

    trackio.init(project="p", name="calm-river-3", config={"lr": 0.1})
    for s in STEPS.tolist():
        trackio.log({"loss": float(LOSS[s]), "val": {"loss": float(VAL[s])}})
    trackio.finish()
    (run,) = cf.read(tmp_path / "p.db")
    check(run, "loss", LOSS)
    check(run, "val.loss", VAL)
