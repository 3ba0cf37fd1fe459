"""The learned gate: from features of a curve to weights of the experts and the spread around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from ._rows import with_column, within
from .batch import Floats
from .calibration import Stretch
from .experts import EXPERTS, Experts
from .features import features
from .link import LOGIT
from .mixture import Mixture
from .opinion import Opinion, describe
from .standstill import with_standstill
from .view import View
from .weights import components

__all__ = ["Gate", "shipped_gate"]

WIDTH = EXPERTS + 4  # outputs per component: the experts, log scale, log weight, faith in two kinds of error
_CELLS = 512  # curves times future points that are looked at together: their arrays stay in the cache
_CLIP = 2.0
UNLEARNED = 0.2  # weight of the pool without a gate; from .1 to .3 the scores on unseen domains are the same
WIDER = 3.0  # typical scales of the gate that its scale is at most; 1 costs .001 of CRPS, none makes clean curves 3x as wide
_NOISE = 1.0  # noise^2 in a component's squared scale, set on simulated curves with a known mean
_LEFT = 0.03  # of the squared scale at least, once the noise is taken out
_FLOOR = 0.15  # of the noise: no component is sharper


@dataclass(frozen=True, slots=True)
class Gate:
    r"""One or several linear gates.

    With x the features, standardized and clipped at +-2, o = x W + b in J components of 38, a and v the logarithms of
    each expert's back-test error and standard error,

    .. math::
        \mu_j = \operatorname{softmax}(o_{j,1..34} + o_{j,37} a + o_{j,38} v) \cdot r, \quad
        \sigma_j^2 = e^{2 o_{j,35}} + (.15\, s/q)^2, \quad
        w = \operatorname{softmax}(o_{\cdot,36}),

    in units of q. Several gates are one mixture of all their components. The pool without a gate joins with a fifth of
    the weight: it knows nothing of the curves the gate was trained on, and helps most where those were different. Its
    scale is at most three times the gate's (the geometric mean over components) plus the distance between the two: on a
    clean curve the errors of other trends in back-tests say little about the one that fits.

    Parameters
    ----------
    mean, sd : ndarray, shape (96,)
        Of the features.
    weight : ndarray, shape (G, 96, J * 38)
        W of each gate.
    bias : ndarray, shape (G, J * 38)
        b of each gate.
    stretch : Stretch, optional
        Applied to the mixture.
    """

    mean: Floats
    sd: Floats
    weight: Floats
    bias: Floats
    stretch: Stretch | None = None

    @classmethod
    def load(cls, file: Path | None = None) -> Gate:
        """Gates from a file; by default the shipped ones, trained on all development curves."""
        source = files("curvefit.forecasting.pool").joinpath("gate.npz") if file is None else file
        with source.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            part = {k: np.asarray(data[k], np.float64) for k in ("mean", "sd", "weight", "bias", "worse", "better")}
        return cls(part["mean"], part["sd"], part["weight"], part["bias"], Stretch(part["worse"], part["better"]))

    def __call__(self, view: View, experts: Experts) -> Opinion:
        """Pool the experts."""
        error, own = experts.merits()
        noise = view.noise[:, None] / experts.scale
        relative, believed = self.mix(
            features(view, experts), experts.relative(), error, own, noise, unlearned(view, experts)
        )
        q = experts.scale[..., None]
        top = view.link.best()
        best = (top - view.level)[:, None, None]
        worst = np.where(view.link.kind == LOGIT, -top - view.level, -np.inf)[:, None, None]
        location = within(relative.location * q, worst, best)
        observation = with_standstill(Mixture(location, relative.scale * q, relative.weight), view)
        underlying = _without_noise(observation, view)
        if self.stretch is not None:
            factors = self.stretch.factors(view.h)
            observation, underlying = observation.stretched(factors), underlying.stretched(factors)
        return Opinion(observation, underlying, _reasons(believed, experts))

    def mix(
        self, table: Floats, said: Floats, error: Floats, own: Floats, noise: Floats, unlearned: Floats | None = None
    ) -> tuple[Mixture, Floats]:
        """Mixture over q before any stretch, and the experts' weights at the farthest x.

        Parameters
        ----------
        table : ndarray, shape (N, H, 96)
            Features.
        said, error, own : ndarray, shape (N, H, 34)
            Predictions of the experts over q, and logarithms of their errors over q.
        noise : ndarray, shape (N, H)
            Observation noise over q.
        unlearned : ndarray, shape (N, H, 2), optional
            Location and scale over q of the pool without a gate, which gets a fifth of the weight.
        """
        rows = max(1, _CELLS // table.shape[1])
        if len(table) <= rows:
            return self._mix(table, said, error, own, noise, unlearned)
        parts = []
        for start in range(0, len(table), rows):
            some = slice(start, start + rows)
            rest = None if unlearned is None else unlearned[some]
            parts.append(self._mix(table[some], said[some], error[some], own[some], noise[some], rest))
        location, scale, mass = (
            np.concatenate([getattr(mixture, name) for mixture, _ in parts]) for name in ("location", "scale", "weight")
        )
        return Mixture(location, scale, mass), np.concatenate([belief for _, belief in parts])

    def _mix(
        self, table: Floats, said: Floats, error: Floats, own: Floats, noise: Floats, unlearned: Floats | None
    ) -> tuple[Mixture, Floats]:
        x = table - self.mean
        x /= self.sd
        np.maximum(x, -_CLIP, out=x)
        np.minimum(x, _CLIP, out=x)
        locations, scales, masses, beliefs = [], [], [], []
        for weight, bias in zip(self.weight, self.bias, strict=True):
            # one product per curve: the same bits alone and in a batch, and no threads for so little
            o = x @ weight
            o += bias
            o = o.reshape(*table.shape[:2], -1, WIDTH)
            logit = o[..., :EXPERTS]
            logit += o[..., EXPERTS + 2, None] * error[:, :, None]
            logit += o[..., EXPERTS + 3, None] * own[:, :, None]
            logit -= logit.max(axis=3, keepdims=True)
            share = np.exp(logit)
            share /= share.sum(axis=3, keepdims=True)
            locations.append((share @ said[..., None])[..., 0])
            scales.append(np.sqrt(np.exp(2 * within(o[..., EXPERTS], -9, 2)) + (_FLOOR * noise[..., None]) ** 2))
            mass = np.exp(o[..., EXPERTS + 1] - o[..., EXPERTS + 1].max(axis=2, keepdims=True))
            mass /= mass.sum(axis=2, keepdims=True)
            masses.append(mass / len(self.weight))
            beliefs.append((mass[:, -1, None] @ share[:, -1])[:, 0])
        location, scale, mass = (np.concatenate(part, axis=2) for part in (locations, scales, masses))
        if unlearned is not None:
            location, scale, mass = joined(location, scale, mass, unlearned)
        believed: Floats = sum(beliefs[1:], start=beliefs[0]) / len(beliefs)
        return Mixture(location, scale, mass), believed


def joined(location: Floats, scale: Floats, mass: Floats, unlearned: Floats) -> tuple[Floats, Floats, Floats]:
    """The gate's components with that of the pool without a gate, no wider than what the gate says allows."""
    typical = np.exp((mass * np.log(scale)).sum(axis=2))
    apart = np.abs(unlearned[..., 0] - (mass * location).sum(axis=2))
    width = np.minimum(unlearned[..., 1], WIDER * typical + apart)
    return (
        with_column(location, unlearned[..., 0]),
        with_column(scale, width),
        with_column((1 - UNLEARNED) * mass, UNLEARNED),
    )


@cache
def shipped_gate() -> Gate:
    """The gate in the package."""
    return Gate.load()


def unlearned(view: View, experts: Experts) -> Floats:
    """Location and scale over q of the pool without a gate as one Student t: shape (N, H, 2).

    The scale joins the mean square scale of its components and half the variance between them, as a t with four degrees
    of freedom has twice its squared scale as variance. It is at most q, the scale of noise and predicted change: on a
    curve so clean that back-tests of other trends say little, it must not spoil what the gate knows.
    """
    pool, _, _ = components(view, experts)
    location = (pool.weight * pool.location).sum(axis=2)
    apart = pool.location - location[..., None]
    scale = np.sqrt((pool.weight * (pool.scale**2 + 0.5 * apart**2)).sum(axis=2))
    return np.stack([location, np.minimum(scale, experts.scale)], axis=2) / experts.scale[..., None]


def _without_noise(observed: Mixture, view: View) -> Mixture:
    """The mixture of the mean curve: the squared scale that observation noise takes is removed from each component.

    How much that is was set on simulated curves with a known mean (``benchmarks.statistics mean_view``).
    """
    noise = _NOISE * (view.noise**2)[:, None, None]
    square = observed.scale**2
    return Mixture(observed.location, np.sqrt(np.maximum(square - noise, _LEFT * square)), observed.weight)


def _reasons(believed: Floats, experts: Experts) -> Floats:
    """Weights of the experts at the farthest x in the three numbers of `Opinion`; averages count as what they hold."""
    trends = believed[:, :30] + believed[:, 30:31] * experts.weight[:, -1, :30]
    none = believed[:, 32] + believed[:, 33] + believed[:, 30] * experts.weight[:, -1, 30]
    return describe(trends, none)
