"""A correction of the gate's last layer that lowers the CRPS on given rows, by stochastic gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pool.batch import Floats, Ints
from ..pool.experts import EXPERTS
from ..pool.gate import UNLEARNED, WIDER, WIDTH, Gate, joined
from ..pool.link import LOG, LOGIT
from ..pool.mixture import Mixture, t4_cdf, t4_pdf
from .rows import HORIZONS, Rows

__all__ = ["Correction", "crps", "quantiles", "tune"]

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
_EDGES = np.r_[0, (LEVELS[1:] + LEVELS[:-1]) / 2, 1]
_PINBALL = 2 * np.diff(_EDGES)  # CRPS from seven quantiles
_CLIP, _FLOOR, _EDGE = 2.0, 0.15, 0.005  # as in the gate and its links
_STEPS, _BATCH, _RATE = 80, 384, 0.02
_SLOW = 0.25  # rate of the weights of features, which are many, relative to the offsets
_FREE = 0.3  # weight of the CRPS in units of q, which no single curve rules


@dataclass(frozen=True, slots=True)
class Correction:
    """Added to the gate's W and b.

    Parameters
    ----------
    weight : ndarray, shape (96, J * 38)
    bias : ndarray, shape (J * 38,)
    """

    weight: Floats
    bias: Floats

    @classmethod
    def none(cls, gate: Gate) -> Correction:
        """The correction that changes nothing."""
        return cls(np.zeros(gate.weight.shape[1:]), np.zeros(gate.bias.shape[1:]))

    def times(self, factor: float) -> Correction:
        """A part of it."""
        return Correction(self.weight * factor, self.bias * factor)

    def of_rank(self, rank: int) -> Correction:
        """The closest one whose weights have this rank: what the curves share in few directions."""
        u, s, v = np.linalg.svd(self.weight, full_matrices=False)
        return Correction((u[:, :rank] * s[:rank]) @ v[:rank], self.bias)

    def applied(self, gate: Gate) -> Gate:
        """The gate with it, its stretch unchanged."""
        return Gate(gate.mean, gate.sd, gate.weight + self.weight, gate.bias + self.bias, gate.stretch)


def tune(gate: Gate, rows: Rows, ridge: float, seed: int = 0) -> Correction:
    """Lower the CRPS of the gate on the rows, in units of the last value's mean error, by Adam.

    Parameters
    ----------
    gate : Gate
        Where to start.
    rows : Rows
        What to learn from; curves count the same, however many rows each has.
    ridge : float
        Penalty on the sum of squares of the correction.
    """
    rng = np.random.default_rng(seed)
    share = 1 / np.bincount(rows.curve)[rows.curve]
    cumulative = np.cumsum(share / share.sum())
    unit = float(np.average(rows.last.mean(axis=1), weights=share)) or 1.0
    delta = [np.zeros(gate.weight.shape[1:]), np.zeros(gate.bias.shape[1:])]
    first, second = [np.zeros_like(d) for d in delta], [np.zeros_like(d) for d in delta]
    for step in range(1, _STEPS + 1):
        at = np.minimum(np.searchsorted(cumulative, rng.random(_BATCH)), len(rows) - 1)
        part = rows.take(at, [int(rng.integers(HORIZONS - 1)), HORIZONS - 1])
        slopes = _gradient(Correction(*delta).applied(gate), part, unit)
        rate = _RATE * 0.985**step
        for k, slope in enumerate(slopes):
            slope = slope + 2 * ridge * delta[k]
            first[k] = 0.9 * first[k] + 0.1 * slope
            second[k] = 0.999 * second[k] + 0.001 * slope * slope
            move = (first[k] / (1 - 0.9**step)) / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
            delta[k] = delta[k] - rate * (_SLOW if k == 0 else 1.0) * move
    return Correction(*delta)


def quantiles(gate: Gate, rows: Rows, levels: Floats = LEVELS) -> Floats:
    """Quantiles of the outcome over q, without any stretch, shape (n, H, L)."""
    mixture, _ = gate.mix(rows.features, rows.said, rows.error, rows.own, rows.noise, rows.unlearned)
    return mixture.quantile(levels)


def crps(gate: Gate, rows: Rows) -> Floats:
    """CRPS in units of each curve's range, shape (n, H)."""
    away, _ = _away(quantiles(gate, rows), rows)
    level = np.where(rows.sign[:, None, None] > 0, LEVELS, 1 - LEVELS)
    score: Floats = np.maximum(-level * away, (1 - level) * away) @ _PINBALL
    return score


def _away(z: Floats, rows: Rows) -> tuple[Floats, Floats]:
    """Distance of z from the outcome in units of the curve's range, and its derivative, both (n, H, L)."""
    per_z = (rows.sign[:, None] * rows.q)[..., None]
    step = np.clip(per_z * (z - rows.truth[..., None]), -30, 30)
    kind, share = rows.kind[:, None, None], rows.share[..., None]
    grown = np.exp(step)
    odds = (share + _EDGE) / (1 - share + _EDGE) * grown
    bent = np.where(
        kind == LOG, np.expm1(step), np.where(kind == LOGIT, ((1 + _EDGE) * odds - _EDGE) / (1 + odds) - share, step)
    )
    slope = np.where(kind == LOG, grown, np.where(kind == LOGIT, (1 + 2 * _EDGE) * odds / (1 + odds) ** 2, 1.0))
    gain = rows.gain[..., None]
    away = np.clip(gain * bent, rows.below[..., None], rows.above[..., None])
    inside = away == gain * bent
    return away, np.where(inside, gain * slope * per_z, 0.0)


def _gradient(gate: Gate, rows: Rows, unit: float) -> tuple[Floats, Floats]:
    """Derivative of the mean loss by W and b of every gate together."""
    weight, bias = gate.weight[0], gate.bias[0]
    shape = rows.noise.shape
    x = np.clip((rows.features - gate.mean) / gate.sd, -_CLIP, _CLIP)
    o = (x @ weight + bias).reshape(*shape, -1, WIDTH)
    logit = o[..., :EXPERTS] + o[..., EXPERTS + 2, None] * rows.error[:, :, None]
    logit = logit + o[..., EXPERTS + 3, None] * rows.own[:, :, None]
    logit -= logit.max(axis=3, keepdims=True)
    believed = np.exp(logit)
    believed /= believed.sum(axis=3, keepdims=True)
    location = (believed * rows.said[:, :, None]).sum(axis=3)
    free = np.exp(2 * np.clip(o[..., EXPERTS], -9, 2))
    scale = np.sqrt(free + (_FLOOR * rows.noise[..., None]) ** 2)
    mass = np.exp(o[..., EXPERTS + 1] - o[..., EXPERTS + 1].max(axis=2, keepdims=True))
    mass /= mass.sum(axis=2, keepdims=True)
    mixture = Mixture(*joined(location, scale, mass, rows.unlearned))
    z = mixture.quantile(LEVELS)
    by_z = _loss_slope(z, rows, unit)
    standard = (z[:, :, None] - mixture.location[..., None]) / mixture.scale[..., None]  # (n, H, J + 1, L)
    dense = mixture.weight[..., None] * t4_pdf(standard) / mixture.scale[..., None]
    pull = by_z[:, :, None] / np.maximum(dense.sum(axis=2, keepdims=True), 1e-6)
    by_width = (pull * dense * standard).sum(axis=3)[..., -1:]
    dense, standard = dense[:, :, :-1], standard[:, :, :-1]  # the last component learns its width only, from the others
    by_location = (pull * dense).sum(axis=3)
    by_scale = (pull * dense * standard).sum(axis=3)
    by_mass = -(1 - UNLEARNED) * (pull * t4_cdf(standard)).sum(axis=3)
    typical = np.exp((mass * np.log(scale)).sum(axis=2, keepdims=True))
    side = np.sign(rows.unlearned[..., :1] - (mass * location).sum(axis=2, keepdims=True))
    by_width = np.where(mixture.scale[..., -1:] < rows.unlearned[..., 1:], by_width, 0.0)
    by_location -= by_width * side * mass
    by_scale += by_width * WIDER * typical * mass / scale
    by_mass += by_width * (WIDER * typical * np.log(scale) - side * location)
    out = np.zeros_like(o)
    by_logit = by_location[..., None] * believed * (rows.said[:, :, None] - location[..., None])
    out[..., :EXPERTS] = by_logit
    moving = (o[..., EXPERTS] > -9) & (o[..., EXPERTS] < 2)
    out[..., EXPERTS] = np.where(moving, by_scale * free / scale, 0.0)
    out[..., EXPERTS + 1] = mass * (by_mass - (mass * by_mass).sum(axis=2, keepdims=True))
    out[..., EXPERTS + 2] = (by_logit * rows.error[:, :, None]).sum(axis=3)
    out[..., EXPERTS + 3] = (by_logit * rows.own[:, :, None]).sum(axis=3)
    flat = out.reshape(-1, bias.size)
    return x.reshape(-1, x.shape[-1]).T @ flat, flat.sum(axis=0)


def _loss_slope(z: Floats, rows: Rows, unit: float) -> Floats:
    """Derivative by each quantile of 10 tanh(CRPS / 10) + .3 x 5 tanh(CRPS over q / 5), averaged."""
    away, by_z = _away(z, rows)
    level = np.where(rows.sign[:, None, None] > 0, LEVELS, 1 - LEVELS)
    score = np.maximum(-level * away, (1 - level) * away) @ _PINBALL / unit
    damp = 1 / np.cosh(np.minimum(score / 10, 20)) ** 2 / unit
    slope = damp[..., None] * _PINBALL * np.where(away > 0, 1 - level, -level) * by_z
    apart = rows.truth[..., None] - z
    own = np.maximum(LEVELS * apart, (LEVELS - 1) * apart) @ _PINBALL
    damp = _FREE / np.cosh(np.minimum(own / 5, 20)) ** 2
    slope = slope + damp[..., None] * _PINBALL * np.where(apart > 0, -LEVELS, 1 - LEVELS)
    mean: Floats = slope / score.size
    return mean


def loss(gate: Gate, rows: Rows, unit: float) -> float:
    """What `tune` lowers."""
    z = quantiles(gate, rows)
    away, _ = _away(z, rows)
    level = np.where(rows.sign[:, None, None] > 0, LEVELS, 1 - LEVELS)
    score = np.maximum(-level * away, (1 - level) * away) @ _PINBALL / unit
    apart = rows.truth[..., None] - z
    own = np.maximum(LEVELS * apart, (LEVELS - 1) * apart) @ _PINBALL
    return float(np.mean(10 * np.tanh(score / 10) + _FREE * 5 * np.tanh(own / 5)))


def draw(rows: Rows, count: int, seed: int) -> Ints:
    """Some rows at random."""
    return np.sort(np.random.default_rng(seed).permutation(len(rows))[:count])
