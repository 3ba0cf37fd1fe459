"""What readers stumbled over: words on one page that contradicted one another."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import CurvefitError
from curvefit.decisions.recommendation import Action
from curvefit.diagnostics.evidence import Evidence

X = np.arange(1.0, 201.0)


def noise(seed, sd=0.02):
    return sd * np.random.default_rng(seed).standard_normal(X.size)


@pytest.mark.parametrize(
    ("other", "training"), [("loss", "loss"), ("loss_c4", None), ("wikitext_loss", None), ("train_loss", "train_loss")]
)
def test_another_evaluation_set_is_no_training_loss(other, training):
    val = cf.Curve(X, 0.5 + 2 * X**-0.7 + noise(0), "val_loss")
    higher = cf.Curve(X, 0.9 + 2 * X**-0.7 + noise(1), other)
    evidence = Evidence(cf.Run("r", {"val_loss": val, other: higher}), metric="val_loss")
    assert evidence.training == training


def test_a_plateau_is_not_told_where_the_forecast_sees_a_gain():
    y = np.maximum(0.5 + 2 * X**-0.7, 0.5 + 2 * 80.0**-0.7) + noise(2, 0.002)
    run = cf.Run("r", {"val_loss": cf.Curve(X, y, "val_loss")})
    calm = Evidence(run)
    from curvefit.diagnostics.rules.plateaued import plateaued

    assert plateaued(calm).present
    calm.chance_gain_exceeds = lambda name, gain: 0.8
    doubted = plateaued(calm)
    assert doubted.verdict.value == "undecided" and "80" in doubted.explanation.replace("0.80", "80")


def test_the_undecided_plateau_quotes_no_gain_of_its_own():
    y = 0.5 + 2 * X**-0.7 + noise(3, 0.2)
    from curvefit.diagnostics.rules.plateaued import plateaued

    found = plateaued(Evidence(cf.Run("r", {"val_loss": cf.Curve(X, y, "val_loss")})))
    assert found.verdict.value == "undecided"
    assert "may be left" not in found.explanation and "2.0 %" in found.explanation


def test_a_run_whose_plan_is_reached_is_not_told_to_train_on():
    curve = cf.Curve(X, 0.5 + 2 * X**-0.3 + noise(4, 0.005), "val_loss")
    over = cf.recommend(cf.Run("r", {"val_loss": curve}, horizon=200.0))
    assert over.action is Action.STOP and "planned length" in over.reasons[0]
    assert cf.recommend(cf.Run("r", {"val_loss": curve}, horizon=400.0)).action is Action.CONTINUE
    asked = cf.recommend(cf.Run("r", {"val_loss": curve}, horizon=200.0), horizon=400.0)
    assert asked.action is Action.CONTINUE  # negative control: who asks about more is answered
    with pytest.raises(CurvefitError):
        cf.recommend(cf.Run("r", {"val_loss": curve}), horizon=100.0)


def test_no_advice_gives_the_order_that_is_the_recommendations():
    """The headline says whether a person should look or the run stop; an advice that begins with "Stop:" contradicts one."""
    y = 1 + 2 * X**-0.5 + noise(4)
    nan = y.copy()
    nan[150:] = np.nan
    reports = [cf.analyze(cf.Curve(X, v, "train_loss"), model=None) for v in (y, nan)]
    assert [r.recommendation.action for r in reports] == [Action.CONTINUE, Action.INTERVENE]
    advice = [d.advice for r in reports for d in r.diagnoses.present]
    assert len(advice) >= 2
    assert not any(text.startswith(("Stop", "Train")) for text in advice)
