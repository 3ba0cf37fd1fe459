"""The look of every figure in one place, new axes to draw on, and files that are the same bytes every time."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..curves import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

__all__ = ["COLORS", "FORMATS", "figure_bytes", "literal", "new_axes", "save_figure", "style"]

# Okabe and Ito's palette: told apart with every color vision; the grays below differ in lightness when printed
COLORS = {
    "data": "#A8A8A8",
    "mean": "#4D4D4D",
    "fit": "#000000",
    "forecast": "#0072B2",
    "best": "#009E73",
    "onset": "#CC79A7",
    "event": "#D55E00",
    "restart": "#56B4E9",
    "guide": "#B8B8B8",
}
FORMATS = ("png", "svg", "pdf")
_FIXED: dict[str, dict[str, str | None]] = {  # no time stamps and no versions: equal figures are equal bytes
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_STYLE: Any = {  # keys are settings of matplotlib
    "text.usetex": False,  # a name from a log must never reach TeX
    "axes.formatter.use_mathtext": False,
    "axes.formatter.use_locale": False,
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "axes.edgecolor": "#444444",
    "axes.facecolor": "white",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "lines.solid_capstyle": "round",
    "path.simplify": True,
    "agg.path.chunksize": 10000,
    "svg.fonttype": "path",  # fonts embedded as outlines
    "svg.hashsalt": "curvefit",
    "pdf.fonttype": 42,  # fonts embedded as TrueType, text stays text
    "pdf.compression": 6,
}


@contextmanager
def style() -> Iterator[None]:
    """The look of the figures while something is drawn or saved; the caller's settings come back afterwards."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def new_axes(width: float = 6.4, height: float = 3.8) -> Axes:
    """Axes on a new figure that no window or notebook knows of.

    Parameters
    ----------
    width, height : float
        Inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Axes = figure.add_subplot()
    return axes


def literal(text: Text) -> Text:
    """Make a text object show its characters as they are: no mathematics between dollar signs, no TeX."""
    text.set_parse_math(False)
    text.set_usetex(False)
    return text


def figure_bytes(ax: Axes, format: str, *, dpi: float = 150.0) -> bytes:
    """The figure of these axes as the content of a file, equal for equal figures.

    Parameters
    ----------
    ax : matplotlib Axes
        Any axes of the figure.
    format : {"png", "svg", "pdf"}
        Kind of file.
    dpi : float
        Dots per inch of a PNG.
    """
    if format not in FORMATS:
        raise UsageError(f"no figure format {format!r}", code="CF-USE-002", hint=f"choices: {', '.join(FORMATS)}")
    figure = ax.get_figure(root=True)
    assert figure is not None
    buffer = io.BytesIO()
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a name in a script the font lacks: boxes
        figure.savefig(buffer, format=format, dpi=dpi, metadata=_FIXED[format])
    return buffer.getvalue()


def save_figure(ax: Axes, path: str | Path, *, dpi: float = 150.0) -> Path:
    """Write the figure of these axes to a file; its suffix says which kind.

    Parameters
    ----------
    ax : matplotlib Axes
        Any axes of the figure, for example what ``report.plot()`` returned.
    path : str or Path
        Ends in ``.png``, ``.svg`` or ``.pdf``.
    dpi : float
        Dots per inch of a PNG.

    Returns
    -------
    Path
        Of the file.
    """
    target = Path(path)
    content = figure_bytes(ax, target.suffix.lower().lstrip("."), dpi=dpi)
    target.write_bytes(content)
    return target
