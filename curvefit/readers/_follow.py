"""Follow logs that grow, one file or a folder of runs: every poll reads what is new and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from io import BytesIO

from ..curves import CurvefitError, ReadError, Run, UsageError
from ..curves._checks import safe_text
from . import registry
from ._base import Bundle, Growth, Options
from ._foreign import refuse_dangerous
from ._runs import is_log, named_apart
from ._source import HEAD, Source
from ._tail import Tail
from ._walk import Skipped, Walk, run_name
from .read import asked_reader, attempt, gather, recognize

__all__ = ["Follower"]

File = tuple[str, str]  # label and path, as in a bundle


class Follower:
    """Runs of a path as they are written.

    Parameters
    ----------
    path : path-like
        Log file or folder of runs.
    options : Options
        As for `read`.

    Notes
    -----
    Text logs, event files and .wandb files are read on from where they were. What is written as a whole every time (JSON documents,
    databases, Parquet) is read again when it has changed. A file that was replaced, cut or written anew is
    read from its beginning. The last line of a text is waited for until its line end is there.
    """

    def __init__(self, path: str | os.PathLike[str], options: Options) -> None:
        self.path = os.fspath(path)
        if self.path == "-":
            raise UsageError("standard input cannot be followed", hint="name a file or a folder")
        self.options = options
        self._logs: dict[str, _Log] = {}
        self._read_before = 0

    @property
    def bytes_read(self) -> int:
        """Bytes of files that were ever read."""
        return self._read_before + sum(log.bytes_read for log in self._logs.values())

    @property
    def restarts(self) -> int:
        """How often a file was replaced, cut or written anew."""
        return sum(log.restarts for log in self._logs.values())

    @property
    def newest(self) -> float | None:
        """Time at which a file was last written to."""
        return max((log.written for log in self._logs.values() if log.written), default=None)

    def poll(self) -> bool:
        """Read what is new; whether there was anything, be it that a file cannot be read now or can be again.

        Raises
        ------
        ReadError
            When the path is gone.
        """
        there = set()
        changed = False
        for name, files, reader in self._files():
            key = files[0][1]
            there.add(key)
            log = self._logs.get(key)
            if log is None or log.reader != reader:
                log = self._logs[key] = _Log(name, reader, self.options)
            changed |= log.poll(files)
        for key in set(self._logs) - there:
            self._read_before += self._logs.pop(key).bytes_read
            changed = True
        return changed

    def _files(self) -> Iterator[tuple[str | None, tuple[File, ...], str | None]]:
        """Name, files and reader of every log there is now."""
        if not os.path.isdir(self.path):  # noqa: PTH112 - also for names that are not valid text
            yield None, (("", self.path),), None
            return
        found = Walk(self.path, Skipped(), partial(gather, asked_reader(self.options)))
        for entry, name in found:
            if isinstance(entry, Bundle):
                yield name, entry.files, entry.reader
            elif isinstance(entry, str):
                yield name, (("", entry),), None

    def runs(self) -> list[Run]:
        """All runs so far, in the order of their files."""
        whole = not os.path.isdir(self.path)  # noqa: PTH112
        found = [
            run for log in self._logs.values() for run in log.runs() if whole or self.options.format or is_log(run)
        ]
        if not found and whole:
            for log in self._logs.values():
                if log.trouble is not None:
                    raise log.trouble
        return found

    def troubles(self) -> list[CurvefitError]:
        """Why logs that were read before cannot be read now."""
        return [log.trouble for log in self._logs.values() if log.trouble is not None and log.known]


class _Log:
    """The files of one log."""

    def __init__(self, name: str | None, reader: str | None, options: Options) -> None:
        self.reader = reader
        self.options = options
        self.known: list[Run] = []
        self._lost: CurvefitError | None = None  # why a file could not be read at the last poll
        self.written: float | None = None
        self._name = name
        self._files: tuple[File, ...] = ()
        self._tails: dict[str, Tail] = {}
        self._begun: dict[str, int] = {}
        self._restart()
        self._whole_bytes = 0
        self.restarts = 0

    def _restart(self) -> None:
        self._head: list[tuple[File, bytes]] = []  # what was read before the format was settled
        self._size = 0
        self._growth: Growth | None = None
        self._whole = False  # read as a whole each time
        self._ignored = False  # no log, however it goes on
        self._refused: CurvefitError | None = None  # why what was read gives no runs
        self._broken = False  # what was read is refused, whatever follows
        self._stale = True

    @property
    def trouble(self) -> CurvefitError | None:
        """Why there are no runs, or none but those known before."""
        return self._lost or self._refused

    @property
    def bytes_read(self) -> int:
        return self._whole_bytes + sum(t.bytes_read for t in self._tails.values())

    def poll(self, files: tuple[File, ...]) -> bool:
        """Read what is new in the files."""
        self._files = files
        before, self._lost = str(self.trouble), None
        changed = False
        for file in files:
            path = file[1]
            tail = self._tails.setdefault(path, Tail(path, self.options))
            try:
                if self._whole:
                    changed |= tail.skip()
                    continue
                for block in tail.poll():
                    if tail.begun != self._begun.setdefault(path, 1):
                        return self._again(files)
                    self._take(file, block)
                    changed = True
                if tail.begun != self._begun.setdefault(path, 1):  # cut to nothing
                    return self._again(files)
            except ReadError as error:
                self._lost = error
        if changed:
            self._stale = True
            self.written = max((t.written for t in self._tails.values()), default=None)
        return changed or str(self.trouble) != before

    def _again(self, files: tuple[File, ...]) -> bool:
        """Begin anew: one of the files is another now."""
        read = self.bytes_read
        self._restart()
        self._tails = {path: Tail(path, self.options) for _, path in files}
        self._begun = {}
        self._whole_bytes = read
        self.restarts += 1
        self.poll(files)
        return True

    def _take(self, file: File, block: bytes) -> None:
        """New bytes: kept until the format is settled, then handed to what takes them."""
        if self._broken:
            return
        if self._growth is not None:
            self._feed(self._growth, [(file, block)])
            return
        self._head.append((file, block))
        self._size += len(block)
        if self._size > HEAD:
            self._settle()

    def _feed(self, growth: Growth, parts: list[tuple[File, bytes]]) -> None:
        """Hand bytes over; once they are refused, what follows cannot be told to be whole."""
        try:
            for (label, path), block in parts:
                growth.feed(block, path, label)
        except CurvefitError as error:
            self._refused, self._broken = error, True

    def _settle(self) -> None:
        """Decide by the beginning what takes the rest."""
        try:
            source = self._source()
            name = self._recognized(source)
            self._ignored = name is None
            self._growth = registry[name].grow(source) if name is not None else None
        except CurvefitError as error:
            self._refused = error
            self._ignored = True
        head, self._head = self._head, []
        if self._growth is None:
            self._whole = True
            return
        self._feed(self._growth, head)

    def _recognized(self, source: Source) -> str | None:
        """Name of the reader of what was read so far."""
        refuse_dangerous(source.head, source.path or "", source.where)
        asked = self.reader or asked_reader(self.options)
        if asked is not None:
            return asked
        reader, confidence = recognize(source.head, source.path or "")
        return reader.name if reader is not None and confidence > 0 else None

    def _source(self) -> Source:
        """The first file as far as it is kept in memory."""
        label, path = self._files[0]
        data = b"".join(block for file, block in self._head if file[1] == path)
        called = self._name if self._name is not None else run_name(path)
        source = Source(
            BytesIO(data), where=safe_text(path), path=None, size=len(data), options=self.options, name=called
        )
        source.path, source.label = path, label
        return source

    def runs(self) -> list[Run]:
        """Runs of the log; those known before when it cannot be read now."""
        if not self._stale or self._ignored or self._broken:
            return self.known
        self._stale = False
        try:
            if self._growth is not None:
                found: list[Run] | CurvefitError = self._growth.runs()
            else:
                found = self._small()
        except CurvefitError as error:
            found = error
        if isinstance(found, CurvefitError):
            self._refused = found
        else:
            self._refused, self.known = None, named_apart(found, self._name)
        return self.known

    def _small(self) -> list[Run] | CurvefitError:
        """A log that is short, or is read as a whole."""
        if not self._whole and self._head:
            source = self._source()
            name = self._recognized(source)
            growth = registry[name].grow(source) if name is not None else None
            if growth is not None:
                for (label, path), block in self._head:
                    growth.feed(block, path, label)
                return growth.runs()
        self._whole_bytes += sum(t.size for t in self._tails.values())
        bundle = None
        if self.reader is not None:
            bundle = Bundle(self.reader, self._files, frozenset())
        return attempt(self._files[0][1], self.options, name=self._name, bundle=bundle)
