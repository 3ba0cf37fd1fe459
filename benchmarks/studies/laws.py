"""Do intervals of scaling laws hold what they say? ``python -m benchmarks.studies.laws [--sims 500]``.

Runs with sizes drawn evenly in log N and log D obey a law with the constants of Besiroglu et al. (2024); logs of their losses have noise.
Prints, per number of runs and kind of noise, the share of simulations in which the 95 % interval holds the truth: parameters,
the best split of compute inside the data and a hundred times beyond them, the loss there, and a new run inside the data
(prediction). ``shared`` noise is the same for four checkpoints of a run, which are resampled together; its negative control calls
every checkpoint a run.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import curvefit as cf

LEVEL = 0.95
E, A, B, ALPHA, BETA = 1.8172, 482.01, 2085.43, 0.3478, 0.3658
INSIDE, BEYOND = 1e21, 1e23
WHAT = ("E", "alpha", "beta", "N inside", "ratio inside", "N beyond", "loss inside", "loss beyond", "new run")
SPREAD = 0.01  # of the noise
NOISE = ("normal", "t3", "shared", "shared, control")


def law(n: np.ndarray | float, d: np.ndarray | float) -> np.ndarray | float:
    """The true loss."""
    return E + A / n**ALPHA + B / d**BETA


def optimum(compute: float) -> tuple[float, float, float]:
    """The true best sizes, and the loss there."""
    first = (ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA)) * (compute / 6) ** (BETA / (ALPHA + BETA))
    second = compute / 6 / first
    return first, second, float(law(first, second))


def noise(kind: str, rng: np.random.Generator, runs: int, each: int) -> np.ndarray:
    """Noise of logs of losses, shape (runs * each,)."""
    if kind == "shared":
        own = np.repeat(rng.standard_normal(runs), each)
        return SPREAD * (0.9 * own + np.sqrt(1 - 0.81) * rng.standard_normal(runs * each))
    if kind == "t3":
        return SPREAD * rng.standard_t(3, runs * each) / np.sqrt(3)
    return SPREAD * rng.standard_normal(runs * each)


def one(rng: np.random.Generator, runs: int, kind: str, replicates: int, *, control: bool) -> dict[str, bool | None]:
    """Which intervals of one simulation hold; None where there is none."""
    each = 4 if kind == "shared" else 1
    n = np.repeat(np.exp(rng.uniform(np.log(4e7), np.log(1e10), runs)), each)
    last = np.exp(rng.uniform(np.log(1e9), np.log(2e11), runs))
    d = (last[:, None] * np.geomspace(0.125, 1, each)).ravel() if each > 1 else last
    loss = law(n, d) * np.exp(noise(kind, rng, runs, each))
    who = np.arange(n.size) if control else np.repeat(np.arange(runs), each)
    points = {"N": n, "D": d, "L": loss, "run_id": who}
    fit = cf.scaling_law(points, "N", "D", replicates=replicates, level=LEVEL, check=False, rng=rng)
    inside, beyond = fit.optimal(INSIDE), fit.optimal(BEYOND)
    true, far = optimum(INSIDE), optimum(BEYOND)
    asked = [fit.parameters[p] for p in ("E", "alpha", "beta")]
    asked += [inside.sizes["N"], inside.ratio, beyond.sizes["N"], inside.loss, beyond.loss]
    truths = (E, ALPHA, BETA, true[0], true[1] / true[0], far[0], true[2], far[2])
    found: dict[str, bool | None] = {}
    for name, got, truth in zip(WHAT, asked, truths, strict=False):
        found[name] = None if got.interval is None else got.interval.low <= truth <= got.interval.high
    new = np.exp(rng.uniform(np.log(4e7), np.log(1e10))), np.exp(rng.uniform(np.log(1e9), np.log(2e11)))
    seen = law(*new) * np.exp(noise(kind, rng, 1, each)[0])
    told = fit.predict(*new)
    found["new run"] = bool(told.low[0] <= seen <= told.high[0])
    return found


def coverage(runs: int, kind: str, sims: int, replicates: int, *, control: bool = False) -> dict[str, float]:
    """Share of simulations whose interval holds, by what it is of."""
    rng = np.random.default_rng([runs, sum(map(ord, kind))])
    found = [one(rng, runs, kind, replicates, control=control) for _ in range(sims)]
    return {w: float(np.mean([f[w] for f in found if f[w] is not None])) for w in WHAT}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sims", type=int, default=500)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--noise", nargs="+", choices=NOISE, default=NOISE)
    args = parser.parse_args()
    start = time.process_time()
    print("| noise | runs | points | " + " | ".join(WHAT) + " |\n|---|--:|--:|" + "--:|" * len(WHAT))
    for kind in args.noise:
        for runs in (10, 15, 25, 50, 100) if kind.startswith("shared") else (10, 15, 25, 50, 100, 240):
            name, _, control = kind.partition(", ")
            found = coverage(runs, name, args.sims, args.replicates, control=bool(control))
            points = runs * (4 if name == "shared" else 1)
            print(
                f"| {kind} | {runs} | {points} | " + " | ".join(f"{found[w]:.3f}" for w in WHAT) + " |",
                flush=True,
            )
    print(f"\n{args.sims} simulations, {args.replicates} replicates; {time.process_time() - start:.0f} s of one core")


if __name__ == "__main__":
    main()
