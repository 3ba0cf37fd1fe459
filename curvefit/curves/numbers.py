"""How numbers are written for people: digits follow the interval, the decimal sign is always a point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .estimate import Estimate, Interval

__all__ = [
    "counted",
    "format_ends",
    "format_interval",
    "format_number",
    "format_probability",
    "format_share",
    "format_x",
    "is_wide",
    "with_interval",
]

_PLAIN_LOW, _PLAIN_HIGH = 1e-4, 1e7  # magnitudes written without an exponent
_MOST_DIGITS = 12  # significant, however small the spread
_WIDE = 40.0  # ratio of the ends of an interval from which digits that suit one would make the other a zero


def format_number(value: float, spread: float | None = None, *, digits: int = 4) -> str:
    """A number rounded to two significant digits of its spread, or to ``digits`` of its own without one.

    Parameters
    ----------
    value : float
        The number; infinite and NaN are written ``inf``, ``-inf`` and ``nan``.
    spread : float, optional
        Half width of the interval the number belongs to, in the same unit.
    digits : int
        Significant digits when there is no spread; trailing zeros are then left out.
    """
    if not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    if spread is None or not math.isfinite(spread) or spread <= 0:
        if value == 0:
            return "0"
        if _PLAIN_LOW <= abs(value) < _PLAIN_HIGH:
            decimals = max(0, digits - 1 - _exponent(value))
            text = f"{value:.{decimals}f}"
            return _unsigned_zero(_trimmed(text))
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return _trimmed(f"{mantissa}e{int(exponent)}")
    size = max(abs(value), spread)
    last = _exponent(float(f"{spread:.1e}")) - 1  # power of ten of the last digit that is shown
    if last < _exponent(size) - _MOST_DIGITS:  # a spread of nothing but rounding: it says nothing of the digits
        return _unsigned_zero(_trimmed(format_number(value, 10.0 ** (_exponent(size) - _MOST_DIGITS + 2))))
    if size < _PLAIN_LOW or size >= _PLAIN_HIGH:
        decimals = _exponent(value) - last  # after the leading digit
        if decimals < 0:  # rounds to nothing, or up to the last digit that is shown
            return f"{math.copysign(1, value):.0f}e{last}" if abs(value) > 5 * 10.0 ** (last - 1) else "0"
        mantissa, power = f"{value:.{decimals}e}".split("e")
        if int(power) > last + decimals:  # rounded up to the next power of ten
            mantissa += "0" if decimals else ".0"
        return f"{mantissa}e{int(power)}" if float(mantissa) else "0"
    if last >= 0:
        return _unsigned_zero(f"{round(value / 10**last) * 10**last:.0f}")
    return _unsigned_zero(f"{value:.{-last}f}")


def format_interval(interval: Interval, value: float | None = None) -> str:
    """An interval as ``[low, high]``, its ends with the digits of its half width; open ends are written ``inf``.

    An end that is not zero is not written as zero where the whole interval is on one side of it. Ends of very different size,
    one of them near the value, have two digits of their own: what lies between them is not known to more.
    """
    if is_wide(interval, value):
        return f"[{format_number(interval.low, abs(interval.low))}, {format_number(interval.high, abs(interval.high))}]"
    spread = _spread(interval, value)
    low, high = (format_number(end, spread) for end in (interval.low, interval.high))
    if interval.low > 0 and not float(low):  # an interval above zero does not begin at it
        low = format_number(interval.low, digits=2)
    if interval.high < 0 and not float(high):
        high = format_number(interval.high, digits=2)
    return f"[{low}, {high}]"


def with_interval(estimate: Estimate) -> tuple[str, str]:
    """Value and interval of an estimate as text with the same digits; empty where there is none."""
    value, interval = estimate.value, estimate.interval
    if value is not None and interval is not None and all(map(_whole, (value, interval.low, interval.high))):
        return f"{value:.0f}", f"[{interval.low:.0f}, {interval.high:.0f}]"
    spread = None if interval is None else _spread(interval, value)
    return (
        "" if value is None else format_number(value, spread),
        "" if interval is None else format_interval(interval, value),
    )


def format_x(x: float) -> str:
    """A position on the x axis: whole numbers as they are up to a hundred million, else six significant digits."""
    if math.isfinite(x) and x == round(x) and abs(x) < 1e8:
        return _unsigned_zero(f"{x:.0f}")
    return format_number(x, digits=6)


def format_ends(low: float, high: float, *, digits: int = 4) -> tuple[str, str]:
    """Both ends of a range, with as many digits as tell them apart, at least ``digits``."""
    for k in range(digits, 18):
        ends = format_number(low, digits=k), format_number(high, digits=k)
        if ends[0] != ends[1] or low == high:
            break
    return ends


def counted(n: int, thing: str) -> str:
    """A number of things: ``1 point``, ``3 points``."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def format_share(share: float) -> str:
    """A share as percent, never rounded to nothing or all: ``<1 %`` and ``>99 %`` at the ends."""
    if math.isnan(share):
        return "nan"
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def format_probability(probability: float) -> str:
    """A forecast probability as percent: ``<1 %`` and ``>99 %`` also for 0 and 1, which no forecast can vouch for."""
    return format_share(min(max(probability, 1e-9), 1 - 1e-9)) if math.isfinite(probability) else "nan"


def _whole(value: float) -> bool:
    """Whether a number is a count, such as the x of an observation."""
    return math.isfinite(value) and value == round(value) and abs(value) < _PLAIN_HIGH


def _spread(interval: Interval, value: float | None) -> float | None:
    """Half width; from one closed side to the value when the other is open; never so wide that the value is lost."""
    if interval.closed:
        return abs(value) if value and is_wide(interval, value) else interval.width / 2
    ends = [e for e in (interval.low, interval.high) if math.isfinite(e)]
    if not ends or value is None:
        return None
    return abs(value - ends[0])


def is_wide(interval: Interval, value: float | None) -> bool:
    """Whether the ends are of so different a size that no digits suit both and the value."""
    if not interval.closed:
        return False
    small, large = sorted((abs(interval.low), abs(interval.high)))
    off = value is None or min(abs(value - interval.low), abs(interval.high - value)) < interval.width / 4
    apart = interval.low * interval.high > 0 and large >= _WIDE * small and off
    return apart or (value is not None and 0 < abs(value) < interval.width / 40)


def _exponent(value: float) -> int:
    """Power of ten of the leading digit."""
    return int(f"{abs(value):e}".rsplit("e", 1)[1])


def _trimmed(text: str) -> str:
    """Without zeros at the end of the decimals."""
    mantissa, mark, exponent = text.partition("e")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + mark + exponent


def _unsigned_zero(text: str) -> str:
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text
