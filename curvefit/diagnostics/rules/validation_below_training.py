"""Validation loss below training loss over a stretch, beyond noise."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice, place
from ._text import number, pair

__all__ = ["SEVERITY", "validation_below_training"]

SEVERITY: Final = "info"
VOICE = Voice("validation_below_training", SEVERITY)

ALPHA_BELOW = 0.01
ADVICE = (
    "Not an error by itself: augmentation and dropout make training harder than validation, and a training loss averaged "
    "over an epoch lags behind. If neither is used, check that the splits do not overlap and that both are computed alike."
)


def validation_below_training(evidence: Evidence) -> Diagnosis:
    r"""Test the gap over windows from the start of the run.

    .. math:: T = \max_w \frac{\bar t_w - \bar v_w}{\sqrt{\mathrm{se}^2(\bar t_w) + \mathrm{se}^2(\bar v_w)}}

    Parameters
    ----------
    evidence : Evidence
        Validation curve and its training partner.

    Returns
    -------
    Diagnosis
        Where: the x at which the local means cross, with its uncertainty; none when they do not.

    Notes
    -----
    For an accuracy "below" means better all the same. Windows are quarters of the run; serial correlation enters
    through their standard errors, the search through Bonferroni.
    """
    curves = pair(VOICE, evidence, "to compare them")
    if isinstance(curves, Diagnosis):
        return curves
    val_name, val, train_name, train = curves
    x = val.x[(val.x >= train.x[0]) & (val.x <= train.x[-1])]
    if x.size < 8:
        return VOICE.undecided(
            f"{val_name} and {train_name} share fewer than 8 x; log them over the same range.", metric=val_name
        )
    gap = np.interp(x, train.x, train.local) - np.interp(x, val.x, val.local)  # positive: validation is better
    error = np.hypot(np.interp(x, train.x, train.local_stderr), np.interp(x, val.x, val.local_stderr))
    critical = _critical(x.size)
    below = gap > critical * error
    facts = {"largest_excess": float(gap.max()), "stderr": float(error[int(np.argmax(gap))]), "alpha": ALPHA_BELOW}
    share = float(np.mean(below))
    facts["share_of_run"] = share
    if share < 0.05 or np.count_nonzero(below) < 2:
        return VOICE.absent(f"{val_name} is not better than {train_name} beyond the noise.", facts, metric=val_name)
    last = int(np.flatnonzero(below)[-1])
    under = np.flatnonzero(gap[last:] <= 0)
    end = last + int(under[0]) if under.size else x.size - 1
    certain = np.flatnonzero(gap[last:] < -critical * error[last:])
    high = last + int(certain[0]) if certain.size else x.size - 1
    unit = evidence.run[val_name].x_unit
    where = place(
        "validation_above_training", x[end], x[last], x[max(high, end)], unit, method="crossing of local means"
    )
    still = not under.size
    first = int(np.flatnonzero(below)[0])
    since = f"from about {unit} {number(float(x[first]))}" if first > 0.05 * x.size else ""
    stretch = f"{since} to the end" if since else "throughout"
    if not still:
        stretch = f"{since} until about {unit} {number(float(x[end]))}".lstrip()
    better = "above" if val.sign < 0 else "below"
    return VOICE.present(
        f"{val_name} lies {better} {train_name} by up to {number(float(gap.max()))} " + f"{stretch}.",
        ADVICE,
        {**facts, "end": float(x[end])},
        metric=val_name,
        where=() if still else (where,),
    )


def _critical(windows: int) -> float:
    from scipy.special import ndtri

    return -float(ndtri(ALPHA_BELOW / windows))
