"""Bytes of a text log made plain: UTF-8, one kind of line end, no byte-order mark, no zeros at the end."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from ..curves import LimitError, ReadError
from ._source import BLOCK, Source

__all__ = ["MAX_LINE", "decode_head", "encoding_of", "looks_binary", "text_blocks", "whole_text"]

MAX_LINE = 1 << 20
_CONTROL = bytes([*range(1, 9), *range(14, 27)])
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(head: bytes, asked: str | None = None) -> str:
    """Encoding by byte-order mark, or the one that was asked for, or UTF-8; lower case, no validation of the rest."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    return asked or "utf-8"


def decode_head(head: bytes, asked: str | None = None) -> bytes:
    """The first bytes as UTF-8 without a mark, for sniffing; never raises."""
    encoding = encoding_of(head, asked)
    if encoding in ("utf-8", "utf-8-sig"):
        return head.removeprefix(codecs.BOM_UTF8)
    try:
        return head.decode(encoding, "ignore").encode("utf-8", "ignore")
    except ValueError:  # utf-16 without a mark of its byte order, for one
        return head


def looks_binary(head: bytes) -> bool:
    """Whether the first bytes are no text: control characters, or more zeros than a power cut leaves between rows."""
    sample = head[:4096].rstrip(b"\0")
    control = len(sample) - len(sample.translate(None, _CONTROL))
    return bool(sample) and (control > 0.02 * len(sample) or sample.count(0) > 0.6 * len(sample))


def _decoder(source: Source) -> codecs.IncrementalDecoder | None:
    """Decoder of the source's encoding, None when its bytes are UTF-8 already."""
    info = codecs.lookup(encoding_of(source.head, source.options.encoding))
    if info.name in ("utf-8", "utf-8-sig"):
        _refuse_utf16(source.head[:2048], source.where)
        return None
    return info.incrementaldecoder()


def _refuse_utf16(head: bytes, where: str) -> None:
    """ASCII text in UTF-16 without a mark has a zero in every other byte."""
    half = len(head) // 2
    if half < 4:
        return
    zeros = {"le": head[1::2].count(0) / half, "be": head[::2].count(0) / half}
    order = max(zeros, key=lambda k: zeros[k])
    if zeros[order] > 0.7 and min(zeros.values()) < 0.2:
        raise ReadError(
            "not UTF-8: every other byte is zero",
            code="CF-IO-006",
            where=where,
            hint=f"pass encoding='utf-16-{order}'",
        )


def _utf8(source: Source, size: int) -> Iterator[bytes]:
    decoder = _decoder(source)
    first = True
    for block in source.blocks(size):
        if decoder is not None:
            try:
                block = decoder.decode(block).encode("utf-8", "surrogatepass")
            except UnicodeError as error:
                raise ReadError(
                    f"not {source.options.encoding or encoding_of(source.head)}: {error}",
                    code="CF-IO-006",
                    where=source.where,
                    hint="pass encoding=",
                ) from None
        if first and block:
            block = block.removeprefix(codecs.BOM_UTF8)
            first = False
        if block:
            yield block


def _without_tail(blocks: Iterator[bytes], source: Source) -> Iterator[bytes]:
    """Hold zeros back until something follows them: at the end of a file they are what a power cut leaves."""
    zeros = 0
    for block in blocks:
        kept = block.rstrip(b"\0")
        if kept:
            if zeros > MAX_LINE:
                raise LimitError(f"{zeros} zero bytes inside the file", where=source.where)
            yield b"\0" * zeros + kept
            zeros = 0
        zeros += len(block) - len(kept)
    if zeros:
        source.notes.append(f"{zeros} zero bytes at the end of the file were trimmed, as a power cut leaves them")


def text_blocks(source: Source, size: int = BLOCK) -> Iterator[bytes]:
    """UTF-8 text in blocks that end with a line feed; only the last may lack it (an unterminated line).

    Parameters
    ----------
    source : Source
        The opened input.
    size : int
        Bytes to read at a time.

    Raises
    ------
    LimitError
        When a line is longer than 1 MiB.
    ReadError
        When the bytes are not in the encoding.
    """
    carry = b""
    line = 1
    for block in _without_tail(_utf8(source, size), source):
        data = carry + block
        held = b""
        if data.endswith(b"\r"):  # perhaps half of a CRLF
            data, held = data[:-1], b"\r"
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        _check_lines(data, line, source.where)
        cut = data.rfind(b"\n") + 1
        carry = data[cut:] + held
        if cut:
            line += data.count(b"\n")
            yield data[:cut]
    if carry.endswith(b"\r"):
        carry = carry[:-1] + b"\n"
    if carry:
        yield carry


def _check_lines(data: bytes, line: int, where: str) -> None:
    at = 0
    while len(data) - at > MAX_LINE:
        end = data.rfind(b"\n", at, at + MAX_LINE + 1)
        if end < 0:
            number = line + data.count(b"\n", 0, at)
            raise LimitError(
                f"a line is longer than {MAX_LINE} bytes", where=f"{where}:{number}", hint="is this really a text log?"
            )
        at = end + 1


def whole_text(source: Source, limit: int, hint: str) -> bytes:
    """The whole input as UTF-8 with line feeds, for documents that cannot be read line by line."""
    data = source.contents(limit, hint)
    decoder = _decoder(source)
    if decoder is not None:
        try:
            data = decoder.decode(data, True).encode("utf-8", "surrogatepass")
        except UnicodeError as error:
            raise ReadError(
                f"not {encoding_of(source.head, source.options.encoding)}: {error}",
                code="CF-IO-006",
                where=source.where,
                hint="pass encoding=",
            ) from None
    data = data.removeprefix(codecs.BOM_UTF8)
    kept = data.rstrip(b"\0")
    if len(kept) < len(data):
        source.notes.append(
            f"{len(data) - len(kept)} zero bytes at the end of the file were trimmed, as a power cut leaves them"
        )
    return kept.replace(b"\r\n", b"\n")
