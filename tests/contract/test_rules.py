"""Every rule keeps the contract of `curvefit.diagnostics.rules`; found through the registry."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest

from curvefit.curves import Curve, Metric, Run, Schedule
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.diagnosis import Diagnosis, Verdict
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry
from curvefit.simulate import FAULTS, run

NAMES = registry.names()
X = np.arange(1.0, 61.0)
FALLING = 1.0 + 2.0 * X**-0.7


def noisy(y, sd=0.02, seed=0):
    return y + sd * np.random.default_rng(seed).standard_normal(np.shape(y))


def of(**curves):
    """A run of (x, y) pairs."""
    return Run("hostile", {k: Curve(*v, k) for k, v in curves.items()})


HUGE = np.arange(1.0, 120_001.0)
HOSTILE = {
    "nothing": Run("empty", {}),
    "no points": of(val_loss=([], [])),
    "one point": of(val_loss=([1], [2.0])),
    "two points": of(val_loss=([1, 2], [2.0, 1.0]), train_loss=([1, 2], [2.0, 0.5])),
    "seven points": of(val_loss=(X[:7], FALLING[:7])),
    "eight points": of(val_loss=(X[:8], FALLING[:8])),
    "all NaN": of(val_loss=(X, np.full(60, np.nan)), train_loss=(X, np.full(60, np.nan))),
    "all infinite": of(train_loss=(X, np.full(60, np.inf))),
    "NaN among numbers": of(val_loss=(X, np.where(X % 7 == 0, np.nan, noisy(FALLING)))),
    "training only": of(train_loss=(X, noisy(FALLING))),
    "reward only": of(reward=(X, noisy(-FALLING))),
    "no direction": of(mystery=(X, noisy(FALLING))),
    "wrong direction": Run("w", {"val_loss": Curve(X, noisy(FALLING), Metric("val_loss", "loss", "max", "val"))}),
    "constant": of(val_loss=(X, np.full(60, 2.0)), train_loss=(X, np.full(60, 2.0))),
    "zero": of(val_loss=(X, np.zeros(60)), val_accuracy=(X, np.zeros(60))),
    "two levels": of(val_accuracy=(X, (X > 30).astype(float))),
    "no noise": of(val_loss=(X, FALLING), train_loss=(X, FALLING - 0.2)),
    "huge values": of(val_loss=(X, 1e300 * FALLING)),
    "tiny values": of(val_loss=(X, 1e-300 * FALLING)),
    "huge n": of(val_loss=(HUGE, noisy(1 + HUGE**-0.3)), train_loss=(HUGE, noisy(1 + HUGE**-0.3, seed=1))),
    "other grids": of(train_loss=(X, noisy(FALLING)), val_loss=(X[::6] + 0.5, noisy(FALLING[::6]))),
    "no common x": of(train_loss=(X, noisy(FALLING)), val_loss=(X + 1000, noisy(FALLING))),
    "rare validation": of(
        train_loss=(HUGE[:5000], noisy(1 + HUGE[:5000] ** -0.3)), val_loss=([2000, 4000], [1.2, 1.1])
    ),
    "negative x": of(val_loss=(X - 100, noisy(FALLING))),
    "repeated x": of(val_loss=(np.repeat(X[:30], 2), noisy(FALLING))),
    "rate zero": Run("r", {"val_loss": Curve(X, noisy(FALLING), "val_loss")}, schedule=Schedule(X, np.zeros(60))),
    "rate short": Run("r", {"val_loss": Curve(X, noisy(FALLING), "val_loss")}, schedule=Schedule([1], [0.1])),
    "rate erratic": Run(
        "r",
        {"val_loss": Curve(X, noisy(FALLING), "val_loss")},
        schedule=Schedule(X, np.where(X % 2 == 0, 0.1, 0.01)),
    ),
    "rate drops at the last step": Run(
        "r", {"val_loss": Curve(X, noisy(FALLING), "val_loss")}, schedule=Schedule(X, np.where(X < 60, 0.1, 0.01))
    ),
}


def check(answer: Diagnosis, name: str) -> None:
    assert isinstance(answer, Diagnosis)
    assert answer.name == name
    assert isinstance(answer.verdict, Verdict)
    assert answer.severity == importlib.import_module(f"curvefit.diagnostics.rules.{name}").SEVERITY
    assert answer.explanation.strip() and answer.explanation.rstrip().endswith((".", "?"))
    assert "nan" not in answer.explanation.split()
    assert answer.p_value is None or 0 <= answer.p_value <= 1
    assert all(math.isfinite(v) for v in answer.evidence.values()), dict(answer.evidence)
    assert all(e.value is not None and e.interval is not None for e in answer.where)
    if answer.present:
        assert answer.advice.strip()
        assert answer.evidence
    else:
        assert not answer.where


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", list(HOSTILE))
def test_answers_whatever_the_log_lacks(name, case):
    check(registry[name](Evidence(HOSTILE[case])), name)


@pytest.mark.parametrize("fault", [*FAULTS, ""])
def test_every_fault_gets_complete_answers_from_every_rule(fault):
    world = run(fault or (), rng=np.random.default_rng(3), n=200)
    evidence = Evidence(world.run)
    for name in NAMES:
        check(registry[name](evidence), name)


SHOWN = {
    "overfitting": "overfitting",
    "diverged": "diverged",
    "diverged_suddenly": "diverged",
    "nonfinite": "diverged",
    "masked_nan": "masked_nan",
    "spikes": "spikes",
    "erratic": "erratic",
    "not_learning": "not_learning",
    "plateaued": "converged",  # of both curves; of one alone in the unit tests of the rules
    "resumed": "resumed",
    "steppy": "steppy",
    "smoothed_input": "smoothed_input",
    "validation_below_training": "validation_below_training",
    "overfitting_plateau": "overfitting_plateau",
    "generalization_gap": "generalization_gap",
    "poor_start": "poor_start",
    "slow_start": "slow_start",
    "grokking": "grokking",
    "periodic": "periodic",
    "regime_change": "regime_change",
    "double_descent": "double_descent",
}


@pytest.mark.parametrize(("fault", "rule"), SHOWN.items())
def test_a_rule_finds_a_clear_case_of_its_pattern(fault, rule):
    world = run(fault, rng=np.random.default_rng(5), n=1000, noise="none" if fault == "plateaued" else "white")
    found = diagnose(world.run)
    assert found[rule].present, found[rule].explanation
    other = [d.name for d in found.warnings if d.name != rule]
    assert not other, other


ELSEWHERE = {"plateaued", "still_improving", "lr_drop", "underdetermined"}  # shown in the unit tests of the rules


def test_every_pattern_shown_is_one_of_the_rules():
    """A new rule needs no entry here: it brings its own test."""
    assert {*SHOWN.values(), *ELSEWHERE} <= set(NAMES)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("fault", ["overfitting", "diverged", "spikes", "not_learning", "plateaued", ""])
def test_verdicts_know_no_scale_and_no_unit_of_x(fault, factor):
    world = run(fault or (), rng=np.random.default_rng(8), n=120).run
    keep = {k: c for k, c in world.curves.items() if k in ("train_loss", "val_loss")}
    plain = diagnose(Run("p", keep))
    scaled = diagnose(Run("s", {k: Curve(1000 * c.x, factor * c.y, c.metric) for k, c in keep.items()}))
    assert [(d.name, d.verdict) for d in plain] == [(d.name, d.verdict) for d in scaled]
    for a, b in zip(plain, scaled, strict=True):
        assert [e.value * 1000 for e in a.where] == pytest.approx([e.value for e in b.where])


@pytest.mark.parametrize("fault", ["overfitting", "diverged", "not_learning", "plateaued", ""])
def test_verdicts_know_no_direction(fault):
    """A reward that is the negative of a loss gets the same answers."""
    world = run(fault or (), rng=np.random.default_rng(9), n=120).run
    train, val = world["train_loss"], world["val_loss"]
    names = ("train_score", "val_score")
    as_cost = Run(
        "c",
        {
            k: Curve(c.x, c.y, Metric(k, "other", "min", c.metric.split))
            for k, c in zip(names, (train, val), strict=True)
        },
    )
    as_gain = Run(
        "g",
        {
            k: Curve(c.x, -c.y, Metric(k, "other", "max", c.metric.split))
            for k, c in zip(names, (train, val), strict=True)
        },
    )
    skip = {"masked_nan"}  # exact zeros mean something for losses only
    a = {d.name: d.verdict for d in diagnose(as_cost) if d.name not in skip}
    b = {d.name: d.verdict for d in diagnose(as_gain) if d.name not in skip}
    assert a == b
