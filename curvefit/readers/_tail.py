"""The end of a file that grows: every poll reads the bytes that are new and nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from io import FileIO

from ..curves import LimitError, ReadError
from ..curves._checks import safe_text
from ._base import Options
from ._source import BLOCK, refused

__all__ = ["Tail"]

KEPT = 64  # last bytes that were read; when they are others now, the file was written anew


class Tail:
    """Bytes of a file as they are appended.

    Parameters
    ----------
    path : str
        The file.
    options : Options
        For the limit on bytes.

    Attributes
    ----------
    offset : int
        Bytes of the file that were read.
    begun : int
        How often reading began from the start: once, and again whenever the file was replaced, cut or written anew.
    size, written : int, float
        Bytes of the file and time of its last change when it was last looked at.
    bytes_read : int
        Everything that was ever read, the few bytes that are compared included.
    """

    def __init__(self, path: str, options: Options) -> None:
        self.path = path
        self.options = options
        self.offset = 0
        self.begun = 1
        self.bytes_read = 0
        self.size = 0
        self.written = 0.0
        self._seen: tuple[int, int, int, int] | None = None
        self._last = b""

    def poll(self) -> Iterator[bytes]:
        """New bytes in blocks; none, and the file is not even opened, when neither size nor time have changed.

        Raises
        ------
        ReadError
            When the file is gone or may not be read.
        LimitError
            When it is larger than ``max_bytes``.
        """
        try:
            found = os.stat(self.path)  # noqa: PTH116 - names that are not valid text must work too
            if not stat.S_ISREG(found.st_mode):
                raise ReadError("not a regular file", code="CF-IO-009", where=safe_text(self.path))
            if self._seen == _mark(found):
                return
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except (OSError, ValueError) as error:
            raise refused(error, safe_text(self.path)) from None
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            try:
                yield from self._appended(file)
            except OSError as error:  # the disk or the network under the file; the next poll goes on from here
                raise refused(error, safe_text(self.path)) from None

    def _appended(self, file: FileIO) -> Iterator[bytes]:
        """New bytes of the opened file, as many as it had when it was opened."""
        now = os.fstat(file.fileno())
        if not stat.S_ISREG(now.st_mode):
            raise ReadError("not a regular file", code="CF-IO-009", where=safe_text(self.path))
        if now.st_size > self.options.max_bytes:
            raise LimitError(
                f"{now.st_size} bytes exceed the limit of {self.options.max_bytes} bytes",
                where=safe_text(self.path),
                hint="pass a larger max_bytes=",
            )
        mark = _mark(now)
        replaced = self._seen is not None and self._seen[:2] != mark[:2]
        if replaced or now.st_size < self.offset or not self._same(file):
            self.offset, self._last = 0, b""
            self.begun += 1
        while self.offset < now.st_size:
            file.seek(self.offset)
            block = file.read(min(BLOCK, now.st_size - self.offset))
            if not block:
                break  # it became shorter meanwhile; the next poll sees that
            self.bytes_read += len(block)
            self.offset += len(block)
            self._last = (self._last + block[-KEPT:])[-KEPT:]
            yield block
        self._note(mark, now)

    def skip(self) -> bool:
        """Whether the file has changed; nothing is read.

        Raises
        ------
        ReadError
            When the file is gone.
        """
        try:
            now = os.stat(self.path)  # noqa: PTH116
        except (OSError, ValueError) as error:
            raise refused(error, safe_text(self.path)) from None
        changed = self._seen != _mark(now)
        self._note(_mark(now), now)
        return changed

    def _note(self, mark: tuple[int, int, int, int], now: os.stat_result) -> None:
        self._seen, self.size, self.written = mark, now.st_size, now.st_mtime

    def _same(self, file: FileIO) -> bool:
        """Whether the last bytes that were read are still there."""
        if not self._last:
            return True
        file.seek(self.offset - len(self._last))
        there = file.read(len(self._last))
        self.bytes_read += len(there)
        return bool(there == self._last)


def _mark(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
