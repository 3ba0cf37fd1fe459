"""MLflow's file store: the metric files of a run's folder in mlruns, with its parameters; MLflow is not needed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import final

import numpy as np

from ..curves import LimitError, ReadError, Run
from ..curves._checks import safe_text
from ._base import Bundle, Reader
from ._json import facts_of
from ._source import Source
from ._streams import Logged, Stream, read_streams
from ._table import Account, Table
from ._text import decode_head, text_blocks

__all__ = ["Mlflow"]

METRICS, PARAMS, META, NAME = "metrics/", "params/", "meta.yaml", "tags/mlflow.runName"
SMALL = 1 << 16
MAX_DEPTH = 16
MAX_FILES = 20_000
_LINE = re.compile(rb"\d{12,14} [^ \n]{1,40} -?\d{1,19}( [^ \n]+ [^ \n]+)?")
_RUN_NAME = re.compile(rb"(?m)^run_name: *(.{1,200}?) *$")


@final
class Mlflow(Reader):
    """Metrics that MLflow keeps as files: one per metric, with ``timestamp value step`` on each line.

    Notes
    -----
    A folder with ``meta.yaml`` and ``metrics`` is one run; of ``meta.yaml`` only the run's name is looked at, by pattern.
    A metric that was logged without steps is numbered in order of time. Parameters become attributes of the run, and one
    such as ``max_steps`` its horizon. The database of MLflow is read by the reader ``sqlite``.
    """

    name = "mlflow"
    suffixes = (".mlflow",)
    aliases = ("mlruns",)

    def sniff(self, head: bytes, path: str) -> float:
        """Whether the first lines are times, values and steps."""
        lines = decode_head(head[:4096]).split(b"\n")
        whole = lines[:-1][:4]
        known = [_LINE.fullmatch(line.rstrip(b"\r")) is not None for line in whole]
        return 0.95 if known and known[0] and sum(known) >= 0.5 * len(known) else 0.0

    def gather(self, folder: str, files: Sequence[str], folders: Sequence[str]) -> Bundle | None:
        """Metric files of a run's folder, then what describes the run."""
        if META not in files or "metrics" not in folders:
            return None
        found = [(METRICS + n, p) for n, p in _files(os.path.join(folder, "metrics"), "", 0)]  # noqa: PTH118
        if not found:
            return None
        if "params" in folders:
            found += [(PARAMS + n, p) for n, p in _files(os.path.join(folder, "params"), "", 0)]  # noqa: PTH118
        tag = os.path.join(folder, "tags", "mlflow.runName")  # noqa: PTH118
        if "tags" in folders and os.path.isfile(tag):  # noqa: PTH113
            found.append((NAME, tag))
        found.append((META, os.path.join(folder, META)))  # noqa: PTH118
        own = (*(f for f in ("metrics", "params", "tags") if f in folders), META)
        return Bundle(self.name, tuple(found[:MAX_FILES]), frozenset(os.path.join(folder, f) for f in own))  # noqa: PTH118

    def read(self, source: Source) -> list[Run]:
        """The run of a metric file, or of a run's folder."""
        run = Logged(source.name)
        table = Table([], row_word="line")
        files = 0
        parameters: dict[str, object] = {}
        for part in source.whole_run():
            label = part.label or METRICS + _metric_name(part)
            if label.startswith(METRICS):
                stream = _stream(part, label.removeprefix(METRICS), table.account)
                files += 1
                if stream is not None:
                    run.streams.append(stream)
                if part is not source:
                    table.notes += part.notes
            elif label.startswith(PARAMS):
                parameters[label.removeprefix(PARAMS)] = _value(part.head[:200].decode("utf-8", "replace").strip())
            elif label == NAME or (label == META and run.name == source.name):
                text = part.head[:200] if label == NAME else b"".join(_RUN_NAME.findall(part.head[:SMALL])[:1])
                run.name = safe_text(text.decode("utf-8", "replace").strip("'\" \n")) or run.name
        run.facts = facts_of(parameters)
        if source.beside and run.name != source.name:
            run.facts["folder"] = source.name
        table.notes = [*source.notes, *table.notes]
        if not run.streams:
            lost = "; ".join(table.account.notes())
            raise ReadError(
                f"no values in {files} metric files" + (f" ({lost})" if lost else ""),
                code="CF-IO-002",
                where=source.where,
                hint="each line of a metric file is: timestamp value step",
            )
        return read_streams([run], table, source, reader=self.name)

    def example(self) -> bytes:
        """Three values of one metric."""
        return b"1700000000000 2.5 0\n1700000001000 1.5 10\n1700000002000 nan 20\n1700000003000 1.25 30\n"


def _files(folder: str, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Regular files below a folder by their names within it, in order."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((e.name, e.is_dir(follow_symlinks=False), e.is_file(follow_symlinks=False)) for e in entries)
    except OSError:
        return
    for entry, is_folder, is_file in found:
        inside, called = os.path.join(folder, entry), f"{name}/{entry}" if name else entry  # noqa: PTH118
        if is_file:
            yield called, inside
        elif is_folder and depth < MAX_DEPTH:
            yield from _files(inside, called, depth + 1)


def _metric_name(source: Source) -> str:
    """Name of the metric by the path of its file."""
    path = (source.path or source.name).replace(os.sep, "/")
    return safe_text(path.rpartition("/metrics/")[2] if "/metrics/" in path else path.rpartition("/")[2])


def _value(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _stream(source: Source, name: str, account: Account) -> Stream | None:
    """Values of one metric file; a line that is none is counted."""
    walls: list[float] = []
    values: list[float] = []
    steps: list[float] = []
    number = 0
    tail = b""
    if not source.size:
        return None
    try:
        for block in text_blocks(source):
            lines = block.split(b"\n")
            tail = lines.pop()
            for line in lines:
                number += 1
                if not _take(line, walls, values, steps) and line.strip():
                    account.add("no time, value and step", number)
    except (ReadError, LimitError) as error:
        account.add(error.what, number + 1)
    if tail.strip() and not (source.options.keep_partial_tail and _take(tail, walls, values, steps)):
        account.add("unterminated last line", number + 1)
    if not values:
        return None
    return Stream(safe_text(name), np.array(steps), np.array(values), np.array(walls) / 1000)


def _take(line: bytes, walls: list[float], values: list[float], steps: list[float]) -> bool:
    parts = line.split()
    if len(parts) not in (3, 5) or b"_" in line.partition(parts[2])[0]:
        return False
    try:
        wall, value, step = int(parts[0]), float(parts[1]), int(parts[2])
    except ValueError:
        return False
    if abs(wall) > 2**62 or abs(step) > 2**62 or (value in (np.inf, -np.inf) and b"n" not in parts[1].lower()):
        return False
    walls.append(float(wall))
    values.append(value)
    steps.append(float(step))
    return True
