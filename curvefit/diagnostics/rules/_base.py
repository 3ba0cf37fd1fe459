"""The contract of a rule: a function of the evidence, in a file of its name, that answers with a diagnosis.

A rule looks for one pattern and says where it is, on which numbers that rests, what it means and what to do. It answers
"undecided" with what would decide it, never raises for what a log lacks, reads the evidence and nothing else, and knows
no other rule: what one finding explains of another is settled in `curvefit.diagnostics.story`. Noise is taken as serially
correlated unless shown otherwise. All warnings together may be wrong in one healthy run of twenty: each rule of severity
warning or error gets `ALPHA` of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ...curves import Estimate, Interval
from ..diagnosis import Diagnosis, Severity, Verdict
from ..evidence import Evidence

__all__ = ["ALPHA", "Rule", "Voice", "place", "stretch"]

ALPHA = 0.05 / 13
"""Share of healthy runs in which one rule of severity warning or error may be wrong."""


class Rule(Protocol):
    """The shape of every rule."""

    def __call__(self, evidence: Evidence, /) -> Diagnosis:
        """Look for the pattern."""
        ...


@dataclass(frozen=True, slots=True)
class Voice:
    """Builds the diagnoses of one rule.

    Parameters
    ----------
    name : str
        Name of the rule.
    severity : {"error", "warning", "info"}
        What it would mean if present.
    """

    name: str
    severity: Severity

    def present(
        self,
        explanation: str,
        advice: str,
        evidence: Mapping[str, float],
        *,
        metric: str | None = None,
        where: tuple[Estimate, ...] = (),
        p_value: float | None = None,
    ) -> Diagnosis:
        """The pattern is there."""
        return Diagnosis(
            self.name, Verdict.PRESENT, self.severity, metric or "", where, evidence, p_value, explanation, advice
        )

    def absent(
        self,
        explanation: str,
        evidence: Mapping[str, float] | None = None,
        *,
        metric: str | None = None,
        p_value: float | None = None,
    ) -> Diagnosis:
        """The pattern is not there."""
        return Diagnosis(
            self.name, Verdict.ABSENT, self.severity, metric or "", (), evidence or {}, p_value, explanation
        )

    def undecided(
        self,
        explanation: str,
        evidence: Mapping[str, float] | None = None,
        *,
        metric: str | None = None,
        p_value: float | None = None,
    ) -> Diagnosis:
        """Nobody can tell yet; the explanation says what would decide it."""
        return Diagnosis(
            self.name, Verdict.UNDECIDED, self.severity, metric or "", (), evidence or {}, p_value, explanation
        )


def place(
    name: str,
    x: float,
    low: float,
    high: float,
    unit: str,
    *,
    method: str = "",
    details: Mapping[str, float] | None = None,
) -> Estimate:
    """A place in x with its interval."""
    return Estimate(
        name,
        float(x),
        Interval(float(min(low, x)), float(max(high, x)), 0.95, "confidence", method),
        unit,
        details=details or {},
    )


def stretch(
    name: str,
    x: float,
    low: float,
    high: float,
    unit: str,
    *,
    method: str,
    details: Mapping[str, float] | None = None,
) -> Estimate:
    """A place in x with the logged x that it lies between, or with its extent: no statement of chance."""
    ends = float(min(low, x)), float(max(high, x))
    return Estimate(name, float(x), Interval(*ends, None, "range", method), unit, details=details or {})
