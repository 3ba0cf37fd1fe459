"""Changepoints of a stream: what is kept is enough, and it can be written down."""

from __future__ import annotations

import json

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, UsageError
from curvefit.segmentation.change_stream import ChangeStream


def series(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.r_[rng.standard_normal(400), 2 + rng.standard_normal(500), rng.standard_normal(300)]


def test_changes_are_found_soon_after_they_happen_and_where_the_whole_series_puts_them():
    y = series()
    x = 10.0 * np.arange(y.size)
    events = cf.ChangeStream().update(x, y)
    assert len(events) == 2
    whole = cf.changepoints((x, y), n_changes=2)
    for event, place, truth in zip(events, whole.locations, (400, 900), strict=True):
        assert event.last_before == pytest.approx(place.value, abs=50)
        assert event.first_after == event.last_before + 10
        assert 10 * truth < event.seen_at <= 10 * (truth + 60)
        assert event.gain > 0
    assert [events[0].before, events[0].after] == pytest.approx([0, 2], abs=0.6)
    assert events[0].n_before == round(events[0].first_after / 10)


@pytest.mark.parametrize("cost", ["mean", "linear"])
def test_one_by_one_in_blocks_and_through_json_is_the_same(cost):
    y = series(1) - (0.002 * np.arange(1200) if cost == "linear" else 0)
    together = ChangeStream(cost=cost).update(np.arange(1200.0), y)
    stream, events = ChangeStream(cost=cost), []
    for i, v in enumerate(y):
        events += stream.update(float(i), v)
        if i % 150 == 0:
            stream = ChangeStream.from_state(json.loads(json.dumps(stream.state())))
    assert len(events) == len(together) == 2
    for one, two in zip(events, together, strict=True):
        assert (one.last_before, one.seen_at) == (two.last_before, two.seen_at)
        assert one.gain == pytest.approx(two.gain, rel=1e-6)


@pytest.mark.parametrize("cost", ["mean", "linear"])
def test_the_gain_is_that_of_least_squares_on_all_points(cost):
    """Oracle: the same criterion from the residuals themselves."""
    rng = np.random.default_rng(2)
    n = 130
    x, y = np.arange(float(n)), np.r_[rng.standard_normal(70), 1.5 + rng.standard_normal(60)]
    stream = ChangeStream(cost=cost, penalty=1e-9)
    stream._next = n  # one test, at the end
    (event, *_) = stream.update(x, y)
    order = 1 if cost == "linear" else 0

    def rest(parts) -> np.ndarray:
        return np.concatenate([y[p] - np.polyval(np.polyfit(x[p], y[p], order), x[p]) for p in parts])

    def white(e: np.ndarray, rho: float) -> float:
        return float((1 - rho**2) * e[0] ** 2 + np.sum((e[1:] - rho * e[:-1]) ** 2))

    gains = {}
    for t in range(10, n - 9):
        e = rest([slice(0, t), slice(t, n)])
        p = 2 * (order + 1)
        rho = np.clip((n * float(e[1:] @ e[:-1]) / float(e @ e) + p) / (n - p - 2), 0, 0.99)
        gains[t] = n * np.log(white(rest([slice(0, n)]), rho) / white(e, rho)) / np.log(n)
    best = max(gains, key=gains.get)
    assert event.first_after == x[best]
    assert event.gain == pytest.approx(gains[best], rel=1e-6)


def test_memory_does_not_grow_and_old_changes_are_still_seen():
    rng = np.random.default_rng(3)
    stream = ChangeStream(bins=64)
    sizes = []
    for block in range(8):
        stream.update(np.arange(1000.0) + 1000 * block, 5 + rng.standard_normal(1000))
        sizes.append(len(json.dumps(stream.state())))
    assert stream.n == 8000
    assert stream._count.size <= 64
    assert sizes[-1] < 1.5 * sizes[1]
    assert float(stream._count.sum()) == 8000
    (event,) = stream.update(np.arange(8000.0, 8200.0), 7 + rng.standard_normal(200))
    assert event.last_before == pytest.approx(7999, abs=5)


def test_a_shifted_and_scaled_stream_has_the_same_changes():
    y = series(4)
    base = ChangeStream().update(np.arange(1200.0), y)
    moved = ChangeStream().update(1e6 + 5 * np.arange(1200.0), 1e3 + 1e-3 * y)
    assert [e.first_after for e in moved] == [1e6 + 5 * e.first_after for e in base]


def test_values_that_are_not_finite_are_counted_and_left_out():
    y = series(5)
    holes = y.copy()
    holes[[3, 500]] = [np.nan, np.inf]
    stream = ChangeStream()
    events = stream.update(np.arange(1200.0), holes)
    assert stream.skipped == 2
    assert stream.n == 1198
    assert len(events) == 2
    assert ChangeStream().update([], []) == []


def test_a_constant_stream_has_no_changes_and_one_outlier_is_none():
    assert ChangeStream().update(np.arange(500.0), np.full(500, 3.0)) == []
    y = np.random.default_rng(7).standard_normal(500)
    y[300] = 8.0
    assert ChangeStream().update(np.arange(500.0), y) == []


def test_correlated_noise_alone_is_rarely_a_change():
    rng = np.random.default_rng(6)
    false = {"auto": 0, "white": 0}
    for _ in range(12):
        y = rng.standard_normal(1000)
        for i in range(1, 1000):
            y[i] += 0.7 * y[i - 1]
        for noise in false:
            false[noise] += bool(ChangeStream(noise=noise).update(np.arange(1000.0), y))
    assert false["auto"] <= 2
    assert false["white"] >= 8  # negative control


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"cost": "median"}, UsageError),
        ({"noise": "pink"}, UsageError),
        ({"penalty": 0}, UsageError),
        ({"penalty": float("inf")}, UsageError),
        ({"min_size": 1}, UsageError),
        ({"bins": 8}, UsageError),
    ],
)
def test_options_that_do_not_exist_are_refused(options, error):
    with pytest.raises(error):
        ChangeStream(**options)


def test_bad_points_and_states_are_refused_and_change_nothing():
    stream = ChangeStream()
    stream.update([0.0, 1.0], [1.0, 2.0])
    for x, y in (([0.5], [1.0]), ([3.0, 2.0], [1.0, 1.0]), ([2.0], [1.0, 2.0]), ([2.0], [1e200])):
        with pytest.raises(DataError):
            stream.update(x, y)
    assert stream.n == 2
    good = stream.state()
    for bad in ({}, {**good, "version": 99}, {**good, "own": "text"}, {**good, "count": [float("nan")] * 2}):
        with pytest.raises(DataError):
            ChangeStream.from_state(bad)
