"""The study of estimates counts rightly, and the true answers of its worlds are true."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics.estimate_tables import merged, print_chances, print_low, print_worlds, write_cells
from benchmarks.statistics.estimate_worlds import NOISES, SD, WORLDS, draw
from benchmarks.statistics.estimates import Chance, Found, Tally, _cell
from curvefit.curves import Estimate, Interval, Status

BY_NAME = {w.name: w for w in WORLDS}


@pytest.mark.parametrize("kind", NOISES)
def test_the_noise_has_its_spread_and_its_memory(kind):
    e = draw(kind, np.random.default_rng(0), 400, 400)
    rho = {"AR(.7)": 0.7, "AR(.9)": 0.9}.get(kind, 0.0)
    assert e.std() == pytest.approx(SD, rel=0.06)
    assert e[:, 0].std() == pytest.approx(SD, rel=0.2)  # from its first value on
    assert np.mean(e[:, 1:] * e[:, :-1]) / np.mean(e**2) == pytest.approx(rho, abs=0.02)


def test_the_true_answers_are_those_of_a_dense_grid():
    n, eps = 200, 0.07
    x = np.linspace(1, 2 * n, 800_001)
    for world in WORLDS:
        f = world.mean(x, n)
        if world.has_onset:
            left = (f - f[-1]) / (f[0] - f[-1])
            assert world.onset(n, eps) == pytest.approx(x[np.argmax(left <= eps)], abs=2e-3)
        seen = np.arange(1.0, n + 1)
        low, high = world.best(n)
        best = seen[world.mean(seen, n) <= world.mean(seen, n).min() + 1e-12]
        assert (low, high) == (best[0], best[-1])
        late = seen[seen >= n / 2]
        u, v = np.log10(late) - np.log10(late).mean(), world.mean(late, n)
        assert world.rate(n) == pytest.approx(-(u @ v) / (u @ u))
        if world.limit is not None:
            far = {"power law": 1e12}.get(world.name, 100.0 * n)
            assert float(world.mean(far, n)) == pytest.approx(world.limit, abs=1e-5)


def test_misses_fall_on_their_side_and_what_is_not_given_is_not_covered():
    tally = Tally()
    tally.add(1.0, 2.0, (0.5, 0.5), 2.0)
    tally.add(1.0, 2.0, (3.0, 3.0), 2.0)
    tally.add(1.0, np.inf, (np.inf, np.inf), 2.0)
    tally.add(1.0, 2.0, (1.5, 9.0), 2.0)  # all of a range is true
    tally.none()
    assert (tally.asked, tally.given, tally.hits, tally.below, tally.above) == (5, 4, 2, 1, 1)
    assert tally.share == 0.5
    assert tally.width == 0.5


def test_an_interval_that_an_estimate_does_not_stand_by_does_not_count():
    found, ends = Found(), Interval(1.0, 2.0, 0.95, "confidence", "fit")
    key = ("asymptote", "power law", "white", 30)
    found.interval(key, Estimate("asymptote", None, ends, "", Status.NOT_IDENTIFIED, ("open",)), 1.5, 1.0)
    found.interval(key, Estimate("asymptote", 1.4, ends, ""), 1.5, 1.0)
    assert (found.tallies[key].asked, found.tallies[key].given, found.tallies[key].hits) == (2, 1, 1)


def test_a_cell_asks_every_question_of_every_curve_and_its_tables_can_be_read(tmp_path, capsys):
    turns = _cell(BY_NAME["turns"], "AR(.7)", 40, 30, np.random.default_rng(1))
    assert {k[0] for k in turns.tallies} >= {"value_at", "best_point", "convergence_rate", "target_reached, past"}
    assert all(t.asked == 30 for t in turns.tallies.values())
    worst = turns.tallies["remaining_improvement", "turns", "AR(.7)", 40]
    assert worst.share < 0.88  # no forecast knows that the run goes on getting worse
    all_found = merged([turns, Found(chances=[Chance("gain", 0.5, k % 2 == 0, "here") for k in range(40)])])
    write_cells(all_found.tallies, tmp_path / "cells.csv")
    rows = (tmp_path / "cells.csv").read_text().splitlines()
    print_worlds(all_found.tallies)
    print_low(all_found.tallies)
    print_chances(all_found.chances)
    out = capsys.readouterr().out
    assert len(rows) == 1 + len(all_found.tallies)
    assert "| remaining_improvement | turns | AR(.7): 40, " in out
    assert ".50: .50 (40)" in out
