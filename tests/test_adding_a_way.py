"""Adding a file adds a way: it is listed, tested by the contracts and documented, and no other file is touched.

The files come from the page that explains how to add one, so that the page is tested as well.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "how-to" / "add-a-way.md"
BLOCK = re.compile(r"^```python\n# (curvefit/\S+\.py)\n(.*?)^```", re.M | re.S)
WAYS = {
    "curvefit/models/": "models",
    "curvefit/readers/": "readers",
    "curvefit/diagnostics/rules/": "diagnostics.rules",
}


def toys():
    """Path and text of every file the page tells one to write."""
    return dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A checkout in which only new files were added."""
    folder = tmp_path_factory.mktemp("checkout")
    nothing = shutil.ignore_patterns("__pycache__", "_build", "generated", "gallery")
    for name in ("curvefit", "docs", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=nothing)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for path, text in toys().items():
        assert not (folder / path).exists()
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def python(copy, *arguments):
    env = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=copy, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names():
    return [(WAYS[path.rsplit("/", 1)[0] + "/"], Path(path).stem) for path in toys()]


def test_the_page_shows_a_model_a_reader_and_a_diagnostic():
    assert sorted(folder for folder, _ in names()) == ["diagnostics.rules", "models", "readers"]


def test_they_are_listed(copy):
    ways = json.loads(python(copy, "-m", "curvefit", "list", "--json", "-"))["ways"]
    for folder, name in names():
        assert ways[folder][name].endswith(".")


def test_they_are_choices_of_the_command_line(copy):
    for folder, name in names():
        if folder == "models":
            assert name in python(copy, "-m", "curvefit", "list", "models")


def test_they_are_documented(copy, tmp_path):
    python(copy, "docs/_ext/ways.py", str(tmp_path))
    for folder, name in names():
        assert f"curvefit.{folder}.{name}" in (tmp_path / folder / f"{name}.rst").read_text(encoding="utf-8")
        assert name in (tmp_path / f"{folder}.rst").read_text(encoding="utf-8")


def test_they_pass_the_contract_tests(copy):
    chosen = " or ".join(name for _, name in names())
    out = python(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA", "tests/contract", "-k", chosen)
    for _, name in names():
        assert re.search(rf"^PASSED \S*{name}", out, re.M), f"no contract test collected {name}"


def test_nothing_else_changed(copy):
    """Every file of the package is in the copy as it is here."""
    for file in (ROOT / "curvefit").rglob("*.py"):
        assert (copy / file.relative_to(ROOT)).read_bytes() == file.read_bytes()


def test_an_installed_package_adds_a_way_by_an_entry_point(tmp_path):
    """Outside packages are found by the metadata that an installer writes."""
    info = tmp_path / "outside-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[curvefit.models]\nreciprocal = outside:Reciprocal\n")
    text = toys()["curvefit/models/reciprocal.py"].replace("from ._base", "from curvefit.models._base")
    (tmp_path / "outside.py").write_text(text)
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1"}
    code = "from curvefit.models import registry as r; print('reciprocal' in r, r['reciprocal'].example()['tau'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "5.0"]
