"""Runs and where they come from."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import curvefit as cf
from curvefit.curves import DataError, Provenance, UsageError


def curve(name, y=(3.0, 2.0, 1.0)):
    return cf.Curve(range(len(y)), y, name)


def run(*names):
    return cf.Run("r", {n: curve(n) for n in names})


def test_curves_by_name():
    r = run("train_loss", "val_loss")
    assert list(r) == ["train_loss", "val_loss"] and len(r) == 2 and "val_loss" in r and "loss" not in r
    assert r["val_loss"].metric.split == "val" and "val_loss" in repr(r)
    with pytest.raises(UsageError, match="Did you mean 'val_loss'"):
        r["valid_loss"]


def test_wrong_parts_are_refused():
    with pytest.raises(DataError, match="not a Curve"):
        cf.Run("r", {"loss": [1, 2, 3]})
    for horizon in (0, -1, np.nan, np.inf):
        with pytest.raises(DataError, match="horizon"):
            cf.Run("r", {"loss": curve("loss")}, horizon=horizon)


def test_runs_are_frozen():
    r = cf.Run("r", {"loss": curve("loss")}, attributes={"seed": 1.0})
    with pytest.raises(TypeError):
        r.curves["x"] = curve("x")
    with pytest.raises(TypeError):
        r.attributes["x"] = 1
    with pytest.raises(AttributeError):
        r.name = "other"


def test_copies_keep_everything():
    p = Provenance("f.csv", "csv_table", 3, 2, {"odd": 1}, 3, 3, restarts=(2.0,), window=10.0, notes=("n",))
    r = cf.Run("r", {"loss": curve("loss")}, cf.Schedule([1, 2], [0.1, 0.01]), 9.0, p, {"seed": 1.0})
    twin = pickle.loads(pickle.dumps(r))
    assert (
        twin["loss"] == r["loss"]
        and twin.provenance == p
        and twin.horizon == 9
        and dict(twin.attributes) == {"seed": 1}
    )
    np.testing.assert_array_equal(twin.schedule.rate, [0.1, 0.01])


def test_with_curve_adds_or_replaces():
    r = run("loss").with_curve("acc", curve("acc"))
    assert list(r) == ["loss", "acc"]
    assert r.with_curve("loss", curve("loss", (1.0,)))["loss"].y[0] == 1


def test_find_leaves_out_bookkeeping():
    r = run("train_loss", "val_loss", "val_acc", "lr", "time")
    assert [c.metric.name for c in r.find()] == ["train_loss", "val_loss", "val_acc"]
    assert [c.metric.name for c in r.find(kind="loss", split="val")] == ["val_loss"]


@pytest.mark.parametrize(
    ("names", "main"),
    [
        (("train_loss", "val_loss"), "val_loss"),
        (("train_loss", "val_acc"), "val_acc"),
        (("loss", "train_loss"), "loss"),
        (("test_loss", "train_loss"), "test_loss"),
        (("acc", "loss"), "loss"),
        (("error", "acc"), "error"),
        (("reward", "lr", "time"), "reward"),
        (("val_loss", "eval_loss"), "val_loss"),
    ],
)
def test_main_metric(names, main):
    assert run(*names).main_metric() == main


def test_main_metric_refuses_to_guess():
    with pytest.raises(DataError, match="known direction"):
        run("foo", "lr").main_metric()
    nothing = cf.Run("r", {"loss": cf.Curve([1, 2], [np.nan, np.inf], "loss")})
    with pytest.raises(DataError, match="no finite points") as caught:
        nothing.main_metric()
    assert caught.value.code == "CF-DATA-001"


def test_from_mapping_like_a_keras_history():
    r = cf.Run.from_mapping(
        {"loss": [3, 2, 1], "val_loss": [3, None, float("nan")], "lr": [0.1, 0.1, 0.01]}, x_unit="epoch"
    )
    np.testing.assert_array_equal(r["loss"].x, [1, 2, 3])
    np.testing.assert_array_equal(r["val_loss"].x, [1])
    np.testing.assert_array_equal(r["val_loss"].nonfinite_x, [3])
    np.testing.assert_array_equal(r.schedule.rate, [0.1, 0.1, 0.01])


def test_from_mapping_with_x_and_a_resume():
    values = {"step": [1, 2, 3, 2, 3, 4], "loss": [6, 5, 4, 4.5, 3, 2]}
    np.testing.assert_array_equal(cf.Run.from_mapping(values, x="step")["loss"].y, [6, 4.5, 3, 2])
    np.testing.assert_array_equal(cf.Run.from_mapping(values, x="step", resume="first")["loss"].y, [6, 5, 4, 2])
    with pytest.raises(UsageError, match="'step'"):
        cf.Run.from_mapping(values, x="stp")
    with pytest.raises(DataError, match="differ in length"):
        cf.Run.from_mapping({"a": [1], "b": [1, 2]})
    with pytest.raises(DataError, match="no columns"):
        cf.Run.from_mapping({})


def test_from_frame_with_nulls():
    pl = pytest.importorskip("polars")
    for frame in (
        pl.DataFrame({"step": [1, 2, 3], "loss": [3.0, None, float("nan")], "note": ["a", "b", "c"]}),
        pd.DataFrame({"step": [1, 2, 3], "loss": pd.array([3.0, pd.NA, 2.0], "Float64"), "note": list("abc")}),
    ):
        r = cf.Run.from_frame(frame, x="step", name="f")
        assert list(r) == ["loss"] and r["loss"].x[0] == 1 and 2 not in r["loss"].nonfinite_x
    with pytest.raises(UsageError, match="numeric column"):
        cf.Run.from_frame(frame, x="note")


def test_provenance_conserves_rows_and_points():
    Provenance(rows_in=5, rows_kept=3, rows_dropped={"a": 2, "b": 0}, points_in=4, points_kept=4)
    with pytest.raises(AssertionError, match="5 rows in, 4 kept"):
        Provenance(rows_in=5, rows_kept=4)
    with pytest.raises(AssertionError, match="points"):
        Provenance(points_in=5, points_kept=4, points_dropped={"a": 2})
    p = Provenance(rows_in=1, rows_kept=0, rows_dropped={"a": 1, "b": 0})
    assert dict(p.rows_dropped) == {"a": 1}
    with pytest.raises(TypeError):
        p.rows_dropped["c"] = 1
    assert pickle.loads(pickle.dumps(p)) == p


def test_results_of_boosting_are_columns_by_data_set():
    rounds = [3.0, 2.0, 1.5, 1.2]
    r = cf.Run.from_mapping({"train": {"rmse": rounds}, "valid_0": {"rmse": rounds[::-1], "l2": rounds}})
    assert list(r) == ["train/rmse", "valid_0/rmse", "valid_0/l2"]
    assert r["valid_0/l2"].x_unit == "iteration" and r["valid_0/l2"].x.tolist() == [1, 2, 3, 4]
    assert r["valid_0/l2"].direction == "min" and r["valid_0/l2"].metric.split == "val"
    assert cf.Metric.infer("valid_0/l2").direction is None, "elsewhere l2 may be a penalty"
    assert cf.Metric.infer("train/aft-nloglik").direction == "min"
    assert cf.Run.from_mapping({"step": [1, 2], "a": {"loss": [2.0, 1.0]}}, x="step")["a/loss"].x_unit == "step"


def test_columns_of_different_length_say_what_to_do():
    with pytest.raises(DataError, match="differ in length") as caught:
        cf.Run.from_mapping({"loss": [3.0, 2.0, 1.0], "val_loss": [2.0]})
    assert "None where nothing was logged" in caught.value.hint
