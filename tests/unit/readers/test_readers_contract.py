"""Every reader keeps the contract of `curvefit.readers._base.Reader`; found through the registry."""

from __future__ import annotations

import importlib
import inspect

import pytest

import curvefit as cf
from curvefit.readers import Reader, registry
from curvefit.readers.read import read_all

NAMES = registry.names()
every_reader = pytest.mark.parametrize("name", NAMES)


def test_the_formats_of_this_package_are_there():
    assert {"csv_table", "json_lines", "json_table", "parquet", "trainer_state"} <= set(NAMES)
    assert "read" not in NAMES


@every_reader
def test_is_final_documented_and_named_after_its_file(name):
    reader = registry[name]
    kind = type(reader)
    assert isinstance(reader, Reader) and reader.name == name
    assert getattr(kind, "__final__", False) and not inspect.isabstract(kind)
    module = importlib.import_module(kind.__module__)
    assert registry.summary(name) == module.__doc__.strip().splitlines()[0]
    assert all(s == s.lower() for s in reader.suffixes)


@every_reader
def test_recognizes_its_example_better_than_the_others(name):
    example = registry[name].example()
    scores = {other: registry[other].sniff(example[:65536], "somewhere") for other in NAMES}
    assert all(0 <= v <= 1 for v in scores.values())
    assert max(scores, key=lambda k: scores[k]) == name, scores


@every_reader
def test_reads_its_example_and_accounts_for_it(name, log):
    reader = registry[name]
    path = log(reader.example(), "example" + (reader.suffixes[0] if reader.suffixes else ""))
    runs = cf.read(path)
    assert runs and all(len(run) for run in runs)
    for run in runs:
        p = run.provenance
        assert p.reader == name and p.path == str(path) and p.rows_in and p.points_in
        total = sum(len(c) + c.nonfinite_x.size for c in run.curves.values())
        assert total == p.points_kept
    assert [r.name for r in cf.read(path, format=name)] == [r.name for r in runs]
    for alias in reader.aliases:
        assert len(cf.read(path, format=alias)) == len(runs)


@every_reader
@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\n", b"a", b"{}", b"[]", b"PAR1", b"\xff" * 99, b"1,2\n3,4\n", b'{"a":1}']
)
def test_anything_else_is_a_run_or_an_error_of_this_package(name, content, log):
    assert 0 <= registry[name].sniff(content, "x") <= 1
    try:
        runs = cf.read(log(content, "thing"), format=name)
    except cf.CurvefitError:
        return
    assert all(isinstance(r, cf.Run) for r in runs)


def test_two_reads_of_the_same_bytes_are_equal(log):
    for name in NAMES:
        path = log(registry[name].example(), name)
        a, b = cf.read(path), cf.read(path)
        assert [(r.name, list(r), r.provenance) for r in a] == [(r.name, list(r), r.provenance) for r in b]
        assert all(x[k] == y[k] for x, y in zip(a, b, strict=True) for k in x)


@pytest.mark.parametrize(
    "wrong",
    [
        {"resume": "latest"},
        {"x_unit": "steps"},
        {"decimal": ";"},
        {"delimiter": "abc"},
        {"delimiter": "5"},
        {"max_bytes": 0},
        {"max_bytes": "1 GB"},
        {"metric": 3},
        {"x": 0},
        {"format": "xlsx"},
        {"keep_partial_tail": "yes"},
        {"on_error": "ignore"},
    ],
    ids=str,
)
def test_options_are_checked_before_anything_is_read(wrong, log):
    with pytest.raises(cf.curves.UsageError) as caught:
        cf.read(log(CSV), **wrong)
    assert caught.value.hint


# ------------------------------------------------------------------ folders

CSV = "step,loss\n1,3\n2,2\n3,1\n"


def test_a_folder_is_read_in_order_and_names_are_unique(log, tmp_path):
    for i in (10, 2, 1):
        log(CSV, f"lightning_logs/version_{i}/metrics.csv")
    log("nothing here\n", "README.md")
    log('{"model_type": "bert", "hidden_size": 8}', "config.json")
    log('{"added_tokens": [{"id": 0}, {"id": 1}], "sizes": [1, 2]}', "tokenizer.json")
    log(CSV, ".hidden.csv")
    result = read_all(tmp_path)
    assert [r.name for r in result.runs] == [f"lightning_logs/version_{i}/metrics" for i in (1, 2, 10)]
    assert not result.failures and len(result.skipped) == 4
    assert len(cf.read(tmp_path)) == 3


def test_one_bad_file_never_loses_the_rest(log, tmp_path):
    log(CSV, "a.csv")
    log("step,loss\n1,2,3\n2,3,4\n", "b.csv")
    log(CSV, "c.csv")
    result = read_all(tmp_path)
    assert [r.name for r in result.runs] == ["a", "c"]
    assert [f.error.code for f in result.failures] == ["CF-IO-007"]
    assert result.failures[0].path.endswith("b.csv")
    with pytest.raises(cf.CurvefitError, match="2 names"):
        cf.read(tmp_path)
    assert len(cf.read(tmp_path, on_error="collect")) == 2
    with pytest.raises(cf.curves.UsageError):
        cf.read(tmp_path, on_error="ignore")
    with pytest.raises(cf.curves.UsageError, match="metric"):
        read_all(tmp_path, metrik="loss")


def test_only_the_latest_checkpoint_of_a_run_is_read(log, tmp_path):
    def state(steps):
        rows = ",".join(f'{{"step": {s}, "loss": {100 - s}}}' for s in range(10, steps + 1, 10))
        return f'{{"global_step": {steps}, "max_steps": 90, "log_history": [{rows}]}}'

    for steps in (20, 100, 30):
        log(state(steps), f"run/checkpoint-{steps}/trainer_state.json")
        log(b"PK\x03\x04" + b"\0" * 26 + b"archive/data.pkl", f"run/checkpoint-{steps}/optimizer.pt")
    (run,) = cf.read(tmp_path)
    assert run["loss"].x[-1] == 100
    log(state(30), "run/trainer_state.json")  # older than the newest checkpoint
    assert cf.read(tmp_path)[0]["loss"].x[-1] == 100 and len(cf.read(tmp_path)) == 1
    log(state(120), "run/trainer_state.json")
    assert cf.read(tmp_path)[0]["loss"].x[-1] == 120 and len(cf.read(tmp_path)) == 1
    assert read_all(tmp_path).skipped.counts["older checkpoint of the same run"] == 3


def test_runs_of_one_file_in_a_folder_carry_its_name(log, tmp_path):
    log("run,step,loss\na,1,3\na,2,2\nb,1,3\nb,2,2\n", "sweep.csv")
    assert [r.name for r in cf.read(tmp_path)] == ["sweep:a", "sweep:b"]
    assert [r.name for r in cf.read(tmp_path / "sweep.csv")] == ["a", "b"]
