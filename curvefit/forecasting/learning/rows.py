"""What the pool would have seen on the way of finished curves, and what came: one row per part of a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve
from ..forecasters.pooled import task_of
from ..pool.batch import Chunk, Floats, Ints, Task, chunks
from ..pool.experts import EXPERTS, consult
from ..pool.features import NAMES, features
from ..pool.gate import unlearned
from ..pool.link import LOG, LOGIT, Link
from ..pool.view import look

__all__ = ["HORIZONS", "LEAST_POINTS", "Rows", "rows_of"]

HORIZONS = 4  # later observations per row: the last one, and three of the way there
LEAST_POINTS = 8  # of a curve that can be learned from
_SHARES = np.arange(1, 10) / 10
_BY_RATIO = ("sample", "parameter", "flop")
_OBSERVED = 5


@dataclass(frozen=True, slots=True)
class Rows:
    """Parts of finished curves, four later observations each; names as in `Gate.mix`.

    Parameters
    ----------
    features : ndarray, shape (n, 4, 96)
    said, error, own : ndarray, shape (n, 4, 34)
    unlearned : ndarray, shape (n, 4, 2)
    noise, truth, log_h : ndarray, shape (n, 4)
        Noise and outcome over q, relative to the level, on the link scale; logarithm of the horizon.
    q, gain, share, below, above, last : ndarray, shape (n, 4)
        What turns a distance on the link scale into one in units of the curve's range, and the error of the last value.
    kind, sign : ndarray, shape (n,)
        Link, and +1 when larger is better.
    curve : ndarray of int, shape (n,)
        Place of the curve.
    """

    features: Floats
    said: Floats
    error: Floats
    own: Floats
    unlearned: Floats
    noise: Floats
    truth: Floats
    log_h: Floats
    q: Floats
    gain: Floats
    share: Floats
    below: Floats
    above: Floats
    last: Floats
    kind: Ints
    sign: Floats
    curve: Ints

    def __len__(self) -> int:
        return int(self.curve.size)

    def take(self, rows: Ints | NDArray[np.bool_], columns: list[int] | None = None) -> Rows:
        """Some rows, at some of the four observations."""
        values = []
        for name in self.__dataclass_fields__:
            array = getattr(self, name)[rows]
            values.append(array[:, columns] if columns is not None and array.ndim > 1 else array)
        return Rows(*values)


def rows_of(curves: Sequence[Curve], *, most: int) -> Rows:
    """Rows at 10, 20, ..., 90 % of each curve, thinned evenly when there are more than ``most``."""
    tasks: list[Task] = []
    truths, scales, places = [], [], []
    for i, curve in enumerate(curves):
        for task, truth, scale in _parts(i, curve):
            tasks.append(task)
            truths.append(truth)
            scales.append(scale)
            places.append(i)
    if len(tasks) > most:
        keep = np.unique(np.linspace(0, len(tasks) - 1, most).round().astype(int)).tolist()
        tasks, truths, scales, places = ([part[k] for k in keep] for part in (tasks, truths, scales, places))
    blocks = (
        [
            _block(tasks, chunk_rows, np.array(truths), np.array(scales), np.array(places))
            for chunk_rows in chunks(tasks)
        ]
        if tasks
        else []
    )
    found = [b for b in blocks if b is not None]
    if not found:
        return _empty()
    joined = Rows(*(np.concatenate([getattr(b, name) for b in found]) for name in Rows.__dataclass_fields__))
    numbers = (joined.features.reshape(len(joined), -1), joined.truth, joined.gain, joined.last, joined.q)
    finite = np.all([np.isfinite(part).all(axis=1) for part in numbers], axis=0)
    joined = joined.take(finite)
    return joined.take(np.argsort(joined.curve, kind="stable"))


def _empty() -> Rows:
    wide, four = np.zeros((0, HORIZONS, EXPERTS)), np.zeros((0, HORIZONS))
    none = np.zeros(0, dtype=np.int64)
    fields = dict.fromkeys(("noise", "truth", "log_h", "q", "gain", "share", "below", "above", "last"), four)
    return Rows(
        features=np.zeros((0, HORIZONS, len(NAMES))),
        said=wide, error=wide, own=wide, unlearned=np.zeros((0, HORIZONS, 2)), **fields, kind=none, sign=np.zeros(0), curve=none,
    )  # fmt: skip


def _parts(place: int, curve: Curve) -> list[tuple[Task, Floats, float]]:
    x, y = curve.x, curve.y
    if x.size < LEAST_POINTS or not np.ptp(y) > 0 or not x[-1] > x[0]:
        return []
    z = np.log(x) if curve.x_unit in _BY_RATIO and x[0] > 0 else x
    low, high = np.quantile(y, [0.05, 0.95])
    scale = float(max(high - low, 0.01 * np.ptp(y)))
    rng = np.random.default_rng(place)
    out = []
    for share in _SHARES:
        k = int(np.searchsorted(z, z[0] + share * (z[-1] - z[0]), side="right"))
        if k < _OBSERVED or x.size - k < 2 or np.ptp(y[:k]) == 0 or not x[k] > x[k - 1]:
            continue
        part = Curve(x[:k], y[:k], curve.metric, x_unit=curve.x_unit)
        asked = np.unique(np.linspace(k, x.size - 1, min(8, x.size - k)).round().astype(int))
        before = rng.permutation(asked[:-1])[: HORIZONS - 1]
        chosen = np.sort(np.r_[np.resize(before, HORIZONS - 1), asked[-1]])
        out.append((task_of(part, x[chosen]), y[chosen], scale))
    return out


def _block(tasks: list[Task], chunk: Chunk, truths: Floats, scales: Floats, places: Ints) -> Rows | None:
    link = Link.of(chunk)
    g = link.forward(chunk.y)
    rows = (np.ptp(g, axis=1) > 0) & (chunk.size >= 3)
    if not rows.any():
        return None
    view = look(chunk, rows, link, g)
    experts = consult(view.fits, view.backtests, view.h, view.unit, view.noise, view.last)
    at = chunk.index[rows]
    truth, scale, part = truths[at], scales[at][:, None], view.link
    z = part.forward(np.maximum(truth, part.floor[:, None])) - view.level[:, None]
    kind, b = part.kind[:, None], part.scale[:, None]
    error, own = experts.merits()
    last = np.array([tasks[i].y[-1] for i in at.tolist()])[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        return Rows(
            features=features(view, experts),
            said=experts.relative(),
            error=error,
            own=own,
            unlearned=unlearned(view, experts),
            noise=view.noise[:, None] / experts.scale,
            truth=z / experts.scale,
            log_h=np.log(view.h),
            q=experts.scale,
            gain=np.where(kind == LOG, truth + b, np.where(kind == LOGIT, b, 2 * b)) / scale,
            share=np.where(kind == LOGIT, (truth - part.origin[:, None]) / b, 0.0),
            below=np.maximum((part.floor[:, None] - truth) / scale, -1e6),
            above=np.minimum((part.ceiling - truth) / scale, 1e6),
            last=np.abs(last - truth) / scale,
            kind=part.kind,
            sign=part.sign,
            curve=places[at],
        )
