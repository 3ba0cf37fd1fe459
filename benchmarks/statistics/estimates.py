"""How often the intervals of the estimands hold the truth, where it is known, and how often their probabilities come true."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

import curvefit as cf
from curvefit.analysis import describe
from curvefit.curves import Curve, Estimate, Status
from curvefit.estimands import Question, coarse_grid
from curvefit.estimands.api import answer_many
from curvefit.fitting.fit import fit
from curvefit.forecasting.api import forecast_many

from .estimate_worlds import DROP, HORIZON, NOISES, SD, SIZES, WORLDS, Floats, World, draw

__all__ = ["LEVEL", "Chance", "Key", "Tally", "simulated"]

LEVEL = 0.95
FEWER = {"given": 4, "selected law": 10, "selected kink": 10}
"""What costs tens or hundreds of milliseconds a curve is asked of a fraction of the curves."""
LAW_SIZES, KINK_SIZES, KINK_NOISES = (100, 1000), (100,), ("white", "AR(.7)")
"""Where laws, and number and axis of kinks, are selected."""


@dataclass(slots=True)
class Tally:
    """Answers to one question in one cell."""

    asked: int = 0
    given: int = 0
    doubted: int = 0
    hits: int = 0
    below: int = 0
    above: int = 0
    widths: list[float] = field(default_factory=list)

    def add(self, low: float, high: float, truth: tuple[float, float], scale: float, doubted: bool = False) -> None:
        """An interval, against the truth (all of a range is equally true); its width over ``scale``."""
        self.asked += 1
        self.given += 1
        self.doubted += doubted
        self.below += truth[1] < low
        self.above += truth[0] > high
        self.hits += truth[1] >= low and truth[0] <= high
        self.widths.append((high - low) / scale)

    def none(self) -> None:
        """No interval was given."""
        self.asked += 1

    @property
    def share(self) -> float:
        """Coverage of those given."""
        return self.hits / self.given if self.given else float("nan")

    @property
    def width(self) -> float:
        """Median relative width."""
        return float(np.median(self.widths)) if self.widths else float("nan")


@dataclass(frozen=True, slots=True)
class Chance:
    """A probability that was said, and whether it came."""

    what: str
    said: float
    came: bool
    where: str


Key = tuple[str, str, str, int]
"""What, world (or source), noise, number of points."""
Tallies = dict[Key, Tally]


@dataclass(slots=True)
class Found:
    """All that a study has counted."""

    tallies: Tallies = field(default_factory=lambda: defaultdict(Tally))
    chances: list[Chance] = field(default_factory=list)
    seconds: float = 0.0

    def interval(self, key: Key, told: Estimate, truth: float | tuple[float, float], scale: float) -> None:
        """Count the interval of an estimate."""
        tally, found = self.tallies[key], told.interval
        if found is None or told.status in (Status.NOT_IDENTIFIED, Status.NOT_APPLICABLE):
            tally.none()
            return
        both = truth if isinstance(truth, tuple) else (truth, truth)
        tally.add(found.low, found.high, both, scale, told.status is Status.DEGRADED)


def simulated(runs: int, seed: int, sizes: Sequence[int] = SIZES, noises: Sequence[str] = NOISES) -> Iterator[Found]:
    """One `Found` for every world, noise and number of points."""
    for w, world in enumerate(WORLDS):
        for k, noise in enumerate(NOISES):
            for n in sizes:
                if noise in noises:
                    yield _cell(world, noise, n, runs, np.random.default_rng([seed, w, k, n]))


def _cell(world: World, noise: str, n: int, runs: int, rng: np.random.Generator) -> Found:
    start, found = time.process_time(), Found()
    x = np.arange(1.0, n + 1)
    horizon, end = HORIZON * n, float(world.mean(HORIZON * n, n))
    y = world.mean(x, n) + draw(noise, rng, runs, n)
    curves = [Curve(x, row, "val_loss") for row in y]
    new = end + draw(noise, rng, runs, 1)[:, 0]
    gain = float(world.mean(n, n)) - end
    shares, near = rng.uniform(0, 2, runs), rng.uniform(0.5, 4, runs) * SD
    eps = np.exp(rng.uniform(np.log(world.SHARE_LOW), np.log(world.SHARE_HIGH), runs))
    past = n * rng.uniform(*world.early, runs)
    made = forecast_many(curves, coarse_grid(curves[0], horizon))
    laws = [fit(c, "power_law") for c in curves]
    best = float(world.mean(world.best(n)[0], n))
    ahead = world.mean(n, n) - gain * shares if world.gains else best - near
    least = gain * shares if world.gains else near
    told = [
        Question(c, f, law, horizon, float(t), float(e), LEVEL, float(g))
        for c, f, law, t, e, g in zip(curves, made, laws, ahead, eps, least, strict=True)
    ]

    def key(what: str) -> Key:
        return what, world.name, noise, n

    where = f"{world.name}, {noise}"
    for e, truth in zip(answer_many(told, "value_at"), new, strict=True):
        found.interval(key("value_at"), e, float(truth), DROP)
        ends = e.details["mean_low"], e.details["mean_high"]
        found.tallies[key("value_at, mean curve")].add(*ends, (end, end), DROP)
    for e, g in zip(answer_many(told, "remaining_improvement"), least, strict=True):
        found.interval(key("remaining_improvement"), e, gain, DROP)
        found.chances.append(Chance("remaining_improvement", e.details["probability"], bool(gain >= g), where))
    if world.limit is not None:
        for e in answer_many(told, "asymptote"):
            _limit(found, key, e, world.limit, "")
    for e, truth in zip(answer_many(told, "convergence_rate"), [world.rate(n)] * runs, strict=True):
        found.interval(key("convergence_rate"), e, truth, abs(truth))
    for e in answer_many(told, "best_point"):
        found.interval(key("best_point"), e, world.best(n), float(n))
        at = float(world.mean(e.value or 1.0, n))
        ends = e.details["value_low"], e.details["value_high"]
        found.tallies[key("best_point, value there")].add(*ends, (at, at), DROP)
    for e, share in zip(answer_many(told, "target_reached"), shares, strict=True):
        when = np.inf
        if world.gains and share <= 1:
            when = _first(world, n, float(world.mean(n, n)) - gain * share)
        _target(found, key("target_reached, ahead"), e, when, n)
        found.chances.append(Chance("target_reached", e.details["probability"], bool(when <= horizon), where))
    back = [
        Question(c, f, None, horizon, float(world.mean(v, n)), level=LEVEL)
        for c, f, v in zip(curves, made, past, strict=True)
    ]
    for e, v in zip(answer_many(back, "target_reached"), past, strict=True):
        _target(found, key("target_reached, past"), e, float(v), n)
    if world.has_onset:
        for e, share in zip(answer_many(told, "plateau_onset"), eps, strict=True):
            truth = world.onset(n, float(share))
            found.interval(key("plateau_onset, gain"), e, truth, truth)
            if "probability" in e.details:
                found.chances.append(Chance("plateau_onset", e.details["probability"], bool(truth <= n), where))
    _dear(found, key, world, n, told, eps)
    found.seconds = time.process_time() - start
    return found


def _dear(found: Found, key: Callable[[str], Key], world: World, n: int, told: Sequence[Question], eps: Floats) -> None:
    """Questions whose answers cost more, of the first curves."""
    noise = key("")[2]
    if world.limit is not None and n in LAW_SIZES:
        some = told[: max(1, len(told) // FEWER["selected law"])]
        laws = [describe(q.curve, "auto")[0] for q in some]
        chosen = [
            Question(q.curve, q.forecast, law, q.horizon, None, q.eps, LEVEL) for q, law in zip(some, laws, strict=True)
        ]
        for e in answer_many(chosen, "asymptote"):
            _limit(found, key, e, world.limit, ", law selected")
        for e, share in zip(answer_many(chosen, "plateau_onset"), eps[: len(some)], strict=True):
            truth = world.onset(n, float(share))
            found.interval(key("plateau_onset, gain, law selected"), e, truth, truth)
    if world.name == "power law":
        truth, delta = 0.4 * n, 0.5 * DROP * np.log(10) * (0.4 * n) ** -0.5
        for q in told[: max(1, len(told) // FEWER["given"])]:
            e = cf.plateau_onset(q.curve, "slope", delta=delta, model="power_law", level=LEVEL)
            found.interval(key("plateau_onset, slope, law given"), e, truth, truth)
        for q in told[: max(1, len(told) // FEWER["selected law"]) if n in LAW_SIZES else 0]:
            e = cf.plateau_onset(q.curve, "slope", delta=delta, level=LEVEL)
            found.interval(key("plateau_onset, slope, law selected"), e, truth, truth)
    if world.name == "kink":
        for q in told[: max(1, len(told) // FEWER["given"])]:
            e = cf.plateau_onset(q.curve, "kink", n_breakpoints=1, x_axis="linear", level=LEVEL)
            found.interval(key("plateau_onset, kink, one break"), e, 0.6 * n, 0.6 * n)
        if n in KINK_SIZES and noise in KINK_NOISES:
            for q in told[: max(1, len(told) // FEWER["selected kink"])]:
                e = cf.plateau_onset(q.curve, "kink", level=LEVEL)
                found.interval(key("plateau_onset, kink, selected"), e, 0.6 * n, 0.6 * n)


def _limit(found: Found, key: Callable[[str], Key], told: Estimate, limit: float, how: str) -> None:
    """Identified asymptotes without a doubt and those with one apart."""
    plain, doubted = found.tallies[key(f"asymptote{how}")], found.tallies[key(f"asymptote{how}, doubted")]
    into, other = (plain, doubted) if told.status is Status.OK else (doubted, plain)
    other.none()
    if told.status.usable and told.interval is not None:
        into.add(told.interval.low, told.interval.high, (limit, limit), DROP)
    else:
        into.none()


def _first(world: World, n: int, value: float) -> float:
    """First x at which a falling mean is at the value, by root finding."""
    from scipy.optimize import brentq

    return float(brentq(lambda v: float(world.mean(v, n)) - value, 1.0, HORIZON * n + 1e-6))


def _target(found: Found, key: Key, told: Estimate, when: float, n: int) -> None:
    """First passage, infinite where there is none by the horizon, which only an open interval holds."""
    if told.interval is None:
        found.tallies[key].none()
        return
    found.tallies[key].add(told.interval.low, told.interval.high, (when, when), n)
