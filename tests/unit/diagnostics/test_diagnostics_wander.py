"""A random walk ends above its best level without having diverged."""

import numpy as np
import pytest

from curvefit.curves import Curve, Run
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry


def said(y):
    x = np.arange(1.0, y.size + 1)
    return registry["diverged"](Evidence(Run("r", {"val_loss": Curve(x, y, "val_loss")})))


@pytest.mark.parametrize("n", [40, 200])
def test_a_random_walk_is_not_called_diverged(n):
    walks = [50 + np.cumsum(np.random.default_rng(seed).standard_normal(n)) for seed in range(100, 140)]
    assert sum(said(y).present for y in walks) <= 3  # 2 % of walks stay, 6 or 8 of 40 without the guard


def test_a_walk_that_goes_far_beyond_its_steps_is_diverged():
    """Negative control: the guard does not swallow a climb that no walk makes."""
    rng = np.random.default_rng(0)
    y = 50 + np.cumsum(rng.standard_normal(40)) + np.r_[np.zeros(25), 5.0 * np.arange(15)]
    assert said(y).present


def test_a_run_that_had_learned_and_climbs_back_is_diverged():
    x = np.arange(40.0)
    y = 1 + 3 * np.exp(-x / 5) + np.maximum(x - 25, 0) * 0.2 + 0.1 * np.random.default_rng(1).standard_normal(40)
    assert said(y).present
