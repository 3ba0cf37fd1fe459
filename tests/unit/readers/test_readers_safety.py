"""Reading runs nothing, writes nothing, calls nobody, and stays within bounds of time and memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest

from curvefit.readers import registry

WATCH = """
import json, os, sys, time
import numpy
import curvefit as cf
from curvefit.readers.read import read_all

folder = sys.argv[1]
seen = []

def hook(event, args):
    if event in ("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "shutil.unpack_archive"):
        seen.append(event)
    elif event.startswith("socket.") and event != "socket.__new__":
        seen.append(event)
    elif event == "open" and isinstance(args[0], (str, bytes)):
        writes = isinstance(args[1], str) and set(args[1]) & set("wax+") or args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and "__pycache__" not in os.fsdecode(args[0]):
            seen.append(f"write {args[0]}")
    elif event in ("os.remove", "os.rename", "os.mkdir", "os.symlink", "os.truncate", "os.chmod"):
        if "__pycache__" not in str(args[0]):
            seen.append(f"{event} {args[0]}")

sys.addaudithook(hook)
def peak():
    # largest resident set of this process alone: getrusage would include the parent's before the fork
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))

started = time.monotonic()
result = read_all(folder)
print(json.dumps({
    "seen": seen,
    "runs": len(result.runs),
    "failures": [f.error.code for f in result.failures],
    "skipped": dict(result.skipped.counts),
    "seconds": time.monotonic() - started,
    "mebibytes": peak(),
}))
"""


def watched(folder) -> dict:
    out = subprocess.run(
        [sys.executable, "-c", WATCH, str(folder)], capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(out.stdout)


def test_nothing_is_executed_written_or_called(tmp_path):
    from test_readers_bad_files import PICKLES

    for name in registry.names():
        reader = registry[name]
        (tmp_path / f"{name}{reader.suffixes[0]}").write_bytes(reader.example())
    for name, content in PICKLES.items():
        (tmp_path / f"pickle-{name}").write_bytes(content)
    attack = "__import__('os').system('touch " + str(tmp_path / "canary") + "')"
    (tmp_path / "attack.csv").write_text(f'step,loss,"{attack}"\n1,2,"{attack}"\n2,1,=cmd|calc\n3,1,x\n')
    (tmp_path / "attack.jsonl").write_text(
        json.dumps({"step": 1, attack: 2, "loss": 3}) + "\n" + '{"step":2,"loss":1}\n'
    )
    before = sorted(p.name for p in tmp_path.iterdir())
    report = watched(tmp_path)
    assert report["seen"] == []
    assert report["runs"] >= len(registry.names()) + 1 and not report["failures"]
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_bombs_end_soon_in_little_memory(tmp_path):
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(b"step,loss\n" + b"1,1\n" * 10_000_000, 6))
    (tmp_path / "zeros.csv.gz").write_bytes(gzip.compress(b"step,loss\n1,2\n" + bytes(60_000_000), 6))
    (tmp_path / "deep.json").write_bytes(b"[" * 5_000_000)
    (tmp_path / "line.csv").write_bytes(b"step,loss\n1,2\n" + b"7" * 30_000_000)
    (tmp_path / "keys.jsonl").write_text("".join(json.dumps({f"k{i}": i}) + "\n" for i in range(30_000)))
    with (tmp_path / "sparse.csv").open("wb") as file:
        file.write(b"step,loss\n1,2\n")
        file.truncate(5 * 2**30)
    report = watched(tmp_path)
    assert report["runs"] == 0
    assert report["failures"] == ["CF-IO-LIMIT"] * 6, report
    assert report["seconds"] < 60 and report["mebibytes"] < 512, report


@pytest.mark.slow
def test_a_long_regular_file_needs_little_more_than_its_numbers(tmp_path):
    n = 400_000
    rng = np.random.default_rng(4)
    rows = b"".join(b"%d,%.6f,%.6f\n" % (i, a, b) for i, (a, b) in enumerate(rng.random((n, 2)).tolist()))
    (tmp_path / "log.csv").write_bytes(b"step,loss,acc\n" + rows)
    (tmp_path / "odd.csv").write_bytes(b"step,loss,acc\n" + rows + b"x,nan,nan\n")  # the careful way
    report = watched(tmp_path)
    assert report["runs"] == 2 and report["mebibytes"] < 400, report
