"""Every way to an interval keeps the contract of `curvefit.fitting.intervals._base`; found through the registry."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest

import curvefit as cf
from curvefit.fitting.intervals import Target, registry

NAMES = registry.names()
every_way = pytest.mark.parametrize("name", NAMES)

X = np.arange(1.0, 81.0)
Y = 1.8 + 4 * X**-0.5 + 0.05 * np.random.default_rng(0).standard_normal(80)
FIT = cf.fit(cf.Curve(X, Y, "loss"))
TARGETS = {
    "values": Target("value", np.array([40.0, 80.0, 160.0])),
    "linear": Target("linear", index=0),
    "shape": Target("shape", index=0),
    "limit": Target("limit"),
}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """The contract holds for any number of draws."""
    for name in NAMES:
        module = importlib.import_module(f"curvefit.fitting.intervals.{name}")
        if hasattr(module, "DRAWS"):
            monkeypatch.setattr(module, "DRAWS", 79)


def test_the_promised_ways_are_there():
    assert {"delta", "profile_likelihood", "block_bootstrap", "sieve_bootstrap"} <= set(NAMES)


@every_way
def test_is_a_documented_function_of_the_promised_shape(name):
    way = registry[name]
    assert list(inspect.signature(way).parameters) == ["core", "target", "level", "rng"]
    assert way.__name__ == name and len(way.__doc__) > 200 and "Notes" in way.__doc__
    assert registry.summary(name).endswith(".") and len(registry.summary(name)) <= 120


@every_way
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_ends_surround_the_estimate_and_widen_with_the_level(name, target):
    way, core = registry[name], cf.fit(cf.Curve(X, Y, "loss")).core
    value = {
        "value": FIT.predict(TARGETS["values"].x).mean,
        "linear": np.array([FIT.params["E"]]),
        "shape": np.array([FIT.params["alpha"]]),
        "limit": np.array([FIT.params["E"]]),
    }[target.kind]
    before = None
    for level in (0.5, 0.8, 0.95):
        ends = way(core, target, level)
        assert ends.low.shape == ends.high.shape == ends.edge.shape == (target.size,)
        assert np.all(ends.low < ends.high)
        if level >= 0.8:
            assert np.all(ends.low < value) and np.all(value < ends.high)
        if before is not None:
            assert np.all(ends.low < before.low) and np.all(ends.high > before.high)
        before = ends


@every_way
def test_the_same_fit_gives_the_same_interval(name):
    one_fit, again = cf.fit(cf.Curve(X, Y, "loss")), cf.fit(cf.Curve(X, Y, "loss"))
    for target in (TARGETS["values"], TARGETS["shape"]):
        one, two = registry[name](one_fit.core, target, 0.9), registry[name](again.core, target, 0.9)
        np.testing.assert_array_equal(one.low, two.low)
        np.testing.assert_array_equal(one.high, two.high)


@every_way
def test_agrees_with_the_delta_method_where_the_law_is_nearly_straight(name):
    """The curve inside well-measured data: all methods estimate the same standard error."""
    target = Target("value", np.array([40.0]))
    ends, delta = registry[name](FIT.core, target, 0.95), registry["delta"](FIT.core, target, 0.95)
    width = float((delta.high - delta.low)[0])
    assert float((ends.high - ends.low)[0]) == pytest.approx(width, rel=0.25)
    assert float(ends.low[0]) == pytest.approx(float(delta.low[0]), abs=0.25 * width)


@every_way
def test_works_for_a_law_without_shapes_and_a_law_with_two(name):
    for law in ("log_linear", "mmf"):
        found = cf.fit(cf.Curve(X, Y, "loss"), law)
        if name == "sieve_bootstrap" and law == "mmf":
            continue  # four hundred refits of four parameters; its two halves are tested above and in profile_likelihood
        band = found.predict([20.0, 60.0], "confidence", method=name)
        assert np.all(band.low < band.mean) and np.all(band.mean < band.high)
        shown = found.predict([20.0, 60.0], "prediction", method=name)
        assert np.all(shown.low < band.low) and np.all(shown.high > band.high)
