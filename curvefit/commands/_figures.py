"""Figures of reports as files: one run, the file named; several, one file each beside it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from re import sub
from types import TracebackType
from typing import TYPE_CHECKING

from ..curves import UsageError
from ..reporting.figures import FORMATS, figure_bytes
from ..reporting.report import Report
from ._output import OutputFile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Figures", "slug"]


class Figures:
    """Draws reports to files of the format that the suffix names; the place is checked before the work starts.

    Parameters
    ----------
    target : str
        Value of ``--plot``.

    Attributes
    ----------
    drawn : dict of str to str
        File by name of the run, once closed.
    """

    def __init__(self, target: str) -> None:
        self.target = Path(target)
        self.format = self.target.suffix.lower().removeprefix(".")
        if self.format not in FORMATS:
            what = f"--plot: cannot draw to {self.target.suffix or 'a file without suffix'}"
            raise UsageError(what, where=target, hint=f"choices: {', '.join('.' + f for f in FORMATS)}")
        self._only = OutputFile(self.target, "--plot")
        self._first: tuple[str, bytes] | None = None
        self.drawn: dict[str, str] = {}

    def __enter__(self) -> Figures:
        self._only.__enter__()
        return self

    def add(self, report: Report) -> None:
        """Draw one report."""
        self.add_axes(report.run.name, report.plot())

    def add_axes(self, run: str, ax: Axes) -> None:
        """Keep the figure of one run; the first waits until it is known whether it is the only one."""
        picture = figure_bytes(ax, self.format)
        if self._first is None and not self.drawn:
            self._first = run, picture
            return
        if self._first is not None:
            self._write(*self._first)
            self._first = None
        self._write(run, picture)

    def close(self, over_all: Callable[[], Axes] | None = None) -> dict[str, str]:
        """Write what still waits, of several runs the figure of all, and return the file of each."""
        if self._first is None and self.drawn and over_all is not None:
            self._only.write(figure_bytes(over_all(), self.format))
            self.drawn["all runs"] = str(self.target)
        if self._first is not None:
            name, picture = self._first
            self._only.write(picture)
            self.drawn[name] = str(self.target)
            self._first = None
        return self.drawn

    def _write(self, name: str, picture: bytes) -> None:
        file = self.target.with_stem(f"{self.target.stem}-{slug(name)}")
        with OutputFile(file, "--plot") as place:
            place.write(picture)
        self.drawn[name] = str(file)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._only.__exit__(kind, error, trace)


def slug(name: str) -> str:
    """A file name from any run name: harmless characters, and a digest that keeps names apart everywhere."""
    plain = sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:60]
    return f"{plain or 'run'}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
