"""Every table is the same from one process, from two and from Dask."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import curvefit as cf
from curvefit.studies.schema import TABLES

sys.path.insert(0, str(Path(__file__).parent))
from studies_helpers import files, runs

pytestmark = pytest.mark.slow  # `test_studies_engines.py` has the quick look

WHOLE = {"models": ["power_law"], "horizons": ["2x", 200.0], "target": 1.2}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("same") / "store"
    cf.write_store(runs(5, points=40), folder, runs_per_group=2)
    return folder


@pytest.fixture(scope="module")
def serial(store, tmp_path_factory):
    out = tmp_path_factory.mktemp("serial") / "out"
    cf.batch(store, out, **WHOLE)
    return out


def different(out: Path, reference: Path) -> list[str]:
    """Columns whose rows differ by more than 1e-10, and files whose bytes differ."""
    found, expected = cf.load_batch(out), cf.load_batch(reference)
    wrong = []
    for name in TABLES:
        here, there = found.arrow(name), expected.arrow(name)
        if here.column_names != there.column_names or not here.num_rows == there.num_rows > 0:
            wrong.append(name)
            continue
        for column in here.column_names:
            a, b = here[column].to_pylist(), there[column].to_pylist()
            if any(isinstance(v, float) for v in b):
                a, b = (np.array(v, float) for v in (a, b))  # None becomes nan
                alike = np.allclose(a, b, rtol=1e-10, atol=0, equal_nan=True)
            else:
                alike = a == b
            wrong += [] if alike else [f"{name}.{column}"]
    here, there = files(out), files(reference)
    return wrong + sorted(str(k) for k in here.keys() | there.keys() if here.get(k) != there.get(k))


def test_two_processes_give_every_row_of_one(store, serial, tmp_path):
    cf.batch(store, tmp_path / "out", engine="processes", workers=2, **WHOLE)
    assert different(tmp_path / "out", serial) == []


@pytest.mark.filterwarnings("default")
def test_dask_gives_every_row_of_one_process(store, serial, tmp_path):
    cf.batch(store, tmp_path / "out", engine="dask", workers=2, **WHOLE)
    assert different(tmp_path / "out", serial) == []


def test_another_question_makes_other_rows(store, serial, tmp_path):
    """The control: what the comparison is there to see."""
    cf.batch(store, tmp_path / "out", **{**WHOLE, "target": 1.1})
    assert any(wrong.startswith("estimates") for wrong in different(tmp_path / "out", serial))


def test_rows_do_not_depend_on_how_runs_are_cut_into_units(store, serial, tmp_path):
    """Curves are solved side by side within a unit: alone they say the same, to rounding."""
    cf.write_store(runs(5, points=40), tmp_path / "store", runs_per_group=9)
    whole = cf.batch(tmp_path / "store", tmp_path / "out", **WHOLE)
    for name in ("forecasts", "estimates", "diagnoses"):
        here, there = whole.arrow(name), cf.load_batch(serial).arrow(name)
        for column in ("value", "median", "low", "high", "p_value"):
            if column in here.column_names:
                a, b = (np.array(t[column].to_pylist(), float) for t in (here, there))
                assert np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True), (name, column)
