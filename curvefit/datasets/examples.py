"""Example runs: real trainings of small networks on handwritten digits, one for each situation people meet."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from ..curves import Run
from ..curves._arguments import checked
from ..curves.errors import unknown_name

__all__ = ["Example", "load_example", "names", "path", "rest"]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """One example run.

    Parameters
    ----------
    name : str
        Name of the file without its ending.
    shows : str
        What it was made to show, in one sentence.
    planned : float
        Epochs of the whole training; the file may hold only the first part.
    """

    name: str
    shows: str
    planned: float


EXAMPLES = {
    e.name: e
    for e in (
        Example("healthy", "falls steadily, validation follows; 50 of 150 planned epochs are shown", 150),
        Example("overfitting", "few images and wrong labels: validation loss turns up while training loss falls", 120),
        Example("lr_drops", "the learning rate is cut to a fifth after epochs 50 and 80, and the loss drops", 110),
        Example("diverging", "a growing learning rate: training falls apart; 80 of 100 planned epochs are shown", 100),
        Example("noisy_accuracy", "80 validation images: accuracy moves in steps of 1.25 %; 60 of 100 epochs", 100),
    )
}


def names() -> list[str]:
    """Names of the example runs."""
    return list(EXAMPLES)


def path(name: str) -> Path:
    """The CSV file of an example run: epoch, losses (nats), accuracies (fractions), learning rate."""
    if name not in EXAMPLES:
        raise unknown_name("example", name, EXAMPLES)
    return _FOLDER / f"{name}.csv"


@checked
def load_example(name: str = "healthy") -> Run:
    """One example run, up to where it is shown.

    Parameters
    ----------
    name : str
        healthy, overfitting, lr_drops, diverging or noisy_accuracy.

    Returns
    -------
    Run
        Training and validation loss and accuracy against epochs, with the learning rate and the planned length.

    Notes
    -----
    Trained by ``python -m benchmarks.examples.make`` on scikit-learn's bundled digits (Alpaydin and Kaynak 1998, UCI
    Machine Learning Repository); multilayer perceptrons in plain numpy.
    """
    return _load(path(name), name, EXAMPLES[name].planned)


def rest(name: str) -> Run | None:
    """What came after the part that is shown, or None when all of it is shown."""
    file = path(name).with_name(f"{name}_rest.csv")
    return _load(file, f"{name}_rest", None) if file.is_file() else None


def _load(file: Path, name: str, planned: float | None) -> Run:
    with file.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    columns = {key: [float(row[key]) for row in rows] for key in rows[0]}
    return Run.from_mapping(columns, x="epoch", name=name, x_unit="epoch", horizon=planned)
