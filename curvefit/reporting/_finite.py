"""Numbers that JSON has no word for become null, and what they were is kept by JSON pointer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["finite"]


def finite(tree: Any) -> tuple[Any, dict[str, str]]:
    """The tree with every NaN and infinity replaced by None, and what they were by JSON pointer (RFC 6901)."""
    found: dict[str, str] = {}
    return _clean(tree, "", found), found


def _clean(node: Any, pointer: str, found: dict[str, str]) -> Any:
    if isinstance(node, Mapping):
        return {str(k): _clean(v, f"{pointer}/{_token(k)}", found) for k, v in node.items()}
    if isinstance(node, list | tuple):
        return [_clean(v, f"{pointer}/{i}", found) for i, v in enumerate(node)]
    if isinstance(node, np.generic):
        node = node.item()
    if isinstance(node, float):
        if math.isfinite(node):
            return float(node)
        found[pointer] = "NaN" if math.isnan(node) else "Infinity" if node > 0 else "-Infinity"
        return None
    return node


def _token(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
