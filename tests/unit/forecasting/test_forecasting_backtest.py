"""Back-tests: what they replay is what a forecast then would have said, and nothing later is seen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import curvefit as cf
from curvefit.curves import DataError, UsageError
from curvefit.forecasting.backtest import backtest, backtest_many
from curvefit.forecasting.forecasters import Forecaster
from curvefit.forecasting.replay import Backtest, Backtests, Coverage, Replay

X = np.arange(1.0, 61.0)


def decay(seed=0, noise=0.02, metric="val_loss", **options):
    rng = np.random.default_rng(seed)
    return cf.Curve(X, 1 + 2 * X**-0.5 + noise * rng.normal(size=X.size), metric=metric, **options)


def said(replay):
    """All that does not depend on what came."""
    return (
        replay.share,
        replay.x_cut,
        replay.y_cut,
        replay.points,
        replay.x,
        replay.median,
        replay.low,
        replay.high,
        replay.method,
        replay.status,
        replay.reasons,
    )


def test_it_is_what_a_forecast_would_have_said_then():
    curve = decay()
    bt = backtest(curve, level=0.8)
    assert [r.share for r in bt.replays] == [0.2, 0.4, 0.6, 0.8]
    for r in bt.replays:
        then = cf.forecast(cf.Curve(X[r.x_cut >= X], curve.y[r.x_cut >= X], metric="val_loss"), 60)
        low, mid, high = then.quantile([0.1, 0.5, 0.9])[0]
        assert (r.low, r.median, r.high) == pytest.approx((low, mid, high), rel=1e-10)
        assert (r.x, r.observed, r.y_cut) == (60, curve.y[-1], then.y_last)
        assert r.error == abs(mid - curve.y[-1]) or r.error == pytest.approx(abs(mid - curve.y[-1]), rel=1e-8)
        assert r.error_ratio == pytest.approx(r.error / abs(then.y_last - curve.y[-1]))
        assert r.crps == pytest.approx(then.crps(curve.y[-1])[0], rel=1e-8)
        assert r.probability == pytest.approx(then.cdf(curve.y[-1])[0], rel=1e-8)
        assert r.inside == (low <= curve.y[-1] <= high)
    assert bt.error_ratio == pytest.approx(np.median([r.error_ratio for r in bt.replays]))
    assert bt.inside == sum(r.inside for r in bt.replays)


def test_cuts_are_shares_of_the_way_in_x_or_in_log_x():
    assert [r.x_cut for r in backtest(decay(), shares=(0.5,)).replays] == [30]  # 1 + .5 * 59 = 30.5
    counts = np.geomspace(10, 1e5, 41)
    y = 1 + 5 * counts**-0.3
    for unit, expected in (("sample", 1e3), ("parameter", 1e3), ("flop", 1e3), ("token", counts[counts < 50_005][-1])):
        (replay,) = backtest(cf.Curve(counts, y, metric="test_error", x_unit=unit), shares=(0.5,)).replays
        assert replay.x_cut == pytest.approx(expected, rel=0.2 if unit != "token" else 1e-12)


def test_the_horizon_is_the_last_observation_up_to_it():
    curve = decay()
    bt = backtest(curve, horizon=40.5)
    shorter = backtest(curve.until(40))
    assert (bt.x, bt.observed) == (40, curve.y[39])
    assert [said(r) for r in bt.replays] == [said(r) for r in shorter.replays]


def test_cuts_that_leave_the_same_observations_are_made_once():
    bt = backtest(cf.Curve([1, 2, 100], [3.0, 2.0, 1.0], metric="loss"))
    assert [(r.share, r.points) for r in bt.replays] == [(0.2, 2)]


# ---------------------------------------------------------------- no look ahead


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.integers(0, 3),
    st.lists(st.floats(0.01, 90), min_size=60, max_size=60),
    st.sampled_from(["val_loss", "val_accuracy", "reward"]),
    st.booleans(),
)
def test_nothing_after_the_cut_is_seen(place, other, metric, hide):
    """Later values replaced by anything, NaN too: the forecast of each cut before them stays, to rounding."""
    y = np.clip(1 / decay().y, 0, 1)
    before = backtest(cf.Curve(X, y, metric=metric))
    cut = before.replays[place].x_cut
    changed = np.where(cut < X, other, y)
    if hide:
        changed[(cut < X) & (X < 60) & (np.arange(60) % 3 == 0)] = np.nan
    after = backtest(cf.Curve(X, changed, metric=metric))
    share = before.replays[place].share
    was, now = said(before.replays[place]), said(next(r for r in after.replays if r.share == share))
    numbers = [i for i, part in enumerate(was) if isinstance(part, float)]
    assert [now[i] for i in numbers] == pytest.approx([was[i] for i in numbers], rel=1e-10, nan_ok=True)
    assert [p for i, p in enumerate(now) if i not in numbers] == [p for i, p in enumerate(was) if i not in numbers]


def test_the_comparison_sees_a_forecaster_that_peeks():
    """Negative control: bounds of an accuracy in percent that only later values reveal."""
    early = np.linspace(0.2, 0.9, 30)
    curve = cf.Curve(X, np.r_[early, np.linspace(10, 60, 30)], metric="val_accuracy")
    honest = backtest(curve, shares=(0.5,)).replays[0]
    peeking = cf.forecast(cf.Curve(X[:30], early, metric="val_accuracy", bounds=curve.bounds), 60).interval(0.95)
    assert honest.high <= 1
    assert peeking.high[0] > 1


class Spy(Forecaster):
    """Remembers what it was handed."""

    def __init__(self):
        self.seen = []

    def forecast(self, curves, xs):
        self.seen += list(zip(curves, xs, strict=True))
        from curvefit.forecasting.forecasters.last_value import LastValue

        return LastValue().forecast(curves, xs)


def test_one_batch_of_truncated_curves_is_all_a_forecaster_gets():
    spy = Spy()
    bts = backtest_many([decay(0), decay(1)], method=spy, shares=(0.25, 0.75))
    assert [(c.x[-1], len(c), x.tolist()) for c, x in spy.seen] == [(15, 15, [60]), (45, 45, [60])] * 2
    assert [len(b.replays) for b in bts] == [2, 2]
    alone = backtest(decay(1), method="last_value", shares=(0.25, 0.75))
    assert [said(r) for r in bts[1].replays] == [said(r) for r in alone.replays]


def test_stated_bounds_are_kept():
    curve = cf.Curve(X, np.clip(1 / decay().y, 0, 1), metric="val_accuracy", bounds=(0.0, 2.0))
    spy = Spy()
    backtest(curve, method=spy)
    assert {c.bounds for c, _ in spy.seen} == {(0.0, 2.0)}


# ---------------------------------------------------------------- schedules


def test_a_logged_schedule_is_cut_and_a_stated_one_is_a_plan():
    curve = decay()
    plan = cf.Schedule.wsd(1e-3, 60, decay=0.3)
    at = np.arange(1.0, 61.0)
    logged = cf.Schedule(at, plan.at(at))
    told, read, blind = (backtest(curve, shares=(0.5,), schedule=s).replays[0] for s in (plan, logged, None))
    assert told.median < blind.median  # knows of the decay to come
    altered = cf.Schedule(at, np.where(at > 30.5, 1e-5, plan.at(at)))
    assert said(read) == said(backtest(curve, shares=(0.5,), schedule=altered).replays[0])
    late = cf.Schedule(at[50:], plan.at(at[50:]))
    (nothing_yet,) = backtest(curve, shares=(0.5,), schedule=late).replays
    assert nothing_yet.median == blind.median


def test_one_schedule_per_run():
    plan = cf.Schedule.wsd(1e-3, 60, decay=0.3)
    aware, blind = backtest_many([decay(), decay()], schedule=[plan, None])
    assert aware.replays[1].median == backtest(decay(), schedule=plan).replays[1].median
    assert blind.replays[1].median == backtest(decay()).replays[1].median
    with pytest.raises(UsageError, match="2 schedules for 1 runs"):
        backtest_many([decay()], schedule=[plan, None])


# ---------------------------------------------------------------- many runs


def replay(*, inside=True, median=1.0, observed=0.0, y_cut=2.0, share=0.2):
    low, high = (observed - 1, observed + 1) if inside else (observed + 1, observed + 2)
    return Replay(share, 1.0, y_cut, 3, 9.0, observed, median, low, high, 0.5, 0.5, "m", cf.Status.OK)


def many(*replays):
    return Backtests(tuple(Backtest(f"r{i}", "loss", "step", 0.9, tuple(rs)) for i, rs in enumerate(replays)))


def test_the_summary_counts_by_share_and_over_all():
    bts = many(
        [replay(share=0.2), replay(share=0.8, inside=False, median=3.0)],
        [replay(share=0.2, inside=False, median=0.5), replay(share=0.8)],
        [replay(share=0.2)],
    )
    first, last, both = bts.summary()
    assert (first.share, first.coverage.inside, first.coverage.forecasts, first.coverage.runs) == (0.2, 2, 3, 3)
    assert (last.share, last.coverage.inside, last.coverage.forecasts, last.coverage.runs) == (0.8, 1, 2, 2)
    assert (both.share, both.coverage.inside, both.coverage.forecasts, both.coverage.runs) == (None, 3, 5, 3)
    assert first.error_ratio == 0.5
    assert last.error_ratio == pytest.approx((1.5 + 0.5) / 2)
    assert both.better == pytest.approx(4 / 5)
    assert Backtests(()).summary() == ()


@pytest.mark.parametrize(("k", "n"), [(0, 7), (3, 7), (7, 7), (95, 100)])
def test_the_interval_of_coverage_is_that_of_clopper_and_pearson(k, n):
    coverage = Coverage.of([(1, 1)] * k + [(0, 1)] * (n - k))
    exact = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    assert (coverage.interval.low, coverage.interval.high) == pytest.approx((exact.low, exact.high), rel=1e-9)


def test_forecasts_of_one_run_count_as_one():
    apart = Coverage.of([(1, 1)] * 30 + [(0, 1)] * 10)
    together = Coverage.of([(3, 4)] * 10)
    assert apart.rate == together.rate
    assert together.interval.width > 1.5 * apart.interval.width


def test_ratios_when_the_last_value_was_right():
    assert replay(y_cut=0.0, median=0.0).error_ratio == 1
    assert replay(y_cut=0.0, median=0.1).error_ratio == math.inf
    assert many([replay(y_cut=0.0)], [replay()]).summary()[-1].error_ratio == math.inf


def test_intervals_hold_about_as_often_as_they_say():
    """Forty noisy power laws at 80 %: the interval of the rate holds it; from last values with a shift it does not."""
    bts = backtest_many([decay(seed, 0.05) for seed in range(40)], level=0.8, shares=(0.6,))
    (at, both) = bts.summary()
    assert at.coverage == both.coverage
    assert at.coverage.interval.high > 0.8
    assert at.error_ratio < 1
    shifted = many(*[[replay(inside=i % 2 == 0)] for i in range(40)])
    assert shifted.summary()[0].coverage.interval.high < 0.8


def test_json_fields_are_plain():
    import json

    text = json.dumps(backtest_many([decay()]).to_dict())
    assert json.loads(text)["runs"][0]["replays"][0]["points"] == 12
    assert json.loads(text)["summary"][-1]["share"] is None
    assert json.loads(text)["runs"][0]["replays"][0]["status"] == "ok"


# ---------------------------------------------------------------- runs and refusals


def test_a_run_by_its_main_metric_or_a_named_one():
    run = cf.load_example("healthy")
    assert backtest(run).metric == run.main_metric()
    assert backtest(run, "train_loss").observed == run["train_loss"].y[-1]
    assert backtest(run).run == "healthy"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: backtest(cf.Curve([1.0], [1.0], metric="loss")), "two x"),
        (lambda: backtest(cf.Curve([2.0, 2.0], [1.0, 2.0], metric="loss")), "two x"),
        (lambda: backtest(cf.Curve([], [], metric="loss")), "two x"),
        (lambda: backtest(decay(), horizon=1.5), "two x"),
        (lambda: backtest(cf.Curve([1.0, 2.0], [1.0, 2.0], metric="zzz")), "direction"),
        (lambda: backtest(decay(), shares=(0.2, 1.0)), "share"),
        (lambda: backtest(decay(), shares=(float("nan"),)), "share"),
        (lambda: backtest(decay(), shares=()), "shares"),
        (lambda: backtest(decay(), level=95), "level"),
        (lambda: backtest(decay(), "accuracy"), "accuracy"),
        (lambda: backtest(decay(), method="oracle"), "oracle"),
        (lambda: backtest([1, 2, 3]), "no curve"),
    ],
)
def test_what_cannot_be_replayed_is_refused(make, words):
    with pytest.raises((DataError, UsageError), match=words):
        make()


@pytest.mark.parametrize("y", [np.full(60, 0.7), 1e300 / X, 1e-300 / X, np.exp(X), 1e308 * np.cos(X)])
def test_nasty_values_give_finite_numbers(y):
    bt = backtest(cf.Curve(X, y, metric="reward"))
    for r in bt.replays:
        assert all(map(math.isfinite, (r.median, r.low, r.high, r.crps, r.probability)))
        assert r.low <= r.median <= r.high
        assert r.crps >= 0
