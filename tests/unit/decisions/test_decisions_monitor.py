"""The monitor against loops with known answers, hostile input, and its own saved state."""

import copy
import json
import logging
import pickle
from itertools import pairwise

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import UsageError
from curvefit.decisions._history import MOST, History
from curvefit.decisions.monitor import Monitor
from curvefit.decisions.recommendation import Action
from curvefit.forecasting.api import forecast


def watch(monitor, values, start=1, **others):
    """Answers until the first stop, and the last one."""
    answer = None
    for i, value in enumerate(values, start):
        answer = monitor.update(i, value, **{k: v[i - start] for k, v in others.items()})
        if answer.stop:
            return i, answer
    return None, answer


def noisy(mean, sd=0.02, seed=0):
    return mean + sd * np.random.default_rng(seed).standard_normal(mean.size)


X = np.arange(1.0, 1001.0)
LEVEL = noisy(0.5 + 2 * np.exp(-X / 30))
FALLING = noisy(3.0 - 0.002 * X)


def quiet_forecast(curve, x):
    raise AssertionError("not to be asked")


# decisions


def test_a_run_that_is_level_is_stopped_and_one_that_falls_is_not():
    at, answer = watch(Monitor("val_loss"), LEVEL)
    assert at is not None and 150 < at < 900 and answer.reasons[-1] == "criterion: gain"
    assert watch(Monitor("val_loss", horizon=2000), FALLING)[0] is None


def test_direction_mirrors():
    down, _ = watch(Monitor("val_loss"), LEVEL)
    up, _ = watch(Monitor("score", direction="max"), -LEVEL)
    assert down == up


def test_one_evaluation_is_not_enough():
    asked = []

    def counting(curve, x):
        asked.append(float(curve.x[-1]))
        return forecast(curve, x)

    at = {}
    for confirm in (1, 2, 4):
        asked.clear()
        at[confirm], _ = watch(Monitor("val_loss", confirm=confirm, forecasting=counting), LEVEL)
        assert asked[-1] == at[confirm]
    assert at[1] < at[2] < at[4]


def test_evaluations_are_few_and_announced():
    asked = []

    def counting(curve, x):
        asked.append(len(curve))
        return forecast(curve, x)

    monitor = Monitor("val_loss", any_of=("diverged",), forecasting=counting)
    announced = {}
    for i, value in enumerate(FALLING, 1):
        announced[i] = monitor.update(i, value).next_check
    assert 30 <= len(asked) <= 70
    for before, after in pairwise(asked[5:]):
        assert announced[before] == pytest.approx(after)


def test_patience_counts_updates_or_x():
    values = [1.0, 0.9, 0.8] + [0.8] * 50
    options = {"smoother": "none", "window": 1, "any_of": ("patience",)}
    by_updates = Monitor("val_loss", patience="10 updates", **options)
    stops = [10 * i for i, v in enumerate(values) if by_updates.update(10 * i, v).stop]
    assert stops[0] == 20 + 100  # the best is at x = 20, ten updates later
    by_x = Monitor("val_loss", patience="35 epochs", x_unit="epoch", **options)
    stops = [10 * i for i, v in enumerate(values) if by_x.update(10 * i, v).stop]
    assert stops[0] == 60


def test_patience_wants_more_than_noise_when_told_so():
    flat = noisy(np.full(400, 1.0), 0.1, seed=3)
    flat[300] = 0.2  # one lucky value
    plain = {"any_of": ("patience",), "window": 1, "smoother": "none"}
    lucky, _ = watch(Monitor("val_loss", patience="150 updates", **plain), flat)
    smoothed, _ = watch(Monitor("val_loss", patience="150 updates", min_gain="1 sigma", any_of=("patience",)), flat)
    assert lucky is None or lucky > smoothed
    assert 150 <= smoothed < 170


def test_target_is_reached_by_the_smoothed_value_twice():
    values = np.full(100, 1.0)
    values[20] = 0.0  # one lucky value is not the target reached
    values[50:] = 0.4
    at, answer = watch(Monitor("val_loss", target=0.5, any_of=("target",), window=3, smoother="median"), values)
    assert at == 53 and "target 0.5" in answer.reason


def test_a_target_that_is_reached_is_for_the_criterion_of_that_name():
    falls = noisy(1.0 + 2.0 * X**-0.3, 0.003)[:500]
    goal = {"target": 1.0 + 2.0 * 250**-0.3, "horizon": 5000}
    at, answer = watch(Monitor("val_loss", any_of=("gain", "hopeless"), **goal), falls)
    assert at is None and answer.action is Action.CONTINUE
    at, answer = watch(Monitor("val_loss", **goal), falls)
    assert 230 <= at <= 270 and answer.reasons[-1] == "criterion: target"


def test_hopeless_against_a_best_value():
    at, answer = watch(Monitor("val_loss", best=0.1, horizon=1000), LEVEL)
    assert at is not None and at < 400
    assert "out of reach" in answer.reason and answer.reasons[-1] == "criterion: hopeless"


def test_warmup_delays_the_stop():
    assert watch(Monitor("val_loss", warmup="700 updates"), LEVEL)[0] >= 700
    assert watch(Monitor("val_loss", warmup="700 steps"), LEVEL)[0] >= 700


def test_all_of_needs_all():
    patience = {"patience": "400 updates", "min_gain": 0.01}
    any_at, _ = watch(Monitor("val_loss", **patience, any_of=("gain", "patience")), LEVEL)
    all_at, answer = watch(Monitor("val_loss", **patience, all_of=("gain", "patience")), LEVEL)
    assert any_at < all_at and all_at >= 400
    assert answer.reasons[-1].startswith("criterion")


def test_not_finite_for_long_is_a_divergence_and_for_short_is_none():
    ends = FALLING[:300].copy()
    ends[200:] = np.nan
    at, answer = watch(Monitor("val_loss"), ends)
    assert at == 203 and "not been finite since step 201" in answer.reason
    assert len(answer.reasons) == 2 and answer.reasons[1] == "criterion: diverged"  # no gain that was seen before
    every_tenth = np.where(np.arange(300) % 10 == 0, FALLING[:300], np.nan)  # validated now and then
    assert watch(Monitor("val_loss"), every_tenth)[0] is None


def test_a_metric_that_is_never_finite_is_said_and_warned_of_once(caplog):
    monitor = Monitor("val_loss")
    with caplog.at_level(logging.WARNING):
        answers = [monitor.update(i, float("nan")) for i in range(60)]
    assert not any(a.stop for a in answers)
    assert "none of the 60 logged is finite" in answers[-1].reason
    assert sum("none of the 16 logged is finite" in r.getMessage() for r in caplog.records) == 1
    caplog.clear()
    seldom = Monitor("val_loss")  # validated every 30 steps
    for i in range(200):
        assert not seldom.update(i, 1.0 / (i + 1) if i % 30 == 0 else float("nan")).stop
    assert not caplog.records


def test_a_divergence_ends_the_run():
    y = LEVEL.copy()
    y[400:] += np.linspace(0, 4, 600)
    at, answer = watch(Monitor("val_loss", any_of=("diverged",)), y)
    assert at is not None and 450 < at < 850  # looks are a tenth apart; it ends when coming back has become unlikely
    assert "diverged" in answer.reason
    assert watch(Monitor("val_loss", any_of=("diverged",)), LEVEL)[0] is None


def test_a_training_loss_that_has_lost_everything_for_long_ends_the_run_whatever_is_forecast():
    """Ten times as high and falling again, which a forecast takes for a gain; a validation loss may come down again."""
    x = np.arange(1.0, 61.0)
    y = noisy(1 + 2 * x**-0.5)
    y[30:] *= 10
    at, answer = watch(Monitor("train_loss"), y)
    assert at is not None and at <= 42
    assert answer.reason.startswith("diverged: train_loss ends at a level of 13")
    assert answer.reasons[-1] == "criterion: diverged"
    assert watch(Monitor("train_loss", warmup="50 updates"), y)[0] == 50
    assert watch(Monitor("val_loss"), y, train_loss=y)[0] is not None
    at, answer = watch(Monitor("val_loss"), y)
    assert at is None and answer.action is Action.INTERVENE
    back = y.copy()
    back[34:] /= 10  # four values are a spike
    assert watch(Monitor("train_loss"), back)[0] is None


def test_no_stop_on_the_level_alone_while_the_rate_is_held_at_its_peak():
    at, answer = watch(Monitor("val_loss"), LEVEL, learning_rate=np.full(1000, 0.1))
    assert at is None and answer.action is Action.INTERVENE
    assert any("learning rate" in r for r in answer.reasons)
    lowered = np.where(X < 100, 0.1, 0.01)
    assert watch(Monitor("val_loss"), LEVEL, learning_rate=lowered)[0] is not None


# long, resumed, saved


def test_history_keeps_block_means():
    history = History()
    y = np.random.default_rng(0).standard_normal(5000)
    for i, value in enumerate(y):
        history.add(float(i), float(value))
    x, kept = history.arrays()
    assert history.size == 8 and len(kept) == 5000 // 8 <= MOST
    np.testing.assert_allclose(kept, y.reshape(-1, 8).mean(axis=1), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(x, np.arange(625) * 8 + 3)
    assert len(history) == 5000


@pytest.mark.parametrize("n", [1, MOST, MOST + 1, 2 * MOST + 3, 4 * MOST + 1, 9 * MOST + 5])
def test_history_counts_what_it_holds_at_every_length(n):
    history = History()
    for i in range(n):
        history.add(float(i), 1.0)
    assert len(history) == n and history.last_x == n - 1
    history.rewind(n / 2)
    assert history.last_x is None or history.last_x < n / 2
    assert abs(len(history) - n / 2) <= history.size
    x, y = history.arrays()
    assert np.all(np.diff(x) > 0) and np.all(y == 1.0)


def test_going_back_forgets_what_is_superseded():
    once, resumed = Monitor("val_loss", horizon=2000), Monitor("val_loss", horizon=2000)
    for i in range(1, 301):
        resumed.update(i, FALLING[i - 1] if i < 200 else 9.0)
    for i in range(1, 301):
        once.update(i, FALLING[i - 1])
    for i in range(200, 301):
        resumed.update(i, FALLING[i - 1])
    ours, theirs = once.state_dict(), resumed.state_dict()
    assert ours["series"] == theirs["series"] and ours["recent"][-100:] == theirs["recent"][-100:]


def test_a_state_goes_through_json_and_the_run_goes_on_as_if_nothing_had_happened():
    options = {"patience": "30 updates", "target": 0.2, "horizon": 4000, "min_gain": "1 sigma"}
    for stop_at in (3, 50, 400):
        y = noisy(0.5 + 2 * np.arange(1.0, 1301.0) ** -0.4)
        whole = Monitor("val_loss", **options)
        for i in range(1, stop_at + 1):
            whole.update(i, y[i - 1], train_loss=y[i - 1] - 0.1, learning_rate=0.1, grad_norm=np.nan)
        text = json.dumps(whole.state_dict(), allow_nan=False)
        again = Monitor("val_loss", **options)
        again.load_state_dict(json.loads(text))
        assert again.state_dict() == whole.state_dict()
        for i in range(stop_at + 1, stop_at + 13):
            assert again.update(i, y[i - 1]) == whole.update(i, y[i - 1])


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"version": 2},
        {"metric": "val_acc"},
        {"series": {"size": 1}},
        {"series": []},
        {"others": None},
        {"recent": [[1.0]]},
        {"streak": {}},
        {"answer": {"action": "DANCE"}},
        {"top": ["a", 1, 2]},
        {"gap": 3},
        {"gap": [1, float("inf"), 0]},
        {"upcoming": 10**400},
        {"upcoming": float("inf")},
        {"streak": dict.fromkeys(("gain", "patience", "target", "hopeless", "diverged"), -1)},
        {"recent": [[1.0, float("nan")]]},
        {"top": [1.0]},
        {"series": {"size": 3, "x": [], "last": [], "y": [], "open_x": [], "open_y": []}},
        {"others": {"series": {}, "lost": {"grad_norm": float("nan")}}},
    ],
)
def test_a_broken_state_is_a_clear_error_and_changes_nothing(broken):
    monitor = Monitor("val_loss")
    watch(monitor, FALLING[:30])
    before = monitor.state_dict()
    state = {**before, **broken} if broken else {}
    with pytest.raises(UsageError, match="CF-USE-012"):
        monitor.load_state_dict(state)
    assert monitor.state_dict() == before


@pytest.mark.parametrize("state", [None, 5, "state", [1], b"", np.zeros(3), object()])
def test_what_is_no_state_is_a_clear_error(state):
    with pytest.raises(UsageError, match="CF-USE-012"):
        Monitor("val_loss").load_state_dict(state)


def _bent(state, rng):
    """The state with one of its parts gone or replaced."""
    state = json.loads(json.dumps(state))
    part = state
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = keys[int(rng.integers(len(keys)))]
        if isinstance(part[key], dict | list) and part[key] and rng.random() < 0.7:
            part = part[key]
        elif rng.random() < 0.2:
            del part[key]
            return state
        else:
            odd = [None, -1, 0, 1e308, 10**400, "x", [], {}, True, float("nan"), float("inf"), ["a"], 2**70]
            part[key] = odd[int(rng.integers(len(odd)))]
            return state


def test_a_state_that_was_tampered_with_is_refused_or_harmless(caplog):
    monitor = Monitor("val_loss", patience="20 updates", min_gain="1 sigma")
    for i in range(1, 61):
        monitor.update(i, LEVEL[i], train_loss=LEVEL[i], learning_rate=0.1)
    state, rng, taken = monitor.state_dict(), np.random.default_rng(0), 0
    for _ in range(300):
        other = Monitor("val_loss", patience="20 updates", min_gain="1 sigma")
        try:
            other.load_state_dict(_bent(state, rng))
        except UsageError as error:
            assert error.code == "CF-USE-012"
            continue
        taken += 1
        answers = [other.update(i, LEVEL[i]) for i in range(61, 64)]
        assert all(str(a) for a in answers)
        json.dumps(other.state_dict(), allow_nan=False)
    assert 5 < taken < 150 and not caplog.records


def test_a_monitor_is_copied_and_sent_to_another_process():
    monitor = Monitor("val_loss", patience="30 updates", best=0.4)
    for i in range(1, 41):
        monitor.update(i, LEVEL[i])
    sent, copied = pickle.loads(pickle.dumps(monitor)), copy.deepcopy(monitor)
    assert sent.update(41, 0.5) == copied.update(41, 0.5) == monitor.update(41, 0.5)


def test_what_is_kept_stays_small():
    history = History()
    for i in range(100_000):
        history.add(float(i), 1.0)
    kept = history.state()
    assert sum(len(v) for v in kept.values() if isinstance(v, list)) <= 3 * MOST + 2 * kept["size"] <= 4 * MOST
    assert len(history) == 100_000


# hostile loops

BAD = [np.nan, np.inf, -np.inf, None, "x", [1, 2], 1e308, -1e308, object(), 0.0, True, np.float32(0.5)]


def test_a_thousand_random_interleavings_never_raise(caplog):
    rng = np.random.default_rng(1)
    kinds = ("next", "nan", "repeat", "back", "bad", "bad x", "restore", "beside")
    for case in range(1000):
        monitor = Monitor("val_loss", patience="3 updates", target=0.2, best=0.1, horizon=60.0 if case % 2 else None)
        x = 0.0
        for _ in range(int(rng.integers(5, 14))):
            kind = kinds[int(rng.integers(len(kinds)))]
            value = 1.0 + rng.standard_normal()
            if kind in ("next", "nan", "bad", "beside"):
                x += 1
            if kind == "back":
                x = float(rng.integers(0, 10))
            if kind == "restore":
                state = json.loads(json.dumps(monitor.state_dict(), allow_nan=False))
                monitor = Monitor("val_loss", patience="3 updates", target=0.2, best=0.1)
                monitor.load_state_dict(state)
            bad = BAD[int(rng.integers(len(BAD)))]
            where = bad if kind == "bad x" else x
            others = {"train_loss": bad, "learning_rate": bad, "grad_norm": bad} if kind == "beside" else {}
            answer = monitor.update(where, np.nan if kind == "nan" else bad if kind == "bad" else value, **others)
            assert isinstance(answer, cf.Recommendation)
            assert isinstance(answer.stop, bool) and isinstance(answer.reason, str)
    assert len(caplog.records) < 4000


@pytest.mark.slow
def test_evaluations_survive_interleavings_too():
    rng = np.random.default_rng(2)
    monitor = Monitor("val_loss", patience="50 updates")
    x = 0.0
    for i in range(400):
        x = x - 20 if i % 97 == 96 else x + rng.integers(0, 2)
        monitor.update(x, BAD[i % len(BAD)] if i % 5 == 0 else rng.random(), train_loss=rng.random())
    text = json.dumps(monitor.state_dict(), allow_nan=False)
    assert json.loads(text) == monitor.state_dict()


def test_a_forecaster_that_raises_is_survived_and_logged_once(caplog):
    def broken(curve, x):
        raise RuntimeError("no forecast today")

    monitor = Monitor("val_loss", forecasting=broken, patience="20 updates", target=-1.0)
    with caplog.at_level(logging.WARNING, "curvefit.monitor"):
        at, answer = watch(monitor, LEVEL)
    assert len(caplog.records) == 1 and "no forecast today" in caplog.text
    assert at is not None and "no improvement" in answer.reason  # what needs no forecast goes on


def test_one_further_metric_that_cannot_be_read_does_not_blind_the_monitor(caplog):
    monitor = Monitor("val_loss")
    at, _ = watch(monitor, LEVEL, train_loss=[None] * 1000)
    assert at is not None and len(caplog.records) == 1


def test_a_forecaster_that_returns_something_else_is_told(caplog):
    at, _ = watch(Monitor("val_loss", forecasting=lambda curve, x: None), LEVEL[:40])
    assert at is None and "not a Forecast" in caplog.text and len(caplog.records) == 1


def test_one_element_is_a_number(caplog):
    plain, packed = Monitor("val_loss"), Monitor("val_loss")
    for i, value in enumerate(LEVEL[:30], 1):
        plain.update(i, value, train_loss=value)
        packed.update(np.array([i]), np.array([[value]]), train_loss=np.array([value]))
    assert packed.state_dict() == plain.state_dict() and not caplog.records


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Treacherous:
    def __float__(self):
        raise Unprintable


class FullDisk(logging.Handler):
    def emit(self, record):
        raise OSError("disk full")


def test_not_even_an_error_that_cannot_be_told_gets_into_the_loop():
    assert not Monitor("val_loss").update(1, Treacherous()).stop
    handler = FullDisk()
    logging.getLogger("curvefit.monitor").addHandler(handler)
    try:
        assert not Monitor("val_loss").update(1, "x").stop
    finally:
        logging.getLogger("curvefit.monitor").removeHandler(handler)


def test_the_learning_rate_is_part_of_the_forecast_as_it_is_of_a_recommendation():
    plan = cf.Schedule.cosine(1e-3, 400)
    x = np.arange(1.0, 201.0)
    y = noisy(1 + 2 * (x + 20) ** -0.5, 0.005)
    monitor = Monitor("val_loss", horizon=400, schedule=plan)
    answers = [monitor.update(a, b) for a, b in zip(x, y, strict=True)]
    last = max(i for i, a in enumerate(answers) if i == 0 or a.probability != answers[i - 1].probability)
    seen = cf.Run("r", {"val_loss": cf.Curve(x[: last + 1], y[: last + 1], "val_loss")}, schedule=plan, horizon=400)
    assert answers[last].probability == pytest.approx(cf.recommend(seen).probability, abs=0.002)
    blind = Monitor("val_loss", horizon=400, schedule=plan, forecasting=forecast)
    assert (
        abs([blind.update(a, b) for a, b in zip(x, y, strict=True)][last].probability - answers[last].probability)
        > 0.01
    )


def test_interrupts_are_not_swallowed():
    def interrupted(curve, x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(Monitor("val_loss", forecasting=interrupted), LEVEL)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"metric": "frobnication"}, "smaller or larger"),
        ({"metric": 3}, "not a text|smaller or larger"),
        ({"direction": "down"}, "direction"),
        ({"x_unit": "furlong"}, "x_unit"),
        ({"horizon": -1}, "horizon"),
        ({"horizon": "soon"}, "horizon"),
        ({"schedule": [0.1]}, "schedule"),
        ({"min_gain": "much"}, "min_gain"),
        ({"min_gain": -1.0}, "min_gain"),
        ({"min_gain": [0.1]}, "min_gain"),
        ({"min_gain": {}}, "min_gain"),
        ({"min_gain": 1j}, "min_gain"),
        ({"min_gain": np.array([0.1, 0.2])}, "min_gain"),
        ({"min_gain": 10**5000}, "too many digits"),
        ({"min_gain": "-1%"}, "min_gain"),
        ({"min_gain": "inf"}, "min_gain"),
        ({"horizon": 10**400}, "horizon"),
        ({"horizon": [100]}, "horizon"),
        ({"best": 10**400}, "best"),
        ({"target": True}, "target"),
        ({"cost_per_unit": "a", "worth_per_unit": 1.0}, "cost_per_unit"),
        ({"cost_per_unit": True, "worth_per_unit": 1.0}, "cost_per_unit"),
        ({"cost_per_unit": 1.0, "worth_per_unit": [1]}, "worth_per_unit"),
        ({"any_of": 5}, "no criteria"),
        ({"all_of": ([],)}, "no criterion named"),
        ({"confirm": 2.0}, "confirm"),
        ({"patience": 10}, "unit"),
        ({"patience": "10"}, "unit"),
        ({"patience": "10 epochs"}, "patience"),
        ({"patience": "-3 updates"}, "patience"),
        ({"warmup": "nan updates"}, "warmup"),
        ({"warmup": 5.0}, "unit"),
        ({"target": np.nan}, "target"),
        ({"best": "0.1"}, "best"),
        ({"cost_per_unit": 1.0}, "belong together"),
        ({"cost_per_unit": -1.0, "worth_per_unit": 1.0}, "cost"),
        ({"smoother": "ema"}, "smoother"),
        ({"window": 0}, "window"),
        ({"window": 2.5}, "window"),
        ({"confirm": True}, "confirm"),
        ({"any_of": ("luck",)}, "luck"),
        ({"any_of": "gain"}, "one string"),
        ({"any_of": ("patience",)}, "needs patience"),
        ({"all_of": ("hopeless",)}, "needs target or best"),
        ({"any_of": ()}, "never|ever stop"),
        ({"forecasting": "pooled"}, "forecasting"),
    ],
)
def test_bad_arguments_are_clear_errors_at_construction(options, match):
    with pytest.raises(cf.CurvefitError, match=match):
        Monitor(**{"metric": "val_loss", **options})
