"""Records of studies for people: tables, comparisons of methods, scaling laws, summaries of batches."""

from __future__ import annotations

from .batch_summary import BatchSummary
from .comparison import Aggregate, Band, Comparison, Crossing, Pair, Ranking
from .pooled import Pooled
from .scaling_fit import Allocation, Extrapolation, ScalingFit
from .table import Column, Table

__all__ = [
    "Aggregate",
    "Allocation",
    "Band",
    "BatchSummary",
    "Column",
    "Comparison",
    "Crossing",
    "Extrapolation",
    "Pair",
    "Pooled",
    "Ranking",
    "ScalingFit",
    "Table",
]
