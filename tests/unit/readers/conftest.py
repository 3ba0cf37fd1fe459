"""What tests of readers share."""

from __future__ import annotations

import pytest

import curvefit as cf


@pytest.fixture
def log(tmp_path):
    """Write a file and return its path."""

    def write(content: str | bytes, name: str = "log.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def refuse(log):
    """Read a file that must be refused, and return the error after checking that it is helpful."""

    def check(content: str | bytes, name: str = "log.csv", **options) -> cf.CurvefitError:
        path = log(content, name)
        with pytest.raises(cf.CurvefitError) as caught:
            cf.read(path, **options)
        error = caught.value
        assert error.what and error.code.startswith("CF-")
        assert str(path) in error.where, "an error names its file"
        return error

    return check
