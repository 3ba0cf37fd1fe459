"""What learning from a user's own runs is worth: half of each group's runs learned, the other half scored.

    python -m benchmarks.accuracy.learn [--split source|domain]

On taskset and both metrics of LCDB. The base gate was trained without the source (``domain``: without all sources of its
domain). Runs are halved by the parity of the sha256 of their name, so that every group is in both halves; both
directions are scored as the scorer does it, at its four cutoffs. The interval is a bootstrap over groups. Needs the
development curves beside the checkout, and torch for gates that are not cached yet.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves import Curve, Metric
from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.learning.experience import Experienced
from curvefit.forecasting.learning.learn import learn
from curvefit.forecasting.pool.gate import Gate

from . import crossfit
from . import curves as development
from .entry import scorable

SOURCES = ("taskset_dpl", "lcdb_logloss", "lcdb_accuracy")
LEAST, WORSE = 50, 0.02


def curve_of(s: dict[str, Any]) -> Curve:
    """A development curve as a user would have it."""
    unit = "sample" if s["x_unit"] == "samples" else "epoch"
    return Curve(s["x"], s["y"], Metric("value", kind=s["kind"], direction=s["direction"]), x_unit=unit)


def half(s: dict[str, Any]) -> int:
    """Which half a run is in, whatever its metric."""
    return development.digest(s["id"].rsplit("|", 1)[0]) % 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("source", "domain"), default="source")
    parser.add_argument("--limit", type=int, default=400, help="series per source")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--cache", type=Path, default=crossfit.CACHE)
    parser.add_argument("--data", type=Path, default=crossfit.DATA)
    args = parser.parse_args()
    study = crossfit.Study(args.data, args.cache, [int(s) for s in args.seeds.split(",")])
    folds = development.folds(study.series, args.split)
    misses = {name: study.misses(study.gate(train), test) for name, (train, test) in folds.items()}
    tables = []
    for source in SOURCES:
        name = source if args.split == "source" else development.domain(source)
        found = study.gate(folds[name][0])
        own = [s for s in study.series if s["source"] == source][: args.limit]
        stretch = crossfit.fit_stretch([missed for other, missed in misses.items() if other != name])
        base = Gate(*(np.asarray(found[k], np.float64) for k in crossfit.PARTS), stretch)
        for k in (0, 1):
            start = time.process_time()
            experience = learn([curve_of(s) for s in own if half(s) == k], base=base)
            taken = time.process_time() - start
            test = [s for s in own if half(s) != k]
            frames = []
            for label, forecaster in (("before", Pooled(base)), ("after", Experienced(experience, base))):
                frame, _, _ = study.scorer.run(scorable(forecaster), test)
                frames.append(frame.assign(what=label, group=[test[i]["group"] for i in frame.series]))
            tables.append(pd.concat(frames).assign(direction=k))
            print(f"{source}, half {k}: {taken:.1f} s of CPU\n{experience.summary()}\n", flush=True)
    return judge(pd.concat(tables))


def judge(table: pd.DataFrame) -> int:
    """Print the scores; 1 when a bar does not hold."""
    print("| source | forecasts | CRPS before | after | gain | mean error before | after | c80 before | after |")
    print("|---|---|---|---|---|---|---|---|---|")
    gains = []
    for source, rows in table.groupby("source"):
        one, two = (rows[rows.what == w] for w in ("before", "after"))
        base = one.last_base.mean()
        gains.append(np.log(two.last_crps.mean() / one.last_crps.mean()))
        print(
            f"| {source} | {len(one)} | {one.last_crps.mean() / base:.3f} | {two.last_crps.mean() / base:.3f} | "
            f"{1 - np.exp(gains[-1]):.1%} | {one.last_err.mean() / base:.3f} | {two.last_err.mean() / base:.3f} | "
            f"{one.last_c80.mean():.2f} | {two.last_c80.mean():.2f} |"
        )
    macro = 1 - float(np.exp(np.mean(gains)))
    rng = np.random.default_rng(0)
    drawn = np.array([_drawn(table, rng) for _ in range(500)])
    low = float(np.quantile(drawn, 0.05))
    worst = _worst(table)
    print(f"\nmacro gain in CRPS {macro:.1%} (at least 10 %), 95 % of bootstrap samples of groups above {low:.1%} (0)")
    print(
        f"groups with at least {LEAST} forecasts: {worst[0]} of {worst[1]} worsen by more than 2 % and two standard errors"
    )
    return int(macro < 0.1 or low <= 0 or worst[0] > 0)


def _drawn(table: pd.DataFrame, rng: np.random.Generator) -> float:
    logs = []
    for _, rows in table.groupby("source"):
        sums = rows.pivot_table(index="group", columns="what", values="last_crps", aggfunc="sum").to_numpy()
        at = rng.integers(0, len(sums), len(sums))
        after, before = sums[at].sum(axis=0)
        logs.append(np.log(after / before))
    return 1 - float(np.exp(np.mean(logs)))


def _worst(table: pd.DataFrame) -> tuple[int, int]:
    bad = seen = 0
    for _, rows in table.groupby(["source", "group"]):
        one, two = (rows[rows.what == w].last_crps.to_numpy() for w in ("before", "after"))
        if one.size < LEAST:
            continue
        seen += 1
        apart = two - one
        error = float(apart.std(ddof=1)) / apart.size**0.5
        if apart.mean() > WORSE * one.mean() + 2 * error:
            bad += 1
    return bad, seen


if __name__ == "__main__":
    sys.exit(main())
