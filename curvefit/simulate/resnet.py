"""The worked example: a ResNet-18 on CIFAR-10 whose learning rate is cut to a fifth at epochs 60, 120 and 160."""

from __future__ import annotations

import numpy as np

from ..curves import Curve, Run, Schedule
from .noise import Noise, as_noise
from .record import Simulated

__all__ = ["resnet_run"]

CUTS = (60, 120, 160)


def resnet_run(*, rng: np.random.Generator, noise: str | Noise = "white", sd: float = 0.012) -> Simulated:
    """Two hundred epochs that show five things at once.

    Training loss is above validation loss until about epoch 55 (augmentation); validation loss has its minimum of the
    second segment at about 67 and rises until the cut at 120 (overfitting); loss and accuracy both improve for some
    epochs after that cut; from about 125 validation loss rises while validation accuracy goes on improving; the training
    loss falls to almost nothing.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    noise : str or Noise
        A name in `NOISES` or a `Noise`.
    sd : float
        Noise of the losses; that of the accuracy is a fifth of it.

    Returns
    -------
    Simulated
        With truth ``overfitting.onset``, ``lr_drop.1`` to ``lr_drop.3``, ``loss_accuracy_decoupled.onset`` and
        ``validation_below_training.end``.
    """
    x = np.arange(1.0, 201.0)
    rate = 0.1 * 0.2 ** np.searchsorted(CUTS, x, side="left")
    after = [np.maximum(x - cut, 0.0) for cut in CUTS]
    cut = [x > c for c in CUTS]

    base = 0.36 + 1.2 * x**-0.75 - 0.03 * np.minimum(x / 55, 1.0)
    train = base + 0.08 * (1 - np.minimum(x, 62) / 55)
    train = train - cut[0] * (0.17 * (1 - np.exp(-after[0] / 2.5)) + 0.0009 * np.minimum(after[0], 60))
    train = train - cut[1] * (train - 0.03 * np.exp(-after[1] / 60)) * (1 - np.exp(-after[1] / 3))
    train = np.maximum(train - cut[2] * 0.006 * (1 - np.exp(-after[2] / 4)), 0.001)

    val = base - cut[0] * 0.10 * (1 - np.exp(-after[0] / 2.0)) + cut[0] * 0.0018 * np.clip(x - 67, 0, 120 - 67)
    val = val - cut[1] * 0.13 * (1 - np.exp(-after[1] / 1.5)) + cut[1] * 0.0012 * np.clip(x - 125, 0, None)

    accuracy = 0.905 - 0.55 * x**-0.8 + cut[0] * 0.022 * (1 - np.exp(-after[0] / 2.0))
    accuracy = accuracy + cut[1] * (0.018 * (1 - np.exp(-after[1] / 1.5)) + 0.00012 * np.maximum(x - 125, 0))

    means = {"train_loss": train, "val_loss": val, "val_accuracy": accuracy}
    size = {"train_loss": sd, "val_loss": sd, "val_accuracy": sd / 5}
    kind = as_noise(noise)
    curves = {
        name: Curve(x, kind.apply(mean, size[name], rng, accuracy=name.endswith("accuracy")), name, x_unit="epoch")
        for name, mean in means.items()
    }
    curves["learning_rate"] = Curve(x, rate, "learning_rate", x_unit="epoch")
    second = slice(60, 120)
    third = slice(120, 200)
    crossing = int(np.flatnonzero(train < val)[0])
    truth = {
        "overfitting.onset": float(x[second][np.argmin(val[second])]),
        "loss_accuracy_decoupled.onset": float(x[third][np.argmin(val[third])]),
        "validation_below_training.end": float(x[crossing]),
        **{f"lr_drop.{i + 1}": float(c + 1) for i, c in enumerate(CUTS)},
    }
    faults = ("overfitting", "lr_drop", "loss_accuracy_decoupled", "validation_below_training")
    run = Run("ResNet-18 on CIFAR-10", curves, schedule=Schedule(x, rate), attributes={"classes": 10.0})
    return Simulated(run, means, means, faults, truth, kind, size)
