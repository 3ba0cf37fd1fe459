"""Pictures of the page on diagnoses: one simulated run per pattern, the places that were found marked.

python docs/make_diagnosis_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from curvefit.curves import Curve, Run
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry
from curvefit.reporting.figures import COLORS, style
from curvefit.simulate import run

FOLDER = Path(__file__).parent / "_static" / "diagnoses"
X = np.arange(1.0, 201.0)


def noise(seed: int, sd: float) -> np.ndarray:
    return sd * np.random.default_rng(seed).standard_normal(X.size)


def fault(name: str, n: int = 200, **options: object) -> Run:
    return run(name, rng=np.random.default_rng(5), n=n, **options).run  # type: ignore[arg-type]


def made(**y: np.ndarray) -> Run:
    return Run("r", {k: Curve(X, v, k) for k, v in y.items()}, attributes={"classes": 10.0})


LEVEL = 1.5 + 0.8 * np.exp(-X / 12)
CASES: dict[str, tuple[Run, tuple[str, ...]]] = {
    "not_learning": (fault("not_learning"), ("train_loss", "val_loss")),
    "converged": (fault("plateaued", noise="white", sd=0.005), ("train_loss", "val_loss")),
    "still_improving": (
        made(val_loss=0.5 + 2 * X**-0.4 + noise(0, 0.01), train_loss=0.4 + 2 * X**-0.4 + noise(1, 0.01)),
        ("train_loss", "val_loss"),
    ),
    "plateaued": (fault("plateaued", sd=0.005), ("val_loss",)),
    "underfitting_capacity": (
        made(train_loss=LEVEL + noise(0, 0.01), val_loss=LEVEL + 0.01 + noise(1, 0.01)),
        ("train_loss", "val_loss"),
    ),
    "overfitting": (fault("overfitting"), ("train_loss", "val_loss")),
    "overfitting_plateau": (fault("overfitting_plateau"), ("train_loss", "val_loss")),
    "generalization_gap": (fault("generalization_gap"), ("train_loss", "val_loss")),
    "validation_below_training": (fault("validation_below_training"), ("train_loss", "val_loss")),
    "erratic": (run({"erratic": 0.2}, rng=np.random.default_rng(5), n=200).run, ("train_loss",)),
    "spikes": (fault("spikes"), ("train_loss",)),
    "diverged": (fault("diverged"), ("train_loss",)),
    "masked_nan": (fault("masked_nan"), ("train_loss",)),
    "lr_drop": (run(rng=np.random.default_rng(5), n=200, schedule="staircase").run, ("val_loss",)),
    "regime_change": (fault("regime_change"), ("val_loss",)),
    "double_descent": (fault("double_descent"), ("val_loss",)),
    "grokking": (fault("grokking"), ("train_loss", "val_loss")),
    "loss_accuracy_decoupled": (fault("loss_accuracy_decoupled"), ("val_loss", "val_accuracy")),
    "steppy": (fault("steppy"), ("val_accuracy",)),
    "periodic": (fault("periodic"), ("train_loss",)),
    "poor_start": (fault("poor_start"), ("train_loss",)),
    "slow_start": (fault("slow_start"), ("train_loss",)),
    "resumed": (fault("resumed"), ("train_loss",)),
    "smoothed_input": (fault("smoothed_input", noise="ema.9"), ("train_loss",)),
    "underdetermined": (run(rng=np.random.default_rng(5), n=7).run, ("val_loss",)),
}
LINES = {"train_loss": COLORS["data"], "val_loss": COLORS["forecast"], "val_accuracy": COLORS["best"]}


def draw(name: str) -> bool:
    """One picture; whether the rule found its pattern in it."""
    case, shown = CASES[name]
    found = registry[name](Evidence(case))
    with style():
        figure = Figure(figsize=(4.6, 1.7), layout="constrained")
        FigureCanvasAgg(figure)
        ax = figure.subplots()
        for metric in shown:
            curve = case[metric]
            where = ax.twinx() if metric == "val_accuracy" and len(shown) > 1 else ax
            few = len(curve) < 20
            where.plot(curve.x, curve.y, "o-" if few else "-", ms=3, lw=0.9, color=LINES[metric], label=metric)
            where.tick_params(labelsize=7)
        if name != "periodic":
            for place in found.where[:6]:
                if place.value is not None:
                    ax.axvline(place.value, color=COLORS["event"], lw=1.0)
                if place.interval is not None and place.interval.width > 0 and len(found.where) <= 3:
                    ax.axvspan(place.interval.low, place.interval.high, color=COLORS["event"], alpha=0.12, lw=0)
        handles = [h for a in figure.axes for h in a.get_legend_handles_labels()[0]]
        twin = len(figure.axes) > 1  # the best place on one axis may lie on a curve of the other
        labels = [str(h.get_label()) for h in handles]
        ax.legend(handles, labels, fontsize=7, loc="center" if twin else "best")
        figure.savefig(FOLDER / f"{name}.png", dpi=100, metadata={"Software": None})
    return found.present


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in CASES:
        if name in registry:
            print(f"{name}: {'found' if draw(name) else 'NOT FOUND'}")
