"""The annealed power law of a loss under a learning-rate schedule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...curves import Schedule
from ...curves.errors import UsageError
from .progress import Progress
from .relaxation import Relaxation

__all__ = ["AnnealedLaw"]


@dataclass(frozen=True, slots=True)
class AnnealedLaw:
    r"""Loss as a power of the progress, less what annealing has gained.

    .. math::
        L(x) = L_0 + A \Big(\frac{S(x)}{s_0}\Big)^{-\alpha}
               + C \int_{x_w}^x \Big(\frac{S(v)}{s_0}\Big)^{-\kappa} G(x, v)\, d\tilde\eta(v)

    S is the integral of the rate in units of its peak, the second integral collects the changes of the rate after the
    warm-up (negative when it falls), G is the share of a change's gain that has arrived.

    Parameters
    ----------
    floor : float
        :math:`L_0`, the asymptote at the peak rate, in the unit of the metric.
    amplitude : float
        A, in the unit of the metric: reducible part at progress ``unit``.
    gain : float
        C, in the unit of the metric: what annealing from the peak to 0 at progress ``unit`` gains in the end.
    alpha : float
        Exponent of the progress.
    relaxation : Relaxation
        How the gain arrives: `Momentum` or `MultiPower`.
    kappa : float
        How the gain shrinks with the progress at which the rate is lowered; 0 in the published laws.
    unit : float
        :math:`s_0`, in the unit of x.

    Notes
    -----
    With ``kappa = 0`` and `Momentum` this is the law of Tissue et al., with `MultiPower` the multi-power law of Luo
    et al. (references there), up to the meaning of :math:`L_0`, see `Progress`. Neither knows of a rate that is too
    high (divergence) or of overfitting, and both were found on language-model pre-training.

    Examples
    --------
    >>> from curvefit import Schedule
    >>> from curvefit.models.annealed import AnnealedLaw, Momentum
    >>> law = AnnealedLaw(3.0, 0.3, 0.1, alpha=0.5, relaxation=Momentum(300.0), unit=10_000.0)
    >>> law.predict(Schedule.constant(1e-3, 20_000), [10_000]).tolist()
    [3.3]
    """

    floor: float
    amplitude: float
    gain: float
    alpha: float
    relaxation: Relaxation
    kappa: float = 0.0
    unit: float = 1.0

    def __post_init__(self) -> None:
        numbers = (self.floor, self.amplitude, self.gain, self.alpha, self.kappa, self.unit)
        if not np.all(np.isfinite(numbers)) or self.alpha <= 0 or self.unit <= 0:
            raise UsageError(f"{self!r} is not a law", code="CF-USE-011", hint="alpha and unit are positive")

    def predict(self, schedule: Schedule, x: ArrayLike) -> NDArray[np.float64]:
        """Loss at x under the schedule, which may be one that was never run.

        Raises
        ------
        DataError
            When the schedule is empty, zero, or ends before the largest x; some x <= 0 or without progress.
        """
        points = np.atleast_1d(np.asarray(x, dtype=np.float64))
        schedule.require(float(points.max(initial=0.0)))
        progress = Progress(schedule, self.unit)
        with np.errstate(divide="ignore"):
            power = (progress.progress(points) / self.unit) ** -self.alpha
        annealed = progress.annealing(points, [self.relaxation], self.kappa)[0]
        loss: NDArray[np.float64] = self.floor + self.amplitude * power - self.gain * annealed
        return loss

    def rescaled(self, factor: float) -> AnnealedLaw:
        """The same law in another unit of x: all lengths times ``factor``."""
        return AnnealedLaw(
            self.floor,
            self.amplitude,
            self.gain,
            self.alpha,
            self.relaxation.rescaled(factor),
            self.kappa,
            self.unit * factor,
        )
