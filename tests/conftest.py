"""What every test shares: a headless drawing backend, repeatable Hypothesis, and an option that forbids skips."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"
os.environ["COLUMNS"] = "80"  # lines are wrapped by the width of the terminal, which is not the tests'
os.environ.pop("NO_COLOR", None)
os.environ.pop("FORCE_COLOR", None)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser):
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="a skipped test is a failure: for runs in which everything a test needs must be there",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if item.config.getoption("--no-skips") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped and --no-skips forbids that: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    if collector.config.getoption("--no-skips") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped and --no-skips forbids that: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared(root) -> Path:
    """The folder of development curves beside the checkout; only tests marked ``shared`` may ask for it."""
    folder = Path(os.environ.get("SHARED", root.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}; set SHARED")
    return folder
