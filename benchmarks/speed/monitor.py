"""``Monitor.update`` over a long run, in CPU time, and what it keeps after a million updates."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np

from ._timing import Row


def run(quick: bool) -> list[Row]:
    """Four metrics at every step; evaluations included."""
    from curvefit import Monitor

    n = 10_000
    y = _values(n)
    warm = Monitor("val_loss")
    for i in range(30):
        warm.update(i, y[i])
    monitor = Monitor("val_loss", horizon=2 * n, patience="500 updates", min_gain="1 sigma")
    times = np.empty(n)
    for i in range(n):
        before = time.process_time_ns()
        monitor.update(i + 1, y[i], train_loss=y[i] - 0.1, val_accuracy=1 - y[i] / 3, learning_rate=0.1)
        times[i] = (time.process_time_ns() - before) / 1e6
    middle, slow, slowest = (float(np.quantile(times, q)) for q in (0.5, 0.99, 1.0))
    full = int(np.count_nonzero(times > 3))

    many = 20_000 if quick else 1_000_000
    values = _values(many).tolist()
    tracemalloc.start()
    monitor = Monitor("val_loss", horizon=2 * many)
    for i in range(1000):
        monitor.update(i + 1, values[i])
    tracemalloc.reset_peak()
    for i in range(1000, many):
        monitor.update(i + 1, values[i])
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return [
        Row(
            "`Monitor.update`, 10,000 updates with three further metrics (CPU)",
            f"median {middle:.3f} ms, 99 % within {slow:.2f} ms, slowest {slowest:.0f} ms ({full} evaluations)",
            "median 5 ms, 99 % within 50 ms",
            n,
            middle <= 5 and slow <= 50,
        ),
        Row(f"the same, {many:,} updates: peak memory", f"{peak:.1f} MiB", "32 MiB", 1, peak <= 32),
    ]


def _values(n: int) -> np.ndarray:
    return 0.5 + 2 * np.arange(1.0, n + 1) ** -0.3 + 0.02 * np.random.default_rng(0).standard_normal(n)
