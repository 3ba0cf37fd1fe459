"""List what a log or folder holds: runs, metrics, ranges and defects."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, final

from ..curves import Curve, Run
from ..curves._checks import safe_text
from ..curves.numbers import counted, format_ends, format_number, format_x
from ..reporting.document import provenance_fields
from ._listing import RunCommand
from ._table import table, terminal_width

__all__ = ["Read"]


@final
class Read(RunCommand):
    """What was found in the files, and what was dropped on the way, counted."""

    by_metric = False

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """No arguments of its own."""

    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """The table of curves, then what is known of the whole run."""
        return "\n".join(lines(run)), facts(run)


def lines(run: Run) -> list[str]:
    """For a person."""
    rows = []
    for name, curve in run.curves.items():
        metric = curve.metric
        what = "bookkeeping" if metric.auxiliary else " ".join(filter(None, (metric.split, metric.kind)))
        better = {"min": "lower", "max": "higher", None: ""}[metric.direction]
        span = " to ".join(_span(curve.x[0], curve.x[-1])) if len(curve) else ""
        values = " to ".join(format_ends(curve.y.min(), curve.y.max())) if len(curve) else "none"
        rows.append((name, what, better, str(len(curve)), span, values))
    units = "/".join(sorted({c.x_unit for c in run.curves.values()})) or "x"
    out = table(
        ("metric", "what", "better", "points", units, "values"), rows, right=(3,), width=terminal_width() - 2
    ).splitlines()
    for name, curve in run.curves.items():
        defects = [f"{curve.nonfinite_x.size} not finite"] if curve.nonfinite_x.size else []
        defects += [f"{n} {why}" for why, n in curve.defects.items()]
        if defects:
            out.append(safe_text(f"{name}: {', '.join(defects)}"))
    if run.horizon is not None:
        out.append(f"planned length: {format_x(run.horizon)}")
    if run.schedule is not None and len(run.schedule):
        drops = ", ".join(format_x(c.x) for c in run.schedule.changes())
        out.append(f"learning rate: peak {format_number(run.schedule.peak)}" + (f", drops at {drops}" if drops else ""))
    if (p := run.provenance) is not None:
        dropped = "".join(f", {n} {why}" for why, n in p.rows_dropped.items())
        out.append(f"read as {p.reader}: {counted(p.rows_in, 'row')}, {p.rows_kept} kept{dropped}")
        if p.restarts:
            out.append("resumed at " + ", ".join(format_x(v) for v in p.restarts))
        out.extend(f"note: {safe_text(text)}" for text in p.notes)
    return out


def _span(first: float, last: float) -> tuple[str, str]:
    """Ends of x: whole numbers as they are while they are short."""
    ends = format_x(first), format_x(last)
    return format_ends(first, last, digits=6) if ends[0] == ends[1] else ends


def facts(run: Run) -> dict[str, Any]:
    """For a program."""
    rate = run.schedule
    return {
        "horizon": run.horizon,
        "attributes": dict(run.attributes),
        "metrics": [curve_facts(name, curve) for name, curve in run.curves.items()],
        "learning_rate": None
        if rate is None
        else {"points": len(rate), "peak": rate.peak, "drops": [c.x for c in rate.changes()]},
        "provenance": provenance_fields(run.provenance),
    }


def curve_facts(name: str, curve: Curve) -> dict[str, Any]:
    """One curve for a program."""
    m, some = curve.metric, len(curve) > 0
    return {
        "name": name,
        "kind": m.kind,
        "direction": m.direction,
        "split": m.split,
        "unit": m.unit,
        "x_unit": curve.x_unit,
        "points": len(curve),
        "not_finite": int(curve.nonfinite_x.size),
        "x": [float(curve.x[0]), float(curve.x[-1])] if some else None,
        "y": [float(curve.y.min()), float(curve.y.max())] if some else None,
        "last": float(curve.y[-1]) if some else None,
        "defects": dict(curve.defects),
    }
