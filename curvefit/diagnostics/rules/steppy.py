"""Few distinct levels: the metric is discrete, as an accuracy on a small evaluation set is."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice
from ._text import no_curve, number

__all__ = ["SEVERITY", "steppy"]

SEVERITY: Final = "info"
VOICE = Voice("steppy", SEVERITY)

LEAST = 16
FINEST = 1e-6  # of the largest value: no evaluation set is larger than a million
COARSE = 0.5  # of the point-to-point fluctuation: a finer grid does not matter


def steppy(evidence: Evidence) -> Diagnosis:
    r"""Look for a grid on which all values lie and that is coarse against their fluctuation.

    .. math:: y_i = k_i\,\delta, \quad k_i \text{ integer}, \qquad \delta > 0.5\,\mathrm{sd}(y_i - y_{i-1})

    Parameters
    ----------
    evidence : Evidence
        The main curve and the validation accuracy.

    Returns
    -------
    Diagnosis
        Evidence: the step, the number of levels, and for an accuracy the size of the evaluation set the step implies.
    """
    names = [n for n in dict.fromkeys((evidence.main, evidence.score)) if n is not None]
    if not names:
        return no_curve(VOICE)
    answers = [_one(evidence, name) for name in names]
    return next((a for a in answers if a.present), answers[0])


def _one(evidence: Evidence, name: str) -> Diagnosis:
    curve = evidence.run[name]
    y = curve.y
    if y.size < LEAST:
        return VOICE.undecided(
            f"{name} has {y.size} points; {LEAST} would show whether it has few levels.",
            {"points": float(y.size), "points_needed": float(LEAST)},
            metric=name,
        )
    levels = np.unique(y[:2000])
    if levels.size > 1001:
        return VOICE.absent(f"{name} hardly repeats a value.", {"points": float(y.size)}, metric=name)
    levels = levels if y.size <= 2000 else np.unique(y)
    facts = {"points": float(y.size), "levels": float(levels.size)}
    if levels.size < 2 or levels.size > y.size // 2 + 1:
        return VOICE.absent(f"{name} has {levels.size} distinct values in {y.size}.", facts, metric=name)
    unit = float(np.max(np.abs(levels)))
    gaps = np.diff(levels / unit) * unit
    step = float(np.min(gaps))
    if not (np.isfinite(step) and step > FINEST * unit):
        return VOICE.absent(f"The values of {name} lie on no coarse grid.", facts, metric=name)
    counts = gaps / step
    on_grid = bool(np.max(np.abs(counts - np.round(counts))) < 0.02)
    late = y[y.size // 2 :] / unit
    move = unit * float(np.sqrt(np.mean(np.diff(late) ** 2)))  # where the curve has stopped climbing
    facts |= {"step": step, "point_to_point": move}
    if not on_grid or step < COARSE * move:
        return VOICE.absent(f"The values of {name} lie on no coarse grid.", facts, metric=name)
    size = ""
    if curve.kind == "accuracy" and curve.bounds is not None:
        facts["implied_evaluation_set"] = float(round(curve.bounds[1] / step))
        size = f", as on an evaluation set of {facts['implied_evaluation_set']:.0f}"
    return VOICE.present(
        f"{name} moves in steps of {number(step)} ({levels.size} levels in {y.size} points){size}.",
        "Use the loss to decide when to stop: a step of this size hides small gains. A larger evaluation set gives finer ones.",
        facts,
        metric=name,
    )
