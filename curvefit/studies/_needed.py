"""Metrics that a batch is asked about and attributes that are needed after it: are they there? Known before it starts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ..curves import UsageError
from ..curves._checks import safe_text
from ..curves.errors import unknown_name
from ._scan import metrics_of
from .config import ALL
from .store import Store

__all__ = ["check_metrics", "check_needed"]


def check_needed(needed: Sequence[str], known: Iterable[str]) -> None:
    """Every attribute that is needed is one of some run.

    Raises
    ------
    UsageError
        For the first that is not.
    """
    there = sorted(known)
    for name in needed:
        if not there:
            raise UsageError(
                f"the runs have no attributes, so none is called {safe_text(name)!r}",
                code="CF-USE-002",
                hint="--names '{method}-seed{seed}' takes them from names of runs and files; constant columns of a log are "
                "attributes; in Python cf.Run(..., attributes={'method': 'adam', 'seed': 0})",
            )
        if name not in there:
            raise unknown_name("attribute", name, there)


def check_metrics(asked: Sequence[str], store: Store) -> None:
    """Every metric that is asked about is one of some run; that only some runs have it is told run by run.

    Raises
    ------
    UsageError
        For the first that is not.
    """
    named = [name for name in asked if name != ALL]
    there = metrics_of(dict.fromkeys(map(store.file, store.units))) if named else None
    if there is None:
        return
    missing = [name for name in named if name not in there]
    if missing:
        raise unknown_name("metric", missing[0], there, where=safe_text(os.fspath(store.path)))
