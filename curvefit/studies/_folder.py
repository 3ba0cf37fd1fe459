"""A folder of many files that is written whole or stays as it was."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path

from ..curves import CurvefitError, UsageError
from ..curves._checks import safe_text
from ..curves._whole import fill, not_written, put_in_place, write_whole

__all__ = ["LIST", "Folder", "refuse_links"]

LIST = "files.json"
_OWN = re.compile(r"(?:[a-z]+/)?[A-Za-z0-9][A-Za-z0-9_.-]*")  # a name that such a folder can have given


def refuse_links(*folders: Path) -> None:
    """Refuse to write through symbolic links, which may point anywhere, and into what is no folder.

    Raises
    ------
    UsageError
        With the first of them.
    """
    for folder in folders:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise UsageError(
                "is a link or no folder",
                code="CF-OUT-001",
                where=safe_text(os.fspath(folder)),
                hint="name another folder",
            )


class Folder:
    """Files to be written into a folder, all of them or none; nothing outside of it and nothing through links.

    Parameters
    ----------
    path : Path
        The folder; made when it is not there.
    below : tuple of str
        Folders in it.

    Notes
    -----
    Every file is written beside its place and flushed to the disk before the first one is put there, so that a full disk
    changes nothing. ``files.json`` lists the files; what an earlier list names and the new one does not is removed, and
    nothing else ever is.
    """

    def __init__(self, path: Path, below: tuple[str, ...]) -> None:
        self.path, self.below = path, below
        self._contents: dict[str, bytes] = {}
        refuse_links(path, *(path / name for name in below))

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files, the list of them last."""
        return (*self._contents, LIST)

    def add(self, name: str, content: bytes) -> None:
        """One file; nothing is written yet."""
        self._contents[name] = content

    def write(self) -> None:
        """Put all files there, and remove those of an earlier list that are no longer made.

        Raises
        ------
        CurvefitError
            When something cannot be written; the folder is then as it was.
        """
        made = self._make()
        earlier = self._earlier()
        gone = sorted(set(earlier) - set(self.files))
        contents = {**self._contents, LIST: _listed(self.files)}
        staged: dict[str, Path] = {}
        try:
            for name, content in contents.items():
                target = self.path / name
                part = target.with_name(f".tmp-{os.getpid()}-new-{target.name}")
                staged[name] = part
                try:
                    handle = os.open(
                        part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o644
                    )
                    fill(handle, content)
                except OSError as error:
                    raise not_written(
                        error, target, hint="the folder is as it was; make room and run the same command again"
                    ) from None
            if earlier:  # whatever stops this midway, the next report knows all that may be there
                write_whole(self.path / LIST, _listed((*earlier, *(f for f in self.files if f not in earlier))))
        except BaseException:
            for part in staged.values():
                with suppress(OSError):
                    part.unlink()
            for folder in reversed(made):
                with suppress(OSError):
                    folder.rmdir()
            raise
        for name in contents:
            if name == LIST:  # the last
                for old in gone:
                    with suppress(OSError):
                        (self.path / old).unlink()
            try:
                put_in_place(staged.pop(name), self.path / name)
            except OSError as error:
                for part in staged.values():
                    with suppress(OSError):
                        part.unlink()
                raise not_written(error, self.path / name) from None

    def _make(self) -> list[Path]:
        """The folders, and which of them were not there."""
        made: list[Path] = []
        for folder in (self.path, *(self.path / name for name in self.below)):
            missing = [p for p in (folder, *folder.parents) if not p.exists()]
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CurvefitError(
                    f"cannot be made: {error.strerror}", code="CF-OUT-001", where=safe_text(os.fspath(folder))
                ) from None
            made += reversed(missing)
        return made

    def _earlier(self) -> tuple[str, ...]:
        """Files that an earlier list names; only names that such a list can hold."""
        try:
            told = json.loads((self.path / LIST).read_text(encoding="ascii"))["files"]
        except (OSError, ValueError, KeyError, TypeError):
            return ()
        names = [n for n in told if isinstance(n, str) and _OWN.fullmatch(n)] if isinstance(told, list) else []
        return tuple(n for n in dict.fromkeys(names) if "/" not in n or n.split("/")[0] in self.below)


def _listed(names: tuple[str, ...]) -> bytes:
    return json.dumps({"schema_version": 1, "files": list(names)}, indent=1).encode("ascii")
