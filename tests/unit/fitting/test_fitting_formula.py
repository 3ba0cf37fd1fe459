"""Formulas: what is read, what is refused and where, values and derivatives against numpy and the complex step."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curvefit.curves import UsageError
from curvefit.fitting.formula import parse_formula, split_response
from curvefit.fitting.nonlinear.expression import FUNCTIONS, largest_affine_set

X = np.linspace(0.5, 3.0, 7)


def test_free_names_that_are_not_columns_are_parameters_in_order_of_appearance():
    formula = parse_formula("E + A*tokens**-a + B*params**-b", columns=["tokens", "params", "unused"])
    assert formula.parameters == ("E", "A", "a", "B", "b")
    assert formula.columns == ("tokens", "params")


@pytest.mark.parametrize(
    ("text", "oracle"),
    [
        ("2 + 3*x**2/4 - -x", lambda x: 2 + 3 * x**2 / 4 + x),
        ("-x**2", lambda x: -(x**2)),
        ("2**-x**2", lambda x: 2.0 ** -(x**2)),
        ("ln(x) + log10(x) + log2(x)", lambda x: np.log(x) + np.log10(x) + np.log2(x)),
        ("sqrt(x)*arctan(x)/atan(2)", lambda x: np.sqrt(x) * np.arctan(x) / math.atan(2)),
        ("cos(2*pi*x/12)", lambda x: np.cos(2 * np.pi * x / 12)),
        ("max(0, x - 1) + min(x, 2)", lambda x: np.maximum(0, x - 1) + np.minimum(x, 2)),
        ("abs(x-1) + expit(-x)", lambda x: np.abs(x - 1) + 1 / (1 + np.exp(x))),
        ("1_000*x + 1e-3", lambda x: 1000 * x + 1e-3),
        ("+x", lambda x: x),
        ("3", lambda x: np.full_like(x, 3.0)),
    ],
)
def test_values_are_those_of_numpy(text, oracle):
    formula = parse_formula(text, columns=["x"])
    assert formula.parameters == ()
    bound = formula.expression.bind({"x": X})
    np.testing.assert_allclose(bound.value(np.empty(0)), oracle(X), rtol=4e-16)


def test_pi_is_a_column_when_the_data_has_one():
    assert parse_formula("pi*x", columns=["x", "pi"]).columns == ("pi", "x")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_derivatives_of_every_function_equal_the_complex_step(name):
    formula = parse_formula(f"a*{name}(b*x/4) + {name}(b/5)**2 + a**(b*x)", columns=["x"])
    bound = formula.expression.bind({"x": np.linspace(0.1, 0.9, 5)})
    theta = np.array([0.7, 1.3])
    value, jacobian = bound.value_and_jacobian(theta)
    np.testing.assert_array_equal(value, bound.value(theta))
    step = np.stack([bound.value(theta + 1e-40j * np.eye(2)[j]).imag / 1e-40 for j in range(2)], axis=-1)
    np.testing.assert_allclose(jacobian, step, rtol=1e-13)


def test_derivatives_through_kinks_negative_bases_and_flat_tails():
    formula = parse_formula("max(0, x - psi)*b + abs(c)*min(x, psi) + (x - psi)**2 - c**3", columns=["x"])
    theta = {"psi": 1.1, "b": 2.0, "c": -0.5}
    jacobian = formula.jacobian(theta, {"x": X})
    h = 1e-6
    for j, name in enumerate(formula.parameters):
        up, down = ({**theta, name: theta[name] + s * h} for s in (1, -1))
        difference = (formula(up, {"x": X}) - formula(down, {"x": X})) / (2 * h)
        np.testing.assert_allclose(jacobian[:, j], difference, atol=1e-8)
    tail = parse_formula("b/(1 + exp(c - d*x))", columns=["x"])
    assert np.all(np.isfinite(tail.jacobian({"b": 1.0, "c": 800.0, "d": 0.1}, {"x": X})))


def test_many_parameter_vectors_at_once_equal_one_by_one():
    formula = parse_formula("b1*exp(-b2*x) + b3/(x + b4)**2", columns=["x"])
    bound = formula.expression.bind({"x": X})
    thetas = np.random.default_rng(0).uniform(0.5, 2.0, (6, 4))
    values, jacobians = bound.value_and_jacobian(thetas)
    for theta, value, jacobian in zip(thetas, values, jacobians, strict=True):
        one_value, one_jacobian = bound.value_and_jacobian(theta)
        np.testing.assert_allclose(value, one_value, rtol=1e-14)
        np.testing.assert_allclose(jacobian, one_jacobian, rtol=1e-14)
    np.testing.assert_allclose(bound.value_and_jacobian(thetas, wrt=[3, 0])[1], jacobians[..., [3, 0]], rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "linear"),
    [
        ("E + A*x**-a", {"E", "A"}),
        ("b1*exp(-b2*x) + b3*exp(-b4*x)", {"b1", "b3"}),
        ("(b1 + b2*x)/(1 + b3*x)", {"b1", "b2"}),
        ("b1*b2*x + b3", {"b1", "b3"}),
        ("exp(-b1*x)/(b2 + b3*x)", set()),
        ("a - (b - c)*x", {"a", "b", "c"}),
        ("abs(a)*x + b", {"b"}),
    ],
)
def test_linear_parameters_are_found_in_the_formula(text, linear):
    formula = parse_formula(text, columns=["x"])
    names = {formula.parameters[j] for j in largest_affine_set(formula.expression.interactions())}
    assert names == linear


def test_linear_parameters_have_no_second_derivatives():
    formula = parse_formula("b1 + b2*b3*x - b4*exp(b5*x)/b6", columns=["x"])
    couples = formula.expression.interactions()
    bound = formula.expression.bind({"x": X})
    theta = np.array([0.3, 1.2, -0.7, 0.9, 0.4, 1.7])
    steps = np.stack([bound.value_and_jacobian(theta + 1e-20j * np.eye(6)[j])[1].imag / 1e-20 for j in range(6)])
    np.testing.assert_array_equal(couples, np.any(steps != 0, axis=1))


def test_response_and_formula_may_be_written_as_an_equation():
    assert split_response("log(y) = a + b*x", "loss") == ("log(y)", "a + b*x")
    assert split_response("loss ~ a + b*x", "y") == ("loss", "a + b*x")
    assert split_response("a + b*x", "y") == ("y", "a + b*x")
    with pytest.raises(UsageError, match="single '='"):
        split_response("a = b = c", "y")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (None, "not text"),
        ("a +", "not a formula"),
        ("a*x^2", r"write \*\* for a power"),
        ("a*x % 2", "operator %"),
        ("a*x // 2", "operator //"),
        ("a @ x", "operator @"),
        ("~x", "operator invert"),
        ("not x", "operator not"),
        ("a if x else b", "ifexp"),
        ("a < x", "comparison"),
        ("a == x", "comparison"),
        ("a and x", "boolop"),
        ("x.real", "dotted name"),
        ("x[0]", "brackets"),
        ("[x]", "list syntax"),
        ("(x, a)", "tuple syntax"),
        ("(lambda: x)()", "plain name"),
        ("lambda: x", "lambda"),
        ("(y := x)", "namedexpr"),
        ("f'{x}'", "joinedstr"),
        ("[x for x in (1,)]", "listcomp"),
        ("np.exp(x)", "exp, not np.exp"),
        ("epx(x)", "did you mean 'exp'"),
        ("exp(x, 2)", "takes 1 argument"),
        ("exp()", "takes 1 argument"),
        ("max(x)", "takes 2 arguments"),
        ("exp(*x)", "takes 1 argument"),
        ("exp(x=1)", "takes 1 argument"),
        ("'text'*x", "not a real number"),
        ("b'x'*x", "not a real number"),
        ("1j*x", "not a real number"),
        ("True*x", "not a real number"),
        ("None", "not a real number"),
        ("...", "not a real number"),
        ("1e400*x", "too large"),
        ("9" * 400 + "*x", "too large"),
        ("1/0 + x", "overflows or is undefined"),
        ("log(0)*x", "overflows or is undefined"),
        ("1e200*1e200*x", "overflows or is undefined"),
        ("9**9**9", "power"),
        ("x**1e6", "exceeds 1000"),
        ("__import__('os').system('true')", "plain name"),
        ("__import__('os')", "not a known function"),
        ("().__class__.__bases__", "dotted name"),
        ("__builtins__*x", "not a name for a parameter"),
        ("open('f')", "not a known function"),
        ("x\x00", "not a formula|NUL"),
        ("a" * 5000, "characters"),
        ("(" * 1500 + "x" + ")" * 1500, "not a formula|nested"),
        ("-" * 3000 + "x", "nested"),
        ("-" * 150 + "x", "nesting deeper"),
        ("+".join(["x"] * 1100), "nesting deeper|terms"),
        ("+".join(f"p{i}" for i in range(60)), "at most 50"),
        ("import os", "not a formula"),
        ("x; y", "not a formula"),
        ("\x1b[31mx", "not a formula"),
    ],
)
def test_everything_else_is_refused_quickly_with_words(text, words):
    start = time.perf_counter()
    with pytest.raises(UsageError, match=words) as caught:
        parse_formula(text, columns=["x"])
    assert time.perf_counter() - start < 1.0
    assert caught.value.code.startswith("CF-FML-")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_the_error_names_the_position():
    with pytest.raises(UsageError) as caught:
        parse_formula("a*x + wobble(x)", columns=["x"])
    assert caught.value.where == "formula, position 7"
    assert "exp" in caught.value.hint


def test_a_response_has_no_free_names():
    assert parse_formula("log(y)", columns=["y"], parameters=False).columns == ("y",)
    with pytest.raises(UsageError, match="not a column"):
        parse_formula("log(loss)", columns=["y"], parameters=False)


def test_calling_needs_all_parameters_and_columns():
    formula = parse_formula("a*x", columns=["x"])
    with pytest.raises(UsageError, match="parameters a"):
        formula({"b": 1.0}, {"x": X})
    with pytest.raises(UsageError, match="column 'x'"):
        formula({"a": 1.0}, {"z": X})


@given(st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=0x2FFF), max_size=40))
def test_any_text_parses_or_is_a_usage_error(text):
    try:
        parse_formula(text, columns=["x"])
    except UsageError as error:
        assert error.code.startswith("CF-FML-")


@given(
    st.recursive(
        st.sampled_from(["x", "a", "b", "2", "0.5"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
            inner.map(lambda t: f"exp(-{t})"),
            inner.map(lambda t: f"(-{t})"),
        ),
        max_leaves=12,
    )
)
def test_random_formulas_mean_what_python_means(text):
    try:
        formula = parse_formula(text, columns=["x"])
    except UsageError as error:
        assert error.code == "CF-FML-004"  # literals that overflow or divide by zero
        return
    values = {"a": 1.3, "b": -0.4}
    names = {"x": X, "exp": np.exp, **{k: np.float64(v) for k, v in values.items()}}
    with np.errstate(all="ignore"):
        oracle = np.broadcast_to(eval(text, {"__builtins__": {}}, names), X.shape)
    got = formula({k: values[k] for k in formula.parameters}, {"x": X})
    np.testing.assert_allclose(got, oracle, rtol=1e-12)
