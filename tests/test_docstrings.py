"""Examples in docstrings do what they show."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import curvefit

PACKAGE = Path(curvefit.__file__).parent
WITH_EXAMPLES = sorted(f for f in PACKAGE.rglob("*.py") if ">>> " in f.read_text(encoding="utf-8"))


def name(file: Path) -> str:
    parts = ("curvefit", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_there_are_examples():
    assert len(WITH_EXAMPLES) > 5


@pytest.mark.parametrize("module", [name(f) for f in WITH_EXAMPLES])
def test_examples_hold(module):
    result = doctest.testmod(import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0
