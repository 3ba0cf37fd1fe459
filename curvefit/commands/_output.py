"""Where results go: stdout, or a file that is complete or not there at all."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ..curves import UsageError
from ..curves._checks import safe_text
from ..curves._whole import fill, not_written, put_in_place

__all__ = ["OutputFile", "dump_json", "note"]


def note(text: str, *, quiet: bool = False) -> None:
    """Say something to the person at the terminal: stderr, control characters shown, nothing with ``--quiet``."""
    if not quiet:
        print(safe_text(text), file=sys.stderr)


def dump_json(document: Mapping[str, Any]) -> str:
    """JSON text: sorted by nothing, stable by construction, numbers finite or null."""
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


class OutputFile:
    """A file to be written at the end of the work, checked before it starts.

    The text goes to a temporary file beside the target, is flushed to disk and then renamed over it, so that a reader
    sees the old file or the new one, never a part. Nothing is left behind when the work fails. Output through a
    symbolic link is refused: the link may point anywhere.

    Parameters
    ----------
    target : str or Path
        Where the file shall be.
    option : str
        Name of the command-line option, for messages.
    """

    def __init__(self, target: str | Path, option: str) -> None:
        self.target = Path(target)
        self.option = option
        self._temporary: Path | None = None
        self._device = False

    def __enter__(self) -> OutputFile:
        """Check the place and take a temporary file there, so that a full or read-only folder is known at once."""
        try:
            mode = self.target.lstat().st_mode
        except FileNotFoundError:
            mode = None
        except OSError as error:
            raise self._refuse(error.strerror or "cannot be written") from None
        if mode is not None:
            if stat.S_ISLNK(mode):
                raise self._refuse("is a symbolic link", "name the file itself, or - for stdout")
            if stat.S_ISDIR(mode):
                raise self._refuse("is a folder", "name a file in it")
            self._device = not stat.S_ISREG(mode)
        if self._device:
            return self
        folder = self.target.parent
        try:
            handle, name = tempfile.mkstemp(prefix=".curvefit-", suffix=self.target.suffix, dir=folder)
        except OSError as error:
            why = f"cannot be written: {error.strerror}" if folder.is_dir() else "does not exist"
            raise self._refuse(f"the folder {folder} {why}") from None
        os.close(handle)
        self._temporary = Path(name)
        return self

    def write(self, content: bytes) -> None:
        """Put the content in place, whole or not at all."""
        try:
            if self._temporary is None:
                self.target.write_bytes(content)
                return
            fill(os.open(self._temporary, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC), content)
            self._temporary.chmod(0o666 & ~_umask())
            put_in_place(self._temporary, self.target)
            self._temporary = None
        except OSError as error:
            raise not_written(error, self.target) from None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None

    def _refuse(self, what: str, hint: str = "") -> UsageError:
        return UsageError(f"{self.option}: {what}", code="CF-OUT-001", where=str(self.target), hint=hint)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
