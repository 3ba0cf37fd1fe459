"""Score the pool with gates that have not seen the curves they are scored on.

    python -m benchmarks.accuracy.crossfit --split half|source|domain [--seeds 0,1] [--limit 150]

* half: groups of curves fall into two halves by the parity of sha256(source|group); each half is forecast with a gate
  trained on the other. Sources with one group are always tested and never trained on.
* source, domain: every source (group of related sources) is forecast with a gate trained on all others.

The stretch of a fold's intervals is fitted on the forecasts of the other folds. Needs torch and the development curves
beside the checkout. Trained gates are kept in ``--cache`` and used again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.pool.calibration import Stretch
from curvefit.forecasting.pool.features import NAMES
from curvefit.forecasting.pool.gate import Gate

from . import curves as development
from . import pit
from .entry import scorable
from .extract import cached
from .invented import invented_series

PARTS = ("mean", "sd", "weight", "bias")
CACHE = Path(tempfile.gettempdir()) / "curvefit-gates"
DATA = development.SCORER.with_name("forecast_dev.parquet")


class Study:
    """Curves, training rows and trained gates of one run of this script."""

    def __init__(self, data: Path, cache: Path, seeds: list[int]) -> None:
        self.scorer = development.scorer()
        self.series = self.scorer.load(str(data))
        self.cache, self.seeds = cache, seeds
        log = self.scorer.LOG_UNITS
        self.plain = cached(cache / "plain.npz", lambda: development.plain_prefixes(self.series, log))
        self.varied = cached(cache / "varied.npz", lambda: development.varied_prefixes(self.series, log))
        invented = invented_series()
        self.invented = cached(cache / "invented.npz", lambda: development.varied_prefixes(invented, log, draws=3))
        self.source = np.array([s["source"] for s in self.series])
        self.group = np.array([f"{s['source']}|{s['group']}" for s in self.series])
        self.own_source = np.array([s["source"] for s in invented])
        self.own_group = np.array([f"{s['source']}|{s['group']}" for s in invented])

    def gate(self, train_on: set[int]) -> dict[str, NDArray[Any]]:
        """A gate trained on these series: the average of those of all seeds, which start from the same weights."""
        from . import train_gate

        key = hashlib.sha256(repr((train_gate.VERSION, sorted(train_on), self.seeds)).encode()).hexdigest()[:16]
        file = self.cache / f"gate-{key}.npz"
        if not file.exists():
            keep = np.zeros(len(self.series), bool)
            keep[list(train_on)] = True
            data = [train_gate.Data(rows, self.source, self.group, keep) for rows in (self.plain, self.varied)]
            data.append(
                train_gate.Data(self.invented, self.own_source, self.own_group, np.ones(len(self.own_source), bool))
            )
            made = [train_gate.train(data, seed) for seed in self.seeds]
            np.savez(
                file,
                mean=made[0]["mean"],
                sd=made[0]["sd"],
                weight=np.mean([g["weight"] for g in made], axis=0)[None],
                bias=np.mean([g["bias"] for g in made], axis=0)[None],
            )
        with np.load(file, allow_pickle=False) as found:
            return dict(found)

    def misses(self, gate: dict[str, NDArray[Any]], test: set[int]) -> dict[str, NDArray[Any]]:
        """By how much outcomes of the test curves lie outside the 10 and 90 % quantiles, relative to the distance."""
        keep = np.isin(self.plain["series"], list(test)) & self.plain["usable"]
        rows = np.flatnonzero(keep)
        of = Gate(*(np.asarray(gate[k], np.float64) for k in PARTS))
        names = ("features", "experts", "error", "own", "noise", "unlearned")
        mixture, _ = of.mix(*(self.plain[k][rows].astype(float) for k in names))
        low, mid, high = np.moveaxis(mixture.quantile(np.array([0.1, 0.5, 0.9])), 2, 0)
        truth = self.plain["truth"][rows]
        sources, source = np.unique(self.source[self.plain["series"][rows]], return_inverse=True)
        weight = 1 / np.bincount(source, minlength=len(sources))[source]
        return {
            "log_h": self.plain["features"][rows][..., NAMES.index("ln h")],
            "worse": (mid - truth) / (mid - low),
            "better": (truth - mid) / (high - mid),
            "weight": np.repeat(weight[:, None], truth.shape[1], axis=1),
        }


def fit_stretch(parts: list[dict[str, NDArray[Any]]]) -> Stretch:
    """The stretch that the misses of several folds ask for."""
    joined = {k: np.concatenate([p[k].ravel() for p in parts]).astype(float) for k in parts[0]}
    return Stretch.fit(joined["log_h"], joined["worse"], joined["better"], joined["weight"])


@dataclass(frozen=True, slots=True)
class Fold:
    """What one fold holds: the curves tested, the gate that has not seen them, how far their outcomes lay outside."""

    name: str
    test: set[int]
    gate: dict[str, NDArray[Any]]
    missed: dict[str, NDArray[Any]]

    def stretched(self, folds: list[Fold], factor: float = 1.0) -> Gate:
        """The fold's gate with the stretch that the forecasts of the other folds ask for, times a factor."""
        stretch = fit_stretch([other.missed for other in folds if other.name != self.name])
        stretch = Stretch(factor * stretch.worse, factor * stretch.better)
        return Gate(*(np.asarray(self.gate[k], np.float64) for k in PARTS), stretch)


def trained(study: Study, split: str) -> list[Fold]:
    """The folds of a split."""
    out = []
    for name, (train, test) in development.folds(study.series, split).items():
        gate = study.gate(train)
        out.append(Fold(name, test, gate, study.misses(gate, test)))
    return out


def scored(study: Study, folds: list[Fold], limit: int) -> dict[str, tuple[pd.DataFrame, float, dict[str, int]]]:
    """The scorer's table of each fold, its seconds and its reasons for failures."""
    tested = _first(study, limit)
    out = {}
    for fold in folds:
        part = [study.series[i] for i in sorted(fold.test & tested)]
        out[fold.name] = study.scorer.run(scorable(Pooled(fold.stretched(folds))), part)
    return out


def _first(study: Study, limit: int) -> set[int]:
    """At most ``limit`` series per source, in the scorer's fixed order."""
    counted: dict[str, int] = {}
    tested = set()
    for i, s in enumerate(study.series):
        counted[s["source"]] = counted.get(s["source"], 0) + 1
        if counted[s["source"]] <= limit:
            tested.add(i)
    return tested


def _check_calibration(study: Study, folds: list[Fold], limit: int) -> bool:
    """Whether outcomes fall into each tenth of the forecast distribution as often, and no longer do at half the spread."""
    tested = _first(study, limit)
    verdict = []
    for name, factor in (("as it is", 1.0), ("negative control: half the spread", 0.5)):
        tables = []
        for fold in folds:
            part = [study.series[i] for i in sorted(fold.test & tested)]
            tables.append(pit.pit_values(study.scorer, fold.stretched(folds, factor), part))
        table = pd.concat(tables)
        pit.show(table, name)
        verdict.append(pit.holds(table))
    local = pd.concat(
        pit.local_mean_coverage(study.scorer, f.stretched(folds), [study.series[i] for i in sorted(f.test & tested)])
        for f in folds
    )
    print("\nlocal mean of nine later rewards inside the 80 % interval of the mean curve:")
    print(local.groupby("source")["held"].agg(["size", "mean"]).round(3).to_string())
    return verdict[0] and not verdict[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("half", "source", "domain"), default="half")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--limit", type=int, default=150)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", type=Path, help="write all numbers here")
    args = parser.parse_args()
    study = Study(args.data, args.cache, [int(s) for s in args.seeds.split(",")])
    folds = trained(study, args.split)
    tables = scored(study, folds, args.limit)
    ok = True
    if args.split == "half":
        everything = {name: study.scorer.report(*table) for name, table in tables.items()}
        for name, report in everything.items():
            study.scorer.show(report, name)
        _mean_of_directions([r["macro"]["last"]["all"] for r in everything.values()])
        ok = _check_calibration(study, folds, args.limit)
    else:
        everything = {"all": together(study, tables)}
        study.scorer.show(everything["all"], args.split)
    if args.json:
        args.json.write_text(json.dumps(everything, indent=1))
    return 0 if ok else 1


def together(study: Study, tables: dict[str, tuple[pd.DataFrame, float, dict[str, int]]]) -> dict[str, Any]:
    """One report of all folds."""
    reasons: dict[str, int] = {}
    for _, _, why in tables.values():
        reasons |= why
    seconds = sum(took for _, took, _ in tables.values())
    report: dict[str, Any] = study.scorer.report(pd.concat([t for t, _, _ in tables.values()]), seconds, reasons)
    return report


def _mean_of_directions(macros: list[dict[str, float]]) -> None:
    keys = ("medR", "meanR", "crpsR", "crpsMd", "win", "c50", "c80", "c95", "big", "fail", "cross")
    print(
        "\nmean of the two directions, last point: "
        + "  ".join(f"{k} {np.mean([m[k] for m in macros]):.3f}" for k in keys)
    )


if __name__ == "__main__":
    sys.exit(main())
