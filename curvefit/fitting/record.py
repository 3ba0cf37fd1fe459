"""The record of a fit: estimates, intervals, and every reason to doubt them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from ..curves import Curve, Estimate, Interval, IntervalKind, Prediction, Status, UsageError
from ..curves._arguments import checked
from ..curves._checks import check_level, frozen_array
from ..curves.errors import unknown_name
from ..models import Array, Model
from ..models._base import has_level
from ..models.noise.student_t import StudentT
from ._doubt import Doubt
from ._reasons import degrading, doubts_of, residuals_vary
from ._solve import Core
from ._summary import summarize
from .intervals import Ends, Target
from .intervals import registry as interval_methods
from .intervals._base import estimate as target_value
from .intervals._base import t_quantile, tangent, unit_covariance

__all__ = ["Fit"]


@dataclass(frozen=True, eq=False)
class Fit:
    """A law fitted to a curve.

    Attributes
    ----------
    curve : Curve
        The data.
    model : Model
        The law; `Constant` where the values do not vary.
    noise : str
        Assumption about the noise.
    core : Core or None
        The solved problem in the fit's own units; None where nothing could be fitted.
    dropped : int
        Points left out because the law is not defined at x = 0.
    """

    curve: Curve
    model: Model
    noise: str
    core: Core | None = field(default=None, repr=False)
    failure: tuple[Status, str] | None = None
    dropped: int = 0

    # -- estimates ---------------------------------------------------------------------------------------------------

    @cached_property
    def params(self) -> Mapping[str, float]:
        """Estimates by name, linear parameters first; NaN where nothing could be fitted."""
        return MappingProxyType(dict(zip(self.model.names, self._vector.tolist(), strict=True)))

    @cached_property
    def _vector(self) -> Array:
        if self.core is None:
            return np.full(len(self.model.names), np.nan)
        core, sample = self.core, self.core.sample
        out = self.model.rescaled(core.unit_params, sample.x_scale)
        with np.errstate(over="ignore"):
            out[: len(self.model.linear)] *= sample.scale
        out[0] += sample.center if has_level(self.model) else 0.0
        return out

    @cached_property
    def _scaled(self) -> tuple[Array, Array]:
        """Covariance in the parameters' x units with y still scaled, and the scale of each parameter."""
        assert self.core is not None
        core, model = self.core, self.model
        size = len(model.linear)
        targets = [Target("linear", index=k) for k in range(size)]
        targets += [Target("shape", index=k) for k in range(len(model.shape))]
        slope = np.vstack([tangent(core, t) for t in targets])
        covariance = unit_covariance(core)[0]
        lost = ~np.isfinite(np.diag(covariance))
        with np.errstate(invalid="ignore", over="ignore"):
            out = slope @ np.where(np.isfinite(covariance), covariance, 0.0) @ slope.T
        touched = np.any((slope != 0) & lost, axis=1)
        out[touched, :] = out[:, touched] = np.nan
        out[touched, touched] = np.inf
        held = np.concatenate([np.zeros(size, bool), core.solution.low | core.solution.high])
        out[held, :] = out[:, held] = np.nan
        units = [core.sample.scale] * size + [core.sample.x_scale if s.unit == "x" else 1.0 for s in model.shape]
        return out, np.array(units)

    @cached_property
    def covariance(self) -> Array:
        """Covariance of the estimates, shape (p, p); NaN for a parameter on a limit of the search."""
        if not self.noise_seen:
            return frozen_array(np.full((len(self.model.names),) * 2, np.nan))
        scaled, units = self._scaled
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return frozen_array(scaled * units[:, None] * units)

    @cached_property
    def stderr(self) -> Mapping[str, float]:
        """Standard errors by name; NaN on a limit of the search, infinite where the data say nothing."""
        if not self.noise_seen:
            return MappingProxyType(dict.fromkeys(self.model.names, math.nan))
        scaled, units = self._scaled
        found = np.sqrt(np.diag(scaled)) * units
        return MappingProxyType(dict(zip(self.model.names, found.tolist(), strict=True)))

    @cached_property
    def residuals(self) -> Array:
        """Deviation y - f(x) of every point that was used, in the unit of y."""
        return frozen_array(np.empty(0) if self.core is None else self.core.deviation * self.core.sample.scale)

    @property
    def rss(self) -> float:
        """(Weighted, for Student's t winsorized) residual sum of squares, in the squared unit of y."""
        return math.nan if self.core is None else self.core.rss * self.core.sample.scale * self.core.sample.scale

    @property
    def sigma(self) -> float:
        """Scale of the noise of one observation: standard deviation, Student's t scale, or relative deviation."""
        if self.core is None:
            return math.nan
        return self.core.spread * (1.0 if self.noise == "multiplicative" else self.core.sample.scale)

    @property
    def n(self) -> int:
        """Number of points used."""
        return 0 if self.core is None else len(self.core.sample)

    @property
    def n_effective(self) -> float:
        """Number of independent points that the residuals' correlation leaves."""
        return 0.0 if self.core is None else self.core.n_effective

    @property
    def rho(self) -> float:
        """Correlation of neighboring residuals, corrected for small-sample bias."""
        return math.nan if self.core is None else self.core.rho

    @cached_property
    def condition_number(self) -> float:
        """Of the column-scaled Jacobian in the fit's own units."""
        return math.inf if self.core is None else unit_covariance(self.core)[1]

    # -- how far to trust it -----------------------------------------------------------------------------------------

    @cached_property
    def doubts(self) -> tuple[Doubt, ...]:
        """Every check the fit was put through, with its verdict in a sentence."""
        if self.core is None:
            return self.checks
        limit = self.asymptote()
        reason = limit.reasons[0] if limit.reasons else "identified"
        known = limit.status in (Status.OK, Status.NOT_APPLICABLE)
        return (*self.checks, Doubt("asymptote", known, reason))

    @cached_property
    def checks(self) -> tuple[Doubt, ...]:
        """The checks that need no profile: all but that of the asymptote."""
        if self.core is None:
            return (Doubt("fitted", False, self.failure[1] if self.failure else ""),)
        return doubts_of(self.core, self.condition_number, self.dropped)

    @cached_property
    def status(self) -> Status:
        """How it ended."""
        if self.core is None:
            return self.failure[0] if self.failure else Status.REFUSED
        if self._flat:
            return Status.CONSTANT
        return Status.DEGRADED if degrading(self.checks) else Status.OK

    @cached_property
    def _flat(self) -> bool:
        assert self.core is not None
        y = self.core.sample.y
        return bool(np.all(y == y[0]))

    @cached_property
    def noise_seen(self) -> bool:
        """Whether there is noise to measure uncertainty by."""
        return self.core is not None and not self._flat and residuals_vary(self.core)

    # -- intervals ---------------------------------------------------------------------------------------------------

    @checked
    def conf_int(
        self,
        level: float = 0.95,
        method: str = "profile_likelihood",
        *,
        parameters: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
    ) -> Mapping[str, Interval | None]:
        """Confidence interval of each parameter.

        Parameters
        ----------
        level : float
            Nominal coverage.
        method : str
            A way from ``fitting.intervals``: ``"profile_likelihood"``, ``"delta"``, ``"block_bootstrap"``, ...
        parameters : sequence of str, optional
            Names; default all.
        rng : numpy.random.Generator, optional
            For methods that resample.

        Returns
        -------
        mapping of str to Interval or None
            None where no interval is estimable; an open side ends at the parameter's natural limit or at infinity.
        """
        check_level(level)
        names = list(self.model.names if parameters is None else parameters)
        out: dict[str, Interval | None] = {}
        for name in names:
            if name not in self.model.names:
                raise unknown_name("parameter", name, self.model.names)
            k = self.model.names.index(name)
            size = len(self.model.linear)
            target = Target("linear", index=k) if k < size else Target("shape", index=k - size)
            ends = self._ends(target, level, method, rng)
            out[name] = None if ends is None else _interval(ends, level, method)
        return MappingProxyType(out)

    @checked
    def predict(
        self,
        x: ArrayLike,
        interval: IntervalKind | None = None,
        level: float = 0.95,
        *,
        method: str = "profile_likelihood",
        rng: np.random.Generator | None = None,
    ) -> Prediction:
        """Value of the law at x, with an interval of the mean curve or of a new observation.

        Parameters
        ----------
        x : array-like, shape (m,), or float
            Where, in the unit of the curve's x.
        interval : {"confidence", "prediction"}, optional
            Of the mean curve, of a new observation; none by default.
        level : float
            Nominal coverage at each x (not of the whole band).
        method : str
            Interval method of the mean curve.
        rng : numpy.random.Generator, optional
            For methods that resample.

        Returns
        -------
        Prediction
            Ends are NaN where nothing is estimable.
        """
        check_level(level)
        where = np.atleast_1d(np.asarray(x, dtype=np.float64))
        low_x = {"all": -math.inf, "nonnegative": 0.0, "positive": 5e-324}[self.model.domain]
        if where.ndim != 1 or not np.all(np.isfinite(where)) or np.any(where < low_x):
            outside = where[~(np.isfinite(where) & (where >= low_x))] if where.ndim == 1 else where
            raise UsageError(
                f"{self.model.name} is not defined at x = {', '.join(f'{v:g}' for v in outside.ravel()[:3])}",
                code="CF-USE-007",
            )
        if interval not in (None, "confidence", "prediction"):
            raise UsageError(
                f"interval {interval!r}", code="CF-USE-007", hint='choices: "confidence", "prediction", None'
            )
        nothing = np.full(where.size, np.nan)
        if self.core is None:
            return Prediction(where, nothing, nothing, nothing, interval, level)
        target = Target("value", where)
        mean = target_value(self.core, target)
        ends = None if interval is None or not where.size else self._ends(target, level, method, rng)
        if ends is None:
            return Prediction(where, mean, nothing, nothing, interval, level)
        low, high = np.minimum(ends.low, mean), np.maximum(ends.high, mean)
        if interval == "prediction":
            heavy = self.core.noise.df if isinstance(self.core.noise, StudentT) else self.core.dof
            noise = t_quantile(level, heavy) * self.core.noise_sd(where)
            low, high = mean - np.hypot(mean - low, noise), mean + np.hypot(high - mean, noise)
        return Prediction(where, mean, low, high, interval, level)

    @checked
    def asymptote(self, level: float = 0.95) -> Estimate:
        """Value the law approaches, or the reason why the data do not identify it.

        Identified means: the profile interval is closed on both sides, inside the metric's bounds, and no wider than the
        observed range.
        """
        check_level(level)
        unit = self.curve.metric.unit
        if self.core is None:
            reason = self.failure[1] if self.failure else ""
            return Estimate("asymptote", None, None, unit, self.status, (reason,))
        if self.model.limit is None:
            reason = f"{self.model.name} has no asymptote"
            return Estimate("asymptote", None, None, unit, Status.NOT_APPLICABLE, (reason,))
        target = Target("limit")
        value = float(target_value(self.core, target)[0])
        if not self.noise_seen:
            status = Status.CONSTANT if self._flat else Status.DEGRADED
            return Estimate("asymptote", value, None, unit, status, ("noise not estimable: no interval",))
        ends = self._ends(target, level, "profile_likelihood", None)
        assert ends is not None
        found = _interval(ends, level, "profile_likelihood")
        if found is None:
            return Estimate("asymptote", None, None, unit, Status.NOT_IDENTIFIED, ("not identified: no interval",))
        reason = self.asymptote_doubt(found)
        if reason:
            return Estimate("asymptote", None, found, unit, Status.NOT_IDENTIFIED, (reason,))
        return Estimate("asymptote", value, found, unit)

    def asymptote_doubt(self, found: Interval) -> str:
        """Why an interval of the asymptote does not identify it; empty where it does."""
        assert self.core is not None
        if not found.closed:
            return "not identified: its interval is open"
        bounds = self.curve.bounds
        if bounds is not None and (found.low < bounds[0] or found.high > bounds[1]):
            return f"not identified: its interval leaves the metric's bounds [{bounds[0]:g}, {bounds[1]:g}]"
        observed = float(np.ptp(self.core.sample.y))
        if found.width > observed:
            return f"not identified: its interval is {found.width / observed:.1f} times as wide as the observed range"
        return ""

    def _ends(self, target: Target, level: float, method: str, rng: np.random.Generator | None) -> Ends | None:
        way = interval_methods[method]
        return way(self.core, target, level, rng=rng) if self.core is not None and self.noise_seen else None

    @checked
    def summary(self, level: float = 0.95) -> str:
        """Text of at most 80 columns: estimates with digits that follow their uncertainty, noise, and doubts."""
        return summarize(self, level)

    def __str__(self) -> str:
        return self.summary()


def _interval(ends: Ends, level: float, method: str) -> Interval | None:
    low, high = float(ends.low[0]), float(ends.high[0])
    return None if math.isnan(low) or math.isnan(high) else Interval(low, high, level, "confidence", method)
