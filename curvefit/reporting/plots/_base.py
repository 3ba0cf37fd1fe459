"""What every figure has in common.

A way is a function ``name(report, *, ax=None, **options) -> Axes`` in a file of its name. It takes results and computes
nothing but where ink goes, draws on the axes it is given (or on a new figure), returns them, and never shows or saves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..report import Report

__all__ = ["Plot"]


class Plot(Protocol):
    """The shape of every way in this folder."""

    def __call__(self, report: Report, /, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the report."""
        ...
