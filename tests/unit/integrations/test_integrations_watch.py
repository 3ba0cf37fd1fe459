"""What all adapters share: nothing leaves it, nothing outside changes, the state survives."""

from __future__ import annotations

import copy
import errno
import json
import locale
import logging
import os
import pickle
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, DependencyError, UsageError
from curvefit.integrations._base import Watch, agreed
from curvefit.integrations._event_writer import EventWriter
from curvefit.integrations.loop import Loop

ROOT = Path(__file__).resolve().parents[3]
FALLING = [1.0 + 2.0 / n for n in range(1, 41)]
PATIENT = {"patience": "6 updates", "min_gain": 10.0, "any_of": ("patience",)}


def run(watch, values=FALLING, start=1, **others):
    return [watch.see(x, {watch.name: v, **others}) for x, v in enumerate(values, start)]


def told(caplog):
    return [r.getMessage() for r in caplog.records if r.name == "curvefit.integrations"]


def raising(error):
    def forecasting(curve, x):
        raise error

    return forecasting


# errors


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), MemoryError(), RecursionError(), SystemExit(2), GeneratorExit()],
    ids=lambda e: type(e).__name__,
)
def test_no_error_leaves_it_and_each_is_said_once(error, caplog):
    watch = Watch("val_loss", forecasting=raising(error), any_of=("gain",))
    assert not any(run(watch))
    said = [r.getMessage() for r in caplog.records if type(error).__name__ in r.getMessage()]
    assert len(said) == 1


def test_after_three_errors_it_is_silent(caplog):
    calls = []

    def fail():
        calls.append(1)
        raise SystemExit

    watch = Watch("val_loss")
    assert [watch.safely(fail, otherwise=7) for _ in range(9)] == [7] * 9
    assert len(calls) == 3 and len(told(caplog)) == 1
    assert run(watch, FALLING[:3]) == [False] * 3 and watch.answer is None


def test_a_key_press_of_the_user_passes():
    with pytest.raises(KeyboardInterrupt):
        run(Watch("val_loss", forecasting=raising(KeyboardInterrupt())))


def test_a_log_handler_that_raises_harms_nothing():
    class Broken(logging.Handler):
        def emit(self, record):
            raise RuntimeError("disk full")

    handler = Broken()
    logging.getLogger("curvefit.integrations").addHandler(handler)
    try:
        assert not any(run(Watch("val_loss", forecasting=raising(SystemExit()))))
        assert any(run(Watch("val_loss", **PATIENT)))
    finally:
        logging.getLogger("curvefit.integrations").removeHandler(handler)


@pytest.mark.parametrize(
    "options",
    [
        {"patience": "5"},
        {"horizon": -1},
        {"level": 1.5},
        {"forecast_to": 3},
        {"forecasting": "pooled"},
        {"any_of": ("luck",)},
        {"has_logger": False, "forecast_to": "logger"},
    ],
    ids=str,
)
def test_wrong_arguments_are_errors_at_once(options):
    with pytest.raises(UsageError):
        Watch("val_loss", **options)


def test_a_metric_without_direction_is_an_error_at_once():
    with pytest.raises(DataError):
        Watch("my_number")
    assert Watch("my_number", direction="max").name == "my_number"


# what is seen


def test_it_stops_and_says_why_once(caplog):
    watch = Watch("val_loss", **PATIENT)
    answers = run(watch)
    assert answers.index(True) == 10 and watch.stopped and all(answers[10:])
    assert told(caplog) == [f"stopping at step 11: val_loss: {watch.answer.reason}"]


def test_advice_alone_never_stops(caplog):
    watch = Watch("val_loss", stop=False, **PATIENT)
    assert not any(run(watch)) and watch.stopped
    assert len(told(caplog)) == 1 and told(caplog)[0].startswith("would stop at step 11")


def test_a_metric_that_is_not_there_is_named_once_with_what_is(caplog):
    watch = Watch("val_loss")
    for epoch in range(5):
        assert not watch.see(epoch, {"loss": 1.0, "validation_loss": 2.0})
    (said,) = told(caplog)
    assert "val_loss" in said and "'validation_loss'" in said
    assert not watch.see(9, {"loss": 1.0}, expected=False) and len(told(caplog)) == 1


@pytest.mark.parametrize("odd", ["0.5", np.ones(3), 1j, 10**400], ids=lambda v: str(v)[:9])
def test_a_value_that_is_no_number_is_said_once(odd, caplog):
    watch = Watch("val_loss")
    for epoch in range(1, 5):
        assert not watch.see(epoch, {"val_loss": odd, "loss": 1.0})
    watch.end()
    said, at_the_end = told(caplog)
    assert said.startswith("val_loss at step 1 is no number") and "nothing was watched" in at_the_end


def test_a_metric_that_is_logged_now_and_then_is_not_missed(caplog):
    watch = Watch("val_loss")
    for epoch in range(1, 5):
        watch.see(epoch, {"loss": 1.0} if epoch % 2 == 0 else {"val_loss": 1.0})
    watch.end()
    assert told(caplog) == []


def test_what_is_logged_between_two_values_is_kept_for_the_next():
    watch = Watch("val_loss")
    watch.see(
        1, {"loss": 3.0, "note": "text", "flag": True, "x": 1.0, "value": 2.0, "rows": np.arange(3)}, expected=False
    )
    watch.see(1, {"val_loss": 2.0, "loss": 2.5})
    watch.see(2, {"val_loss": 1.9, "loss": 2.4})
    curves, _ = watch.monitor._seen.others.curves("epoch")
    assert set(curves) == {"loss"} and curves["loss"].y.tolist() == [2.5, 2.4]


class Tensor:
    """Refuses to become a number before it is detached, as a tensor with a gradient may."""

    def __float__(self):
        warnings.warn("requires grad", UserWarning, stacklevel=2)
        return 1.0

    def detach(self):
        return np.float32(0.5)


def test_tensors_are_detached():
    watch = Watch("val_loss")
    assert not watch.see(1, {"val_loss": Tensor()})
    assert watch.state_dict()["series"]["y"] == [0.5]


def test_the_planned_length_of_the_trainer_is_the_horizon_unless_one_is_stated():
    watch, stated = Watch("val_loss"), Watch("val_loss", horizon=7)
    watch.see(1, {"val_loss": 1.0})
    for w in (watch, stated):
        w.begin(200)
    assert watch.monitor._asked.horizon == 200 and stated.monitor._asked.horizon == 7
    assert len(watch.state_dict()["series"]["x"]) == 1  # what was seen is kept
    for unknown in (None, -1, float("inf"), 0):
        other = Watch("val_loss")
        other.begin(unknown)
        assert other.monitor._asked.horizon is None


# forecasts


def test_forecasts_are_written_for_the_horizon(tmp_path):
    given = []
    watch = Watch("val_loss", horizon=80, level=0.8, forecast_to=lambda values, x: given.append((x, values)))
    run(watch)
    assert [x for x, _ in given][:2] == [8, 9] and set(given[0][1]) == {
        f"forecast/val_loss/{k}" for k in ("median", "low", "high")
    }
    curve = cf.Curve(range(1, 41), FALLING, "val_loss")
    x, values = given[-1]
    expected = cf.forecast(curve.until(x), [80.0]).quantile([0.1, 0.5, 0.9])[0]
    got = [values[f"forecast/val_loss/{k}"] for k in ("low", "median", "high")]
    np.testing.assert_allclose(got, expected, rtol=0.05)  # the monitor forecasts a grid that ends there


def test_a_logger_that_raises_harms_nothing(caplog):
    def broken(values, x):
        raise OSError("no space left")

    tries = []
    watch = Watch("val_loss", forecast_to=lambda *given: tries.append(given) or broken(*given), any_of=("diverged",))
    assert not any(run(watch)) and len(tries) == 3
    (said,) = told(caplog)
    assert "writing the forecast" in said and "no space left" in said


@pytest.mark.parametrize("what", ["forecast_to", "state_file"])
def test_what_cannot_be_written_does_not_end_the_watching(what, tmp_path, caplog):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    free, watch = Watch("val_loss", **PATIENT), Watch("val_loss", **{what: blocked / "below"}, **PATIENT)
    assert run(watch) == run(free) and watch.stopped
    assert len(told(caplog)) == 3 and sum(str(blocked) in t and "goes on" in t for t in told(caplog)) == 1


def test_a_full_disk_leaves_no_part_of_a_state_behind(tmp_path, monkeypatch):
    watch = Watch("val_loss", state_file=tmp_path / "state.json", **PATIENT)
    watch.see(1, {"val_loss": 1.0})
    before = (tmp_path / "state.json").read_bytes()

    def full(self, text, encoding):
        self.write_bytes(text.encode(encoding)[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    watch.see(2, {"val_loss": 0.9})
    watch.end()
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]
    assert (tmp_path / "state.json").read_bytes() == before


VALUES = {"forecast/val_loss/median": 0.1, "b": float("nan"), "c": float("inf"), "d": 1e300, "é": -2.5}


def test_event_files_are_read_back_as_written(tmp_path):
    writer = EventWriter(tmp_path / "new" / "forecast")
    for step in (3, 300, 70_000, 2**40):
        writer.write({k: v if k in "bcd" else v * step for k, v in VALUES.items()}, step)
    (file,) = (tmp_path / "new" / "forecast").iterdir()
    (read,) = cf.read(tmp_path / "new")
    assert "tfevents" in file.name and read.provenance.rows_dropped == {}
    for name in ("forecast/val_loss/median", "é"):
        assert read[name].x.tolist() == [3, 300, 70_000, 2**40]
        expected = np.array([VALUES[name] * s for s in (3, 300, 70_000, 2**40)], np.float32)
        assert np.array_equal(read[name].y.astype(np.float32), expected)


def test_a_restarted_event_file_supersedes_the_older_one(tmp_path):
    for first, name in ((1, "a"), (3, "b")):
        writer = EventWriter(tmp_path)
        for step in range(first, 6):
            writer.write({"loss": 10.0 * first + step}, step)
        time.sleep(0.002)
        assert name
    (read,) = cf.read(tmp_path)
    assert read["loss"].y.tolist() == [11.0, 12.0, 33.0, 34.0, 35.0]


# state


def test_the_state_is_kept_in_a_file_and_taken_up(tmp_path):
    file = tmp_path / "deep" / "monitor.json"
    first = Watch("val_loss", state_file=file)
    first.begin()
    run(first, FALLING[:20])
    first.end()
    assert [f.name for f in file.parent.iterdir()] == ["monitor.json"]
    again = Watch("val_loss", state_file=file)
    again.begin(100)
    run(again, FALLING[20:], start=21)
    whole = Watch("val_loss")
    run(whole)
    assert again.state_dict()["series"] == whole.state_dict()["series"]


def test_saving_is_throttled(tmp_path, monkeypatch):
    watch = Watch("val_loss", state_file=tmp_path / "s.json", any_of=("diverged",))
    saved = []
    kept = watch.monitor.state_dict
    monkeypatch.setattr(watch.monitor, "state_dict", lambda: saved.append(time.sleep(0.005)) or kept())
    began = time.monotonic()
    run(watch, [1.0] * 200)
    took = time.monotonic() - began
    assert 1 <= len(saved) <= 2 + took / (50 * 0.005)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 1, "metric": "accuracy"}'])
def test_a_state_file_that_is_none_is_logged_and_left_alone(text, tmp_path, caplog):
    file = tmp_path / "monitor.json"
    file.write_text(text)
    watch = Watch("val_loss", state_file=file, **PATIENT)
    watch.begin(50)
    assert len(told(caplog)) == 1 and any(run(watch))
    watch.end()
    assert json.loads(file.read_text())["metric"] == "val_loss"


def test_it_can_be_copied_and_pickled():
    watch = Watch("val_loss", horizon=50, **PATIENT)
    run(watch, FALLING[:9])
    for twin in (copy.deepcopy(watch), pickle.loads(pickle.dumps(watch))):
        assert twin.state_dict() == watch.state_dict()
        assert [twin.see(10 + i, {"val_loss": 1.0}) for i in range(3)] == [False, True, True]


# the world outside


def test_nothing_outside_changes():
    legacy = np.random.get_state

    def world():
        root = logging.getLogger()
        return (
            random.getstate(), legacy()[1].tolist(), np.geterr(), list(warnings.filters), dict(os.environ),
            Path.cwd(), signal.getsignal(signal.SIGINT), root.level, list(root.handlers), locale.setlocale(locale.LC_ALL),
            os.environ.get("MPLBACKEND"),
        )  # fmt: skip

    before = world()
    run(Watch("val_loss", horizon=100, best=0.5), np.random.default_rng(0).standard_normal(60) + 5)
    assert world() == before


@pytest.mark.slow
def test_a_value_costs_little_more_than_the_monitor_itself():
    """CPU time of interleaved blocks, so that others on the machine fall on both sides."""
    watch, monitor = (
        Watch("val_loss", any_of=("target",), target=-1.0),
        cf.Monitor("val_loss", any_of=("target",), target=-1.0),
    )
    spent = {"watch": 0.0, "monitor": 0.0}
    for block in range(20):
        steps = range(block * 10, block * 10 + 10)
        began = time.process_time()
        for s in steps:
            monitor.update(s, 1.0, loss=1.0)
        middle = time.process_time()
        for s in steps:
            watch.see(s, {"val_loss": 1.0, "loss": 1.0})
        spent["monitor"] += middle - began
        spent["watch"] += time.process_time() - middle
    assert spent["watch"] < 2.0 * spent["monitor"] + 0.05, spent


def test_one_process_agrees_with_itself():
    assert agreed(True) is True and agreed(False) is False


ADAPTERS = {
    "keras": ("keras", "keras"),
    "transformers": ("transformers", "transformers"),
    "lightning": ("lightning", "lightning"),
    "ignite": ("ignite", "pytorch-ignite"),
    "optuna": ("optuna", "optuna"),
    "xgboost": ("xgboost", "xgboost"),
    "lightgbm": ("lightgbm", "lightgbm"),
}


def test_every_adapter_is_known_here():
    files = {f.stem for f in (ROOT / "curvefit" / "integrations").glob("[a-z]*.py")}
    assert files == {*ADAPTERS, "loop", "sklearn"}


def test_an_adapter_without_its_framework_says_what_to_install_and_the_room_loads_none():
    hidden = [module for module, _ in ADAPTERS.values()]
    program = (
        f"import sys\nfor m in [*{hidden!r}, 'pytorch_lightning']: sys.modules[m] = None\n"
        "import importlib, curvefit.integrations, curvefit.integrations.loop, curvefit.integrations.sklearn\n"
        "from curvefit.curves import DependencyError\n"
        f"for name in {list(ADAPTERS)!r}:\n"
        "    try: importlib.import_module(f'curvefit.integrations.{name}')\n"
        "    except DependencyError as e: print(name, '|', e)\n"
        "assert not {'torch', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(" | ", 1) for line in done.stdout.splitlines() if " | " in line)
    for name, (_, package) in ADAPTERS.items():
        assert f"pip install {package}" in done.stdout and name in lines


def test_dependency_errors_can_be_caught_by_name():
    assert issubclass(DependencyError, cf.CurvefitError)


# the loop


def test_a_loop_of_ones_own_stops_and_resumes():
    loop = Loop("val_loss", total=40, **PATIENT)
    seen = [epoch for epoch in loop if loop.log(val_loss=FALLING[epoch - 1]) in (True, False)]
    assert seen == list(range(1, 12)) and loop.watch.stopped
    half = Loop("val_loss", total=20, any_of=("diverged",))
    for epoch in half:
        half.log({"val/other": 1.0}, val_loss=FALLING[epoch - 1])
    again = Loop("val_loss", total=30)
    again.load_state_dict(json.loads(json.dumps(half.state_dict())))
    assert list(again) == list(range(21, 31))


@pytest.mark.parametrize("order", [("val_loss", "train_loss"), ("train_loss", "val_loss")], ids=" ".join)
def test_a_loop_may_log_in_several_calls(order, caplog):
    loop = Loop("val_loss", total=40, **PATIENT)
    for epoch in loop:
        for name in order:
            loop.log({name: FALLING[epoch - 1]})
    assert epoch == 11 and len(told(caplog)) == 1 and told(caplog)[0].startswith("stopping at epoch 11")


def test_a_loop_says_that_its_metric_is_never_logged(caplog):
    for epoch in Loop("val_loss", total=4):
        assert epoch <= 4
    loop = Loop("val_loss", total=4)
    for _ in loop:
        loop.log(valid_loss=1.0)
    first, second = told(caplog)
    assert "nothing was watched" in first and "at epoch 1" in second and "'valid_loss'" in second


def test_a_loop_that_is_broken_off_saves_its_state(tmp_path):
    file = tmp_path / "state.json"
    loop = Loop("val_loss", total=40, state_file=file)
    for epoch in loop:
        loop.log(val_loss=FALLING[epoch - 1])
        if epoch == 9:
            break
    del loop
    assert json.loads(file.read_text())["series"]["x"] == list(range(1, 10))


@pytest.mark.parametrize("state", [{}, None, {"at": "x", "monitor": {}}, {"at": 3}], ids=str)
def test_a_loop_refuses_what_is_no_state(state):
    loop = Loop("val_loss", total=4)
    with pytest.raises(UsageError, match="no saved state"):
        loop.load_state_dict(state)
    assert loop.at == 0


def test_a_loop_that_logs_nothing_runs_to_its_end():
    assert list(Loop("val_loss", total=5)) == [1, 2, 3, 4, 5]


@pytest.mark.integration
def test_partial_fit_in_batches():
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    from curvefit.integrations.sklearn import partial_fit_loop

    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 2))
    y = (x[:, 0] > 0).astype(int)
    options = {"validation": (x[40:], y[40:]), "batch_size": 15}
    loop = partial_fit_loop(
        SGDClassifier(random_state=0), x[:40], y[:40], **options, loop=Loop("val_score", 4, direction="max")
    )
    assert loop.at == 4 and loop.state_dict()["monitor"]["series"]["x"] == [1, 2, 3, 4]
    model, twin = SGDRegressor(random_state=0), SGDRegressor(random_state=0)
    partial_fit_loop(model, x[:40], y[:40], **options, loop=Loop("val_r2", 3), rng=np.random.default_rng(7))
    order = np.random.default_rng(7)
    for _ in range(3):
        rows = order.permutation(40)
        for start in (0, 15, 30):
            twin.partial_fit(x[rows[start : start + 15]], y[rows[start : start + 15]])
    assert np.array_equal(model.coef_, twin.coef_)
