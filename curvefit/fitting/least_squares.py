"""General nonlinear least squares: any formula or function of any columns, with or without starting values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..curves import Status, UsageError
from ._doubt import Doubt
from .nonlinear.model_function import BlackBox
from .nonlinear.optimize import minimize
from .nonlinear.result import LeastSquaresFit, assemble, without_solution
from .nonlinear.setup import SEARCH_ROWS, Setup, prepare
from .nonlinear.solvers import ALGORITHMS
from .nonlinear.verdict import residual_pattern

__all__ = ["LeastSquaresFit", "least_squares"]

Array = NDArray[np.float64]
_SEED = 20260321  # of the search for starting values: the same call gives the same fit


def least_squares(
    model: str | Callable[..., Any],
    data: Any,
    start: Any = None,
    *,
    y: str = "y",
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    weights: Any = None,
    ties: Mapping[str, str | float] | None = None,
    method: Literal["auto", "lm", "trf", "dogbox", "minpack"] = "auto",
    multistart: bool = True,
    rng: np.random.Generator | None = None,
) -> LeastSquaresFit:
    r"""Minimize $\sum_i w_i (y_i - f(x_i; \theta))^2$ over the parameters of any formula or function.

    Parameters
    ----------
    model : str or callable
        A formula such as ``"E + A*x**-a"`` or ``"log(y) = a - b*x1*exp(-c*x2)"``: names that are not columns are
        parameters. Or a function: arguments called like columns are columns and the others parameters, as in
        ``f(x, E, A, a)``; when none is called like a column, the first takes the only predictor.
    data : mapping of str to array-like, dataframe or Curve
        Columns; rows with a missing or non-finite number in a column in use are left out and counted.
    start : mapping, sequence or lmfit.Parameters, optional
        Starting values. None: the package finds its own. lmfit's parameters bring bounds, fixed values and ties;
        their expressions are read by the package's own parser.
    y : str
        The response: a column, or a formula of columns such as ``"log(y)"``.
    bounds : mapping of str to (low, high), optional
        None for an open side.
    weights : str or array-like, optional
        Weights, proportional to inverse variances; zero leaves a row out.
    ties : mapping of str to str or float, optional
        Parameters given by a formula of others, or fixed at a number.
    method : {"auto", "lm", "trf", "dogbox", "minpack"}
        Algorithm from the start; "auto" runs several and takes the best.
    multistart : bool
        Whether to look for a better optimum than the one reached from the start. Without a start it is always done. A
        single algorithm without this search may be used, but is not called converged: nothing confirms it.
    rng : numpy.random.Generator, optional
        For the search; by default the same call always gives the same fit.

    Returns
    -------
    LeastSquaresFit

    Raises
    ------
    UsageError, DataError
        For a model, column, start or weight that makes no sense. A fit that did not work out is not an error: see
        ``status`` and ``doubts``.

    Notes
    -----
    Derivatives are exact for formulas and for functions of plain arithmetic, else by complex step where the function
    takes complex parameters, else by central differences. Starting values: the unit of each parameter is read off the
    formula by dimensional analysis, magnitudes are drawn from the spread of the data, parameters that enter linearly
    are solved for, and many descents run side by side in independent rounds until several agree. The best optimum is
    polished by Gauss-Newton steps with QR. It is called converged only if the gradient vanishes to rounding and
    independent ways led there; a local minimum can be excluded no more strongly than that.

    References
    ----------
    Golub and Pereyra (1973), The differentiation of pseudo-inverses and nonlinear least squares problems whose
    variables separate. SIAM Journal on Numerical Analysis 10, 413-432.
    Bates and Watts (1988), Nonlinear Regression Analysis and Its Applications. Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    >>> noise = np.array([0.01, -0.02, 0.01, 0.0, -0.01, 0.01])
    >>> fit = least_squares("E + A*x**-a", {"x": x, "y": 1.0 + 2.0 * x**-0.5 + noise})
    >>> fit.status.usable
    True
    >>> bool(abs(fit.params["a"] - 0.5) < 2 * fit.stderr["a"])
    True
    """
    if method != "auto" and method not in ALGORITHMS:
        raise UsageError(f"method = {method!r}", where="method", hint=f"choices: auto, {', '.join(ALGORITHMS)}")
    generator = np.random.default_rng(_SEED) if rng is None else rng
    setup = prepare(model, data, start, y, bounds, weights, ties, generator)
    n, p = len(setup.y), len(setup.free)
    if n <= p:
        doubt = Doubt("points", False, f"{n} rows for {p} parameters; at least {p + 1} are needed")
        return without_solution(setup, Status.TOO_FEW_POINTS, (doubt,))
    linear = setup.linear(generator)
    problem = setup.problem(linear)
    thinned = problem if n <= SEARCH_ROWS else setup.problem(linear, setup.thinned(SEARCH_ROWS, generator))
    searching = multistart or setup.start is None
    solution = minimize(
        problem,
        thinned,
        setup.start,
        setup.sampler() if searching else None,
        generator,
        algorithms=None if method == "auto" else (method,),
        cheap=setup.cheap,
        serial=_pattern_check(setup) if problem is thinned else None,
        roughness=setup.roughness(),
    )
    if solution.optimum is None:
        if isinstance(setup.function, BlackBox):
            _raise_own_error(setup)
        doubt = Doubt("finite", False, "the model is not finite at any starting value")
        return without_solution(setup, Status.NONFINITE, (doubt,))
    confirmed_by = 2 if problem.shape_parameters else 1  # a linear problem has one optimum
    alone = not searching and method != "auto"
    return assemble(setup, problem, solution, solution.optimum, confirmed_by, alone)


def _pattern_check(setup: Setup) -> Callable[[Array], bool] | None:
    """Whether residuals are so strongly correlated along the predictor that a better optimum is likely."""
    if len(setup.columns) != 1:
        return None
    x = next(iter(setup.columns.values()))
    return lambda residuals: (residual_pattern(x, residuals, len(setup.free)) or 0.0) > 0.5


def _raise_own_error(setup: Setup) -> None:
    """Call a function that is nowhere finite once more, unguarded, so that its own exception is seen."""
    assert isinstance(setup.function, BlackBox)
    theta = np.ones(len(setup.free)) if setup.start is None else setup.start
    setup.function.signature(dict(zip(setup.free, theta, strict=True)), setup.columns)
