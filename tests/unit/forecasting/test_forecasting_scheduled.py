"""Forecasts of a run: the logged learning rate is used where it says something, and the rest is said."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.forecasting.forecasters._rates import rate_ahead
from curvefit.forecasting.scheduled import forecast_run, logged_schedule
from curvefit.models.annealed import AnnealedLaw, Momentum

END = 10_000.0
LAW = AnnealedLaw(3.0, 0.3, 0.12, alpha=0.5, relaxation=Momentum(200.0), unit=END)
X = np.arange(100.0, END + 1, 100.0)
COSINE = cf.Schedule.cosine(1e-3, END, final=0.1, warmup=300)


def run_of(plan: cf.Schedule, share: float = 0.6, *, horizon: float | None = END, rate=None) -> cf.Run:
    seen = X[share * END >= X]
    noise = 0.003 * np.random.default_rng(1).normal(size=seen.size)
    curve = cf.Curve(seen, LAW.predict(plan, seen) + noise, metric="val_loss")
    log = cf.Schedule(seen, plan.at(seen)) if rate is None else rate
    return cf.Run("r", {"val_loss": curve}, schedule=log, horizon=horizon)


def blind(run: cf.Run, x: float) -> cf.Forecast:
    return cf.forecast(run["val_loss"], x)


def test_the_logged_rate_and_the_planned_length_bring_the_forecast_to_the_truth():
    run = run_of(COSINE)
    made, notes = forecast_run(run, run["val_loss"], END)
    truth = LAW.predict(COSINE, [END])[0]
    assert made.method == "annealed" and notes == ()
    assert abs(made.median[0] - truth) < 0.5 * abs(blind(run, END).median[0] - truth)


CONSTANT = cf.Schedule.constant(1e-3, END, warmup=300)
LATE = cf.Schedule([5_000.0, 6_000.0], [1e-3, 5e-4])


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (cf.Run("r", run_of(COSINE).curves), "No learning rate is logged"),
        (run_of(CONSTANT, horizon=None), "has not been lowered yet and no planned length is known"),
        (run_of(CONSTANT, horizon=5_000.0), "has not been lowered yet and the planned length is reached"),
        (run_of(COSINE, rate=cf.Schedule([1.0], [1e-3])), "zero or a single value"),
        (run_of(COSINE, rate=cf.Schedule([1.0, 2.0], [0.0, 0.0])), "zero or a single value"),
        (run_of(COSINE, rate=LATE), "is logged for step 5000 to 6000 only"),
    ],
    ids=["none", "constant", "plan reached", "one value", "zero", "late"],
)
def test_without_a_schedule_to_rest_on_it_is_the_blind_forecast_and_says_why(run, words):
    made, notes = forecast_run(run, run["val_loss"], 2 * END)
    assert len(notes) == 1 and words in notes[0]
    plain = blind(run, 2 * END)
    assert (made.method, made.status, made.reasons) == (plain.method, plain.status, plain.reasons)
    np.testing.assert_array_equal(made.quantile([0.1, 0.5, 0.9]), plain.quantile([0.1, 0.5, 0.9]))


def test_a_law_that_does_not_apply_leaves_the_blind_forecast_and_its_warning():
    x = X[X <= 6_000]
    rises = cf.Curve(x, 1 + x / END, metric="val_loss")
    run = cf.Run("r", {"val_loss": rises}, schedule=cf.Schedule(x, COSINE.at(x)), horizon=END)
    made, notes = forecast_run(run, rises, END)
    assert made.method == "pooled" and made.status is blind(run, END).status
    assert any("changes ahead" in n and "does not know what that brings" in n for n in notes)
    assert any("does not apply" in n for n in notes)
    assert "changes ahead" in rate_ahead(made.explanation, rises, END)


def test_another_method_is_not_mixed_with_the_law():
    run = run_of(COSINE)
    made, notes = forecast_run(run, run["val_loss"], END, method="last_value")
    assert made.method == "last_value" and notes == ()


def test_curves_along_sample_sizes_miss_no_schedule():
    curve = cf.Curve([16, 32, 64, 128], [0.5, 0.4, 0.35, 0.32], metric="error", x_unit="sample")
    assert logged_schedule(cf.Run("r", {"error": curve}), curve) == (None, "")


def test_the_report_and_the_recommendation_announce_the_decay():
    run = run_of(COSINE)
    report = cf.analyze(run)
    assert report.forecast.method == "annealed"
    said = "the learning rate changes ahead"
    assert any(said in r for r in report.recommendation.reasons)
    assert any(said in r for r in cf.recommend(run).reasons)
    assert said in str(report).replace("\n    ", " ")
    quiet = cf.analyze(cf.Run("r", run.curves))
    assert not any(said in r for r in quiet.recommendation.reasons)
    assert any("No learning rate is logged" in n for n in quiet.notes)


def test_a_stated_schedule_is_taken_as_a_log_beyond_its_end():
    run = run_of(COSINE, rate=COSINE.until(6_000))
    made, notes = forecast_run(run, run["val_loss"], 2 * END)
    assert made.method == "annealed" and notes == ()
    told, _ = forecast_run(run_of(COSINE, rate=COSINE), run["val_loss"], END)
    assert not any("inferred" in r for r in told.reasons)


def test_a_rate_that_rests_is_not_announced():
    down = cf.Schedule.cosine(1e-3, 4_000, final=0.1, warmup=300)
    done = cf.Schedule(np.r_[down.x, END], np.r_[down.rate, down.rate[-1]], "cosine, then constant")
    log = cf.Schedule(X[X <= 6_000], done.at(X[X <= 6_000]))
    run = run_of(done, rate=log)
    assert not any("changes ahead" in r for r in cf.recommend(run).reasons)


def test_a_plateau_before_a_planned_decay_is_not_stopped():
    seen = X[X <= 8_000]
    plan = cf.Schedule.wsd(1e-3, END, decay=0.2, warmup=300)
    law = AnnealedLaw(3.0, 0.02, 0.3, alpha=0.9, relaxation=Momentum(100.0), unit=END)
    curve = cf.Curve(
        seen, law.predict(plan, seen) + 0.002 * np.random.default_rng(2).normal(size=seen.size), "val_loss"
    )
    run = cf.Run("r", {"val_loss": curve}, schedule=cf.Schedule(seen, plan.at(seen)), horizon=END)
    assert cf.recommend(run).action.value != "stop"
