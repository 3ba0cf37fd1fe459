"""One opened input: a snapshot of a regular file (or stdin) as a bounded stream of bytes."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO

from ..curves import LimitError, ReadError, UsageError
from ..curves._checks import safe_text
from ._base import Options

__all__ = ["BLOCK", "HEAD", "STDIN", "ChangedError", "Source", "open_source", "refused"]

HEAD = 1 << 16
BLOCK = 1 << 20
MAX_RATIO = 200  # a gzip member of a text log shrinks 3 to 30 times
RATIO_FROM = 4 * 1024 * 1024  # decompressed bytes below which the ratio is nobody's business
GZIP = b"\x1f\x8b"
STDIN = "<stdin>"  # where standard input is named in messages


class ChangedError(ReadError):
    """The file shrank or was replaced while it was read; reading again may help."""

    code = "CF-IO-011"


class Source:
    """Bytes of one input, never more than its size when it was opened and never more than the limit.

    Parameters
    ----------
    file : binary file
        Opened, seekable.
    where : str
        Name for messages and provenance, safe for a terminal.
    path : str or None
        Path in the file system, None for stdin.
    size : int
        Bytes to read; what is appended later is not seen.
    options : Options
        What the caller asked for.
    name : str
        Name of the run if the file does not say one.

    Attributes
    ----------
    head : bytes
        The first 64 KiB, decompressed.
    compressed : bool
        Whether the file is a gzip stream.
    notes : list of str
        Facts found while reading, for the provenance.
    label : str
        What this file contributes to a run of several files.
    beside : tuple of (str, str)
        Label and path of the other files of the run.
    """

    def __init__(self, file: BinaryIO, *, where: str, path: str | None, size: int, options: Options, name: str) -> None:
        self.file = file
        self.where = where
        self.path = path
        self.size = size
        self.options = options
        self.name = name
        self.notes: list[str] = []
        self.beside: tuple[tuple[str, str], ...] = ()
        self.label = ""
        self.compressed = self._raw(0, 2) == GZIP
        if size > options.max_bytes:
            raise self._too_large(f"{size} bytes")
        if path is not None and size:
            self.check_unchanged()
        self.head = self._first(HEAD)

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def _raw(self, start: int, count: int) -> bytes:
        self.file.seek(start)
        return self.file.read(min(count, max(0, self.size - start)))

    def _too_large(self, what: str) -> LimitError:
        return LimitError(
            f"{what} exceed the limit of {self.options.max_bytes} bytes",
            where=self.where,
            hint="pass a larger max_bytes=",
        )

    def _first(self, count: int) -> bytes:
        parts: list[bytes] = []
        have = 0
        for block in self.blocks(count):
            parts.append(block)
            have += len(block)
            if have >= count:
                break
        self.notes.clear()  # what the head showed is found again when the file is read
        return b"".join(parts)[:count]

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        """Decompressed bytes from the beginning, in blocks of at most ``size``."""
        return self._gunzip(size) if self.compressed else self._plain(size)

    def _plain(self, size: int) -> Iterator[bytes]:
        at = 0
        while at < self.size:
            block = self._raw(at, size)
            if not block:
                raise ChangedError(f"the file shrank to {at} bytes while it was read", where=self.where)
            at += len(block)
            yield block

    def _gunzip(self, size: int) -> Iterator[bytes]:
        stream = zlib.decompressobj(31)
        read = made = 0
        inside = False  # in the middle of a gzip member
        for raw in self._plain(1 << 14):  # small: what precedes a broken byte in the same piece is lost
            read += len(raw)
            pending = raw
            while pending:
                inside = True
                try:
                    out = stream.decompress(pending, size)
                except zlib.error as error:
                    if made == 0:
                        raise ReadError(f"broken gzip stream: {error}", code="CF-IO-013", where=self.where) from None
                    self.notes.append(f"the gzip stream is broken near byte {read}; what came before was used")
                    return
                made += len(out)
                self._check_growth(made, read)
                if out:
                    yield out
                pending = stream.unconsumed_tail
                if stream.eof:
                    inside = False
                    pending = stream.unused_data.lstrip(b"\0")  # members are padded with zeros on tapes
                    if pending and not pending.startswith(GZIP[: len(pending)]):
                        self.notes.append("bytes after the end of the gzip stream were ignored")
                        return
                    stream = zlib.decompressobj(31)
        if inside:
            tail = stream.flush()
            if tail:
                yield tail
            self.notes.append("the gzip stream is cut; what came before the cut was used")

    def _check_growth(self, made: int, read: int) -> None:
        if made > self.options.max_bytes:
            raise self._too_large(f"more than {self.options.max_bytes} decompressed bytes")
        if made > RATIO_FROM and made > MAX_RATIO * read:
            raise LimitError(
                f"the gzip stream expands more than {MAX_RATIO} times, as a decompression bomb does",
                where=self.where,
                hint="decompress it yourself if you trust it",
            )

    def contents(self, limit: int, hint: str) -> bytes:
        """Everything at once, for formats that cannot be streamed.

        Parameters
        ----------
        limit : int
            Largest number of bytes.
        hint : str
            What to do when it is more.
        """
        parts: list[bytes] = []
        have = 0
        for block in self.blocks():
            have += len(block)
            if have > limit:
                raise LimitError(
                    f"more than {limit} bytes, too much to hold in memory at once", where=self.where, hint=hint
                )
            parts.append(block)
        return b"".join(parts)

    def whole_run(self) -> Iterator[Source]:
        """The input itself, then one by one the other files of the run; one that cannot be opened is noted."""
        yield self
        for label, path in self.beside:
            try:
                other = open_source(path, self.options, name=self.name)
            except ReadError as error:
                self.notes.append(f"{safe_text(os.path.basename(path))}: {error.what}; the other files were read")  # noqa: PTH119
                continue
            with other:
                other.label = label
                yield other

    def check_unchanged(self) -> None:
        """Raise `ChangedError` if the file shrank or its name now means another file."""
        if self.path is None:
            return
        now = os.fstat(self.file.fileno())
        if now.st_size < self.size:
            raise ChangedError("the file shrank while it was read", where=self.where)
        try:
            there = os.stat(self.path)  # noqa: PTH116 - descriptor and name are compared by the same call
        except OSError:
            return  # deleted while open: the snapshot is whole
        if (there.st_ino, there.st_dev) != (now.st_ino, now.st_dev):
            raise ChangedError("the file was replaced while it was read", where=self.where)


def open_source(path: str | os.PathLike[str], options: Options, *, name: str, where: str | None = None) -> Source:
    """Open a regular file, or ``"-"`` for stdin, without ever blocking on a pipe or touching a device.

    Parameters
    ----------
    path : path-like
        File, or ``"-"``.
    options : Options
        Limits among them.
    name : str
        Name of the run if the file does not say one.
    where : str, optional
        Name for messages; default the path.
    """
    text = os.fspath(path)
    shown = where if where is not None else safe_text(text)
    if text == "-":
        data = _standard_input(options.max_bytes + 1)
        return Source(io.BytesIO(data), where=where or STDIN, path=None, size=len(data), options=options, name=name)
    if not text:
        raise UsageError("an empty path", hint="the name of a file or folder, or '-' for standard input")
    try:
        kind = os.stat(text).st_mode  # noqa: PTH116 - names that are not valid text must work too
        if not stat.S_ISREG(kind):
            raise ReadError(
                f"{_kind(kind)}, not a regular file",
                code="CF-IO-009",
                where=shown,
                hint="'-' reads standard input" if stat.S_ISFIFO(kind) else "",
            )
        descriptor = os.open(text, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise refused(error, shown) from None
    file = os.fdopen(descriptor, "rb", buffering=0)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):  # replaced between the two calls
            raise ReadError(f"{_kind(found.st_mode)}, not a regular file", code="CF-IO-009", where=shown)
        return Source(io.BufferedReader(file), where=shown, path=text, size=found.st_size, options=options, name=name)
    except BaseException:
        file.close()
        raise


def _standard_input(count: int) -> bytes:
    if sys.stdin is None:
        raise ReadError(
            "standard input is closed", code="CF-IO-009", where=STDIN, hint="pipe a log into it, or name a file"
        )
    return sys.stdin.buffer.read(count)


def _kind(mode: int) -> str:
    names = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return names.get(stat.S_IFMT(mode), "something else")


def refused(error: OSError | ValueError, where: str) -> ReadError:
    """The package's own error for one of the operating system."""
    if isinstance(error, ReadError):
        return error
    number = getattr(error, "errno", None)
    if number in (errno.ENOENT, errno.ENOTDIR):
        return ReadError("no such file", code="CF-IO-GONE", where=where, hint="check the path")
    if number in (errno.EACCES, errno.EPERM):
        return ReadError("permission denied", code="CF-IO-010", where=where, hint="check the file's permissions")
    if number == errno.ELOOP:
        return ReadError("the symbolic link leads in a circle", code="CF-IO-009", where=where)
    if number == errno.ENXIO:
        return ReadError("a socket or device, not a regular file", code="CF-IO-009", where=where)
    reason = getattr(error, "strerror", None) or str(error)
    return ReadError(f"cannot be read: {reason}", code="CF-IO-010", where=where)
