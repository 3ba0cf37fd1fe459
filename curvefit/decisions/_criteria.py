"""Which criteria for ending a run hold at one evaluation of a `Monitor`."""

from __future__ import annotations

from ..curves import Run
from ..diagnostics.api import judge
from ..diagnostics.diagnosis import Diagnosis
from ..diagnostics.evidence import Evidence
from ..forecasting.forecast import Forecast
from ._options import Options
from .recommend import FEW, HOPELESS_BELOW, STOP_BELOW, no_way_back, recommend
from .recommendation import Action, Recommendation

__all__ = ["gone", "judged"]

_RULES = ("diverged", "masked_nan", "not_learning", "underdetermined", "plateaued", "converged", "overfitting")
_CERTAIN = 1e-8  # p-value of a divergence that ends a run by itself
_LASTING = 1 / 6  # share of the observations since its onset


def judged(
    run: Run, ahead: Forecast, asked: Options, min_gain: float | str | None
) -> tuple[Recommendation, dict[str, bool]]:
    """Ask `recommend`, and which of the criteria "gain", "hopeless" and "diverged" its answer carries.

    Parameters
    ----------
    run : Run
        What has been seen.
    ahead : Forecast
        Of the monitored metric up to the horizon.
    asked : Options
        Of the monitor.
    min_gain : float, str or None
        Smallest gain that matters to a single observation.
    """
    name = asked.metric.name
    evidence = Evidence(run, metric=name, ahead=ahead)
    found = judge(evidence, _RULES)
    hopeless = "hopeless" in (*asked.any_of, *asked.all_of)
    ahead_of_us = (
        asked.target is not None and asked.sign * (ahead.level_now - asked.target) > 0
    )  # else a criterion of its own
    answer = recommend(
        run,
        metric=name,
        horizon=float(ahead.x[-1]),
        cost_per_unit=asked.prices[0],
        worth_per_unit=asked.prices[1],
        min_gain=min_gain,
        target=asked.target if hopeless and ahead_of_us else None,
        best=asked.best if hopeless else None,
        forecast=ahead,
        diagnoses=found,
    )
    known = answer.arithmetic
    beyond = min(known.get("probability_target", 1.0), known.get("probability_beats_best", 1.0)) < HOPELESS_BELOW
    stops, little = answer.action is Action.STOP, known["probability"] < STOP_BELOW
    wrong = {d.name for d in found.present if d.severity == "error"}
    short = len(run[name]) < FEW and any(d.name == "plateaued" for d in found.undecided)
    ended = any(gone(run, d, evidence.training) for d in found.present)
    lost = bool(wrong) and not short and (little or no_way_back(known))  # an error alone may pass
    return answer, {
        "hopeless": beyond and stops,
        "gain": lost or (stops and (little or not beyond)),
        "diverged": "masked_nan" in wrong or ("diverged" in wrong and (lost or ended)),
    }


def gone(run: Run, found: Diagnosis, training: str | None = None) -> bool:
    """Whether a divergence is so certain, deep and old that the run is over whatever the forecast says.

    Only of training: a validation loss that has risen above its first value often comes down again, a training loss
    rarely does (``benchmarks/decisions``). All it had gained must be gone, since a sixth of the observations.

    Parameters
    ----------
    run : Run
        What has been seen.
    found : Diagnosis
        Of that run.
    training : str, optional
        Name of the training curve, where its own name does not say so.
    """
    if found.name != "diverged" or not found.present or found.metric is None or not found.where:
        return False
    curve, onset = run[found.metric], found.where[0].value
    if onset is None or len(curve) < FEW or (curve.metric.split != "train" and found.metric != training):
        return False
    certain = found.p_value is not None and found.p_value <= _CERTAIN
    deep = found.evidence.get("share_lost", 1.0) >= 1.0  # not told of a run that had gained nothing
    return certain and deep and float((curve.x >= onset).mean()) >= _LASTING
