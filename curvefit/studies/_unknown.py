"""What to say of an attribute that no run has, where the name is that of something else."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..curves import Run, UsageError
from ..curves._checks import safe_text
from ..curves.errors import unknown_name
from ..curves.run import is_learning_rate

__all__ = ["measured", "unknown_attribute"]


def measured(name: object, runs: Iterable[Run]) -> str:
    """What a name is that some run logs: ``metric``, ``learning rate``, or empty where none does."""
    if not isinstance(name, str):
        return ""
    for run in runs:
        if name in run.curves:
            return "learning rate" if is_learning_rate(run.curves[name].metric) else "metric"
        if run.schedule is not None and name.lower() in ("lr", "learning_rate"):
            return "learning rate"
    return ""


def unknown_attribute(name: str, known: Collection[str], runs: Iterable[Run], *, where: str = "") -> UsageError:
    """The error for an attribute that is not there; it says so where a column of that name was read as a metric."""
    what = measured(name, runs)
    if not what:
        return unknown_name("attribute", name, known, where=where)
    shown = safe_text(name)
    return UsageError(
        f"{shown!r} is a {what} that changes within runs, and no attribute of them",
        code="CF-USE-002",
        where=where,
        hint=f"a column that is constant in each run is one, such as the {shown} it was started with; or take it from names: "
        f"--names '{{{shown}}}-seed{{seed}}'; attributes there: {', '.join(sorted(known)[:20]) or 'none'}",
    )
