"""What the shipped gate says about fixed curves, to 1e-6: a change of features, constants or solver shows here.

After a change that is meant, write the file anew with ``python tests/unit/forecasting/test_forecasting_golden.py`` and
say in the changelog that forecasts have changed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import Metric

FILE = Path(__file__).with_name("golden_forecasts.json")
LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]


def wiggle(n, size):
    """Noise without a generator, so that no library's random numbers are pinned."""
    i = np.arange(1, n + 1.0)
    return size * (np.sin(12.9898 * i) + np.sin(78.233 * i) + np.sin(37.719 * i**1.1)) / 1.2


def curves():
    i = np.arange(1, 61.0)
    loss, error, accuracy = (Metric("v", k, d) for k, d in (("loss", "min"), ("error", "min"), ("accuracy", "max")))
    reward = Metric("v", "reward", "max")
    return {
        "noisy power law": (i, 1.8 + 3 * i**-0.6 + wiggle(60, 0.02), loss, [65, 120, 600]),
        "clean exponential": (i, 0.4 + 2 * np.exp(-i / 15), loss, [61, 90]),
        "saturating accuracy": (i[:25], 0.9 - 0.7 * i[:25] ** -0.8 + wiggle(25, 0.01), accuracy, [30, 50]),
        "noisy reward": (i * 1000, 200 * (1 - np.exp(-i / 20)) - 50 + wiggle(60, 15), reward, [70_000, 200_000]),
        "rise after a minimum": (i, 0.5 + (i / 60 - 0.5) ** 2 + wiggle(60, 0.004), loss, [75, 120]),
        "five sizes": (10.0 ** np.arange(2, 7), np.array([0.42, 0.31, 0.235, 0.18, 0.14]), error, [1e7, 1e8]),
        "long": (np.arange(1, 2001.0), 3 + np.arange(1, 2001.0) ** -0.3 + wiggle(2000, 0.01), loss, [2100, 8000]),
    }


def said(name):
    x, y, metric, ahead = curves()[name]
    made = cf.forecast(cf.Curve(x, y, metric), ahead)
    return {"observation": made.quantile(LEVELS).tolist(), "mean": made.mean(LEVELS).tolist()}


@pytest.mark.parametrize("name", sorted(curves()))
def test_the_shipped_gate_says_what_it_said(name):
    golden = json.loads(FILE.read_text(encoding="utf-8"))[name]
    scale = float(np.ptp(curves()[name][1]))
    for view, values in said(name).items():
        np.testing.assert_allclose(values, golden[view], rtol=1e-6, atol=1e-6 * scale, err_msg=view)


if __name__ == "__main__":
    FILE.write_text(json.dumps({name: said(name) for name in curves()}, indent=1) + "\n", encoding="utf-8")
