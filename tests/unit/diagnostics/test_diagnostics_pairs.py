"""Rules that compare curves, the start with the rest, or look for a period: planted truth and its negation."""

import numpy as np
import pytest

from curvefit.curves import Curve, Run, Schedule
from curvefit.diagnostics._periodogram import strongest_lines
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry
from curvefit.simulate import run

X = np.arange(1.0, 201.0)
BASE = 0.5 + 1.8 * X**-0.7


def noise(seed, n=200, sd=0.02):
    return sd * np.random.default_rng(seed).standard_normal(n)


def of(schedule=None, attributes=None, **curves):
    made = {k: Curve(X[: len(y)], y, k) for k, y in curves.items()}
    return Run("r", made, schedule=schedule, attributes=attributes or {})


def ask(rule, run_):
    return registry[rule](Evidence(run_))


# a gap


@pytest.mark.parametrize(("gap", "verdict"), [(0.1, "absent"), (0.9, "present")])
def test_a_gap_counts_against_what_training_has_gained(gap, verdict):
    found = ask("generalization_gap", of(train_loss=BASE + noise(0), val_loss=BASE + gap + noise(1)))
    assert found.verdict.value == verdict
    assert found.evidence["gap"] == pytest.approx(gap, abs=4 * found.evidence["gap_stderr"])


def test_a_gap_of_accuracies_counts_alike():
    train, val = 0.9 - 0.7 * X**-0.7, 0.5 - 0.3 * X**-0.7
    found = ask("generalization_gap", of(train_acc=train + noise(0, sd=0.005), val_acc=val + noise(1, sd=0.005)))
    assert found.present and found.evidence["gap"] > 0.3


def test_a_gap_that_still_grows_is_left_to_the_other_rules():
    parted = BASE + 0.004 * X
    assert not ask("generalization_gap", of(train_loss=BASE + noise(0), val_loss=parted + noise(1))).present


def test_validation_that_stands_while_training_goes_on():
    train = BASE - 0.003 * np.maximum(X - 100, 0)
    level = np.where(X < 100, BASE, BASE[99])
    found = ask("overfitting_plateau", of(train_loss=train + noise(0), val_loss=level + 0.1 + noise(1)))
    assert found.present
    assert found.where[0].interval.low - 5 <= 100 <= found.where[0].interval.high + 5
    assert abs(found.where[0].value - 100) <= 20


def test_validation_that_follows_training_has_not_parted():
    both = BASE - 0.003 * np.maximum(X - 100, 0)
    said = ask("overfitting_plateau", of(train_loss=both + noise(0), val_loss=both + 0.1 + noise(1)))
    assert not said.present
    slower = BASE - 0.0015 * np.maximum(X - 100, 0)
    assert not ask("overfitting_plateau", of(train_loss=both + noise(0), val_loss=slower + 0.1 + noise(1))).present


# loss and accuracy


def parting(accuracy):
    val = np.where(X < 90, BASE, BASE[89]) + 0.004 * np.maximum(X - 90, 0)
    return of(
        train_loss=BASE * np.where(X < 90, 1, 0.9) + noise(0), val_loss=val + noise(1), val_accuracy=accuracy + noise(2, sd=0.004)
    )  # fmt: skip


def test_a_loss_that_rises_while_accuracy_improves():
    found = ask("loss_accuracy_decoupled", parting(0.8 - 0.6 * X**-0.7 + 0.0003 * X))
    assert found.present and "improves" in found.explanation
    assert found.where[0].interval.low - 10 <= 90 <= found.where[0].interval.high + 10
    assert found.evidence["accuracy_change"] > 0


def test_a_loss_that_rises_while_accuracy_holds():
    assert ask("loss_accuracy_decoupled", parting(np.where(X < 90, 0.8 - 0.6 * X**-0.7, 0.8 - 0.6 * 90**-0.7))).present


def test_an_accuracy_that_falls_with_the_loss_is_coupled():
    down = np.where(X < 90, 0.8 - 0.6 * X**-0.7, 0.77) - 0.001 * np.maximum(X - 90, 0)
    said = ask("loss_accuracy_decoupled", parting(down))
    assert not said.present and "falls with it" in said.explanation


def test_without_an_accuracy_nothing_is_decoupled():
    assert ask("loss_accuracy_decoupled", of(val_loss=BASE + noise(0))).verdict.value == "undecided"


# the start


@pytest.mark.parametrize(("first", "present"), [(2.4, False), (3.2, False), (9.0, True)])
def test_a_start_is_poor_against_guessing(first, present):
    y = 0.4 + (first - 0.4) * X**-1.0 + noise(0)
    found = ask("poor_start", of(train_loss=y, attributes={"classes": 10.0}))
    assert found.present is present
    assert found.evidence["chance_level"] == pytest.approx(np.log(10))


def test_without_the_number_of_classes_no_start_is_poor():
    assert ask("poor_start", of(train_loss=9 * BASE)).verdict.value == "undecided"


@pytest.mark.parametrize("shape", ["flat", "rising"])
def test_a_slow_start_ends_where_the_fall_begins(shape):
    late = np.maximum(X - 30, 1.0)
    y = 0.5 + 1.8 * late**-0.7 + (0.004 * np.minimum(X, 30) if shape == "rising" else 0)
    found = ask("slow_start", of(train_loss=y + noise(3)))
    assert found.present
    assert found.where[0].value == pytest.approx(30, abs=6)


def test_a_convex_fall_is_no_slow_start():
    for seed in range(20):
        for base in (BASE, 3 - 0.01 * X, 0.5 + 2 * np.exp(-X / 40)):
            assert not ask("slow_start", of(train_loss=base + noise(seed))).present


# long after


def test_grokking_is_found_with_both_places_and_not_on_runs_that_generalize_at_once():
    world = run("grokking", rng=np.random.default_rng(1), n=400)
    found = ask("grokking", world.run)
    assert found.present
    assert found.where[1].value == pytest.approx(world.truth["grokking.val"], abs=20)
    assert found.where[0].value < 0.3 * found.where[1].value
    assert not ask("grokking", run(rng=np.random.default_rng(1), n=400).run).present


def test_grokking_explains_the_flat_start():
    found = diagnose(run("grokking", rng=np.random.default_rng(5), n=1000).run)
    assert found["grokking"].present and not found["slow_start"].present
    assert "Explained by grokking" in found["slow_start"].explanation


# a period


def test_a_sawtooth_gives_its_period_and_nothing_else_does():
    saw = 0.06 * ((np.arange(200) % 16) / 16 - 0.5)
    found = ask("periodic", of(train_loss=BASE + saw + noise(0)))
    assert found.present
    assert found.evidence["period"] == pytest.approx(16, rel=0.03)
    assert not ask("periodic", of(train_loss=BASE + noise(0))).present


def test_a_cyclical_rate_explains_a_period():
    wave = 0.08 * np.sin(2 * np.pi * X / 16)
    rate = Schedule(X, 0.1 + 0.09 * np.sin(2 * np.pi * X / 16))
    alone = of(train_loss=BASE + wave + noise(0))
    explained = of(train_loss=BASE + wave + noise(0), schedule=rate)
    assert ask("periodic", alone).present
    said = ask("periodic", explained)
    assert not said.present and "as the learning rate does" in said.explanation


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_the_p_value_of_a_line_is_conservative_under_correlation(rho):
    rng = np.random.default_rng(7)
    small = 0
    for _ in range(300):
        e = rng.standard_normal(400)
        for i in range(1, 400):
            e[i] += rho * e[i - 1]
        small += strongest_lines([e[100:]], [None])[0].p_value < 0.05
    assert small <= 26  # binomial(300, 0.05) exceeds it once in a thousand


# capacity


def poor(level, **attributes):
    both = level + 1.2 * np.exp(-X / 8)
    return of(train_loss=both + noise(0, sd=0.005), val_loss=both + 0.01 + noise(1, sd=0.005), attributes=attributes)


def test_a_level_is_poor_only_against_something():
    assert ask("underfitting_capacity", poor(1.5)).verdict.value == "undecided"
    assert ask("underfitting_capacity", poor(1.5, target=0.8)).present
    assert ask("underfitting_capacity", poor(1.5, classes=10.0)).present
    assert ask("underfitting_capacity", poor(0.5, target=0.8)).verdict.value == "absent"
    assert ask("underfitting_capacity", poor(0.5, classes=10.0)).verdict.value == "absent"


def test_a_training_loss_far_below_is_no_lack_of_capacity():
    val = 1.5 + 1.2 * np.exp(-X / 8)
    said = ask(
        "underfitting_capacity",
        of(train_loss=val - 0.8 + noise(0), val_loss=val + noise(1), attributes={"target": 0.8}),
    )
    assert said.verdict.value == "absent" and "capacity" in said.explanation
