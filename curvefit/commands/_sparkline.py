"""A curve in one line of block characters, the forecast behind a bar."""

from __future__ import annotations

import unicodedata
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["clipped", "sparkline", "width_of"]

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.-:=+*#"
CLIPPED = 0.05  # share of the columns that may run out of the picture, at the side where a run begins
LEAST = 0.5  # share of the line that what was observed gets at least


def sparkline(
    x: ArrayLike,
    y: ArrayLike,
    ahead_x: ArrayLike = (),
    ahead_y: ArrayLike = (),
    *,
    width: int = 60,
    direction: Literal["min", "max"] | None = None,
    unicode: bool = True,
) -> str:
    """Means over equal pieces of x as heights; a piece without a value is blank.

    Parameters
    ----------
    x, y : array-like, shape (n,)
        What was observed, x not decreasing.
    ahead_x, ahead_y : array-like, shape (m,)
        What is expected.
    width : int
        Characters in all.
    direction : {"min", "max"} or None
        Which way is better: the first few columns may run out of the picture at the worse side.
    unicode : bool
        Whether block characters may be used.
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    xa, ya = np.asarray(ahead_x, dtype=np.float64), np.asarray(ahead_y, dtype=np.float64)
    if not xs.size or width < 3:
        return ""
    first, now = float(xs[0]), float(xs[-1])
    last = float(xa[-1]) if xa.size else now
    share = (now - first) / (last - first) if last > first else 1.0
    past = width if not xa.size else max(1, round((width - 1) * max(LEAST, share)))
    before = _means(xs, ys, first, now, past)
    after = np.interp(np.linspace(now, last, width - past - 1), xa, ya) if xa.size and width - past > 1 else np.zeros(0)
    together = np.concatenate([before, after])
    shown = together[np.isfinite(together)]
    if not shown.size:
        return ""
    low, high = float(shown.min()), float(shown.max())
    if direction == "min":
        high = float(np.quantile(shown, 1 - CLIPPED))
    elif direction == "max":
        low = float(np.quantile(shown, CLIPPED))
    marks = BLOCKS if unicode else PLAIN
    text = _heights(before, low, high, marks)
    return text + ("│" if unicode else "|") + _heights(after, low, high, marks) if after.size else text


def _means(x: NDArray[np.float64], y: NDArray[np.float64], low: float, high: float, count: int) -> NDArray[np.float64]:
    """Mean of y in each of so many pieces of x; a piece between two others that holds nothing takes the one before."""
    if high <= low:
        return np.array([float(np.mean(y))])
    count = min(count, x.size)
    piece = np.minimum(((x - low) / (high - low) * count).astype(np.intp), count - 1)
    number = np.bincount(piece, minlength=count)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        means = np.bincount(piece, y, minlength=count) / number
    there = np.flatnonzero(number)
    held: NDArray[np.float64] = means[there[np.searchsorted(there, np.arange(count), side="right") - 1]]
    return held


def _heights(values: NDArray[np.float64], low: float, high: float, marks: str) -> str:
    span = high - low
    if not span > 0 or not np.isfinite(span):
        return "".join(marks[0] if np.isfinite(v) else " " for v in values)
    levels = np.clip((values - low) / span, 0, 1) * (len(marks) - 1)
    return "".join(marks[round(float(v))] if np.isfinite(v) else " " for v in levels)


def width_of(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def clipped(text: str, width: int) -> str:
    """The text, cut with an ellipsis where it is wider than that."""
    if width_of(text) <= width:
        return text
    out = ""
    for char in text:
        if width_of(out + char) > width - 1:
            break
        out += char
    return out + "…"
