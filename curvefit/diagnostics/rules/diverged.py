"""The run ends far above its best without recovery, or its values are no longer finite."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...curves import Curve
from .._noise import Residuals
from .._rows import medians
from .._scan import student_tail
from .._trace import Trace, oriented
from .._trend import MAD
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice, stretch
from ._text import no_curve, number, percent, too_short

__all__ = ["SEVERITY", "diverged"]

SEVERITY: Final = "error"
VOICE = Voice("diverged", SEVERITY)

LOST = 0.5  # share of the total drop that must be gone at the end
WALK = 3.0  # times the reach of a random walk: what lies beyond is no wander
ROUNDING = 1e-9  # of the level: what differs by less does not differ
LEARNED = 5.0  # standard errors that the drop must have before a climb within that reach counts
ADVICE = (
    "Restart from the best checkpoint with a lower learning rate (or a longer warm-up) and gradient clipping; "
    "look at the data and the gradients around the onset."
)
ADVICE_NONFINITE = (
    "Nothing after this is of use: restart from the last finite checkpoint with a lower learning rate, gradient "
    "clipping or higher precision; inspect the batch at the onset."
)


def diverged(evidence: Evidence) -> Diagnosis:
    r"""Compare the end of the training curve with its best level.

    .. math:: \text{end} - \text{best} > \max(0.5\,\text{drop},\; t_\alpha\, \mathrm{se}), \qquad
              \text{end} = \mathrm{median}(y_{n-k+1}, \dots, y_n)

    for k = 3 and for longer windows up to an eighth of the run, all of which must agree.

    Parameters
    ----------
    evidence : Evidence
        The training curve, or the main curve where no training curve is logged.

    Returns
    -------
    Diagnosis
        Where: the beginning of the climb, between the best point and the last x within a quarter of the rise.

    Notes
    -----
    Judged on training: a validation loss alone can climb beyond its first value by overfitting. The standard error of a
    window allows for serial correlation at its cautious estimate. A learning rate raised shortly before the end explains
    a rise, which is then undecided until the phase has run its course. A curve that wanders like a random walk ends
    above its best as well: before a run has gained more than its wander, only a climb beyond that is a divergence.
    """
    name = evidence.progress
    if name is None:
        return no_curve(VOICE)
    nonfinite = _nonfinite(evidence)
    if nonfinite is not None:
        return nonfinite
    curve = evidence.run[name]
    boiled = evidence.trace(name)
    if boiled is None:
        return too_short(VOICE, evidence, name)
    single = evidence.residuals(name)
    if single is None:
        return too_short(VOICE, evidence, name)
    y = oriented(curve)
    n = y.size
    best = float(np.min(boiled.local))
    lowest = int(np.argmin(boiled.local))
    windows = sorted({3, max(3, n // 50), max(3, n // 20)})
    ends = [float(medians(y[-k:])) for k in windows]
    size = min(ends) - best
    if abs(size) <= ROUNDING * max(abs(min(ends)), abs(best)):
        size = 0.0
    error = _error(boiled, single, lowest)
    t = size / error if error > 0 else (np.inf if size > 0 else 0.0)
    p_value = min(1.0, len(windows) * student_tail(float(min(t, 1e6)), max(min(boiled.dof, n - 2), 1)))
    drop = boiled.drop
    facts = {
        "best": boiled.sign * best,
        "last": boiled.sign * ends[0],
        "rise": size,
        "rise_stderr": error,
        "drop": drop,
        "points": n,
        "alpha": ALPHA,
    }
    lost = size / drop if drop > 0 else np.inf
    if size <= 0 or p_value >= ALPHA or lost < LOST:
        newest = ends[0] - best
        real = ROUNDING * max(abs(ends[0]), abs(best))
        if newest > max(LOST * drop, 6 * single.sd, real) and np.median(y[-3:]) > best + LOST * drop:
            return VOICE.undecided(
                f"The last values of {name} are far above its best, but too few to tell a divergence from a spike; "
                f"{windows[-1]} more points would decide it.",
                facts,
                metric=name,
                p_value=p_value,
            )
        return VOICE.absent(f"{name} ends near its best level.", facts, metric=name, p_value=p_value)
    last_span = boiled.spans[-1]
    raised = last_span.phase.rising or (last_span.phase.after_rise and _since(boiled, best, size) >= last_span.start)
    if raised and len(last_span) < 0.5 * len(boiled) and len(boiled.spans) > 1:
        return VOICE.undecided(
            f"{name} rose after the learning rate was raised at {curve.x_unit} {number(last_span.phase.start)}; "
            "whether it comes back shows when the rate has come down again.",
            facts,
            metric=name,
            p_value=p_value,
        )
    if _wanders(boiled, lowest, size, facts):
        return VOICE.undecided(
            f"{name} ends {number(size)} above its best level, but neither that nor what it had gained stands out of its own "
            "slow wander; a run two or three times as long would decide it.",
            facts,
            metric=name,
            p_value=p_value,
        )
    onset = _onset(curve, boiled, best, size)
    share = "" if not np.isfinite(lost) else f", {_times(lost)} what it had gained"
    return VOICE.present(
        f"{name} ends at a level of {number(boiled.sign * min(ends))}, {number(size)} worse than its best level "
        f"{number(boiled.sign * best)}{share}, and does not come back.",
        ADVICE,
        {**facts, "onset": onset[1], **({"share_lost": lost} if np.isfinite(lost) else {})},
        metric=name,
        where=(
            stretch(
                "divergence_onset",
                onset[1],
                onset[0],
                onset[2],
                curve.x_unit,
                method="from the best point to a quarter of the rise",
            ),
        ),
        p_value=p_value,
    )


def _times(share: float) -> str:
    """A share of something, or a multiple of it."""
    return f"{percent(share)} of" if share < 2 else f"{number(round(share) if share >= 10 else round(share, 1))} times"


def _wanders(boiled: Trace, lowest: int, size: float, facts: dict[str, float]) -> bool:
    """Whether a random walk with the steps of the curve would end as far above its best, and gains as much before it.

    The first is judged by the typical step from bin to bin, the second by the error of the difference of the halves: a
    run that has learned something is no random walk.
    """
    steps = np.diff(boiled.y)
    step = MAD * float(np.median(np.abs(steps - np.median(steps))))
    reach = step * float(np.sqrt(max(len(boiled) - lowest, 1)))
    half = len(boiled) // 2
    stderr = boiled.change((0, half), (len(boiled) - half, len(boiled)))[1]
    facts["wander"] = reach
    return size < WALK * reach and boiled.drop < LEARNED * stderr


def _error(boiled: Trace, single: Residuals, lowest: int) -> float:
    """Standard error of the median of the last three minus the best level.

    Two upper bounds, of which the smaller one holds: from the residuals about the trend with their correlation (large
    when the trend has missed a jump), and that of a random walk with the innovations seen from point to point.
    """
    best = boiled.level(max(lowest - boiled.half_window, 0), min(lowest + boiled.half_window + 1, len(boiled)))[1]
    rho = single.rho
    about_trend = 1.2533 * single.sd * float(np.sqrt(min((1 + rho) / max(1 - rho, 0.01), 3) / 3))
    walk = single.rough * float(np.sqrt(max(boiled.count - boiled.at[lowest], 3.0)))
    return min(float(np.hypot(about_trend, best)), walk)


def _since(boiled: Trace, best: float, size: float) -> int:
    """Last bin whose local mean was still within a quarter of the rise."""
    below = np.flatnonzero(boiled.local < best + 0.25 * size)
    return int(below[-1]) + 1 if below.size else 0


def _onset(curve: Curve, boiled: Trace, best: float, size: float) -> tuple[float, float, float]:
    """Where the climb began: the line through its 10 and 50 % points taken back to the best level.

    On running medians of three; the interval runs from the best point to the last x still within a quarter of the rise.
    """
    y = oriented(curve)
    middle = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(y, 1, mode="edge"), 3), axis=1)

    def left(share: float) -> float:
        below = np.flatnonzero(middle < best + share * size)
        return float(curve.x[min(int(below[-1]) + 1, y.size - 1) if below.size else 0])

    low = min(float(boiled.x[int(np.argmin(boiled.local))]), left(0.1))
    tenth, half = left(0.1), left(0.5)
    return low, max(tenth - (half - tenth) / 4.0, low), left(0.25)


def _nonfinite(evidence: Evidence) -> Diagnosis | None:
    """Present if the curve that matters, its training partner or its validation partner ends in NaN or infinity."""
    for name in dict.fromkeys(n for n in (evidence.progress, evidence.main, evidence.validation) if n is not None):
        curve = evidence.run[name]
        if not curve.nonfinite_x.size:
            continue
        last = float(curve.x[-1]) if len(curve) else -np.inf
        tail = curve.nonfinite_x[curve.nonfinite_x > last]
        if not tail.size:
            continue
        first = float(tail[0])
        what = "NaN" if np.isnan(curve.nonfinite_y[curve.nonfinite_x >= first][0]) else "infinite"
        facts = {"first_nonfinite_x": first, "nonfinite_points": float(tail.size)}
        if len(curve):
            facts |= {"last_finite_x": last, "last_finite_value": float(curve.y[-1])}
            text = f"{name} is {what} from {curve.x_unit} {number(first)} on (last finite at {number(last)})."
        else:
            text = f"{name} has no finite value: it is {what} from the first point, {curve.x_unit} {number(first)}, on."
        low = last if np.isfinite(last) else first
        return VOICE.present(
            text,
            ADVICE_NONFINITE,
            facts,
            metric=name,
            where=(stretch("first_nonfinite", first, low, first, curve.x_unit, method="logged values"),),
            p_value=0.0,
        )
    return None
