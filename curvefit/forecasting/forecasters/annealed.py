"""Schedule-aware: the blind pool, and a power law of the learning-rate schedule that knows of decays to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Schedule, Status, UsageError
from ...curves.numbers import format_share
from ..annealed.ahead import variation
from ..annealed.blend import Blend
from ..annealed.component import Component, MixtureNumbers, component
from ..annealed.learned import default_numbers, default_prior
from ..annealed.shape import ShapePrior
from ..forecast import Forecast
from ..planned import Continuation, continuations
from ..restart import begun_anew, enough_since, resting_on
from ._base import Forecaster
from ._rates import rate_ahead
from .pooled import Pooled

__all__ = ["Annealed"]

T = TypeVar("T")
_UNSEEN = 0.3  # below this the gain from annealing is said to rest on the prior
_MISSES = 0.5  # a law whose back-tests miss by this share of the change they predict is said to


class Annealed(Forecaster):
    r"""A new observation is a mixture of the blind forecast and Student-t components of the annealed law.

    .. math:: F(y) = \sum_k p_k \big[(1 - w_k) F_{blind}(y) + w_k\, T_4((y - m_k) / s_k)\big]

    over the ways k in which the schedule may go on (one, when it is told), with the locations, scales and weights of
    `curvefit.forecasting.annealed.component`.

    Parameters
    ----------
    schedule : Schedule, or a sequence of Schedule or None, optional
        For all curves, or one for each; x in the curves' unit. A stated one must reach the future x; a logged one may
        end earlier, and its rest is inferred.
    planned : float, or a sequence of float or None, optional
        x at which training is planned to end, for inferring the rest.
    earlier : sequence of Schedule
        Whole schedules of earlier runs; the rest of one that agrees with the log so far is likely to come again.
    prior : ShapePrior, optional
        Shape of the law, as learned from runs of the same kind; default the shipped one for unknown code.
    numbers : MixtureNumbers, optional
        Width and weight of the components; default the shipped ones.
    blind : Forecaster, optional
        What to mix with, and to fall back to; default the pool.

    Notes
    -----
    Without a schedule, while the rate is still warming up, or where the law does not apply (the metric gets worse with
    progress), it is the blind forecast and says so. It says, too, when the rate is about to change, when no decay has
    been seen so that its gain rests on the prior, and when the rest of the schedule was inferred.

    Examples
    --------
    >>> import curvefit as cf
    >>> from curvefit.forecasting.forecasters.annealed import Annealed
    >>> x = range(100, 2_001, 100)
    >>> curve = cf.Curve(x, [3 + 2 * i**-0.5 for i in x], metric="val_loss")
    >>> plan = cf.Schedule.wsd(1e-3, 4_000, decay=0.2)
    >>> blind, aware = cf.forecast(curve, 4_000), cf.forecast(curve, 4_000, method=Annealed(plan))
    >>> bool(aware.median[0] < blind.median[0])
    True
    """

    def __init__(
        self,
        schedule: Schedule | Sequence[Schedule | None] | None = None,
        *,
        planned: float | Sequence[float | None] | None = None,
        earlier: Sequence[Schedule] = (),
        prior: ShapePrior | None = None,
        numbers: MixtureNumbers | None = None,
        blind: Forecaster | None = None,
    ) -> None:
        self.schedule, self.planned, self.earlier = schedule, planned, tuple(earlier)
        self.prior, self.numbers, self.blind = prior, numbers, blind

    def forecast(self, curves: Sequence[Curve], xs: Sequence[NDArray[np.float64]]) -> list[Forecast]:
        """Forecast each curve at its future x."""
        schedules = _each(self.schedule, len(curves), "schedules")
        planned = _each(self.planned, len(curves), "planned ends")
        blind = (self.blind or Pooled()).forecast(curves, xs)
        prior = self.prior or default_prior()
        numbers = self.numbers or default_numbers()
        made = [
            _one(curve, x, fc, schedule, end, self.earlier, prior, numbers)
            for curve, x, fc, schedule, end in zip(curves, xs, blind, schedules, planned, strict=True)
        ]
        return self._restarted(curves, xs, schedules, made)

    def _restarted(
        self,
        curves: Sequence[Curve],
        xs: Sequence[NDArray[np.float64]],
        schedules: Sequence[Schedule | None],
        made: list[Forecast],
    ) -> list[Forecast]:
        """After a sudden drop of the rate a part of the forecast is that of the curve since then, begun anew."""
        found = [
            (i, drop)
            for i, (curve, schedule, fc) in enumerate(zip(curves, schedules, made, strict=True))
            if schedule is not None and fc.explanation.get("annealed_weight")
            if (drop := _last_drop(curve, schedule)) is not None
        ]
        if not found:
            return made
        begun = [begun_anew(curves[i], drop) for i, drop in found]
        ahead = [xs[i] - origin for (i, _), (_, origin) in zip(found, begun, strict=True)]
        since = (self.blind or Pooled()).forecast([part for part, _ in begun], ahead)
        both = resting_on([made[i] for i, _ in found], since, [drop for _, drop in found])
        for (i, _), fc in zip(found, both, strict=True):
            made[i] = fc
        return made


def _each(value: T | Sequence[T | None] | None, count: int, what: str) -> list[T | None]:
    """One per curve, from one for all or a sequence."""
    if isinstance(value, Sequence):
        if len(value) != count:
            raise UsageError(f"{len(value)} {what} for {count} curves", hint="one for all, or one per curve")
        return list(value)
    return [value] * count


@dataclass(frozen=True, slots=True)
class _Part:
    """One way the schedule may go on, and what the law says of it (None where it does not apply)."""

    way: Continuation
    component: Component | None


def _one(
    curve: Curve,
    x: NDArray[np.float64],
    blind: Forecast,
    schedule: Schedule | None,
    planned: float | None,
    earlier: Sequence[Schedule],
    prior: ShapePrior,
    numbers: MixtureNumbers,
) -> Forecast:
    if schedule is None:
        return _fall_back(blind, "no learning-rate schedule is known: this is the blind forecast")
    ways = _ways(schedule, float(x[-1]), planned, earlier)
    if not ways:
        return _fall_back(blind, "the learning rate is still warming up, its peak is not known: the blind forecast")
    parts = [_Part(way, component(curve, way.schedule, x, prior, numbers)) for way in ways]
    used = [(p.way.probability, p.component) for p in parts if p.component is not None]
    if not used:
        why = "too few points" if len(curve) < 4 else "the metric does not fall with the progress of the schedule"
        known = _rates(ways[0].schedule, curve, x)
        warning = rate_ahead(known, curve, float(x[-1]))
        said = f"the annealed law does not apply ({why}): this is the blind forecast"
        return _fall_back(blind, *([warning] if warning else []), said, known=known)
    sd = np.diff(blind.quantile([0.1, 0.9]), axis=1)[:, 0] / 2.5631
    weight = np.array([p * c.weight(sd) for p, c in used])
    location = np.array([c.location for _, c in used])
    bounds = curve.bounds or ((0.0, np.inf) if _positive(curve) else (-np.inf, np.inf))
    scales = np.array([c.scale for _, c in used])
    mean_scales = np.array([c.mean_scale for _, c in used])
    explanation = _explanation(curve, x, parts, weight)
    reasons = (*blind.reasons, *_reasons(curve, x, parts, schedule, prior, explanation))
    worse = blind.status is Status.OK and reasons
    return replace(
        blind,
        observation=Blend(blind.observation, location, scales, weight, bounds),
        underlying=Blend(blind.underlying, location, mean_scales, weight, bounds),
        method="annealed",
        status=Status.DEGRADED if worse else blind.status,
        reasons=reasons,
        explanation={**blind.explanation, **explanation},
    )


def _last_drop(curve: Curve, schedule: Schedule) -> float | None:
    """Where the rate fell suddenly for the last time, if enough was observed since then and something before."""
    last = float(curve.x[-1])
    drops = [c.x for c in schedule.changes(0.8) if curve.x[0] < c.x <= last]
    if not drops:
        return None
    return drops[-1] if enough_since(curve, drops[-1]) else None


def _ways(
    schedule: Schedule, horizon: float, planned: float | None, earlier: Sequence[Schedule]
) -> tuple[Continuation, ...]:
    if schedule.shape != "logged":
        schedule.require(horizon)
        return (Continuation(schedule, 1.0, schedule.shape),)
    return continuations(schedule, horizon, planned, earlier)


def _positive(curve: Curve) -> bool:
    falls = curve.direction == "min" and curve.kind in ("loss", "error", "other")
    return falls and float(curve.y.min()) >= 0


def _fall_back(blind: Forecast, *why: str, known: Mapping[str, float] | None = None) -> Forecast:
    status = Status.DEGRADED if blind.status is Status.OK else blind.status
    return replace(
        blind,
        method="annealed",
        status=status,
        reasons=(*blind.reasons, *why),
        explanation={**blind.explanation, **(known or {})},
    )


def _rates(schedule: Schedule, curve: Curve, x: NDArray[np.float64]) -> dict[str, float]:
    """The rate now and at the last future x, and its variation on the way there as a share of the peak."""
    now, then = schedule.at([curve.x[-1], x[-1]])
    moved = float(variation(schedule, float(curve.x[-1]), x)[-1]) / schedule.peak
    return {"rate_now": float(now), "rate_then": float(then), "rate_change": moved}


def _reasons(
    curve: Curve,
    x: NDArray[np.float64],
    parts: list[_Part],
    schedule: Schedule,
    prior: ShapePrior,
    explanation: Mapping[str, float],
) -> tuple[str, ...]:
    out = []
    likely = next(p for p in parts if p.component is not None)
    assert likely.component is not None
    ahead = likely.component.ahead
    inferred = len(parts) > 1 or (schedule.shape == "logged" and likely.way.words != "logged")
    if inferred:
        listed = ", ".join(f"{p.way.words} ({format_share(p.way.probability)})" for p in parts[:3])
        out.append(f"the rest of the learning-rate schedule is inferred from its log: {listed}")
    if warning := rate_ahead(explanation, curve, float(x[-1])):
        out.append(warning)
        if ahead.gain_seen < _UNSEEN:
            source = f" ({prior.source})" if prior.source else ""
            out.append(f"hardly any decay was seen so far: what it gains rests on the prior{source}")
    if likely.component.test_error > _MISSES:
        out.append(
            f"from earlier in this run the annealed law misses by {100 * likely.component.test_error:.0f} % of the change it "
            "predicts, so it weighs little"
        )
    return tuple(out)


def _explanation(
    curve: Curve, x: NDArray[np.float64], parts: list[_Part], weight: NDArray[np.float64]
) -> dict[str, float]:
    likely = next(p for p in parts if p.component is not None)
    assert likely.component is not None
    ahead = likely.component.ahead
    return {
        "annealed_weight": float(weight[:, -1].sum()),
        "annealed_change": float(ahead.change[-1]),
        **_rates(likely.way.schedule, curve, x),
        "gain_seen": ahead.gain_seen,
        "alpha": ahead.alpha,
        "gain_ratio": ahead.ratio,
        "back_test_error": likely.component.test_error,
        "schedule_probability": likely.way.probability,
    }
