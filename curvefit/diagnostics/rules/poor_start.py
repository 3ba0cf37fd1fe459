"""The first loss lies far above that of guessing."""

from __future__ import annotations

from typing import Final

import numpy as np

from .._chance import chance_level
from .._trace import LEAST, oriented
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice
from ._text import no_curve, number, too_short, without

__all__ = ["SEVERITY", "poor_start"]

SEVERITY: Final = "warning"
VOICE = Voice("poor_start", SEVERITY)

FAR = 1.5  # times the chance level
_FALL = 3  # first observations, whose steep fall is no noise
ADVICE = (
    "Check the initialization (Xavier or He; a last layer that starts near zero begins at the chance level) and the scale "
    "of inputs and targets; warm the learning rate up."
)


def poor_start(evidence: Evidence) -> Diagnosis:
    r"""Test the first loss against half as much again as the loss of guessing.

    .. math:: \frac{y_1 - 1.5 \ln K}{\hat\sigma} > t_\alpha

    with K classes (or tokens) and the noise of one observation.

    Parameters
    ----------
    evidence : Evidence
        Training loss, else the main loss; the run's attributes ``classes``, ``num_classes`` or ``vocab_size`` give K.

    Returns
    -------
    Diagnosis

    Notes
    -----
    One observation is judged, so serial correlation does not enter. The noise is the larger of what changes from point to
    point over the run and over its first tenth. Without K nothing can be said: no loss is large by itself.
    """
    name = evidence.progress
    if name is None:
        return no_curve(VOICE)
    chance = chance_level(evidence, name)
    if chance is None or evidence.run[name].kind != "loss":
        return without(VOICE, "the number of classes or tokens (Run attribute classes or vocab_size)", name)
    single, boiled = evidence.residuals(name), evidence.trace(name)
    if single is None or boiled is None:
        return too_short(VOICE, evidence, name)
    curve = evidence.run[name]
    first = float(curve.y[0])
    beginning = np.diff(oriented(curve)[_FALL : max(len(curve) // 10, LEAST) + _FALL], 2) / np.sqrt(6.0)
    early = 1.4826 * float(np.median(np.abs(beginning - np.median(beginning))))
    sd = max(single.rough, min(early, 0.25 * first))
    excess = first - FAR * chance
    facts = {"first": first, "chance_level": chance, "limit": FAR * chance, "noise": sd, "alpha": ALPHA}
    from scipy.special import stdtr

    p_value = float(stdtr(max(boiled.dof, 1), -excess / sd)) if sd > 0 else float(excess <= 0)
    if p_value < ALPHA:
        return VOICE.present(
            f"{name} starts at {number(first)}, {number(first / chance)} times the loss of guessing, {number(chance)}.",
            ADVICE,
            facts,
            metric=name,
            p_value=p_value,
        )
    return VOICE.absent(
        f"{name} starts at {number(first)}; guessing gives {number(chance)}.", facts, metric=name, p_value=p_value
    )
