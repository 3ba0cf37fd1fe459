"""The annealed law against closed forms and against the published sums, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.curves import DataError, Schedule, UsageError
from curvefit.models.annealed import AnnealedLaw, Momentum, MultiPower, Progress

X = np.array([100.0, 1_000.0, 4_000.0, 5_000.0, 5_010.0, 5_500.0, 9_000.0, 10_000.0])


def test_a_constant_rate_progresses_with_x_and_anneals_nothing():
    progress = Progress(Schedule.constant(3e-4, 10_000))
    np.testing.assert_allclose(progress.progress(X), X, rtol=1e-14)
    assert np.all(progress.annealing(X, [Momentum(100.0), MultiPower(30.0)]) == 0)


def test_the_warmup_counts_as_progress_but_not_as_annealing():
    progress = Progress(Schedule.constant(1.0, 10_000, warmup=1_000))
    np.testing.assert_allclose(progress.progress([500, 1_000, 3_000]), [125, 500, 2_500], rtol=1e-12)
    assert np.all(progress.annealing(X, [Momentum(100.0)]) == 0)


def test_progress_is_the_integral_of_the_rate():
    linear = Progress(Schedule.linear(2.0, 10_000, final=0.2))
    np.testing.assert_allclose(linear.progress(X), X - 0.4 * X**2 / 10_000, rtol=1e-12)
    cosine = Progress(Schedule.cosine(2.0, 10_000))
    exact = X / 2 + 10_000 / (2 * np.pi) * np.sin(np.pi * X / 10_000)
    np.testing.assert_allclose(cosine.progress(X), exact, rtol=1e-5)


def test_beyond_the_log_the_rate_stays():
    progress = Progress(Schedule([0, 100], [1.0, 0.5]))
    np.testing.assert_allclose(progress.progress([100, 300]), [75, 175])


def test_a_log_that_starts_late_is_continued_backwards():
    np.testing.assert_allclose(Progress(Schedule([100, 200], [1.0, 1.0])).progress([50, 200]), [50, 200])


@pytest.mark.parametrize("factor", [0.1, 0.5, 0.0])
def test_a_step_down_anneals_geometrically(factor):
    tau = 300.0
    progress = Progress(Schedule.step(1e-3, 10_000, [5_000], factor=factor))
    got = progress.annealing(X, [Momentum(tau)])[0]
    since = np.maximum(X - 5_000, 0)
    np.testing.assert_allclose(got, (1 - factor) * -np.expm1(-since / tau), atol=1e-12)
    # one more step of the momentum sum multiplies what is left by exp(-1 / tau)
    left = (1 - factor) - progress.annealing([6_000, 6_001], [Momentum(tau)])[0]
    assert left[1] / left[0] == pytest.approx(np.exp(-1 / tau), rel=1e-9)


def test_a_linear_decay_has_its_closed_form():
    tau, total = 300.0, 10_000.0
    got = Progress(Schedule.linear(1.0, total)).annealing(X, [Momentum(tau)])[0]
    exact = (X - tau * -np.expm1(-X / tau)) / total  # integral of (1 - exp(-(x - v) / tau)) dv / total
    np.testing.assert_allclose(got, exact, atol=2e-4)


def test_a_step_down_anneals_as_a_power_of_the_progress_since():
    kernel = MultiPower(tau=40.0, beta=0.6, gamma=0.5)
    got = Progress(Schedule.step(1.0, 10_000, [5_000], factor=0.25)).annealing(X, [kernel])[0]
    since = 0.25 * np.maximum(X - 5_000, 0)
    np.testing.assert_allclose(got, 0.75 * (1 - (1 + since / (40 * 0.25**0.5)) ** -0.6), atol=1e-10)


def test_raising_the_rate_again_takes_the_gain_back():
    plan = Schedule.step(1.0, 40_000, [5_000, 10_000], factor=[0.1, 10.0])
    gain = Progress(plan).annealing([9_999, 40_000], [Momentum(100.0)])[0]
    np.testing.assert_allclose(gain, [0.9, 0.0], atol=1e-10)


def test_kappa_shrinks_gains_made_later():
    def gain(at, kappa):
        return Progress(Schedule.step(1.0, 40_000, [at], factor=0.5), 1_000.0).annealing(
            [40_000], [Momentum(10.0)], kappa
        )

    assert gain(4_000, 0.5)[0, 0] == pytest.approx(0.5 * 4**-0.5, rel=1e-6)
    assert gain(16_000, 0.5)[0, 0] == pytest.approx(0.5 * 16**-0.5, rel=1e-6)


def published_multi_power(rate, steps, floor, a, alpha, b, c, beta, gamma):
    """Luo et al.: sums over steps in absolute rates, gaps counted where the rate falls."""
    progress = np.cumsum(rate)
    gaps = np.flatnonzero(np.diff(rate) < 0) + 1
    out = []
    for t in steps:
        k = gaps[gaps < t]
        since = progress[t - 1] - progress[k - 1]
        gain = (rate[k - 1] - rate[k]) * (1 - (1 + c * rate[k] ** -gamma * since) ** -beta)
        out.append(floor + a * progress[t - 1] ** -alpha - b * gain.sum())
    return np.array(out)


def published_momentum(rate, steps, floor, a, alpha, c, decay):
    """Tissue et al.: S2 is the sum of the annealing momentum."""
    momentum = np.zeros(rate.size)
    for i in range(1, rate.size):
        momentum[i] = decay * momentum[i - 1] + max(rate[i - 1] - rate[i], 0.0)
    progress, area = np.cumsum(rate), np.cumsum(momentum)
    return floor + a * progress[steps - 1] ** -alpha - c * area[steps - 1]


PLANS = {
    "cosine": Schedule.cosine(3e-4, 12_000, final=0.1),
    "WSD": Schedule.wsd(3e-4, 12_000, decay=0.2, final=0.1, shape="exponential"),
    "step": Schedule.step(3e-4, 12_000, [8_000], factor=0.3),
}
STEPS = np.array([500, 2_000, 7_999, 8_200, 9_600, 11_000, 12_000])


@pytest.mark.parametrize("name", PLANS)
def test_the_multi_power_form_is_the_published_sum(name):
    plan, peak = PLANS[name], 3e-4
    floor, a, alpha, b, c, beta, gamma = 3.04, 0.525, 0.508, 364.0, 2.07, 0.58, 0.64  # 25M of the paper's repository
    law = AnnealedLaw(floor, a * peak**-alpha, b * peak, alpha, MultiPower(peak ** (gamma - 1) / c, beta, gamma))
    rate = plan.at(np.arange(1, 12_001) - 0.5)
    exact = published_multi_power(rate, STEPS, floor, a, alpha, b, c, beta, gamma)
    np.testing.assert_allclose(law.predict(plan, STEPS), exact, atol=1e-3)


@pytest.mark.parametrize("name", PLANS)
def test_the_momentum_form_is_the_published_sum(name):
    plan, peak, decay = PLANS[name], 3e-4, 0.997
    floor, a, alpha, c = 3.1, 0.5, 0.5, 1.2
    tau = -1 / np.log(decay)
    law = AnnealedLaw(floor, a * peak**-alpha, c * peak / (1 - decay), alpha, Momentum(tau))
    rate = plan.at(np.arange(1, 12_001) - 0.5)
    exact = published_momentum(rate, STEPS, floor, a, alpha, c, decay)
    np.testing.assert_allclose(law.predict(plan, STEPS), exact, atol=1e-3)


LAW = AnnealedLaw(3.0, 0.3, 0.15, 0.45, MultiPower(30.0, 0.5, 0.4), kappa=0.1, unit=10_000.0)


@pytest.mark.parametrize("name", PLANS)
def test_the_unit_of_the_rate_does_not_matter(name):
    plan = PLANS[name]
    scaled = Schedule(plan.x, plan.rate * 1e5)
    np.testing.assert_allclose(LAW.predict(scaled, STEPS), LAW.predict(plan, STEPS), rtol=1e-13)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("law", [LAW, AnnealedLaw(3.0, 0.3, 0.15, 0.45, Momentum(200.0), unit=10_000.0)])
def test_the_unit_of_x_only_rescales_lengths(name, law):
    plan, tokens = PLANS[name], 524_288.0
    scaled = Schedule(plan.x * tokens, plan.rate)
    np.testing.assert_allclose(
        law.rescaled(tokens).predict(scaled, STEPS * tokens), law.predict(plan, STEPS), rtol=1e-9
    )


def test_what_cannot_be_a_law_is_refused():
    with pytest.raises(UsageError, match="is not a law"):
        AnnealedLaw(3.0, 0.3, 0.1, alpha=-0.5, relaxation=Momentum(10.0))
    for make in (lambda: Momentum(0.0), lambda: MultiPower(1.0, beta=0.0), lambda: Momentum(float("nan"))):
        with pytest.raises(UsageError):
            make()
    with pytest.raises(DataError, match="ends at x = 12000, before x = 13000"):
        LAW.predict(PLANS["cosine"], [13_000])
    with pytest.raises(DataError, match="0 everywhere"):
        LAW.predict(Schedule([0, 10], [0, 0]), [5])


def test_cost_grows_with_the_points_not_with_the_log():
    dense = Schedule.from_function(lambda x: 1 + np.cos(np.pi * x / 1e5), 100_000, knots=100_000)
    progress = Progress(dense)
    assert progress._start.size < 150
    sparse = Progress(Schedule.cosine(1.0, 100_000))
    x = np.linspace(1e3, 1e5, 50)
    np.testing.assert_allclose(
        progress.annealing(x, [MultiPower(300.0)]), sparse.annealing(x, [MultiPower(300.0)]), atol=1e-4
    )
