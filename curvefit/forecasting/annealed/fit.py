"""Fit the annealed law to one or several runs of one model, to predict schedules that were never run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...curves import Curve, DataError, Prediction, Run, Schedule, Status, UsageError
from ...curves._checks import check_level
from ...fitting._doubt import Doubt
from ...models.annealed import AnnealedLaw, Progress
from .grid import Nodes, Observed, observe, solve
from .learned import default_prior
from .shape import ShapePrior, tau_nodes

__all__ = ["AnnealedFit", "fit_annealed"]

Array = NDArray[np.float64]
_POWER = 0.5  # weights grow as this power of the progress: a fit is to hold over the whole run
_EFFECTIVE = 8.0  # independent points one run is worth: residuals of a loss curve are misfit, not noise
_TAUS = 5
_SAME_PEAK = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class AnnealedFit:
    """The annealed law of one model, from one or several of its runs.

    Parameters
    ----------
    law : AnnealedLaw
        Posterior means of the levels at the posterior mean of the shape.
    stderr : mapping of str to float
        Posterior standard deviations of floor, amplitude, gain and alpha.
    peak : float
        Peak learning rate of the runs; the law holds for schedules with the same peak.
    metric, x_unit : str
        Of the curves.
    rmse : float
        Root mean square of the residuals over the runs, in the unit of the metric.
    gain_seen : float
        1 - posterior over prior standard deviation of the gain: 0 when no run has lowered its rate.
    runs, points : int
        How many were used.
    status : Status
        OK, or DEGRADED with the doubts that are not ok.
    doubts : tuple of Doubt
        Checks the fit was put through.
    prior : ShapePrior
        Shape prior, in the unit of x.
    nodes : Nodes
        Posterior over the grid of shapes.
    """

    law: AnnealedLaw
    stderr: dict[str, float]
    peak: float
    metric: str
    x_unit: str
    rmse: float
    gain_seen: float
    runs: int
    points: int
    status: Status
    doubts: tuple[Doubt, ...]
    prior: ShapePrior
    nodes: Nodes
    sign: float

    def predict(
        self, schedule: Schedule, x: ArrayLike, *, interval: str | None = None, level: float = 0.95
    ) -> Prediction:
        """Mean curve under a schedule, which may be one that was never run.

        Parameters
        ----------
        schedule : Schedule
            With the peak rate of the fitted runs, reaching the largest x.
        x : array-like, shape (m,)
            Where, in the unit of the runs' x; > 0.
        interval : {"confidence"} or None
            Of the mean curve: shapes and levels left open by the runs, and the law's own misfit (``rmse``).
        level : float
            Nominal coverage.

        Raises
        ------
        DataError
            For a schedule that is empty, zero, or shorter than asked for.
        UsageError
            When its peak differs by more than 1 % from that of the runs: the law is not one across peak rates.
        """
        from scipy.special import ndtri

        check_level(level)
        if interval not in (None, "confidence"):
            raise UsageError(f"interval {interval!r}", code="CF-USE-006", hint='choices: None, "confidence"')
        points = np.atleast_1d(np.asarray(x, dtype=np.float64))
        if not np.all(points > 0):
            raise DataError(f"x = {points.min():g}: the law starts above 0", where=self.metric)
        schedule.require(float(points.max()))
        if abs(schedule.peak / self.peak - 1) > _SAME_PEAK:
            raise UsageError(
                f"the schedule's peak rate is {schedule.peak:g}, that of the fitted runs {self.peak:g}",
                code="CF-USE-011",
                hint="the law holds at one peak rate: fit runs with the other one",
            )
        mean, variance = _predictive(self.nodes, Progress(schedule, self.nodes.unit), points)
        half = (
            float(ndtri(0.5 + level / 2)) * np.sqrt(variance + self.rmse**2)
            if interval
            else np.full(mean.shape, np.nan)
        )
        return Prediction(
            points,
            self.sign * mean,
            self.sign * mean - half,
            self.sign * mean + half,
            "confidence" if interval else None,
            level,
        )

    def summary(self) -> str:
        """The fit in a few lines of text."""
        law = self.law
        rows = [
            f"Annealed law of {self.metric} from {self.runs} run{'s' * (self.runs > 1)}, {self.points} points "
            f"({self.status.value})",
            f"  floor at the peak rate  {law.floor:.5g} +- {self.stderr['floor']:.2g}",
            f"  amplitude               {law.amplitude:.5g} +- {self.stderr['amplitude']:.2g}  at progress {law.unit:.6g}",
            f"  gain of annealing       {law.gain:.5g} +- {self.stderr['gain']:.2g}",
            f"  exponent                {law.alpha:.4g} +- {self.stderr['alpha']:.2g}",
            f"  residuals               {self.rmse:.3g} (root mean square)",
        ]
        return "\n".join([*rows, *(f"  {d}" for d in self.doubts if not d.ok)])


def fit_annealed(
    runs: Sequence[Run | tuple[Curve, Schedule]],
    metric: str | None = None,
    *,
    prior: ShapePrior | None = None,
) -> AnnealedFit:
    r"""Fit one annealed law to runs of one model under different learning-rate schedules.

    .. math:: L(x) = L_0 + A \Big(\frac{S(x)}{s_0}\Big)^{-\alpha} - C\, R(x)

    (`AnnealedLaw`; S the progress, R the gain from annealing). Shapes are averaged over a grid, weighted by how well
    they fit and by the prior; the levels (L0, A, C), shared by all runs, are solved exactly at every node.

    Parameters
    ----------
    runs : sequence of Run, or of (Curve, Schedule)
        One or several runs of the same model and data, x in one unit, one peak learning rate.
    metric : str, optional
        Which curve of each Run; default its main metric.
    prior : ShapePrior, optional
        What is known of the shape; default the shipped prior for unknown code.

    Returns
    -------
    AnnealedFit
        Its ``predict(schedule, x)`` answers "what would a cosine to 10 % give?".

    Raises
    ------
    DataError
        No run with a schedule and at least 3 points, runs whose peak rates differ by more than 1 %, or a metric that
        does not fall with progress.

    Examples
    --------
    >>> import numpy as np
    >>> import curvefit as cf
    >>> from curvefit.forecasting.annealed.fit import fit_annealed
    >>> from curvefit.models.annealed import AnnealedLaw, Momentum
    >>> true = AnnealedLaw(3.0, 0.3, 0.12, alpha=0.5, relaxation=Momentum(200.0), unit=10_000.0)
    >>> x = np.arange(200.0, 10_001.0, 200.0)
    >>> plan = cf.Schedule.wsd(1e-3, 10_000, decay=0.3)
    >>> fit = fit_annealed([(cf.Curve(x, true.predict(plan, x), metric="val_loss"), plan)])
    >>> new = cf.Schedule.cosine(1e-3, 20_000, final=0.1)
    >>> band = fit.predict(new, 20_000, interval="confidence")
    >>> bool(band.low[0] < true.predict(new, [20_000])[0] < band.high[0])
    True
    """
    pairs = [_pair(r, metric) for r in runs]
    if not pairs:
        raise DataError("no runs to fit", where="fit_annealed")
    first = pairs[0][0]
    peaks = np.array([s.peak for _, s in pairs])
    if peaks.min() <= 0 or peaks.max() / peaks.min() > 1 + _SAME_PEAK:
        raise DataError(
            f"peak learning rates from {peaks.min():g} to {peaks.max():g}",
            where="fit_annealed",
            hint="one law holds at one peak rate; fit the runs of each rate on their own",
        )
    units = {c.x_unit for c, _ in pairs}
    if len(units) > 1:
        raise DataError(f"x in different units: {', '.join(sorted(units))}", where="fit_annealed")
    sign = -1.0 if first.direction == "max" else 1.0
    totals = [float(Progress(s).progress(float(c.x[-1]))) for c, s in pairs]
    scaled = (prior or default_prior()).for_progress(float(np.max(totals)))
    relaxations = [r for r, _ in tau_nodes(scaled, _TAUS)]
    center = scaled.center
    seen = [observe(c.x, sign * c.y, s, relaxations, center.kappa, center.unit, _POWER) for c, s in pairs]
    used = [o for o in seen if o is not None]
    if not used:
        raise DataError("no run with at least 3 different points and progress", where="fit_annealed")
    n_effective = sum(min(_EFFECTIVE, float(o.x.size)) for o in used)
    nodes = solve(used, scaled, n_effective, _TAUS)
    if nodes is None:
        raise DataError(
            f"{first.metric.name} does not improve with the progress of the schedule",
            where="fit_annealed",
            hint="the law describes a metric that improves as long as the rate is held",
        )
    return _record(nodes, used, scaled, sign, first, float(peaks.max()), sum(len(c) for c, _ in pairs))


def _pair(run: Run | tuple[Curve, Schedule], metric: str | None) -> tuple[Curve, Schedule]:
    if isinstance(run, Run):
        if run.schedule is None:
            raise DataError("no learning rate in the log", where=run.name, hint="pass (curve, Schedule.cosine(...))")
        curve, schedule = run[metric or run.main_metric()], run.schedule
    else:
        curve, schedule = run
    curve.metric.need_direction()
    if not len(curve):
        raise DataError("no finite points", where=curve.metric.name)
    schedule.require(schedule.x[-1] if len(schedule) else 0.0)
    return curve, schedule


def _predictive(nodes: Nodes, schedule: Progress, x: Array) -> tuple[Array, Array]:
    """Mean and variance of the mean curve over the nodes."""
    keep = nodes.weight > 1e-6 * nodes.weight.max()
    weight = nodes.weight[keep] / nodes.weight[keep].sum()
    design = nodes.design_at(schedule, x)[keep]
    values = np.einsum("kmi,ki->km", design, nodes.levels[keep])
    within = np.einsum("kmi,kij,kmj->km", design, nodes.covariance[keep], design)
    mean = weight @ values
    return mean, weight @ (within + (values - mean) ** 2)


def _record(
    nodes: Nodes, used: list[Observed], prior: ShapePrior, sign: float, curve: Curve, peak: float, points: int
) -> AnnealedFit:
    w = nodes.weight
    levels = w @ nodes.levels
    spread = np.sqrt(w @ (np.einsum("kii->ki", nodes.covariance) + (nodes.levels - levels) ** 2))
    alpha = float(w @ nodes.alpha)
    alpha_sd = float(np.sqrt(w @ (nodes.alpha - alpha) ** 2))
    tau = float(np.exp(w @ np.log([r.tau for r in nodes.relaxations])[nodes.tau]))
    relaxation = prior.center.relaxation.rescaled(tau / prior.center.relaxation.tau)
    law = AnnealedLaw(
        float(sign * levels[0]),
        float(sign * levels[1]),
        float(sign * levels[2]),
        alpha,
        relaxation,
        prior.center.kappa,
        nodes.unit,
    )
    residuals = [_predictive(nodes, o.schedule, o.x)[0] - o.y for o in used]
    rmse = float(np.sqrt(np.mean(np.concatenate(residuals) ** 2)))
    prior_sd = prior.log_ratio_sd * prior.center.ratio * max(abs(float(levels[1])), 1e-300)
    seen = float(np.clip(1 - np.sqrt(w @ nodes.covariance[:, 2, 2]) / prior_sd, 0.0, 1.0))
    doubts = _doubts(nodes, prior, residuals, rmse, seen, alpha, float(levels[1]))
    return AnnealedFit(
        law=law,
        stderr=dict(zip(("floor", "amplitude", "gain", "alpha"), [*map(float, spread), alpha_sd], strict=True)),
        peak=peak,
        metric=curve.metric.name,
        x_unit=curve.x_unit,
        rmse=rmse,
        gain_seen=seen,
        runs=len(used),
        points=points,
        status=Status.OK if all(d.ok for d in doubts) else Status.DEGRADED,
        doubts=doubts,
        prior=prior,
        nodes=nodes,
        sign=sign,
    )


def _doubts(
    nodes: Nodes, prior: ShapePrior, residuals: list[Array], rmse: float, seen: float, alpha: float, amplitude: float
) -> tuple[Doubt, ...]:
    offsets = [float(np.mean(r)) for r in residuals]
    off = max(map(abs, offsets))
    edge = abs(alpha - prior.center.alpha) / prior.alpha_sd
    return (
        Doubt(
            "decay_seen",
            seen >= 0.3,
            f"the data settle {seen:.0%} of what the prior leaves open of the gain from annealing"
            if seen >= 0.3
            else "no decay seen: the gain from annealing rests on the prior"
            + (f" ({prior.source})" if prior.source else ""),
        ),
        Doubt(
            "exponent",
            edge < 2.5,
            f"the exponent {alpha:.3g} lies {edge:.1f} prior standard deviations from the prior's {prior.center.alpha:.3g}",
        ),
        Doubt(
            "misfit",
            rmse <= 0.05 * abs(amplitude),
            f"residuals have a root mean square of {rmse:.3g}, {rmse / max(abs(amplitude), 1e-300):.1%} of the amplitude",
        ),
        Doubt(
            "shared_levels",
            len(residuals) == 1 or off <= 3 * rmse / 2,
            f"mean residuals of the runs differ by up to {max(offsets) - min(offsets):.3g}",
        ),
    )
