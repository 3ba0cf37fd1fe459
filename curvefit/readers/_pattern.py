"""A form of line that the caller describes: one regular expression whose named groups are the values."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Timer
from types import TracebackType
from weakref import finalize

from ..curves import LimitError, ReadError, UsageError
from ..curves.numbers import counted
from ._cells import TOO_LARGE
from ._names import x_unit_of

__all__ = ["HORIZON", "Matcher", "check_pattern", "no_match"]

MAX_PATTERN = 1000
LINE = 1 << 14  # characters of a line that are looked at
PER_LINE = 0.5  # CPU seconds for one line
TOTAL = 10.0  # CPU seconds for all lines, and a millisecond for each
SILENCE = 120.0  # seconds after which a process that cannot count its own time is stopped
HORIZON = "horizon"
HINT = r"for example 'step (?P<step>\d+) loss (?P<loss>\S+)'"
Values = dict[str, object]


def check_pattern(text: str, *, x: str | None) -> None:
    """Raise unless the pattern names an x and a metric.

    Parameters
    ----------
    text : str
        A regular expression of Python's ``re``.
    x : str or None
        x that was asked for; ``"row"`` needs none in the pattern.

    Raises
    ------
    UsageError
        When it is no regular expression, is longer than 1,000 characters, or names too little.
    """
    if len(text) > MAX_PATTERN:
        raise UsageError(f"a pattern of {len(text)} characters, more than {MAX_PATTERN}", code="CF-USE-014", hint=HINT)
    try:
        names = list(re.compile(text).groupindex)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"no regular expression: {error}", code="CF-USE-014", where=text, hint=HINT) from None
    if not names:
        raise UsageError("the pattern names no group", code="CF-USE-014", where=text, hint=HINT)
    counts = [n for n in names if x_unit_of(n) not in (None, "second") or n == x]
    if not counts and x not in ("row", "cumulative"):
        raise UsageError(
            f"no group of the pattern is a step, epoch or another x; it names {', '.join(names)}",
            code="CF-USE-014",
            where=text,
            hint=r"call the group of x 'step', name it by x=, or pass x='row' to number the lines",
        )
    if not set(names) - set(counts) - {HORIZON}:
        raise UsageError(
            f"no group of the pattern is a metric; it names {', '.join(names)}",
            code="CF-USE-014",
            where=text,
            hint=HINT,
        )


class Matcher:
    r"""Lines against a pattern, in a process that is stopped when the pattern takes too long.

    Parameters
    ----------
    pattern : str
        As `check_pattern` accepts it.
    where : str
        File, for messages.

    Notes
    -----
    A pattern such as ``(a+)+$`` takes a time that doubles with every character of a line that nearly fits, and Python cannot be
    interrupted while it matches outside the main thread. So the lines go to a process of their own that counts its CPU time:
    half a second for one line, ten seconds and a millisecond per line for all. The process ends with this object.
    """

    def __init__(self, pattern: str, where: str) -> None:
        self.where = where
        self.line = 0
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter with a file of this package
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("_match.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
        )
        self._end = finalize(self, _end, self._process)
        self._send(json.dumps([pattern, PER_LINE, TOTAL]))

    def __enter__(self) -> Matcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def match(self, lines: Sequence[str]) -> list[tuple[int, Values]]:
        """Numbers of the lines that match, counted over all calls, and their values.

        Raises
        ------
        LimitError
            When a line, or all of them, take too long.
        """
        self._send(json.dumps([line[:LINE] for line in lines]))
        timer = Timer(SILENCE, self._process.kill)
        timer.start()
        try:
            answer = self._process.stdout.readline() if self._process.stdout is not None else ""
        finally:
            timer.cancel()
        if not answer:
            span = f"{self.line + 1} to {self.line + len(lines)}"
            raise LimitError(
                f"the pattern did not come to an end on the lines {span}", where=self.where, hint=_simpler()
            )
        found = json.loads(answer)
        if isinstance(found, dict):
            raise LimitError(
                "the pattern takes too long on this line",
                where=f"{self.where}:{self.line + int(found['slow']) + 1}",
                hint=_simpler(),
            )
        first = self.line + 1
        self.line += len(lines)
        return [(first + i, _values(groups)) for i, groups in found]

    def _send(self, text: str) -> None:
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(text + "\n")
                self._process.stdin.flush()
        except OSError:
            raise ReadError("the process that matches lines has ended", where=self.where) from None


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def no_match(pattern: str, lines: int, where: str) -> ReadError:
    """The error when no line matched."""
    return ReadError(
        f"none of {counted(lines, 'line')} matches the pattern '{pattern}'",
        code="CF-IO-003",
        where=where,
        hint="try it on one line with re.search",
    )


def _simpler() -> str:
    return "no repetition within a repetition, such as (a+)+; say what stands between the values"


def _values(groups: dict[str, str | None]) -> Values:
    """Numbers where the groups hold numbers; a group that took no part is missing."""
    return {name: _value(text.strip()) for name, text in groups.items() if text is not None}


def _value(text: str) -> object:
    for candidate in (text, text.rstrip(",;:)]}|")):
        try:
            value = float(candidate)
        except ValueError:
            continue
        if "_" in candidate:
            return text
        return TOO_LARGE if value in (float("inf"), float("-inf")) and "n" not in candidate.lower() else value
    return text
