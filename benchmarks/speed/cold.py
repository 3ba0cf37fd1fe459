"""``curvefit analyze`` on a log of 1,000 points as a fresh process."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from ._timing import Row, paired, process, ratio
from .logs import write_log

BASE = [sys.executable, "-c", "import numpy, scipy.optimize, matplotlib.pyplot"]


def run(quick: bool) -> list[Row]:
    """Whole processes, in turn with the three imports that any such tool needs."""
    n = 5 if quick else 15
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.csv"
        write_log(log, 1000)
        command = [sys.executable, "-m", "curvefit", "analyze", str(log), "--quiet"]
        ours, base = paired(lambda: process(command), lambda: process(BASE), n)
    r = ratio(ours, base)
    return [
        Row(
            "`curvefit analyze`, 1,000 points, cold",
            f"{r:.2f} x (CPU {statistics.median(ours):.2f} s against {statistics.median(base):.2f} s)",
            "4 x importing numpy, scipy.optimize, matplotlib.pyplot",
            n,
            r / 4,
        )
    ]
