"""What a rule says: verdict, place, evidence, explanation, advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal

from ..curves import Estimate
from ..curves._checks import rebuilt, safe_text
from ..curves.numbers import format_x

__all__ = ["Diagnoses", "Diagnosis", "Severity", "Verdict"]

Severity = Literal["error", "warning", "info"]


class Verdict(Enum):
    """Present, absent, or honestly undecided."""

    PRESENT = "present"
    ABSENT = "absent"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One pattern looked for in a run.

    Parameters
    ----------
    name : str
        Name of the rule.
    verdict : Verdict
        Present, absent or undecided.
    severity : {"error", "warning", "info"}
        Fixed per rule; what it would mean if present.
    metric : str
        Curve it was judged on; empty when it concerns the run.
    where : tuple of Estimate
        Places: each an x with its interval (onset, spike, drop); empty when there is none.
    evidence : mapping of str to float
        The numbers the verdict rests on, named.
    p_value : float or None
        Of the test, where there is one.
    explanation : str
        One or two plain sentences; for "undecided", what would decide it.
    advice : str
        What to do about it when present.
    """

    name: str
    verdict: Verdict
    severity: Severity
    metric: str = ""
    where: tuple[Estimate, ...] = ()
    evidence: Mapping[str, float] = field(default_factory=dict)
    p_value: float | None = None
    explanation: str = ""
    advice: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", MappingProxyType({k: float(v) for k, v in self.evidence.items()}))

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt(self)

    @property
    def present(self) -> bool:
        """Whether the pattern is there."""
        return self.verdict is Verdict.PRESENT

    def __str__(self) -> str:
        """Name, verdict and place, the explanation, and the advice where there is one to follow."""
        head = f"{self.name.replace('_', ' ')}: {self.verdict.value}"
        if self.present:
            head += f" ({self.severity})"
            at = ", ".join(format_x(e.value) for e in self.where[:3] if e.value is not None)
            more = f" and {len(self.where) - 3} more" if len(self.where) > 3 else ""
            head += f" at {self.where[0].unit} {at}{more}" if at else ""
        lines = [head, *(f"  {text}" for text in (self.explanation, self.advice if self.present else "") if text)]
        return "\n".join(safe_text(line) for line in lines)

    def __repr__(self) -> str:
        return f"Diagnosis({self.name!r}: {self.verdict.value})"


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """All verdicts on one run, most severe first.

    Parameters
    ----------
    run : str
        Name of the run.
    items : tuple of Diagnosis
        One per rule.
    """

    run: str
    items: tuple[Diagnosis, ...]

    @property
    def present(self) -> tuple[Diagnosis, ...]:
        """Those that are there."""
        return tuple(d for d in self.items if d.verdict is Verdict.PRESENT)

    @property
    def undecided(self) -> tuple[Diagnosis, ...]:
        """Those that cannot be told, each with what would decide it."""
        return tuple(d for d in self.items if d.verdict is Verdict.UNDECIDED)

    @property
    def warnings(self) -> tuple[Diagnosis, ...]:
        """Those present with severity error or warning."""
        return tuple(d for d in self.present if d.severity != "info")

    def __getitem__(self, name: str) -> Diagnosis:
        from ..curves.errors import unknown_name

        for d in self.items:
            if isinstance(name, str) and d.name == name:
                return d
        raise unknown_name("diagnosis", name, [d.name for d in self.items])

    def __str__(self) -> str:
        """Findings in full, then what cannot be told, then the names of what is absent."""
        lines = [safe_text(f"diagnoses of {self.run}"), *(str(d) for d in (*self.present, *self.undecided))]
        absent = [d.name.replace("_", " ") for d in self.items if d.verdict is Verdict.ABSENT]
        return "\n".join([*lines, *([f"absent: {', '.join(absent)}"] if absent else [])])

    def __repr__(self) -> str:
        found = ", ".join(d.name for d in self.present) or "nothing present"
        return f"Diagnoses({safe_text(self.run)!r}: {found}; {len(self.undecided)} undecided)"

    def __iter__(self) -> Iterator[Diagnosis]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
