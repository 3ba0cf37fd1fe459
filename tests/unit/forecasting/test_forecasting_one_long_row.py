"""A single long curve is binned in less memory and to the same bins."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import curvefit as cf
from curvefit.forecasting.pool import bins


@pytest.mark.parametrize("start", [1.0, 5000.0, 1e-8])
def test_bins_of_one_long_row_are_those_of_a_batch(start, monkeypatch):
    rng = np.random.default_rng(3)
    x = np.concatenate([[start], start + np.cumsum(rng.uniform(0.1, 4, 19_999))])
    z = rng.standard_normal(x.size)
    alone = bins.bin_curves(x[None], z[None], np.array([x.size]))
    monkeypatch.setattr(bins, "LONG", x.size)
    batch = bins.bin_curves(x[None], z[None], np.array([x.size]))
    for field in ("log_u", "z", "count", "size", "scale"):
        np.testing.assert_allclose(getattr(alone, field), getattr(batch, field), rtol=1e-11, atol=1e-12)


def test_a_long_forecast_needs_little_memory():
    n = 400_000
    x = np.arange(1.0, n + 1)
    curve = cf.Curve(x, 2 + x**-0.3 + 0.01 * np.random.default_rng(1).standard_normal(n), metric="val_loss")
    cf.forecast(curve.until(100), [200.0])
    tracemalloc.start()
    cf.forecast(curve, [2.0 * n])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 3.2 * (curve.x.nbytes + curve.y.nbytes)
