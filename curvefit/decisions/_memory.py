"""What a `Monitor` remembers between two updates, and how it is saved."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..curves import UsageError
from ._history import BROKEN, Companions, History, numbers, whole
from ._options import CRITERIA, WIDEST
from ._plain import from_plain, to_plain
from .recommendation import Recommendation

__all__ = ["FIRST", "Memory", "too_early"]

FIRST = 8  # observations before the first evaluation
_VERSION = 1


@dataclass(slots=True)
class Memory:
    """All that changes.

    Parameters
    ----------
    series : History
        The monitored metric.
    others : Companions
        Further metrics of the same steps.
    recent : deque of (float, float)
        The newest observations one by one: their x and values.
    streak : dict of str to int
        Evaluations in a row at which each criterion has held.
    upcoming : int
        Observations at the next evaluation.
    top : list of float or None
        Best smoothed value, its x, and the updates since.
    gap, gap_x, longest : int, float, int
        Values in a row that were not finite, the x of the first of them, and the longest such gap that ended.
    answer : Recommendation or None
        The last evaluation.
    """

    series: History = field(default_factory=History)
    others: Companions = field(default_factory=Companions)
    recent: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=WIDEST))
    streak: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CRITERIA, 0))
    upcoming: int = FIRST
    top: list[float] | None = None
    gap: int = 0
    gap_x: float = 0.0
    longest: int = 0
    answer: Recommendation | None = None

    def missed(self, x: float) -> None:
        """Count a value that is not finite."""
        self.gap_x = x if self.gap == 0 else self.gap_x
        self.gap += 1

    def state(self, metric: str) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "version": _VERSION,
            "metric": metric,
            "series": self.series.state(),
            "others": self.others.state(),
            "recent": [list(pair) for pair in self.recent],
            "streak": dict(self.streak),
            "upcoming": self.upcoming,
            "top": None if self.top is None else list(self.top),
            "gap": [self.gap, self.gap_x, self.longest],
            "answer": None if self.answer is None else to_plain(self.answer),
        }

    @classmethod
    def of(cls, state: Mapping[str, Any], metric: str) -> Memory:
        """From `state`, of the same metric."""
        try:
            if state["version"] != _VERSION or state["metric"] != metric:
                raise UsageError(
                    f"a state of version {state['version']!r} and metric {state['metric']!r} is not one of version "
                    f"{_VERSION} and metric {metric!r}",
                    code="CF-USE-012",
                    where="Monitor state",
                )
            gap, gap_x, longest = state["gap"]
            out = cls(
                series=History.of(state["series"]),
                others=Companions.of(state["others"]),
                streak={c: whole(state["streak"][c]) for c in CRITERIA},
                upcoming=whole(state["upcoming"], 1),
                top=None if state["top"] is None else _three(state["top"]),
                gap=whole(gap),
                gap_x=numbers([gap_x])[0],
                longest=whole(longest),
                answer=None if state["answer"] is None else from_plain(state["answer"]),
            )
            out.recent.extend((x, y) for x, y in map(numbers, state["recent"]))
        except UsageError:
            raise
        except BROKEN as e:
            raise UsageError(f"this is no saved state: {e!r}", code="CF-USE-012", where="Monitor state") from e
        return out


def _three(values: Any) -> list[float]:
    value, x, since = numbers(values)
    return [value, x, since]


def too_early(count: int, missed: int) -> str:
    """Why nothing can be said yet of so many values, after so many in a row that were not finite."""
    nothing = (
        "" if count or missed <= FIRST else f"; none of the {missed} logged is finite: is it computed, under this name?"
    )
    return f"{count} values so far; the first evaluation is after {FIRST}{nothing}"
