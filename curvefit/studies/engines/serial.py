"""One unit of work after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

from ...curves import CurvefitError
from .._unit import Task
from ._base import Engine, Outcome, Work, told

__all__ = ["Serial"]


@final
class Serial(Engine):
    """The plainest way, and the one that others are compared with; a run that kills the process ends the batch."""

    def run(
        self, tasks: Sequence[Task], work: Work, *, workers: int | None, scheduler: str | None
    ) -> Iterator[Outcome]:
        """Do all units in order."""
        for task in tasks:
            trouble = _Trouble()
            counts = None
            with trouble:
                counts = work(task)
            yield Outcome(task, counts, trouble.words)


class _Trouble:
    """Keeps the words of an error; those that concern everybody pass through."""

    def __init__(self) -> None:
        self.words = ""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        words = told(error)
        if isinstance(words, CurvefitError):
            return False
        self.words = words
        return True
