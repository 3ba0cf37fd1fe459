"""A parameter pooled over runs: its mean, how much runs differ, and every run drawn toward the mean by its own noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...curves import Estimate, Status
from .table import Cell, Column, Table

__all__ = ["Pooled"]


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Random-effects pooling of one quantity; what `pool` returns.

    Parameters
    ----------
    name : str
        Of the quantity.
    mean : Estimate
        Mean over the population of runs, with its confidence interval.
    new_run : Estimate
        Where the parameter of another run lies, with a prediction interval.
    tau : float
        Standard deviation between runs, noise taken off; on the log scale that of logarithms, .1 for some 10 %.
    heterogeneity : float
        Share of the scatter that is between runs, I squared.
    p_value : float
        That runs do not differ (Cochran's Q).
    runs : tuple of str
        Names.
    own : tuple of Estimate
        Every run by itself.
    shrunken : tuple of Estimate
        Every run drawn toward the mean.
    shrinkage : tuple of float
        How far, 0 (not) to 1 (onto the mean).
    notes : tuple of str
        What was left out.
    scale : {"linear", "log"}
        On which runs were pooled; on the log scale means are geometric.
    """

    name: str
    mean: Estimate
    new_run: Estimate
    tau: float
    heterogeneity: float
    p_value: float
    runs: tuple[str, ...]
    own: tuple[Estimate, ...]
    shrunken: tuple[Estimate, ...]
    shrinkage: tuple[float, ...]
    notes: tuple[str, ...] = ()
    scale: str = "linear"

    def __str__(self) -> str:
        return self.render("plain")

    def tables(self) -> tuple[Table, ...]:
        """One table: every run by itself, shrunken, and the mean."""
        columns = (
            Column("run", "run"),
            Column("own", "by itself", "estimate"),
            Column("shrunken", "shrunken", "estimate"),
            Column("shrinkage", "shrinkage", "probability"),
        )
        rows: list[tuple[Cell, ...]] = list(zip(self.runs, self.own, self.shrunken, self.shrinkage, strict=True))
        alone = Estimate(
            "shrunken", None, status=Status.NOT_APPLICABLE, reasons=("only single runs are drawn toward the mean",)
        )
        mean = "geometric mean of all" if self.scale == "log" else "mean of all"
        rows += [(mean, self.mean, alone, alone), ("another run", self.new_run, alone, alone)]
        of = " of logarithms" if self.scale == "log" else ""
        spread = f"Between runs: standard deviation{of} {self.tau:.3g}, I squared {100 * self.heterogeneity:.0f} %, p = {self.p_value:.2g} (Q)."
        caption = f"{self.name} pooled over {len(self.runs)} runs (random effects)"
        return (Table(f"pooled-{self.name}", caption, columns, tuple(rows), (spread, *self.notes)),)

    def render(self, format: str = "markdown", **options: Any) -> str:
        """The table as text; see `Table.render`."""
        return self.tables()[0].render(format, **options)
