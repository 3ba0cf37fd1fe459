"""What a reader is: it recognizes a format by its first bytes and turns a file into runs.

Contract, checked for every registered reader:

* ``sniff`` looks at the first bytes only, never raises and never opens anything; the largest confidence wins, the suffix
  merely settles ties.
* ``read`` returns runs or raises a `CurvefitError`; nothing else leaves it, whatever the bytes.
* Nothing is lost without a count: every run carries a `Provenance` in which rows and points are kept or dropped by
  reason.
* Nothing in a file is ever executed, unpickled or extracted to disk.
* ``example`` is a small valid file of the format that ``sniff`` recognizes and ``read`` reads.

Codes of errors that readers raise: CF-IO-001 empty, CF-IO-002 no data rows, CF-IO-003 format unknown or not supported,
CF-IO-004 delimiter, CF-IO-005 duplicate column names, CF-IO-006 encoding, CF-IO-007 malformed rows, CF-IO-008 no curve,
CF-IO-009 not a regular file, CF-IO-010 not permitted, CF-IO-011 changed while reading, CF-IO-012 pickle-based,
CF-IO-013 archive, CF-IO-014 broken JSON, CF-IO-015 broken Parquet, CF-IO-016 unclosed quote, CF-IO-017 broken
database, CF-IO-018 broken NumPy archive, CF-IO-GONE missing,
CF-IO-LIMIT too large, long or deep, CF-PARSE-001 thousands separator, CF-PARSE-002 decimal comma, CF-PARSE-003 dates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, get_args

from ..curves import ResumePolicy, Run, UsageError, XUnit
from ._pattern import check_pattern

if TYPE_CHECKING:
    from ._source import Source

__all__ = ["MAX_BYTES", "Bundle", "Growth", "Options", "Reader"]

MAX_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller asked for; every field left at its default is decided from the file.

    Parameters
    ----------
    format : str or None
        Name of the reader; None looks at the content.
    metric : str or None
        The only metric to keep.
    x : str or None
        Column of x; ``"row"`` numbers the rows; ``"cumulative"`` joins the pieces of an x that starts over.
    x_unit : str or None
        Unit of x instead of what the column name says.
    resume : {"supersede", "keep", "first", "error"}
        What a restart does to what was logged before it.
    delimiter, decimal : str or None
        Field delimiter (``"whitespace"`` for runs of blanks) and decimal mark of text tables.
    encoding : str or None
        Text encoding; None takes a byte-order mark or UTF-8.
    max_bytes : int
        Largest file, after decompression, in bytes.
    keep_partial_tail : bool
        Keep a last line without a line end; it may be cut in the middle of a number.
    pattern : str or None
        Regular expression of the lines of a console log; its named groups are x and the metrics.
    """

    format: str | None = None
    metric: str | None = None
    x: str | None = None
    x_unit: XUnit | None = None
    resume: ResumePolicy = "supersede"
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    max_bytes: int = MAX_BYTES
    keep_partial_tail: bool = False
    pattern: str | None = None

    def __post_init__(self) -> None:
        for name, choices in (
            ("resume", get_args(ResumePolicy)),
            ("x_unit", (None, *get_args(XUnit))),
            ("decimal", (None, ".", ",")),
            ("keep_partial_tail", (True, False)),
        ):
            value = getattr(self, name)
            if value not in choices:
                known = ", ".join(repr(c) for c in choices if c is not None)
                raise UsageError(f"{name}={value!r}", code="CF-USE-005", hint=f"choices: {known}")
        if not isinstance(self.max_bytes, int) or self.max_bytes <= 0:
            raise UsageError(f"max_bytes={self.max_bytes!r}", code="CF-USE-005", hint="a positive number of bytes")
        for name in ("format", "metric", "x", "delimiter", "encoding", "pattern"):
            if not isinstance(getattr(self, name), str | None):
                raise UsageError(f"{name}={getattr(self, name)!r}", code="CF-USE-005", hint="a text")
        if self.encoding is not None:
            _check_encoding(self.encoding)
        if self.pattern is not None:
            if self.format not in (None, "text_log"):
                raise UsageError(f"a pattern is for console logs, not for {self.format!r}", code="CF-USE-005")
            check_pattern(self.pattern, x=self.x)


def _check_encoding(name: str) -> None:
    """Refuse what is no encoding of text, also where a byte-order mark or the format makes it needless."""
    try:
        "a".encode(name)
    except (LookupError, ValueError):
        raise UsageError(
            f"encoding={name!r} is no encoding of text", code="CF-USE-005", hint="for example 'latin-1' or 'utf-16'"
        ) from None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files of a folder that are one run together.

    Parameters
    ----------
    reader : str
        Name of the reader that reads them.
    files : tuple of (str, str)
        What each file contributes (a prefix or a name of a metric, as the reader says) and its path.
    taken : frozenset of str
        Paths of files and folders that are not looked at again.
    """

    reader: str
    files: tuple[tuple[str, str], ...]
    taken: frozenset[str]


class Growth(Protocol):
    """What is known of a log that is still written: it takes new bytes and nothing else."""

    def feed(self, data: bytes, path: str, label: str) -> None:
        """What was appended to a file of the run; ``label`` as in `Bundle`."""

    def runs(self) -> list[Run]:
        """Runs of everything that was fed, as reading the files anew would give them."""


class Reader(ABC):
    """One file format.

    Attributes
    ----------
    name : str
        Name in the registry.
    suffixes : tuple of str
        File name endings, lower case with the dot, that hint at the format.
    aliases : tuple of str
        Short names people use for it.
    """

    name: str
    suffixes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @abstractmethod
    def sniff(self, head: bytes, path: str) -> float:
        """Confidence in [0, 1] that the (decompressed) first bytes belong to this format.

        Parameters
        ----------
        head : bytes
            At most the first 64 KiB.
        path : str
            Name of the file, for hints; it may not exist.
        """

    @abstractmethod
    def read(self, source: Source) -> list[Run]:
        """Runs of an opened input.

        Parameters
        ----------
        source : Source
            Bounded bytes, the name to use in messages, and the caller's `Options`.

        Raises
        ------
        CurvefitError
            With code, place, what happened and what to try.
        """

    @abstractmethod
    def example(self) -> bytes:
        """A small valid file of this format."""

    def grow(self, source: Source) -> Growth | None:
        """What takes the file piece by piece while it grows; None where it must be read as a whole each time.

        Parameters
        ----------
        source : Source
            The beginning of the (first) file; its content is fed all the same.
        """
        return None

    def gather(self, folder: str, files: Sequence[str], folders: Sequence[str]) -> Bundle | None:
        """Files of a folder that are one run together, by their names; None where each file stands for itself.

        Parameters
        ----------
        folder : str
            Path of the folder.
        files, folders : sequence of str
            Names of the regular files and of the folders in it, links and hidden ones left out.
        """
        return None
