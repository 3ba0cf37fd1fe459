"""From PATHs to runs, and the loop over them: each on its own, all of them accounted for."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from ..curves import CurvefitError, ReadError, Run, UsageError
from ..readers._walk import Skipped
from ..readers.read import read_each
from ._attempt import Failures
from ._base import Exit
from ._output import note

__all__ = ["Batch", "about_metric", "load", "metric_of", "over_runs", "reading_options"]

T = TypeVar("T")
OPTIONS = (
    "format",
    "x",
    "x_unit",
    "resume",
    "delimiter",
    "decimal",
    "encoding",
    "max_bytes",
    "keep_partial_tail",
    "pattern",
)
NUMBERED = re.compile(r".+#\d+")  # one of several columns of the same name


@dataclass(slots=True)
class Batch(Generic[T]):
    """What came of every run.

    Parameters
    ----------
    results : list
        Results in the order of the runs.
    failures : Failures
        Runs and files without a result.
    interrupted : bool
        Whether Ctrl-C ended the loop early.
    """

    results: list[T] = field(default_factory=list)
    failures: Failures = field(default_factory=Failures)
    interrupted: bool = False

    def close(self) -> int:
        """Report failures on stderr and return the exit code."""
        self.failures.report()
        if self.interrupted:
            print("interrupted; what was done until then has been written", file=sys.stderr)
            return Exit.INTERRUPTED
        return self.failures.exit_code(len(self.results))

    def failed(self) -> list[dict[str, str]]:
        """Failures for JSON."""
        return [f.to_dict() for f in self.failures.items]


def over_runs(
    args: Namespace, work: Callable[[Run], T], find: Callable[[Namespace, Failures], Iterable[Run]] | None = None
) -> Batch[T]:
    """Find the runs (by default read every PATH) and do the work on each; Ctrl-C ends the loop, a failure does not."""
    batch: Batch[T] = Batch(interrupted=True)
    with suppress(KeyboardInterrupt):
        for run in (find or load)(args, batch.failures):
            with batch.failures.on(run.name):
                batch.results.append(work(run))
        batch.interrupted = False
    return batch


def load(args: Namespace, failures: Failures) -> Iterator[Run]:
    """Runs of all PATHs as they are read; a file that cannot be read is a failure, not the end."""
    options = reading_options(args)
    seen: set[str] = set()
    for path in args.path:
        found, skipped = len(failures.items), Skipped()
        for name, outcome in read_each(path, jobs=args.jobs, skipped=skipped, **options):
            if isinstance(outcome, CurvefitError):
                failures.on(name, stage="read").add(outcome)
                continue
            for run in outcome:
                here = run.provenance.path if run.provenance else name
                found = -1
                called = own_name(run.name, here, seen)
                yield run if called == run.name else replace(run, name=called)
        if said := skipped.described():
            note(said, quiet=args.quiet)
        if found == len(failures.items):
            failures.on(str(path), stage="read").add(
                ReadError(
                    "no training log in this folder", code="CF-IO-008", where=str(path), hint="curvefit list readers"
                )
            )


def reading_options(args: Namespace) -> dict[str, Any]:
    """How to read, as it was asked for; one of several columns of the same name must be asked for when the file is read."""
    options = {name: value for name in OPTIONS if (value := getattr(args, name)) is not None}
    metric = getattr(args, "metric", None)
    return options | ({"metric": metric} if metric is not None and NUMBERED.fullmatch(metric) else {})


def own_name(name: str, here: str, seen: set[str]) -> str:
    """A name that no run before has: the file tells runs of one name apart, else a number does."""
    called, k = name, 1
    while called in seen:
        called = f"{name} ({here})" if k == 1 else f"{name} ({here}, {k})"
        k += 1
    seen.add(called)
    return called


def metric_of(run: Run, args: Namespace) -> tuple[Run, str]:
    """The run with the direction that was asked for, and the metric to work on."""
    name = args.metric
    if name is None and args.direction is not None:
        undirected = [c.metric.name for c in run.curves.values() if not c.metric.auxiliary]
        if len(undirected) != 1:
            raise UsageError(
                "--direction needs --metric here", where=run.name, hint=f"metrics: {', '.join(undirected)}"
            )
        name = undirected[0]
    if name is None:
        return run, run.main_metric()
    curve = run[name]  # an unknown name lists the metrics and the closest match
    if args.direction is not None and curve.direction != args.direction:
        run = run.with_curve(name, curve.with_metric(direction=args.direction))
    return run, name


def about_metric(run: Run, metric: str) -> str:
    """Which metric was chosen when none was named."""
    others = [name for name, curve in run.curves.items() if name != metric and not curve.metric.auxiliary]
    listed = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
    return f"{run.name}: {metric}" + (f" (also there: {listed})" if others else "")
