"""Real, tiny trainings under each adapter: stopped for the stated reason, resumed with their state, never harmed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import curvefit as cf

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore"),  # of the frameworks
    pytest.mark.filterwarnings("error:::curvefit"),
]

TOTAL = 40
rng = np.random.default_rng(5)
X = rng.standard_normal((48, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5]) + 0.3 * rng.standard_normal(48)).astype(np.float32)
TRAIN, VALID = slice(0, 32), slice(32, 48)


@dataclass
class Outcome:
    """What a training came to."""

    epochs: int
    predictions: np.ndarray
    watch: Any = None


def linear():
    import torch

    torch.manual_seed(1)
    return torch.nn.Linear(3, 1)


def tensors(part):
    import torch

    return torch.from_numpy(X[part]), torch.from_numpy(Y[part])[:, None]


def predicted(model):
    import torch

    with torch.no_grad():
        return model(torch.from_numpy(X)).numpy().ravel()


# one function per trainer: train `total` epochs in all, with an adapter (or none), from the folder's checkpoint (or anew)


def keras(folder, total, options, resume):
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    from curvefit.integrations.keras import MonitorCallback

    keras.utils.set_random_seed(1)
    if resume:
        model, first = keras.saving.load_model(folder / "model.keras"), TOTAL // 2
    else:
        model, first = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)]), 0
        model.compile(keras.optimizers.SGD(0.02), "mse")
    callbacks = [] if options is None else [MonitorCallback("val_loss", state_file=folder / "monitor.json", **options)]
    data = {"validation_data": (X[VALID], Y[VALID]), "batch_size": 8, "shuffle": False, "verbose": 0}
    history = model.fit(X[TRAIN], Y[TRAIN], epochs=total, initial_epoch=first, callbacks=callbacks, **data)
    model.save(folder / "model.keras")
    done = first + len(history.epoch)
    return Outcome(done, model.predict(X, verbose=0).ravel(), callbacks[0].watch if callbacks else None)


def transformers(folder, total, options, resume):
    import torch
    import transformers

    from curvefit.integrations.transformers import MonitorCallback

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = linear()

        def forward(self, x, labels=None):
            out = self.linear(x)
            return {"loss": torch.nn.functional.mse_loss(out[:, 0], labels), "logits": out}

    def rows(part):
        return [{"x": x, "labels": float(y)} for x, y in zip(X[part], Y[part], strict=True)]

    args = transformers.TrainingArguments(
        output_dir=str(folder), num_train_epochs=total, per_device_train_batch_size=32, eval_strategy="epoch",
        logging_strategy="epoch", save_strategy="epoch" if total < TOTAL else "no", save_total_limit=1, report_to=[],
        learning_rate=0.05, lr_scheduler_type="constant", use_cpu=True, disable_tqdm=True, seed=1,
    )  # fmt: skip
    callbacks = [] if options is None else [MonitorCallback("eval_loss", **options)]
    trainer = transformers.Trainer(
        Model(), args, train_dataset=rows(TRAIN), eval_dataset=rows(VALID), callbacks=callbacks
    )
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train(resume_from_checkpoint=resume or None)
    watch = callbacks[0].watch if callbacks else None
    return Outcome(round(trainer.state.epoch), predicted(trainer.model.linear), watch)


def lightning(folder, total, options, resume):
    import lightning
    import torch

    from curvefit.integrations.lightning import MonitorCallback

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.linear = linear()

        def training_step(self, batch, _):
            loss = torch.nn.functional.mse_loss(self.linear(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch, _):
            self.log("val_loss", torch.nn.functional.mse_loss(self.linear(batch[0]), batch[1]))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.05)

    def loader(part):
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors(part)), batch_size=32)

    saving = lightning.pytorch.callbacks.ModelCheckpoint(folder, save_last=True)
    callbacks = [saving] if options is None else [MonitorCallback("val_loss", **options), saving]
    trainer = lightning.Trainer(
        max_epochs=total, accelerator="cpu", devices=1, callbacks=callbacks, logger=False, log_every_n_steps=1,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    model = Model()
    trainer.fit(model, loader(TRAIN), loader(VALID), ckpt_path=folder / "last.ckpt" if resume else None)
    return Outcome(trainer.global_step, predicted(model.linear), None if options is None else callbacks[0].watch)


def ignite(folder, total, options, resume):
    import torch
    from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
    from ignite.handlers import Checkpoint, DiskSaver
    from ignite.metrics import Loss

    from curvefit.integrations.ignite import MonitorHandler

    model, mse = linear(), torch.nn.functional.mse_loss
    trainer = create_supervised_trainer(model, torch.optim.SGD(model.parameters(), lr=0.05), mse)
    evaluator = create_supervised_evaluator(model, {"val_loss": Loss(mse)})
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run([tensors(VALID)]))
    kept = {"model": model, "trainer": trainer}
    handler = None
    if options is not None:
        handler = MonitorHandler("val_loss", trainer, **options)
        evaluator.add_event_handler(Events.COMPLETED, handler)
        kept["monitor"] = handler
    trainer.add_event_handler(Events.COMPLETED, Checkpoint(kept, DiskSaver(str(folder), require_empty=False)))
    if resume:
        (file,) = folder.glob("checkpoint_*.pt")
        Checkpoint.load_objects(kept, torch.load(file, weights_only=True))
    trainer.run([tensors(TRAIN)], max_epochs=total)
    return Outcome(trainer.state.epoch, predicted(model), handler and handler.watch)


def loop(folder, total, options, resume):
    import torch

    from curvefit.integrations.loop import Loop

    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    epochs = range(1, total + 1) if options is None else Loop("val_loss", total, **options)
    if resume:
        saved = torch.load(folder / "checkpoint.pt", weights_only=True)
        model.load_state_dict(saved["model"])
        epochs.load_state_dict(saved["loop"])
    (x, y), (xv, yv), mse = tensors(TRAIN), tensors(VALID), torch.nn.functional.mse_loss
    for epoch in epochs:  # noqa: B007
        optimizer.zero_grad()
        loss = mse(model(x), y)
        loss.backward()
        optimizer.step()
        if options is not None:
            epochs.log(val_loss=mse(model(xv), yv), train_loss=loss)
            torch.save({"model": model.state_dict(), "loop": epochs.state_dict()}, folder / "checkpoint.pt")
    return Outcome(epoch, predicted(model), None if options is None else epochs.watch)


def xgboost(folder, total, options, resume):
    import xgboost as xgb

    from curvefit.integrations.xgboost import MonitorCallback

    train, valid = xgb.DMatrix(X[TRAIN], Y[TRAIN]), xgb.DMatrix(X[VALID], Y[VALID])
    callbacks = [] if options is None else [MonitorCallback("validation-rmse", **{"horizon": TOTAL, **options})]
    more = {"xgb_model": folder / "model.json"} if resume else {}
    model = xgb.train(
        {"max_depth": 2, "eta": 0.1, "nthread": 1}, train, total - TOTAL // 2 * bool(resume),
        evals=[(valid, "validation")], callbacks=callbacks, verbose_eval=False, **more,
    )  # fmt: skip
    model.save_model(folder / "model.json")
    return Outcome(model.num_boosted_rounds(), model.predict(xgb.DMatrix(X)), callbacks[0].watch if callbacks else None)


def lightgbm(folder, total, options, resume):
    import lightgbm as lgb

    from curvefit.integrations.lightgbm import MonitorCallback

    settings = {
        "objective": "l2",
        "metric": "rmse",
        "num_leaves": 3,
        "min_data_in_leaf": 2,
        "num_threads": 1,
        "verbose": -1,
    }
    more = {"init_model": folder / "model.txt"} if resume else {}
    callbacks = (
        [] if options is None else [MonitorCallback("valid_0-rmse", state_file=folder / "monitor.json", **options)]
    )
    train = lgb.Dataset(X[TRAIN], Y[TRAIN], free_raw_data=False)
    valid = lgb.Dataset(X[VALID], Y[VALID], reference=train, free_raw_data=False)
    rounds = total - TOTAL // 2 * bool(resume)
    model = lgb.train(settings, train, rounds, valid_sets=[valid], callbacks=callbacks, **more)
    model.save_model(folder / "model.txt", num_iteration=-1)
    every = model.current_iteration()
    return Outcome(every, model.predict(X, num_iteration=-1), callbacks[0].watch if callbacks else None)


def sklearn(folder, total, options, resume):
    import joblib
    from sklearn.linear_model import SGDRegressor

    from curvefit.integrations.loop import Loop
    from curvefit.integrations.sklearn import partial_fit_loop

    model = SGDRegressor(learning_rate="constant", eta0=0.005, random_state=1)
    options = {"any_of": ("diverged",)} if options is None else {**options}
    if "best" in options:
        options["best"] = 1.0 + 1e-9  # a score, larger is better
    epochs = Loop("val_score", total, direction="max", **options)
    if resume:
        model, saved = joblib.load(folder / "model.joblib")
        epochs.load_state_dict(saved)
    partial_fit_loop(model, X[TRAIN], Y[TRAIN], validation=(X[VALID], Y[VALID]), loop=epochs, batch_size=16)
    joblib.dump((model, epochs.state_dict()), folder / "model.joblib")
    return Outcome(epochs.at, model.predict(X), epochs.watch)


TRAINERS = {f.__name__: f for f in (keras, transformers, lightning, ignite, loop, xgboost, lightgbm, sklearn)}
EVERY = pytest.mark.parametrize("train", TRAINERS.values(), ids=TRAINERS)
GO_ON = {"any_of": ("diverged",)}


@EVERY
def test_a_run_that_cannot_beat_the_best_is_stopped_by_its_forecast(train, tmp_path, caplog):
    done = train(tmp_path, TOTAL, {"best": 1e-9, "any_of": ("hopeless",)}, False)
    assert 8 <= done.epochs < TOTAL
    assert done.watch.stopped and done.watch.answer.stop
    assert done.watch.answer.reasons[-1] == "criterion: hopeless"
    told = [r.getMessage() for r in caplog.records if r.name == "curvefit.integrations"]
    assert len(told) == 1 and told[0].startswith("stopping at") and "out of reach" in told[0]


@EVERY
def test_patience_stops_and_says_so(train, tmp_path):
    unit = {"transformers": "steps", "lightning": "steps", "xgboost": "iterations", "lightgbm": "iterations"}
    patience = f"6 {unit.get(train.__name__, 'epochs')}"
    done = train(tmp_path, TOTAL, {"patience": patience, "min_gain": 10.0, "any_of": ("patience",)}, False)
    assert done.epochs == 11 and "no improvement for 6" in done.watch.answer.reason  # five to smooth, then six without


@EVERY
def test_advice_alone_stops_nothing(train, tmp_path, caplog):
    done = train(
        tmp_path, TOTAL, {"patience": "6 updates", "min_gain": 10.0, "any_of": ("patience",), "stop": False}, False
    )
    assert done.epochs == TOTAL and done.watch.stopped
    assert sum("would stop" in r.getMessage() for r in caplog.records) == 1


@EVERY
def test_a_restart_goes_on_with_the_state(train, tmp_path):
    (tmp_path / "whole").mkdir(), (tmp_path / "half").mkdir()
    whole = train(tmp_path / "whole", TOTAL, GO_ON, False)
    half = train(tmp_path / "half", TOTAL // 2, GO_ON, False)
    assert half.epochs == TOTAL // 2
    again = train(tmp_path / "half", TOTAL, GO_ON, True)
    assert again.epochs == whole.epochs == TOTAL
    seen, told = (w.state_dict()["series"] for w in (whole.watch, again.watch))
    assert len(seen["x"]) == TOTAL and seen["x"] == told["x"]
    np.testing.assert_allclose(seen["y"], told["y"], rtol=1e-5)
    assert again.watch.monitor._asked.horizon == TOTAL


class Failing:
    """A forecaster that counts how often it has raised."""

    def __init__(self, error):
        self.error, self.count = error, 0

    def __call__(self, curve, x):
        self.count += 1
        raise self.error


@EVERY
@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3), MemoryError()], ids=lambda e: type(e).__name__)
def test_a_forecaster_that_raises_harms_nothing(train, error, tmp_path, caplog):
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    failing = Failing(error)
    # not a criterion that needs no forecast
    watched = train(
        tmp_path / "with", TOTAL, {"any_of": ("gain",), "forecasting": failing, "forecast_to": tmp_path / "f"}, False
    )
    assert failing.count >= 3
    plain = train(tmp_path / "without", TOTAL, None, False)
    assert watched.epochs == plain.epochs == TOTAL
    assert np.array_equal(watched.predictions, plain.predictions)
    told = [r for r in caplog.records if r.name.startswith("curvefit") and type(error).__name__ in r.getMessage()]
    assert len(told) == 1


@pytest.mark.parametrize("train", [keras, ignite, loop, xgboost], ids=lambda f: f.__name__)
def test_a_key_press_of_the_user_passes(train, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, TOTAL, {"forecasting": Failing(KeyboardInterrupt())}, False)


@EVERY
def test_the_forecast_is_written_where_tensorboard_reads_it(train, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = train(tmp_path, TOTAL, {**GO_ON, "forecast_to": tmp_path / "forecast"}, False)
    name = done.watch.name
    (run,) = cf.read(tmp_path / "forecast")
    assert set(run) - {"wall_time"} == {f"forecast/{name}/{k}" for k in ("median", "low", "high")}
    low, median, high = (run[f"forecast/{name}/{k}"] for k in ("low", "median", "high"))
    assert len(median) >= 8 and np.all(low.y < median.y) and np.all(median.y < high.y)
    theirs = EventAccumulator(str(tmp_path / "forecast")).Reload()
    assert [(e.step, e.value) for e in theirs.Scalars(f"forecast/{name}/median")] == list(
        zip(median.x.tolist(), median.y.tolist(), strict=True)
    )
