"""Logs that grow: read on from where they were, whatever the writer does."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from event_files import event, simple
from event_files import record as event_record

import curvefit as cf
from curvefit.curves import CurvefitError, UsageError
from curvefit.readers import Options, registry
from curvefit.readers._follow import Follower
from curvefit.readers._tail import Tail
from curvefit.readers.wandb import MAGIC

N = 3000
RNG = np.random.default_rng(5)
LOSS = 2 + 3 / np.sqrt(np.arange(1, N + 1)) + 0.01 * RNG.standard_normal(N)
ROWS = [(i, LOSS[i - 1]) for i in range(1, N + 1)]


def texts() -> dict[str, tuple[str, bytes]]:
    csv = "step,train_loss,note\n" + "".join(f'{i},{v:.6f},"a, b"\n' for i, v in ROWS)
    resumed = csv + "step,train_loss,note\n" + "".join(f"{i},{v / 2:.6f},x\r\n" for i, v in ROWS[N // 2 :])
    lines = "".join(json.dumps({"step": i, "loss": round(v, 6)}) + "\n" for i, v in ROWS)
    nano = "".join(f"iter {i}: loss {v:.4f}, time 80.0ms, mfu 40.0%\n" for i, v in ROWS)
    own = "".join(f"[I] it={i} L={v:.4f}; ok\n" for i, v in ROWS)
    events = event_record(b"\x09" + b"\0" * 8 + b"\x1a\x0dbrain.Event:2")
    events += b"".join(event(i, 1.7e9 + i, simple("loss", float(v))) for i, v in ROWS)
    return {
        "csv": ("log.csv", csv.encode()),
        "resumed": ("log.csv", b"\xef\xbb\xbf" + resumed.encode()),
        "json_lines": ("log.jsonl", lines.encode()),
        "nanoGPT": ("train.log", nano.encode()),
        "pattern": ("own.log", own.encode()),
        "events": ("events.out.tfevents.1.a", events),
    }


OPTIONS = {"pattern": Options(pattern=r"it=(?P<step>\d+) L=(?P<loss>[\d.]+)")}
CASES = texts()


def same(ours: list[cf.Run], theirs: list[cf.Run]) -> bool:
    return [(r.name, dict(r.curves), r.horizon) for r in ours] == [(r.name, dict(r.curves), r.horizon) for r in theirs]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [1, 2])
def test_however_a_file_grows_its_runs_are_those_of_the_whole_file(tmp_path, case, seed):
    name, data = CASES[case]
    path, options = tmp_path / name, OPTIONS.get(case, Options())
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, len(data), 9))
    follower = Follower(path, options)
    path.write_bytes(b"")
    asked = 0
    for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        with path.open("ab") as file:
            file.write(data[begin:end])
        changed = follower.poll()
        assert changed == (end > begin)
        if end > 200 and rng.random() < 0.6:
            assert follower.runs()
            asked += 1
    whole = cf.read(path, pattern=options.pattern)
    assert asked and same(follower.runs(), whole)
    assert not follower.poll() and follower.restarts == 0


@pytest.mark.parametrize("case", CASES)
def test_a_poll_reads_the_new_bytes_and_nothing_else(tmp_path, case, monkeypatch):
    name, data = CASES[case]
    path = tmp_path / name
    half = len(data) // 2
    path.write_bytes(data[:half])
    follower = Follower(path, OPTIONS.get(case, Options()))
    assert follower.poll() and follower.bytes_read == half and follower.runs()
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda p, *rest: opened.append(p) or real(p, *rest))
    for _ in range(5):
        assert not follower.poll()
    assert not opened and follower.bytes_read == half, "nothing new: the file is not even opened"
    monkeypatch.undo()
    before = bytes_of_this_process()
    count, at = 0, half
    while at < len(data):
        with path.open("ab") as file:
            file.write(data[at : at + 1000])
        at, count = at + 1000, count + 1
        assert follower.poll()
    read = bytes_of_this_process() - before
    assert follower.bytes_read <= len(data) + 64 * count
    share = 4 if case == "pattern" else 1  # the answers of the process that matches the lines come through a pipe
    assert read <= share * (len(data) - half) + 64 * count + 50_000, "what the kernel counted"
    assert same(follower.runs(), cf.read(path, pattern=OPTIONS.get(case, Options()).pattern))


def bytes_of_this_process() -> int:
    """Bytes that this process has read, as the kernel counts them."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))


def test_a_wandb_log_grows_block_by_block(tmp_path):
    import zlib
    from struct import pack

    def part(number: int, content: bytes) -> bytes:
        key, size = number << 3 | 2, len(content)
        head = bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])
        return head + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + content

    out = bytearray(MAGIC)
    for i, v in ROWS:
        items = part(1, part(2, b"loss") + part(16, repr(float(v)).encode())) + part(
            1, part(2, b"_step") + part(16, b"%d" % i)
        )
        content, first = part(2, items), True
        while first or content:
            left = 32768 - len(out) % 32768
            if left < 7:
                out += bytes(left)
                left = 32768
            piece, content = content[: left - 7], content[left - 7 :]
            kind = (1 if first else 4) if not content else (2 if first else 3)
            out += pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
            first = False
    path = tmp_path / "run-1.wandb"
    follower = Follower(path, Options())
    at = 0
    for size in [10, 1, 5000, 30000, 70000, len(out)]:
        with path.open("ab") as file:
            file.write(out[at : at + size])
        at += size
        follower.poll()
        if at > 20:
            follower.runs()
    assert same(follower.runs(), cf.read(path))
    assert len(follower.runs()[0]["loss"]) == N and follower.bytes_read <= len(out) + 64 * 6


# ------------------------------------------------------------------ what writers do


@pytest.mark.parametrize("case", ["csv", "json_lines", "events"])
@pytest.mark.parametrize("how", ["truncated", "replaced", "written anew"])
def test_a_file_that_is_another_now_is_read_from_its_beginning(tmp_path, case, how):
    name, data = CASES[case]
    path = tmp_path / name
    path.write_bytes(data)
    follower = Follower(path, Options())
    follower.poll()
    follower.runs()
    shorter = CASES[case][1][: len(data) // 3]
    if how == "replaced":
        (tmp_path / "new").write_bytes(shorter)
        (tmp_path / "new").replace(path)
    elif how == "truncated":
        path.write_bytes(shorter)
    else:
        path.write_bytes(data[:30] + data[:30][::-1] + data)  # longer than before, and other bytes
    assert follower.poll() and follower.restarts == 1
    if how != "written anew":
        assert same(follower.runs(), cf.read(path))
    else:
        assert follower.bytes_read >= 2 * len(data)


def test_a_file_that_is_cut_to_nothing_keeps_what_was_known_until_it_is_written_again(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,3\n2,2\n")
    follower = Follower(path, Options())
    follower.poll()
    assert len(follower.runs()[0]["loss"]) == 2
    path.write_bytes(b"")
    assert follower.poll()
    assert len(follower.runs()[0]["loss"]) == 2 and follower.troubles()
    path.write_text("step,loss\n1,30\n2,20\n3,10\n")
    assert follower.poll() and follower.runs()[0]["loss"].y.tolist() == [30, 20, 10] and not follower.troubles()


def test_a_row_is_waited_for_until_its_line_end(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,3\n2,2\n3,1.2")
    follower = Follower(path, Options())
    follower.poll()
    assert follower.runs()[0]["loss"].y.tolist() == [3, 2]
    with path.open("a") as file:
        file.write("5\n")
    assert follower.poll() and follower.runs()[0]["loss"].y.tolist() == [3, 2, 1.25]


def test_a_second_run_appears_in_the_folder_and_one_goes(tmp_path):
    (tmp_path / "a.csv").write_text("step,loss\n1,3\n2,2\n")
    (tmp_path / "notes.md").write_text("nothing\n")
    follower = Follower(tmp_path, Options())
    assert follower.poll() and [r.name for r in follower.runs()] == ["a"]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "events.out.tfevents.1.x").write_bytes(CASES["events"][1])
    assert follower.poll() and [r.name for r in follower.runs()] == ["a", "b"]
    (tmp_path / "b" / "events.out.tfevents.2.x").write_bytes(event(N + 1, 1.8e9, simple("loss", 1.0)))
    assert follower.poll() and len(follower.runs()[1]["loss"]) == N + 1, "the writer was restarted"
    (tmp_path / "a.csv").unlink()
    assert follower.poll() and [r.name for r in follower.runs()] == ["b"]
    assert same(follower.runs(), cf.read(tmp_path))


def test_what_is_written_as_a_whole_is_read_again_when_it_changed(tmp_path):
    path = tmp_path / "trainer_state.json"
    history = [{"loss": 3.0 / s, "step": s} for s in range(1, 9)]
    follower = Follower(path, Options())
    for count in (3, 8):
        path.write_text(json.dumps({"log_history": history[:count], "max_steps": 20, "global_step": count}))
        assert follower.poll() and not follower.poll()
        (run,) = follower.runs()
        assert len(run["loss"]) == count and run.horizon == 20


def test_a_folder_of_mlflow_is_read_on_metric_by_metric(tmp_path):
    run = tmp_path / "0" / ("0a" * 16)
    (run / "metrics" / "val").mkdir(parents=True)
    (run / "params").mkdir()
    (run / "params" / "max_steps").write_text("5000")
    (run / "meta.yaml").write_text("run_name: calm\nlifecycle_stage: active\n")
    follower = Follower(tmp_path, Options())
    for begin, end in ((0, 5), (5, 2000), (2000, 2001), (2001, N)):
        for name in ("loss", "val/loss"):
            with (run / "metrics" / name).open("a") as file:
                file.write("".join(f"{1_700_000_000_000 + i} {v:.6f} {i}\n" for i, v in ROWS[begin:end]))
        assert follower.poll() and same(follower.runs(), cf.read(tmp_path))
    (found,) = follower.runs()
    assert found.name == "calm" and len(found["val/loss"]) == N and found.horizon == 5000
    size = sum(p.stat().st_size for p in run.rglob("*") if p.is_file())
    assert follower.bytes_read <= size + 64 * 8 and follower.restarts == 0


def test_a_database_is_read_again_when_it_changed(tmp_path):
    path = tmp_path / "project.db"
    path.write_bytes(registry["sqlite"].example())
    follower = Follower(path, Options())
    follower.poll()
    points = sum(len(c) for r in follower.runs() for c in r.curves.values())
    with sqlite3.connect(path) as base:
        tables = [t for (t,) in base.execute("select name from sqlite_master where type='table'")]
    base.close()
    assert points and tables and same(follower.runs(), cf.read(path))


def test_files_that_are_no_logs_are_read_once(tmp_path):
    (tmp_path / "blob.bin").write_bytes(bytes(range(256)) * 2000)
    (tmp_path / "log.csv").write_text("step,loss\n1,3\n2,2\n")
    follower = Follower(tmp_path, Options())
    follower.poll()
    assert len(follower.runs()) == 1
    before = follower.bytes_read
    with (tmp_path / "blob.bin").open("ab") as file:
        file.write(b"\1" * 300_000)
    follower.poll()
    follower.runs()
    assert follower.bytes_read == before


def test_what_cannot_be_followed_says_so(tmp_path):
    with pytest.raises(UsageError, match="standard input"):
        Follower("-", Options())
    follower = Follower(tmp_path / "nothing.csv", Options())
    follower.poll()
    with pytest.raises(CurvefitError, match="no such file"):
        follower.runs()
    (tmp_path / "nothing.csv").write_text("step,loss\n1,3\n2,2\n")
    assert follower.poll() and len(follower.runs()) == 1


def test_a_disk_that_fails_on_the_way_is_waited_out(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n" + "".join(f"{i},{1 / i:.4f}\n" for i in range(1, 50)))
    follower = Follower(path, Options())
    follower.poll()
    assert len(follower.runs()[0]["loss"]) == 49
    with path.open("a") as file:
        file.write("50,0.0200\n")
    with monkeypatch.context() as patch:
        patch.setattr(Tail, "_same", lambda *_: (_ for _ in ()).throw(OSError(errno.ESTALE, "Stale file handle")))
        follower.poll()
        (run,) = follower.runs()
        assert len(run["loss"]) == 49
        assert [e.what for e in follower.troubles()] == ["cannot be read: Stale file handle"]
    follower.poll()
    assert len(follower.runs()[0]["loss"]) == 50
    assert not follower.troubles()


def test_a_file_that_comes_back_as_it_was_is_no_trouble_any_more(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n" + "".join(f"{i},{1 / i:.4f}\n" for i in range(1, 50)))
    follower = Follower(path, Options())
    follower.poll()
    follower.runs()
    away = path.rename(tmp_path / "away.csv")
    follower.poll()
    assert [e.code for e in follower.troubles()] == ["CF-IO-GONE"]
    away.rename(path)
    follower.poll()
    assert not follower.troubles()
    assert len(follower.runs()[0]["loss"]) == 49


@pytest.mark.parametrize("rows", [60, 9000])  # read at once, and piece by piece
def test_what_is_refused_stays_refused_however_the_file_goes_on(tmp_path, rows):
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n" + "".join(f"{i},{1 / i:.4f}\n" for i in range(1, rows)))
    follower = Follower(path, Options())
    follower.poll()
    assert len(follower.runs()[0]["loss"]) == rows - 1
    for addition in ("step,loss,loss\n1,2,3\n", "".join(f"{i},0.1\n" for i in range(rows, rows + 50))):
        with path.open("a") as file:
            file.write(addition)
        follower.poll()
        follower.runs()
        with pytest.raises(CurvefitError) as caught:
            cf.read(path)
        assert [e.code for e in follower.troubles()] == [caught.value.code]
        assert len(follower.runs()[0]["loss"]) == rows - 1  # those known before
