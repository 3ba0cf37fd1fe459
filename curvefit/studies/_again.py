"""The commands that make a report again, and the same in Python."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ..curves._checks import safe_text
from .config import BatchConfig

__all__ = ["batch_command", "report_call", "report_command"]

_MOST_EXAMPLES = 24  # that the command takes
_MOST_REPLICATES = 1_000_000
_OPTIONS = {
    "metrics": "metric",
    "horizons": "horizon",
    "tables": "only",
}  # of the command, where they have another name
_REPEATED = ("metrics", "horizons")
_READ = ("format", "x", "x_unit", "delimiter", "decimal", "encoding", "pattern")
_ASIDE = ("dataset", "read", "attributes", "converted")  # what the data are, not what is asked of them


def report_command(given: Mapping[str, Any]) -> str:
    """The ``curvefit report`` command of the options that differ from their defaults; empty where it takes one of them not."""
    if given.get("examples", 0) > _MOST_EXAMPLES or given.get("replicates", 0) > _MOST_REPLICATES:
        return ""
    words = ["curvefit", "report", "OUT", "-o", "DIR"]
    for name, value in given.items():
        if name == "html":
            words += [] if value else ["--no-html"]  # a page is written where it can be
        elif name == "at":
            words += ["--at", *(np.format_float_positional(x, trim="-") for x in _places(value))]
        else:
            words += _option(name, value)
    return _quoted(words)


def report_call(given: Mapping[str, Any]) -> str:
    """The same in Python."""
    told = [f"{name}={_places(value) if name == 'at' else _plain(value)!r}" for name, value in given.items()]
    words = ['"OUT"', '"DIR"', *told]
    return f"write_report({', '.join(words)})"


def batch_command(config: BatchConfig) -> str:
    """The ``curvefit batch`` command of the questions that differ from their defaults; empty where it cannot ask them."""
    if not set(config.read) <= set(_READ):
        return ""
    usual = BatchConfig(config.dataset)
    words = ["curvefit", "batch", "DATASET", "-o", "OUT"]
    for f in fields(config):
        value = getattr(config, f.name)
        if f.name in _ASIDE or value == getattr(usual, f.name):
            continue
        option = _OPTIONS.get(f.name, f.name)
        if f.name in _REPEATED:
            for one in value:
                words += _option(option, one)
        else:
            words += _option(option, (",".join(value) or "none") if isinstance(value, tuple) else value)
    for name, value in sorted(config.read.items()):
        words += _option(name, value)
    return _quoted(words)


def _option(name: str, value: Any) -> list[str]:
    """An option and its value, in one word where the value would be taken for an option."""
    option, text = f"--{name.replace('_', '-')}", str(_plain(value))
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


def _plain(value: Any) -> Any:
    """A number of NumPy as one of Python; text as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _places(at: Any) -> list[float]:
    return [float(x) for x in np.ravel(at)]


def _quoted(words: list[str]) -> str:
    return safe_text(shlex.join(words))
