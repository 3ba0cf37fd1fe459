"""A first look at laws finds the sums of squares that fits do."""

import math

import numpy as np
import pytest

import curvefit as cf
from curvefit.analysis import LAWS, within_reach
from curvefit.fitting.screening import first_look


def curve(n=200, noise=0.01, first=1.0, scale=1.0):
    step = np.arange(float(n))
    x = first + step
    y = 2 + 3 * (step + 2) ** -0.5 + noise * np.random.default_rng(2).standard_normal(n)
    return cf.Curve(x, scale * y, metric="val_loss")


@pytest.mark.parametrize("first", [1.0, 0.0])
def test_the_sums_of_squares_are_those_of_fits(first):
    data = curve(first=first)
    looks = {look.model.name: look for look in first_look(data, LAWS["falling"])}
    assert set(looks) == set(LAWS["falling"])
    for name, look in looks.items():
        whole = cf.fit(data, name, noise="gaussian")
        assert look.log_rss == pytest.approx(math.log(whole.rss), abs=1e-5)
        residuals = look.residuals(data)
        assert residuals.size == whole.residuals.size
        share = residuals / np.linalg.norm(residuals) - whole.residuals / np.linalg.norm(whole.residuals)
        assert np.abs(share).max() < 2e-3


def test_laws_that_do_not_apply_are_left_out():
    assert [look.model.name for look in first_look(curve(first=-3.0), ("constant", "power_law"))] == ["constant"]
    assert first_look(curve(n=2), LAWS["falling"]) == []


@pytest.mark.parametrize("scale", [1e-160, 1e170, 1e300])
def test_some_law_is_in_reach_of_values_of_any_size(scale):
    plain, scaled = (within_reach(curve(scale=s), LAWS["falling"]) for s in (1.0, scale))
    assert plain == scaled and "constant" not in scaled
