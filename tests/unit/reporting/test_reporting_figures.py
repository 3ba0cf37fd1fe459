"""Figures: what is drawn, on whose axes, in files that are the same every time."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from curvefit.analysis import analyze
from curvefit.curves import Curve, Estimate, Interval, Schedule
from curvefit.diagnostics.diagnosis import Diagnoses, Diagnosis, Verdict
from curvefit.reporting.figures import COLORS, FORMATS, figure_bytes, save_figure
from curvefit.reporting.plots.residuals import autocorrelations


def legend(ax):
    return [t.get_text() for t in ax.get_legend().get_texts()]


def test_what_was_found_is_marked(stated_report):
    ax = stated_report.plot()
    assert legend(ax) == [
        "observed (60 points)",
        "fit (power law, with doubts)",
        "forecast median",
        "50, 80, 95 % of new observations",
        "beyond the picture above (6)",
        "NaN or infinite",
        "best point (local mean)",
        "plateau onset",
        "spike",
        "learning-rate drop",
        "resumed",
    ]
    vertical = {round(float(ln.get_xdata()[0]), 1) for ln in ax.lines if ln.get_transform() != ax.transData}
    assert {44.2, 30.0, 40.0, 60.0} <= vertical


def test_bands_are_the_forecasts_quantiles(stated_report):
    ax = stated_report.plot()
    tops = sorted(
        float(c.get_paths()[0].vertices[:, 1].max()) for c in ax.collections if len(c.get_paths()[0].vertices) > 10
    )
    expected = sorted(float(stated_report.forecast.quantile([p]).max()) for p in (0.75, 0.9, 0.975))
    assert tops == pytest.approx(expected)


def test_the_axes_given_are_used_and_returned(report):
    figure = Figure()
    one, two = figure.subplots(1, 2)
    assert report.plot(ax=one) is one
    assert report.plot(kind="residuals", ax=two) is two
    assert figure.axes[:2] == [one, two]


def test_nothing_global_changes_and_nothing_is_shown(report, monkeypatch):
    before = dict(mpl.rcParams)
    monkeypatch.setattr("matplotlib.figure.Figure.show", lambda *_: pytest.fail("shown"))
    report.plot()
    report.plot(kind="residuals")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", ["fan", "residuals"])
def test_equal_figures_are_equal_bytes(stated_report, format, kind):
    first, second = (figure_bytes(stated_report.plot(kind=kind), format, dpi=60) for _ in range(2))
    assert first == second
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[format])


def test_fonts_are_in_the_files(stated_report):
    pdf = figure_bytes(stated_report.plot(legend=False), "pdf")
    assert b"/FontFile2" in pdf  # TrueType, embedded
    svg = figure_bytes(stated_report.plot(legend=False), "svg").decode()
    assert "<text" not in svg  # outlines: no font is needed to read it
    assert "font-family" not in svg


def test_files_say_nothing_of_time_or_versions(stated_report):
    for format in FORMATS:
        content = figure_bytes(stated_report.plot(legend=False), format)
        for word in (b"CreationDate", b"<dc:date>", b"Software", mpl.__version__.encode() + b","):
            assert word not in content, (format, word)


def test_save_figure_goes_by_the_suffix(report, tmp_path):
    path = save_figure(report.plot(), tmp_path / "a.PNG", dpi=40)
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="choices: png, svg, pdf"):
        save_figure(report.plot(), tmp_path / "a.jpg")


def test_drops_come_from_the_schedule_when_no_rule_named_them(report):
    schedule = Schedule([1, 2, 3, 199, 200, 201, 202], [0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01])
    ax = replace(report, run=replace(report.run, schedule=schedule), diagnoses=Diagnoses("r", ())).plot()
    assert "learning-rate drop" in legend(ax)
    named = Diagnosis("lr_drop", Verdict.PRESENT, "info", where=(Estimate("drop", 120.0, Interval(119, 120), "epoch"),))
    ax = replace(report, run=replace(report.run, schedule=schedule), diagnoses=Diagnoses("r", (named,))).plot()
    assert {120.0} == {float(ln.get_xdata()[0]) for ln in ax.lines if ln.get_label() == "learning-rate drop"}


def test_values_beyond_the_picture_are_marked_at_its_edge(build):
    x = np.arange(1.0, 401.0)
    y = 1 - 0.001 * x + 0.01 * np.random.default_rng(1).standard_normal(400)
    y[300] = 50
    ax = build(x, y).plot()
    marks = [ln for ln in ax.lines if ln.get_marker() == "^"]
    assert 301.0 in marks[0].get_xdata()
    assert len(marks[0].get_xdata()) < 6


def test_a_smoothed_line_is_only_drawn(report):
    plain, smoothed = report.plot(), report.plot(smooth="tensorboard", smooth_amount=0.9)
    assert len(smoothed.lines) == len(plain.lines) + 1
    assert "smoothed (tensorboard, display only)" in legend(smoothed)


def test_a_million_points_are_drawn_within_a_second(build):
    """Processor time of drawing alone; the report is made before."""
    from time import process_time

    n = 1_000_000
    x = np.arange(1.0, n + 1)
    report = build(x, 2 + 6 * x**-0.2 + 0.1 * np.random.default_rng(0).standard_normal(n), diagnoses=[])
    report.plot()  # imports and fonts once
    start = process_time()
    ax = report.plot()
    ax.get_figure().canvas.draw()
    assert process_time() - start < 1
    assert max(len(ln.get_xdata()) for ln in ax.lines) <= 4096


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_few_points_are_drawn(build, n):
    ax = build(np.arange(1.0, n + 1), 1 / np.arange(1.0, n + 1)).plot()
    ax.get_figure().canvas.draw()
    assert ax.lines and np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


@pytest.mark.parametrize(
    "y", [np.ones(30), np.r_[5.0, np.zeros(29)], 1e-300 * np.arange(30, 0, -1.0), 1e300 / np.arange(1.0, 31)]
)
def test_extreme_values_are_drawn(build, y):
    ax = build(np.arange(1.0, 31.0), y, "loss").plot()
    ax.get_figure().canvas.draw()
    assert ax.lines and np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_colors_differ_in_lightness_for_gray_printing():
    """Lines that cross (data, fit, forecast) keep at least .2 of relative luminance between neighbors."""

    def luminance(color):
        r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in mpl.colors.to_rgb(color))
        return (0.2126 * r + 0.7152 * g + 0.0722 * b) ** (1 / 2.2)

    order = sorted(luminance(COLORS[k]) for k in ("fit", "forecast", "data"))
    assert min(np.diff(order)) > 0.2


def test_residual_panels_show_the_fit(stated_report):
    ax = stated_report.plot(kind="residuals")
    over, lags, normal = ax.child_axes
    assert np.array_equal(over.lines[-1].get_ydata(), stated_report.fit.residuals)
    band = lags.patches[0]
    assert band.get_height() == pytest.approx(2 * 1.959964 / np.sqrt(31.6))  # of the independent points, not of 60
    assert normal.get_xlabel() == "normal quantile"


def test_without_a_fit_the_residual_plot_says_so(report):
    ax = report.plot(kind="residuals")
    assert [t.get_text() for t in ax.texts] == ["no law was fitted"]


def test_autocorrelations_against_statsmodels():
    from statsmodels.tsa.stattools import acf

    e = np.random.default_rng(0).standard_normal(200).cumsum()
    assert np.allclose(autocorrelations(e), acf(e, nlags=40, fft=False), atol=1e-12)
    assert autocorrelations(np.ones(20)).tolist() == [1.0, *[0.0] * 5]


def test_unknown_kinds_are_named(report):
    with pytest.raises(ValueError, match="Did you mean 'fan'"):
        report.plot(kind="fans")
    with pytest.raises(ValueError, match="choices: csv, html, json, markdown, terminal"):
        report.render("yaml")


@pytest.mark.parametrize("model", ["power_law", "log_law", "exponential", "constant"])
def test_a_curve_that_starts_at_zero_is_drawn_with_its_law(build, model):
    from curvefit.curves import Curve
    from curvefit.fitting.fit import fit

    x = np.arange(0.0, 60.0)
    y = 1 + np.exp(-x / 9) + 0.01 * np.random.default_rng(0).standard_normal(60)
    report = build(x, y, fit=fit(Curve(x, y, "val_loss"), model))
    for kind in ("fan", "residuals"):
        report.plot(kind=kind).get_figure().canvas.draw()
    assert any(t.startswith("fit (") for t in legend(report.plot()))


def test_a_level_that_the_curve_only_crosses_is_not_drawn():
    """A constant as the law of a curve that falls and rises describes nothing of it."""
    x = np.arange(1.0, 121.0)
    turned = analyze(Curve(x, 1 + 1 / x + 0.005 * x, "val_loss"), model="constant")
    flat = analyze(Curve(x, 1 + 0.01 * np.random.default_rng(0).standard_normal(120), "val_loss"), model="constant")
    assert not any(text.startswith("fit") for text in legend(turned.plot()))
    assert "fit (constant" in " ".join(legend(flat.plot()))
