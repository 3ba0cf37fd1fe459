"""The methods paragraph: it says and cites what was used, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.studies._methods_text import citations, methods_paragraph

X = np.arange(10.0, 101.0, 10.0)


def compared(seeds, *, tasks=1, at=50, apart=0.0, **options):
    """Two methods, so many seeds each in so many tasks."""
    rng = np.random.default_rng(7)
    runs = [
        cf.Run(
            f"{m}{t}{s}",
            {"val_loss": cf.Curve(X, 1 + apart * (m == "b") + X**-0.5 + 0.1 * rng.standard_normal(X.size), "val_loss")},
            attributes={"m": m, "t": f"t{t}", "s": s},
        )
        for m in "ab"
        for t in range(tasks)
        for s in range(seeds)
    ]
    found = cf.compare(runs, "m", "s", at, task="t" if tasks > 1 else None, replicates=200, **options)
    return found, methods_paragraph(found, None)


@pytest.mark.parametrize(
    ("seeds", "interval", "said", "cited"),
    [
        (4, "auto", "(95 %) are t intervals.", set()),
        (4, "t", "(95 %) are t intervals.", set()),
        (
            12,
            "auto",
            "(95 %) are expanded percentiles of the stratified bootstrap [@hesterberg2015], with 200",
            {"hesterberg2015"},
        ),
        (4, "percentile", "(95 %) are percentiles of the stratified bootstrap, with 200 bootstrap replicates.", set()),
        (
            4,
            "expanded",
            "(95 %) are expanded percentiles of the stratified bootstrap [@hesterberg2015], with 200",
            {"hesterberg2015"},
        ),
    ],
)
def test_only_the_intervals_that_were_used_are_told_and_cited(seeds, interval, said, cited):
    found, text = compared(seeds, interval=interval)
    assert f"Intervals of the comparison {said}" in text
    assert set(citations(text)) & {"hesterberg2015", "efron1987"} == cited
    of_iqm = {a.iqm.interval.method for a in found.aggregates}
    assert ("interquartile mean is that of a trimmed mean" in text) == (of_iqm == {"t"})
    bands_apart = of_iqm != {"t"}  # bands have t intervals whatever the aggregates have
    assert (
        "Bands over x are t intervals (95 %). The standard error of an interquartile mean there" in text
    ) == bands_apart


def test_a_median_over_tasks_brings_its_own_method():
    _, few = compared(4, tasks=2)
    assert "are t intervals, with 200 bootstrap replicates for the standard error of a median over tasks." in few
    assert "efron1987" not in few
    _, many = compared(12, tasks=2)
    assert "[@hesterberg2015], expanded percentiles that are accelerated [@efron1987] for the median over tasks" in many
    assert "t intervals below" not in many
    assert "expanded percentiles of the bootstrap of seeds within each t [@hesterberg2015]" in many
    assert "over s and t (at least 12 per task and method)" in many


def test_no_interval_is_told_where_there_is_none():
    _, text = compared(2)
    assert "Interquartile means and means have no intervals, which need 3 seeds." in text
    assert set(citations(text)) == {"agarwal2021"}
    assert "replicates" not in text and "Probabilities of" not in text


@pytest.mark.parametrize(("seeds", "apart", "kind"), [(4, 0.0, "score"), (12, 0.0, "bootstrap"), (12, 9.0, "score")])
def test_a_probability_of_improvement_has_the_interval_that_is_told(seeds, apart, kind):
    found, text = compared(seeds, apart=apart)
    assert {kind in p.improvement.interval.method for p in found.pairs} == {True}
    assert ("newcombe2006" in text) == (kind == "score")
    assert ("Probabilities of improvement have percentiles of the stratified bootstrap (200" in text) == (
        kind != "score"
    )


@pytest.mark.parametrize(("seeds", "how"), [(9, "drawn from t distributions"), (10, "resampled")])
def test_draws_of_ranks_are_told_as_they_were_made(seeds, how):
    _, text = compared(seeds)
    assert f"shares of 200 draws of all interquartile means, {how}." in text


def test_how_a_value_at_x_is_got_is_told():
    found, text = compared(4, at=55)
    assert "else it lies on the straight line between its neighboring logged points." in text
    run = next(s for s in found.scores if s[0] == "a" and s[2] == "0")
    assert run[3] == 55  # between two logged points


def test_uncorrected_p_values_are_called_so():
    _, text = compared(4, correction="none")
    assert "not corrected for the number of comparisons" in text
