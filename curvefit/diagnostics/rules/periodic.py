"""A sawtooth or wave of fixed period in the curve."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...curves import Schedule
from ...fitting.autocorrelation import lag1
from .._phases import turning_points
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice, place
from ._text import no_curve, number, percent, too_short

__all__ = ["SEVERITY", "periodic"]

SEVERITY: Final = "warning"
VOICE = Voice("periodic", SEVERITY)

LEAST = 40  # observations
CYCLES = 6  # periods that must have been seen
SHORTEST = 4  # observations per period
SMALLEST = 0.01  # of the total drop: a lower amplitude is of no consequence
HARMONICS = (1, 2, 4)
CAUTION = 1.0  # standard errors by which the background is taken higher than it is fitted
_EPOCH = re.compile(r"(?i)(^|[^a-z])epoch$")
MOST = 65_536  # of longer curves the last observations are looked at
ADVICE = (
    "If the period is that of an epoch: shuffle the data anew in every epoch, check that no part of it is sorted, and look "
    "whether the logged value is an average that restarts with the epoch."
)


def periodic(evidence: Evidence) -> Diagnosis:
    r"""Test the periodogram of the residuals for a line and its harmonics above a smooth background.

    .. math:: S = \max_{f, h} \sum_{j=1}^{h} \frac{I(jf)}{B(jf)}, \qquad
              p = \sum_h F\, P\big(\Gamma(h) > S_h\big)

    over F frequencies and h in {1, 2, 4} harmonics, with the background B a quadratic in the logarithm of the frequency.

    Parameters
    ----------
    evidence : Evidence
        Training curve, else the main one.

    Returns
    -------
    Diagnosis
        Where: nothing in particular; evidence: period (in x), amplitude.

    Notes
    -----
    Serial correlation of any smooth kind, AR(1) and moving averages among them, is in the background, which is fitted to
    the logarithm of the periodogram of the innovations and corrected for its mean. Values are clipped at four robust standard deviations,
    so that heavy tails do not matter. Where the epoch is logged along, its length is tested without a search. At least six periods must have been seen. A logged learning rate that goes up and
    down several times explains it.
    """
    name = evidence.progress
    if name is None:
        return no_curve(VOICE)
    boiled, single = evidence.trace(name), evidence.residuals(name)
    if boiled is None or single is None or len(evidence.run[name]) < LEAST:
        return too_short(VOICE, evidence, name, least=LEAST)
    curve = evidence.run[name]
    settled = np.flatnonzero(single.settled)
    first = int(settled[0]) if settled.size else 0
    z = np.clip(single.level[max(first, len(curve) - MOST) :], -4.0, 4.0)
    facts = {"points": float(z.size), "alpha": ALPHA}
    found = _line(z, _epoch(evidence, name, z.size))
    if found is None:
        return VOICE.absent(f"{name} has no noise to look for a period in.", facts, metric=name, p_value=1.0)
    p_value, cycles, power = found
    period = z.size / cycles
    step = float(np.median(np.diff(curve.x)))
    unit = evidence.run[name].x_unit
    amplitude = single.sd * float(np.sqrt(2 * power))
    facts |= {"period": period * step, "period_in_points": period, "cycles": float(cycles), "amplitude": amplitude}
    if p_value >= ALPHA or amplitude < SMALLEST * boiled.drop:
        return VOICE.absent(f"{name} shows no period.", facts, metric=name, p_value=p_value)
    if _swings(evidence.schedule) >= CYCLES / 2:
        return VOICE.absent(
            f"{name} goes up and down every {number(period * step)} {unit}s, as the learning rate does.",
            facts,
            metric=name,
            p_value=p_value,
        )
    share = f", {percent(amplitude / boiled.drop)} of what it has gained" if boiled.drop > 0 else ""
    return VOICE.present(
        f"{name} repeats itself every {number(float(f'{period * step:.3g}'))} {unit}s ({cycles:.0f} times), with an "
        f"amplitude of {number(amplitude)}{share}.",
        ADVICE,
        facts,
        metric=name,
        where=(
            place(
                "period",
                period * step,
                z.size / (cycles + 0.25) * step,
                z.size / (cycles - 0.25) * step,
                unit,
                method="periodogram",
            ),
        ),
        p_value=p_value,
    )


def _swings(schedule: Schedule | None) -> int:
    """How often a logged learning rate goes up and comes down again."""
    if schedule is None or len(schedule) < 3 or schedule.peak <= 0:
        return 0
    return len(turning_points(schedule.rate[-MOST:], 0.2 * schedule.peak)) // 2


def _epoch(evidence: Evidence, name: str, count: int) -> float | None:
    """Length of an epoch in observations, where the epoch is logged along and the curve tells enough of them apart."""
    x = evidence.run[name].x[-count:]
    logged = next((c for k, c in evidence.run.curves.items() if _EPOCH.search(k) and len(c) > 1), None)
    if logged is None or logged.x[0] > x[0] or logged.x[-1] < x[-1] or np.any(np.diff(logged.y) < 0):
        return None
    first, last = np.interp(x[[0, -1]], logged.x, logged.y)
    epochs = float(last - first)
    length = (count - 1) / epochs if epochs > 0 else np.inf
    return length if length >= SHORTEST and count / length >= CYCLES - 0.5 else None


def _line(z: NDArray[np.float64], known: float | None = None) -> tuple[float, float, float] | None:
    """p-value, number of cycles and variance of the strongest periodic part, None when there is no variation.

    Half of the level is spent on the length of an epoch, where that is known, which needs no search.
    """
    from scipy.special import gammaincc

    n = z.size
    z = z - z.mean()
    if not np.any(z):
        return None
    half = np.arange(2, n)  # frequencies in half cycles: a line between two whole numbers of cycles is not lost
    own = np.abs(np.fft.rfft(z, 2 * n))[half] ** 2 / n
    whiter = z - lag1(z) * np.concatenate((z[-1:], z[:-1]))  # an even background is known better than a steep one
    raw = np.abs(np.fft.rfft(whiter, 2 * n))[half] ** 2 / n
    if raw.size < 24 or float(np.median(raw)) <= 0:
        return None
    ratio = raw / _background(half, raw)
    first = np.arange(2 * CYCLES, min(2 * n // SHORTEST, n - 1) + 1)
    best = (1.0, 1.0, 0.0)
    paid = 1.0
    if known is not None:
        paid, line = 2.0, round(2 * n / known)
        for h in HARMONICS:
            inside = [j * line - 2 for j in range(1, h + 1) if 0 <= j * line - 2 < ratio.size]
            p = (
                min(1.0, paid * len(HARMONICS) * float(gammaincc(len(inside), float(np.sum(ratio[inside])))))
                if inside
                else 1.0
            )
            if p < best[0]:
                best = (p, n / known, float(np.sum(own[inside])) * 2 / n)
    for h in HARMONICS:
        usable = first[h * first < n]
        if not usable.size:
            continue
        total = np.sum([ratio[j * usable - 2] for j in range(1, h + 1)], axis=0)
        at = int(np.argmax(total))
        p = min(1.0, paid * len(HARMONICS) * usable.size * float(gammaincc(h, total[at])))
        if p < best[0]:
            line = int(usable[at])
            if _part_of_longer(ratio, line):
                continue
            power = float(np.sum([own[j * line - 2] for j in range(1, h + 1)])) * 2 / n
            best = (p, _refined(z, line / 2, h), power)
    return best


def _part_of_longer(ratio: NDArray[np.float64], line: int) -> bool:
    """Whether the line, in half cycles, is a harmonic of a period too long to have been seen often enough."""
    for q in (2, 3, 4):
        base = line / q
        if base >= 2 * CYCLES:
            continue
        beside = [round(j * base) for j in range(1, 2 * q) if j % q]
        if max(ratio[i - 2] for i in beside if 2 <= i < ratio.size + 2) > max(0.2 * ratio[line - 2], 5.0):
            return True
    return False


def _refined(z: NDArray[np.float64], cycles: float, harmonics: int) -> float:
    """Number of cycles, not a whole one, at which the line and its harmonics are highest."""
    tried = cycles + np.linspace(-0.3, 0.3, 13)
    t = np.arange(z.size) * (-2j * np.pi / z.size)
    power = [sum(abs(np.dot(np.exp(t * j * f), z)) ** 2 for j in range(1, harmonics + 1)) for f in tried]
    return float(tried[int(np.argmax(power))])


def _background(half: NDArray[np.intp], raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth spectrum: a quadratic in log f through the log periodogram, with high values pulled in."""
    u = np.log(half / half[-1])
    design = np.column_stack([np.ones(u.size), u, u * u])
    weight = half**-0.25  # between equal weights and as much for every octave
    weight[half < 2 * CYCLES] = 0.0  # the trend has taken what is slower
    weight[half % 2 == 1] = 0.0  # between whole numbers of cycles nothing is independent
    logs = np.log(np.maximum(raw, 1e-12 * float(raw.max())))
    fitted = np.full(u.size, float(np.median(logs)))
    q, r = np.linalg.qr(design * weight[:, None])
    for _ in range(4):
        # of an exponential variable the logarithm has mean -0.577 and standard deviation 1.28
        pulled = fitted + np.clip(logs - fitted, -4.0, 1.7)
        fitted = design @ np.linalg.solve(r, q.T @ (pulled * weight))
    cross = (q * weight[:, None] ** 2).T @ q
    back = design @ np.linalg.inv(r)
    error = 1.28 * np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", back, cross, back), 0.0))
    out: NDArray[np.float64] = np.exp(fitted + 0.61 + CAUTION * error)
    out[half < 2 * CYCLES] = out[half >= 2 * CYCLES][0]  # not beyond where it was fitted
    return out
