"""Segmented regression: what must not change it, what it says of poor data, and what it refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, Status, UsageError

METHODS = ["profile_likelihood", "profile_sieve", "delta", "block_bootstrap"]


def kinked(seed: int = 0, n: int = 120, sd: float = 0.3):
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 10, n)
    return x, 5 - 0.8 * x + 0.8 * np.maximum(x - 6.5, 0) + sd * rng.standard_normal(n)


def numbers(fit: cf.SegmentedFit) -> np.ndarray:
    """Place, interval and standard error of every breakpoint."""
    return np.array([[b.value, b.interval.low, b.interval.high, b.details["stderr"]] for b in fit.breakpoints])


def test_a_known_kink_is_found_and_its_lines_are_those_of_least_squares():
    x, y = kinked()
    fit = cf.segment((x, y), 1)
    psi = fit.breakpoints[0].value
    columns = np.column_stack([np.ones_like(x), x, np.maximum(x - psi, 0)])
    beta, rss = np.linalg.lstsq(columns, y, rcond=None)[:2]
    assert fit.intercept.value == pytest.approx(beta[0], rel=1e-9)
    assert [s.value for s in fit.slopes] == pytest.approx([beta[1], beta[1] + beta[2]], rel=1e-8)
    assert fit.rss == pytest.approx(float(rss[0]), rel=1e-9)
    assert fit.sigma == pytest.approx(np.sqrt(float(rss[0]) / (x.size - 4)), rel=1e-9)
    assert fit.predict(x) == pytest.approx(columns @ beta, rel=1e-9, abs=1e-9)
    assert fit.breakpoints[0].interval.low < 6.5 < fit.breakpoints[0].interval.high
    assert fit.existence_test.p_value <= 0.01
    assert fit.status is Status.OK


def test_standard_errors_are_those_of_the_linearized_model():
    """Oracle: Gauss-Newton covariance of all five parameters by finite differences of the fitted curve."""
    x, y = kinked(3)
    fit = cf.segment((x, y), 1, noise="white")
    start = np.array([fit.intercept.value, fit.slopes[0].value, fit.slopes[1].value, fit.breakpoints[0].value])

    def curve(p: np.ndarray) -> np.ndarray:
        return p[0] + p[1] * x + (p[2] - p[1]) * np.maximum(x - p[3], 0)

    steps = 1e-7 * np.eye(4)
    jac = np.column_stack([(curve(start + s) - curve(start - s)) / 2e-7 for s in steps])
    expected = np.sqrt(np.diag(np.linalg.inv(jac.T @ jac)) * fit.sigma**2)
    parts = (fit.intercept, *fit.slopes, fit.breakpoints[0])
    assert [p.details["stderr"] for p in parts] == pytest.approx(list(expected), rel=1e-5)


@pytest.mark.parametrize("which", ["terminal_slope", "first_slope"])
def test_a_fixed_slope_is_zero_and_its_standard_errors_are_those_of_the_linearized_model(which):
    rng = np.random.default_rng(4)
    x = np.linspace(1, 11, 150)
    bend = np.maximum(7.0 - x, 0) if which == "terminal_slope" else np.maximum(x - 7.0, 0)
    y = 2 + 0.7 * bend + 0.2 * rng.standard_normal(x.size)
    fit = cf.segment((x, y), 1, noise="white", **{which: 0.0})
    flat, steep = (1, 0) if which == "terminal_slope" else (0, 1)
    assert fit.slopes[flat].value == 0.0
    assert fit.slopes[flat].details["stderr"] == 0.0

    def curve(p: np.ndarray) -> np.ndarray:  # intercept at x = 0 of the first line, slope, breakpoint
        if which == "terminal_slope":
            return p[0] + p[1] * np.minimum(x, p[2])
        return p[0] + p[1] * np.maximum(x - p[2], 0)

    start = np.array([fit.intercept.value, fit.slopes[steep].value, fit.breakpoints[0].value])
    assert fit.predict(x) == pytest.approx(curve(start), rel=1e-9)
    steps = 1e-7 * np.eye(3)
    jac = np.column_stack([(curve(start + s) - curve(start - s)) / 2e-7 for s in steps])
    expected = np.sqrt(np.diag(np.linalg.inv(jac.T @ jac)) * fit.rss / (x.size - 3))
    found = [fit.intercept, fit.slopes[steep], fit.breakpoints[0]]
    assert [p.details["stderr"] for p in found] == pytest.approx(list(expected), rel=1e-5)


def test_a_true_plateau_is_dated_more_sharply_when_its_slope_is_known():
    x, y = kinked(5)
    free, fixed = cf.segment((x, y), 1), cf.segment((x, y), 1, terminal_slope=0.0)
    assert fixed.breakpoints[0].details["stderr"] < free.breakpoints[0].details["stderr"]
    assert fixed.rss >= free.rss


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("method", ["profile_likelihood", "delta", "profile_sieve"])
def test_nothing_depends_on_the_scale_of_weights_values_or_x_nor_on_the_order_of_rows(k, method):
    rng = np.random.default_rng(6)
    x = np.sort(rng.uniform(0, 10, 90))
    y = 5 - x + 1.5 * np.maximum(x - 3, 0) - np.maximum(x - 7, 0) * (k == 2) + 0.2 * rng.standard_normal(90)
    w = rng.uniform(0.5, 2, 90)
    base = numbers(cf.segment((x, y), k, weights=w, interval=method))
    assert base.shape == (k, 4)
    assert numbers(cf.segment((x, y), k, weights=1e4 * w, interval=method)) == pytest.approx(base, rel=1e-7)
    assert numbers(cf.segment((x, -40 + 1e-3 * y), k, weights=w, interval=method)) == pytest.approx(base, rel=1e-7)
    shifted = numbers(cf.segment((1000 + 50 * x, y), k, weights=w, interval=method))
    shifted[:, :3] -= 1000
    assert shifted / 50 == pytest.approx(base, rel=1e-7)
    order = rng.permutation(90)
    again = numbers(cf.segment((x[order], y[order]), k, weights=w[order], interval=method))
    assert again == pytest.approx(base, rel=1e-10)


def test_ties_are_kept_as_evidence_and_whole_weights_are_copies():
    rng = np.random.default_rng(8)
    x = np.repeat(np.linspace(0, 5, 30), 3)
    y = np.maximum(x - 2, 0) + 0.2 * rng.standard_normal(90)
    tied = cf.segment((x, y), 1, noise="white")
    psi = tied.breakpoints[0].value
    columns = np.column_stack([np.ones_like(x), x, np.maximum(x - psi, 0)])
    assert tied.rss == pytest.approx(float(np.linalg.lstsq(columns, y, rcond=None)[1][0]), rel=1e-9)
    assert tied.n == 90
    w = np.ones(30)
    w[10] = 2
    once = cf.segment((x[::3], y[::3]), 1, weights=w)
    twice = cf.segment((np.append(x[::3], x[30]), np.append(y[::3], y[30])), 1)
    assert once.breakpoints[0].value == pytest.approx(twice.breakpoints[0].value, rel=1e-9)
    dropped = cf.segment((np.append(x, 4.05), np.append(y, 1e3)), 1, weights=np.append(np.ones(90), 0.0))
    assert dropped.breakpoints[0].value == pytest.approx(cf.segment((x, y), 1).breakpoints[0].value, rel=1e-12)


def test_a_point_that_is_not_finite_is_left_out():
    x, y = kinked(9)
    holes = y.copy()
    holes[[3, 50]] = [np.nan, np.inf]
    keep = np.isfinite(holes)
    found = cf.segment((x, holes), 1).breakpoints[0].value
    assert found == pytest.approx(cf.segment((x[keep], y[keep]), 1).breakpoints[0].value, rel=1e-12)


def test_log_axes_are_straight_in_the_logarithm():
    rng = np.random.default_rng(10)
    x = np.geomspace(1, 1000, 150)
    y = np.exp(1 - 0.7 * np.log(x) + 0.6 * np.maximum(np.log(x / 80), 0) + 0.05 * rng.standard_normal(150))
    fit = cf.segment((x, y), 1, x_axis="log", y_axis="log")
    inner = cf.segment((np.log(x), np.log(y)), 1)
    place, other = fit.breakpoints[0], inner.breakpoints[0]
    ends = [place.value, place.interval.low, place.interval.high]
    assert np.log(ends) == pytest.approx([other.value, other.interval.low, other.interval.high], rel=1e-10)
    assert place.details["stderr_log"] == pytest.approx(other.details["stderr"], rel=1e-10)
    assert place.interval.low < 80 < place.interval.high
    assert fit.predict(x) == pytest.approx(np.exp(inner.predict(np.log(x))), rel=1e-9)


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_auto_finds_the_number(k):
    rng = np.random.default_rng(20 + k)
    x = np.linspace(0, 10, 200)
    truth = 5 - 0.5 * x + sum(1.5 * (-1) ** j * np.maximum(x - p, 0) for j, p in enumerate((2.5, 5.0, 7.5)[:k]))
    fit = cf.segment((x, truth + 0.15 * rng.standard_normal(200)))
    assert len(fit.breakpoints) == k
    assert len(fit.slopes) == k + 1
    assert int(np.argmin(fit.criteria)) == k


def test_correlated_noise_is_not_paid_for_with_breakpoints():
    rng = np.random.default_rng(30)
    found = {"auto": 0, "white": 0}
    x = np.arange(200.0)
    for _ in range(6):
        e = rng.standard_normal(200)
        for i in range(1, 200):
            e[i] += 0.8 * e[i - 1]
        for noise in found:
            found[noise] += len(cf.segment((x, 0.01 * x + e), noise=noise, max_breakpoints=3).breakpoints)
    assert found["auto"] <= 1
    assert found["white"] >= 6  # the negative control: what an assumption of independent noise invents


@pytest.mark.parametrize("method", METHODS)
def test_intervals_contain_their_estimate_and_carry_their_name(method):
    x, y = kinked(12)
    place = cf.segment((x, y), 1, interval=method, level=0.9).breakpoints[0]
    assert place.interval.low < place.value < place.interval.high
    assert (place.interval.level, place.interval.kind, place.interval.method) == (0.9, "confidence", method)


@pytest.mark.parametrize("method", ["profile_likelihood", "profile_sieve", "delta"])
def test_a_higher_level_is_a_wider_interval(method):
    x, y = kinked(13)
    ends = [cf.segment((x, y), 1, interval=method, level=p).breakpoints[0].interval for p in (0.5, 0.8, 0.95)]
    assert all(b.low < a.low and a.high < b.high for a, b in itertools.pairwise(ends))


def test_an_interval_that_leaves_the_range_says_so():
    rng = np.random.default_rng(14)
    x = np.linspace(0, 10, 40)
    fit = cf.segment((x, 0.02 * np.maximum(x - 8, 0) + rng.standard_normal(40)), 1)
    assert fit.status is Status.DEGRADED
    assert any("edge" in r or "union" in r for r in fit.reasons)
    assert fit.existence_test.p_value > 0.05


def test_values_that_do_not_vary():
    fit = cf.segment((np.arange(20.0), np.full(20, 3.0)), 2)
    assert fit.status is Status.CONSTANT
    assert fit.breakpoints == ()
    assert fit.existence_test is None
    assert fit.predict(4.5) == pytest.approx(3.0)


@pytest.mark.parametrize("k", [1, 3])
def test_a_straight_line_without_noise_has_no_breakpoint_to_place(k):
    x = np.arange(30.0)
    fit = cf.segment((x, 2 + 0.5 * x), k)
    assert fit.breakpoints == ()
    assert fit.slopes[0].value == pytest.approx(0.5)
    assert fit.status is Status.DEGRADED


@pytest.mark.parametrize("n_breakpoints", [1, 2, "auto"])
def test_a_kink_without_noise_is_exact_and_given_no_interval(n_breakpoints):
    x = np.arange(30.0)
    fit = cf.segment((x, 2 + 0.5 * x - 0.5 * np.maximum(x - 12.3, 0)), n_breakpoints)
    assert [b.value for b in fit.breakpoints] == [pytest.approx(12.3, abs=1e-9)]
    assert fit.breakpoints[0].interval is None
    assert all(s.interval is None for s in fit.slopes)
    assert fit.status is Status.DEGRADED


def test_as_many_parameters_as_points_gives_no_interval():
    rng = np.random.default_rng(15)
    fit = cf.segment((np.arange(4.0), rng.standard_normal(4)), 1, min_size=2)
    assert fit.status in (Status.TOO_FEW_POINTS, Status.DEGRADED)
    assert all(b.interval is None for b in fit.breakpoints)


def test_a_curve_gives_its_units():
    x, y = kinked(16)
    fit = cf.segment(cf.Curve(x, y, "val_loss", x_unit="epoch"), 1)
    assert fit.breakpoints[0].unit == "epoch"
    assert fit.slopes[0].unit.endswith("/epoch")


@pytest.mark.parametrize(
    ("data", "options", "error"),
    [
        (([1, 2, 3], [1, 2]), {}, DataError),
        (([1, 2, 3], [1, 2, 3]), {}, DataError),
        ((np.ones(20), np.arange(20.0)), {}, DataError),
        ((np.arange(20.0), np.arange(20.0) * 1e200), {}, DataError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"weights": -np.ones(20)}, DataError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"weights": np.zeros(20)}, DataError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"weights": np.ones(3)}, DataError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"x_axis": "log"}, DataError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"n_breakpoints": 10}, DataError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"n_breakpoints": 11}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"n_breakpoints": -1}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"n_breakpoints": 1.0}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"n_breakpoints": "many"}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"interval": "exact"}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"noise": "pink"}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"loss": "absolute"}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"criterion": "aic"}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"alpha": 0.0}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"continuous": False, "interval": "delta"}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"x_axis": "sqrt"}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"terminal_slope": 1.0}, UsageError),
        (
            (np.arange(20.0), np.sin(np.arange(20.0))),
            {"terminal_slope": 0.0, "first_slope": 0.0, "n_breakpoints": 1},
            UsageError,
        ),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"min_size": 0}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"min_size": 20}, UsageError),
        ((np.arange(20.0), np.sin(np.arange(20.0))), {"level": 1.0}, UsageError),
    ],
)
def test_what_cannot_be_done_is_refused(data, options, error):
    with pytest.raises(error):
        cf.segment(data, **options)
