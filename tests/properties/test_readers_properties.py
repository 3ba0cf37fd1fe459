"""Whatever the bytes: runs or an error of this package, nothing lost without a count, both ways of reading alike."""

from __future__ import annotations

import gzip
import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import curvefit as cf
from curvefit.readers import _rows, csv_table, registry
from curvefit.readers.parquet import write_parquet


def calm(examples: int):
    """Settings of a property that writes into its own folder."""
    more = int(os.environ.get("CURVEFIT_EXAMPLES", "1"))
    return settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        deadline=None,
        max_examples=examples * more,
        derandomize=more == 1,
    )


def outcome(path, **options):
    """What a caller can see of reading a file."""
    try:
        runs = cf.read(path, **options)
    except cf.CurvefitError as error:
        return error.code, error.what, error.where
    return [(r.name, dict(r.curves), r.attributes, r.horizon, r.provenance) for r in runs]


def check_accounts(runs) -> None:
    """Conservation: the constructor of Provenance enforces the sums; here they are tied to what the curves hold."""
    for run in runs:
        p = run.provenance
        held = sum(len(c) + c.nonfinite_x.size for c in run.curves.values())
        assert p.points_kept == held
        assert p.points_in == held + sum(p.points_dropped.values())
        assert p.rows_in == p.rows_kept + sum(p.rows_dropped.values())
        assert all(v > 0 for v in (*p.rows_dropped.values(), *p.points_dropped.values()))
        dropped: dict[str, int] = {}
        for curve in run.curves.values():
            for why, count in curve.defects.items():
                dropped[why] = dropped.get(why, 0) + count
        assert all(p.points_dropped.get(why, 0) >= count for why, count in dropped.items())


# ------------------------------------------------------------------ the fast way and the careful way

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["", "1e400", "-0", "+1", ".5", "5.", "1e5", "1E-5", "007", "5e-324", "1e", "e1", "--1", "1-2", ".", "-"]
    ),
)
ODD = st.sampled_from(["nan", "inf", "NA", "x", '"2"', " 3", "1_0", "1,2", "\0", "\xe9", "0x1p3", "#", "step", "1.5\r"])


@st.composite
def tables(draw):
    """A table that is regular, or nearly."""
    width = draw(st.integers(2, 4))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    cell = st.one_of(NUMBERS, NUMBERS, NUMBERS, NUMBERS, ODD) if draw(st.booleans()) else NUMBERS
    names = ["step", "loss", "val_loss", "acc"][:width]
    start = draw(st.integers(0, 1000))
    rows = []
    for i in range(draw(st.integers(1, 12))):
        row = [str(start + i) if draw(st.integers(0, 15)) else draw(cell)]
        row += [draw(cell) for _ in range(width - 1)]
        if not draw(st.integers(0, 30)):
            row = row[:-1] if draw(st.booleans()) else [*row, "1"]
        rows.append(delimiter.join(row))
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n"]))
    text = end.join([delimiter.join(names), *rows]) + draw(st.sampled_from([end, end, "", "\r", "\0\0"]))
    return text.encode("latin-1" if not draw(st.integers(0, 9)) else "utf-8")


@calm(200)
@given(data=tables(), packed=st.booleans())
@example(data=b"step,loss\n1,2\n2,3", packed=False)
@example(data=b"step,loss\n1,2\n2,", packed=False)
@example(data=b"step,loss\n1,2\n2,1e-", packed=False)
@example(data=b"step,loss\n1,2\n2,3\n1,2,3", packed=True)
@example(data=b"step,loss\n1,2\n2,3\r", packed=False)
@example(data=b"step,loss\r\n1,2\r\n2,3\r\n", packed=False)
@example(data=b"step,loss\n1,\n,2\n,\n3,4\n", packed=False)
@example(data=b"step,loss\n1,1e400\n2,3\n", packed=False)
@example(data=b"1,2\n2,3\n", packed=False)
def test_the_fast_way_gives_what_the_careful_way_gives(tmp_path, monkeypatch, data, packed):
    path = tmp_path / ("log.csv.gz" if packed else "log.csv")
    path.write_bytes(gzip.compress(data) if packed else data)
    with monkeypatch.context() as patch:
        patch.setattr(csv_table, "FAST_FROM", 0)
        fast = outcome(path)
    with monkeypatch.context() as patch:
        patch.setattr(csv_table, "FAST_FROM", 2**60)
        bulk = outcome(path)
        patch.setattr(_rows, "BULK", False)
        careful = outcome(path)
    assert fast == careful
    assert bulk == careful


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("tail", [b"\n", b"", b"\n7"])
def test_a_regular_file_takes_the_fast_way(tmp_path, monkeypatch, packed, tail):
    """So that the property above compares two ways and not one with itself."""
    rng = np.random.default_rng(5)
    rows = b"\n".join(b"%d,%r,%r" % (i, a, b) for i, (a, b) in enumerate(rng.normal(size=(30_000, 2)).tolist()))
    data = b"step,loss,acc\n" + rows + tail
    path = tmp_path / "log.csv"
    path.write_bytes(gzip.compress(data) if packed else data)
    took = []
    real = csv_table.read_fast
    monkeypatch.setattr(csv_table, "read_fast", lambda *a: took.append(real(*a)) or took[-1])
    (run,) = cf.read(path)
    assert len(took) == 1 and took[0] is not None
    whole = 30_000 - (tail == b"")
    assert len(run["loss"]) == whole
    np.testing.assert_array_equal(run["loss"].y, [float(r.split(b",")[1]) for r in rows.split(b"\n")[:whole]])


# ------------------------------------------------------------------ mutations of valid files

SEEDS = {
    **{n: registry[n].example() * 2 for n in registry.names() if n != "parquet"},
    "monitor": b'#{"t_start": 1.5, "env_id": "Ant"}\nr,l,t\n-5.0,10,0.5\n-4.0,20,0.9\n-3.0,5,1.1\n',
    "chart": b'"Step","a - loss","a - loss__MIN","a - loss__MAX","b - loss"\n"1","2","1.9","2.1",""\n"2","1","1","1","3"\n',
    "long": b"run,metric,step,value,lr\n"
    + b"".join(b"%s,loss,%d,%d,0.1\n" % (r, i, 9 - i) for r in (b"a", b"b") for i in range(4)),
    "within": b"epoch,step,loss\n" + b"".join(b"%d,%d,%d\n" % (e, i, 9 - e) for e in range(3) for i in range(4)),
    "resumed": b"step,loss\n1,5\n2,4\n3,3\nstep,loss,acc\n2,4,0.1\n3,2,0.2\n4,1,0.3\n",
    "semicolons": b"step;loss;note\n1;2,5;a\n2;2,25;b\n3;2,0;c\n4;1,75;d\n",
    "padded": b"   epoch,  train/loss,   lr/pg0\n       1,         2.5,    0.01\n       2,         2.0,    0.02\n",
    "split": b'{"step":1,"split":"train","loss":3}\n{"step":1,"split":"val","loss":4}\n{"step":2,"split":"train","loss":2}\n',
    "columns": b'{"train": {"loss": [3, 2, 1]}, "val": {"loss": [3.5, 2.5, 2]}, "config": {"epochs": 9}}',
}

MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "delete", "insert", "repeat", "cut", "zero"]),
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(
            [b",", b"\n", b'"', b"{", b"}", b"[", b"nan", b"-", b"e", b"\0", b"\xff", b"\r", b"#", b"1e999", b":", b" "]
        ),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=4,
)


def mutate(data: bytes, changes) -> bytes:
    for kind, where, text, count in changes:
        at = int(where * len(data))
        if kind == "flip" and data:
            data = data[:at] + bytes([data[at] ^ (1 << count % 8)]) + data[at + 1 :]
        elif kind == "delete":
            data = data[:at] + data[at + count :]
        elif kind == "insert":
            data = data[:at] + text + data[at:]
        elif kind == "repeat":
            data = data[:at] + data[at : at + count] * 3 + data[at + count :]
        elif kind == "cut":
            data = data[:at]
        else:
            data = data[:at] + b"\0" * count + data[at + count :]
    return data


@calm(60)
@given(
    name=st.sampled_from(sorted(SEEDS)),
    changes=MUTATIONS,
    packed=st.booleans(),
    options=st.fixed_dictionaries(
        {},
        optional={
            "x": st.sampled_from(["row", "cumulative", "epoch", "step", "loss"]),
            "resume": st.sampled_from(["keep", "first", "error", "supersede"]),
            "metric": st.sampled_from(["loss", "val_loss", "train_loss"]),
            "keep_partial_tail": st.booleans(),
            "decimal": st.sampled_from([",", "."]),
            "delimiter": st.sampled_from([";", ",", "whitespace"]),
            "encoding": st.sampled_from(["latin-1", "utf-16", "utf-8"]),
            "x_unit": st.sampled_from(["second", "token"]),
        },
    ),
)
def test_a_mutated_file_is_runs_or_an_error(tmp_path, name, changes, packed, options):
    data = mutate(SEEDS[name], changes)
    path = tmp_path / "thing"
    path.write_bytes(gzip.compress(data) if packed else data)
    for given_options in ({}, {"format": name if name in registry else "csv"}, options):
        try:
            runs = cf.read(path, **given_options)
        except cf.CurvefitError as error:
            assert str(path) in str(error) or error.where
            continue
        check_accounts(runs)


@calm(60)
@given(changes=MUTATIONS)
def test_a_mutated_parquet_file_is_runs_or_an_error(tmp_path, changes):
    path = tmp_path / "thing.parquet"
    path.write_bytes(mutate(registry["parquet"].example(), changes))
    try:
        check_accounts(cf.read(path))
    except cf.CurvefitError as error:
        assert error.code


@calm(80)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_runs_or_an_error(tmp_path, data):
    path = tmp_path / "thing"
    path.write_bytes(data)
    for format in (None, *registry.names()):
        try:
            check_accounts(cf.read(path, format=format))
        except cf.CurvefitError as error:
            assert error.code


JSON_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(),
        st.text(max_size=6),
        st.sampled_from(["0.5", "NaN", "train", "val", "step", "2026-01-01"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(
            st.sampled_from(["step", "epoch", "loss", "val_loss", "lr", "run", "metric", "value", "a", ""]),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@calm(60)
@given(values=st.lists(JSON_VALUES, max_size=8), history=st.booleans())
def test_any_json_is_runs_or_an_error(tmp_path, values, history):
    documents = {
        "thing.jsonl": "".join(json.dumps(v) + "\n" for v in values),
        "thing.json": json.dumps({"log_history": values} if history else values),
        "one.json": json.dumps(values[0] if values else {}),
    }
    for name, text in documents.items():
        path = tmp_path / name
        path.write_text(text)
        for format in (None, "json", "jsonl", "hf"):
            try:
                check_accounts(cf.read(path, format=format))
            except cf.CurvefitError as error:
                assert error.code


# ------------------------------------------------------------------ accounts against an independent count


@calm(80)
@given(
    cells=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 30).map(str), st.sampled_from(["", "x", "nan"])),
            st.sampled_from(["1.5", "2", "", "NA", "nan", "inf", "bad", "1e999"]),
            st.sampled_from(["0.5", "", "true", "0.25"]),
        ),
        min_size=6,
        max_size=40,
    )
)
def test_every_cell_of_a_metric_is_accounted_for(tmp_path, cells):
    path = tmp_path / "log.csv"
    head = [("1", "3.0", "0.1"), ("2", "2.9", "0.2"), ("3", "2.8", "0.3")] * 20  # keeps the columns numeric
    rows = [(str(i), *r[1:]) for i, r in enumerate(head)] + [
        (str(60 + int(a)) if a.isdigit() else a, b, c) for a, b, c in cells
    ]
    path.write_text("step,loss,acc\n" + "".join(",".join(r) + "\n" for r in rows))
    try:
        runs = cf.read(path, resume="keep")
    except cf.curves.DataError as error:
        assert error.code == "CF-DATA-005"  # x starts over too often
        return
    present = sum(cell not in ("", "NA") for row in rows for cell in row[1:])
    assert sum(r.provenance.points_in for r in runs) == present
    assert sum(r.provenance.rows_in for r in runs) == len(rows)
    check_accounts(runs)


@calm(60)
@given(cut=st.integers(1, 39), noise=st.lists(st.floats(-5, 5), min_size=40, max_size=40))
def test_a_file_read_in_two_halves_gives_the_points_of_the_whole(tmp_path, cut, noise):
    rows = [f"{i},{v!r}\n" for i, v in enumerate(noise)]
    parts = []
    for name, some in (("a.csv", rows[:cut]), ("b.csv", rows[cut:]), ("c.csv", rows)):
        (tmp_path / name).write_text("step,loss\n" + "".join(some))
        parts.append(cf.read(tmp_path / name)[0]["loss"])
    first, second, whole = parts
    np.testing.assert_array_equal(np.r_[first.x, second.x], whole.x)
    np.testing.assert_array_equal(np.r_[first.y, second.y], whole.y)


# ------------------------------------------------------------------ Parquet

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1, max_size=8
).filter(lambda s: s.strip() == s)


@st.composite
def curves(draw):
    n = draw(st.integers(1, 8))
    x = sorted(draw(st.lists(st.integers(0, 50), min_size=n, max_size=n)))
    y = draw(st.lists(st.floats(), min_size=n, max_size=n))
    name = draw(st.sampled_from(["loss", "val/acc", "lr", "speed", "train_error"]))
    metric = cf.Metric.infer(name, direction=draw(st.sampled_from([None, "min", "max"])))
    segment = sorted(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    flags = draw(st.lists(st.integers(0, 7), min_size=n, max_size=n))
    bounds = draw(st.sampled_from([None, (0.0, 1.0), (-np.inf, 2.5)]))
    unit = draw(st.sampled_from(["step", "epoch", "token"]))
    return cf.Curve(x, y, metric, x_unit=unit, segment=segment, flags=flags, bounds=bounds, defects={"odd": 2})


@st.composite
def runs(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    out = []
    for name in names:
        keys = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
        schedule = None
        if draw(st.booleans()):
            schedule = cf.Schedule([1, 2, 5], draw(st.lists(st.floats(0, 1), min_size=3, max_size=3)))
        out.append(
            cf.Run(
                name,
                {k: draw(curves()) for k in keys},
                schedule=schedule,
                horizon=draw(st.sampled_from([None, 10.0, 1e6])),
                attributes=draw(
                    st.dictionaries(
                        st.sampled_from(["seed", "size", "metric", "x", "opt"]),
                        st.one_of(st.floats(allow_nan=False), st.sampled_from(["sgd", "adam", ""])),
                        max_size=3,
                    )
                ),
            )
        )
    return out


def same_run(a: cf.Run, b: cf.Run) -> None:
    assert a.name == b.name and list(a.curves) == list(b.curves) and a.horizon == b.horizon
    assert dict(a.attributes) == dict(b.attributes)
    for key in a:
        assert a[key].metric == b[key].metric and a[key].bounds == b[key].bounds
        assert a[key] == b[key] and dict(a[key].defects) == dict(b[key].defects)
    assert (a.schedule is None) == (b.schedule is None)
    if a.schedule is not None and b.schedule is not None:
        np.testing.assert_array_equal(a.schedule.x, b.schedule.x)
        np.testing.assert_array_equal(a.schedule.rate, b.schedule.rate)


@calm(50)
@given(written=runs())
def test_parquet_gives_back_what_was_written(tmp_path, written):
    path = tmp_path / "runs.parquet"
    write_parquet(written, path)
    read = cf.read(path)
    assert len(read) == len(written)
    for a, b in zip(written, read, strict=True):
        same_run(a, b)
    check_accounts_of_parquet(read)
    write_parquet(read, tmp_path / "again.parquet")
    for a, b in zip(read, cf.read(tmp_path / "again.parquet"), strict=True):
        same_run(a, b)


def check_accounts_of_parquet(read) -> None:
    for run in read:
        assert run.provenance.points_in == run.provenance.points_kept
