"""Smooth decays through logged rates: each shape fitted, and weighted by how well it fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Candidate", "Rate", "decays"]

Array = NDArray[np.float64]
Rate = Callable[[Array], Array]  # rate at x, as a share of the peak

_ENDS = (0.0, 0.1, 0.01, 0.05, 0.2)  # shares of the peak at which people let a schedule end
_MISS = 4.0  # a shape that misses by more than this many tolerances (root mean square) is not the schedule
_POINTS = 12.0  # a log counts as at most this many independent looks at the shape


@dataclass(frozen=True, slots=True)
class Candidate:
    """One continuation: its rate beyond the log, an unnormalized probability, a name, and where the rate jumps."""

    rate: Rate
    probability: float
    words: str
    jumps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shape:
    """A rate that is linear in ``base(x)`` after ``forward``.

    ``end`` is the x at which the shape ends by its nature, None for one that goes on.
    """

    name: str
    belief: float
    base: Rate
    forward: Rate
    back: Rate
    end: float | None = None


def decays(x: Array, share: Array, tolerance: float, planned: float | None) -> list[Candidate]:
    """Continuations of a logged decay.

    Parameters
    ----------
    x, share : ndarray, shape (n,)
        Logged rates since the last sudden change, as shares of the peak; they may begin with a constant stretch.
    tolerance : float
        Share of the peak within which a log can be expected to follow its formula.
    planned : float or None
        x at which training is planned to end.
    """
    flat = int(np.flatnonzero(share >= share[0] - 1e-9)[-1])
    fits = _fits(x, share, 0, float(x[0]), tolerance, planned)
    if x[0] > 0:  # the log may start later than the decay did
        fits += _fits(x, share, 0, 0.0, tolerance, planned)
    if 0 < flat <= x.size - 3:
        fits += _fits(x, share, flat, float(x[flat]), tolerance, planned)
    best = min((miss for miss, _ in fits), default=np.inf)
    if best > _MISS:
        return [_straight_on(x, share)]
    looks = min(float(x.size - flat), _POINTS)
    weighed = [
        Candidate(c.rate, c.probability * float(np.exp(-0.5 * looks * (miss**2 - best**2))), c.words)
        for miss, c in fits
        if miss <= _MISS
    ]
    top = max(c.probability for c in weighed)
    return _distinct([c for c in weighed if c.probability >= 0.02 * top], float(x[-1]), planned)


def _straight_on(x: Array, share: Array) -> Candidate:
    """No shape fits: the recent slope goes on for as long again as it was looked at, then the rate rests."""
    back = max(x.size // 4, 1)
    span = float(x[-1] - x[-1 - back])
    slope = min(float(share[-1] - share[-1 - back]) / span, 0.0)
    last, level = float(x[-1]), float(share[-1])
    return Candidate(lambda v: level + slope * np.minimum(v - last, span), 1.0, "unrecognized: recent slope, then rest")


def _same(v: Array) -> Array:
    return v


def _shapes(begin: float, last: float, planned: float | None, rested: bool) -> list[_Shape]:
    """What a decay that began at ``begin`` may be; slow laws hardly ever follow a stable phase (``rested``)."""
    slow = 0.02 if rested else 0.2
    found = [
        _Shape("linear", 1.0, _same, _same, _same, planned),
        _Shape("exponential", 0.5, _same, lambda e: np.log(np.maximum(e, 1e-12)), np.exp),
        _Shape("inverse square root", slow, _same, lambda e: np.maximum(e, 1e-6) ** -2.0, _inverse_root),
        _Shape("inverse time", slow, _same, lambda e: 1 / np.maximum(e, 1e-6), lambda z: 1 / np.maximum(z, 1.0)),
    ]
    if planned is not None:
        found.append(_Shape("cosine", 1.0, _cosine(begin, planned), _same, _same, planned))
        found.append(_Shape("1 - sqrt", 0.5, _root(begin, planned), _same, _same, planned))
    else:  # a cosine's end can be read off only after its middle
        for factor in np.geomspace(1.02, 6.0, 60):
            end = begin + (last - begin) * float(factor)
            found.append(_Shape("cosine", 0.05, _cosine(begin, end), _same, _same, end))
    return found


def _inverse_root(z: Array) -> Array:
    return np.asarray(np.maximum(z, 1.0) ** -0.5)


def _cosine(begin: float, end: float) -> Rate:
    return lambda v: np.cos(np.pi * np.clip((v - begin) / (end - begin), 0.0, 1.0))


def _root(begin: float, end: float) -> Rate:
    return lambda v: -np.sqrt(np.clip((v - begin) / (end - begin), 0.0, 1.0))


def _fits(
    x: Array, share: Array, flat: int, begin: float, tolerance: float, planned: float | None
) -> list[tuple[float, Candidate]]:
    """Every shape that began at ``begin``, from the point ``flat`` on: its miss in tolerances, and what it says."""
    last, level = float(x[-1]), float(share[-1])
    first = flat + 1 if flat else 0  # the decay begins somewhere between the last constant point and the next
    t, e = x[first:], share[first:]
    out: list[tuple[float, Candidate]] = []
    for shape in _shapes(begin, last, planned, flat > 0):
        target = shape.forward(e)
        base = shape.base(t)
        if np.ptp(base) <= 0:
            continue
        scale = float(np.ptp(base))
        design = np.stack([np.ones_like(base), (base - base[-1]) / scale], axis=1)
        weight = np.maximum(e, 1e-3) if shape.name == "exponential" else np.ones_like(e)
        solution = np.linalg.lstsq(design * weight[:, None], target * weight, rcond=None)[0]
        for coefficients, prior, words in _ended(shape, design, base, scale, target, solution, tolerance, level):
            miss = float(np.sqrt(np.mean((shape.back(design @ coefficients) - e) ** 2))) / tolerance
            rate = _rate(shape, coefficients, float(base[-1]), scale, last, level)
            out.append((miss, Candidate(rate, shape.belief * prior, words)))
    return out


def _ended(
    shape: _Shape,
    design: Array,
    base: Array,
    scale: float,
    target: Array,
    solution: Array,
    tolerance: float,
    level: float,
) -> list[tuple[Array, float, str]]:
    """The free fit, and the fits that end at a round share of the peak where the log does not rule them out."""
    if shape.end is None:
        return [(solution, 1.0, shape.name)]
    at_end = np.array([1.0, (float(shape.base(np.array([shape.end]))[0]) - base[-1]) / scale])
    spread = float(np.sqrt(at_end @ np.linalg.inv(design.T @ design) @ at_end)) * tolerance
    free_end = float(at_end @ solution)
    # A line that the log leaves free to end anywhere within `spread` and that hits a round end does so for a reason.
    surprise = float(np.clip(0.4 / max(spread, 1e-9), 1.0, 20.0))
    found: list[tuple[Array, float, str]] = []
    lean = at_end[1] - design[:, 1]
    for end in _ENDS:
        if end >= level or abs(end - free_end) > 4 * spread + 1e-9:
            continue
        slope = float(lean @ (end - target)) / float(lean @ lean)
        coefficients = np.array([end - slope * at_end[1], slope])
        belief = surprise * (1.0 if end in (0.0, 0.1) else 0.3)
        found.append((coefficients, belief, f"{shape.name} to {100 * end:.0f} % of the peak"))
    if -2 * spread - 1e-6 <= free_end:
        words = f"{shape.name} to {100 * max(free_end, 0.0):.0f} % of the peak"
        found.append((solution, 0.1 if found else 0.5, words))
    return found


def _rate(shape: _Shape, coefficients: Array, at: float, scale: float, last: float, level: float) -> Rate:
    """The fitted shape beyond the log, moved to start at the last logged rate, never above it, at rest after its end."""

    def fitted(v: Array) -> Array:
        return shape.back(coefficients[0] + coefficients[1] * (shape.base(v) - at) / scale)

    offset = level - float(fitted(np.array([last]))[0])
    end = np.inf if shape.end is None else shape.end

    def rate(v: Array) -> Array:
        fade = np.clip((end - v) / (end - last), 0.0, 1.0) if np.isfinite(end) and end > last else 1.0
        return np.clip(fitted(np.minimum(v, end)) + offset * fade, 0.0, level)

    return rate


def _distinct(found: list[Candidate], last: float, planned: float | None) -> list[Candidate]:
    """Candidates that differ by less than 1 % of the peak up to the end are one."""
    probe = np.linspace(last, planned if planned is not None else 2 * last, 33)
    kept: list[tuple[Array, Candidate]] = []
    for c in sorted(found, key=lambda c: -c.probability):
        values = c.rate(probe)
        for i, (other, same) in enumerate(kept):
            if np.max(np.abs(values - other)) < 0.01:
                kept[i] = (other, Candidate(same.rate, same.probability + c.probability, same.words))
                break
        else:
            kept.append((values, c))
    return [c for _, c in kept][:6]
