"""Level since an onset inside the data, and what is left to gain is negligible."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...curves import Curve, Estimate
from ...curves.numbers import format_probability
from ...segmentation._level_kink import level_kink
from .._leveling import CERTAIN, LIKELY, SLOW, SMALL
from .._trace import Trace
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice, place
from ._text import no_curve, number, percent, too_short

__all__ = ["SEVERITY", "plateaued"]

SEVERITY: Final = "info"
VOICE = Voice("plateaued", SEVERITY)

ALPHA_LEVEL = 0.05
_KINK_BINS = 12
LOSS = 2.5  # times the smallest gain: a curve that gets worse by this is not level either
ADVICE = (
    "Stop, or lower the learning rate or change the schedule if more is wanted. A plateau can precede a breakthrough, "
    "which nothing in the curve announces."
)


def plateaued(evidence: Evidence) -> Diagnosis:
    r"""Test for equivalence: less than 2 % of the total gain is left to the horizon.

    .. math:: P(\text{gain left} \ge \varepsilon) < 0.05 \;\text{and}\;
              P(\text{loss} \ge 2.5\,\varepsilon) < 0.05, \qquad \varepsilon = 0.02\,\text{drop}

    if the present course goes on; the onset is the first x with ``(f(x) - f(H)) / (f(x_1) - f(H)) <= 0.02``.

    Parameters
    ----------
    evidence : Evidence
        The main curve.

    Returns
    -------
    Diagnosis
        Where: the onset, with the first x at which it cannot be excluded and the last at which it is not certain.

    Notes
    -----
    A curve that gained most of all in its first steps can still improve slowly and surely: if the gain left exceeds a tenth
    of what the last nine tenths of the run gave, beyond noise, it is not level. A slope that is merely not significant proves
    nothing and gives "undecided" with the number of points that would
    decide. A level verdict carries a second opinion that knows no threshold: the kink of a broken line that ends with
    slope zero, with its interval and the p-value of there being one, under correlated noise. The forecast's own P(gain > eps),
    which allows for changes of course, is among
    the evidence, and above one half it leaves the question open.
    """
    name = evidence.main
    if name is None:
        return no_curve(VOICE)
    boiled = evidence.trace(name)
    if boiled is None:
        return too_short(VOICE, evidence, name)
    ahead = evidence.course(name)
    if ahead is None or evidence.horizon is None:
        return VOICE.undecided(
            "The last phase of the learning rate is too short to show a course; 6 more points in it would.", metric=name
        )
    eps = SMALL * boiled.drop
    unit = evidence.run[name].x_unit
    p_value = max(ahead.p_more_than(eps), ahead.p_lost(LOSS * eps))
    facts = {
        "gain_left": ahead.gain,
        "gain_left_stderr": ahead.stderr,
        "smallest_gain": eps,
        "drop": boiled.drop,
        "horizon": evidence.horizon,
        "alpha": ALPHA_LEVEL,
    }
    chance = evidence.chance_gain_exceeds(name, eps)
    if chance is not None:
        facts["forecast_chance_of_more"] = chance
    if boiled.drop <= 0 or p_value >= ALPHA_LEVEL:
        if ahead.p_no_gain() < ALPHA_LEVEL and ahead.gain > eps:
            return VOICE.absent(f"{name} is still improving.", facts, metric=name, p_value=p_value)
        # standard errors shrink with the root of the number of points at the same share of the run
        excess = 2.0 * ahead.stderr / max(eps - max(ahead.gain, 0.0), 0.3 * eps, 1e-300)
        needed = int(np.ceil(boiled.count * np.clip(min(excess, 10.0) ** 2, 1.2, 50)))
        return VOICE.undecided(
            f"Whether {name} is level cannot be told from the noise: the slope of its last part allows both a level course and a "
            f"gain of more than {percent(SMALL)} of all it has gained to {unit} {number(evidence.horizon)}; about {needed} points "
            "(or a larger evaluation set) would decide.",
            {**facts, "points_needed": float(needed)},
            metric=name,
            p_value=p_value,
        )
    if chance is not None and chance > LIKELY:
        return VOICE.undecided(
            f"By its last part {name} is level, but the forecast, which has seen other curves, gives a gain of more than "
            f"{percent(SMALL)} of all it has gained by {unit} {number(evidence.horizon)} a probability of "
            f"{format_probability(chance)}; going on for a fifth of the run would tell.",
            facts,
            metric=name,
            p_value=p_value,
        )
    recent = float(boiled.trend[len(boiled) // 10] - boiled.trend.min())
    facts["recent_drop"] = recent
    if ahead.gain > SLOW * recent and ahead.p_no_gain() < CERTAIN:
        return VOICE.absent(
            f"{name} still improves, slowly: what is left to {unit} {number(evidence.horizon)} is less than {percent(SMALL)} of all it "
            f"has gained, but {percent(ahead.gain / recent) if recent > 0 else 'all'} of what it gained since {unit} "
            f"{number(float(boiled.x[len(boiled) // 10]))}.",
            facts,
            metric=name,
            p_value=p_value,
        )
    onset = _onset(boiled, ahead.gain, eps, unit)
    kink = _kink(evidence.run[name], boiled)
    facts |= kink
    return VOICE.present(
        f"{name} is level at {number(boiled.sign * float(np.mean(boiled.y[-max(len(boiled) // 5, 1) :])))} since about "
        f"{unit} {number(onset.value or 0.0)}: if the present course goes on, less than {percent(SMALL)} of all it has gained is "
        f"left to {unit} {number(evidence.horizon)}.",
        ADVICE,
        {**facts, "onset": onset.value or 0.0},
        metric=name,
        where=(onset,),
        p_value=p_value,
    )


def _kink(curve: Curve, boiled: Trace) -> dict[str, float]:
    """Evidence from a broken line through the averages that ends level: where it breaks, and is there a break at all?

    Linear or logarithmic in the position, whichever leaves less; the last phase alone where the rate was cut before.
    """
    start = boiled.spans[-1].start
    if len(boiled) - start < _KINK_BINS:
        return {}
    x = np.interp(boiled.at[start:], np.arange(len(curve)), curve.x)  # the middle of a bin, which may lie between two x
    y, w = boiled.y[start:], boiled.weight[start:] ** -2.0
    if float(np.ptp(y)) == 0 or np.unique(x).size < _KINK_BINS:
        return {}
    y, w = y / float(np.max(np.abs(y))), w / float(np.max(w))  # squares neither overflow nor vanish
    found = level_kink(x, y, w)
    if found is None:
        return {}
    return {"kink": found.x, "kink_low": found.low, "kink_high": found.high, "kink_p_value": found.p_value}


def _onset(boiled: Trace, gain: float, eps: float, unit: str) -> Estimate:
    """First bin from which the local mean stays within ``eps`` of the level at the horizon; with its uncertainty.

    Where a curve bends, a local mean lies above it until its window has passed: the interval begins half a window earlier.
    """
    tail = max(len(boiled) // 5, 3)
    level, _ = boiled.level(len(boiled) - tail, len(boiled))
    bound = level - max(gain, 0.0) + eps
    local, error = boiled.local, boiled.local_stderr

    def settled(values: np.ndarray) -> int:
        above = np.flatnonzero(values > bound)
        return min(int(above[-1]) + 1, len(boiled) - 1) if above.size else 0

    # noise lifts single local means above the bound; the trend decides, the band says how sure
    middle = settled(np.minimum(boiled.trend, local))
    early, late = settled(local - 1.96 * error - 0.5 * eps), settled(np.minimum(boiled.trend, local) + 0.5 * eps)
    x = boiled.x
    first = max(min(early, middle) - boiled.half_window - 1, 0)
    return place("plateau_onset", x[middle], x[first], x[max(late, middle)], unit, method="gain left")
