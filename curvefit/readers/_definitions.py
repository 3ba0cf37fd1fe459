"""What a W&B run says about its metrics (``define_metric``): against which other metric they stand, which way is better."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..curves import Direction, Metric, Run
from ..curves._checks import safe_text
from ._cells import Column
from ._proto import fields

__all__ = ["Definitions"]

MANY = 10_000
GOALS: dict[int, Direction] = {1: "min", 2: "max"}


@dataclass(slots=True)
class Definitions:
    """Definitions by name, or by the beginning of names (``val/*``), the last one counts."""

    steps: dict[str, str] = field(default_factory=dict)
    goals: dict[str, Direction] = field(default_factory=dict)

    def add(self, data: bytes, at: int, end: int) -> None:
        """One definition of the log."""
        name = step = ""
        goal: Direction | None = None
        for number, wire, value, stop in fields(data, at, end):
            if wire == 2 and number in (1, 2) and value < stop:
                name = safe_text(data[value:stop].decode("utf-8", "replace")[:1000])
            elif wire == 2 and number == 4:
                step = safe_text(data[value:stop].decode("utf-8", "replace")[:1000])
            elif wire == 0 and number == 8:
                goal = GOALS.get(value)
        if name and len(self.steps) + len(self.goals) < MANY:
            if step:
                self.steps[name] = step
            if goal is not None:
                self.goals[name] = goal

    @staticmethod
    def _of(known: dict[str, str], name: str) -> str | None:
        if name in known:
            return known[name]
        globs = [g for g in known if g.endswith("*") and name.startswith(g[:-1])]
        return known[max(globs, key=len)] if globs else None

    def x_name(self, columns: list[Column]) -> tuple[str | None, list[str]]:
        """The one metric that all measures of quality were defined against, and a sentence about the definitions."""
        by_name = {c.name: c for c in columns}
        against: dict[str, list[str]] = {}
        quality = []
        for column in columns:
            if column.name.startswith("_") or column.name in self.steps.values():
                continue
            step = self._of(self.steps, column.name)
            if step is not None and step in by_name:
                against.setdefault(step, []).append(column.name)
            if Metric.infer(column.name).direction is not None:
                quality.append((column, step))
        if not against:
            return None, []
        steps = {step for _, step in quality}
        if quality and len(steps) == 1 and (step := steps.pop()) in by_name:
            there = by_name[step].state == 0
            if all(bool(np.all(there[c.state == 0])) for c, _ in quality):
                return step, [f"x is {step!r}, which the run defines for its metrics"]
        said = "; ".join(
            f"{', '.join(map(repr, names[:4]))}{', ...' if len(names) > 4 else ''} against {step!r}"
            for step, names in against.items()
        )
        return None, [f"the run defines {said}; here all stand against '_step' (pass x= to choose)"]

    def directed(self, run: Run) -> Run:
        """The run with the goals that it states."""
        curves = dict(run.curves)
        for name, curve in run.curves.items():
            goal = self._of(dict(self.goals), name)
            if goal is not None and curve.direction != goal:
                curves[name] = curve.with_metric(direction=goal)
        return replace(run, curves=curves) if self.goals else run
