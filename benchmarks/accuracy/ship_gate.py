"""Train the gate that is shipped, on all development curves, and write it with its provenance.

    python -m benchmarks.accuracy.ship_gate [--output FILE]

The stretch is fitted on forecasts of curves that a gate had not seen: of the two halves and of the domains left out. The
file holds nothing but arrays; its provenance is a JSON text with the version of the training script, the sources and
numbers of series, and what ``benchmarks.accuracy.crossfit`` measured on halves, sources and domains left out. The
shipped gate itself, trained on everything, proves nothing. Needs torch and the development curves beside the checkout.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from curvefit.forecasting.pool import gate as gate_module
from curvefit.forecasting.pool.features import NAMES

from . import crossfit, train_gate

OUTPUT = Path(gate_module.__file__).with_name("gate.npz")
SHOWN = ("n", "medR", "meanR", "crpsR", "win", "c50", "c80", "c95")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--limit", type=int, default=150, help="series per source in the scores")
    parser.add_argument("--splits", default="half,source,domain", help="splits whose scores go into the provenance")
    parser.add_argument("--cache", type=Path, default=crossfit.CACHE)
    parser.add_argument("--data", type=Path, default=crossfit.DATA)
    args = parser.parse_args()
    study = crossfit.Study(args.data, args.cache, [int(s) for s in args.seeds.split(",")])
    scores: dict[str, Any] = {}
    missed = []
    for split in args.splits.split(","):
        folds = crossfit.trained(study, split)
        if split in ("half", "domain"):
            missed += [fold.missed for fold in folds]
        tables = crossfit.scored(study, folds, args.limit)
        if split == "half":
            for name, table in tables.items():
                scores[name] = _rounded(study.scorer.report(*table))
        else:
            scores[f"{split} left out"] = _rounded(crossfit.together(study, tables))
    stretch = crossfit.fit_stretch(missed)
    made = study.gate(set(range(len(study.series))))
    series = {str(name): int((study.source == name).sum()) for name in np.unique(study.source)}
    provenance = {
        "script": f"benchmarks.accuracy.ship_gate, training version {train_gate.VERSION}",
        "seeds": args.seeds,
        "features": list(NAMES),
        "series by source": series,
        "invented series": len(study.own_source),
        "scores on curves not trained on, last point": scores,
    }
    np.savez_compressed(
        args.output,
        **{k: made[k].astype(np.float32) for k in crossfit.PARTS},
        worse=stretch.worse,
        better=stretch.better,
        provenance=np.array(json.dumps(provenance)),
    )
    print(f"{args.output}: {args.output.stat().st_size / 1000:.1f} kB, {stretch}")


def _rounded(report: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Macro means and sources of a report, three decimals."""
    parts = {"macro": report["macro"]["last"]["all"]}
    parts |= {source: r["all"] for source, r in report["by_source"]["last"].items()}
    return {name: {k: round(float(r[k]), 3) for k in SHOWN if k in r} for name, r in parts.items()}


if __name__ == "__main__":
    main()
