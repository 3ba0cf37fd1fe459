"""How the gain from a lower learning rate arrives: at an exponential rate, or as a power of the progress since."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...curves.errors import UsageError

__all__ = ["Momentum", "MultiPower", "Relaxation"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Relaxation(ABC):
    """Share of the gain from a change of the rate that has arrived some time after it.

    Parameters
    ----------
    tau : float
        Time constant, > 0, in the unit of x.
    """

    tau: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.tau) or self.tau <= 0:
            raise UsageError(f"tau = {self.tau!r}", code="CF-USE-011", hint="a positive length in x")

    @abstractmethod
    def arrived(self, since_x: Array, since_s: Array, rate: Array) -> Array:
        """Share in [0, 1) that has arrived.

        Parameters
        ----------
        since_x, since_s : ndarray
            Elapsed x and elapsed progress (integral of rate / peak, in the unit of x) since the change.
        rate : ndarray
            Rate after the change, as a share of the peak.
        """

    @abstractmethod
    def rescaled(self, factor: float) -> Relaxation:
        """The same in another unit of x: all lengths times ``factor``."""


@dataclass(frozen=True, slots=True)
class Momentum(Relaxation):
    r"""Exponential in x: :math:`G = 1 - e^{-\Delta x / \tau}`, the annealing momentum of Tissue et al.

    With ``lambda`` the momentum factor per step, ``tau = -1 / ln(lambda)`` steps.

    References
    ----------
    .. [1] Tissue, Wang, Wang, "Scaling law with learning rate annealing", NeurIPS 2025.
    """

    def arrived(self, since_x: Array, since_s: Array, rate: Array) -> Array:
        """Share that has arrived."""
        return -np.expm1(-since_x / self.tau)

    def rescaled(self, factor: float) -> Momentum:
        """The same in another unit of x."""
        return Momentum(self.tau * factor)


@dataclass(frozen=True, slots=True)
class MultiPower(Relaxation):
    r"""A power of the progress since: :math:`G = 1 - (1 + \Delta S / (\tau \tilde\eta^{\gamma}))^{-\beta}`.

    Luo et al. write it with an absolute rate, :math:`1 - (1 + C \eta^{-\gamma} S_k)^{-\beta}`; in units of the peak
    rate :math:`\tau = \eta_{peak}^{\gamma - 1} / C`.

    Parameters
    ----------
    tau : float
        Progress at full rate after which the gain arrives in earnest, in the unit of x.
    beta : float
        Exponent, > 0: the smaller, the longer the tail.
    gamma : float
        How much faster (in progress) the gain arrives at a low rate.

    References
    ----------
    .. [1] Luo, Wen, Hu, Sun, Liu, Sun, Lyu, Chen, "A multi-power law for loss curve prediction across learning rate
       schedules", ICLR 2025 (arXiv 2503.12811).
    """

    beta: float = 0.5
    gamma: float = 0.5

    def __post_init__(self) -> None:
        Relaxation.__post_init__(self)
        if not np.isfinite(self.beta) or self.beta <= 0 or not np.isfinite(self.gamma):
            raise UsageError(f"beta = {self.beta!r}, gamma = {self.gamma!r}", code="CF-USE-011", hint="beta > 0")

    def arrived(self, since_x: Array, since_s: Array, rate: Array) -> Array:
        """Share that has arrived."""
        with np.errstate(divide="ignore", over="ignore"):
            pace = self.tau * np.maximum(rate, 1e-9) ** self.gamma
            return -np.expm1(-self.beta * np.log1p(since_s / pace))

    def rescaled(self, factor: float) -> MultiPower:
        """The same in another unit of x."""
        return MultiPower(self.tau * factor, self.beta, self.gamma)
