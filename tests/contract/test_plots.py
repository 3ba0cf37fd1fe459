"""Every figure keeps the contract of `curvefit.reporting.plots._base`; found through the registry."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import report_builders
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curvefit.curves import Curve
from curvefit.fitting.fit import fit
from curvefit.reporting.figures import figure_bytes
from curvefit.reporting.plots import registry

NAMES = registry.names()


@pytest.fixture(scope="module")
def report():
    return report_builders.stated_report()


@pytest.mark.parametrize("name", NAMES)
def test_it_draws_on_the_axes_it_is_given_and_returns_them(report, name):
    ax = Figure().subplots()
    assert registry[name](report, ax=ax) is ax


@pytest.mark.parametrize("name", NAMES)
def test_it_makes_its_own_figure_that_no_window_knows(report, name):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    ax = registry[name](report)
    assert isinstance(ax, Axes)
    assert plt.get_fignums() == before
    assert figure_bytes(ax, "png", dpi=40).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", NAMES)
def test_it_leaves_settings_and_report_alone(report, name):
    settings, before = dict(mpl.rcParams), report.to_dict()
    registry[name](report)
    assert dict(mpl.rcParams) == settings
    assert report.to_dict() == before


@pytest.mark.parametrize("name", NAMES)
def test_a_title_can_be_chosen_or_left_out(report, name):
    assert registry[name](report, title="Own $title$").get_title(loc="left") == "Own $title$"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "y",
    [[1.0], [1.0, 2.0], np.ones(30), np.r_[1.0, np.zeros(29)], np.r_[np.ones(15), np.full(15, np.nan)], 1e300 / np.arange(1.0, 31)],
    ids=["one", "two", "constant", "zeros", "nan_half", "huge"],
)  # fmt: skip
def test_it_draws_degenerate_curves(name, y):
    x = np.arange(1.0, len(y) + 1)
    ax = report_builders.make_report(x, y, fit=fit(Curve(x, y, "val_loss")), diagnoses=[]).plot(kind=name)
    ax.get_figure().canvas.draw()
    panels = [ax, *ax.child_axes]
    assert all(np.all(np.isfinite([*a.get_xlim(), *a.get_ylim()])) for a in panels)
    assert any(a.lines or a.collections or a.texts for a in panels)
