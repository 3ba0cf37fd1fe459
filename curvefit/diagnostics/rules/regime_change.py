"""A sudden lasting change of level that neither the learning rate nor a restart explains."""

from __future__ import annotations

from typing import Final

from ...curves import Estimate
from .._unexplained import place_of, sort_changes
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice
from ._text import no_curve, number, too_short

__all__ = ["SEVERITY", "regime_change"]

SEVERITY: Final = "warning"
VOICE = Voice("regime_change", SEVERITY)

ADVICE = (
    "Look for what changed there: data, code, evaluation set, batch size, learning rate. Until it is known, judge the run by "
    "the part after it."
)


def regime_change(evidence: Evidence) -> Diagnosis:
    r"""Search the curves for a step, or one that relaxes within three bins, beside a smooth curve.

    .. math:: y_i = a + b u_i + c u_i^2 + d \ln(t_i + 1) + \delta\, r(t_i - t_k) + e_i, \qquad
              p = 2 K\, P(t_\nu > |\hat\delta| / \mathrm{se})

    over K places and shapes, under AR(1) noise, on averages (`curvefit.diagnostics._changes`); and for the strongest step of
    each phase from every observation (`curvefit.diagnostics._steps`), which slow noise does not hide.

    Parameters
    ----------
    evidence : Evidence
        The main curve and the training curve, the schedule, and the restarts of the run.

    Returns
    -------
    Diagnosis
        Where: the first x after each change, with its interval and size.

    Notes
    -----
    A change for the better is explained by a logged rate that falls there, one for the worse by a rate that rises, either
    by a restart, and the first great improvement by the beginning of learning. Without a logged learning rate a sudden drop is no warning: `lr_drop` reports it. A change for the worse
    that is gone before the end, by more than the course before it led down, is none of these either.
    """
    names = [n for n in dict.fromkeys((evidence.main, evidence.progress)) if n is not None]
    if not names:
        return no_curve(VOICE)
    answers = [_one(evidence, name, ALPHA / len(names)) for name in names]
    return next((a for a in answers if a.present), answers[0])


def _one(evidence: Evidence, name: str, alpha: float) -> Diagnosis:
    boiled = evidence.trace(name)
    if boiled is None:
        return too_short(VOICE, evidence, name)
    curve = evidence.run[name]
    unit = curve.x_unit
    found = sort_changes(evidence, name, boiled, alpha)
    facts = {
        "unexplained": float(len(found.unexplained)),
        "explained": float(len(found.explained)),
        "drops_without_schedule": float(len(found.drops)),
        "points": float(boiled.count),
        "alpha": alpha,
    }
    if found.unexplained:
        where = tuple(place_of("regime_change", curve, boiled, c, unit) for c in found.unexplained)
        largest = max(where, key=lambda e: abs(e.details["size"]))
        return VOICE.present(
            f"{name} {_told(where, boiled.sign, unit)}, and stays there; {_why(evidence)}.",
            ADVICE,
            {**facts, "largest": largest.details["size"]},
            metric=name,
            where=where,
            p_value=min(c.p_value for c in found.unexplained),
        )
    if found.drops:
        text = f"{name} drops suddenly, as after a cut of the learning rate, which is not logged: see lr_drop."
        text = text if boiled.sign > 0 else text.replace("drops", "jumps up")
    elif found.explained:
        text = f"Every sudden change of {name} has a known cause: the learning rate moves, the run was resumed, or learning begins there."
    elif found.passing:
        text = f"{name} gets worse suddenly, but comes back."
    else:
        text = f"No sudden lasting change of {name} stands out of its noise."
    return VOICE.absent(text, facts, metric=name)


def _told(where: tuple[Estimate, ...], sign: float, unit: str) -> str:
    """What happens where, in the words of the metric: a loss jumps up when it gets worse."""
    parts = []
    for e in where[:4]:
        better = e.details["size"] > 0
        verb = "drops" if better == (sign > 0) else "jumps up"
        parts.append(f"{verb} by {number(abs(e.details['size']))} at {unit} {number(e.value or 0.0)}")
    more = f" and {len(where) - 4} times more" if len(where) > 4 else ""
    return ", ".join(parts) + more


def _why(evidence: Evidence) -> str:
    schedule = evidence.schedule
    if schedule is not None and len(schedule) >= 3:
        return "the logged learning rate does not explain it"
    return "no cause is in the log"
