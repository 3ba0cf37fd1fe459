"""Cells of tables of points: what is no number is left out and named, never a whole variable."""

from __future__ import annotations

import pytest

import curvefit as cf
from curvefit.commands._main import run as main
from curvefit.curves import DataError, ReadError
from curvefit.studies._point_files import read_points

SIZES = [4e8, 1e9, 2e9, 4e9, 7e9]
TOKENS = [1e10, 4e10, 1.6e11, 6e11]


def table(change=None, lines=None):
    rows = [["params", "tokens", "loss"]]
    rows += [[str(p), str(t), str(1.8 + 480 / p**0.35 + 2100 / t**0.37)] for p in SIZES for t in TOKENS]
    for line, column, text in change or ():
        rows[line - 1][column] = text
    return [",".join(r) for r in rows][: lines or None]


def saved(tmp_path, lines):
    file = tmp_path / "points.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def fitted(tmp_path, lines):
    return cf.scaling_law(saved(tmp_path, lines), replicates=0, check=False)


def test_a_variable_with_one_bad_cell_stays_and_its_line_is_named(tmp_path):
    fit = fitted(tmp_path, table([(5, 1, "abc")]))
    assert fit.variables == ("params", "tokens") and fit.losses.size == 19
    assert "1 of 20 rows left out: tokens is 'abc' (line 5)." in fit.reasons
    assert not any("left out" in r for r in fitted(tmp_path, table()).reasons), "negative control"


def test_every_row_that_was_left_out_is_counted_and_named(tmp_path):
    lines = table([(3, 2, "diverged"), (7, 2, "-"), (9, 2, "nan"), (11, 0, "-1")])
    lines[12] = lines[12].rsplit(",", 1)[0]
    lines.insert(2, "")  # an empty line moves the others down, and is no row
    fit = fitted(tmp_path, lines)
    assert fit.losses.size == 15
    (note,) = [r for r in fit.reasons if "left out" in r]
    assert note.startswith(
        "5 of 20 rows left out: 2 fields where the header has 3 (line 14); loss is 'diverged' (line 4)"
    )
    assert "loss is '-' (line 8)" in note and "(lines 10, 12)" in note


def test_rows_in_memory_are_numbered_from_one():
    rows = [dict(zip(["N", "D", "L"], map(float, r.split(",")), strict=True)) for r in table()[1:]]
    rows[4]["L"] = "diverged"
    fit = cf.scaling_law(rows, replicates=0, check=False)
    assert fit.reasons == ("1 of 20 rows left out: L is 'diverged' (row 5).",)


def test_sizes_with_the_letter_of_a_power_of_ten_are_read_and_said(tmp_path):
    lines = table()
    names = ["400M", "1B", "2g", "4 G", ".007T"]
    changed = [lines[0], *(f"{names[i // 4]},{r.split(',', 1)[1]}" for i, r in enumerate(lines[1:]))]
    fit = fitted(tmp_path, changed)
    assert sorted(set(fit.points[:, 0])) == pytest.approx(SIZES)
    assert any("params holds sizes such as '400M'" in r for r in fit.reasons)
    loss = fitted(tmp_path, table([(4, 2, "2.5M")]))  # a loss has no such letter
    assert any("loss is '2.5M' (line 4)" in r for r in loss.reasons)


def test_numbers_in_quotes_are_numbers():
    rows = [dict(zip(["N", "D", "L"], r.split(","), strict=True)) for r in table()[1:]]
    assert cf.scaling_law(rows, replicates=0, check=False).losses.size == 20


def test_a_column_that_is_mostly_text_is_refused_by_name_and_line(tmp_path):
    lines = table([(i, 0, "small") for i in range(3, 17)])
    with pytest.raises(DataError, match="params is 'small' in line 3, not a number; 14 of its 20 cells hold none"):
        fitted(tmp_path, lines)
    with pytest.raises(DataError, match="loss is 'x' in line 2"):
        fitted(tmp_path, table([(i, 2, "x") for i in range(2, 22)]))
    only = fitted(tmp_path, table([(i, 0, "small") for i in range(2, 22)]))
    assert only.variables == ("tokens",) and "params is a column of text and was not used." in only.reasons


def test_a_table_of_mostly_short_rows_is_refused(tmp_path):
    lines = [table()[0], *(r.rsplit(",", 1)[0] for r in table()[1:15]), *table()[15:]]
    with pytest.raises(ReadError, match="line 2 has 2 fields where the header has 3") as error:
        read_points(saved(tmp_path, lines))
    assert error.value.hint


def test_the_command_speaks_of_options_and_not_of_python(tmp_path, capsys):
    file = str(saved(tmp_path, table()))
    assert main(["scaling", file, "--x", "params", "--compute", "1e22", "--replicates", "0"]) == 2
    said = capsys.readouterr().err
    assert "--compute needs a law in two variables, and this one is in params" in said
    assert "--x" in said and "cf." not in said
    assert main(["scaling", str(tmp_path / "none.csv")]) == 4
    assert "hint: name a table with one row per finished run" in capsys.readouterr().err


def test_conditions_keep_the_line_numbers(tmp_path, capsys):
    lines = table([(9, 2, "diverged")])
    kinds = [f"{r},{'kind' if i == 0 else 'moe' if i in (3, 5) else 'dense'}" for i, r in enumerate(lines)]
    assert main(["scaling", str(saved(tmp_path, kinds)), "--where", "kind=dense", "--replicates", "0"]) == 0
    assert "1 of 18 rows left out: loss is 'diverged' (line 9)" in capsys.readouterr().out


def test_cells_of_other_kinds_cost_a_row_and_not_a_variable():
    rows = [dict(zip(["N", "D", "L"], map(float, r.split(",")), strict=True)) for r in table()[1:]]
    rows[6]["D"] = [1.0]
    fit = cf.scaling_law(rows, replicates=0, check=False)
    assert fit.variables == ("N", "D") and fit.reasons == ("1 of 20 rows left out: D is '[1.0]' (row 7).",)


def test_thousands_of_sizes_are_read_and_decimal_commas_named(tmp_path):
    first, *rest = table()
    grouped = [f'"{float(r.split(",")[0]):,.0f}",{r.split(",", 1)[1]}' for r in rest]
    assert sorted(set(fitted(tmp_path, [first, *grouped]).points[:, 0])) == SIZES
    with pytest.raises(DataError, match="params is '400000000,0' in line 2, not a number"):
        fitted(tmp_path, [r.replace(",", ";").replace(".", ",") for r in table()])


def kinds(name, cells):
    """The table with one more column, one cell per row."""
    head, *rest = table()
    return [f"{head},{name}", *(f"{r},{cells[i % len(cells)]}" for i, r in enumerate(rest))]


@pytest.mark.parametrize(
    ("name", "cells", "told"),
    [
        ("metric", ["train_loss", "val_loss"], "2 values of metric were fitted together (train_loss, val_loss)"),
        ("dataset_name", ["C4", "Pile x"], "2 values of dataset_name were fitted together (C4, Pile x)"),
        ("num_experts", [1.0, 8.0], "2 values of num_experts were fitted together (1, 8)"),
        ("trained_on", ["a", "b", "c"], "3 values of trained_on were fitted together (a, b, c)"),
        ("task", list("abcdef"), "6 values of task were fitted together (a, b, c, d and 2 more)"),
    ],
)
def test_rows_of_several_kinds_are_fitted_together_but_not_without_a_word(tmp_path, name, cells, told):
    (note,) = fitted(tmp_path, kinds(name, cells)).reasons[1:]
    assert told in note
    one = f"{name}={cells[0]}" if not isinstance(cells[0], float) else f"{name}=1"
    assert f"--where {one} takes those of one." in note
    assert fitted(tmp_path, kinds(name, cells[:1])).reasons[1:] == (), "negative control: one value"


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("run_name", ["a", "b"]),
        ("name", ["a", "b"]),
        ("seed", [0, 1, 2]),
        ("comment", [f"remark {i}" for i in range(20)]),
        ("notes", ["ok", "restarted"]),
        ("host", ["n1", "n2"]),
        ("uid", [f"x{i % 15}" for i in range(20)]),
        ("batch_size", [256, 512]),
        ("dataset_size", [1e9, 2e9]),
        ("metric", ["val_loss", ""]),
        ("label", [f"{p / 1e9:g}B" for p in SIZES for _ in TOKENS]),
    ],
)
def test_columns_that_tell_no_kinds_apart_are_left_alone(tmp_path, name, cells):
    assert not any("together" in r for r in fitted(tmp_path, kinds(name, cells)).reasons)


def test_a_condition_compares_numbers_as_numbers(tmp_path, capsys):
    file = str(saved(tmp_path, kinds("num_experts", [1.0, 8.0])))
    for value in ("1", "1.0", "1e0"):
        assert main(["scaling", file, "--where", f"num_experts={value}", "--x", "params", "--replicates", "0"]) == 0
        assert "10 points" in capsys.readouterr().out
    assert main(["scaling", file, "--where", "num_experts=2"]) == 2
    assert "values there: 1, 8" in capsys.readouterr().err
