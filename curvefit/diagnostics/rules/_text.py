"""Sentences that several rules share."""

from __future__ import annotations

from ...curves.numbers import format_number, format_x
from .._trace import LEAST, Trace
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice

__all__ = ["WITHOUT", "lacking", "no_curve", "number", "pair", "percent", "plus_minus", "too_short", "without"]

WITHOUT = "Cannot tell without "
"""How a sentence begins that names what is not in the log, and ends with a full stop."""


def number(value: float) -> str:
    """A number short enough for a sentence; positions that are whole stay whole."""
    return format_x(value) if value == round(value) else format_number(value, digits=3)


def plus_minus(value: float, error: float) -> str:
    """A number and the half width of its interval, with the digits of that: ``0.604 ± 0.018``."""
    return f"{format_number(value, error)} ± {format_number(error, error)}"


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def no_curve(voice: Voice, what: str = "curve with a known direction") -> Diagnosis:
    """Undecided because nothing can be judged."""
    return voice.undecided(f"There is no {what}; log one, or name the metric and say which direction is better.")


def without(voice: Voice, what: str, metric: str | None = None) -> Diagnosis:
    """Undecided for want of a curve or an attribute; texts tell once what several rules want."""
    return voice.undecided(f"{WITHOUT}{what}.", metric=metric)


def too_short(voice: Voice, evidence: Evidence, name: str, least: int = LEAST) -> Diagnosis:
    """Undecided because the curve is too short to estimate its noise."""
    n = len(evidence.run[name])
    if evidence.run[name].direction is None:
        return voice.undecided(
            f"Whether smaller or larger {name} is better is unknown; give its direction.", {"points": n}, metric=name
        )
    return voice.undecided(
        f"{name} has {n} finite point{'s' if n != 1 else ''}; at least {least} would decide it.",
        {"points": n, "points_needed": least},
        metric=name,
    )


def lacking(evidence: Evidence) -> str:
    """Which of validation and training is not logged."""
    if evidence.validation is None:
        return "a validation curve" if evidence.main is not None else "a curve with a known direction"
    return "a training curve of the same kind"


def pair(voice: Voice, evidence: Evidence) -> tuple[str, Trace, str, Trace] | Diagnosis:
    """Validation and its training partner, each with its name; undecided, with the reason, when one of them lacks."""
    validation, training = evidence.validation, evidence.training
    if validation is None or training is None:
        return without(voice, lacking(evidence))
    val, train = evidence.trace(validation), evidence.trace(training)
    if val is None or train is None:
        return too_short(voice, evidence, validation if val is None else training)
    return validation, val, training, train
