"""Simulated worlds: healthy runs of many kinds, and faults whose strength is counted in standard errors.

The standard error is that of an oracle who knows the covariance of the noise and the shape of the fault, and estimates
its size by generalized least squares beside a level: of a rise from the points after its onset, of a spike or a bump beside a
multiple of the healthy curve, of a learning-rate drop beside that and a line. Where a rule has a limit (a gap above a quarter of
the drop, noise above an eighth of it), strength counts from the limit, whose own error is part of the standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve, Run, Schedule
from curvefit.diagnostics.rules.erratic import COMPARABLE
from curvefit.diagnostics.rules.smoothed_input import HEAVY
from curvefit.simulate import FAULTS, NOISES, Noise, Simulated, run

KINDS = {**NOISES, "ar.7": Noise("ar", 0.7)}
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
    return np.linalg.inv(np.linalg.cholesky(KINDS[noise].covariance(n) + 1e-12 * np.eye(n)))


def oracle_error(shape: NDArray[np.float64], beside: list[NDArray[np.float64]], noise: str, sd: float) -> float:
    """Standard error of the size of a shape beside a level and multiples of other curves."""
    n = shape.size
    white = _root(noise, n) @ np.column_stack([np.ones(n), *beside, shape])
    q, _ = np.linalg.qr(white[:, :-1])
    rest = white[:, -1] - q @ (q.T @ white[:, -1])
    return sd / float(np.sqrt(rest @ rest))


def possible(rule: str, strength: float, n: int, noise: str) -> bool:
    """Whether the fault can be that strong at all.

    Noise above 35 % of the drop hides that anything is learned, a correlation ends below 1, and a sawtooth needs more than
    four points to a period to be one.
    """
    if rule == "erratic":
        return _erratic(strength, n, noise) <= 0.35
    if rule == "smoothed_input":
        return _factor(strength, n) < 0.99
    if rule == "periodic":
        return n >= 40
    return True


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
        return run(faults, rng=np.random.default_rng(key), n=n, noise=KINDS[noise], sd=level)

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
        return _spike(strength, n, noise, np.random.default_rng(key), sd)
    if rule == "regime_change":  # a smooth law that is not known is a parabola near the place, at best
        one, none = draw(1.0), draw(0.0)
        k, reach = int(one.truth["regime_change.x"]), n // 3
        near = slice(max(k - reach, 0), k + reach)
        x = np.arange(1.0, n + 1)[near]
        shape = (one.means["val_loss"] - none.means["val_loss"])[near]
        return draw(strength * oracle_error(shape, [np.log(x), x, x * x], noise, one.sd["val_loss"]))
    if rule == "double_descent":
        return draw(_bump(strength, n, noise, draw))
    if rule == "erratic":
        return draw(_erratic(strength, n, noise))
    if rule == "smoothed_input":
        return draw(_factor(strength, n))
    if rule == "still_improving":
        return _improving(strength, n, noise, np.random.default_rng(key))
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
        world = draw(max(strength * oracle_error(shape, [], noise, one.sd["train_loss"]), 0.04))
        x = world.run["train_loss"].x  # the epoch is logged, so that the place is known
        epoch = Curve(x, (x - 1.0) / world.truth["periodic.period"], "epoch")
        return replace(world, run=replace(world.run, curves={**world.run.curves, "epoch": epoch}))
    if rule == "grokking":
        none, one = draw(0.0), draw(1.0)
        shape = none.means["val_loss"] - one.means["val_loss"]
        size = strength * oracle_error(shape, [], noise, one.sd["val_loss"])
        return _without(draw(size), "val_accuracy")  # its jump has always the same size
    if rule == "validation_below_training":
        return _below(strength, n, noise, np.random.default_rng(key), sd)
    if rule == "slow_start":  # the phase costs what it costs: the noise is set so that it is so many errors of it
        one = draw(None)
        told = max(
            _bend(one.means["train_loss"], w, noise)
            for w in np.unique(np.geomspace(1, n // 3, 16).round()).astype(int).tolist()
        )
        return draw(None, min(told / strength / float(np.ptp(one.means["train_loss"])), 0.2))
    if rule in (
        "plateaued",
        "converged",
    ):  # a fiftieth of the drop, what must be excluded, in errors of the slope since the onset
        x = np.arange(1.0, n + 1)[int(0.4 * n) :]
        error = np.log(2) * oracle_error(np.log(x), [], noise, 1.0)
        world = draw(0.2, 0.02 / (strength * error))
        return (
            _without(world, "train_loss") if rule == "plateaued" else world
        )  # with both curves level it has converged
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
    error = float(np.hypot(error, 0.25 * sd * drop))  # the drop begins with one observation
    shape = (train[0] - train) / drop
    gap = (0.25 * drop + strength * error) / float(shape[third:].mean())
    means = {"train_loss": train, "val_loss": train + gap * shape}
    curves = {k: Curve(x, KINDS[noise].apply(v, sd * drop, rng), k) for k, v in means.items()}
    return Simulated(
        Run("gap", curves),
        means,
        {**means, "val_loss": train},
        ("generalization_gap",),
        {"generalization_gap.size": gap},
        KINDS[noise],
        dict.fromkeys(means, sd * drop),
    )


def _erratic(strength: float, n: int, noise: str) -> float:
    """Noise as a share of the drop: so many standard errors above the limit, those of noise and of the drop together."""
    rho = KINDS[noise].rho  # what changes from point to point, by second differences
    rough = float(np.sqrt((6 - 8 * rho + 2 * rho**2) / 6))
    window = max(n // 12, 1)
    level = float(np.sqrt(np.sum(KINDS[noise].covariance(window)))) / window  # of the first level
    size = COMPARABLE
    for _ in range(100):
        size = 0.5 * size + 0.5 * (
            COMPARABLE + strength * float(np.hypot(1.6 * size / np.sqrt(n), COMPARABLE * size / rough * level))
        )
    return size / rough


def _factor(strength: float, n: int) -> float:
    """Smoothing factor so many standard errors of a correlation above the limit, at most .99."""
    factor = HEAVY
    for _ in range(60):
        factor = 0.5 * factor + 0.5 * min(HEAVY + strength * float(np.sqrt((1 - factor**2) / n)), 0.99)
    return factor


def _bend(mean: NDArray[np.float64], w: int, noise: str) -> float:
    """How far a curve bends the way no law of learning does over three windows, in errors of that for unit noise."""
    return float(_contrast(w) @ mean[: 3 * w]) / _bend_error(w, noise)


def _contrast(w: int) -> NDArray[np.float64]:
    return np.repeat([-1.0, 2.0, -1.0], w) / w


@lru_cache(maxsize=256)
def _bend_error(w: int, noise: str) -> float:
    c = _contrast(w)
    return float(np.sqrt(c @ KINDS[noise].covariance(3 * w) @ c))


def _improving(strength: float, n: int, noise: str, rng: np.random.Generator) -> Simulated:
    """A slow power law; the gain to twice the length lies so many errors of its slope over the last 60 % above the limit."""
    x = np.arange(1.0, n + 1)
    mean = 0.5 + 1.8 * x**-0.3
    drop, log = float(np.ptp(mean)), np.log(x[int(0.4 * n) :])
    gain = -float(np.log(2) * np.polyfit(log, mean[int(0.4 * n) :], 1)[0])
    level = (gain - 0.02 * drop) / (strength * float(np.log(2)) * oracle_error(log, [], noise, 1.0))
    curve = Curve(x, KINDS[noise].apply(mean, level, rng), "val_loss")
    means = {"val_loss": mean}
    return Simulated(
        Run("improving", {"val_loss": curve}),
        means,
        means,
        ("still_improving",),
        {},
        KINDS[noise],
        {"val_loss": level},
    )


def _bump(strength: float, n: int, noise: str, draw: Callable[[float | None], Simulated]) -> float:
    """Size of a bump whose rise and fall are both at least so many errors of a difference of levels a sixth of the run long."""
    none, one = draw(0.0), draw(1.0)
    base, shape = none.means["val_loss"], one.means["val_loss"] - none.means["val_loss"]
    width = max(n // 6, 2)
    level = float(np.sqrt(np.sum(KINDS[noise].covariance(width)))) / width
    aim = strength * np.sqrt(2.0) * level * none.sd["val_loss"]
    low, high = 0.0, 4.0
    for _ in range(40):
        middle = (low + high) / 2
        mean = base + middle * shape
        peak = int(np.argmax(shape))
        prominence = (
            mean[peak:][0] if peak == 0 else min(mean[peak] - mean[:peak].min(), mean[peak] - mean[peak:].min())
        )
        low, high = (middle, high) if prominence < aim else (low, middle)
    return high


def _spike(strength: float, n: int, noise: str, rng: np.random.Generator, sd: float) -> Simulated:
    """A single observation that is too high, in errors of what it should be when all the others are known."""
    world = run((), rng=rng, n=n, noise=KINDS[noise], sd=sd)
    at = int(rng.integers(int(0.3 * n), int(0.9 * n)))
    shape = np.zeros(n)
    shape[at] = 1.0
    size = strength * oracle_error(shape, [world.means["train_loss"]], noise, world.sd["train_loss"])
    curve = world.run["train_loss"]
    curves = {**world.run.curves, "train_loss": Curve(curve.x, curve.y + size * shape, "train_loss")}
    truth = {"spikes.x": float(curve.x[at]), "spikes.size": size}
    return replace(world, run=replace(world.run, curves=curves), faults=("spikes",), truth=truth)


def _below(strength: float, n: int, noise: str, rng: np.random.Generator, sd: float) -> Simulated:
    """Training above validation at first, by an amount that falls along a line through zero; its size in errors of that line."""
    x = np.arange(1.0, n + 1)
    val = 0.4 + 1.9 * x**-0.7
    end = int(rng.integers(int(0.3 * n), int(0.5 * n)))
    shape = np.maximum((end - np.arange(n)) / end, -1.0)
    level = sd * float(np.ptp(val))
    white = _root(noise, n) @ shape
    size = strength * np.sqrt(2.0) * level / float(np.sqrt(white[:end] @ white[:end]))
    means = {"train_loss": val + size * shape, "val_loss": val}
    curves = {k: Curve(x, KINDS[noise].apply(v, level, rng), k) for k, v in means.items()}
    truth = {"validation_below_training.end": float(x[end]), "validation_below_training.size": size}
    faults = ("validation_below_training",)
    healthy_means = {"train_loss": val, "val_loss": val}
    return Simulated(
        Run("below", curves), means, healthy_means, faults, truth, KINDS[noise], dict.fromkeys(means, level)
    )


FAULT = {
    **{name: name for name in FAULTS},
    "lr_drop": "",
    "generalization_gap": "",
    "spikes": "",
    "validation_below_training": "",
    "still_improving": "",
    "converged": "plateaued",
}
"""Name of the simulated fault of each rule."""

KNOWN = (
    "diverged", "overfitting_plateau", "generalization_gap", "loss_accuracy_decoupled", "erratic", "poor_start",
    "periodic", "validation_below_training", "slow_start", "plateaued", "converged", "still_improving", "smoothed_input",
)  # fmt: skip
SCANNED = ("overfitting", "spikes", "lr_drop", "grokking", "double_descent", "regime_change")
AS_IT_IS = ("not_learning", "masked_nan", "resumed", "steppy")


def _step(strength: float, n: int, noise: str, rng: np.random.Generator, sd: float) -> Simulated:
    """A power law with one step down where the logged learning rate is divided by ten."""
    x = np.arange(1.0, n + 1)
    base = 0.5 + 1.8 * x**-0.7
    at = int(rng.integers(int(0.4 * n), int(0.7 * n)))
    shape = -(np.arange(n) >= at).astype(np.float64)
    level = sd * float(np.ptp(base))
    size = strength * oracle_error(shape, [base, x], noise, level)
    mean = base + size * shape
    y = KINDS[noise].apply(mean, level, rng)
    rate = np.where(np.arange(n) >= at, 0.01, 0.1)
    drawn = Run("step", {"val_loss": Curve(x, y, "val_loss")}, schedule=Schedule(x, rate))
    truth = {"lr_drop.x": x[at], "lr_drop.size": size}
    return Simulated(
        drawn, {"val_loss": mean}, {"val_loss": base}, ("lr_drop",), truth, KINDS[noise], {"val_loss": level}
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
    "double_descent": "double_descent.peak",
    "regime_change": "regime_change.x",
    "plateaued": "plateaued.onset",
    "masked_nan": "masked_nan.x",
    "resumed": "resumed.x",
}
"""Name of the true place of each fault."""
