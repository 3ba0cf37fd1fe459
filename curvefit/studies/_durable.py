"""One writer at a time, and nothing left of one that was killed."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ..curves import UsageError
from ..curves._checks import safe_text

__all__ = ["locked", "sweep"]

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed writer left; only for who holds the lock."""
    with suppress(OSError):
        for left in folder.glob(".tmp-*"):
            with suppress(OSError):
                left.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for writing; the kernel frees the lock when the process dies, however it dies.

    Raises
    ------
    UsageError
        When another process holds it, with its number and host.
    """
    path = folder / ".lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o644)
    except OSError as error:
        raise UsageError(
            f"cannot write there: {error.strerror}", code="CF-OUT-001", where=safe_text(os.fspath(folder))
        ) from None
    exclusive = False
    try:
        exclusive = _take(handle, path)
        about = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(about).encode("ascii"), 0)
        yield
    finally:
        os.close(handle)
        if exclusive:
            with suppress(OSError):
                path.with_name(".lock-owner").unlink()


def _take(handle: int, path: Path) -> bool:
    """Take the lock, or say who has it; true when a file stands in for locks the file system has not."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass  # no flock on this system
    except BlockingIOError:
        raise _held(_read(path), path.parent) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    else:
        return False
    return _take_by_file(path.with_name(".lock-owner"))


def _take_by_file(owner: Path) -> bool:
    """A file that only one can create; one whose process is gone from this host is taken over."""
    about = json.dumps(
        {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    )
    for _ in range(2):
        try:
            handle = os.open(owner, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            found = _read(owner)
            if found.get("host") != socket.gethostname() or _alive(found.get("pid")):
                raise _held(found, owner.parent) from None
            owner.unlink(missing_ok=True)
            continue
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(about)
        return True
    raise _held(_read(owner), owner.parent)


def _alive(pid: object) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _held(by: dict[str, object], folder: Path) -> UsageError:
    who = f"locked by process {by.get('pid', '?')} on {by.get('host', '?')} since {by.get('since', '?')}"
    return UsageError(
        f"another batch writes here: {who}",
        code="CF-OUT-002",
        where=safe_text(os.fspath(folder)),
        hint="wait for it, or choose another output folder",
    )
