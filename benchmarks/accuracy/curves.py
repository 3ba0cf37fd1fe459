"""Development curves, how they are split, and the prefixes a gate is trained on."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCORER = Path(__file__).resolve().parents[3] / "shared" / "curves" / "score.py"

# Sources that share a domain are left out together.
DOMAINS = {
    "language-model pre-training": ("gemstones", "modded_nanogpt", "multipowerlaw", "routing_scaling_laws"),
    "language-model evaluation": ("colpret_llm", "datablations_blowups", "pythia_evals"),
    "sample size": ("lcdb_accuracy", "lcdb_logloss", "revisiting_scaling_laws"),
    "small networks": ("double_descent_jantonioruiz", "taskset_dpl", "wide_resnet_cifar"),
    "reinforcement learning": ("dopamine_rl", "pytorch_sac_rl", "rl_zoo_agents"),
    "grokking and mixed logs": ("grokking_muon_normcap", "wild_logs"),
}  # fmt: skip

Series = dict[str, Any]


def scorer(path: Path = SCORER) -> ModuleType:
    """The scorer of development curves as a module; it lies beside the checkout."""
    spec = importlib.util.spec_from_file_location("score", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def digest(text: str) -> int:
    """A fixed number for a text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def half(series: Series) -> int:
    """0 or 1: the half a group belongs to."""
    return digest(f"{series['source']}|{series['group']}") % 2


def domain(source: str) -> str:
    """The domain of a source; an unknown source is its own."""
    return next((name for name, sources in DOMAINS.items() if source in sources), source)


def single_group_sources(series: list[Series]) -> set[str]:
    """Sources with one group: they cannot be split, so they are always tested and never trained on."""
    groups: dict[str, set[str]] = {}
    for s in series:
        groups.setdefault(s["source"], set()).add(s["group"])
    return {source for source, found in groups.items() if len(found) == 1}


def folds(series: list[Series], split: str) -> dict[str, tuple[set[int], set[int]]]:
    """Training and test series (positions) of each fold of a split: half, source, domain, or all (no test)."""
    everyone = set(range(len(series)))
    if split == "all":
        return {"all": (everyone, set())}
    if split == "half":
        alone = single_group_sources(series)
        test = [{i for i, s in enumerate(series) if s["source"] in alone or half(s) == k} for k in (0, 1)]
        single = {i for i, s in enumerate(series) if s["source"] in alone}
        return {f"half {k}": (everyone - test[k] - single, test[k]) for k in (0, 1)}
    key = (lambda s: s["source"]) if split == "source" else (lambda s: domain(s["source"]))
    names = sorted({key(s) for s in series})
    out = {}
    for name in names:
        test_set = {i for i, s in enumerate(series) if key(s) == name}
        out[name] = (everyone - test_set, test_set)
    return out


@dataclass(frozen=True, slots=True)
class Prefix:
    """An observed part of a curve and four later observations."""

    series: int
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    ahead: NDArray[np.float64]
    truth: NDArray[np.float64]
    direction: str
    kind: str
    scale: float  # 5-95 % range of the whole curve, by which the scorer divides errors


def plain_prefixes(series: list[Series], log_units: set[str], per_half: int = 150) -> list[Prefix]:
    """Cutoffs .1 to .9 of at most ``per_half`` curves per source and half, asked as the scorer asks."""
    out: list[Prefix] = []
    for i in _most(series, per_half):
        rng = np.random.default_rng(digest("plain" + series[i]["id"]))
        for cutoff in np.arange(1, 10) / 10:
            made = _prefix(i, series[i], cutoff, log_units, rng, least=5)
            if made is not None:
                out.append(made)
    return out


def varied_prefixes(series: list[Series], log_units: set[str], per_half: int = 600, draws: int = 6) -> list[Prefix]:
    """Curves thinned, cut at the front, made noisier, shifted, turned into errors or rewards, at random cutoffs."""
    out: list[Prefix] = []
    for i in _most(series, per_half):
        rng = np.random.default_rng(digest("varied" + series[i]["id"]))
        for _ in range(draws):
            made = _prefix(i, _varied(series[i], rng), rng.uniform(0.05, 0.95), log_units, rng, least=3)
            if made is not None:
                out.append(made)
    return out


def _most(series: list[Series], per_half: int) -> list[int]:
    counted: dict[tuple[str, int], int] = {}
    kept = []
    for i, s in enumerate(series):  # in the scorer's fixed order
        key = (s["source"], half(s))
        counted[key] = counted.get(key, 0) + 1
        if counted[key] <= per_half:
            kept.append(i)
    return kept


def _prefix(
    i: int, s: Series, cutoff: float, log_units: set[str], rng: np.random.Generator, least: int
) -> Prefix | None:
    x, y = s["x"], s["y"]
    if np.ptp(y) == 0:
        return None
    z = np.log(x) if s["x_unit"] in log_units and x[0] > 0 else x
    k = int(np.searchsorted(z, z[0] + cutoff * (z[-1] - z[0]), side="right"))
    if k < least or len(x) - k < 2 or np.ptp(y[:k]) == 0:
        return None
    ask = np.unique(np.linspace(k, len(x) - 1, min(8, len(x) - k)).round().astype(int))
    before = rng.permutation(ask[:-1])[:3]
    chosen = np.sort(np.r_[np.resize(before, 3), ask[-1]])
    low, high = np.quantile(y, [0.05, 0.95])
    scale = float(max(high - low, 0.01 * np.ptp(y)))
    return Prefix(i, x[:k], y[:k], x[chosen], y[chosen], s["direction"], s["kind"], scale)


def _varied(s: Series, rng: np.random.Generator) -> Series:
    s = dict(s)
    x, y = s["x"], s["y"].copy()
    if rng.random() < 0.4:
        step = int(rng.integers(2, 9))
        if len(x) // step >= 10:
            x, y = x[::step], y[::step]
    if rng.random() < 0.3:
        cut = int(len(x) * rng.uniform(0.02, 0.4))
        if len(x) - cut >= 10:
            x, y = x[cut:], y[cut:]
    percent = s["kind"] == "accuracy" and 1 < y.max() <= 100
    if rng.random() < 0.3:
        low, high = np.quantile(y, [0.1, 0.9])
        positive = y.min() >= 0
        y = y + np.exp(rng.uniform(-3.5, -0.7)) * (high - low) * rng.normal(size=y.size)
        if s["kind"] == "accuracy":
            y = np.clip(y, 0, 100 if percent else 1)
        elif positive:
            y = np.abs(y)
    if s["kind"] == "accuracy" and rng.random() < 0.35:
        s.update(kind="error", direction="min")
        y = (100 if percent else 1) - y
    elif s["direction"] == "min" and s["kind"] != "reward" and y.min() > 0 and rng.random() < 0.5:
        if rng.random() < 0.5:
            y = y + rng.uniform(-0.9, 1.5) * y.min()
        else:
            s.update(kind="reward", direction="max")
            y = -y
    elif s["kind"] == "reward" and rng.random() < 0.3:
        s.update(kind="loss", direction="min")
        y = y.max() + rng.uniform(0.02, 1) * np.ptp(y) - y
    s.update(x=x, y=y)
    return s
