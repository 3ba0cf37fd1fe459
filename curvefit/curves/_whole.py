"""Files that are whole or not there: written beside their place, flushed to the disk, and put there in one step."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from ._checks import safe_text
from .errors import CurvefitError

__all__ = ["FULL", "fill", "not_written", "put_in_place", "write_whole"]

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_BLOCK = 1 << 20


def write_whole(target: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part, whatever happens.

    A temporary file in the same folder is written and flushed to the disk, renamed over the target, and the folder
    flushed, in this order: what is there after a power cut is whole, and once this returns it is there.

    Raises
    ------
    CurvefitError
        When the disk is full or the place cannot be written to; nothing is left behind, the old file is intact.
    """
    part = target.with_name(f".tmp-{os.getpid()}-{target.name}")
    try:
        handle = os.open(
            part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o644
        )
        try:
            fill(handle, content)
            put_in_place(part, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(part)  # noqa: PTH108
            raise
    except OSError as error:
        raise not_written(
            error, target, hint="what was finished before is intact; make room and run the same command again"
        ) from None


def fill(handle: int, content: bytes) -> None:
    """Write all of it to an open file, flush it to the disk, and close the file."""
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view[:_BLOCK]) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def put_in_place(part: str | Path, target: str | Path) -> None:
    """Rename a file that is flushed to the disk over another of its folder, and make the rename durable."""
    os.replace(part, target)  # noqa: PTH105 - the system call itself, whose order is tested
    _sync_folder(os.path.dirname(os.path.abspath(target)))  # noqa: PTH100, PTH120 - also for names that are not valid text


def not_written(error: OSError, target: str | Path, *, hint: str = "") -> CurvefitError:
    """What went wrong, for people: a full disk has a code of its own."""
    code = "CF-IO-NOSPC" if error.errno in FULL else "CF-OUT-001"
    return CurvefitError(
        f"cannot be written: {error.strerror}", code=code, where=safe_text(os.fspath(target)), hint=hint
    )


def _sync_folder(folder: str) -> None:
    """Make renames in a folder durable, where folders can be opened (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
