"""Which x a batch asks about when nothing is said."""

from __future__ import annotations

import numpy as np
from studies_helpers import runs

import curvefit as cf
from curvefit.studies._views import views
from curvefit.studies.summary import summarize


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


def test_a_decay_that_the_log_shows_ends_the_question_and_the_rows_say_so(tmp_path):
    x = np.arange(1.0, 61.0)
    rate = 1e-3 * 0.5 * (1 + np.cos(np.pi * x / 100))
    curve = cf.Curve(x, 1 + x**-0.5 + 0.01 * np.random.default_rng(0).standard_normal(60), "val_loss")
    run = cf.Run("cosine", {"val_loss": curve}, schedule=cf.Schedule(x, rate))
    result = cf.batch([run], tmp_path / "out", models=None, tables=["forecasts"])
    (row,) = result.arrow("runs").to_pylist()
    assert row["horizon_from"] == "decay" and abs(row["horizon"] - 100) <= 1
    (view,) = views(result, {run.name: run})
    assert view.notes == ("Asked about up to the end of the decay that the learning rate is in.",)
    told = summarize(cf.batch([run], tmp_path / "again", models=None, tables=["forecasts"]))
    (table,) = (t for t in told.tables() if t.name == "forecasts")
    assert [r["horizon"] for r in table.to_dicts()] == ["end of the decay"]
    assert "the end of the decay that the learning rate is in (1 curve)" in told.settings["forecast to"]
