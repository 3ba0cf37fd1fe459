"""Lines of a text table into fields: which delimiter, which line is the header, and quotes that end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from ..curves import ReadError, UsageError
from ._cells import MISSING_WORDS

__all__ = ["Dialect", "Splitter", "is_number", "sniff_dialect", "split_fields"]

WHITESPACE = b""  # the delimiter "runs of blanks"
CANDIDATES = (b",", b"\t", b";", b"|", WHITESPACE)
NAMED = {"whitespace": WHITESPACE, r"\s+": WHITESPACE, " ": WHITESPACE, "tab": b"\t", "\\t": b"\t"}
MAX_QUOTED_LINES = 64
SAMPLE = 60
MAX_COLUMNS = 20_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text table is written.

    Parameters
    ----------
    delimiter : bytes
        One byte; empty for runs of blanks.
    header : tuple of bytes
        Fields of the header line; empty when the table has none.
    first_line : int
        Number of the first data line, counted from 1.
    comments : tuple of bytes
        Comment lines before the header, without the ``#``.
    preamble : int
        Other lines before the header that were skipped.
    width : int
        Fields per row.
    agreement : float
        Share of the sampled rows with that many fields.
    numeric : float
        Share of the sampled rows' cells that are numbers or missing.
    quoted : bool
        Whether there is a quote before the data.
    mismatch : (int, int) or None
        Line and number of names of what looks like a header but does not fit the rows.
    rows : int
        Rows below the header in the sample.
    """

    delimiter: bytes
    header: tuple[bytes, ...]
    first_line: int
    comments: tuple[bytes, ...]
    preamble: int
    width: int
    agreement: float
    numeric: float
    quoted: bool
    mismatch: tuple[int, int] | None = None
    rows: int = 0


def is_number(cell: bytes) -> bool:
    """Whether a field reads as a number, with a point or a comma."""
    try:
        float(cell.strip().replace(b",", b".", 1) or b"x")
    except ValueError:
        return False
    return True


def _is_missing(cell: bytes) -> bool:
    return cell.strip() in MISSING_WORDS


def split_fields(text: bytes, delimiter: bytes) -> list[bytes] | None:
    """Fields of one record, quotes resolved; None when a quote is still open at the end."""
    if b'"' not in text:
        return text.split(delimiter) if delimiter else text.split()
    fields: list[bytes] = []
    at, n = 0, len(text)
    while True:
        while at < n and text[at] in b" " and delimiter != b" ":
            at += 1
        if delimiter == WHITESPACE and at >= n:
            return fields
        if at < n and text[at] == 0x22:
            piece = bytearray()
            at += 1
            while True:
                end = text.find(b'"', at)
                if end < 0:
                    return None
                piece += text[at:end]
                at = end + 1
                if text[at : at + 1] == b'"':
                    piece += b'"'
                    at += 1
                else:
                    break
            stop = _next(text, delimiter, at)
            fields.append(bytes(piece) + text[at:stop].rstrip())
        else:
            stop = _next(text, delimiter, at)
            fields.append(text[at:stop])
        if stop >= n:
            return fields
        at = stop + max(1, len(delimiter))


_BLANK = re.compile(rb"[ \t]")


def _next(text: bytes, delimiter: bytes, at: int) -> int:
    if delimiter:
        found = text.find(delimiter, at)
        return len(text) if found < 0 else found
    blank = _BLANK.search(text, at)
    return len(text) if blank is None else blank.start()


class Splitter:
    """Lines into records; a quoted field may go on over the next lines, but not for ever.

    Parameters
    ----------
    delimiter : bytes
        Delimiter, empty for runs of blanks.
    first : int
        Number of the first line.
    where : str
        File, for messages.
    """

    def __init__(self, delimiter: bytes, *, first: int = 1, where: str = "") -> None:
        self.delimiter = delimiter
        self.where = where
        self.number = first - 1  # of the line that was read last
        self.opened: bytes | None = None  # text of a record whose quote is open
        self._opened_at = 0

    def feed(self, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes, list[bytes]]]:
        """Records with the number of their first line, their text and their fields; blank lines are skipped.

        Raises
        ------
        ReadError
            CF-IO-016 when a quote is not closed within 64 lines: the rest of the file is not swallowed.
        """
        for line in lines:
            self.number += 1
            if self.opened is None:
                if not line or line.isspace():
                    continue
                text, at = line, self.number
            else:
                text, at = self.opened + b"\n" + line, self._opened_at
            fields = split_fields(text, self.delimiter)
            if fields is None:
                self.opened, self._opened_at = text, at
                if self.number - at >= MAX_QUOTED_LINES or len(text) > 1 << 20:
                    self.close()
                continue
            self.opened = None
            yield at, text, fields

    def close(self) -> None:
        """Raise if a quote is still open."""
        if self.opened is not None:
            raise ReadError(
                "a quote that is opened here is never closed",
                code="CF-IO-016",
                where=f"{self.where}:{self._opened_at}",
                hint="close or remove the quote",
            )


def named_delimiter(asked: str) -> bytes:
    """The delimiter a caller asked for."""
    if asked in NAMED:
        return NAMED[asked]
    if len(asked) != 1 or not asked.isascii() or asked.isalnum() or asked in '\n\r".+-_':
        raise UsageError(
            f"delimiter {asked!r}",
            hint="one character such as ',' ';' '|' or a tab, or 'whitespace' for runs of blanks",
        )
    return asked.encode("ascii")


def sniff_dialect(text: bytes, *, delimiter: str | None = None, complete: bool = True) -> Dialect | None:
    """Delimiter and header from the first lines, or None when no delimiter gives at least two columns.

    Parameters
    ----------
    text : bytes
        The first part of the file, UTF-8 with line feeds.
    delimiter : str, optional
        The one to use.
    complete : bool
        Whether the text is the whole file; otherwise its last line is not looked at.
    """
    lines = text.split(b"\n")
    if not complete and len(lines) > 1:
        lines = lines[:-1]
    comments: list[bytes] = []
    body: list[bytes] = []
    for line in lines[:400]:
        bare = line.lstrip()
        if bare.startswith(b"#") and not any(b and not b.isspace() for b in body):
            comments.append(bare.lstrip(b"#").strip())
            body.append(b"")  # keeps line numbers
        else:
            body.append(line)
    choices = (named_delimiter(delimiter),) if delimiter is not None else CANDIDATES
    found: list[tuple[int, float, int, Dialect]] = []
    for rank, candidate in enumerate(choices):
        dialect = _try(body, candidate, tuple(comments))
        if dialect is not None:
            found.append((dialect.preamble, -round(dialect.agreement, 1), rank, dialect))
            if dialect.header and dialect.rows and dialect.agreement == dialect.numeric == 1.0 and not dialect.preamble:
                break  # it cannot fit better
    return min(found, key=lambda f: f[:3])[3] if found else None


def _try(body: list[bytes], delimiter: bytes, comments: tuple[bytes, ...]) -> Dialect | None:
    sample: list[tuple[int, bytes, list[bytes]]] = []
    with suppress(ReadError):  # an open quote is reported when the rows are read
        for record in Splitter(delimiter).feed(body):
            sample.append(record)
            if len(sample) >= SAMPLE:
                break
    for i, (number, text, fields) in enumerate(sample):
        width = len(fields)
        if not 2 <= width <= MAX_COLUMNS:
            continue
        later = [r for r in sample[i + 1 :] if len(r[2]) == width]
        if not later and i + 1 < len(sample):
            continue
        numbers = sum(is_number(f) for f in fields)
        if numbers and numbers < width and not _data_like(fields, later):
            continue
        comment = (split_fields(comments[-1], delimiter) or []) if comments else []
        before = sum(len(r[1].split(b"\n")) for r in sample[:i])
        cells = [f for r in (later or [sample[i]]) for f in r[2]]
        good = sum(is_number(f) or _is_missing(f) for f in cells) / len(cells)
        rest = sample[i:]
        agreement = sum(len(r[2]) == width for r in rest) / len(rest)
        quoted = any(b'"' in r[1] for r in sample[: i + 1])
        if numbers == 0:  # a header
            return Dialect(
                delimiter,
                tuple(fields),
                number + text.count(b"\n") + 1,
                comments,
                before,
                width,
                agreement,
                good if later else 0.0,
                quoted,
                rows=len(rest) - 1,
            )
        header = tuple(comment) if len(comment) == width and not any(map(is_number, comment)) else ()
        above = sample[i - 1] if i else None
        names = above is not None and len(above[2]) > 1 and not any(is_number(f) for f in above[2])
        mismatch = (above[0], len(above[2])) if above is not None and names and not header else None
        return Dialect(delimiter, header, number, comments, before, width, agreement, good, quoted, mismatch, len(rest))
    return None


def _data_like(fields: list[bytes], later: list[tuple[int, bytes, list[bytes]]]) -> bool:
    """Whether a line with numbers and texts is data: lines below have numbers and texts in the same places."""

    def alike(a: bytes, b: bytes) -> bool:
        return is_number(a) == is_number(b) or _is_missing(a) or _is_missing(b)

    return bool(later) and all(all(map(alike, fields, r[2])) for r in later[:5])
