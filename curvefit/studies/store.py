"""Curves of many runs on disk: the canonical long Parquet, every run whole inside one unit of work."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..curves import CurvefitError, DataError, ReadError, Run, UsageError
from ..curves._arguments import checked
from ..curves._checks import safe_text
from ..curves._optional import optional
from ..curves._whole import write_whole
from ..curves.errors import unknown_name
from ..readers.parquet import table_of
from ._durable import locked, sweep
from ._folder import refuse_links
from ._groups import read_groups
from ._scan import File, Unit, canonical, scan
from .schema import FieldType

__all__ = ["Failure", "Store", "open_store", "write_store"]

INDEX = "index.parquet"
ABOUT = "store.json"
VERSION = 1
RUNS = 500  # in a unit of work, at most
FEWEST = 16  # in a unit of work that is written here, at first: a folder of a few hundred runs keeps all workers busy
ROWS = 1_000_000  # points in a unit of work that is written here, unless one run has more
_FEATURE = "stores of many runs"


@dataclass(frozen=True, slots=True)
class Failure:
    """A log that could not be read when the store was made.

    Parameters
    ----------
    name : str
        The file.
    code, what : str
        As in `CurvefitError`.
    """

    name: str
    code: str
    what: str


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Canonical Parquet files with an index.

    Parameters
    ----------
    path : Path
        The folder, or the one file.
    files : tuple of File
        Files with their size, time and checksum.
    units : tuple of Unit
        Units of work: row groups that stand together, each run inside one of them.
    attributes : mapping of str to {"string", "float"}
        Attributes of the runs (method, seed, size, ...) and their types.
    repeated : mapping of str to tuple of str
        Runs whose name stands in several places, which are refused: nobody can tell whether they are one run.
    failures : tuple of Failure
        Logs that could not be read.
    sources : mapping
        What the store was converted from, by file.
    passed_over : mapping of str to mapping
        Files that were no logs, by reason: how many, and the first names.
    """

    path: Path
    files: tuple[File, ...]
    units: tuple[Unit, ...]
    attributes: Mapping[str, FieldType]
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    sources: Mapping[str, Any] = field(default_factory=dict)
    passed_over: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(unit.runs for unit in self.units)

    def file(self, unit: Unit) -> Path:
        """The file that a unit is in."""
        return self.path / self.files[unit.file].name if self.files[unit.file].name else self.path

    def key(self, unit: Unit) -> str:
        """Hash of the rows of a unit: where they stand in which bytes, and which of its runs are refused."""
        names = sorted(n for n, places in self.repeated.items() if self.files[unit.file].name in places)
        what = json.dumps([self.files[unit.file].sha256, unit.first, unit.last, names])
        return hashlib.sha256(what.encode()).hexdigest()

    def read(self, unit: Unit, *, repeated: bool = False) -> list[Run]:
        """Runs of a unit, in the order of their rows.

        Parameters
        ----------
        unit : Unit
            One of `units`.
        repeated : bool
            Whether to read runs whose name stands in other places, too.
        """
        runs = read_groups(self.file(unit), unit.first, unit.last)
        return runs if repeated or not self.repeated else [r for r in runs if r.name not in self.repeated]

    @checked
    def run(self, name: str) -> Run:
        """One run by its name.

        Raises
        ------
        UsageError
            When there is none of this name; the closest is named.
        DataError
            When the name stands in several places.
        """
        if name in self.repeated:
            raise _several(name, self.repeated[name])
        number = _index(os.fspath(self.path), tuple(self.files), tuple(self.units)).get(name)
        if number is None:
            known = _index(os.fspath(self.path), tuple(self.files), tuple(self.units))
            raise unknown_name("run", name, list(known)[:10_000])
        return next(r for r in self.read(self.units[number]) if r.name == name)

    def __iter__(self) -> Iterator[Run]:
        for unit in self.units:
            yield from self.read(unit)

    def __repr__(self) -> str:
        return f"Store({safe_text(os.fspath(self.path))!r}, {len(self)} runs in {len(self.units)} units of work)"


def _several(name: str, places: Iterable[str]) -> DataError:
    return DataError(
        f"the run stands in several places: {', '.join(safe_text(p) or 'one file' for p in places)}",
        code="CF-DATA-010",
        where=name,
        hint="one run split over files, or two of one name? Give each run one place and a name of its own",
    )


@lru_cache(maxsize=2)
def _index(path: str, files: tuple[File, ...], units: tuple[Unit, ...]) -> dict[str, int]:
    """Unit of each run, by name."""
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    where = Path(path)
    if (where / INDEX).is_file():
        table = pq.read_table(where / INDEX, page_checksum_verification=True, partitioning=None)
        return dict(zip(table["run"].to_pylist(), table["unit"].to_pylist(), strict=True))
    out: dict[str, int] = {}
    for unit in units:
        with pq.ParquetFile(where / files[unit.file].name if files[unit.file].name else where) as source:
            names = source.read_row_groups(list(range(unit.first, unit.last + 1)), columns=["run_id"])[
                "run_id"
            ].unique()
        out.update((safe_text(n), unit.number) for n in names.to_pylist())
    return out


# ------------------------------------------------------------------ opening


def open_store(path: str | os.PathLike[str]) -> Store:
    """Open a store that `write_store` made, or canonical Parquet files as they are.

    Parameters
    ----------
    path : path-like
        Folder of a store, folder of canonical Parquet files, or one such file.

    Returns
    -------
    Store
        Nothing but names of runs has been read.

    Raises
    ------
    UsageError
        When it is neither.
    """
    where = Path(path)
    if (where / ABOUT).is_file():
        return _opened(where)
    found = canonical(where)
    if found is None:
        raise UsageError(
            "no store of curves, and no canonical Parquet",
            code="CF-USE-009",
            where=safe_text(os.fspath(path)),
            hint="cf.write_store(runs, folder), or curvefit convert LOGS -o runs.parquet",
        )
    return scanned(where, found)


def scanned(where: Path, files: list[Path]) -> Store:
    """Canonical Parquet files as a store, without copying a row."""
    listed, units, attributes, repeated = scan(where, files, most_runs=RUNS)
    return Store(where, listed, units, attributes, repeated)


def _opened(where: Path) -> Store:
    try:
        about = json.loads((where / ABOUT).read_text(encoding="utf-8"))
        if about["version"] != VERSION:
            raise UsageError(f"the store is of version {about['version']}", where=safe_text(os.fspath(where)))
        return Store(
            where,
            tuple(File(**f) for f in about["files"]),
            tuple(Unit(**u) for u in about["units"]),
            about["attributes"],
            {},
            tuple(Failure(**f) for f in about["failures"]),
            about["sources"],
            about.get("passed_over", {}),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, CurvefitError):
            raise
        raise ReadError(
            "the index of the store is damaged",
            code="CF-IO-015",
            where=safe_text(os.fspath(where)),
            hint="write it again",
        ) from None


# ------------------------------------------------------------------ writing


def write_store(
    runs: Iterable[Run],
    path: str | os.PathLike[str],
    *,
    runs_per_group: int | None = None,
    rows_per_group: int = ROWS,
    failures: list[Failure] | None = None,
    sources: Mapping[str, Any] | None = None,
    passed_over: Mapping[str, Any] | None = None,
) -> Store:
    """Write runs as a store, in a stream: no more than one row group is ever in memory.

    Parameters
    ----------
    runs : iterable of Run
        Runs with different names; may be a generator over more than fits into memory.
    path : path-like
        Folder; it becomes a store once everything is written.
    runs_per_group, rows_per_group : int
        A row group is closed when it holds so many runs or points. By default the first hold 16 runs and later ones more,
        an eighth of what was written before, up to 500: few runs are still many units of work, and many runs not too many.
    failures : list of Failure, optional
        Logs that could not be read; may grow while the runs are iterated.
    sources : mapping, optional
        What the runs came from.
    passed_over : mapping, optional
        Files that were no logs, by reason; may grow while the runs are iterated.

    Returns
    -------
    Store

    Raises
    ------
    UsageError
        When two runs have one name, another process writes there, or the folder is a symbolic link.

    Notes
    -----
    One file per row group, in the canonical form that `curvefit.read` reads, and beside them ``index.parquet`` (run,
    file, unit, rows) and ``store.json``. The latter is written last: a folder without it is no store.

    Examples
    --------
    >>> import curvefit as cf
    >>> store = cf.write_store((cf.read(p)[0] for p in paths), "curves")  # doctest: +SKIP
    """
    folder = Path(path)
    refuse_links(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write there: {error.strerror}", code="CF-OUT-001", where=safe_text(str(path))
        ) from None
    with locked(folder):
        sweep(folder)
        for old in (ABOUT, INDEX):
            (folder / old).unlink(missing_ok=True)
        writer = _Writer(folder)
        group: list[Run] = []
        points = 0
        for run in runs:
            if not isinstance(run, Run):
                raise UsageError(
                    f"a {type(run).__name__} is no Run", where="write_store()", hint="cf.Run('name', {...})"
                )
            group.append(run)
            points += sum(len(c) + int(c.nonfinite_x.size) for c in run.curves.values())
            most = runs_per_group or min(RUNS, max(FEWEST, len(writer.index) // 8))
            if len(group) >= most or points >= rows_per_group:
                writer.write(group)
                group, points = [], 0
        if group:
            writer.write(group)
        return writer.close(failures or [], sources or {}, passed_over or {})


class _Writer:
    """Files of a store in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[File] = []
        self.units: list[Unit] = []
        self.attributes: dict[str, FieldType] = {}
        self.index: dict[str, int] = {}

    def write(self, runs: list[Run]) -> None:
        """One row group, in one file."""
        pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
        number = len(self.units)
        for run in runs:
            if run.name in self.index:
                raise UsageError(
                    f"two runs are called {run.name!r}", where="write_store()", hint="give each run its own name"
                )
            self.index[run.name] = number
            for name, value in run.attributes.items():
                kind: FieldType = "float" if isinstance(value, int | float) else "string"
                self.attributes[name] = kind if self.attributes.get(name, kind) == kind else "string"
        table = table_of(runs)
        out = io.BytesIO()
        texts = [f.name for f in table.schema if str(f.type) == "string"]
        pq.write_table(
            table,
            out,
            compression="zstd",
            use_dictionary=texts,
            write_page_checksum=True,
            row_group_size=max(table.num_rows, 1),
        )
        content, name = out.getvalue(), f"runs-{number:05d}.parquet"
        write_whole(self.folder / name, content)
        stat = (self.folder / name).stat()
        self.files.append(File(name, stat.st_size, stat.st_mtime_ns, hashlib.sha256(content).hexdigest()))
        self.units.append(Unit(number, number, 0, 0 if table.num_rows else -1, len(runs), table.num_rows))

    def close(self, failures: list[Failure], sources: Mapping[str, Any], passed_over: Mapping[str, Any]) -> Store:
        """Index and description, which make the folder a store; files of an earlier one go."""
        pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
        pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
        numbers = list(self.index.values())
        columns = {"run": list(self.index), "file": [self.files[n].name for n in numbers], "unit": numbers}
        out = io.BytesIO()
        pq.write_table(
            pa.table(columns, schema=pa.schema({"run": pa.string(), "file": pa.string(), "unit": pa.int64()})),
            out,
            write_page_checksum=True,
        )
        write_whole(self.folder / INDEX, out.getvalue())
        kept = {f.name for f in self.files}
        for old in self.folder.glob("runs-*.parquet"):
            if old.name not in kept:
                old.unlink()
        about = {
            "version": VERSION,
            "attributes": self.attributes,
            "files": [asdict(f) for f in self.files],
            "units": [asdict(u) for u in self.units],
            "failures": [asdict(f) for f in failures],
            "sources": dict(sources),
            "passed_over": dict(passed_over),
        }
        write_whole(self.folder / ABOUT, json.dumps(about).encode("ascii"))
        return Store(
            self.folder,
            tuple(self.files),
            tuple(self.units),
            self.attributes,
            {},
            tuple(failures),
            sources,
            passed_over,
        )
