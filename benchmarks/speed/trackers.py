"""Readers of tracker logs: against the tracker's own reader where it is installed, and memory against the arrays."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np

from curvefit.readers._crc32c import masked_crc, masked_crcs

from ._timing import Row, environment, ratio

PEERS = os.environ.get("TRACKERS_PYTHON", sys.executable)  # an interpreter that has tensorboard and mlflow
TAGS = ("train/loss", "train/lr", "train/grad_norm", "val/loss", "val/accuracy")
OURS = """
import sys, time
import curvefit as cf
from curvefit.readers import registry
for name in registry.names(): registry[name]
def peak():
    with open("/proc/self/status") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("VmHWM")) / 1024
cf.read(sys.argv[1])
before, start = peak(), time.process_time()
(run,) = cf.read(sys.argv[2])
print(time.process_time() - start, peak() - before)
print(sum(a.nbytes for c in run.curves.values() for a in (c.x, c.y, c.segment, c.flags)) / 2**20)
print(sum(len(c) for n, c in run.curves.items() if n != "wall_time"))
"""
OURS_FOLDER = """
import sys, time
import curvefit as cf
cf.read(sys.argv[1])
start = time.process_time()
runs = cf.read(sys.argv[2])
print(time.process_time() - start)
"""
OURS_LISTING = """
import sys, time
from functools import partial
from curvefit.readers.read import gather
from curvefit.readers._walk import Skipped, Walk
next(iter(Walk(sys.argv[1], Skipped(), partial(gather, None))))
start = time.process_time()
n = sum(1 for _ in Walk(sys.argv[1], Skipped(), partial(gather, None)))
print(time.process_time() - start, n)
"""
OURS_JOBS = """
import sys, time
import curvefit as cf
if __name__ == "__main__":
    start, cpu = time.monotonic(), time.process_time()
    n = len(cf.read(sys.argv[1], jobs=int(sys.argv[2])))
    print(time.monotonic() - start, n, time.process_time() - cpu)
"""
OURS_POLLS = """
import os, sys, time
from curvefit.readers import Options
from curvefit.readers._follow import Follower
row = b"123456,2.345678,2.456789\\n"
took = {}
large = int(sys.argv[2]) * 1_000_000
for size in (500_000, large):
    path = os.path.join(sys.argv[1], f"log{size}.csv")
    with open(path, "wb") as file:
        file.write(b"step,train_loss,val_loss\\n" + row * (size // len(row)))
    follower = Follower(path, Options())
    follower.poll()
    before, grown, cpu = follower.bytes_read, 0, []
    for _ in range(200):
        with open(path, "ab") as file:
            grown += file.write(row * 40)
        start = time.process_time()
        assert follower.poll()
        cpu.append(time.process_time() - start)
    took[size] = sorted(cpu)[100]
    read = follower.bytes_read - before
start = time.process_time()
for _ in range(200):
    assert not follower.poll()
print(read / grown, took[large] / took[500_000], (time.process_time() - start) / 200)
"""
MLFLOW_MAKES = """
import sys
from mlflow.tracking import MlflowClient
client = MlflowClient(sys.argv[1])
experiment = client.create_experiment("e")
for _ in range(int(sys.argv[2])):
    client.create_run(experiment)
print(0)
"""
MLFLOW_READS = """
import sys, time
from mlflow.tracking import MlflowClient
client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("e").experiment_id
runs = [r.info.run_id for r in client.search_runs([experiment], max_results=1000)]
client.get_metric_history(runs[0], "none")
start = time.process_time()
n = sum(len(client.get_metric_history(r, k)) for r in runs for k in ("loss", "val_loss"))
print(time.process_time() - start, n)
"""
THEIRS = """
import sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
start = time.process_time()
log = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
log.Reload()
n = sum(len(log.Scalars(t)) for t in log.Tags()["scalars"])
print(time.process_time() - start, n)
"""


def varint(value: int) -> bytes:
    """A number of seven bits per byte."""
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def write_events(path: Path, n: int) -> None:
    """An event file with n scalars of five tags in turn."""
    values = np.random.default_rng(0).random(n).astype("<f4")
    heads = []
    for tag in TAGS:
        value = b"\x0a" + bytes([len(tag)]) + tag.encode() + b"\x15"
        heads.append(b"\x2a" + bytes([len(value) + 6]) + b"\x0a" + bytes([len(value) + 4]) + value)
    bodies = [struct.pack("<Bd", 9, 1.7e9) + b"\x1a\x0dbrain.Event:2"]
    for i in range(n):
        start = struct.pack("<Bd", 9, 1.7e9 + i / 100) + b"\x10" + varint(i // len(TAGS) + 1)
        bodies.append(start + heads[i % len(TAGS)] + values[i].tobytes())
    lengths = np.array([len(b) for b in bodies])
    data = np.frombuffer(b"head" + b"".join(bodies), np.uint8)
    sums = masked_crcs(data, 4 + np.r_[0, np.cumsum(lengths)[:-1]], lengths).astype("<u4")
    sizes = {n: struct.pack("<Q", n) for n in set(lengths.tolist())}
    with path.open("wb") as file:
        for body, crc in zip(bodies, sums, strict=True):
            size = sizes[len(body)]
            file.write(size + struct.pack("<I", masked_crc(size)) + body + crc.tobytes())


def write_wandb(path: Path, rows: int) -> int:
    """A .wandb file with ten metrics per row; the number of values."""

    def part(number: int, content: bytes) -> bytes:
        return varint(number << 3 | 2) + varint(len(content)) + content

    names = ["_step", "_runtime", "loss", "val.loss", *(f"layer{k}/norm" for k in range(6))]
    out = bytearray(b":W&B\xe1\xbe\x00")
    for i in range(rows):
        items = b"".join(
            part(1, part(2, n.encode()) + part(16, json.dumps(i / (k + 3)).encode())) for k, n in enumerate(names[1:])
        )
        items += part(1, part(2, b"_step") + part(16, b"%d" % i))
        content = part(2, items)
        first = True
        while first or content:
            left = 32768 - len(out) % 32768
            if left < 7:
                out += bytes(left)
                left = 32768
            piece, content = content[: left - 7], content[left - 7 :]
            kind = (1 if first else 4) if not content else (2 if first else 3)
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
            first = False
    path.write_bytes(out)
    return rows * len(names)


def ours(small: Path, path: Path) -> list[float]:
    """CPU seconds, MiB of growth, MiB of the arrays, points; in a fresh process that has read a small file before."""
    out = subprocess.run(
        [sys.executable, "-c", OURS, str(small), str(path)],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [float(v) for v in out.split()]


def peer(program: str, *arguments: str) -> list[float] | None:
    """What a tracker's own reader prints, None where the tracker is not installed."""
    done = subprocess.run(
        [PEERS, "-c", program, *arguments], env=environment(), capture_output=True, text=True, check=False
    )
    return [float(v) for v in done.stdout.split()[-2:]] if done.returncode == 0 and done.stdout.split() else None


def write_mlflow(path: Path, runs: int, steps: int) -> int:
    """A database that MLflow made, with runs of two metrics written past its client; the number of values, 0 without MLflow."""
    made = peer(MLFLOW_MAKES, f"sqlite:///{path}", str(runs))
    if made is None:
        return 0
    with closing(sqlite3.connect(path)) as database:
        ids = [i for (i,) in database.execute("SELECT run_uuid FROM runs")]
        rng = np.random.default_rng(0)
        rows = [
            (key, float(v), 1_700_000_000_000 + s, run, 0, s)
            for run in ids
            for key in ("loss", "val_loss")
            for s, v in enumerate(rng.random(steps).tolist())
        ]
        database.executemany(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, is_nan, step) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        database.commit()
    return len(rows)


def run(quick: bool) -> list[Row]:
    """CPU time in turns, so that a busy machine slows both; memory is always measured on the long file."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        return [
            *events(where, quick),
            *wandb(where, quick),
            *mlflow(where, quick),
            *folders(where, quick),
            *polls(where, quick),
        ]


def events(folder: Path, quick: bool) -> list[Row]:
    """Event files against TensorBoard's EventAccumulator, and memory against the arrays."""
    n = 200_000 if quick else 1_000_000
    rows = []
    small, short, long = (folder / f"events.out.tfevents.{k}" for k in range(3))
    write_events(small, 1000)
    write_events(long, 1_000_000)
    grown = [o[1] / o[2] for o in (ours(small, long) for _ in range(2))]
    growth = float(np.median(grown))
    rows.append(
        Row("event file, 1,000,000 scalars: memory over the arrays", f"{growth:.2f}", "<= 3", len(grown), growth / 3)
    )
    if quick:
        write_events(short, n)
    path = short if quick else long
    pairs = [(ours(small, path), peer(THEIRS, str(path))) for _ in range(2)]
    others = [(a, t) for a, t in pairs if t is not None]
    if others:
        assert all(a[3] == t[1] for a, t in others), "both read every scalar"
        times = 1 / ratio([a[0] for a, _ in others], [t[0] for _, t in others])
        what = f"event file, {n:,} scalars: CPU time of EventAccumulator over ours"
        rows.append(Row(what, f"{times:.1f}", ">= 8", len(others), 8 / times))
    for file in (small, short, long):
        file.unlink(missing_ok=True)
    return rows


def wandb(folder: Path, quick: bool) -> list[Row]:
    """.wandb files; wandb itself no longer has a reader for them."""
    log, little = folder / "run-1.wandb", folder / "run-0.wandb"
    write_wandb(little, 100)
    values = write_wandb(log, 10_000 if quick else 50_000)
    rate = float(np.median([values / ours(little, log)[0] for _ in range(3)]))
    return [Row(".wandb file: values per CPU second", f"{rate:,.0f}", ">= 500,000", 3, 500_000 / rate)]


def mlflow(folder: Path, quick: bool) -> list[Row]:
    """MLflow's database against its client."""
    few, many = folder / "few.db", folder / "many.db"
    if not write_mlflow(few, 1, 10):
        return []
    runs, steps = (5, 500) if quick else (15, 1000)
    values = write_mlflow(many, runs, steps)
    pairs = []
    for _ in range(2):
        own = float(output_of(OURS_FOLDER, str(few), str(many)).split()[0])
        other = peer(MLFLOW_READS, f"sqlite:///{many}")
        assert other is not None and other[1] == values, "the client reads every value"
        pairs.append((own, other[0]))
    times = 1 / ratio([a for a, _ in pairs], [b for _, b in pairs])
    what = f"MLflow database, {values:,} values of {runs} runs: CPU time of its client over ours"
    return [Row(what, f"{times:.0f}", ">= 10", len(pairs), 10 / times)]


def folders(folder: Path, quick: bool) -> list[Row]:
    """A folder of many runs: found, and read in one process and in two."""
    count = 2000 if quick else 10_000
    root = folder / "runs"
    text = "step,train_loss,val_loss\n" + "".join(f"{i},{3 / i:.4f},{4 / i:.4f}\n" for i in range(1, 51))
    for i in range(count):
        inside = root / f"group{i // 100}" / f"run{i}"
        inside.mkdir(parents=True)
        (inside / "metrics.csv").write_text(text)
    found = [float(v) for v in output_of(OURS_LISTING, str(root)).split()]
    assert found[1] == count
    rows = [Row(f"folder of {count:,} runs: found, CPU s", f"{found[0]:.2f}", "5 s", 1, found[0] / 5 * 10_000 / count)]
    times = {}
    for jobs in (1, 2):
        out = output_of(OURS_JOBS, str(root), str(jobs)).split()
        assert int(out[1]) == count
        times[jobs] = (float(out[0]), float(out[2]))
    gain = times[1][0] / times[2][0]
    what = f"folder of {count:,} runs: clock of one process over that of two"
    note = f"{gain:.2f} ({times[1][0]:.1f} s and {times[2][0]:.1f} s; CPU {times[1][1]:.1f} s)"
    rows.append(Row(what, note, ">= 1.2", 1, 1.2 / gain))
    return rows


def polls(folder: Path, quick: bool) -> list[Row]:
    """Polls of a growing file: bytes read over bytes appended, and CPU time on a long file over that on a short one."""
    out = [float(v) for v in output_of(OURS_POLLS, str(folder), "5" if quick else "50").split()]
    return [
        Row(
            "watched log: bytes read over bytes appended, 200 polls of 1,000 bytes",
            f"{out[0]:.3f}",
            "<= 1.1",
            200,
            out[0] / 1.1,
        ),
        Row(
            f"watched log: CPU of a poll after {5 if quick else 50} MB over that after 0.5 MB",
            f"{out[1]:.2f}",
            "<= 2",
            200,
            out[1] / 2,
        ),
        Row("watched log: CPU of a poll with nothing new, µs", f"{1e6 * out[2]:.0f}", "1000", 200, out[2] / 1e-3),
    ]


def output_of(program: str, *arguments: str) -> str:
    """What a program of ours prints in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment(), check=True, capture_output=True, text=True
    ).stdout
