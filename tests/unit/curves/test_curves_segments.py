"""Resumed logs: what counts as a restart, what merely is out of order, and what is no x at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curvefit.curves import DataError, UsageError, segment_log


def settle(x, **options):
    x = np.asarray(x, float)
    part = segment_log(x, **options)
    assert part.index.size + part.superseded == x.size
    assert np.all(np.diff(x[part.index]) >= 0)
    assert part.segment.size == part.index.size
    return part


def test_a_log_without_restarts():
    part = settle([1, 2, 2, 3])
    np.testing.assert_array_equal(part.index, [0, 1, 2, 3])
    assert part.restarts == () and part.superseded == 0 and not part.shuffled
    assert settle([]).index.size == 0 and settle([5]).index.size == 1


RESUMED = [10, 20, 30, 40, 30, 40, 50]


def test_the_later_segment_replaces_the_earlier_from_its_start():
    part = settle(RESUMED)
    np.testing.assert_array_equal(part.index, [0, 1, 4, 5, 6])
    np.testing.assert_array_equal(part.segment, [0, 0, 1, 1, 1])
    assert part.restarts == (30.0,) and part.superseded == 2


def test_first_and_keep_and_error():
    np.testing.assert_array_equal(settle(RESUMED, resume="first").index, [0, 1, 2, 3, 6])
    keep = settle(RESUMED, resume="keep")
    assert keep.superseded == 0 and sorted(keep.segment) == [0] * 4 + [1] * 3
    with pytest.raises(DataError, match="started again at x = 30"):
        segment_log(np.array(RESUMED, float), resume="error", where="log.csv")
    with pytest.raises(UsageError, match="supersede"):
        segment_log(np.array(RESUMED, float), resume="latest")


def test_a_third_life_replaces_both_before_it():
    part = settle([1, 2, 3, 4, 3, 4, 5, 6, 2, 3])
    np.testing.assert_array_equal(part.index, [0, 8, 9])
    np.testing.assert_array_equal(part.segment, [0, 2, 2])
    assert part.restarts == (3.0, 2.0)


def test_a_rerun_from_the_beginning_replaces_everything():
    part = settle([0, 1, 2, 3, 4, 0, 1, 2])
    np.testing.assert_array_equal(part.index, [5, 6, 7])


def test_breaks_that_the_log_states():
    part = settle([1, 2, 3, 4], breaks=(2,))
    np.testing.assert_array_equal(part.segment, [0, 0, 1, 1])
    assert part.restarts == (3.0,) and part.superseded == 0
    part = settle([1, 2, 3, 3, 4], breaks=(3,))  # the repeated row belongs to the new life
    np.testing.assert_array_equal(part.index, [0, 1, 3, 4])
    assert settle([1, 2], breaks=(0, 2, 7)).restarts == ()  # no boundary inside the log


@pytest.mark.parametrize("seed", range(5))
def test_rows_in_no_order_are_sorted(seed):
    x = np.random.default_rng(seed).permutation(50).astype(float)
    part = settle(x)
    assert part.shuffled and part.superseded == 0
    np.testing.assert_array_equal(x[part.index], np.arange(50))
    assert settle(np.arange(50)[::-1]).shuffled


def test_blocks_in_the_wrong_order_are_sorted_not_superseded():
    part = settle([6, 7, 8, 9, 1, 2, 3, 4, 5])
    assert part.shuffled and part.index.size == 9


def test_rows_that_arrive_a_little_late_are_sorted():
    x = np.arange(1000.0)
    x[20::40], x[21::40] = x[21::40].copy(), x[20::40].copy()  # 25 swaps of neighbors
    part = settle(x)
    assert part.shuffled and part.index.size == 1000


@pytest.mark.parametrize("length", [2, 3, 10, 391])
@pytest.mark.parametrize("epochs", [4, 12])
def test_a_step_within_each_epoch_is_refused(length, epochs):
    with pytest.raises(DataError, match="starts over") as caught:
        segment_log(np.tile(np.arange(float(length)), epochs), where="log.csv")
    assert caught.value.where == "log.csv" and "epoch" in caught.value.hint


def test_a_last_epoch_that_is_not_over_does_not_hide_it():
    with pytest.raises(DataError, match="starts over"):
        segment_log(np.r_[np.tile(np.arange(50.0), 4), np.arange(7.0)])


def test_a_run_that_crashed_often_is_still_a_run():
    x = np.concatenate([np.arange(10 * k, 10 * k + 15) for k in range(10)]).astype(float)
    part = settle(x)
    assert len(part.restarts) == 9
    np.testing.assert_array_equal(x[part.index], np.arange(105))


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.lists(st.integers(1, 8), min_size=5, max_size=5),
    st.sampled_from(["supersede", "first", "keep"]),
)
def test_segments_of_a_log_with_restarts(lengths, backs, resume):
    """Built with known restarts; checked against the definition of each policy, point by point."""
    x: list[float] = []
    life: list[int] = []
    at = 0
    for k, n in enumerate(lengths):
        at = max(0, at - backs[k - 1]) if k else 0
        x += range(at, at + n)
        life += [k] * n
        at += n
    array = np.array(x, float)
    try:
        part = settle(array, resume=resume)
    except DataError:
        return  # starts over from zero several times: refused by the rule above
    if part.shuffled or np.count_nonzero(np.diff(array) < 0) != len(lengths) - 1:
        return
    starts = {k: min(v for v, own in zip(x, life, strict=True) if own == k) for k in set(life)}
    expected = []
    for i, (v, k) in enumerate(zip(x, life, strict=True)):
        later = [starts[j] for j in set(life) if j > k]
        earlier = [w for w, j in zip(x, life, strict=True) if j < k]
        stays = {
            "supersede": all(v < s for s in later),
            "first": all(v > w for w in earlier),
            "keep": True,
        }[resume]
        if stays:
            expected.append(i)
    assert sorted(part.index.tolist()) == expected
