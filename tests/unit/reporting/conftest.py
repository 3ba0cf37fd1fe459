"""The reports that the tests of this room look at."""

from __future__ import annotations

import pytest
import report_builders


@pytest.fixture
def build():
    """The builder itself."""
    return report_builders.make_report


@pytest.fixture(scope="session")
def report():
    """A healthy validation loss with provenance, one spike and a note."""
    return report_builders.healthy_report()


@pytest.fixture(scope="session")
def stated_report():
    """A report whose every number is stated."""
    return report_builders.stated_report()
