"""Forecasts of real curves keep the accuracy they were accepted with; scored by a program that is not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.shared
OURS, NAIVE = "benchmarks.accuracy.entry:forecast", "last_value"


@pytest.fixture(scope="module")
def scores(shared, root, tmp_path_factory):
    """Macro scores at the last point of each curve, over all cutoffs: ours and the last value's on the same tasks."""
    out = tmp_path_factory.mktemp("score") / "score.json"
    env = {**os.environ, "PYTHONPATH": str(root)}
    script = str(shared / "curves" / "score.py")
    subprocess.run(
        [sys.executable, script, OURS, NAIVE, "--limit", "150", "--json", str(out)],
        cwd=root,
        env=env,
        check=True,
        capture_output=True,
    )
    tree = json.loads(out.read_text())
    return {name: tree[name]["macro"]["last"]["all"] for name in (OURS, NAIVE)}


def test_it_is_the_whole_task(scores):
    assert scores[OURS]["sources"] == 18
    assert scores[OURS]["n"] == scores[NAIVE]["n"] > 5000


def test_errors_against_the_last_value(scores):
    """The gate has been trained on these curves: a bound on changes, not a claim (crossfit makes those)."""
    assert scores[OURS]["crpsR"] <= 0.40
    assert scores[OURS]["medR"] <= 0.37


def test_intervals_cover(scores):
    assert 0.77 <= scores[OURS]["c80"] <= 0.87


def test_nothing_fails_crosses_or_explodes(scores):
    assert scores[OURS]["fail"] == scores[OURS]["cross"] == 0
    assert scores[OURS]["big"] <= scores[NAIVE]["big"]


def test_the_score_tells_a_worse_forecaster(scores):
    """Negative control: the last value itself is beaten, so a gate it passed would be no gate."""
    assert scores[NAIVE]["crpsR"] > 0.40
