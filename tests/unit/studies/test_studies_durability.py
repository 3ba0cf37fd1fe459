"""Whatever kills a batch: no torn file is read, nothing that was acknowledged is lost, nothing finished is done again."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import curvefit as cf
from curvefit.commands._main import run as command
from curvefit.curves import CurvefitError, _whole
from curvefit.curves._whole import write_whole
from curvefit.studies import _unit
from curvefit.studies._durable import locked

sys.path.insert(0, str(Path(__file__).parent))
from studies_helpers import QUICK, SpyOs, ended, files, forked, leftovers, small_store, stored, torn


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return small_store(tmp_path_factory.mktemp("data") / "store")


@pytest.fixture(scope="module")
def reference(store, tmp_path_factory):
    out = tmp_path_factory.mktemp("reference") / "out"
    cf.batch(store, out, **QUICK)
    return files(out)


def child_batch(store, out, acknowledged=None, begun=None, prepare=lambda: None) -> int:
    """A child that runs the batch; finished units are told in one file, begun ones in another."""

    def body() -> int:
        write, answer = _unit.write_part, _unit.answer

        def told_write(folder, number, *rest):
            part = write(folder, number, *rest)
            note(acknowledged, number)
            return part

        def told_answer(runs, config, rows, number):
            note(begun, number)
            answer(runs, config, rows, number)

        _unit.write_part, _unit.answer = told_write, told_answer
        prepare()
        cf.batch(store, out, **QUICK)
        return 0

    return forked(body)


def note(file, number) -> None:
    if file is not None:
        with Path(file).open("a") as lines:
            lines.write(f"{number}\n")


def numbers(file) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def units_done(out) -> set[int]:
    return {part.number for part in cf.load_batch(out).parts} if (out / "batch.json").exists() else set()


def test_25_random_kills_lose_nothing(store, reference, tmp_path):
    out, rng = tmp_path / "out", np.random.default_rng(7)
    effective, partial, before = 0, 0, set()
    started = time.monotonic()
    cf.batch(store, tmp_path / "timed", **QUICK)
    whole = time.monotonic() - started
    for i in range(25):
        acknowledged, begun = tmp_path / f"ack{i}", tmp_path / f"begun{i}"
        child = child_batch(store, out, acknowledged, begun)
        time.sleep(0.5 * whole * float(rng.uniform()) ** 2)
        os.kill(child, signal.SIGKILL)
        effective += ended(child) == -signal.SIGKILL
        done = units_done(out)
        assert torn(out) == []  # what stands under its name is whole
        assert set(numbers(acknowledged)) <= done  # what was acknowledged is there
        assert not set(numbers(begun)) & before  # what was there is not done again
        assert before <= done
        stored(out)  # no run twice
        partial += 0 < len(done) < 12
        before = done
    final = cf.batch(store, out, **QUICK)
    assert final.complete
    assert files(out) == reference
    assert leftovers(out) == []
    assert partial >= 1
    assert effective >= 8


POINTS = (
    "before open",
    "after open",
    "mid write",
    "before fsync",
    "after fsync",
    "after replace",
    "after dirsync",
    "after ack",
)


def killing(point: str, nth: int, folder: str):
    """Calls that end the process at a point of writing the n-th file of a folder."""
    state = {"file": 0, "handle": None, "dir": None, "armed": False}

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def tell(when: str, name: str, args: tuple) -> None:
        if name == "open" and ".tmp-" in str(args[0]) and f"/{folder}/" in str(args[0]):
            if when == "before":
                state["file"] += 1
                state["armed"] = state["file"] == nth
                if state["armed"] and point == "before open":
                    die()
            else:
                state["handle"] = args[-1]
                if state["armed"] and point == "after open":
                    die()
        elif name == "open" and when == "after":
            state["dir"] = args[-1]
        if not state["armed"]:
            return
        if name == "write" and when == "before" and point == "mid write":
            os.write(args[0], bytes(args[1])[: len(args[1]) // 2])
            die()
        if name == "fsync" and args[0] == state["handle"] and point == f"{when} fsync":
            die()
        if name == "replace" and when == "after":
            if point == "after replace":
                die()
            state["handle"] = None
        if name == "fsync" and args[0] == state["dir"] and when == "after" and point == "after dirsync":
            die()

    return tell


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("folder", ["forecasts", "done"])
def test_death_at_every_point_of_writing(store, reference, tmp_path, point, folder):
    out, acknowledged = tmp_path / "out", tmp_path / "ack"

    def prepare() -> None:
        if point == "after ack":
            told = _unit.write_part

            def last(*args):
                told(*args)
                if len(numbers(acknowledged)) == 3:
                    os.kill(os.getpid(), signal.SIGKILL)

            _unit.write_part = last
        else:
            _whole.os = SpyOs(killing(point, 3, folder))

    child = child_batch(store, out, acknowledged, prepare=prepare)
    assert ended(child) == -signal.SIGKILL
    assert torn(out) == []
    assert set(numbers(acknowledged)) <= units_done(out)
    assert len(units_done(out)) in (2, 3)
    cf.batch(store, out, **QUICK)
    assert files(out) == reference
    assert leftovers(out) == []


@pytest.mark.parametrize("point", ["after open", "mid write"])
def test_a_naive_writer_is_caught(store, tmp_path, point):
    """Negative control: a writer that opens the final name leaves a torn file there."""
    out = tmp_path / "out"

    def prepare() -> None:
        from curvefit.studies import parts

        def naive(target: Path, content: bytes) -> None:
            with target.open("wb") as file:
                if target.parent.name == "forecasts" and "00002" in target.name:
                    if point == "mid write":
                        file.write(content[: len(content) // 2])
                        file.flush()
                    os.kill(os.getpid(), signal.SIGKILL)
                file.write(content)

        parts.write_whole = naive

    assert ended(child_batch(store, out, prepare=prepare)) == -signal.SIGKILL
    assert torn(out) == ["forecasts/part-00002.parquet"]
    assert units_done(out) == {0, 1}  # even so it is not read


# ------------------------------------------------------------------ what survives a power cut


def order_of_calls(store, out, monkeypatch, instead=None) -> list[str]:
    """Calls of the system while a batch writes, with the name of the file each is about."""
    names: dict[int, str] = {}
    calls: list[str] = []

    def tell(when: str, name: str, args: tuple) -> None:
        if when == "before" and name != "open":
            about = names.get(args[0], str(args[0])) if name in ("write", "fsync") else f"{args[0]} {args[1]}"
            calls.append(f"{name} {about}")
        elif when == "after" and name == "open":
            names[args[-1]] = str(args[0])

    monkeypatch.setattr(_whole, "os", SpyOs(tell, instead))
    write = _unit.write_part
    monkeypatch.setattr(_unit, "write_part", lambda *a: [write(*a), calls.append("acknowledged")][0])
    cf.batch(store, out, **QUICK)
    return calls


def wrong_order(calls: list[str], out: Path) -> list[str]:
    """What is missing between the first byte of a unit and its acknowledgment."""
    trouble = []
    unit: list[str] = []
    for call in calls:
        unit.append(call)
        if call != "acknowledged":
            continue
        places = []
        for table in ("forecasts", "runs", "done"):
            replaced = [i for i, c in enumerate(unit) if c.startswith("replace ") and f"/{table}/" in c]
            if len(replaced) != 1:
                trouble.append(f"{table}: {len(replaced)} renames")
                continue
            part = unit[replaced[0]].split()[1]
            steps = [f"write {part}", f"fsync {part}", unit[replaced[0]], f"fsync {out / table}"]
            at = [unit.index(step) if step in unit else -1 for step in steps]
            if at != sorted(at) or -1 in at:
                trouble.append(f"{table}: {dict(zip(steps, at, strict=True))}")
            places.append(at)
        if len(places) == 3 and not max(*places[0], *places[1]) < min(places[2]):
            trouble.append("the record, which makes the tables count, is not last")
        unit = []
    return trouble


def test_bytes_are_flushed_before_the_rename_and_the_folder_after(store, tmp_path, monkeypatch):
    out = tmp_path / "out"
    calls = order_of_calls(store, out, monkeypatch)
    assert calls.count("acknowledged") == 12
    assert wrong_order(calls, out) == []


def test_the_order_check_misses_no_flush(store, tmp_path, monkeypatch):
    """Negative control: a writer that does not flush is found."""
    out = tmp_path / "out"
    calls = [c for c in order_of_calls(store, out, monkeypatch) if not (c.startswith("fsync") and ".tmp-" in c)]
    assert sum(": -1" in trouble for trouble in wrong_order(calls, out)) == 36


# ------------------------------------------------------------------ disk full, Ctrl-C, two writers


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
@pytest.mark.parametrize("nth", [2, 5])
def test_a_full_disk_ends_the_batch_and_leaves_what_was_done(store, reference, tmp_path, monkeypatch, failing, nth):
    out = tmp_path / "out"
    count = {"n": 0}

    def full(*args):
        count["n"] += 1
        if count["n"] > nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return getattr(os, failing)(*args)

    with monkeypatch.context() as patch:
        patch.setattr(_whole, "os", SpyOs(lambda *a: None, {failing: full}))
        with pytest.raises(CurvefitError) as found:
            cf.batch(store, out, **QUICK)
    assert found.value.code == "CF-IO-NOSPC"
    assert leftovers(out) == []
    assert torn(out) == []
    before = stored(out)
    cf.batch(store, out, **QUICK)
    assert before < stored(out)
    assert files(out) == reference


def test_a_limit_on_file_size_is_a_full_disk(store, tmp_path, capfd):
    out = tmp_path / "out"

    def body() -> int:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        return command(
            ["batch", str(store), "-o", str(out), "--engine", "serial", "--models", "none", "--only", "forecasts"]
        )

    assert ended(forked(body)) == 4
    told = capfd.readouterr().err
    assert "CF-IO-NOSPC" in told and "\nhint: what was finished" in told
    assert leftovers(out) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_batch_is_valid_and_goes_on(store, reference, tmp_path, number, capfd):
    out = tmp_path / "out"

    def body() -> int:
        answer = _unit.answer

        def slow(*args):
            time.sleep(0.05)
            answer(*args)

        _unit.answer = slow
        return command(
            [
                "batch",
                str(store),
                "-o",
                str(out),
                "--engine",
                "serial",
                "--models",
                "none",
                "--only",
                "forecasts",
                "--horizon",
                "2x",
            ]
        )

    child = forked(body)
    waited = time.monotonic() + 30
    while len(list((out / "done").glob("part-*"))) < 2 and time.monotonic() < waited:
        time.sleep(0.01)
    os.kill(child, number)
    assert ended(child) == 130
    told = capfd.readouterr()
    assert "interrupted" in told.err
    assert "curves: " in told.out
    assert 0 < len(stored(out)) < 24
    assert not cf.load_batch(out).complete
    assert leftovers(out) == []
    cf.batch(store, out, **QUICK)
    assert files(out) == reference


def test_a_second_writer_is_refused_and_the_first_goes_on(store, tmp_path, capfd):
    out = tmp_path / "out"
    out.mkdir()
    with locked(out):
        left = out / ".tmp-1-part-00000.parquet"
        left.write_bytes(b"of the first")
        with pytest.raises(cf.CurvefitError, match=f"locked by process {os.getpid()}") as found:
            cf.batch(store, out, **QUICK)
        assert found.value.code == "CF-OUT-002"
        assert command(["batch", str(store), "-o", str(out), "--engine", "serial"]) == 2
        assert left.exists()  # the loser removes nothing
    assert cf.batch(store, out, **QUICK).complete
    assert not left.exists()


def test_the_lock_of_a_killed_writer_is_free(store, tmp_path):
    out = tmp_path / "out"
    out.mkdir()

    def body() -> int:
        with locked(out):
            (tmp_path / "held").touch()
            time.sleep(60)
        return 0

    child = forked(body)
    waited = time.monotonic() + 30
    while not (tmp_path / "held").exists() and time.monotonic() < waited:
        time.sleep(0.01)
    with pytest.raises(cf.CurvefitError, match="locked by"):
        cf.batch(store, out, **QUICK)
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    assert cf.batch(store, out, **QUICK).complete


def test_where_there_are_no_locks_a_file_stands_in(tmp_path, monkeypatch):
    import fcntl

    def none(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    with locked(tmp_path):
        assert (tmp_path / ".lock-owner").exists()
        with pytest.raises(cf.CurvefitError, match="locked by"), locked(tmp_path):
            pass
    assert not (tmp_path / ".lock-owner").exists()
    child = forked(lambda: 0)
    ended(child)
    import json
    import socket

    (tmp_path / ".lock-owner").write_text(json.dumps({"pid": child, "host": socket.gethostname()}))
    with locked(tmp_path):  # its process is gone
        pass
    (tmp_path / ".lock-owner").write_text(json.dumps({"pid": child, "host": "elsewhere"}))
    with pytest.raises(cf.CurvefitError, match="elsewhere"), locked(tmp_path):
        pass


# ------------------------------------------------------------------ damage


@pytest.mark.parametrize("table", ["forecasts", "runs"])
@pytest.mark.parametrize("how", ["cut", "flipped", "gone"])
def test_a_damaged_part_is_set_aside_and_computed_again(store, reference, tmp_path, capfd, table, how):
    out = tmp_path / "out"
    cf.batch(store, out, **QUICK)
    file = out / table / "part-00003.parquet"
    content = bytearray(file.read_bytes())
    if how == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        content[200] ^= 1
        file.write_bytes(content)
    else:
        file.unlink()
    cf.batch(store, out, **QUICK)
    found = {k: v for k, v in files(out).items() if not k.endswith(".corrupt")}
    assert found == reference
    said = capfd.readouterr().err
    assert (f"{table}/part-00003.parquet is damaged" in said) == (how != "gone")


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    target = tmp_path / "target"
    target.symlink_to(elsewhere)
    write_whole(target, b"new")
    assert elsewhere.read_bytes() == b"mine"
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()
