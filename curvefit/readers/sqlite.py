"""SQLite databases of MLflow and Trackio, opened read-only and never written to; neither package is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, final
from urllib.parse import quote

import numpy as np

from ..curves import ReadError, Run
from ..curves._checks import safe_text
from ._axis import seconds_of
from ._base import Reader
from ._json import JsonText, Records, facts_of
from ._names import plan_of
from ._runs import runs_of
from ._source import Source
from ._streams import Logged, Stream, read_streams
from ._table import Account, Table

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["Sqlite"]

MAGIC = b"SQLite format 3\x00"
LARGEST = 1.7976931348623157e308
CHUNK = 50_000
MAX_FACTS = 64
MLFLOW = ("run_uuid", "key", "value", "step", "timestamp")
TRACKIO = ("run_name", "step", "metrics")
WAL = b"\x02\x02"  # the two bytes of the header that say that there is a write-ahead log


@final
class Sqlite(Reader):
    """A tracking database: every run in it that is not deleted.

    Notes
    -----
    MLflow stores NaN as 0 with a mark and infinity as the largest number; both come back as what was logged. A metric that
    was logged without steps is numbered in order of time. Only plain tables are read, nothing in the schema is executed.
    """

    name = "sqlite"
    suffixes = (".db", ".sqlite", ".sqlite3")
    aliases = ("mlflow_db", "trackio")

    def sniff(self, head: bytes, path: str) -> float:
        """Whether the magic bytes are there."""
        return 1.0 if head.startswith(MAGIC) else 0.0

    def read(self, source: Source) -> list[Run]:
        """Runs of a tracking database."""
        import sqlite3

        if not source.head.startswith(MAGIC):
            raise ReadError("not an SQLite database", code="CF-IO-003", where=source.where)
        try:
            with closing(_opened(source)) as database:
                tables = _tables(database)
                if set(MLFLOW) <= tables.get("metrics", set()) and "runs" in tables:
                    return _mlflow(database, tables, source, self.name)
                if set(TRACKIO) <= tables.get("metrics", set()):
                    return _trackio(database, tables, source, self.name)
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise ReadError(
                f"the SQLite database cannot be read: {safe_text(str(error))[:200]}",
                code="CF-IO-017",
                where=source.where,
                hint="was it copied whole, and while nothing was writing?",
            ) from None
        raise ReadError(
            "an SQLite database without metrics of MLflow or Trackio",
            code="CF-IO-003",
            where=source.where,
            hint=f"its tables: {', '.join(sorted(map(safe_text, tables))[:8]) or 'none'}",
        )

    def example(self) -> bytes:
        """A database of MLflow with one run, a NaN among its values."""
        import sqlite3

        with closing(sqlite3.connect(":memory:")) as database:
            database.executescript(
                "CREATE TABLE runs (run_uuid, name, lifecycle_stage);"
                "CREATE TABLE metrics (key, value FLOAT, timestamp, run_uuid, step, is_nan);"
                "INSERT INTO runs VALUES ('0a', 'calm-river-7', 'active');"
            )
            rows = [(2.5, 10, 0), (1.5, 20, 0), (0.0, 30, 1), (1.25, 40, 0)]
            database.executemany(
                "INSERT INTO metrics VALUES ('loss', ?, 1700000000000, '0a', ?, ?)", [(v, s, n) for v, s, n in rows]
            )
            database.commit()
            return bytes(database.serialize())


def _opened(source: Source) -> Connection:
    """The database, opened so that neither it nor a file beside it is ever written."""
    import sqlite3

    stated = _stated_size(source.head)
    if not source.compressed and source.size < stated:
        raise sqlite3.DatabaseError(f"the file is cut: {source.size} of {stated} bytes are there")
    if source.path is None or source.compressed:
        database = sqlite3.connect(":memory:")
        database.deserialize(_without_wal(source.contents(source.options.max_bytes, "pass a larger max_bytes=")))
    else:
        path = os.path.abspath(source.path)  # noqa: PTH100 - also for names that are not valid text
        beside = {end: _size(path + end) for end in ("-wal", "-shm", "-journal")}
        mode = "mode=ro"
        if beside["-journal"] or (source.head[18:20] == WAL and not (beside["-wal"] and beside["-shm"])):
            mode += "&immutable=1"  # else a lock or an index would have to be created beside the file
            if beside["-wal"] or beside["-journal"]:
                source.notes.append("a transaction beside the database was not finished; it is not included")
        database = sqlite3.connect(f"file:{quote(os.fsencode(path))}?{mode}", uri=True, timeout=2.0)
    try:
        database.execute("PRAGMA query_only=ON")
        database.execute("PRAGMA trusted_schema=OFF")
        database.execute("PRAGMA cell_size_check=ON")
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        broken = database.execute("PRAGMA quick_check(1)").fetchone()
        if broken is not None and broken[0] != "ok":
            raise sqlite3.DatabaseError(str(broken[0]))
    except BaseException:
        database.close()
        raise
    return database


def _stated_size(head: bytes) -> int:
    """Bytes that the header says the database has, 0 where it does not say."""
    page = int.from_bytes(head[16:18], "big")
    if len(head) < 100 or head[24:28] != head[92:96]:
        return 0
    return (page if page > 1 else 1 << 16) * int.from_bytes(head[28:32], "big")


def _without_wal(data: bytes) -> bytes:
    """A database in memory has no write-ahead log beside it."""
    return data[:18] + b"\x01\x01" + data[20:] if data[18:20] == WAL else data


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - also for names that are not valid text
    except OSError:
        return 0


def _tables(database: Connection) -> dict[str, set[str]]:
    """Columns of the plain tables; views and virtual tables could run for ever."""
    names = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' AND rootpage > 0"
    ).fetchall()
    wanted = {str(n) for (n,) in names if n in ("metrics", "runs", "params", "experiments", "configs")}
    tables = {n: {str(row[1]) for row in database.execute(f"PRAGMA table_info({n})")} for n in sorted(wanted)}
    return {**{str(n): set() for (n,) in names}, **tables}


def _rows(database: Connection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    cursor = database.execute(query)
    while rows := cursor.fetchmany(CHUNK):
        yield rows


# ------------------------------------------------------------------ MLflow


def _mlflow(database: Connection, tables: dict[str, set[str]], source: Source, reader: str) -> list[Run]:
    stage = "lifecycle_stage" if "lifecycle_stage" in tables["runs"] else "NULL"
    name = "name" if "name" in tables["runs"] else "NULL"
    runs: dict[str, Logged] = {}
    deleted: set[str] = set()
    query = f"SELECT run_uuid, {name}, {stage} FROM runs ORDER BY rowid"  # noqa: S608 - names of our own
    for run_id, called, state in database.execute(query):
        if state == "deleted":
            deleted.add(str(run_id))
        else:
            shown = safe_text(str(called or run_id)[:200])
            runs[str(run_id)] = Logged(shown, facts={"run_id": safe_text(str(run_id)[:64])})
    _parameters(database, tables, runs)
    account = Account()
    columns = _columns(database, tables, runs, deleted, account)
    for (run_id, key), (steps, values, walls) in columns.items():
        stream = Stream(safe_text(key[:1000]) or "value", steps, values, walls)
        runs.setdefault(run_id, Logged(safe_text(run_id[:64]))).streams.append(stream)
    logged = [run for run in runs.values() if run.streams]
    if not logged:
        raise ReadError(
            f"no metrics in an MLflow database of {len(runs) + len(deleted)} runs"
            + (f", {len(deleted)} of them deleted" if deleted else ""),
            code="CF-IO-002",
            where=source.where,
            hint="has the run logged anything yet?",
        )
    notes = [*source.notes]
    if deleted:
        notes.append(f"{len(deleted)} deleted runs were left out")
    return read_streams(logged, Table([], account=account, notes=notes, row_word="row"), source, reader=reader)


def _parameters(database: Connection, tables: dict[str, set[str]], runs: dict[str, Logged]) -> None:
    if not {"key", "value", "run_uuid"} <= tables.get("params", set()):
        return
    found: dict[str, dict[str, Any]] = {}
    for run_id, key, value in database.execute("SELECT run_uuid, key, value FROM params ORDER BY rowid"):
        if str(run_id) in runs and len(mine := found.setdefault(str(run_id), {})) < MAX_FACTS:
            try:
                mine[str(key)] = float(value)
            except (TypeError, ValueError):
                mine[str(key)] = str(value)
    for run_id, facts in found.items():
        runs[run_id].facts.update(facts_of(facts))


Columns = dict[tuple[str, str], tuple[Any, Any, Any]]


def _columns(
    database: Connection, tables: dict[str, set[str]], runs: dict[str, Logged], deleted: set[str], account: Account
) -> Columns:
    """Steps, values and times of each metric of each run, in the order in which they were logged."""
    nan = "is_nan" if "is_nan" in tables["metrics"] else "0"
    parts: dict[tuple[str, str], list[Any]] = {}
    query = f"SELECT run_uuid, key, step, value, timestamp, {nan} FROM metrics ORDER BY rowid"  # noqa: S608 - names of our own
    codes: dict[tuple[Any, Any], int] = {}
    database.text_factory = bytes  # names repeat in every row: they are decoded once each
    for rows in _rows(database, query):
        ids, keys, steps, values, walls, nans = zip(*rows, strict=True)
        for pair in dict.fromkeys(zip(ids, keys, strict=True)):
            codes.setdefault(pair, len(codes))
        code = np.fromiter(map(codes.__getitem__, zip(ids, keys, strict=True)), np.intp, len(rows))
        plain = set(map(type, values)) <= {int, float}
        numbers = [_floats(c) for c in (steps, values, walls)]
        numbers[1][_floats(nans) == 1] = np.nan
        for sign in (1.0, -1.0):
            numbers[1][numbers[1] == sign * LARGEST] = sign * np.inf
        known = list(codes)
        order = np.argsort(code, kind="stable")
        for piece in np.split(order, np.flatnonzero(np.diff(code[order])) + 1):
            run_id, key = (_text(k) for k in known[code[piece[0]]])
            if run_id in deleted:
                continue
            bad = np.isnan(numbers[0][piece])
            if not plain:
                bad |= np.array([not isinstance(values[i], int | float) for i in piece])
            if bad.any():
                account.add("no number", 0, int(np.count_nonzero(bad)))
                piece = piece[~bad]
            if piece.size:
                parts.setdefault((run_id, key), []).append([n[piece] for n in numbers])
    out: Columns = {}
    for name, chunks in parts.items():
        step, value, wall = (np.concatenate([c[i] for c in chunks]) for i in range(3))
        out[name] = (step, value, wall / 1000)
    return out


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _floats(values: Sequence[Any]) -> Any:
    """Numbers as an array; what is none becomes NaN."""
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError):
        return np.array([float(v) if isinstance(v, int | float) else np.nan for v in values])


# ------------------------------------------------------------------ Trackio


def _trackio(database: Connection, tables: dict[str, set[str]], source: Source, reader: str) -> list[Run]:
    decoder = JsonText(source.where)
    records = Records(source.where)
    account = Account()
    lines = []
    clock = "timestamp" if "timestamp" in tables["metrics"] else "NULL"
    number = 0
    query = f"SELECT run_name, step, metrics, {clock} FROM metrics ORDER BY rowid"  # noqa: S608 - names of our own
    for rows in _rows(database, query):
        for name, step, text, moment in rows:
            number += 1
            raw = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
            try:
                value, _ = decoder.decode(raw.strip())
            except ValueError:
                account.add("broken JSON", number)
                continue
            if not isinstance(value, dict):
                account.add("not an object", number)
                continue
            head = {"run_name": str(name), "step": step, "wall_time": seconds_of(str(moment))}
            records.add({**head, **{k: v for k, v in value.items() if k not in head}}, len(raw))
            lines.append(number)
    table = Table(
        records.finish(), lines=np.array(lines, np.int64), account=account, x_name="step", row_word="row",
        notes=[*source.notes, *decoder.notes()],
    )  # fmt: skip
    if table.rows == 0:
        raise ReadError("no metrics in this Trackio database", code="CF-IO-002", where=source.where)
    facts = _configs(database, tables, decoder)
    out = []
    for run in runs_of(table, source, reader=reader):
        own = facts.get(run.name) or (next(iter(facts.values())) if len(facts) == 1 else {})
        plan = plan_of(own).get(next(iter(run.curves.values())).x_unit)
        out.append(
            Run(
                run.name,
                run.curves,
                schedule=run.schedule,
                horizon=run.horizon or plan,
                provenance=run.provenance,
                attributes={**run.attributes, **own},
            )
        )
    return out


def _configs(database: Connection, tables: dict[str, set[str]], decoder: JsonText) -> dict[str, dict[str, str | float]]:
    """Configuration of each run by its name."""
    out: dict[str, dict[str, str | float]] = {}
    if not {"run_name", "config"} <= tables.get("configs", set()):
        return out
    for name, text in database.execute("SELECT run_name, config FROM configs ORDER BY rowid"):
        raw = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        try:
            value, _ = decoder.decode(raw.strip())
        except ValueError:
            continue
        if isinstance(value, dict):
            out[safe_text(str(name))] = facts_of({k: v for k, v in value.items() if not k.startswith("_")})
    return out
