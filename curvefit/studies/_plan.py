"""Before a batch starts: the curves as a store, what is to be done, and a record of what was asked."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from ..curves import ReadError, Run, UsageError
from ..curves._checks import safe_text
from ..curves._whole import write_whole
from ._convert import converted
from ._folder import refuse_links
from ._named import named_runs
from ._scan import File, Unit, canonical
from ._unit import Task
from .config import BatchConfig
from .parts import DONE, Part, committed
from .schema import SCHEMA_VERSION, TABLES
from .store import ABOUT, Store, open_store, scanned, write_store

__all__ = ["describe", "plan", "prepare", "refuse_other_questions", "remove_later", "store_of"]

_ABOUT = "batch.json"
_STORE = "store"
_VERSIONS = ("numpy", "scipy", "pyarrow", "lmfit", "statsmodels")


def prepare(out: Path) -> None:
    """The folders of the tables; a folder that holds something else is left alone."""
    refuse_links(out, *(out / name for name in (*TABLES, DONE, _STORE)))
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not (out / _ABOUT).exists():
            strange = [
                p.name for p in out.iterdir() if not p.name.startswith(".") and p.name not in (*TABLES, DONE, _STORE)
            ]
            if strange:
                raise UsageError(
                    f"the folder holds something else ({safe_text(strange[0])})",
                    code="CF-OUT-001",
                    where=safe_text(os.fspath(out)),
                    hint="an empty or a new folder, or the output of an earlier batch",
                )
        for name in (*TABLES, DONE):
            (out / name).mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write there: {error.strerror}", code="CF-OUT-001", where=safe_text(os.fspath(out))
        ) from None


def refuse_other_questions(out: Path, config: BatchConfig, *, runs: bool) -> None:
    """Leave results alone that answer other questions, or the same about other curves; refusals are no answers.

    Raises
    ------
    UsageError
        With the differences.
    """
    try:
        about = json.loads((out / _ABOUT).read_text(encoding="utf-8"))
        there = BatchConfig.from_dict(about, where=str(out / _ABOUT))
    except (OSError, ValueError, UsageError):
        return  # nothing that could be read later
    if not any(_answers(part) for part in committed(out, about.get("units", []))):
        return
    differ = config.differences(there)
    dataset = str((out / _STORE).absolute()) if runs else config.dataset
    if there.dataset != dataset:
        differ.insert(0, f"dataset {safe_text(there.dataset)} -> {'runs in memory' if runs else safe_text(dataset)}")
    if differ:
        raise UsageError(
            f"the folder holds the answers to other questions: {'; '.join(differ)}",
            code="CF-OUT-001",
            where=safe_text(os.fspath(out)),
            hint="another folder; or --no-resume (resume=False) to replace them",
        )


def _answers(part: Part) -> bool:
    """Whether a unit holds more than runs that were refused or failed."""
    silent = all(status in ("refused", "failed") for status, count in part.counts.items() if count)
    return not silent or any(count for table, count in part.rows.items() if table != "runs")


def store_of(
    config: BatchConfig, out: Path, runs: Iterable[Run] | None, say: Callable[[str], None] | None
) -> tuple[Store, BatchConfig]:
    """The curves as a store, and the configuration with what was found about them; notes about names and files are said."""
    if runs is not None:
        store = write_store(named_runs(runs, config.names, say), out / _STORE)
        if not store.units:
            raise UsageError("no runs", code="CF-USE-009", where="batch()")
        config = replace(config, dataset=str((out / _STORE).absolute()))
        return store, replace(config, attributes=dict(store.attributes))
    path = Path(config.dataset)
    if config.names is not None and path.absolute() != (out / _STORE).absolute():  # else they have their attributes
        store = converted(path, out / _STORE, config.read, config.names, say)
        return store, replace(config, attributes=dict(store.attributes), converted=True)
    if (path / ABOUT).is_file():
        store = _fresh(open_store(path))
    else:
        known = _known(out, config.dataset)
        found = None if known is not None or config.read else canonical(path)
        if known is not None:
            store = known
        elif found is not None:
            store = scanned(path, found)
        else:
            store = converted(path, out / _STORE, config.read, say=say)
            return store, replace(config, attributes=dict(store.attributes), converted=True)
    return store, replace(config, attributes=dict(store.attributes), converted=False)


def _fresh(store: Store) -> Store:
    """A store whose files are those that were indexed."""
    for file in store.files:
        try:
            stat = (store.path / file.name).stat()
        except OSError as error:
            raise ReadError(
                f"cannot be read: {error.strerror}", code="CF-IO-GONE", where=safe_text(str(store.path / file.name))
            ) from None
        if stat.st_size != file.size:
            raise ReadError(
                "it is not the file that was indexed",
                code="CF-IO-015",
                where=safe_text(str(store.path / file.name)),
                hint="write the store again",
            )
    return store


def _known(out: Path, dataset: str) -> Store | None:
    """The data set as an earlier batch found it, if no file of it has changed since."""
    try:
        about = json.loads((out / _ABOUT).read_text(encoding="utf-8"))
        stated = about["store"]
        if about["config"]["dataset"] != dataset or about["config"]["converted"] or stated["version"] != __version__:
            return None
        files = tuple(File(**f) for f in stated["files"])
        path = Path(dataset)
        there = (
            {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file() and not p.is_symlink()}
            if path.is_dir()
            else {""}
        )
        if there != {f.name for f in files}:
            return None
        for file in files:
            stat = (path / file.name if file.name else path).stat()
            if (stat.st_size, stat.st_mtime_ns) != (file.size, file.time):
                return None
        repeated = {name: tuple(places) for name, places in stated["repeated"].items()}
        return Store(path, files, tuple(Unit(*u) for u in stated["units"]), about["config"]["attributes"], repeated)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def plan(store: Store, config: BatchConfig, out: Path) -> tuple[list[str], list[Task]]:
    """Keys and tasks of all units; logs that could not be read are one unit more."""
    asked = config.digest
    plain = config.to_dict()
    keys, tasks = [], []
    for unit in store.units:
        name = store.files[unit.file].name
        refused = {
            run: (
                "refused",
                "CF-DATA-010",
                f"the run stands in several places: {', '.join(safe_text(p) for p in places)}",
            )
            for run, places in store.repeated.items()
            if name == places[0]
        }
        elsewhere = {run for run, places in store.repeated.items() if name in places[1:]}
        key = hashlib.sha256(f"{asked} {store.key(unit)}".encode()).hexdigest()
        keys.append(key)
        tasks.append(
            Task(
                str(out.absolute()),
                unit.number,
                key,
                str(store.file(unit).absolute()),
                unit.first,
                unit.last,
                plain,
                refused,
                passed_over=tuple(sorted(elsewhere)),
            )
        )
    if store.failures:
        told = {f.name: ("failed", f.code, f.what) for f in store.failures}
        key = hashlib.sha256(f"{asked} {json.dumps(told)}".encode()).hexdigest()
        tasks.append(Task(str(out.absolute()), len(keys), key, "", 0, -1, plain, told))
        keys.append(key)
    return keys, tasks


def describe(out: Path, config: BatchConfig, store: Store, keys: list[str]) -> None:
    """Record what is asked, of what, with which versions; the answers refer to it by their keys."""
    versions = {"curvefit": __version__, "python": platform.python_version()}
    for name in _VERSIONS:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    about = {
        "schema_version": SCHEMA_VERSION,
        "config": config.to_dict(),
        "versions": versions,
        "units": keys,
        "runs": len(store),
        "passed_over": dict(store.passed_over),
        "store": {
            "version": __version__,
            "files": [asdict(f) for f in store.files],
            "units": [[u.number, u.file, u.first, u.last, u.runs, u.rows] for u in store.units],
            "repeated": {name: list(places) for name, places in store.repeated.items()},
        },
    }
    content = json.dumps(about, indent=1, allow_nan=False).encode("ascii")
    target = out / _ABOUT
    if not target.is_file() or target.read_bytes() != content:
        write_whole(target, content)


def remove_later(out: Path, count: int) -> None:
    """Parts of an earlier, larger data set."""
    for name in (DONE, *TABLES):
        for file in (out / name).glob("part-*.*"):
            number = file.stem.removeprefix("part-")
            if not number.isdigit() or int(number) >= count:
                file.unlink()
