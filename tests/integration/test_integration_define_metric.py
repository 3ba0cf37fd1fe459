"""What a real W&B run says about its metrics is heard. Needs wandb."""

from __future__ import annotations

import pytest

import curvefit as cf
from curvefit.readers import Options
from curvefit.readers._follow import Follower

pytestmark = pytest.mark.integration


def test_metrics_defined_against_another_one(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "true")
    import wandb

    follower = Follower(tmp_path, Options())
    with wandb.init(project="p", dir=str(tmp_path), mode="offline", config={"max_steps": 9000}) as run:
        run.define_metric("samples_in")
        run.define_metric("*", step_metric="samples_in")
        for i in range(300):
            run.log({"samples_in": 64 * i, "train/loss": 3 / (i + 1), "val/loss": 4 / (i + 1)})
    wandb.teardown()  # waits for the process that writes the log; finish does not
    follower.poll()
    (found,) = cf.read(tmp_path)
    assert found["val/loss"].x.tolist() == [64.0 * i for i in range(300)]
    assert found["val/loss"].y.tolist() == [4 / (i + 1) for i in range(300)]
    assert any("'samples_in'" in n for n in found.provenance.notes)
    (followed,) = follower.runs()
    assert followed["val/loss"] == found["val/loss"]
