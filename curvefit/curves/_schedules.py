"""The usual learning-rate schedules as piecewise-linear knots; piecewise-linear ones are exact.

Every function returns ``(x, share)``: knots from 0 to ``total`` and the rate there as a share of the peak. Curved pieces
get `KNOTS` knots each, which keeps linear interpolation within about 1e-6 of the peak for a cosine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError, unknown_name

__all__ = ["DECAYS", "assemble", "check_share", "check_span", "curved", "cycles", "one_cycle", "restarts", "steps"]

Array = NDArray[np.float64]
KNOTS = 1024

# Ways to go from 1 to `final` while u goes from 0 to 1.
DECAYS: dict[str, Callable[[Array, float], Array]] = {
    "linear": lambda u, final: 1 - (1 - final) * u,
    "cosine": lambda u, final: final + (1 - final) * (1 + np.cos(np.pi * u)) / 2,
    "exponential": lambda u, final: final**u,
    "sqrt": lambda u, final: 1 - (1 - final) * np.sqrt(u),
}


def check_span(value: float, name: str, *, zero: bool = False) -> float:
    """A finite positive length in x (or 0 where that means none)."""
    number = float(value)
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise UsageError(f"{name} = {value!r}", code="CF-USE-010", where="schedule", hint=f"{name} is a length in x")
    return number


def check_share(value: float, name: str, *, positive: bool = False) -> float:
    """A share of the peak, in [0, 1]."""
    number = float(value)
    if not 0 <= number <= 1 or (positive and number == 0):
        low = "(0" if positive else "[0"
        raise UsageError(
            f"{name} = {value!r} is not a share of the peak in {low}, 1]",
            code="CF-USE-010",
            where="schedule",
            hint="divide by the peak rate: a cosine from 3e-4 to 3e-5 has final=0.1",
        )
    return number


def assemble(total: float, warmup: float, body: tuple[Array, Array], start: float = 0.0) -> tuple[Array, Array]:
    """Put a linear warm-up from ``start`` (share of the peak) in front of a body that lives on [warmup, total]."""
    check_span(total, "total")
    if check_span(warmup, "warmup", zero=True) >= total:
        raise UsageError(
            f"warm-up of {warmup:g} in a schedule of {total:g}",
            code="CF-USE-010",
            where="schedule",
            hint="warmup is a length in x, shorter than total",
        )
    x, share = body
    if warmup == 0:
        return x, share
    check_share(start, "warmup_from")
    return np.r_[0.0, x], np.r_[start, share]


def curved(
    total: float, warmup: float, shape: Callable[[Array], Array], begin: float | None = None
) -> tuple[Array, Array]:
    """``shape(u)`` for u in [0, 1] on [begin, total], constant at 1 on [warmup, begin]."""
    check_span(total, "total")
    begin = warmup if begin is None else begin
    u = np.linspace(0.0, 1.0, KNOTS + 1)
    x, share = begin + (total - begin) * u, shape(u)
    x[-1] = total
    if begin > warmup:
        return np.r_[warmup, x], np.r_[1.0, share]
    return x, share


def decay(name: str, final: float) -> Callable[[Array], Array]:
    """One of the ways down, bound to its end."""
    if name not in DECAYS:
        raise unknown_name("decay", name, DECAYS, where="schedule")
    check_share(final, "final", positive=name == "exponential")
    return lambda u: DECAYS[name](u, final)


def steps(total: float, warmup: float, at: Sequence[float], factor: float | Sequence[float]) -> tuple[Array, Array]:
    """Constant pieces: multiplied by ``factor`` at every x in ``at``; the new rate holds from that x on."""
    places = np.asarray(list(at), dtype=np.float64)
    factors = np.broadcast_to(np.asarray(factor, dtype=np.float64), places.shape)
    if np.any(~np.isfinite(factors)) or np.any(factors < 0):
        raise UsageError(f"factor = {factor!r}", code="CF-USE-010", where="schedule", hint="such as 0.1 for a tenth")
    if np.any(np.diff(places) <= 0) or np.any(places <= warmup) or np.any(places > total):
        raise UsageError(
            f"drops at {places.tolist()} with a warm-up of {warmup:g} and a total of {total:g}",
            code="CF-USE-010",
            where="schedule",
            hint="increasing x between the end of the warm-up and the end of the run",
        )
    levels = np.r_[1.0, np.cumprod(factors)]
    x, share = [warmup], [1.0]
    for place, old, new in zip(places, levels[:-1], levels[1:], strict=True):
        x += [float(np.nextafter(place, -np.inf)), float(place)]
        share += [old, new]
    if x[-1] < total:
        x, share = [*x, total], [*share, float(levels[-1])]
    return np.array(x), np.array(share)


def one_cycle(total: float, peak_at: float, start: float, final: float, shape: str) -> tuple[Array, Array]:
    """Up from ``start`` to the peak at ``peak_at``, then down to ``final`` at the end."""
    up, down = decay(shape, start), decay(shape, final)
    u = np.linspace(0.0, 1.0, KNOTS // 2 + 1)
    x = np.r_[peak_at * u, peak_at + (total - peak_at) * u[1:]]
    x[-1] = total
    return x, np.r_[up(u)[::-1], down(u)[1:]]


def cycles(total: float, warmup: float, period: float, low: float) -> tuple[Array, Array]:
    """Triangles: the peak at the start of every period, ``low`` in its middle."""
    half = check_span(period, "period") / 2
    corners = np.arange(int(np.ceil((total - warmup) / half)) + 1)
    x = warmup + half * corners
    share = np.where(corners % 2 == 0, 1.0, check_share(low, "low"))
    end = np.interp(total, x, share)
    inside = x < total
    return np.r_[x[inside], total], np.r_[share[inside], end]


def restarts(
    total: float, warmup: float, period: float, growth: float, shape: Callable[[Array], Array]
) -> tuple[Array, Array]:
    """A decay over every period, back to the peak at its end; each period is ``growth`` times the one before."""
    check_span(period, "period")
    if not np.isfinite(growth) or growth <= 0:
        raise UsageError(f"growth = {growth!r}", code="CF-USE-010", where="schedule", hint="1 for equal periods")
    begin, length = warmup, float(period)
    x: list[Any] = []
    share: list[Any] = []
    for _ in range(10_000):
        end = begin + length
        if end - begin < 1e-9 * total:
            raise UsageError(f"periods shrink to nothing before {total:g}", code="CF-USE-010", where="schedule")
        u = np.linspace(0.0, 1.0, 257)
        if end >= total:
            u = np.linspace(0.0, (total - begin) / length, 257)
            x.append(begin + length * u)
            share.append(shape(u))
            break
        piece = begin + length * u
        piece[-1] = np.nextafter(end, -np.inf)
        x.append(piece)
        share.append(shape(u))
        begin, length = end, length * growth
    else:
        raise UsageError(f"more than 10,000 periods of {period:g} in {total:g}", code="CF-USE-010", where="schedule")
    xs = np.concatenate(x)
    xs[-1] = total
    return xs, np.concatenate(share)
