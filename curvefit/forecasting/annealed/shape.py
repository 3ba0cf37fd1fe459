"""What is known of the annealed law's shape before a run is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, isfinite, log
from typing import Any

from ...curves.errors import UsageError
from ...models.annealed import Momentum, MultiPower, Relaxation

__all__ = ["Shape", "ShapePrior"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of an `AnnealedLaw` that runs of one kind share.

    Parameters
    ----------
    alpha, kappa : float
        Exponents of the progress: of the loss, and of the gain from annealing.
    ratio : float
        Gain over amplitude, C / A, at progress ``unit``.
    relaxation : Relaxation
        How the gain arrives.
    unit : float
        Progress at which the powers are 1, in the unit of x.
    """

    alpha: float
    ratio: float
    relaxation: Relaxation
    kappa: float = 0.0
    unit: float = 1.0

    def __post_init__(self) -> None:
        numbers = (self.alpha, self.ratio, self.kappa, self.unit)
        if not all(map(isfinite, numbers)) or min(self.alpha, self.ratio, self.unit) <= 0:
            raise UsageError(f"{self!r}: alpha, ratio and unit are positive", code="CF-USE-011")

    def at_unit(self, unit: float) -> Shape:
        """The same shape with its ratio stated at another progress."""
        moved = self.ratio * (unit / self.unit) ** (self.alpha - self.kappa)
        return replace(self, ratio=moved, unit=unit)


@dataclass(frozen=True, slots=True)
class ShapePrior:
    """A shape and how far the next run's may be from it.

    Parameters
    ----------
    center : Shape
        Where the prior is centered.
    alpha_sd, log_ratio_sd, log_tau_sd : float
        Standard deviations, > 0, of alpha, ln(C / A) and ln tau.
    misfit : float
        Share of the amplitude within which the law itself holds, however clean the curve.
    relative : bool
        Whether lengths (``center.unit`` and tau) are shares of the run's whole progress instead of lengths in x: for
        shapes that come from other code, whose runs have other lengths and batch sizes.
    source : str
        Where it comes from, for people.
    """

    center: Shape
    alpha_sd: float
    log_ratio_sd: float
    log_tau_sd: float
    misfit: float = 0.002
    relative: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        if not all(isfinite(v) and v > 0 for v in (self.alpha_sd, self.log_ratio_sd, self.log_tau_sd, self.misfit)):
            raise UsageError("a prior needs positive standard deviations", code="CF-USE-011")

    def for_progress(self, total: float) -> ShapePrior:
        """The prior with all lengths in x, for runs whose whole progress is ``total``, and its ratio stated there."""
        center = self.center
        if self.relative:
            lengths = center.relaxation.rescaled(total)
            center = replace(center, relaxation=lengths, unit=center.unit * total)
        return replace(self, center=center.at_unit(total), relative=False)

    def widened(self, factor: float) -> ShapePrior:
        """The same center with all standard deviations times ``factor``."""
        return replace(
            self,
            alpha_sd=self.alpha_sd * factor,
            log_ratio_sd=self.log_ratio_sd * factor,
            log_tau_sd=self.log_tau_sd * factor,
        )

    def penalty(self, shape: Shape) -> float:
        """Minus the log density at a shape of the same unit, up to a constant."""
        other = shape.at_unit(self.center.unit)
        return 0.5 * (
            ((other.alpha - self.center.alpha) / self.alpha_sd) ** 2
            + (log(other.ratio / self.center.ratio) / self.log_ratio_sd) ** 2
            + (log(other.relaxation.tau / self.center.relaxation.tau) / self.log_tau_sd) ** 2
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text, for JSON."""
        relaxation = self.center.relaxation
        out: dict[str, Any] = {
            "alpha": self.center.alpha,
            "ratio": self.center.ratio,
            "kappa": self.center.kappa,
            "unit": self.center.unit,
            "tau": relaxation.tau,
            "alpha_sd": self.alpha_sd,
            "log_ratio_sd": self.log_ratio_sd,
            "log_tau_sd": self.log_tau_sd,
            "misfit": self.misfit,
            "relative": self.relative,
            "source": self.source,
        }
        if isinstance(relaxation, MultiPower):
            out |= {"beta": relaxation.beta, "gamma": relaxation.gamma}
        return out

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ShapePrior:
        """Back from `to_dict`; without beta the relaxation is exponential."""
        try:
            tau = float(values["tau"])
            relaxation: Relaxation = (
                MultiPower(tau, float(values["beta"]), float(values["gamma"])) if "beta" in values else Momentum(tau)
            )
            center = Shape(
                float(values["alpha"]),
                float(values["ratio"]),
                relaxation,
                float(values["kappa"]),
                float(values["unit"]),
            )
            return cls(
                center,
                alpha_sd=float(values["alpha_sd"]),
                log_ratio_sd=float(values["log_ratio_sd"]),
                log_tau_sd=float(values["log_tau_sd"]),
                misfit=float(values["misfit"]),
                relative=bool(values["relative"]),
                source=str(values.get("source", "")),
            )
        except (KeyError, TypeError) as error:
            raise UsageError(f"not a shape prior: {error}", code="CF-USE-011") from None


def tau_nodes(prior: ShapePrior, count: int = 3) -> list[tuple[Relaxation, float]]:
    """Relaxations across the prior's width, each with its log prior weight."""
    if count == 1:
        return [(prior.center.relaxation, 0.0)]
    out = []
    for i in range(count):
        z = 1.5 * (2 * i / (count - 1) - 1)
        out.append((prior.center.relaxation.rescaled(exp(z * prior.log_tau_sd)), -0.5 * z * z))
    return out
