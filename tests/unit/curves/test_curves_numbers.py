"""Digits follow the interval."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curvefit.curves import Estimate, Interval
from curvefit.curves.numbers import (
    format_interval,
    format_number,
    format_probability,
    format_share,
    format_x,
    with_interval,
)


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (0.412345, 0.0131, "0.412"),
        (0.412345, 0.0992, "0.412"),
        (0.412345, 0.0999, "0.41"),  # .0999 rounds to .10
        (1234.567, 23.0, "1235"),
        (1234.567, 230.0, "1230"),
        (12.3, 45.0, "12"),
        (-0.001, 0.5, "0.00"),
        (1.2346e-6, 3.1e-8, "1.235e-6"),
        (1.2345e9, 4.2e6, "1.2345e9"),
        (2.0, 3e-20, "2"),  # a spread of rounding alone brings no row of zeros
        (0.35, 4e-17, "0.35"),
        (-0.35, 4e-17, "-0.35"),
        (1 / 3, 1e-17, "0.333333333333"),
        (3.5e11, 1e-9, "3.5e11"),
        (0.4e8, 0.5e9, "4e7"),  # the digits of its spread, in its own power of ten
        (9.97e9, 1.1e9, "1.00e10"),
        (12.0, 3e51, "0"),
        (6e49, 3e51, "1e50"),
        (-6e49, 3e51, "-1e50"),
        (5e-324, 3e-320, "0"),
        (0.0, 1e-320, "0"),
        (0.412345, None, "0.4123"),
        (0.5, None, "0.5"),
        (0.0, None, "0"),
        (100.0, None, "100"),
        (123456.0, None, "123456"),
        (3.2e-7, None, "3.2e-7"),
        (5e22, None, "5e22"),
        (math.inf, 1.0, "inf"),
        (-math.inf, None, "-inf"),
        (math.nan, 1.0, "nan"),
    ],
)
def test_format_number(value, spread, text):
    assert format_number(value, spread) == text


def test_value_and_interval_share_their_digits():
    out = Estimate("a", 0.41234, Interval(0.3989, 0.4311))
    assert with_interval(out) == ("0.412", "[0.399, 0.431]")
    assert with_interval(Estimate("a", 0.5)) == ("0.5", "")
    assert with_interval(Estimate("a", None)) == ("", "")


def test_open_intervals_say_so():
    assert format_interval(Interval(310.0, math.inf), 520.0) == "[310, inf]"
    assert format_interval(Interval(-math.inf, math.inf)) == "[-inf, inf]"


@pytest.mark.parametrize(
    ("x", "text"), [(400.0, "400"), (1e6, "1000000"), (0.5, "0.5"), (1.23456789e12, "1.23457e12"), (-3, "-3")]
)
def test_format_x(x, text):
    assert format_x(x) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0, "0 %"), (1e-9, "<1 %"), (0.5, "50 %"), (0.999, ">99 %"), (1, "100 %"), (math.nan, "nan")]
)
def test_format_share(p, text):
    assert format_share(p) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0, "<1 %"), (0.004, "<1 %"), (0.01, "1 %"), (0.5, "50 %"), (0.996, ">99 %"), (1, ">99 %")]
)
def test_a_forecast_is_never_certain(p, text):
    assert format_probability(p) == text
    assert format_probability(math.nan) == "nan"


@given(st.floats(-1e12, 1e12, allow_nan=False), st.floats(1e-12, 1e12, allow_nan=False, allow_subnormal=False))
def test_rounding_never_moves_a_number_by_more_than_a_tenth_of_its_spread(value, spread):
    assert abs(float(format_number(value, spread)) - value) <= 0.051 * spread + 1e-11 * abs(value)


@given(st.floats(-1e300, 1e300))
def test_four_digits_without_a_spread(value):
    assert float(format_number(value)) == pytest.approx(value, rel=5.1e-4)


def test_a_value_far_from_the_middle_of_its_interval_is_not_rounded_away():
    skewed = Estimate("median", 0.31, Interval(0.02, 35.4, 0.95))
    assert with_interval(skewed) == ("0.31", "[0.020, 35]")


@pytest.mark.parametrize(
    ("value", "low", "high", "texts"),
    [
        (482.0, 12.34, 6.3456789e51, ("480", "[12, 6.3e51]")),
        (220.0, 10.4, 563784083.2, ("220", "[10, 5.6e8]")),
        (900.0, 0.0401, 14523.0, ("900", "[0.040, 15000]")),
        (2.5, -6.1e200, 7.2e200, ("2.5", "[-6.1e200, 7.2e200]")),
        (-3.21e-9, -4.4e5, -1.2e-12, ("-3.2e-9", "[-440000, -1.2e-12]")),
        (0.5, 0.0, 1.7e308, ("0.50", "[0, 1.7e308]")),
        (100.0, 4.2, 530.4, ("100", "[4.2, 530]")),
        (17.1, 0.4, 33.8, ("17", "[0.4, 34]")),  # an even interval that begins near zero, not at it
        (1.86e8, 0.42e8, 3.01e8, ("1.9e8", "[4e7, 3.0e8]")),
    ],
)
def test_ends_of_a_wide_interval_have_two_digits_each(value, low, high, texts):
    assert with_interval(Estimate("A", value, Interval(low, high))) == texts


@pytest.mark.parametrize(
    ("value", "low", "high", "told"),
    [
        (4.2e13, 3.1e11, 1.25e14, "[3.1e11, 1.25e14]"),
        (0.6, 0.0002, 1.3, "[0.0002, 1.30]"),
        (-0.6, -1.3, -0.0002, "[-1.30, -0.0002]"),
        (0.6, 0.0, 1.3, "[0.00, 1.30]"),
        (0.6, -0.0002, 1.3, "[0.00, 1.30]"),
    ],
)
def test_an_interval_on_one_side_of_zero_does_not_end_at_zero(value, low, high, told):
    assert format_interval(Interval(low, high, 0.95), value) == told
