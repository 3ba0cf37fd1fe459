"""Batched code against the same equations written out for one curve."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from curvefit.forecasting.pool.batch import Task, chunks
from curvefit.forecasting.pool.experts import consult
from curvefit.forecasting.pool.features import NAMES, features
from curvefit.forecasting.pool.link import Link
from curvefit.forecasting.pool.trends import TREND_GAMMA, TREND_POWER
from curvefit.forecasting.pool.view import look

sys.path.insert(0, str(Path(__file__).parent))
from slow_pool import TRENDS, Slow


def curves():
    """Curves of every link, length and shape, with horizons."""
    rng = np.random.default_rng(3)
    out = []
    for n in (3, 4, 5, 6, 9, 17, 40, 64, 65, 150, 700):
        x = np.arange(1, n + 1.0)
        out.append((x, 0.4 + 2 * x**-0.5 + 0.02 * rng.normal(size=n), 2.0 * n, "loss", "min"))
        out.append((x - 1, 1 / (1 + np.exp(1 - 0.1 * x + 0.2 * rng.normal(size=n))), 1.3 * n, "accuracy", "max"))
        out.append((x * 7 - 30, np.cumsum(rng.normal(size=n)), 9.0 * n, "reward", "max"))
        out.append(
            (np.cumsum(rng.exponential(size=n)) + 1, np.round(3 + rng.normal(size=n), 1), 50.0 * n, "other", "max")
        )
        out.append((10.0 ** np.linspace(0, 5, n), 5 * 10.0 ** -np.linspace(0, 2, n), 3e5, "error", "min"))
    return out


CURVES = curves()


def task(x, y, ahead, kind, direction):
    bounds = (0.0, 1.0) if kind == "accuracy" else None
    return Task(x, y, np.array([ahead]), direction == "max", direction == "min", bounds)


@pytest.fixture(scope="module")
def answers():
    """Everything the batched code computes, by curve."""
    found = {}
    for chunk in chunks([task(*c) for c in CURVES]):
        link = Link.of(chunk)
        view = look(chunk, np.ones(chunk.size.size, bool), link, link.forward(chunk.y))
        experts = consult(view.fits, view.backtests, view.h, view.unit, view.noise, view.last)
        table = features(view, experts)
        for row, place in enumerate(chunk.index.tolist()):
            found[place] = (row, view, experts, table)
    return found


@pytest.mark.parametrize("place", range(len(CURVES)))
def test_every_quantity_agrees_with_the_equations_written_out(place, answers):
    row, view, experts, table = answers[place]
    slow = Slow(*CURVES[place])
    close = lambda got, want: np.testing.assert_allclose(got, want, rtol=2e-6, atol=2e-8)  # noqa: E731
    close(view.level[row], slow.level)
    close(view.noise[row], slow.noise)
    close(view.unit[row], slow.sc)
    close(view.h[row, 0], slow.h)
    kept = int(view.bins.size[row])
    close(view.bins.log_u[row, -kept:], slow.bins[0])
    close(view.bins.z[row, -kept:], slow.bins[1])
    close(view.bins.count[row, -kept:], slow.bins[2])
    assert view.bins.count[row, : view.bins.count.shape[1] - kept].sum() == 0
    close(view.backtests.valid[row], slow.valid)
    close(view.backtests.error[row], slow.errors)
    close(experts.trends[row, 0], slow.trends)
    close(experts.variance[row, 0], slow.variance)
    close(experts.square[row, 0], slow.square)
    close(experts.weight[row, 0], slow.weight)
    close(experts.average[row, 0], slow.average)
    close(experts.central[row, 0], slow.central)
    close(experts.scale[row, 0], slow.q)
    close(experts.relative()[row, 0], slow.r)
    want = slow.features()
    wrong = [
        f"{n}: {g} not {w}"
        for n, g, w in zip(NAMES, table[row, 0], want, strict=True)
        if not np.isclose(g, w, rtol=1e-6, atol=1e-7)
    ]
    assert not wrong, wrong


def test_trends_are_named_as_the_oracle_names_them():
    assert list(zip(TREND_POWER.tolist(), TREND_GAMMA.tolist(), strict=True)) == [tuple(map(float, t)) for t in TRENDS]
    assert len(NAMES) == 96
    assert len(set(NAMES)) == 96
