"""Arguments that several commands share, and the checks of their values."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError, _ArgumentGroup
from collections.abc import Callable
from typing import Any, get_args

from ..curves import CurvefitError, Direction, ResumePolicy, UsageError, XUnit
from ..curves._checks import check_level
from ..curves._registry import Registry
from ..curves.errors import unknown_name
from ..models import registry as models
from ..readers import registry as readers

__all__ = ["add_input", "add_json", "add_level", "finite", "level", "name_of", "positive"]


def checked(check: Callable[[str], Any]) -> Callable[[str], Any]:
    """Let argparse show the package's own message for a bad value."""

    def convert(text: str) -> Any:
        try:
            return check(text)
        except CurvefitError as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise ArgumentTypeError(f"{error.what}{hint}") from None

    return convert


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a number") from None


def _finite(text: str) -> float:
    value = _number(text)
    if not math.isfinite(value):
        raise UsageError(f"{text!r} is not finite")
    return value


def _jobs(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if not 1 <= value <= 256:
        raise UsageError(f"{text!r} is no number of processes from 1 to 256")
    return value


def _positive(text: str) -> float:
    value = _number(text)
    if math.isinf(value) and value > 0:
        raise UsageError(f"{text!r} is no x that can be reached", hint="the limit of the law is reported as asymptote")
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{text!r} is not a positive number")
    return value


def _bytes(text: str) -> int:
    """A number of bytes; ``500M`` and ``2G`` count in powers of 1024."""
    number, power = (text[:-1], "KMGT".index(text[-1].upper()) + 1) if text[-1:].upper() in tuple("KMGT") else (text, 0)
    value = int(number) * 1024**power if number.isascii() and number.isdigit() and len(number) < 16 else 0
    if value <= 0:
        raise UsageError(f"{text!r} is no number of bytes", hint="for example 500M or 2G")
    return value


jobs = checked(_jobs)
size = checked(_bytes)
finite = checked(_finite)
positive = checked(_positive)
level = checked(lambda text: check_level(_number(text)))


def name_of(registry: Registry[Any], *, extra: tuple[str, ...] = ()) -> Callable[[str], str]:
    """A value that names one of the registry's ways; nothing is imported to check it."""

    def check(text: str) -> str:
        choices = [*extra, *registry.names()]
        if text not in choices:
            raise unknown_name(registry.what, text, choices)
        return text

    return checked(check)


def add_input(parser: ArgumentParser, *, metric: bool = True, at_once: bool = True) -> None:
    """PATH and how to read it; ``at_once``: whether files of a folder may be read side by side."""
    parser.add_argument("path", metavar="PATH", nargs="+", help="log file, folder of runs, or - for stdin")
    group = parser.add_argument_group("reading")
    if metric:
        add_metric(group)
    group.add_argument("--x", metavar="COLUMN", help="column of x (default: step, epoch, tokens, ... as found)")
    group.add_argument(
        "--format", type=reader_name, metavar="F", help="reader to use instead of looking at the content"
    )
    group.add_argument(
        "--x-unit", choices=get_args(XUnit), metavar="U", help=f"unit of x: {', '.join(get_args(XUnit))}"
    )
    group.add_argument(
        "--delimiter", metavar="D", help="between the fields of a table, or whitespace (default: as found)"
    )
    group.add_argument(
        "--decimal", choices=(".", ","), metavar="MARK", help="decimal mark of a table, . or , (default: as found)"
    )
    group.add_argument("--encoding", metavar="E", help="of text files (default: UTF-8, or by byte-order mark)")
    group.add_argument(
        "--pattern", metavar="RE", help=r"form of a console log's lines: 'step (?P<step>\d+) loss (?P<loss>\S+)'"
    )
    group.add_argument(
        "--max-bytes", type=size, metavar="N", help="largest file, after decompression: 500M, 2G, ... (default: 1G)"
    )
    group.add_argument("--keep-partial-tail", action="store_true", help="keep a last line that has no line end")
    if at_once:
        group.add_argument(
            "--jobs", type=jobs, default=1, metavar="N", help="processes that read the files of a folder (default: 1)"
        )
    group.add_argument(
        "--resume",
        choices=get_args(ResumePolicy),
        default="supersede",
        help="what a resumed run's repeated part means (default: supersede)",
    )


def _reader_name(text: str) -> str:
    """A reader by its name or by one of the short names people use for it."""
    names = {alias: name for name in readers for alias in readers[name].aliases} if text not in readers else {}
    if text in names or text in readers:
        return names.get(text, text)
    raise unknown_name("reader", text, [*readers, *names])


reader_name = checked(_reader_name)


def add_metric(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Which curve."""
    parser.add_argument("-m", "--metric", help="metric to work on (default: the run's main one, validation first)")
    parser.add_argument("--direction", choices=get_args(Direction), help="whether smaller or larger values are better")


def add_level(parser: ArgumentParser) -> None:
    """Coverage of the intervals."""
    parser.add_argument(
        "--level", type=level, default=0.95, metavar="L", help="coverage of the intervals (default: 0.95)"
    )


def add_json(parser: ArgumentParser) -> None:
    """Machine output and silence."""
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON to FILE, or - for stdout")
    parser.add_argument("-q", "--quiet", action="store_true", help="no messages on stderr other than errors")


def add_questions(parser: ArgumentParser) -> None:
    """What is asked of the curve."""
    group = parser.add_argument_group("questions")
    group.add_argument(
        "--horizon",
        type=positive,
        metavar="X",
        help="x up to which to forecast (default: planned length, else end of the rate's decay, else twice the data)",
    )
    group.add_argument("--target", type=finite, metavar="V", help="value to be reached")
    group.add_argument("--best", type=finite, metavar="V", help="best value of earlier runs, to be beaten")
    group.add_argument(
        "--min-gain",
        type=gain,
        metavar="G",
        help="smallest improvement that matters: in the metric's unit, '1%%' of the level, or '2 sigma' of the noise",
    )
    group.add_argument("--cost-per-unit", "--cost", type=not_negative, metavar="C", help="cost of one unit of x")
    group.add_argument(
        "--worth-per-unit",
        "--worth",
        type=not_negative,
        metavar="W",
        help="worth of one unit of the metric, in the same currency",
    )


def _not_negative(text: str) -> float:
    value = _finite(text)
    if value < 0:
        raise UsageError(f"{text!r} is negative")
    return value


def _gain(text: str) -> float | str:
    number = text.strip().lower().removesuffix("%").removesuffix("sigma").strip()
    try:
        value = _not_negative(number)
    except UsageError as error:
        raise UsageError(f"{error.what}; meant is 0.01, '1%' of the level or '2 sigma' of the noise") from None
    return value if number == text.strip() else text


not_negative = checked(_not_negative)
gain = checked(_gain)


def _model_name(text: str) -> str:
    """A law, a sum of laws, ``auto`` or ``none``; nothing is imported to check it."""
    for part in text.split("+") if text not in ("auto", "none") else ():
        if part.strip() not in models:
            raise unknown_name("model", part.strip(), ["auto", *models])
    return text


model_name = checked(_model_name)
