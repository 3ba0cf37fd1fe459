"""Fit a law to a curve: estimates, intervals, and every reason to doubt them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..curves import Curve, DataError, Status, UsageError
from ..curves._arguments import checked
from ..curves._checks import as_float_array
from ..curves.numbers import counted
from ..models import Array, Model
from ..models import registry as models
from ..models._base import has_level
from ..models.noise import Noise
from ..models.noise import registry as noises
from ._sample import Sample
from ._solve import solve
from .record import Fit

__all__ = ["Fit", "Problem", "fit", "find_model", "prepared"]


@checked
def fit(
    curve: Curve,
    model: str | Model = "power_law",
    *,
    noise: str | Noise = "auto",
    weights: ArrayLike | None = None,
    max_iterations: int = 60,
) -> Fit:
    r"""Fit a law to a curve by least squares or its robust, weighted or whitened relative.

    .. math:: \hat c, \hat\theta = \arg\min \sum_i w_i \Big(y_i - \sum_k c_k \phi_k(x_i; \theta)\Big)^2

    Parameters
    ----------
    curve : Curve
        The data.
    model : str or Model
        A name from ``curvefit list models``, a sum of names (``"power_law+exponential"``), or a `Model`.
    noise : str or Noise
        ``"auto"``: least squares (Student's t when points lie far out), with intervals for as many independent points as the
        residuals' correlation leaves. A name or instance takes that assumption at its word: ``"gaussian"``,
        ``"student_t"`` and ``"multiplicative"`` are independent, ``"autoregressive"`` whitens the residuals.
    weights : array-like, shape (len(curve),), optional
        Inverse relative variances in the order of ``curve.x``; 0 leaves a point out. Their scale does not matter: the noise
        level is always estimated.
    max_iterations : int
        Most optimizer steps from each start.

    Returns
    -------
    Fit
        Always: a curve that cannot be fitted gives a fit whose status says why.

    Raises
    ------
    UsageError
        Unknown model or noise.
    DataError
        Weights that are negative, missing or of the wrong number.

    Notes
    -----
    Linear parameters are solved exactly for every shape tried (variable projection), shapes come from a grid in units of
    the last x and are polished from its best local minima; nothing has to be guessed. x and y are scaled inside, so units
    do not matter. More than 4,096 points are merged into 2,048 bins of equal width in ln x whose values are corrected for
    the law's bend within them.

    Fails when the law is not the curve's: then residuals are correlated, which widens intervals but cannot repair them.
    """
    law = find_model(model)
    kind = None if isinstance(noise, str) and noise == "auto" else noises[noise] if isinstance(noise, str) else noise
    if kind is not None and not isinstance(kind, Noise):
        raise UsageError(
            f"noise = {noise!r:.60} is no noise", where="fit()", hint=f"choices: auto, {', '.join(noises)}"
        )
    name = "auto" if kind is None else kind.name
    problem = prepared(curve, law, kind, weights)
    law, dropped = problem.model, problem.dropped
    if problem.sample is None:
        return Fit(curve, law, name, None, problem.failure, dropped)
    core = solve(law, problem.sample, kind, known=isinstance(noise, Noise), iterations=max_iterations)
    if not (np.isfinite(core.rss) and np.all(np.isfinite(core.unit_params))):
        return Fit(curve, law, name, None, (Status.NONFINITE, "the sum of squares is not finite anywhere"), dropped)
    return Fit(curve, law, name, core, None, dropped)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Points a law can be fitted to, or why there are none.

    Attributes
    ----------
    model : Model
        The law; the constant where all values are the same.
    sample : Sample or None
        The points.
    dropped : int
        Points before the first x at which the law is defined.
    failure : (Status, str) or None
        Why there is no sample.
    """

    model: Model
    sample: Sample | None
    dropped: int = 0
    failure: tuple[Status, str] | None = None


def prepared(curve: Curve, law: Model, kind: Noise | None, weights: ArrayLike | None = None) -> Problem:
    """What there is to fit a law to; parameters as for `fit`."""
    x, y, weight = curve.x, curve.y, None
    if weights is not None:
        weight = _checked_weights(weights, x.size)
        keep = weight > 0
        if not keep.any() and x.size:
            return Problem(law, None, 0, (Status.REFUSED, "all weights are 0"))
        x, y, weight = x[keep], y[keep], weight[keep]
        weight = None if weight.size and np.all(weight == weight[0]) else weight
    dropped = 0
    if law.domain != "all" and x.size:
        if x[0] < 0:
            return Problem(law, None, 0, (Status.NOT_APPLICABLE, f"{law.name} is not defined at x = {x[0]:g} < 0"))
        if law.domain == "positive" and x[0] == 0:
            dropped = int(np.searchsorted(x, 0.0, side="right"))
            x, y = x[dropped:], y[dropped:]
            weight = None if weight is None else weight[dropped:]
    failure = _refusal(law, kind, x, y)
    if failure is not None and failure[0] is Status.CONSTANT:
        law, failure = models["constant"], None
    if failure is not None:
        return Problem(law, None, dropped, failure)
    if weight is not None:
        weight = weight / float(np.mean(weight))
    sample = Sample.of(x, y, weight, level=has_level(law))
    furthest = max(abs(float(y.max()) / sample.scale), abs(float(y.min()) / sample.scale))
    if furthest - abs(sample.center / sample.scale) > 1e100:
        reason = f"values reach {furthest * sample.scale:.3g}, more than 1e100 times their usual spread"
        return Problem(law, None, dropped, (Status.REFUSED, reason))
    return Problem(law, sample, dropped)


def find_model(model: str | Model) -> Model:
    """The model of a name, of names joined by ``+``, or the model itself."""
    if isinstance(model, Model):
        return model
    if isinstance(model, str) and model.strip() == "auto":
        raise UsageError(
            "'auto' is no law: fit fits one", code="CF-USE-002", hint="cf.select(curve).best compares several"
        )
    if not isinstance(model, str) or not model.strip():
        raise UsageError(f"a model is a name or a Model, got {model!r}", hint=f"choices: {', '.join(models)}")
    parts = [models[part.strip()] for part in model.split("+")]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _checked_weights(weights: ArrayLike, n: int) -> Array:
    out = as_float_array(weights, "weights")
    if out.size != n:
        raise DataError(
            f"{out.size} weights for {n} points", where="weights", hint="one per finite point, in the order of curve.x"
        )
    bad = np.flatnonzero(~(np.isfinite(out) & (out >= 0)))
    if bad.size:
        raise DataError(f"weights[{bad[0]}] is {out[bad[0]]}; a weight is finite and not negative", where="weights")
    return out


def _refusal(law: Model, kind: Noise | None, x: Array, y: Array) -> tuple[Status, str] | None:
    need = len(law.parameters) + 2
    if y.size and y.size >= 3 and np.all(y == y[0]):
        return Status.CONSTANT, ""
    if y.size < need:
        return (
            Status.TOO_FEW_POINTS,
            f"{law.name} has {counted(need - 2, 'parameter')} and needs at least {need} points; got {y.size}",
        )
    different = int(np.count_nonzero(x[1:] > x[:-1])) + 1
    if different == 1 and len(law.parameters) > 1:
        return Status.REFUSED, f"all {x.size} points are at x = {x[0]:g}"
    if different < len(law.parameters):
        return Status.TOO_FEW_POINTS, f"{len(law.parameters)} parameters and only {different} different x"
    if kind is not None and kind.name == "multiplicative" and not (np.all(y > 0) or np.all(y < 0)):
        return Status.NOT_APPLICABLE, "noise in proportion to the value needs values of one sign"
    return None
