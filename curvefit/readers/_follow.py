"""Follow a TensorBoard event file that grows: every poll reads the new bytes and nothing else."""

from __future__ import annotations

import os

from ..curves import ReadError
from ._base import Options
from ._events import EventDecoder, Scalars
from ._source import BLOCK, open_source
from ._tfrecord import Scanner

__all__ = ["EventTail"]


class EventTail:
    """Scalars of an event file as they are appended.

    Parameters
    ----------
    path : path-like
        The event file.

    Attributes
    ----------
    offset : int
        Bytes read so far.
    begun : int
        How often reading began from the start: once, and again whenever the file was replaced or became shorter.
    scanner, decoder
        What is known of the file: damage, tags, other content.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self.begun = 0
        self._identity: tuple[int, int] | None = None
        self._restart()

    def _restart(self) -> None:
        self.offset = 0
        self.scanner = Scanner()
        self.decoder = EventDecoder()
        self.begun += 1

    def poll(self) -> list[Scalars]:
        """What was appended since the last call; tags are indices into ``decoder.tags``.

        Raises
        ------
        ReadError
            When the file cannot be opened.
        """
        with open_source(self.path, Options(), name="") as source:
            if source.compressed:
                raise ReadError("a compressed file cannot be followed", code="CF-IO-013", where=source.where)
            found = os.fstat(source.file.fileno())
            identity = (found.st_dev, found.st_ino)
            if self._identity not in (None, identity) or source.size < self.offset:
                self._restart()
            self._identity = identity
            out = []
            while self.offset < source.size:
                source.file.seek(self.offset)
                block = source.file.read(min(BLOCK, source.size - self.offset))
                if not block:
                    break  # it became shorter meanwhile; the next poll sees that
                self.offset += len(block)
                got = self.decoder.decode(self.scanner.feed(block))
                if got.tag.size or got.restarts:
                    out.append(got)
            return out
