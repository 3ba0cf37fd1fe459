"""Figures of back-tests: what was said when, against what came, and how often it held."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.__main__ import main
from curvefit.forecasting.backtest import backtest_many

X = np.arange(1.0, 81.0)


def curve(seed, level=1.0):
    noise = 0.02 * np.random.default_rng(seed).standard_normal(80)
    return cf.Curve(X, level + 2 * X**-0.6 + noise, "val_loss")


def test_each_cut_shows_its_interval_beside_what_came():
    seen = curve(0)
    found = cf.backtest(seen)
    ax = cf.plot_backtest(found, seen)
    drawn = np.concatenate([box.lines[0].get_xdata() for box in ax.containers])
    assert sorted(drawn) == [r.x_cut for r in found.replays]
    middles = np.concatenate([box.lines[0].get_ydata() for box in ax.containers])
    assert sorted(middles) == pytest.approx(sorted(r.median for r in found.replays))
    (came,) = [line for line in ax.get_lines() if line.get_label() == "what came"]
    assert came.get_ydata()[0] == found.observed == seen.y[-1]
    assert f"{found.inside} of 4" in ax.get_title(loc="left")
    low, high = ax.get_ylim()
    assert np.isfinite([low, high]).all() and low < found.observed < high


def test_a_miss_has_its_own_mark():
    late = curve(1)
    jumped = cf.Curve(X, np.where(X > 70, 5.0, late.y), "val_loss")
    ax = cf.plot_backtest(cf.backtest(jumped, shares=(0.5, 0.8)))
    names = [box.get_label() for box in ax.containers]
    assert len(names) == 1 and names[0].endswith("missed")


def test_over_runs_the_share_that_held_stands_beside_the_promise():
    found = backtest_many([curve(s) for s in range(6)], level=0.8)
    ax = cf.plot_backtest(found)
    at = [s for s in found.summary() if s.share is not None]
    assert ax.containers[0].lines[0].get_ydata().tolist() == pytest.approx([s.coverage.rate for s in at])
    assert [line.get_ydata()[0] for line in ax.get_lines() if line.get_label() == "promised: 80 %"] == [0.8]
    with pytest.raises(cf.CurvefitError, match="is no back-test"):
        cf.plot_backtest(curve(0))


def test_the_command_draws_each_run_and_all(tmp_path, capsys):
    for s in range(2):
        rows = "".join(f"{x:g},{y}\n" for x, y in zip(X, curve(s).y, strict=True))
        (tmp_path / f"run{s}.csv").write_text("epoch,val_loss\n" + rows)
    out = tmp_path / "figures"
    out.mkdir()
    assert main(["backtest", str(tmp_path), "--plot", str(out / "b.png")]) == 0
    files = sorted(p.name for p in out.iterdir())
    assert len(files) == 3 and "b.png" in files
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in files)
    assert "figure of all runs" in capsys.readouterr().err
