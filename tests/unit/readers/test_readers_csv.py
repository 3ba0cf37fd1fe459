"""Text tables: what each tool writes, and what becomes of it."""

from __future__ import annotations

import numpy as np

import curvefit as cf


def test_a_keras_log(log):
    (run,) = cf.read(
        log("epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.2,0.4,1.3\n1,0.6,nan,NA,1.1\n2,.7,.8,.5,1\n")
    )
    assert list(run) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert run["loss"].metric.split == "train" and run["val_loss"].metric.split == "val"
    assert run["loss"].x_unit == "epoch"
    np.testing.assert_array_equal(run["loss"].x, [0, 2])
    np.testing.assert_array_equal(run["loss"].nonfinite_x, [1])  # nan was logged
    np.testing.assert_array_equal(run["val_accuracy"].x, [0, 2])  # NA was not
    assert run["val_accuracy"].nonfinite_x.size == 0
    assert run.provenance.points_in == run.provenance.points_kept == 11


def test_sparse_rows_as_lightning_writes_them(log):
    text = "epoch,step,train_loss,val_loss\n0,49,0.6,\n0,99,0.5,\n0,99,,0.7\n1,149,0.4,\n1,199,,0.6\n"
    (run,) = cf.read(log(text))
    np.testing.assert_array_equal(run["train_loss"].x, [49, 99, 149])
    np.testing.assert_array_equal(run["val_loss"].x, [99, 199])
    assert run.provenance.rows_in == run.provenance.rows_kept == 5


def test_padded_headers_as_ultralytics_writes_them(log):
    text = "   epoch,   train/box_loss,  lr/pg0\n      1,      1.5,   0.01\n      2,      1.2,   0.001\n"
    (run,) = cf.read(log(text, "results.csv"))
    assert list(run) == ["train/box_loss", "lr/pg0"]
    assert run.schedule is not None and len(run.schedule) == 2


def test_a_monitor_file(log):
    text = '#{"t_start": 1.5, "env_id": "Ant"}\nr,l,t\r\n-5.0,10,0.5\r\n-4.0,20,0.9\r\n-3.0,5,1.1\r\n'
    (run,) = cf.read(log(text, "0.monitor.csv"))
    np.testing.assert_array_equal(run["episode_reward"].x, [10, 30, 35])
    assert run["episode_reward"].direction == "max"
    assert run.attributes["env_id"] == "Ant"


def test_a_chart_exported_from_wandb(log):
    text = (
        '"Step","a - loss","a - loss__MIN","a - loss__MAX","b - loss","b - loss__MIN","b - loss__MAX"\n'
        '"10","2.0","1.9","2.1","","",""\n"20","1.5","1.5","1.5","3.0","3.0","3.0"'
    )
    a, b = cf.read(log(text))
    assert (a.name, b.name) == ("a", "b")
    assert a.provenance.sampling == "aggregated"
    np.testing.assert_array_equal(a["loss"].flags, [1, 0])
    np.testing.assert_array_equal(b["loss"].x, [20])  # a closed quote shows that the last line is whole
    assert a.provenance.points_in + b.provenance.points_in == 9


def test_long_form_splits_into_runs(log):
    rows = "".join(f"{a},{i},{v}\n" for a in ("x", "y") for _ in range(2) for i, v in enumerate((3.0, 2.0, 1.0)))
    runs = cf.read(log("agent,step,loss\n" + rows))
    assert [r.name for r in runs] == ["x/1", "x/2", "y/1", "y/2"]
    assert all(len(r["loss"]) == 3 for r in runs)
