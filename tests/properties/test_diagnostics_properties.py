"""Whatever is logged, every rule answers; and what is monotone is never accused."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curvefit.curves import Curve, Run, Schedule
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.rules import registry

VALUES = st.floats(allow_nan=True, allow_infinity=True, width=64)


@st.composite
def runs(draw):
    curves = {}
    for name in draw(
        st.lists(st.sampled_from(["train_loss", "val_loss", "val_accuracy", "reward", "grad_norm"]), max_size=3)
    ):
        n = draw(st.integers(0, 40))
        x = draw(arrays(float, n, elements=st.integers(-(10**6), 10**6).map(float)))
        curves[name] = Curve(x, draw(arrays(float, n, elements=VALUES)), name)
    schedule = None
    if draw(st.booleans()):
        n = draw(st.integers(0, 30))
        schedule = Schedule(np.arange(float(n)), draw(arrays(float, n, elements=st.floats(0, 1))))
    return Run("any", curves, schedule=schedule)


@given(runs())
@settings(max_examples=60)
def test_every_rule_answers_whatever_is_logged(run):
    found = diagnose(run)
    assert sorted(d.name for d in found) == registry.names()
    for d in found:
        assert d.explanation
        assert all(np.isfinite(v) for v in d.evidence.values())


@given(
    st.integers(8, 150),
    st.floats(0.1, 3.0),
    st.sampled_from(["power", "exponential", "line", "steps", "kink"]),
    st.floats(1e-6, 1e6),
)
@settings(max_examples=60)
def test_a_curve_that_only_improves_draws_no_warning(n, rate, shape, scale):
    x = np.arange(1.0, n + 1)
    y = {
        "power": x**-rate,
        "exponential": np.exp(-rate * x / n * 5),
        "line": 2 - rate * x / n / 2,
        "steps": np.floor(10 * x**-rate) / 10 + x**-rate / 100,
        "kink": np.maximum(1 - rate * x / n, 0.1) + 1e-3 / x,
    }[shape]
    run = Run("m", {name: Curve(x, scale * (1 + y), name) for name in ("train_loss", "val_loss")})
    assert [d.name for d in diagnose(run).warnings] == []
