"""One self-contained HTML page: a table of runs, a section for each, and no request to anywhere."""

from __future__ import annotations

from .view import Fan, RunView
from .writer import page

__all__ = ["Fan", "RunView", "page"]
