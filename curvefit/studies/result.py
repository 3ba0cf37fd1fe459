"""What a batch has written, table by table, without loading more than is asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..curves import Run, UsageError
from ..curves._arguments import checked
from ..curves._checks import safe_text
from ..curves._optional import available, optional
from ..curves.errors import unknown_name
from .config import BatchConfig
from .parts import Part, committed
from .schema import TABLES, arrow_schema

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    from .store import Store

__all__ = ["BatchResult", "load_batch"]


@dataclass(frozen=True, slots=True, eq=False)
class BatchResult:
    """Results of a batch on disk; frames are lazy.

    Parameters
    ----------
    path : Path
        The output folder.
    config : BatchConfig
        What was asked for; the same configuration gives byte-identical tables.
    parts : tuple of Part
        Units of work whose results are complete; a part that is not is never read.
    units : int
        Units of work of the whole data set.

    Notes
    -----
    ``runs``, ``forecasts``, ``estimates``, ``parameters``, ``comparison``, ``breakpoints``, ``diagnoses`` and
    ``recommendations`` are narwhals lazy frames: over the files where polars is installed, else over Arrow tables. What
    their columns mean is in `curvefit.studies.schema`.

    Examples
    --------
    >>> import curvefit as cf
    >>> result = cf.load_batch("out")  # doctest: +SKIP
    >>> result.forecasts.collect("pandas")  # doctest: +SKIP
    """

    path: Path
    config: BatchConfig
    parts: tuple[Part, ...]
    units: int

    @property
    def complete(self) -> bool:
        """Whether every unit of work is there."""
        return len(self.parts) == self.units

    @property
    def counts(self) -> dict[str, int]:
        """Rows of the table of runs by status: ok, degraded, refused, failed."""
        out = dict.fromkeys(("ok", "degraded", "refused", "failed"), 0)
        for part in self.parts:
            for status, count in part.counts.items():
                out[status] = out.get(status, 0) + count
        return out

    def files(self, table: str) -> list[Path]:
        """Files of a table, in the order of the units of work."""
        if table not in TABLES:
            raise unknown_name("table", table, TABLES)
        return [self.path / table / part.file for part in self.parts if part.rows.get(table, 0)]

    @checked
    def arrow(self, table: str, columns: Sequence[str] | None = None) -> Any:
        """One table as a pyarrow Table, in the order of the runs; checksums are verified.

        Parameters
        ----------
        table : str
            One of `TABLES`.
        columns : sequence of str, optional
            Columns to load; default all.
        """
        pa = optional("pyarrow", extra="parquet", feature="batches")
        pq = optional("pyarrow.parquet", extra="parquet", feature="batches")
        schema = self.schema(table)
        for name in columns or ():
            if name not in schema.names:
                raise unknown_name("column", name, schema.names, where=table)
        names = list(columns) if columns is not None else schema.names
        empty = pa.schema([schema.field(n) for n in names]).empty_table()
        found = [
            pq.read_table(file, columns=names, page_checksum_verification=True, partitioning=None).select(names)
            for file in self.files(table)
        ]
        return pa.concat_tables([t.replace_schema_metadata(None) for t in (empty, *found)])

    def schema(self, table: str) -> Any:
        """Arrow schema of a table, attributes of the runs included."""
        if table not in TABLES:
            raise unknown_name("table", table, TABLES)
        return arrow_schema(table, self.config.attributes)

    @checked
    def frame(self, table: str) -> nw.LazyFrame[Any]:
        """One table as a narwhals lazy frame."""
        import narwhals.stable.v2 as nw

        files = self.files(table)
        if files and available("polars"):
            pl = optional("polars", extra="parquet", feature="lazy frames")
            lazy: nw.LazyFrame[Any] = nw.from_native(pl.scan_parquet(files))
        else:
            lazy = nw.from_native(self.arrow(table)).lazy()
        return lazy

    @property
    def runs(self) -> nw.LazyFrame[Any]:
        """One row per run and metric, with status, reason and the attributes of the run."""
        return self.frame("runs")

    @property
    def forecasts(self) -> nw.LazyFrame[Any]:
        """One row per run, metric and horizon."""
        return self.frame("forecasts")

    @property
    def estimates(self) -> nw.LazyFrame[Any]:
        """One row per run, metric and quantity of interest."""
        return self.frame("estimates")

    @property
    def parameters(self) -> nw.LazyFrame[Any]:
        """One row per run, metric, law and parameter."""
        return self.frame("parameters")

    @property
    def comparison(self) -> nw.LazyFrame[Any]:
        """One row per run, metric and law."""
        return self.frame("comparison")

    @property
    def breakpoints(self) -> nw.LazyFrame[Any]:
        """One row per run, metric and breakpoint."""
        return self.frame("breakpoints")

    @property
    def diagnoses(self) -> nw.LazyFrame[Any]:
        """One row per run, metric and rule."""
        return self.frame("diagnoses")

    @property
    def recommendations(self) -> nw.LazyFrame[Any]:
        """One row per run and metric."""
        return self.frame("recommendations")

    @property
    def store(self) -> Store:
        """The curves the batch was computed from."""
        from .store import open_store

        return open_store(self.config.store_path(self.path))

    @checked
    def run(self, name: str) -> Run:
        """One run with its curves, read from the store."""
        return self.config.directed(self.store.run(name))

    def runs_in_store(self) -> Iterator[Run]:
        """Every run with its curves, read in a stream."""
        for unit in self.store.units:
            yield from map(self.config.directed, self.store.read(unit))

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
        done = "" if self.complete else f"; {len(self.parts)} of {self.units} units of work done"
        return f"BatchResult({safe_text(os.fspath(self.path))!r}: {told or 'no runs'}{done})"


def load_batch(path: str | os.PathLike[str]) -> BatchResult:
    """Open the output of a batch, whether it is complete or not.

    Parameters
    ----------
    path : path-like
        Folder that `curvefit.batch` has written.

    Returns
    -------
    BatchResult
        With the units of work that are complete; what is not is left out.

    Raises
    ------
    UsageError
        When the folder is no output of a batch.
    """
    folder = Path(path)
    try:
        document: Mapping[str, Any] = json.loads((folder / "batch.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(
            "this folder is no output of a batch",
            code="CF-USE-009",
            where=safe_text(os.fspath(path)),
            hint="curvefit batch DATASET -o OUT",
        ) from None
    config = BatchConfig.from_dict(document, where=str(folder / "batch.json"))
    keys: Sequence[str] = document.get("units", [])
    return BatchResult(folder, config, tuple(committed(folder, keys)), len(keys))
