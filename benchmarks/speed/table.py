"""Reading a CSV of a million rows against ``pandas.read_csv``."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from ._timing import Row, paired, ratio, timed
from .logs import write_log


def run(quick: bool) -> list[Row]:
    """Both in one process, in turn."""
    import pandas as pd

    import curvefit as cf

    n = 3 if quick else 9
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.csv"
        write_log(log, 1_000_000)
        ours, theirs = paired(lambda: timed(lambda: cf.read(log)), lambda: timed(lambda: pd.read_csv(log)), n)
    r = ratio(ours, theirs)
    return [
        Row(
            "reading a CSV of 1,000,000 rows",
            f"{r:.2f} x ({statistics.median(ours):.2f} s against {statistics.median(theirs):.2f} s)",
            "1.5 x pandas.read_csv",
            n,
            r <= 1.5,
        )
    ]
