"""Coverage of the intervals of a power law's exponent and of its value at twice the data's x."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

import curvefit as cf
from curvefit.models import registry
from curvefit.models.noise import Noise
from curvefit.models.noise.autoregressive import Autoregressive
from curvefit.models.noise.gaussian import Gaussian
from curvefit.models.noise.student_t import StudentT

__all__ = ["POWER_LAW", "Cell", "World", "bounds", "coverage", "noise_kinds", "resampled", "worlds"]


@dataclass(frozen=True)
class World:
    """Curves drawn about a known law.

    Parameters
    ----------
    noise : Noise
        How deviations are drawn.
    scale : float
        Their standard deviation (Student's t: scale).
    n : int
        Points, at x = 1 ... n.
    """

    name: str
    noise: Noise
    scale: float = 0.1
    n: int = 200
    model: str = "power_law"
    params: tuple[float, ...] = (1.8, 4.0, 0.5)

    @property
    def x(self) -> np.ndarray:
        """Where the points are."""
        return np.arange(1.0, self.n + 1)

    def truth(self, x: np.ndarray) -> np.ndarray:
        """The law."""
        return registry[self.model].predict(x, self.params)

    def curve(self, rng: np.random.Generator) -> cf.Curve:
        """One curve."""
        mean = self.truth(self.x)
        return cf.Curve(self.x, mean + self.noise.sample(rng, self.x, mean, self.scale), "val_loss")


@dataclass
class Cell:
    """Hits and misses of one interval in one world."""

    hits: int = 0
    below: int = 0
    above: int = 0
    runs: int = 0
    none: int = 0
    widths: list[float] = field(default_factory=list)

    def add(self, truth: float, low: float, high: float) -> None:
        """Count an interval; one that could not be given is a miss."""
        self.runs += 1
        if not low <= high:
            self.none += 1
            return
        self.hits += low <= truth <= high
        self.below += truth < low
        self.above += truth > high
        self.widths.append(high - low)

    @property
    def share(self) -> float:
        """Observed coverage."""
        return self.hits / max(self.runs, 1)


POWER_LAW = {"white": World("white", Gaussian()), "ar.7": World("ar.7", Autoregressive(0.7))}

# (label, noise assumption of the fit, interval method)
WAYS = [
    ("default, profile", "auto", "profile_likelihood"),
    ("default, delta", "auto", "delta"),
    ("whitened, profile", "autoregressive", "profile_likelihood"),
    ("independent noise, profile", "gaussian", "profile_likelihood"),
    ("independent noise, delta", "gaussian", "delta"),
]


def coverage(
    world: World,
    runs: int,
    seed: int,
    ways: Sequence[tuple[str, str, str]] = WAYS,
    level: float = 0.95,
    each: Callable[[], None] | None = None,
) -> dict[tuple[str, str], Cell]:
    """Count how often intervals of alpha and of the value at twice the last x hold the truth.

    Parameters
    ----------
    world : World
        Where the curves come from; its law has a parameter ``alpha``.
    runs : int
        Number of curves.
    seed : int
        Of the curves.
    ways : sequence of (label, noise, method)
        Intervals to compare, all on the same curves.
    level : float
        Nominal coverage.
    each : callable, optional
        Called after every curve.
    """
    rng = np.random.default_rng(seed)
    names = registry[world.model].names
    alpha, ahead = world.params[names.index("alpha")], 2.0 * world.n
    value = float(world.truth(np.array([ahead]))[0])
    cells = {(label, what): Cell() for label, _, _ in ways for what in ("alpha", "value at 2 x")}
    for _ in range(runs):
        curve = world.curve(rng)
        fits = {noise: cf.fit(curve, world.model, noise=noise) for noise in {w[1] for w in ways}}
        for label, noise, method in ways:
            found = fits[noise].conf_int(level, method, parameters=["alpha"])["alpha"]
            ends = (np.nan, np.nan) if found is None else (found.low, found.high)
            cells[label, "alpha"].add(alpha, *ends)
            band = fits[noise].predict(ahead, "confidence", level, method=method)
            cells[label, "value at 2 x"].add(value, float(band.low[0]), float(band.high[0]))
        if each is not None:
            each()
    return cells


def bounds(runs: int, level: float, alarm: float) -> tuple[int, int]:
    """Central range of hits in which a calibrated interval stays but for a share ``alarm`` of studies."""
    from scipy.stats import binom

    return int(binom.ppf(alarm / 2, runs, level)), int(binom.ppf(1 - alarm / 2, runs, level))


def worlds() -> list[World]:
    """Kinds of noise beyond the two that are promised."""
    return [
        World("white, 50 points", Gaussian(), n=50),
        World("white, 1000 points", Gaussian(), n=1000),
        World("ar.5", Autoregressive(0.5)),
        World("ar.9", Autoregressive(0.9)),
        World("ar.9, 1000 points", Autoregressive(0.9), n=1000),
        World("Student t, 3 df", StudentT(3.0)),
        World("in proportion to the curve", registry_noise("multiplicative"), scale=0.03),
        World("hardly bent, 30 points", Gaussian(), n=30, scale=0.3),
    ]


def registry_noise(name: str) -> Noise:
    """A kind of noise by name."""
    from curvefit.models.noise import registry as noises

    return noises[name]


def noise_kinds(runs: int, seed: int) -> dict[str, dict[tuple[str, str], Cell]]:
    """Coverage in worlds beyond the two promised ones."""
    return {w.name: coverage(w, runs, seed, WAYS[:4]) for w in worlds()}


def resampled(runs: int, seed: int) -> dict[str, dict[tuple[str, str], Cell]]:
    """Coverage of the bootstraps beside the profile."""
    ways = [
        ("default, profile", "auto", "profile_likelihood"),
        ("block bootstrap", "auto", "block_bootstrap"),
        ("sieve bootstrap", "auto", "sieve_bootstrap"),
    ]
    chosen = [POWER_LAW["white"], POWER_LAW["ar.7"], World("ar.9", Autoregressive(0.9))]
    return {w.name: coverage(w, runs, seed, ways) for w in chosen}
