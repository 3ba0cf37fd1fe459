"""Many questions at once have the answers that each has alone."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.curves import Curve
from curvefit.estimands import Question, coarse_grid, horizon_grid, registry
from curvefit.estimands._base import thinned
from curvefit.estimands._local_mean import local_means, local_means_of
from curvefit.estimands.api import answer_many, estimate
from curvefit.fitting.fit import fit
from curvefit.forecasting.api import forecast, forecast_many
from curvefit.forecasting.together import last_chances, last_quantiles, mean_quantiles


def curves() -> list[Curve]:
    """Of several lengths, directions and courses: falling, level, rising again, quantized, with spikes, with gaps in x."""
    rng = np.random.default_rng(7)
    made = []
    for i in range(48):
        n = (5, 12, 60, 60, 200, 200)[i % 6]
        x = np.arange(1.0, n + 1) if i % 5 else np.sort(rng.exponential(1, n).cumsum())
        y = (1 + 2 * x**-0.5, 1 + 2 * np.exp(-20 * x / n), 3 - 2 * x / n, np.full(n, 1.5))[i % 4]
        y = y + (0.0, 0.01, 0.1)[i % 3] * rng.standard_normal(n)
        if i % 7 == 0:
            y[n // 2] += 3
        if i % 8 == 0:
            y = np.round(y, 1)
        if i % 9 == 0:
            y = y + 0.5 * np.maximum(0, x / x[-1] - 0.6)
        if i % 11 == 0:
            x = x - x[0]
        made.append(Curve(x, 1 - y / 5, "val_acc") if i % 4 == 1 else Curve(x, y, "val_loss"))
    return made


def numbers(found):
    ends = (found.interval.low, found.interval.high) if found.interval is not None else (None, None)
    return [found.value, *ends, *found.details.values()]


def alike(found, expected):
    """Equal to rounding, and nothing where there is nothing."""
    both = list(zip(found, expected, strict=True))
    return all((a is None) == (b is None) for a, b in both) and all(
        a == pytest.approx(b, rel=1e-9, abs=1e-11) for a, b in both if b is not None
    )


@pytest.fixture(scope="module")
def asked():
    return curves(), [2.0 * float(c.x[-1]) for c in curves()]


@pytest.mark.parametrize("name", list(registry))
def test_many_at_once_are_as_one_by_one(asked, name):
    seen, ends = asked
    target = 0.9
    grids = [
        horizon_grid(c, h) if name == "target_reached" else coarse_grid(c, h) for c, h in zip(seen, ends, strict=True)
    ]
    ahead = forecast_many(seen, grids)
    laws = [fit(c, "power_law") if i % 3 == 0 and len(c) > 5 else None for i, c in enumerate(seen)]
    questions = [
        Question(c, f, law, h, target, min_gain=0.01) for c, f, law, h in zip(seen, ahead, laws, ends, strict=True)
    ]
    for i, found in enumerate(answer_many(questions, name)):
        alone = registry[name](
            Question(
                seen[i], forecast(seen[i], horizon_grid(seen[i], ends[i])), laws[i], ends[i], target, min_gain=0.01
            )
        )
        assert (found.status, found.unit, list(found.details)) == (alone.status, alone.unit, list(alone.details))
        assert found.reasons == alone.reasons
        assert alike(numbers(found), numbers(alone))


def test_one_at_a_time_through_the_public_function(asked):
    seen, ends = asked
    ahead = forecast_many(seen, [coarse_grid(c, h) for c, h in zip(seen, ends, strict=True)])
    questions = [Question(c, f, None, h) for c, f, h in zip(seen, ahead, ends, strict=True)]
    for name in ("value_at", "best_point"):
        for question, found in zip(questions[::6], answer_many(questions, name)[::6], strict=True):
            alone = estimate(question.curve, name, horizon=question.horizon)
            assert alike(numbers(found), numbers(alone))


def test_questions_without_a_forecast_are_answered_beside_the_others(asked):
    seen, ends = asked
    questions = [Question(seen[2], None, None, ends[2]), Question(seen[3], forecast(seen[3], ends[3]), None, ends[3])]
    for name in ("value_at", "remaining_improvement", "plateau_onset"):
        without, with_one = answer_many(questions, name)
        assert without.value is None and without.status.code == "not_applicable"
        assert with_one.reasons != without.reasons


def test_local_means_of_many_are_those_of_each(asked):
    for curve, found in zip(asked[0], local_means_of(asked[0], 1.0, 0.5, 2.0), strict=True):
        for many, one in zip(found, local_means(curve, 1.0, 0.5, 2.0), strict=True):
            assert np.array_equal(many.mean, one.mean) and np.array_equal(many.stderr, one.stderr)
            assert (many.window, many.windows) == (one.window, one.windows)


def test_forecasts_asked_together_say_what_each_says(asked):
    seen, ends = asked
    dropping = Curve(
        np.arange(1.0, 101), np.where(np.arange(100) < 50, 2.0, 1.0) + 0.01 * np.cos(np.arange(100.0)), "val_loss"
    )
    ahead = [
        *forecast_many(
            [*seen, dropping], [horizon_grid(c, h, 9) for c, h in zip([*seen, dropping], [*ends, 200.0], strict=True)]
        )
    ]
    assert len({type(f.underlying) for f in ahead}) == 2  # one rests on what came after its drop
    ahead += [ahead[0].at([2, 5]), ahead[5].at([0])]
    levels = [0.025, 0.5, 0.9]
    observed, mean = last_quantiles(ahead, levels), last_quantiles(ahead, levels, view="mean")
    chances = last_chances(ahead, [f.level_now for f in ahead])
    everywhere = mean_quantiles(ahead, levels)
    from curvefit.forecasting.chances import chance_as_good

    for i, made in enumerate(ahead):
        assert observed[i] == pytest.approx(made.quantile(levels)[-1], rel=1e-9)
        assert mean[i] == pytest.approx(made.mean(levels)[-1], rel=1e-9)
        assert everywhere[i] == pytest.approx(made.mean(levels), rel=1e-9)
        assert chances[i] == pytest.approx(chance_as_good(made, made.level_now)[-1, 0], rel=1e-9, abs=1e-12)


def test_a_thinned_forecast_keeps_its_horizon_its_level_and_a_short_step(asked):
    seen, _ = asked
    curve = seen[4]
    for times in (1.1, 2.0, 3.0, 10.0):
        horizon = times * float(curve.x[-1])
        whole, coarse = forecast_many([curve, curve], [horizon_grid(curve, horizon), coarse_grid(curve, horizon)])
        assert coarse.level_now == pytest.approx(whole.level_now, rel=1e-12)
        for made in (whole, coarse):
            few = thinned(made)
            steps = np.diff(np.log([float(curve.x[-1]), *few.x]))
            assert few.x[-1] == horizon and few.level_now == made.level_now
            assert steps.max() <= 0.0601 and np.ptp(steps) < 1e-9
        assert np.allclose(thinned(whole).x, thinned(coarse).x, rtol=1e-12)
    odd = forecast(curve, np.linspace(curve.x[-1] + 1, 3 * curve.x[-1], 48))
    assert thinned(odd) is odd
