"""The option that forbids skips does what the checks rely on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SKIPS = {
    "mark": "import pytest\n@pytest.mark.skip\ndef test_a(): pass\n",
    "call": "import pytest\ndef test_a(): pytest.skip('no data')\n",
    "fixture": "import pytest\n@pytest.fixture\ndef data(): pytest.skip('no data')\ndef test_a(data): pass\n",
    "module": "import pytest\npytest.skip('no data', allow_module_level=True)\n",
    "import": "import pytest\npytest.importorskip('no_such_module')\n",
}
PASSES = "import pytest\ndef test_a(): pass\n@pytest.mark.xfail\ndef test_b(): assert False\n"


def outcome(folder, text, *options):
    shutil.copy(HERE / "conftest.py", folder)
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", SKIPS)
def test_a_skip_is_a_failure(kind, tmp_path):
    done = outcome(tmp_path, SKIPS[kind], "--no-skips")
    assert done.returncode in (1, 2), done.stdout
    assert "forbids" in done.stdout


def test_without_the_option_a_skip_is_a_skip(tmp_path):
    assert "1 skipped" in outcome(tmp_path, SKIPS["call"]).stdout


def test_what_passes_or_is_expected_to_fail_still_passes(tmp_path):
    assert outcome(tmp_path, PASSES, "--no-skips").returncode == 0
