"""A sawtooth or wave of fixed period in the curve."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...curves import Schedule
from ...fitting.autocorrelation import lag1
from .._periodogram import CYCLES, LEAST, epoch_length, epochs, levels
from .._phases import turning_points
from .._rows import medians
from .._scan import student_tail
from .._trace import cautious
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice, stretch
from ._text import no_curve, number, percent, too_short

__all__ = ["SEVERITY", "periodic"]

SEVERITY: Final = "warning"
VOICE = Voice("periodic", SEVERITY)

SMALLEST = 0.01  # of the total drop: a lower amplitude is of no consequence
TREND = 8  # terms of the smooth curve beside a sawtooth
MOST = 65_536  # of a longer schedule the last rates are looked at
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
    z = levels(single)
    facts = {"points": float(z.size), "alpha": ALPHA}
    found = evidence.line(name)
    if found is None:
        return VOICE.absent(f"{name} has no noise to look for a period in.", facts, metric=name, p_value=1.0)
    p_value, cycles, power = found.p_value, found.cycles, found.power
    seen = epochs(evidence.run, curve.x[-z.size :])
    saw = None if seen is None or epoch_length(seen) is None else _sawtooth(z, seen)
    if saw is not None and saw[0] <= p_value:
        p_value, cycles, power = saw
    period = z.size / cycles
    step = float(medians(np.diff(curve.x)))
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
            stretch(
                "period",
                period * step,
                z.size / (cycles + 0.25) * step,
                z.size / (cycles - 0.25) * step,
                unit,
                method="a quarter of a cycle, "
                + ("periodogram" if saw is None or saw[0] > p_value else "logged epoch"),
            ),
        ),
        p_value=p_value,
    )


def _swings(schedule: Schedule | None) -> int:
    """How often a logged learning rate goes up and comes down again."""
    if schedule is None or len(schedule) < 3 or schedule.peak <= 0:
        return 0
    return len(turning_points(schedule.rate[-MOST:], 0.2 * schedule.peak)) // 2


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
