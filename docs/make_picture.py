"""Draw the picture of the README again: ``python docs/make_picture.py``."""

from __future__ import annotations

from pathlib import Path

import curvefit as cf
from curvefit.reporting.figures import save_figure

TARGET = Path(__file__).parent / "_static" / "report.png"

if __name__ == "__main__":
    report = cf.analyze(cf.load_example("noisy_accuracy"), "val_loss")
    save_figure(report.plot(), TARGET, dpi=160)
    print(TARGET)
