"""Simulated worlds: healthy runs of many kinds, and faults whose strength is counted in standard errors.

The standard error is that of an oracle who knows the covariance of the noise and the shape of the fault, and estimates
its size by generalized least squares beside a level: of a rise from the points after its onset, of a spike beside a
multiple of the healthy curve, of a learning-rate drop beside that and a line. Erratic noise is counted in standard errors of its logarithm against the limit of a quarter of the drop.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve, Run, Schedule
from curvefit.simulate import NOISES, Simulated, run

LENGTHS = (30, 200, 1000)
LEVELS = (0.005, 0.02, 0.05, 0.1)  # noise as a share of the total drop

HEALTHY: dict[str, dict[str, object]] = {
    **{name: {"noise": name} for name in NOISES},
    **{
        f"{schedule}, {noise}": {"noise": noise, "schedule": schedule}
        for schedule in ("staircase", "cosine", "wsd", "linear", "one_cycle", "cyclical", "warm_restarts")
        for noise in ("white", "ar.9")
    },
    **{
        f"{schedule} not logged": {"noise": "white", "schedule": schedule, "log_rate": False}
        for schedule in ("staircase", "cosine", "warm_restarts")
    },
    **{f"early plateau, {noise}": {"noise": noise, "faults": {"plateaued": 0.2}} for noise in ("white", "ar.9", "t3")},
    "validation every 5th": {"noise": "ar.5", "val_every": 5},
}
"""Worlds without a fault; a plateau is none."""


def healthy(world: str, n: int, seed: int) -> Simulated:
    """One healthy run of a world, with a noise level drawn from `LEVELS`."""
    rng = np.random.default_rng([seed, n, *world.encode()])
    return run(rng=rng, n=n, sd=float(rng.choice(LEVELS)), **HEALTHY[world])  # type: ignore[arg-type]


@lru_cache(maxsize=32)
def _root(noise: str, n: int) -> NDArray[np.float64]:
    """Inverse Cholesky factor of the covariance of unit noise."""
    return np.linalg.inv(np.linalg.cholesky(NOISES[noise].covariance(n) + 1e-12 * np.eye(n)))


def oracle_error(shape: NDArray[np.float64], beside: list[NDArray[np.float64]], noise: str, sd: float) -> float:
    """Standard error of the size of a shape beside a level and multiples of other curves."""
    n = shape.size
    white = _root(noise, n) @ np.column_stack([np.ones(n), *beside, shape])
    q, _ = np.linalg.qr(white[:, :-1])
    rest = white[:, -1] - q @ (q.T @ white[:, -1])
    return sd / float(np.sqrt(rest @ rest))


def planted(rule: str, strength: float, n: int, noise: str, seed: int, sd: float = 0.02) -> Simulated:
    """One run with the fault that a rule should find, ``strength`` oracle standard errors strong."""
    key = [seed, n, *rule.encode(), *noise.encode()]

    def draw(size: float, level: float = sd) -> Simulated:
        return run({FAULT[rule]: size}, rng=np.random.default_rng(key), n=n, noise=noise, sd=level)

    if rule in ("overfitting", "diverged"):
        name = "val_loss" if rule == "overfitting" else "train_loss"
        none, one = draw(0.0), draw(1.0)
        shape = one.means[name] - none.means[name]
        late = slice(
            max(int(np.argmax(shape > 0)) - 1, 0), None
        )  # where the fault is; the curve before is nobody's ruler
        size = strength * oracle_error(shape[late], [], noise, one.sd[name])
        return draw(max(size, 0.75) if rule == "diverged" else size)
    if rule == "spikes":
        one = draw(1.0)
        quiet = np.zeros(n)
        quiet[int(one.truth["spikes.x"]) - 1] = 1.0
        return draw(strength * oracle_error(quiet, [one.healthy["train_loss"]], noise, 1.0))
    if rule == "erratic":
        rho = NOISES[noise].rho  # what changes from point to point, by second differences
        rough = float(np.sqrt((6 - 8 * rho + 2 * rho**2) / 6))
        return draw(0.25 * float(np.exp(strength * 1.6 / np.sqrt(n))) / rough)
    if rule == "lr_drop":
        return _step(strength, n, noise, np.random.default_rng(key), sd)
    return draw(0.0)


FAULT = {
    "overfitting": "overfitting",
    "diverged": "diverged",
    "spikes": "spikes",
    "erratic": "erratic",
    "not_learning": "not_learning",
    "lr_drop": "",
}


def _step(strength: float, n: int, noise: str, rng: np.random.Generator, sd: float) -> Simulated:
    """A power law with one step down where the logged learning rate is divided by ten."""
    x = np.arange(1.0, n + 1)
    base = 0.5 + 1.8 * x**-0.7
    at = int(rng.integers(int(0.4 * n), int(0.7 * n)))
    shape = -(np.arange(n) >= at).astype(np.float64)
    level = sd * float(np.ptp(base))
    size = strength * oracle_error(shape, [base, x], noise, level)
    mean = base + size * shape
    y = NOISES[noise].apply(mean, level, rng)
    rate = np.where(np.arange(n) >= at, 0.01, 0.1)
    drawn = Run("step", {"val_loss": Curve(x, y, "val_loss")}, schedule=Schedule(x, rate))
    truth = {"lr_drop.x": x[at], "lr_drop.size": size}
    return Simulated(
        drawn, {"val_loss": mean}, {"val_loss": base}, ("lr_drop",), truth, NOISES[noise], {"val_loss": level}
    )


PLACE = {
    "overfitting": "overfitting.onset",
    "diverged": "diverged.onset",
    "spikes": "spikes.x",
    "lr_drop": "lr_drop.x",
}
"""Name of the true place of each fault."""
