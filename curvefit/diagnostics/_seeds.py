"""Several seeds logged as curves of one run: their mean, each on its own, and one answer from both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..curves import Curve, Run
from .diagnosis import Diagnosis, Verdict

__all__ = ["EACH", "Seeds", "seeds_of", "stem_of", "vote"]

_SEED = re.compile(r"(?i)(?:^|[/_\-. ])seed[=_\-: ]?(\d+)(?=$|[/_\-. ])")

EACH: Final = frozenset(
    (
        "diverged",
        "erratic",
        "masked_nan",
        "not_learning",
        "periodic",
        "poor_start",
        "regime_change",
        "resumed",
        "smoothed_input",
        "spikes",
        "steppy",
    )
)
"""Rules about what happens to one seed; the others are about the course that all share, and look at the mean."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """A run taken apart.

    Parameters
    ----------
    labels : tuple of str
        Names of the seeds.
    each : tuple of Run
        One run per seed, curves by their names without the seed.
    mean : Run
        The mean over seeds of every curve.
    """

    labels: tuple[str, ...]
    each: tuple[Run, ...]
    mean: Run


def stem_of(name: str) -> str:
    """Name of a curve without its seed."""
    return _SEED.sub("", name).strip("/_-. ") or name


def seeds_of(run: Run) -> Seeds | None:
    """The seeds of a run, told by names such as ``seed_1/val_loss`` or ``val_loss_seed1``; None for fewer than two."""
    groups: dict[str, dict[str, Curve]] = {}
    shared: dict[str, Curve] = {}
    for name, curve in run.curves.items():
        found = _SEED.search(name)
        if found is None:
            shared[name] = curve
        else:
            groups.setdefault(stem_of(name), {})[found.group(1)] = _named(curve, stem_of(name))
    labels = sorted({label for by in groups.values() for label in by}, key=int)
    if len(labels) < 2:
        return None
    each = tuple(
        replace(run, curves={**shared, **{k: by[label] for k, by in groups.items() if label in by}}) for label in labels
    )
    means = {k: _mean([c for c in by.values() if len(c)]) or next(iter(by.values())) for k, by in groups.items()}
    return Seeds(tuple(labels), each, replace(run, curves={**shared, **means}))


def _named(curve: Curve, name: str) -> Curve:
    if curve.nonfinite_x.size:
        x, y = np.concatenate((curve.x, curve.nonfinite_x)), np.concatenate((curve.y, curve.nonfinite_y))
        return Curve(x, y, replace(curve.metric, name=name), x_unit=curve.x_unit, bounds=curve.bounds)
    return Curve(
        curve.x,
        curve.y,
        replace(curve.metric, name=name),
        x_unit=curve.x_unit,
        segment=curve.segment,
        bounds=curve.bounds,
    )


def _mean(curves: Sequence[Curve]) -> Curve | None:
    """Mean on the coarsest grid over the x that all curves have; None where they share none."""
    if not curves:
        return None
    low, high = max(c.x[0] for c in curves), min(c.x[-1] for c in curves)
    coarse = min(curves, key=len)
    x = coarse.x[(coarse.x >= low) & (coarse.x <= high)]
    if not x.size:
        return None
    y = np.mean([np.interp(x, c.x, c.y) for c in curves], axis=0)
    return Curve(x, y, coarse.metric, x_unit=coarse.x_unit, bounds=coarse.bounds)


def vote(labels: Sequence[str], said: Sequence[Diagnosis], alpha: float) -> Diagnosis:
    """One answer of all seeds on what happens to single ones.

    Present where one seed shows it at ``alpha`` over the number of seeds (or without any test), or where more than half
    of them show it; undecided where that holds for most of those that do not show it; else absent.
    """
    k = len(said)
    shown = [i for i, d in enumerate(said) if d.present]
    sure = [i for i in shown if said[i].p_value is None or k * (said[i].p_value or 0.0) < alpha]
    smallest = min((d.p_value for d in said if d.p_value is not None), default=None)
    p_value = None if smallest is None else min(1.0, k * smallest)
    if sure or len(shown) > k / 2:
        chosen = min(sure or shown, key=lambda i: said[i].p_value or 0.0)
        who = ", ".join(labels[i] for i in shown)
        text = f"In {len(shown)} of {k} seeds ({who}): {said[chosen].explanation}"
        where = tuple(e for i in shown for e in said[i].where)
        facts = {**said[chosen].evidence, "seeds": float(k), "seeds_present": float(len(shown))}
        return replace(said[chosen], explanation=text, where=where, evidence=facts, p_value=p_value)
    quiet = [d for d in said if not d.present]
    open_ = [d for d in quiet if d.verdict is Verdict.UNDECIDED]
    pick = (open_ if len(open_) > len(quiet) / 2 else [d for d in quiet if d.verdict is Verdict.ABSENT] or open_)[0]
    facts = {**pick.evidence, "seeds": float(k), "seeds_present": float(len(shown))}
    return replace(pick, evidence=facts, p_value=p_value)
