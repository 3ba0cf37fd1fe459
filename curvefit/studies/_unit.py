"""A unit of work, and what a worker does with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..curves import CurvefitError, Run
from ._answer import answer
from ._groups import read_groups
from ._rows import Rows
from .config import BatchConfig
from .parts import read_part, whole, write_part

__all__ = ["Task", "work"]

_TOGETHER = 500  # runs whose forecasts are held in memory at once


@dataclass(frozen=True, slots=True)
class Task:
    """A unit of work as it is sent to a worker.

    Parameters
    ----------
    out : str
        The output folder.
    number, key
        Of the unit.
    file : str
        Its file; empty for the unit of logs that could not be read.
    first, last : int
        Row groups.
    config : dict
        The questions, as `BatchConfig.to_dict` writes them.
    refused : mapping of str to (str, str, str)
        Runs that are not to be worked on: status, code and reason.
    convicted : mapping of str to (str, str, str)
        Likewise, for runs that killed the process that worked on them alone.
    unread : bool
        Whether the rows are not even to be read: every run of the unit is among the convicted.
    passed_over : tuple of str
        Runs that another unit answers for.
    """

    out: str
    number: int
    key: str
    file: str
    first: int
    last: int
    config: dict[str, Any]
    refused: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    convicted: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    unread: bool = False
    passed_over: tuple[str, ...] = ()


def work(task: Task) -> dict[str, int]:
    """Answer a unit of work and write the results; runs by status.

    A unit that is done already, by a worker whose answer was lost, is not done again.
    """
    out = Path(task.out)
    there = None if task.convicted else read_part(out, task.number)
    if there is not None and there.key == task.key and whole(out, there):
        return dict(there.counts)
    config = BatchConfig.from_dict(task.config)
    rows = Rows(config.attributes)
    aside = {**task.refused, **task.convicted}
    runs: list[Run] = []
    if task.file and not task.unread:
        try:
            runs = read_groups(Path(task.file), task.first, task.last)
        except CurvefitError as error:
            rows.run(task.file, None, None, status="failed", code=error.code, reason=str(error), part=task.number)
    asked = [run for run in runs if run.name not in aside and run.name not in task.passed_over]
    with np.errstate(all="ignore"):  # what is not finite has a status in its row; the terminal is for progress
        for at in range(0, len(asked), _TOGETHER):
            answer(asked[at : at + _TOGETHER], config, rows, task.number)
    there_are = {run.name: run for run in runs}
    for name, (status, code, reason) in aside.items():
        if name in there_are or name in task.convicted or not task.file:
            rows.run(name, there_are.get(name), None, status=status, code=code, reason=reason, part=task.number)
    return dict(write_part(out, task.number, task.key, rows.tables, config.attributes).counts)
