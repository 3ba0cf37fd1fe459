"""Simulated worlds: healthy runs of many kinds, and faults whose strength is counted in standard errors.

The standard error is that of an oracle who knows the covariance of the noise and the shape of the fault, and estimates
its size by generalized least squares beside a level: of a rise from the points after its onset, of a spike beside a
multiple of the healthy curve, of a learning-rate drop beside that and a line. Erratic noise is counted in standard errors of its logarithm against the limit of a quarter of the drop.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve, Run, Schedule
from curvefit.simulate import FAULTS, NOISES, Simulated, run

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
    return run(rng=rng, n=n, sd=float(rng.choice(LEVELS)), **HEALTHY[world])


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
    """One run with the fault that a rule should find, ``strength`` oracle standard errors strong.

    A rule that asks for more than existence (a gap above a quarter of the drop, a start above 1.5 times chance, noise
    above a quarter of the drop, a gap that grows by a twentieth) has its strength counted from that limit. What has no
    size (a masked NaN, a resumed log, few levels, smoothing) is planted as it is.
    """
    key = [seed, n, *rule.encode(), *noise.encode()]

    def draw(size: float | None, level: float = sd) -> Simulated:
        fault = FAULT[rule]
        faults: object = () if not fault else fault if size is None else {fault: size}
        return run(faults, rng=np.random.default_rng(key), n=n, noise=noise, sd=level)

    if rule in ("overfitting", "diverged", "loss_accuracy_decoupled"):
        name = "train_loss" if rule == "diverged" else "val_loss"
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
    if rule == "overfitting_plateau":
        none, one = draw(0.0), draw(1.0)
        shape = none.means["train_loss"] - one.means["train_loss"]  # what training gains beyond where it stands
        late = slice(max(int(np.argmax(shape > 0)) - 1, 0), None)
        error = np.sqrt(2.0) * oracle_error(shape[late], [], noise, one.sd["train_loss"])  # of the gap
        limit = 0.05 * float(np.ptp(none.means["train_loss"])) / float(np.ptp(shape))
        return draw(min(limit + strength * error, 0.98))
    if rule == "generalization_gap":
        return _gap(strength, n, noise, np.random.default_rng(key), sd)
    if rule == "poor_start":
        one = draw(0.0)
        chance = float(np.log(10))
        return draw((0.5 * chance + strength * one.sd["train_loss"]) / chance)
    if rule == "periodic":
        none, one = draw(0.0), draw(1.0)
        shape = one.means["train_loss"] - none.means["train_loss"]
        return draw(max(strength * oracle_error(shape, [], noise, one.sd["train_loss"]), 0.04))
    if rule == "grokking":
        none, one = draw(0.0), draw(1.0)
        shape = none.means["val_loss"] - one.means["val_loss"]
        size = strength * oracle_error(shape, [], noise, one.sd["val_loss"])
        return _without(draw(size), "val_accuracy")  # its jump has always the same size
    if rule == "validation_below_training":
        none, one = draw(0.0), draw(1.0)
        shape = one.means["train_loss"] - none.means["train_loss"]
        return draw(strength * np.sqrt(2.0) * oracle_error(shape, [], noise, one.sd["train_loss"]))
    if rule == "slow_start":  # the phase costs what it costs: the noise is set so that it is so many errors of it
        one = draw(None)
        shape = one.means["train_loss"] - one.healthy["train_loss"]
        level = 1.0 / (strength * oracle_error(shape, [], noise, 1.0)) / one.sd["train_loss"] * sd
        return draw(None, min(float(level), 0.2))
    if rule == "plateaued":  # a fiftieth of the drop, what must be excluded, in errors of the slope since the onset
        one = draw(0.2)
        x = np.arange(1.0, n + 1)[int(0.4 * n) :]
        error = np.log(2) * oracle_error(np.log(x), [], noise, 1.0)
        return draw(0.2, 0.02 / (strength * error))
    if rule == "lr_drop":
        return _step(strength, n, noise, np.random.default_rng(key), sd)
    return draw(None)


def _without(world: Simulated, name: str) -> Simulated:
    kept = {k: c for k, c in world.run.curves.items() if k != name}
    return replace(world, run=replace(world.run, curves=kept))


def _gap(strength: float, n: int, noise: str, rng: np.random.Generator, sd: float) -> Simulated:
    """A validation loss that stays above training by a quarter of its drop and some standard errors of the late gap."""
    x = np.arange(1.0, n + 1)
    train = 0.3 + 2.0 * x**-0.7
    drop = float(np.ptp(train))
    third = n - n // 3
    error = np.sqrt(2.0) * sd * drop / float(np.sqrt(np.sum((_root(noise, n - third) @ np.ones(n - third)) ** 2)))
    shape = (train[0] - train) / drop
    gap = (0.25 * drop + strength * error) / float(shape[third:].mean())
    means = {"train_loss": train, "val_loss": train + gap * shape}
    curves = {k: Curve(x, NOISES[noise].apply(v, sd * drop, rng), k) for k, v in means.items()}
    return Simulated(
        Run("gap", curves),
        means,
        {**means, "val_loss": train},
        ("generalization_gap",),
        {"generalization_gap.size": gap},
        NOISES[noise],
        dict.fromkeys(means, sd * drop),
    )


FAULT = {
    **{name: name for name in FAULTS},
    "lr_drop": "",
    "generalization_gap": "",
}
"""Name of the simulated fault of each rule."""

KNOWN = (
    "diverged", "overfitting_plateau", "generalization_gap", "loss_accuracy_decoupled", "erratic", "poor_start",
    "periodic", "validation_below_training", "slow_start", "plateaued",
)  # fmt: skip
SCANNED = ("overfitting", "spikes", "lr_drop", "grokking")
AS_IT_IS = ("not_learning", "masked_nan", "resumed", "steppy", "smoothed_input")


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
    "overfitting_plateau": "overfitting_plateau.onset",
    "loss_accuracy_decoupled": "loss_accuracy_decoupled.onset",
    "validation_below_training": "validation_below_training.end",
    "slow_start": "slow_start.end",
    "grokking": "grokking.val",
    "periodic": "periodic.period",
    "masked_nan": "masked_nan.x",
    "resumed": "resumed.x",
}
"""Name of the true place of each fault."""
