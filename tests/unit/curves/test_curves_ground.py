"""The ground under the vocabulary: errors, checks, optional packages, registries, intervals, statuses."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import curvefit as cf
from curvefit.curves import (
    CurvefitError,
    DataError,
    DependencyError,
    LimitError,
    ReadError,
    Status,
    UsageError,
)
from curvefit.curves._checks import check_level, safe_text
from curvefit.curves._optional import available, optional
from curvefit.curves._registry import Registry
from curvefit.curves.errors import unknown_name


def test_errors_say_code_place_what_and_hint():
    error = ReadError("3 fields, the header has 2", code="CF-IO-007", where="a.csv:12", hint="complete the header")
    assert str(error) == "CF-IO-007: a.csv:12: 3 fields, the header has 2 Hint: complete the header"
    assert str(DataError("bad")) == "CF-DATA-001: bad"


def test_errors_are_also_what_python_expects():
    assert issubclass(UsageError, ValueError) and issubclass(DataError, ValueError)
    assert issubclass(LimitError, ReadError) and issubclass(DependencyError, ImportError)
    codes = [k.code for k in (CurvefitError, UsageError, DataError, ReadError, LimitError, DependencyError)]
    assert len(set(codes)) == len(codes)


def test_unknown_names_list_the_choices_and_the_closest():
    error = unknown_name("model", "powerlaw", ["power_law", "exponential"], where="here")
    assert "Did you mean 'power_law'?" in error.what and "exponential, power_law" in error.hint
    assert "Did you mean" not in unknown_name("model", "zzz", ["power_law"]).what
    assert unknown_name("model", "x", []).hint == "choices: none"
    assert unknown_name("m", "x", map(str, range(99))).hint.endswith("...")


@pytest.mark.parametrize("level", [0.5, 0.95, np.float64(0.8)])
def test_levels(level):
    assert check_level(level) == level


@pytest.mark.parametrize(
    ("level", "says"), [(95, "0.95"), (0, "0.95"), (1, "between"), (True, "between"), ("x", "between")]
)
def test_wrong_levels_say_what_was_meant(level, says):
    with pytest.raises(UsageError) as caught:
        check_level(level)
    assert says in caught.value.hint


@given(st.text())
def test_safe_text_is_harmless_and_keeps_harmless_text(text):
    safe = safe_text(text)
    assert safe.encode("utf-8").decode("utf-8") == safe
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in safe)
    assert safe_text("Übung № 5 😀") == "Übung № 5 😀"


@pytest.mark.parametrize("char", ["\x1b", "\n", "\0", "\x9b", "\u202e", "\u2066", "\ud800", "\u2028"])
def test_safe_text_escapes_control_bidi_and_surrogates(char):
    assert char not in safe_text(f"a{char}b") and "\\" in safe_text(char)


def test_optional_packages():
    assert available("json") and not available("no_such_package") and not available("no.such.package")
    assert optional("json", extra="x", feature="f").dumps(1) == "1"
    with pytest.raises(DependencyError, match=r"reading Parquet needs the package 'no_such'") as caught:
        optional("no_such.part", extra="parquet", feature="reading Parquet")
    assert "curvefit[parquet]" in caught.value.hint


def test_an_optional_package_that_fails_inside_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import something_it_needs\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="something_it_needs"):
        optional("half_there", extra="x", feature="f")


@pytest.fixture
def ways(tmp_path, monkeypatch):
    """A folder of ways, made on the spot."""
    folder = tmp_path / "toy_ways"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "one_way.py").write_text('"""The first way.\n\nMore."""\n\ndef one_way():\n    return 1\n')
    (folder / "other_way.py").write_text('"""The other."""\n\nclass OtherWay:\n    value = 2\n')
    (folder / "_base.py").write_text("raise RuntimeError('never imported')\n")
    (folder / "api.py").write_text("raise RuntimeError('never imported')\n")
    (folder / "verb.py").write_text("raise RuntimeError('never imported')\n")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Registry("toy_ways", [str(folder)], what="way", beside=("verb",))
    for name in [n for n in sys.modules if n.startswith("toy_ways")]:
        del sys.modules[name]


def test_a_registry_finds_files_without_importing_them(ways):
    assert ways.names() == ["one_way", "other_way"] == list(ways)
    assert "one_way" in ways and "verb" not in ways and "api" not in ways
    assert not any(n.startswith("toy_ways.") for n in sys.modules)
    assert ways.summary("one_way") == "The first way."
    assert not any(n.startswith("toy_ways.") for n in sys.modules)


def test_a_registry_gives_functions_and_instances(ways):
    assert ways["one_way"]() == 1 and ways["other_way"].value == 2
    assert ways["other_way"] is ways["other_way"]
    for ask in (lambda: ways["on_way"], lambda: ways.summary("on_way")):
        with pytest.raises(UsageError, match="Did you mean 'one_way'"):
            ask()


def test_intervals():
    interval = cf.Interval(1, 3, 0.9, "prediction", "delta")
    assert interval.width == 2 and interval.closed and 2 in interval and 4 not in interval
    assert not cf.Interval(1, np.inf).closed and 1e9 in cf.Interval(1, np.inf)
    for low, high in ((2, 1), (np.nan, 1), (1, np.nan)):
        with pytest.raises(DataError):
            cf.Interval(low, high)
    with pytest.raises(UsageError):
        cf.Interval(0, 1, level=95)


def test_estimates_hold_finite_numbers_or_none():
    estimate = cf.Estimate("asymptote", None, status=Status.NOT_IDENTIFIED, details={"horizon": 3.0})
    assert estimate.details["horizon"] == 3
    with pytest.raises(TypeError):
        estimate.details["x"] = 1.0
    for value in (np.nan, np.inf):
        with pytest.raises(DataError, match="non-finite"):
            cf.Estimate("asymptote", value)
    assert cf.Estimate("a", 1.0).status is Status.OK


def test_predictions_are_read_only():
    p = cf.Prediction(np.arange(3.0), np.ones(3), np.zeros(3), np.full(3, 2.0), "confidence")
    for name in ("x", "mean", "low", "high"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(p, name)[0] = 1


def test_statuses_carry_their_message():
    assert Status.OK.usable and Status.DEGRADED.usable and not Status.NOT_IDENTIFIED.usable
    assert Status.TOO_FEW_POINTS.code == "too_few_points"
    assert all(s.value and s.value == s.value.strip() for s in Status)
    assert pickle.loads(pickle.dumps(Status.OK)) is Status.OK


def test_a_logged_schedule_and_its_drops():
    x = np.arange(100.0)
    rate = np.where(x < 30, 0.1, np.where(x < 60, 0.01, 0.001))
    schedule = cf.Schedule(x, rate)
    assert schedule.peak == 0.1 and len(schedule) == 100
    assert [(c.before_x, c.x, round(c.ratio, 3)) for c in schedule.changes()] == [(29, 30, 0.1), (59, 60, 0.1)]
    np.testing.assert_allclose(schedule.at([0, 29.5, 200]), [0.1, 0.055, 0.001])
    cosine = cf.Schedule(x, 0.05 * (1 + np.cos(np.pi * x / 99)))
    assert cosine.changes() == () and cf.Schedule(x, np.full(100, 0.1)).changes() == ()
    repeated = cf.Schedule([1, 1, 2], [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(repeated.rate, [0.2, 0.3])
    with pytest.raises(DataError, match="negative"):
        cf.Schedule([1, 2], [0.1, -0.1])
    with pytest.raises(DataError, match="empty"):
        cf.Schedule([], []).at(1)
