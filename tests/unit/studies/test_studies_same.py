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


def same(out: Path, reference: Path) -> None:
    """Bytes are equal; and, so that a difference would be shown, rows to 1e-10."""
    found, expected = cf.load_batch(out), cf.load_batch(reference)
    for name in TABLES:
        here, there = found.arrow(name), expected.arrow(name)
        assert here.column_names == there.column_names and here.num_rows == there.num_rows > 0
        for column in here.column_names:
            a, b = here[column].to_pylist(), there[column].to_pylist()
            if any(isinstance(v, float) for v in b):
                assert [v is None for v in a] == [v is None for v in b]
                assert np.allclose([v for v in a if v is not None], [v for v in b if v is not None], rtol=1e-10, atol=0)
            else:
                assert a == b, (name, column)
    assert files(out) == files(reference)


def test_two_processes_give_every_row_of_one(store, serial, tmp_path):
    cf.batch(store, tmp_path / "out", engine="processes", workers=2, **WHOLE)
    same(tmp_path / "out", serial)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_gives_every_row_of_one_process(store, serial, tmp_path):
    cf.batch(store, tmp_path / "out", engine="dask", workers=2, **WHOLE)
    same(tmp_path / "out", serial)


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
