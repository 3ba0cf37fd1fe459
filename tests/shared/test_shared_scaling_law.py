"""The scaling law of the Chinchilla paper's points is the published replication's, in the time promised."""

from __future__ import annotations

import time

import numpy as np
import pytest

import curvefit as cf

pytestmark = pytest.mark.shared
PUBLISHED = {"E": (1.8172, 0.03), "alpha": (0.3478, 0.02), "beta": (0.3658, 0.02)}


@pytest.fixture(scope="module")
def everything(shared):
    import pyarrow.parquet as pq

    file = shared / "curves" / "scaling_dev.parquet"
    table = pq.read_table(file, columns=["source", "N", "D", "L"], filters=[("source", "==", "chinchilla")])
    return {k: table[k].to_numpy() for k in ("N", "D", "L")}


@pytest.fixture(scope="module")
def points(everything):
    keep = everything["L"] < np.sort(everything["L"])[-5]
    return {k: v[keep] for k, v in everything.items()}


def test_estimates_are_within_a_standard_error_and_intervals_as_wide_as_published(points):
    assert points["L"].size == 240
    cf.scaling_law(points, replicates=5, check=False)
    start = time.process_time()
    fit = cf.scaling_law(points, check=False)
    assert time.process_time() - start < 2.0  # 0.7 s on a quiet machine; the promise of 1 s is the benchmark's
    for name, (value, stderr) in PUBLISHED.items():
        assert abs(fit.parameters[name].value - value) < stderr
        assert 0.6 < fit.stderr[name] / stderr < 1.5


def test_all_245_points_give_another_law(everything):
    """Negative control: the five largest losses matter, so the comparison above is of like with like."""
    assert everything["L"].size == 245
    fit = cf.scaling_law(everything, replicates=0, check=False)
    assert abs(fit.parameters["beta"].value - PUBLISHED["beta"][0]) > PUBLISHED["beta"][1]


def test_tokens_per_parameter_are_the_replications(points):
    ratio = cf.scaling_law(points, replicates=0, check=False).optimal(5.76e23).ratio.value
    assert 15 < ratio < 22  # the replication says about 20
