"""What the scorer of development curves calls: quantiles of new observations at its seven levels.

Run from the root of the checkout: ``python ../shared/curves/score.py benchmarks.accuracy.entry:forecast --limit 150``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curvefit.curves import Curve, Metric
from curvefit.forecasting.api import forecast_many

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


def forecast(x: ArrayLike, y: ArrayLike, x_future: ArrayLike, direction: Any, kind: Any) -> NDArray[np.float64]:
    """Quantiles, shape (len(x_future), 7)."""
    return batch([{"x": x, "y": y, "x_future": x_future, "direction": direction, "kind": kind}])[0]


def batch(questions: Sequence[dict[str, Any]], method: Any = "pooled") -> list[NDArray[np.float64]]:
    """The same for many questions at once."""
    curves = [Curve(q["x"], q["y"], Metric("value", kind=q["kind"], direction=q["direction"])) for q in questions]
    answers = forecast_many(curves, [np.atleast_1d(q["x_future"]) for q in questions], method=method)
    return [answer.quantile(LEVELS) for answer in answers]


forecast.batch = batch


def scorable(method: Any) -> Any:
    """What the scorer calls to score a forecaster, by name or made: one question, or many through ``batch``."""

    def single(**question: Any) -> NDArray[np.float64]:
        return batch([question], method)[0]

    single.batch = lambda questions: batch(questions, method)
    return single


last_value = scorable("last_value")
random_walk = scorable("random_walk")
unlearned = scorable("unlearned")
parametric = scorable("parametric")
