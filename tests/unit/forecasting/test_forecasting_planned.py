"""The rest of a schedule is recognized from its log, and what the log cannot tell is carried as probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.curves import DataError, Schedule
from curvefit.forecasting.planned import continuations

T = 1_000.0
LOGGED = np.linspace(0, T, 201)

# name: (schedule, shares of the run from which on the rest is known)
RECOGNIZED = {
    "cosine to 0": (Schedule.cosine(3e-4, T, warmup=50), (0.2, 0.5, 0.8)),
    "cosine to 10 %": (Schedule.cosine(3e-4, T, final=0.1, warmup=50), (0.2, 0.5, 0.8)),
    "linear to 0": (Schedule.linear(1e-3, T, warmup=20), (0.1, 0.5, 0.8)),
    "linear to 5 %": (Schedule.linear(1e-3, T, final=0.05), (0.1, 0.5, 0.8)),
    "exponential": (Schedule.exponential(0.1, T, final=0.01), (0.1, 0.5, 0.8)),
    "inverse time": (Schedule.inverse_time(0.1, T, rate=0.01), (0.1, 0.5, 0.8)),
    "inverse square root": (Schedule.inverse_sqrt(0.1, T, warmup=100), (0.2, 0.5, 0.8)),
    "WSD, linear": (Schedule.wsd(1.0, T, decay=0.3), (0.75, 0.8, 0.9)),
    "WSD, cosine": (Schedule.wsd(1.0, T, decay=0.5, shape="cosine"), (0.6, 0.8)),
    "WSD, exponential": (Schedule.wsd(1.0, T, decay=0.5, final=0.1, shape="exponential"), (0.6, 0.8)),
    "WSD, 1 - sqrt": (Schedule.wsd(1.0, T, decay=0.5, shape="sqrt"), (0.6, 0.8)),
    "regular steps": (Schedule.step(0.1, T, [200, 400, 600, 800], factor=0.5), (0.5, 0.7)),
    "one-cycle": (Schedule.one_cycle(1.0, T), (0.5, 0.8)),
    "triangles": (Schedule.cyclical(1.0, T, period=200), (0.3, 0.5, 0.8)),
    "growing restarts": (Schedule.warm_restarts(1.0, T, period=100, growth=2), (0.5, 0.8)),
}


def rest(schedule: Schedule, share: float) -> tuple[float, float]:
    """Probability of the best continuation, and the mean error of its rate as a share of the peak."""
    log = Schedule(LOGGED, schedule.at(LOGGED)).until(share * T)
    best = continuations(log, T, T)[0]
    ahead = np.linspace(share * T, T, 101)
    return best.probability, float(np.mean(np.abs(best.schedule.at(ahead) - schedule.at(ahead)))) / schedule.peak


@pytest.mark.parametrize("name", RECOGNIZED)
def test_the_rest_is_recognized(name):
    schedule, shares = RECOGNIZED[name]
    for share in shares:
        probability, error = rest(schedule, share)
        assert probability >= 0.6, share
        assert error < 0.01, share


@pytest.mark.parametrize("decimals", [5, 6])
def test_rounded_logs_are_recognized_within_their_rounding(decimals):
    plan = Schedule.cosine(3e-4, T, final=0.1)
    log = Schedule(LOGGED, np.round(plan.at(LOGGED), decimals)).until(0.5 * T)
    best = continuations(log, T, T)[0]
    assert abs(best.schedule.at(T) / 3e-4 - 0.1) < 0.03


def test_a_log_that_starts_after_the_warmup_is_recognized():
    plan = Schedule.cosine(3e-4, T, final=0.1, warmup=100)
    x = np.linspace(100, 500, 81)
    assert continuations(Schedule(x, plan.at(x)), T, T)[0].schedule.at(T) == pytest.approx(3e-5, rel=0.03)


def test_a_constant_rate_may_stay_or_decay():
    log = Schedule.constant(1.0, T, warmup=50).until(T)
    log = Schedule(LOGGED, log.at(LOGGED)).until(500)
    ways = continuations(log, T, T)
    assert sum(w.probability for w in ways) == pytest.approx(1)
    ends = {round(float(w.schedule.at(T)), 6) for w in ways}
    assert ends == {0.0, 1.0}
    assert ways[0].words == "constant" and 0.4 <= ways[0].probability <= 0.6
    # a decay that would already have begun is ruled out
    later = continuations(Schedule(LOGGED, np.ones(201)).until(850), T, T)
    assert {w.words for w in later} == {"constant", "constant, then linear to 0 over the last 10 % of the run"}


def test_without_a_planned_end_a_constant_rate_stays():
    ways = continuations(Schedule([0, 10], [1.0, 1.0]), 100)
    assert [w.words for w in ways] == ["constant"] and ways[0].schedule.at(100) == 1.0


def test_without_a_planned_end_a_cosine_shows_its_own_after_the_middle():
    plan = Schedule.cosine(1.0, T)
    log = Schedule(LOGGED, plan.at(LOGGED)).until(700)
    best = continuations(log, T)[0]
    assert best.words.startswith("cosine")
    assert np.max(np.abs(best.schedule.at(LOGGED) - plan.at(LOGGED))) < 0.02


def test_an_early_cosine_is_several_schedules():
    log = Schedule(LOGGED, Schedule.cosine(1.0, T, final=0.1).at(LOGGED)).until(50)
    ways = continuations(log, T, T)
    assert len(ways) > 2 and max(w.probability for w in ways) < 0.8
    mean = sum(w.probability * float(w.schedule.at(T)) for w in ways)
    assert 0.0 < mean < 0.3


def test_earlier_runs_say_how_a_constant_rate_goes_on():
    log = Schedule(LOGGED, np.ones(201)).until(500)
    earlier = [Schedule.wsd(7.0, 5_000, decay=0.25), Schedule.wsd(3.0, 5_000, decay=0.25), Schedule.cosine(1.0, 5_000)]
    best = continuations(log, T, T, earlier)[0]
    assert best.probability == pytest.approx(0.8) and best.words == "as in 2 earlier runs"
    np.testing.assert_allclose(best.schedule.at([700, 875, 1_000]), [1.0, 0.5, 0.0], atol=0.01)
    # one that disagrees with the log so far is none
    assert continuations(log, T, T, [Schedule.cosine(1.0, 5_000)])[0].words == "constant"


def test_a_rate_that_is_still_rising_says_nothing():
    log = Schedule(LOGGED, Schedule.one_cycle(1.0, T).at(LOGGED)).until(200)
    assert continuations(log, T, T) == ()


def test_a_log_that_is_long_enough_is_not_continued():
    log = Schedule.cosine(1.0, T)
    ways = continuations(log, T / 2, T)
    assert len(ways) == 1 and ways[0].words == "logged" and ways[0].schedule is log


def test_an_unknown_shape_is_said_to_be_one():
    x = np.linspace(0, 600, 61)
    log = Schedule(x, 1 - 0.5 * (x / 600) ** 6)
    best = continuations(log, T, T)[0]
    assert best.words.startswith("unrecognized")
    assert 0 <= best.schedule.at(T) <= log.at(600)


@pytest.mark.parametrize(("x", "rate"), [([], []), ([0, 1], [0.0, 0.0])])
def test_nothing_logged_is_an_error(x, rate):
    with pytest.raises(DataError):
        continuations(Schedule(x, rate), 10.0)


@pytest.mark.parametrize("name", RECOGNIZED)
def test_the_log_itself_is_never_changed_and_rates_stay_possible(name):
    schedule, _ = RECOGNIZED[name]
    for share in (0.01, 0.15, 0.35, 0.62, 0.99):
        log = Schedule(LOGGED, schedule.at(LOGGED)).until(share * T)
        for way in continuations(log, T, T):
            np.testing.assert_array_equal(way.schedule.until(share * T).rate, log.rate)
            assert np.all(way.schedule.rate >= 0) and way.schedule.peak <= log.peak * (1 + 1e-12)
            assert way.schedule.x[-1] == T


@pytest.mark.parametrize("plan", [Schedule.cosine(1e-3, 400, final=0.1), Schedule.linear(1e-3, 400, warmup=50)])
def test_a_decay_that_has_ended_stays_ended(plan):
    x = np.arange(1.0, 601.0)
    (only,) = continuations(Schedule(x, plan.at(x)), 1_000, 1_000)
    assert only.words == "stays where its decay has ended"
    assert only.schedule.at(900) == pytest.approx(plan.at(600))


def test_a_decay_in_stairs_goes_on_between_its_steps():
    x = np.arange(1.0, 595.0)
    stairs = 0.5 * (1 + np.cos(np.pi * np.floor(x / 20) * 20 / 1_000))
    found = continuations(Schedule(x, stairs), 1_000, 1_000)
    assert all(c.schedule.at(1_000) < 0.8 * stairs[-1] for c in found)


@pytest.mark.parametrize("seen", [210, 230, 300, 500, 900, 990])
def test_a_decay_of_which_no_single_step_shows_is_recognized(seen):
    plan = Schedule.cosine(1e-3, T, warmup=200)
    x = np.arange(0.0, 1_000.0, 0.01)  # logged a hundred times more often
    log = Schedule(x, plan.at(x)).until(seen)
    ways = continuations(log, T, T)
    assert not any("has ended" in w.words for w in ways)
    if seen >= 300:
        mean = sum(w.probability * w.schedule.at(LOGGED) for w in ways)
        assert np.max(np.abs(mean - plan.at(LOGGED))) < 0.03e-3


def test_the_first_move_of_a_rate_is_no_end_of_a_decay():
    x = np.arange(0.0, 212.0)
    share = np.where(x < 200, x / 200, 1 - 2e-7 * np.maximum(x - 200, 0))  # 2.2e-6 in eleven steps
    ways = continuations(Schedule(x, 1e-3 * share), T, T)
    assert ways and sum(w.probability for w in ways) == pytest.approx(1)
