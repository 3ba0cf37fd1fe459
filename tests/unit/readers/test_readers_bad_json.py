"""JSON documents, JSON Lines and trainer states as they should not be."""

from __future__ import annotations

import json

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import LimitError


def lines(*records) -> str:
    return "".join(json.dumps(r) + "\n" for r in records)


def test_J01_nan_and_infinity_literals(log):
    path = log(
        '{"step":1,"loss":2}\n{"step":2,"loss":NaN}\n{"step":3,"loss":-Infinity}\n{"step":4,"loss":1}\n', "a.jsonl"
    )
    (run,) = cf.read(path)
    np.testing.assert_array_equal(run["loss"].y, [2, 1])
    np.testing.assert_array_equal(run["loss"].nonfinite_y, [np.nan, -np.inf])
    (run,) = cf.read(log('{"loss": [2, NaN, Infinity, 1]}', "a.json"))
    np.testing.assert_array_equal(run["loss"].nonfinite_y, [np.nan, np.inf])


@pytest.mark.parametrize("number", ["1e400", "-1e999", "1" * 350])
def test_J02_numbers_beyond_float64(log, number):
    (run,) = cf.read(log(f'{{"step":1,"loss":2}}\n{{"step":2,"loss":{number}}}\n{{"step":3,"loss":1}}\n', "a.jsonl"))
    assert run["loss"].nonfinite_x.size == 0, "an overflow is no infinity that was logged"
    assert run.provenance.points_dropped == {"too large for a float": 1}
    (run,) = cf.read(log(f"step,loss\n1,2\n2,{number}\n3,1\n"))
    assert run.provenance.points_dropped == {"too large for a float": 1}


def test_J03_duplicate_keys(log):
    (run,) = cf.read(log('{"step":1,"loss":2,"loss":3}\n{"step":2,"loss":1}\n', "a.jsonl"))
    np.testing.assert_array_equal(run["loss"].y, [3, 1])
    assert any("'loss'" in n and "last value counts" in n for n in run.provenance.notes)


@pytest.mark.parametrize("name", ["deep.json", "deep.jsonl"])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_J04_deep_nesting(refuse, name, opening, closing):
    n = 100_000
    error = refuse('{"step": 1, "loss": ' + opening * n + "1" + closing * n + "}\n", name)
    assert isinstance(error, LimitError) and "deep" in error.what
    assert refuse(opening * n, name, format="json").code in ("CF-IO-LIMIT", "CF-IO-014")


def test_J04_brackets_inside_strings_are_not_nesting(log):
    text = '{"step": 1, "loss": 2, "note": "' + "[{" * 500 + '\\"[["}\n{"step": 2, "loss": 1}\n'
    (run,) = cf.read(log(text, "a.jsonl"))
    assert len(run["loss"]) == 2


def test_J05_an_integer_of_5000_digits(refuse):
    error = refuse('{"step":1,"loss":2}\n{"step":2,"loss":' + "7" * 5000 + "}\n", "a.jsonl")
    assert isinstance(error, LimitError) and error.where.endswith(":2")
    error = refuse('{"loss": [1,\n2,\n' + "7" * 5000 + "]}", "a.json")
    assert isinstance(error, LimitError) and error.where.endswith(":3")


def test_J05_digits_inside_a_string_are_text(log):
    (run,) = cf.read(log('{"step":1,"loss":2,"id":"' + "7" * 5000 + '"}\n{"step":2,"loss":1}\n', "a.jsonl"))
    assert len(run["loss"]) == 2


def test_J06_a_broken_line(log):
    text = '{"step":1,"loss":3}\n{"step":2,"lo\n{"step":3,"loss":2}\n{"step":4,"loss":1}\n{"step":5,"los'
    (run,) = cf.read(log(text, "a.jsonl"))
    np.testing.assert_array_equal(run["loss"].x, [1, 3, 4])
    assert run.provenance.rows_dropped == {"broken JSON": 1, "unterminated last line": 1}
    assert run.provenance.rows_in == 5


def test_J06_a_last_line_that_is_whole_but_lacks_its_end_is_kept(log):
    (run,) = cf.read(log('{"step":1,"loss":3}\n{"step":2,"loss":2}', "a.jsonl"))
    assert len(run["loss"]) == 2 and not run.provenance.rows_dropped


def test_J07_two_objects_on_a_line_and_objects_over_lines(log):
    (run,) = cf.read(log('{"step":1,"loss":3}{"step":2,"loss":2}\n{"step":3,"loss":1}\n', "a.jsonl"))
    np.testing.assert_array_equal(run["loss"].x, [1, 2, 3])
    assert any("more than one object" in n for n in run.provenance.notes)
    pretty = "\n".join(json.dumps({"step": i, "loss": 3 - i, "val": {"loss": i}}, indent=2) for i in range(3))
    (run,) = cf.read(log(pretty + "\n", "a.jsonl"))
    np.testing.assert_array_equal(run["val.loss"].y, [0, 1, 2])
    assert any("spread over several lines" in n for n in run.provenance.notes)


def test_J08_lone_surrogates_in_names(log):
    (run,) = cf.read(log('{"step":1,"\\ud800loss":3}\n{"step":2,"\\ud800loss":2}\n', "a.jsonl"))
    (name,) = run
    assert name.encode("utf-8") and "\\ud800" in name


def history(*rows, **state) -> str:
    return json.dumps({"log_history": list(rows), **state})


def test_J09_train_and_eval_rows_and_the_summary(log):
    text = history(
        {"step": 10, "epoch": 1, "loss": 3.0, "learning_rate": 1e-3, "grad_norm": 1.0},
        {"step": 10.0, "epoch": 1, "eval_loss": 2.8},
        {"step": 20, "epoch": 2, "loss": 2.0, "learning_rate": 5e-4},
        {"epoch": 2.5, "loss": 1.9},
        {"step": 20, "epoch": 2, "train_loss": 2.5, "train_runtime": 9.0},
        max_steps=100,
        num_train_epochs=10,
        logging_steps=10,
        global_step=20,
    )
    path = log(text, "trainer_state.json")
    (run,) = cf.read(path)
    assert set(run) == {"loss", "learning_rate", "grad_norm", "eval_loss"}, "the summary is no measurement"
    np.testing.assert_array_equal(run["loss"].x, [10, 20])
    assert run["loss"].metric.split == "train" and run["eval_loss"].metric.split == "val"
    assert run.horizon == 100 and len(run.schedule) == 2
    p = run.provenance
    assert p.window == 10
    assert p.rows_dropped == {"without x": 1, "run summary": 1}
    assert p.points_dropped == {"without x": 1, "run summary": 2}
    (run,) = cf.read(path, x="epoch")
    np.testing.assert_array_equal(run["loss"].x, [1, 2, 2.5])
    assert run["loss"].x_unit == "epoch" and run.horizon == 10 and run.provenance.window == 1


def test_J09_without_steps_the_epoch_must_be_asked_for(refuse, log):
    text = history({"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0})
    error = refuse(text, "trainer_state.json")
    assert "epoch" in error.hint
    assert len(cf.read(log(text, "trainer_state.json"), x="epoch")[0]["loss"]) == 2


def test_J09_odd_plans_are_left_out(log):
    for plan in (-1, 0, "many", None, True, 1e400):
        text = history({"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}, max_steps=plan)
        assert cf.read(log(text.replace("Infinity", "1e400"), "trainer_state.json"))[0].horizon is None
    text = history({"step": 5, "loss": 3.0}, {"step": 10, "loss": 2.0}, max_steps=100, logging_steps=0.05)
    assert cf.read(log(text, "trainer_state.json"))[0].provenance.window == 5  # a share of all steps
    text = history({"step": 5, "loss": 3.0}, {"step": 10, "loss": 2.0})
    assert cf.read(log(text, "trainer_state.json"))[0].provenance.window == 5  # the usual distance


def test_J10_values_of_other_types(log):
    rows = [
        {"step": 1, "loss": "0.53"},
        {"step": 2, "loss": [0.5]},
        {"step": 3, "loss": {"value": 0.4}},
        {"step": 4, "loss": True},
        {"step": 5, "loss": "NaN"},
        {"step": 6, "loss": 0.3},
        {"step": 7, "loss": "bad"},
    ]
    (run,) = cf.read(log(lines(*rows), "a.jsonl"))
    np.testing.assert_array_equal(run["loss"].x, [1, 6])
    np.testing.assert_array_equal(run["loss"].nonfinite_x, [5])
    assert run.provenance.points_dropped == {"list or object": 1, "boolean": 1, "not a number": 1}
    assert any("given as text" in n for n in run.provenance.notes)
    assert "loss.value" in run  # a nested object has a name of its own


# ------------------------------------------------------------------ shapes that are read


def test_a_keras_history(log):
    (run,) = cf.read(log('{"loss": [3, 2, 1], "val_loss": [3, 2.5, 2.4], "lr": [0.1, 0.1, 0.01]}', "history.json"))
    assert run["loss"].x_unit == "epoch" and run["loss"].metric.split == "train"
    np.testing.assert_array_equal(run["val_loss"].x, [1, 2, 3])
    assert len(run.schedule) == 3


def test_records_and_tables_of_pandas(log):
    rows = [{"step": i, "loss": 3 - i} for i in range(3)]
    columns = {"step": {str(i): i for i in range(3)}, "loss": {str(i): 3 - i for i in range(3)}}
    split = {"columns": ["step", "loss"], "index": [0, 1, 2], "data": [[i, 3 - i] for i in range(3)]}
    for content in (rows, columns, split, {"config": {"lr": 0.1}, "history": rows}):
        (run,) = cf.read(log(json.dumps(content), "a.json"))
        np.testing.assert_array_equal(run["loss"].x, [0, 1, 2])
        np.testing.assert_array_equal(run["loss"].y, [3, 2, 1])


def test_several_tables_are_runs_or_parts_of_the_data(log):
    a = {"loss": [3.0, 2.0, 1.0]}
    runs = cf.read(log(json.dumps({"small": a, "large": a}), "a.json"))
    assert [r.name for r in runs] == ["small", "large"]
    (run,) = cf.read(log(json.dumps({"train": a, "val": {"loss": [3.1, 2.2, 1.5]}}), "a.json"))
    assert list(run) == ["train/loss", "val/loss"]
    np.testing.assert_array_equal(run["val/loss"].x, [1, 2, 3])


def test_columns_of_different_lengths(log):
    (run,) = cf.read(log('{"loss": [5, 4, 3, 2], "val_loss": [4, 2]}', "a.json"))
    np.testing.assert_array_equal(run["loss"].x, [1, 2, 3, 4])
    np.testing.assert_array_equal(run["val_loss"].x, [1, 2])
    (run,) = cf.read(log('{"step": [10, 20, 30, 40], "loss": [5, 4, 3, 2], "val_loss": [4, 2]}', "a.json"))
    assert list(run) == ["loss"]
    assert run.provenance.points_dropped == {"of another length than x": 2}


def test_a_configuration_row_describes_the_run(log):
    text = '{"_meta": {"lr": 0.1, "steps": 500, "api_key": "abc", "opt": {"name": "sgd"}}}\n' + lines(
        {"step": 1, "loss": 3}, {"step": 2, "loss": 2}
    )
    (run,) = cf.read(log(text, "a.jsonl"))
    assert run.horizon == 500
    assert run.attributes == {"lr": 0.1, "steps": 500.0, "opt.name": "sgd"}, "secrets are left out"


def test_rows_of_train_and_validation_in_turn(log):
    rows = [{"step": s, "split": part, "loss": s + (part == "val")} for s in range(4) for part in ("train", "val")]
    (run,) = cf.read(log(lines(*rows), "a.jsonl"))
    np.testing.assert_array_equal(run["train/loss"].y, [0, 1, 2, 3])
    np.testing.assert_array_equal(run["val/loss"].y, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{}", "CF-IO-003"),
        ("[]", "CF-IO-003"),
        ('{"a": {"b": {"c": {"d": [1, 2]}}}}', "CF-IO-003"),
        ('{"model": "resnet", "lr": 0.1}', "CF-IO-003"),
        ('{"loss": [1, 2', "CF-IO-014"),
        ('{"loss": [1, 2]} extra', "CF-IO-014"),
        ('{"loss": [1, 2,, 3]}', "CF-IO-014"),
        ('{"log_history": []}', "CF-IO-002"),
    ],
)
def test_documents_without_a_table_or_broken(refuse, content, code):
    assert refuse(content, "a.json").code == code


def test_a_broken_document_names_the_line(refuse):
    error = refuse('{\n "loss": [1, 2],\n "acc": [1 2]\n}\n', "a.json")
    assert error.where.endswith(":3")
    error = refuse('{\n "loss": [1, 2],\n "acc": [1', "a.json")
    assert "cut" in error.what
