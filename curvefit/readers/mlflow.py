"""MLflow's file store: the metric files of a run's folder in mlruns, with its parameters; MLflow is not needed."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import final

import numpy as np

from ..curves import LimitError, ReadError, Run
from ..curves._checks import safe_text
from ._base import Bundle, Growth, Reader
from ._growing import LineGrowth
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
        found = found[: MAX_FILES - 2]  # `_runs` says so; what names the run is not among what is cut off
        tag = os.path.join(folder, "tags", "mlflow.runName")  # noqa: PTH118
        if "tags" in folders and os.path.isfile(tag):  # noqa: PTH113
            found.append((NAME, tag))
        found.append((META, os.path.join(folder, META)))  # noqa: PTH118
        own = (*(f for f in ("metrics", "params", "tags") if f in folders), META)
        return Bundle(self.name, tuple(found), frozenset(os.path.join(folder, f) for f in own))  # noqa: PTH118

    def read(self, source: Source) -> list[Run]:
        """The run of a metric file, or of a run's folder."""
        found: list[tuple[str, _MetricFile | bytes]] = []
        notes = []
        for part in source.whole_run():
            label = part.label or METRICS + _metric_name(part.path or part.name)
            if label.startswith(METRICS):
                found.append((label, _metric_file(part)))
                notes += part.notes if part is not source else []
            else:
                found.append((label, part.head[:SMALL]))
        return self._runs(found, notes, source, name=source.name)

    def grow(self, source: Source) -> Growth | None:
        """Lines as they are appended to the files of the run."""
        return None if source.compressed else _Growing(self._runs, source)

    def _runs(
        self, found: Sequence[tuple[str, _MetricFile | bytes]], notes: Sequence[str], source: Source, *, name: str
    ) -> list[Run]:
        """The run of what was found in its files."""
        run = Logged(name)
        table = Table([], row_word="line")
        files = 0
        parameters: dict[str, object] = {}
        for label, content in found:
            if isinstance(content, _MetricFile):
                stream = content.stream(label.removeprefix(METRICS), table.account)
                files += 1
                if stream is not None:
                    run.streams.append(stream)
            elif label.startswith(PARAMS):
                parameters[label.removeprefix(PARAMS)] = _value(content[:200].decode("utf-8", "replace").strip())
            elif label == NAME or (label == META and run.name == name):
                text = content[:200] if label == NAME else b"".join(_RUN_NAME.findall(content)[:1])
                run.name = safe_text(text.decode("utf-8", "replace").strip("'\" \n")) or run.name
        run.facts = facts_of(parameters)
        if len(found) > 1 and run.name != name:
            run.facts["folder"] = name
        table.notes = [*source.notes, *notes]
        if len(found) >= MAX_FILES - 1:
            table.notes.append(f"{len(found)} files of this run were read, no more than that are of one run")
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


def _metric_name(path: str) -> str:
    """Name of the metric by the path of its file."""
    path = path.replace(os.sep, "/")
    return safe_text(path.rpartition("/metrics/")[2] if "/metrics/" in path else path.rpartition("/")[2])


def _value(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


class _MetricFile:
    """Values of one metric; a line that is none is counted."""

    def __init__(self) -> None:
        self.account = Account()
        self._number = 0
        self._columns = array("d"), array("d"), array("d")

    def feed(self, lines: list[bytes], block: bytes) -> None:
        """Whole lines."""
        for line in lines:
            self._number += 1
            if not _take(line, *self._columns) and line.strip():
                self.account.add("no time, value and step", self._number)

    def last(self, tail: bytes, *, keep: bool) -> None:
        """What stands after the last line end."""
        if tail.strip() and not (keep and _take(tail, *self._columns)):
            self.account.add("unterminated last line", self._number + 1)

    def lose(self, why: str) -> None:
        """The rest of the file cannot be read."""
        self.account.add(why, self._number + 1)

    def stream(self, name: str, account: Account) -> Stream | None:
        """What was taken, None when nothing was; what was not is added to the account."""
        for why, count in self.account.counts.items():
            account.add(why, self.account.first(why), count)
        wall, value, step = (np.array(c, dtype=np.float64) for c in self._columns)
        return Stream(safe_text(name), step, value, wall / 1000) if value.size else None


class _Growing:
    """The folder of a run that is still written."""

    def __init__(self, give: Callable[..., list[Run]], source: Source) -> None:
        self._give = give
        self._source = source
        self._name = source.name
        self._metrics: dict[str, tuple[str, _MetricFile, LineGrowth]] = {}
        self._others: dict[str, tuple[str, bytes]] = {}

    def feed(self, data: bytes, path: str, label: str) -> None:
        """New bytes of one of the files."""
        label = label or METRICS + _metric_name(path)
        if not label.startswith(METRICS):
            self._others[path] = (label, (self._others.get(path, (label, b""))[1] + data)[:SMALL])
            return
        if path not in self._metrics:
            file = _MetricFile()
            self._metrics[path] = (label, file, LineGrowth(self._source.where, file.feed, list))
        self._metrics[path][2].feed(data, path, label)

    def runs(self) -> list[Run]:
        """The run so far."""
        found = [*((label, file) for label, file, _ in self._metrics.values()), *self._others.values()]
        return self._give(found, (), self._source, name=self._name)


def _metric_file(source: Source) -> _MetricFile:
    """A whole metric file."""
    file = _MetricFile()
    tail = b""
    if source.size:
        try:
            for block in text_blocks(source):
                *lines, tail = block.split(b"\n")
                file.feed(lines, block)
        except (ReadError, LimitError) as error:
            file.lose(error.what)
        file.last(tail, keep=source.options.keep_partial_tail)
    return file


def _take(line: bytes, walls: array[float], values: array[float], steps: array[float]) -> bool:
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
