"""The hand-over to a pool of forecasts: location, scale and weight of what the annealed law says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import exp

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Schedule
from .ahead import Ahead, look_ahead
from .shape import ShapePrior

__all__ = ["Component", "MixtureNumbers", "component"]

Array = NDArray[np.float64]
_TESTS = 3.0  # back-tests that the learned share of the predicted change is worth


@dataclass(frozen=True, slots=True)
class MixtureNumbers:
    r"""Six learned numbers: how wide the component is and how much it weighs.

    With n the noise of one observation, :math:`\Delta` the predicted change, A the amplitude, q the prior's misfit and
    :math:`\rho^2` the mean square of back-test errors as shares of their predicted change (shrunk to
    :math:`e^{2 k_2}`, worth 3 back-tests),

    .. math::
        \sigma^2 &= (e^{k_1} n)^2 + s_{level}^2 + \rho^2 \Delta^2 + s_{\Delta}^2 + (e^{k_3} q A)^2 \\
        w &= \mathrm{sigmoid}(c_0 + c_1 \ln(\sigma / \sigma_0)), \qquad
        \sigma_0^2 = \sigma_{blind}^2 + (e^{k_4} G)^2

    where G is the part of the change that comes from changes of the learning rate ahead, which no blind forecast knows.

    Parameters
    ----------
    offset, log_sd_ratio : float
        :math:`c_0, c_1`.
    log_noise, log_change, log_misfit, log_unforeseen : float
        :math:`k_1, k_2, k_3, k_4`.
    """

    offset: float
    log_sd_ratio: float
    log_noise: float
    log_change: float
    log_misfit: float
    log_unforeseen: float


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    r"""A Student-t component with four degrees of freedom at each of H future x, in the unit of the metric.

    Parameters
    ----------
    location, scale : ndarray, shape (H,)
        Of a new observation.
    mean_scale : ndarray, shape (H,)
        Scale for the underlying mean: without the observation noise.
    test_error : float
        :math:`\rho`: expected error as a share of the predicted change, from the run's own back-tests.
    ahead : Ahead
        Where it comes from.
    numbers : MixtureNumbers
        What was used.
    """

    location: Array
    scale: Array
    mean_scale: Array
    test_error: float
    ahead: Ahead
    numbers: MixtureNumbers

    def weight(self, blind_sd: Array) -> Array:
        """Weight in a mixture with another forecast whose standard deviation is ``blind_sd``, shape (H,)."""
        unforeseen = exp(self.numbers.log_unforeseen) * np.abs(self.ahead.annealing)
        other = np.hypot(blind_sd, unforeseen)
        ratio = np.log(np.maximum(self.scale, 1e-300)) - np.log(np.maximum(other, 1e-300))
        score = self.numbers.offset + self.numbers.log_sd_ratio * np.clip(ratio, -20.0, 20.0)
        return np.asarray(1 / (1 + np.exp(-np.clip(score, -30.0, 30.0))))


def component(
    curve: Curve, schedule: Schedule, x: Array, prior: ShapePrior, numbers: MixtureNumbers
) -> Component | None:
    """What the annealed law says of one run, or None where it does not apply.

    Parameters
    ----------
    curve : Curve
        Observed part.
    schedule : Schedule
        Whole schedule, up to the largest x at least.
    x : ndarray, shape (H,)
        Future x.
    prior : ShapePrior
        What is known of the shape.
    numbers : MixtureNumbers
        Learned width and weight.

    Raises
    ------
    DataError
        For a schedule that is empty, zero, or shorter than asked for.
    """
    ahead = look_ahead(curve, schedule, x, prior)
    if ahead is None:
        return None
    return widen(ahead, prior.misfit, numbers)


def widen(ahead: Ahead, misfit: float, numbers: MixtureNumbers) -> Component:
    """Scale of the component from what is open and from what the learned numbers add."""
    rho2 = (_TESTS * exp(2 * numbers.log_change) + float(ahead.tests.sum())) / (_TESTS + ahead.tests.size)
    parts = (  # hypot, because squares overflow long before values do
        np.full(ahead.change.shape, ahead.level_sd),
        np.sqrt(rho2) * ahead.change,
        ahead.sd,
        np.full(ahead.change.shape, exp(numbers.log_misfit) * misfit * ahead.amplitude),
    )
    mean_scale = reduce(np.hypot, parts)
    scale = np.hypot(exp(numbers.log_noise) * ahead.noise, mean_scale)
    smallest = np.maximum(1e-12 * np.abs(ahead.location), 1e-300)
    return Component(
        location=ahead.location,
        scale=np.maximum(scale, smallest),
        mean_scale=np.maximum(mean_scale, smallest),
        test_error=float(np.sqrt(rho2)),
        ahead=ahead,
        numbers=numbers,
    )
