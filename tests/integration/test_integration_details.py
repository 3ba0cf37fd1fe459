"""What single trainers ask of their adapters: own loggers, several processes, cross-validation, odd checkpoints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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

ROOT = Path(__file__).resolve().parents[2]
N = 30
rng = np.random.default_rng(5)
X = rng.standard_normal((48, 3)).astype(np.float32)
Y = (X.sum(1) + 0.3 * rng.standard_normal(48)).astype(np.float32)
GO_ON = {"any_of": ("diverged",)}


def names(metric):
    return {f"forecast/{metric}/{k}" for k in ("median", "low", "high")}


def keras_model():
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model


def test_keras_history_and_csv_hold_the_forecast(tmp_path):
    import keras

    from curvefit.integrations.keras import MonitorCallback

    watched = MonitorCallback("val_loss", forecast_to="logger", **GO_ON)
    table = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    data = {"validation_split": 0.3, "epochs": N, "verbose": 0}
    history = keras_model().fit(X, Y, callbacks=[watched, table], **data).history
    assert names("val_loss") <= set(history) and {len(v) for v in history.values()} == {N}
    (run,) = cf.read(tmp_path / "log.csv")
    median = run["forecast/val_loss/median"]
    assert median.x[0] == 7 and median.y.tolist() == history["forecast/val_loss/median"][7:]
    assert run.main_metric() == "val_loss"  # not its forecast


def test_keras_trains_the_same_with_a_monitor_as_without():
    from curvefit.integrations.keras import MonitorCallback

    data = {"validation_split": 0.3, "epochs": 15, "verbose": 0, "batch_size": 8}
    plain, watched = keras_model(), keras_model()
    plain.fit(X, Y, **data)
    watched = keras_model()
    watched.fit(X, Y, callbacks=[MonitorCallback("val_loss", **GO_ON)], **data)  # shuffled: chance is drawn as before
    assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True))


def hf_trainer(folder, callbacks, epochs, **options):
    import torch
    import transformers

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(1)
            self.linear = torch.nn.Linear(3, 1)

        def forward(self, x, labels=None):
            out = self.linear(x)
            return {"loss": torch.nn.functional.mse_loss(out[:, 0], labels), "logits": out}

    rows = [{"x": x, "labels": float(y)} for x, y in zip(X, Y, strict=True)]
    args = transformers.TrainingArguments(
        output_dir=str(folder), num_train_epochs=epochs, per_device_train_batch_size=32, eval_strategy="epoch",
        logging_strategy="epoch", save_strategy="epoch", save_total_limit=1, report_to=[], learning_rate=0.05,
        use_cpu=True, disable_tqdm=True, **options,
    )  # fmt: skip
    return transformers.Trainer(Model(), args, train_dataset=rows[:32], eval_dataset=rows[32:], callbacks=callbacks)


def test_the_log_of_transformers_holds_the_forecast(tmp_path):
    from curvefit.integrations.transformers import MonitorCallback

    trainer = hf_trainer(tmp_path, [MonitorCallback("eval_loss", forecast_to="logger", **GO_ON)], 12)
    trainer.train()
    rows = [row for row in trainer.state.log_history if names("eval_loss") <= set(row)]
    assert [row["step"] for row in rows][:2] == [8, 9]
    (run,) = cf.read(tmp_path)
    assert run["forecast/eval_loss/median"].y.tolist() == [
        r["forecast/eval_loss/median"] for r in rows if r["step"] <= 12
    ]
    assert run.main_metric() == "eval_loss" and len(run["eval_loss"]) == 12


def test_transformers_two_monitors_and_a_checkpoint_that_knows_none(tmp_path):
    """The trainer itself fails on saving when a stateful callback is missing from the checkpoint it resumed."""
    from curvefit.integrations.transformers import MonitorCallback

    hf_trainer(tmp_path, [], 3).train()
    both = [MonitorCallback("eval_loss", **GO_ON), MonitorCallback("loss", **GO_ON)]
    hf_trainer(tmp_path, both, 6).train(resume_from_checkpoint=True)
    assert [c.watch.state_dict()["series"]["x"] for c in both] == [[4, 5, 6], [4, 5, 6]]
    again = [MonitorCallback("eval_loss", **GO_ON), MonitorCallback("loss", **GO_ON)]
    hf_trainer(tmp_path, again, 8).train(resume_from_checkpoint=True)
    assert len(again[0].watch.state_dict()["series"]["x"]) == 5
    assert again[1].watch.state_dict()["series"]["x"][-2:] == [7, 8]


def test_transformers_restores_callbacks_itself_when_asked(tmp_path):
    from curvefit.integrations.transformers import MonitorCallback

    hf_trainer(tmp_path, [MonitorCallback("eval_loss", horizon=77, forecasting=cf.forecast, **GO_ON)], 3).train()
    (file,) = tmp_path.glob("checkpoint-*/trainer_state.json")
    kept = json.loads(file.read_text())["stateful_callbacks"]["MonitorCallback"]
    assert kept["args"] == {"metric": "eval_loss", "horizon": 77, "any_of": ["diverged"]}
    trainer = hf_trainer(tmp_path, [MonitorCallback("eval_loss")], 5, restore_callback_states_from_checkpoint=True)
    trainer.train(resume_from_checkpoint=True)
    (callback,) = [c for c in trainer.callback_handler.callbacks if isinstance(c, MonitorCallback)]
    assert callback.watch.state_dict()["series"]["x"] == [1, 2, 3, 4, 5] and callback.watch.monitor._asked.horizon == 77


def test_transformers_counts_epochs_when_asked_and_sees_a_decaying_rate(tmp_path):
    from curvefit.integrations.transformers import MonitorCallback

    monitor = MonitorCallback("eval_loss", x_unit="epoch", **GO_ON)
    hf_trainer(tmp_path, [monitor], 5).train()
    assert monitor.watch.state_dict()["series"]["x"] == [1, 2, 3, 4, 5] and monitor.watch.monitor._asked.horizon == 5
    run = monitor.watch.monitor._run()
    assert run.schedule is not None and {"loss", "grad_norm"} <= set(run)


def test_ignite_metrics_hold_the_forecast():
    import torch
    from ignite.engine import Engine, Events

    from curvefit.curves import UsageError
    from curvefit.integrations.ignite import MonitorHandler

    trainer, evaluator = Engine(lambda engine, batch: 0.0), Engine(lambda engine, batch: 0.0)
    handler = MonitorHandler("val_loss", trainer, forecast_to="logger", x_unit="iteration", **GO_ON)

    def evaluate():
        evaluator.run([0])

    @evaluator.on(Events.COMPLETED)
    def fill(engine):
        engine.state.metrics["val_loss"] = torch.tensor(1.0 + 1.0 / trainer.state.iteration)

    evaluator.add_event_handler(Events.COMPLETED, handler)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, evaluate)
    trainer.run([0, 1], max_epochs=9)
    assert handler.watch.state_dict()["series"]["x"] == list(range(2, 19, 2))
    assert names("val_loss") <= set(trainer.state.metrics) and handler.watch.monitor._asked.horizon == 18
    with pytest.raises(UsageError):
        MonitorHandler("val_loss", evaluator.run)


LIGHTNING = """
import sys
import lightning, torch
from curvefit.integrations.lightning import MonitorCallback

class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 1)
        self.epochs = 0
    def on_train_epoch_start(self):
        self.epochs += 1
    def on_train_end(self):
        open(f"rank{self.global_rank}", "w").write(str(self.epochs))
    def training_step(self, batch, _):
        return self.linear(batch[0]).mean() ** 2
    def validation_step(self, batch, _):
        self.log("val_loss", 1.0 + 1.0 * self.trainer.global_rank)  # not the same on both: rank 0 decides
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

if __name__ == "__main__":
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(8, 3)), batch_size=2)
    monitor = MonitorCallback("val_loss", x_unit="epoch", patience="3 epochs", any_of=("patience",), window=1)
    trainer = lightning.Trainer(
        max_epochs=40, accelerator="cpu", devices=2, strategy="ddp_spawn", callbacks=[monitor], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1,
    )
    trainer.fit(Model(), data, data)
"""

TORCH = """
import os, sys
import torch, torch.distributed as dist
import torch.multiprocessing as mp
from curvefit.integrations.loop import Loop

def work(rank, file):
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    loop = Loop("val_loss", total=30, patience="3 epochs", any_of=("patience",), window=1)
    for epoch in loop:
        loop.log(val_loss=1.0 if rank == 0 else 1.0 / epoch)  # rank 1 alone would go on
    open(f"rank{rank}", "w").write(str(epoch))
    dist.destroy_process_group()

if __name__ == "__main__":
    mp.spawn(work, args=(sys.argv[1],), nprocs=2)
"""


@pytest.mark.parametrize("program", [LIGHTNING, TORCH], ids=["lightning", "torch"])
def test_two_processes_end_together(program, tmp_path):
    (tmp_path / "train.py").write_text(program)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-P", "train.py", str(tmp_path / "meeting")]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [(tmp_path / f"rank{rank}").read_text() for rank in (0, 1)] == ["4", "4"]


def test_lightning_mid_epoch_validations_and_training_metrics(tmp_path):
    import lightning
    import torch
    from lightning.pytorch.loggers import CSVLogger

    from curvefit.integrations.lightning import MonitorCallback

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(3, 1)

        def training_step(self, batch, _):
            loss = (self.linear(batch[0]) - batch[1][:, None]).square().mean()
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def validation_step(self, batch, _):
            self.log("val_loss", (self.linear(batch[0]) - batch[1][:, None]).square().mean())

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=0.05)
            return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]

    data = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=8
    )
    both = [
        MonitorCallback("val_loss", x_unit="epoch", forecast_to="logger", **GO_ON),
        MonitorCallback("train_loss", **GO_ON),
    ]
    logger = CSVLogger(tmp_path, name="run")
    trainer = lightning.Trainer(
        max_epochs=6, accelerator="cpu", devices=1, callbacks=both, logger=logger, log_every_n_steps=1,
        val_check_interval=0.5, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(Model(), data, data)
    valid, train = (c.watch for c in both)
    assert valid.state_dict()["series"]["x"] == [k / 2 for k in range(1, 13)]
    assert train.state_dict()["series"]["x"] == [6 * k for k in range(1, 7)]
    assert (valid.monitor._asked.horizon, train.monitor._asked.horizon) == (6, 36)
    assert valid.monitor._run().schedule is not None  # the rate falls
    (run,) = cf.read(Path(logger.log_dir) / "metrics.csv")
    assert names("val_loss") <= set(run) and len(run["val_loss"]) == 12


def test_boosting_through_scikit_learn_and_cross_validation():
    import lightgbm as lgb
    import xgboost as xgb
    from sklearn.base import clone

    from curvefit.integrations.lightgbm import MonitorCallback as LightGBM
    from curvefit.integrations.xgboost import MonitorCallback as XGBoost

    stop = {"patience": "6 updates", "min_gain": 10.0, "any_of": ("patience",)}
    model = clone(xgb.XGBRegressor(n_estimators=40, max_depth=2, callbacks=[XGBoost("validation_0-rmse", **stop)]))
    model.fit(X[:32], Y[:32], eval_set=[(X[32:], Y[32:])], verbose=False)
    assert model.get_booster().num_boosted_rounds() == 11
    rows = xgb.cv({"max_depth": 2}, xgb.DMatrix(X, Y), 40, nfold=3, callbacks=[XGBoost("test-rmse", **stop)])
    assert len(rows) == 11
    model = lgb.LGBMRegressor(n_estimators=40, num_leaves=3, min_child_samples=2, verbose=-1, learning_rate=0.05)
    model.fit(X[:32], Y[:32], eval_set=[(X[32:], Y[32:])], callbacks=[LightGBM("valid_0-l2", direction="min", **stop)])
    assert model.booster_.current_iteration() == 11 and model.best_iteration_ == 11  # it was still falling
    results = lgb.cv(
        {"objective": "l2", "metric": "rmse", "verbose": -1, "num_leaves": 3, "min_data_in_leaf": 2},
        lgb.Dataset(X, Y), 40, nfold=3, stratified=False, callbacks=[LightGBM("valid-rmse", **stop)],
    )  # fmt: skip
    assert len(results["valid rmse-mean"]) == 11


def test_a_framework_that_changed_its_ways_harms_nothing(caplog):
    """Hooks that find nothing of what they look for: said once, and the training goes on."""
    import lightgbm
    from ignite.engine import Engine

    from curvefit.integrations import ignite, keras, lightning, optuna, transformers, xgboost
    from curvefit.integrations import lightgbm as lgb

    odd = object()
    callbacks = keras.MonitorCallback(), transformers.MonitorCallback(), lightning.MonitorCallback()
    for _ in range(5):
        callbacks[0].on_train_begin()
        callbacks[0].on_epoch_end("first", {"val_loss": odd})
        callbacks[1].on_train_begin(odd, odd, odd)
        callbacks[1].on_log(odd, odd, odd, {"eval_loss": 1.0})
        callbacks[1].on_save(odd, odd, odd)
        callbacks[2].on_train_start(odd, odd)
        callbacks[2].on_validation_end(odd, odd)
        callbacks[2].on_train_epoch_end(odd, odd)
    assert callbacks[1].state()["attributes"]["saved"]["metric"] == "eval_loss"  # what the trainer saves is whole
    handler = ignite.MonitorHandler("val_loss", Engine(lambda engine, batch: 0.0))
    handler(odd)
    booster = xgboost.MonitorCallback()
    assert booster.before_training(odd) is odd and booster.after_training(odd) is odd
    assert booster.after_iteration(odd, 0, {}) is False
    lgb.MonitorCallback()(lightgbm.callback.CallbackEnv(None, {}, 0, 0, 9, [odd]))
    assert optuna.ForecastPruner(9).prune(odd, odd) is False and optuna.TrialPatiencePruner(1).prune(odd, odd) is False
    told = [r.getMessage() for r in caplog.records if r.name == "curvefit.integrations"]
    assert 6 <= len(told) <= 12 and all("failed" in t for t in told)
