"""Figures of segmentation: what is drawn where."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import curvefit as cf
from curvefit.reporting.figures import figure_bytes

X = np.arange(1.0, 121.0)
RNG = np.random.default_rng(0)
KINKED = np.maximum(0, 1 - X / 60) + 0.02 * RNG.standard_normal(120)
JUMPED = (X > 70) + 0.1 * RNG.standard_normal(120)
BUMPED = 1 + 2 * X**-0.7 + 0.5 * np.exp(-(((X - 60) / 10) ** 2) / 2) + 0.02 * RNG.standard_normal(120)


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}


def bars(ax):
    """End points of the interval bars, which alone are drawn in shares of the height."""
    return [
        tuple(b.get_xdata())
        for b in ax.get_lines()
        if b.get_transform() == ax.get_xaxis_transform() and len(b.get_xdata()) == 2 and b.get_linestyle() == "-"
    ]


def test_a_broken_line_with_its_interval():
    found = cf.segment((X, KINKED), 1)
    ax = cf.plot_segments(cf.Curve(X, KINKED, "val_$loss$"), found)
    place = found.breakpoints[0]
    assert (place.interval.low, place.interval.high) in bars(ax)
    assert lines(ax)["place and 95 % interval"].get_xdata()[0] == place.value
    assert ax.get_ylabel() == "val_$loss$"
    assert ax.get_title(loc="left").startswith("1 breakpoint at ")
    assert figure_bytes(ax, "png", dpi=40).startswith(b"\x89PNG")


def test_no_breakpoint_is_said():
    assert cf.plot_segments((X, KINKED), cf.segment((X, KINKED), 0)).get_title(loc="left") == "No breakpoints"


def test_axes_are_those_of_the_fit_and_those_given():
    given = Figure().subplots()
    ax = cf.plot_segments(
        (X, 5 + KINKED), cf.segment((X, 5 + KINKED), 1, x_axis="log", y_axis="log"), ax=given, title=""
    )
    assert ax is given
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_title(loc="left")) == ("log", "log", "")


def test_changes_lie_between_the_points():
    found = cf.changepoints((X, JUMPED))
    ax = cf.plot_segments((X, JUMPED), found)
    assert lines(ax)["place and 95 % interval"].get_xdata()[0] == 70.5
    assert len(bars(ax)) == len(found.locations) == 1


def test_the_profile_shows_the_interval():
    found = cf.segment((X, KINKED), 1)
    drawn = lines(cf.plot_profile(found))["interval"]
    inside = drawn.get_xdata()[np.isfinite(drawn.get_ydata())]
    place = found.breakpoints[0].interval
    assert place.low <= inside.min() <= inside.max() <= place.high
    with pytest.raises(cf.CurvefitError, match="no profile"):
        cf.plot_profile(found, 2)


def test_a_bump_and_its_null():
    found = cf.double_descent((X, BUMPED))
    ax = cf.plot_segments((X, BUMPED), found)
    assert {"law without a bump", "law and bump"} <= set(lines(ax))
    assert {t.get_text() for t in ax.texts} >= {"peak", "first minimum"}
    null = cf.plot_null(found)
    assert any(line.get_xdata()[0] == found.statistic for line in null.get_lines())
    with pytest.raises(cf.CurvefitError, match="no simulated null"):
        cf.plot_null(cf.double_descent((X, 1 + 2 * X**-0.7 + 1e-3 * RNG.standard_normal(120))))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(cf.CurvefitError, match="cannot be drawn"):
        cf.plot_segments((X, KINKED), "nothing")
