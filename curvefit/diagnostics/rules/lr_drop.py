"""A sudden lasting improvement at a drop of the learning rate, logged or, where it is not logged, found."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...curves import Estimate, Interval, RateChange
from .._scan import step, student_tail
from .._trace import Trace
from .._unexplained import place_of, sort_changes
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice
from ._text import no_curve, number, too_short

__all__ = ["SEVERITY", "lr_drop"]

SEVERITY: Final = "info"
VOICE = Voice("lr_drop", SEVERITY)

ALPHA_DROP = 0.01
PARTS = (0.0, 0.25, 0.5, 0.75)  # of a bin that may lie after a drop
ADVICE = (
    "Nothing to do: once enough follows the last drop, a third of a forecast with the logged rate rests on that phase; the "
    "fitted law is of the whole run."
)
ADVICE_FOUND = "Log the learning rate: then its drops are known, and anything else that happens suddenly stands out."


def lr_drop(evidence: Evidence) -> Diagnosis:
    r"""Test for a step in the metric at each sudden drop of the logged learning rate.

    .. math:: y_i = a + b\,t_i + c \ln t_i + \delta\,1[x_i \ge x_k] + e_i, \qquad p = K\,P(t_\nu > -\hat\delta/\mathrm{se})

    between the neighboring changes of phase, with AR(1) errors, over K drops.

    Parameters
    ----------
    evidence : Evidence
        The main curve, the training curve where the main one shows nothing, and the schedule.

    Returns
    -------
    Diagnosis
        Where: the x of each drop that shows, with its size and the ratio of the rates.

    Notes
    -----
    A logged place is known, so nothing is searched. Where no learning rate is logged, sudden lasting improvements are
    searched for in the values alone (`curvefit.diagnostics._changes`): they look like cuts of the rate, which the sentence
    says and the evidence (``logged`` = 0).
    """
    name = evidence.main
    if name is None:
        return no_curve(VOICE)
    schedule = evidence.schedule
    if schedule is None or len(schedule) < 3:
        return _found(evidence, name)
    changes = schedule.changes()
    if not changes:
        return VOICE.absent("The logged learning rate has no sudden drop.", {"rate_changes": 0.0}, metric=name)
    answers = [_one(evidence, n, changes) for n in dict.fromkeys((name, evidence.progress)) if n is not None]
    return next((a for a in answers if a.present), answers[0])


def _one(evidence: Evidence, name: str, changes: tuple[RateChange, ...]) -> Diagnosis:
    boiled = evidence.trace(name)
    if boiled is None:
        return too_short(VOICE, evidence, name)
    unit = evidence.run[name].x_unit
    tested, where, untested = 0, [], 0
    smallest = 1.0
    for change in changes:
        stretch = _around(boiled, change)
        fitted = None if stretch is None else step(boiled, *stretch)
        if stretch is None or fitted is None:
            untested += 1
            continue
        tested += 1
        delta, stderr = fitted
        p = min(1.0, len(changes) * student_tail(-delta / stderr, boiled.dof)) if stderr > 0 else 1.0
        smallest = min(smallest, p)
        if p < ALPHA_DROP:
            where.append(_place(change, *_sized(boiled, change, stretch, fitted), p, unit))
    facts = {"rate_changes": float(len(changes)), "tested": float(tested), "alpha": ALPHA_DROP}
    if where:
        listed = ", ".join(number(e.value or 0.0) for e in where)
        best = max(where, key=lambda e: e.details["size"])
        most = "by" if len(where) == 1 else "most by"
        return VOICE.present(
            f"{name} drops where the learning rate does, at {unit} {listed}: {most} {number(best.details['size'])} where the "
            f"rate is multiplied by {number(best.details['rate_ratio'])}."
            if boiled.sign > 0
            else f"{name} jumps up where the learning rate drops, at {unit} {listed}.",
            ADVICE,
            {**facts, "drops": float(len(where)), "largest": best.details["size"]},
            metric=name,
            where=tuple(where),
            p_value=smallest,
        )
    if tested:
        return VOICE.absent(
            f"The learning rate drops {len(changes)} time{'s' if len(changes) > 1 else ''}, but {name} does not react "
            "beyond its noise.",
            facts,
            metric=name,
            p_value=smallest,
        )
    return VOICE.undecided(
        f"The learning rate drops, but fewer than 4 points of {name} lie on a side of it; more would decide it.",
        facts,
        metric=name,
    )


def _found(evidence: Evidence, name: str) -> Diagnosis:
    """Sudden improvements without a logged rate, on the main curve or where that shows nothing on the training curve."""
    names = [n for n in dict.fromkeys((name, evidence.progress)) if n is not None]
    for each in names:
        boiled = evidence.trace(each)
        if boiled is None:
            continue
        found = sort_changes(evidence, each, boiled, ALPHA_DROP / len(names)).drops
        if not found:
            continue
        unit = evidence.run[each].x_unit
        where = tuple(place_of("lr_drop", evidence.run[each], boiled, c, unit) for c in found)
        listed = ", ".join(number(e.value or 0.0) for e in where)
        largest = max(e.details["size"] for e in where)
        verb = "drops" if boiled.sign > 0 else "jumps up"
        return VOICE.present(
            f"{each} {verb} suddenly at {unit} {listed}, by up to {number(largest)}, as after a cut of the learning rate, "
            "which is not in the log.",
            ADVICE_FOUND,
            {"logged": 0.0, "drops": float(len(where)), "largest": largest, "alpha": ALPHA_DROP},
            metric=each,
            where=where,
            p_value=min(c.p_value for c in found),
        )
    return VOICE.undecided(
        "The learning rate is not in the log and no sudden drop stands out; logging it would tell.",
        {"logged": 0.0},
        metric=name,
    )


def _around(boiled: Trace, change: RateChange) -> tuple[int, int, int] | None:
    """Bins to test a drop on: the first, the first after it, and the end."""
    i = int(np.searchsorted(boiled.x, change.x))
    starts = [s.start for s in boiled.spans]
    if i not in starts:
        near = [s for s in starts if abs(s - i) <= 1]
        if not near:
            return None
        i = near[0]
    k = starts.index(i)
    if k == 0:
        return None
    before, after = boiled.spans[k - 1], boiled.spans[k]
    reach = 24  # bins
    first = max(
        before.start + min(3, max(len(before) - 5, 0)), i - reach
    )  # the steep start bends more than the curve can
    return first, i, min(after.stop, i + reach)


def _sized(
    boiled: Trace, change: RateChange, stretch: tuple[int, int, int], fitted: tuple[float, float]
) -> tuple[float, float]:
    """Size and its error where between the two logged rates the drop shows best: taken elsewhere it is too small."""
    first, i, stop = stretch
    low = int(np.searchsorted(boiled.x, change.before_x, side="right"))
    binned = boiled.count > len(boiled)
    found = [fitted]
    for at in range(max(min(low, i), first + 4), i + 1 + binned):
        for part in PARTS if binned else PARTS[:1]:
            one = step(boiled, first, at, stop, part)
            if one is not None and one[1] > 0:
                found.append(one)
    return min(found, key=lambda one: one[0] / one[1] if one[1] > 0 else 0.0)


def _place(change: RateChange, delta: float, stderr: float, p_value: float, unit: str) -> Estimate:
    return Estimate(
        "lr_drop",
        change.x,
        Interval(change.before_x, change.x, None, "range", "logged learning rate"),
        unit,
        details={
            "size": -delta,
            "size_stderr": stderr,
            "rate_ratio": change.ratio,
            "old_rate": change.old,
            "new_rate": change.new,
            "p_value": p_value,
        },
    )
