"""Where a learning rate will have come down, from the part of its schedule that is logged."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit import Schedule
from curvefit.forecasting.planned.ending import decay_end, default_horizon


def logged(schedule, until, every=1, digits=None):
    x = np.arange(1.0, until + 1, every)
    rate = schedule.at(x)
    return Schedule(x, rate if digits is None else np.round(rate, digits))


@pytest.mark.parametrize(
    ("schedule", "cuts"),
    [
        (Schedule.cosine(1e-3, 600), (150, 300, 590)),
        (Schedule.cosine(1e-3, 600, final=0.1, warmup=30), (150, 300, 550)),
        (Schedule.linear(1e-3, 600), (150, 300, 550)),
        (Schedule.wsd(1e-3, 600), (510, 550)),
        (Schedule.one_cycle(1e-3, 600), (250, 450)),
    ],
    ids=["cosine", "cosine to a tenth", "linear", "stable, then decay", "one cycle"],
)
def test_the_end_of_a_decay_is_read_off_its_course(schedule, cuts):
    for cut in cuts:
        assert decay_end(logged(schedule, cut), cut) == pytest.approx(600, rel=2e-3)


def test_rarely_logged_and_rounded_rates_give_the_same_end_or_none():
    sparse = logged(Schedule.cosine(1e-3, 9536, warmup=300), 4500, every=15)
    assert decay_end(sparse, 4500) == pytest.approx(9536, rel=0.01)
    assert decay_end(logged(Schedule.linear(1e-3, 600), 300, digits=6), 300) == pytest.approx(600, rel=0.01)
    for digits in (5, 6):
        assert decay_end(logged(Schedule.cosine(1e-3, 600), 150, every=5, digits=digits), 150) is None


@pytest.mark.parametrize(
    ("schedule", "until"),
    [
        (Schedule.constant(1e-3, 600), 300),
        (Schedule.exponential(1e-3, 600), 300),
        (Schedule.inverse_sqrt(1e-3, 600, warmup=10), 300),
        (Schedule.wsd(1e-3, 600), 300),
        (Schedule.cosine(1e-3, 600, warmup=60), 40),
        (Schedule.cosine(1e-3, 300), 500),
        (Schedule.step(1e-3, 600, at=[100, 200]), 250),
    ],
    ids=["constant", "exponential", "inverse square root", "stable", "warm-up", "over", "steps"],
)
def test_no_end_is_made_up(schedule, until):
    assert decay_end(logged(schedule, until), until) is None
    assert decay_end(None, until) is None


def test_a_stated_schedule_ends_where_it_rests():
    assert decay_end(Schedule.cosine(1e-3, 600), 300) == 600
    assert decay_end(Schedule.linear(1e-3, 600), 300) == 600
    assert decay_end(Schedule.constant(1e-3, 600), 300) is None


def run_of(schedule, until=300, horizon=None):
    x = np.arange(1.0, until + 1)
    y = 1 + 2 * x**-0.5 + 0.02 * np.random.default_rng(0).standard_normal(until)
    return cf.Run("r", {"val_loss": cf.Curve(x, y, metric="val_loss")}, schedule=schedule, horizon=horizon)


def test_a_plan_comes_before_a_decay_and_a_decay_before_twice_the_data():
    cosine = logged(Schedule.cosine(1e-3, 400), 300)
    curve = run_of(cosine)["val_loss"]
    assert default_horizon(run_of(cosine, horizon=450), curve) == (450, "planned")
    assert default_horizon(run_of(cosine), curve) == (400, "decay")
    assert default_horizon(run_of(cosine, horizon=250), curve) == (600, "twice")
    assert default_horizon(run_of(None), curve) == (600, "twice")


@pytest.mark.parametrize(
    ("x", "unit", "horizon"),
    [
        (np.arange(100_000.0, 105_000.0, 50), "step", 109_900),  # twice what was logged, not twice the counter
        (np.arange(100_000.0, 105_000.0, 50), "second", 209_900),
        (np.arange(2_000.0, 5_000.0, 50), "step", 9_900),  # only the warmup is missing
        (np.array([1_000.0, 1_100.0]), "step", 2_200),
        (np.arange(-100.0, 100.0, 10), "step", 280),
        (np.array([7.0]), "step", 14),
    ],
)
def test_twice_the_data_of_a_log_that_begins_late(x, unit, horizon):
    curve = cf.Curve(x, 1 + 1 / (x - x[0] + 1), "val_loss", x_unit=unit)
    run = cf.Run("r", {"val_loss": curve})
    assert default_horizon(run, curve) == (horizon, "twice")
    late = horizon == 109_900
    if curve.y.size > 9:
        (note,) = (n for n in cf.analyze(run, model=None).notes if n.startswith("Horizon"))
        assert ("begins at step 100000" in note) is late


def test_every_view_of_a_run_asks_up_to_the_end_of_its_decay():
    run = run_of(logged(Schedule.cosine(1e-3, 400), 300))
    report = cf.analyze(run, model=None)
    assert report.horizon == 400
    assert any("400, where the learning rate will have come down" in note for note in report.notes)
    assert cf.recommend(run).horizon == 400
    assert cf.diagnose(run, rules=["still_improving"]).items[0].evidence["horizon"] == 400


def test_nobody_is_told_to_train_until_the_middle_of_a_decay():
    run = run_of(logged(Schedule.cosine(1e-3, 600), 300))
    told = cf.recommend(run)
    assert told.x_star == 600
    assert any("comes with its end, step 600" in reason for reason in told.reasons)
    farther = cf.recommend(run, horizon=1200, min_gain=0.02)
    assert 600 <= farther.x_star < 700
    level = cf.recommend(run_of(None), min_gain=0.02)
    assert level.x_star < 600  # without a decay it ends where little is left
