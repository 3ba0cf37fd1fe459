"""From the words on the command line to an exit code."""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from textwrap import wrap
from threading import current_thread, main_thread
from types import FrameType

from .. import __version__
from ..curves import CurvefitError
from ..curves._checks import safe_text
from ..curves.errors import unknown_name
from . import registry
from ._attempt import Failures, as_options, code_of, is_lost_output
from ._base import Exit
from ._parser import Parser

__all__ = ["run"]

EPILOG = """\
exit codes: 0 ok, 1 a bug, 2 usage, 3 some runs refused or failed (the report is
written), 4 nothing readable, 130 interrupted. Start with: curvefit example"""


def run(argv: Sequence[str]) -> int:
    """Run one command; every way it can end is an exit code.

    Parameters
    ----------
    argv : sequence of str
        Words after the program's name.

    Returns
    -------
    int
        Exit code, see `curvefit.commands._base.Exit`.
    """
    _settle_streams()
    bugs = Failures()
    code: int = Exit.BUG
    with _terminated_like_interrupted(), bugs.on("", stage="analyze"):
        code = _guarded(list(argv))
    if bugs.items:
        bugs.report()
        return bugs.exit_code(0)
    return code


def _settle_streams() -> None:
    """Text that a terminal cannot show is escaped, and a stream that was closed leads nowhere.

    ``print(..., file=None)`` writes to stdout: without this, what is said to a closed stderr would stand among the data.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - to the end of the process
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """A polite kill (SIGTERM, as a batch system sends) ends the work as Ctrl-C does: what is done is written."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _guarded(argv: list[str]) -> int:
    try:
        code = _dispatch(argv)
        sys.stdout.flush()
    except CurvefitError as error:
        hint = f"\nhint: {as_options(error.hint)}" if error.hint else ""
        place = f"{error.where}: " if error.where else ""
        text = f"error {error.code}: {place}{error.what}{hint}"
        print("\n".join(safe_text(line) for line in text.splitlines()), file=sys.stderr)
        return code_of(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has seen enough (| head)
        _close_stdout()
        return Exit.OK
    except OSError as error:
        if not is_lost_output(error):
            raise
        _close_stdout()
        print(f"error CF-IO-NOSPC: <stdout>: cannot be written: {error.strerror}", file=sys.stderr)
        return Exit.NOTHING_READABLE
    return code


def _close_stdout() -> None:
    """Send what is still buffered nowhere, so that the interpreter does not complain at exit."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def _dispatch(argv: list[str]) -> int:
    if not argv:
        print(_overview(), file=sys.stderr)
        return Exit.USAGE
    if argv[0] in ("-h", "--help"):
        print(_overview())
        return Exit.OK
    if argv[0] == "--version":
        print(f"curvefit {__version__}")
        return Exit.OK
    if argv[0] not in registry:
        raise unknown_name("command", argv[0], registry.names())
    command = registry[argv[0]]
    parser = Parser(prog=f"curvefit {argv[0]}", description=registry.summary(argv[0]), allow_abbrev=False)
    command.add_arguments(parser)
    try:
        args: Namespace = parser.parse_args(argv[1:])
    except SystemExit as done:  # --help has been printed
        return int(done.code or 0)
    from ._spared import spare_inputs  # it loads the readers, which --help does without

    spare_inputs(args)
    return command.run(args)


def _overview() -> str:
    names = registry.names()
    width = max(len(n) for n in names)
    lines = [
        line
        for n in names
        for line in wrap(
            registry.summary(n), 78, initial_indent=f"  {n:<{width}}  ", subsequent_indent=" " * (width + 4)
        )
    ]
    head = "usage: curvefit COMMAND ... [--help]\n\nFit, forecast and diagnose training curves, and decide whether to train on.\n"
    return "\n".join([head, "commands:", *lines, "", EPILOG])
