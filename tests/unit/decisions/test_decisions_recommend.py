"""Recommendations against closed forms: a normal forecast of the mean, and diagnoses as given."""

import numpy as np
import pytest
from scipy import integrate, stats

from curvefit.curves import Curve, DataError, Metric, Run, Schedule, UsageError
from curvefit.decisions._gain import Gains, smallest_gain
from curvefit.decisions.recommend import recommend
from curvefit.decisions.recommendation import Action
from curvefit.diagnostics.diagnosis import Diagnoses, Diagnosis, Verdict
from curvefit.forecasting.forecast import Forecast
from curvefit.forecasting.normal import NormalDistribution
from curvefit.simulate import run as simulated

X = np.arange(1.0, 101.0)
FUTURE = np.array([110.0, 120.0, 140.0, 160.0, 180.0, 200.0])


def falling(metric="val_loss", sign=1.0):
    y = 1.0 + 2.0 * X**-0.7 + 0.01 * np.random.default_rng(0).standard_normal(100)
    return Curve(X, sign * y, metric)


def expected(curve, gains, sd=0.02, level=1.1, noise=0.01):
    """A forecast whose mean curve gains so much at each future x, with a normal spread."""
    sign = 1.0 if curve.direction == "min" else -1.0
    mean = sign * level - sign * np.asarray(gains, float)
    spread = np.broadcast_to(np.asarray(sd, float), mean.shape).copy()
    return Forecast(
        x=FUTURE,
        observation=NormalDistribution(mean, np.hypot(spread, noise)),
        underlying=NormalDistribution(mean, spread),
        method="by hand",
        metric=curve.metric.name,
        kind=curve.kind,
        direction=curve.direction,
        x_last=float(curve.x[-1]),
        y_last=float(curve.y[-1]),
        level_now=sign * level,
        noise=noise,
    )


def saying(*present, undecided=()):
    items = [
        Diagnosis(n, Verdict.PRESENT, s, "val_loss", explanation=f"{n} here.", advice=f"mend {n}.") for n, s in present
    ]
    items += [Diagnosis(n, Verdict.UNDECIDED, "info", explanation="more.") for n in undecided]
    return Diagnoses("r", tuple(items))


QUIET = saying()


def ask(gains, *, sd=0.02, curve=None, run=None, diagnoses=QUIET, level=1.1, **options):
    curve = curve or falling()
    run = run or Run("r", {curve.metric.name: curve})
    return recommend(
        run, metric=curve.metric.name, forecast=expected(curve, gains, sd, level), diagnoses=diagnoses, **options
    )


@pytest.mark.parametrize(
    ("gain", "sd", "least"), [(0.05, 0.02, 0.03), (0.0, 0.02, 0.03), (-0.01, 0.1, 0.01), (0.2, 0.01, 0.1)]
)
def test_probability_and_expected_gain_are_those_of_the_normal(gain, sd, least):
    gains = Gains.of(expected(falling(), np.full(6, gain), sd))
    assert gains.probability(least) == pytest.approx(stats.norm.sf(least, gain, sd), abs=0.005)
    positive = integrate.quad(lambda g: g * stats.norm.pdf(g, gain, sd), 0, gain + 12 * sd)[0]
    assert gains.expected(-1)[0] == pytest.approx(positive, abs=0.01 * sd + 1e-9)
    assert gains.median == pytest.approx(np.full(6, gain), abs=0.01 * sd)


def test_direction_only_mirrors():
    up = falling("val_accuracy", -1.0)
    assert up.direction == "max"
    a, b = ask([0.1] * 6, min_gain=0.05), ask([0.1] * 6, curve=up, min_gain=0.05)
    assert (a.action, a.x_star) == (b.action, b.x_star)
    assert a.probability == pytest.approx(b.probability, rel=1e-12)
    assert a.expected_gain == pytest.approx(b.expected_gain)
    assert a.expected_value.value == pytest.approx(-b.expected_value.value)


def test_nothing_left_is_stop_with_its_arithmetic():
    said = ask([0.0] * 6, sd=0.005, min_gain=0.05)
    assert said.action is Action.STOP and said.x_star is None
    assert said.probability == pytest.approx(stats.norm.sf(10), abs=1e-6)
    assert "P(gain of at least 0.05 by step 200)" in " ".join(said.reasons)
    assert said.arithmetic["probability"] == said.probability and said.arithmetic["min_gain"] == 0.05
    assert 1 <= said.keep_x <= 100


def test_gain_left_is_continue_until_little_more_is_expected():
    said = ask([0.1, 0.2, 0.29, 0.295, 0.299, 0.3], sd=0.01, min_gain=0.02)
    assert said.action is Action.CONTINUE and said.x_star == 140
    assert said.expected_value.value == pytest.approx(1.1 - 0.29)
    assert said.expected_value.interval.low == pytest.approx(0.81 - 1.96 * 0.01, abs=1e-4)
    assert said.expected_value.interval.kind == "confidence"


def test_net_worth_has_its_maximum_where_it_should():
    gains = np.array([0.05, 0.09, 0.12, 0.14, 0.15, 0.155])
    said = ask(gains, sd=0.001, level=1.05, cost_per_unit=0.2, worth_per_unit=200.0)  # better than all before
    net = 200 * gains - 0.2 * (FUTURE - 100)
    assert said.arithmetic["level_kept"] == said.arithmetic["level_now"] == 1.05
    assert said.action is Action.CONTINUE and said.x_star == FUTURE[np.argmax(net)]
    assert said.arithmetic["best_net_worth"] == pytest.approx(net.max(), rel=1e-3)
    dear = ask(gains, sd=0.001, cost_per_unit=10.0, worth_per_unit=20.0)
    assert dear.action is Action.STOP and "no x pays" in dear.reasons[0]


@pytest.mark.parametrize("direction", ["min", "max"])
def test_what_pays_is_to_get_better_than_the_checkpoint_that_is_kept(direction):
    sign = 1.0 if direction == "min" else -1.0
    y = sign * np.r_[np.linspace(3.0, 1.0, 50), np.linspace(1.0, 1.6, 50)]
    worse = Curve(X, y, Metric("mystery", direction=direction))
    gains = [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]  # over the level now, which is 0.6 worse than the best
    prices = {"cost_per_unit": 1e-4, "worth_per_unit": 1.0}
    said = ask(gains, sd=0.01, curve=worse, level=1.6, **prices)
    assert said.action is Action.STOP and "no x pays" in said.reasons[0]
    assert said.arithmetic["level_kept"] == pytest.approx(sign * 1.03, abs=0.05)
    back = ask([0.3, 0.6, 0.9, 0.9, 0.9, 0.9], sd=0.01, curve=worse, level=1.6, **prices)
    assert back.action is Action.CONTINUE and back.x_star == 140
    assert back.arithmetic["best_net_worth"] == pytest.approx(
        sign * back.arithmetic["level_kept"] - 0.7 - 40e-4, abs=1e-3
    )


def test_what_is_not_known_of_the_mean_now_pays_for_nothing():
    flat = Curve(X, 1.0 + 0.01 * np.random.default_rng(0).standard_normal(100), "val_loss")
    prices = {"cost_per_unit": 1e-6, "worth_per_unit": 1.0}
    sure = ask([0.0] * 6, sd=0.01, curve=flat, level=1.0, **prices)
    assert sure.action is Action.STOP and "no x pays" in sure.reasons[0]
    wider = np.array([0.01, 0.012, 0.015, 0.02, 0.025, 0.03])
    may = ask([0.0] * 6, sd=wider, curve=flat, level=0.9, **prices)  # better than all before
    positive = np.sqrt(wider**2 - 0.01**2) / np.sqrt(2 * np.pi)  # E[max(0, N(0, sd))]
    assert may.action is Action.CONTINUE
    assert may.arithmetic["net_worth_at_horizon"] == pytest.approx(positive[-1] - 1e-4, rel=0.02)


def test_a_target_is_reached_or_out_of_reach():
    gains = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3]
    near = ask(gains, sd=0.01, target=0.99, min_gain=0.01)
    assert near.action is Action.CONTINUE and near.x_star == 140 and "target" in near.reasons[0]
    assert near.arithmetic["probability_target"] > 0.99
    far = ask(gains, sd=0.01, target=0.5, min_gain=0.01)
    assert far.action is Action.STOP and "out of reach" in far.reasons[0]
    assert far.arithmetic["probability_target"] < 0.01
    done = ask(gains, sd=0.01, target=1.15, min_gain=0.01)
    assert done.action is Action.STOP and "1.15 has been reached: the local mean is 1.1" in done.reasons[0]
    assert "if the run went on: P(gain" in done.reasons[1]
    priced = ask(gains, sd=0.01, target=1.15, cost_per_unit=1e-4, worth_per_unit=1.0)
    assert priced.action is Action.CONTINUE and any("1.15 has been reached" in r for r in priced.reasons)


def test_an_earlier_best_carries_its_own_noise():
    gains = Gains.of(expected(falling(), [0.1] * 6, 1e-6))
    # the mean ends at 1.0; a best of 0.99 seen with noise 0.01 comes from a mean of 1.0 or more one time in six
    assert gains.ever(0.99)[-1] == 0.0
    assert gains.beats(0.99, 0.01)[-1] == pytest.approx(stats.norm.sf(1.0), abs=0.08)
    assert gains.beats(0.99, 0.0)[-1] == 0.0


def test_an_error_needs_a_person():
    said = ask([0.3] * 6, diagnoses=saying(("diverged", "error"), ("spikes", "warning")))
    assert said.action is Action.INTERVENE and said.reasons[0].startswith("diverged") and "mend" in said.reasons[1]


def test_underdetermined_is_collect_more():
    assert ask([0.3] * 6, diagnoses=saying(("underdetermined", "info"))).action is Action.COLLECT_MORE


@pytest.mark.parametrize("gains", [np.linspace(0.01, 0.5, len(FUTURE)), np.zeros(len(FUTURE))])
@pytest.mark.parametrize("options", [{}, {"target": 0.9}, {"target": 0.01}])
def test_nobody_is_told_to_train_along_a_size(gains, options):
    c = falling()
    sizes = Curve(c.x, c.y, c.metric, x_unit="parameter")
    answer = ask(gains, curve=sizes, **options)
    assert answer.action is Action.COLLECT_MORE and answer.x_star is None
    assert "not training time" in answer.reasons[0] and "P(" in answer.reasons[1]
    priced = ask(np.linspace(0.01, 0.5, len(FUTURE)), curve=sizes, cost_per_unit=1e-9, worth_per_unit=1.0)
    assert priced.action is Action.CONTINUE  # how large a model pays is a question that sizes answer


def test_a_short_undecided_curve_is_never_stopped():
    short = Curve(X[:12], falling().y[:12], "val_loss")
    said = ask([0.0] * 6, sd=0.001, curve=short, min_gain=0.05, diagnoses=saying(undecided=["plateaued"]))
    assert said.action is Action.COLLECT_MORE
    assert ask([0.0] * 6, sd=0.001, curve=short, min_gain=0.05).action is Action.STOP


def test_overfitting_stops_at_even_odds():
    said = ask([0.01] * 6, sd=0.05, min_gain=0.03, diagnoses=saying(("overfitting", "warning")))
    assert 0.1 < said.probability < 0.5 and said.action is Action.STOP
    assert "overfitting" in said.reasons[0]


def test_a_gain_over_the_level_now_is_told_apart_from_one_over_the_best():
    x = np.arange(1.0, 41.0)
    y = np.where(x <= 15, 1 + x**-0.7, 1 + 15**-0.7 + 0.015 * (x - 15)) + 0.01 * np.random.default_rng(
        0
    ).standard_normal(40)
    said = recommend(Run("r", {"val_loss": Curve(x, y, "val_loss")}), min_gain=0.05)
    told = next(r for r in said.reasons if "P(gain" in r)
    assert "over the level now" in told and "over the best so far" in told
    still = recommend(Run("r", {"val_loss": Curve(x, 1 + x**-0.7, "val_loss")}), min_gain=0.05)
    assert not any("over the level now" in r for r in still.reasons)


def test_a_plateau_at_the_peak_rate_is_not_stopped_on_level_alone():
    curve = falling()
    held = Run("r", {"val_loss": curve}, schedule=Schedule(X, np.full(100, 0.1)))
    said = ask([0.0] * 6, sd=0.001, run=held, min_gain=0.05)
    assert said.action is Action.INTERVENE and "annealing" in said.reasons[1]
    lowered = Run("r", {"val_loss": curve}, schedule=Schedule(X, np.linspace(0.1, 0.0, 100)))
    assert ask([0.0] * 6, sd=0.001, run=lowered, min_gain=0.05).action is Action.STOP


@pytest.mark.parametrize(
    "options", [{"target": 0.1}, {"cost_per_unit": 9.0, "worth_per_unit": 1.0}, {"min_gain": 0.05}]
)
def test_no_road_to_stop_leads_past_the_annealing_still_to_come(options):
    curve = falling()
    held = Run("r", {"val_loss": curve}, schedule=Schedule(X, np.full(100, 0.1)))
    assert ask([0.0] * 6, sd=0.001, **options).action is Action.STOP
    assert ask([0.0] * 6, sd=0.001, run=held, **options).action is Action.INTERVENE


def test_overfitting_that_a_rate_cut_has_ended_does_not_stop():
    ended = Diagnosis("overfitting", Verdict.PRESENT, "warning", evidence={"lasts_to_end": 0.0}, explanation="then.")
    said = ask([0.01] * 6, sd=0.05, min_gain=0.03, diagnoses=Diagnoses("r", (ended,)))
    assert said.action is Action.CONTINUE


def test_deciding_on_the_test_split_is_said():
    said = ask([0.3] * 6, curve=falling("test_loss"))
    assert "test split" in said.reasons[-1]


@pytest.mark.parametrize(
    ("given", "value"),
    [(0.3, 0.3), ("0.3", 0.3), ("1%", 0.02), ("2 sigma", 0.1), ("2sigma", 0.1), (" 5 % ", 0.1), (0, 0.0)],
)
def test_smallest_gain(given, value):
    assert smallest_gain(given, falling(), level_now=-2.0, noise=0.05)[0] == pytest.approx(value)


def test_smallest_gain_by_default_is_a_share_of_the_drop_or_of_the_noise():
    curve = Curve(X, np.r_[np.full(5, 3.0), np.full(95, 1.0)], "val_loss")
    assert smallest_gain(None, curve, 1.0, 0.05)[0] == pytest.approx(0.04)
    assert smallest_gain(None, curve, 1.0, 5.0)[0] == pytest.approx(0.5)


@pytest.mark.parametrize("given", ["a lot", "-1%", -0.1, float("nan"), True, "sigma", ""])
def test_smallest_gain_refuses(given):
    with pytest.raises(UsageError, match="min_gain"):
        smallest_gain(given, falling(), 1.0, 0.1)


@pytest.mark.parametrize(
    "options",
    [
        {"cost_per_unit": 1.0},
        {"worth_per_unit": 1.0},
        {"cost_per_unit": -1.0, "worth_per_unit": 1.0},
        {"cost_per_unit": float("inf"), "worth_per_unit": 1.0},
        {"horizon": 50.0},
        {"horizon": 0.0},
        {"horizon": float("inf")},
        {"horizon": float("nan")},
        {"best": float("nan")},
        {"target": float("inf")},
    ],
)
def test_numbers_that_make_no_sense_are_refused(options):
    with pytest.raises(UsageError):
        recommend(Run("r", {"val_loss": falling()}), **options)


@pytest.mark.parametrize("name", ["best", "target"])
def test_a_value_that_the_metric_cannot_take_is_refused_and_not_called_hopeless(name):
    shares = Curve(X, 0.9 - 0.5 * X**-0.5, "val_acc")
    with pytest.raises(UsageError, match="92 lies outside of 0 to 1"):
        recommend(Run("r", {"val_acc": shares}), **{name: 92.0})
    percent = Curve(X, 90 - 50 * X**-0.5, "val_acc")
    assert recommend(Run("r", {"val_acc": percent}), **{name: 92.0}).action in Action


def test_a_best_value_that_is_beaten_is_no_goal():
    said = ask([0.1] * 6, best=1.3)
    assert any("1.3 is beaten: the local mean is 1.1" in r and "even the first" not in r for r in said.reasons)
    assert not any("P(reached" in r for r in said.reasons)
    other = ask([0.1] * 6, best=1000.0)  # of another metric, or of the other direction
    assert any("even the first value was better" in r for r in other.reasons)
    ahead = ask([0.1] * 6, best=1.0)
    assert any("best earlier value 1" in r and "P(reached" in r for r in ahead.reasons)


def test_a_plan_that_is_behind_the_data_is_said():
    run = Run("r", {"val_loss": falling()}, horizon=60.0)
    told = recommend(run, target=1.0)
    assert any(
        "planned length, step 60, is reached: asked is up to twice the data, step 200" in r for r in told.reasons
    )
    assert "planned length, step 60, is reached" in recommend(run).reason
    assert not any("planned length" in r for r in recommend(run, target=1.0, horizon=300).reasons)


def test_no_points_and_no_direction_are_errors():
    with pytest.raises(DataError):
        recommend(Run("r", {"val_loss": Curve([1, 2], [np.nan, np.nan], "val_loss")}))
    with pytest.raises(DataError):
        recommend(Run("r", {"mystery": Curve(X, X, "mystery")}))


@pytest.mark.parametrize(
    ("fault", "action"),
    [
        ("diverged", Action.INTERVENE),
        ("masked_nan", Action.INTERVENE),
        ("not_learning", Action.INTERVENE),
        ("overfitting", Action.STOP),
    ],
)
def test_simulated_runs_with_the_real_forecaster(fault, action):
    said = recommend(simulated(fault, rng=np.random.default_rng(1), n=300).run)
    assert said.action is action, said.reasons
    assert all(np.isfinite(v) for v in said.arithmetic.values())


def test_a_steadily_falling_run_goes_on():
    y = 3 - X / 100 + 0.01 * np.random.default_rng(1).standard_normal(100)
    said = recommend(Curve(X, y, "val_loss"), horizon=150)
    assert said.action is Action.CONTINUE and 100 < said.x_star <= 150


def test_an_unlikely_gain_is_no_headline_to_train_on():
    unlikely = ask([0.0] * 6, min_gain=0.02, level=1.07)  # P(N(0, 0.02) > 0.02) = 0.16
    assert unlikely.action is Action.COLLECT_MORE
    assert unlikely.probability == pytest.approx(stats.norm.sf(1.0), abs=0.01)
    assert "too likely to call it done" in unlikely.reasons[0]
    likelier = ask([0.012] * 6, min_gain=0.02, level=1.07)  # 0.34
    assert likelier.action is Action.CONTINUE
