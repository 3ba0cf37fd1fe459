"""Values and x as they should not be."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, ReadError


def table(x, y, names=("step", "loss")) -> str:
    return ",".join(names) + "\n" + "".join(f"{a},{b}\n" for a, b in zip(x, y, strict=True))


def loss(path, **options):
    (run,) = cf.read(path, **options)
    return run["loss"], run.provenance


def test_V01_some_nan(log):
    curve, p = loss(log(table(range(5), [3, "nan", 2, "nan", 1])))
    np.testing.assert_array_equal(curve.x, [0, 2, 4])
    np.testing.assert_array_equal(curve.nonfinite_x, [1, 3])
    assert p.points_in == p.points_kept == 5


def test_V02_nothing_finite(log):
    (run,) = cf.read(log(table(range(4), ["nan", "inf", "-inf", "nan"])))
    assert len(run["loss"]) == 0 and run["loss"].nonfinite_x.size == 4
    with pytest.raises(DataError, match="finite"):
        run.main_metric()


def test_V03_nan_from_some_step_on(log):
    curve, _ = loss(log(table(range(6), [3, 2, 1, "nan", "nan", "nan"])))
    assert curve.x[-1] == 2 and curve.nonfinite_x[0] == 3


def test_V04_infinity_in_the_middle(log):
    curve, _ = loss(log(table(range(4), [3, "inf", 2, 1])))
    np.testing.assert_array_equal(curve.nonfinite_y, [np.inf])
    np.testing.assert_array_equal(curve.y, [3, 2, 1])


@pytest.mark.parametrize("value", ["1.5", "0"])
def test_V05_V06_constant_values_are_a_curve(log, value):
    curve, _ = loss(log(table(range(20), [value] * 20)))
    assert len(curve) == 20 and np.ptp(curve.y) == 0


def test_V07_negative_values_and_sign_changes(log):
    curve, _ = loss(log(table(range(4), [-3, 0.5, -0.0, 2])))
    np.testing.assert_array_equal(curve.y, [-3, 0.5, 0, 2])


def test_V08_V09_extreme_values_survive_exactly(log):
    values = [5e-324, 1e308, 1e-300, -1.7976931348623157e308]
    curve, _ = loss(log(table(range(4), [repr(v) for v in values])))
    np.testing.assert_array_equal(curve.y, values)


def test_V10_large_integers_in_x_are_noted(log):
    curve, p = loss(log(table([2**53, 2**53 + 2, 2**53 + 4], [3, 2, 1])))
    assert len(curve) == 3 and any("2^53" in n for n in p.notes)


def test_V11_huge_integers(log):
    _, p = loss(log(table([1, 2, 3], [3, "1" * 400, 1])))
    assert p.points_dropped == {"too large for a float": 1}


def test_V14_dates_as_x_need_a_unit(log, refuse):
    text = "date,loss\n2026-01-01 00:00:00,3\n2026-01-01 00:01:00,2\n2026-01-01T01:00:00+00:00,1\n"
    error = refuse(text, x="date")
    assert error.code == "CF-PARSE-003" and "x_unit='second'" in error.hint
    curve, _ = loss(log(text), x="date", x_unit="second")
    np.testing.assert_array_equal(curve.x, [0, 60, 3600])
    assert curve.x_unit == "second"


def test_V15_quantized_values_keep_their_plateaus(log):
    values = np.linspace(1, 2, 50).astype(np.float16)
    curve, _ = loss(log(table(range(50), [repr(float(v)) for v in values])))
    np.testing.assert_array_equal(curve.y, values.astype(float))


def test_V17_an_outlier_is_kept_as_logged(log):
    curve, _ = loss(log(table(range(5), [3, 2, "1e30", 2, 1])))
    assert curve.y.max() == 1e30


def test_V18_negative_zero_equals_zero(log):
    curve, p = loss(log(table(["-0", "0", "1"], [2, 2, 1])))
    np.testing.assert_array_equal(curve.x, [0, 1])
    assert p.points_dropped == {"exact duplicate": 1}


# ------------------------------------------------------------------ x


def test_X01_rows_in_no_order_are_sorted(log):
    rng = np.random.default_rng(3)
    x = np.arange(200)
    y = rng.random(200)
    order = rng.permutation(200)
    straight, _ = loss(log(table(x, y.tolist())))
    mixed, p = loss(log(table(x[order], y[order].tolist()), "mixed.csv"))
    assert np.array_equal(straight.x, mixed.x) and np.array_equal(straight.y, mixed.y)
    assert any("sorted" in n for n in p.notes)
    backwards, _ = loss(log(table(x[::-1], y[::-1].tolist()), "back.csv"))
    assert np.array_equal(straight.y, backwards.y)


def test_X02_exact_duplicates_are_dropped_and_counted(log):
    curve, p = loss(log(table([1, 1, 2, 2, 3], [3, 3, 2, 2, 1])))
    np.testing.assert_array_equal(curve.y, [3, 2, 1])
    assert p.points_dropped == {"exact duplicate": 2} and p.rows_dropped == {"exact duplicate": 2}
    assert curve.defects == {"exact duplicate": 2}


def test_X03_different_values_at_one_x_are_replicates(log):
    curve, p = loss(log(table([1, 1, 2, 2, 3], [3, 3.1, 2, 2, 1])))
    assert len(curve) == 5 and not p.points_dropped
    assert any("replicates" in n for n in p.notes)


def test_X04_a_resume_supersedes(log):
    path = log(table([1, 2, 3, 4, 3, 4, 5], [9, 8, 7, 6, 7.5, 6.5, 5]))
    curve, p = loss(path)
    np.testing.assert_array_equal(curve.y, [9, 8, 7.5, 6.5, 5])
    assert p.rows_dropped == {"superseded by a later segment": 2} and p.restarts == (3.0,)
    assert any("2 rows" in n for n in p.notes)
    np.testing.assert_array_equal(loss(path, resume="first")[0].y, [9, 8, 7, 6, 5])
    kept = loss(path, resume="keep")[0]
    assert len(kept) == 7 and sorted(kept.segment) == [0, 0, 0, 0, 1, 1, 1]
    with pytest.raises(DataError, match="started again at x = 3"):
        cf.read(path, resume="error")


def test_X04_sparse_metrics_are_settled_together(log):
    """A validation value of the first life is superseded although the second life did not repeat it."""
    text = "step,loss,val_loss\n10,3,\n20,2.5,2.6\n30,2.2,\n40,2.1,2.2\n25,2.4,\n35,2.2,\n45,2,2.1\n"
    (run,) = cf.read(log(text))
    np.testing.assert_array_equal(run["val_loss"].x, [20, 45])
    np.testing.assert_array_equal(run["loss"].x, [10, 20, 25, 35, 45])


def test_X05_a_step_within_the_epoch_is_no_x(log, refuse):
    x = list(range(0, 100, 10)) * 5
    epochs = [e for e in range(5) for _ in range(10)]
    text = "epoch,step,loss\n" + "".join(
        f"{e},{s},{3 - i / 50}\n" for i, (e, s) in enumerate(zip(epochs, x, strict=True))
    )
    error = refuse(text)
    assert error.code == "CF-DATA-005" and "starts over" in error.what and "row" in error.hint
    curve, _ = loss(log(text), x="row")
    assert len(curve) == 50
    for k in (2, 3):  # few rows per epoch do not make it a shuffled file
        refuse(table(list(range(k)) * 10, [1 + i / 100 for i in range(10 * k)]))


def test_X06_gaps_are_not_filled(log):
    curve, _ = loss(log(table([1, 2, 50, 51], [4, 3, 2, 1])))
    np.testing.assert_array_equal(curve.x, [1, 2, 50, 51])


def test_X07_X08_zero_and_negative_x(log):
    curve, _ = loss(log(table([-1, 0, 1], [3, 2, 1])))
    np.testing.assert_array_equal(curve.x, [-1, 0, 1])


def test_X09_x_of_1e15_with_spacing_1(log):
    x = [10**15 + i for i in range(5)]
    curve, _ = loss(log(table(x, [5, 4, 3, 2, 1], ("tokens", "loss"))))
    np.testing.assert_array_equal(np.diff(curve.x), 1)
    assert curve.x_unit == "token"


def test_X10_all_x_equal(refuse, log):
    text = table([7] * 10, range(10))
    error = refuse(text)
    assert error.code == "CF-DATA-005" and "x='row'" in error.hint
    assert refuse(text, x="step").code == "CF-DATA-005"
    np.testing.assert_array_equal(loss(log(text), x="row")[0].x, range(1, 11))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_X11_few_points_are_read(log, n):
    assert len(loss(log(table(range(n), range(n))))[0]) == n


def test_X13_a_jump_of_x_is_noted(log):
    x = [*range(1, 11), *range(5000, 50_000, 5000)]
    _, p = loss(log(table(x, [3 - i / 50 for i in range(len(x))])))
    assert not any("jumps" in n for n in p.notes)  # a longer gap of its own kind
    x = [*range(1, 11), *range(500_000, 500_010)]
    _, p = loss(log(table(x, [3 - i / 50 for i in range(20)])))
    assert any("jumps from 10 to 500000" in n for n in p.notes)


def test_rows_without_x_are_dropped_and_counted(log):
    curve, p = loss(log("step,loss\n1,3\n,2.5\nnan,2.2\ninf,2\nx,1.9\n5,1.8\n6,1.7\n7,1.6\n8,1.5\n"))
    np.testing.assert_array_equal(curve.x, [1, 5, 6, 7, 8])
    assert p.rows_dropped == {"without x": 4} and p.points_dropped == {"without x": 4}


# ------------------------------------------------------------------ choice of x


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("step", "step"),
        ("global_step", "step"),
        ("_step", "step"),
        ("trainer/global_step", "step"),
        ("Iteration", "iteration"),
        ("iter", "iteration"),
        ("epoch", "epoch"),
        ("Epochs", "epoch"),
        ("tokens", "token"),
        ("consumed_samples", "sample"),
        ("time/total_timesteps", "step"),
        ("train_size", "sample"),
        ("n_params", "parameter"),
    ],
)
def test_x_and_its_unit_are_read_from_the_name(log, name, unit):
    curve, _ = loss(log(table([1, 2, 3], [3, 2, 1], (name, "loss"))))
    assert curve.x_unit == unit and curve.x[-1] == 3
    assert loss(log(table([1, 2, 3], [3, 2, 1], (name, "loss"))), x_unit="flop")[0].x_unit == "flop"


def test_without_a_name_that_says_x_the_rows_are_numbered(log):
    (run,) = cf.read(log("loss,accuracy\n3,0.1\n2,0.2\n1,0.3\n"))
    np.testing.assert_array_equal(run["loss"].x, [1, 2, 3])
    assert any("numbered from 1" in n for n in run.provenance.notes)


def test_an_x_that_is_not_there_is_a_usage_error(log):
    with pytest.raises(cf.curves.UsageError, match="'step'"):
        cf.read(log(table([1, 2], [2, 1])), x="stpe")
    with pytest.raises(ReadError, match="holds no numbers"):
        cf.read(log("step,loss,note\n1,2,a\n2,1,b\n"), x="note")


def test_one_metric_only(log):
    path = log("step,loss,acc\n1,3,0.1\n2,2,0.2\n")
    (run,) = cf.read(path, metric="acc")
    assert list(run) == ["acc"]
    assert run.provenance.points_dropped == {"not asked for": 2}
    with pytest.raises(cf.curves.UsageError, match="'acc'"):
        cf.read(path, metric="ac")


def test_X05_two_epochs_suffice_when_an_epoch_column_explains_them(refuse, log):
    text = "epoch,step,loss\n" + "".join(f"{e},{s},{3 - e - s / 99}\n" for e in (1, 2) for s in (0, 10, 20, 30))
    error = refuse(text)
    assert error.code == "CF-DATA-005" and "'epoch' goes up" in error.what and "cumulative" in error.hint
    curve, p = loss(log(text), x="cumulative")
    np.testing.assert_array_equal(curve.x, [0, 10, 20, 30, 40, 50, 60, 70])
    assert any("joins the pieces of 'step' by 'epoch'" in n for n in p.notes)
    # a resume goes back while the epoch does not go up
    resumed = "epoch,step,loss\n1,10,3\n1,20,2.9\n2,30,2.8\n2,40,2.7\n2,30,2.75\n2,40,2.6\n"
    assert loss(log(resumed))[1].restarts == (30.0,)


def test_cumulative_x_without_an_epoch_column(log):
    """Keras' CSVLogger(append=True) counts epochs from 0 again although training went on."""
    text = "epoch,loss\n" + "".join(f"{e},{v}\n" for e, v in [(0, 5), (1, 4), (2, 3), (0, 2.5), (1, 2)])
    curve, p = loss(log(text), x="cumulative")
    np.testing.assert_array_equal(curve.x, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(curve.y, [5, 4, 3, 2.5, 2])
    assert not p.rows_dropped
    straight, _ = loss(log(table([1, 2, 5], [3, 2, 1])), x="cumulative")
    np.testing.assert_array_equal(straight.x, [1, 2, 5])


def test_X13_two_units_in_one_column_are_noticed(log):
    def notes(x):
        (run,) = cf.read(log("step,loss\n" + "".join(f"{v},{1 + 1 / i:.4f}\n" for i, v in enumerate(x, 1))))
        return [n for n in run.provenance.notes if "does its unit change" in n]

    assert notes([*range(20), *range(20_000, 60_000, 1000)]) == [
        "x jumps from 19 to 20000: does its unit change there?"
    ]
    assert notes([*range(10), *range(100, 5000, 100)]) == []  # logged more rarely from there on
    assert notes([*range(50), *range(100, 150)]) == []  # a gap
    assert notes([2**k for k in range(40)]) == []  # spaced evenly in log x
