"""Several seeds as curves of one run: the mean tells the course, each seed what happened to it."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import UsageError
from curvefit.diagnostics._seeds import seeds_of, stem_of, vote
from curvefit.diagnostics.diagnosis import Diagnosis, Verdict

X = np.arange(1.0, 121.0)
LATE = np.maximum(X - 60, 0) / 60


def seeds(rise=0.0, sd=0.1, count=4, style="seed_{}/{}", healthy=False, **events):
    curves = {}
    for k in range(count):
        rng = np.random.default_rng([5, k])
        train = 0.4 + 2.0 * X**-0.7 - 0.1 * LATE
        val = np.maximum(0.5 + 2.0 * X**-0.7, 0.5 + 2.0 * 60.0**-0.7) + rise * LATE
        if healthy:  # both go on falling together
            train, val = 0.4 + 2.0 * X**-0.7, 0.5 + 2.0 * X**-0.7
        for name, mean in (("train_loss", train), ("val_loss", val)):
            y = mean + sd * rng.standard_normal(X.size)
            if k in events.get(name, {}):
                y = events[name][k](y)
            curves[style.format(k, name)] = cf.Curve(X, y, name)
    return cf.Run("four seeds", curves)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("seed_1/val_loss", "val_loss"),
        ("val_loss_seed12", "val_loss"),
        ("val_loss-seed=3", "val_loss"),
        ("seed 4.train_loss", "train_loss"),
        ("seedling_loss", "seedling_loss"),
        ("val_loss", "val_loss"),
    ],
)
def test_names_without_their_seed(name, stem):
    assert stem_of(name) == stem


def test_one_seed_is_no_group_and_shared_curves_go_to_all():
    assert seeds_of(cf.Run("r", {"seed_1/loss": cf.Curve([1, 2], [2, 1], "loss")})) is None
    run = seeds(count=2)
    both = seeds_of(cf.Run("r", {**run.curves, "learning_rate": cf.Curve(X, X, "learning_rate")}))
    assert both.labels == ("0", "1")
    assert all(set(one.curves) == {"train_loss", "val_loss", "learning_rate"} for one in (*both.each, both.mean))


def test_the_mean_is_that_of_the_shared_x():
    a = cf.Curve([1, 2, 3, 4], [4.0, 3.0, 2.0, 1.0], "loss")
    b = cf.Curve([2, 4], [5.0, 3.0], "loss")
    mean = seeds_of(cf.Run("r", {"loss_seed1": a, "loss_seed2": b})).mean["loss"]
    assert mean.x.tolist() == [2.0, 4.0]
    assert mean.y.tolist() == [4.0, 2.0]


@pytest.mark.parametrize("style", ["seed_{}/{}", "{1}_seed{0}"])
def test_a_rise_too_small_for_one_seed_is_seen_in_their_mean(style):
    run = seeds(rise=0.1, style=style, count=6)
    together = cf.diagnose(run)["overfitting"]
    assert together.present and together.metric == "val_loss"
    assert abs(together.where[0].value - 60) < 15
    alone = [cf.diagnose(one)["overfitting"].present for one in seeds_of(run).each]
    assert sum(alone) < 3  # negative control: it is the pooling that finds it


def test_healthy_seeds_are_silent():
    assert [d.name for d in cf.diagnose(seeds(healthy=True)).warnings] == []


def test_a_divergence_of_one_seed_is_not_averaged_away():
    def climbs(y):
        return y + 6.0 * np.maximum(X - 90, 0) / 30

    run = seeds(train_loss={2: climbs}, val_loss={2: climbs}, sd=0.02)
    found = cf.diagnose(run)["diverged"]
    assert found.present and found.explanation.startswith("In 1 of 4 seeds (2):")
    assert found.evidence["seeds_present"] == 1
    assert not cf.diagnose(seeds(sd=0.02))["diverged"].present


def test_a_metric_can_be_named_with_or_without_a_seed_and_not_otherwise():
    run = seeds(count=2)
    assert cf.diagnose(run, metric="val_loss")["overfitting"].metric == "val_loss"
    assert cf.diagnose(run, metric="seed_1/val_loss")["overfitting"].metric == "val_loss"
    with pytest.raises(UsageError, match="val_los"):
        cf.diagnose(run, metric="val_los")


def said(verdict, p):
    return Diagnosis("spikes", verdict, "warning", p_value=p, explanation="x")


def test_the_vote_pays_for_the_number_of_seeds():
    present, absent = Verdict.PRESENT, Verdict.ABSENT
    labels = list("abcd")
    quiet = [said(absent, 0.5)] * 3
    assert vote(labels, [said(present, 0.0005), *quiet], 0.004).present
    assert not vote(labels, [said(present, 0.002), *quiet], 0.004).present
    assert vote(labels, [*[said(present, 0.002)] * 3, quiet[0]], 0.004).present
    assert vote(labels, [said(present, 0.0005), *quiet], 0.004).p_value == pytest.approx(0.002)
    open_ = [said(Verdict.UNDECIDED, None)] * 4
    assert vote(labels, open_, 0.004).verdict is Verdict.UNDECIDED
