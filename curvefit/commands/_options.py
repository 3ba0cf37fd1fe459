"""Arguments that several commands share, and the checks of their values."""

from __future__ import annotations

import math
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Any, get_args

from ..curves import CurvefitError, Direction, ResumePolicy, UsageError
from ..curves._checks import check_level
from ..curves._registry import Registry
from ..curves.errors import unknown_name
from ..readers import registry as readers

__all__ = ["Parser", "add_input", "add_json", "add_level", "finite", "level", "name_of", "positive"]


class Parser(ArgumentParser):
    """An argument parser whose complaints are the package's own errors."""

    def error(self, message: str) -> Any:
        """Raise instead of printing the whole usage."""
        raise UsageError(message, hint=f"{self.prog} --help")


def _checked(check: Callable[[str], Any]) -> Callable[[str], Any]:
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


def _positive(text: str) -> float:
    value = _number(text)
    if math.isinf(value) and value > 0:
        raise UsageError(f"{text!r} is no x that can be reached", hint="the limit of the law is reported as asymptote")
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{text!r} is not a positive number")
    return value


finite = _checked(_finite)
positive = _checked(_positive)
level = _checked(lambda text: check_level(_number(text)))


def name_of(registry: Registry[Any], *, extra: tuple[str, ...] = ()) -> Callable[[str], str]:
    """A value that names one of the registry's ways; nothing is imported to check it."""

    def check(text: str) -> str:
        choices = [*extra, *registry.names()]
        if text not in choices:
            raise unknown_name(registry.what, text, choices)
        return text

    return _checked(check)


class AssignOption(Action):
    """Collect repeated ``NAME=VALUE`` in a dict."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None
    ) -> None:
        """Add one pair."""
        name, sign, value = str(values).partition("=")
        if not sign or not name:
            parser.error(f"{option_string} {values}: expected NAME=VALUE")
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), name: value})


def add_input(parser: ArgumentParser, *, metric: bool = True) -> None:
    """PATH and how to read it."""
    parser.add_argument("path", metavar="PATH", nargs="+", help="log file, folder of runs, or - for stdin")
    group = parser.add_argument_group("reading")
    if metric:
        group.add_argument("-m", "--metric", help="metric to work on (default: the run's main one, validation first)")
    group.add_argument("--x", metavar="COLUMN", help="column of x (default: step, epoch, tokens, ... as found)")
    group.add_argument(
        "--format", type=name_of(readers), metavar="F", help="reader to use instead of looking at the content"
    )
    group.add_argument("--direction", choices=get_args(Direction), help="whether smaller or larger values are better")
    group.add_argument(
        "--resume",
        choices=get_args(ResumePolicy),
        default="supersede",
        help="what a resumed run's repeated part means (default: supersede)",
    )


def add_level(parser: ArgumentParser) -> None:
    """Coverage of the intervals."""
    parser.add_argument(
        "--level", type=level, default=0.95, metavar="L", help="coverage of the intervals (default: 0.95)"
    )


def add_json(parser: ArgumentParser) -> None:
    """Machine output and silence."""
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON to FILE, or - for stdout")
    parser.add_argument("-q", "--quiet", action="store_true", help="no messages on stderr other than errors")
