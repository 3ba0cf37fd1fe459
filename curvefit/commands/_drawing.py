"""Commands over runs that draw what they found, and the values of options of segmentation."""

from __future__ import annotations

from abc import abstractmethod
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from ..curves import Run
from ._figures import Figures
from ._listing import RunCommand
from ._output import note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DrawingCommand", "count_or_auto", "penalty"]


class DrawingCommand(RunCommand):
    """A command over runs that can draw what it found."""

    _figures: Figures | None = None

    @abstractmethod
    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments beyond the common ones."""

    @abstractmethod
    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """Lines for a person, and the same for a program."""

    def add_plot(self, parser: ArgumentParser) -> None:
        """Declare the figure."""
        parser.add_argument(
            "--plot", metavar="FILE", help="draw to FILE (.png, .svg, .pdf); several runs: one file each beside it"
        )

    def run(self, args: Namespace) -> int:
        """Answer for every run, and write the figures when all are drawn."""
        if args.plot is None:
            return super().run(args)
        with Figures(args.plot) as figures:
            self._figures = figures
            try:
                code = super().run(args)
                drawn = figures.close(self.drawn_over_all())
            finally:
                self._figures = None
        for name, file in drawn.items():
            note(f"figure of {name}: {file}", quiet=args.quiet)
        return code

    def drawn_over_all(self) -> Callable[[], Axes] | None:
        """What makes the figure of all runs together, where a command has one."""
        return None

    def draw(self, run: Run, make: Callable[[], Axes]) -> None:
        """Draw one run where figures were asked for."""
        if self._figures is not None:
            self._figures.add_axes(run.name, make())


def count_or_auto(text: str) -> int | Literal["auto"]:
    """A whole number from 0 to 10, or auto."""
    if text == "auto":
        return "auto"
    if text.isdecimal() and int(text) <= 10:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a number from 0 to 10, or auto")


def penalty(text: str) -> float | Literal["auto"]:
    """A positive number, or auto."""
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not (isfinite(value) and value > 0):
        raise ArgumentTypeError(f"{text!r} is not a positive number, or auto")
    return value
