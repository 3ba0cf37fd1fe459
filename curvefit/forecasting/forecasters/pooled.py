"""Pool of thirty local power-law trends, weighted by a learned gate that looks at their back-tests (the default)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Status
from ...curves.numbers import format_number, format_x
from ..forecast import Forecast
from ..pool.batch import Floats, Task
from ..pool.distribution import PooledDistribution
from ..pool.engine import CONSTANT, FEW, SEEN, Pooling, pool
from ..pool.engine import Pooled as PooledChunk
from ..pool.gate import shipped_gate
from ..pool.link import LOG
from ._base import Forecaster
from ._reasons import shared_doubts

__all__ = ["Pooled", "task_of"]

_WHY = ("exponent", "recency", "no_change")  # of the pooled trends, and the share of "no change"


class Pooled(Forecaster):
    """Local trends in powers of x on the metric's own scale (log, logit or as is), pooled by a gate.

    Parameters
    ----------
    pooling : callable, optional
        How the trends are weighted and how wide the spread is. Default: the gate in the package.

    Notes
    -----
    The gate turns scale-free features of the curve (noise, back-test errors, shape, horizon) into weights of the trends
    and widths. It was trained on some thousand real curves and invented ones; what it is worth on curves of sources it
    has not seen is in ``benchmarks/README.md``. `unlearned` is the same pool without it.

    The distribution is a mixture of Student-t distributions on the link scale. It is meant for curves that improve and
    level off, stand still, or drift; a change that nothing in the curve announces (a learning-rate drop ahead, a late
    jump, a divergence) is only there as width.
    """

    def __init__(self, pooling: Pooling | None = None) -> None:
        self.pooling = shipped_gate() if pooling is None else pooling

    def forecast(self, curves: Sequence[Curve], xs: Sequence[NDArray[np.float64]]) -> list[Forecast]:
        """Forecast each curve at its future x."""
        tasks = [task_of(curve, x) for curve, x in zip(curves, xs, strict=True)]
        out: list[Any] = [None] * len(tasks)
        for chunk in pool(tasks, self.pooling):
            answers: dict[tuple[bool, bytes, bytes], Floats] = {}
            z_now = chunk.level + chunk.now
            now = chunk.link.backward(z_now[:, None, None])[:, 0, 0]
            noise = chunk.noise_sd(z_now)
            limited = _at_limit(chunk)
            for row, place in enumerate(chunk.index.tolist()):
                made = _record(curves[place], xs[place], chunk, row, float(now[row]), float(noise[row]), answers)
                if limited[row]:
                    made = _limited(made, curves[place].x_unit, float(chunk.link.ceiling[row, chunk.asked[row] - 1]))
                out[place] = made
        return out


def _at_limit(chunk: PooledChunk) -> NDArray[np.bool_]:
    """Whether half of the trends of a loss end beyond the most that it is let to rise to: its median is that limit."""
    mixture, link, last = chunk.observation, chunk.link, chunk.asked - 1
    rows = np.arange(last.size)
    loss = link.kind == LOG
    limit = np.where(loss, link.ceiling[rows, last], np.inf)
    size = np.where(loss, link.scale, 1.0)
    edge = link.sign * np.log(limit + size) - chunk.level
    beyond = mixture.location[rows, last] <= edge[:, None]  # z is larger the better
    if not beyond.any():
        return np.zeros(last.size, bool)
    share = np.where(beyond, mixture.weight[rows, last], 0.0).sum(axis=1)
    found: NDArray[np.bool_] = loss & np.isfinite(limit) & (chunk.basis == SEEN) & (share >= 0.5)
    return found


def _limited(made: Forecast, x_unit: str, limit: float) -> Forecast:
    """The forecast, with the doubt that its upper end is a limit and no quantile."""
    why = (
        f"{made.metric} rises so fast that its forecast ends at a limit, {format_number(limit)} at {x_unit} "
        f"{format_x(float(made.x[-1]))}: the upper end of the interval is that limit, no quantile, and what comes may lie above"
    )
    return replace(
        made, status=Status.DEGRADED if made.status is Status.OK else made.status, reasons=(*made.reasons, why)
    )


def task_of(curve: Curve, x: NDArray[np.float64]) -> Task:
    """What the pool needs to know of a curve."""
    return Task(
        x=curve.x,
        y=curve.y,
        ahead=x,
        larger_is_better=curve.direction == "max",
        positive=curve.direction == "min" and curve.kind in ("loss", "error", "other"),
        bounds=curve.bounds if curve.bounds is not None and np.all(np.isfinite(curve.bounds)) else None,
    )


def _record(
    curve: Curve,
    x: NDArray[np.float64],
    chunk: PooledChunk,
    row: int,
    now: float,
    noise: float,
    answers: dict[tuple[bool, bytes, bytes], Floats],
) -> Forecast:
    status, reasons = shared_doubts(curve, x)
    if chunk.basis[row] == CONSTANT and status not in (Status.CONSTANT, Status.TOO_FEW_POINTS):
        status, reasons = Status.CONSTANT, ("the values differ by less than rounding on their own scale", *reasons)
    if chunk.basis[row] == FEW and status is not Status.TOO_FEW_POINTS and status is not Status.CONSTANT:
        status, reasons = Status.TOO_FEW_POINTS, ("fewer than 3 distinct x", *reasons)
    return Forecast(
        x=x,
        observation=PooledDistribution(chunk, row, underlying=False, answers=answers),
        underlying=PooledDistribution(chunk, row, underlying=True, answers=answers),
        method="pooled",
        metric=curve.metric.name,
        kind=curve.kind,
        direction=curve.metric.need_direction(),
        x_last=float(curve.x[-1]),
        y_last=float(curve.y[-1]),
        level_now=now,
        noise=noise,
        status=status,
        reasons=reasons,
        explanation=dict(zip(_WHY, chunk.reasons[row].tolist(), strict=True)) if chunk.basis[row] == SEEN else {},
    )
