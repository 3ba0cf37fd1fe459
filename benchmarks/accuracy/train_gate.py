"""Train the gate of the pool: which trends to believe, and how far, from features of the curve.

Needs torch (only here). One thread, half a minute per gate. ``benchmarks.accuracy.crossfit`` measures what such a gate is
worth on curves it has not seen; ``benchmarks.accuracy.ship_gate`` makes the one in the package.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curvefit.forecasting.pool.trends import TREND_GAMMA, TREND_POWER

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
EDGES = np.r_[0, (LEVELS[1:] + LEVELS[:-1]) / 2, 1]
PINBALL = 2 * np.diff(EDGES)  # CRPS from seven quantiles, as the scorer has it
VERSION = 2  # of this script; part of the shipped gate's provenance
COMPONENTS = 5
WIDTH = 38  # 34 experts, log scale, log weight, faith in back-tests and in standard errors
CLIP = 2.0
FLOOR = 0.15
LOG, LOGIT = 1, 2
ROUGH = 0.3


class Data:
    """Training rows of one fold as tensors, with the probability of drawing each."""

    def __init__(
        self, arrays: dict[str, NDArray[Any]], sources: NDArray[Any], groups: NDArray[Any], keep: NDArray[Any]
    ):
        rows = np.flatnonzero(arrays["usable"] & keep[arrays["series"]])
        series = arrays["series"][rows]
        names, self.source = np.unique(sources[series], return_inverse=True)
        self.names = names.tolist()
        _, group = np.unique(groups[series], return_inverse=True)
        size = np.bincount(group)
        share = 1 / np.sqrt(size[group])  # a group counts by the root of its size
        total = np.bincount(self.source, weights=share)
        self.cumulative = np.cumsum(share / total[self.source])
        base = arrays["last"][rows].mean(axis=1)
        mean = np.bincount(self.source, weights=base * share) / total
        self.unit = torch.tensor(np.maximum(mean, 1e-3), dtype=torch.float32)
        self.source_of = torch.tensor(self.source)
        self.tensors = {
            k: torch.tensor(arrays[k][rows], dtype=torch.float32)
            for k in (
                "features",
                "experts",
                "error",
                "own",
                "truth",
                "noise",
                "gain",
                "q",
                "below",
                "above",
                "share",
                "sign",
            )
        }
        self.tensors["kind"] = torch.tensor(arrays["kind"][rows])

    def draw(self, count: int, rng: np.random.Generator) -> Tensor:
        """Rows with sources equally likely, groups by the root of their size."""
        at = np.searchsorted(self.cumulative, rng.random(count) * self.cumulative[-1])
        return torch.tensor(np.minimum(at, len(self.cumulative) - 1))


def moments(data: list[Data]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the features, every source counted the same."""
    parts = []
    rng = np.random.default_rng(0)
    for d in data:
        parts.append(d.tensors["features"][d.draw(20000, rng)].reshape(-1, 96))
    x = torch.cat(parts)
    return x.mean(0), x.std(0).clamp_min(1e-3)


def mixture(x: Tensor, b: dict[str, Tensor], weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Location, scale and log weight (B, H, J) of the mixture in units of q."""
    o = (x @ weight + bias).reshape(*x.shape[:2], -1, WIDTH)
    faith = o[..., 36:37] * b["error"][..., None, :] + o[..., 37:38] * b["own"][..., None, :]
    location = (torch.softmax(o[..., :34] + faith, -1) * b["experts"][..., None, :]).sum(-1)
    scale = torch.sqrt(torch.exp(2 * o[..., 34].clamp(-9, 2)) + (FLOOR * b["noise"][..., None]) ** 2)
    return location, scale, torch.log_softmax(o[..., 35], -1)


def t4(x: Tensor) -> Tensor:
    """Distribution function of Student's t with four degrees of freedom."""
    t = x / torch.sqrt(x * x + 4)
    return 0.5 + 0.75 * (t - t * t * t / 3)


def quantiles(location: Tensor, scale: Tensor, log_weight: Tensor, levels: Tensor) -> Tensor:
    """Quantiles (B, H, L); the gradient is that of the inverse function."""
    weight = torch.exp(log_weight)[..., None]
    a = levels * (1 - levels) * 4
    own = torch.sign(levels - 0.5) * 2 * torch.sqrt((torch.cos(torch.arccos(a.sqrt()) / 3) / a.sqrt() - 1).clamp_min(0))
    with torch.no_grad():
        ends = location[..., None] + scale[..., None] * own
        low, high = ends.amin(-2), ends.amax(-2)
        center, inverse = location[..., None], 1 / scale[..., None]
        z = (low + high) / 2
        for step in range(12):
            x = (z[..., None, :] - center) * inverse
            root = torch.rsqrt(x * x + 4)
            t = x * root
            f = 0.5 + (weight * (0.75 * t - 0.25 * t * t * t)).sum(-2)
            up = f < levels
            low, high = torch.where(up, z, low), torch.where(up, high, z)
            density = (weight * inverse * 12 * root * (root * root) * (root * root)).sum(-2).clamp_min(1e-6)
            middle = (low + high) / 2
            newton = z - (f - levels) / density
            z = middle if step < 7 else torch.where((newton > low) & (newton < high), newton, middle)
    f = (weight * t4((z[..., None, :] - location[..., None]) / scale[..., None])).sum(-2)
    return z - (f - levels) / density


def errors(z: Tensor, b: dict[str, Tensor]) -> Tensor:
    """Difference to the truth in units of the curve's range, for z (B, H, L) over q."""
    away = b["sign"][:, None, None] * (z - b["truth"][..., None]) * b["q"][..., None]
    gain = b["gain"][..., None]
    kind = b["kind"][:, None, None]
    share = b["share"][..., None]
    edge = 0.005
    odds = (share + edge) / (1 - share + edge) * torch.exp(away.clamp(-30, 30))
    logit = ((1 + edge) * odds - edge) / (1 + odds) - share
    bend = torch.where(kind == LOG, torch.expm1(away.clamp(-30, 30)), torch.where(kind == LOGIT, logit, away))
    return torch.minimum(torch.maximum(gain * bend, b["below"][..., None]), b["above"][..., None])


def smooth_basis() -> Tensor:
    """Directions (44, 38) in which one feature moves the outputs of a component.

    Smooth ones first: the thirty trends' logits as a quadratic in power and log recency, each other output by itself;
    then every trend by itself, a tenth as easy to move (``ROUGH`` squared). Neighboring trends are nearly the same.
    """
    power = torch.tensor(TREND_POWER, dtype=torch.float32)
    recency = torch.log2(torch.tensor(TREND_GAMMA, dtype=torch.float32))
    power, recency = ((v - v.mean()) / v.std() for v in (power, recency))
    rows = []
    for v in (torch.ones(30), power, recency, power**2 - 1, recency**2 - 1, power * recency):
        rows.append(torch.cat([v / v.norm() * 30**0.5, torch.zeros(WIDTH - 30)]))
    every = torch.eye(WIDTH)
    return torch.stack([*rows, *every[30:], *(ROUGH * every[:30])])


def train(
    data: list[Data],
    seed: int = 0,
    steps: int = 600,
    batch: int = 1024,
    rate: float = 4e-3,
    decay: float = 2.0,
    invented: float = 0.3,
    free: float = 0.3,
    nll: float = 0.1,
    average_from: float = 0.7,
    horizons: int = 2,
    components: int = COMPONENTS,
    faith: float = -0.5,
) -> dict[str, NDArray[Any]]:
    """Weights of one gate: AdamW with a one-cycle rate and strong decoupled decay, the last third of steps averaged.

    ``data`` holds plain prefixes, varied ones (twice as many of each batch) and, for a share ``invented``, invented ones.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)  # one start for all seeds, so that their gates can be averaged
    rng = np.random.default_rng(seed)
    mu, sd = moments(data)
    basis = smooth_basis()
    free_weight = (0.02 * torch.randn(96, components, len(basis))).requires_grad_()
    start = 0.3 * torch.randn(components, WIDTH)
    start[:, 34] = torch.linspace(-2.0, 0.5, components)
    start[:, 35] = 0
    start[:, 36], start[:, 37] = faith, 0
    bias = start.reshape(-1).clone().requires_grad_()
    optimizer = torch.optim.AdamW(
        [{"params": [free_weight], "weight_decay": decay}, {"params": [bias], "weight_decay": 0.0}], lr=rate
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    levels = torch.tensor(LEVELS, dtype=torch.float32)
    pinball = torch.tensor(PINBALL, dtype=torch.float32)
    shares = [(1 - invented) / 3, (1 - invented) * 2 / 3, invented] if len(data) == 3 else [1 / 3, 2 / 3]
    running = [torch.full((len(d.names),), 0.5) for d in data]
    kept, count_kept = [torch.zeros(96, components * WIDTH), torch.zeros_like(bias)], 0
    for step in range(steps):
        loss = torch.zeros(())
        weight = (free_weight @ basis).reshape(96, -1)
        for k, d in enumerate(data):
            count = round(batch * shares[k])
            at = d.draw(count, rng)
            pick = [3] if horizons == 1 else [int(rng.integers(3)), 3] if horizons == 2 else [0, 1, 2, 3]
            b = {name: t[at] if t.dim() == 1 else t[at[:, None], torch.tensor(pick)] for name, t in d.tensors.items()}
            source = d.source_of[at]
            x = ((b["features"] - mu) / sd).clamp(-CLIP, CLIP)
            location, scale, log_weight = mixture(x, b, weight, bias)
            z = quantiles(location, scale, log_weight, levels)
            away = errors(z, b)  # quantile minus truth
            rising = b["sign"][:, None, None] > 0
            p = torch.where(rising, levels, 1 - levels)
            crps = (torch.maximum(-p * away, (1 - p) * away) * pinball).sum(-1) / d.unit[source][:, None]
            apart = b["truth"][..., None] - z
            own = (torch.maximum(levels * apart, (levels - 1) * apart) * pinball).sum(-1)
            standard = (b["truth"][..., None] - location) / scale
            density = torch.logsumexp(log_weight - torch.log(scale) - 2.5 * torch.log1p(standard**2 / 4), -1)
            main = 10 * torch.tanh(crps / 10)
            with torch.no_grad():
                seen = torch.zeros(len(d.names)).index_add(0, source, main.mean(1).detach())
                counted = torch.zeros(len(d.names)).index_add(0, source, torch.ones(count))
                mean = torch.where(counted > 0, seen / counted.clamp_min(1), running[k])
                running[k] = 0.95 * running[k] + 0.05 * mean
            importance = 1 / (running[k] + 0.05)
            importance = importance / importance.mean()
            each = main + free * 5 * torch.tanh(own / 5) - nll * density
            loss = loss + (importance[source][:, None] * each).mean() * (count / batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([free_weight, bias], 1.0)
        optimizer.step()
        schedule.step()
        if step >= average_from * steps:
            with torch.no_grad():
                kept[0] += (free_weight @ basis).reshape(96, -1)
                kept[1] += bias
            count_kept += 1
    weight, bias = (k / count_kept for k in kept)
    return {
        "mean": mu.numpy(),
        "sd": sd.numpy(),
        "weight": weight.detach().numpy(),
        "bias": bias.detach().numpy(),
    }
