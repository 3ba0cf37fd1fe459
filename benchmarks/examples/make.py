"""Train the five example runs and write them: ``python -m benchmarks.examples.make [FOLDER]``.

Every run is a real training of a small network on scikit-learn's bundled handwritten digits (1,797 images of 8 x 8,
Alpaydin and Kaynak 1998, UCI repository). Each is trained to its planned end; the package ships the first part as
``NAME.csv`` and keeps what came after as ``NAME_rest.csv``, so that a forecast can be held against it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from .network import Network, Split, train

FOLDER = Path(__file__).resolve().parents[2] / "curvefit" / "datasets"


@dataclass(frozen=True)
class Recipe:
    """How one example was trained."""

    name: str
    epochs: int
    shown: int
    train_size: int
    val_size: int
    hidden: tuple[int, ...]
    batch: int
    rate: Callable[[int], float]
    decay: float = 0.0
    label_noise: float = 0.0
    seed: int = 0


RECIPES = (
    # a well-regularized run, a third through: falls like a power law, validation follows
    Recipe("healthy", 150, 50, 1100, 600, (32,), 32, lambda e: 2e-3, decay=1e-3, seed=1),
    # few training images with wrong labels among them, a large network: validation turns up
    Recipe("overfitting", 120, 120, 300, 800, (256, 128), 16, lambda e: 4e-3, label_noise=0.15, seed=2),
    # a learning rate cut to a fifth at epochs 50 and 80
    Recipe(
        "lr_drops",
        110,
        110,
        1100,
        600,
        (32,),
        8,
        lambda e: 0.03 * 0.2 ** ((e > 50) + (e > 80)),
        decay=5e-3,
        label_noise=0.05,
        seed=3,
    ),
    # a learning rate that grows until training falls apart
    Recipe("diverging", 100, 80, 1100, 600, (64, 64), 32, lambda e: 5e-3 * math.exp(e / 14), seed=4),
    # 80 validation images: accuracy moves in steps of 1.25 % and is mostly noise
    Recipe("noisy_accuracy", 100, 60, 1100, 80, (24,), 16, lambda e: 3e-3, decay=1e-3, label_noise=0.1, seed=5),
)


def run(recipe: Recipe) -> list[dict[str, float]]:
    """Train one recipe and return one row per epoch."""
    rng = np.random.default_rng(recipe.seed)
    digits = load_digits()
    order = rng.permutation(len(digits.target))
    x, t = digits.data[order] / 16.0, digits.target[order].astype(np.intp)
    noisy = t.copy()
    flip = rng.random(len(t)) < recipe.label_noise
    noisy[flip] = rng.integers(0, 10, int(flip.sum()))
    a, b = recipe.train_size, recipe.train_size + recipe.val_size
    training, validation = Split(x[:a], noisy[:a]), Split(x[a:b], noisy[a:b])
    network = Network((64, *recipe.hidden, 10), rng)
    rows = []
    with np.errstate(all="ignore"):
        for epoch, eta in train(network, training, recipe.epochs, recipe.batch, recipe.rate, rng, decay=recipe.decay):
            train_loss, train_accuracy = network.evaluate(training)
            val_loss, val_accuracy = network.evaluate(validation)
            rows.append(
                {
                    "epoch": epoch,
                    "train_loss": train_loss,
                    "train_accuracy": train_accuracy,
                    "val_loss": val_loss,
                    "val_accuracy": val_accuracy,
                    "learning_rate": eta,
                }
            )
    return rows


def write(path: Path, rows: list[dict[str, float]]) -> None:
    """Write rows as CSV, six significant digits."""
    lines = [",".join(rows[0])]
    lines += [",".join(str(v) if k == "epoch" else f"{v:.6g}" for k, v in r.items()) for r in rows]
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Make all of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        rows = run(recipe)
        write(folder / f"{recipe.name}.csv", rows[: recipe.shown])
        if recipe.shown < recipe.epochs:
            write(folder / f"{recipe.name}_rest.csv", rows[recipe.shown :])
        last = rows[recipe.shown - 1]
        print(f"{recipe.name}: {recipe.shown} of {recipe.epochs} epochs shown, val_loss {last['val_loss']:.4f}")


if __name__ == "__main__":
    main()
