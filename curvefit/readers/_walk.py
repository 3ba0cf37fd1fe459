"""Files of a folder that may be logs, one by one, in a fixed order, without following links."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ..curves import ReadError
from ..curves._checks import safe_text
from ._base import Bundle
from ._source import refused

__all__ = ["Skipped", "Walk", "run_name"]

_DIGITS = re.compile(r"(\d+)")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
STATE = "trainer_state.json"
MAX_DEPTH = 64
EXAMPLES = 20
_Entry = tuple[tuple[tuple[int, int | str], ...], str, str]
Gather = Callable[[str, Sequence[str], Sequence[str]], list[Bundle]]


class Skipped:
    """Counts of files passed over, by reason, with the first few names."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.examples: dict[str, list[str]] = {}

    def add(self, reason: str, name: str) -> None:
        """Count one file."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        names = self.examples.setdefault(reason, [])
        if len(names) < EXAMPLES:
            names.append(name)

    def __len__(self) -> int:
        return sum(self.counts.values())

    def to_dict(self) -> dict[str, dict[str, object]]:
        """Plain values for JSON, by reason."""
        return {reason: {"files": n, "first": list(self.examples[reason])} for reason, n in self.counts.items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Mapping[str, Any]]) -> Skipped:
        """What `to_dict` made."""
        found = cls()
        found.counts = {reason: int(of["files"]) for reason, of in content.items()}
        found.examples = {reason: list(of["first"]) for reason, of in content.items()}
        return found

    def described(self) -> str:
        """How many files and why, with an example of each; hidden files, which nobody expects, are not among them."""
        counts = {reason: n for reason, n in self.counts.items() if reason != "hidden"}
        listed = "; ".join(
            f"{reason} ({self.examples[reason][0]}{f' and {n - 1} more' if n > 1 else ''})"
            for reason, n in counts.items()
        )
        total = sum(counts.values())
        return f"passed over {total} {'file' if total == 1 else 'files'}: {listed}" if total else ""


class Walk:
    """Walk a folder: pairs of a path and a run name; an unreadable subfolder is an error in place of its files.

    Parameters
    ----------
    root : str
        The folder.
    skipped : Skipped
        Where links, hidden files and older checkpoints are counted.
    gather : callable, optional
        Files of a folder that are one run together; they come as one `Bundle`.
    """

    def __init__(self, root: str, skipped: Skipped, gather: Gather | None = None) -> None:
        self.root = root
        self.skipped = skipped
        self.gather = gather
        self._taken: set[str] = set()

    def __iter__(self) -> Iterator[tuple[str | Bundle | ReadError, str]]:
        yield from self._folder(self.root, "", 0)

    def _bundles(self, path: str, found: list[_Entry]) -> list[Bundle]:
        """What belongs together in a folder."""
        if self.gather is None:
            return []
        files = [n for _, kind, n in found if kind == "file" and not n.startswith(".")]
        folders = [n for _, kind, n in found if kind == "folder" and not n.startswith(".")]
        return self.gather(path, files, folders)

    def _left(self, path: str, found: list[_Entry]) -> list[_Entry]:
        """Entries of a folder that are part of no bundle."""
        if not self._taken:
            return found
        return [e for e in found if os.path.join(path, e[2]) not in self._taken]  # noqa: PTH118

    def _folder(self, path: str, name: str, depth: int) -> Iterator[tuple[str | Bundle | ReadError, str]]:
        try:
            with os.scandir(path) as entries:
                found = sorted((_key(e.name), _kind(e), e.name) for e in entries)
        except OSError as error:
            yield refused(error, safe_text(path)), name
            return
        found = self._left(path, found)
        for bundle in self._bundles(path, found):
            self._taken |= bundle.taken
            yield bundle, safe_text(name or os.path.basename(os.path.abspath(path)))  # noqa: PTH100, PTH119
        found = self._left(path, found)
        names = {n for _, _, n in found}
        latest = _latest_checkpoint(path, names)
        for _, kind, entry in found:
            inside = os.path.join(path, entry)  # noqa: PTH118 - also for names that are not valid text
            called = f"{name}/{entry}" if name else entry
            if entry.startswith("."):
                self.skipped.add("hidden", safe_text(inside))
            elif kind == "link":
                self.skipped.add("symbolic link", safe_text(inside))
            elif kind == "folder":
                if latest is not None and _CHECKPOINT.fullmatch(entry) and entry != latest:
                    self.skipped.add("older checkpoint of the same run", safe_text(inside))
                elif depth >= MAX_DEPTH:
                    self.skipped.add("deeper than 64 folders", safe_text(inside))
                else:
                    yield from self._folder(inside, called, depth + 1)
            elif kind == "file":
                if entry == STATE and latest is not None and latest != "":
                    self.skipped.add("older checkpoint of the same run", safe_text(inside))
                else:
                    yield inside, safe_text(_without_suffix(called))
            else:
                self.skipped.add("not a regular file", safe_text(inside))


def _key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sort ``run2`` before ``run10``."""
    return tuple(
        (0, int(p)) if p.isdigit() and p.isascii() and len(p) < 20 else (1, p) for p in _DIGITS.split(name) if p
    )


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_symlink():
            return "link"
        if entry.is_dir(follow_symlinks=False):
            return "folder"
        return "file" if entry.is_file(follow_symlinks=False) else "other"
    except OSError:
        return "other"


def _latest_checkpoint(path: str, names: set[str]) -> str | None:
    """Folder of the newest checkpoint, ``""`` when the run's own trainer_state is newer, None when there are none.

    Every checkpoint carries the history of the whole run up to it; the file beside them is written at the end.
    """
    steps = {int(m[1]): n for n in names if (m := _CHECKPOINT.fullmatch(n)) is not None}
    have = [s for s, n in steps.items() if os.path.isfile(os.path.join(path, n, STATE))]  # noqa: PTH113, PTH118
    if not have:
        return None
    newest = steps[max(have)]
    if STATE in names and _step_of(os.path.join(path, STATE)) >= max(have):  # noqa: PTH118
        return ""
    return newest


def _step_of(path: str) -> float:
    """``global_step`` near the beginning of a trainer_state, -1 when it cannot be seen."""
    try:
        if not os.path.isfile(path) or os.path.islink(path):  # noqa: PTH113, PTH114
            return -1
        with open(path, "rb") as file:  # noqa: PTH123
            found = re.search(rb'"global_step":\s*(\d{1,15})\b', file.read(1 << 16))
    except OSError:
        return -1
    return float(found[1]) if found else -1


def _without_suffix(name: str) -> str:
    for _ in range(2):
        suffix = PurePath(name).suffix
        if suffix.lower() in (
            ".gz",
            ".csv",
            ".tsv",
            ".txt",
            ".json",
            ".jsonl",
            ".ndjson",
            ".parquet",
            ".log",
            ".wandb",
            ".db",
        ):
            name = name[: -len(suffix)]
    return name


_PLAIN_NAMES = frozenset(
    [
        "metrics",
        "results",
        "log",
        "logs",
        "history",
        "progress",
        "monitor",
        "training_log",
        "train_log",
        "trainer_state",
        "training",
        "data",
    ]
)


def run_name(path: str) -> str:
    """A name for the run of a file: its stem, after its folder's name where the stem says nothing."""
    if path == "-":
        return "stdin"
    plain = PurePath(path)
    stem = plain.name
    for _ in range(2):
        stem = stem.removesuffix(PurePath(stem).suffix) or stem
    parent = PurePath(os.path.abspath(path)).parent.name  # noqa: PTH100 - also for names that are not valid text
    if stem.startswith("events.out.tfevents") and parent:
        return safe_text(parent)
    return safe_text(f"{parent}/{stem}" if parent and (stem.lower() in _PLAIN_NAMES or stem.isdigit()) else stem)
