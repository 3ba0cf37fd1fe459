"""Schedule-aware forecasts: the law is found again, units do not matter, and what is not known is said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import Curve, DataError, Run, Schedule, Status, UsageError
from curvefit.forecasting.annealed.ahead import look_ahead
from curvefit.forecasting.annealed.blend import Blend
from curvefit.forecasting.annealed.component import component
from curvefit.forecasting.annealed.fit import fit_annealed
from curvefit.forecasting.annealed.learn import learn_shape
from curvefit.forecasting.annealed.learned import default_numbers, default_prior, provenance
from curvefit.forecasting.annealed.shape import Shape, ShapePrior
from curvefit.forecasting.either import Either
from curvefit.forecasting.forecasters.annealed import Annealed
from curvefit.forecasting.normal import NormalDistribution
from curvefit.forecasting.pool.mixture import t4_cdf
from curvefit.models.annealed import AnnealedLaw, Momentum, MultiPower, Progress

UNIT = 10_000.0
KERNEL = MultiPower(30.0, 0.5, 0.4)
LAW = AnnealedLaw(3.0, 0.30, 0.15, 0.46, KERNEL, kappa=0.1, unit=UNIT)
NEAR = ShapePrior(Shape(0.45, 0.45, KERNEL, 0.1, UNIT), 0.03, 0.15, 0.5, source="the test")
PLANS = {
    "cosine": Schedule.cosine(1e-3, UNIT, final=0.1, warmup=300),
    "WSD": Schedule.wsd(1e-3, UNIT, decay=0.2, warmup=300),
    "step": Schedule.step(1e-3, UNIT, [6_000], factor=0.2, warmup=300),
    "constant": Schedule.constant(1e-3, UNIT, warmup=300),
}
X = np.arange(400.0, UNIT + 1, 100.0)
LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


def curve(plan: Schedule, law: AnnealedLaw = LAW, noise: float = 0.0, seed: int = 0, metric: str = "val_loss") -> Curve:
    y = law.predict(plan, X)
    return Curve(X, y + noise * np.random.default_rng(seed).normal(size=X.size), metric=metric)


# ------------------------------------------------------------------ full runs


def test_a_law_is_found_again_from_runs_under_different_schedules():
    fit = fit_annealed([(curve(PLANS[n]), PLANS[n]) for n in ("cosine", "WSD", "step")], prior=NEAR)
    assert fit.status is Status.OK and fit.runs == 3 and fit.gain_seen > 0.9
    assert fit.law.floor == pytest.approx(3.0, abs=0.01)
    assert fit.law.gain == pytest.approx(0.15, rel=0.05)
    assert fit.law.alpha == pytest.approx(0.46, abs=0.01)
    never_run = Schedule.linear(1e-3, 2 * UNIT, warmup=300)
    at = np.array([2_000.0, 10_000.0, 20_000.0])
    np.testing.assert_allclose(fit.predict(never_run, at).mean, LAW.predict(never_run, at), atol=1.5e-3)


def test_the_interval_of_a_prediction_holds_the_truth_and_widens_away_from_the_data():
    fit = fit_annealed([(curve(PLANS["constant"]), PLANS["constant"])])
    plan = Schedule.wsd(1e-3, UNIT, decay=0.3)
    seen, decayed = (fit.predict(plan, x, interval="confidence") for x in (6_900.0, UNIT))
    truth = LAW.predict(plan, [UNIT])[0]
    assert decayed.low[0] <= truth <= decayed.high[0]
    assert decayed.high[0] - decayed.low[0] > 3 * (seen.high[0] - seen.low[0])
    assert decayed.kind == "confidence" and np.isnan(fit.predict(plan, UNIT).low[0])


def test_a_run_without_a_decay_is_fitted_with_a_doubt():
    fit = fit_annealed([(curve(PLANS["constant"]), PLANS["constant"])])
    assert fit.status is Status.DEGRADED and fit.gain_seen == pytest.approx(0, abs=1e-6)
    doubt = next(d for d in fit.doubts if d.name == "decay_seen")
    assert not doubt.ok and "no decay seen: the gain from annealing rests on the prior" in doubt.message
    assert "no decay seen" in fit.summary() and "exponent" in fit.summary()


def test_runs_are_taken_as_they_are():
    run = Run("a", {"val_loss": curve(PLANS["WSD"])}, schedule=PLANS["WSD"])
    pair = (curve(PLANS["WSD"]), PLANS["WSD"])
    assert fit_annealed([run], prior=NEAR).law == fit_annealed([pair], prior=NEAR).law
    with pytest.raises(DataError, match="no learning rate in the log"):
        fit_annealed([Run("a", {"val_loss": pair[0]})])


def test_levels_that_are_not_shared_are_doubted():
    other = AnnealedLaw(3.3, 0.30, 0.15, 0.46, KERNEL, kappa=0.1, unit=UNIT)
    both = [(curve(PLANS["WSD"]), PLANS["WSD"]), (curve(PLANS["cosine"], other), PLANS["cosine"])]
    fit = fit_annealed(both, prior=NEAR)
    assert not next(d for d in fit.doubts if d.name == "misfit").ok


def test_an_accuracy_is_fitted_upside_down():
    plan = PLANS["WSD"]
    loss = curve(plan)
    accuracy = Curve(X, 4.0 - loss.y, metric=cf.Metric("score", "other", "max"))
    up, down = fit_annealed([(accuracy, plan)], prior=NEAR), fit_annealed([(loss, plan)], prior=NEAR)
    at = np.array([3_000.0, UNIT])
    np.testing.assert_allclose(up.predict(plan, at).mean, 4.0 - down.predict(plan, at).mean, rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (list, DataError, "no runs"),
        (
            lambda: [(curve(PLANS["WSD"]), PLANS["WSD"]), (curve(PLANS["WSD"]), Schedule.wsd(2e-3, UNIT))],
            DataError,
            "peak learning rates from 0.001 to 0.002",
        ),
        (lambda: [(Curve(X, X, metric="loss"), PLANS["WSD"])], DataError, "does not improve"),
        (lambda: [(Curve([1, 2], [3, 2], metric="loss"), PLANS["WSD"])], DataError, "at least 3"),
        (lambda: [(curve(PLANS["WSD"]), Schedule([], []))], DataError, "empty"),
        (lambda: [(curve(PLANS["WSD"]), Schedule([0, 1], [0, 0]))], DataError, "0 everywhere"),
    ],
)
def test_runs_that_cannot_be_fitted_say_why(make, error, words):
    with pytest.raises(error, match=words):
        fit_annealed(make())


def test_a_prediction_outside_the_law_is_refused():
    fit = fit_annealed([(curve(PLANS["WSD"]), PLANS["WSD"])], prior=NEAR)
    with pytest.raises(UsageError, match=r"the schedule's peak rate is 0\.002"):
        fit.predict(Schedule.cosine(2e-3, UNIT), UNIT)
    with pytest.raises(DataError, match="ends at x = 10000"):
        fit.predict(PLANS["WSD"], 2 * UNIT)
    with pytest.raises(DataError, match="starts above 0"):
        fit.predict(PLANS["WSD"], 0.0)


def test_a_shape_is_learned_from_runs_with_levels_of_their_own():
    laws = [AnnealedLaw(2 + i, 0.3 * i, 0.3 * i * 0.5, 0.42, KERNEL, kappa=0.1, unit=UNIT) for i in (1, 2)]
    runs = [(curve(PLANS[n], law), PLANS[n]) for law in laws for n in ("WSD", "cosine")]
    start = ShapePrior(Shape(0.47, 0.4, KERNEL, 0.1, UNIT), 0.1, 0.5, 1.0)
    found = learn_shape(runs, start)
    shape = found.shape.at_unit(UNIT)
    assert found.runs == 4 and found.rmse < 0.01
    assert shape.alpha == pytest.approx(0.42, abs=0.02)
    assert shape.ratio == pytest.approx(0.5, rel=0.1)
    relative = found.prior(relative=True, source="here")
    assert relative.relative and relative.center.unit == 1 and relative.source == "here"


# ------------------------------------------------------------------ partial runs


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.9])
def test_the_rest_of_a_run_follows_its_schedule(name, share):
    plan, part = PLANS[name], curve(PLANS[name]).until(share * UNIT)
    ahead = look_ahead(part, plan, np.array([UNIT]), NEAR)
    assert ahead is not None
    assert ahead.location[0] == pytest.approx(LAW.predict(plan, [UNIT])[0], abs=0.012)
    assert ahead.location[0] == pytest.approx(ahead.level_now + ahead.change[0])


def test_a_decay_that_was_seen_settles_its_gain():
    x, prior = np.array([UNIT]), ShapePrior(Shape(0.45, 0.25, KERNEL, 0.1, UNIT), 0.03, 0.5, 0.5)
    before = look_ahead(curve(PLANS["WSD"]).until(7_900), PLANS["WSD"], x, prior)
    after = look_ahead(curve(PLANS["WSD"]).until(9_200), PLANS["WSD"], x, prior)
    assert before is not None and after is not None
    whole = float(Progress(PLANS["WSD"]).progress(UNIT))
    assert before.gain_seen == pytest.approx(0, abs=1e-6)
    assert before.ratio == pytest.approx(prior.center.at_unit(whole).ratio, rel=1e-6)
    assert after.gain_seen > 0.5 and after.ratio == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize("name", PLANS)
def test_units_do_not_matter(name):
    plan, part = PLANS[name], curve(PLANS[name], noise=0.002).until(7_000)
    x = np.array([8_000.0, UNIT])
    want = component(part, plan, x, default_prior(), default_numbers())
    assert want is not None
    rate = component(part, Schedule(plan.x, plan.rate * 1e4), x, default_prior(), default_numbers())
    tokens = component(
        Curve(part.x * 4096, part.y, metric="val_loss", x_unit="token"),
        Schedule(plan.x * 4096, plan.rate),
        x * 4096,
        default_prior(),
        default_numbers(),
    )
    scaled = component(Curve(part.x, 7 * part.y, metric="val_loss"), plan, x, default_prior(), default_numbers())
    assert rate is not None and tokens is not None and scaled is not None
    for other, factor in ((rate, 1), (tokens, 1), (scaled, 7)):
        np.testing.assert_allclose(other.location, factor * want.location, rtol=1e-7)
        np.testing.assert_allclose(other.scale, factor * want.scale, rtol=1e-5)
        np.testing.assert_allclose(other.weight(factor * np.ones(2)), want.weight(np.ones(2)), rtol=1e-4)


def test_the_noise_is_separated_from_the_law():
    part = curve(PLANS["cosine"], noise=0.02).until(7_000)
    ahead = look_ahead(part, PLANS["cosine"], np.array([UNIT]), NEAR)
    assert ahead is not None
    assert ahead.noise == pytest.approx(0.02, rel=0.4)
    assert ahead.level_sd < 0.02
    assert ahead.level_now == pytest.approx(LAW.predict(PLANS["cosine"], [7_000.0])[0], abs=0.02)


def test_an_outlier_at_the_end_does_not_move_the_level():
    part = curve(PLANS["WSD"], noise=0.01).until(6_000)
    y = part.y.copy()
    y[-1] += 2.0
    plain = look_ahead(part, PLANS["WSD"], np.array([UNIT]), NEAR)
    spiked = look_ahead(Curve(part.x, y, metric="val_loss"), PLANS["WSD"], np.array([UNIT]), NEAR)
    assert plain is not None and spiked is not None
    assert spiked.location[0] == pytest.approx(plain.location[0], abs=0.1)


def test_a_law_that_is_wrong_for_the_run_is_caught_by_its_back_tests():
    y = 3 + np.exp(-X / 800)  # saturates: no power law of progress
    wrong = component(
        Curve(X, y, metric="loss").until(6_000), PLANS["constant"], np.array([UNIT]), NEAR, default_numbers()
    )
    right = component(
        curve(PLANS["constant"]).until(6_000), PLANS["constant"], np.array([UNIT]), NEAR, default_numbers()
    )
    assert wrong is not None and right is not None
    assert right.test_error < 0.1 < 0.4 < wrong.test_error
    assert wrong.weight(np.full(1, 0.01))[0] < right.weight(np.full(1, 0.01))[0]


def test_the_component_weighs_more_where_the_blind_forecast_cannot_know():
    part, x = curve(PLANS["constant"]).until(7_000), np.array([UNIT])
    stays = component(part, PLANS["constant"], x, default_prior(), default_numbers())
    decays = component(part, PLANS["WSD"], x, default_prior(), default_numbers())
    assert stays is not None and decays is not None
    assert decays.scale[0] > stays.scale[0]
    assert decays.weight(np.full(1, 1e-3))[0] > stays.weight(np.full(1, 1e-3))[0]


@pytest.mark.parametrize(
    "y", [X, np.full(X.size, 2.0), np.where(X > 5_000, 9.0, 1.0)], ids=["rises", "constant", "jumps up"]
)
def test_the_law_does_not_apply_to_everything(y):
    assert look_ahead(Curve(X, y, metric="loss"), Schedule.constant(1.0, 2 * UNIT), np.array([2 * UNIT]), NEAR) is None


# ------------------------------------------------------------------ the forecaster


def test_a_planned_decay_lowers_the_forecast_and_is_announced():
    part = curve(PLANS["WSD"]).until(7_900)
    blind = cf.forecast(part, UNIT)
    aware = cf.forecast(part, UNIT, method=Annealed(PLANS["WSD"], prior=NEAR))
    truth = LAW.predict(PLANS["WSD"], [UNIT])[0]
    assert abs(aware.median[0] - truth) < 0.25 * abs(blind.median[0] - truth)
    assert aware.method == "annealed" and aware.status is Status.DEGRADED
    assert any("the learning rate changes ahead, from 0.001 to 0 by step 10000" in r for r in aware.reasons)
    assert any("rests on the prior (the test)" in r for r in aware.reasons)
    assert aware.explanation["annealed_weight"] > 0.5 and aware.explanation["gain_seen"] < 0.1


def test_without_a_schedule_it_is_the_blind_forecast_and_says_so():
    part = curve(PLANS["WSD"]).until(5_000)
    plain, fallen = cf.forecast(part, UNIT), cf.forecast(part, UNIT, method="annealed")
    np.testing.assert_array_equal(fallen.quantile(LEVELS), plain.quantile(LEVELS))
    assert fallen.status is Status.DEGRADED
    assert fallen.reasons[-1] == "no learning-rate schedule is known: this is the blind forecast"


@pytest.mark.parametrize(
    ("schedule", "y", "words"),
    [
        (Schedule([0, 4_000], [0.0, 1.0]), None, "still warming up"),
        (PLANS["constant"], X, "does not apply (the metric does not fall"),
    ],
)
def test_every_fall_back_has_its_reason(schedule, y, words):
    part = curve(PLANS["constant"]) if y is None else Curve(X, y, metric="loss")
    part = part.until(4_000)
    fc = cf.forecast(part, 8_000, method=Annealed(schedule))
    assert words in fc.reasons[-1] and fc.method == "annealed"


def test_the_rest_of_a_log_is_inferred_and_named():
    plan = Schedule.cosine(1e-3, UNIT, final=0.1)
    part = curve(plan).until(6_000)
    log = Schedule(X, plan.at(X)).until(6_000)
    inferred = cf.forecast(part, UNIT, method=Annealed(log, planned=UNIT, prior=NEAR))
    told = cf.forecast(part, UNIT, method=Annealed(plan, prior=NEAR))
    assert inferred.median[0] == pytest.approx(told.median[0], abs=0.01)
    assert any("inferred from its log: cosine to 10 % of the peak (100 %)" in r for r in inferred.reasons)


def test_an_undecided_rest_is_a_wider_forecast():
    part = curve(PLANS["constant"]).until(6_000)
    log = Schedule(X, np.full(X.size, 1e-3)).until(6_000)
    told = cf.forecast(part, UNIT, method=Annealed(PLANS["constant"], prior=NEAR)).interval(0.8)
    open_ = cf.forecast(part, UNIT, method=Annealed(log, planned=UNIT, prior=NEAR)).interval(0.8)
    assert open_.high[0] - open_.low[0] > 2 * (told.high[0] - told.low[0])
    assert open_.low[0] < LAW.predict(Schedule.wsd(1e-3, UNIT, warmup=300), [UNIT])[0] < open_.high[0]


def test_a_batch_is_its_curves_one_by_one():
    parts = [curve(PLANS[n]).until(6_000) for n in ("WSD", "cosine")] + [Curve([1, 2], [3, 2], metric="loss")]
    plans = [PLANS["WSD"], PLANS["cosine"], None]
    together = cf.forecast_many(parts, [8_000.0, UNIT], method=Annealed(plans))
    for fc, part, plan in zip(together, parts, plans, strict=True):
        alone = cf.forecast(part, [8_000.0, UNIT], method=Annealed(plan))
        np.testing.assert_allclose(fc.quantile(LEVELS), alone.quantile(LEVELS), rtol=1e-10)
    with pytest.raises(UsageError, match="3 schedules for 1 curves"):
        cf.forecast(parts[0], UNIT, method=Annealed(plans))


def test_a_stated_schedule_shorter_than_asked_is_an_error():
    with pytest.raises(DataError, match="ends at x = 10000, before x = 20000"):
        cf.forecast(curve(PLANS["WSD"]), 2 * UNIT, method=Annealed(PLANS["WSD"]))
    with pytest.raises(DataError, match="0 everywhere"):
        cf.forecast(curve(PLANS["WSD"]), 2 * UNIT, method=Annealed(Schedule([0, 3 * UNIT], [0, 0])))


RNG = np.random.default_rng(3)
N = np.arange(1, 41.0)
NASTY = {
    "one point": Curve([5], [0.3], metric="loss"),
    "two points": Curve([5, 6], [0.3, 0.2], metric="loss"),
    "four points": Curve([5, 6, 7, 8], [0.3, 0.2, 0.17, 0.16], metric="loss"),
    "constant": Curve(N, np.full(40, 0.7), metric="loss"),
    "huge": Curve(N, 1e300 * (1 + 1 / N), metric="loss"),
    "tiny": Curve(N, 1e-300 * (1 + 1 / N), metric="loss"),
    "huge signed": Curve(N, 1e308 * np.cos(N), metric="reward"),
    "diverged": Curve(N, np.exp(N**1.5), metric="loss"),
    "negative x": Curve(N - 20, 1 / N, metric="loss"),
    "same x": Curve([2, 2, 2, 3, 3], [1, 2, 3, 1, 2], metric="loss"),
    "to zero": Curve(N, np.exp(-N), metric="loss"),
    "spike": Curve(N, np.where(N == 15, 1e12, 1 / N), metric="loss"),
    "accuracy": Curve(N, np.clip(0.9 - 0.8 / N + 0.02 * RNG.normal(size=40), 0, 1), metric="val_acc"),
    "gap": Curve([1, 2, 3, 4, 39], [4, 3, 2, 1.5, 1], metric="loss"),
}


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("plan", ["WSD", "cosine", "steps"])
def test_quantiles_are_finite_ordered_and_inside_the_bounds(name, plan):
    schedule = {
        "WSD": Schedule.wsd(1.0, 100, decay=0.3),
        "cosine": Schedule.cosine(1.0, 100, warmup=3),
        "steps": Schedule.step(1.0, 100, [10, 20, 50]),
    }[plan]
    part = NASTY[name]
    fc = cf.forecast(part, [41, 60, 100], method=Annealed(schedule))
    for q in (fc.quantile(LEVELS), fc.mean(LEVELS)):
        assert np.all(np.isfinite(q)) and np.all(np.diff(q, axis=1) >= 0)
        if part.bounds is not None:
            assert q.min() >= part.bounds[0] and q.max() <= part.bounds[1]
        if part.kind == "loss" and part.y.min() >= 0:
            assert q.min() >= 0
    assert (fc.status is Status.OK) == (fc.reasons == ())


# ------------------------------------------------------------------ the blend


STEPS = Schedule.step(1e-3, UNIT, [4_000], factor=0.1)


def after_a_drop(noise: float = 0.0) -> Curve:
    """Levels off, falls at the drop and decays again from there."""
    x = np.arange(50.0, UNIT + 1, 50.0)
    y = 1 + 0.5 * (x / 100) ** -0.6
    y[x >= 4_000] = 0.6 + 0.3 * ((x[x >= 4_000] - 3_950) / 50) ** -0.5
    return Curve(x, y + noise * np.random.default_rng(4).normal(size=x.size), metric="loss")


def test_after_a_known_drop_a_third_rests_on_what_came_since():
    whole = after_a_drop(0.002)
    part = whole.until(5_500)
    aware = cf.forecast(part, UNIT, schedule=STEPS)
    assert aware.explanation["restarted_at"] == pytest.approx(4_000)
    since = Curve(part.x[part.x >= 4_000] - 3_975, part.y[part.x >= 4_000], metric="loss")
    begun = cf.forecast(since, UNIT - 3_975)
    assert isinstance(aware.observation, Either)
    v = np.array([0.6, 0.63, 0.66])
    rest = aware.observation.first.cdf(v)
    np.testing.assert_allclose(aware.cdf(v), 2 / 3 * rest + begun.cdf(v) / 3, rtol=1e-12)
    truth = whole.y[-1]
    assert abs(aware.crps(truth)[0]) < abs(cf.forecast(part, UNIT).crps(truth)[0])


@pytest.mark.parametrize("last", [3_900, 4_200], ids=["no drop yet", "four points since"])
def test_without_enough_points_since_a_drop_nothing_is_restarted(last):
    fc = cf.forecast(after_a_drop(0.002).until(last), UNIT, schedule=STEPS)
    assert "restarted_at" not in fc.explanation


def blend(weight: float, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Blend:
    blind = NormalDistribution(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    return Blend(blind, [[3.0, -2.0], [5.0, 0.5]], [[0.5, 0.1], [2.0, 1.0]], [[weight / 2] * 2] * 2, bounds)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_quantiles_invert_the_distribution_function(weight):
    mixture = blend(weight)
    levels = np.array([1e-4, 0.025, 0.3, 0.5, 0.9, 0.9999])
    np.testing.assert_allclose(mixture.cdf(mixture.quantile(levels)), np.tile(levels, (2, 1)), atol=1e-12)


def test_a_blend_of_nothing_is_the_blind_forecast_and_of_everything_is_its_components():
    v = np.array([-1.0, 0.5, 4.0])
    np.testing.assert_allclose(blend(0.0).cdf(v), blend(0.0).blind.cdf(v), rtol=1e-15)
    want = (t4_cdf((v - 3.0) / 0.5) + t4_cdf((v - 5.0) / 2.0)) / 2
    np.testing.assert_allclose(blend(1.0).cdf(v)[0], want, rtol=1e-13)


def test_a_bound_collects_what_lies_beyond():
    q = blend(1.0, (0.0, np.inf)).quantile(np.array([0.001, 0.5]))
    assert q.min() >= 0 and blend(1.0, (0.0, np.inf)).cdf(np.array([-1e-9])).max() == 0


# ------------------------------------------------------------------ shipped constants


def test_shipped_constants_say_where_they_come_from():
    prior, numbers, source = default_prior(), default_numbers(), provenance()
    assert prior.relative and 0.3 < prior.center.alpha < 0.7
    assert np.all(np.isfinite(dataclasses.astuple(numbers)))
    assert source["made_by"] == "benchmarks/accuracy/schedule_constants.py"
    assert len(source["from"]["shapes"]) >= 4 and source["mixture_without"]


def test_a_prior_survives_json():
    for prior in (NEAR, default_prior(), ShapePrior(Shape(0.5, 0.3, Momentum(300.0)), 0.1, 0.2, 0.3)):
        assert ShapePrior.from_dict(prior.to_dict()) == prior
    with pytest.raises(UsageError, match="not a shape prior"):
        ShapePrior.from_dict({"alpha": 1.0})


def test_a_relative_prior_is_stretched_to_the_run():
    prior = default_prior().for_progress(5_000.0)
    assert prior.center.unit == 5_000.0
    assert prior.center.relaxation.tau == pytest.approx(default_prior().center.relaxation.tau * 5_000)
    absolute = NEAR.for_progress(40_000.0)
    assert absolute.center.relaxation.tau == KERNEL.tau
    assert absolute.center.ratio == pytest.approx(0.45 * 4.0 ** (0.45 - 0.1))
