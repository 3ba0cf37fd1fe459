"""Which x a batch asks about when nothing is said."""

from __future__ import annotations

from studies_helpers import runs

import curvefit as cf


def test_the_default_horizon_is_each_runs_own_and_the_rows_say_which_it_was(tmp_path):
    """As `analyze` has it: the planned length, or twice the data where there is none or it has been reached."""
    plain = list(runs(3, points=40))
    plans = (100.0, 40.0, None)
    asked = [cf.Run(r.name, r.curves, horizon=h) for r, h in zip(plain, plans, strict=True)]
    tables = ["forecasts", "diagnoses", "recommendations"]
    result = cf.batch(asked, tmp_path / "out", models=None, tables=tables)
    rows = {name: result.arrow(name).to_pylist() for name in ("runs", "forecasts", "recommendations")}
    assert [(r["horizon"], r["horizon_from"]) for r in rows["runs"]] == [(100, "planned"), (80, "twice"), (80, "twice")]
    assert [(r["x"], r["asked"]) for r in rows["forecasts"]] == [(100, "planned"), (80, "planned"), (80, "planned")]
    for run, row in zip(asked, rows["recommendations"], strict=True):
        one = cf.analyze(run).recommendation
        assert (row["action"], row["sentence"], row["horizon"]) == (one.action.name.lower(), one.sentence, one.horizon)
    farther = cf.batch(asked, tmp_path / "far", models=None, tables=["forecasts"], horizons=["planned", "2.5x"])
    found = [(r["horizon"], r["horizon_from"]) for r in farther.arrow("runs").to_pylist()]
    assert found == [(100, "asked"), (100, "asked"), (100, "asked")]
