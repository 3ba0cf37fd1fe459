"""Facts found for many runs at once are those that each run finds by itself."""

from dataclasses import is_dataclass

import numpy as np
import pytest

from curvefit.curves import Curve, Run, Schedule
from curvefit.diagnostics._scan import rise
from curvefit.diagnostics._together import find_together, in_turn
from curvefit.diagnostics._traces import trace, traces
from curvefit.diagnostics.api import judge
from curvefit.diagnostics.evidence import Evidence
from curvefit.simulate import NOISES, rates

LENGTHS = (12, 60, 200, 200, 200, 333)


def drawn(seed, n, sign=1.0):
    """A curve with a jump, a spike, a still stretch or nothing of the kind; its rate falls in steps in every third run."""
    rng = np.random.default_rng([seed, n])
    x = np.arange(1.0, n + 1)
    y = NOISES["ar.5"].apply(1 + 2 * x**-0.6, 0.05, rng)
    if seed % 4 == 1:
        y[n // 2 :] -= 0.5
    if seed % 4 == 2:
        y[n // 3] += 30.0
    if seed % 4 == 3:
        y[n // 4 :] = y[n // 4]
    curve = Curve(x, sign * y, "val_loss" if sign > 0 else "val_accuracy")
    schedule = Schedule(x, rates("staircase", n)) if seed % 3 == 0 else None
    return Run(f"run{seed}", {curve.metric.name: curve}, schedule=schedule)


@pytest.fixture(scope="module")
def runs():
    return [drawn(seed, n, sign) for n in LENGTHS for sign in (1.0, -1.0) for seed in range(n % 7, n % 7 + 6)]


def same(one, other):
    for name in type(one).__dataclass_fields__:
        a, b = getattr(one, name), getattr(other, name)
        if isinstance(a, np.ndarray | float):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10, err_msg=name)
        elif is_dataclass(a) and name != "spans":
            same(a, b)
        else:
            assert a == pytest.approx(b, rel=1e-9) if name in ("gains", "stderrs") else a == b, name


def test_they_agree(runs):
    together = [Evidence(run) for run in runs]
    find_together(together)
    kept = 0
    for run, shared in zip(runs, together, strict=True):
        own = Evidence(run)
        name = own.main
        same(shared.trace(name), own.trace(name))
        same(shared.residuals(name), own.residuals(name))
        line, rises = own.line(name), shared.known.rises[name]
        if line is None:
            assert shared.line(name) is None
        else:
            same(shared.line(name), line)
        for (first, stop), up in rises.items():
            alone = rise(own.trace(name), first, stop)
            assert (up is None) == (alone is None)
            assert up is None or (up.start, up.t) == (alone.start, pytest.approx(alone.t, rel=1e-8, abs=1e-10))
        if own.course(name) is None:
            assert shared.course(name) is None
        else:
            same(shared.course(name), own.course(name))
            kept += 1
    assert kept > 50


def test_the_verdicts_are_the_same(runs):
    some = runs[::5]
    together = [Evidence(run) for run in some]
    find_together(together)
    for run, shared in zip(some, together, strict=True):
        for one, other in zip(judge(shared), judge(Evidence(run)), strict=True):
            assert (one.name, one.verdict, one.explanation) == (other.name, other.verdict, other.explanation)
            assert (one.p_value is None) == (other.p_value is None)
            assert one.p_value is None or one.p_value == pytest.approx(other.p_value, rel=1e-7, abs=1e-300)


def test_company_does_not_matter():
    """Curves too short or without a direction in between, and in another order."""
    some = [drawn(seed, 200)["val_loss"] for seed in range(6)]
    odd = [Curve(np.arange(5.0), np.ones(5), "val_loss"), Curve(np.arange(40.0), np.arange(40.0), "mystery")]
    everything = [some[0], odd[0], *some[1:4], odd[1], *some[4:]]
    phases = Evidence(Run("r", {"val_loss": some[0]})).phases
    found = traces(everything, [phases] * len(everything))
    assert found[1] is None
    assert found[5] is None
    for curve, one in zip(everything, found, strict=True):
        if one is not None:
            same(one, trace(curve, phases))


def test_a_horizon_that_is_not_ahead_is_told_by_its_own_run():
    good, bad = (Evidence(drawn(0, 200), horizon=h) for h in (400.0, 100.0))
    find_together([good, bad])
    assert good.course("val_loss") is not None
    with pytest.raises(ValueError, match="not beyond the last x"):
        bad.course("val_loss")


def test_runs_come_in_turn_whatever_there_is_of_them(monkeypatch, runs):
    monkeypatch.setattr("curvefit.diagnostics._together._AT_ONCE", 500)
    evidences = [Evidence(run) for run in runs[:20]]
    assert [e.run.name for e in in_turn(evidences)] == [run.name for run in runs[:20]]
