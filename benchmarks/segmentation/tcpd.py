"""Changepoints of annotated real series (Turing Change Point Dataset) with the default setting, scored as published.

    python -m benchmarks.segmentation.tcpd

Cover and F1 (margin 5, the first point always counted) as defined by van den Burg and Williams (arXiv:2003.06222), by
the scorer kept beside the data. The setting of `curvefit.changepoints` was chosen on simulations alone: piecewise
constant mean, three log n per change of the whitened likelihood. "No change anywhere" is the zero method.
"""

from __future__ import annotations

import argparse
import importlib.util
from types import ModuleType

import numpy as np

import curvefit as cf

from .real_lists import SHARED

FOLDER = SHARED / "reference_cases" / "tcpd"


def scorer() -> ModuleType:
    """The scorer that came with the data."""
    spec = importlib.util.spec_from_file_location("tcpd_score", FOLDER / "score.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(y: np.ndarray) -> list[int]:
    """Indices of the first point after each change, missing values left out."""
    at = np.arange(y.size, dtype=float)
    result = cf.changepoints((at, y))
    return [int(e.details["first_after"]) for e in result.locations]


def main() -> None:
    """Print one row per series and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    score = scorer()
    rows = []
    print("| series | n | changes | cover | F1 | zero cover | zero F1 |\n|---|---|---|---|---|---|---|")
    for name, data in score.load(str(FOLDER)).items():
        if data["ann"] is None or data["y"].shape[1] != 1:
            continue
        at = found(data["y"][:, 0])
        n = data["n"]
        each = (
            score.cover(data["ann"], at, n),
            score.f1(data["ann"], at),
            score.cover(data["ann"], [], n),
            score.f1(data["ann"], []),
        )
        rows.append(each)
        print(f"| {name} | {n} | {len(at)} | " + " | ".join(f"{v:.3f}" for v in each) + " |", flush=True)
    mean = np.mean(rows, axis=0)
    print(f"| mean of {len(rows)} | | | " + " | ".join(f"{v:.3f}" for v in mean) + " |")


if __name__ == "__main__":
    main()
