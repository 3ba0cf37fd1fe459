"""A whole training run: losses, accuracy, learning rate and gradient norm, with any faults planted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Provenance, Run, Schedule, segment_log
from ..curves.errors import unknown_name
from ._world import World, healthy_world
from .faults import FAULTS
from .noise import Noise, as_noise, ema
from .record import Simulated
from .schedules import rates

__all__ = ["run"]

Array = NDArray[np.float64]


def run(
    faults: str | Sequence[str] | Mapping[str, float] = (),
    *,
    rng: np.random.Generator,
    n: int = 200,
    noise: str | Noise = "white",
    sd: float = 0.02,
    schedule: str = "constant",
    peak_rate: float = 0.1,
    log_rate: bool = True,
    val_every: int = 1,
    horizon: float | None = None,
) -> Simulated:
    """Draw a run of a ten-class classifier.

    Parameters
    ----------
    faults : str, sequence of str or mapping of str to float
        Names in `FAULTS`, with sizes in place of the usual ones where a mapping is given; none for a healthy run.
    rng : numpy.random.Generator
        Source of chance.
    n : int
        Number of steps logged, at x = 1, ..., n.
    noise : str or Noise
        A name in `NOISES` or a `Noise`.
    sd : float
        Noise standard deviation of each metric as a share of its total drop.
    schedule : str
        A name in `SCHEDULES`.
    peak_rate : float
        Largest learning rate.
    log_rate : bool
        Whether the learning rate is in the log.
    val_every : int
        Validation metrics are logged at every such step.
    horizon : float, optional
        Planned last x.

    Returns
    -------
    Simulated
    """
    sizes = _sizes(faults)
    x = np.arange(1.0, n + 1)
    world = healthy_world(x, rates(schedule, n), sd, rng)
    healthy = {k: v.copy() for k, v in world.means.items()}
    for name, size in sizes.items():
        FAULTS[name].plant(world, size, rng)
    kind = as_noise(noise)
    y = {
        name: kind.apply(mean, world.sd[name], rng, accuracy=name.endswith("accuracy"))
        for name, mean in world.means.items()
    }
    y["grad_norm"] = np.exp(0.1 * rng.standard_normal(n)) * (0.3 + world.rate)
    for edit in world.edits:
        edit(y, rng)
    if world.smoothing:
        for name in world.means:
            y[name] = ema(y[name], world.smoothing)
    every = {name: slice(None, None, val_every if name.startswith("val") else 1) for name in y}
    logged = {name: (x[every[name]], y[name][every[name]]) for name in y}
    if log_rate:
        logged["learning_rate"] = (x, peak_rate * world.rate)
    curves = {name: _logged(name, xs, ys, world, rng) for name, (xs, ys) in logged.items()}
    restarts = (world.restart,) if world.restart is not None else ()
    simulated = Run(
        "+".join(sizes) or "healthy",
        curves,
        schedule=Schedule(x, peak_rate * world.rate) if log_rate else None,
        horizon=horizon,
        provenance=Provenance(restarts=restarts) if restarts else None,
        attributes={"classes": 10.0},
    )
    means = {k: v[every[k]] for k, v in world.means.items()}
    base = {k: v[every[k]] for k, v in healthy.items()}
    return Simulated(simulated, means, base, tuple(sizes), world.truth, kind, world.sd)


def _sizes(faults: str | Sequence[str] | Mapping[str, float]) -> dict[str, float]:
    names = [faults] if isinstance(faults, str) else list(faults)
    for name in names:
        if name not in FAULTS:
            raise unknown_name("fault", name, FAULTS)
    if isinstance(faults, Mapping):
        return {name: float(faults[name]) for name in names}
    return {name: FAULTS[name].size for name in names}


def _logged(name: str, x: Array, y: Array, world: World, rng: np.random.Generator) -> Curve:
    """The curve as a reader would make it: after a restart, repeated steps replace the earlier ones."""
    if world.restart is None:
        return Curve(x, y, name)
    back = np.flatnonzero(x >= world.restart)[:10]
    stop = int(back[-1]) + 1 if back.size else x.size
    rows = np.r_[np.arange(stop), np.arange(int(back[0]) if back.size else stop, x.size)]
    xs, ys = x[rows], y[rows].copy()
    spread = float(np.std(np.diff(y))) if y.size > 2 else 0.0
    ys[stop - back.size : stop] += spread * rng.standard_normal(back.size)
    part = segment_log(xs)
    return Curve(xs[part.index], ys[part.index], name, segment=part.segment, defects={"superseded": part.superseded})
