"""General least squares: models of every form, honest outcomes, and bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from curvefit.curves import Curve, DataError, Status, UsageError
from curvefit.fitting.least_squares import least_squares

RNG = np.random.default_rng(7)
X = np.geomspace(1.0, 1000.0, 60)
NOISE = 0.01 * RNG.normal(size=60)
Y = 1.5 + 2.0 * X**-0.4 + NOISE
DATA = {"x": X, "y": Y}
LAW = "E + A*x**-a"


def law(x, E, A, a):
    return E + A * x**-a


def row_by_row(x, E, A, a):  # cannot be traced: it looks at the rows
    return np.array([E + A * v**-a for v in x])


def real_only(x, E, A, a):  # cannot be traced and takes no complex numbers
    return E + A * np.asarray(x, dtype=float) ** -float(a)


@pytest.fixture(scope="module")
def fitted():
    return least_squares(LAW, DATA)


@pytest.fixture(scope="module")
def oracle():
    """scipy's curve_fit from the truth: values and covariance by another route."""
    return curve_fit(law, X, Y, p0=[1.5, 2.0, 0.4], xtol=1e-14, ftol=1e-14, gtol=1e-14)


def test_estimates_and_errors_are_those_of_scipy(fitted, oracle):
    values, covariance = oracle
    np.testing.assert_allclose(list(fitted.params.values()), values, rtol=1e-6)
    np.testing.assert_allclose(fitted.covariance, covariance, rtol=1e-4)
    np.testing.assert_allclose(list(fitted.stderr.values()), np.sqrt(np.diag(covariance)), rtol=1e-4)
    assert fitted.status is Status.OK
    assert all(d.ok for d in fitted.doubts)
    assert (fitted.n, fitted.dof, fitted.dropped) == (60, 57, 0)
    residuals = Y - law(X, *fitted.params.values())
    np.testing.assert_allclose(fitted.residuals, residuals, atol=1e-12)
    assert fitted.rss == pytest.approx(np.sum(residuals**2))
    assert fitted.sigma == pytest.approx(np.sqrt(np.sum(residuals**2) / 57))


@pytest.mark.parametrize("model", [law, row_by_row, real_only, lambda E, A, a, x: E + A * x**-a])
@pytest.mark.parametrize("start", [None, {"E": 1.0, "A": 1.0, "a": 1.0}])
def test_a_function_gives_what_the_formula_gives(fitted, model, start):
    fit = least_squares(model, DATA, start)
    assert fit.status is Status.OK
    for name, value in fitted.params.items():
        assert fit.params[name] == pytest.approx(value, rel=1e-9)
        assert fit.stderr[name] == pytest.approx(fitted.stderr[name], rel=1e-6)
    assert fit.rss == pytest.approx(fitted.rss, rel=1e-12)


def test_any_number_of_parameters_with_named_start(fitted):
    fit = least_squares(lambda x, *p: p[0] + p[1] * x ** -p[2], DATA, {"E": 1.0, "A": 1.0, "a": 0.5})
    assert fit.params["a"] == pytest.approx(fitted.params["a"], rel=1e-9)
    with pytest.raises(UsageError, match="any number of parameters"):
        least_squares(lambda x, *p: p[0] * x, DATA)


def test_arguments_with_a_default_are_settings(fitted):
    fit = least_squares(lambda x, E, A, a, shift=0.0: E + A * (x + shift) ** -a, DATA)
    assert set(fit.params) == {"E", "A", "a"}
    freed = least_squares(
        lambda x, E, A, a, shift=0.0: E + A * (x + shift) ** -a, DATA, {"E": 1.0, "A": 2.0, "a": 0.4, "shift": 0.1}
    )
    assert freed.rss <= fitted.rss * (1 + 1e-9)


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame(DATA),
        pl.DataFrame(DATA),
        {"x": X.tolist(), "y": Y.tolist(), "note": ["text"] * 60},
        Curve(X, Y, metric="val_loss"),
    ],
    ids=["pandas", "polars", "lists", "curve"],
)
def test_data_of_every_form(fitted, data):
    assert least_squares(LAW, data).params["a"] == pytest.approx(fitted.params["a"], rel=1e-10)


def test_several_columns_and_a_transformed_response():
    rng = np.random.default_rng(0)
    data = {"n": rng.uniform(1, 100, 80), "d": rng.uniform(1, 100, 80)}
    data["loss"] = np.exp(0.3 + 1.2 * data["n"] ** -0.5 + 0.8 * data["d"] ** -0.3 + 0.001 * rng.normal(size=80))
    fit = least_squares("log(loss) = E + A*n**-a + B*d**-b", data)
    assert fit.converged
    for name, truth in {"E": 0.3, "A": 1.2, "a": 0.5, "B": 0.8, "b": 0.3}.items():
        assert abs(fit.params[name] - truth) < 5 * fit.stderr[name]
    same = least_squares("E + A*n**-a + B*d**-b", data, y="log(loss)")
    assert same.params == fit.params
    function = least_squares(lambda n, d, E, A, a, B, b: E + A * n**-a + B * d**-b, data, y="log(loss)")
    assert function.params["a"] == pytest.approx(fit.params["a"], rel=1e-9)
    np.testing.assert_allclose(fit.predict({"n": [1.0], "d": [1.0]}).mean, [sum(fit.params[k] for k in "EAB")])
    with pytest.raises(UsageError, match="reads the column 'd'"):
        fit.predict({"n": [1.0]})


def test_the_same_call_gives_the_same_fit_to_the_last_bit(fitted):
    again = least_squares(LAW, DATA)
    assert again.params == fitted.params
    assert again.stderr == fitted.stderr
    other = least_squares(LAW, DATA, rng=np.random.default_rng(99))
    assert other.params["a"] == pytest.approx(fitted.params["a"], rel=1e-10)


def test_the_given_data_are_not_touched():
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    least_squares(LAW, {"x": x, "y": y})
    np.testing.assert_array_equal(x, X)


# --- intervals and predictions -------------------------------------------------------------------------------------


def test_a_linear_model_has_the_textbook_intervals_by_both_methods():
    x = np.arange(10.0)
    y = 2.0 + 0.5 * x + np.random.default_rng(1).normal(size=10)
    fit = least_squares("a + b*x", {"x": x, "y": y})
    line = stats.linregress(x, y)
    t = stats.t.ppf(0.975, 8)
    for method in ("delta", "profile_likelihood"):
        interval = fit.conf_int(method=method)["b"]
        assert interval.low == pytest.approx(line.slope - t * line.stderr, rel=1e-6)
        assert interval.high == pytest.approx(line.slope + t * line.stderr, rel=1e-6)
        assert interval.method == method
    new = np.array([-1.0, 4.5, 20.0])
    half = t * np.sqrt(fit.rss / 8 * (1 / 10 + (new - 4.5) ** 2 / np.sum((x - 4.5) ** 2)))
    confidence = fit.predict(new, interval="confidence")
    np.testing.assert_allclose(confidence.high - confidence.mean, half, rtol=1e-10)
    prediction = fit.predict(new, interval="prediction")
    np.testing.assert_allclose(prediction.high - prediction.mean, np.sqrt(half**2 + t**2 * fit.sigma**2), rtol=1e-10)
    assert np.all(np.isnan(fit.predict(new).low))


def test_profile_intervals_are_those_of_lmfit():
    import lmfit

    x = np.linspace(0.0, 10.0, 25)
    y = 3.0 * np.exp(-x / 2.0) + 0.5 + 0.15 * np.random.default_rng(3).normal(size=25)
    fit = least_squares("E + A*exp(-x/t)", {"x": x, "y": y})
    mine = fit.conf_int(0.95)
    theirs = lmfit.conf_interval(*fit.to_lmfit(), sigmas=[0.95])
    for name, interval in mine.items():
        assert interval.low == pytest.approx(theirs[name][0][1], rel=1e-3)
        assert interval.high == pytest.approx(theirs[name][-1][1], rel=1e-3)
    delta = fit.conf_int(0.95, "delta")["t"]
    assert abs(delta.low - mine["t"].low) > 0.01  # the likelihood is skewed: the methods differ


def test_profile_ends_have_the_likelihood_ratio_they_promise():
    fit = least_squares(LAW, DATA)
    interval = fit.conf_int(0.9)["a"]
    for end in (interval.low, interval.high):
        basis = np.column_stack([np.ones_like(X), X**-end])
        rss = np.sum((Y - basis @ np.linalg.lstsq(basis, Y, rcond=None)[0]) ** 2)
        assert (rss - fit.rss) / (fit.rss / 57) == pytest.approx(stats.f.ppf(0.9, 1, 57), rel=1e-6)


def test_a_side_that_the_data_leave_open_is_open():
    x = np.linspace(0.0, 1.0, 15)
    y = x + 0.02 * np.random.default_rng(1).normal(size=15)
    fit = least_squares("A*(1 - exp(-x/t))", {"x": x, "y": y}, bounds={"t": (0.0, None), "A": (0.0, None)})
    if fit.status.usable and np.isfinite(fit.params["t"]):
        assert fit.conf_int()["t"].high == np.inf
    else:
        assert not all(d.ok for d in fit.doubts)


def test_intervals_grow_with_the_level(fitted):
    for method in ("delta", "profile_likelihood"):
        widths = [fitted.conf_int(level, method)["a"].width for level in (0.5, 0.8, 0.95, 0.99)]
        assert widths == sorted(widths)
    assert set(fitted.conf_int(parameters=["E", "a"])) == {"E", "a"}
    with pytest.raises(UsageError, match="no parameter named 'b'"):
        fitted.conf_int(parameters=["b"])
    with pytest.raises(UsageError, match=r"did you mean 0\.95"):
        fitted.conf_int(95)
    with pytest.raises(UsageError, match="choices"):
        fitted.conf_int(method="magic")
    with pytest.raises(UsageError, match="choices"):
        fitted.predict([1.0], interval="both")


# --- bounds, ties, lmfit -------------------------------------------------------------------------------------------


def test_bounds_hold_and_a_parameter_at_one_is_said():
    fit = least_squares(LAW, DATA, bounds={"a": (0.45, 2.0)})
    assert fit.params["a"] == 0.45
    assert np.isnan(fit.stderr["a"])
    basis = np.column_stack([np.ones_like(X), X**-0.45])
    np.testing.assert_allclose([fit.params["E"], fit.params["A"]], np.linalg.lstsq(basis, Y, rcond=None)[0], rtol=1e-9)
    assert fit.status is Status.DEGRADED
    assert "a is at a bound" in fit.summary()
    interval = fit.conf_int()["a"]
    assert interval.low == 0.45
    assert 0.45 < interval.high < 0.46


def test_bounds_that_do_not_bind_change_nothing(fitted):
    fit = least_squares(LAW, DATA, bounds={"a": (0.0, 1.0), "E": (0.0, None), "A": (None, 50.0)})
    assert fit.status is Status.OK
    for name, value in fitted.params.items():
        assert fit.params[name] == pytest.approx(value, rel=1e-9)


def test_ties_and_fixed_parameters(fitted):
    tied = least_squares(LAW, DATA, ties={"A": "r*E"})
    assert tied.params["A"] == pytest.approx(fitted.params["A"], rel=1e-9)
    assert tied.params["r"] == pytest.approx(fitted.params["A"] / fitted.params["E"], rel=1e-9)
    assert tied.stderr["A"] == pytest.approx(fitted.stderr["A"], rel=1e-6)  # the chain rule undoes the change
    fixed = least_squares(LAW, DATA, ties={"a": 0.4})
    assert fixed.params["a"] == 0.4
    assert fixed.stderr["a"] == 0.0
    assert fixed.dof == 58
    line = stats.linregress(X**-0.4, Y)
    assert fixed.params["A"] == pytest.approx(line.slope, rel=1e-9)
    assert fixed.stderr["A"] == pytest.approx(line.stderr, rel=1e-9)


@pytest.mark.parametrize("model", [LAW, row_by_row])
def test_chained_ties_hold_for_formulas_and_functions(model):
    fit = least_squares(model, DATA, ties={"A": "2*a + E", "E": "b**2"})
    assert fit.params["E"] == pytest.approx(fit.params["b"] ** 2)
    assert fit.params["A"] == pytest.approx(2 * fit.params["a"] + fit.params["E"])
    assert fit.dof == 58


def test_parameters_of_lmfit_bring_values_bounds_and_ties(fitted, monkeypatch):
    import lmfit

    parameters = lmfit.Parameters()
    parameters.add("E", value=1.0, min=0.0)
    parameters.add("A", value=2.0)
    parameters.add("k", value=4.0)
    parameters.add("a", expr="1/k")
    monkeypatch.setattr(type(parameters._asteval), "__call__", None)
    monkeypatch.setattr(type(parameters._asteval), "eval", None)  # from here on lmfit evaluates no expression
    fit = least_squares(LAW, DATA, parameters)
    assert fit.params["a"] == pytest.approx(fitted.params["a"], rel=1e-9)
    assert fit.params["k"] == pytest.approx(1 / fitted.params["a"], rel=1e-9)
    assert fit.stderr["a"] == pytest.approx(fitted.stderr["a"], rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bounds": {"b": (0, 1)}}, "no parameter named 'b'"),
        ({"bounds": {"a": (1, 0)}}, "low < high"),
        ({"bounds": {"a": 3}}, r"\(low, high\)"),
        ({"ties": {"a": "2*E"}, "bounds": {"a": (0, 1)}}, "is tied"),
        ({"ties": {"b": "2*E"}}, "no parameter named 'b'"),
        ({"ties": {"a": "A", "A": "a"}}, "circle"),
        ({"ties": {"a": "__import__('os')"}}, "not a known function"),
        ({"ties": {"a": 1.0, "A": 1.0, "E": 1.0}}, "no free parameters"),
        ({"start": {"E": 1.0}}, "lacks A, a"),
        ({"start": {"E": 1.0, "A": 1.0, "a": 1.0, "b": 0.0}}, "no parameter named 'b'"),
        ({"start": [1.0]}, "1 starting values for 3"),
        ({"start": [1.0, np.nan, 1.0]}, "not finite"),
        ({"start": ["x", 1.0, 1.0]}, "are numbers"),
        ({"start": [1.0, 1.0, 1.0], "bounds": {"a": (2, 3)}}, "outside its bounds"),
        ({"y": "loss"}, "no column named 'loss'"),
        ({"y": "log(loss)"}, "not a column"),
        ({"weights": "w"}, "no column 'w'"),
        ({"method": "simplex"}, "choices"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments, words):
    with pytest.raises(UsageError, match=words):
        least_squares(LAW, DATA, **arguments)


# --- weights -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones(3), "3 weights for 60 rows"),
        (-np.ones(60), "row 0"),
        (np.where(np.arange(60) == 5, np.nan, 1.0), r"row 5"),
        (np.zeros(60), "all weights are zero"),
    ],
)
def test_weights_that_make_no_sense_are_named(weights, words):
    with pytest.raises(DataError, match=words):
        least_squares(LAW, DATA, weights=weights)


def test_weights_are_those_of_scipy():
    sigma = 0.005 * (1 + np.arange(60) / 20)
    values, covariance = curve_fit(law, X, Y, p0=[1.5, 2.0, 0.4], sigma=sigma, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    fit = least_squares(LAW, {**DATA, "w": 1 / sigma**2}, weights="w")
    np.testing.assert_allclose(list(fit.params.values()), values, rtol=1e-6)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-4)


# --- outcomes ------------------------------------------------------------------------------------------------------


def test_too_few_rows():
    fit = least_squares(LAW, {"x": X[:3], "y": Y[:3]})
    assert fit.status is Status.TOO_FEW_POINTS
    assert not fit.converged
    assert np.all(np.isnan(list(fit.params.values())))
    assert "at least 4" in fit.summary()
    assert np.all(np.isnan(fit.predict([1.0], interval="confidence").mean))


@pytest.mark.parametrize("model", ["E", LAW, "E + b*x"])
def test_a_constant_response_has_no_errors(model):
    fit = least_squares(model, {"x": X, "y": np.full(60, 3.0)})
    assert fit.status is Status.CONSTANT
    assert fit.params["E"] == pytest.approx(3.0, rel=1e-10)
    assert np.all(np.isnan(list(fit.stderr.values())))
    assert fit.conf_int()["E"] is None


def test_data_without_noise_give_the_parameters_and_no_errors():
    fit = least_squares(LAW, {"x": X, "y": law(X, 1.5, 2.0, 0.4)})
    np.testing.assert_allclose(list(fit.params.values()), [1.5, 2.0, 0.4], rtol=1e-9)
    assert fit.status is Status.DEGRADED
    assert [d.name for d in fit.doubts if not d.ok] == ["noise"]
    assert np.all(np.isnan(list(fit.stderr.values())))


def test_what_the_data_do_not_determine_is_not_given_a_number(fitted):
    fit = least_squares("E + F + A*x**-a", DATA)
    assert fit.status is Status.DEGRADED
    assert np.isnan(fit.params["E"])
    assert np.isnan(fit.params["F"])
    assert fit.params["a"] == pytest.approx(fitted.params["a"], rel=1e-8)
    assert fit.stderr["a"] == pytest.approx(fitted.stderr["a"] * np.sqrt(57 / 56), rel=1e-6)
    np.testing.assert_allclose(fit.predict(X).mean, fitted.predict(X).mean, rtol=1e-10)
    assert "rank" in [d.name for d in fit.doubts if not d.ok]


def test_a_parameter_without_effect():
    fit = least_squares("E + A*x**-a + 0*z", DATA)
    assert np.isnan(fit.params["z"])
    assert np.isfinite(fit.stderr["a"])


def test_one_algorithm_in_a_local_minimum_is_not_believed():
    """sin(w x) from the wrong w: a single local solver ends in a local minimum; the search finds the right one."""
    x = np.linspace(0.0, 10.0, 80)
    y = np.sin(5.0 * x) + 0.05 * np.random.default_rng(0).normal(size=80)
    lonely = least_squares("a*sin(w*x)", {"x": x, "y": y}, {"a": 1.0, "w": 2.0}, method="lm", multistart=False)
    assert lonely.rss > 10
    assert not lonely.converged
    assert lonely.status is Status.DEGRADED  # it was asked for, and can be looked at
    assert "2 independent ways are asked for" in lonely.summary().replace("\n    ", " ")
    helped = least_squares("a*sin(w*x)", {"x": x, "y": y}, {"a": 1.0, "w": 2.0})
    assert helped.status is Status.OK
    assert abs(helped.params["w"]) == pytest.approx(5.0, abs=0.02)
    agreement = next(d for d in helped.doubts if d.name == "agreement")
    assert "no algorithm reached it from the given start" in agreement.message


def test_a_search_that_does_not_agree_with_itself_says_so(monkeypatch):
    """Negative control: with next to no effort the search finds different minima, and nothing is called converged."""
    from curvefit.fitting.nonlinear import optimize

    full = optimize.search
    monkeypatch.setattr(
        optimize, "search", lambda *a, **k: full(*a, **{**k, "candidates": 4, "descents": 2, "max_rounds": 3})
    )
    rng = np.random.default_rng(5)
    x = np.linspace(0.0, 10.0, 200)
    peaks = sum(h * np.exp(-(((x - m) / 0.4) ** 2)) for h, m in ((1.0, 2.0), (1.5, 5.0), (0.7, 8.0)))
    terms = "+".join(f"a{i}*exp(-((x-m{i})/s{i})**2)" for i in range(3))
    fit = least_squares(terms, {"x": x, "y": peaks + 0.01 * rng.normal(size=200)})
    if fit.rss > 0.03:
        assert fit.status is Status.NOT_CONVERGED
        assert set(fit.conf_int().values()) == {None}
        assert "agreement" in fit.summary()


def test_correlated_residuals_are_a_doubt():
    rng = np.random.default_rng(2)
    noise = np.zeros(200)
    for i in range(1, 200):
        noise[i] = 0.9 * noise[i - 1] + 0.05 * rng.normal()
    x = np.arange(200.0)
    fit = least_squares("a + b*x", {"x": x, "y": 1 + 0.1 * x + noise})
    assert fit.status is Status.DEGRADED
    assert [d.name for d in fit.doubts if not d.ok] == ["independence"]
    assert 0.65 < fit.rho < 0.97
    assert fit.n_effective == pytest.approx(200 * (1 - fit.rho) / (1 + fit.rho), rel=0.2)
    plain, wide = (fit.conf_int(correlated=c)["b"] for c in (False, True))
    assert wide.width > 2.0 * plain.width
    assert 0.1 in wide
    mean, wider = (fit.predict(x, "confidence", correlated=c) for c in (False, True))
    assert np.all(wider.high - wider.low > 2.0 * (mean.high - mean.low))


def test_without_correlation_allowing_for_it_changes_little(fitted):
    plain, allowed = (fitted.conf_int(correlated=c)["a"].width for c in (False, True))
    assert plain <= allowed < 1.5 * plain
    several = least_squares("a*x + b*z", {"x": X, "z": X**2, "y": Y})
    assert np.isnan(several.rho)
    assert several.n_effective == 60


def test_one_row_that_decides_a_parameter_is_a_doubt():
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 1e6])
    y = np.array([1.0, 1.1, 0.9, 1.0, 1.1, 5.0])
    fit = least_squares("a + b*x", {"x": x, "y": y})
    leverage = next(d for d in fit.doubts if d.name == "leverage")
    assert not leverage.ok
    assert "row 5" in leverage.message


def test_rows_with_missing_numbers_are_left_out_and_counted():
    y = Y.copy()
    y[3] = np.nan
    y[10] = np.inf
    x = X.copy()
    x[20] = np.nan
    fit = least_squares(LAW, {"x": x, "y": y, "unused": np.full(60, np.nan)})
    keep = np.isfinite(x) & np.isfinite(y)
    same = least_squares(LAW, {"x": x[keep], "y": y[keep]})
    assert (fit.n, fit.dropped) == (57, 3)
    assert fit.params == same.params


def test_extreme_units_cost_nothing(fitted):
    fit = least_squares(LAW, {"x": X * 1e12, "y": Y * 1e100})
    assert fit.params["a"] == pytest.approx(fitted.params["a"], rel=1e-9)
    assert fit.stderr["a"] == pytest.approx(fitted.stderr["a"], rel=1e-6)
    assert fit.sigma == pytest.approx(fitted.sigma * 1e100, rel=1e-9)
    tiny = least_squares("a + b*x", {"x": X, "y": Y * 1e-100})
    assert tiny.stderr["b"] > 0


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "data", "error", "words"),
    [
        (3.0, DATA, UsageError, "a formula such as"),
        (LAW, 3.0, UsageError, "mapping of column names"),
        (LAW, {}, DataError, "no columns"),
        (LAW, {"x": 1.0, "y": 2.0}, DataError, "not a sequence"),
        (LAW, {"x": X, "y": Y[:5]}, DataError, "different lengths: x 60, y 5"),
        (LAW, {"x": X, "y": np.full(60, np.nan)}, DataError, "no row has all numbers finite"),
        (LAW, {"x": ["a"] * 60, "y": Y}, DataError, "not a number"),
        ("x", DATA, UsageError, "no free parameters"),
        (
            lambda E, A: E,
            {"p": X, "q": X, "y": Y},
            UsageError,
            "named? its arguments after the columns|predictor columns",
        ),
        (lambda x, a: np.ones((3, 3)) * a, DATA, DataError, r"shape \(3, 3\)"),
        (lambda x, a: a * x[:5], DATA, DataError, r"shape \(5,\)"),
        (lambda x, a: "text", DATA, DataError, "not real numbers"),
        (lambda x, a: a * x * 1j, DATA, DataError, "complex128"),
    ],
)
def test_bad_models_and_data_are_named(model, data, error, words):
    with pytest.raises(error, match=words):
        least_squares(model, data)


def test_a_function_that_raises_is_heard():
    def broken(x, a):
        raise KeyError("my own mistake")

    with pytest.raises(KeyError, match="my own mistake"):
        least_squares(broken, DATA)

    def nowhere(x, a):
        raise ValueError("math domain error")

    with pytest.raises(ValueError, match="math domain error"):
        least_squares(nowhere, DATA)


def test_a_function_that_is_undefined_in_places_is_fitted_elsewhere():
    import math

    def picky(x, a, b):  # math.log raises outside its domain
        return np.array([a * math.log(v + b) for v in x])

    x = np.linspace(0.0, 10.0, 30)
    y = 2.0 * np.log(x + 1.5) + 0.01 * np.random.default_rng(0).normal(size=30)
    fit = least_squares(picky, {"x": x, "y": y})
    assert fit.status is Status.OK
    assert fit.params["b"] == pytest.approx(1.5, abs=0.05)


def test_a_formula_that_is_nowhere_finite():
    fit = least_squares("log(-1 - a**2*x)", DATA)
    assert fit.status is Status.NONFINITE
    assert "not finite at any starting value" in fit.summary()


def test_text_is_never_run(tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    monkeypatch.chdir(tmp_path)
    for text in (
        "__import__('pathlib').Path('canary').touch()",
        "E + A*x**-a + open('canary', 'w')",
        "exec('import pathlib')",
        "(lambda: 0).__globals__",
        "E + x.__class__",
    ):
        for arguments in ({"model": text}, {"model": LAW, "y": text}, {"model": LAW, "ties": {"a": text}}):
            with pytest.raises(UsageError):
                least_squares(**{"data": DATA, **arguments})
    assert not canary.exists()


def test_the_summary_fits_a_terminal_and_says_what_matters(fitted):
    text = fitted.summary()
    assert max(len(line) for line in text.splitlines()) <= 80
    for word in ("E + A*x**-a", "60 in use", "57 degrees", "std. error", "profile interval", "checks passed"):
        assert word in text


def test_the_record_is_frozen(fitted):
    with pytest.raises(AttributeError):
        fitted.rss = 0.0
    with pytest.raises(TypeError):
        fitted.params["a"] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        fitted.residuals[0] = 1.0
