"""Every law keeps the contract of `curvefit.models._base.Model`; found through the registry."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest

import curvefit as cf
from curvefit import CurvefitError
from curvefit.models import Model, Shape, registry

X = np.array([1.0, 1.5, 2.0, 5.0, 11.0, 37.0, 64.0, 100.0])
NAMES = registry.names()
SUMS = [("power_law", "exponential"), ("log_linear", "exponential"), ("constant", "mmf"), ("power_law", "power_law")]


def models():
    for name in NAMES:
        yield pytest.param(registry[name], id=name)
    for a, b in SUMS:
        yield pytest.param(registry[a] + registry[b], id=f"{a}+{b}")


every_model = pytest.mark.parametrize("model", list(models()))


@pytest.mark.parametrize("name", NAMES)
def test_is_final_documented_and_named_after_its_file(name):
    model = registry[name]
    kind = type(model)
    assert isinstance(model, Model)
    assert model.name == name
    assert getattr(kind, "__final__", False), "a law is final: it is varied by a sum or a new file, not by inheritance"
    assert not inspect.isabstract(kind)
    module = importlib.import_module(kind.__module__)
    assert registry.summary(name) == module.__doc__.strip().splitlines()[0]
    assert registry.summary(name).endswith(".") and len(registry.summary(name)) <= 120
    assert ".. math::" in kind.__doc__ and "Notes" in kind.__doc__


@every_model
def test_parameters_are_described(model):
    names = model.names
    assert len(set(names)) == len(names)
    assert list(model.example()) == list(names)
    for p in model.parameters:
        assert p.name.isidentifier() and p.meaning and p.low < p.high
    for s in model.shape:
        assert isinstance(s, Shape)
        assert s.unit in ("", "x")
        assert s.low <= s.search[0] < s.search[1] <= s.high
        assert all(s.search[0] <= g <= s.search[1] for g in s.grid)
        assert s.search[0] + s.offset > 0
    assert model.domain in ("all", "nonnegative", "positive")


@every_model
def test_jacobian_against_differences(model):
    params = model.vector(model.example())
    exact = model.jacobian(X, params)
    assert exact.shape == (X.size, params.size)
    for j, value in enumerate(params):
        h = 1e-3 * max(abs(value), 1e-3)

        def at(k, j=j, h=h):
            moved = params.copy()
            moved[j] += k * h
            return model.predict(X, moved)

        # five-point stencil, error O(h^4)
        slope = (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * h)
        scale = np.max(np.abs(exact[:, j])) + 1e-300
        np.testing.assert_allclose(exact[:, j] / scale, slope / scale, atol=2e-8, err_msg=model.names[j])


@every_model
def test_predict_is_basis_times_coefficients_and_jacobian_is_linear_in_them(model):
    c, theta = model.split(model.example())
    columns = model.basis(X, *theta)
    assert len(columns) == len(c)
    np.testing.assert_allclose(model.predict(X, [*c, *theta]), sum(v * b for v, b in zip(c, columns, strict=True)))
    one, two = model.jacobian(X, [*c, *theta]), model.jacobian(X, [*(2 * c), *theta])
    np.testing.assert_allclose(two[:, : len(c)], one[:, : len(c)])
    np.testing.assert_allclose(two[:, len(c) :], 2 * one[:, len(c) :])


@every_model
def test_basis_and_slopes_broadcast_over_many_shapes(model):
    _, theta = model.split(model.example())
    factors = np.array([0.7, 1.0, 1.4])[:, None]
    many = [t * factors for t in theta]
    for k in range(3):
        alone = model.basis(X, *(m[k, 0] for m in many))
        for together, single in zip(model.basis(X, *many), alone, strict=True):
            np.testing.assert_allclose(np.broadcast_to(together, (3, X.size))[k], single, rtol=1e-12)
        inner_alone = model.slopes(X, *(m[k, 0] for m in many))
        for outer, single_outer in zip(model.slopes(X, *many), inner_alone, strict=True):
            for together, single in zip(outer, single_outer, strict=True):
                if together is None:
                    assert single is None
                else:
                    np.testing.assert_allclose(np.broadcast_to(together, (3, X.size))[k], single, rtol=1e-12)


@every_model
def test_asymptote_is_the_numerical_limit(model):
    params = model.example()
    value = model.asymptote(params)
    far = model.predict(np.array([1e30, 1e60, 1e120]), params)
    if value is None:
        assert abs(far[2] - far[1]) > 0.1 * abs(far[1] - far[0]) > 0
        return
    gap = np.abs(far - value)
    assert np.all(np.diff(gap) <= 1e-12)
    # the slowest law closes its gap like 1 / ln x: 1/276 at 1e120
    assert gap[2] <= 4e-3 * max(1.0, abs(model.predict(np.array([1.0]), params)[0] - value))


@every_model
@pytest.mark.parametrize("scale", [1e-6, 0.25, 1e9])
def test_rescaled_parameters_describe_the_same_curve_in_other_units(model, scale):
    params = model.vector(model.example())
    moved = model.rescaled(params, scale)
    np.testing.assert_allclose(model.predict(X * scale, moved), model.predict(X, params), rtol=1e-9)
    c, theta = model.split(params)
    if model.shape and model.rescaling(scale, *theta) is not None:
        many = model.rescaling(scale, *(np.array([t, t]) for t in theta))
        assert many.shape == (2, len(c), len(c))
        np.testing.assert_allclose(many[1], model.rescaling(scale, *theta))


@every_model
def test_points_outside_the_domain_are_the_only_ones_without_a_value(model):
    params = model.example()
    if model.domain == "nonnegative":
        assert np.all(np.isfinite(model.predict(np.array([0.0, 1.0]), params)))
        assert np.all(np.isfinite(model.jacobian(np.array([0.0, 1.0]), params)))
    if model.domain == "all":
        assert np.all(np.isfinite(model.predict(np.array([-1.0, 0.0, 1.0]), params)))


@every_model
def test_wrong_parameters_are_refused_by_name(model):
    with pytest.raises(CurvefitError, match=model.names[0]):
        model.predict(X, [1.0] * (len(model.names) + 1))
    with pytest.raises(CurvefitError, match=model.names[0]):
        model.predict(X, {"nonsense": 1.0})


def test_a_sum_adds_and_shares_one_level():
    power, decay = registry["power_law"], registry["exponential"]
    both = power + decay
    assert both.names == ("E", "A", "A_2", "alpha", "tau")
    p = {"E": 1.0, "A": 2.0, "A_2": 3.0, "alpha": 0.4, "tau": 5.0}
    expected = power.predict(X, [1.0, 2.0, 0.4]) + decay.predict(X, [0.0, 3.0, 5.0])
    np.testing.assert_allclose(both.predict(X, p), expected)
    assert both.asymptote(p) == 1.0
    assert (registry["log_linear"] + decay).asymptote({"a": 1, "b": 1, "A": 1, "tau": 1}) is None
    assert both.domain == "positive"
    three = both + power
    assert three.names == ("E", "A", "A_2", "A_3", "alpha", "tau", "alpha_2")
    assert both == registry["power_law"] + registry["exponential"] != three
    assert both.name == "power_law+exponential"


def test_an_unknown_law_lists_the_choices():
    with pytest.raises(CurvefitError, match="power_law"):
        registry["powerlaw"]


@every_model
def test_a_fit_finds_its_way_back_to_the_example(model):
    truth = model.example()
    if model.name == "power_law+power_law":
        truth = {"E": 1.8, "A": 4.0, "A_2": 1.0, "alpha": 0.3, "alpha_2": 2.0}
    x = np.geomspace(1, 100, 400) if len(model.names) > 4 else np.arange(1.0, 101.0)
    y = model.predict(x, truth)
    found = cf.fit(cf.Curve(x, y, "loss"), model)
    np.testing.assert_allclose(found.predict(x).mean, y, rtol=0, atol=2e-6 * np.ptp(y))
    if found.condition_number < 1e6:  # two equal parts may come back in either order
        assert sorted(found.params.values()) == pytest.approx(sorted(truth.values()), rel=1e-6)
