"""Every rule of the package is explained and pictured; a rule that is not part of it brings its own pages."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from curvefit.diagnostics.rules import registry

NAMES = registry.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_has_its_section_and_its_picture(name):
    docs = Path(__file__).resolve().parents[3] / "docs"
    text = (docs / "explanation" / "diagnoses.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
    for part in ("**What it means.**", "**How it is found.**", "**When it is wrong.**"):
        assert part in section
    severity = importlib.import_module(f"curvefit.diagnostics.rules.{name}").SEVERITY
    assert f"*{severity}*" in section
    assert (docs / "_static" / "diagnoses" / f"{name}.png").is_file()
