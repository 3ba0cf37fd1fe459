"""What a file that no reader takes looks like, so that the refusal can say it. Nothing here opens anything."""

from __future__ import annotations

import re
from pathlib import PurePath

from ..curves import ReadError
from ._text import looks_binary

__all__ = ["is_npz", "refusal", "refuse_dangerous"]

_PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill")
_LOG_LINES = (
    (rb"\biteration\s+\d+\s*/\s*\d+\s*\|", "a Megatron or DeepSpeed console log"),
    (rb"(?m)^step:\d+/\d+ ", "a modded-nanogpt console log"),
    (rb"(?m)^s:\d+ t[re]l:", "an llm.c log"),
    (rb"(?m)^\s*(\d+:)?\s+\w+ \.{6,} ", "a Megatron or DeepSpeed console log"),
    (rb"(?m)^(json_stats: |nn\.Sequential \{)", "a Torch7 console log"),
    (rb"(?m)^(import|from) torch", "a console log that begins with its program"),
    (rb"(?m)^(iter|step) \d+: (train )?loss ", "a nanoGPT console log"),
    (rb"(?m)^\{'[a-z_]+': ", "a console log with Python dictionaries"),
    (rb"(?mi)^[^\n]{0,200}\b(epoch|step|iter(ation)?)\b[^\n]{0,80}\bloss\b", "a console log"),
)
EXPORT = "this format is not read; export the metrics as CSV or JSON Lines"
UNPACK = "unpack it yourself and pass the log"
FORM = "say what its lines look like by pattern=, for example 'step (?P<step>\\d+) loss (?P<loss>\\S+)'"


def refuse_dangerous(head: bytes, path: str, where: str) -> None:
    """Raise for formats that could run code or hide files; they are recognized by magic bytes and never opened.

    Raises
    ------
    ReadError
        CF-IO-012 for anything based on pickle, CF-IO-013 for archives.
    """
    suffix = PurePath(path.lower()).suffix
    numpy_objects = head.startswith(b"\x93NUMPY") and re.search(rb"'descr':\s*['\"]\|?O", head[:256]) is not None
    torch_archive = head.startswith(b"PK\x03\x04") and b"/data.pkl" in head[:512]
    protocol = len(head) > 2 and head[0] == 0x80 and head[1] in range(2, 6)
    old_protocol = suffix in _PICKLE_SUFFIXES and not head.startswith((b"\x1f\x8b", b"\x89HDF"))
    if numpy_objects or torch_archive or protocol or old_protocol:
        raise ReadError(
            "a pickle-based file, which can run code when it is opened",
            code="CF-IO-012",
            where=where,
            hint="never read, by policy; export the metrics as CSV or JSON Lines",
        )
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) and not is_npz(head):
        raise ReadError(_zip(head), code="CF-IO-013", where=where, hint=_zip_hint(head))
    if head[257:262] == b"ustar":  # text follows, which would pass for a table with an odd header
        raise ReadError("a tar archive; archives are never extracted", code="CF-IO-013", where=where, hint=UNPACK)


def is_npz(head: bytes) -> bool:
    """Whether the first member of an archive is a NumPy array."""
    return head.startswith(b"PK\x03\x04") and head[30 : 30 + int.from_bytes(head[26:28], "little")].endswith(b".npy")


def _zip(head: bytes) -> str:
    if b"[Content_Types].xml" in head[:2048]:
        return "an Excel workbook"
    return "a zip archive; archives are never extracted"


def _zip_hint(head: bytes) -> str:
    if b"[Content_Types].xml" in head[:2048]:
        return "save the sheet as CSV"
    return UNPACK


_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\x93NUMPY", "a NumPy array without names", "save it as CSV with a header"),
    (b"\x89HDF\r\n", "an HDF5 file, for example Keras weights", EXPORT),
    (b"ARROW1", "an Arrow file", "write Parquet instead"),
    (b"Obj\x01", "an Avro file", "write Parquet instead"),
    (b"BZh", "compressed with bzip2", "only gzip is read; decompress it first"),
    (b"\xfd7zXZ", "compressed with xz", "only gzip is read; decompress it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "only gzip is read; decompress it first"),
    (b"7z\xbc\xaf", "a 7z archive; archives are never extracted", UNPACK),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office document", "save the sheet as CSV"),
    (b"\x89PNG", "an image", "a reader needs the numbers behind the figure"),
    (b"\xff\xd8\xff", "an image", "a reader needs the numbers behind the figure"),
    (b"GIF8", "an image", "a reader needs the numbers behind the figure"),
    (b"%PDF", "a PDF document", "a reader needs the numbers behind the figure"),
    (b"\x7fELF", "a program", ""),
    (b"<?xml", "an XML document", "export CSV instead"),
    (b"<!DOCTYPE", "an HTML document", "export CSV instead"),
    (b"<html", "an HTML document", "export CSV instead"),
    (b"<svg", "an SVG figure", "a reader needs the numbers behind the figure"),
)


def refusal(head: bytes, path: str, where: str) -> ReadError:
    """The error for a file that no reader recognizes: what it looks like, and what to do instead."""
    suffix = PurePath(path.lower()).suffix
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")

    def error(what: str, hint: str) -> ReadError:
        return ReadError(what, code="CF-IO-003", where=where, hint=hint)

    for magic, what, hint in _MAGIC:
        if text.startswith(magic) or head.startswith(magic):
            return error(what, hint)
    if ".tfevents." in PurePath(path).name:
        return error("named like a TensorBoard event file, but does not hold one", "")
    if suffix in (".yaml", ".yml"):
        return error("a YAML file", "`curvefit list readers` names the formats that are read")
    for pattern, what in _LOG_LINES:
        if re.search(pattern, head):
            return error(f"{what} without two lines of a known form", FORM)
    if looks_binary(head):
        return error("a binary file of an unknown format", "pass format= if you know it")
    return error(
        "no table of numbers found",
        f"a log needs a header and rows of numbers, or one JSON object per line; for a console log {FORM}; "
        "pass format= and delimiter= if you know them",
    )
