"""Training and validation have levelled off close together at a value worse than a stated reference."""

from __future__ import annotations

from typing import Final

from .._chance import chance_level
from .._leveling import SMALL
from .._scan import student_tail
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice
from ._text import lacking, number, too_short, without

__all__ = ["SEVERITY", "underfitting_capacity"]

SEVERITY: Final = "warning"
VOICE = Voice("underfitting_capacity", SEVERITY)

LEVEL = 0.05  # significance of "has levelled off"
CLOSE = 0.1  # of the total drop: the largest gap between the two
GUESSING = 0.5  # of the chance level: a loss above it counts as poor where nothing else is stated
_KEYS = ("reference", "target", "best")
ADVICE = (
    "Use a larger model or better features, less regularization (dropout, weight decay, augmentation), or a higher "
    "learning rate; check that the labels allow for better."
)


def underfitting_capacity(evidence: Evidence) -> Diagnosis:
    r"""Test that both curves are level, close, and worse than the reference.

    .. math:: \max_c P(\text{gain left}_c \ge 0.02\,\text{drop}_c) < 0.05, \qquad
              \frac{\bar v - \text{reference}}{\mathrm{se}(\bar v)} > t_\alpha, \qquad
              \text{gap} + 2\,\mathrm{se} < 0.1\,\text{drop}

    Parameters
    ----------
    evidence : Evidence
        Validation curve and its training partner, and a reference: the run's attribute ``reference``, ``target`` or
        ``best``, else half of the loss of guessing among ``classes`` (or ``vocab_size``).

    Returns
    -------
    Diagnosis
        Undecided without a reference: no level is poor by itself.

    Notes
    -----
    "Level" is an equivalence test as for a plateau, and standard errors are those of means under AR(1) noise.
    """
    val_name, train_name = evidence.validation, evidence.training
    if val_name is None or train_name is None:
        return without(VOICE, lacking(evidence))
    reference, what = _reference(evidence, val_name)
    if reference is None:
        wanted = "a target, the best of earlier runs or the number of classes (Run attributes target, best, classes)"
        return without(VOICE, wanted, val_name)
    val, train = evidence.trace(val_name), evidence.trace(train_name)
    if val is None or train is None:
        return too_short(VOICE, evidence, val_name if val is None else train_name)
    late = evidence.late_gap(1 / 3)
    tail = max(len(val) // 4, 2)
    level, stderr = val.level(len(val) - tail, len(val))
    facts = {"level": val.sign * level, "level_stderr": stderr, "reference": reference, "alpha": ALPHA}
    excess = level - val.sign * reference
    p_value = student_tail(excess / stderr, val.dof) if stderr > 0 else float(excess <= 0)
    if excess <= 0:
        return VOICE.absent(
            f"{val_name} is better than {what}, {number(reference)}.", facts, metric=val_name, p_value=p_value
        )
    drop = max(val.drop, train.drop)
    if late is not None:
        facts |= {"gap": late[0], "gap_stderr": late[1], "drop": drop}
        if late[0] - 2 * late[1] > CLOSE * drop:
            return VOICE.absent(
                f"{val_name} is worse than {what}, {number(reference)}, but training is much better: not a lack of capacity.",
                facts,
                metric=val_name,
                p_value=p_value,
            )
    unsettled = 1.0
    courses = [evidence.course(n) for n in (val_name, train_name)]
    if all(c is not None for c in courses) and drop > 0:
        unsettled = max(
            c.p_more_than(SMALL * t.drop) for c, t in zip(courses, (val, train), strict=True) if c is not None
        )
    close = late is not None and abs(late[0]) + 2 * late[1] < CLOSE * drop
    if p_value < ALPHA and close and unsettled < LEVEL:
        return VOICE.present(
            f"{val_name} and {train_name} have levelled off close together at {number(val.sign * level)}, worse than {what}, "
            f"{number(reference)}.",
            ADVICE,
            facts,
            metric=val_name,
            p_value=p_value,
        )
    why = "whether both have levelled off" if unsettled >= LEVEL else "how far apart they are"
    return VOICE.undecided(
        f"{val_name} is worse than {what}, {number(reference)}, but {why} cannot be told; more points would.",
        facts,
        metric=val_name,
        p_value=p_value,
    )


def _reference(evidence: Evidence, name: str) -> tuple[float | None, str]:
    for key in _KEYS:
        value = evidence.run.attributes.get(key)
        if isinstance(value, int | float):
            return float(value), f"the stated {key}"
    chance = chance_level(evidence, name)
    if chance is not None and evidence.run[name].kind == "loss":
        return GUESSING * chance, "half of the loss of guessing"
    return None, ""
