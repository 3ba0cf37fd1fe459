"""Every file of a folder read without being told its format: ``python -m benchmarks.robustness.formats ../shared/curves/raw``.

One Markdown row per file: what it was recognized as, runs, points, and what was dropped or is odd; or why it was refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import curvefit as cf

__all__ = ["Row", "rows"]


@dataclass(frozen=True)
class Row:
    """One file.

    Parameters
    ----------
    folder, file : str
        Where it lies.
    reader : str
        What it was recognized as; empty when it was refused.
    runs, points : int
        What was read, points that are not finite included.
    defects : str
        Counts of what was dropped, is not finite or was resumed; or the reason of a refusal.
    """

    folder: str
    file: str
    reader: str
    runs: int
    points: int
    defects: str

    def text(self) -> str:
        """As a Markdown table row."""
        name = self.file if len(self.file) <= 46 else "..." + self.file[-43:]
        return f"| {self.folder} | {name} | {self.reader or '-'} | {self.runs} | {self.points:,} | {self.defects} |"


def rows(root: Path) -> Iterator[Row]:
    """Every regular file below a folder, in order of its name; lists of files (INDEX) aside."""
    for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.name.startswith("INDEX")):
        try:
            runs = cf.read(path)
        except cf.CurvefitError as error:
            yield Row(path.parent.name, path.name, "", 0, 0, f"refused ({error.code}): {error.what}")
            continue
        points = sum(len(c) + int(c.nonfinite_x.size) for r in runs for c in r.curves.values())
        reader = runs[0].provenance.reader if runs[0].provenance else ""
        yield Row(path.parent.name, path.name, reader, len(runs), points, "; ".join(_defects(runs)) or "none")


def _defects(runs: list[cf.Run]) -> Iterator[str]:
    dropped: dict[str, int] = {}
    for p in (r.provenance for r in runs if r.provenance is not None):
        for why, n in (*p.rows_dropped.items(), *p.points_dropped.items()):
            dropped[why] = dropped.get(why, 0) + n
    yield from (f"{n:,} {why}" for why, n in dropped.items())
    odd = sum(int(c.nonfinite_x.size) for r in runs for c in r.curves.values())
    if odd:
        yield f"{odd:,} not finite"
    resumed = sum(bool(r.provenance and r.provenance.restarts) for r in runs)
    if resumed:
        yield f"{resumed} resumed"
    sampling = {r.provenance.sampling for r in runs if r.provenance} - {"full"}
    yield from sorted(sampling)


def main(root: str) -> int:
    """Print the table."""
    print("| folder | file | recognized as | runs | points | defects |\n|---|---|---|---|---|---|")
    for row in rows(Path(root)):
        print(row.text(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
