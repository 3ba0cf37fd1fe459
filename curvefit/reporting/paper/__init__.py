"""Figures for papers: one or two columns wide, vector, told apart in gray, fonts embedded."""

from __future__ import annotations

from .bands import seed_bands
from .calibration import calibration
from .canvas import COLUMNS, new_figure, paper_style
from .forest import forest
from .multiples import small_multiples
from .pareto import pareto
from .ranking import ranking
from .scaling import scaling

__all__ = [
    "COLUMNS",
    "calibration",
    "forest",
    "new_figure",
    "paper_style",
    "pareto",
    "ranking",
    "scaling",
    "seed_bands",
    "small_multiples",
]
