"""Stated schedules against their formulas, and what is refused."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from curvefit.curves import DataError, Schedule, UsageError

X = np.linspace(0, 1_000, 997)

FORMULAS = {
    "constant": (Schedule.constant(2.0, 1_000), lambda x: 2.0 + 0 * x),
    "linear": (Schedule.linear(2.0, 1_000, final=0.25), lambda x: 2 * (1 - 0.75 * x / 1_000)),
    "cosine": (
        Schedule.cosine(2.0, 1_000, final=0.1),
        lambda x: 2 * (0.1 + 0.9 * (1 + np.cos(np.pi * x / 1_000)) / 2),
    ),
    "exponential": (Schedule.exponential(2.0, 1_000, final=0.01), lambda x: 2 * 0.01 ** (x / 1_000)),
    "inverse time": (Schedule.inverse_time(2.0, 1_000, rate=0.005), lambda x: 2 / (1 + 0.005 * x)),
    "inverse square root": (
        Schedule.inverse_sqrt(2.0, 1_000, warmup=100, timescale=100),
        lambda x: np.where(x < 100, 2 * x / 100, 2 * np.sqrt(100 / np.maximum(x, 100))),
    ),
    "WSD": (
        Schedule.wsd(2.0, 1_000, decay=0.3, final=0.1, warmup=50),
        lambda x: 2 * np.minimum(np.minimum(x / 50, 1), np.where(x > 700, 1 - 0.9 * (x - 700) / 300, 1)),
    ),
    "WSD exponential": (
        Schedule.wsd(2.0, 1_000, decay=0.5, final=0.1, shape="exponential"),
        lambda x: 2 * np.where(x > 500, 0.1 ** ((x - 500) / 500), 1),
    ),
    "step": (
        Schedule.step(2.0, 1_000, [300, 600], factor=0.1),
        lambda x: 2 * np.where(x >= 600, 0.01, np.where(x >= 300, 0.1, 1)),
    ),
    "cyclical": (
        Schedule.cyclical(2.0, 1_000, period=250, low=0.2),
        lambda x: 2 * (0.2 + 0.8 * np.abs(1 - 2 * (x % 250) / 250)),
    ),
    "warm restarts": (
        Schedule.warm_restarts(2.0, 1_000, period=300),
        lambda x: 2 * (1 + np.cos(np.pi * (x % 300) / 300)) / 2,
    ),
    "one-cycle": (
        Schedule.one_cycle(2.0, 1_000, warmup=0.25, start=0.1, final=0.0, shape="linear"),
        lambda x: 2 * np.where(x < 250, 0.1 + 0.9 * x / 250, 1 - (x - 250) / 750),
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_stated_schedule_is_its_formula(name: str) -> None:
    schedule, formula = FORMULAS[name]
    np.testing.assert_allclose(schedule.at(X), formula(X), atol=2e-5 * 2.0)
    assert schedule.x[0] == 0 and schedule.x[-1] == 1_000


def test_piecewise_linear_schedules_are_exact() -> None:
    for name in ("constant", "linear", "WSD", "step", "cyclical"):
        schedule, formula = FORMULAS[name]
        np.testing.assert_allclose(schedule.at(X), formula(X), atol=1e-12)


def test_growing_periods_of_warm_restarts() -> None:
    plan = Schedule.warm_restarts(1.0, 700, period=100, growth=2)
    assert plan.at([0, 100, 300]).tolist() == [1.0, 1.0, 1.0]  # periods of 100, 200 and 400
    np.testing.assert_allclose(plan.at([50, 200, 500]), 0.5, atol=1e-4)


@pytest.mark.parametrize("name", ["cosine", "linear", "exponential", "constant"])
def test_a_warmup_comes_before_and_ends_at_the_peak(name: str) -> None:
    plan = getattr(Schedule, name)(3e-4, 1_000, warmup=100, warmup_from=0.1)
    np.testing.assert_allclose(plan.at([0, 50, 100]), [3e-5, 1.65e-4, 3e-4])
    assert plan.warmup_end == 100 and plan.peak == 3e-4


def test_the_warmup_ends_where_the_rate_stops_rising() -> None:
    assert Schedule([0, 1, 2, 3], [1.0, 1.0, 2.0, 1.0]).warmup_end == 2
    assert Schedule([5, 6], [1.0, 1.0]).warmup_end == 5
    assert Schedule.one_cycle(1.0, 100, warmup=0.3).warmup_end == pytest.approx(30)


def test_the_log_is_extended_by_the_plan() -> None:
    log = Schedule([0, 10, 20], [1.0, 1.0, 0.9])
    whole = log.extend(Schedule.linear(1.0, 100))
    assert whole.at(20) == 0.9 and whole.x[-1] == 100 and whole.shape == "linear"
    np.testing.assert_array_equal(whole.until(20).x, log.x)
    with pytest.raises(DataError, match="ends at x = 15, the log at x = 20"):
        log.extend(Schedule.linear(1.0, 15))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Schedule.cosine(0.0, 100), "peak learning rate of 0"),
        (lambda: Schedule.cosine(math.nan, 100), "peak learning rate"),
        (lambda: Schedule.cosine(1.0, 0), "total = 0"),
        (lambda: Schedule.cosine(1.0, 100, final=3e2), "final = 300"),
        (lambda: Schedule.exponential(1.0, 100, final=0.0), "final = 0"),
        (lambda: Schedule.cosine(1.0, 100, warmup=100), "warm-up of 100 in a schedule of 100"),
        (lambda: Schedule.wsd(1.0, 100, decay=0.9, warmup=20), "inside the warm-up"),
        (lambda: Schedule.wsd(1.0, 100, shape="cosin"), "Did you mean 'cosine'"),
        (lambda: Schedule.step(1.0, 100, [60, 30]), "drops at"),
        (lambda: Schedule.step(1.0, 100, [30], factor=-1), "factor = -1"),
        (lambda: Schedule.warm_restarts(1.0, 100, period=10, growth=0.1), "periods shrink"),
        (lambda: Schedule.inverse_sqrt(1.0, 100, warmup=0), "timescale = 0"),
        (lambda: Schedule.from_function(lambda x: 1 / x, 100), "not finite at x = 0"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(make: Callable[[], Schedule], words: str) -> None:
    with pytest.raises((UsageError, DataError), match=words), np.errstate(divide="ignore"):
        make()


def test_zero_negative_short_and_empty_schedules_say_so() -> None:
    with pytest.raises(DataError, match=r"-0\.1 at x = 2 is negative"):
        Schedule([1, 2], [0.1, -0.1])
    with pytest.raises(DataError, match="0 everywhere"):
        Schedule([0, 10], [0.0, 0.0]).require(5)
    with pytest.raises(DataError, match="ends at x = 100, before x = 200"):
        Schedule.cosine(1.0, 100).require(200)
    for use in (lambda s: s.require(1), lambda s: s.at(1), lambda s: s.warmup_end):
        with pytest.raises(DataError, match="empty"):
            use(Schedule([], []))
    Schedule.cosine(1.0, 100).require(100)


def test_drops_of_a_stated_step_schedule_are_changes_and_smooth_decays_are_none() -> None:
    found = Schedule.step(1.0, 100, [30, 60], factor=0.1).changes()
    assert [round(c.x, 6) for c in found] == [30, 60] and found[0].ratio == pytest.approx(0.1)
    for plan in (Schedule.cosine(1.0, 100), Schedule.linear(1.0, 100), Schedule.exponential(1.0, 100, final=0.01)):
        assert plan.changes() == ()


def test_a_schedule_survives_pickling() -> None:
    plan = Schedule.wsd(1.0, 100)
    again = pickle.loads(pickle.dumps(plan))
    np.testing.assert_array_equal(again.rate, plan.rate)
    assert again.shape == plan.shape and not again.rate.flags.writeable
