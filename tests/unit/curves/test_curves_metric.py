"""Names of metrics: kind, direction, split and unit, by hand for the names that tools and people use."""

from __future__ import annotations

import pickle

import pytest

import curvefit as cf
from curvefit.curves import DataError, UsageError
from curvefit.curves.run import is_learning_rate

LOSS, ERROR, ACC, REWARD = ("loss", "min"), ("error", "min"), ("accuracy", "max"), ("reward", "max")
HIGH, LOW, NONE = ("other", "max"), ("other", "min"), ("other", None)

NAMES = {
    # losses
    "loss": (*LOSS, None),
    "train_loss": (*LOSS, "train"),
    "train/loss": (*LOSS, "train"),
    "Loss/train": (*LOSS, "train"),
    "trainLoss": (*LOSS, "train"),
    "Train Loss": (*LOSS, "train"),
    "train_loss_step": (*LOSS, "train"),  # Lightning
    "train_loss_epoch": (*LOSS, "train"),
    "val_loss": (*LOSS, "val"),
    "valid_loss": (*LOSS, "val"),
    "eval_loss": (*LOSS, "val"),
    "dev.loss": (*LOSS, "val"),
    "loss_validation": (*LOSS, "val"),
    "val1_loss": (*LOSS, "val"),
    "test_loss": (*LOSS, "test"),
    "heldout_loss": (*LOSS, "test"),
    "validation_1-logloss": (*LOSS, "val"),  # XGBoost
    "mlogloss": (*LOSS, None),
    "lm loss": (*LOSS, None),  # Megatron
    "lm-loss-validation/lm_loss": (*LOSS, "val"),
    "eval/ice-validation/CrossEntropyLoss": (*LOSS, "val"),
    "val/box_loss": (*LOSS, "val"),  # Ultralytics
    "train/box_om": (*LOSS, "train"),
    "dice_loss": (*LOSS, None),
    "reward_loss": (*LOSS, None),
    "nll": (*LOSS, None),
    "negative_log_likelihood": (*LOSS, None),
    "bits_per_byte": (*LOSS, None),
    "val_bpb": (*LOSS, "val"),
    "cross_entropy": (*LOSS, None),
    # perplexity and likelihoods
    "ppl": (*LOW, None),
    "eval_perplexity": (*LOW, "val"),
    "lm-loss-validation/lm_loss_ppl": (*LOW, "val"),
    "val_log_likelihood": (*HIGH, "val"),
    # errors
    "error": (*ERROR, None),
    "val_error": (*ERROR, "val"),
    "top1_error": (*ERROR, None),
    "eval_wer": (*ERROR, "val"),
    "val_mean_squared_error": (*ERROR, "val"),
    "mae": (*ERROR, None),
    "fid": (*ERROR, None),
    "brier_score": (*ERROR, None),
    "lpips": (*ERROR, None),
    # accuracies
    "acc": (*ACC, None),
    "val_acc": (*ACC, "val"),
    "val_sparse_categorical_accuracy": (*ACC, "val"),
    "Acc@1": (*ACC, None),
    "top5": (*ACC, None),
    "top3": (*ACC, None),
    "f1_macro": (*ACC, None),
    "accuracy_score": (*ACC, None),
    "roc_auc": (*ACC, None),
    "valid_0's auc": (*ACC, "val"),  # LightGBM
    "AP50": (*ACC, None),
    "metrics/mAP50(B)": (*ACC, None),
    "metrics/mAP50-95(B)": (*ACC, None),
    "coco/bbox_mAP": (*ACC, None),
    "mIoU": (*ACC, None),
    "recall@5": (*ACC, None),
    "ndcg@10": (*ACC, None),
    "pass@1": (*ACC, None),
    "eval_exact_match": (*ACC, "val"),
    "hellaswag/acc_norm": (*ACC, None),
    "success_rate": (*ACC, None),
    "win_rate": (*ACC, None),
    # scores without bounds
    "bleu": (*HIGH, None),
    "eval_rougeL": (*HIGH, "val"),
    "psnr": (*HIGH, None),
    "r2_score": (*HIGH, None),
    "mcc": (*HIGH, None),
    "elo": (*HIGH, None),
    "test_score": (*HIGH, "test"),
    "train/explained_variance": (*HIGH, "train"),
    "neg_mean_squared_error": (*HIGH, None),  # scikit-learn turns errors around
    "neg_log_loss": (*HIGH, None),
    # rewards
    "reward": (*REWARD, None),
    "episode_reward": (*REWARD, None),
    "rollout/ep_rew_mean": (*REWARD, None),  # Stable-Baselines3
    "eval/mean_reward": (*REWARD, "val"),
    "AverageReturn": (*REWARD, None),
    # nothing is guessed
    "elbo": (*NONE, None),
    "objective": (*NONE, None),
    "train/approx_kl": (*NONE, "train"),
    "rewards/rejected": (*NONE, None),
    "entropy": (*NONE, None),
    "Value": (*NONE, None),
    "wn_total": (*NONE, None),
    "loss_accuracy": (*NONE, None),  # a tie
    "error_acc": (*NONE, None),
}
BOOKKEEPING = [
    "lr", "learning_rate", "lr-Adam", "lr/pg0", "train/learning_rate", "grad_norm", "train/grad_norm", "gradient_norm",
    "weight_norm", "loss_scale", "train/loss_scale", "tokens_per_second", "eval_samples_per_second", "eval_runtime",
    "train_runtime", "time", "_runtime", "_timestamp", "epoch", "step", "global_step", "throughput", "gpu_mem", "momentum",
    "weight_decay", "total_flos", "num_tokens",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    metric = cf.Metric.infer(name)
    assert (metric.kind, metric.direction, metric.split) == NAMES[name]
    assert metric.name == name and not metric.auxiliary


@pytest.mark.parametrize("name", BOOKKEEPING)
def test_bookkeeping_has_no_direction(name):
    metric = cf.Metric.infer(name)
    assert metric.direction is None and metric.auxiliary and metric.kind == "other"


def test_learning_rates_are_told_from_other_bookkeeping():
    rates = {"lr", "learning_rate", "lr-Adam", "lr/pg0", "train/learning_rate"}
    assert {n for n in BOOKKEEPING if is_learning_rate(cf.Metric.infer(n))} == rates


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("nll", "nat"),
        ("cross_entropy", "nat"),
        ("bpb", "bit"),
        ("perplexity", "perplexity"),
        ("error_rate", "fraction"),
        ("Val. accuracy (%)", "percent"),
        ("test_error_percent", "percent"),
        ("loss", ""),
    ],
)
def test_units(name, unit):
    assert cf.Metric.infer(name).unit == unit


def test_everything_can_be_overridden():
    metric = cf.Metric.infer("elbo", direction="max", split="test", unit="nat", kind="other")
    assert (metric.direction, metric.split, metric.unit) == ("max", "test", "nat")
    assert cf.Metric.infer("thing", kind="accuracy").direction == "max"
    assert cf.Metric.infer("val_loss", direction="max").direction == "max"


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"kind": "losses"}, {"direction": "up"}, {"split": "validation"}, {"name": 3}]
)
def test_wrong_parts_are_refused(wrong):
    with pytest.raises(UsageError):
        cf.Metric(**{"name": "m", **wrong})


def test_a_missing_direction_says_how_to_state_it():
    assert cf.Metric.infer("loss").need_direction() == "min"
    with pytest.raises(DataError, match="direction='min'"):
        cf.Metric.infer("foo").need_direction()


def test_metrics_are_values():
    a = cf.Metric.infer("val_loss")
    assert a == cf.Metric("val_loss", "loss", "min", "val") and hash(a) == hash(cf.Metric.infer("val_loss"))
    assert pickle.loads(pickle.dumps(a)) == a
    with pytest.raises(AttributeError):
        a.name = "other"
