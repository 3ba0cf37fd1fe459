"""Text tables: CSV, TSV and the like, as Lightning, Keras, Ultralytics, Stable-Baselines3 and W&B write them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePath
from typing import final

from ..curves import ReadError, Run
from ._base import Reader
from ._chart import chart_groups
from ._fast import FAST_FROM, read_fast
from ._growing import LineGrowth, grows
from ._monitor import monitor_table
from ._names import known_name
from ._records import Dialect, sniff_dialect
from ._rows import RowLog, decode_name, read_rows
from ._runs import runs_of
from ._source import HEAD, Source
from ._table import Table, check_marks, unique_names
from ._text import decode_head, looks_binary, text_blocks

__all__ = ["CsvTable"]


@final
class CsvTable(Reader):
    """A header and rows of numbers, with any delimiter.

    Notes
    -----
    Large tables that are provably regular take a fast way; both ways give the same runs. Rows with another number of
    fields than the header are dropped with their line numbers, never shifted or padded.
    """

    name = "csv_table"
    suffixes = (".csv", ".tsv", ".txt", ".tab", ".dat", ".log")
    aliases = ("csv", "tsv", "table")

    def sniff(self, head: bytes, path: str) -> float:
        """Share of fields that read as numbers, in the delimiter that fits best."""
        text = decode_head(head)
        if text.lstrip()[:1] in (b"{", b"[") or looks_binary(text):
            return 0.0
        dialect = sniff_dialect(_lines(text), complete=len(head) < HEAD)
        named = PurePath(path.lower().removesuffix(".gz")).suffix in (".csv", ".tsv")
        if dialect is None:
            return 0.2 if named and text.strip() else 0.0
        names = [decode_name(f) for f in dialect.header]
        if dialect.rows == 0:
            known = [known_name(n) for n in names]
            enough = any(known) if dialect.delimiter else all(known)
            return 0.5 if not dialect.preamble and (named or enough) else 0.0
        if dialect.delimiter in (b"", b"|") and not dialect.header and not named:
            return 0.3 * dialect.numeric * dialect.agreement if dialect.numeric > 0.9 else 0.0
        score = 0.9 * dialect.agreement * min(1.0, 0.3 + dialect.numeric)
        return score if named or dialect.numeric > 0.3 else 0.0

    def read(self, source: Source) -> list[Run]:
        """Runs of a text table."""
        dialect, names, repeated = _header(source)
        table: Table | None = None
        if source.size >= (FAST_FROM // 64 if source.compressed else FAST_FROM):
            table = read_fast(dialect, names, source)
        if table is None:
            source.notes.clear()
            table = read_rows(dialect, names, text_blocks(source), source)
        return self._runs(table, dialect, names, repeated, source)

    def grow(self, source: Source) -> LineGrowth | None:
        """Rows as they are appended."""
        if not grows(source):
            return None
        dialect, names, repeated = _header(source)
        log = RowLog(dialect, names, source)
        return LineGrowth(
            source.where,
            log.feed,
            lambda: self._runs(log.table(copy=True), dialect, names, repeated, source),
        )

    def _runs(
        self, table: Table, dialect: Dialect, names: list[str], repeated: tuple[str, ...], source: Source
    ) -> list[Run]:
        """Runs of what was read."""
        table.names_repeated = repeated
        table.notes[:0] = [*_header_notes(dialect, names), *source.notes]
        if table.rows == 0:
            dropped = "; ".join(table.account.notes())
            raise ReadError(
                "no data rows" + (f" ({dropped})" if dropped else ""),
                code="CF-IO-002",
                where=source.where,
                hint="pass keep_partial_tail=True if the last line is whole"
                if "unterminated last line" in table.account.counts
                else "is the run still in its first step?",
            )
        check_marks(
            table.columns, table, delimiter=dialect.delimiter, decimal=source.options.decimal, where=source.where
        )
        _name_tensorboard_value(table, source)
        monitor = monitor_table(table, _comment_facts(dialect))
        if monitor is not None:
            return runs_of(monitor, source, reader=self.name)
        return runs_of(table, source, reader=self.name, groups=chart_groups(table, source.options, source.where))

    def example(self) -> bytes:
        """A run in which the validation loss is logged every second epoch."""
        return (
            b"epoch,train_loss,val_loss,lr\n1,2.31,,0.1\n2,1.72,1.80,0.1\n3,1.41,,0.1\n4,1.22,1.40,0.01\n5,1.1,,0.01\n"
        )


def _lines(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _header(source: Source) -> tuple[Dialect, list[str], tuple[str, ...]]:
    """Dialect and column names, from the beginning of the file."""
    options = source.options
    head = b""
    for block in text_blocks(source, HEAD):
        head += block
        if len(head) >= HEAD:
            break
    source.notes.clear()
    complete = len(head) < HEAD
    if not head.strip():
        raise ReadError("nothing but blank lines", code="CF-IO-001", where=source.where)
    dialect = sniff_dialect(head, delimiter=options.delimiter, complete=complete)
    if dialect is None:
        raise ReadError(
            "found 1 column",
            code="CF-IO-004",
            where=source.where,
            hint="pass delimiter= if the columns are separated in another way; a log needs at least x and one metric",
        )
    if dialect.mismatch is not None:
        line, count = dialect.mismatch
        raise ReadError(
            f"the header has {count} names, the rows have {dialect.width} fields",
            code="CF-IO-007",
            where=f"{source.where}:{line}",
            hint="complete the header; columns are never shifted",
        )
    if options.decimal == "," and dialect.delimiter == b",":
        raise ReadError(
            "the comma cannot be both delimiter and decimal mark",
            code="CF-IO-004",
            where=source.where,
            hint="pass delimiter=';'",
        )
    fields = [decode_name(f) for f in dialect.header] or [""] * dialect.width
    names, repeated = unique_names(fields)
    return replace(dialect), names, repeated


def _name_tensorboard_value(table: Table, source: Source) -> None:
    """Call the one value of a table downloaded from TensorBoard by the tag in its file name."""
    stem = PurePath(source.path or "").stem
    if table.names == ["Wall time", "Step", "Value"] and "-tag-" in stem:
        tag = decode_name(stem.rpartition("-tag-")[2].encode("utf-8", "replace"))
        if tag:
            table.columns[2].name = tag
            table.notes.append(f"a table downloaded from TensorBoard: its value is called {tag!r} after the file")


def _header_notes(dialect: Dialect, names: list[str]) -> list[str]:
    notes = []
    if not dialect.header:
        notes.append(f"no header: the columns are called {names[0]} to {names[-1]}")
    if dialect.preamble:
        lines = f"{dialect.preamble} lines" if dialect.preamble > 1 else "1 line"
        notes.append(f"{lines} before the header skipped")
    if dialect.delimiter != b",":
        word = {b"\t": "tabs", b"": "blanks"}.get(dialect.delimiter, repr(dialect.delimiter.decode()))
        notes.append(f"columns are separated by {word}")
    return notes


def _comment_facts(dialect: Dialect) -> dict[str, str | float] | None:
    """Facts in a first comment line that is a JSON object, as monitor files have it; None without one."""
    if not dialect.comments or not dialect.comments[0].startswith(b"{") or len(dialect.comments[0]) > 4096:
        return None
    try:
        facts = json.loads(dialect.comments[0])
    except (ValueError, RecursionError):
        return None
    if not isinstance(facts, dict):
        return None
    return {str(k): v for k, v in facts.items() if isinstance(v, str | float | int) and not isinstance(v, bool)}
