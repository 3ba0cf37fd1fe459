"""Settings that are logged and never change: curves as before, and attributes by which runs can be compared."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.commands._main import run

WIDE = ("lr", "batch_size", "momentum", "weight_decay", "wd", "temperature", "dropout", "flops", "accuracy_target")


def wide(value, steps=20, *, name="lr"):
    last = np.linspace(1, 2, steps) * value if name.startswith("~") else np.full(steps, value)
    rows = "".join(f"{s},{1 + 9 / s},{v}\n" for s, v in zip(range(1, steps + 1), last, strict=True))
    return f"step,val_loss,{name.lstrip('~')}\n{rows}"


def saved(folder, name, text):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("steps", [3, 20])
def test_a_setting_that_never_changes_is_an_attribute(tmp_path, name, steps):
    (one,) = cf.read(saved(tmp_path, "a.csv", wide(0.5, steps, name=name)))
    assert one.attributes[name] == 0.5
    (other,) = cf.read(saved(tmp_path, "b.csv", wide(0.5, steps, name="~" + name)))
    assert name not in other.attributes and name in other.curves, "negative control: it changes within the run"


def test_a_constant_learning_rate_stays_curve_and_schedule(tmp_path):
    (one,) = cf.read(saved(tmp_path, "a.csv", wide(0.1)))
    assert "lr" in one.curves and one.schedule is not None
    assert np.all(one.schedule.rate == 0.1) and one.attributes["lr"] == 0.1


def test_a_measured_value_that_never_changes_is_no_attribute(tmp_path):
    (one,) = cf.read(saved(tmp_path, "a.csv", wide(0.5, name="val_accuracy")))
    assert "val_accuracy" not in one.attributes


def long_form(rates, *, decay=False):
    rows = [
        f"{rate}-{seed},{metric},{s},{1 + rate + 9 / s + seed / 100},{rate / (s if decay else 1)},{seed}"
        for rate in rates
        for seed in range(5)
        for metric in ("val_loss", "train_loss")
        for s in range(1, 25)
    ]
    return "run_id,metric,step,value,lr,seed\n" + "\n".join(rows) + "\n"


def test_a_rate_beside_the_values_of_a_long_form_is_schedule_and_attribute(tmp_path):
    runs = cf.read(saved(tmp_path, "a.csv", long_form([0.1, 0.5])))
    assert [r.attributes["lr"] for r in runs] == [0.1] * 5 + [0.5] * 5
    assert all(r.schedule is not None and set(r.schedule.rate) == {r.attributes["lr"]} for r in runs)
    decayed = cf.read(saved(tmp_path, "b.csv", long_form([0.1, 0.5], decay=True)))
    assert all("lr" not in r.attributes and r.schedule is not None for r in decayed), "negative control"


def test_settings_survive_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    for text in (long_form([0.1, 0.5]), wide(0.1), wide(64, name="batch_size")):
        runs = cf.read(saved(tmp_path, "a.csv", text))
        cf.write_parquet(runs, tmp_path / "a.parquet")
        again = cf.read(tmp_path / "a.parquet")
        assert [dict(r.attributes) for r in again] == [dict(r.attributes) for r in runs]
        assert [sorted(r.curves) for r in again] == [sorted(r.curves) for r in runs]
        assert all((a.schedule is None) == (b.schedule is None) for a, b in zip(again, runs, strict=True))


def test_learning_rates_are_compared(tmp_path, capsys):
    file = saved(tmp_path, "a.csv", long_form([0.1, 0.5]))
    assert run(["compare", str(file), "--metric", "val_loss", "--by", "lr", "--over", "seed", "--at", "24"]) == 0
    assert "0.1" in capsys.readouterr().out


def test_a_rate_that_changes_within_runs_is_no_method_and_that_is_said(tmp_path, capsys):
    long = saved(tmp_path, "a.csv", long_form([0.1, 0.5], decay=True))
    one = saved(tmp_path, "b.csv", wide(0.5, name="~momentum"))
    for file, by, what in ((long, "lr", "learning rate"), (one, "momentum", "metric")):
        assert run(["compare", str(file), "--metric", "val_loss", "--by", by, "--over", "seed", "--at", "20"]) == 2
        said = capsys.readouterr().err
        assert f"'{by}' is a {what} that changes within runs, and no attribute of them" in said and "--names" in said
    assert run(["compare", str(long), "--metric", "val_loss", "--by", "width", "--over", "seed", "--at", "20"]) == 2
    assert "no attribute named 'width'" in capsys.readouterr().err, "negative control"
