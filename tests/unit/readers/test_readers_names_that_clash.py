"""Rows of one name that are several runs are never joined into one curve, whatever holds them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import LimitError
from curvefit.readers import _cells
from curvefit.readers._groups import Group, _tell_apart

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

VALUES = {"s": [3.0, 2.0, 1.0], "t": [6.0, 5.0, 4.0]}


def rows(column="source", x=(1, 2, 3, 1, 2, 3), label=("s", "t"), **more):
    table = {
        "run_id": ["a"] * 6,
        "metric": ["val_loss"] * 6,
        "x": [float(v) for v in x],
        "y": [*VALUES["s"], *VALUES["t"]],
        column: [label[0]] * 3 + [label[1]] * 3,
    }
    return {**table, **more}


def save(table, path):
    if path.suffix == ".parquet":
        pq.write_table(pa.table(table), path)
    elif path.suffix == ".jsonl":
        path.write_text(
            "".join(json.dumps(dict(zip(table, r, strict=True))) + "\n" for r in zip(*table.values(), strict=True))
        )
    else:
        lines = [",".join(table), *(",".join(map(str, r)) for r in zip(*table.values(), strict=True))]
        path.write_text("\n".join(lines) + "\n")
    return path


def curves_of(path):
    return {r.name: r["val_loss"].y.tolist() for r in cf.read(path)}


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("column", ["source", "dataset", "method", "model", "group"])
@pytest.mark.parametrize("x", [(1, 2, 3, 1, 2, 3), (1, 2, 3, 4, 5, 6), (1, 3, 5, 2, 4, 6)])
def test_one_name_in_two_sources_is_two_runs(tmp_path, suffix, column, x):
    path = save(rows(column, x), tmp_path / f"runs{suffix}")
    found = cf.read(path)
    assert sorted(r["val_loss"].y.tolist() for r in found) == [[3, 2, 1], [6, 5, 4]]
    assert [r.attributes[column] for r in found] == ["s", "t"]
    assert any(repr(column) in note for note in found[0].provenance.notes)


def test_the_source_stands_before_names_that_clash_and_only_before_these(tmp_path):
    table = rows(x=(1, 2, 3, 1, 2, 3))
    for name, values in {"run_id": ["b"] * 3, "metric": ["val_loss"] * 3, "x": [1, 2, 3], "y": [9, 8, 7]}.items():
        table[name] = [*table[name], *values]
    table["source"] = [*table["source"], "t", "t", "t"]
    found = curves_of(save(table, tmp_path / "runs.parquet"))
    assert found == {"s/a": [3, 2, 1], "t/a": [6, 5, 4], "b": [9, 8, 7]}


def test_metrics_of_one_run_from_two_sources_do_not_become_one_run(tmp_path):
    found = cf.read(save(rows(metric=["accuracy"] * 3 + ["val_loss"] * 3), tmp_path / "runs.parquet"))
    assert {r.name: list(r) for r in found} == {"s/a": ["accuracy"], "t/a": ["val_loss"]}


def test_the_canonical_form_is_no_exception(tmp_path):
    path = save(rows(segment=pa.array([0] * 6, pa.int32()), x_unit=["step"] * 6), tmp_path / "runs.parquet")
    assert curves_of(path) == {"s/a": [3, 2, 1], "t/a": [6, 5, 4]}


@pytest.mark.parametrize("values", [(16, 32), ("small", "large")])
def test_a_column_of_any_name_tells_runs_apart_when_x_starts_over_in_it(tmp_path, values):
    found = cf.read(save(rows("hidden", label=values), tmp_path / "runs.parquet"))
    assert sorted(r["val_loss"].y.tolist() for r in found) == [[3, 2, 1], [6, 5, 4]]


def test_what_changes_along_one_curve_splits_nothing(tmp_path):
    path = save(rows("remark", x=(1, 2, 3, 4, 5, 6)), tmp_path / "runs.parquet")
    assert curves_of(path) == {"a": [3, 2, 1, 6, 5, 4]}
    path = save(rows("session", x=(1, 2, 3, 3, 4, 5)), tmp_path / "resumed.parquet")
    assert len(cf.read(path)) == 1  # a resumed run stays one run
    each = rows("model", x=(1, 2, 3, 4, 5, 6), model=[f"checkpoint-{i}" for i in range(6)])
    assert curves_of(save(each, tmp_path / "evaluated.parquet")) == {"a": [3, 2, 1, 6, 5, 4]}


def test_missing_cells_are_no_second_value(tmp_path):
    path = save(rows(source=["s", None, "s", None, "s", "s"], x=(1, 2, 3, 4, 5, 6)), tmp_path / "runs.parquet")
    found = cf.read(path)
    assert [(r.name, r.attributes["source"]) for r in found] == [("a", "s")]


def test_rows_of_a_wide_table_are_told_apart_too(tmp_path):
    table = {"run_id": ["a"] * 6, "source": ["s"] * 3 + ["t"] * 3, "step": range(6), "val_loss": range(6)}
    found = cf.read(save(table, tmp_path / "runs.csv"))
    assert [r["val_loss"].y.tolist() for r in found] == [[0, 1, 2], [3, 4, 5]]


def test_long_names_that_begin_alike_stay_different(tmp_path):
    names = ["n" * 300 + "1", "n" * 300 + "2"]
    found = cf.read(save({**rows(), "run_id": [names[0]] * 3 + [names[1]] * 3}, tmp_path / "runs.csv"))
    assert sorted(r["val_loss"].y.tolist() for r in found) == [[3, 2, 1], [6, 5, 4]]
    assert len({r.name for r in found}) == 2 and max(len(r.name) for r in found) <= 200


def test_more_names_than_are_held_is_an_error_and_no_mixture(tmp_path, monkeypatch):
    monkeypatch.setattr(_cells, "MAX_TEXTS", 4)
    n = 20
    table = {
        "run_id": np.repeat([f"r{i}" for i in range(n)], 3).tolist(),
        "step": [1, 2, 3] * n,
        "val_loss": np.linspace(3, 1, 3 * n).tolist(),
    }
    with pytest.raises(LimitError, match="different names"):
        cf.read(save(table, tmp_path / "runs.csv"))


def test_a_label_of_minus_one_is_not_a_missing_label(log):
    rows = "".join(f"{i},{fold},{1 / i:.4f}\n" for fold in ("-1", "", "-2") for i in range(1, 9))
    runs = cf.read(log("step,fold,loss\n" + rows, "a.csv"))
    assert [(r.name, dict(r.attributes)) for r in runs] == [
        ("fold=-1", {"fold": -1}),
        ("a", {}),
        ("fold=-2", {"fold": -2}),
    ]


def test_no_number_makes_a_name_that_another_run_has():
    groups = [Group(name, []) for name in ("a", "a (2)", "a", "b", "a", "a (2)")]
    _tell_apart(groups)
    assert [g.name for g in groups] == ["a", "a (2)", "a (3)", "b", "a (4)", "a (2) (2)"]
