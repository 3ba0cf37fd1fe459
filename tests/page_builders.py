"""Views of many runs for pages: power laws with noise, some of which diverge, spike, level off or failed."""

from __future__ import annotations

import numpy as np

from curvefit.reporting.html import Fan, RunView

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]>'\"`{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202egnp.exe\x1b[31m\x00\ud800",
    "a\rb\nc\u2028d",
)
ADVICE = {
    "diverged": ("error", "Lower the learning rate, and restart from the best checkpoint."),
    "spikes": ("warning", "Clip gradients, or look at the batch before it."),
    "overfitting": ("warning", "Stop at the best checkpoint, or regularize."),
    "still_improving": ("info", "Train longer."),
    "plateaued": ("info", "Stop, or lower the learning rate."),
}


def many_views(n, *, points=400, seed=0, hostile=True):
    """``n`` runs of three methods, ten seeds and four sizes, with everything a batch knows of them."""
    rng = np.random.default_rng(seed)
    return [one_view(i, rng, points, hostile and i < len(HOSTILE)) for i in range(n)]


def one_view(i, rng, points, hostile):
    method = ("adam", "sgd", "muon")[i % 3]
    name = HOSTILE[i] if hostile else f"{method}-lr{10 ** -(1 + i % 4):g}-seed{i // 12 % 10}-{i:05d}"
    attributes = {
        "method": HOSTILE[i] if hostile else method,
        "seed": i // 12 % 10,
        "size": float(10 ** (6 + i % 4)),
        "lr": 10.0 ** -(1 + i % 4),
    }
    if i % 97 == 50:
        return RunView(
            name, attributes, "val_loss", status="failed", reason="CF-DATA-001: no finite values in val_loss"
        )
    x = np.arange(1.0, points + 1)
    alpha, level, noise = rng.uniform(0.3, 0.9), rng.uniform(0.2, 1.5), rng.uniform(0.005, 0.05)
    y = level + 2 * x**-alpha + noise * rng.standard_normal(points)
    kinds = ["still_improving" if i % 3 else "plateaued"]
    if i % 11 == 3:
        y[int(0.7 * points) :] += np.linspace(0, 3, points - int(0.7 * points))
        kinds = ["diverged"]
    if i % 7 == 2:
        y[rng.integers(20, points, 4)] += 1.0
        kinds.append("spikes")
    if i % 13 == 5:
        kinds.append("overfitting")
    grid = np.geomspace(points, 2 * points, 13)[1:]
    middle = level + 2 * grid**-alpha
    width = noise * (1.96 + 2 * (grid / points - 1))
    action = "intervene" if "diverged" in kinds else "stop" if "plateaued" in kinds else "continue"
    rules = [
        {
            "name": kind, "verdict": "present", "severity": ADVICE[kind][0], "x": float(int(0.7 * points)), "low": 0.6 * points, "high": 0.8 * points,
            "places": 1, "p_value": 0.003, "explanation": f"Seen from step {int(0.7 * points)} on, {3 + i % 5}.{i % 10} robust standard deviations beyond the curve.",
            "advice": ADVICE[kind][1],
        }
        for kind in kinds
    ]  # fmt: skip
    rules += [
        {
            "name": "grokking",
            "verdict": "undecided",
            "severity": "info",
            "explanation": "Needs a curve of the training accuracy.",
        }
    ]
    rules += [
        {"name": absent, "verdict": "absent", "severity": "warning"}
        for absent in ("erratic", "not_learning", "periodic", "regime_change", "double_descent")
    ]
    return RunView(
        name, attributes, "val_loss", "step", x, y,
        Fan(grid, middle, middle - width, middle + width),
        estimates=[
            {"name": "asymptote", "value": level, "low": level - 0.1, "high": level + 0.05, "unit": "", "status": "ok"},
            {"name": "best_point", "value": float(points - 3), "low": points - 30.0, "high": float(points), "unit": "step", "status": "ok"},
            {"name": "remaining_improvement", "value": float(y[-1] - middle[-1]), "low": -0.01, "high": 0.1, "unit": "", "status": "degraded", "reason": "the last values are noisier than the rest"},
            {"name": "target_reached", "value": None, "status": "not_applicable", "reason": "no target"},
        ],
        diagnoses=rules,
        recommendation={"action": action, "sentence": {"stop": "stop now; keep the checkpoint of x = 397", "intervene": "a person should look"}.get(action, f"train on until x = {2 * points}"), "probability": (i % 100) / 100,
                        "reasons": ["The mean curve gains at least 0.01 by then with probability 93 %."]},
        status="degraded" if i % 29 == 1 else "ok", reason="fit: the optimizer did not converge" if i % 29 == 1 else "",
        direction="min", law="power_law",
        parameters=[{"parameter": "alpha", "value": alpha, "low": alpha - 0.05, "high": alpha + 0.05}, {"parameter": "E", "value": level, "low": level - 0.1, "high": level + 0.05}],
    )  # fmt: skip
