"""The learning rate over the run: as logged, or as stated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _schedules as shapes
from ._arguments import checked
from ._checks import as_float_array, frozen_array
from .errors import DataError, UsageError

__all__ = ["RateChange", "Schedule"]


@dataclass(frozen=True, slots=True)
class RateChange:
    """A sudden change of the learning rate.

    Parameters
    ----------
    before_x, x : float
        Last logged x with the old rate and first with the new one.
    old, new : float
        The rates.
    """

    before_x: float
    x: float
    old: float
    new: float

    @property
    def ratio(self) -> float:
        """New rate over old rate."""
        return self.new / self.old if self.old > 0 else float("inf")


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Schedule:
    """Learning rate eta(x) at the x where it is known; between them it is interpolated linearly.

    From a log: ``Schedule(x, rate)``. Stated: ``Schedule.cosine(3e-4, 24_000, final=0.1, warmup=2_000)`` and the other
    constructors below. They share four arguments: ``peak`` (highest rate, > 0), ``total`` (x at which the schedule
    ends), ``final`` (rate at the end as a *share of the peak*) and ``warmup`` (length in x of a linear rise to the
    peak, from ``warmup_from`` times the peak).

    Parameters
    ----------
    x : array-like, shape (n,)
        In the unit of the run's curves, increasing after sorting; repeated x keep the last entry.
    rate : array-like, shape (n,)
        Learning rate, >= 0 and finite.
    shape : str
        What it is called in reports.

    Examples
    --------
    >>> import curvefit as cf
    >>> plan = cf.Schedule.cosine(3e-4, 1_000, final=0.1)
    >>> plan.at([0, 500, 1_000]).round(6).tolist()
    [0.0003, 0.000165, 3e-05]
    """

    x: NDArray[np.float64]
    rate: NDArray[np.float64]
    shape: str = field(default="logged")

    def __init__(self, x: object, rate: object, shape: str = "logged") -> None:
        xs, rates = as_float_array(x, "x"), as_float_array(rate, "learning rate")
        if xs.shape != rates.shape:
            raise DataError(f"{xs.size} x values and {rates.size} learning rates", where="schedule")
        keep = np.isfinite(xs) & np.isfinite(rates)
        if not keep.all():
            xs, rates = xs[keep], rates[keep]
        if np.any(rates < 0):
            row = int(np.flatnonzero(rates < 0)[0])
            raise DataError(
                f"the learning rate {rates[row]:g} at x = {xs[row]:g} is negative", where="schedule", code="CF-DATA-006"
            )
        if not np.all(xs[1:] > xs[:-1]):
            order = np.argsort(xs, kind="stable")
            xs, rates = xs[order], rates[order]
            last = np.append(xs[1:] != xs[:-1], True)
            xs, rates = xs[last], rates[last]
        xs.flags.writeable = rates.flags.writeable = False  # both are our own
        object.__setattr__(self, "x", frozen_array(xs))
        object.__setattr__(self, "rate", frozen_array(rates))
        object.__setattr__(self, "shape", str(shape))

    def __len__(self) -> int:
        return int(self.x.size)

    def __repr__(self) -> str:
        span = f"x {self.x[0]:g} to {self.x[-1]:g}, peak {self.peak:g}" if len(self) else "empty"
        return f"Schedule({self.shape}, {span})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Schedule, (self.x.copy(), self.rate.copy(), self.shape)

    # ---------------------------------------------------------------- stated

    @classmethod
    def _stated(cls, peak: float, knots: tuple[NDArray[np.float64], NDArray[np.float64]], shape: str) -> Schedule:
        if not np.isfinite(peak) or peak <= 0:
            raise UsageError(
                f"a peak learning rate of {peak!r}", code="CF-USE-010", where="schedule", hint="a positive number"
            )
        x, share = knots
        return cls(x, float(peak) * share, shape)

    @classmethod
    @checked
    def constant(cls, peak: float, total: float, *, warmup: float = 0.0, warmup_from: float = 0.0) -> Schedule:
        """``peak`` all the way."""
        body = (np.array([warmup, total], dtype=np.float64), np.ones(2))
        return cls._stated(peak, shapes.assemble(total, warmup, body, warmup_from), "constant")

    @classmethod
    @checked
    def step(
        cls,
        peak: float,
        total: float,
        at: Sequence[float],
        *,
        factor: float | Sequence[float] = 0.1,
        warmup: float = 0.0,
        warmup_from: float = 0.0,
    ) -> Schedule:
        """Multiplied by ``factor`` (one number, or one per drop) at every x in ``at``."""
        body = shapes.steps(total, warmup, at, factor)
        return cls._stated(peak, shapes.assemble(total, warmup, body, warmup_from), "step")

    @classmethod
    @checked
    def exponential(
        cls, peak: float, total: float, *, final: float = 0.1, warmup: float = 0.0, warmup_from: float = 0.0
    ) -> Schedule:
        """The same factor per unit of x: ``peak * final**u``, u from 0 at the end of the warm-up to 1 at ``total``."""
        return cls._decaying("exponential", peak, total, final, warmup, warmup_from)

    @classmethod
    @checked
    def cosine(
        cls, peak: float, total: float, *, final: float = 0.0, warmup: float = 0.0, warmup_from: float = 0.0
    ) -> Schedule:
        """Half a cosine: ``peak * (final + (1 - final) (1 + cos(pi u)) / 2)``."""
        return cls._decaying("cosine", peak, total, final, warmup, warmup_from)

    @classmethod
    @checked
    def linear(
        cls, peak: float, total: float, *, final: float = 0.0, warmup: float = 0.0, warmup_from: float = 0.0
    ) -> Schedule:
        """A straight line from the peak to ``final``."""
        shapes.check_share(final, "final")
        body = (np.array([warmup, total], dtype=np.float64), np.array([1.0, final]))
        return cls._stated(peak, shapes.assemble(total, warmup, body, warmup_from), "linear")

    @classmethod
    def _decaying(cls, name: str, peak: float, total: float, final: float, warmup: float, start: float) -> Schedule:
        body = shapes.curved(total, warmup, shapes.decay(name, final))
        return cls._stated(peak, shapes.assemble(total, warmup, body, start), name)

    @classmethod
    @checked
    def inverse_time(
        cls, peak: float, total: float, *, rate: float, warmup: float = 0.0, warmup_from: float = 0.0
    ) -> Schedule:
        """``peak / (1 + rate (x - warmup))`` with ``rate`` per unit of x."""
        shapes.check_span(rate, "rate", zero=True)
        body = shapes.curved(total, warmup, lambda u: 1 / (1 + rate * (total - warmup) * u))
        return cls._stated(peak, shapes.assemble(total, warmup, body, warmup_from), "inverse time")

    @classmethod
    @checked
    def inverse_sqrt(
        cls, peak: float, total: float, *, warmup: float, warmup_from: float = 0.0, timescale: float | None = None
    ) -> Schedule:
        """``peak * sqrt(t / (t + x - warmup))`` with timescale t, by default the warm-up (as for Transformers)."""
        t = shapes.check_span(warmup if timescale is None else timescale, "timescale")
        body = shapes.curved(total, warmup, lambda u: np.sqrt(t / (t + (total - warmup) * u)))
        return cls._stated(peak, shapes.assemble(total, warmup, body, warmup_from), "inverse square root")

    @classmethod
    @checked
    def wsd(
        cls,
        peak: float,
        total: float,
        *,
        decay: float = 0.2,
        final: float = 0.0,
        shape: str = "linear",
        warmup: float = 0.0,
        warmup_from: float = 0.0,
    ) -> Schedule:
        """Warm-up, stable, decay: constant, then down over the last ``decay`` (share of ``total``) of the run.

        ``shape`` is "linear", "cosine", "exponential" or "sqrt" (``1 - sqrt(u)``).
        """
        begin = total * (1 - shapes.check_share(decay, "decay", positive=True))
        if begin < warmup:
            raise UsageError(
                f"decay over the last {decay:g} starts inside the warm-up of {warmup:g}",
                code="CF-USE-010",
                where="schedule",
            )
        body = shapes.curved(total, warmup, shapes.decay(shape, final), begin)
        return cls._stated(peak, shapes.assemble(total, warmup, body, warmup_from), f"WSD ({shape})")

    @classmethod
    @checked
    def one_cycle(
        cls,
        peak: float,
        total: float,
        *,
        warmup: float = 0.3,
        start: float = 0.04,
        final: float = 4e-6,
        shape: str = "cosine",
    ) -> Schedule:
        """Up to the peak over the first ``warmup`` (share of ``total``), then down to ``final``."""
        top = shapes.check_span(total, "total") * shapes.check_share(warmup, "warmup", positive=True)
        if top >= total:
            raise UsageError("warmup = 1 leaves no way down", code="CF-USE-010", where="schedule")
        return cls._stated(peak, shapes.one_cycle(total, top, start, final, shape), "one-cycle")

    @classmethod
    @checked
    def cyclical(
        cls,
        peak: float,
        total: float,
        *,
        period: float,
        low: float = 0.1,
        warmup: float = 0.0,
        warmup_from: float = 0.0,
    ) -> Schedule:
        """Triangles between the peak and ``low`` (share of the peak), one every ``period``."""
        body = shapes.cycles(total, warmup, period, low)
        return cls._stated(peak, shapes.assemble(total, warmup, body, warmup_from), "cyclical")

    @classmethod
    @checked
    def warm_restarts(
        cls,
        peak: float,
        total: float,
        *,
        period: float,
        growth: float = 1.0,
        final: float = 0.0,
        shape: str = "cosine",
        warmup: float = 0.0,
        warmup_from: float = 0.0,
    ) -> Schedule:
        """A decay to ``final`` over each period, back to the peak after it; periods grow by the factor ``growth``."""
        body = shapes.restarts(total, warmup, period, growth, shapes.decay(shape, final))
        return cls._stated(peak, shapes.assemble(total, warmup, body, warmup_from), "warm restarts")

    @classmethod
    @checked
    def from_function(cls, rate: Callable[[NDArray[np.float64]], Any], total: float, *, knots: int = 2048) -> Schedule:
        """Any function of x, sampled at ``knots`` + 1 equally spaced x from 0 to ``total``."""
        x = np.linspace(0.0, shapes.check_span(total, "total"), int(knots) + 1)
        values = np.broadcast_to(np.asarray(rate(x), dtype=np.float64), x.shape)
        if not np.all(np.isfinite(values)):
            bad = float(x[~np.isfinite(values)][0])
            raise DataError(f"the rate is not finite at x = {bad:g}", where="schedule", code="CF-DATA-006")
        return cls(x, values, "function")

    # ---------------------------------------------------------------- reading it

    @property
    def peak(self) -> float:
        """Largest rate, 0 when nothing is known."""
        return float(self.rate.max()) if self.rate.size else 0.0

    @property
    def warmup_end(self) -> float:
        """X at which the warm-up ends: where the rate first reaches the height it has before it first falls."""
        if not self.x.size:
            raise DataError("the schedule is empty", where="schedule")
        falls = np.flatnonzero(np.diff(self.rate) < -1e-9 * self.peak)
        before = self.rate[: falls[0] + 1] if falls.size else self.rate
        return float(self.x[int(np.argmax(before >= before.max() * (1 - 1e-9)))])

    def at(self, x: object) -> NDArray[np.float64]:
        """Rate at x, constant beyond the ends."""
        if not self.x.size:
            raise DataError("the schedule is empty", where="schedule")
        return np.interp(np.asarray(x, dtype=np.float64), self.x, self.rate)

    @checked
    def until(self, x: float) -> Schedule:
        """The entries at or before x, as the log would have looked then."""
        keep = self.x <= x
        return Schedule(self.x[keep], self.rate[keep], self.shape)

    @checked
    def extend(self, rest: Schedule) -> Schedule:
        """What is known here, followed by ``rest`` beyond the last x of this.

        Raises
        ------
        DataError
            When ``rest`` ends at or before the end of this one, so that nothing is added.
        """
        if not len(self):
            return rest
        end = float(self.x[-1])
        beyond = rest.x > end
        if not beyond.any():
            last = f"x = {rest.x[-1]:g}" if len(rest) else "nothing"
            raise DataError(
                f"the planned schedule ends at {last}, the log at x = {end:g}",
                where="schedule",
                code="CF-DATA-007",
                hint="is its total in the unit of the run's x?",
            )
        return Schedule(np.r_[self.x, rest.x[beyond]], np.r_[self.rate, rest.rate[beyond]], rest.shape)

    @checked
    def require(self, x: float) -> None:
        """Raise unless the schedule reaches x and has a rate above zero.

        Raises
        ------
        DataError
            For a schedule that is empty, zero everywhere, or shorter than the run.
        """
        if not len(self):
            raise DataError("the schedule is empty", where="schedule")
        if self.peak <= 0:
            raise DataError("the learning rate is 0 everywhere", where="schedule", code="CF-DATA-006")
        if self.x[-1] < x * (1 - 1e-9):
            raise DataError(
                f"the schedule ends at x = {self.x[-1]:g}, before x = {x:g}",
                where="schedule",
                code="CF-DATA-007",
                hint="state it for the whole run, or let the rest be inferred from the log",
            )

    @checked
    def changes(self, factor: float = 0.6) -> tuple[RateChange, ...]:
        """Sudden drops: steps where the rate falls to at most ``factor`` of the one before.

        A smooth decay (cosine, linear) sampled finely enough has none; the last stretch of a decay to zero, where
        ratios are large but absolute changes small, is left out by asking for a change of at least 5 % of the peak
        or for steps on both sides of which the rate rests.
        """
        if self.x.size < 3:
            return ()
        old, new = self.rate[:-1], self.rate[1:]
        drop = (old > 0) & (new <= factor * old)
        step = np.abs(np.diff(self.rate))
        typical = np.r_[step[1:], 0.0] + np.r_[0.0, step[:-1]]  # change in the neighbouring intervals
        sudden = step > 3 * typical
        found = np.flatnonzero(drop & sudden)
        return tuple(
            RateChange(float(self.x[i]), float(self.x[i + 1]), float(self.rate[i]), float(self.rate[i + 1]))
            for i in found
        )
