"""How sure an order of methods is: nothing from too few seeds, few seeds as their t intervals, ties as ties."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import curvefit as cf
from curvefit.studies import _statistics as st
from curvefit.studies._ranks import rankings

X = np.arange(1.0, 61.0)
SHAPE = 1 / X


def runs_of(ends):
    """Runs by method; an end is the value at x = 60."""
    return [
        cf.Run(
            f"{m}{s}", {"val_loss": cf.Curve(X, v + SHAPE - SHAPE[-1], "val_loss")}, attributes={"method": m, "seed": s}
        )
        for m, values in ends.items()
        for s, v in enumerate(values)
    ]


def ranks_of(ends, at=60.0, **options):
    found = cf.compare(runs_of(ends), "method", "seed", at, replicates=400, **options)
    return found, next(t for t in found.tables() if t.name == "ranks")


@pytest.mark.parametrize(
    ("ends", "fewest"),
    [
        ({"adam": [1.0], "sgd": [1.2]}, "1 seed "),
        ({"adam": [1.0, 1.1], "sgd": [1.2, 1.3]}, "2 seeds "),
        ({"adam": [1.0, 1.1, 1.0, 1.05], "sgd": [1.2]}, "1 seed "),
    ],
)
def test_below_three_seeds_there_is_no_probability_of_a_rank_but_a_reason(ends, fewest):
    found, table = ranks_of(ends)
    assert found.rankings[0].order == ("adam", "sgd")
    assert np.isnan(found.rankings[0].probability).all()
    assert table.to_dicts()[0]["first"] is None
    assert table.remarks[-1] == f"No P(first is first): {fewest}in a task: no probability below 3."
    _, several = ranks_of(ends, [30, 60])
    assert {row[name] for row in several.to_dicts() for name in ("first", "agreement", "same_best")} == {None}
    assert len(found.plot().lines) > 0


def test_an_x_with_too_few_seeds_says_nothing_of_the_others():
    runs = runs_of({"a": [1.0, 1.1, 1.2], "b": [1.3, 1.4, 1.5]})
    short = runs[0]["val_loss"]
    runs[0] = cf.Run("a0", {"val_loss": cf.Curve(X[:40], short.y[:40], "val_loss")}, attributes=runs[0].attributes)
    early, late = cf.compare(runs, "method", "seed", [30, 60], replicates=200).rankings
    assert early.probability[0, 0] > 0.9 and np.isnan(late.probability).all()
    assert early.reasons[1:] == ("2 seeds in a task: no probability below 3 at the last x",) * 2


def test_three_seeds_that_differ_little_are_not_sure():
    """Welch's p is .08: the resamples of three seeds would call the first one first in all of them."""
    ends = {"adam": [1.0, 1.02, 1.04], "sgd": [1.04, 1.07, 1.1]}
    assert 0.06 < stats.ttest_ind(*ends.values(), equal_var=False).pvalue < 0.12
    found, _ = ranks_of(ends)
    assert 0.88 < found.rankings[0].probability[0, 0] < 0.985
    plain, _ = ranks_of(ends, interval="percentile")
    assert plain.rankings[0].probability[0, 0] > 0.985


def test_draws_of_one_task_are_those_of_the_t_interval():
    values = np.random.default_rng(3).standard_normal((6, 2))
    draws = st.drawn_iqm([values], 40000, np.random.default_rng(0), studentize=True)
    for k in range(2):
        low, high = st.studentized([values[:, k]], "iqm", 0.9, ())
        inside = np.mean((draws[k] > low) & (draws[k] < high))
        assert inside == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 40000))
    assert st.drawn_iqm([np.ones((4, 1))], 10, np.random.default_rng(0), studentize=True).tolist() == [[1.0] * 10]


@pytest.mark.parametrize(("seeds", "tasks"), [(3, 1), (5, 1), (9, 1), (3, 4)])
def test_of_two_equal_methods_neither_is_called_first_too_often(seeds, tasks):
    """Negative control: resamples of three seeds call one of them first, with .975, in a fifth of all cases."""
    rng, sims = np.random.default_rng(seeds), 400

    def shares(studentize):
        drawn = [[rng.standard_normal((seeds, 1)) for _ in range(tasks)] for _ in range(2 * sims)]
        return np.array(
            [
                rankings(
                    (1.0,),
                    "ab",
                    drawn[2 * i : 2 * i + 2],
                    200,
                    rng,
                    smaller_is_better=True,
                    few=10,
                    studentize=studentize,
                )[0].probability[0, 0]
                for i in range(sims)
            ]
        )

    found = shares(None)
    assert found.mean() == pytest.approx(0.5, abs=4 * 0.29 / np.sqrt(sims))
    assert np.mean(found > 0.975) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / sims)
    assert np.mean(found < 0.025) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / sims)
    if (seeds, tasks) == (3, 1):
        control = shares(False)
        assert np.mean((control > 0.975) | (control < 0.025)) > 0.12


def test_equal_methods_are_equal_not_first_and_second():
    ends = [1.0, 1.1, 1.2]
    found, table = ranks_of({"a": ends, "b": ends[::-1], "c": [v + 9 for v in ends]}, [30, 60])
    assert [row["order"] for row in table.to_dicts()] == ["a = b > c"] * 2
    assert found.rankings[1].probability[:2, :2] == pytest.approx(np.full((2, 2), 0.5), abs=0.09)
    assert found.rankings[1].probability[2].tolist() == pytest.approx([0.0, 0.0, 1.0], abs=0.01)
    assert found.rankings[1].same_best == 1.0
    both, table = ranks_of({"a": [1.0] * 3, "b": [1.0] * 3}, [30, 60])
    assert both.rankings[0].probability.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert "No Kendall's tau with the order at the last: all methods are equal." in table.remarks


def test_seeds_that_do_not_differ_say_nothing_of_the_next_ones():
    found, table = ranks_of({"a": [1.0] * 3, "b": [1.0] * 3, "c": [2.0] * 3}, [30, 60])
    assert found.rankings[0].text == "a = b > c"
    assert table.remarks[-1].endswith("no scatter between seeds.")
    assert np.isnan(found.rankings[0].probability).all()
    some, _ = ranks_of({"a": [1.0] * 3, "b": [1.5, 1.6, 1.7]})
    assert some.rankings[0].probability[0, 0] > 0.95
