"""What became of many runs, in numbers: statuses, parameters, diagnoses and recommendations by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .table import Table

__all__ = ["BatchSummary"]


@dataclass(frozen=True, slots=True, eq=False)
class BatchSummary:
    """Tables of a batch.

    Parameters
    ----------
    title : str
        What the batch was about.
    counts : mapping of str to int
        Runs by how they ended.
    groups : tuple of str
        Attributes by which the tables are grouped.
    contents : tuple of Table
        The tables.
    settings : mapping of str to str
        How the batch was made: models, horizons, versions, seeds.
    notes : tuple of str
        Plain sentences that qualify all of it.
    """

    title: str
    counts: Mapping[str, int]
    groups: tuple[str, ...]
    contents: tuple[Table, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.render("plain")

    def tables(self) -> tuple[Table, ...]:
        """The tables that have rows."""
        return tuple(t for t in self.contents if len(t))

    def render(self, format: str = "markdown", **options: Any) -> str:
        """All tables as text; see `Table.render`."""
        return "\n".join(t.render(format, **options) for t in self.tables())
