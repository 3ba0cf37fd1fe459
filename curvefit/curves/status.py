"""Outcomes as data: a status carries its own message."""

from __future__ import annotations

from enum import Enum

__all__ = ["Status"]


class Status(Enum):
    """How an estimate, a fit or a forecast ended; the value is the message people read.

    A statistical disappointment is one of these; a caller's mistake is an exception.
    """

    OK = "no doubts"
    DEGRADED = "with the doubts listed"
    TOO_FEW_POINTS = "too few points"
    CONSTANT = "the values do not vary: no noise seen, an interval is not estimable"
    NOT_CONVERGED = "the optimizer did not converge"
    NOT_IDENTIFIED = "the data do not identify this quantity"
    NONFINITE = "non-finite numbers arose"
    NOT_REACHED = "not reached within the horizon"
    NOT_APPLICABLE = "does not apply to this curve"
    REFUSED = "refused, for the reason given"

    @property
    def usable(self) -> bool:
        """Whether numbers that come with this status may be used."""
        return self in (Status.OK, Status.DEGRADED)

    @property
    def code(self) -> str:
        """Stable lower-case name for JSON and tables."""
        return self.name.lower()
