"""What a report is asked for, checked before anything is computed or written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..curves import DataError, Run, UsageError
from ..curves._checks import safe_text
from ..curves.errors import unknown_name
from ..curves.numbers import counted
from .config import ALL
from .parts import DONE
from .result import BatchResult
from .schema import TABLES

__all__ = ["check_comparison", "check_cost", "check_finished", "metric_of", "spare_batch"]

_NAMED = 8  # metrics or values in a message


def spare_batch(batch: Path, out: Path) -> None:
    """A report is not mixed with the results it is about; a folder of its own among them is fine."""
    here, there = out.resolve(), batch.resolve()
    inside = there in here.parents and here.relative_to(there).parts[0] in (*TABLES, DONE, "store")
    if here == there or inside:
        raise UsageError(
            "the report would go among the results of the batch",
            code="CF-OUT-001",
            where=safe_text(os.fspath(out)),
            hint=f"a folder of its own, such as {safe_text(os.fspath(batch / 'report'))}",
        )


def check_finished(result: BatchResult) -> None:
    """A batch of which nothing is finished has nothing to report."""
    if not result.parts:
        raise UsageError(
            f"nothing of the batch is finished yet: 0 of {counted(result.units, 'unit')} of work",
            code="CF-USE-009",
            where=safe_text(os.fspath(result.path)),
            hint="the same curvefit batch command goes on where it stopped",
        )


def check_comparison(by: str | None, over: str | None, at: Any, pair: str | None) -> None:
    """Nothing that is asked about a comparison is passed over without one."""
    if over is not None and by is None:
        raise UsageError(
            "over without by: nothing to compare",
            where="write_report()",
            hint="--by ATTRIBUTE (by='ATTRIBUTE') names the method",
        )
    for name, value in (("at", at), ("pair", pair)):
        if value is not None and (by is None or over is None):
            raise UsageError(
                f"{name} without {'over' if by is not None else 'by and over'}: it is about the comparison of methods",
                where="write_report()",
                hint="--by ATTRIBUTE --over ATTRIBUTE name the method and the seed; in Python by=, over=",
            )


def check_cost(result: BatchResult, runs: Mapping[str, Run], cost: str | None) -> None:
    """The cost is an attribute, and a number in some run at least."""
    if cost is None:
        return
    known = result.config.attributes
    if cost not in known:
        raise unknown_name("attribute", cost, known, where="cost")
    values = [r.attributes[cost] for r in runs.values() if r.attributes.get(cost) is not None]
    if not any(isinstance(v, int | float) for v in values):
        told = list(dict.fromkeys(safe_text(str(v)) for v in values))
        shown = ", ".join(told[:_NAMED]) + (", ..." if len(told) > _NAMED else "")
        numbers = [name for name, kind in known.items() if kind == "float"]
        raise UsageError(
            f"{safe_text(cost)} is text ({shown}), a cost is a number",
            code="CF-USE-009",
            where="cost",
            hint=f"attributes that are numbers: {', '.join(map(safe_text, numbers)) or 'none'}",
        )


def metric_of(
    result: BatchResult, rows: Sequence[Mapping[str, Any]], runs: Mapping[str, Run], metric: str | None
) -> str | None:
    """The metric to compare: the one asked for, if the batch has answers about it; None for each run's main one.

    Raises
    ------
    UsageError
        When the batch has no answer about that metric.
    DataError
        When it has none about any metric it was asked about.
    """
    answered: Counter[str] = Counter(r["metric"] for r in rows if r["status"] in ("ok", "degraded"))
    asked = result.config.metrics
    if not answered and asked and ALL not in asked:
        reasons = list(dict.fromkeys(str(r["reason"]) for r in rows if r["reason"]))
        raise DataError(
            f"no run has an answer about {', '.join(map(safe_text, asked))}: {'; '.join(reasons[:3])}",
            where=safe_text(os.fspath(result.path)),
            hint="the batch again with another --metric, or without",
        )
    if metric is None:
        if not asked or ALL in asked or not answered or _main(runs) in answered:
            return None
        return max(answered, key=lambda name: (answered[name], -asked.index(name) if name in asked else 0))
    if metric in answered or (
        not answered and any(metric == r["metric"] and r["run"] in runs and metric in runs[r["run"]] for r in rows)
    ):
        return metric
    if any(metric in run for run in runs.values()):
        told = ", ".join(map(safe_text, sorted(answered))) or "nothing"
        raise UsageError(
            f"the batch was not asked about {safe_text(metric)}, or has no answer; it is about {told}",
            code="CF-USE-002",
            where=safe_text(os.fspath(result.path)),
            hint=f"one of these, or another batch: curvefit batch DATASET -o OUT -m {safe_text(metric)}",
        )
    raise unknown_name("metric", metric, answered or {n for r in runs.values() for n in r}, where=str(result.path))


def _main(runs: Mapping[str, Run]) -> str | None:
    """The main metric of most runs."""
    found: Counter[str] = Counter()
    for run in runs.values():
        try:
            found[run.main_metric()] += 1
        except DataError:
            continue
    return found.most_common(1)[0][0] if found else None
