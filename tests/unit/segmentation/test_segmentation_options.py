"""Segmented regression with jumps, flat ends, robust losses, uneven noise and other criteria."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import Status, UsageError
from curvefit.segmentation._noise import correlated_gram, noise_paths
from curvefit.segmentation._search import Design, solve

X = np.linspace(0, 10, 200)
KINK = 5 - 0.8 * np.minimum(X, 6.5)


def value(parts) -> list[float]:
    return [p.value for p in parts]


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_a_line_with_two_flat_ends_has_its_best_breakpoints(k, seed):
    """Oracle: every combination on a grid inside the gaps of x."""
    from itertools import combinations

    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 1, 16))
    x = (x - x.mean()) / x.std()
    design = Design(x, np.clip(x, -0.5, 0.6) + 0.3 * rng.standard_normal(16), rng.uniform(0.5, 2, 16), 0.0, True, True)

    def rss(psi) -> float:
        columns, root = design.columns(np.array(psi)), np.sqrt(design.w)
        beta = np.linalg.lstsq(columns * root[:, None], design.y * root, rcond=None)[0]
        return float(np.sum(design.w * (design.y - columns @ beta) ** 2))

    places = (x[:-1, None] + np.diff(x)[:, None] * np.array([0.25, 0.75])).ravel()
    allowed = [c for c in combinations(places, k) if np.min(np.diff(np.r_[0, np.searchsorted(x, c), 16])) >= 2]
    found = solve(design, k)
    assert found.rss == pytest.approx(rss(found.psi), rel=1e-9)
    assert found.rss <= min(map(rss, allowed)) * (1 + 1e-9)


def test_a_ramp_between_two_plateaus_and_its_standard_errors():
    """Oracle: Gauss-Newton covariance of the four parameters by finite differences."""
    rng = np.random.default_rng(1)
    y = 2 + 0.5 * np.clip(X, 3, 7) + 0.1 * rng.standard_normal(X.size)
    fit = cf.segment((X, y), terminal_slope=0.0, first_slope=0.0, noise="white")
    assert value(fit.breakpoints) == pytest.approx([3, 7], abs=0.15)
    assert [s.value for s in fit.slopes][::2] == [0.0, 0.0]
    assert [s.details["stderr"] for s in fit.slopes][::2] == [0.0, 0.0]
    assert fit.criteria[2] == min(fit.criteria)

    def curve(p: np.ndarray) -> np.ndarray:
        return p[0] + p[1] * (np.clip(X, p[2], p[3]) - p[2])

    start = np.array([fit.intercept.value, fit.slopes[1].value, *value(fit.breakpoints)])
    assert fit.predict(X) == pytest.approx(curve(start), rel=1e-9)
    jac = np.column_stack([(curve(start + s) - curve(start - s)) / 2e-7 for s in 1e-7 * np.eye(4)])
    expected = np.sqrt(np.diag(np.linalg.inv(jac.T @ jac)) * fit.rss / (X.size - 4))
    parts = (fit.intercept, fit.slopes[1], *fit.breakpoints)
    assert [p.details["stderr"] for p in parts] == pytest.approx(list(expected), rel=1e-5)
    assert value(fit.slope_changes) == pytest.approx([fit.slopes[1].value, -fit.slopes[1].value])
    assert fit.existence_test.p_value <= 0.01


def test_a_constant_has_no_ramp():
    y = 0.2 * np.random.default_rng(2).standard_normal(X.size)
    assert cf.segment((X, y), terminal_slope=0.0, first_slope=0.0).breakpoints == ()
    assert cf.segment((X, y), 2, terminal_slope=0.0, first_slope=0.0).existence_test.p_value > 0.05


def test_every_line_of_a_continuous_fit_passes_through_its_breakpoints():
    rng = np.random.default_rng(3)
    y = 5 - X + 1.5 * np.maximum(X - 3, 0) - np.maximum(X - 7, 0) + 0.1 * rng.standard_normal(X.size)
    fit = cf.segment((X + 4, y), 2)
    for i, place in enumerate(value(fit.breakpoints)):
        before = fit.intercepts[i].value + fit.slopes[i].value * place
        after = fit.intercepts[i + 1].value + fit.slopes[i + 1].value * place
        assert before == pytest.approx(after, abs=1e-9)
        assert fit.slope_changes[i].value == pytest.approx(fit.slopes[i + 1].value - fit.slopes[i].value)
    assert fit.intercepts[0].value == fit.intercept.value
    assert fit.jumps == ()
    for profile, place in zip(fit.profiles, fit.breakpoints, strict=True):
        assert profile.x[int(np.argmin(profile.rss))] == pytest.approx(place.value, rel=1e-6)
        assert profile.rss.min() == pytest.approx(fit.rss, rel=1e-6)
        inside = profile.x[profile.rss <= profile.limit]
        step = np.max(np.diff(profile.x))
        assert [inside.min(), inside.max()] == pytest.approx([place.interval.low, place.interval.high], abs=step)


def test_jumps_are_those_of_separate_least_squares_lines():
    rng = np.random.default_rng(4)
    y = np.where(X < 4, 1 + 0.2 * X, 3 - 0.1 * X) + 0.2 * rng.standard_normal(X.size)
    fit = cf.segment((X, y), continuous=False, noise="white")
    (place,) = fit.breakpoints
    assert place.interval.low < 4 < place.interval.high
    left = place.details["last_before"] >= X
    rss, variances = 0.0, []
    for part, slope, intercept in zip((left, ~left), fit.slopes, fit.intercepts, strict=True):
        matrix = np.column_stack([np.ones(part.sum()), X[part]])
        beta, rest = np.linalg.lstsq(matrix, y[part], rcond=None)[:2]
        rss += float(rest[0])
        assert [intercept.value, slope.value] == pytest.approx(list(beta), rel=1e-8)
        inverse = np.linalg.inv(matrix.T @ matrix)
        at = np.array([1, place.value])
        variances.append(at @ inverse @ at)
        assert [intercept.details["stderr"], slope.details["stderr"]] == pytest.approx(
            list(fit.sigma * np.sqrt(np.diag(inverse))), rel=1e-8
        )
    assert fit.rss == pytest.approx(rss, rel=1e-9)
    assert fit.sigma == pytest.approx(np.sqrt(rss / (X.size - 5)), rel=1e-9)
    assert fit.jumps[0].details["stderr"] == pytest.approx(fit.sigma * np.sqrt(sum(variances)), rel=1e-8)
    assert fit.jumps[0].interval.low < 0.8 < fit.jumps[0].interval.high
    assert np.sum((y - fit.predict(X)) ** 2) == pytest.approx(fit.rss, rel=1e-9)
    every = [
        sum(
            float(np.sum((y[p] - np.polyval(np.polyfit(X[p], y[p], 1), X[p])) ** 2))
            for p in (slice(None, t), slice(t, None))
        )
        for t in range(10, 190)
    ]
    assert fit.rss == pytest.approx(min(every), rel=1e-9)


@pytest.mark.parametrize("options", [{}, {"weights": "tie"}, {"terminal_slope": 0.0}])
def test_jumps_with_weights_and_ties_are_those_of_repeated_points(options):
    rng = np.random.default_rng(5)
    x, n = np.arange(60.0), 60
    y = np.where(x < 25, 0.1 * x, 6.0 + 0.02 * x) + 0.3 * rng.standard_normal(n)
    times = rng.integers(1, 4, n)
    fixed = {k: v for k, v in options.items() if k != "weights"}
    weighted = cf.segment((x, y), 1, weights=times, continuous=False, noise="white", min_size=3, **fixed)
    repeated = cf.segment(
        (np.repeat(x, times), np.repeat(y, times)), 1, continuous=False, noise="white", min_size=3, **fixed
    )
    assert weighted.rss == pytest.approx(repeated.rss, rel=1e-9)
    assert value(weighted.breakpoints) == value(repeated.breakpoints) == [24.5]
    assert value(weighted.slopes) == pytest.approx(value(repeated.slopes), abs=1e-12)
    if fixed:
        assert weighted.slopes[1].value == 0.0


@pytest.mark.parametrize("kind", ["profile_likelihood", "profile_sieve"])
@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_the_place_of_a_jump_is_covered(kind, rho):
    rng = np.random.default_rng(6)
    mean, hits = np.where(X < 4, 1 + 0.2 * X, 2.5 - 0.1 * X), 0
    for _ in range(40):
        y = mean + 0.3 * noise_paths(np.array([rho]), rng.standard_normal((X.size, 1)))[:, 0]
        place = cf.segment((X, y), 1, continuous=False, interval=kind, rng=rng).breakpoints[0].interval
        hits += place.low <= 4 <= place.high
    assert hits >= 32  # 95 % promised; fewer than once in ten thousand studies at 93 %


@pytest.mark.parametrize("loss", ["huber", "student_t"])
def test_a_robust_loss_forgets_outliers(loss):
    rng = np.random.default_rng(7)
    clean = KINK + 0.1 * rng.standard_normal(X.size)
    spoiled = clean.copy()
    spoiled[rng.choice(X.size, 20, replace=False)] += rng.choice([-3.0, 4.0], 20)
    plain = cf.segment((X, spoiled), 1)
    robust = cf.segment((X, spoiled), 1, loss=loss)
    reference = cf.segment((X, clean), 1)
    assert abs(robust.breakpoints[0].value - 6.5) < 0.1 < abs(plain.breakpoints[0].value - 6.5)
    assert robust.breakpoints[0].interval.width < 2 * reference.breakpoints[0].interval.width
    assert robust.breakpoints[0].interval.width < 0.3 * plain.breakpoints[0].interval.width
    assert robust.loss == loss


@pytest.mark.parametrize("loss", ["huber", "student_t"])
def test_a_robust_fit_solves_its_estimating_equations(loss):
    """The pseudo-values are those of an M-estimate: psi of the residuals is orthogonal to the columns."""
    rng = np.random.default_rng(8)
    y = KINK + 0.1 * rng.standard_t(3, X.size)
    fit = cf.segment((X, y), 1, loss=loss)
    r = y - fit.predict(X)
    columns = np.column_stack([np.ones_like(X), X, np.maximum(X - fit.breakpoints[0].value, 0)])
    if loss == "huber":
        scale = 1.4826022185056018 * np.median(np.abs(r)) * np.sqrt(200 / 196)
        psi = np.clip(r / scale, -1.345, 1.345)
    else:
        scale = 0.1
        for _ in range(60):
            scale = np.sqrt(np.mean(5 / (4 + (r / scale) ** 2) * r * r) * 200 / 196)
        psi = 5 * (r / scale) / (4 + (r / scale) ** 2)
    assert np.abs(columns.T @ psi) == pytest.approx(np.zeros(3), abs=2e-3 * 200)
    assert fit.rss > 0


def test_a_robust_loss_changes_little_where_there_is_nothing_to_forget():
    y = KINK + 0.1 * np.random.default_rng(9).standard_normal(X.size)
    plain, robust = cf.segment((X, y), 1), cf.segment((X, y), 1, loss="huber")
    assert robust.breakpoints[0].value == pytest.approx(plain.breakpoints[0].value, abs=0.03)
    assert robust.breakpoints[0].interval.width == pytest.approx(plain.breakpoints[0].interval.width, rel=0.25)
    exact = cf.segment((X, KINK), 1, loss="huber")
    assert exact.breakpoints[0].value == pytest.approx(6.5, abs=1e-6)
    assert exact.status is Status.DEGRADED


def test_heavy_tails_are_dated_more_sharply_by_the_t_law():
    rng = np.random.default_rng(10)
    errors = {"squared": [], "student_t": []}
    hits = dict.fromkeys(errors, 0)
    for _ in range(25):
        y = KINK + 0.15 * rng.standard_t(2.5, X.size)
        for loss in errors:
            place = cf.segment((X, y), 1, loss=loss).breakpoints[0]
            errors[loss].append(abs(place.value - 6.5))
            hits[loss] += place.interval.low <= 6.5 <= place.interval.high
    assert np.mean(errors["student_t"]) < 0.8 * np.mean(errors["squared"])
    assert min(hits.values()) >= 19


def test_noise_that_follows_the_line_is_weighted():
    rng = np.random.default_rng(11)
    mean = 8 - np.minimum(X, 6.5)
    widths, hits = {"auto": [], "heteroscedastic": []}, {"auto": 0, "heteroscedastic": 0}
    for _ in range(25):
        y = mean + 0.03 * np.exp(0.35 * mean) * rng.standard_normal(X.size)
        for noise in widths:
            place = cf.segment((X, y), 1, noise=noise).breakpoints[0].interval
            widths[noise].append(place.width)
            hits[noise] += place.low <= 6.5 <= place.high
    assert np.median(widths["heteroscedastic"]) < 0.8 * np.median(widths["auto"])
    assert min(hits.values()) >= 20
    y = mean + 0.1 * rng.standard_normal(X.size)  # nothing to weight: the same numbers
    one, two = (cf.segment((X, y), 1, noise=n).breakpoints[0].value for n in widths)
    assert one == two


@pytest.mark.parametrize("kind", ["profile_likelihood", pytest.param("profile_sieve", marks=pytest.mark.slow)])
def test_correlated_noise_at_irregular_places_is_allowed_for(kind):
    rng = np.random.default_rng(12)
    hits = {"auto": 0, "white": 0}
    for _ in range(30):
        x = np.sort(np.exp(rng.uniform(np.log(0.5), np.log(10), 150)))
        noise = noise_paths(np.array([0.8]), rng.standard_normal((150, 1)), x)[:, 0]
        y = 5 - 2 * np.minimum(x, 1.5) + 0.1 * noise
        for assumed in hits:
            place = cf.segment((x, y), 1, noise=assumed, interval=kind, rng=rng).breakpoints[0].interval
            hits[assumed] += place.low <= 1.5 <= place.high
    assert hits["auto"] >= 24
    assert hits["white"] <= 20  # negative control


def test_the_correlated_gram_is_that_of_the_full_matrix():
    rng = np.random.default_rng(13)
    x = np.sort(rng.uniform(0, 10, 40))
    columns = rng.standard_normal((40, 3))
    full = 0.7 ** (np.abs(x[:, None] - x[None, :]) / np.median(np.diff(x)))
    assert correlated_gram(columns, 0.7, x) == pytest.approx(columns.T @ full @ columns, rel=1e-9)
    assert correlated_gram(columns, 0.0, x) == pytest.approx(columns.T @ columns, rel=1e-12)


@pytest.mark.parametrize("criterion", ["mbic", "bic", "lwz", "sequential"])
@pytest.mark.parametrize("continuous", [True, False])
def test_every_criterion_finds_one_clear_break_and_none_in_a_line(criterion, continuous):
    rng = np.random.default_rng(14)
    y = (KINK if continuous else np.where(X < 6.5, 1.0, 2.0) - 0.1 * X) + 0.1 * rng.standard_normal(X.size)
    options = {"criterion": criterion, "continuous": continuous, "max_breakpoints": 2}
    fit = cf.segment((X, y), **options)
    assert len(fit.breakpoints) == 1
    assert cf.segment((X, 5 - 0.8 * X + 0.1 * rng.standard_normal(X.size)), **options).breakpoints == ()
    if criterion == "sequential":
        assert [t.p_value <= 0.05 for t in fit.sequential_tests] == [True, False]
    else:
        assert int(np.argmin(fit.criteria)) == 1


def test_prices_are_those_of_their_definitions():
    from curvefit.segmentation._criteria import deviance, price

    n, k = 200, 2
    assert price("bic", n, k, 4, 2.0) == pytest.approx(6 * np.log(200))
    assert price("mbic", n, k, 4, 2.0) == pytest.approx(8 * np.log(200))
    assert price("lwz", n, k, 4, 2.0) == pytest.approx(6 * 0.299 * np.log(200) ** 2.1)
    e = np.random.default_rng(15).standard_normal(50)
    assert deviance(e, False, 0.0) == pytest.approx(50 * np.log(np.mean(e**2)))
    rho = max(float(e[1:] @ e[:-1] / (e @ e)), 0)
    full = rho ** np.abs(np.arange(50)[:, None] - np.arange(50)[None, :])
    expected = 50 * np.log(e @ np.linalg.solve(full, e) / 50) + np.linalg.slogdet(full)[1]
    assert deviance(e, True, 0.0) == pytest.approx(expected, rel=1e-9)


def test_a_step_is_a_jump_between_flat_pieces():
    rng = np.random.default_rng(16)
    y = np.where(X < 4, 1.0, 2.0) + 0.1 * rng.standard_normal(X.size)
    fit = cf.segment((X, y), 1, continuous=False, first_slope=0.0, terminal_slope=0.0)
    assert value(fit.slopes) == [0.0, 0.0]
    left = fit.breakpoints[0].details["last_before"] >= X
    assert fit.jumps[0].value == pytest.approx(y[~left].mean() - y[left].mean(), rel=1e-9)
    with pytest.raises(UsageError):
        cf.segment((X, y), 1, first_slope=0.0, terminal_slope=0.0)
