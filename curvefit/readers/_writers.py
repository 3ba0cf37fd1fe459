"""Which event files of one folder belong to one run, and which were written by different programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Span", "group_files"]

DAY = 86400.0
_NAME = re.compile(r"\.tfevents\.\d+\.(?P<host>.+?)\.(?P<pid>\d+)\.\d+(?:\.|$)")
_HOST = re.compile(r"\.tfevents\.\d+\.(?P<host>.+)$")


@dataclass(frozen=True, slots=True)
class Span:
    """What is known of a file.

    Parameters
    ----------
    name : str
        Its name; writers put machine and process into it.
    began, ended : float
        Wall time of the first and of the last scalar.
    tags : frozenset of int
        Tags with a value in it.
    """

    name: str
    began: float
    ended: float
    tags: frozenset[int]


def group_files(spans: Sequence[Span]) -> tuple[list[list[int]], int]:
    """Files by run, in order of their begin, and by how many programs the folder was written.

    Two files are of one program when they share a tag, a process, or time; or when they come from one machine and less than a
    day lies between them. Files of one program are one run, a restart among them, unless they logged the same tags at the same
    time: then two of them ran side by side.

    Parameters
    ----------
    spans : sequence of Span
        In order of their begin.
    """
    programs: list[list[int]] = []
    for i, span in enumerate(spans):
        related = [p for p in programs if any(_related(spans[j], span) for j in p)]
        rest = [p for p in programs if p not in related]
        programs = [*rest, sorted([j for p in related for j in p] + [i])]
    programs.sort(key=lambda p: p[0])
    return [lane for program in programs for lane in _lanes(spans, program)], len(programs)


def _lanes(spans: Sequence[Span], program: list[int]) -> list[list[int]]:
    """Files by writer: those that logged the same tags at the same time are kept apart."""
    lanes: list[list[int]] = []
    for i in program:
        for lane in lanes:
            if not any(spans[i].began < spans[j].ended and spans[i].tags & spans[j].tags for j in lane):
                lane.append(i)
                break
        else:
            lanes.append([i])
    return lanes


def _related(a: Span, b: Span) -> bool:
    """Whether two files are of one program; ``b`` began later."""
    if b.began <= a.ended or a.tags & b.tags:
        return True
    here, there = _writer(a.name), _writer(b.name)
    if here == there and here[1]:
        return True
    return here[0] == there[0] and not b.began - a.ended > DAY


def _writer(name: str) -> tuple[str, str]:
    """Machine and process, empty where the name does not say."""
    found = _NAME.search(name) or _HOST.search(name)
    return (found["host"], found.groupdict().get("pid") or "") if found else ("", "")
