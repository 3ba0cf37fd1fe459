"""A small repeat of the decision studies on real runs, with gates that have not seen their groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

pytestmark = pytest.mark.shared
STATED = 0.1


@pytest.fixture(scope="module")
def runs(shared):
    from benchmarks.decisions.runs import load

    return load(6, data=shared / "curves" / "forecast_dev.parquet")


@pytest.fixture(scope="module")
def looks(runs):
    from benchmarks.decisions.watching import watch
    from curvefit.forecasting.chances import LEARNED

    return list(watch([run for run in runs if len(run.curve) <= 400], [LEARNED, LEARNED]))


@pytest.fixture(scope="module")
def statements(runs):
    from benchmarks.decisions.calibration import cases

    return cases(runs)


def _too_far(said, came, allowed=0.07):
    """Fifths of the scale where what came is further off than allowed, beyond 99 % of binomial chance each."""
    place = np.minimum((said * 5).astype(int), 4)
    far = []
    for fifth in range(5):
        mine = place == fifth
        n, mean = int(mine.sum()), float(said[mine].mean()) if mine.any() else 0.0
        if n >= 50:
            low = binom.ppf(0.005, n, max(mean - allowed, 0.0)) / n
            high = binom.ppf(0.995, n, min(mean + allowed, 1.0)) / n
            if not low <= came[mine].mean() <= high:
                far.append(fifth)
    return far


def test_the_monitor_beats_patience_chosen_in_hindsight(looks):
    from benchmarks.decisions.replay import WAITS, compare, outcomes

    (compute, regret), _ = compare(outcomes(looks, WAITS), np.zeros((0, len(looks)), int), WAITS)
    assert min(compute, regret) <= 0.85


@pytest.fixture(scope="module")
def blind(looks):
    """Negative control: a monitor that wants to stop at random evaluations, a little more often."""
    rng = np.random.default_rng(0)
    return [replace(one, held=rng.random(one.held.size) < one.held.mean() + 0.2) for one in looks]


def test_a_monitor_that_stops_at_random_loses_more(looks, blind):
    from benchmarks.decisions.replay import WAITS, compare, outcomes

    none = np.zeros((0, len(looks)), int)
    ours, random = (compare(outcomes(some, WAITS), none, WAITS)[0] for some in (looks, blind))
    assert ours[1] < 0.5 * random[1]


def test_false_stops_are_as_few_as_stated(looks):
    from benchmarks.decisions.replay import false_stop

    wrong = [w[0] for one in looks if (w := false_stop(one)) is not None]
    assert len(wrong) >= 20
    assert sum(wrong) <= binom.ppf(0.99, len(wrong), 1.2 * STATED)


def test_false_stops_at_random_are_more(blind):
    from benchmarks.decisions.replay import false_stop

    wrong = [w[0] for one in blind if (w := false_stop(one)) is not None]
    assert sum(wrong) > binom.ppf(0.99, len(wrong), 1.2 * STATED)


def test_sparing_evaluations_changes_no_stop(looks):
    from benchmarks.decisions.replay import stop_of
    from benchmarks.decisions.watching import monitor_of

    some = [one for one in looks if one.stop() is not None and len(one.run.curve) <= 60][:4]
    assert len(some) == 4
    for one in some:
        monitor = monitor_of(one.run)
        xy = zip(one.run.curve.x, one.run.curve.y, strict=True)
        assert next(k for k, (x, y) in enumerate(xy) if monitor.update(x, y).stop) == stop_of(one)


def test_probabilities_come_true(statements):
    from benchmarks.decisions.calibration import corrected

    gains, targets = statements
    p, q, _ = corrected(gains, targets)
    assert not _too_far(p, gains.came, 0.1)
    assert not _too_far(q, targets.came, 0.1)


def test_probabilities_dealt_out_at_random_do_not(statements):
    gains, _ = statements
    mixed = np.random.default_rng(0).permutation(gains.said)
    assert len(_too_far(mixed, gains.came, 0.1)) >= 2
