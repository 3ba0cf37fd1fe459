"""What is no statement of chance says so: places between logged values and extents have no level."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, Interval
from curvefit.diagnostics.api import diagnose
from curvefit.simulate import run

LOGGED = [("nonfinite", "diverged"), ("masked_nan", "masked_nan"), ("resumed", "resumed"), ("spikes", "spikes")]


def _said(fault, rule):
    world = run(fault, rng=np.random.default_rng(3), n=200)
    return world.run, diagnose(world.run, rules=[rule])[rule]


@pytest.mark.parametrize(("fault", "rule"), LOGGED)
def test_what_lies_between_logged_values_has_no_level(fault, rule):
    _, said = _said(fault, rule)
    assert said.present
    assert all(e.interval.kind == "range" and e.interval.level is None and e.interval.method for e in said.where)
    assert "%" not in str(said.where[0])


def test_an_interval_of_a_test_keeps_its_level():
    _, said = _said("regime_change", "regime_change")
    assert [(e.interval.kind, e.interval.level) for e in said.where] == [("confidence", 0.95)]
    assert "95 % confidence" in str(said.where[0])


def test_a_report_with_a_range_is_written_and_told():
    made, _ = _said("nonfinite", "diverged")
    report = cf.analyze(made, "train_loss")
    ranges = [e["interval"] for d in report.to_dict()["diagnoses"] for e in d["where"]]
    assert any(i["kind"] == "range" and i["level"] is None for i in ranges)
    for form in ("terminal", "markdown", "json", "csv"):
        assert "diverged" in report.render(form)


@pytest.mark.parametrize(("level", "kind"), [(0.95, "range"), (None, "confidence"), (None, "prediction")])
def test_a_level_and_a_range_exclude_each_other(level, kind):
    with pytest.raises(DataError, match="range"):
        Interval(0.0, 1.0, level, kind)
