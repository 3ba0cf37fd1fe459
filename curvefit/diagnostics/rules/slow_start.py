"""Nothing happens at first: the curve is flat or climbs before it begins to fall."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from .._scan import student_tail
from .._trace import Trace, decays
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice, stretch
from ._text import no_curve, number, too_short

__all__ = ["SEVERITY", "slow_start"]

SEVERITY: Final = "info"
VOICE = Voice("slow_start", SEVERITY)

ALPHA_START = 0.05  # information: a convex curve has no such bend at all
LATEST = 0.5  # share of the run within which a start ends
SMALLEST = 0.1  # of the total drop: what must be gained after the phase, and what may be gained in it
ADVICE = (
    "A learning-rate warm-up does this and needs no mending. Otherwise the initial learning rate is too low, or the "
    "initialization leaves the gradients small. Fits and forecasts should begin after it."
)


def slow_start(evidence: Evidence) -> Diagnosis:
    r"""Test that the curve falls faster in a second window than in the first one of the same length.

    .. math:: T = \max_w \frac{2 \bar y_{w..2w} - \bar y_{0..w} - \bar y_{2w..3w}}{\mathrm{se}}, \qquad
              p = K\,P(t_\nu > T)

    over K widths w of windows from the first observation on.

    Parameters
    ----------
    evidence : Evidence
        Training curve, else the main one.

    Returns
    -------
    Diagnosis
        Where: the end of the phase.

    Notes
    -----
    A curve that is convex, as every law of learning is from its first step on, has an expectation of T of at most 0
    whatever its shape. The standard error is that of the three means under AR(1) noise, whose size and cautious
    correlation are taken from the second half of the run.
    """
    name = evidence.progress
    if name is None:
        return no_curve(VOICE)
    boiled = evidence.trace(name)
    if boiled is None or len(boiled) < 12:
        return too_short(VOICE, evidence, name, least=12)
    m = len(boiled)
    widths = [w for w in (2, 3, 4, 6, 8, 12, 16, 20) if 3 * w <= m and w <= LATEST * m]
    late = evidence.recent(name, m // 2)  # a fall that comes suddenly would pass for noise near it
    tested = list(zip(_bends(boiled, late, tuple(widths)), widths, strict=True))
    facts = {"points": float(boiled.count), "rho": boiled.rho, "alpha": ALPHA_START}
    (t, size), width = max(tested, key=lambda one: one[0][0])
    p_value = min(1.0, len(widths) * student_tail(t, late.dof))
    facts |= {"bend": size, "t": min(t, 1e6)}
    if p_value >= ALPHA_START:  # most curves; where it would end need not be looked for
        return VOICE.absent(f"{name} falls from the start.", facts, metric=name, p_value=p_value)
    end = _end(boiled, width)
    gained = float(boiled.local[: end + 1].max() - boiled.local[end])
    later = float(boiled.local[end] - boiled.trend.min())
    if later < SMALLEST * boiled.drop or size < 0.5 * SMALLEST * boiled.drop:
        return VOICE.absent(f"{name} falls from the start.", facts, metric=name, p_value=p_value)
    if end > LATEST * m:
        return VOICE.absent(
            f"{name} falls late, but after more than half of the run: no start.", facts, metric=name, p_value=p_value
        )
    unit = evidence.run[name].x_unit
    at = float(boiled.x[end])
    facts |= {"end": at, "gained_in_it": gained, "gained_later": later}
    low, high = float(boiled.x[max(end - max(width // 2, 1), 0)]), float(boiled.x[min(end + max(width // 2, 1), m - 1)])
    word = "rises" if boiled.local[end] > boiled.local[0] + 3 * boiled.local_stderr[0] else "hardly moves"
    return VOICE.present(
        f"{name} {word} until about {unit} {number(at)} and improves from there.",
        ADVICE,
        facts,
        metric=name,
        where=(stretch("slow_start_end", at, low, high, unit, method="half a window about the hinge"),),
        p_value=p_value,
    )


def _bends(boiled: Trace, late: Trace, widths: tuple[int, ...]) -> list[tuple[float, float]]:
    """Student statistic and size of twice the middle mean less its neighbors, for windows of each width."""
    contrasts = _contrasts(widths)
    n = contrasts.shape[1]
    sizes = contrasts @ (boiled.y[:n] - boiled.y[0])
    c = contrasts * boiled.weight[:n]
    rho = late.rho_high
    carried = c @ decays(np.array([rho]), n)[0]
    variances = np.sum((2 * carried - c) * c, axis=1) / (1 - rho**2)
    stderrs = late.noise * np.sqrt(np.maximum(variances, 0.0))
    return [
        ((size / stderr if stderr > 0 else (np.inf if size > 0 else 0.0)), size / 2)
        for size, stderr in zip(sizes.tolist(), stderrs.tolist(), strict=True)
    ]


@lru_cache(maxsize=64)
def _contrasts(widths: tuple[int, ...]) -> np.ndarray:
    """Twice the middle mean less its neighbors, one row per width."""
    out = np.zeros((len(widths), 3 * max(widths)))
    for row, w in zip(out, widths, strict=True):
        row[: 3 * w] = np.repeat([-1.0, 2.0, -1.0], w) / w
    out.flags.writeable = False
    return out


def _end(boiled: Trace, width: int) -> int:
    """The bin from which the curve falls: a level and then a line through what follows, by least squares."""
    stop = min(3 * width, len(boiled))
    y, t = boiled.y[:stop], boiled.at[:stop]
    best, found = np.inf, 0
    for c in range(1, stop - 1):
        fall = np.maximum(t - t[c], 0.0)
        q, _ = np.linalg.qr(np.column_stack([np.ones(stop), fall, np.maximum(t - t[min(c + 2, stop - 1)], 0.0)]))
        rest = y - q @ (q.T @ y)
        power = float(rest @ rest)
        if power < best:
            best, found = power, c
    return found
