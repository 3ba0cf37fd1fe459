"""One story per run: what explains what, and in which order it is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..curves.numbers import format_x
from .diagnosis import Diagnosis, Severity, Verdict

__all__ = ["tell"]

SHORT = 20  # points below which a run stays underdetermined, whatever a divergence does to its noise
_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}

# A finding (left) that is present takes these with it: each is one cause seen twice.
_AFTERMATH = (
    "not_learning",
    "overfitting",
    "overfitting_plateau",
    "generalization_gap",
    "loss_accuracy_decoupled",
    "underfitting_capacity",
    "grokking",
    "slow_start",
    "regime_change",
    "double_descent",
    "spikes",
    "erratic",
    "converged",
    "plateaued",
    "still_improving",
)
_EXPLAINS: dict[str, tuple[str, ...]] = {
    "masked_nan": ("diverged", *_AFTERMATH),
    "diverged": (*_AFTERMATH, "smoothed_input", "underdetermined"),
    "not_learning": _AFTERMATH[1:],
    "overfitting": (
        "overfitting_plateau",
        "generalization_gap",
        "underfitting_capacity",
        "converged",
        "plateaued",
        "still_improving",
    ),
    "overfitting_plateau": ("generalization_gap", "underfitting_capacity", "converged"),
    "generalization_gap": ("underfitting_capacity", "converged"),
    "underfitting_capacity": ("converged",),
    "regime_change": ("spikes", "double_descent", "overfitting_plateau", "generalization_gap"),
    "converged": ("plateaued",),
    "poor_start": ("slow_start",),
    "grokking": ("regime_change", "slow_start", "smoothed_input", "underdetermined"),
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
    _about_the_level(said)
    for cause, effects in _EXPLAINS.items():
        if cause not in said or not said[cause].present:
            continue
        for effect in effects:
            if effect in said and said[effect].verdict is not Verdict.ABSENT:
                said[effect] = _explained(said[effect], said[cause])
    _about_the_bump(said)
    place = {Verdict.PRESENT: 0, Verdict.UNDECIDED: 1, Verdict.ABSENT: 2}
    return tuple(sorted(said.values(), key=lambda d: (place[d.verdict], _RANK[d.severity], d.name)))


def _about_the_level(said: dict[str, Diagnosis]) -> None:
    """Where both curves are level, that of the main one began where its plateau did."""
    both, one = said.get("converged"), said.get("plateaued")
    if both is not None and one is not None and both.present and one.present:
        kept = {k: v for k, v in one.evidence.items() if k in ("onset", "forecast_chance_of_more", "horizon")}
        said["converged"] = replace(both, where=one.where, evidence={**both.evidence, **kept})


def _about_the_bump(said: dict[str, Diagnosis]) -> None:
    """Overfitting that lies in a double-descent bump is explained by it; a later one stays and says that there was a bump."""
    bump, turn = said.get("double_descent"), said.get("overfitting")
    if bump is None or turn is None or not (bump.present and turn.present):
        return
    peak = next((e.value for e in bump.where if e.name == "peak" and e.value is not None), None)
    onsets = [e.value for e in turn.where if e.value is not None]
    if peak is None or not onsets:
        return
    if max(onsets) < peak:
        said["overfitting"] = _explained(turn, bump)
        return
    text = f"{turn.explanation} It comes after a double-descent bump with its peak at {format_x(peak)}."
    said["overfitting"] = replace(turn, explanation=text)


def _explained(effect: Diagnosis, cause: Diagnosis) -> Diagnosis:
    if effect.name == "spikes" and effect.present and cause.name == "regime_change":
        intervals = [e.interval for e in cause.where if e.interval is not None]
        apart = tuple(e for e in effect.where if e.value is None or not any(e.value in i for i in intervals))
        if apart:
            return effect if len(apart) == len(effect.where) else replace(effect, where=apart)
    if effect.name == "spikes" and effect.present and cause.where:
        onset = cause.where[0].interval.low if cause.where[0].interval is not None else cause.where[0].value
        before = tuple(e for e in effect.where if e.value is not None and onset is not None and e.value < onset)
        if before:
            return replace(effect, where=before)
    few = effect.evidence.get("points", 0.0) < SHORT
    if effect.name == "underdetermined" and cause.name == "diverged" and few:
        return effect
    if effect.verdict is Verdict.UNDECIDED and not effect.evidence:
        return effect  # nothing was there to look at, so that nothing is seen to be absent
    text = f"Explained by {cause.name.replace('_', ' ')}: {cause.explanation}"
    return replace(effect, verdict=Verdict.ABSENT, where=(), explanation=text, advice="")
