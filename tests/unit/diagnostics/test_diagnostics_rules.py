"""What single rules say in particular."""

import numpy as np
import pytest

from curvefit.curves import Curve, Flag, Provenance, Run, Schedule
from curvefit.datasets.examples import load_example
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry
from curvefit.simulate import run

X = np.arange(1.0, 201.0)


def noise(seed, n=200, sd=0.02):
    return sd * np.random.default_rng(seed).standard_normal(n)


def answer(rule, run_):
    return registry[rule](Evidence(run_))


MADE_FOR = {
    "healthy": set(),
    "overfitting": {"overfitting"},
    "lr_drops": {"generalization_gap"},
    "diverging": {"diverged"},
    "noisy_accuracy": set(),
}


@pytest.mark.parametrize(("name", "warnings"), MADE_FOR.items())
def test_example_runs_show_what_they_were_made_for(name, warnings):
    found = diagnose(load_example(name))
    assert {d.name for d in found.warnings} == warnings
    if name == "lr_drops":
        assert 51.0 in [e.value for e in found["lr_drop"].where]
    if name == "noisy_accuracy":
        assert found["steppy"].present
        assert found["steppy"].evidence["implied_evaluation_set"] == 80
    if name == "healthy":
        assert found["still_improving"].present
    if name == "overfitting":
        assert found["overfitting"].where[0].interval.low <= 15 <= found["overfitting"].where[0].interval.high


def test_validation_that_rises_with_training_is_no_overfitting():
    up = 1 + 2 * X**-0.7 + np.maximum(X - 100, 0) / 200
    both = Run(
        "r", {"train_loss": Curve(X, up + noise(0), "train_loss"), "val_loss": Curve(X, up + noise(1), "val_loss")}
    )
    said = answer("overfitting", both)
    assert not said.present and "so does training" in said.explanation


def test_a_single_jump_is_no_overfitting():
    y = 1 + 2 * X**-0.7 + 0.5 * (X > 150)
    jump = Run("r", {"val_loss": Curve(X, y + noise(0), "val_loss")})
    assert "single jump" in answer("overfitting", jump).explanation


def test_a_bump_that_comes_back_is_no_overfitting():
    bump = run({"double_descent": 0.3}, rng=np.random.default_rng(4)).run
    assert not answer("overfitting", bump).present


def test_a_rise_while_the_learning_rate_rises_is_explained():
    rate = np.where(X < 100, 0.01, 0.01 + (X - 100) / 500)
    y = 1 + 2 * X**-0.7 + np.maximum(X - 100, 0) / 400
    raised = Run("r", {"val_loss": Curve(X, y + noise(0), "val_loss")}, schedule=Schedule(X, rate))
    assert not answer("overfitting", raised).present
    quiet = Run("r", {"val_loss": Curve(X, y + noise(0), "val_loss")})
    assert answer("overfitting", quiet).present


def test_overfitting_without_a_training_curve_says_so():
    only = run("overfitting", rng=np.random.default_rng(0)).run
    said = answer("overfitting", Run("r", {"val_loss": only["val_loss"]}))
    assert said.present and "No training curve" in said.explanation


def test_an_accuracy_that_turns_down_is_overfitting():
    y = np.minimum(0.5 + 0.2 * np.log10(X), 0.85) - np.maximum(X - 90, 0) / 1500
    said = answer("overfitting", Run("r", {"val_accuracy": Curve(X, y + noise(3, sd=0.005), "val_accuracy")}))
    assert said.present and "falls by" in said.explanation
    assert said.where[0].interval.low < 92 < said.where[0].interval.high + 5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_stop_being_finite(bad):
    y = np.where(X > 150, bad, 1 + 2 / X)
    said = answer("diverged", Run("r", {"train_loss": Curve(X, y, "train_loss")}))
    assert said.present and said.where[0].value == 151 and said.where[0].interval.low == 150
    assert ("NaN" if np.isnan(bad) else "infinite") in said.explanation


def test_a_nan_that_recovers_is_no_divergence():
    y = np.where(X == 150, np.nan, 1 + 2 / X + noise(0))
    assert not answer("diverged", Run("r", {"train_loss": Curve(X, y, "train_loss")})).present


def test_a_last_point_far_off_is_undecided_not_diverged():
    y = 1 + 2 * X**-0.7 + noise(0)
    y[-1] += 10
    said = answer("diverged", Run("r", {"train_loss": Curve(X, y, "train_loss")}))
    assert not said.present
    y[-3:] += 10
    said = answer("diverged", Run("r", {"train_loss": Curve(X, y, "train_loss")}))
    assert said.verdict.value == "undecided" and "too few" in said.explanation
    y[-12:] = 11
    assert answer("diverged", Run("r", {"train_loss": Curve(X, y, "train_loss")})).present


def test_validation_beyond_its_start_by_overfitting_is_no_divergence():
    y = 0.5 + 2 * X**-0.7 + np.maximum(X - 20, 0) / 40
    r = Run(
        "r",
        {
            "train_loss": Curve(X, 2 * X**-0.7 + noise(1), "train_loss"),
            "val_loss": Curve(X, y + noise(2), "val_loss"),
        },
    )
    found = diagnose(r)
    assert found["overfitting"].present and not found["diverged"].present


def test_stuck_at_chance_is_said():
    world = run("not_learning", rng=np.random.default_rng(0)).run
    said = answer("not_learning", world)
    assert said.present and "chance level 2.3" in said.explanation


def test_rising_from_the_start_is_not_learning():
    y = 2.3 + X / 400 + noise(0)
    said = answer("not_learning", Run("r", {"train_loss": Curve(X, y, "train_loss")}))
    assert said.present and "from the start" in said.explanation


def test_frozen_weights_are_said():
    said = answer("not_learning", Run("r", {"train_loss": Curve(X, np.full(200, 2.3), "train_loss")}))
    assert said.present and "do not change" in said.explanation
    perfect = answer("not_learning", Run("r", {"train_accuracy": Curve(X, np.ones(200), "train_accuracy")}))
    assert perfect.verdict.value == "undecided"


def test_a_first_value_far_above_the_rest_is_learning():
    y = 1 + noise(0)
    y[0] = 2.0
    assert not answer("not_learning", Run("r", {"train_loss": Curve(X, y, "train_loss")})).present


def test_spikes_are_all_located():
    y = 1 + 2 * X**-0.7 + noise(0)
    at = [60, 110, 160]
    for i in at:
        y[i] += 0.6
    said = answer("spikes", Run("r", {"train_loss": Curve(X, y, "train_loss")}))
    assert said.present and [e.value for e in said.where] == [i + 1 for i in at]
    assert said.evidence["spikes"] == 3
    assert all(e.details["recovery"] == 1 for e in said.where)


def test_downward_excursions_of_a_loss_are_no_spikes():
    y = 3 + 2 * X**-0.7 + noise(0)
    y[[60, 110]] -= 0.6
    assert not answer("spikes", Run("r", {"train_loss": Curve(X, y, "train_loss")})).present


def test_masked_nan_by_flag_by_gradient_and_by_zeros():
    y = 1 + 2 * X**-0.7 + noise(0)
    y[150:] = 0.0
    flags = np.where(X > 150, int(Flag.MASKED_NAN), 0)
    norm = Curve(X, np.where(X > 150, np.nan, 1.0), "grad_norm")
    for curves in (
        {"train_loss": Curve(X, y, "train_loss", flags=flags)},
        {"train_loss": Curve(X, y, "train_loss"), "grad_norm": norm},
        {"train_loss": Curve(X, y, "train_loss")},
    ):
        said = answer("masked_nan", Run("r", curves))
        assert said.present and said.where[0].value == 151
    y[150:] = y[149]
    said = answer("masked_nan", Run("r", {"train_loss": Curve(X, y, "train_loss")}))
    assert said.verdict.value == "undecided" and "gradient norm" in said.explanation


def test_a_loss_that_decays_to_zero_is_not_masked():
    y = np.where(X < 150, np.exp(-X / 3), 0.0)
    assert not answer("masked_nan", Run("r", {"train_loss": Curve(X, y, "train_loss")})).present


def test_resumed_reads_provenance_and_segments():
    c = Curve(X, 1 / X, "val_loss", segment=(X > 120).astype(int), defects={"superseded": 7})
    said = answer("resumed", Run("r", {"val_loss": c}))
    assert said.present and said.where[0].value == 121 and said.evidence["superseded"] == 7
    told = Run("r", {"val_loss": Curve(X, 1 / X, "val_loss")}, provenance=Provenance(restarts=(50.0, 90.0)))
    assert [e.value for e in answer("resumed", told).where] == [50.0, 90.0]


def test_lr_drop_needs_the_log_and_a_reaction():
    y = 1 + 2 * X**-0.7 + noise(0)
    rate = np.where(X < 100, 0.1, 0.01)
    assert answer("lr_drop", Run("r", {"val_loss": Curve(X, y, "val_loss")})).verdict.value == "undecided"
    flat = Run("r", {"val_loss": Curve(X, y, "val_loss")}, schedule=Schedule(X, rate))
    assert answer("lr_drop", flat).verdict.value == "absent"
    dropped = Run("r", {"val_loss": Curve(X, y - 0.2 * (X >= 100), "val_loss")}, schedule=Schedule(X, rate))
    said = answer("lr_drop", dropped)
    assert said.present and said.where[0].value == 100
    assert said.where[0].details["size"] == pytest.approx(0.2, abs=3 * said.where[0].details["size_stderr"] + 1e-9)
    assert said.where[0].details["rate_ratio"] == pytest.approx(0.1)
    assert "at step 100: by 0.2" in said.explanation
    rates = np.where(X < 70, 0.1, np.where(X < 140, 0.02, 0.004))
    twice = Curve(X, y - 0.2 * (X >= 70) - 0.1 * (X >= 140), "val_loss")
    assert (
        "at step 70, 140: most by 0.2"
        in answer("lr_drop", Run("r", {"val_loss": twice}, schedule=Schedule(X, rates))).explanation
    )


def test_underdetermined_says_how_much_more():
    short = answer("underdetermined", Run("r", {"val_loss": Curve(X[:5], 1 / X[:5], "val_loss")}))
    assert short.present and short.evidence["points_needed"] == 8
    rng = np.random.default_rng(0)
    noisy = answer("underdetermined", Run("r", {"val_loss": Curve(X[:30], 1 + rng.standard_normal(30), "val_loss")}))
    assert noisy.present and noisy.evidence["points_needed"] > 30


def test_plateau_onset_is_located_and_an_honest_undecided_names_points():
    world = run("plateaued", rng=np.random.default_rng(1), n=1000)
    said = answer("plateaued", world.run)
    assert said.present
    assert said.where[0].value == pytest.approx(world.truth["plateaued.onset"], abs=50)
    noisy = run("plateaued", rng=np.random.default_rng(1), n=60, sd=0.1)
    unsure = answer("plateaued", noisy.run)
    assert unsure.verdict.value == "undecided" and unsure.evidence["points_needed"] > 60


def test_steady_improvement_is_not_a_plateau():
    y = 3 - X / 200 + noise(0)
    falling = Run("r", {"val_loss": Curve(X, y, "val_loss")})
    assert answer("plateaued", falling).verdict.value == "absent"
    assert answer("still_improving", falling).present


@pytest.mark.parametrize(("rate", "told"), [(None, True), (np.full(200, 0.1), True), (0.1 - X / 4000, False)])
def test_a_decay_of_the_rate_is_proposed_only_while_there_is_none(rate, told):
    schedule = None if rate is None else Schedule(X, rate)
    said = answer(
        "still_improving", Run("r", {"val_loss": Curve(X, 3 - X / 200 + noise(0), "val_loss")}, schedule=schedule)
    )
    assert said.present and ("decay" in said.advice) == told


def test_getting_worse_is_neither_level_nor_improving():
    world = run({"overfitting": 0.5}, rng=np.random.default_rng(2)).run
    assert not answer("plateaued", world).present
    assert not answer("still_improving", world).present


def test_a_smoothed_name_is_believed():
    said = answer("smoothed_input", Run("r", {"val_loss_ema": Curve(X, 1 / X + noise(0), "val_loss_ema")}))
    assert said.present and "by its name" in said.explanation


@pytest.mark.parametrize(("metric", "word"), [("loss", "below"), ("accuracy", "above")])
def test_validation_better_all_along_has_no_end(metric, word):
    """Where the means never cross there is no place to name; where they cross, the sentence ends there."""
    x = np.arange(1.0, 101.0)
    rng = np.random.default_rng(3)
    falling = 0.3 + 0.4 * x**-0.5

    def said(gap):
        val, train = (falling - gap, falling) if metric == "loss" else (1 - falling + gap, 1 - falling)
        both = Run(
            "r",
            {
                f"val_{metric}": Curve(x, val + 0.002 * rng.standard_normal(100), f"val_{metric}"),
                f"train_{metric}": Curve(x, train + 0.002 * rng.standard_normal(100), f"train_{metric}"),
            },
        )
        return answer("validation_below_training", both)

    always = said(0.05)
    assert always.present
    assert always.where == ()
    assert f"lies {word} " in always.explanation
    assert always.explanation.endswith("throughout.")
    early = said(np.where(x < 50, 0.05, -0.05))
    assert "until about step" in early.explanation
    assert early.where[0].value == pytest.approx(50, abs=8)
    late = said(np.where(x < 50, -0.05, 0.05))
    assert late.explanation.endswith("to the end.")
    assert "from about step" in late.explanation
    assert late.where == ()
