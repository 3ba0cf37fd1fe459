"""One cause is told once, most severe first; diagnose refuses what makes no sense."""

import numpy as np
import pytest

from curvefit.curves import Curve, Estimate, Run, UsageError
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.diagnosis import Diagnosis, Verdict
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry
from curvefit.diagnostics.story import tell
from curvefit.simulate import resnet_run, run


def said(name, verdict=Verdict.PRESENT, severity="warning", where=()):
    return Diagnosis(name, verdict, severity, where=where, explanation=f"{name}.", advice="do", evidence={"a": 1.0})


def test_a_divergence_is_not_also_an_overfit():
    told = {d.name: d for d in tell([said("overfitting"), said("diverged", severity="error")])}
    assert told["diverged"].present and not told["overfitting"].present
    assert told["overfitting"].explanation.startswith("Explained by diverged")


def test_spikes_before_a_divergence_stay():
    onset = Estimate("onset", 100.0)
    spikes = said("spikes", where=(Estimate("s", 20.0), Estimate("s", 120.0)))
    told = {d.name: d for d in tell([spikes, said("diverged", severity="error", where=(onset,))])}
    assert told["spikes"].present and [e.value for e in told["spikes"].where] == [20.0]


def test_nothing_absent_explains():
    told = {d.name: d for d in tell([said("overfitting"), said("diverged", Verdict.UNDECIDED, "error")])}
    assert told["overfitting"].present


def test_order():
    told = tell(
        [
            said("a", Verdict.ABSENT),
            said("resumed", severity="info"),
            said("u", Verdict.UNDECIDED),
            said("odd"),
            said("masked_nan", severity="error"),
        ]
    )
    assert [d.name for d in told] == ["masked_nan", "odd", "resumed", "u", "a"]


def test_diagnose_gives_one_verdict_per_rule():
    found = diagnose(run(rng=np.random.default_rng(0)).run)
    assert sorted(d.name for d in found) == registry.names()
    assert found.run == "healthy"
    with pytest.raises(UsageError, match="no diagnosis named"):
        found["nonsense"]


def test_diagnose_of_chosen_rules():
    found = diagnose(run("spikes", rng=np.random.default_rng(0), n=1000).run, rules=["spikes"])
    assert [d.name for d in found.present] == ["spikes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "vall_loss"}, "Did you mean"),
        ({"rules": ["overfiting"]}, "Did you mean 'overfitting'"),
        ({"horizon": 100}, "not beyond the last x"),
        ({"horizon": -3}, "not a positive number"),
        ({"horizon": float("nan")}, "not a positive number"),
    ],
)
def test_diagnose_refuses_what_makes_no_sense(arguments, message):
    with pytest.raises(UsageError, match=message):
        diagnose(run(rng=np.random.default_rng(0)).run, **arguments)


def test_diagnose_wants_a_run():
    with pytest.raises(UsageError, match="needs a Run"):
        diagnose(42)


def test_partners_are_found_by_stem_and_split():
    x = np.arange(1.0, 20.0)
    names = ["train/box_loss", "val/box_loss", "train/cls_loss", "val/cls_loss", "val/accuracy", "lr"]
    many = Run("yolo", {k: Curve(x, 1 / x, k) for k in names})
    e = Evidence(many, metric="val/cls_loss")
    assert (e.main, e.validation, e.training, e.score) == (
        "val/cls_loss",
        "val/cls_loss",
        "train/cls_loss",
        "val/accuracy",
    )
    keras = Evidence(Run("keras", {k: Curve(x, 1 / x, k) for k in ("loss", "val_loss")}))
    assert (keras.validation, keras.training, keras.progress) == ("val_loss", "loss", "loss")
    alone = Evidence(Run("one", {"reward": Curve(x, x, "reward")}))
    assert (alone.main, alone.validation, alone.progress) == ("reward", None, "reward")


def test_horizon_is_the_plan_or_twice_the_data():
    x = np.arange(1.0, 51.0)
    curve = Curve(x, 1 / x, "val_loss")
    assert Evidence(Run("r", {"val_loss": curve}, horizon=80)).horizon == 80
    assert Evidence(Run("r", {"val_loss": curve}, horizon=40)).horizon == 100
    assert Evidence(Run("r", {"val_loss": curve}), horizon=60).horizon == 60


def test_the_forecaster_can_be_replaced_and_is_asked_once():
    calls = []

    def fake(curve, x):
        calls.append(curve.metric.name)
        from curvefit.forecasting.api import forecast

        return forecast(curve, x)

    e = Evidence(run(rng=np.random.default_rng(0)).run, forecasting=fake)
    first = e.chance_gain_exceeds("val_loss", 0.0)
    assert 0 <= first <= 1 and e.chance_gain_exceeds("val_loss", 0.1) <= first
    assert calls == ["val_loss"]


def test_the_worked_example_is_read():
    """Overfitting inside the second phase, drops where the rate is cut, validation below training until about 55."""
    right = 0
    for seed in range(10):
        world = resnet_run(rng=np.random.default_rng(seed))
        found = diagnose(world.run)
        onsets = [e for e in found["overfitting"].where if 61 <= e.value < 121]
        drops = {round(e.value) for e in found["lr_drop"].where}
        below = found["validation_below_training"]
        right += bool(
            onsets
            and onsets[0].interval.low <= 67 <= onsets[0].interval.high
            and {61, 121} <= drops
            and below.present
            and abs(below.where[0].value - world.truth["validation_below_training.end"]) < 8
            and {d.name for d in found.warnings} <= {"overfitting", "loss_accuracy_decoupled"}
        )
    assert right >= 9


def test_a_divergence_explains_what_its_own_climb_does_to_noise_and_gain():
    x = np.arange(1.0, 201.0)
    noise = 0.03 * np.random.default_rng(3).standard_normal(200)
    climb = np.where(x < 150, 0.0, np.exp(np.minimum((x - 150) / 5, 15)))
    course = Run("r", {"train_loss": Curve(x, 0.5 + 2 * x**-0.5 + climb + noise, "train_loss")})
    assert [d.name for d in diagnose(course).present] == ["diverged"]
    few = said("underdetermined", severity="info")
    told = {d.name: d for d in tell([few, said("diverged", severity="error")])}
    assert told["underdetermined"].present  # without enough independent points it stays a doubt about the divergence
