"""What the names of columns say: which may be x and in which unit, which tell runs apart, which are bookkeeping."""

from __future__ import annotations

import re

from ..curves import Metric, XUnit

__all__ = [
    "IGNORED",
    "LABELS",
    "SETTINGS",
    "SIZES",
    "TIMES",
    "known_name",
    "metric_of",
    "normalize",
    "plan_of",
    "split_of",
    "x_unit_of",
]

# Names of x in order of preference: the finest count of training first.
TIMES: dict[str, XUnit] = {
    **dict.fromkeys(("step", "global_step", "globalstep", "_step", "optimizer_step"), "step"),
    **dict.fromkeys(("total_timesteps", "timesteps", "timestep", "num_timesteps", "env_steps", "env_step"), "step"),
    **dict.fromkeys(("num_env_steps", "total_steps", "frames", "frame", "total_frames"), "step"),
    **dict.fromkeys(("iteration", "iter", "iters", "iterations", "it", "niter", "num_iters"), "iteration"),
    **dict.fromkeys(("train_step", "train_steps", "training_step", "steps", "num_steps", "n_steps"), "step"),
    **dict.fromkeys(("update", "updates", "n_updates", "num_updates", "round", "boosting_round"), "iteration"),
    **dict.fromkeys(("epoch", "epochs", "_epoch", "epoch_num", "num_epochs"), "epoch"),
    **dict.fromkeys(("tokens", "num_tokens", "n_tokens", "tokens_seen", "total_tokens", "consumed_tokens"), "token"),
    **dict.fromkeys(("num_input_tokens_seen", "train_tokens"), "token"),
    **dict.fromkeys(("samples", "samples_seen", "examples", "examples_seen", "consumed_samples"), "sample"),
    **dict.fromkeys(("num_samples_seen", "images_seen"), "sample"),
    **dict.fromkeys(("episode", "episodes", "generation", "trial_number"), "iteration"),
}
# Sizes that a sweep or a learning curve runs over; x only where nothing counts training.
SIZES: dict[str, XUnit] = {
    **dict.fromkeys(("train_size", "training_size", "n_train", "num_train", "train_sizes", "anchor"), "sample"),
    **dict.fromkeys(("n_samples", "num_samples", "dataset_size", "data_size", "train_examples"), "sample"),
    **dict.fromkeys(("flops", "flop", "compute", "total_flops"), "flop"),
    **dict.fromkeys(("params", "parameters", "n_params", "num_params", "n_parameters", "num_parameters"), "parameter"),
    **dict.fromkeys(("total_params", "model_size", "width", "units", "hidden_units", "hidden_size"), "parameter"),
    "x": "step",
}
CLOCKS = frozenset(
    [
        "time",
        "t",
        "wall_time",
        "walltime",
        "elapsed",
        "elapsed_time",
        "time_elapsed",
        "seconds",
        "sec",
        "secs",
        "relative_time",
        "_runtime",
        "runtime",
        "_timestamp",
        "timestamp",
    ]
)
LABELS = frozenset(
    [
        "run",
        "run_id",
        "runid",
        "run_name",
        "run_uuid",
        "experiment",
        "experiment_id",
        "experiment_name",
        "exp",
        "exp_id",
        "exp_name",
        "trial",
        "trial_id",
        "trial_name",
        "seed",
        "random_seed",
        "fold",
        "replicate",
        "repeat",
        "rep",
        "agent",
        "hyper_id",
        "config_id",
        "model_id",
        "model_name",
        "job_id",
        "task_id",
        "curve_id",
        "series_id",
        "experimentkey",
        "experiment_key",
    ]
)
SETTINGS = frozenset((
    "lr", "learning_rate", "base_lr", "max_lr", "min_lr", "peak_lr", "init_lr", "initial_lr", "batch_size", "bs",
    "global_batch_size", "micro_batch_size", "train_batch_size", "eval_batch_size", "per_device_train_batch_size",
    "gradient_accumulation_steps", "momentum", "nesterov", "weight_decay", "wd", "l1", "l2", "beta1", "beta2", "beta_1",
    "beta_2", "adam_beta1", "adam_beta2", "adam_epsilon", "dropout", "dropout_rate", "label_smoothing", "temperature",
    "gamma", "epsilon", "tau", "gae_lambda", "clip_range", "entropy_coef", "ent_coef", "vf_coef", "kl_coef", "max_grad_norm",
    "grad_clip", "gradient_clip", "clip_norm", "warmup", "warmup_steps", "warmup_ratio", "width", "depth", "n_layers",
    "num_layers", "n_heads", "num_heads", "hidden_size", "hidden_dim", "d_model", "model_dim", "n_params", "num_params",
    "params", "parameters", "flops", "lora_rank", "lora_alpha", "sequence_length", "context_length",
    "accuracy_target", "loss_target", "target_accuracy", "target_loss",
))  # fmt: skip
"""What is set before a run rather than measured in it: where it is logged and never changes it describes the run, too."""
IGNORED = frozenset(
    ["unnamed_0", "index", "rank", "local_rank", "global_rank", "world_rank", "worker", "worker_id", "pid"]
)
METRIC_COLUMNS = ("metric", "metric_name", "metricname", "tag", "key", "variable", "name", "attribute_path")
VALUE_COLUMNS = ("value", "y", "metric_value", "metricvalue", "values", "float_value", "val")
SPLIT_COLUMNS = frozenset((
    "split", "phase", "mode", "stage", "subset", "partition", "dataset", "data_split", "dataset_split", "set", "eval_set",
    "type", "kind", "event",
))  # fmt: skip
SPLITS = frozenset((
    "train", "training", "trn", "val", "valid", "validation", "eval", "evaluation", "dev", "test", "testing", "holdout",
))  # fmt: skip
_PLANS: dict[str, XUnit] = {
    **dict.fromkeys(("max_steps", "total_steps", "num_steps", "steps", "train_steps", "max_train_steps"), "step"),
    **dict.fromkeys(("num_train_steps", "total_timesteps", "n_timesteps", "num_training_steps"), "step"),
    **dict.fromkeys(("max_iters", "num_iterations", "total_iterations", "train_iters", "max_iterations"), "iteration"),
    **dict.fromkeys(("epochs", "max_epochs", "num_epochs", "num_train_epochs", "n_epochs", "total_epochs"), "epoch"),
    **dict.fromkeys(("max_tokens", "total_tokens", "train_tokens"), "token"),
}


def normalize(name: str) -> str:
    """Lower case, last part of a nested name, words joined by underscores."""
    last = re.split(r"[/.]", name.strip().rstrip("/."))[-1].strip()
    lead = "_" if last.startswith("_") else ""
    return lead + re.sub(r"[^a-z0-9]+", "_", last.lower()).strip("_")


def x_unit_of(name: str) -> XUnit | None:
    """Unit that a column name states, None when it states none."""
    plain = normalize(name)
    if plain in TIMES:
        return TIMES[plain]
    if plain in SIZES:
        return SIZES[plain]
    return "second" if plain in CLOCKS else None


def known_name(name: str) -> bool:
    """Whether a column of this name is expected in a training log."""
    metric = Metric.infer(name or "?")
    return x_unit_of(name) is not None or metric.direction is not None or metric.auxiliary


def metric_of(name: str, others: frozenset[str]) -> Metric:
    """Metric of a column; a name without a split is the training value when its validation twin is there too."""
    metric = Metric.infer(name)
    if metric.split is None and metric.direction is not None:
        twin = re.compile(rf"(val|eval|valid|validation|test)[_/.](.*[_/.])?{re.escape(name)}")
        if any(map(twin.fullmatch, others)):
            return Metric.infer(name, split="train")
    return metric


def split_of(text: str) -> bool:
    """Whether a text names a part of the data."""
    return text.strip().lower() in SPLITS


def plan_of(facts: dict[str, str | float]) -> dict[str, float]:
    """Planned lengths by unit among the facts of a run."""
    plan: dict[str, float] = {}
    for key, value in facts.items():
        unit = _PLANS.get(normalize(key))
        if unit is not None and isinstance(value, int | float) and 0 < value < float("inf") and unit not in plan:
            plan[unit] = float(value)
    return plan
