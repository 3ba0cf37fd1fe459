"""Double descent: the closed-form search is least squares, bumps are described, and noise is not one."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.curves import Curve, DataError, Status, UsageError
from curvefit.segmentation._bump_checks import largest_rise, rise_p_value, rise_score, seed_noise
from curvefit.segmentation._bump_design import BumpDesign, whiten
from curvefit.segmentation._bump_noise import correlation, slope
from curvefit.segmentation._noise import noise_paths, noise_sd, noise_slope, raw_lag1, sd_with_slope
from curvefit.segmentation.bump import _features, double_descent

N = 200
X = np.linspace(0.05, 10, N)
LAW = 1 + 3 * np.exp(-X / 2.5)
BUMP = np.exp(-0.5 * ((X - 6) / 0.6) ** 2)


@pytest.fixture(scope="module")
def design() -> BumpDesign:
    return BumpDesign.on(X / 10, X / 10)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_search_is_least_squares(design, rho):
    rng = np.random.default_rng(1)
    y = (LAW + 0.5 * BUMP + 0.1 * rng.standard_normal(N))[:, None]
    found = design.fit(y, rho)

    def rss(columns: list[np.ndarray]) -> float:
        matrix = whiten(np.column_stack(columns), rho)
        response = whiten(y, rho)[:, 0]
        return float(np.sum((response - matrix @ np.linalg.lstsq(matrix, response, rcond=1e-10)[0]) ** 2))

    bases = [[np.ones(N), design.laws[:, g], *design.tangents[g].T] for g in range(design.laws.shape[1])]
    alone = [rss(base) for base in bases]
    assert found.rss0[0] == pytest.approx(alone[int(found.law0[0])], rel=1e-7)
    assert found.rss0[0] <= min(alone) * (1 + 1e-7)
    base = bases[int(found.law[0])]
    assert found.rss1[0] == pytest.approx(rss([*base, design.bumps[:, int(found.place[0])]]), rel=1e-6)
    best = min(rss([*base, design.bumps[:, m]]) for m in range(0, design.bumps.shape[1], 3))
    assert found.rss1[0] <= best * (1 + 1e-6)
    assert found.statistic(N)[0] == pytest.approx(N * np.log(found.rss0[0] / found.rss1[0]), rel=1e-12)


def test_many_responses_are_searched_as_one_by_one(design):
    rng = np.random.default_rng(2)
    many = LAW[:, None] + 0.2 * rng.standard_normal((N, 4))
    together = design.fit(many, 0.3)
    for j in range(4):
        alone = design.fit(many[:, [j]], 0.3)
        assert (alone.law[0], alone.place[0]) == (together.law[j], together.place[j])
        assert alone.rss1[0] == pytest.approx(together.rss1[j], rel=1e-10)


def test_a_bump_between_the_nodes_of_the_grid_is_reached_by_steps(design):
    y = LAW + 0.5 * BUMP
    found = design.fit(y[:, None])
    coarse = y - design.curve(y, int(found.law[0]), int(found.place[0]))
    curve, center, width = design.refined(y, int(found.law[0]), int(found.place[0]), 0.0, 30)
    assert np.std(y - curve) < 0.4 * np.std(coarse)
    assert center == pytest.approx(0.6, abs=0.005)
    assert width == pytest.approx(0.06, rel=0.05)


def test_features_of_a_known_curve():
    at = np.linspace(0, 4 * np.pi, 400)
    peak, low, recovery, height, prominence = _features(at, np.cos(at), 2 * np.pi, 1.5)
    assert [peak, low, recovery] == pytest.approx([2 * np.pi, np.pi, 3 * np.pi], abs=1e-2)
    assert [height, prominence] == pytest.approx([2, 2], abs=1e-3)
    assert np.all(np.isnan(_features(at, -at, 6.0, 1.0)))
    assert np.isnan(_features(at[:250], np.cos(at[:250]), 2 * np.pi, 1.5)[2])  # not back within the data


@pytest.mark.parametrize("rho", [0.0, 0.7, 0.95])
def test_noise_paths_have_unit_variance_and_their_correlation(rho):
    paths = noise_paths(np.full(4000, rho), np.random.default_rng(3).standard_normal((60, 4000)))
    assert np.var(paths[0]) == pytest.approx(1, abs=0.1)
    assert np.var(paths[-1]) == pytest.approx(1, abs=0.1)
    assert np.mean(paths[1:] * paths[:-1]) == pytest.approx(rho, abs=0.03)


def test_noise_that_follows_the_curve_is_seen_and_constant_noise_left_alone():
    rng = np.random.default_rng(4)
    z = rng.standard_normal(N)
    assert np.ptp(noise_sd(0.1 * z, LAW, 0)) == 0
    assert noise_sd(0.1 * z, LAW, 0)[0] == pytest.approx(0.1, rel=0.1)
    followed = noise_sd(0.1 * np.exp(0.4 * LAW) * z, LAW, 0)
    assert followed[0] / followed[-1] == pytest.approx(np.exp(0.4 * np.ptp(LAW)), rel=0.4)


def test_the_slope_of_the_variance_that_the_search_swallowed_is_given_back(design):
    rng = np.random.default_rng(6)
    shape = 0.05 * LAW  # four times as large at the top
    truth, _ = noise_slope(shape, LAW)
    raw, back = [], []
    for _ in range(12):
        y = LAW + shape * rng.standard_normal(N)
        fit = design.fit(y[:, None])
        rest = y - design.curve(y, int(fit.law[0]), int(fit.place[0]), steps=3)
        found, error = slope(design, LAW, noise_sd(rest, LAW, 5), rest, 0.0, rng)
        if error > 0:  # a slope is seen
            assert error == pytest.approx(0.16, abs=0.05)
            raw.append(noise_slope(rest, LAW)[0])
            back.append(found)
    assert len(back) >= 8
    assert np.mean(raw) < np.mean(back) - 0.02, "without what is given back the residuals are too even"
    assert abs(np.mean(back) - truth) < abs(np.mean(raw) - truth)
    even = 0.1 * rng.standard_normal(N)
    assert slope(design, LAW, np.full(N, 0.1), even, 0.0, rng) == (0.0, 0.0)


def test_many_slopes_are_each_alone():
    rest = 0.1 * np.random.default_rng(7).standard_normal(N)
    many = sd_with_slope(rest, LAW, 5, np.array([0.0, 0.5, -0.3]))
    alone = np.column_stack([sd_with_slope(rest, LAW, 5, b) for b in (0.0, 0.5, -0.3)])
    np.testing.assert_allclose(many, alone, rtol=1e-12)
    assert np.mean((rest / many[:, 1]) ** 2) == pytest.approx((N - 5) / N)


@pytest.mark.parametrize("rho", [0.0, 0.7, 0.9])
def test_the_correlation_that_the_search_swallowed_is_given_back(design, rho):
    rng = np.random.default_rng(5)
    back, raw = [], []
    for _ in range(4):
        y = LAW + 0.1 * noise_paths(np.array([rho]), rng.standard_normal((N, 1)))[:, 0]
        fit = design.fit(y[:, None])
        rest = y - design.curve(y, int(fit.law[0]), int(fit.place[0]), steps=3)
        found, error = correlation(design, LAW, np.full(N, 0.1), rest, rng)
        back.append(found)
        raw.append(raw_lag1(rest))
        assert 0 < error < 0.3
    assert np.mean(back) == pytest.approx(rho, abs=0.12)
    if rho > 0:
        assert np.mean(raw) < np.mean(back)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_a_bump_is_found_and_described(rho):
    rng = np.random.default_rng(6)
    noise = noise_paths(np.array([rho]), rng.standard_normal((N, 1)))[:, 0]
    curve = LAW + 1.0 * BUMP
    found = double_descent((X, curve + 0.1 * noise))
    assert found.verdict == "present"
    assert found.p_value <= 0.05
    truth = X[int(np.argmax(np.where(X > 5, curve, 0)))]
    assert found.peak.value == pytest.approx(truth, abs=0.25)
    assert found.peak.interval.low <= found.peak.value <= found.peak.interval.high
    assert found.first_minimum.value < found.peak.value < found.recovery.value
    assert found.prominence.value == pytest.approx(curve[X > 5].max() - curve[X < 6].min(), rel=0.3)
    assert found.max_rise > 3
    assert found.rho == pytest.approx(rho, abs=0.25)


def test_a_falling_curve_has_none_and_scale_changes_nothing():
    rng = np.random.default_rng(7)
    y = LAW + 0.1 * rng.standard_normal(N)
    found = double_descent((X, y))
    assert found.verdict == "absent"
    assert found.p_value > 0.05
    assert found.peak is None
    again = double_descent((X, 30 + 1e-3 * y))
    assert again.p_value == pytest.approx(found.p_value)
    assert again.statistic == pytest.approx(found.statistic, rel=1e-6)


def test_a_dip_of_what_should_rise_is_the_same_upside_down():
    rng = np.random.default_rng(8)
    y = LAW + BUMP + 0.1 * rng.standard_normal(N)
    down, up = double_descent((X, y)), double_descent((X, -y), direction="max")
    assert up.verdict == down.verdict == "present"
    assert up.peak.value == pytest.approx(down.peak.value)
    curve = Curve(X, 1 / (1 + np.exp(y - 2)), "accuracy", x_unit="epoch")
    assert double_descent(curve).peak.unit == "epoch"


def test_a_bump_on_a_logarithmic_axis():
    rng = np.random.default_rng(9)
    x = np.geomspace(1, 1000, N)
    y = 1 + 2 * x**-0.5 + 0.6 * np.exp(-0.5 * (np.log(x / 60) / 0.35) ** 2) + 0.05 * rng.standard_normal(N)
    found = double_descent((x, y))
    assert found.verdict == "present"
    assert found.peak.value == pytest.approx(60, rel=0.1)
    assert found.peak.interval.low > 0


def test_seeds_are_pooled():
    rng = np.random.default_rng(10)
    seeds = [(X, LAW + 0.25 * BUMP + 0.2 * rng.standard_normal(N)) for _ in range(12)]
    one, all_ = double_descent(seeds[0]), double_descent(seeds)
    assert all_.verdict == "present"
    assert all_.statistic > one.statistic
    assert "12 seeds" in all_.method


def test_the_deviations_of_many_seeds_are_the_noise():
    rng = np.random.default_rng(12)

    def seeds(height: float) -> list[tuple[np.ndarray, np.ndarray]]:
        noise = 0.2 * noise_paths(np.full(10, 0.9), rng.standard_normal((N, 10)))
        return [(X, LAW + height * BUMP + e) for e in noise.T]

    found = double_descent(seeds(0.4))
    assert found.verdict == "present"
    assert "seed bootstrap" in found.method
    truth = X[int(np.argmax(np.where(X > 5, LAW + 0.4 * BUMP, 0)))]
    assert found.peak.value == pytest.approx(truth, abs=0.35)
    assert found.rho == pytest.approx(0.9, abs=0.06)
    assert double_descent(seeds(0.0)).p_value > 0.05


def test_noise_from_seeds_has_their_covariance():
    rng = np.random.default_rng(13)
    e = rng.standard_normal((5, 8))
    e -= e.mean(axis=1, keepdims=True)
    paths = seed_noise(e, 40_000, rng)
    assert paths @ paths.T / 40_000 == pytest.approx(e @ e.T / (8 * 7), abs=0.01)


def test_the_screen_is_closed_form_and_lets_every_rise_through():
    rng = np.random.default_rng(14)
    x = np.arange(1.0, 1001)
    falling = 1 + 3 * x**-0.5
    found = double_descent((x, falling + 0.002 * rng.standard_normal(1000)))
    assert found.verdict == "absent"
    assert found.method.startswith("screened")
    ones = np.ones(N)
    for height in (3.0, 6.0):
        for center in (2.0, 6.0, 9.0):
            bump = np.exp(-0.5 * ((X - center) / 0.6) ** 2)
            for _ in range(5):
                assert rise_score(1 - 0.02 * X + 0.1 * height * bump + 0.1 * rng.standard_normal(N), ones) > 1
    assert rise_score(5 - X + 0.01 * rng.standard_normal(N), ones) < 1


def test_the_largest_rise_is_that_of_a_loop():
    y = np.random.default_rng(15).standard_normal((60, 2)).cumsum(axis=0)
    found = largest_rise(y)
    for row, w in enumerate((2, 3)):
        mean = np.array([y[i : i + w].mean(axis=0) for i in range(61 - w)])
        expected = [max(mean[j, b] - mean[i, b] for i in range(61 - w) for j in range(i, 61 - w)) for b in range(2)]
        assert found[row] == pytest.approx(expected)
    assert rise_p_value(y[:, 0], y) == 1.0  # each of two series rises as far as one of them


def test_the_p_value_of_a_rise_counts_both_windows():
    worlds = np.random.default_rng(17).standard_normal((60, 199))
    assert rise_p_value(np.r_[-5.0, -5.0, np.zeros(56), 5.0, 5.0], worlds) == pytest.approx(2 / 200)
    assert rise_p_value(np.linspace(1.0, 0.0, 60), worlds) == 1.0


def test_a_peak_of_two_points_stands_out_and_a_single_wild_point_does_not():
    x = np.arange(1.0, 65.0)
    rng = np.random.default_rng(16)
    quiet = 0.1 + 0.6 / x + 0.02 * rng.standard_normal(64)
    peak, wild = quiet.copy(), quiet.copy()
    peak[2:4] += (1.1, 0.6)
    wild[2] += 0.05
    found = double_descent((x, peak))
    assert found.verdict == "present"
    assert 2.5 <= found.peak.value <= 4.5
    assert double_descent((x, wild)).verdict != "present"


def test_the_check_without_a_shape_agrees_where_it_is_clear():
    rng = np.random.default_rng(16)
    found = double_descent((X, LAW + 1.5 * BUMP + 0.1 * rng.standard_normal(N)))
    assert found.max_rise_p_value <= 0.05
    assert found.null.size == 199
    assert found.p_value == pytest.approx((1 + np.sum(found.null >= found.statistic)) / 200)
    assert np.sqrt(np.mean((found.curve - LAW - 1.5 * BUMP) ** 2)) < 0.05
    assert np.sum((found.law - LAW - 1.5 * BUMP) ** 2) > np.sum((found.curve - LAW - 1.5 * BUMP) ** 2)
    assert np.array_equal(found.x, X)


def test_two_time_scales_are_found_where_they_made_the_curve():
    rng = np.random.default_rng(17)
    t = np.arange(1.0, 301)
    fast, slow = np.exp(-t / 6), np.exp(-t / 120)
    truth = 0.1 + fast**2 + 1.2 * (1 - fast) ** 2 + slow**2
    found = double_descent((t, truth + 0.03 * rng.standard_normal(300)), form="two_scale")
    two = found.two_scale
    assert two.p_value <= 0.05
    assert two.times[0] == pytest.approx(6, rel=0.6)
    assert two.coefficients[2] > 0.5
    assert min(two.coefficients[1:]) >= 0
    assert np.sqrt(np.mean((two.curve - np.interp(found.x, t, truth)) ** 2)) < 0.05
    none = double_descent((t, 0.1 + fast**2 + slow**2 + 0.03 * rng.standard_normal(300)), form="two_scale")
    assert none.two_scale is None or none.two_scale.p_value > 0.05


def test_a_monotone_curve_that_no_law_describes_is_no_bump():
    rng = np.random.default_rng(17)
    t = np.arange(1.0, 301)
    two_exponentials = 0.1 + np.exp(-t / 3) + np.exp(-t / 60)
    verdicts = [double_descent((t, two_exponentials + 0.03 * rng.standard_normal(300))).verdict for _ in range(5)]
    assert "present" not in verdicts


def test_model_sizes_are_a_logarithmic_axis():
    rng = np.random.default_rng(18)
    width = np.unique(np.geomspace(1, 64, 24).round(1))
    error = 0.1 + 0.5 * width**-0.7 + 0.25 * np.exp(-0.5 * (np.log(width / 10) / 0.25) ** 2)
    found = double_descent((width, error + 0.01 * rng.standard_normal(width.size)))
    assert found.verdict == "present"
    assert found.peak.value == pytest.approx(10, rel=0.15)


def test_poor_data_is_said_to_be_poor():
    assert double_descent((X, np.full(N, 2.0))).status is Status.CONSTANT
    few = double_descent((X[:8], LAW[:8]))
    assert (few.verdict, few.status) == ("undecided", Status.TOO_FEW_POINTS)
    exact = double_descent((X, 5 - X))
    assert (exact.verdict, exact.status) == ("undecided", Status.DEGRADED)


@pytest.mark.parametrize(
    ("data", "options", "error"),
    [
        (([1, 2, 3], [1, 2]), {}, DataError),
        (([], []), {}, DataError),
        ((X, np.full(N, np.nan)), {}, DataError),
        ((X - 5, LAW), {"axis": "log"}, DataError),
        ((X, LAW * 1e200), {}, DataError),
        ((X, LAW), {"axis": "sqrt"}, UsageError),
        ((X, LAW), {"direction": "up"}, UsageError),
        ((X, LAW), {"form": "three_scale"}, UsageError),
        ((X, LAW), {"alpha": 0.0}, UsageError),
        ((X, LAW), {"replicates": 10}, UsageError),
    ],
)
def test_what_cannot_be_done_is_refused(data, options, error):
    with pytest.raises(error):
        double_descent(data, **options)


def test_where_no_bump_rises_the_law_alone_is_given(design):
    found = design.fit((5 - X)[:, None])
    assert found.place[0] == -1
    assert found.law[0] == found.law0[0]
    assert design.curve(5 - X, int(found.law[0]), -1) == pytest.approx(5 - X, abs=1e-9)


def test_seeds_at_different_x_are_compared_where_they_share_them():
    rng = np.random.default_rng(3)
    y = LAW + BUMP
    first, second = (y + 0.02 * rng.standard_normal(N) for _ in range(2))
    found = double_descent([(X, first), (X[:150], second[:150])])
    assert found.verdict == "present" and found.x[-1] == X[149]
    with pytest.raises(DataError, match="share 0 of at most 100 x"):
        double_descent([(X[::2], first[::2]), (X[1::2], second[1::2])])


def test_copies_of_a_run_are_one_run():
    y = LAW + BUMP + 0.05 * np.random.default_rng(4).standard_normal(N)
    once, thrice = double_descent((X, y)), double_descent([(X, y)] * 8)
    assert thrice.p_value == pytest.approx(once.p_value) and "seeds" not in thrice.method
    assert thrice.peak.interval.low == pytest.approx(once.peak.interval.low, rel=1e-9)


def test_seeds_of_different_metrics_are_refused():
    with pytest.raises(DataError, match="not runs of one metric"):
        double_descent([Curve(X, LAW, "val_loss"), Curve(X, LAW / 10, "val_accuracy")])
