"""Simulated runs are what they say: noise, schedules, faults, truth, and chance from the caller alone."""

import numpy as np
import pytest
from scipy import stats

from curvefit.curves import UsageError
from curvefit.models import registry
from curvefit.simulate import FAULTS, NOISES, SCHEDULES, Noise, curve, rates, resnet_run, run
from curvefit.simulate.noise import ema
from curvefit.simulate.schedules import lagged


@pytest.mark.parametrize("name", list(NOISES))
def test_noise_has_the_size_and_the_correlation_it_states(name):
    kind = NOISES[name]
    n = 4000
    y = kind.apply(np.full(n, 5.0), 0.1, np.random.default_rng(1)) - 5.0
    if name == "none":
        assert not y.any()
        return
    y = y[500:]  # past the start of a moving average
    expected = 0.1 * np.sqrt(np.mean(np.diag(kind.covariance(n))[500:]))
    rho = kind.covariance(600)[300, 301] / kind.covariance(600)[300, 300]
    effective = y.size * (1 - rho) / (1 + rho)
    heavy = 3 if name == "t3" else 1  # the sample variance of t3 converges slowly
    assert np.std(y) == pytest.approx(expected, rel=4 * heavy / np.sqrt(2 * effective))
    assert np.corrcoef(y[1:], y[:-1])[0, 1] == pytest.approx(rho, abs=4 / np.sqrt(effective))


def test_t3_is_student():
    e = NOISES["t3"].draw(20_000, np.random.default_rng(0)) * np.sqrt(3)
    assert stats.kstest(e, stats.t(3).cdf).pvalue > 0.01


def test_quantized_accuracy_lies_on_its_grid():
    y = Noise("quantized", size=50).apply(np.linspace(0.2, 0.99, 200), 0.05, np.random.default_rng(0), accuracy=True)
    assert np.allclose(y * 50, np.round(y * 50)) and y.max() <= 1


def test_moving_average_is_the_recursion():
    y = np.random.default_rng(0).standard_normal(50)
    state, weight, out = 0.0, 0.0, []
    for value in y:
        state, weight = 0.9 * state + 0.1 * value, 0.9 * weight + 0.1
        out.append(state / weight)
    assert ema(y, 0.9) == pytest.approx(out)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_schedules_are_shares_of_their_peak(name):
    r = rates(name, 500, peak=0.3)
    assert r.shape == (500,) and r.min() >= 0 and 0.29 < r.max() <= 0.3 + 1e-12


def test_lagged_rate_starts_at_the_rate_and_follows():
    r = np.r_[np.ones(50), np.zeros(200)]
    felt = lagged(r, 10.0)
    assert felt[0] == pytest.approx(1) and felt[49] == pytest.approx(1)
    assert felt[59] == pytest.approx(np.exp(-1), rel=1e-6) and felt[-1] < 1e-8


@pytest.mark.parametrize("model", registry.names())
@pytest.mark.parametrize("noise", ["white", "multiplicative", "none"])
def test_a_curve_of_every_law(model, noise):
    made = curve(model, rng=np.random.default_rng(0), n=100, noise=noise)
    law = registry[model]
    assert made.means["val_loss"] == pytest.approx(law.predict(np.arange(1.0, 101.0), dict(made.truth)))
    if noise == "none":
        assert made.curve.y == pytest.approx(made.means["val_loss"])


@pytest.mark.parametrize("schedule", ["constant", "staircase", "cosine", "wsd", "linear", "one_cycle"])
def test_healthy_means_only_improve_unless_the_rate_rises(schedule):
    for seed in range(20):
        world = run(rng=np.random.default_rng(seed), n=150, schedule=schedule)
        assert world.faults == () and world.run.name == "healthy"
        start = 48 if schedule == "one_cycle" else 4 if schedule == "wsd" else 0
        for name in ("train_loss", "val_loss"):
            assert np.all(np.diff(world.means[name][start:]) <= 1e-12)
        assert np.all(np.diff(world.means["val_accuracy"][start:]) >= -1e-12)


@pytest.mark.parametrize("name", list(FAULTS))
@pytest.mark.parametrize("n", [30, 200])
def test_every_fault_can_be_planted_at_any_length(name, n):
    world = run(name, rng=np.random.default_rng(2), n=n)
    assert world.faults == (name,) and world.run.name == name
    for key, mean in world.means.items():
        assert mean.shape == (n,) and np.all(np.isfinite(mean)), key
    changed = any(not np.array_equal(world.means[k], world.healthy[k]) for k in world.means)
    logged = name in {"nonfinite", "masked_nan", "spikes", "erratic", "resumed", "steppy", "smoothed_input"}
    assert changed or logged
    for place, x in world.truth.items():
        if place.endswith((".onset", ".x", ".peak", ".end")):
            assert 1 <= x <= n


def test_overfitting_is_where_the_truth_says():
    for seed in range(10):
        world = run({"overfitting": 0.4}, rng=np.random.default_rng(seed))
        val, train = world.means["val_loss"], world.means["train_loss"]
        onset = int(world.truth["overfitting.onset"]) - 1
        assert np.argmin(val) == onset
        assert val[-1] - val[onset] == pytest.approx(world.truth["overfitting.rise"])
        assert np.all(np.diff(train) < 0)


def test_the_same_generator_gives_the_same_run_and_another_does_not():
    a, b, c = (run("spikes", rng=np.random.default_rng(s)).run["train_loss"] for s in (7, 7, 8))
    assert a == b and a != c


def test_what_is_asked_for_is_in_the_log():
    world = run(rng=np.random.default_rng(0), n=100, val_every=10, log_rate=False, horizon=300.0)
    assert len(world.run["val_loss"]) == 10 and len(world.run["train_loss"]) == 100
    assert world.means["val_loss"].shape == (10,)
    assert world.run.schedule is None and world.run.horizon == 300.0
    assert run(rng=np.random.default_rng(0), n=100).run.schedule.rate == pytest.approx(np.full(100, 0.1))


def test_faults_can_be_combined():
    world = run(["spikes", "overfitting"], rng=np.random.default_rng(1), n=500)
    assert {"spikes.x", "overfitting.onset"} <= set(world.truth)


def test_a_resumed_run_repeats_steps():
    world = run("resumed", rng=np.random.default_rng(1))
    curve_ = world.run["train_loss"]
    assert curve_.defects["superseded"] == 10 and set(curve_.segment) == {0, 1}
    assert world.run.provenance.restarts == (world.truth["resumed.x"],)


def test_the_worked_example_has_its_truth():
    world = resnet_run(rng=np.random.default_rng(0), noise="none")
    val, train = world.run["val_loss"].y, world.run["train_loss"].y
    accuracy = world.run["val_accuracy"].y
    onset = int(world.truth["overfitting.onset"]) - 1
    assert 65 <= onset + 1 <= 70 and np.all(np.diff(val[onset:119]) > 0)
    assert val[125] < val[119] and accuracy[125] > accuracy[119]
    later = int(world.truth["loss_accuracy_decoupled.onset"]) - 1
    assert 123 <= later + 1 <= 130 and val[-1] > val[later] and accuracy[-1] > accuracy[later]
    end = int(world.truth["validation_below_training.end"]) - 1
    assert 53 <= end + 1 <= 58 and np.all(train[:end] >= val[:end]) and train[end] < val[end]
    assert [c.x for c in world.run.schedule.changes()] == [61.0, 121.0, 161.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda rng: run("overfiting", rng=rng),
        lambda rng: run(rng=rng, noise="pink"),
        lambda rng: run(rng=rng, schedule="cosin"),
        lambda rng: Noise("whit"),
        lambda rng: Noise("ar", rho=1.0),
    ],
)
def test_unknown_names_and_impossible_numbers_are_refused(call):
    with pytest.raises(UsageError):
        call(np.random.default_rng(0))
