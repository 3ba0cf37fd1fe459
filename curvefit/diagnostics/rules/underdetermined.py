"""Too short or too noisy to say much."""

from __future__ import annotations

import math
from typing import Final

from .._trace import LEAST
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice
from ._text import no_curve, number

__all__ = ["SEVERITY", "underdetermined"]

SEVERITY: Final = "info"
VOICE = Voice("underdetermined", SEVERITY)

ENOUGH = 6.0  # independent observations
UNCLEAR = 0.1  # error of a level as a share of the total gain below which few observations are enough
CLEAR = 3.0  # total gain in standard errors of a level


def underdetermined(evidence: Evidence) -> Diagnosis:
    r"""Count the independent observations and compare the total gain with its error.

    .. math:: \big(n_\mathrm{eff} = n\,\tfrac{1-\rho}{1+\rho} < 6 \text{ and } \mathrm{se} > 0.1\,\text{drop}\big)
              \quad\text{or}\quad \text{drop} < 3\,\mathrm{se}

    Parameters
    ----------
    evidence : Evidence
        The main curve.

    Returns
    -------
    Diagnosis
        Advice says how many points would do.

    Notes
    -----
    The correlation is taken at its cautious estimate; on bins of a long curve it is that of the bins.
    """
    name = evidence.main
    if name is None:
        return no_curve(VOICE)
    curve = evidence.run[name]
    n = len(curve)
    if curve.direction is None:
        return no_curve(VOICE)
    boiled = evidence.trace(name)
    if boiled is None:
        return VOICE.present(
            f"{name} has {n} finite point{'s' if n != 1 else ''}: not enough to tell noise from trend.",
            f"Collect at least {LEAST} points, better 20 to 30 (log or evaluate more often).",
            {"points": float(n), "points_needed": float(LEAST)},
            metric=name,
        )
    half = len(boiled) // 2
    stderr = boiled.change((0, half), (len(boiled) - half, len(boiled)))[1]
    facts = {
        "points": float(n),
        "effective_points": boiled.effective,
        "rho": boiled.rho,
        "drop": boiled.drop,
        "level_stderr": stderr,
    }
    if boiled.effective < ENOUGH and stderr > UNCLEAR * boiled.drop:
        needed = math.ceil(n * min(ENOUGH / max(boiled.effective, 0.1), 20))
        return VOICE.present(
            f"The {n} points of {name} may be worth as few as {_worth(boiled.effective)}, because neighbors are alike "
            f"(correlation up to {boiled.rho_high:.2f}): slow changes cannot be told from noise.",
            f"Collect about {needed} points; if the values are smoothed, log the raw ones.",
            {**facts, "points_needed": float(needed)},
            metric=name,
        )
    if stderr > 0 and boiled.drop < CLEAR * stderr:
        needed = math.ceil(n * min((CLEAR * stderr / max(boiled.drop, 0.1 * stderr)) ** 2, 50))
        return VOICE.present(
            f"All that {name} has gained, {number(boiled.drop)}, is less than three times the error of its level.",
            f"Collect about {needed} points, or evaluate on more data.",
            {**facts, "points_needed": float(needed)},
            metric=name,
        )
    return VOICE.absent(f"{name} has {n} points, worth {boiled.effective:.0f} independent ones.", facts, metric=name)


def _worth(effective: float) -> str:
    count = max(effective, 1.0)
    return "one independent one" if count < 1.05 else f"{count:.1f} independent ones"
