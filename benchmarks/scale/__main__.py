"""Measure batches: ``python -m benchmarks.scale [--curves N ...] [--parts N] [--engines N] [--resume N]``.

``python -m benchmarks.scale --curves 1000 10000 100000 --workers 2`` is the whole measurement; it wants a quiet machine and
some minutes. Times are CPU times (of the process, or of it and all that it started), since other work on the machine changes wall
times and not these as much. Curves are simulated: power laws with noise, 200 points, no learning rate logged.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import curvefit as cf
from curvefit.studies import _answer, _unit
from curvefit.studies._plan import plan, prepare
from curvefit.studies.parts import write_part

POINTS = 200
QUESTIONS = {"models": None, "tables": ["forecasts", "estimates", "diagnoses"], "horizons": "2x"}
ONE = """
import resource, sys, time
import curvefit as cf
if __name__ == "__main__":
    store, out, engine, workers = sys.argv[1:5]
    wall = time.perf_counter()
    result = cf.batch(store, out, engine=engine, workers=int(workers), models=None, horizons="2x",
                      tables=sys.argv[5].split(","), progress=False)
    wall = time.perf_counter() - wall
    own, other = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + other.ru_utime + other.ru_stime
    print(wall, cpu, own.ru_maxrss / 1024, other.ru_maxrss / 1024, sum(result.counts.values()))
"""


def simulated(count: int, seed: int = 0) -> Iterator[cf.Run]:
    """Power laws with noise; method and seed as attributes."""
    rng, x = np.random.default_rng(seed), np.arange(1.0, POINTS + 1)
    for i in range(count):
        y = rng.uniform(0.5, 2) + rng.uniform(0.5, 3) * x ** -rng.uniform(0.3, 1) + 0.02 * rng.standard_normal(POINTS)
        curve = cf.Curve(x, y, "val_loss")
        yield cf.Run(f"run{i:06d}", {"val_loss": curve}, attributes={"method": "ab"[i % 2], "seed": float(i // 2)})


def measured(store: Path, out: Path, engine: str = "serial", workers: int = 1, tables: str = "") -> tuple[float, ...]:
    """Wall seconds, CPU seconds of all processes, peak memory of the main one and of the largest worker in MiB, runs."""
    words = [str(store), str(out), engine, str(workers), tables or ",".join(QUESTIONS["tables"])]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "one.py"
        script.write_text(ONE)
        done = subprocess.run([sys.executable, str(script), *words], capture_output=True, text=True, check=True)
    return tuple(float(v) for v in done.stdout.split())


def per_curve(sizes: list[int], workers: int, tables: str, folder: Path) -> None:
    """Time per curve and memory as the number of curves grows; memory of the main process and of all workers together."""
    print(f"{tables or ','.join(QUESTIONS['tables'])}, {workers} at once:")
    print("| curves | CPU per curve | wall | wall per curve | peak memory |\n|---|---|---|---|---|")
    engine = "processes" if workers > 1 else "serial"
    for size in sizes:
        cf.write_store(simulated(size), folder / f"store{size}")
        wall, cpu, own, worker, runs = measured(folder / f"store{size}", folder / f"out{size}", engine, workers, tables)
        assert runs == size
        memory = own + (workers * worker if workers > 1 else 0)
        each = 1e3 * cpu / size, 1e3 * wall / size
        print(f"| {size:,} | {each[0]:.2f} ms | {wall:.0f} s | {each[1]:.2f} ms | {memory:.0f} MiB |", flush=True)


STAGES = {
    "reading": (_unit, "read_groups"),
    "forecasts": (_answer, "_forecast_all"),
    "estimates": (_answer, "_estimate_all"),
    "diagnoses": (_answer, "_diagnose_all"),
    "rows": (_answer, "_write"),
    "files": (_unit, "write_part"),
}


def by_part(size: int, folder: Path) -> None:
    """CPU per curve of each stage within a unit of work, of the second and the third batch of this process."""
    spent = dict.fromkeys(STAGES, 0.0)
    for stage, (module, name) in STAGES.items():
        setattr(module, name, clocked(getattr(module, name), stage, spent))
    cf.write_store(simulated(size), folder / "parts", runs_per_group=size)
    for turn in range(3):
        spent.update(dict.fromkeys(STAGES, 0.0))
        begun = time.process_time()
        cf.batch(folder / "parts", folder / f"parts{turn}", **QUESTIONS, progress=False)
        whole = time.process_time() - begun
        if turn:
            told = ", ".join(f"{stage} {1e3 * seconds / size:.2f}" for stage, seconds in spent.items())
            print(
                f"{size} curves in one unit, ms of CPU per curve: {told}; in all {1e3 * whole / size:.2f}", flush=True
            )


def clocked(function: Callable[..., Any], stage: str, spent: dict[str, float]) -> Callable[..., Any]:
    """The function, which adds the CPU time that it takes."""

    def timed(*args: Any, **options: Any) -> Any:
        begun = time.process_time()
        try:
            return function(*args, **options)
        finally:
            spent[stage] += time.process_time() - begun

    return timed


def engines(size: int, turns: int, tables: str, folder: Path) -> None:
    """Two processes and Dask with two workers, in turn, and what Dask takes over processes."""
    store = folder / "engines"
    written = cf.write_store(simulated(size), store)
    print(f"{tables or ','.join(QUESTIONS['tables'])}, {size} runs in {len(written.units)} units of work:")
    ratios = []
    for turn in range(turns):
        found = {}
        for engine in ("processes", "dask") if turn % 2 == 0 else ("dask", "processes"):
            wall, cpu, *_ = measured(store, folder / f"{engine}{turn}", engine, 2, tables)
            found[engine] = wall, cpu
            print(f"  {engine:<10} wall {wall:.1f} s, CPU {cpu:.1f} s", flush=True)
        ratios.append(tuple(d / p for d, p in zip(found["dask"], found["processes"], strict=True)))
    told = ", ".join(f"{wall:.2f} ({cpu:.2f})" for wall, cpu in ratios)
    print(f"  dask / processes, wall (CPU), by turn: {told}", flush=True)


def resumed(size: int, folder: Path) -> None:
    """What it costs to find out that a batch is finished: results as large as those of so many runs.

    The curves are short, since nothing of them is read; the results of 500 runs of the usual length stand for every unit.
    """
    cf.write_store(simulated(500), folder / "sample-store")
    sample = cf.batch(folder / "sample-store", folder / "sample", **QUESTIONS)
    one = {name: sample.arrow(name).to_pydict() for name in ("runs", *QUESTIONS["tables"])}
    curve = cf.Curve([1.0, 2.0], [2.0, 1.0], "val_loss")
    attributes = dict(sample.config.attributes)
    many = (cf.Run(f"run{i}", {"val_loss": curve}, attributes={"method": "a", "seed": 1.0}) for i in range(size))
    store, out = cf.write_store(many, folder / "large"), folder / "resume"
    prepare(out)
    asked = replace(sample.config, dataset=str((folder / "large").absolute()), attributes=dict(store.attributes))
    for key, task in zip(*plan(store, asked, out), strict=True):
        write_part(out, task.number, key, one, attributes)
    cpu, wall = time.process_time(), time.perf_counter()
    result = cf.batch(folder / "large", out, **QUESTIONS)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert result.complete
    done = sum(result.counts.values())
    size_of = sum(f.stat().st_size for f in out.rglob("*") if f.is_file()) / 2**20
    print(f"resume of {done:,} finished runs ({size_of:.0f} MiB of results): CPU {cpu:.2f} s, wall {wall:.2f} s")


def main() -> None:
    """Whatever is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--curves", type=int, nargs="*", default=[], help="time and memory at these sizes")
    parser.add_argument("--workers", type=int, default=1, help="processes at once, for --curves")
    parser.add_argument("--tables", default="", help="results, separated by commas (default: the usual)")
    parser.add_argument("--turns", type=int, default=3, help="how often the engines take turns")
    parser.add_argument("--parts", type=int, default=0, help="what each kind of result costs, with so many curves")
    parser.add_argument("--engines", type=int, default=0, help="overhead of workers, with so many curves")
    parser.add_argument("--resume", type=int, default=0, help="resume of so many finished runs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="curvefit-scale-") as folder:
        if args.curves:
            per_curve(args.curves, args.workers, args.tables, Path(folder))
        if args.parts:
            by_part(args.parts, Path(folder))
        if args.engines:
            engines(args.engines, args.turns, args.tables, Path(folder))
        if args.resume:
            resumed(args.resume, Path(folder))


if __name__ == "__main__":
    main()
