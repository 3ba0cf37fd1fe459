"""Learning from a user's own runs: it helps where runs are alike, stays out where they are not, and keeps as JSON."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import CurvefitError, LimitError, ReadError
from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.learning.experience import RANK, Experienced, fingerprint
from curvefit.forecasting.learning.rows import rows_of
from curvefit.forecasting.learning.tune import LEVELS, Correction, _gradient, crps, loss, quantiles, tune
from curvefit.forecasting.pool.gate import Gate, shipped_gate
from curvefit.models.annealed import AnnealedLaw, Momentum

X = np.arange(1.0, 61.0)


def sweep(count: int, seed: int, noise: float = 0.01) -> list[cf.Curve]:
    """Runs of one kind: a floor near 1 and power laws of similar exponents."""
    rng = np.random.default_rng(seed)
    return [
        cf.Curve(
            X, 1 + rng.uniform(1, 3) * X ** -rng.uniform(0.5, 1.2) + noise * rng.normal(size=X.size), metric="val_loss"
        )
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def experience():
    return cf.learn(sweep(10, 0))


def score(experience, curves):
    made = cf.forecast_many([c.until(15) for c in curves], 60, experience=experience)
    return float(np.mean([fc.crps(c.y[-1])[0] for fc, c in zip(made, curves, strict=True)]))


def test_runs_alike_sharpen_the_forecast_of_the_next_one(experience):
    new = sweep(25, 1)
    assert score(experience, new) < 0.7 * score(None, new)
    assert experience.crps_after < experience.crps_before and 0 < experience.share < 1
    assert experience.runs == experience.groups == 10 and experience.metrics == ("val_loss",)


def test_what_it_learned_can_be_read(experience):
    text = experience.summary()
    for words in (
        "Learned from 10 runs",
        "on runs left out the CRPS is",
        "exponent",
        "intervals",
        "schedule   as shipped",
    ):
        assert words in text


@pytest.mark.slow
def test_the_same_runs_teach_the_same(experience):
    assert cf.learn(sweep(10, 0)).to_json() == experience.to_json()


def test_it_survives_json(experience, tmp_path):
    experience.save(tmp_path / "e.json")
    again = cf.Experience.load(tmp_path / "e.json")
    assert again.to_dict()["crps"] == experience.to_dict()["crps"]
    curve = sweep(1, 2)[0].until(20)
    levels = [0.05, 0.5, 0.95]
    one, other = (cf.forecast(curve, [30, 60], experience=e).quantile(levels) for e in (experience, again))
    np.testing.assert_allclose(one, other, rtol=2e-4)
    assert (tmp_path / "e.json").stat().st_size < 100_000


def test_a_batch_is_its_curves_one_by_one(experience):
    curves = [c.until(n) for c, n in zip(sweep(4, 3), (10, 20, 30, 20), strict=True)]
    together = cf.forecast_many(curves, 60, experience=experience)
    for curve, fc in zip(curves, together, strict=True):
        alone = cf.forecast(curve, 60, experience=experience)
        np.testing.assert_allclose(alone.quantile([0.1, 0.5, 0.9]), fc.quantile([0.1, 0.5, 0.9]), rtol=1e-10)


def test_metrics_of_another_kind_are_forecast_without_it(experience):
    accuracy = cf.Curve(X[:20], 0.9 - 0.5 / X[:20], metric="val_acc")
    with_it, plain = cf.forecast(accuracy, 60, experience=experience), cf.forecast(accuracy, 60)
    np.testing.assert_array_equal(with_it.quantile([0.1, 0.9]), plain.quantile([0.1, 0.9]))
    assert "the experience is of another kind of metric (loss, not accuracy)" in with_it.reasons[-1]


def test_too_few_runs_are_refused_with_their_number():
    short = cf.Curve([1, 2, 3], [3.0, 2.0, 1.0], metric="loss")
    flat = cf.Curve(X, np.ones(X.size), metric="loss")
    with pytest.raises(cf.CurvefitError, match=r"3 of 5 runs can be learned from, at least 5 are needed"):
        cf.learn([*sweep(3, 0), short, flat])
    with pytest.raises(cf.CurvefitError, match=r"0 of 0 runs"):
        cf.learn([])


@pytest.mark.slow
def test_families_are_counted_and_must_fit():
    runs = sweep(8, 4)
    by_family = cf.learn(runs, groups=["a", "b"] * 4)
    assert by_family.groups == 2 and by_family.share <= 0.5
    with pytest.raises(cf.CurvefitError, match="3 groups for 8 runs"):
        cf.learn(runs, groups=["a", "b", "c"])


@pytest.mark.slow
def test_runs_that_teach_nothing_leave_the_gate_alone():
    rng = np.random.default_rng(5)
    walks = [cf.Curve(X, 5 + np.cumsum(rng.normal(size=X.size)), metric="reward") for _ in range(6)]
    gate, rows = shipped_gate(), rows_of(walks, most=1000)
    nothing = cf.learn(walks)
    if nothing.correction is None:  # else it helped on the runs left out, which is what decides
        made = nothing.gate()
        np.testing.assert_array_equal(made.weight, gate.weight)
        assert "as shipped" in nothing.summary()
    assert nothing.crps_after <= nothing.crps_before and len(rows) > 0


# ------------------------------------------------------------------ the arithmetic


def test_the_gradient_is_the_derivative_of_the_loss():
    gate, rows = shipped_gate(), rows_of(sweep(4, 6), most=100)
    by_weight, by_bias = _gradient(gate, rows, 0.1)
    rng = np.random.default_rng(0)
    for scale in (1.0, 0.0):  # along both, and along the offsets alone
        way = Correction(0.01 * scale * rng.normal(size=by_weight.shape), 0.01 * rng.normal(size=by_bias.shape))
        step = 1e-3
        up, down = (loss(way.times(s).applied(gate), rows, 0.1) for s in (step, -step))
        expected = float((by_weight * way.weight).sum() + (by_bias * way.bias).sum())
        assert (up - down) / (2 * step) == pytest.approx(expected, rel=1e-4, abs=1e-8)


def test_rows_hold_what_the_forecaster_says():
    curves = sweep(3, 7)
    rows, gate = rows_of(curves, most=1000), shipped_gate()
    bare = Gate(gate.mean, gate.sd, gate.weight, gate.bias)
    last = np.flatnonzero(rows.curve == 1)[-1]  # 90 % of the second curve
    part = curves[1].until(54)
    made = Pooled(bare).forecast([part], [np.array([60.0])])[0]
    z = quantiles(bare, rows.take(np.array([last]), [3]))[0, 0]
    low, high = np.quantile(curves[1].y, [0.05, 0.95])
    away = crps(bare, rows.take(np.array([last]), [3]))[0, 0] * (high - low)
    q = np.sort(made.quantile(1 - LEVELS)[0])[::-1]
    assert z.shape == LEVELS.shape
    pinball = 2 * np.diff(np.r_[0, (LEVELS[1:] + LEVELS[:-1]) / 2, 1])
    gap = curves[1].y[-1] - np.sort(q)
    assert away == pytest.approx(float(np.sum(pinball * np.maximum(LEVELS * gap, (LEVELS - 1) * gap))), rel=1e-6)


def test_tuning_lowers_the_loss_and_rank_is_kept():
    gate, rows = shipped_gate(), rows_of(sweep(8, 8), most=1000)
    made = tune(gate, rows, 1e-4)
    assert crps(made.applied(gate), rows).mean() < 0.8 * crps(gate, rows).mean()
    assert np.linalg.matrix_rank(made.of_rank(RANK).weight) == RANK
    np.testing.assert_allclose(made.of_rank(96).weight, made.weight, atol=1e-12)
    assert Correction.none(gate).applied(gate).weight == pytest.approx(gate.weight)


# ------------------------------------------------------------------ schedules


LAW = AnnealedLaw(3.0, 0.3, 0.2, alpha=0.5, relaxation=Momentum(200.0), unit=10_000.0)


def scheduled(plan: cf.Schedule, seed: int, name: str = "r") -> cf.Run:
    x = np.arange(200.0, 10_001.0, 200.0)
    y = LAW.predict(plan, x) + 0.002 * np.random.default_rng(seed).normal(size=x.size)
    return cf.Run(
        name, {"val_loss": cf.Curve(x, y, metric="val_loss")}, schedule=cf.Schedule(x, plan.at(x)), horizon=1e4
    )


@pytest.mark.slow
def test_the_law_of_the_schedule_is_learned_and_its_rest_known():
    plans = [cf.Schedule.wsd(1e-3, 1e4, decay=d, warmup=200) for d in (0.2, 0.4)] + [cf.Schedule.cosine(1e-3, 1e4)]
    learned = cf.learn([scheduled(p, i) for i, p in enumerate(plans * 2)])
    assert learned.prior is not None and learned.prior.center.alpha == pytest.approx(0.5, abs=0.15)
    assert len(learned.schedules) == 3 and "3 schedules known" in learned.summary()
    run = scheduled(plans[0], 9)
    part = run["val_loss"].until(6_000)
    log = cf.Schedule(run.schedule.x, run.schedule.rate).until(6_000)
    options = {"schedule": log, "planned": 1e4}
    plain, known = (cf.forecast(part, 1e4, experience=e, **options) for e in (None, learned))
    assert known.method == "annealed" and any("earlier run" in r for r in known.reasons)
    truth = LAW.predict(plans[0], [1e4])[0]
    assert known.crps(truth)[0] < plain.crps(truth)[0]
    again = cf.Experience.from_dict(json.loads(learned.to_json()))
    assert again.prior.to_dict() == learned.prior.to_dict() and len(again.schedules) == 3


# ------------------------------------------------------------------ what somebody else may have written


def broken(experience, *path, value):
    document = copy.deepcopy(json.loads(experience.to_json()))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


BROKEN = [
    (("schema",), "other"),
    (("version",), 2),
    (("kinds",), []),
    (("kinds",), "loss"),
    (("runs",), -1),
    (("runs",), True),
    (("share",), 1e9),
    (("share",), "much"),
    (("gate",), []),
    (("gate", "left"), [[1.0]]),
    (("gate", "right"), [[1.0]] * 99),
    (("gate", "bias"), None),
    (("gate", "bias", 0), float("nan")),
    (("gate", "bias", 0), 1e300),
    (("gate", "left", 0, 0), "x"),
    (("intervals",), {}),
    (("intervals", "worse"), 0),
    (("crps", "after"), None),
    (("lean",), []),
    (("base",), 7),
    (("schedule",), {"prior": {}, "earlier": []}),
    (("schedule",), 3),
    (("metrics",), ["x" * 1000]),
]


@pytest.mark.parametrize(("path", "value"), BROKEN, ids=[".".join(map(str, p)) + f"={v!r:.12}" for p, v in BROKEN])
def test_a_document_that_is_none_is_refused(experience, path, value):
    with pytest.raises(ReadError, match="not an experience"):
        cf.Experience.from_dict(broken(experience, *path, value=value))


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[1, 2", b"null", b"\xff\xfe", b'{"schema": "curvefit-experience"}', b"[" * 100_000, b"1e999"],
    ids=["empty", "cut", "cut list", "null", "bytes", "only a schema", "deep", "infinite"],
)
def test_a_hostile_or_truncated_file_is_a_clear_error(tmp_path, data):
    (tmp_path / "e.json").write_bytes(data)
    with pytest.raises(ReadError, match="not an experience"):
        cf.Experience.load(tmp_path / "e.json")


def test_every_truncation_of_a_real_file_is_refused(experience, tmp_path):
    text = experience.to_json()
    for end in np.linspace(0, len(text) - 3, 25).astype(int):
        (tmp_path / "e.json").write_text(text[:end])
        with pytest.raises(ReadError):
            cf.Experience.load(tmp_path / "e.json")


def test_a_huge_file_and_a_missing_one_are_refused(tmp_path):
    (tmp_path / "e.json").write_bytes(b" " * 4_000_001)
    with pytest.raises(LimitError, match="larger than 4 MB"):
        cf.Experience.load(tmp_path / "e.json")
    with pytest.raises(ReadError):
        cf.Experience.load(tmp_path / "none.json")


def test_an_experience_of_another_gate_is_refused(experience):
    gate = shipped_gate()
    other = Gate(gate.mean, gate.sd, gate.weight * 1.01, gate.bias, gate.stretch)
    assert fingerprint(other) != fingerprint(gate)
    with pytest.raises(CurvefitError, match="another version of the gate"):
        Experienced(experience, other)


def test_it_goes_with_the_default_method_only(experience):
    curve = sweep(1, 0)[0]
    with pytest.raises(CurvefitError, match="sharpens the default method, not LastValue"):
        cf.forecast(curve, 80, method="last_value", experience=experience)


def test_reports_use_it(experience):
    curve = sweep(1, 11)[0].until(20)
    report = cf.analyze(curve, horizon=60, experience=experience)
    expected = cf.forecast(curve, 60, experience=experience).median[0]
    assert report.forecast.median[-1] == pytest.approx(expected, rel=1e-9)
    assert expected != pytest.approx(cf.forecast(curve, 60).median[0], rel=1e-6)


def test_replays_estimates_and_decisions_use_it(experience):
    curve = sweep(1, 7)[0]
    part = curve.until(15)
    told = cf.forecast(part, [30, 60], experience=experience)
    replay = cf.backtest(curve, shares=(14 / 59,), experience=experience).replays[0]
    blind = cf.backtest(curve, shares=(14 / 59,)).replays[0]
    assert replay.points == len(part) and replay.median == pytest.approx(told.median[-1], rel=1e-12)
    assert replay.median != blind.median
    answered = cf.estimate(part, "value_at", horizon=60, experience=experience)
    assert answered.value == pytest.approx(told.median[-1], rel=1e-6)
    assert (
        cf.recommend(part, horizon=60, experience=experience).probability != cf.recommend(part, horizon=60).probability
    )


def test_an_estimate_knows_a_stated_schedule():
    curve = sweep(1, 3)[0]
    plan = cf.Schedule.wsd(1e-3, 120, decay=0.5)
    told = cf.estimate(curve, "value_at", horizon=120, schedule=plan)
    assert told.value < cf.estimate(curve, "value_at", horizon=120).value


def test_one_curve_alone_is_refused_in_words():
    with pytest.raises(CurvefitError, match="needs several runs, got one Curve"):
        cf.learn(sweep(1, 0)[0])
