"""The pages run what they show, so that building them needs what the optional features need."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_docs_extra_holds_what_executed_snippets_need():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = config["project"]["optional-dependencies"]
    assert {*extras["cli"], *extras["parquet"], *extras["report"]} <= set(extras["docs"])
