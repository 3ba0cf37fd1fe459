"""Sudden changes and bumps: found, placed, sorted by what explains them, and told as one story."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.curves import Curve, Provenance, Run, Schedule
from curvefit.diagnostics._changes import changes, dated
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry
from curvefit.simulate import run

X = np.arange(1.0, 201.0)
FALLING = 1 + 2 * X**-0.7


def noise(seed=0, n=200, sd=0.02):
    return sd * np.random.default_rng(seed).standard_normal(n)


def one(y, schedule=None, provenance=None, **others):
    curves = {"val_loss": Curve(X, y, "val_loss"), **{k: Curve(X, v, k) for k, v in others.items()}}
    return Run("r", curves, schedule=schedule, provenance=provenance)


def answer(rule, run_):
    return registry[rule](Evidence(run_))


CONSTANT = Schedule(X, np.full(200, 0.1))


@pytest.mark.parametrize("size", [-0.3, 0.3])
@pytest.mark.parametrize("n", [40, 200, 2000])
def test_a_step_is_found_where_it_is(n, size):
    x = np.arange(1.0, n + 1)
    at = int(0.55 * n)
    curve = Curve(x, 1 + 2 * x**-0.7 + size * (x > at) + noise(n=n), "val_loss")
    trace = Evidence(Run("r", {"val_loss": curve})).trace("val_loss")
    (found,) = changes(trace, 0.01)
    assert found.size == pytest.approx(size, abs=4 * found.stderr + 0.02)
    first, low, high = dated(curve, trace, found)
    assert abs(first - (at + 1)) <= max(1, 0.005 * n)
    assert low <= at <= high or low <= at + 1 <= high


@pytest.mark.parametrize(
    "y",
    [
        FALLING,
        FALLING + 0.2 * np.exp(-np.maximum(X - 100, 0) / 8) * (X >= 100),
        np.where(X < 80, 2 - X / 80, 1.0),
        X**-2.0,
    ],
    ids=["power", "excursion", "kink", "steep"],
)
@pytest.mark.parametrize("sd", [0.0, 0.01])
def test_what_is_smooth_kinked_or_passing_is_no_change(y, sd):
    trace = Evidence(one(y + noise(sd=sd))).trace("val_loss")
    assert changes(trace, 0.01) == ()


def test_a_rise_is_a_regime_change_with_or_without_a_logged_rate():
    y = FALLING + 0.3 * (X > 120) + noise()
    for schedule in (None, CONSTANT):
        said = answer("regime_change", one(y, schedule))
        assert said.present
        assert said.where[0].value == 121
        assert said.where[0].details["size"] < 0  # for the worse
        assert "jumps up" in said.explanation


def test_a_score_falls_where_its_mirror_image_rises():
    y = FALLING + 0.3 * (X > 120) + noise()
    said = answer("regime_change", Run("r", {"reward": Curve(X, -y, "reward")}, schedule=CONSTANT))
    assert said.present
    assert "drops by" in said.explanation


def test_a_drop_is_taken_for_a_cut_of_the_rate_only_where_none_is_logged():
    y = FALLING - 0.3 * (X > 120) + noise()
    blind = one(y)
    assert answer("lr_drop", blind).present
    assert answer("lr_drop", blind).evidence["logged"] == 0
    assert answer("lr_drop", blind).where[0].value == 121
    assert "lr_drop" in answer("regime_change", blind).explanation
    told = one(y, CONSTANT)
    assert answer("regime_change", told).present
    assert "does not explain" in answer("regime_change", told).explanation
    assert not answer("lr_drop", told).present


def test_a_drop_where_the_logged_rate_drops_is_explained():
    cut = Schedule(X, np.where(X > 120, 0.01, 0.1))
    y = FALLING - 0.3 * (X > 120) + noise()
    assert not answer("regime_change", one(y, cut)).present
    assert answer("lr_drop", one(y, cut)).present


def test_a_change_at_a_restart_is_explained():
    y = FALLING + 0.3 * (X > 120) + noise()
    said = answer("regime_change", one(y, provenance=Provenance(restarts=(121.0,))))
    assert not said.present
    assert "known cause" in said.explanation


def test_what_comes_back_does_not_last():
    y = FALLING + 0.2 * ((X > 100) & (X <= 130)) + noise()
    assert not answer("regime_change", one(y, CONSTANT)).present


def test_a_divergence_is_not_also_a_regime_change():
    for seed in range(3):
        world = run("diverged_suddenly", rng=np.random.default_rng(seed), n=200)
        found = diagnose(world.run)
        assert [d.name for d in found.warnings] == ["diverged"]
        assert "Explained by diverged" in found["regime_change"].explanation


def test_a_bump_is_found_with_its_places():
    world = run("double_descent", rng=np.random.default_rng(0), n=200)
    found = diagnose(world.run)
    said = found["double_descent"]
    assert said.present
    assert not found.warnings
    assert said.where[0].name == "peak"
    assert said.where[0].value == pytest.approx(world.truth["double_descent.peak"], abs=6)
    assert {"peak", "first_minimum", "prominence"} <= set(said.evidence)


def bumped(height=0.5):
    return FALLING + height * np.exp(-(((X - 90) / 15) ** 2) / 2)


def test_a_bump_that_training_shares_or_the_rate_explains_is_none():
    shared = one(bumped() + noise(), train_loss=bumped() + noise(1))
    assert "so does training" in answer("double_descent", shared).explanation
    raised = Schedule(X, np.where(X < 75, 0.01, 0.1))
    assert "learning rate is raised" in answer("double_descent", one(bumped() + noise(), raised)).explanation
    alone = one(bumped() + noise(), train_loss=FALLING - 0.1 + noise(1))
    assert answer("double_descent", alone).present


def test_the_screen_spares_a_quiet_curve_the_fits(monkeypatch):
    def never(*_, **__):
        raise AssertionError("a bump was fitted")

    monkeypatch.setattr("curvefit.diagnostics.rules.double_descent.bump", never)
    assert "screened" in answer("double_descent", one(FALLING + noise())).explanation
    with pytest.raises(AssertionError, match="was fitted"):
        answer("double_descent", one(bumped() + noise()))


def test_overfitting_inside_a_bump_says_so():
    """The rate is cut at the top of the bump: a rise to the end of its phase, and down again in the next."""
    cut = Schedule(X, np.where(X > 90, 0.05, 0.1))
    val = bumped() + noise()
    found = diagnose(one(val, cut, train_loss=FALLING - 0.1 + noise(1)))
    assert registry["overfitting"](Evidence(one(val, cut, train_loss=FALLING - 0.1 + noise(1)))).present
    assert found["double_descent"].present
    assert "Explained by double descent" in found["overfitting"].explanation
    later = bumped() + np.maximum(X - 150, 0) / 100 + noise()
    said = diagnose(one(later, train_loss=FALLING - 0.1 + noise(1)))
    assert said["overfitting"].present
    if said["double_descent"].present:
        assert "after a double-descent bump" in said["overfitting"].explanation
