"""The two figures: compute against regret, and what was said against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .calibration import Reliability
    from .replay import Outcome

BLUE, ORANGE, GRAY, GREEN = "#0072B2", "#D55E00", "#666666", "#009E73"


def pareto(found: Mapping[str, Outcome], file: Path) -> None:
    """Compute against regret of every rule; patience's hull is what it can reach in hindsight."""
    import matplotlib.pyplot as plt

    from .replay import hull

    fig, ax = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    families = (
        ("Monitor", BLUE, "o", "Monitor, confirm = 1, 2, 3, 4"),
        ("min_delta", ORANGE, "^", "patience, min_delta = noise"),
        ("patience", GRAY, "s", "patience, min_delta = 0"),
    )
    left = dict(found)
    for word, color, marker, label in families:
        mine = {name: left.pop(name) for name in list(left) if word in name}
        at = sorted((o.compute.mean(), o.regret.mean(), name) for name, o in mine.items())
        c, g, _ = zip(*at, strict=True)
        ax.plot(c, g, marker=marker, color=color, ms=5, lw=1.1, label=label, zorder=3)
        for x, y, name in at:
            if word == "patience":
                ax.annotate(name.split()[1], (x, y), xytext=(5, 4), textcoords="offset points", fontsize=8, color=color)
            if "default" in name:
                ax.plot([x], [y], "o", ms=12, mfc="none", mec=color, mew=1.5, zorder=4)
                ax.annotate(
                    "default", (x, y), xytext=(0, -17), textcoords="offset points", fontsize=9, color=color, ha="center"
                )
    points = [(o.compute.mean(), o.regret.mean()) for name, o in found.items() if "patience" in name]
    ax.plot(*hull(points), color=GRAY, lw=0.9, ls=(0, (4, 3)), label="best of all patience, in hindsight", zorder=2)
    ax.plot([1], [0], "*", color="black", ms=9, label="to the end", zorder=4, clip_on=False)
    ax.set_yscale("symlog", linthresh=0.01)
    ax.set_yticks([0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4], ["0", ".005", ".01", ".02", ".05", ".1", ".2", ".4"])
    ax.minorticks_off()
    ax.set_ylim(-0.0008, None)
    ax.set_xlabel("compute used, share of the logged run")
    ax.set_ylabel("regret, share of the improvement")
    ax.set_title("Stopping real runs: less is better on both axes", loc="left", fontsize=11)
    ax.grid(True, lw=0.4, alpha=0.5)
    ax.legend(frameon=False, fontsize=8.5, loc="upper right")
    fig.savefig(file, dpi=150)
    plt.close(fig)


def reliability(parts: Sequence[Reliability], file: Path) -> None:
    """What was said against what came, with the allowed distance and the number of cases."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(parts), figsize=(4.6 * len(parts), 4.6), layout="constrained", sharey=True)
    for ax, part in zip(np.atleast_1d(axes), parts, strict=True):
        line = np.array([0.0, 1.0])
        ax.fill_between(
            line, line - part.allowed, line + part.allowed, color=GRAY, alpha=0.15, lw=0, label=f"± {part.allowed:g}"
        )
        ax.plot(line, line, color=GRAY, lw=0.8)
        raw = part.raw_rows
        ax.plot(
            [r.said for r in raw],
            [r.came for r in raw],
            "o",
            mfc="white",
            mec=GREEN,
            ms=4.5,
            label="as forecast",
            zorder=3,
        )
        rows = part.rows
        said, came = np.array([r.said for r in rows]), np.array([r.came for r in rows])
        reach = np.array([[r.came - r.low, r.high - r.came] for r in rows]).T
        ax.errorbar(
            said,
            came,
            yerr=np.maximum(reach, 0),
            fmt="o",
            color=BLUE,
            ms=5.5,
            lw=1.1,
            capsize=2,
            label="corrected (95 % over groups)",
            zorder=4,
        )
        top = ax.secondary_xaxis("top")
        top.set_xticks(said, [f"{r.cases:,}" for r in rows], rotation=60, fontsize=7, color=GRAY)
        top.tick_params(length=2, color=GRAY)
        ax.set_title(f"{part.title}; number of cases above", fontsize=10)
        ax.set_xlabel("probability that was said")
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ax.set_aspect("equal")
        ax.legend(frameon=False, fontsize=8, loc="upper left")
    np.atleast_1d(axes)[0].set_ylabel("share of cases in which it came")
    fig.savefig(file, dpi=150)
    plt.close(fig)
