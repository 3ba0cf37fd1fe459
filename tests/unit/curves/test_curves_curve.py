"""A curve: finite points in order, non-finite values as facts, the caller's arrays untouched."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import curvefit as cf
from curvefit.curves import DataError, Flag, UsageError


def test_points_are_sorted_and_ties_ordered_by_y():
    curve = cf.Curve([3, 1, 2, 1], [1.0, 5.0, 3.0, 4.0], "loss")
    np.testing.assert_array_equal(curve.x, [1, 1, 2, 3])
    np.testing.assert_array_equal(curve.y, [4, 5, 3, 1])


@given(st.lists(st.tuples(st.integers(0, 20), st.floats()), min_size=1, max_size=30), st.randoms())
def test_the_order_of_rows_does_not_matter(points, random):
    shuffled = random.sample(points, len(points))
    a, b = (cf.Curve(*zip(*rows, strict=True), "loss") for rows in (points, shuffled))
    np.testing.assert_array_equal(a.x, b.x)
    np.testing.assert_array_equal(a.y, b.y)
    assert sorted(a.nonfinite_x) == sorted(b.nonfinite_x)


def test_nonfinite_values_stand_beside_the_curve():
    curve = cf.Curve(
        [1, 2, 3, 4, 5], [2, np.nan, np.inf, 1, -np.inf], "loss", flags=[1, 2, 4, 0, 0], segment=[0, 0, 1, 1, 1]
    )
    np.testing.assert_array_equal(curve.x, [1, 4])
    np.testing.assert_array_equal(curve.nonfinite_x, [2, 3, 5])
    np.testing.assert_array_equal(curve.nonfinite_y, [np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(curve.flags, [1, 0])
    np.testing.assert_array_equal(curve.segment, [0, 1])
    assert Flag(curve.flags[0]) is Flag.AGGREGATED


def test_arrays_are_read_only_and_the_callers_are_not_touched():
    x, y = np.array([2.0, 1.0]), np.array([1.0, 2.0])
    flags = np.zeros(2, np.uint8)
    curve = cf.Curve(x, y, "loss", flags=flags)
    for name in ("x", "y", "flags", "segment", "nonfinite_x", "nonfinite_y"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(curve, name)[:] = 0
    x[0], flags[0] = 9, 9
    np.testing.assert_array_equal(x, [9, 1])
    np.testing.assert_array_equal(curve.x, [1, 2])
    np.testing.assert_array_equal(curve.flags, [0, 0])
    with pytest.raises(AttributeError):
        curve.x = x


def test_read_only_arrays_are_used_without_a_copy():
    x = np.arange(5.0)
    x.flags.writeable = False
    assert np.shares_memory(cf.Curve(x, x, "loss").x, x)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        range(1, 4),
        np.array([1, 2, 3], np.int8),
        np.array([1, 2, 3], np.uint64),
        np.array([1, 2, 3], ">f4"),
        np.array([1, 2, 3], np.float16),
        np.array([[1], [2], [3]]),
        np.array([[1, 2, 3]]),
        np.array([0, 1, 0, 2, 0, 3])[1::2],
        np.ma.array([1, 2, 3]),
        pd.Series([1, 2, 3]),
        pd.Series([1, 2, 3], dtype="Int64"),
        [Decimal(1), Fraction(2), 3],
        np.array([1 + 0j, 2, 3]),
        np.array([1, 2.0, Decimal(3)], object),
    ],
    ids=lambda v: f"{type(v).__name__}-{getattr(v, 'dtype', '')}",
)
def test_V10_V12_V16_anything_array_like(values):
    curve = cf.Curve(values, values, "loss")
    np.testing.assert_array_equal(curve.x, [1, 2, 3])
    assert curve.x.dtype == np.float64 and curve.y.flags.c_contiguous


def test_V16_tensors_and_masks():
    class Tensor:
        def detach(self):
            return self

        def cpu(self):
            return self

        def numpy(self):
            return np.array([1.0, 2.0], np.float32)

    np.testing.assert_array_equal(cf.Curve(Tensor(), Tensor(), "loss").y, [1, 2])
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
    curve = cf.Curve([1, 2, 3], masked, "loss")
    np.testing.assert_array_equal(curve.x, [1, 3])
    np.testing.assert_array_equal(cf.Curve([1, 2, 3], pd.Series([1, pd.NA, 3], dtype="Int64"), "loss").x, [1, 3])


@pytest.mark.parametrize(
    "wrong",
    [
        [True, False],
        ["1", "2"],
        [1, "2"],
        [1j, 2],
        np.array(["2026-01-01", "2026-01-02"], "datetime64[D]"),
        np.array([1, 2], "timedelta64[s]"),
        3.0,
        np.zeros((2, 2)),
        [[1, 2], [3]],
        [10**400, 1],
        [Ellipsis, 1],
        [b"1", 2],
    ],
    ids=str,
)
def test_V11_V12_V13_V14_what_is_no_number_is_refused_by_name(wrong):
    with pytest.raises(DataError, match="y"):
        cf.Curve([1, 2], wrong, "loss")


def test_V11_a_huge_integer_names_its_row():
    with pytest.raises(DataError, match=r"y\[1\]"):
        cf.Curve([1, 2], [1, 10**400], "loss")


def test_points_without_x_and_wrong_lengths_are_refused():
    with pytest.raises(DataError, match=r"x\[1\] is nan"):
        cf.Curve([1, np.nan], [1, 2], "loss")
    with pytest.raises(DataError, match="2 x values and 3 y values"):
        cf.Curve([1, 2], [1, 2, 3], "loss")
    with pytest.raises(DataError, match="one entry per point"):
        cf.Curve([1, 2], [1, 2], "loss", flags=[1])
    with pytest.raises(UsageError, match="x_unit"):
        cf.Curve([1], [1], "loss", x_unit="steps")


def test_an_empty_curve_is_possible():
    curve = cf.Curve([], [], "loss")
    assert len(curve) == 0 and "no finite points" in repr(curve)
    assert len(cf.Curve([1], [np.nan], "loss")) == 0


@pytest.mark.parametrize(
    ("name", "y", "bounds"),
    [
        ("acc", [0.1, 0.9], (0.0, 1.0)),
        ("acc", [10, 90], (0.0, 100.0)),
        ("acc", [-0.1, 0.9], None),
        ("acc", [10, 120], None),
        ("accuracy (%)", [0.5, 0.9], (0.0, 100.0)),
        ("loss", [0.1, 0.9], None),
        ("error", [0.1, 0.9], None),
        ("acc", [], None),
    ],
)
def test_bounds_follow_from_kind_and_values(name, y, bounds):
    curve = cf.Curve(range(len(y)), y, name)
    assert curve.bounds == bounds
    assert curve.percent == (bounds == (0.0, 100.0))


def test_stated_bounds_win():
    assert cf.Curve([1, 2], [10, 90], "acc", bounds=(0, 1000)).bounds == (0, 1000)


def test_until_is_the_curve_as_it_was():
    curve = cf.Curve([1, 2, 3, 4], [0.4, np.nan, 0.2, 50.0], "acc", segment=[0, 0, 1, 1], defects={"odd": 1})
    early = curve.until(3)
    assert early == cf.Curve([1, 2, 3], [0.4, np.nan, 0.2], "acc", segment=[0, 0, 1])
    assert len(curve.until(0)) == 0 and curve.until(9) == curve


def test_until_does_not_know_bounds_that_only_later_values_show():
    """An accuracy that looks like a fraction at first: that it is in percent was not known then."""
    curve = cf.Curve([1, 2, 3, 4], [0.4, 0.6, 0.9, 50.0], "acc")
    assert curve.bounds == (0, 100) and not curve.bounds_given
    assert curve.until(3).bounds == (0, 1)
    assert curve.until(4).bounds == (0, 100)
    stated = cf.Curve([1, 2, 3, 4], [0.4, 0.6, 0.9, 50.0], "acc", bounds=(0, 100))
    for part in (stated.until(3), pickle.loads(pickle.dumps(stated)).until(2), stated.with_metric(split="val")):
        assert part.bounds == (0, 100) and part.bounds_given
    assert pickle.loads(pickle.dumps(curve)).until(3).bounds == (0, 1)


@pytest.mark.parametrize("bounds", [5, "ab", (1,), (1, 0), (0, np.nan), (None, 1), [1, 2, 3]])
def test_bounds_that_are_none_are_refused(bounds):
    with pytest.raises(UsageError, match="bounds"):
        cf.Curve([1, 2], [0.5, 0.6], "acc", bounds=bounds)


def test_with_metric_changes_the_metric_only():
    curve = cf.Curve([1, 2], [np.nan, 1.0], "score", x_unit="epoch", flags=[0, 2])
    other = curve.with_metric(direction="min")
    assert other.direction == "min" and other.x_unit == "epoch" and other.flags[0] == 2
    assert other.nonfinite_x[0] == 1 and curve.direction == "max"


def test_equality_and_copies():
    curve = cf.Curve([1, 2, 3], [1, np.nan, 2], "acc", flags=[1, 0, 2], segment=[0, 1, 1], defects={"odd": 3})
    for twin in (pickle.loads(pickle.dumps(curve)), copy.deepcopy(curve), copy.copy(curve)):
        assert twin == curve and dict(twin.defects) == {"odd": 3}
    assert curve != cf.Curve([1, 2, 3], [1, np.nan, 2.5], "acc") and curve != 3
    with pytest.raises(TypeError):
        hash(curve)


def test_from_frame_leaves_out_rows_with_nulls():
    pl = pytest.importorskip("polars")
    for frame in (
        pd.DataFrame({"s": [1, 2, 3], "v": pd.array([1.0, pd.NA, 3.0], dtype="Float64")}),
        pl.DataFrame({"s": [1, 2, 3], "v": [1.0, None, 3.0]}),
    ):
        curve = cf.Curve.from_frame(frame, "s", "v", "val_loss", x_unit="epoch")
        np.testing.assert_array_equal(curve.x, [1, 3])
        assert curve.metric.name == "val_loss" and curve.nonfinite_x.size == 0
        with pytest.raises(UsageError, match="'s'"):
            cf.Curve.from_frame(frame, "S", "v")


def test_a_nan_in_a_polars_frame_was_logged():
    pl = pytest.importorskip("polars")
    curve = cf.Curve.from_frame(pl.DataFrame({"s": [1, 2], "v": [float("nan"), 2.0]}), "s", "v")
    np.testing.assert_array_equal(curve.nonfinite_x, [1])
