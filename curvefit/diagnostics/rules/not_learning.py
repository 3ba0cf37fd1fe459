"""No drop beyond noise: training is flat from the start, or rises."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from ...curves import Curve
from .._rows import medians
from .._scan import rise, student_tail
from .._trace import HIGHEST, Trace, oriented
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice
from ._text import no_curve, number, too_short

__all__ = ["SEVERITY", "not_learning"]

SEVERITY: Final = "error"
VOICE = Voice("not_learning", SEVERITY)

CLEAR = 5.0  # standard errors of the difference of the halves: a drop that could not be overlooked
MOST = 3.0  # noise standard deviations of one observation, the most that may stay unseen
REST = 0.25  # of what lies between the level and the best value there can be, the most that may stay unseen
SEEN = 0.02  # significance at which a drop counts as seen
ADVICE = (
    "Check that labels and inputs match and that gradients reach the weights (nothing frozen); overfit one small batch "
    "first; try a learning rate ten times higher and ten times lower."
)


def not_learning(evidence: Evidence) -> Diagnosis:
    r"""Test that there is no drop, in both directions.

    .. math:: \text{no drop seen at } 2\,\%, \quad\text{and}\quad
              P(\text{drop} \ge \delta) < \alpha, \qquad \delta = \min(5\,\mathrm{se}, 3\,\sigma, \tfrac14\,\text{rest})

    Parameters
    ----------
    evidence : Evidence
        The training curve, or the main curve where no training curve is logged.

    Returns
    -------
    Diagnosis

    Notes
    -----
    The second half is an equivalence test: a run too short or too noisy to have shown a drop is undecided, not accused;
    so is one whose noise spans a quarter of the way to the best value there can be (0 for a loss, the upper bound for a score).
    The drop compares the first and the second half, its standard error allows for serial correlation. The number of
    classes or tokens (run attributes ``classes``, ``num_classes``, ``vocab_size``) gives the chance level a loss is
    stuck at.
    """
    name = evidence.progress
    if name is None:
        return no_curve(VOICE)
    boiled = evidence.trace(name)
    if boiled is None:
        return too_short(VOICE, evidence, name)
    single = evidence.residuals(name)
    curve = evidence.run[name]
    if np.max(curve.y) == np.min(curve.y):
        return _constant(evidence, name)
    # about a trend that follows it slow noise looks smaller than it is
    sd = max(single.sd if single is not None else 0.0, float(medians(boiled.sd)))
    half = len(boiled) // 2
    minus_drop, stderr = boiled.change((0, half), (len(boiled) - half, len(boiled)))
    facts = {
        "drop": -minus_drop,
        "drop_stderr": stderr,
        "noise": sd,
        "points": boiled.count,
        "effective_points": boiled.effective,
        "alpha": ALPHA,
    }
    facts |= _chance(evidence, name, boiled)
    if _drop_seen(boiled, float(oriented(curve)[0]), sd):
        return VOICE.absent(f"{name} improves beyond its noise.", facts, metric=name)
    climb = rise(boiled, 0, len(boiled))
    if climb is not None and climb.p_value < ALPHA and minus_drop > 0:
        word = "worse" if curve.direction == "max" else "higher"
        return VOICE.present(
            f"{name} never improves and gets {word} from the start.",
            ADVICE,
            facts,
            metric=name,
            p_value=climb.p_value,
        )
    margin = min(CLEAR * stderr, MOST * sd, REST * _rest(curve))
    facts["smallest_drop_excluded"] = margin
    p_value = student_tail((margin + minus_drop) / stderr, boiled.dof) if stderr > 0 else 1.0
    if p_value < ALPHA:
        at = facts.get("chance_level")
        stuck = (
            f", at the chance level {number(at)}"
            if at is not None and abs(at - facts["level"]) < 3 * sd + 0.02 * abs(at)
            else ""
        )
        return VOICE.present(
            f"{name} has not improved in {boiled.count} points{stuck}: an improvement of more than {number(margin)} "
            "is excluded.",
            ADVICE,
            facts,
            metric=name,
            p_value=p_value,
        )
    excess = min(stderr / (MOST * sd), 2.0) if sd > 0 else 1.0  # standard errors shrink with the root of the points
    needed = math.ceil(boiled.count * max((4.0 * excess) ** 2, 1.5))
    return VOICE.undecided(
        f"No improvement is seen in {name} yet, but a real one could hide in the noise; about {needed} points would decide it.",
        {**facts, "points_needed": needed},
        metric=name,
        p_value=p_value,
    )


def _drop_seen(boiled: Trace, first: float, sd: float) -> bool:
    """Whether any of a few contrasts between the beginning and a later stretch shows a drop at the 5 % level."""
    m = len(boiled)
    widths = sorted({w for w in (1, 2, 4, 8, 16, m // 2) if 0 < w <= m // 2})
    quarters = [(m // 2, m), *((m * k // 4, m * (k + 1) // 4) for k in (1, 2, 3))]
    pairs = [((0, w), q) for w in widths for q in quarters if q[0] >= w and q[1] - q[0] >= 2]
    for before, after in pairs:
        change, stderr = boiled.change(before, after)
        if stderr > 0 and student_tail(-change / stderr, boiled.dof) < SEEN / (len(pairs) + 2):
            return True
    down = rise(boiled, 0, m, down=True)
    if down is not None and down.p_value < SEEN / 2:
        return True
    level, stderr = boiled.level(m // 2, m)
    return first - level > 8 * float(np.hypot(sd, stderr))


def _rest(curve: Curve) -> float:
    """From the typical level to the best value there can be; infinite where that is unknown."""
    level = float(np.median(np.clip(curve.y, -HIGHEST, HIGHEST)))  # the mean of two huge values overflows
    if curve.direction == "max":
        return curve.bounds[1] - level if curve.bounds is not None else math.inf
    return level if curve.kind in ("loss", "error") and float(curve.y.min()) >= 0 else math.inf


def _chance(evidence: Evidence, name: str, boiled: Trace) -> dict[str, float]:
    facts = {"level": boiled.sign * float(np.mean(boiled.y))}
    for key in ("classes", "num_classes", "vocab_size"):
        value = evidence.run.attributes.get(key)
        if isinstance(value, int | float) and value > 1:
            kind = evidence.run[name].kind
            if kind == "loss":
                facts["chance_level"] = math.log(value)
            elif kind == "accuracy":
                facts["chance_level"] = (100.0 if evidence.run[name].percent else 1.0) / value
            break
    return facts


def _constant(evidence: Evidence, name: str) -> Diagnosis:
    curve = evidence.run[name]
    value = float(curve.y[0])
    facts = {"points": float(len(curve)), "level": value}
    best = {"min": 0.0, "max": curve.bounds[1] if curve.bounds else math.inf}.get(curve.direction or "", math.nan)
    if value == best:
        return VOICE.undecided(
            f"{name} is at its best possible value {number(value)} throughout; the points before would show whether it "
            "was learned.",
            facts,
            metric=name,
        )
    return VOICE.present(
        f"{name} is exactly {number(value)} at every one of {len(curve)} points: the weights do not change.",
        ADVICE,
        facts,
        metric=name,
        p_value=0.0,
    )
