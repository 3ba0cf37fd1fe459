"""Random-effects pooling of one quantity over runs, and every run drawn toward the mean by its own noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..curves import DataError, Estimate, Interval, Status
from ..curves._arguments import as_numbers
from ..curves._checks import check_level
from ..reporting.tables import Pooled

__all__ = ["Pooled", "pool"]

MIN_RUNS = 3


def pool(
    values: ArrayLike | Sequence[Estimate],
    stderr: ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    name: str = "value",
    level: float = 0.95,
) -> Pooled:
    r"""Pool estimates of one quantity that differ by noise and between runs.

    .. math:: \hat\theta_i \sim N(\theta_i, s_i^2), \quad \theta_i \sim N(\mu, \tau^2), \quad
              \tilde\theta_i = \frac{\tau^2 \hat\theta_i + s_i^2 \hat\mu}{\tau^2 + s_i^2}

    Parameters
    ----------
    values : array-like or sequence of Estimate, shape (n,)
        What was found in every run. With estimates the standard errors are read from their intervals.
    stderr : array-like, shape (n,), optional
        Standard errors, in the same unit.
    names : sequence of str, optional
        Of the runs.
    name : str
        Of the quantity.
    level : float
        Nominal coverage of the intervals.

    Returns
    -------
    Pooled

    Raises
    ------
    DataError
        With fewer than three runs that have both numbers.

    Notes
    -----
    The variance between runs is Paule and Mandel's, the interval of the mean Hartung and Knapp's with a t distribution,
    the prediction interval for another run Higgins, Thompson and Spiegelhalter's. Shrunken runs are empirical Bayes: their
    intervals take the variance between runs as known, and add the uncertainty of the mean.

    References
    ----------
    Paule and Mandel (1982), J. Res. NBS 87, 377-385. Hartung and Knapp (2001), Statistics in Medicine 20, 3875-3889. Higgins,
    Thompson and Spiegelhalter (2009), JRSS A 172, 137-159.

    Examples
    --------
    >>> import curvefit as cf
    >>> pooled = cf.pool([0.50, 0.55, 0.47, 0.52], [0.02, 0.04, 0.02, 0.03], name="exponent")
    >>> pooled.mean.name
    'exponent'
    """
    from scipy.special import ndtri, stdtrit
    from statsmodels.stats.meta_analysis import combine_effects

    check_level(level)
    y, s = _numbers(values, stderr)
    labels = [f"run {i}" for i in range(1, y.size + 1)] if names is None else [str(n) for n in names]
    if len(labels) != y.size:
        raise DataError(f"{len(labels)} names for {y.size} values", where="pool()")
    good = np.isfinite(y) & np.isfinite(s) & (s > 0)
    notes = () if good.all() else (f"{int((~good).sum())} of {good.size} runs left out: no value or no standard error",)
    if good.sum() < MIN_RUNS:
        raise DataError(
            f"{int(good.sum())} runs with a value and a standard error", where="pool()", hint=f"at least {MIN_RUNS}"
        )
    y, s = y[good], s[good]
    labels = [n for n, ok in zip(labels, good, strict=True) if ok]
    found: Any = combine_effects(y, s**2, method_re="iterated", use_t=True)
    between = max(float(found.tau2), 0.0)
    weights = 1 / (s**2 + between)
    mean = float((weights * y).sum() / weights.sum())
    freedom = y.size - 1
    hartung_knapp = math.sqrt(float((weights * (y - mean) ** 2).sum()) / freedom / float(weights.sum()))
    half = float(stdtrit(freedom, (1 + level) / 2)) * hartung_knapp
    ahead = float(stdtrit(max(y.size - 2, 1), (1 + level) / 2)) * math.sqrt(between + hartung_knapp**2)
    pull = s**2 / (s**2 + between)
    shrunken = (1 - pull) * y + pull * mean
    spread = np.sqrt(s**2 * (1 - pull) + pull**2 * hartung_knapp**2)
    z = float(ndtri((1 + level) / 2))
    return Pooled(
        name=name,
        mean=Estimate(name, mean, Interval(mean - half, mean + half, level, method="random effects, Hartung-Knapp")),
        new_run=Estimate(name, mean, Interval(mean - ahead, mean + ahead, level, "prediction", "random effects")),
        tau=math.sqrt(between),
        heterogeneity=max(0.0, float(found.i2)),
        p_value=_chi_square_tail(float(found.q), freedom),
        runs=tuple(labels),
        own=tuple(
            Estimate(name, float(v), Interval(float(v - z * e), float(v + z * e), level))
            for v, e in zip(y, s, strict=True)
        ),
        shrunken=tuple(
            Estimate(name, float(v), Interval(float(v - z * e), float(v + z * e), level, method="empirical Bayes"))
            for v, e in zip(shrunken, spread, strict=True)
        ),
        shrinkage=tuple(float(p) for p in pull),
        notes=notes,
    )


def _chi_square_tail(statistic: float, freedom: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(freedom, statistic))


def _numbers(values: Any, stderr: Any) -> tuple[Any, Any]:
    if stderr is not None:
        y, s = as_numbers(values, "values", "pool()"), as_numbers(stderr, "stderr", "pool()")
        if y.ndim != 1 or y.shape != s.shape:
            raise DataError("values and stderr differ in length", where="pool()")
        return y, s
    items = list(values)
    if not items or not all(isinstance(e, Estimate) for e in items):
        raise DataError(
            "values without standard errors", where="pool()", hint="cf.pool(values, stderr), or a list of estimates"
        )
    from scipy.special import ndtri

    y, s = np.full(len(items), np.nan), np.full(len(items), np.nan)
    for i, e in enumerate(items):
        usable = e.status in (Status.OK, Status.DEGRADED) and e.value is not None
        if usable and e.interval is not None and e.interval.closed:
            y[i] = e.value
            s[i] = e.interval.width / 2 / float(ndtri((1 + e.interval.level) / 2))
    return y, s
