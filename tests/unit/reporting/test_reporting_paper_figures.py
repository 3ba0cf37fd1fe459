"""Figures for papers: sizes, fonts, colors that differ in gray, what they show, and names that stay text."""

from __future__ import annotations

import math
import re

import matplotlib as mpl
import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import Estimate, Interval, UsageError
from curvefit.reporting.figures import figure_bytes
from curvefit.reporting.paper import (
    calibration,
    forest,
    new_figure,
    paper_style,
    pareto,
    ranking,
    scaling,
    seed_bands,
    small_multiples,
)
from curvefit.reporting.paper.canvas import COLUMNS, STYLE_FILE, looks, short_names
from curvefit.reporting.paper.pareto import on_front
from curvefit.reporting.tables import Aggregate, Band, Comparison, Ranking, ScalingFit

HOSTILE = ("$\\foo$", "\x1b[31m{{{{", "a" * 200)


def comparison(names=("adam", "sgd"), at=(10.0, 100.0)):
    x = np.geomspace(1, 100, 30)
    bands = tuple(
        Band(
            m,
            x,
            1 + (i + 1) / x,
            1 + (i + 1) / x - 0.1,
            1 + (i + 1) / x + 0.1,
            np.full(30, 5.0),
            ((x, 1 + (i + 1) / x),),
        )
        for i, m in enumerate(names)
    )
    eye = np.eye(len(names))
    ranks = tuple(Ranking(a, tuple(names), eye, 1.0, 1.0) for a in at)
    none = Estimate("iqm", 1.0)
    found = tuple(Aggregate(m, at[0], 1, 5, 5, 0, none, none, none) for m in names)
    return Comparison(
        "method", "seed", "", "", "val_loss", "min", "step", at, 0.95, tuple(names), found, (), ranks, (), bands, ()
    )


def law(k=2):
    rng = np.random.default_rng(0)
    best = np.array([1.8, np.log(400.0), np.log(2000.0), 0.35, 0.37]) if k == 2 else np.array([0.1, np.log(10.0), 0.5])
    draws = best + 0.01 * rng.standard_normal((60, best.size))
    points = np.exp(rng.uniform(np.log(1e7), np.log(1e10), (40, k)))
    made = {
        n: Estimate(n, float(v))
        for n, v in zip(("E", "A", "B", "alpha", "beta") if k == 2 else ("E", "A", "alpha"), best, strict=True)
    }
    fit = ScalingFit(("N", "D")[:k], made, {}, draws, best, points, np.ones(40), np.arange(40), 0.0, 1e-3, 0.95)
    told = fit.predict(*points.T, interval=None).mean
    return ScalingFit(("N", "D")[:k], made, {}, draws, best, points, told, np.arange(40), 0.0, 1e-3, 0.95)


def test_the_style_file_is_read_and_the_callers_settings_come_back():
    before = mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"]
    with paper_style():
        assert (mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"], mpl.rcParams["text.usetex"]) == (
            7.0,
            42,
            False,
        )
    assert (mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"]) == before
    assert set(mpl.rc_params_from_file(STYLE_FILE, use_default_template=False)) >= {
        "pdf.fonttype",
        "svg.fonttype",
        "axes.prop_cycle",
    }


@pytest.mark.parametrize("columns", [1, 2])
def test_figures_are_as_wide_as_columns(columns):
    figure, _ = new_figure(columns)
    assert figure.get_figwidth() == COLUMNS[columns]
    with pytest.raises(UsageError, match="choices: 1, 2"):
        new_figure(3)


def test_methods_differ_in_gray_as_well():
    drawn = looks([str(i) for i in range(14)])
    assert len({(v.color, str(v.dash), v.marker) for v in drawn.values()}) == 14
    first = list(drawn.values())[:7]
    assert len({str(v.dash) for v in first}) == len({v.marker for v in first}) == 7


@pytest.mark.parametrize("format", ["pdf", "svg"])
def test_vector_files_embed_their_fonts_and_are_equal_bytes(format):
    one, two = (figure_bytes(seed_bands(comparison()), format) for _ in range(2))
    assert one == two
    if format == "pdf":
        assert b"/FontFile2" in one
        assert b"/Type3" not in one
    else:
        assert b"<text" not in one
        assert b"http" not in re.sub(
            rb'xmlns(:\w+)?="[^"]*"|<metadata>.*?</metadata>|<!DOCTYPE[^>]*>', b"", one, flags=re.S
        )


def test_bands_show_every_method_with_its_seeds():
    ax = seed_bands(comparison())
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["adam (5)", "sgd (5)"]
    assert ax.get_xscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "val_loss")


def test_the_mean_of_the_runs_that_are_left_is_not_joined_to_that_of_all():
    x = np.arange(1.0, 41.0)
    runs = [
        cf.Run(
            f"{m}{s}",
            {"val_loss": cf.Curve(x[:n], 2 - s // 3 + 0 * x[:n], "val_loss")},
            attributes={"method": m, "seed": s},
        )
        for m in "ab"
        for s in range(6)
        for n in [20 if m == "a" and s < 3 else 40]
    ]
    ax = seed_bands(cf.compare(runs, "method", "seed", 20, replicates=100))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a (6, 3 to the end)", "b (6)"]
    means = [line for line in ax.lines if len(line.get_xdata()) > 40]  # on the grid
    whole, left, b = (np.isfinite(np.asarray(line.get_ydata(), dtype=float)) for line in means)
    early = np.asarray(means[0].get_xdata()) <= 20
    assert (whole[early].all(), whole[~early].any()) == (True, False)
    assert (left[early].any(), left[~early].all()) == (False, True)
    assert b.all()
    assert (means[1].get_linestyle(), means[1].get_label()[0]) == (":", "_")
    late = [
        cf.Run(
            f"late{s}",
            {"val_loss": cf.Curve(x[10:], x[10:] * 0 + 1, "val_loss")},
            attributes={"method": "b", "seed": 6 + s},
        )
        for s in range(2)
    ]
    ax = seed_bands(cf.compare([*runs, *late], "method", "seed", 20, replicates=100))
    assert ax.get_legend().get_texts()[1].get_text() == "b (8, 6 from the start)"
    never = [
        cf.Run(
            f"c{s}",
            {"val_loss": cf.Curve(x[20 * s :][:18], x[:18] * 0 + 1, "val_loss")},
            attributes={"method": "c", "seed": s},
        )
        for s in range(2)
    ]
    ax = seed_bands(cf.compare([*runs, *never], "method", "seed", 20, replicates=100))
    assert ax.get_legend().get_texts()[2].get_text() == "c (2, 1 from the start, 1 to the end)"


def test_ranks_are_drawn_with_their_probability():
    found = comparison(("a", "b", "c"))
    ax = ranking(found)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["10", "100"]
    assert ax.get_ylim() == (3.5, 0.5)
    sizes = [c.get_sizes()[0] for c in ax.collections]
    assert sizes == [90.0] * 6


def test_a_forest_of_many_rows_is_thinned_and_says_so():
    rows = [(f"r{i}", Estimate("alpha", i / 100, Interval(i / 100 - 0.1, i / 100 + 0.1))) for i in range(100)]
    ax = forest(rows, most=20)
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert len(labels) == 20
    assert (labels[0], labels[-1]) == ("r0", "r99")
    assert "20 of 100 shown" in ax.get_xlabel()


def test_calibration_counts_what_lies_inside():
    ax = calibration(np.linspace(0.0005, 0.9995, 1000))
    line = next(li for li in ax.lines if "forecasts" in str(li.get_label()))
    assert np.allclose(line.get_ydata(), line.get_xdata(), atol=2e-3)
    narrow = calibration(np.r_[np.full(50, 0.999), np.full(50, 0.5)])
    line = next(li for li in narrow.lines if "forecasts" in str(li.get_label()))
    assert np.all(np.asarray(line.get_ydata()) == 0.5)
    with pytest.raises(UsageError, match="no forecast"):
        calibration([np.nan])


def test_the_front_is_that_of_brute_force():
    rng = np.random.default_rng(0)
    cost, value = rng.integers(0, 12, 60).astype(float), rng.integers(0, 12, 60).astype(float)
    front = on_front(cost, value)
    for i in range(60):
        beaten = np.any((cost <= cost[i]) & (value <= value[i]) & ((cost < cost[i]) | (value < value[i])))
        twin = np.any((cost[:i] == cost[i]) & (value[:i] == value[i]))
        assert front[i] == (not beaten and not twin)
    assert on_front(cost, -value, smaller_is_better=False).tolist() == front.tolist()
    with pytest.raises(UsageError, match="both numbers"):
        pareto([np.nan], [1.0])


@pytest.mark.parametrize("k", [1, 2])
def test_a_scaling_figure_shows_law_data_and_what_lies_beyond(k):
    ax = scaling(law(k))
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert {"law", "beyond the data", "95 % of new runs"} <= set(labels)
    assert ax.get_xscale() == "log"
    edge = law(k).points.max() if k == 1 else 6 * law(k).points.prod(axis=1).max()
    beyond = next(li for li in ax.lines if li.get_label() == "beyond the data")
    assert np.min(beyond.get_xdata()) > edge
    assert np.max(beyond.get_xdata()) == pytest.approx(10 * edge)


@pytest.mark.parametrize("levels", [4, 9])
def test_points_of_a_scaling_figure_are_drawn_once_and_at_a_size_of_theirs(levels):
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(1e7, 1e9, levels), np.geomspace(1e8, 1e11, 6)))
    points = {"N": n, "D": d, "L": 1.7 + 400 / n**0.34 + 410 / d**0.28}
    ax = scaling(cf.scaling_law(points, replicates=20, check=False))
    drawn = [line for line in ax.lines if line.get_label().startswith("N ")]
    assert sum(len(line.get_xdata()) for line in drawn) == n.size
    labels = [line.get_label() for line in drawn]
    if levels == 4:
        assert labels == ["N 10M", "N 46.4M", "N 215M", "N 1G"]
    else:
        assert len(labels) == 6 and any("near" in label for label in labels)


@pytest.mark.parametrize("count", [7, 8])
def test_every_size_of_a_few_has_its_line_and_its_points_lie_on_it(count):
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(4e8, 2e10, count), np.geomspace(1e10, 1e12, 6)))
    ax = scaling(cf.scaling_law({"params": n, "tokens": d, "L": 1.7 + 400 / n**0.34 + 410 / d**0.28}, replicates=20))
    drawn = [line for line in ax.lines if line.get_label().startswith("params ")]
    assert len(drawn) == count and not any("near" in line.get_label() for line in drawn)
    lines = [line for line in ax.lines if line.get_linewidth() < 1 and line.get_label().startswith("_")]
    for points, line in zip(drawn, lines, strict=True):
        there = np.interp(np.log(points.get_xdata()), np.log(line.get_xdata()), line.get_ydata())
        assert points.get_ydata() == pytest.approx(there, rel=1e-3)
        assert points.get_markersize() > 3
    assert ax.get_xlabel() == "compute (FLOP), 6 \N{MULTIPLICATION SIGN} params \N{MULTIPLICATION SIGN} tokens"


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_logs_are_drawn_as_they_are(name):
    found = comparison((name, "b"))
    for ax in (
        seed_bands(found, title=name),
        ranking(found, title=name),
        forest([(name, Estimate(name, 1.0, Interval(0, 2)))], title=name),
    ):
        content = figure_bytes(ax, "svg")
        assert b"\x1b" not in content
    assert len(figure_bytes(pareto([1.0, 2.0], [2.0, 1.0], methods=[name, "b"], title=name), "pdf")) > 1000


@pytest.mark.parametrize("columns", [1, 2])
def test_the_legend_of_bands_covers_no_curve(columns):
    ax = seed_bands(comparison(), columns=columns)
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1


@pytest.mark.parametrize("spread", [(8, 8), (1, 1), (0.3, 0.3)])
def test_numbers_of_the_calibration_lie_on_nothing(spread):
    values = np.random.default_rng(0).beta(*spread, 300)
    ax = calibration(values)
    ax.figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1 - 1 and legend.x1 <= ax.figure.bbox.x1 + 1
    share = round(100 * float(np.mean(np.abs(values - 0.5) <= 0.4)))
    assert f"80 % holds {share} %" in ax.get_legend().get_title().get_text()
    assert not ax.texts


def test_a_law_without_a_value_at_zero_is_drawn_where_it_has_one():
    x = np.arange(0.0, 40.0)
    curve = cf.Curve(x, 1 + 2 * (x + 1) ** -0.5, "val_loss")
    figure = small_multiples([cf.analyze(curve, model="power_law", horizon=60.0)])
    fitted = [line for line in figure.axes[0].lines if line.get_label() == "fitted law"]
    assert len(fitted) == 1 and np.isfinite(fitted[0].get_ydata()).all()
    assert (fitted[0].get_xdata() > 0).all()


def test_names_that_the_font_lacks_end_nothing():
    ax = forest([("名前", Estimate("a", 1.0, Interval(0.5, 1.5, 0.95)))])
    assert figure_bytes(ax, "pdf").startswith(b"%PDF")


def test_the_legend_of_costs_covers_no_run():
    ax = pareto([1, 2, 3, 4], [4, 3, 2, 1], methods=list("abcd"))
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1


def test_one_estimate_far_away_does_not_hide_the_others():
    rows = [(str(i), Estimate("a", 1 + 0.1 * i, Interval(0.9 + 0.1 * i, 1.1 + 0.1 * i, 0.95))) for i in range(10)]
    near = forest(rows)
    far = forest([*rows, ("far", Estimate("a", -1e48, Interval(-2e48, 0.0, 0.95)))])
    low, high = far.get_xlim()
    assert -3 < low < 0.9 and 2.0 < high < 5
    assert [line.get_marker() for line in far.lines].count("<") == 1
    assert "<" not in [line.get_marker() for line in near.lines]
    few = forest([*rows[:8], ("far", Estimate("a", 1e23, Interval(0.0, 2e23, 0.95)))])
    assert few.get_xlim()[1] < 5 and [line.get_marker() for line in few.lines].count(">") == 1


def test_an_estimate_without_an_interval_is_hollow_in_a_forest_plot_and_said():
    rows = [
        ("a", Estimate("q", 1.0, Interval(0.9, 1.1))),
        ("b", Estimate("q", 2.0, Interval(1.0, math.inf))),
        ("c", Estimate("q", 1.5)),
    ]
    axes = forest(rows, label="q")
    assert axes.get_xlabel() == "q (hollow: no closed interval)"
    fills = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "o"]
    assert fills == ["#000000", "white", "white"]
    assert "hollow" not in forest(rows[:1], label="q").get_xlabel()


def reports(names, metrics, units):
    x = np.arange(1.0, 31.0)
    return [
        cf.analyze(cf.Run(n, {m: cf.Curve(x, 1 + (-1 if "acc" in m else 1) * 0.5 / x, m, x_unit=u)}), model="power_law")
        for n, m, u in zip(names, metrics, units, strict=True)
    ]


def test_small_panels_say_what_they_show():
    names = [f"a_long_folder/of-many-runs/lr{i}_seed0" for i in range(3)]
    mixed = small_multiples(reports(names, ["val_loss", "val_loss", "val_acc"], ["step", "epoch", "step"]))
    assert [(ax.get_ylabel(), ax.get_xlabel()) for ax in mixed.axes] == [
        ("val_loss", "step"), ("val_loss", "epoch"), ("val_acc", "step"),
    ]  # fmt: skip
    assert [ax.get_title(loc="left") for ax in mixed.axes] == ["…lr0_seed0", "…lr1_seed0", "…lr2_seed0"]
    alike = small_multiples(reports(names, ["val_loss"] * 3, ["step"] * 3), across=2)
    assert alike.get_supylabel() == "val_loss"
    assert [(ax.get_ylabel(), ax.get_xlabel()) for ax in alike.axes[:3]] == [("", ""), ("", "step"), ("", "step")]
    alike.canvas.draw()
    legend = alike.legends[0].get_window_extent()
    assert all(legend.y1 <= ax.xaxis.label.get_window_extent().y0 for ax in alike.axes[1:3])


@pytest.mark.parametrize("columns", [1, 2])
def test_the_legend_of_small_panels_is_whole(columns):
    figure = small_multiples(reports(["a", "b"], ["val_loss"] * 2, ["step"] * 2), columns=columns)
    figure.canvas.draw()
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 and legend.x1 <= figure.bbox.x1


def test_names_that_are_cut_can_be_told_apart():
    long = [f"gzip_csv_wide/google-deepmind/model-with-a-long-name-{i}" for i in range(3)]
    for names in (long, ["short", *long], ["x" * 60 + str(i) for i in range(3)]):
        shown = short_names(names, 26)
        assert len(set(shown)) == len(names) and max(map(len, shown)) <= 26
    assert short_names(["run/a", "run/b"], 26) == ["run/a", "run/b"]
    assert "\x1b" not in short_names(["\x1b[31m" + "y" * 40, "z"], 26)[0]


def test_how_many_rows_a_forest_shows_lies_on_no_bar():
    ax = forest(cf.pool(np.linspace(0, 1, 60), [0.1] * 60), label="alpha")
    assert ax.get_xlabel().splitlines() == ["alpha", "40 of 60 shown, evenly spaced in order"]
    assert not ax.texts
