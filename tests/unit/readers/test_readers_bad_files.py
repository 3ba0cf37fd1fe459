"""Files as they should not be: every case is refused with a reason, or read with every defect counted."""

from __future__ import annotations

import errno
import gzip
import io
import os
import socket
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import LimitError, ReadError
from curvefit.readers import read as reading
from curvefit.readers._source import Source
from curvefit.readers.read import read_all

PLAIN = "step,loss\n1,2.5\n2,2.0\n3,1.7\n4,1.5\n"


def loss(path, **options):
    (run,) = cf.read(path, **options)
    return run["loss"], run.provenance


def test_F01_empty_file(refuse):
    error = refuse(b"")
    assert error.code == "CF-IO-001" and error.what == "empty file"
    assert refuse(b"\n\n  \n").code == "CF-IO-003"
    assert refuse(b"\n\n  \n", format="csv").code == "CF-IO-001"


def test_F02_header_only(refuse):
    error = refuse("step,loss\n")
    assert error.code == "CF-IO-002" and "no data rows" in error.what
    assert refuse("step,loss").code == "CF-IO-002"


def test_F03_last_line_cut_within_a_number(log):
    path = log("step,loss\n1,2.5\n2,0.1")  # of 2,0.123
    curve, p = loss(path)
    np.testing.assert_array_equal(curve.y, [2.5])
    assert p.rows_dropped == {"unterminated last line": 1} and p.rows_in == 2
    assert any("line 3" in note for note in p.notes)
    curve, p = loss(path, keep_partial_tail=True)
    np.testing.assert_array_equal(curve.y, [2.5, 0.1])
    assert not p.rows_dropped


def test_F03_a_header_and_one_unterminated_row_name_the_way_out(refuse):
    error = refuse("step,loss\n1,0.5")
    assert error.code == "CF-IO-002" and "keep_partial_tail" in error.hint


def test_F04_byte_order_mark(log):
    curve, _ = loss(log(b"\xef\xbb\xbf" + PLAIN.encode()))
    assert curve.metric.name == "loss" and curve.x_unit == "step"
    (run,) = cf.read(log(b'\xef\xbb\xbf{"loss": [2.0, 1.0]}', "h.json"))
    assert len(run["loss"]) == 2
    (run,) = cf.read(log(b'\xef\xbb\xbf{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n', "h.jsonl"))
    assert len(run["loss"]) == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_F05_utf16(log, refuse, encoding):
    data = PLAIN.encode(encoding)
    if encoding in ("utf-16", "utf-32"):  # with a mark
        assert len(loss(log(data))[0]) == 4
    else:
        error = refuse(data)
        assert error.code == "CF-IO-006" and encoding in error.hint
    assert len(loss(log(data), encoding=encoding)[0]) == 4


def test_F05_an_unknown_encoding_is_a_usage_error(log):
    for name in ("utf-99", "hex"):
        with pytest.raises(cf.curves.UsageError):
            cf.read(log(PLAIN), encoding=name)


def test_F06_latin1_byte_in_a_text_column(log, refuse):
    rows = "".join(f"{i},{3 - i / 9},caf\xe9\n" for i in range(9)).encode("latin-1")
    curve, _ = loss(log(b"step,loss,place\n" + rows))
    assert len(curve) == 9
    error = refuse(b"step,loss\n1,2.0\n2,1.5\xb0\n3,1.2\n4,1.0\n")
    assert error.code == "CF-IO-006" and error.where.endswith(":3") and "encoding" in error.hint


def test_F07_zeros_after_a_power_cut(log):
    curve, p = loss(log(PLAIN.encode() + b"\0" * 64))
    assert len(curve) == 4 and any("64 zero bytes" in n for n in p.notes)
    curve, p = loss(log(b"step,loss\n1,2.5\n2,2\0.0\n3,1.7\n4,1.5\n"))
    np.testing.assert_array_equal(curve.x, [1, 3, 4])
    assert p.rows_dropped == {"zero bytes inside": 1}
    curve, p = loss(log(PLAIN.encode() + b"5,1.\0\0\0\0\n6,1.2\n7,1.1"))
    np.testing.assert_array_equal(curve.x, [1, 2, 3, 4, 6])


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_F08_line_ends(log, end):
    curve, p = loss(log(PLAIN.replace("\n", end).encode()))
    np.testing.assert_array_equal(curve.y, [2.5, 2.0, 1.7, 1.5])
    assert not p.rows_dropped


def test_F08_mixed_line_ends(log):
    curve, _ = loss(log(b"step,loss\r\n1,2.5\n2,2.0\r3,1.7\r\n4,1.5\n"))
    np.testing.assert_array_equal(curve.y, [2.5, 2.0, 1.7, 1.5])


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "  "])
def test_F09_other_delimiters(log, delimiter):
    curve, _ = loss(log(PLAIN.replace(",", delimiter), "log.txt"))
    np.testing.assert_array_equal(curve.y, [2.5, 2.0, 1.7, 1.5])


def test_F09_one_column_is_no_table(refuse):
    error = refuse("loss\n2.5\n2.0\n1.5\n")
    assert error.code == "CF-IO-004" and "delimiter" in error.hint
    error = refuse(PLAIN.replace(",", "~"), delimiter=";")
    assert error.code == "CF-IO-004"


def test_F10_decimal_comma(log, refuse):
    rows = "".join(f"{i};{v}\n" for i, v in enumerate(("2,51", "2,0", "1,7125", "1,5")))
    curve, p = loss(log("step;loss\n" + rows))
    np.testing.assert_array_equal(curve.y, [2.51, 2.0, 1.7125, 1.5])
    assert any("decimal mark" in n for n in p.notes)
    curve, _ = loss(log(("step\tloss\n" + rows).replace(";", "\t")), decimal=",")
    np.testing.assert_array_equal(curve.y, [2.51, 2.0, 1.7125, 1.5])
    error = refuse(("step\tloss\n" + rows).replace(";", "\t"))
    assert error.code == "CF-PARSE-002" and "decimal" in error.hint
    error = refuse("step;loss\n" + rows + "5;1.25\n6;1.5\n")  # commas and points in one column
    assert error.code == "CF-PARSE-002"


@pytest.mark.parametrize("cell", ['"1,000"', "1_000", "1.234.567"])
def test_F11_thousands_separators(refuse, cell):
    error = refuse(f"step,loss\n1,2500\n2,{cell}\n3,900\n4,800\n")
    assert error.code == "CF-PARSE-001" and error.where.endswith(":3") and "ambiguous" in error.what


def test_F11_a_column_of_three_digit_groups_is_ambiguous(refuse, log):
    text = "step;loss\n1;2,500\n2;2,000\n3;1,700\n"
    assert refuse(text).code == "CF-PARSE-001"
    np.testing.assert_array_equal(loss(log(text), decimal=",")[0].y, [2.5, 2.0, 1.7])


def test_F12_header_repeated_after_a_resume(log):
    text = "step,loss\n1,3\n2,2.5\n3,2.4\nstep,loss\n3,2.2\n4,2\n"
    curve, p = loss(log(text))
    np.testing.assert_array_equal(curve.x, [1, 2, 3, 4])
    np.testing.assert_array_equal(curve.y, [3, 2.5, 2.2, 2])
    np.testing.assert_array_equal(curve.segment, [0, 0, 1, 1])
    assert p.rows_dropped == {"repeated header": 1, "superseded by a later segment": 1}
    assert p.restarts == (3.0,)
    # the boundary is recorded even where x goes on without a step back
    curve, p = loss(log("step,loss\n1,3\n2,2.5\nstep,loss\n3,2.2\n4,2\n"))
    np.testing.assert_array_equal(curve.segment, [0, 0, 1, 1])
    assert p.restarts == (3.0,)


def test_F13_header_changes_after_a_resume(log, refuse):
    text = "step,loss\n1,3\n2,2.5\nstep,loss,acc\n3,2.2,0.5\n4,2,0.6\n"
    (run,) = cf.read(log(text))
    np.testing.assert_array_equal(run["loss"].x, [1, 2, 3, 4])
    np.testing.assert_array_equal(run["acc"].x, [3, 4])
    assert any("line 4" in n and "'acc'" in n for n in run.provenance.notes)
    swapped = "step,loss,acc\n1,3,0.1\n2,2.5,0.2\nstep,acc,loss\n3,0.5,2.2\n4,0.6,2\n"
    (run,) = cf.read(log(swapped))
    np.testing.assert_array_equal(run["loss"].y, [3, 2.5, 2.2, 2])
    error = refuse("step,loss\n1,3\n2,2.5\nstep,loss,acc,acc\n3,2.2,0.5,0.5\n")
    assert error.code == "CF-IO-005" and error.where.endswith(":4")


def test_F14_every_row_has_one_field_too_many(refuse):
    error = refuse("step,loss\n1,2,3\n2,3,4\n3,4,5\n")
    assert error.code == "CF-IO-007" and error.where.endswith(":1")
    assert "2 names" in error.what and "3 fields" in error.what


def test_F15_one_row_with_extra_or_missing_fields(log):
    curve, p = loss(log("step,loss\n1,3\n2,2.5,9\n3\n4,2\n5,1.5\n"))
    np.testing.assert_array_equal(curve.x, [1, 4, 5])
    assert p.rows_dropped == {"wrong field count": 2} and p.rows_in == 5
    assert any("line 3, 4" in n for n in p.notes)


def test_F16_unclosed_quote(refuse):
    rows = "".join(f"{i},{i / 7}\n" for i in range(300))
    error = refuse('step,loss\n1,"2.5\n' + rows)
    assert error.code == "CF-IO-016" and error.where.endswith(":2")
    error = refuse('step,loss\n1,2.5\n2,"2.0\n3,1.5\n')
    assert error.code == "CF-IO-016" and error.where.endswith(":3")


def test_F16_a_closed_quote_may_span_lines(log):
    curve, _ = loss(log('step,loss,note\n1,2.5,"a\nb"\n2,2.0,""\n3,1.5,"say ""x"""\n4,1,z\n'))
    np.testing.assert_array_equal(curve.x, [1, 2, 3, 4])


def test_F17_duplicate_column_names(refuse, log):
    text = "step,loss,loss\n1,3,4\n2,2,5\n"
    error = refuse(text)
    assert error.code == "CF-IO-005" and "loss#1" in error.hint
    (run,) = cf.read(log(text), metric="loss#2")
    np.testing.assert_array_equal(run["loss#2"].y, [4, 5])


def test_F18_text_in_a_column_of_numbers(log, refuse):
    curve, p = loss(log("step,loss\n1,3\n2,tensor(0.5)\n3,0.5 GB\n4,1e-3s\n5,2\n6,1.9\n7,1.8\n"))
    np.testing.assert_array_equal(curve.x, [1, 5, 6, 7])
    assert p.points_dropped == {"not a number": 3} and p.rows_dropped == {"without values": 3}
    assert curve.defects == {"not a number": 3}
    assert any("'tensor(0.5)' (line 3)" in n for n in p.notes)
    error = refuse("step,loss\n1,tensor(0.5)\n2,tensor(0.4)\n")
    assert error.code == "CF-IO-008" and "tensor(0.5)" in error.what


def test_F18_nothing_is_evaluated(log, tmp_path):
    canary = tmp_path / "canary"
    attack = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    (run,) = cf.read(log(f'step,loss,note\n1,3,"{attack}"\n2,"{attack}",x\n3,2,y\n4,1,z\n'))
    assert len(run["loss"]) == 3 and not canary.exists()


def test_F19_missing_and_not_finite_are_different(log):
    cells = ["1.0", "None", "N/A", "", "nan", "inf", "-Infinity", "NaN", "NULL", "2.0", "NA", "-inf"]
    text = "step,loss\n" + "".join(f"{i},{c}\n" for i, c in enumerate(cells))
    curve, p = loss(log(text))
    np.testing.assert_array_equal(curve.x, [0, 9])
    np.testing.assert_array_equal(curve.nonfinite_x, [4, 5, 6, 7, 11])
    np.testing.assert_array_equal(curve.nonfinite_y, [np.nan, np.inf, -np.inf, np.nan, -np.inf])
    assert p.points_in == p.points_kept == 7
    assert p.rows_dropped == {"without values": 5}


def test_F20_gzip(log):
    assert len(loss(log(gzip.compress(PLAIN.encode()), "log.csv.gz"))[0]) == 4
    two = gzip.compress(b"step,loss\n1,3\n") + gzip.compress(b"2,2\n")  # appended members
    np.testing.assert_array_equal(loss(log(two, "log.csv.gz"))[0].y, [3, 2])
    (run,) = cf.read(log(gzip.compress(b'{"step":1,"loss":2}\n{"step":2,"loss":1}\n'), "run7.jsonl.gz"))
    assert len(run["loss"]) == 2 and run.name == "run7"


def test_F21_truncated_gzip(log):
    rng = np.random.default_rng(0)
    text = "step,loss\n" + "".join(f"{i},{v!r}\n" for i, v in enumerate(rng.random(5000).tolist()))
    whole = gzip.compress(text.encode())
    curve, p = loss(log(whole[: len(whole) // 2], "log.csv.gz"))
    assert 1000 < len(curve) < 4000
    assert any("gzip stream is cut" in n for n in p.notes)
    assert p.rows_in == len(curve) + sum(p.rows_dropped.values())
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    curve, p = loss(log(bytes(broken), "log.csv.gz"))
    assert len(curve) > 1000


def test_F21_a_gzip_stream_broken_from_the_start(refuse):
    assert refuse(b"\x1f\x8b\x08\x00" + b"\xff" * 64, "log.csv.gz").code == "CF-IO-013"


def test_F22_decompression_bomb(refuse):
    bomb = gzip.compress(b"step,loss\n" + b"1,1\n" * 8_000_000, 9)
    error = refuse(bomb, "log.csv.gz")
    assert isinstance(error, LimitError) and "bomb" in error.what
    error = refuse(gzip.compress(PLAIN.encode() * 100), "log.csv.gz", max_bytes=1000)
    assert isinstance(error, LimitError) and "max_bytes" in error.hint


def test_F23_archives_are_never_extracted(refuse, tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("../../outside.csv", PLAIN)
        z.writestr("/absolute.csv", PLAIN)
    before = set(tmp_path.rglob("*"))
    error = refuse(out.getvalue(), "log.csv")
    assert error.code == "CF-IO-013" and "never extracted" in error.what
    assert set(tmp_path.rglob("*")) - before == {tmp_path / "log.csv"}


def test_F24_a_file_beyond_the_limit_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(PLAIN.encode())
        file.truncate(5 * 2**30)  # sparse
    with pytest.raises(LimitError, match="exceed the limit"):
        cf.read(path)


def test_F25_one_line_without_end(refuse):
    error = refuse(b"step,loss\n1,2\n2," + b"1" * 3_000_000)
    assert isinstance(error, LimitError) and error.where.endswith(":3")


def test_F25_a_regular_line_may_be_long_but_not_longer_than_the_limit(refuse):
    assert isinstance(refuse(b"step,loss\n" + b"1,2\n" * 30_000 + b"2," + b"1" * 1_100_000 + b"\n"), LimitError)


def test_F26_rows_appended_while_reading_are_not_seen(log, monkeypatch):
    path = log(PLAIN)
    original = reading._dispatch

    def append_first(source):
        with path.open("a") as file:
            file.write("5,1.4\n")
        return original(source)

    monkeypatch.setattr(reading, "_dispatch", append_first)
    assert len(loss(path)[0]) == 4
    monkeypatch.undo()
    assert len(loss(path)[0]) == 5


def test_F27_a_file_replaced_while_reading_is_read_again(log, monkeypatch, tmp_path):
    path = log(PLAIN)
    original = reading._dispatch
    calls = []

    def replace_once(source):
        calls.append(1)
        if len(calls) == 1:
            other = tmp_path / "other"
            other.write_text("step,loss\n1,9\n2,8\n")
            other.replace(path)
        return original(source)

    monkeypatch.setattr(reading, "_dispatch", replace_once)
    curve, p = loss(path)
    np.testing.assert_array_equal(curve.y, [9, 8])
    assert any("changed while it was read" in n for n in p.notes)


def test_F27_a_file_that_keeps_changing_is_refused(log, monkeypatch):
    path = log(PLAIN * 50)
    original = reading._dispatch

    def shrink(source):
        os.truncate(path, source.size - 10)
        return original(source)

    monkeypatch.setattr(reading, "_dispatch", shrink)
    with pytest.raises(ReadError, match="while it was read") as caught:
        cf.read(path)
    assert caught.value.code == "CF-IO-011"


def test_F28_a_vanished_file_does_not_end_the_batch(log, tmp_path, monkeypatch):
    log(PLAIN, "a.csv")
    gone = log(PLAIN, "b.csv")
    log(PLAIN, "c.csv")
    outcomes = []
    for name, outcome in reading.read_each(tmp_path):
        gone.unlink(missing_ok=True)
        outcomes.append((Path(name).name, outcome))
    assert [n for n, _ in outcomes] == ["a.csv", "b.csv", "c.csv"]
    assert isinstance(outcomes[1][1], ReadError) and outcomes[1][1].code == "CF-IO-GONE"
    assert len(outcomes[2][1]) == 1


def test_F29_permission_denied(log, tmp_path, monkeypatch):
    closed = log(PLAIN, "closed.csv")
    log(PLAIN, "open.csv")
    (tmp_path / "shut").mkdir()
    real_open, real_scan = os.open, os.scandir

    def deny_open(path, *args, **kwargs):
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied")
        return real_open(path, *args, **kwargs)

    def deny_scan(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real_scan(path)

    monkeypatch.setattr(os, "open", deny_open)
    monkeypatch.setattr(os, "scandir", deny_scan)
    result = read_all(tmp_path)
    assert len(result.runs) == 1
    assert sorted(f.error.code for f in result.failures) == ["CF-IO-010", "CF-IO-010"]


def test_a_disk_that_fails_on_the_way_ends_that_file_only(log, tmp_path, monkeypatch):
    log(PLAIN, "a.csv")
    sick = log(PLAIN, "b.csv")
    log(PLAIN, "c.csv")
    real = Source._raw

    def fail(self, start, count):
        if self.path == str(sick):
            raise OSError(errno.EIO, "Input/output error")
        return real(self, start, count)

    monkeypatch.setattr(Source, "_raw", fail)
    result = read_all(tmp_path)
    assert [r.name for r in result.runs] == ["a", "c"]
    assert [(f.error.code, f.error.what) for f in result.failures] == [
        ("CF-IO-010", "cannot be read: Input/output error")
    ]
    with pytest.raises(ReadError, match="Input/output error"):
        cf.read(sick)


def test_F30_only_regular_files_are_opened(tmp_path):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    done = threading.Event()

    def attempt():
        with pytest.raises(ReadError, match="named pipe"):
            cf.read(fifo)
        done.set()

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    assert done.wait(5), "reading a pipe blocked"
    with pytest.raises(ReadError, match="device"):
        cf.read("/dev/zero")
    place = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.bind(str(place))
        except OSError:
            pytest.skip("the path is too long for a socket here")
        with pytest.raises(ReadError, match="socket"):
            cf.read(place)
    assert read_all(tmp_path).skipped.counts["not a regular file"] == 2


def test_F30_a_dash_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PLAIN.encode())))
    curve, p = loss("-")
    assert len(curve) == 4 and p.path == "<stdin>"


def test_F30_an_empty_folder_has_no_log(tmp_path):
    with pytest.raises(ReadError, match="no log in this folder"):
        cf.read(tmp_path)


def test_F31_links_in_a_folder_are_not_followed(log, tmp_path):
    (tmp_path / "runs").mkdir()
    outside = log(PLAIN, "outside.csv")
    log(PLAIN, "runs/a.csv")
    (tmp_path / "runs" / "self").symlink_to(tmp_path / "runs")
    (tmp_path / "runs" / "link.csv").symlink_to(outside)
    result = read_all(tmp_path / "runs")
    assert [r.name for r in result.runs] == ["a"] and not result.failures
    assert result.skipped.counts == {"symbolic link": 2}
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    with pytest.raises(ReadError, match="circle"):
        cf.read(circle)
    assert len(cf.read(tmp_path / "runs" / "link.csv")) == 1  # named by the caller: read


def test_F32_a_large_folder_gives_its_first_run_at_once(tmp_path, monkeypatch):
    for i in range(500):
        (tmp_path / f"{i:05d}.csv").write_text(PLAIN)
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda p, *a, **k: opened.append(p) or real(p, *a, **k))
    stream = reading.read_each(tmp_path)
    name, runs = next(stream)
    assert name.endswith("00000.csv") and len(runs) == 1
    assert len(opened) == 1, "nothing is read ahead"


@pytest.mark.parametrize(
    "name", ["a\nb.csv", "a\x1b[31m.csv", "\U0001f600.csv", "-x.csv", "x" * 250 + ".csv", b"\xff\xfe.csv"]
)
def test_F33_strange_names(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(PLAIN.encode())
    for given in (path, tmp_path):
        (run,) = cf.read(given)
        for text in (run.name, run.provenance.path):
            assert text.isprintable() and text.encode("utf-8")
    path.write_bytes(b"")
    with pytest.raises(ReadError) as caught:
        cf.read(path)
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)


PICKLES = {
    "model.pkl": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix",
    "optimizer.pt": b"PK\x03\x04" + b"\0" * 26 + b"archive/data.pkl",
    "sneaky.csv": b"\x80\x02cposix\nsystem\n",
    "old.pkl": b"cposix\nsystem\n(S'touch canary'\ntR.",
    "forest.joblib": b"\x80\x03csklearn",
    "objects.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
}


@pytest.mark.parametrize("name", PICKLES)
@pytest.mark.parametrize("format", [None, "csv", "json"])
def test_F34_pickle_based_files_are_refused_by_policy(refuse, name, format):
    error = refuse(PICKLES[name], name, format=format)
    assert error.code == "CF-IO-012" and "policy" in error.hint


def test_F34_in_a_folder_they_are_passed_over(log, tmp_path):
    log(PLAIN, "a.csv")
    for name, content in PICKLES.items():
        log(content, name)
    result = read_all(tmp_path)
    assert len(result.runs) == 1 and not result.failures and len(result.skipped) == len(PICKLES)


def test_F35_content_decides_the_format(log, tmp_path):
    from curvefit.readers.parquet import write_parquet

    curve, p = loss(log(PLAIN, "x.parquet"))
    assert len(curve) == 4 and p.reader == "csv_table" and any("named like parquet" in n for n in p.notes)
    write_parquet(cf.read(log(PLAIN)), tmp_path / "y.csv")
    curve, p = loss(tmp_path / "y.csv")
    assert len(curve) == 4 and p.reader == "parquet"


def test_F35_a_format_that_was_asked_for_wins(refuse, log):
    assert refuse(PLAIN, format="json").code == "CF-IO-014"
    with pytest.raises(cf.curves.UsageError, match="csv_table"):
        cf.read(log(PLAIN), format="csv_tabel")


def test_F36_broken_parquet(log, refuse, tmp_path):
    from curvefit.readers.parquet import write_parquet

    rng = np.random.default_rng(1)
    run = cf.Run("r", {"loss": cf.Curve(np.arange(500.0), rng.random(500), "loss")})
    write_parquet(run, tmp_path / "good.parquet")
    good = (tmp_path / "good.parquet").read_bytes()
    for bad in (good[:-8], good[:100], b"PAR1", good[: len(good) // 2] + good[-200:]):
        assert refuse(bad, "bad.parquet").code == "CF-IO-015"
    flipped = bytearray(good)
    flipped[good.index(b"r") + 2000] ^= 0x10
    assert refuse(bytes(flipped), "bad.parquet").code == "CF-IO-015"  # found by the page checksum


def test_F37_types_of_parquet_columns(tmp_path, log):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    from decimal import Decimal

    n = 4
    path = tmp_path / "t.parquet"
    table = pa.table(
        {
            "step": pa.array(range(n), pa.uint16()),
            "loss": pa.array([Decimal("2.5"), Decimal("2.0"), None, Decimal("1.5")], pa.decimal128(10, 4)),
            "half": np.arange(n, dtype=np.float16),
            "name": pa.array(["a", "a", "b", "b"]).dictionary_encode(),
            "list": [[1.0]] * n,
            "struct": [{"a": 1}] * n,
            "flag": [True, False, None, True],
        }
    )
    pq.write_table(table, path)
    (run,) = cf.read(path)
    np.testing.assert_array_equal(run["loss"].y, [2.5, 2.0, 1.5])
    np.testing.assert_array_equal(run["half"].y, [0, 1, 2, 3])
    assert sum("is not read" in note for note in run.provenance.notes) == 2
    assert run.provenance.points_dropped == {"boolean": 3}
    pq.write_table(pa.table({"run_id": ["a"], "metric": ["loss"], "x": [1.0], "y": [[2.0]]}), path)
    with pytest.raises(ReadError, match="list<"):
        cf.read(path)


def test_F37_an_extension_type_is_not_loaded(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    field = pa.field(
        "loss",
        pa.binary(),
        metadata={b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": b"\x80\x04."},
    )
    schema = pa.schema([pa.field("step", pa.int64()), field])
    pq.write_table(pa.table([pa.array([1, 2]), pa.array([b"x", b"y"])], schema=schema), tmp_path / "e.parquet")
    with pytest.raises(ReadError, match=r"not read|no metric"):
        cf.read(tmp_path / "e.parquet")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("conf.yaml", b"!!python/object/apply:os.system ['touch canary']\n", "YAML"),
        ("sheet.xlsx", b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "Excel"),
        ("run.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "XML"),
        ("events.out.tfevents.1", b"nothing of the kind", "TensorBoard"),
        ("files.zip", b"PK\x03\x04" + b"\0" * 22 + b"\x07\0\0\0" + b"log.csv", "zip archive"),
        ("weights.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("train.log", b"Epoch 1: training loss was about 2.3 today\nEpoch 2: fine\n", "console log"),
        ("noise.csv", bytes(range(256)) * 8, "binary"),
        ("letter.txt", b"Dear reader,\nthere is nothing here.\n", "no table"),
    ],
)
def test_F38_F39_F40_formats_that_are_not_read_are_named(refuse, name, content, says):
    error = refuse(content, name)
    assert says.lower() in error.what.lower(), error
    assert error.code in ("CF-IO-003", "CF-IO-013")


def test_the_input_is_never_changed(log, tmp_path):
    path = log(PLAIN)
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
    cf.read(path)
    cf.read(tmp_path)
    assert before == (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir()))


@pytest.mark.parametrize("name", ["runs.tar", "runs.csv", "runs.tar.gz"])
def test_a_tar_archive_is_no_table_whatever_it_holds(refuse, name):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(PLAIN)
        archive.addfile(member, io.BytesIO(PLAIN.encode()))
    data = out.getvalue()
    error = refuse(gzip.compress(data) if name.endswith(".gz") else data, name)
    assert error.code == "CF-IO-013" and "tar archive" in error.what
