"""A scaling law with its uncertainty: parameters, predictions beyond the data, compute-optimal allocation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...curves import Estimate, Prediction, Status, UsageError
from ...curves._checks import check_level
from .._finite import finite
from ._percentiles import EXACT, interval_estimate, spanned
from .table import Cell, Column, Table, finite_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Allocation", "Extrapolation", "ScalingFit"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Allocation:
    """How to spend an amount of compute.

    Parameters
    ----------
    compute : float
        The amount, in FLOP.
    sizes : mapping of str to Estimate
        Best value of every variable, for example N and D.
    ratio : Estimate
        Second variable over the first, for example tokens per parameter.
    loss : Estimate
        Loss there, of the law.
    """

    compute: float
    sizes: Mapping[str, Estimate]
    ratio: Estimate
    loss: Estimate


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """The law fitted below a limit, asked about the runs above it.

    Parameters
    ----------
    limit : float
        Largest value of the ordering variable that was fitted.
    fitted, predicted : int
        Runs below and above.
    reach : float
        Largest ordering variable over the limit.
    error : float
        Root mean square of log(predicted / observed).
    bias : float
        Mean of log(predicted / observed).
    covered : float
        Share of the runs above inside their prediction intervals, not widened.
    needed : float
        By what the half-widths would have to be multiplied to hold as many as they say.
    """

    limit: float
    fitted: int
    predicted: int
    reach: float
    error: float
    bias: float
    covered: float
    needed: float


@dataclass(frozen=True, slots=True, eq=False)
class ScalingFit:
    r"""A fitted law :math:`L = E + \sum_j A_j x_j^{-\alpha_j}`; what `scaling_law` returns.

    Parameters
    ----------
    variables : tuple of str
        Names of the variables.
    parameters : mapping of str to Estimate
        E, the factors and the exponents, with bootstrap intervals.
    stderr : mapping of str to float
        Bootstrap standard errors.
    draws : ndarray, shape (replicates, 1 + 2 k)
        Resampled ``[E, log A_1.., alpha_1..]``.
    best : ndarray, shape (1 + 2 k,)
        The same for all runs.
    points : ndarray, shape (n, k)
        Values of the variables.
    losses : ndarray, shape (n,)
        Losses.
    groups : ndarray of int, shape (n,)
        Run of every point.
    objective : float
        Sum of Huber's loss of the log residuals.
    delta : float
        Where it turns linear.
    level : float
        Nominal coverage of the intervals.
    flops_per : float
        Compute is this times the product of two variables.
    checks : tuple of Extrapolation
        Rolling extrapolation within the data.
    status : Status
        How the fit ended.
    reasons : tuple of str
        Plain sentences behind a status other than ok.
    settings : mapping of str to str
        How it was made.
    """

    variables: tuple[str, ...]
    parameters: Mapping[str, Estimate]
    stderr: Mapping[str, float]
    draws: Array
    best: Array
    points: Array
    losses: Array
    groups: NDArray[np.int_]
    objective: float
    delta: float
    level: float
    flops_per: float = 6.0
    checks: tuple[Extrapolation, ...] = ()
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"ScalingFit({self.formula}, {self.losses.size} points, {self.status.code})"

    def __str__(self) -> str:
        return self.render("plain")

    @property
    def formula(self) -> str:
        """The law in plain text."""
        return f"L = E + {' + '.join(f'{a}/{v}^{e}' for v, a, e in zip(self.variables, *self._names(), strict=True))}"

    @property
    def widening(self) -> float:
        """By what prediction intervals beyond the data are widened: the most that a rolling check needed, at least 1."""
        return max((1.0, *(c.needed for c in self.checks)))

    @property
    def residuals(self) -> Array:
        """Logs of observed over fitted losses."""
        return np.asarray(np.log(self.losses) - np.log(self._law(self.best[None], self.points)[0]))

    def predict(
        self,
        *values: ArrayLike,
        interval: Literal["confidence", "prediction"] | None = "prediction",
        level: float | None = None,
    ) -> Prediction:
        """Loss at other values of the variables.

        Parameters
        ----------
        *values : array-like
            One per variable, in their order; they broadcast.
        interval : {"prediction", "confidence"} or None
            Of the loss of a new run, or of the law: a new run adds a resampled residual.
        level : float, optional
            Nominal coverage; default that of the fit.

        Returns
        -------
        Prediction
            ``x`` is the first variable. The ends are NaN where there is no interval: without replicates, and where the
            points lie on the law to rounding.

        Notes
        -----
        Residuals of the fit do not know how a law fails beyond the data, its rolling checks do. Where the product of the
        variables is larger than in every run, logs of the ends of a prediction interval move away from that of the value by
        `widening`, in full from twice the largest product on. Without checks they stay as they are.
        """
        if len(values) != len(self.variables):
            raise UsageError(
                f"{len(values)} values for {len(self.variables)} variables",
                hint=f"predict({', '.join(self.variables)})",
            )
        if interval not in ("prediction", "confidence", None):
            raise UsageError(
                f"no interval {interval!r}", code="CF-USE-002", hint="choices: prediction, confidence, None"
            )
        level = self.level if level is None else check_level(level)
        points = np.stack(
            [np.ravel(v) for v in np.broadcast_arrays(*[np.asarray(v, dtype=float) for v in values])], axis=1
        )
        if not (np.isfinite(points) & (points > 0)).all():
            raise UsageError("variables of a scaling law are positive", where="predict()")
        mean = self._law(self.best[None], points)[0]
        low = high = np.full(mean.size, np.nan)
        if interval is not None and len(self.draws):
            drawn = np.log(self._law(self.draws, points))
            if interval == "prediction":
                rng = np.random.default_rng(0)
                used = self.best.size
                inflate = np.sqrt(self.losses.size / max(self.losses.size - used, 1))
                drawn = np.repeat(drawn, 4, axis=0) + inflate * rng.choice(self.residuals, (4 * len(drawn), 1))
            with np.errstate(invalid="ignore"):  # a loss beyond what a number can hold has no ends
                ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
            ends = np.stack([np.minimum(ends[0], np.log(mean)), np.maximum(ends[1], np.log(mean))])
            if interval == "prediction" and self.widening > 1:
                center = np.log(mean)
                ends = center + (ends - center) * self._widened(points)
            low, high = np.where(np.exp(ends[1]) - np.exp(ends[0]) <= EXACT * mean, np.nan, np.exp(ends))
        kind = None if not len(self.draws) else interval
        return Prediction(points[:, 0], mean, low, high, kind=kind, level=level)

    def optimal(self, compute: float, *, level: float | None = None) -> Allocation:
        r"""Best split of an amount of compute :math:`C = c\,x_1 x_2` between the two variables.

        .. math:: x_1 = G\,(C / c)^{\beta / (\alpha + \beta)}, \quad x_2 = (C / c) / x_1, \quad
                  G = \Big(\frac{\alpha A}{\beta B}\Big)^{1 / (\alpha + \beta)}

        Parameters
        ----------
        compute : float
            In FLOP.
        level : float, optional
            Nominal coverage; default that of the fit.
        """
        if len(self.variables) != 2:
            raise UsageError(
                "an allocation needs a law in two variables", where="optimal()", hint="cf.scaling_law(points, 'N', 'D')"
            )
        if not (np.isfinite(compute) and compute > 0):
            raise UsageError(f"compute = {compute!r} is not a positive number", where="optimal()")
        level = self.level if level is None else check_level(level)
        all_of = np.concatenate([self.best[None], self.draws])
        _, log_a, log_b, alpha, beta = all_of.T
        with np.errstate(all="ignore"):
            first = (np.log(alpha / beta) + log_a - log_b) / (alpha + beta) + beta / (alpha + beta) * np.log(
                compute / self.flops_per
            )
            second = np.log(compute / self.flops_per) - first
            loss = all_of[:, 0] + np.exp(log_a - alpha * first) + np.exp(log_b - beta * second)
        names = self.variables
        return Allocation(
            float(compute),
            {names[0]: _of_draws(names[0], np.exp(first), level), names[1]: _of_draws(names[1], np.exp(second), level)},
            _of_draws(f"{names[1]}/{names[0]}", np.exp(second - first), level),
            _of_draws("loss", loss, level),
        )

    def tables(self) -> tuple[Table, ...]:
        """Parameters, allocations at powers of ten of compute, and the rolling check."""
        found = (self._parameters(), self._allocations(), self._checks())
        return tuple(t for t in found if len(t))

    def render(self, format: str = "markdown", **options: Any) -> str:
        """All tables as text; see `Table.render`."""
        return "\n".join(t.render(format, **options) for t in self.tables())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: a number that is not finite is None, and ``nonfinite`` says by JSON pointer what it was."""
        clean: dict[str, Any]
        clean, nonfinite = finite(self._fields())
        return {**clean, "nonfinite": nonfinite}

    def _fields(self) -> dict[str, Any]:
        return {
            "law": self.formula,
            "variables": list(self.variables),
            "points": int(self.losses.size),
            "runs": int(np.unique(self.groups).size),
            "objective": self.objective,
            "delta": self.delta,
            "level": self.level,
            "stderr": dict(self.stderr),
            "status": self.status.code,
            "reasons": list(self.reasons),
            "settings": dict(self.settings),
            "tables": {t.name: finite_rows(t) for t in self.tables()},
        }

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """The points, the law and its extrapolation with the prediction interval."""
        from ..paper.scaling import scaling

        return scaling(self, ax=ax, **options)

    def _names(self) -> tuple[list[str], list[str]]:
        k = len(self.variables)
        names = list(self.parameters)
        return names[1 : 1 + k], names[1 + k :]

    def _law(self, parameters: Array, points: Array) -> Array:
        k = len(self.variables)
        with np.errstate(over="ignore"):
            terms = np.exp(parameters[:, None, 1 : 1 + k] - parameters[:, None, 1 + k :] * np.log(points)[None])
        total: Array = parameters[:, :1] + terms.sum(axis=2)
        return total

    def _widened(self, points: Array) -> Array:
        """Factors of the half-widths, from 1 at the largest product of the variables to all of it at twice that."""
        beyond = np.log2(points.prod(axis=1) / self.points.prod(axis=1).max())
        return np.asarray(1.0 + (self.widening - 1.0) * np.clip(beyond, 0.0, 1.0))

    def _parameters(self) -> Table:
        columns = (
            Column("parameter", "parameter"),
            Column("value", "value", "estimate"),
            Column("stderr", "standard error", "number"),
        )
        rows: list[tuple[Cell, ...]] = []
        for n, e in self.parameters.items():
            known, why = self.stderr.get(n), e.reasons
            if known is not None and e.interval is not None and known > 2 * e.interval.width:
                known, why = None, ("resampled runs that are far off make it huge; the interval says more",)
            use = known is not None and e.interval is not None and e.status.usable
            rows.append((n, e, known if use else Estimate("stderr", None, status=e.status, reasons=why)))
        notes = (*self.reasons, *_vague(self.parameters.items()))
        return Table("scaling-law", f"{self.formula}, {self.losses.size} points", columns, tuple(rows), notes)

    def _allocations(self) -> Table:
        if len(self.variables) != 2 or not self.status.usable:
            return Table("allocation", "", (), ())
        a, b = self.variables
        columns = (
            Column("compute", "compute (FLOP)", "number"),
            Column("first", a, "estimate"),
            Column("second", b, "estimate"),
            Column("ratio", f"{b}/{a}", "estimate"),
            Column("loss", "loss", "estimate"),
        )
        compute = self.flops_per * self.points.prod(axis=1)
        powers = 10.0 ** np.arange(np.ceil(np.log10(compute.min())), np.ceil(np.log10(compute.max())) + 2.5)
        rows: list[tuple[Cell, ...]] = []
        for c in powers:
            best = self.optimal(float(c))
            rows.append((float(c), best.sizes[a], best.sizes[b], best.ratio, best.loss))
        note = f"Largest compute among the data: {compute.max():.3g} FLOP; C = {self.flops_per:g} {a} {b}."
        vague = _vague((f"{e.name} at {r[0]:.3g} FLOP", e) for r in rows for e in r if isinstance(e, Estimate))
        return Table("allocation", f"Compute-optimal {a} and {b}", columns, tuple(rows), (note, *vague))

    def _checks(self) -> Table:
        columns = (
            Column("limit", "fitted up to", "number"),
            Column("fitted", "fitted", "count"),
            Column("predicted", "predicted", "count"),
            Column("reach", "reach", "number"),
            Column("error", "error (log rms)", "number"),
            Column("bias", "bias (log)", "number"),
            Column("covered", "covered", "probability"),
            Column("needed", "widening needed", "number"),
        )
        rows: list[tuple[Cell, ...]] = [
            (c.limit, c.fitted, c.predicted, c.reach, c.error, c.bias, c.covered, c.needed) for c in self.checks
        ]
        caption = f"Rolling extrapolation: fitted below a limit, scored above; nominal coverage {self.level:g}"
        note = f"Prediction intervals beyond the data are widened {self.widening:.3g} times, by the most that was needed here."
        return Table("extrapolation", caption, columns, tuple(rows), (note,) if self.widening > 1 else ())


def _vague(estimates: Iterable[tuple[str, Estimate]]) -> list[str]:
    """A sentence that names estimates whose intervals span many powers of ten."""
    found = [f"{n} ({p} powers of ten)" for n, e in estimates if e.interval is not None and (p := spanned(e.interval))]
    more = f" and {len(found) - 4} more" if len(found) > 4 else ""
    return (
        [f"Not determined by these runs, by the width of the interval: {', '.join(found[:4])}{more}."] if found else []
    )


def _of_draws(name: str, values: Array, level: float) -> Estimate:
    """Estimate of the first value with the percentile interval of the others."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]):
        return Estimate(name, None, status=Status.NOT_IDENTIFIED, reasons=("the law has no optimum",))
    if not drawn.size:
        return Estimate(name, float(values[0]), reasons=("no bootstrap replicates",))
    return interval_estimate(name, float(values[0]), drawn, level)
