"""Invented curves of kinds that real sources hold few of, so that a gate meets more worlds than it is tested on.

Eleven kinds, each a source of its own: clean power laws, sums of two laws, annealed runs, accuracies counted on test sets
of finite size, returns of agents, bumps, overfitting, late jumps, divergence, rate drops, straight lines. Nothing here is copied from
measured curves; the ranges are the ones such curves have.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .curves import Series

Floats = NDArray[np.float64]
Rng = np.random.Generator


def invented_series(per_kind: int = 400, seed: int = 0) -> list[Series]:
    """``per_kind`` curves of each kind, in the form the scorer loads real ones in."""
    out: list[Series] = []
    for name, make in KINDS.items():
        for i in range(per_kind):
            rng = np.random.default_rng([seed, list(KINDS).index(name), i])
            x, log = _points(rng)
            y, kind, direction = make(x / x[-1], rng)
            good = np.isfinite(y)
            x, y = x[good], y[good]
            if x.size < 12 or np.ptp(y) == 0:
                continue
            out.append(
                {
                    "source": f"invented {name}",
                    "group": str(i % 20),
                    "id": f"invented|{name}|{i}",
                    "metric": "value",
                    "direction": direction,
                    "kind": kind,
                    "x_unit": "samples" if log else "step",
                    "x": x,
                    "y": y,
                }
            )
    return out


def _points(rng: Rng) -> tuple[Floats, bool]:
    n = int(np.exp(rng.uniform(np.log(14), np.log(400))))
    start = np.exp(rng.uniform(np.log(1e-3), np.log(0.1)))
    if rng.random() < 0.25:
        return np.exp(np.linspace(np.log(start), 0, n)) * 1e5, True
    return np.linspace(max(start, 1 / n) if rng.random() < 0.5 else 1 / n, 1, n) * 1e5, False


def _noise(n: int, rng: Rng, low: float, high: float) -> Floats:
    """Noise of one size per curve, sometimes correlated, sometimes heavy-tailed."""
    e = rng.standard_t(4, n) / np.sqrt(2) if rng.random() < 0.3 else rng.normal(size=n)
    if rng.random() < 0.4:
        rho = rng.uniform(0.2, 0.95)
        for i in range(1, n):
            e[i] = rho * e[i - 1] + np.sqrt(1 - rho**2) * e[i]
    return np.exp(rng.uniform(np.log(low), np.log(high))) * e


def _law(u: Floats, rng: Rng) -> Floats:
    """A falling power law from about 1 to about 0 on u in (0, 1], then on below 0."""
    alpha = np.exp(rng.uniform(np.log(0.08), np.log(1.2)))
    law = u**-alpha
    fall: Floats = (law - 1) / (law[0] - 1)
    return fall


def _loss(fall: Floats, rng: Rng) -> Floats:
    end = np.exp(rng.uniform(np.log(0.3), np.log(4)))
    loss: Floats = end * (1 + np.exp(rng.uniform(np.log(0.05), np.log(3))) * fall)
    return loss


def _clean(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    y = _loss(_law(u, rng), rng)
    return y * (1 + _noise(u.size, rng, 1e-5, 1e-2)), "loss", "min"


def _two_laws(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    first, second = _law(u, rng), _law(u, rng)
    if rng.random() < 0.5:
        second = np.exp(-u / np.exp(rng.uniform(np.log(0.02), np.log(1))))
    y = _loss(first + rng.uniform(0.1, 2) * second, rng)
    return y * (1 + _noise(u.size, rng, 1e-4, 3e-2)), "loss", "min"


def _annealed(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    t = np.linspace(0, 1, 400)
    end = rng.uniform(0, 0.2)
    begin = rng.uniform(0.1, 0.95)
    rate = {
        0: end + (1 - end) * (1 + np.cos(np.pi * t)) / 2,
        1: np.where(t < begin, 1.0, 1 - (1 - end) * (t - begin) / (1 - begin)),
        2: 1 - (1 - end) * t,
        3: np.where(t < begin, 1.0, rng.uniform(0.1, 0.5)),
    }[int(rng.integers(4))]
    area = np.cumsum(rate) + 1
    drop = np.maximum(-np.diff(rate, prepend=rate[0]), 0)
    tau = rng.uniform(2, 40)
    memory = np.zeros(t.size)
    for i in range(1, t.size):
        memory[i] = np.exp(-1 / tau) * memory[i - 1] + drop[i]
    fall = (area / area[-1]) ** -rng.uniform(0.2, 0.8) - rng.uniform(0.05, 0.4) * np.cumsum(memory) / tau
    y = _loss(np.interp(u, t, fall - fall[-1]) / 3, rng)
    return y * (1 + _noise(u.size, rng, 1e-4, 1e-2)), "loss", "min"


def _counted(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    high, low = rng.uniform(-0.5, 4), rng.uniform(-4, -0.5)
    logit = high + (low - high) * _law(u, rng)
    p = 1 / (1 + np.exp(-logit))
    size = int(np.exp(rng.uniform(np.log(50), np.log(20000))))
    y = rng.binomial(size, np.clip(p, 0, 1)) / size
    return (y, "accuracy", "max") if rng.random() < 0.7 else (1 - y, "error", "min")


def _agent(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    middle, steep = rng.uniform(-3, 0.5), np.exp(rng.uniform(0, 2))
    level = 1 / (1 + np.exp(-steep * (np.log(u) - middle)))
    e = _noise(u.size, rng, 0.03, 0.4)
    y = level + e * (0.1 + level if rng.random() < 0.7 else 1)
    y = y + rng.uniform(0, 0.4) * np.cumsum(rng.normal(size=u.size)) / np.sqrt(u.size)
    if rng.random() < 0.3:
        y = np.minimum(y, rng.uniform(0.8, 1))
    return 1000 * y, "reward", "max"


def _bump(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    at, width = rng.uniform(-4, -0.3), rng.uniform(0.2, 0.8)
    fall = _law(u, rng) + rng.uniform(0.1, 1) * np.exp(-(((np.log(u) - at) / width) ** 2))
    return _loss(fall, rng) * (1 + _noise(u.size, rng, 1e-3, 5e-2)), "loss", "min"


def _overfit(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    start = rng.uniform(0.02, 0.8)
    rise = np.maximum(u - start, 0) ** rng.uniform(0.6, 1.6)
    fall = _law(u, rng) + rng.uniform(0.1, 1.5) * rise
    return _loss(fall, rng) * (1 + _noise(u.size, rng, 1e-3, 5e-2)), "loss", "min"


def _jump(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    at, width = np.log(rng.uniform(0.1, 1.3)), np.exp(rng.uniform(np.log(0.02), np.log(0.3)))
    share = 1 / (1 + np.exp(-np.clip((np.log(u) - at) / width, -50, 50)))
    low, high = rng.uniform(0, 0.4), rng.uniform(0.6, 1)
    y = low + (high - low) * share + _noise(u.size, rng, 1e-4, 2e-2)
    if rng.random() < 0.6:
        return np.clip(np.round(y, 4), 0, 1), "accuracy", "max"
    return np.exp(3 * (1 - y)) - 0.9, "loss", "min"


def _diverging(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    start = rng.uniform(0.2, 0.9)
    blow = np.expm1(np.clip(np.maximum(u - start, 0) / rng.uniform(0.05, 0.5), 0, 8))
    fall = _law(u, rng) + rng.uniform(0.01, 0.3) * blow
    return _loss(fall, rng) * np.exp(_noise(u.size, rng, 1e-3, 5e-2)), "loss", "min"


def _rate_drops(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    fall = 0.5 * _law(u, rng)
    for at in np.sort(rng.uniform(0.2, 0.95, int(rng.integers(1, 4)))):
        after = np.maximum(u - at, 0)
        fall = fall - rng.uniform(0.05, 0.3) * (1 - np.exp(-after / rng.uniform(0.002, 0.05)))
    y = _loss(fall - fall.min(), rng) * (1 + _noise(u.size, rng, 1e-3, 3e-2))
    if rng.random() < 0.5:
        return y, "loss", "min"
    return np.clip(1 - 0.3 * y / y.max() - 0.2 * fall / np.abs(fall).max(), 0, 1), "accuracy", "max"


def _line(u: Floats, rng: Rng) -> tuple[Floats, str, str]:
    bend = np.exp(rng.uniform(np.log(0.7), np.log(1.5)))
    rise = rng.uniform(0.05, 4) * u**bend + _noise(u.size, rng, 1e-4, 0.1)
    shape = rng.random()
    if shape < 0.35:
        return np.abs(rng.uniform(0.2, 2) + rise), "loss", "min"
    if shape < 0.7:
        return np.abs(rise.max() * rng.uniform(1.02, 4) - rise), "loss", "min"
    if shape < 0.85:
        return np.clip(rng.uniform(0, 0.3) + rng.uniform(0.1, 0.9) * rise / rise.max(), 0, 1), "accuracy", "max"
    return rng.choice([-1.0, 1.0]) * rise, "reward", "max"


KINDS: dict[str, Callable[[Floats, Rng], tuple[Floats, str, str]]] = {
    "clean law": _clean,
    "two laws": _two_laws,
    "annealed run": _annealed,
    "counted accuracy": _counted,
    "agent": _agent,
    "bump": _bump,
    "overfitting": _overfit,
    "late jump": _jump,
    "divergence": _diverging,
    "rate drops": _rate_drops,
    "line": _line,
}
