"""Logs of OpenMMLab (MMEngine's scalars.json, MMCV's log.json), in which rows count iterations in different ways."""

from __future__ import annotations

import json
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from ..curves import ReadError, Run
from ._base import Reader
from ._cells import MISSING, NUMBER, TEXT, Column
from ._growing import LineGrowth, grows
from ._runs import runs_of
from ._source import Source
from ._table import Table
from ._text import decode_head
from .json_lines import ObjectLog

__all__ = ["Mmengine"]

X = "iteration"
FIRST = 16  # lines that are looked at


@final
class Mmengine(Reader):
    """JSON Lines in which training rows count iterations and validation rows epochs.

    Notes
    -----
    MMEngine writes the epoch as ``step`` of a validation row when it trains by epoch; MMCV counts ``iter`` within each epoch.
    Both become the iteration since the beginning: a validation row stands where the training row before it stands. MMCV's
    epochs are taken to be as long as the largest ``iter`` that was logged.
    """

    name = "mmengine"
    suffixes = (".log.json", "scalars.json")
    aliases = ("mmdet", "mmcv")

    def sniff(self, head: bytes, path: str) -> float:
        """Whether one of the first objects has the counts that only these logs have."""
        for line in decode_head(head).split(b"\n")[:FIRST]:
            if b'"iter"' not in line or b'"epoch"' not in line or not line.startswith(b"{"):
                continue
            try:
                row = json.loads(line.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict) and (row.get("mode") in ("train", "val") or _is_train(row)):
                return 0.98
        return 0.0

    def read(self, source: Source) -> list[Run]:
        """The run of such a log."""
        log = ObjectLog(source)
        log.read()
        return self._runs(log.table(), source)

    def grow(self, source: Source) -> LineGrowth | None:
        """Rows as they are appended."""
        log = ObjectLog(source)
        return (
            LineGrowth(source.where, log.feed, lambda: self._runs(log.table(copy=True), source))
            if grows(source)
            else None
        )

    def _runs(self, table: Table, source: Source) -> list[Run]:
        """The run of what was read."""
        counts = {c.name: c for c in table.columns if c.name in ("epoch", "iter", "step", "mode")}
        if table.rows == 0 or "iter" not in counts:
            raise ReadError("no rows with an iteration", code="CF-IO-002", where=source.where)
        _count(table, counts)
        return runs_of(table, source, reader=self.name)

    def example(self) -> bytes:
        """Two epochs of four iterations, each validated."""
        rows: list[dict[str, Any]] = []
        for epoch in (1, 2):
            for i in (2, 4):
                step = 4 * (epoch - 1) + i
                rows.append(
                    {"lr": 0.02, "data_time": 0.1, "loss": 4 / step, "epoch": epoch, "iter": step, "step": step}
                )
            rows.append({"coco/bbox_mAP": 0.2 * epoch, "data_time": 0.1, "time": 0.2, "step": epoch})
        return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _is_train(row: dict[str, Any]) -> bool:
    """A training row of MMEngine: the same iteration twice, beside the time it took."""
    return row.get("iter") == row.get("step") is not None and ("data_time" in row or "memory" in row)


def _count(table: Table, counts: dict[str, Column]) -> None:
    """Give the table one count of iterations in place of those it has."""
    epoch, inner = _numbers(counts.get("epoch"), table.rows), _numbers(counts["iter"], table.rows)
    step = _numbers(counts.get("step"), table.rows)
    mode = counts.get("mode")
    train = np.isfinite(inner)
    if mode is not None and "train" in mode.texts:
        train &= (mode.state == TEXT) & (mode.values == mode.texts.index("train"))
    x = np.where(train, np.where(np.isfinite(step), step, inner), np.nan)
    rows = np.flatnonzero(train)
    if "step" not in counts and rows.size and _within_epochs(inner[rows], epoch[rows]):
        length = float(np.max(inner[rows]))
        x[rows] = (epoch[rows] - 1) * length + inner[rows]
        table.notes.append(f"'iter' counts within epochs, which are taken to be {length:g} iterations long")
    before = np.maximum.accumulate(np.where(train, np.arange(table.rows), -1))
    others = np.flatnonzero(~train & (before >= 0))
    by_epoch = np.ones(others.size, bool) if "step" not in counts else step[others] == epoch[before[others]]
    x[others] = np.where(by_epoch, x[before[others]], step[others])
    if others.size and by_epoch.all():
        table.notes.append("rows of validation stand at the iteration of the training row before them")
    state = np.where(np.isfinite(x), NUMBER, MISSING).astype(np.uint8)
    gone = ("iter", "step")
    table.columns = [Column(X, x, state), *(c for c in table.columns if c.name not in gone)]
    table.x_name = X


def _numbers(column: Column | None, rows: int) -> NDArray[np.float64]:
    if column is None:
        return np.full(rows, np.nan)
    return np.where(column.state == NUMBER, column.values, np.nan)


def _within_epochs(inner: NDArray[np.float64], epoch: NDArray[np.float64]) -> bool:
    """Whether the iteration goes back where the epoch goes up."""
    back = np.flatnonzero(np.diff(inner) <= 0)
    return bool(back.size and np.any(np.diff(epoch)[back] > 0))
