"""One curve from a law with known parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, Metric, Run
from ..models import registry
from .noise import Noise, as_noise
from .record import Simulated

__all__ = ["curve"]


def curve(
    model: str = "power_law",
    *,
    rng: np.random.Generator,
    n: int = 200,
    x: ArrayLike | None = None,
    parameters: Mapping[str, float] | None = None,
    noise: str | Noise = "white",
    sd: float = 0.02,
    metric: str | Metric = "val_loss",
) -> Simulated:
    """Draw a curve about a law.

    Parameters
    ----------
    model : str
        A name in ``curvefit.models.registry``.
    rng : numpy.random.Generator
        Source of chance.
    n : int
        Number of points, at x = 1, ..., n, when x is not given.
    x : array-like, shape (n,), optional
        Where, in the unit of the curve's x.
    parameters : mapping of str to float, optional
        Of the law; default the model's own example.
    noise : str or Noise
        A name in `NOISES` or a `Noise`.
    sd : float
        Noise standard deviation as a share of the range of the mean.
    metric : str or Metric
        What the curve measures.

    Returns
    -------
    Simulated
        With the law's parameters as truth.
    """
    law = registry[model]
    values = dict(law.example() if parameters is None else parameters)
    where: NDArray[np.float64] = np.arange(1.0, n + 1) if x is None else np.asarray(x, dtype=np.float64)
    mean = np.asarray(law.predict(where, values), dtype=np.float64)
    kind = as_noise(noise)
    size = sd * (float(np.ptp(mean)) or 1.0)
    y = kind.apply(mean, size, rng)
    named = Curve(where, y, metric)
    key = named.metric.name
    run = Run(f"simulated {model}", {key: named})
    return Simulated(run, {key: mean}, {key: mean}, (), values, kind, {key: size})
