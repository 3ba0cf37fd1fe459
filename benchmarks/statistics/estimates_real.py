"""The same intervals on logged runs: a prefix is asked about what the rest of the run shows.

A run's forecast comes from the gate of `benchmarks.decisions` that has not seen its group. The truth is the run's local mean, whose own
noise counts against the intervals; of a new observation it is the observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from curvefit.curves import Curve
from curvefit.decisions.recommend import smallest_gain
from curvefit.estimands import Question, horizon_grid
from curvefit.estimands.api import answer_many
from curvefit.fitting.fit import fit
from curvefit.forecasting.forecast import Forecast

from ..decisions import gates
from ..decisions.runs import LoggedRun, load
from .estimates import LEVEL, Chance, Found

__all__ = ["real"]

SHARES = (0.25, 0.5, 0.75)
"""Of the logged x that are seen."""
FEWEST = 10
EPS = 0.05
_BATCH = 100
_Case = tuple[LoggedRun, int, Curve, Forecast]


def real(data: Path, per_source: int = 40) -> Found:
    """Hits by source on the first runs of each, after a quarter, half and three quarters of their logged x."""
    found = Found()
    runs = load(per_source, data=data)
    for half in (0, 1):
        cuts = [(run, k) for run in runs if run.half == half for k in _cuts(run.curve)]
        for start in range(0, len(cuts), _BATCH):
            part = cuts[start : start + _BATCH]
            seen = [Curve(r.curve.x[:k], r.curve.y[:k], r.curve.metric, x_unit=r.curve.x_unit) for r, k in part]
            grids = [horizon_grid(c, float(r.curve.x[-1]), 24) for c, (r, _) in zip(seen, part, strict=True)]
            made = gates.pooled(half).forecast(seen, grids)
            _count(found, [(r, k, c, f) for (r, k), c, f in zip(part, seen, made, strict=True)])
    return found


def _cuts(curve: Curve) -> list[int]:
    x = curve.x
    found = {int(np.searchsorted(x, x[0] + share * (x[-1] - x[0]), side="right")) for share in SHARES}
    return sorted(k for k in found if k >= FEWEST and x.size - k >= 2)


def _count(found: Found, cases: Sequence[_Case]) -> None:
    asked = []
    for run, _, curve, forecast in cases:
        least, _ = smallest_gain(None, curve, forecast.level_now, forecast.noise)
        away = max(3 * least, forecast.noise)
        target = forecast.level_now - run.sign * away
        end = float(run.curve.x[-1])
        asked.append(Question(curve, forecast, fit(curve, "power_law"), end, target, EPS, LEVEL, least))
    names = ("value_at", "remaining_improvement", "target_reached", "best_point", "plateau_onset")
    told = {name: answer_many(asked, name) for name in names}
    for i, (run, k, curve, forecast) in enumerate(cases):
        x, truth, sign = run.curve.x, run.truths[0], run.sign
        key = {name: (name, run.source, "", 0) for name in names}
        value, gain, target, best, onset = (told[name][i] for name in names)
        found.interval(key["value_at"], value, float(run.curve.y[-1]), run.scale)
        mean = found.tallies["value_at, mean curve", run.source, "", 0]
        end = sign * float(truth[-1])
        mean.add(value.details["mean_low"], value.details["mean_high"], (end, end), run.scale)
        left = float(truth[k - 1] - truth[-1])
        found.interval(key["remaining_improvement"], gain, left, run.scale)
        least = asked[i].min_gain
        came = sign * forecast.level_now - float(truth[-1]) >= least
        found.chances.append(Chance("remaining_improvement", gain.details["probability"], came, run.source))
        wanted = asked[i].target
        assert wanted is not None
        when = _passage(x, truth, sign * wanted)
        if target.interval is None:
            found.tallies[key["target_reached"]].none()
        else:
            width = float(x[-1] - x[0])
            found.tallies[key["target_reached"]].add(target.interval.low, target.interval.high, (when, when), width)
        if not target.details["already_reached"]:
            found.chances.append(
                Chance("target_reached", target.details["probability"], bool(np.isfinite(when)), run.source)
            )
        at = float(x[int(np.argmin(truth[:k]))])
        found.interval(key["best_point"], best, at, float(curve.x[-1] - x[0]))
        if "value_low" in best.details and best.value is not None:
            there = sign * float(np.interp(best.value, x, truth))
            low, high = best.details["value_low"], best.details["value_high"]
            found.tallies["best_point, value there", run.source, "", 0].add(low, high, (there, there), run.scale)
        share = max(sign * float(run.curve.y[0]), float(truth[0])) - float(truth[-1])
        if share > 0:
            passed = _passage(x, truth, float(truth[-1] + EPS * share))
            found.interval(key["plateau_onset"], onset, passed, float(x[-1] - x[0]))
            if onset.interval is not None and "from_fit" in onset.details:
                view = "law" if onset.details["from_fit"] else "forecast"
                what = f"plateau_onset, {view}, {onset.status.code.replace('_', ' ').replace('ok', 'reached')}"
                found.interval((what, run.source, "", 0), onset, passed, float(x[-1] - x[0]))


def _passage(x: np.ndarray, truth: np.ndarray, target: float) -> float:
    """First logged x at which the local mean is at the target, infinite where it never is."""
    there = np.flatnonzero(truth <= target)
    return float(x[there[0]]) if there.size else float("inf")
