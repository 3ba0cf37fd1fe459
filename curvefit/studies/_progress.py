"""How far a batch is: rate and remaining time, on stderr, rewritten in place."""

from __future__ import annotations

import sys
import time
from typing import TextIO

__all__ = ["Progress"]

_EVERY = 0.5  # seconds between two looks


class Progress:
    """Counts runs as units of work are done.

    Parameters
    ----------
    total : int
        Runs to do.
    done : int
        Runs that were done before.
    show : bool or None
        None shows it where stderr is a terminal.
    """

    def __init__(self, total: int, done: int, show: bool | None, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._show = self._stream.isatty() if show is None else show
        self._total, self._before, self._done = total, done, done
        self._start = time.monotonic()
        self._last = -1.0
        self._failed = 0

    def add(self, runs: int, failed: int) -> None:
        """Some more are done."""
        self._done += runs
        self._failed += failed
        now = time.monotonic()
        if self._show and (now - self._last >= _EVERY or self._done >= self._total):
            self._last = now
            self._stream.write("\r" + self.line(now).ljust(78)[:100])
            self._stream.flush()

    def line(self, now: float) -> str:
        """What is shown: done, rate, remaining time."""
        elapsed = max(now - self._start, 1e-9)
        fresh = self._done - self._before
        rate = fresh / elapsed
        left = (self._total - self._done) / rate if rate > 0 else float("inf")
        share = 100 * self._done / self._total if self._total else 100.0
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._done} of {self._total} runs ({share:.0f} %), {rate:.3g} per second, {_clock(left)} left{failed}"

    def end(self) -> None:
        """Leave the line."""
        if self._show and self._last >= 0:
            self._stream.write("\n")
            self._stream.flush()


def _clock(seconds: float) -> str:
    if seconds == float("inf"):
        return "unknown time"
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
