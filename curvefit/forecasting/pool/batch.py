"""Curves of different length side by side, in chunks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chunk", "Floats", "Ints", "Task", "chunks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_POINTS = 1 << 17  # padded raw points per chunk: arrays of about a megabyte stay in cache
_ROWS = 512
_CELLS = 1 << 12  # rows times future points


@dataclass(frozen=True, slots=True)
class Task:
    """One curve and the future x asked for.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Observed points, finite, x non-decreasing.
    ahead : ndarray, shape (H,)
        Future x, beyond x[-1].
    larger_is_better : bool
        Direction of the metric.
    positive : bool
        Whether the metric is a loss, an error or the like, which is looked at on a log scale when no value is below 0.
    bounds : (float, float) or None
        Values the metric cannot leave; looked at on a logit scale.
    """

    x: Floats
    y: Floats
    ahead: Floats
    larger_is_better: bool
    positive: bool
    bounds: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Curves as rows, the last observation in the last column; columns before the first repeat the first point.

    Parameters
    ----------
    index : ndarray of int, shape (N,)
        Place of each row among the tasks.
    x, y : ndarray, shape (N, n)
        Observations, x strictly increasing from the first one on; x > 0.
    size : ndarray of int, shape (N,)
        Number of observations after points that share an x were averaged.
    ahead : ndarray, shape (N, H)
        Future x in the same origin as x; rows with fewer repeat their last.
    asked : ndarray of int, shape (N,)
        Number of future x.
    sign : ndarray, shape (N,)
        +1 when larger is better, else -1.
    positive, bounded : ndarray of bool, shape (N,)
        See `Task`.
    low, width : ndarray, shape (N,)
        Bounds of bounded rows, else 0 and 1.
    copies : ndarray, shape (N, n) or None
        Observations behind each point, when some x were shared.
    tie_sd : ndarray, shape (N,)
        Standard deviation of observations that share an x; 0 where none do.
    """

    index: Ints
    x: Floats
    y: Floats
    size: Ints
    ahead: Floats
    asked: Ints
    sign: Floats
    positive: NDArray[np.bool_]
    bounded: NDArray[np.bool_]
    low: Floats
    width: Floats
    copies: Floats | None
    tie_sd: Floats


def chunks(tasks: Sequence[Task]) -> Iterator[Chunk]:
    """Tasks in chunks of similar length, so that padding is small and memory does not grow with their number."""
    size = np.fromiter((t.x.size for t in tasks), np.int64, len(tasks))
    asked = np.fromiter((t.ahead.size for t in tasks), np.int64, len(tasks))
    octave = np.frexp(asked.astype(float))[1]
    order = np.lexsort((np.arange(len(tasks)), size, octave))
    at = 0
    while at < order.size:
        end = at + 1
        while end < order.size and octave[order[end]] == octave[order[at]]:
            rows = end + 1 - at
            if rows > _ROWS or rows * size[order[end]] > _POINTS or rows << int(octave[order[at]]) > _CELLS:
                break
            end += 1
        yield _chunk(tasks, order[at:end])
        at = end


def _chunk(tasks: Sequence[Task], index: Ints) -> Chunk:
    picked = [tasks[i] for i in index.tolist()]
    size = np.array([t.x.size for t in picked], np.int64)
    asked = np.array([t.ahead.size for t in picked], np.int64)
    x, y, ahead = (_joined(part) for part in zip(*((t.x, t.y, t.ahead) for t in picked), strict=True))
    x, y, size, copies, tie_sd = _average_shared(x, y, size)
    x, y = _right_aligned(x, size), _right_aligned(y, size)
    ahead = _left_aligned(ahead, asked)
    first = x[:, :1].copy()
    if (first < 0).any():  # only ratios of x matter, so the origin does: the first point of such a curve is 0
        shift = np.where(first < 0, first, 0.0)
        x, ahead, first = x - shift, ahead - shift, first - shift
    if (first == 0).any() and x.shape[1] > 1:
        second = x[np.arange(size.size), np.minimum(x.shape[1] - size + 1, x.shape[1] - 1)]
        x = np.where(x == 0, second[:, None] / 2, x)
    if (x[:, -1] == 0).any():  # a single point at the origin: nothing says how far away the future is
        x = np.where(x[:, -1:] == 0, ahead[:, :1], x)
    bounds = [t.bounds or (0.0, 1.0) for t in picked]
    return Chunk(
        index=index,
        x=x,
        y=y,
        size=size,
        ahead=ahead,
        asked=asked,
        sign=np.array([1.0 if t.larger_is_better else -1.0 for t in picked]),
        positive=np.array([t.positive for t in picked]),
        bounded=np.array([t.bounds is not None for t in picked]),
        low=np.array([low for low, _ in bounds]),
        width=np.array([high - low for low, high in bounds]),
        copies=None if copies is None else _right_aligned(copies, size),
        tie_sd=tie_sd,
    )


def _joined(parts: tuple[Floats, ...]) -> Floats:
    """One after the other; a single one, which may be long, is not copied."""
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _average_shared(x: Floats, y: Floats, size: Ints) -> tuple[Floats, Floats, Ints, Floats | None, Floats]:
    """Average the observations of a curve that share an x; how many, and how they scatter."""
    new = np.ones(x.size, bool)
    np.not_equal(x[1:], x[:-1], out=new[1:])
    new[np.cumsum(size)[:-1]] = True
    if new.all():
        return x, y, size, None, np.zeros(size.size)
    row = np.repeat(np.arange(size.size), size)
    start = np.flatnonzero(new)
    copies = np.diff(np.append(start, x.size)).astype(float)
    scale = np.maximum(np.maximum.reduceat(np.abs(y), start), np.finfo(float).tiny)
    mean = np.add.reduceat(y / np.repeat(scale, copies.astype(int)), start) / copies * scale
    away = y - np.repeat(mean, copies.astype(int))
    worst = np.zeros(size.size)
    np.maximum.at(worst, row, np.abs(away))
    unit = np.where(worst > 0, worst, 1.0)
    kept = np.bincount(row[start], minlength=size.size)
    square = np.bincount(row, (away / unit[row]) ** 2, minlength=size.size)
    tie_sd = unit * np.sqrt(square / np.maximum(size - kept, 1))
    return x[start], mean, kept.astype(np.int64), copies, np.where(worst > 0, tie_sd, 0.0)


def _right_aligned(flat: Floats, size: Ints) -> Floats:
    longest = int(size.max())
    if (size == longest).all():
        return flat.reshape(size.size, longest)
    end = np.cumsum(size)
    index = np.arange(-longest, 0) + end[:, None]
    aligned: Floats = flat[np.maximum(index, (end - size)[:, None])]
    return aligned


def _left_aligned(flat: Floats, size: Ints) -> Floats:
    most = int(size.max())
    if (size == most).all():
        return flat.reshape(size.size, most)
    end = np.cumsum(size)
    aligned: Floats = flat[np.minimum(np.arange(most) + (end - size)[:, None], end[:, None] - 1)]
    return aligned
