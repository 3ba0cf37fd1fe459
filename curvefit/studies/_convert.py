"""Logs of any kind become a store, one file after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..curves import CurvefitError, ReadError, Run
from ..curves._checks import safe_text
from ..curves._optional import optional
from ..readers._canonical import apply_facts, read_facts
from ..readers._walk import Skipped
from ..readers.parquet import runs_of_rows
from ..readers.read import read_each
from ._named import named_runs
from ._scan import _of as names_by_group
from ._scan import canonical
from .store import RUNS, Failure, Store, open_store, write_store

__all__ = ["converted", "fingerprint"]

_BATCH = 1 << 20  # rows of a large row group looked at in one go


def fingerprint(path: Path) -> dict[str, list[int]]:
    """Size and time of every file of a data set, by name: whether it is still the one that was converted."""
    out: dict[str, list[int]] = {}
    if path.is_dir():
        for folder, folders, files in os.walk(path, followlinks=False):
            folders.sort()
            for name in sorted(files):
                _note(out, Path(folder) / name, path)
    else:
        _note(out, path, path.parent)
    return out


def _note(out: dict[str, list[int]], file: Path, root: Path) -> None:
    try:
        stat = file.lstat()
    except OSError:
        return  # gone since it was listed
    out[safe_text(os.fspath(file.relative_to(root)))] = [stat.st_size, stat.st_mtime_ns]


def converted(
    path: Path,
    folder: Path,
    options: Mapping[str, Any],
    names: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Store:
    """The store of a data set of logs; one that was made from the same files earlier is taken as it is.

    Parameters
    ----------
    path : Path
        File or folder of logs.
    folder : Path
        Where the store is or shall be.
    options : mapping
        As for `curvefit.read`.
    names : str, optional
        Pattern of attributes in names.
    say : callable, optional
        Is told of names that the pattern does not match, and of files that are no logs.

    Raises
    ------
    UsageError
        When the pattern matches no name; there is no store then.
    ReadError
        When nothing in it can be read.
    """
    sources: dict[str, Any] = {"files": fingerprint(path), "options": dict(options)}
    if names is not None:
        sources["names"] = names
    if (folder / "store.json").is_file():
        try:
            there = open_store(folder)
        except CurvefitError:
            there = None
        if there is not None and dict(there.sources) == sources:
            _tell(there.passed_over, say)
            return there
    failures: list[Failure] = []
    passed_over: dict[str, Any] = {}
    runs = named_runs(_renamed(_runs(path, options, failures, passed_over)), names, say)
    store = write_store(runs, folder, failures=failures, sources=sources, passed_over=passed_over)
    _tell(store.passed_over, say)
    if not store.units:
        first = failures[0] if failures else None
        raise ReadError(
            first.what if first else "no log in it",
            code=first.code if first else "CF-IO-008",
            where=first.name if first else safe_text(os.fspath(path)),
            hint="curvefit read PATH shows what can be read; curvefit list readers",
        )
    return store


def _tell(passed_over: Mapping[str, Any], say: Callable[[str], None] | None) -> None:
    """What `curvefit read` says of such files."""
    told = Skipped.from_dict(passed_over).described()
    if say is not None and told:
        say(told)


def _runs(
    path: Path, options: Mapping[str, Any], failures: list[Failure], passed_over: dict[str, Any]
) -> Iterator[Run]:
    if path.suffix in (".parquet", ".pq") and path.is_file() and not options and _is_canonical(path):
        yield from _in_bunches(path)
        return
    there = open_store(path) if not options and _is_store(path) else None
    if there is not None:
        several = [
            Failure(n, "CF-DATA-010", f"the run stands in several places: {', '.join(p)}")
            for n, p in there.repeated.items()
        ]
        failures += [*there.failures, *several]
        yield from there
        return
    skipped = Skipped()
    for name, outcome in read_each(path, skipped=skipped, **options):
        if isinstance(outcome, CurvefitError):
            failures.append(Failure(name, outcome.code, outcome.what))
        else:
            yield from outcome
    passed_over.update(skipped.to_dict())


def _is_store(path: Path) -> bool:
    return path.is_dir() and ((path / "store.json").is_file() or canonical(path) is not None)


def _is_canonical(path: Path) -> bool:
    pa = optional("pyarrow", extra="parquet", feature="stores of many runs")
    pq = optional("pyarrow.parquet", extra="parquet", feature="stores of many runs")
    try:
        names = pq.read_schema(path).names
    except (OSError, pa.ArrowException):
        return False
    return all(n in names for n in ("run_id", "metric", "x", "y", "segment"))


def _in_bunches(path: Path) -> Iterator[Run]:
    """Runs of a canonical file whose rows lie in any order: some runs at a time, over the row groups they are in."""
    pa = optional("pyarrow", extra="parquet", feature="stores of many runs")
    pc = optional("pyarrow.compute", extra="parquet", feature="stores of many runs")
    pq = optional("pyarrow.parquet", extra="parquet", feature="stores of many runs")
    groups_of: dict[str, list[int]] = {}
    for group, (names, _) in enumerate(names_by_group(path)):
        for name in names:
            groups_of.setdefault(name, []).append(group)
    order = list(groups_of)
    with pq.ParquetFile(path, page_checksum_verification=True) as source:
        facts = read_facts(source.schema_arrow.metadata or {})
        for at in range(0, len(order), RUNS):
            bunch = order[at : at + RUNS]
            wanted = pa.array(bunch, pa.string())
            groups = sorted({g for name in bunch for g in groups_of[name]})
            kept = []
            for batch in source.iter_batches(batch_size=_BATCH, row_groups=groups, use_threads=False):
                names = batch.column("run_id").cast(pa.string())
                kept.append(batch.filter(pc.is_in(names, value_set=wanted)))
            rows = pa.Table.from_batches(kept).replace_schema_metadata(None)
            yield from apply_facts(runs_of_rows(rows, safe_text(os.fspath(path))), facts)


def _renamed(runs: Iterator[Run]) -> Iterator[Run]:
    """Runs with names of their own: one of the same name from another file says which file it is from."""
    seen: set[str] = set()
    for run in runs:
        name, k = run.name, 2
        if name in seen and run.provenance is not None:
            name = f"{run.name} ({run.provenance.path})"
        while name in seen:
            name, k = f"{run.name} ({k})", k + 1
        seen.add(name)
        yield run if name == run.name else replace(run, name=name)
