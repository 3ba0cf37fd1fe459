"""What every way of writing a report has in common.

A way is a function ``name(report, **options) -> str`` in a file of its name. It only arranges what the report holds:
it computes nothing, and text that came from a log never reaches the output unescaped for its medium.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["Renderer"]


class Renderer(Protocol):
    """The shape of every way in this folder."""

    def __call__(self, report: Report, /, **options: Any) -> str:
        """Write the report."""
        ...
