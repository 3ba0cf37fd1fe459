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
    monkeypatch.setenv("WANDB_SILENT", "true")
    import wandb

    run = wandb.init(
        project="p", dir=str(tmp_path), mode="offline", name="calm-river-1", config={"lr": 0.1, "max_steps": 90}
    )
    for s in STEPS.tolist():
        run.log({"loss": float(LOSS[s]), "val": {"loss": float(VAL[s])}, "picture": wandb.Histogram([1, 2, 3])})
    run.finish()
    wandb.teardown()  # waits for the process that writes the log; finish does not
    (read,) = cf.read(tmp_path)
    assert not any("no end" in n for n in read.provenance.notes)
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


@pytest.mark.parametrize("new_style", [False, True], ids=["old", "new"])
def test_torch_summary_writer(tmp_path, new_style):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path / "run")) as writer:
        for s in STEPS.tolist():
            writer.add_scalar("loss", LOSS[s], s, new_style=new_style)
            writer.add_scalar("val/loss", VAL[s], s, new_style=new_style, double_precision=new_style)
    (run,) = cf.read(tmp_path)
    check(run, "loss", LOSS, single=True)
    check(run, "val/loss", VAL, single=not new_style)


def tiny():
    """A linear model, its training data and its validation data."""
    import torch

    torch.manual_seed(2)
    x = torch.randn(48, 3)
    y = x.sum(1, keepdim=True) + 0.1 * torch.randn(48, 1)
    return torch.nn.Linear(3, 1), (x[:32], y[:32]), (x[32:], y[32:])


def test_transformers_trainer(tmp_path):
    import torch
    from transformers import Trainer, TrainingArguments

    linear, train, valid = tiny()

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = linear

        def forward(self, x, labels=None):
            out = self.linear(x)
            return {"loss": torch.nn.functional.mse_loss(out, labels), "logits": out}

    def rows(data):
        return [{"x": x, "labels": y} for x, y in zip(*data, strict=True)]

    args = TrainingArguments(
        output_dir=str(tmp_path), num_train_epochs=6, per_device_train_batch_size=8, logging_steps=2, report_to=[],
        eval_strategy="epoch", save_strategy="epoch", use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(Model(), args, train_dataset=rows(train), eval_dataset=rows(valid))
    trainer.train()
    (run,) = cf.read(tmp_path)  # the folder of checkpoints: the last one stands for the run
    assert run.horizon == 24
    for name in ("loss", "grad_norm", "learning_rate", "eval_loss"):
        logged = [(row["step"], row[name]) for row in trainer.state.log_history if name in row]
        assert len(logged) == (6 if name == "eval_loss" else 12)
        assert list(zip(run[name].x.tolist(), run[name].y.tolist(), strict=True)) == logged
    assert "train_loss" not in run


def test_lightning_csv_logger(tmp_path):
    import lightning
    import torch
    from lightning.pytorch.loggers import CSVLogger

    linear, train, valid = tiny()
    seen = {"train_loss": [], "val_loss": []}

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.linear = linear

        def training_step(self, batch, _):
            loss = torch.nn.functional.mse_loss(self.linear(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=True, on_epoch=False)
            seen["train_loss"].append((self.global_step, float(loss.detach())))
            return loss

        def validation_step(self, batch, _):
            loss = torch.nn.functional.mse_loss(self.linear(batch[0]), batch[1])
            self.log("val_loss", loss)
            seen["val_loss"].append((self.global_step - 1, float(loss)))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.05)

    def loader(data, size):
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data), batch_size=size)

    trainer = lightning.Trainer(
        max_epochs=5, accelerator="cpu", devices=1, logger=CSVLogger(tmp_path, name="run"), log_every_n_steps=1,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(Model(), loader(train, 8), loader(valid, 16))
    (run,) = cf.read(next(tmp_path.rglob("metrics.csv")))
    for name, logged in seen.items():
        assert run[name].x.tolist() == [s for s, _ in logged]
        np.testing.assert_allclose(run[name].y, [v for _, v in logged], rtol=1e-6)
    assert len(run["train_loss"]) == 20 and len(run["val_loss"]) == 5


def test_keras_csv_logger_and_history(tmp_path):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((48, 3)), rng.standard_normal(48)
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = model.fit(x, y, validation_split=0.25, epochs=7, verbose=0, callbacks=[log]).history
    (run,) = cf.read(tmp_path / "log.csv")
    memory = cf.Run.from_mapping(history, x_unit="epoch")
    for name in ("loss", "val_loss"):
        assert run[name].x.tolist() == list(range(7)) and run[name].y.tolist() == history[name]
        assert memory[name].y.tolist() == history[name]


def test_xgboost_and_lightgbm_results():
    import lightgbm as lgb
    import xgboost as xgb

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((80, 3)), rng.standard_normal(80)
    theirs: dict = {}
    data = xgb.DMatrix(x[:60], y[:60])
    evals = [(data, "train"), (xgb.DMatrix(x[60:], y[60:]), "valid")]
    xgb.train({"eval_metric": ["rmse", "mae"]}, data, 9, evals=evals, evals_result=theirs, verbose_eval=False)
    run = cf.Run.from_mapping(theirs)
    for part in ("train", "valid"):
        for metric in ("rmse", "mae"):
            assert run[f"{part}/{metric}"].y.tolist() == theirs[part][metric]
    theirs = {}
    data = lgb.Dataset(x[:60], y[:60])
    lgb.train(
        {"metric": ["rmse", "l1"], "verbose": -1}, data, 9, valid_sets=[lgb.Dataset(x[60:], y[60:], reference=data)],
        valid_names=["valid"], callbacks=[lgb.record_evaluation(theirs)],
    )  # fmt: skip
    run = cf.Run.from_mapping(theirs)
    assert run["valid/rmse"].y.tolist() == theirs["valid"]["rmse"] and run["valid/rmse"].x_unit == "iteration"


def test_scikit_learn_scores():
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((90, 3)), rng.standard_normal(90)
    net = MLPRegressor(
        hidden_layer_sizes=(4,), max_iter=12, early_stopping=True, random_state=0, n_iter_no_change=12
    ).fit(x, y)
    run = cf.Run.from_mapping({"loss": net.loss_curve_, "validation_score": net.validation_scores_}, x_unit="epoch")
    assert run["loss"].y.tolist() == net.loss_curve_
    assert run["validation_score"].y.tolist() == [float(v) for v in net.validation_scores_]
    assert run["validation_score"].metric.direction == "max"
    trees = HistGradientBoostingRegressor(max_iter=9, early_stopping=True, scoring="loss", random_state=0).fit(x, y)
    run = cf.Run.from_mapping({"loss": -trees.train_score_, "val_loss": -trees.validation_score_}, x_unit="iteration")
    assert run["val_loss"].y.tolist() == (-trees.validation_score_).tolist() and len(run["val_loss"]) >= 2


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_optuna_study(tmp_path, direction):
    import optuna

    from curvefit.integrations.optuna import study_runs

    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(storage=storage, study_name="s", direction=direction)
    told: list = []

    def objective(trial):
        told.append([trial.suggest_float("lr", 0, 1), {s: trial.number + 1 / s for s in range(1, 8)}])
        for step, value in told[-1][1].items():
            trial.report(value, step)
        return 1.0

    study.optimize(objective, n_trials=3)
    again = optuna.load_study(study_name="s", storage=storage)
    runs = study_runs(again)
    assert len(runs) == 3
    for run, (lr, values) in zip(runs, told, strict=True):
        assert run.attributes["lr"] == pytest.approx(lr) and run["value"].metric.direction == direction[:3]
        assert run["value"].x.tolist() == list(values) and run["value"].y.tolist() == list(values.values())
