"""Randomized probability integral transform of forecasts of curves that the gate has not seen.

u = F(y) of a later observation is uniform where forecasts are calibrated; between F just below y and F(y) it is drawn,
so that bounds and ties count right. One horizon per forecast is drawn, every source counts the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curvefit.curves import Curve, Metric
from curvefit.forecasting.api import forecast_many
from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.pool.gate import Gate

LOW, HIGH = 0.07, 0.13  # of each decile's share


def pit_values(scorer: Any, gate: Gate, series: list[dict[str, Any]], seed: int = 0) -> pd.DataFrame:
    """One row per forecast: source, group, kind, horizon over the last x, u."""
    rng = np.random.default_rng(seed)
    curves, ahead, truth, rows = [], [], [], []
    for at, cutoff, k, ask in scorer.tasks(series):
        s = series[at]
        chosen = int(rng.choice(ask))
        curves.append(Curve(s["x"][:k], s["y"][:k], Metric("value", kind=s["kind"], direction=s["direction"])))
        ahead.append(s["x"][[chosen]])
        truth.append(float(s["y"][chosen]))
        rows.append((s["source"], s["group"], s["kind"], cutoff))
    below_and_at = []
    for forecast, y in zip(forecast_many(curves, ahead, method=Pooled(gate)), truth, strict=True):
        below_and_at.append((float(forecast.cdf(np.nextafter(y, -np.inf))[0]), float(forecast.cdf(y)[0])))
    below, inside = np.array(below_and_at).T
    table = pd.DataFrame(rows, columns=["source", "group", "kind", "cutoff"])
    table["u"] = below + rng.random(len(table)) * (inside - below)
    return table


def local_mean_coverage(scorer: Any, gate: Gate, series: list[dict[str, Any]], level: float = 0.8) -> pd.DataFrame:
    """Whether the mean of nine observations about a later one lies in the mean curve's interval: source, group, held.

    Only rewards, whose noise is large beside what happens within nine points. The mean of nine still has a third of one
    observation's noise.
    """
    rng = np.random.default_rng(0)
    curves, ahead, truth, rows = [], [], [], []
    for at, _, k, ask in scorer.tasks(series):
        s = series[at]
        inside = [int(i) for i in ask if i - 4 >= k and i + 5 <= len(s["y"])]
        if s["kind"] != "reward" or not inside:
            continue
        chosen = int(rng.choice(inside))
        curves.append(Curve(s["x"][:k], s["y"][:k], Metric("value", kind=s["kind"], direction=s["direction"])))
        ahead.append(s["x"][[chosen]])
        truth.append(float(np.mean(s["y"][chosen - 4 : chosen + 5])))
        rows.append((s["source"], s["group"]))
    table = pd.DataFrame(rows, columns=["source", "group"])
    made = [f.interval(level, view="mean") for f in forecast_many(curves, ahead, method=Pooled(gate))]
    table["held"] = [bool(m.low[0] <= y <= m.high[0]) for m, y in zip(made, truth, strict=True)]
    return table


def deciles(table: pd.DataFrame) -> NDArray[np.float64]:
    """Share of each tenth of [0, 1], every source counted the same."""
    shares = [np.histogram(part, bins=10, range=(0, 1))[0] / len(part) for _, part in table.groupby("source")["u"]]
    mean: NDArray[np.float64] = np.mean(shares, axis=0)
    return mean


def statistics(table: pd.DataFrame) -> tuple[float, float]:
    """How many standard errors the mean of u and its variance are off, with the variance between groups.

    Positive second number: intervals too narrow.
    """
    u = table["u"].to_numpy()
    size = table.groupby("source")["u"].transform("size").to_numpy()
    weight = 1 / size / table["source"].nunique()
    cluster = (table["source"] + "|" + table["group"]).to_numpy()
    out = []
    for values, expected in ((u, 1 / 2), ((u - 0.5) ** 2, 1 / 12)):
        away = pd.Series(weight * (values - (weight * values).sum())).groupby(cluster).sum()
        out.append(float(((weight * values).sum() - expected) / np.sqrt((away**2).sum())))
    return out[0], out[1]


def holds(table: pd.DataFrame) -> bool:
    """Whether every decile's share lies in .07-.13."""
    shares = deciles(table)
    return bool(shares.min() >= LOW and shares.max() <= HIGH)


def show(table: pd.DataFrame, name: str) -> None:
    """Shares of the deciles, of all sources and by kind."""
    z_mean, z_spread = statistics(table)
    verdict = "held" if holds(table) else "MISSED"
    print(f"\nPIT, {name}: {len(table)} forecasts; z1 {z_mean:.1f}, z2 {z_spread:.1f} (clustered by group); {verdict}")
    for kind, part in [("all", table), *table.groupby("kind")]:
        print(f"  {kind:10s} {len(part):5d}  " + " ".join(f"{share:.3f}" for share in deciles(part)))
