"""One failing run never loses the rest: what went wrong is recorded, and the loop goes on."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from types import TracebackType

from ..curves import CurvefitError, ReadError, UsageError
from ..curves._checks import safe_text
from ..curves._whole import FULL
from ._base import Exit

__all__ = ["Failure", "Failures", "as_options", "code_of", "is_lost_output", "safe_lines"]


_ARGUMENT = re.compile(
    r"(?<![\w.])(?P<name>metric|x|x_unit|resume|delimiter|decimal|encoding|max_bytes|keep_partial_tail|format|pattern)="
    r"(?:True|(?P<text>'[^']*')|(?![\w\"]))"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one run has no result.

    Parameters
    ----------
    where : str
        Run or file.
    code, what, hint : str
        As in `CurvefitError`.
    stage : {"read", "analyze"}
        Whether the file could not be read, or the run could not be analyzed.
    trace : str
        The traceback when this is a bug of the package, else empty.
    usage : bool
        Whether the question was at fault, not the data.
    """

    where: str
    code: str
    what: str
    hint: str
    stage: str
    trace: str = ""
    usage: bool = False

    def to_dict(self) -> dict[str, str]:
        """Fields for JSON; a traceback is for stderr only."""
        return {"where": self.where, "code": self.code, "what": self.what, "hint": self.hint, "stage": self.stage}

    def line(self) -> str:
        """One line for a terminal, control characters shown."""
        place = f"{self.where}: " if self.where else ""
        hint = f" Hint: {self.hint}" if self.hint else ""
        return safe_text(f"error {self.code}: {place}{self.what}{hint}")


@dataclass(slots=True)
class Failures:
    """Collects failures; use it as a context around the work on one run.

    Errors of the package and bugs alike end that run only; Ctrl-C passes through, and so does the loss of stdout, which no
    later run would get back.

    Examples
    --------
    >>> failures = Failures()
    >>> with failures.on("a.csv", stage="read"):
    ...     raise ReadError("empty file")
    >>> failures.items[0].code
    'CF-IO-001'
    """

    items: list[Failure] = field(default_factory=list)
    _where: str = ""
    _stage: str = "analyze"

    def on(self, where: str, stage: str = "analyze") -> Failures:
        """Name the run that is worked on next."""
        self._where, self._stage = where, stage
        return self

    def __enter__(self) -> Failures:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if error is None or not isinstance(error, Exception) or is_lost_output(error):
            return False
        self.add(error)
        return True

    def add(self, error: Exception, where: str = "") -> None:
        """Record one failure."""
        where = where or self._where
        if isinstance(error, CurvefitError):
            hint = as_options(error.hint)
            if error.where and error.where != where:
                where = error.where if error.where.startswith(where) else f"{where}: {error.where}".lstrip(": ")
            usage = isinstance(error, UsageError)
            self.items.append(Failure(where, error.code, error.what, hint, self._stage, usage=usage))
        elif isinstance(error, MemoryError):
            hint = "a machine with more memory, or fewer points"
            self.items.append(Failure(where, "CF-RES-OOM", "not enough memory", hint, self._stage))
        elif isinstance(error, OSError):
            what = error.strerror or str(error)
            self.items.append(Failure(where or str(error.filename or ""), "CF-IO-OS", what, "", self._stage))
        else:
            import traceback

            what = f"this is a bug in curvefit ({type(error).__name__}: {error}); please report it with the lines below"
            trace = "".join(traceback.format_exception(error))
            self.items.append(Failure(where, "CF-BUG", what, "", self._stage, trace))

    def report(self) -> None:
        """Print every failure on stderr; tracebacks only for bugs."""
        for failure in self.items:
            print(failure.line(), file=sys.stderr)
            if failure.trace:
                print(safe_lines(failure.trace), file=sys.stderr)

    def exit_code(self, done: int) -> int:
        """Exit code after ``done`` runs ended well."""
        if any(f.trace for f in self.items):
            return Exit.BUG
        if not self.items:
            return Exit.OK
        if done == 0 and all(f.usage for f in self.items):
            return Exit.USAGE
        if done == 0 and all(f.stage == "read" for f in self.items):
            return Exit.NOTHING_READABLE
        return Exit.SOME_FAILED


def as_options(hint: str) -> str:
    """A hint in the words of the command line: ``pass delimiter=';'`` is ``pass --delimiter ';'`` there."""
    return _ARGUMENT.sub(lambda m: f"--{m['name'].replace('_', '-')}" + (f" {m['text']}" if m["text"] else ""), hint)


def is_lost_output(error: Exception) -> bool:
    """Whether stdout takes no more: its reader is gone, or the disk behind it is full; an error of a file bears its name."""
    return isinstance(error, BrokenPipeError) or (
        isinstance(error, OSError) and error.errno in FULL and error.filename is None
    )


def safe_lines(text: str) -> str:
    """Text of several lines made harmless for a terminal, line by line."""
    return "\n".join(safe_text(line) for line in text.splitlines())


def code_of(error: CurvefitError) -> int:
    """Exit code of an error that ends the whole command."""
    if isinstance(error, UsageError):
        return Exit.USAGE
    unwritten = error.code in ("CF-IO-NOSPC", "CF-OUT-001")
    return Exit.NOTHING_READABLE if isinstance(error, ReadError) or unwritten else Exit.SOME_FAILED
