"""The parts of general least squares: derivatives, tracing, units, solvers, search."""

from __future__ import annotations

import math

import numpy as np
import pytest

from curvefit.fitting.formula import parse_formula
from curvefit.fitting.nonlinear.derivatives import CentralDifferences, complex_step_jacobian, complex_step_works
from curvefit.fitting.nonlinear.expression import largest_affine_set
from curvefit.fitting.nonlinear.model_function import BlackBox, read_signature, traced
from curvefit.fitting.nonlinear.problem import Problem
from curvefit.fitting.nonlinear.scales import StartSampler, data_span, unit_exponents
from curvefit.fitting.nonlinear.search import descend, search
from curvefit.fitting.nonlinear.setup import prepare
from curvefit.fitting.nonlinear.solvers import ALGORITHMS, examine, polish, run
from curvefit.fitting.nonlinear.tracing import trace

X = np.linspace(0.2, 4.0, 11)


def curve(theta):
    return theta[0] * np.exp(-theta[1] * X) + theta[2] / (X + theta[3])


def curve_jacobian(theta):
    return np.column_stack(
        [
            np.exp(-theta[1] * X),
            -theta[0] * X * np.exp(-theta[1] * X),
            1 / (X + theta[3]),
            -theta[2] / (X + theta[3]) ** 2,
        ]
    )


@pytest.mark.parametrize("units", [np.ones(4), np.array([1e8, 1e-6, 1e-9, 1e3])])
def test_derivatives_by_complex_step_and_differences_equal_the_analytic_ones(units):
    theta = np.array([2.0, 0.7, -1.5, 0.4])
    exact = curve_jacobian(theta) / units
    scaled = theta * units
    np.testing.assert_allclose(complex_step_jacobian(lambda t: curve(t / units), scaled), exact, rtol=1e-14)
    differences = CentralDifferences(lambda t: curve(t / units))(scaled)
    assert np.max(np.abs(differences - exact) / np.max(np.abs(exact), axis=0)) < 1e-10
    assert complex_step_works(lambda t: curve(t / units), scaled, differences)


def test_the_complex_step_is_refused_where_it_lies():
    theta = np.array([2.0, 0.7, -1.5, 0.4])
    reference = curve_jacobian(theta)
    assert not complex_step_works(lambda t: curve(np.real(t)), theta, reference)  # drops the imaginary part
    assert not complex_step_works(lambda t: curve(np.array([float(v) for v in t])), theta, reference)
    assert not complex_step_works(lambda t: curve(np.abs(t)), theta, reference)  # not analytic


def test_differences_at_zero_and_without_effect_and_beside_a_pole():
    at_zero = CentralDifferences(lambda t: 3.0 * t[0] + np.zeros(3) + t[1] * 0.0)(np.zeros(2))
    np.testing.assert_allclose(at_zero, [[3.0, 0.0]] * 3, atol=1e-9)
    with np.errstate(all="ignore"):
        beside = CentralDifferences(lambda t: np.log(t[0]) + np.zeros(2))(np.array([1e-8]))
    np.testing.assert_allclose(beside, 1e8, rtol=1e-6)


# --- tracing -------------------------------------------------------------------------------------------------------


def functions():
    yield lambda x, a, b: a * np.exp(-b * x) + math.pi
    yield lambda x, a, b: np.sqrt(np.square(a * x)) / (1 + b**2) - abs(-x)
    yield lambda x, a, b: np.maximum(0.0, x - a) * b + np.minimum(x, b) + np.reciprocal(x)
    yield lambda x, a, b: np.float64(2.0) * a - np.int64(3) * x**b + 2**x
    yield lambda x, a, b: +x - (-a) / b


@pytest.mark.parametrize("function", list(functions()))
def test_plain_arithmetic_is_traced(function):
    signature = read_signature(function, ["x"], None)
    thetas = np.random.default_rng(0).uniform(0.5, 2.0, (4, 2))
    expression = traced(signature, {"x": X}, thetas)
    assert expression is not None
    for a, b in thetas:
        np.testing.assert_allclose(expression.bind({"x": X}).value(np.array([a, b])), function(X, a, b), rtol=1e-13)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, a, b: np.where(x > a, b, x),
        lambda x, a, b: a * x if a > 0 else b * x,
        lambda x, a, b: a * x + np.sum(x) * b,
        lambda x, a, b: a * x[0] + b * x,
        lambda x, a, b: np.array([a * v + b for v in x]),
        lambda x, a, b: a * math.exp(b) * x,
        lambda x, a, b: np.ones(len(x)) * a,
        lambda x, a, b: 3.0,
    ],
)
def test_anything_else_is_left_alone(function):
    assert trace(read_signature(function, ["x"], None), ["a", "b"], ["x"]) is None


def test_a_trace_that_differs_from_the_function_is_thrown_away():
    calls = []

    def moody(x, a, b):
        calls.append(1)
        return a * x + b * (1 if len(calls) == 1 else 2)

    assert traced(read_signature(moody, ["x"], None), {"x": X}, np.ones((2, 2))) is None


@pytest.mark.parametrize(
    ("function", "columns", "parameters", "read"),
    [
        (lambda x, a, b: x, ["x"], ("a", "b"), ("x",)),
        (lambda a, x, b: x, ["x"], ("a", "b"), ("x",)),
        (lambda t, a, b: t, ["x"], ("a", "b"), ("x",)),
        (lambda d, n, E: E, ["n", "d"], ("E",), ("d", "n")),
        (lambda x, a, *, b: x, ["x", "z"], ("a", "b"), ("x",)),
        (lambda x, a, b=3.0: x, ["x"], ("a",), ("x",)),
    ],
)
def test_arguments_are_told_from_columns(function, columns, parameters, read):
    signature = read_signature(function, columns, None)
    assert (signature.parameters, signature.columns) == (parameters, read)


# --- units and starting values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("E + A*exp(-x/t)", {"E": (0, 1), "A": (0, 1), "t": (1, 0)}),
        ("A*exp(-k*x)", {"A": (0, 1), "k": (-1, 0)}),
        ("(a + b*x)/(1 + c*x + d*x**2)", {"a": (0, 1), "b": (-1, 1), "c": (-1, 0), "d": (-2, 0)}),
        ("A/(1 + exp(-(x - m)/s))", {"A": (0, 1), "m": (1, 0), "s": (1, 0)}),
        ("A*cos(2*pi*x/12 + p) + B*sin(w*x)", {"A": (0, 1), "p": (0, 0), "B": (0, 1), "w": (-1, 0)}),
        ("exp(-k*x)/(u + v*x)", {"k": (-1, 0), "u": (0, -1), "v": (-1, -1)}),
        ("sqrt(a + b*x)", {"a": (0, 2), "b": (-1, 2)}),
    ],
)
def test_units_of_parameters_follow_from_the_formula(text, units):
    formula = parse_formula(text, ["x"])
    exponents = unit_exponents(formula.expression, ["x", ""])
    for name, row in zip(formula.parameters, exponents, strict=True):
        np.testing.assert_allclose(row, units[name], atol=0.05, err_msg=name)


def test_draws_have_the_magnitudes_of_the_data_and_respect_bounds():
    x, y = np.linspace(1e6, 5e6, 40), np.linspace(0.1, 0.9, 40)
    formula = parse_formula("E + A*exp(-x/t)", ["x"])
    spans = {"x": data_span(x), "": data_span(y)}
    bounds = np.array([[0.0, np.inf], [-np.inf, np.inf], [1e5, 2e5]])
    sampler = StartSampler(formula.parameters, spans, unit_exponents(formula.expression, list(spans)), bounds)
    draws = sampler.draw(2000, np.random.default_rng(0))
    assert np.all(draws[:, 0] >= 0)
    assert np.all((draws[:, 2] >= 1e5) & (draws[:, 2] <= 2e5))
    assert 0.01 < np.median(np.abs(draws[:, 1])) < 2.0
    assert np.all(np.isfinite(draws))
    np.testing.assert_array_equal(draws, sampler.draw(2000, np.random.default_rng(0)))


@pytest.mark.parametrize("values", [np.zeros(5), np.full(5, -3.0), np.array([0.0, 1e300]), np.array([-1e-300, 0.0])])
def test_spans_of_degenerate_columns_are_usable(values):
    span = data_span(values)
    assert 0 < span.fine <= span.coarse < math.inf


# --- solvers and search --------------------------------------------------------------------------------------------


def problem(text, y, x=X, **limits):
    formula = parse_formula(text, ["x"])
    p = len(formula.parameters)
    low = np.array([limits.get(n, (-np.inf, np.inf))[0] for n in formula.parameters])
    high = np.array([limits.get(n, (-np.inf, np.inf))[1] for n in formula.parameters])
    linear = () if limits else largest_affine_set(formula.expression.interactions())
    assert p == len(low)
    return Problem(formula.expression.bind({"x": x}), y, np.ones(len(y)), low, high, linear)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_solves_a_plain_problem(algorithm):
    task = problem("A*exp(-k*x) + E", 2.0 * np.exp(-0.7 * X) + 0.3)
    end = run(task, np.array([1.0, 1.0, 0.0]), algorithm)
    np.testing.assert_allclose(polish(task, end.theta), [2.0, 0.7, 0.3], rtol=1e-9)
    assert end.evaluations > 0


@pytest.mark.parametrize("algorithm", ["lm", "trf", "dogbox"])
def test_bounds_are_kept_by_every_algorithm(algorithm):
    task = problem("A*exp(-k*x)", 2.0 * np.exp(-0.7 * X), k=(1.0, 2.0))
    end = run(task, np.array([1.0, 1.5]), algorithm)
    found = examine(task, polish(task, end.theta))
    assert found is not None
    assert found.theta[1] == pytest.approx(1.0, abs=1e-6)
    basis = np.exp(-X)
    assert found.theta[0] == pytest.approx(np.sum(basis * task.y) / np.sum(basis**2), rel=1e-5)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_start_that_is_not_finite_is_a_failure_not_an_exception(algorithm):
    task = problem("log(a)*x", X)
    assert run(task, np.array([-1.0]), algorithm).rss == math.inf


def test_the_relative_offset_counts_standard_errors():
    rng = np.random.default_rng(0)
    y = 1.0 + 2.0 * X + 0.1 * rng.normal(size=len(X))
    task = problem("a + b*x", y)
    best = np.linalg.lstsq(np.column_stack([np.ones_like(X), X]), y, rcond=None)[0]
    at_best = examine(task, best)
    assert at_best is not None
    assert at_best.offset < 1e-12
    s = math.sqrt(at_best.rss / (len(X) - 2))
    se = s * np.sqrt(np.linalg.inv(at_best.jacobian.T @ at_best.jacobian)[0, 0])
    # off by one standard error of the intercept given the slope: the tangential part is exactly s
    shifted = examine(task, best + np.array([s / math.sqrt(len(X)), 0.0]))
    assert shifted is not None
    assert shifted.offset == pytest.approx(1 / math.sqrt(2) * math.sqrt(1 / (1 + 1 / (len(X) - 2))), rel=0.1)
    assert se > s / math.sqrt(len(X))


def test_side_by_side_descents_end_where_single_ones_do():
    rng = np.random.default_rng(1)
    y = 2.0 * np.exp(-0.7 * X) + 0.3 + 0.01 * rng.normal(size=len(X))
    task = problem("A*exp(-k*x) + E", y)
    starts = np.column_stack([np.ones(6), np.geomspace(0.1, 3.0, 6), np.zeros(6)])
    thetas, rss = descend(task, starts)
    for start, theta, value in zip(starts, thetas, rss, strict=True):
        single = run(task, start, "lm")
        assert value == pytest.approx(single.rss, rel=1e-9)
        np.testing.assert_allclose(theta, single.theta, rtol=1e-4)


def test_the_search_is_reproducible_and_counts_agreement():
    x = np.linspace(0.0, 10.0, 60)
    y = np.sin(4.0 * x) + 0.02 * np.random.default_rng(0).normal(size=60)
    setup = prepare("a*sin(w*x)", {"x": x, "y": y}, None, "y", None, None, None, np.random.default_rng(0))
    task = setup.problem((0,))
    options = {"candidates": 256, "descents": 16, "max_rounds": 5, "agreeing": 2}
    first, second = (search(task, setup.sampler(), np.random.default_rng(3), **options) for _ in range(2))
    assert first.rounds_agreeing >= 2
    np.testing.assert_array_equal(first.basins[0].theta, second.basins[0].theta)
    assert [b.rss for b in first.basins] == sorted(b.rss for b in first.basins)


def test_aliases_are_told_apart_by_smoothness():
    x = np.arange(60.0)
    y = np.cos(0.8 * x) + 0.02 * np.random.default_rng(0).normal(size=60)
    setup = prepare("a*cos(w*x)", {"x": x, "y": y}, None, "y", None, None, None, np.random.default_rng(0))
    stray = setup.roughness()
    assert stray is not None
    assert stray(np.array([1.0, 0.8])) < 0.5 * stray(np.array([1.0, 0.8 + 2 * np.pi]))
    assert stray(np.array([1.0, 0.8])) < 0.5 * stray(np.array([1.0, 4 * np.pi - 0.8]))


def test_probing_finds_the_linear_parameters_of_a_black_box():
    def opaque(x, E, A, a):
        return np.array([E + A * v**-a for v in x])

    x = np.linspace(1.0, 50.0, 30)
    data = {"x": x, "y": 1 + 2 * x**-0.5}
    setup = prepare(opaque, data, None, "y", None, None, None, np.random.default_rng(0))
    assert isinstance(setup.function, BlackBox)
    assert setup.linear(np.random.default_rng(0)) == (0, 1)
    bounded = prepare(opaque, data, None, "y", {"A": (0, None)}, None, None, np.random.default_rng(0))
    assert bounded.linear(np.random.default_rng(0)) == (0,)
