"""The worked example: a ResNet-18 whose learning rate is cut at epochs 60, 120 and 160, read in five statements.

    python -m benchmarks.diagnosis resnet [--draws 100]

A place counts as right within 5 % of the x range (10 epochs), a cut within 2 epochs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np

from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.diagnosis import Diagnosis
from curvefit.simulate import resnet_run
from curvefit.simulate.record import Simulated

STATEMENTS = (
    "overfitting inside the second segment, from about 67",
    "the drop of val_loss at 120 is explained by the learning rate",
    "the rise of val_accuracy at 120 is explained by the learning rate",
    "from about 125 val_loss rises while val_accuracy goes on improving",
    "train_loss lies above val_loss until about 55",
)
RULES = ("overfitting", "lr_drop", "loss_accuracy_decoupled", "validation_below_training")


def near(found: Diagnosis, x: float, within: float) -> bool:
    """Whether one of the places is there."""
    return any(e.value is not None and abs(e.value - x) <= within for e in found.where)


def read(world: Simulated) -> list[bool]:
    """Which of the five statements the diagnoses make."""
    said = diagnose(world.run, rules=RULES)
    accuracy = diagnose(world.run, metric="val_accuracy", rules=("lr_drop",))
    truth = world.truth
    decoupled = said["loss_accuracy_decoupled"]
    return [
        near(said["overfitting"], truth["overfitting.onset"], 10),
        near(said["lr_drop"], truth["lr_drop.2"], 2),
        near(accuracy["lr_drop"], truth["lr_drop.2"], 2),
        near(decoupled, truth["loss_accuracy_decoupled.onset"], 10) and decoupled.evidence["accuracy_change"] > 0,
        near(said["validation_below_training"], truth["validation_below_training.end"], 10),
    ]


def table(draws: int, seed: int = 7_000_000, noises: Sequence[str] = ("white", "ar.5", "t3")) -> Iterator[str]:
    """Rows of a Markdown table: draws in which each statement is right, and all five."""
    results = {
        noise: np.array([read(resnet_run(rng=np.random.default_rng([seed, i]), noise=noise)) for i in range(draws)])
        for noise in noises
    }
    yield f"| statement ({draws} draws each) | " + " | ".join(noises) + " |"
    yield "|---|" + "---|" * len(noises)
    for k, text in enumerate(STATEMENTS):
        yield f"| {text} | " + " | ".join(str(int(results[n][:, k].sum())) for n in noises) + " |"
    yield "| all five | " + " | ".join(str(int(results[n].all(axis=1).sum())) for n in noises) + " |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100)
    args = parser.parse_args(arguments)
    for line in table(args.draws):
        print(line, flush=True)


if __name__ == "__main__":
    main()
