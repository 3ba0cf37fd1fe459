"""Readers of tracker logs: against the tracker's own reader where it is installed, and memory against the arrays."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

from curvefit.readers._crc32c import masked_crc, masked_crcs

from ._timing import Row, environment, ratio

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


def theirs(path: Path) -> float | None:
    """CPU seconds of TensorBoard's EventAccumulator without sampling, None where TensorBoard is not installed."""
    done = subprocess.run(
        [sys.executable, "-c", THEIRS, str(path)], env=environment(), capture_output=True, text=True, check=False
    )
    return float(done.stdout.split()[0]) if done.returncode == 0 else None


def run(quick: bool) -> list[Row]:
    """CPU time in turns, so that a busy machine slows both; memory is always measured on the long file."""
    n = 200_000 if quick else 1_000_000
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        small, events, long = (Path(folder, f"events.out.tfevents.{k}") for k in range(3))
        write_events(small, 1000)
        write_events(long, 1_000_000)
        grown = [o[1] / o[2] for o in (ours(small, long) for _ in range(2))]
        growth = float(np.median(grown))
        what = "event file, 1,000,000 scalars: memory over the arrays"
        rows.append(Row(what, f"{growth:.2f}", "<= 3", len(grown), growth / 3))
        if quick:
            write_events(events, n)
        path = events if quick else long
        pairs = [(ours(small, path)[0], theirs(path)) for _ in range(2)]
        others = [(a, t) for a, t in pairs if t is not None]
        if others:
            times = 1 / ratio([a for a, _ in others], [t for _, t in others])
            what = f"event file, {n:,} scalars: CPU time of EventAccumulator over ours"
            rows.append(Row(what, f"{times:.1f}", ">= 8", len(others), 8 / times))
        log, little = Path(folder, "run-1.wandb"), Path(folder, "run-0.wandb")
        write_wandb(little, 100)
        values = write_wandb(log, 10_000 if quick else 50_000)
        rate = float(np.median([values / ours(little, log)[0] for _ in range(3)]))
        rows.append(Row(".wandb file: values per CPU second", f"{rate:,.0f}", ">= 500,000", 3, 500_000 / rate))
    return rows
