"""The JSON that commands write: one envelope for all, with its version."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..reporting._finite import finite
from ._output import OutputFile, dump_json

__all__ = ["SCHEMA_VERSION", "envelope", "write_json"]

SCHEMA_VERSION = 1


def envelope(command: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a command: what wrote it, in which version, and the content."""
    return {"schema_version": SCHEMA_VERSION, "command": command, **content}


def write_json(target: str, command: str, content: Mapping[str, Any]) -> None:
    """Write the document to a file, or to stdout for ``-``; what is not finite is null, and ``nonfinite`` says what it was."""
    clean, found = finite(content)
    if found:
        clean["nonfinite"] = {**clean.get("nonfinite", {}), **found}
    text = dump_json(envelope(command, clean))
    if target == "-":
        sys.stdout.write(text)
        return
    with OutputFile(target, "--json") as file:
        file.write(text.encode("ascii"))
