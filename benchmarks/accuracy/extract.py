"""Features, expert predictions and truths of training prefixes, as flat arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve, Metric
from curvefit.forecasting.forecasters.pooled import task_of
from curvefit.forecasting.pool.batch import chunks
from curvefit.forecasting.pool.experts import consult
from curvefit.forecasting.pool.features import features
from curvefit.forecasting.pool.gate import unlearned
from curvefit.forecasting.pool.link import LOG, LOGIT, Link
from curvefit.forecasting.pool.view import look

from .curves import Prefix

HORIZONS = 4


def extract(prefixes: list[Prefix]) -> dict[str, NDArray[Any]]:
    """Arrays with one row per prefix, (n, 4, ...) per horizon.

    ``features`` (96), ``experts`` (34, over q), ``truth`` (z of the later observation over q), ``noise`` (over q),
    ``unlearned`` (location and scale of the pool without a gate, over q), ``kind`` (link), and what turns a difference in z into one in units of the curve's range: ``gain``, ``level``,
    ``q``, ``below`` and ``above`` (how far the bounds are), ``last`` (error of the last value).
    """
    tasks = []
    for p in prefixes:
        metric = Metric("value", kind=p.kind, direction=p.direction)
        tasks.append(task_of(Curve(p.x, p.y, metric), p.ahead))
    n = len(prefixes)
    out: dict[str, NDArray[Any]] = {
        "features": np.zeros((n, HORIZONS, 96), np.float32),
        "experts": np.zeros((n, HORIZONS, 34), np.float32),
        "error": np.zeros((n, HORIZONS, 34), np.float32),
        "own": np.zeros((n, HORIZONS, 34), np.float32),
        "unlearned": np.zeros((n, HORIZONS, 2)),
        **{k: np.zeros((n, HORIZONS)) for k in ("truth", "noise", "gain", "q", "below", "above", "last", "share")},
        "kind": np.zeros(n, np.int64),
        "sign": np.zeros(n),
        "usable": np.zeros(n, bool),
        "series": np.array([p.series for p in prefixes]),
    }
    for chunk in chunks(tasks):
        link = Link.of(chunk)
        g = link.forward(chunk.y)
        rows = (np.ptp(g, axis=1) > 0) & (chunk.size >= 3)
        if not rows.any():
            continue
        view = look(chunk, rows, link, g)
        experts = consult(view.fits, view.backtests, view.h, view.unit, view.noise, view.last)
        at = chunk.index[rows]
        truth = np.array([prefixes[i].truth for i in at.tolist()])
        scale = np.array([prefixes[i].scale for i in at.tolist()])[:, None]
        part = view.link
        kept = np.maximum(truth, part.floor[:, None])
        z = part.forward(kept) - view.level[:, None]
        kind, b = part.kind[:, None], part.scale[:, None]
        out["features"][at] = features(view, experts)
        out["experts"][at] = experts.relative()
        out["error"][at], out["own"][at] = experts.merits()
        out["truth"][at] = z / experts.scale
        out["unlearned"][at] = unlearned(view, experts)
        out["noise"][at] = view.noise[:, None] / experts.scale
        out["q"][at] = experts.scale
        out["gain"][at] = np.where(kind == LOG, truth + b, np.where(kind == LOGIT, b, 2 * b)) / scale
        out["share"][at] = np.where(kind == LOGIT, (truth - part.origin[:, None]) / b, 0.0)
        out["below"][at] = np.maximum((part.floor[:, None] - truth) / scale, -1e6)
        out["above"][at] = np.minimum((part.ceiling - truth) / scale, 1e6)
        out["last"][at] = np.abs(np.array([prefixes[i].y[-1] for i in at.tolist()])[:, None] - truth) / scale
        out["kind"][at], out["sign"][at], out["usable"][at] = part.kind, part.sign, True
    finite = np.isfinite(out["features"]).all(axis=(1, 2)) & np.isfinite(out["truth"]).all(axis=1)
    finite &= np.isfinite(out["gain"]).all(axis=1) & np.isfinite(out["last"]).all(axis=1)
    out["usable"] &= finite
    return out


def cached(path: Path, prefixes: Any) -> dict[str, NDArray[Any]]:
    """The arrays from a file if it is there, else from ``prefixes()``."""
    if path.exists():
        with np.load(path, allow_pickle=False) as found:
            return dict(found)
    arrays = extract(prefixes())
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return arrays
