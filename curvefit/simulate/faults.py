"""What can go wrong (or merely differ) in a run: each fault changes the means or the logged values and notes the truth.

A fault is a function ``(world, size, rng)``; ``size`` is a share of the metric's total drop unless its line says
otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._world import CHANCE_ACCURACY, CHANCE_LOSS, World

__all__ = ["FAULTS", "Fault"]

Array = NDArray[np.float64]
Plant = Callable[[World, float, np.random.Generator], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, its usual size and what it is.

    Parameters
    ----------
    plant : callable
        ``(world, size, rng)``.
    size : float
        Default size.
    what : str
        One sentence.
    """

    plant: Plant
    size: float
    what: str


def _hold(mean: Array, k: int) -> Array:
    """The mean up to point k and level from there."""
    out: Array = np.r_[mean[:k], np.full(mean.size - k, mean[k])]
    return out


def _overfitting(w: World, size: float, rng: np.random.Generator) -> None:
    k = w.index(rng.uniform(0.3, 0.6))
    late = np.maximum(np.arange(w.n) - k, 0) / (w.n - 1 - k)
    w.means["val_loss"] = _hold(w.means["val_loss"], k) + size * w.drop["val_loss"] * late
    w.means["val_accuracy"] = _hold(w.means["val_accuracy"], k) - 0.3 * size * w.drop["val_accuracy"] * late
    w.means["train_loss"] = w.means["train_loss"] * (1 - 0.6 * late)
    w.truth["overfitting.onset"] = w.x[k]
    w.truth["overfitting.rise"] = size * w.drop["val_loss"]


def _overfitting_plateau(w: World, size: float, rng: np.random.Generator) -> None:
    k = w.index(rng.uniform(0.3, 0.5))
    for name in ("val_loss", "val_accuracy"):
        w.means[name] = _hold(w.means[name], k)
    late = np.maximum(np.arange(w.n) - k, 0) / (w.n - 1 - k)
    w.means["train_loss"] = w.means["train_loss"] - size * (w.means["train_loss"][k]) * late
    w.truth["overfitting_plateau.onset"] = w.x[k]


def _generalization_gap(w: World, size: float, _: np.random.Generator) -> None:
    val, train = w.means["val_loss"], w.means["train_loss"]
    w.means["val_loss"] = val[0] - (val[0] - val) * (1 - size)
    w.truth["generalization_gap.size"] = float(w.means["val_loss"][-1] - train[-1])


def _validation_below_training(w: World, size: float, rng: np.random.Generator) -> None:
    end = rng.uniform(0.25, 0.5)
    w.means["train_loss"] = w.means["val_loss"] + size * w.drop["train_loss"] * (
        np.exp(-3 * w.u / end) - np.exp(-3)
    ) * np.where(w.u < end, 1.0, 0.5)
    w.truth["validation_below_training.end"] = end * (w.x[-1] - w.x[0]) + w.x[0]


def _rise_everywhere(w: World, extra: Array) -> None:
    for name in ("train_loss", "val_loss"):
        w.means[name] = w.means[name] + w.drop[name] * extra
    w.means["val_accuracy"] = np.maximum(
        w.means["val_accuracy"] - w.drop["val_accuracy"] * np.minimum(extra, 1.0), CHANCE_ACCURACY
    )


def _diverged(w: World, size: float, rng: np.random.Generator) -> None:
    onset = rng.uniform(0.5, 0.75)
    _rise_everywhere(w, size * np.maximum(w.u - onset, 0) / (1 - onset))
    w.truth["diverged.onset"] = w.x[w.index(onset)]


def _diverged_suddenly(w: World, size: float, rng: np.random.Generator) -> None:
    k = w.index(rng.uniform(0.5, 0.75))
    _rise_everywhere(w, size * (np.arange(w.n) >= k).astype(np.float64))
    w.truth["diverged.onset"] = w.x[k]


def _nonfinite(w: World, size: float, rng: np.random.Generator) -> None:
    k = w.index(rng.uniform(0.5, 0.8))

    def edit(y: dict[str, Array], _: np.random.Generator) -> None:
        for name in ("train_loss", "val_loss"):
            y[name][k:] = np.nan

    w.edits.append(edit)
    w.truth["nonfinite.x"] = w.x[k]


def _masked_nan(w: World, size: float, rng: np.random.Generator) -> None:
    k = w.index(rng.uniform(0.5, 0.8))

    def edit(y: dict[str, Array], _: np.random.Generator) -> None:
        y["train_loss"][k:] = 0.0
        y["grad_norm"][k:] = np.nan

    w.edits.append(edit)
    w.truth["masked_nan.x"] = w.x[k]


def _spikes(w: World, size: float, rng: np.random.Generator) -> None:
    """Size: height in noise standard deviations."""
    at = w.index(rng.uniform(0.3, 0.9))
    length = max(1, min(3, w.n // 100))

    def edit(y: dict[str, Array], _: np.random.Generator) -> None:
        y["train_loss"][at : at + length] += size * w.sd["train_loss"] * np.linspace(1, 0.3, length)

    w.edits.append(edit)
    w.truth["spikes.x"] = w.x[at]


def _erratic(w: World, size: float, _: np.random.Generator) -> None:
    """Size: noise standard deviation as a share of the total drop."""
    for name in w.sd:
        w.sd[name] = size * w.drop[name]


def _not_learning(w: World, size: float, _: np.random.Generator) -> None:
    for name, level in (("train_loss", CHANCE_LOSS), ("val_loss", CHANCE_LOSS), ("val_accuracy", CHANCE_ACCURACY)):
        w.means[name] = np.full(w.n, level)
    w.means["train_loss"] = w.means["train_loss"] + size * w.drop["train_loss"] * w.u


def _poor_start(w: World, size: float, _: np.random.Generator) -> None:
    """Size: excess of the first loss in units of the chance level."""
    for name in ("train_loss", "val_loss"):
        w.means[name] = w.means[name] + size * CHANCE_LOSS * np.exp(-w.u * 40)
    w.truth["poor_start.first"] = w.means["train_loss"][0]


def _slow_start(w: World, size: float, _: np.random.Generator) -> None:
    """Size: length of the flat phase as a share of the run."""
    k = max(w.index(size), 1)
    for name, mean in w.means.items():
        w.means[name] = np.r_[np.full(k, mean[0]), mean[: w.n - k]]
    w.truth["slow_start.end"] = w.x[k]


def _plateaued(w: World, size: float, rng: np.random.Generator) -> None:
    """Size: share of the run after which every mean is level."""
    k = w.index(size)
    for name, mean in w.means.items():
        w.means[name] = mean[0] + (mean[-1] - mean[0]) * np.minimum(np.arange(w.n) / max(k, 1), 1.0)
    w.truth["plateaued.onset"] = w.x[k]


def _breakthrough(w: World, size: float, rng: np.random.Generator) -> None:
    start, end = w.index(0.2), w.index(rng.uniform(0.6, 0.75))
    for name, mean in w.means.items():
        step = np.sign(mean[-1] - mean[0]) * size * w.drop[name] / (1 + np.exp(-(np.arange(w.n) - end) / (w.n / 100)))
        w.means[name] = np.maximum(_hold(mean, start) + step, 0.01 * w.drop[name])
    w.truth["breakthrough.x"] = w.x[end]


def _regime_change(w: World, size: float, rng: np.random.Generator) -> None:
    k = w.index(rng.uniform(0.35, 0.7))
    for name in ("train_loss", "val_loss"):
        w.means[name] = w.means[name] + size * w.drop[name] * (np.arange(w.n) >= k)
    w.truth["regime_change.x"] = w.x[k]


def _double_descent(w: World, size: float, rng: np.random.Generator) -> None:
    peak, width = rng.uniform(0.4, 0.55), 0.08
    w.means["val_loss"] = w.means["val_loss"] + size * w.drop["val_loss"] * np.exp(-(((w.u - peak) / width) ** 2) / 2)
    w.truth["double_descent.peak"] = w.x[w.index(peak)]


def _grokking(w: World, size: float, rng: np.random.Generator) -> None:
    train, jump = 0.05, rng.uniform(0.5, 0.7)
    fast, slow = 1 / (1 + np.exp(-(w.u - train) / 0.01)), 1 / (1 + np.exp(-(w.u - jump) / 0.02))
    w.means["train_loss"] = CHANCE_LOSS - 0.98 * CHANCE_LOSS * fast
    w.means["val_loss"] = CHANCE_LOSS * 1.5 - size * CHANCE_LOSS * slow
    w.means["val_accuracy"] = CHANCE_ACCURACY + 0.88 * slow
    w.truth["grokking.train"], w.truth["grokking.val"] = w.x[w.index(train)], w.x[w.index(jump)]


def _decoupled(w: World, size: float, rng: np.random.Generator) -> None:
    k = w.index(rng.uniform(0.3, 0.5))
    late = np.maximum(np.arange(w.n) - k, 0) / (w.n - 1 - k)
    w.means["val_loss"] = _hold(w.means["val_loss"], k) + size * w.drop["val_loss"] * late
    w.means["val_accuracy"] = w.means["val_accuracy"] + 0.2 * (1 - w.means["val_accuracy"]) * late
    w.means["train_loss"] = w.means["train_loss"] * (1 - 0.6 * late)
    w.truth["loss_accuracy_decoupled.onset"] = w.x[k]


def _periodic(w: World, size: float, _: np.random.Generator) -> None:
    period = max(w.n // 10, 4)
    saw = (np.arange(w.n) % period) / period - 0.5
    w.means["train_loss"] = w.means["train_loss"] + size * w.drop["train_loss"] * saw
    w.truth["periodic.period"] = period * (w.x[1] - w.x[0])


def _resumed(w: World, size: float, rng: np.random.Generator) -> None:
    w.restart = float(w.x[w.index(rng.uniform(0.4, 0.7))])
    w.truth["resumed.x"] = w.restart


def _steppy(w: World, size: float, _: np.random.Generator) -> None:
    """Size: number of levels."""

    def edit(y: dict[str, Array], _: np.random.Generator) -> None:
        y["val_accuracy"][:] = np.round(y["val_accuracy"] * size) / size

    w.edits.append(edit)
    w.truth["steppy.step"] = 1 / size


def _smoothed_input(w: World, size: float, _: np.random.Generator) -> None:
    """Size: smoothing factor."""
    w.smoothing = size
    w.truth["smoothed_input.factor"] = size


def _underfitting_capacity(w: World, size: float, _: np.random.Generator) -> None:
    for name, mean in w.means.items():
        w.means[name] = mean[0] + (mean - mean[0]) * (1 - size)
    w.means["val_loss"] = w.means["train_loss"] + 0.01
    w.truth["underfitting_capacity.level"] = w.means["val_loss"][-1]


FAULTS: dict[str, Fault] = {
    "overfitting": Fault(_overfitting, 0.3, "validation loss turns up while training loss keeps falling"),
    "overfitting_plateau": Fault(_overfitting_plateau, 0.5, "validation levels while training keeps improving"),
    "generalization_gap": Fault(_generalization_gap, 0.4, "a large stable gap between training and validation"),
    "validation_below_training": Fault(
        _validation_below_training, 0.4, "training loss is above validation loss at first"
    ),
    "diverged": Fault(_diverged, 1.0, "every loss climbs back and does not recover"),
    "diverged_suddenly": Fault(_diverged_suddenly, 1.0, "every loss jumps up and stays there"),
    "nonfinite": Fault(_nonfinite, 1.0, "the losses are NaN from some step on"),
    "masked_nan": Fault(_masked_nan, 1.0, "the loss is logged as exactly 0 while the gradient norm is NaN"),
    "spikes": Fault(_spikes, 12.0, "a short excursion of the training loss that recovers"),
    "erratic": Fault(_erratic, 0.5, "noise as large as what the run gains"),
    "not_learning": Fault(_not_learning, 0.0, "every metric stays at chance level"),
    "poor_start": Fault(_poor_start, 3.0, "the first losses are far above chance level"),
    "slow_start": Fault(_slow_start, 0.15, "nothing happens at first"),
    "plateaued": Fault(_plateaued, 0.4, "every metric is exactly level after an onset"),
    "breakthrough": Fault(_breakthrough, 0.5, "a long plateau, then a sudden improvement"),
    "regime_change": Fault(_regime_change, 0.2, "a sudden sustained change without a known cause"),
    "double_descent": Fault(_double_descent, 0.3, "validation loss falls, rises to a peak and falls again"),
    "grokking": Fault(_grokking, 1.4, "validation jumps long after training saturated"),
    "loss_accuracy_decoupled": Fault(_decoupled, 0.3, "validation loss rises while accuracy improves"),
    "periodic": Fault(_periodic, 0.1, "a sawtooth with a fixed period"),
    "resumed": Fault(_resumed, 1.0, "steps go back and are logged again"),
    "steppy": Fault(_steppy, 20.0, "an accuracy with few distinct levels"),
    "smoothed_input": Fault(_smoothed_input, 0.95, "the logged values are already smoothed"),
    "underfitting_capacity": Fault(_underfitting_capacity, 0.6, "both losses level at a poor value, close together"),
}
"""All faults by name."""
