"""The record of a general least-squares fit, and how it is put together from a solution."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...curves import Interval, Prediction, Status, UsageError
from ...curves._checks import check_level, frozen_array, safe_text
from ...curves.errors import unknown_name
from .._doubt import Doubt
from .._linalg import scaled_qr_covariance
from .._summary import digits
from ..autocorrelation import effective_size
from .optimize import Solution
from .problem import Problem
from .profile import profile_interval
from .setup import Setup
from .solvers import Optimum
from .table import Table
from .verdict import MAX_CONDITION, NO_NOISE, judge, residual_pattern

__all__ = ["LeastSquaresFit", "assemble", "without_solution"]

Array = NDArray[np.float64]
IntervalMethod = Literal["profile_likelihood", "delta"]


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquaresFit:
    """A fitted model with what is known of its reliability.

    Parameters
    ----------
    model, response : str
        The formula (or the function's name) and the response, as written.
    params : mapping of str to float
        Estimates; NaN where the data do not determine a parameter.
    stderr : mapping of str to float
        Standard errors; NaN where none can be given.
    covariance : ndarray, shape (p, p)
        Of the estimates, in the order of ``params``.
    rss : float
        (Weighted) residual sum of squares.
    sigma : float
        Residual standard deviation (of weight one): square root of RSS over degrees of freedom.
    dof : int
        Rows in use minus fitted parameters.
    n, dropped : int
        Rows in use, and rows left out because a number was missing or a weight zero.
    status : Status
        ``status.usable`` says whether the numbers may be used.
    doubts : tuple of Doubt
        Every check the fit was put through, passed or not.
    residuals : ndarray, shape (n,)
        Response minus model, unweighted, in the order of the data.
    condition_number : float
        Of the scaled Jacobian.
    """

    model: str
    response: str
    params: Mapping[str, float]
    stderr: Mapping[str, float]
    covariance: Array
    rss: float
    sigma: float
    dof: int
    n: int
    dropped: int
    status: Status
    doubts: tuple[Doubt, ...]
    residuals: Array
    condition_number: float
    _setup: Setup = dataclass_field(repr=False)
    _theta: Array = dataclass_field(repr=False)
    _free_covariance: Array = dataclass_field(repr=False)

    def __post_init__(self) -> None:
        for name in ("covariance", "residuals", "_theta", "_free_covariance"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))
        for name in ("params", "stderr"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def converged(self) -> bool:
        """Whether an optimum was found, and confirmed by independent ways."""
        confirmed = all(d.ok for d in self.doubts if d.name == "agreement")
        return confirmed and (self.status.usable or self.status is Status.CONSTANT)

    @property
    def rho(self) -> float:
        """Correlation of neighboring residuals along the only predictor; NaN with several, or with fewer than 12 rows."""
        if len(self._setup.columns) != 1 or not np.all(np.isfinite(self.residuals)):
            return math.nan
        root = 1.0 if self._setup.weights is None else np.sqrt(self._setup.weights)
        x = next(iter(self._setup.columns.values()))
        found = residual_pattern(x, root * self.residuals, len(self._setup.free))
        return math.nan if found is None else found

    @property
    def n_effective(self) -> float:
        """Number of independent rows that this correlation leaves."""
        rho = self.rho
        if not rho > 0:
            return float(self.n)
        return effective_size(self.n, rho, np.sort(next(iter(self._setup.columns.values()))))

    def predict(
        self,
        data: Any,
        interval: Literal["confidence", "prediction"] | None = None,
        level: float = 0.95,
        *,
        correlated: bool = False,
    ) -> Prediction:
        """The fitted curve at new rows, with a pointwise delta-method interval if asked for.

        Parameters
        ----------
        data : array-like, mapping or dataframe
            The columns the model reads; for a model of one column also an array, list or number.
        interval : {None, "confidence", "prediction"}
            Of the mean, or of a new observation of weight one.
        level : float
            Nominal coverage.
        correlated : bool
            Whether to allow for correlation of neighboring residuals, as in ``conf_int``.

        Returns
        -------
        Prediction
            Of the response as it was fitted: of ``log(y)`` if that is the response. ``x`` is the predictor for a model
            of one column, else the row number.
        """
        check_level(level)
        if interval not in (None, "confidence", "prediction"):
            raise UsageError(
                f"interval = {interval!r}", where="interval", hint="choices: None, 'confidence', 'prediction'"
            )
        columns, n = self._columns(data)
        bound = self._setup.function.bind(columns, n)
        x = next(iter(columns.values())) if len(columns) == 1 else np.arange(n, dtype=np.float64)
        if interval is None or not self.status.usable:
            mean = np.asarray(bound.value(self._theta), dtype=np.float64)
            unknown = np.full(n, np.nan)
            return Prediction(x, mean, unknown, unknown, interval, level)
        mean, jacobian = bound.value_and_jacobian(self._theta)
        with np.errstate(invalid="ignore"):
            variance = np.einsum("np,pq,nq->n", jacobian, self._free_covariance, jacobian)
        half = self._critical(level, correlated) * np.sqrt(variance)
        if interval == "prediction":
            half = np.hypot(half, self._quantile(level) * self.sigma)
        return Prediction(x, mean, mean - half, mean + half, interval, level)

    def _columns(self, data: Any) -> tuple[dict[str, Array], int]:
        names = tuple(self._setup.columns)
        if isinstance(data, int | float | list | tuple | range | np.ndarray) and len(names) <= 1:
            values = np.atleast_1d(np.asarray(data, dtype=np.float64))
            return ({names[0]: values} if names else {}), len(values)
        table = Table(data)
        missing = [name for name in names if name not in table]
        if missing:
            raise UsageError(f"the model reads the column {missing[0]!r}", where="data", hint=f"it reads: {names}")
        return {name: table[name] for name in names}, table.rows

    def _quantile(self, level: float) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(self.dof, 0.5 + level / 2.0))

    def _critical(self, level: float, correlated: bool) -> float:
        """Student's quantile; with correlation that of the effective rows, times the root of what it adds."""
        if not correlated:
            return self._quantile(level)
        from scipy.special import stdtrit

        left = max(self.n_effective - len(self._setup.free), 1.0)
        return float(stdtrit(left, 0.5 + level / 2.0)) * math.sqrt(self.n / self.n_effective)

    def conf_int(
        self,
        level: float = 0.95,
        method: IntervalMethod = "profile_likelihood",
        *,
        parameters: Sequence[str] | None = None,
        correlated: bool = False,
    ) -> Mapping[str, Interval | None]:
        """Confidence intervals of the parameters.

        Parameters
        ----------
        level : float
            Nominal coverage.
        method : {"profile_likelihood", "delta"}
            Profile: where the best fit with the parameter held is not significantly worse (F test); open sides are
            infinite or at the bound. Delta: estimate plus or minus Student's quantile times the standard error. Tied
            parameters get the delta interval.
        parameters : sequence of str, optional
            Names; default all.
        correlated : bool
            Whether to count ``n_effective`` rows instead of n: for models of one column whose neighboring residuals are
            correlated.

        Returns
        -------
        mapping of str to Interval or None
            ``Interval.method`` says which was used; None where no interval is estimable.

        Notes
        -----
        Both assume residuals of equal variance (given the weights) and, unless ``correlated``, independent ones; see
        ``doubts``.
        """
        check_level(level)
        if method not in ("profile_likelihood", "delta"):
            raise UsageError(f"method = {method!r}", where="method", hint="choices: 'profile_likelihood', 'delta'")
        problem = self._setup.problem() if method == "profile_likelihood" and self.status.usable else None
        scales = self._scales(problem) if problem is not None else {}
        out: dict[str, Interval | None] = {}
        for name in self.params if parameters is None else parameters:
            if name not in self.params:
                raise unknown_name("parameter", name, self.params)
            value, error, scale = self.params[name], self.stderr[name], scales.get(name, math.nan)
            out[name] = None
            if problem is not None and math.isfinite(scale):
                j = self._setup.free.index(name)
                ends = profile_interval(problem, self._theta, j, scale, self.dof, self._critical(level, correlated))
                out[name] = None if ends is None else Interval(*ends, level, method=method)
            elif self.status.usable and math.isfinite(error):
                half = self._critical(level, correlated) * error
                out[name] = Interval(value - half, value + half, level, method="delta")
        return MappingProxyType(out)

    def _scales(self, problem: Problem) -> dict[str, float]:
        """Standard errors of the free parameters as if none were at a bound: how far a profile has to look."""
        _, jacobian = problem.residuals_and_jacobian(self._theta)
        rss = float(problem.rss(self._theta))
        variances = np.diag(scaled_qr_covariance(jacobian, rss, self.dof)[0])
        known = {name for name in self._setup.free if math.isfinite(self.params[name])}
        return {n: math.sqrt(v) for n, v in zip(self._setup.free, variances, strict=True) if n in known}

    def summary(self, level: float = 0.95) -> str:
        """A table of the estimates, and every failed check in words."""
        equation = self.model if "=" in self.model or "~" in self.model else f"{self.response} = {self.model}"
        lines = [
            f"Least squares   {textwrap.shorten(safe_text(equation), 64, placeholder=' ...')}",
            f"Status          {self.status.code}: {self.status.value}",
            f"Rows            {self.n} in use, {self.dropped} left out, {self.dof} degrees of freedom",
            f"Residuals       sum of squares {self.rss:.6g}, standard deviation {self.sigma:.4g}",
            "",
            f"  {'parameter':<14}{'estimate':>14}{'std. error':>13}   {100 * level:g} % profile interval",
        ]
        intervals = self.conf_int(level)
        for name, value in self.params.items():
            text, error = digits(value, self.stderr[name])
            lines.append(
                f"  {safe_text(name):<14}{text:>14}{error:>13}   {_interval(intervals[name], self.stderr[name])}"
            )
        failed = [d for d in self.doubts if not d.ok]
        lines += ["", "Doubts" if failed else f"All {len(self.doubts)} checks passed."]
        for doubt in failed:
            lines += textwrap.wrap(f"{doubt.name}: {doubt.message}", 78, initial_indent="  ", subsequent_indent="    ")
        return "\n".join(lines)

    def to_lmfit(self) -> Any:
        """The fit as lmfit's ``(Minimizer, MinimizerResult)``, for its tools such as ``conf_interval`` and ``emcee``.

        Ties are already resolved: the Minimizer knows the free parameters only, and no expression.
        """
        import lmfit

        parameters = lmfit.Parameters()
        for name, value, low, high in zip(
            self._setup.free, self._theta, self._setup.low, self._setup.high, strict=True
        ):
            parameters.add(name, value=float(value), min=low, max=high)
        problem, unit, free = self._setup.problem(), self._setup.unit, self._setup.free

        def residual(params: Any) -> Array:
            return problem.residuals(np.array([params[name].value for name in free])) * unit

        minimizer = lmfit.Minimizer(residual, parameters)
        return minimizer, minimizer.minimize(method="leastsq")


def _interval(shown: Interval | None, error: float) -> str:
    if shown is None:
        return "not estimable"
    scale = error if math.isfinite(error) and error > 0 else shown.width / 4
    low = "open" if shown.low == -math.inf else digits(shown.low, scale)[0]
    high = "open" if shown.high == math.inf else digits(shown.high, scale)[0]
    return f"{low} to {high}" + (" (delta)" if shown.method == "delta" else "")


def without_solution(setup: Setup, status: Status, doubts: tuple[Doubt, ...]) -> LeastSquaresFit:
    """A fit that has no numbers, and says why."""
    nothing = dict.fromkeys(setup.names, math.nan)
    p, k = len(setup.names), len(setup.free)
    return LeastSquaresFit(
        setup.label, setup.response, nothing, nothing, np.full((p, p), np.nan), math.nan, math.nan,
        len(setup.y) - k, len(setup.y), setup.dropped, status, doubts, np.full(len(setup.y), np.nan), math.nan, setup,
        np.full(k, np.nan), np.full((k, k), np.nan),
    )  # fmt: skip


def assemble(
    setup: Setup, problem: Problem, solution: Solution, optimum: Optimum, needed: int, alone: bool
) -> LeastSquaresFit:
    """Estimates, covariance and verdict of a solution."""
    p = len(setup.free)
    dof = len(setup.y) - p
    inside = ~optimum.at_bound
    covariance = np.full((p, p), np.nan)
    condition = 1.0
    if inside.any():
        small, condition = scaled_qr_covariance(optimum.jacobian[:, inside], optimum.rss, dof)
        covariance[np.ix_(inside, inside)] = small
    status, doubts = judge(setup, problem, solution, optimum, condition, problem.model.exact, needed, alone)
    noiseless = any(d.name == "noise" and not d.ok for d in doubts)
    theta = optimum.theta
    shown = theta.copy()
    undetermined = _undetermined(problem, optimum, covariance, condition, dof, noiseless)
    shown[undetermined] = np.nan
    covariance[undetermined, :] = covariance[:, undetermined] = np.nan
    if noiseless or not status.usable:
        covariance[:] = np.nan
    values, full = _with_ties(setup, shown, covariance)
    unit = setup.unit
    value = problem.model.value(theta)
    errors = np.sqrt(np.where(np.diag(full) >= 0, np.diag(full), np.nan))
    with np.errstate(over="ignore"):
        rss = float(np.float64(optimum.rss) * unit * unit)
    return LeastSquaresFit(
        setup.label, setup.response, values, dict(zip(setup.names, errors.tolist(), strict=True)), full, rss,
        unit * math.sqrt(optimum.rss / dof), dof, len(setup.y), setup.dropped, status, doubts, setup.y - value, condition, setup, theta, covariance,
    )  # fmt: skip


def _undetermined(
    problem: Problem, optimum: Optimum, covariance: Array, condition: float, dof: int, noiseless: bool
) -> NDArray[np.bool_]:
    """Parameters whose value is arbitrary: any point of a valley, or an effect below rounding."""
    variances = np.diag(covariance)
    if math.isinf(condition):
        return np.isinf(variances)
    if noiseless:
        rounding = (NO_NOISE * float(np.linalg.norm(problem.root_weights * problem.y))) ** 2
        variances = np.diag(scaled_qr_covariance(optimum.jacobian, rounding, dof)[0])
    elif condition <= MAX_CONDITION:
        return np.zeros(problem.p, dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.sqrt(variances) > 1e3 * np.abs(optimum.theta)


def _with_ties(setup: Setup, theta: Array, covariance: Array) -> tuple[dict[str, float], Array]:
    """Values and covariance of all parameters, by the chain rule through the ties."""
    place = {name: j for j, name in enumerate(setup.free)}
    values: dict[str, float] = {}
    chain = np.zeros((len(setup.names), len(setup.free)))
    for i, name in enumerate(setup.names):
        if name in place:
            values[name] = float(theta[place[name]])
            chain[i, place[name]] = 1.0
        else:
            tie = setup.ties[name]
            wrt = [place[q] for q in tie.parameters]
            value, jacobian = tie.bind({}, 1).value_and_jacobian(theta[wrt])
            values[name] = float(value[0])
            chain[i, wrt] = jacobian[0]
    if not setup.ties:
        return values, covariance
    full = np.full((len(setup.names), len(setup.names)), np.nan)
    known = np.isfinite(np.diag(covariance))
    rows = ~np.any(chain[:, ~known] != 0, axis=1)
    part = chain[np.ix_(rows, known)]
    full[np.ix_(rows, rows)] = part @ covariance[np.ix_(known, known)] @ part.T
    return values, full
