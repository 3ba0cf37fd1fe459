"""Reports made from real forecasts and stated diagnoses, so that what is shown can be checked against what went in."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from curvefit.curves import Curve, Estimate, Interval, Provenance, Run, Schedule
from curvefit.decisions.recommendation import Action, Recommendation
from curvefit.diagnostics.diagnosis import Diagnoses, Diagnosis, Verdict
from curvefit.estimands import Question, horizon_grid
from curvefit.estimands import registry as estimands
from curvefit.forecasting.api import forecast
from curvefit.reporting.report import Report


def make_report(
    x,
    y,
    metric="val_loss",
    *,
    name="resnet-18 seed 3",
    horizon=None,
    x_unit="epoch",
    schedule=None,
    provenance=None,
    diagnoses=None,
    action=Action.CONTINUE,
    notes=(),
    target=None,
    fit=None,
    reasons=("The mean curve gains at least 0.01 by then with probability 93 %.",),
):
    curve = Curve(x, y, metric, x_unit=x_unit)
    metric = curve.metric.name
    run = Run(name, {metric: curve}, schedule=schedule, provenance=provenance)
    horizon = float(horizon or 2 * curve.x[-1])
    ahead = forecast(curve, horizon_grid(curve, horizon))
    question = Question(curve, ahead, fit, horizon, target)
    estimates = {n: estimands[n](question) for n in estimands}
    value = estimates["value_at"]
    advice = Recommendation(
        action=action,
        metric=metric,
        x_star=horizon if action is Action.CONTINUE else None,
        expected_value=Estimate(
            "expected_value",
            value.details["mean"],
            Interval(value.details["mean_low"], value.details["mean_high"], 0.95, "confidence", "pooled"),
        )
        if action is Action.CONTINUE
        else None,
        keep_x=estimates["best_point"].value,
        probability=0.93,
        expected_gain=0.02,
        min_gain=0.01,
        horizon=horizon,
        reasons=tuple(reasons),
        arithmetic={"probability": 0.93},
    )
    found = Diagnoses(name, tuple(diagnoses if diagnoses is not None else default_diagnoses(curve)))
    return Report(run, metric, curve, horizon, 0.95, fit, ahead, estimates, found, advice, tuple(notes))


def default_diagnoses(curve):
    at = Estimate(
        "onset",
        float(curve.x[len(curve) // 2]),
        Interval(float(curve.x[len(curve) // 3]), float(curve.x[-1])),
        curve.x_unit,
    )
    return [
        Diagnosis("spikes", Verdict.PRESENT, "warning", curve.metric.name, (at,), {"height": 9.1}, 0.001,
                  "One value stands 9.1 robust standard deviations above the curve and recovers at once.",
                  "Clip gradients, or look at the batch before it."),
        Diagnosis("still_improving", Verdict.PRESENT, "info", curve.metric.name, (), {"slope": -0.3}, None,
                  "The curve still falls beyond the noise.", "Train longer."),
        Diagnosis("plateaued", Verdict.UNDECIDED, "info", curve.metric.name, explanation="200 more points would tell."),
        Diagnosis("diverged", Verdict.ABSENT, "error", curve.metric.name),
        Diagnosis("erratic", Verdict.ABSENT, "warning", curve.metric.name),
    ]  # fmt: skip


def healthy(n=400, sd=0.02, seed=0):
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, n + 1)
    return x, 0.4 + 1.8 * x**-0.5 + sd * rng.standard_normal(n)


def healthy_report():
    """A healthy validation loss with provenance, one spike and a note."""
    x, y = healthy()
    source = Provenance(
        path="runs/a/metrics.csv", reader="csv_table", rows_in=403, rows_kept=400, rows_dropped={"unterminated": 1, "no x": 2},
        points_in=400, points_kept=400,
    )  # fmt: skip
    return make_report(
        x, y, provenance=source, notes=("Horizon: twice the data, epoch 800, since no other was asked for.",)
    )


def stated_report():
    """A report whose every number is stated here, so that its text does not change with any estimator."""
    from curvefit.curves import Status
    from curvefit.fitting._doubt import Doubt
    from curvefit.forecasting.forecast import Forecast
    from curvefit.forecasting.normal import NormalDistribution
    from curvefit.models import registry as models

    x = np.arange(1.0, 61.0)
    wave = np.sin(7.0 * x) + np.sin(3.1 * x)
    curve = Curve(np.r_[x, 61.0], np.r_[0.42 + 0.9 * x**-0.8 + 0.004 * wave, np.nan], "val/loss", x_unit="epoch")
    source = Provenance(
        path="runs/a/metrics.csv", reader="csv_table", rows_in=64, rows_kept=61, rows_dropped={"unterminated": 1, "superseded": 2},
        points_in=61, points_kept=61, restarts=(40.0,), notes=("Delimiter: semicolon.",),
    )  # fmt: skip
    schedule = Schedule([1, 2, 3, 29, 30, 31, 32, 60], [0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01])
    run = Run("resnet-18 seed 3", {"val/loss": curve}, schedule=schedule, provenance=source)
    grid = np.geomspace(60, 120, 13)[1:]
    mean = 0.42 + 0.9 * grid**-0.8
    sd = 0.004 + 0.00005 * (grid - 60)
    ahead = Forecast(
        grid, NormalDistribution(mean, np.hypot(sd, 0.006)), NormalDistribution(mean, sd), "pooled", "val/loss", "loss", "min",
        60.0, float(curve.y[-1]), 0.4542, 0.006, Status.DEGRADED, ("The last values are noisier than the rest.",),
        {"exponent": -0.5},
    )  # fmt: skip
    fit = SimpleNamespace(
        curve=curve,
        model=models["power_law"],
        params={"E": 0.4213, "A": 0.887, "alpha": 0.793},
        stderr={"E": 0.0041, "A": 0.021, "alpha": 0.034},
        status=Status.DEGRADED,
        sigma=0.004,
        rho=0.31,
        n_effective=31.6,
        residuals=0.004 * wave,
        doubts=(
            Doubt("rank", True, "All parameters are determined."),
            Doubt("correlation", False, "Neighboring residuals correlate (0.31): 60 points count as 32."),
        ),
        predict=lambda at, **_: SimpleNamespace(mean=0.4213 + 0.887 * np.asarray(at) ** -0.793),
        conf_int=lambda level=0.95: {
            "E": Interval(0.4122, 0.4291, level, "confidence", "profile_likelihood"),
            "A": Interval(0.846, 0.931, level, "confidence", "profile_likelihood"),
            "alpha": Interval(0.727, 0.862, level, "confidence", "profile_likelihood"),
        },
    )
    estimates = {
        "asymptote": Estimate("asymptote", None, None, "", Status.NOT_IDENTIFIED, ("the profile interval is open below",)),
        "best_point": Estimate(
            "best_point", 58.0, Interval(51.0, 60.0, 0.95, "confidence", "local mean"), "epoch", Status.OK, (),
            {"value": 0.45512, "stderr": 0.0011, "window": 9.0},
        ),
        "convergence_rate": Estimate(
            "convergence_rate", 0.0612, Interval(0.0411, 0.0813), "val/loss per decade", Status.OK, (), {"x_from": 30.0, "x_to": 60.0}
        ),
        "plateau_onset": Estimate("plateau_onset", 44.2, Interval(31.7, 71.0), "epoch", Status.OK, ("read off the fitted power_law",)),
        "remaining_improvement": Estimate(
            "remaining_improvement", 0.0147, Interval(0.0012, 0.0282), "", Status.DEGRADED, ahead.reasons,
            {"share": 0.017, "probability": 0.86},
        ),
        "target_reached": Estimate(
            "target_reached", 103.2, Interval(77.4, np.inf), "epoch", Status.DEGRADED, ahead.reasons,
            {"probability": 0.81, "probability_never": 0.19, "target": 0.445},
        ),
        "value_at": Estimate("value_at", 0.4395, Interval(0.4225, 0.4565, 0.95, "prediction"), ""),
    }  # fmt: skip
    onset = Estimate("onset", 61.0, None, "epoch")
    found = Diagnoses(
        "resnet-18 seed 3",
        (
            Diagnosis("diverged", Verdict.PRESENT, "error", "val/loss", (onset,), {"nonfinite": 1.0}, None,
                      "The loss is NaN from epoch 61 on, after a best of 0.451.",
                      "Lower the learning rate, and restart from the best checkpoint."),
            Diagnosis("spikes", Verdict.PRESENT, "warning", "val/loss",
                      tuple(Estimate("spike", v, None, "epoch") for v in (12.0, 17.0, 33.0, 48.0)), {"height": 8.2}, 0.002,
                      "Four isolated values stand out by up to 8.2 robust standard deviations.", "Clip gradients."),
            Diagnosis("resumed", Verdict.PRESENT, "info", "", (Estimate("restart", 40.0, None, "epoch"),)),
            Diagnosis("plateaued", Verdict.UNDECIDED, "info", "val/loss", explanation="About 200 more points would tell."),
            Diagnosis("erratic", Verdict.ABSENT, "warning", "val/loss"),
            Diagnosis("overfitting", Verdict.ABSENT, "warning", "val/loss"),
        ),
    )  # fmt: skip
    advice = Recommendation(
        Action.INTERVENE, "val/loss", None, None, 58.0, 0.86, 0.0149, 0.001, 120.0,
        ("The run diverged at epoch 61.", "Before that it still improved: P(gain of at least 0.001 by epoch 120) = 86 %."),
        {"probability": 0.86},
    )  # fmt: skip
    notes = ("Horizon: twice the data, epoch 120, since no other was asked for.",)
    return Report(run, "val/loss", curve, 120.0, 0.95, fit, ahead, estimates, found, advice, notes)
