"""One curve of one run of a batch, and what has been found out about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from ..curves import Curve, CurvefitError, Estimate, Run
from ..diagnostics.diagnosis import Diagnoses
from ..diagnostics.evidence import Evidence
from ..fitting.fit import Fit
from ..forecasting.forecast import Forecast

__all__ = ["Case"]


@dataclass(slots=True, eq=False)
class Case:
    """One curve of one run, and what has been found out about it."""

    run: Run
    metric: str
    curve: Curve
    asked: list[tuple[str, float]] = field(default_factory=list)
    beyond: list[tuple[str, float, str]] = field(default_factory=list)
    horizon: float | None = None
    horizon_from: str | None = None
    ahead: Forecast | None = None
    others: dict[str, Forecast] = field(default_factory=dict)
    evidence: Evidence | None = None
    told: dict[str, Sequence[float]] = field(default_factory=dict)
    soon: Forecast | None = None
    law: Fit | None = None
    estimates: list[Estimate] = field(default_factory=list)
    diagnoses: Diagnoses | None = None
    status: str = "ok"
    code: str | None = None
    reasons: list[str] = field(default_factory=list)

    def attempt(self, what: str) -> Attempt:
        """Go on with the rest when this part of the work fails."""
        return Attempt(self, what)


class Attempt:
    """Notes an error beside the run it belongs to; only interruptions pass through."""

    __slots__ = ("_case", "_what")

    def __init__(self, case: Case, what: str) -> None:
        self._case, self._what = case, what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        case = self._case
        if isinstance(error, CurvefitError):
            status, code, why = "degraded", error.code, error.what
        elif isinstance(error, MemoryError):
            status, code, why = "failed", "CF-RES-OOM", "not enough memory"
        else:
            status, code, why = (
                "failed",
                "CF-BUG",
                f"a bug in curvefit, please report it: {type(error).__name__}: {error}",
            )
        if case.status != "failed":
            case.status = status
        case.code = case.code if case.code is not None and status == "degraded" else code
        case.reasons.append(f"{self._what}: {why}")
        return True
