"""Reading a CSV of a million rows against ``pandas.read_csv``."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from ._timing import Row, cpu, paired, ratio
from .logs import write_log


def run(quick: bool) -> list[Row]:
    """Both in one process, in turn; once with decimals alone and once with a learning rate written like 3.2e-05."""
    import pandas as pd

    import curvefit as cf

    n = 3 if quick else 9
    rows = []
    for what, powers in (("", False), (", one column like 3.2e-05", True)):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "run.csv"
            write_log(log, 1_000_000, powers=powers)

            def ours(log: Path = log) -> float:
                return cpu(lambda: cf.read(log))

            def theirs(log: Path = log) -> float:
                return cpu(lambda: pd.read_csv(log))

            mine, base = paired(ours, theirs, n)
        r = ratio(mine, base)
        rows.append(
            Row(
                f"reading a CSV of 1,000,000 rows{what}",
                f"{r:.2f} x (CPU {statistics.median(mine):.2f} s against {statistics.median(base):.2f} s)",
                "1.5 x pandas.read_csv",
                n,
                r / 1.5,
            )
        )
    return rows
