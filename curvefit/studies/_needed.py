"""Attributes that are needed after a batch: whether they are there is known before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..curves import UsageError
from ..curves._checks import safe_text
from ..curves.errors import unknown_name

__all__ = ["check_needed"]


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
