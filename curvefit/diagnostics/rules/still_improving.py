"""The curve still improves beyond its noise, and a gain that matters is left."""

from __future__ import annotations

from typing import Final

from .._leveling import SMALL
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice
from ._text import no_curve, number, percent, too_short

__all__ = ["SEVERITY", "still_improving"]

SEVERITY: Final = "info"
VOICE = Voice("still_improving", SEVERITY)

ALPHA_GAIN = 0.05


def still_improving(evidence: Evidence) -> Diagnosis:
    r"""Test for a slope that is still downward, and say what it is worth.

    .. math:: P(\text{gain left} \le 0) < 0.05 \quad\text{and}\quad \text{gain left} > 0.02\,\text{drop}

    Parameters
    ----------
    evidence : Evidence
        The main curve and its forecast.

    Returns
    -------
    Diagnosis
        Evidence: the gain to the horizon if the present course goes on, and the forecast at a quarter, half and all of
        the way.

    Notes
    -----
    The slope is taken over the last 60, 40 and 25 % of the run in the last phase of the learning rate, with serially
    correlated noise.
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
    p_value = ahead.p_no_gain()
    unit = evidence.run[name].x_unit
    facts = {
        "gain_left": ahead.gain,
        "gain_left_stderr": ahead.stderr,
        "smallest_gain": eps,
        "horizon": evidence.horizon,
        "alpha": ALPHA_GAIN,
    }
    found = evidence.forecast(name)
    if found is not None:
        sign = 1.0 if found.direction == "min" else -1.0
        for x, value in zip(found.x.tolist(), found.mean().tolist(), strict=True):
            facts[f"forecast_gain_at_{x:g}"] = sign * (found.level_now - value)
    if p_value < ALPHA_GAIN and ahead.gain > eps:
        gain = facts.get(f"forecast_gain_at_{evidence.horizon:g}", 0.0)
        share = f" ({percent(gain / boiled.drop)} of the improvement so far)" if boiled.drop > 0 else ""
        come = (
            f" The forecast gains {number(gain)}{share} by {unit} {number(evidence.horizon)}."
            if gain > 0
            else " The forecast does not follow: it sees no gain that lasts."
        )
        return VOICE.present(
            f"{name} still improves beyond its noise, by its slope over the last part of the run.{come}",
            "Whether going on pays, and until when, is for the recommendation to say." + _decay(evidence, unit),
            facts,
            metric=name,
            p_value=p_value,
        )
    if ahead.p_more_than(eps) < ALPHA_GAIN:
        return VOICE.absent(f"{name} has levelled off.", facts, metric=name, p_value=p_value)
    return VOICE.undecided(
        f"Whether {name} still improves cannot be told from its noise; more points, or the mean of several seeds, would "
        "decide it.",
        facts,
        metric=name,
        p_value=p_value,
    )


def _decay(evidence: Evidence, unit: str) -> str:
    """What a decay would bring, unless the log shows that the rate is being lowered already."""
    schedule = evidence.schedule
    if evidence.horizon is None or (
        schedule is not None and len(schedule) and schedule.rate[-1] < 0.99 * schedule.peak
    ):
        return ""
    return f" If {unit} {number(evidence.horizon)} is the budget, a learning-rate decay at its end gains more."
