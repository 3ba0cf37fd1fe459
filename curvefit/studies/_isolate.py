"""A unit whose worker died: tried again alone, then run by run, so that only what really kills is called failed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ._answer import answer
from ._groups import read_groups
from ._rows import Rows
from ._unit import Task, work
from .config import BatchConfig
from .engines._base import one_thread

__all__ = ["retried", "serve"]

_START = "from curvefit.studies._isolate import serve; serve()"


def retried(task: Task) -> dict[str, int]:
    """Do a suspected unit in processes of its own; runs by status.

    The whole unit is tried once more: most suspects only stood beside the culprit. If that dies too, every run is tried
    in turn, and one at which the process dies is tried a second time, alone. Only then is it failed, and the rest of
    the unit is done without it.
    """
    code, lines = _child({"do": "unit", "task": asdict(task)})
    if code == 0:
        return _counts(lines)
    names: list[str] = []
    guilty: dict[str, tuple[str, str, str]] = {}
    start = 0
    while True:
        code, lines = _child({"do": "each", "task": asdict(task), "from": start})
        for line in lines:
            names = line.get("names", names)
            if "failed" in line:
                guilty[line["failed"]] = ("failed", "CF-BUG", f"a bug in curvefit, please report it: {line['why']}")
        begun = [line["begin"] for line in lines if "begin" in line]
        if code == 0 or not begun:
            break
        suspect = begun[-1]
        again, _ = _child({"do": "each", "task": asdict(task), "from": suspect, "only": True})
        if again != 0:
            guilty[names[suspect]] = _killed(again)
        start = suspect + 1
    code, lines = _child({"do": "unit", "task": asdict(replace(task, convicted=guilty))})
    if code == 0:
        return _counts(lines)
    lost = dict.fromkeys(names or [task.file], _killed(code)) | guilty
    return work(replace(task, convicted=lost, unread=True))


def _killed(code: int) -> tuple[str, str, str]:
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return "failed", "CF-RES-KILLED", f"the process that worked on this run alone ended with {how}, twice"


def _counts(lines: list[dict[str, Any]]) -> dict[str, int]:
    return next((line["counts"] for line in lines if "counts" in line), {})


def _child(order: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and answers of a fresh process."""
    with one_thread():
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
        with subprocess.Popen(  # noqa: S603 - this interpreter, nothing from outside
            [sys.executable, "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
            encoding="utf-8",
        ) as child:
            try:
                told, _ = child.communicate(json.dumps(order))
            except BaseException:
                child.kill()
                raise
    lines = []
    for line in told.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue  # cut by the death of the process, or printed by somebody else
        if isinstance(found, dict):
            lines.append(found)
    return child.returncode, lines


def serve() -> None:
    """The fresh process: an order on stdin, answers on stdout line by line."""
    order = json.load(sys.stdin)
    given = order["task"]
    task = Task(
        **{
            **given,
            "refused": _tuples(given["refused"]),
            "convicted": _tuples(given["convicted"]),
            "passed_over": tuple(given["passed_over"]),
        }
    )
    if order["do"] == "unit":
        _tell(counts=work(task))
        return
    config = BatchConfig.from_dict(task.config)
    runs = read_groups(Path(task.file), task.first, task.last)
    _tell(names=[run.name for run in runs])
    for number, run in _turn(runs, order):
        if run.name in task.refused or run.name in task.passed_over:
            continue
        _tell(begin=number)
        with _Told(run.name):
            answer([run], config, Rows(config.attributes), task.number)


def _turn(runs: list[Any], order: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    start = int(order["from"])
    end = start + 1 if order.get("only") else len(runs)
    yield from list(enumerate(runs))[start:end]


class _Told:
    """An error while a run is worked on is told, and the next run begun."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        _tell(failed=self._name, why=f"{type(error).__name__}: {error}")
        return True


def _tuples(given: dict[str, list[str]]) -> dict[str, tuple[str, str, str]]:
    return {name: (a, b, c) for name, (a, b, c) in given.items()}


def _tell(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
