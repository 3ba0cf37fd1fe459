"""Which runs identify the law that was fitted to them, so that its parameters may be pooled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..models import registry
from .result import BatchResult

__all__ = ["Law", "LawRuns", "best_only", "law_runs", "scale_of"]

Law = tuple[str, str, str]
"""Group, kind of curve, law."""


@dataclass(slots=True)
class LawRuns:
    """The runs of a group in which a law was fitted.

    Parameters
    ----------
    parameters : list of str
        Of the law, in its order.
    identified : dict
        Value and standard error of every parameter, by run.
    left_out : list of str
        Runs in which some parameter has no standard error, an open interval, or no value.
    """

    parameters: list[str] = field(default_factory=list)
    identified: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Runs, identified or not."""
        return len(self.identified) + len(self.left_out)


def best_only(result: BatchResult) -> bool:
    """Whether laws were compared, so that a run has a best one; else every law that was asked for counts in every run."""
    config = result.config
    return config.models == ("auto",) or (len(config.models) > 1 and config.wants("comparison"))


def law_runs(
    result: BatchResult,
    group: Callable[[str], str | None],
    kinds: Mapping[tuple[str, str], str],
    best: Mapping[tuple[str, str], str],
) -> dict[Law, LawRuns]:
    """Runs by group, kind of curve and law, apart by whether they identify all of its parameters.

    A law is identified or not as a whole: its parameters trade off, so that an exponent that wandered to a limit of the
    search takes the asymptote with it, whatever standard error that has.

    Parameters
    ----------
    result : BatchResult
        With parameters.
    group : callable
        Group of a run by its name; None leaves it out.
    kinds : dict
        Kind of curve by run and metric.
    best : dict
        Best law by run and metric; empty where laws were not compared.
    """
    wanted = ("run", "metric", "model", "parameter", "value", "stderr", "low", "high", "status")
    told: dict[tuple[Law, str, str], dict[str, tuple[float, float] | None]] = {}
    for r in result.arrow("parameters", wanted).to_pylist():
        where = group(r["run"])
        if where is None or (best and best.get((r["run"], r["metric"])) != r["model"]):
            continue
        known = (
            r["status"] in ("ok", "degraded")
            and None not in (r["value"], r["stderr"], r["low"], r["high"])
            and r["stderr"] > 0
            and (r["value"] > 0 or scale_of(r["model"], r["parameter"]) == "linear")
        )
        law = (where, kinds.get((r["run"], r["metric"]), r["metric"]), r["model"])
        told.setdefault((law, r["run"], r["metric"]), {})[r["parameter"]] = (r["value"], r["stderr"]) if known else None
    found: dict[Law, LawRuns] = {}
    for (law, run, _), parameters in told.items():
        here = found.setdefault(law, LawRuns(list(parameters)))
        whole = {name: pair for name, pair in parameters.items() if pair is not None}
        if len(whole) == len(parameters):
            here.identified[run] = whole
        else:
            here.left_out.append(run)
    return dict(sorted(found.items()))


def scale_of(law: str, parameter: str) -> Literal["linear", "log"]:
    """On which a parameter is pooled: "log" where it is above 0 by its nature, as time scales and exponents are."""
    declared = registry[law].parameters if law in registry else ()
    return "log" if any(p.name == parameter and p.low == 0 for p in declared) else "linear"
