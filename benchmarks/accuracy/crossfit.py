"""Score the pool with gates that have not seen the curves they are scored on.

    python -m benchmarks.accuracy.crossfit --split half|source|domain [--seeds 0,1,2] [--limit 150]

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
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curvefit.curves import Curve, Metric
from curvefit.forecasting.api import forecast_many
from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.pool.calibration import Stretch
from curvefit.forecasting.pool.features import NAMES
from curvefit.forecasting.pool.gate import Gate

from . import curves as development
from .extract import cached
from .invented import invented_series

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


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

    def gates(self, train_on: set[int]) -> dict[str, NDArray[Any]]:
        """Gates of all seeds, trained on these series."""
        from . import train_gate

        key = hashlib.sha256(repr((sorted(train_on), self.seeds)).encode()).hexdigest()[:16]
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
                weight=np.stack([g["weight"] for g in made]),
                bias=np.stack([g["bias"] for g in made]),
            )
        with np.load(file, allow_pickle=False) as found:
            return dict(found)

    def misses(self, gate: dict[str, NDArray[Any]], test: set[int]) -> dict[str, NDArray[Any]]:
        """By how much outcomes of the test curves lie outside the 10 and 90 % quantiles, relative to the distance."""
        keep = np.isin(self.plain["series"], list(test)) & self.plain["usable"]
        rows = np.flatnonzero(keep)
        of = Gate(*(np.asarray(gate[k], np.float64) for k in ("mean", "sd", "weight", "bias")))
        names = ("features", "experts", "error", "own", "noise")
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


def forecaster(gate: Gate) -> Any:
    """What the scorer calls."""
    pooled = Pooled(gate)

    def batch(questions: list[dict[str, Any]]) -> list[NDArray[np.float64]]:
        made = [Curve(q["x"], q["y"], Metric("value", kind=q["kind"], direction=q["direction"])) for q in questions]
        return [f.quantile(LEVELS) for f in forecast_many(made, [q["x_future"] for q in questions], method=pooled)]

    def single(**question: Any) -> NDArray[np.float64]:
        return batch([question])[0]

    single.batch = batch  # type: ignore[attr-defined]
    return single


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("half", "source", "domain"), default="half")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--limit", type=int, default=150)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/curvefit-gates"))
    parser.add_argument("--data", type=Path, default=development.SCORER.with_name("forecast_dev.parquet"))
    parser.add_argument("--json", type=Path, help="write all numbers here")
    args = parser.parse_args()
    study = Study(args.data, args.cache, [int(s) for s in args.seeds.split(",")])
    scorer, series = study.scorer, study.series
    counted: dict[str, int] = {}
    tested = set()
    for i, s in enumerate(series):
        counted[s["source"]] = counted.get(s["source"], 0) + 1
        if counted[s["source"]] <= args.limit:
            tested.add(i)
    folds = development.folds(series, args.split)
    gates = {name: study.gates(train) for name, (train, _) in folds.items()}
    misses = {name: study.misses(gates[name], test) for name, (_, test) in folds.items()}
    rows, everything = [], {}
    seconds, reasons = 0.0, {}
    for name, (_, test) in folds.items():
        stretch = fit_stretch([m for other, m in misses.items() if other != name])
        parts = (np.asarray(gates[name][k], np.float64) for k in ("mean", "sd", "weight", "bias"))
        part = [series[i] for i in sorted(test & tested)]
        table, took, why = scorer.run(forecaster(Gate(*parts, stretch)), part)
        table["fold"], seconds = name, seconds + took
        reasons |= why
        rows.append(table)
        everything[name] = scorer.report(table, took, why)
    if args.split == "half":
        for name, report in everything.items():
            scorer.show(report, name)
        _mean_of_directions([r["macro"]["last"]["all"] for r in everything.values()])
    else:
        together = pd.concat(rows)
        everything["all"] = scorer.report(together, seconds, reasons)
        scorer.show(everything["all"], args.split)
    if args.json:
        args.json.write_text(json.dumps(everything, indent=1))


def _mean_of_directions(macros: list[dict[str, float]]) -> None:
    keys = ("medR", "meanR", "crpsR", "crpsMd", "win", "c50", "c80", "c95", "big", "fail", "cross")
    print(
        "\nmean of the two directions, last point: "
        + "  ".join(f"{k} {np.mean([m[k] for m in macros]):.3f}" for k in keys)
    )


if __name__ == "__main__":
    main()
