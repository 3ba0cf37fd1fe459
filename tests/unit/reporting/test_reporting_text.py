"""What people read: whole pages kept as text, and what holds for every page."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from curvefit.analysis import analyze
from curvefit.curves import Curve, Estimate, Interval, Status
from curvefit.decisions.recommendation import Action
from curvefit.diagnostics.diagnosis import Diagnoses, Diagnosis, Verdict
from curvefit.diagnostics.rules._text import WITHOUT
from curvefit.fitting.fit import fit
from curvefit.reporting import wording
from curvefit.reporting.renderers import _page
from curvefit.reporting.renderers._page import cells, wrap
from curvefit.reporting.view import choose_view

SNAPSHOTS = Path(__file__).parents[2] / "snapshots"


@pytest.mark.parametrize(
    ("file", "format", "options"),
    [
        ("report_terminal.txt", "terminal", {"width": 80, "color": False, "unicode": True}),
        ("report_terminal_ascii.txt", "terminal", {"width": 80, "color": False, "unicode": False}),
        ("report_terminal_narrow.txt", "terminal", {"width": 60, "color": False, "unicode": True, "chart": False}),
        ("report_markdown.md", "markdown", {}),
        ("report_table.csv", "csv", {}),
    ],
)
def test_the_page_is_as_kept(stated_report, file, format, options):
    """A change of wording or layout shows here as a readable difference (CURVEFIT_UPDATE_SNAPSHOTS=1 rewrites)."""
    text = stated_report.render(format, **options)
    path = SNAPSHOTS / file
    if os.environ.get("CURVEFIT_UPDATE_SNAPSHOTS"):
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_line_is_wider_than_the_terminal(stated_report, width):
    text = stated_report.render("terminal", width=width, color=False, unicode=True)
    limit = max(width, 76)  # columns of numbers are never broken
    assert max(cells(line) for line in text.splitlines()) <= limit


def test_the_recommendation_comes_before_any_other_finding(stated_report):
    text = stated_report.render("terminal", color=False)
    places = [
        text.index(s) for s in ("A person should look", "Forecast at", "Estimates", "Diagnoses", "Doubts", "Data")
    ]
    assert places == sorted(places)


def test_every_estimate_of_the_report_is_shown_with_its_interval(report):
    text = report.render("terminal", color=False, width=100)
    for name in ("remaining improvement", "best point so far", "improvement per decade"):
        line = next(ln for ln in text.splitlines() if name in ln)
        assert "[" in line
        assert "]" in line


def test_present_undecided_and_absent_are_told_apart(stated_report):
    text = stated_report.render("terminal", color=False, unicode=True)
    assert "x diverged at epoch 61" in text
    assert "! spikes at epoch 12, epoch 17, epoch 33 and 1 more" in text
    assert "? plateaued: undecided. About 200 more points would tell." in text
    assert "absent: erratic, overfitting" in text


def test_colors_add_nothing_but_escape_sequences(stated_report):
    import re

    plain = stated_report.render("terminal", color=False, unicode=True)
    colored = stated_report.render("terminal", color=True, unicode=True)
    assert "\x1b[" in colored
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [ln.rstrip() for ln in stripped.splitlines()] == plain.splitlines()


def test_without_rich_the_page_is_plain(stated_report, monkeypatch):
    monkeypatch.setattr(_page, "available", lambda _: False)
    assert stated_report.render("terminal", color=True) == stated_report.render("terminal", color=False)


def test_ascii_pages_are_ascii(stated_report):
    assert stated_report.render("terminal", unicode=False, color=False).isascii()


def test_large_numbers_move_the_bands_to_lines_of_their_own(build):
    x = np.arange(1.0, 41.0)
    report = build(x, 1e9 * (2 + x**-0.5) + 1e3 * np.sin(x), "loss")
    text = report.render("terminal", color=False, width=60)
    assert "    50 %  [" in text


def test_a_run_of_one_point_still_reads(build):
    text = build([1], [0.5]).render("terminal", color=False)
    assert "1 point, step 1 to 1" in text.replace("epoch", "step")


def test_an_estimate_nobody_knows_is_shown_by_its_name(report):
    own = Estimate("half_life", 12.34, Interval(10.1, 15.2), "epoch")
    text = replace(report, estimates={**report.estimates, "half_life": own}).render("terminal", color=False)
    assert "half life" in text
    assert "[10.1, 15.2] epoch" in text


def test_str_is_the_terminal_page(stated_report):
    assert str(stated_report) == stated_report.render("terminal")
    assert repr(stated_report) == "Report('resnet-18 seed 3', 'val/loss': a person should look)"


def test_wrapping_counts_cells():
    assert wrap("aa bb cc", 10) == ["aa bb cc"]
    assert wrap("損失" * 4 + " loss", 10) == ["損失損失損", "失損失 loss"] or all(
        cells(w) <= 10 for w in wrap("損失" * 4 + " loss", 10)
    )
    assert all(cells(w) <= 12 for w in wrap("x" * 50 + " 損" * 30, 12))
    assert wrap("", 20) == [""]


def test_rendering_is_fast(report):
    """Terminal and JSON together in under 10 ms (best of five; the bound is loose for a busy machine)."""
    from time import process_time

    best = np.inf
    for _ in range(5):
        start = process_time()
        report.render("terminal", color=False)
        report.to_json()
        best = min(best, process_time() - start)
    assert best < 0.02


def test_a_run_that_is_too_short_says_so_once(stated_report):
    short = Diagnosis("underdetermined", Verdict.PRESENT, "info", explanation="Six points.", advice="Collect 40.")
    vague = [Diagnosis(n, Verdict.UNDECIDED, "info", explanation=f"{n} needs points.") for n in ("spikes", "plateaued")]
    text = replace(stated_report, diagnoses=Diagnoses("r", (short, *vague))).render("terminal", color=False)
    assert "? undecided until then: spikes, plateaued" in text
    assert "needs points" not in text


def test_the_best_value_says_of_how_many_it_is_the_mean(build):
    """At the end of a run the window is cut: 4 values, not 7."""
    x = np.arange(1.0, 51.0)
    y = 2 - 0.03 * x
    text = build(x, y).render("terminal", color=False)
    assert f"value {y[-4:].mean():.3f}" in text
    assert "(mean of 4)" in text


def test_the_chart_marks_values_beyond_the_picture(build):
    """Two spikes that do not set the scale are arrows at the edge, counted and named below the axis."""
    x = np.arange(1.0, 201.0)
    y = 2 - x / 200 + 0.01 * np.sin(7 * x)
    y[[99, 149]] = 40.0, 55.0
    lines = build(x, y).render("terminal", color=False, unicode=True).splitlines()
    top = next(line for line in lines if "↑" in line)
    assert top.count("↑") == 2
    text = " ".join(" ".join(lines).split())
    assert "↑ 2 values beyond the picture, as far as 55.00 at epoch 150" in text


def test_a_chart_that_shows_everything_has_no_arrows(build):
    x = np.arange(1.0, 101.0)
    text = build(x, 2 - x / 200).render("terminal", color=False, unicode=True)
    assert "beyond the picture" not in text
    assert "↑" not in text
    assert "↓" not in text


def test_the_figure_names_its_marks_of_values_beyond_it(build):
    x = np.arange(1.0, 201.0)
    y = 2 - x / 200 + 0.01 * np.sin(7 * x)
    y[[99, 149]] = 40.0, 55.0
    ax = build(x, y).plot()
    assert "beyond the picture above (2)" in [t.get_text() for t in ax.get_legend().get_texts()]


def findings(*names):
    """Diagnoses of these names, all present, judged by tests."""
    return [
        Diagnosis(n, Verdict.PRESENT, s, "val_loss", (), {}, p, f"{n} explained.", "Do something.") for n, s, p in names
    ]


@pytest.mark.parametrize("format", ["terminal", "markdown"])
@pytest.mark.parametrize("action", [Action.INTERVENE, Action.COLLECT_MORE])
def test_a_finding_about_levels_on_too_few_points_is_a_suspicion(build, action, format):
    """Otherwise one page says both that the run overfits and that nothing can be told of it."""
    x = np.arange(1.0, 41.0)
    found = findings(("overfitting", "warning", 0.001), ("underdetermined", "info", None), ("steppy", "info", 0.001))
    report = build(x, 1 + 1 / x, diagnoses=found, action=action)
    text = " ".join(report.render(format).split())
    assert "overfitting suspected" in text
    assert "If it is confirmed: do something." in text
    assert "steppy suspected" not in text
    expected = {
        Action.INTERVENE: "too few or too alike to be sure of it (overfitting)",
        Action.COLLECT_MORE: "What it looks like so far, not more: overfitting.",
    }[action]
    assert expected.replace("(", "") in text.replace("(", "")


def test_what_needs_no_test_stays_a_finding(build):
    """Values that are no longer finite are a fact however short the run."""
    x = np.arange(1.0, 41.0)
    found = findings(("diverged", "error", 0.0), ("underdetermined", "info", None))
    assert "suspected" not in build(x, 1 + 1 / x, diagnoses=found).render("terminal")


def test_training_on_in_spite_of_a_warning_says_so(build):
    x = np.arange(1.0, 41.0)
    text = build(x, 1 + 1 / x, diagnoses=findings(("overfitting", "warning", 0.001))).render("terminal")
    assert "Overfitting is seen too; the forecast still gains." in " ".join(text.split())
    level = build(x, 1 + 1 / x, diagnoses=findings(("plateaued", "info", 0.001))).render("terminal")
    assert "Plateaued is seen too; the forecast still gains." in " ".join(level.split())


def test_shares_of_the_gain_agree_on_one_page():
    """What is left by the horizon is one share of one gain, told where it starts and ends."""
    x = np.arange(1.0, 61.0)
    report = analyze(Curve(x, 0.5 + 2 * x**-0.4, "val_loss", x_unit="epoch"), model=None)
    left = report.estimates["remaining_improvement"].details["share"]
    assert report.estimates["plateau_onset"].details["gain_left"] == pytest.approx(left, rel=1e-9)
    text = " ".join(report.render("terminal").split())
    assert text.count(f"{100 * left:.0f} % of the gain from epoch 1 to 120") == 2
    assert "total" not in text


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy", "episode_reward"])
def test_no_page_speaks_of_drops_where_more_is_better(metric):
    x = np.arange(1.0, 81.0)
    y = 0.3 + 0.6 * x**-0.6 + 0.004 * np.sin(5 * x)
    report = analyze(Curve(x, y if metric == "val_loss" else 1.1 - y, metric), model=None)
    text = " ".join(report.render("terminal").replace("learning-rate", "").split())
    assert "total drop" not in text
    assert ("a drop" in text) is False


@pytest.mark.parametrize(
    ("metric", "said"),
    [("val_loss", "validation below training"), ("val_accuracy", "validation above training")],
)
def test_validation_that_is_better_than_training_is_named_by_what_the_metric_does(build, metric, said):
    at = Estimate("validation_above_training", 20.0, Interval(15.0, 24.0), "epoch")
    found = [Diagnosis("validation_below_training", Verdict.PRESENT, "info", metric, (at,), {}, None, "Why.", "Do.")]
    x = np.arange(1.0, 41.0)
    for format in ("terminal", "markdown"):
        text = build(x, 0.9 - 0.5 / x, metric, diagnoses=found).render(format).replace("\\", "")
        assert said in text
        assert "until epoch 20 [15, 24]" in text


def test_one_of_a_thing_is_not_several(build):
    x = np.arange(1.0, 3.0)
    ax = build(x[:1], x[:1]).plot()
    assert "observed (1 point)" in [t.get_text() for t in ax.get_legend().get_texts()]
    assert repr(Curve([1.0], [2.0], "val_loss")) == "Curve('val_loss', 1 point, step 1 to 1)"


def test_large_numbers_have_one_style(build):
    """A horizon of tokens is written alike in the headline, the reasons and the notes."""
    x = np.linspace(1e10, 1e12, 60)
    report = analyze(Curve(x, 2 + 1e3 * x**-0.3, "val_loss", x_unit="token"), model=None)
    text = report.render("terminal")
    assert "2e12" in text
    assert "e+" not in text


@pytest.mark.parametrize("n", [1, 3, 7])
def test_a_forecast_from_few_points_says_below_it_what_it_rests_on(n):
    report = analyze(Curve(np.arange(1.0, n + 1), 3.0 / np.arange(1.0, n + 1), "val_loss"), model=None)
    text = " ".join(report.render("terminal", color=False).split())
    table, rest = text.index("mean curve"), text.index("Estimates with")
    assert "stated prior" in text[table:rest]
    assert "stated prior" in report.render("markdown")
    assert "stated prior" not in text[rest:]


def test_no_band_is_shown_without_a_width():
    report = analyze(Curve(np.arange(1.0, 7.0), np.full(6, 3.0), "val_loss"), model=None)
    for _, _, bands in wording.band_rows(report):
        for _, text in bands:
            low, high = text.strip("[]").split(", ")
            assert float(low) < float(high)


def test_bands_over_powers_of_ten_round_nothing_to_zero():
    """Digits of the widest band would write a median of 0.001 as 0.00."""
    x, rng = np.arange(1.0, 41.0), np.random.default_rng(0)
    noise = np.exp(0.9 * rng.standard_normal(40))
    report = analyze(Curve(x, 5 * x**-2.5 * noise, "val_loss"), model=None, horizon=2000)
    forecast = report.forecast.quantile([0.025, 0.5, 0.975])[-1]
    assert forecast[2] > 40 * forecast[1] > 0  # of the kind meant
    (_, median, bands), _ = wording.band_rows(report)
    assert float(median) == pytest.approx(forecast[1], rel=0.05)
    assert re.fullmatch(r"\[\S+, 0\.0*\d{2}\]", bands[-1][1])
    assert all(float(text.strip("[]").split(", ")[1]) > 0 for _, text in bands)


def test_a_flat_curve_has_an_axis_with_two_ends():
    """Rounding in the forecast's median is no height for a picture."""
    report = analyze(Curve(np.arange(1.0, 7.0), np.full(6, 3.0), "val_loss"), model=None)
    low, high = choose_view(report).y_limits
    assert high - low > 1e-4
    assert low < 3 < high


def test_page_and_figure_call_a_law_alike(stated_report):
    """One word for one status: doubts."""
    text = stated_report.render("terminal", color=False)
    label = next(t.get_text() for t in stated_report.plot().get_legend().get_texts() if t.get_text().startswith("fit"))
    assert "(with the doubts listed)" in text
    assert label == "fit (power law, with doubts)"
    assert "usable" not in text


def test_an_onset_whose_level_may_not_last_says_so(build):
    """The law is level from there on; whether the run is, the diagnosis could not tell."""
    x = np.arange(1.0, 121.0)
    y = 0.5 + 2 * np.exp(-x / 6) + 0.01 * np.sin(5 * x)
    open_ = build(x, y, diagnoses=[Diagnosis("plateaued", Verdict.UNDECIDED, "info", "val_loss")])
    sure = build(x, y, diagnoses=[Diagnosis("plateaued", Verdict.PRESENT, "info", "val_loss")])
    assert open_.estimates["plateau_onset"].value is not None
    assert "whether the level lasts is undecided" in " ".join(open_.render("terminal").split())
    assert "whether the level lasts" not in " ".join(sure.render("terminal").split())


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_patterns_that_want_the_same_curve_share_a_line(build, form):
    """Three rules without a validation curve, one without an attribute, and one that looked and could not decide."""
    lacking = [
        Diagnosis(n, Verdict.UNDECIDED, "info", explanation="Cannot tell without a validation curve.")
        for n in ("grokking", "a_b", "c")
    ]
    alone = Diagnosis("poor_start", Verdict.UNDECIDED, "info", explanation="Cannot tell without the number of classes.")
    looked = Diagnosis("plateaued", Verdict.UNDECIDED, "info", "val_loss", (), {"gain": 0.1}, 0.3, "Points would tell.")
    x = np.arange(1.0, 41.0)
    report = build(x, 1 + 1 / x, diagnoses=[*lacking, alone, looked])
    text = " ".join(report.render(form).replace("\\", "").split())
    assert text.count("validation curve") == 1
    assert "cannot tell without a validation curve: grokking, a b, c" in text
    assert "cannot tell without the number of classes: poor start" in text
    assert "plateaued: undecided. Points would tell." in text
    assert sum(d["verdict"] == "undecided" for d in report.to_dict()["diagnoses"]) == 5


def test_the_page_folds_what_the_text_does():
    script = files("curvefit.reporting.html").joinpath("page_run.js").read_text(encoding="utf-8")
    assert f'why.startsWith("{WITHOUT}")' in script


def test_nothing_that_was_not_looked_for_is_absent_after_a_divergence():
    x = np.arange(1.0, 201.0)
    y = 1 + 2 * x**-0.5 + 0.02 * np.random.default_rng(0).standard_normal(200)
    y[120:] *= 10
    report = analyze(Curve(x, y, "train_loss"), model=None)
    text = " ".join(report.render("terminal", color=False).split())
    wanted = text.split("cannot tell without a validation curve: ")[1].split(" ? ")[0]
    absent = text.split("absent: ")[1].split("Doubts")[0]
    assert "diverged" in [d.name for d in report.diagnoses.present]
    assert {"overfitting", "generalization gap", "grokking"} <= set(wanted.split(", "))
    assert "overfitting" not in absent and "generalization gap" not in absent
    assert "plateaued" in absent  # that was looked for, and the divergence explains it


def test_an_onset_as_uncertain_as_the_run_is_long_is_not_determined(stated_report):
    whole = Estimate("plateau_onset", 30.0, Interval(2.0, 90.0), "epoch", reasons=("read off the forecast",))
    vague = replace(stated_report, estimates={**stated_report.estimates, "plateau_onset": whole})
    text = " ".join(vague.render("terminal", color=False).split())
    assert "plateau onset not determined" in text
    assert "anywhere in [2, 90]" in text
    assert "plateau onset" not in [t.get_text() for t in vague.plot().get_legend().get_texts()]


def test_an_onset_not_reached_beside_a_level_course_says_which_is_which(build):
    x = np.arange(1.0, 41.0)
    late = Estimate("plateau_onset", None, None, "epoch", Status.NOT_REACHED, ("15 % is still to come",))
    level = Diagnosis("plateaued", Verdict.PRESENT, "info", "val_loss", (), {"gain": 0.1}, 0.01, "Level.", "Stop.")
    beside = "by its present course alone the curve is level (plateaued)"
    for diagnoses, said in (([level], True), ([], False)):
        made = build(x, 1 + 1 / x, diagnoses=diagnoses)
        report = replace(made, estimates={**made.estimates, "plateau_onset": late})
        text = " ".join(report.render("terminal", color=False).split())
        assert "15 % is still to come" in text
        assert (beside in text) is said


def test_a_law_that_misses_the_late_curve_has_doubts_everywhere(build):
    x = np.arange(1.0, 121.0)
    y = 0.5 + 2 * np.exp(-x / 6) + 0.01 * np.sin(5 * x)
    report = build(x, y, fit=fit(Curve(x, y, "val_loss"), "exponential"))
    if report.fit.status is not Status.OK:
        pytest.fail("the law was to have no doubts of its own")
    misses = Estimate("asymptote", 0.5, Interval(0.49, 0.51), "", Status.DEGRADED, ("the law misses the late curve",))
    doubted = replace(report, estimates={**report.estimates, "asymptote": misses})
    assert "exponential (with the doubts listed)" in doubted.render("terminal", color=False)
    assert "fit (exponential, with doubts)" in [t.get_text() for t in doubted.plot().get_legend().get_texts()]


def test_a_best_point_read_off_a_single_value_says_so():
    x = np.arange(1.0, 21.0)
    y = np.where(x < 3, 1.7 - 0.5 * x, 0.5 + 0.03 * (x - 3))
    report = analyze(Curve(x, y + 0.001 * np.random.default_rng(0).standard_normal(20), "val_loss"), model=None)
    text = report.render("terminal", color=False, width=120)
    assert report.recommendation.keep_x == 3
    assert "(a single one)" in next(ln for ln in text.splitlines() if "best point so far" in ln)
