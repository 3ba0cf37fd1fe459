"""Comparisons of methods: every number against scipy, statsmodels or its definition; what lacks is said, never merged."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

import curvefit as cf
from curvefit.curves import DataError, UsageError
from curvefit.studies import _resampling
from curvefit.studies import _statistics as st
from curvefit.studies._methods_text import methods_paragraph
from curvefit.studies._scores import some_names

X = np.arange(1.0, 41.0)


def run(method, seed, task="t", *, end=1.0, x=X, metric="val_loss", **more):
    y = end + 1 / x - 1 / x[-1]
    return cf.Run(
        f"{method}/{task}/{seed}",
        {metric: cf.Curve(x, y, metric)},
        attributes={"method": method, "seed": seed, "task": task, **more},
    )


def runs_of(values, **more):
    """Runs whose last value is the one given, by method, task and seed."""
    return [
        run(m, s, t, end=float(v), **more)
        for m, tasks in values.items()
        for t, seeds in tasks.items()
        for s, v in enumerate(seeds)
    ]


@pytest.fixture
def values():
    rng = np.random.default_rng(4)
    return {
        m: {t: 1.0 + shift + 0.1 * rng.standard_normal(12) for t in ("p", "q")}
        for m, shift in (("a", 0.0), ("b", 0.15))
    }


def test_aggregates_are_those_of_scipy_and_the_definition(values):
    found = cf.compare(runs_of(values), "method", "seed", 40, task="task", replicates=200)
    for a in found.aggregates:
        tasks = list(values[a.method].values())
        pooled = np.concatenate(tasks)
        assert a.iqm.value == pytest.approx(stats.trim_mean(pooled, 0.25), abs=1e-12)
        assert a.mean.value == pytest.approx(np.mean([t.mean() for t in tasks]), abs=1e-12)
        assert a.median.value == pytest.approx(np.median([t.mean() for t in tasks]), abs=1e-12)
        assert (a.tasks, a.seeds, a.fewest, a.missing) == (2, 24, 12, 0)


def test_one_task_welch_difference_is_scipys(values):
    one = {m: {"p": t["p"]} for m, t in values.items()}
    pair = cf.compare(runs_of(one), "method", "seed", 40, replicates=100).pairs[0]
    oracle = stats.ttest_ind(one["a"]["p"], one["b"]["p"], equal_var=False)
    ends = oracle.confidence_interval(0.95)
    assert pair.p_value == pytest.approx(oracle.pvalue, abs=1e-12)
    assert (pair.difference.interval.low, pair.difference.interval.high) == pytest.approx(
        (ends.low, ends.high), abs=1e-12
    )


def test_one_task_paired_difference_is_scipys_in_any_order(values):
    one = {m: {"p": t["p"]} for m, t in values.items()}
    runs = runs_of(one)
    shuffled = [runs[i] for i in np.random.default_rng(0).permutation(len(runs))]
    pair = cf.compare(shuffled, "method", "seed", 40, pair="seed", replicates=100).pairs[0]
    oracle = stats.ttest_rel(one["a"]["p"], one["b"]["p"])
    assert (pair.p_value, pair.pairs) == (pytest.approx(oracle.pvalue, abs=1e-12), 12)
    assert pair.difference.interval.low == pytest.approx(oracle.confidence_interval(0.95).low, abs=1e-12)


def test_probability_of_improvement_is_mann_whitneys_with_ties():
    rng = np.random.default_rng(1)
    a, b = (
        [rng.integers(0, 5, 9).astype(float) for _ in range(2)],
        [rng.integers(1, 6, 7).astype(float) for _ in range(2)],
    )
    found = float(st.improvement(a, b, smaller_is_better=True))
    oracle = np.mean([stats.mannwhitneyu(v, u).statistic / (len(u) * len(v)) for u, v in zip(a, b, strict=True)])
    brute = np.mean(
        [np.mean([(x < y) + 0.5 * (x == y) for x, y in itertools.product(u, v)]) for u, v in zip(a, b, strict=True)]
    )
    assert found == pytest.approx(oracle, abs=1e-12) == pytest.approx(brute, abs=1e-12)
    assert found == pytest.approx(1 - float(st.improvement(a, b, smaller_is_better=False)), abs=1e-12)


def test_trimmed_standard_error_is_that_of_tukey_and_mclaughlin():
    v = np.random.default_rng(2).standard_normal(20) ** 3
    ends = st.studentized([v], "iqm", 0.95, [v[None]])
    winsorized = np.asarray(stats.mstats.winsorize(v, (0.25, 0.25)))
    stderr = winsorized.std(ddof=1) / (0.5 * math.sqrt(20))
    half = stats.t.ppf(0.975, 9) * stderr
    assert ends == pytest.approx((stats.trim_mean(v, 0.25) - half, stats.trim_mean(v, 0.25) + half), abs=1e-10)


def test_mean_of_one_task_has_the_t_interval():
    v = np.random.default_rng(3).standard_normal(6)
    oracle = stats.ttest_1samp(v, 0).confidence_interval(0.9)
    assert st.studentized([v], "mean", 0.9, [v[None]]) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_the_median_over_tasks_has_accelerated_percentiles():
    """Against the definition, written out task by task."""
    rng = np.random.default_rng(8)
    sample = [m + rng.gamma(1.5, 0.4, 10) for m in np.linspace(0, 1, 7)]
    draws = st.resampled(sample, 500, rng)
    means = np.array([d.mean(axis=1) for d in draws])
    weights = np.bincount(np.argsort(means, axis=0)[3], minlength=7) / 500
    moments = [[float(np.mean((v - v.mean()) ** k)) for v in sample] for k in (2, 3)]
    second, third = (
        sum(w**k * m / 10 ** (k - 1) for w, m in zip(weights, ms, strict=True))
        for k, ms in zip((2, 3), moments, strict=True)
    )
    a = third / (6 * second**1.5)
    z = -stats.norm.ppf(st.expanded_tails(sample, 0.9))
    drawn = np.median(means, axis=0)
    keep = (1 + math.sqrt(second * 10 / 9) / drawn.std()) / 2
    ends = [np.quantile(drawn, stats.norm.cdf(q / (1 - a * q))) for q in (-z, z)]
    oracle = [np.median(drawn) + keep * (e - np.median(drawn)) for e in ends]
    assert 0.02 < a < 0.2
    assert st.accelerated_median(sample, draws, 0.9) == pytest.approx(oracle, abs=1e-12)
    turned = st.accelerated_median([-v for v in sample], [-d for d in draws], 0.9)
    assert turned == pytest.approx([-oracle[1], -oracle[0]], abs=1e-12)
    assert st.accelerated_median([np.ones(5)] * 3, [np.ones((9, 5))] * 3, 0.9) is None
    values = {
        m: {t: 1.0 + shift + 0.1 * rng.standard_normal(10) for t in "pqr"} for m, shift in (("a", 0.0), ("b", 0.1))
    }
    found = cf.compare(runs_of(values), "method", "seed", 40, task="task", replicates=200)
    assert all(e.median.interval.method == "stratified bootstrap, accelerated percentiles" for e in found.aggregates)


@pytest.mark.parametrize("shape", ["normal", "lognormal"])
def test_the_interval_of_the_median_over_tasks_holds_its_level(shape):
    """Negative control: the mean's t interval of the same data misses the median, which is not the mean."""
    rng, sims = np.random.default_rng(12), 250
    means = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.0, 3.0])
    held = control = 0
    for _ in range(sims):
        noise = (
            rng.standard_normal((10, 10))
            if shape == "normal"
            else np.exp(0.75 * rng.standard_normal((10, 10))) - math.exp(0.28125)
        )
        sample = list(means[:, None] + 0.5 * noise)
        low, high = st.accelerated_median(sample, st.resampled(sample, 200, rng), 0.95)
        held += low <= 0.25 <= high
        low, high = st.studentized(sample, "mean", 0.95, ())
        control += low <= 0.25 <= high
    error = 2 * math.sqrt(0.95 * 0.05 / sims)
    assert 0.92 - error < held / sims <= 0.97 + error
    assert control / sims < 0.5


def test_bootstrap_resamples_within_tasks_only():
    sample = [np.array([0.0, 1.0]), np.array([10.0, 11.0, 12.0])]
    draws = st.resampled(sample, 4000, np.random.default_rng(0))
    assert [d.shape for d in draws] == [(4000, 2), (4000, 3)]
    assert set(np.unique(draws[0])) == {0.0, 1.0}
    assert set(np.unique(draws[1])) == {10.0, 11.0, 12.0}
    assert draws[0].mean() == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(8000))


def test_iqm_with_missing_values_is_that_of_the_others():
    v = np.random.default_rng(5).standard_normal((7, 13))
    v[2, 3] = v[2, 5] = v[4, 0] = np.nan
    v[6] = np.nan
    found = st.iqm_of_known(v)
    for row, value in zip(v[:6], found[:6], strict=True):
        assert value == pytest.approx(stats.trim_mean(row[np.isfinite(row)], 0.25), abs=1e-12)
    assert math.isnan(found[6])


def test_score_interval_solves_its_equation_and_stays_inside():
    for share, sizes in ((0.5, [(10, 10)]), (1.0, [(5, 5)]), (0.0, [(5, 7)]), (0.73, [(4, 6), (8, 8)])):
        low, high = st.improvement_interval(share, sizes, 0.95)
        assert 0 <= low <= share <= high <= 1
        for theta in (low, high):
            if 0 < theta < 1:
                pairs = (1 - theta) / (2 - theta) + theta / (1 + theta)
                variance = (
                    sum(theta * (1 - theta) * (1 + ((m + n) / 2 - 1) * pairs) / (m * n) for m, n in sizes)
                    / len(sizes) ** 2
                )
                assert (share - theta) ** 2 == pytest.approx(stats.norm.ppf(0.975) ** 2 * variance, abs=1e-9)
    assert st.improvement_interval(1.0, [(5, 5)], 0.95)[0] < 0.9


def test_correction_is_statsmodels_over_all_pairs_and_places(values):
    values["c"] = {t: v + 0.01 for t, v in values["a"].items()}
    found = cf.compare(runs_of(values), "method", "seed", [10, 40], task="task", replicates=100)
    p = [q.p_value for q in found.pairs]
    assert len(p) == 6
    assert [q.p_adjusted for q in found.pairs] == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)
    plain = cf.compare(runs_of(values), "method", "seed", 40, task="task", replicates=100, correction="none")
    assert all(q.p_adjusted == q.p_value for q in plain.pairs)


def test_two_seeds_have_no_intervals_no_p_values_and_one_reason_for_it():
    runs = [run(m, s, end=1.0 + 0.1 * (m == "b") + 0.01 * s) for m in "ab" for s in range(2)]
    tables = {t.name: t for t in cf.compare(runs, "method", "seed", [5, 40], replicates=100).tables()}
    assert tables["methods"].remarks == (
        "No interval of interquartile mean or mean: 2 seeds in a task: no interval below 3.",
    )
    assert tables["pairs"].remarks[1:] == (
        "No interval of mean a - mean b: 2 seeds in a task: no interval below 3.",
        "No interval of P(a better): no interval below 3 seeds.",
        "No p or p adjusted: 2 seeds in a task: no interval below 3.",
    )
    for table in tables.values():
        assert not any("it does not apply" in r for r in table.remarks), table.name


def test_no_interval_below_three_seeds_and_one_from_three_on():
    two = cf.compare(
        [run(m, s, end=m == "a" or 0.1 * s) for m in "ab" for s in range(2)], "method", "seed", 40, replicates=100
    )
    assert all(e.interval is None for a in two.aggregates for e in (a.iqm, a.median, a.mean))
    assert all(
        p.difference.interval is None and p.improvement.interval is None and math.isnan(p.p_value) for p in two.pairs
    )
    assert "2 seeds" in two.aggregates[0].iqm.reasons[0]
    three = cf.compare([run(m, s, end=0.1 * s) for m in "ab" for s in range(3)], "method", "seed", 40, replicates=100)
    assert all(a.mean.interval.method == "t" for a in three.aggregates)


def test_short_and_diverged_runs_are_counted_not_merged():
    runs = [run("a", s, end=1 + 0.1 * s) for s in range(4)] + [run("b", s, end=2 + 0.1 * s) for s in range(4)]
    runs[0] = run("a", 0, end=9.0, x=X[:20])
    nan = np.where(X > 30, np.nan, 1.0)
    runs[5] = cf.Run(
        "b1", {"val_loss": cf.Curve(X, nan, "val_loss")}, attributes={"method": "b", "seed": 1, "task": "t"}
    )
    found = cf.compare(runs, "method", "seed", 40, replicates=100)
    assert [a.missing for a in found.aggregates] == [1, 1]
    assert found.aggregates[0].mean.value == pytest.approx(np.mean([1.1, 1.2, 1.3]))
    assert "without a value" in found.aggregates[0].mean.reasons[0]
    last = cf.compare(runs, "method", "seed", 40, replicates=100, short="last")
    assert [a.missing for a in last.aggregates] == [0, 1], "a diverged run has no last value"
    assert last.aggregates[0].mean.value == pytest.approx(np.mean([9.0, 1.1, 1.2, 1.3]))


def test_a_window_is_the_mean_before_x_and_between_points_the_line():
    one = [run(m, s, end=1.0) for m in "ab" for s in range(3)]
    curve = one[0]["val_loss"]
    found = cf.compare(one, "method", "seed", 20, window=5, replicates=100)
    assert found.aggregates[0].mean.value == pytest.approx(curve.y[(X > 15) & (X <= 20)].mean())
    between = cf.compare(one, "method", "seed", 20.25, replicates=100)
    assert between.aggregates[0].mean.value == pytest.approx(0.75 * curve.y[19] + 0.25 * curve.y[20])


def test_a_crossing_is_found_where_two_known_lines_cross():
    x, rng = np.linspace(0, 10, 60), np.random.default_rng(0)
    runs = [
        cf.Run(
            f"{m}{s}",
            {"loss": cf.Curve(x, f(x) + 0.05 * rng.standard_normal(), "loss")},
            attributes={"method": m, "seed": s},
        )
        for m, f in (("up", lambda x: 1 + 0.1 * x), ("down", lambda x: 2 - 0.1 * x))
        for s in range(12)
    ]
    found = cf.compare(runs, "method", "seed", 10, replicates=500).crossings
    assert [(c.a, c.b) for c in found] == [("down", "up")]
    interval = found[0].x.interval
    assert interval.low < 5 < interval.high
    assert interval.width < 1.5
    assert found[0].probability == 1.0
    parallel = [r for r in runs if r.attributes["method"] == "up"]
    parallel += [
        cf.Run(f"o{s}", {"loss": cf.Curve(x, 3 + 0.1 * x, "loss")}, attributes={"method": "over", "seed": s})
        for s in range(12)
    ]
    assert cf.compare(parallel, "method", "seed", 10, replicates=100).crossings == ()


@pytest.mark.parametrize("seeds", [3, 12])
def test_a_crossing_lies_where_welchs_test_does_not_tell_the_means_apart(seeds):
    rng = np.random.default_rng(seeds)
    x, sides = np.linspace(0, 10, 50), {"up": 1 + np.linspace(0, 1, 50), "down": 2 - np.linspace(0, 1, 50)}
    values = {
        m: np.array([y + 0.15 * rng.standard_normal() + 0.1 * rng.standard_normal(50) for _ in range(seeds)])
        for m, y in sides.items()
    }
    runs = [
        cf.Run(f"{m}{s}", {"loss": cf.Curve(x, y, "loss")}, attributes={"method": m, "seed": s})
        for m, rows in values.items()
        for s, y in enumerate(rows)
    ]
    (found,) = cf.compare(runs, "method", "seed", 10, replicates=200).crossings
    interval = found.x.interval
    p = stats.ttest_ind(values["up"], values["down"], equal_var=False).pvalue
    inside = (x > interval.low) & (x < interval.high)
    assert inside.any() and (p[inside] >= 0.05).all() and interval.method == "inverted Welch test"
    for end, nodes in ((interval.low, x < interval.low), (interval.high, x > interval.high)):
        assert np.isfinite(end) == nodes.any()
        if nodes.any():  # the nearest node outside is told apart
            assert p[nodes][-1 if end == interval.low else 0] < 0.05


def test_ranks_are_a_distribution_and_agreement_is_kendalls(values):
    values["c"] = {t: v - 0.5 for t, v in values["a"].items()}
    found = cf.compare(runs_of(values), "method", "seed", [5, 40], task="task", replicates=400)
    for r in found.rankings:
        assert r.order[0] == "c"
        assert r.probability.sum(axis=0) == pytest.approx([1, 1, 1])
        assert r.probability.sum(axis=1) == pytest.approx([1, 1, 1])
        assert r.probability[found.methods.index("c"), 0] == 1.0
    assert found.rankings[-1].agreement == 1.0


def test_larger_is_better_turns_order_and_improvement():
    runs = [run(m, s, end=0.5 + 0.2 * (m == "b") + 0.01 * s, metric="val_accuracy") for m in "ab" for s in range(5)]
    found = cf.compare(runs, "method", "seed", 40, replicates=100)
    assert found.direction == "max"
    assert found.rankings[0].order == ("b", "a")
    assert found.pairs[0].improvement.value == 0.0


def test_equal_arguments_give_equal_results(values):
    a, b = (cf.compare(runs_of(values), "method", "seed", [10, 40], task="task", replicates=200) for _ in range(2))
    assert a.to_dict() == b.to_dict()
    assert a.render("latex") == b.render("latex")


def test_a_long_frame_is_taken_for_runs(values):
    import pandas as pd

    runs = runs_of(values)
    frame = pd.concat(
        pd.DataFrame({"run_id": r.name, "metric": "val_loss", "x": X, "y": r["val_loss"].y, **r.attributes})
        for r in runs
    )
    told = {"task": "task", "replicates": 100}
    assert (
        cf.compare(frame, "method", "seed", 40, **told).to_dict()
        == cf.compare(runs, "method", "seed", 40, **told).to_dict()
    )


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"by": "metod"}, UsageError, "Did you mean 'method'"),
        ({"task": "dataset"}, UsageError, "no attribute named 'dataset'"),
        ({"metric": "val_los"}, UsageError, "no metric named .val_los.. Did you mean .val_loss"),
        ({"interval": "bca"}, UsageError, "no interval named"),
        ({"correction": "sidak2"}, UsageError, "no correction"),
        ({"over": "method"}, UsageError, "method cannot be both"),
        ({"at": []}, UsageError, "at is empty"),
        ({"at": "end"}, UsageError, "is no x"),
        ({"replicates": 5}, UsageError, "replicates"),
        ({"window": -1.0}, UsageError, "window"),
        ({"level": 95}, UsageError, "did you mean 0.95"),
    ],
)
def test_mistakes_are_named(values, change, error, words):
    asked = {"by": "method", "over": "seed", "task": "task", "replicates": 100, **change}
    with pytest.raises(error, match=words):
        cf.compare(runs_of(values), **asked)


@pytest.mark.parametrize(
    ("at", "words", "hint"),
    [
        (500, "no run has a value at step 500", "all runs reach step 20, the longest 40; --short last"),
        ([10, 500], "no run has a value at step 500", "--short last"),
        (0.5, "no run has a value at step 0.5", "the first run begins at step 1"),
    ],
)
def test_an_x_that_no_run_reaches_is_an_error_that_says_what_they_reach(at, words, hint):
    runs = [run(m, s, x=X[:20] if m == "a" else X) for m in "ab" for s in range(4)]
    with pytest.raises(UsageError, match=words) as caught:
        cf.compare(runs, "method", "seed", at, replicates=100)
    assert hint in caught.value.hint
    assert cf.compare(runs, "method", "seed", 500, short="last", replicates=100).aggregates[0].missing == 0


def test_a_method_that_does_not_reach_an_x_is_named():
    runs = [run(m, s, x=X[:20] if m == "a" else X) for m in "ab" for s in range(4)]
    found = cf.compare(runs, "method", "seed", [10, 30], replicates=100)
    assert found.notes == (
        "no run of a has a value at step 30: its longest run ends at 20 (--short last takes last values; short='last' in Python)",
    )
    methods, pairs, *_ = found.tables()
    assert "No interquartile mean or mean in 1 row: no run has a value at step 30." in methods.remarks
    assert pairs.remarks[-1].endswith("p adjusted in 1 row: one of the two has no value there.")
    lost = [
        cf.Run(
            f"c{s}",
            {"val_loss": cf.Curve(X, np.where(X > 25, np.nan, 1 / X), "val_loss")},
            attributes={"method": "c", "seed": s},
        )
        for s in range(3)
    ]
    (note,) = cf.compare([*runs[4:], *lost], "method", "seed", 30, short="last", replicates=100).notes
    assert note == "no run of c has a value at step 30: its runs have no numbers there"


def test_two_runs_of_one_seed_are_an_error_that_names_both(values):
    with pytest.raises(UsageError, match="'a/p/0' and 'a/q/0'"):
        cf.compare(runs_of(values), "method", "seed", 40)
    double = [run("a", 0), run("a", 1), run("b", 0), run("b", 1)]
    double = [cf.Run(r.name, r.curves, attributes={**r.attributes, "pair": "same"}) for r in double]
    with pytest.raises(UsageError, match="one pairing key"):
        cf.compare(double, "method", "seed", 40, pair="pair", replicates=100)


def test_runs_without_an_attribute_are_left_out_and_said(values):
    runs = [*runs_of(values), cf.Run("stray", {"val_loss": cf.Curve(X, X, "val_loss")}, attributes={"seed": 1.0})]
    found = cf.compare(runs, "method", "seed", 40, task="task", replicates=100)
    assert found.notes == ("1 run left out, no method: stray",)
    with pytest.raises(UsageError, match="no attributes"):
        cf.compare([cf.Run("r", {"val_loss": cf.Curve(X, X, "val_loss")})], "method", "seed")


def test_one_short_run_that_holds_all_others_back_is_named():
    def run(name, method, seed, n):
        x = np.arange(1.0, n + 1)
        return cf.Run(
            name,
            {"val_loss": cf.Curve(x, 1 + x**-0.5 + seed / 100, "val_loss")},
            attributes={"method": method, "seed": seed},
        )

    full = [run(f"{m}{s}", m, s, 100) for m in "ab" for s in range(3)]
    found = cf.compare([*full, run("crashed", "a", 3, 2)], "method", "seed")
    assert found.at == (2.0,)
    assert found.notes == (
        "compared at 2 because crashed ends there; 6 of 7 runs reach 100 (at 100 these count as missing: crashed)",
    )
    assert cf.compare(full, "method", "seed").notes == ()
    assert cf.compare([*full, run("crashed", "a", 3, 2)], "method", "seed", 100).notes == ()
    assert cf.compare([*full, run("nearly", "a", 3, 95)], "method", "seed").notes == ()


def test_a_method_whose_curves_hold_no_number_does_not_end_the_comparison(values):
    lost = cf.Run(
        "lost", {"val_loss": cf.Curve(X, X * np.nan, "val_loss")}, attributes={"method": "c", "seed": 0.0, "task": "p"}
    )
    found = cf.compare([*runs_of(values), lost], "method", "seed", 40, task="task", replicates=100)
    assert next(a for a in found.aggregates if a.method == "c").missing == 1
    assert [b.curves for b in found.bands if b.method == "c"] == [()]
    assert [t.get_text() for t in found.plot().get_legend().get_texts()][:2] == [
        f"{m} ({int(b.seeds.max())})" for m, b in zip("ab", found.bands, strict=False)
    ]


def test_epochs_are_not_compared_with_steps(values):
    def counted(unit):
        runs = runs_of(values)
        curve = runs[0]["val_loss"]
        return [
            cf.Run(
                "odd", {"val_loss": cf.Curve(curve.x, curve.y, "val_loss", x_unit=unit)}, attributes=runs[0].attributes
            ),
            *runs[1:],
        ]

    with pytest.raises(DataError, match=r"x does not count the same in all runs: epoch \(odd\); step"):
        cf.compare(counted("epoch"), "method", "seed", 40, task="task", replicates=100)
    assert cf.compare(counted("iteration"), "method", "seed", 40, task="task", replicates=100).methods


def test_fractions_are_not_averaged_with_percents():
    runs = [run(m, s, end=0.7 + 0.01 * s - 0.1 * (m == "b"), metric="val_acc") for m in "ab" for s in range(3)]
    low = [
        cf.Run(r.name, {"val_acc": cf.Curve(X, r["val_acc"].y * 0.5, "val_acc")}, attributes=r.attributes) for r in runs
    ]
    odd = cf.Run("odd", {"val_acc": cf.Curve(X, 100 * low[0]["val_acc"].y, "val_acc")}, attributes=runs[0].attributes)
    with pytest.raises(DataError, match=r"'val_acc' is not in one unit in all runs: percent \(odd\); fraction"):
        cf.compare([odd, *low[1:]], "method", "seed", 40, replicates=100)
    assert cf.compare(low, "method", "seed", 40, replicates=100).methods == ("a", "b")
    told = cf.Metric("val_loss", "loss", "min", unit="bit")
    bits = [run(m, s) for m in "ab" for s in range(2)]
    assert bits[0]["val_loss"].metric.unit != "bit"
    odd = cf.Run("bits", {"val_loss": cf.Curve(X, X, told)}, attributes=bits[0].attributes)
    nats = cf.Run(
        "nats",
        {"val_loss": cf.Curve(X, X, cf.Metric("val_loss", "loss", "min", unit="nat"))},
        attributes=bits[1].attributes,
    )
    with pytest.raises(DataError, match=r"bit \(bits\); nat \(nats\)"):
        cf.compare([odd, nats, *bits[2:]], "method", "seed", 40, replicates=100)


def test_what_was_asked_and_cannot_be_is_a_mistake_of_usage_that_both_worlds_can_mend(values):
    runs = runs_of(values)
    with pytest.raises(UsageError, match=r"one method only: 'a', and comparing needs two") as caught:
        cf.compare([r for r in runs if r.attributes["method"] == "a"], "method", "seed", task="task")
    assert "without --over groups its tables by method" in caught.value.hint
    with pytest.raises(UsageError, match="two runs are") as caught:
        cf.compare(runs, "method", "seed")
    assert caught.value.hint == "--task ATTRIBUTE (task= in Python) names what tells them apart"
    odd = [cf.Run(r.name, {"thing": cf.Curve(X, r["val_loss"].y, "thing")}, attributes=r.attributes) for r in runs]
    with pytest.raises(DataError, match="whether smaller or larger 'thing' is better") as caught:
        cf.compare(odd, "method", "seed", task="task")
    assert "--direction" in caught.value.hint and "direction=" in caught.value.hint


def test_names_that_are_left_out_end_in_a_number_not_in_dots():
    assert some_names(["a", "b", "c"], 3) == "a, b, c"
    assert some_names(list("abcdef"), 2) == "a, b and 4 more"


def test_values_that_are_carried_forward_are_counted():
    runs = [
        run(m, s, end=1 + 0.1 * s, x=X[:20] if (m, s) in (("a", 0), ("a", 1), ("b", 2)) else X)
        for m in "ab"
        for s in range(4)
    ]
    found = cf.compare(runs, "method", "seed", [10, 40], replicates=100, short="last")
    assert [a.carried for a in found.aggregates] == [0, 0, 2, 1]
    assert found.notes == ("3 of 8 values at step 40 are last ones of runs that ended before: a 2, b 1",)
    table = found.tables()[0]
    assert [(r["runs"], r["carried"]) for r in table.to_dicts()] == [(4, 0), (4, 0), (4, 2), (4, 1)]
    assert found.to_dict()["settings"]["values carried forward"] == "3"
    assert "3 of 16 values are last values of runs that ended before" in methods_paragraph(found, None)
    dropped = cf.compare(runs, "method", "seed", [10, 40], replicates=100)
    assert [a.carried for a in dropped.aggregates] == [0] * 4 and dropped.notes == ()
    assert "carried" not in dropped.tables()[0].to_dicts()[0]


def test_a_crossing_that_may_be_anywhere_has_a_reason_instead_of_an_interval():
    rng = np.random.default_rng(5)
    wild = []
    for m in "ab":
        levels = rng.standard_normal(4)
        for s, level in enumerate(levels - levels.mean()):
            y = 3 + level + 0.02 * (20 - X) * (m == "a")  # the means meet at 20
            wild.append(
                cf.Run(f"{m}{s}", {"val_loss": cf.Curve(X, y, "val_loss")}, attributes={"method": m, "seed": s})
            )
    found = cf.compare(wild, "method", "seed", 40, replicates=400)
    (crossing,) = found.crossings
    assert crossing.x.interval is None and crossing.x.value == pytest.approx(20)
    assert "differ significantly neither before nor after it" in crossing.x.reasons[0]
    table = next(t for t in found.tables() if t.name == "crossings")
    assert "inf" not in table.render("plain")
    assert "mean curve" in table.caption and "interquartile mean" in table.notes[0]


def of_tasks(where):
    """Runs of methods in the tasks each has, at the level given."""
    rng = np.random.default_rng(0)
    return [
        run(m, s, t, end=level + 0.01 * float(rng.standard_normal()))
        for m, tasks in where.items()
        for t, level in tasks.items()
        for s in range(5)
    ]


def test_ranks_are_over_the_tasks_that_all_methods_have():
    where = {"a": {"easy": 1.0, "hard": 10.0}, "b": {"easy": 1.5}}
    found = cf.compare(of_tasks(where), "method", "seed", 40, task="task", replicates=200)
    assert found.aggregates[0].mean.value > found.aggregates[1].mean.value  # a has the hard one
    (ranking,) = found.rankings
    assert ranking.order == ("a", "b") and ranking.probability[0, 0] == 1.0
    (note,) = found.notes
    assert "(a 2, b 1 of 2)" in note and "over the 1 that all have" in note
    alike = cf.compare(of_tasks({"a": {"easy": 1.0, "hard": 10.0}, "b": {"easy": 1.5, "hard": 9.0}}), "method", "seed", 40, task="task", replicates=200)  # fmt: skip
    assert alike.notes == ()
    assert [p.tasks for p in alike.pairs] == [2]
    assert [row["tasks"] for row in alike.tables()[1].to_dicts()] == [2]


def test_methods_without_a_task_in_common_are_not_ranked():
    where = {"a": {"easy": 1.0, "hard": 10.0}, "b": {"easy": 1.5}, "c": {"other": 0.1}}
    found = cf.compare(of_tasks(where), "method", "seed", 40, task="task", replicates=200)
    assert found.rankings == ()
    assert "ranks not given, since no task has all of them" in found.notes[0]


def test_curves_that_start_together_and_part_have_not_crossed():
    x, rng = np.arange(0.0, 51.0), np.random.default_rng(0)
    runs = []
    for seed in range(5):
        start = 2 + 0.05 * rng.standard_normal()
        for m, k in (("fast", 0.3), ("slow", 0.2)):
            y = 1 + start * np.exp(-k * x**0.7) + np.where(x > 0, 0.002 * rng.standard_normal(51), 0.0)
            runs.append(cf.Run(f"{m}{seed}", {"val_loss": cf.Curve(x, y, "val_loss")}, attributes={"m": m, "s": seed}))
    assert cf.compare(runs, "m", "s", 50, replicates=100).crossings == ()


@pytest.mark.parametrize(
    ("difference", "at"),
    [
        ([1.0, -1.0, -2.0], 1.5),  # between the two
        ([1.0, 0.0, -2.0], 2.0),  # on a node
        ([1.0, 0.0, 0.0, -1.0], 3.0),  # after a stretch together
        ([0.0, -1.0, -1.0], -np.inf),  # never above
        ([0.0, 0.0, 0.0], -np.inf),
        ([-1.0, -1.0, 1.0], np.inf),  # not below at the end
        ([1.0, -1.0, 0.0, -1.0], 1.5),  # touched, not passed
        ([1.0, 0.0, 0.0], np.inf),
    ],
)
def test_the_last_change_of_sign(difference, at):
    x = np.arange(1.0, len(difference) + 1)
    assert _resampling._last_change(np.array([difference]), x)[0] == at


def test_without_a_place_runs_that_stopped_being_numbers_do_not_move_it():
    x = np.arange(100.0, 1001.0, 100)

    def values(m, s):
        y = 1 / x + 0.01 * s + 0.5 * (m == "a")
        if m == "b":
            y[6:] = np.nan
        return y

    runs = [
        cf.Run(f"{m}{s}", {"val_loss": cf.Curve(x, values(m, s), "val_loss")}, attributes={"m": m, "s": s})
        for m in "abc"
        for s in range(5)
    ]
    found = cf.compare(runs, "m", "s", replicates=100)
    assert found.at == (1000.0,)
    assert [a.missing for a in found.aggregates] == [0, 5, 0]
    assert found.notes == ("no run of b has a value at step 1000: its runs have no numbers there",)
    lost = [r for r in runs if r.attributes["m"] == "b"]
    other = [cf.Run(f"d{r.name}", r.curves, attributes={"m": "d", "s": r.attributes["s"]}) for r in lost]
    assert cf.compare([*lost, *other], "m", "s", replicates=100).at == (600.0,)  # nobody is left


def test_half_of_the_runs_that_end_early_are_said():
    runs = [run(m, s, x=X[:10] if m == "a" else X) for m in "ab" for s in range(4)]
    (note,) = cf.compare(runs, "method", "seed", replicates=100).notes
    assert note.startswith("compared at 10 because a/t/0 ends there; 4 of 8 runs reach 40")


def test_names_that_differ_in_spaces_or_capitals_are_pointed_out():
    runs = [run(m, s) for m in ("adam", "Adam ", "sgd") for s in range(2)]
    (note,) = cf.compare(runs, "method", "seed", replicates=100).notes
    assert note == "'Adam ' and 'adam' are taken for different values of method"


def test_one_method_only_says_what_became_of_the_others():
    runs = [run("a", s) for s in range(3)] + [run("b", s, metric="train_loss") for s in range(2)]
    with pytest.raises(UsageError, match=r"one method only: 'a'.*; 2 runs left out, no val_loss"):
        cf.compare(runs, "method", "seed", metric="val_loss")


def test_curves_that_are_averaged_for_a_crossing_are_said_to_be():
    x = np.arange(1.0, 1001.0)
    for points, told in ((x, True), (x[::20], False)):
        runs = [
            cf.Run(
                f"{m}{s}",
                {"val_loss": cf.Curve(points, 1 + slope * (points - 500 + s), "val_loss")},
                attributes={"m": m, "s": s},
            )
            for m, slope in (("a", 1e-4), ("b", -1e-4))
            for s in range(3)
        ]
        table = next(t for t in cf.compare(runs, "m", "s", replicates=100).tables() if t.name == "crossings")
        assert ("means around 96 x" in table.notes[0]) is told
