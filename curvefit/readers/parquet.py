"""Parquet: the canonical long form with one point per row, or any wide table with one column per metric.

Canonical schema, version 1, written by `write_parquet` and read back without loss:

========== ======== ==================================================================================
column     type     meaning
========== ======== ==================================================================================
run_id     string   name of the run, unique in the file
metric     string   name of the metric as logged
x          float64  where, finite
x_unit     string   step, epoch, token, sample, parameter, flop, second or iteration
y          float64  the value; NaN and infinities are values that were logged, there are no nulls
wall_time  float64  seconds, null where unknown
segment    int32    segment of a resumed run, from 0
flags      uint8    what is known about the point, bits of `curvefit.curves.Flag`
========== ======== ==================================================================================

Every further column is an attribute of the run, constant in it: float64 where all runs have a number, else string; one that
is called like a column above has ``run.`` before its name. Rows of one run and metric stand together, in order of x. What has no column (directions that were overridden, bounds, horizon,
where the run came from) stands as JSON under the key ``curvefit`` of the file's metadata; a file without it reads as well.
Page checksums are written and verified.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from typing import Any, final

import numpy as np

from ..curves import LimitError, ReadError, Run, UsageError
from ..curves._arguments import checked
from ..curves._checks import safe_text
from ..curves._optional import optional
from ..curves._whole import not_written, put_in_place
from ._arrow import column_of, is_scalar
from ._base import Options, Reader
from ._canonical import apply_facts, facts_json, read_facts, wall_times
from ._names import METRIC_COLUMNS, VALUE_COLUMNS, normalize
from ._neptune import is_neptune, neptune_table, with_settings
from ._runs import runs_of
from ._source import Source
from ._table import Table, unique_names

__all__ = ["CANONICAL", "KEY", "Parquet", "runs_of_rows", "table_of", "write_parquet"]

KEY = b"curvefit"
CANONICAL = ("run_id", "metric", "x", "x_unit", "y", "wall_time", "segment", "flags")
MAX_GROWTH = 8
_FEATURE = "reading and writing Parquet"


@final
class Parquet(Reader):
    """Parquet files, canonical or wide.

    Notes
    -----
    Numbers, decimals, texts and booleans are read; columns of lists, structs and extension types are passed over, or refused
    when they are needed. Dates need ``x_unit="second"``. Exports of Neptune are recognized by their columns.
    """

    name = "parquet"
    suffixes = (".parquet", ".pq")
    aliases = ("pq",)

    def sniff(self, head: bytes, path: str) -> float:
        """Whether the magic bytes are there."""
        return 1.0 if head.startswith((b"PAR1", b"PARE")) else 0.0

    def read(self, source: Source) -> list[Run]:
        """Runs of a Parquet file."""
        pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
        pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
        if source.compressed or source.head.startswith(b"PARE"):
            what = "compressed as a whole" if source.compressed else "encrypted"
            raise ReadError(f"this Parquet file is {what}", code="CF-IO-015", where=source.where)
        try:
            data = pa.BufferReader(source.contents(source.options.max_bytes, "pass a larger max_bytes="))
            with pq.ParquetFile(data, page_checksum_verification=True) as file:
                _check_size(file.metadata, source)
                table, meta = _table(file.schema_arrow, file.read, source, pa)
        # what damage makes pyarrow raise; NotImplementedError (its own, ArrowNotImplementedError) is an unknown encoding
        except (pa.ArrowException, OSError, OverflowError, KeyError, NotImplementedError, UnicodeError) as error:
            raise ReadError(
                f"broken Parquet file: {safe_text(str(error).splitlines()[0][:200] if str(error) else type(error).__name__)}",
                code="CF-IO-015",
                where=source.where,
                hint="was it copied whole?",
            ) from None
        if table.rows == 0:
            raise ReadError("no data rows", code="CF-IO-002", where=source.where)
        if is_neptune(table.names):
            series, settings = neptune_table(table)
            if series.rows == 0:
                raise ReadError("no series of numbers in this export", code="CF-IO-002", where=source.where)
            return with_settings(runs_of(series, source, reader=self.name), settings)
        facts = read_facts(meta)
        runs = runs_of(table, source, reader=self.name)
        return apply_facts(wall_times(runs, table), facts, source.options.metric)

    def example(self) -> bytes:
        """One run with a loss, a learning rate and an attribute."""
        from ..curves import Curve, Schedule

        out = io.BytesIO()
        curves = {
            "loss": Curve([1, 2, 3, 4], [2.0, 1.5, np.nan, 1.2], "loss"),
            "lr": Curve([1, 2, 3, 4], [0.1, 0.1, 0.01, 0.01], "lr"),
        }
        schedule = Schedule([1, 2, 3, 4], [0.1, 0.1, 0.01, 0.01])
        _write([Run("example", curves, schedule, horizon=10, attributes={"seed": 1.0})], out)
        return out.getvalue()


def runs_of_rows(rows: Any, where: str, options: Options | None = None) -> list[Run]:
    """Runs of rows that have been read already, such as some row groups of a larger file.

    Parameters
    ----------
    rows : pyarrow.Table
        Whole runs, with the metadata of their file.
    where : str
        Name of the file, for messages and the provenance.
    options : Options, optional
        As for a whole file.
    """
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    source = Source(io.BytesIO(), where=where, path=None, size=0, options=options or Options(), name=where)
    table, meta = _table(rows.schema, lambda columns: rows if columns is None else rows.select(columns), source, pa)
    runs = wall_times(runs_of(table, source, reader=Parquet.name), table)
    return apply_facts(runs, read_facts(meta), source.options.metric)


def _check_size(metadata: Any, source: Source) -> None:
    """Refuse files that unpack to more than is safe: repeated values pack to almost nothing."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    stated = sum(max(0, g.total_byte_size) for g in groups)
    size = max(stated, 8 * metadata.num_rows * metadata.num_columns)
    if size > MAX_GROWTH * source.options.max_bytes:
        raise LimitError(
            f"unpacks to about {size} bytes, more than {MAX_GROWTH} times max_bytes",
            where=source.where,
            hint="pass a larger max_bytes=",
        )


def _table(schema: Any, read: Callable[..., Any], source: Source, pa: Any) -> tuple[Table, dict[bytes, bytes]]:
    plain = {normalize(n) for n in schema.names}
    long_form = bool(plain & set(METRIC_COLUMNS)) and bool(plain & set(VALUE_COLUMNS))
    wanted, notes = [], []
    for i, field in enumerate(schema):
        if is_scalar(field.type, pa):
            wanted.append(i)
            continue
        needed = field.name in (source.options.x, source.options.metric) or (
            long_form and normalize(field.name) in ("x", "step", "run_id", "metric", *VALUE_COLUMNS)
        )
        if needed:
            raise ReadError(
                f"column {field.name!r} has the type {field.type}, which holds no numbers",
                code="CF-IO-007",
                where=source.where,
                hint="cast it to float64",
            )
        notes.append(f"column {field.name!r} of type {field.type} is not read")
    if not wanted:
        raise ReadError("no column of numbers", code="CF-IO-008", where=source.where, hint="; ".join(notes[:4]))
    data = read(columns=None if len(wanted) == len(schema) else [schema.names[i] for i in wanted])
    names, repeated = unique_names(safe_text(n) for n in data.column_names)
    columns = [column_of(n, data.column(i), pa) for i, n in enumerate(names)]
    canonical = all(n in names for n in ("run_id", "metric", "x", "y", "segment"))
    table = Table(
        columns,
        names_repeated=repeated,
        notes=[*source.notes, *notes],
        x_name="x" if canonical else None,
        long=("metric", "y", "run_id") if canonical else None,
        row_word="row",
    )
    return table, dict(schema.metadata or {})


# ------------------------------------------------------------------ writing


@checked
def write_parquet(runs: Run | Iterable[Run], path: str | os.PathLike[str]) -> None:
    """Write runs in the canonical long form; reading the file gives equal runs.

    Parameters
    ----------
    runs : Run or iterable of Run
        Runs with different names.
    path : path-like
        File to write; it appears whole or not at all.

    Raises
    ------
    UsageError
        When two runs have one name, something is no run, or the place cannot be written to.
    DependencyError
        Without pyarrow.

    Notes
    -----
    Provenance is kept as a record of where the runs first came from; a file that is read again adds nothing to it.
    Bounds that were inferred are not written; they are inferred again.

    Examples
    --------
    >>> import curvefit as cf
    >>> run = cf.Run("r", {"val_loss": cf.Curve([1, 2, 3], [2.0, 1.5, 1.3], metric="val_loss")})
    >>> cf.write_parquet(run, "runs.parquet")  # doctest: +SKIP
    >>> cf.read("runs.parquet")[0]["val_loss"] == run["val_loss"]  # doctest: +SKIP
    True
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"{path!r:.60} is no path", where="write_parquet()", hint="the name of a file: 'runs.parquet'")
    runs = [runs] if isinstance(runs, Run) else list(runs)
    for i, run in enumerate(runs):
        if not isinstance(run, Run):
            raise UsageError(
                f"runs[{i}] is a {type(run).__name__}, not a Run",
                where="write_parquet()",
                hint="cf.Run('name', {'val_loss': curve})",
            )
    target = os.path.abspath(os.fspath(path))  # noqa: PTH100 - also for names that are not valid text
    part = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}.part")  # noqa: PTH118, PTH119, PTH120
    done = False
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror}", where=safe_text(os.fspath(path))) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(runs, file)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(part, target)
        done = True
    except OSError as error:
        raise not_written(error, os.fspath(path)) from None
    finally:
        if not done:
            os.unlink(part)  # noqa: PTH108


def _write(runs: list[Run], file: Any) -> None:
    pq = optional("pyarrow.parquet", extra="parquet", feature=_FEATURE)
    schema, attributes = _schema(runs)
    texts = ["run_id", "metric", "x_unit", *(_column_name(n) for n, t in attributes.items() if str(t) == "string")]
    with pq.ParquetWriter(
        file, schema, compression="zstd", use_dictionary=texts, write_page_checksum=True, write_statistics=True
    ) as writer:
        for run in runs:
            rows = _rows(run, attributes, schema)
            if rows.num_rows:
                writer.write_table(rows)


def table_of(runs: list[Run]) -> Any:
    """All points of some runs as one Arrow table in the canonical form, with its metadata."""
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    schema, attributes = _schema(runs)
    return pa.concat_tables([schema.empty_table(), *(_rows(run, attributes, schema) for run in runs)]).combine_chunks()


def _schema(runs: list[Run]) -> tuple[Any, dict[str, Any]]:
    """The canonical schema with the attributes of these runs, and the types of these."""
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    names = [r.name for r in runs]
    if len(set(names)) < len(names):
        again = next(n for i, n in enumerate(names) if n in names[:i])
        raise UsageError(f"two runs are called {again!r}", hint="give each run its own name")
    attributes = _attribute_types(runs, pa)
    schema = pa.schema(
        [
            pa.field("run_id", pa.string(), nullable=False),
            pa.field("metric", pa.string(), nullable=False),
            pa.field("x", pa.float64(), nullable=False),
            pa.field("x_unit", pa.string(), nullable=False),
            pa.field("y", pa.float64(), nullable=False),
            pa.field("wall_time", pa.float64()),
            pa.field("segment", pa.int32(), nullable=False),
            pa.field("flags", pa.uint8(), nullable=False),
            *(pa.field(_column_name(name), kind) for name, kind in attributes.items()),
        ],
        metadata={KEY: facts_json(runs)},
    )
    return schema, attributes


def _attribute_types(runs: list[Run], pa: Any) -> dict[str, Any]:
    """Type of each attribute's column: a number when it is one in every run that has it."""
    kinds: dict[str, Any] = {}
    for run in runs:
        for name, value in run.attributes.items():
            number = isinstance(value, int | float) and kinds.get(name, pa.float64()) == pa.float64()
            kinds[name] = pa.float64() if number else pa.string()
    return kinds


def _column_name(attribute: str) -> str:
    """Name of an attribute's column; one that is taken by the schema gets a prefix."""
    return f"run.{attribute}" if normalize(attribute) in CANONICAL else _text(attribute)


def _rows(run: Run, attributes: dict[str, Any], schema: Any) -> Any:
    """All points of a run as an Arrow table."""
    pa = optional("pyarrow", extra="parquet", feature=_FEATURE)
    from ._canonical import clock_of, points_of

    metric, x, unit, y, segment, flags = points_of(run)
    n = x.size
    clock = clock_of(run, x, unit)
    columns = [
        pa.repeat(pa.scalar(_text(run.name)), n),
        pa.array([_text(m) for m in metric], pa.string()),
        pa.array(x),
        pa.array(unit, pa.string()),
        pa.array(y),
        pa.array(clock, mask=np.isnan(clock)),
        pa.array(segment, pa.int32()),
        pa.array(flags, pa.uint8()),
    ]
    for name, kind in attributes.items():
        value = run.attributes.get(name)
        if value is not None and kind == pa.string():
            value = _text(str(value))
        columns.append(pa.repeat(pa.scalar(value, kind), n))
    return pa.Table.from_arrays(columns, schema=schema)


def _text(text: str) -> str:
    """Text that Parquet can hold: lone surrogates are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
