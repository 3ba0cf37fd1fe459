"""``curvefit convert``: what was read from any format is in the Parquet file, and nothing is written when nothing was read."""

from __future__ import annotations

import json

import numpy as np
import pytest

import curvefit as cf
from curvefit.__main__ import main
from curvefit.readers import registry

pytest.importorskip("pyarrow")


def run(*arguments) -> int:
    return main([str(a) for a in arguments])


def test_runs_of_every_format_end_up_in_one_file(tmp_path, capsys):
    source = tmp_path / "logs"
    for name in registry.names():
        folder = source / name
        folder.mkdir(parents=True)
        (folder / f"log{registry[name].suffixes[0]}").write_bytes(registry[name].example())
    out, summary = tmp_path / "all.parquet", tmp_path / "all.json"
    assert run("convert", source, "-o", out, "--json", summary) == 0
    before = {r.name: r for r in cf.read(source)}
    after = {r.name: r for r in cf.read(out)}
    assert set(after) == set(before) and len(after) >= len(registry.names())
    for name, one in before.items():
        assert set(one) <= set(after[name])
        for metric in one:
            a, b = one[metric], after[name][metric]
            assert np.array_equal(a.x, b.x) and np.array_equal(a.y, b.y) and a.metric == b.metric
            assert np.array_equal(a.nonfinite_x, b.nonfinite_x)
        assert after[name].horizon == one.horizon
    document = json.loads(summary.read_text())
    assert document["schema_version"] == 1 and {r["run"] for r in document["runs"]} == set(before)
    assert f"{len(before)} runs" in capsys.readouterr().err


def test_what_cannot_be_read_is_named_and_the_rest_is_written(folder, tmp_path, capsys):
    out = tmp_path / "all.parquet"
    assert run("convert", folder, "-o", out) == 3
    assert sorted(r.name for r in cf.read(out)) == ["a", "b"]
    assert "empty.csv" in capsys.readouterr().err


def test_nothing_is_written_when_nothing_was_read(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("step,loss\n")
    assert run("convert", bad, "-o", tmp_path / "all.parquet") == 4
    assert [p.name for p in tmp_path.iterdir()] == ["bad.csv"]


@pytest.mark.parametrize("output", ["all.csv", "no/such/folder/all.parquet"])
def test_a_place_that_will_not_do_is_known_at_once(log, tmp_path, output, capsys):
    assert run("convert", log, "-o", tmp_path / output) == 2
    assert "--output" in capsys.readouterr().err


def test_two_runs_of_one_name_are_both_kept(log, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "run.csv").write_bytes(log.read_bytes())
    out = tmp_path / "all.parquet"
    assert run("convert", log, other / "run.csv", log, "-o", out, "--quiet") == 0
    assert len(cf.read(out)) == 3
