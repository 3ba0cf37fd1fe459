"""A sawtooth or wave of fixed period in the curve."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...curves import Schedule
from ...fitting.autocorrelation import lag1
from .._phases import turning_points
from .._rows import medians
from .._scan import student_tail
from .._trace import cautious
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
TREND = 8  # terms of the smooth curve beside a sawtooth
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
    so that heavy tails do not matter. At least six periods must have been seen. Where the epoch is logged along, its length is
    tested without a search, and so is a ramp that begins anew with each epoch, by generalized least squares. A logged
    learning rate that goes up and down several times explains it.
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
    epochs = _epochs(evidence, curve.x[-z.size :])
    found = _line(z, _length(epochs))
    if found is None:
        return VOICE.absent(f"{name} has no noise to look for a period in.", facts, metric=name, p_value=1.0)
    p_value, cycles, power = found
    saw = None if _length(epochs) is None or epochs is None else _sawtooth(z, epochs)
    if saw is not None and saw[0] <= p_value:
        p_value, cycles, power = saw
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
                method="periodogram" if saw is None or saw[0] > p_value else "logged epoch",
            ),
        ),
        p_value=p_value,
    )


def _swings(schedule: Schedule | None) -> int:
    """How often a logged learning rate goes up and comes down again."""
    if schedule is None or len(schedule) < 3 or schedule.peak <= 0:
        return 0
    return len(turning_points(schedule.rate[-MOST:], 0.2 * schedule.peak)) // 2


def _epochs(evidence: Evidence, x: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Epoch at each x where it is logged along, with its fraction: whole numbers are taken to begin where they first stand."""
    logged = next((c for k, c in evidence.run.curves.items() if _EPOCH.search(k) and len(c) > 1), None)
    if logged is None or logged.x[0] > x[0] or logged.x[-1] < x[-1] or np.any(np.diff(logged.y) < 0):
        return None
    first = np.r_[True, np.diff(logged.y) > 0]
    at, epoch = logged.x[first], logged.y[first]
    if at.size < 2:
        return None
    beyond = (epoch[-1] - epoch[0]) / (at[-1] - at[0]) * np.maximum(x - at[-1], 0.0)
    return np.asarray(np.interp(x, at, epoch) + beyond)


def _length(epochs: NDArray[np.float64] | None) -> float | None:
    """Length of an epoch in observations, where the curve tells enough of them apart."""
    if epochs is None or not epochs[-1] > epochs[0]:
        return None
    length = (epochs.size - 1) / float(epochs[-1] - epochs[0])
    return length if length >= SHORTEST and epochs.size / length >= CYCLES - 0.5 else None


def _sawtooth(z: NDArray[np.float64], epochs: NDArray[np.float64]) -> tuple[float, float, float] | None:
    r"""p-value, number of cycles and variance of a ramp that begins anew with each epoch: its place is known.

    .. math:: z_i = s(t_i) + \beta\,(e_i - \lfloor e_i \rfloor) + u_i, \qquad p = 2 P(t_{16} > |\hat t| / v)

    by generalized least squares beside a smooth s, with AR(1) errors u; v is what waves of nearby periods, of which there
    are none, show in units of their errors, where that is more than 1: an AR(1) need not fit there.
    """
    n, ramp = z.size, epochs - np.floor(epochs) - 0.5
    cycles = float(epochs[-1] - epochs[0]) * n / (n - 1)
    s = np.log1p(np.arange(n) / (0.25 * n))
    smooth = np.polynomial.chebyshev.chebvander(2 * s / s[-1] - 1, TREND)
    beside = [c for c in cycles + np.arange(-4.0, 4.5, 0.5) if abs(c - cycles) >= 1.5 and c > TREND / 2]
    angle = 2 * np.pi * np.outer(np.arange(n) / n, beside)
    waves = np.column_stack([ramp, np.cos(angle), np.sin(angle)])
    q = np.linalg.qr(np.column_stack([smooth, ramp]))[0]
    rest = z - q @ (q.T @ z)
    taken = TREND + 2
    rho = cautious(lag1(rest, parameters=taken), n - taken)

    def white(v: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate((np.sqrt(1 - rho**2) * v[:1], v[1:] - rho * v[:-1]))

    q = np.linalg.qr(white(smooth))[0]
    columns, response = white(waves), white(z)
    columns, response = columns - q @ (q.T @ columns), response - q @ (q.T @ response)
    power = np.sqrt(np.sum(columns**2, axis=0))
    if not np.all(power > 0):
        return None
    along = (columns / power).T @ response
    left = float(response @ response - along[0] ** 2)
    if left <= 0:
        return None
    t = along / np.sqrt(left / (n - taken))
    free = response - columns[:, 0] * along[0] / power[0]
    near = (columns[:, 1:] / power[1:]).T @ free / np.sqrt(left / (n - taken))
    uneven = max(1.0, float(np.sqrt(np.mean(near**2))))
    p_value = min(1.0, 2 * student_tail(abs(float(t[0])) / uneven, 16.0))
    return p_value, cycles, float((along[0] / power[0]) ** 2 / 12)


def _line(z: NDArray[np.float64], known: float | None = None) -> tuple[float, float, float] | None:
    """p-value, number of cycles and variance of the strongest periodic part, None when there is no variation.

    Half of the level is spent on the length of an epoch, where that is known, which needs no search.
    """
    from scipy.special import gammaincc

    n = z.size
    z = z - z.mean()
    if not np.any(z):
        return None
    # frequencies in half cycles: a line between two whole numbers of cycles is not lost
    whiter = z - lag1(z) * np.concatenate((z[-1:], z[:-1]))  # an even background is known better than a steep one
    raw = np.abs(np.fft.rfft(whiter, 2 * n)[2:n]) ** 2 / n
    if raw.size < 24 or float(medians(raw)) <= 0:
        return None
    ratio = raw / _background(raw)
    first = np.arange(2 * CYCLES, min(2 * n // SHORTEST, n - 1) + 1)
    best, paid = 1.0, 1.0
    where: tuple[float, int, list[int]] | None = None  # cycles, harmonics (0 where the cycles are known) and lines
    if known is not None:
        paid, line = 2.0, round(2 * n / known)
        for h in HARMONICS:
            inside = [j * line - 2 for j in range(1, h + 1) if 0 <= j * line - 2 < ratio.size]
            p = (
                min(1.0, paid * len(HARMONICS) * float(gammaincc(len(inside), float(np.sum(ratio[inside])))))
                if inside
                else 1.0
            )
            if p < best:
                best, where = p, (n / known, 0, inside)
    for h in HARMONICS:
        usable = first[h * first < n]
        if not usable.size:
            continue
        total = ratio[usable - 2]
        for j in range(2, h + 1):
            total = total + ratio[j * usable - 2]
        at = int(np.argmax(total))
        p = min(1.0, paid * len(HARMONICS) * usable.size * float(gammaincc(h, total[at])))
        if p < best:
            line = int(usable[at])
            if not _part_of_longer(ratio, line):
                best, where = p, (line / 2, h, [j * line - 2 for j in range(1, h + 1)])
    if where is None:
        return best, 1.0, 0.0
    cycles, h, lines = where
    return best, _refined(z, cycles, h) if h else cycles, _power(z, lines)


def _power(z: NDArray[np.float64], lines: list[int]) -> float:
    """Variance in lines of the periodogram, counted from the second half cycle."""
    n = z.size
    return float(np.sum(np.abs(np.fft.rfft(z, 2 * n)[2:n][lines]) ** 2)) / n * 2 / n


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
    power = np.concatenate([_heights(part, t, z, harmonics) for part in np.array_split(tried, 1 + z.size // 8192)])
    return float(tried[int(np.argmax(power))])


def _heights(
    cycles: NDArray[np.float64], t: NDArray[np.complexfloating], z: NDArray[np.float64], harmonics: int
) -> NDArray[np.float64]:
    """Power of each number of cycles and its harmonics."""
    first = np.exp(cycles[:, None] * t)
    wave, power = first, np.zeros(cycles.size)
    for j in range(1, harmonics + 1):
        wave = wave if j == 1 else wave * first
        power += np.abs(wave @ z) ** 2
    return power


def _background(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth spectrum: a quadratic in log f through the log periodogram, with high values pulled in."""
    n = raw.size + 2
    design, used, solve, margin = _quadratic(n) if n <= 4096 else _quadratic.__wrapped__(n)
    logs = np.log(np.maximum(raw, 1e-12 * float(raw.max())))
    inner, seen = design[used], logs[used]
    fitted, least = np.full(seen.size, float(medians(logs))), np.zeros(3)
    for _ in range(4):
        # of an exponential variable the logarithm has mean -0.577 and standard deviation 1.28
        least = solve @ (fitted + np.minimum(np.maximum(seen - fitted, -4.0), 1.7))
        fitted = inner @ least
    out: NDArray[np.float64] = np.exp(design @ least + margin)
    slow = 2 * CYCLES - 2
    out[:slow] = out[slow]  # not beyond where it was fitted
    return out


@lru_cache(maxsize=64)
def _quadratic(n: int) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Columns at each half cycle from 2 to n, the ones that are fitted, what takes these to coefficients, and a margin."""
    half = np.arange(2, n)
    u = np.log(half / half[-1])
    design = np.column_stack([np.ones(u.size), u, u * u])
    weight = half**-0.25  # between equal weights and as much for every octave
    weight[half < 2 * CYCLES] = 0.0  # the trend has taken what is slower
    weight[half % 2 == 1] = 0.0  # between whole numbers of cycles nothing is independent
    q, r = np.linalg.qr(design * weight[:, None])
    cross = (q * weight[:, None] ** 2).T @ q
    back = design @ np.linalg.inv(r)
    error = 1.28 * np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", back, cross, back), 0.0))
    used = np.flatnonzero(weight)
    solve = np.linalg.solve(r, (q * weight[:, None])[used].T)
    out = design, used, solve, 0.61 + CAUTION * error
    for part in out:
        part.flags.writeable = False
    return out
