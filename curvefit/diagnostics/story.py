"""One story per run: what explains what, and in which order it is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .diagnosis import Diagnosis, Severity, Verdict

__all__ = ["tell"]

_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}

# A finding (left) that is present takes these with it: each is one cause seen twice.
_EXPLAINS: dict[str, tuple[str, ...]] = {
    "masked_nan": (
        "diverged",
        "not_learning",
        "spikes",
        "overfitting",
        "erratic",
        "converged",
        "plateaued",
        "still_improving",
    ),
    "diverged": ("not_learning", "overfitting", "spikes", "erratic", "converged", "plateaued", "still_improving"),
    "not_learning": ("overfitting", "erratic", "spikes", "converged", "plateaued", "still_improving"),
    "overfitting": ("converged", "plateaued", "still_improving"),
    "erratic": ("spikes",),
}


def tell(found: Iterable[Diagnosis]) -> tuple[Diagnosis, ...]:
    """Settle what is explained by what, and order: present first, errors before warnings before information.

    Parameters
    ----------
    found : iterable of Diagnosis
        What the rules said, each on its own.

    Returns
    -------
    tuple of Diagnosis
        The same, where one that another explains is absent and says so.

    Notes
    -----
    Spikes before the onset of a divergence keep their own right: only those at or after it are explained by it.
    """
    said = {d.name: d for d in found}
    for cause, effects in _EXPLAINS.items():
        if cause not in said or not said[cause].present:
            continue
        for effect in effects:
            if effect in said and said[effect].verdict is not Verdict.ABSENT:
                said[effect] = _explained(said[effect], said[cause])
    place = {Verdict.PRESENT: 0, Verdict.UNDECIDED: 1, Verdict.ABSENT: 2}
    return tuple(sorted(said.values(), key=lambda d: (place[d.verdict], _RANK[d.severity], d.name)))


def _explained(effect: Diagnosis, cause: Diagnosis) -> Diagnosis:
    if effect.name == "spikes" and effect.present and cause.where:
        onset = cause.where[0].interval.low if cause.where[0].interval is not None else cause.where[0].value
        before = tuple(e for e in effect.where if e.value is not None and onset is not None and e.value < onset)
        if before:
            return replace(effect, where=before)
    text = f"Explained by {cause.name.replace('_', ' ')}: {cause.explanation}"
    return replace(effect, verdict=Verdict.ABSENT, where=(), explanation=text, advice="")
