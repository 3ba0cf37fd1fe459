"""The look of figures for papers: the style file, sizes of one and two columns, and marks that differ in gray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...curves import UsageError
from ...curves._checks import safe_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLUMNS", "STYLE_FILE", "Look", "looks", "new_axes", "new_figure", "paper_style", "short_names"]

STYLE_FILE = Path(__file__).with_name("paper.mplstyle")
"""For ``matplotlib.style.use``."""
COLUMNS: dict[int, float] = {1: 3.35, 2: 6.9}
"""Width in inches of figures over one column and over two."""
_COLORS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#E69F00")
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (5, 1.5, 1, 1.5)),
    (0, (1, 1.2)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (2, 1)),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
Columns = Literal[1, 2]


@dataclass(frozen=True, slots=True)
class Look:
    """How one method is drawn everywhere."""

    color: str
    dash: Any
    marker: str


@contextmanager
def paper_style() -> Iterator[None]:
    """The settings of the style file while something is drawn; the caller's come back afterwards."""
    import matplotlib as mpl

    with mpl.rc_context(fname=str(STYLE_FILE)):
        yield


def looks(names: Sequence[str]) -> dict[str, Look]:
    """Color, dash and marker by name: the first seven differ in all three, the next in their combination."""
    k = len(_COLORS)
    return {
        n: Look(_COLORS[i % k], _DASHES[(i + i // k) % k], _MARKERS[(i + 2 * (i // k)) % k])
        for i, n in enumerate(names)
    }


def short_names(names: Sequence[str], most: int) -> list[str]:
    """Names made safe and cut to a length in such a way that they can still be told apart.

    What all of them begin with, up to a separator, is dropped where one is too long; what is still too long is cut in the
    middle, since names of runs differ at their end.
    """
    shown = [safe_text(name) for name in names]
    if len(shown) > 1 and max(map(len, shown)) > most:
        first, last = min(shown), max(shown)
        differ = (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
        common = first[: next(differ, len(first))]
        cut = max((common.rfind(c) + 1 for c in "/\\_-. "), default=0)
        if cut > 3:
            shown = ["…" + name[cut:] for name in shown]
    head = (most - 1) // 3
    return [n if len(n) <= most else f"{n[:head]}…{n[len(n) - (most - 1 - head) :]}" for n in shown]


def new_figure(
    columns: Columns = 1, *, height: float | None = None, rows: int = 1, across: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """A figure as wide as one or two columns of a page, known to no window.

    Parameters
    ----------
    columns : {1, 2}
        Width in columns of the page.
    height : float, optional
        Inches; default by the shape of the axes.
    rows, across : int
        Axes below and beside each other.
    **options
        For ``Figure.subplots``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if columns not in COLUMNS:
        raise UsageError(f"columns = {columns!r}", code="CF-USE-002", hint="choices: 1, 2")
    width = COLUMNS[columns]
    figure = Figure(figsize=(width, height or rows * width / across * 0.68), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, across, **options)


def new_axes(ax: Axes | None, columns: Columns = 1, height: float | None = None) -> Axes:
    """The axes given, or new ones on a figure of their own."""
    if ax is not None:
        return ax
    made: Axes = new_figure(columns, height=height)[1]
    return made
