"""Attributes taken from names of runs and files: ``{method}-seed{seed}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ..curves import Run, UsageError
from ..curves._checks import safe_text
from ..curves.numbers import counted

__all__ = ["named_runs", "naming"]

_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST = 1000  # characters of a name that are looked at


def naming(pattern: str | None) -> Callable[[Run], Run]:
    """What adds the attributes that a pattern finds in the name of a run, or else in the name of its file.

    Parameters
    ----------
    pattern : str, optional
        Names of attributes in braces; everything else stands for itself. Nothing is added without one.

    Raises
    ------
    UsageError
        When the pattern names no attribute, or one twice.
    """
    if pattern is None:
        return lambda run: run
    fields = _FIELD.findall(pattern)
    if not fields or len(set(fields)) < len(fields):
        raise UsageError(
            f"names {safe_text(pattern)!r:.80} holds no attribute, or one twice", hint="--names '{method}-seed{seed}'"
        )
    parts = _FIELD.split(pattern)
    pieces = [re.escape(p) if i % 2 == 0 else f"(?P<{p}>[^/]+?)" for i, p in enumerate(parts)]
    form = re.compile("".join(pieces) + r"(?=$|[/.])")

    def named(run: Run) -> Run:
        for text in (run.name, run.provenance.path if run.provenance else ""):
            found = form.search(text) if len(text) <= _LONGEST else None
            if found is not None:
                return replace(run, attributes={**run.attributes, **found.groupdict()})
        return run

    return named


def named_runs(runs: Iterable[Run], pattern: str | None, say: Callable[[str], None] | None = None) -> Iterator[Run]:
    """Runs with the attributes that a pattern finds in their names, and whether it finds any.

    Parameters
    ----------
    runs : iterable of Run
        May be a generator.
    pattern : str, optional
        As for `naming`.
    say : callable, optional
        Is told once, at the end, of runs whose names the pattern does not match, and of attributes that were logged with
        other values than it finds.

    Raises
    ------
    UsageError
        After the last run, when the pattern matches no name at all.
    """
    named, count, missed = naming(pattern), 0, []
    replaced: dict[str, list[tuple[object, object]]] = {}
    for run in runs:
        found = named(run)
        count += 1
        if pattern is not None and found is run:
            missed.append(run.name)
        for name, old in run.attributes.items() if found is not run else ():
            if not _alike(old, found.attributes[name]):
                replaced.setdefault(name, []).append((old, found.attributes[name]))
        yield found
    if replaced and say is not None:
        say(f"note: --names replaced what was logged: {'; '.join(_told(n, v) for n, v in replaced.items())}")
    if not missed or pattern is None:
        return
    told = f"--names {safe_text(pattern)!r:.80} matches {count - len(missed)} of {counted(count, 'name')}"
    if len(missed) == count:
        raise UsageError(
            f"{told}, e.g. {safe_text(missed[0])!r:.80}",
            code="CF-USE-009",
            hint="attributes in braces, everything else as it stands in the names: '{method}-seed{seed}' for adam-seed3",
        )
    if say is not None:
        say(f"note: {told}; not {safe_text(missed[0])!r:.80}{', ...' if len(missed) > 1 else ''}")


def _alike(logged: object, named: object) -> bool:
    """Whether a logged attribute says what a name says; 3, 3.0 and "03" do."""
    if logged is named or str(logged) == str(named):
        return True
    try:
        return float(str(logged)) == float(str(named))
    except ValueError:
        return False


def _told(name: str, values: list[tuple[object, object]]) -> str:
    logged, now = values[0]
    runs = counted(len(values), "run")
    return f"{name} in {runs} (such as {safe_text(str(logged))!r:.40} by {safe_text(str(now))!r:.40})"
