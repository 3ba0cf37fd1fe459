"""Every report format keeps the contract of `curvefit.reporting.renderers._base`; found through the registry."""

from __future__ import annotations

import re

import numpy as np
import pytest
import report_builders

from curvefit.curves.numbers import format_number
from curvefit.decisions.recommendation import Action
from curvefit.reporting.renderers import registry

NAMES = registry.names()


def said(name, text):
    """What the report says, without the programs and styles that a page carries."""
    if name != "html":
        return text
    return re.sub(r"<script>.*?</script>|<style>.*?</style>|<meta [^>]*>|<link [^>]*>", "", text, flags=re.DOTALL)


@pytest.fixture(scope="module")
def report():
    return report_builders.stated_report()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_text_that_ends_with_a_line(report, name):
    text = registry[name](report)
    assert isinstance(text, str)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert text == report.render(name)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_same_every_time_and_changes_nothing(report, name):
    before = report.to_dict()
    assert registry[name](report) == registry[name](report)
    assert report.to_dict() == before


@pytest.mark.parametrize("name", NAMES)
def test_it_names_run_metric_and_every_finding(report, name):
    text = said(name, registry[name](report)).replace("_", " ")
    for word in ("resnet-18 seed 3", "val/loss", "diverged", "spikes", "plateaued", "overfitting", "power law"):
        assert word in text or (word == "power law" and name == "csv")


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_the_forecast_at_the_horizon(report, name):
    low, median, high = report.forecast.quantile([0.025, 0.5, 0.975])[-1].tolist()
    shown = (repr(median), format_number(median, (high - low) / 2))
    assert any(s in said(name, registry[name](report)) for s in shown)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("action", list(Action))
def test_it_states_every_action(name, action):
    x = np.arange(1.0, 31.0)
    text = said(name, registry[name](report_builders.make_report(x, 1 / x, action=action)))
    assert action.value in text.lower() or action.name.lower() in text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "y",
    [[1.0], np.ones(30), np.r_[1.0, np.zeros(29)], np.r_[np.ones(15), np.full(15, np.nan)], 1e300 / np.arange(1.0, 31), np.full(30, 1e-320)],
    ids=["one", "constant", "zeros", "nan_half", "huge", "subnormal"],
)  # fmt: skip
def test_it_writes_degenerate_curves_with_and_without_a_fit(name, y):
    from curvefit.curves import Curve
    from curvefit.fitting.fit import fit

    x = np.arange(1.0, len(y) + 1)
    for law in (None, fit(Curve(x, y, "val_loss"))):
        text = said(name, registry[name](report_builders.make_report(x, y, fit=law, diagnoses=[])))
        assert "Traceback" not in text
        if name != "json":  # there a diagnosis of the schema's own makes it a word
            assert "nan" not in text.lower().replace("nan or infinite", "").replace("not finite", "")
