"""Markdown of the study of estimates, and every cell as comma-separated values."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from .estimate_worlds import NOISES
from .estimates import LEVEL, Chance, Found, Tallies, Tally

__all__ = ["merged", "print_chances", "print_low", "print_sources", "print_worlds", "write_cells"]

EDGES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
POOR = 0.88
_MANY = 30


def merged(found: Iterable[Found]) -> Found:
    """All that was counted."""
    out = Found()
    for one in found:
        out.tallies.update(one.tallies)
        out.chances += one.chances
        out.seconds += one.seconds
    return out


def print_worlds(tallies: Tallies) -> None:
    """One row per question and world; coverage of the given as lowest to highest over the numbers of points."""
    print(
        "| estimate | world | "
        + " | ".join(NOISES)
        + " | given | below / above | relative width, least to most points |"
    )
    print("|---|---|" + "---|" * (len(NOISES) + 3))
    for what in dict.fromkeys(k[0] for k in sorted(tallies)):
        for world in dict.fromkeys(k[1] for k in tallies if k[0] == what):
            cells = {k: t for k, t in tallies.items() if k[:2] == (what, world)}
            if not any(t.given for t in cells.values()):
                continue
            by_noise = [_range([t for k, t in cells.items() if k[2] == noise]) for noise in NOISES]
            given, asked = (sum(getattr(t, name) for t in cells.values()) for name in ("given", "asked"))
            below, above = (sum(getattr(t, name) for t in cells.values()) for name in ("below", "above"))
            sizes = sorted({k[3] for k, t in cells.items() if t.given})
            widths = [
                float(np.median([t.width for k, t in cells.items() if k[3] == n and t.given]))
                for n in (sizes[0], sizes[-1])
            ]
            wide = f"{_number(widths[0])} to {_number(widths[1])}" if len(sizes) > 1 else _number(widths[0])
            print(
                f"| {what} | {world} | {' | '.join(by_noise)} | {_share(given / asked)} of {asked} | {below} / {above} | {wide} |"
            )


def print_low(tallies: Tallies) -> None:
    """Cells under the limit, with their coverage."""
    poor = [(k, t) for k, t in sorted(tallies.items()) if t.given >= _MANY and t.share < POOR]
    all_cells = [t for t in tallies.values() if t.given >= _MANY]
    print(f"\nCells with {_MANY} intervals or more: {len(all_cells)}; under {_share(POOR)}: {len(poor)}.\n")
    print("| estimate | world | noise: n, coverage (given, below / above) |\n|---|---|---|")
    for what, world in dict.fromkeys(k[:2] for k, _ in poor):
        some = [(k, t) for k, t in poor if k[:2] == (what, world)]
        told = "; ".join(f"{k[2]}: {k[3]}, {_share(t.share)} ({t.given}, {t.below} / {t.above})" for k, t in some)
        print(f"| {what} | {world} | {told} |")


def print_sources(tallies: Tallies) -> None:
    """Logged runs: all of them, and the worst and best source."""
    print(
        "| estimate | covered | of all asked | given | below / above | median relative width | sources, worst to best |"
    )
    print("|---|---|---|---|---|---|---|")
    for what in dict.fromkeys(k[0] for k in sorted(tallies)):
        cells = {k[1]: t for k, t in tallies.items() if k[0] == what}
        total = _sum(cells.values())
        order = sorted((t.share, source) for source, t in cells.items() if t.given >= _MANY)
        ends = " to ".join(f"{_share(share)} ({source})" for share, source in (order[:1] + order[-1:]))
        print(
            f"| {what} | {_share(total.share)} | {_share(total.hits / total.asked)} | {total.given} of {total.asked} "
            f"| {total.below} / {total.above} | {_number(total.width)} | {ends} |"
        )


def print_chances(chances: Sequence[Chance]) -> None:
    """What was said against what came, in classes of what was said."""
    print("| statement | where | " + " | ".join(f"{a:g} to {b:g}" for a, b in pairwise(EDGES)) + " |")
    print("|---|---|" + "---|" * (len(EDGES) - 1))
    for what in dict.fromkeys(c.what for c in chances):
        for where in dict.fromkeys(c.where for c in chances if c.what == what):
            some = [c for c in chances if c.what == what and c.where == where]
            said, came = np.array([c.said for c in some]), np.array([c.came for c in some])
            place = np.clip(np.searchsorted(EDGES, said, side="right") - 1, 0, len(EDGES) - 2)
            told = []
            for j in range(len(EDGES) - 1):
                mine = place == j
                n = int(mine.sum())
                told.append(f"{_share(said[mine].mean())}: {_share(came[mine].mean())} ({n})" if n >= _MANY else "-")
            print(f"| {what} | {where} | {' | '.join(told)} |")


def write_cells(tallies: Tallies, file: Path) -> None:
    """Every cell, one line each."""
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(
            [
                "estimate",
                "world",
                "noise",
                "points",
                "level",
                "asked",
                "given",
                "doubted",
                "covered",
                "of_given",
                "of_all",
                "below",
                "above",
                "median_relative_width",
            ]
        )
        for (what, world, noise, n), t in sorted(tallies.items()):
            if t.given:
                shares = f"{t.share:.3f}", f"{t.hits / t.asked:.3f}"
                rows.writerow(
                    [
                        what,
                        world,
                        noise,
                        n,
                        LEVEL,
                        t.asked,
                        t.given,
                        t.doubted,
                        t.hits,
                        *shares,
                        t.below,
                        t.above,
                        f"{t.width:.4g}",
                    ]
                )


def _sum(cells: Iterable[Tally]) -> Tally:
    out = Tally()
    for t in cells:
        for name in ("asked", "given", "doubted", "hits", "below", "above"):
            setattr(out, name, getattr(out, name) + getattr(t, name))
        out.widths += t.widths
    return out


def _range(cells: Sequence[Tally]) -> str:
    shares = [t.share for t in cells if t.given >= _MANY]
    if not shares:
        return "-"
    low, high = _share(min(shares)), _share(max(shares))
    return low if low == high else f"{low} to {high}"


def _share(value: float) -> str:
    return f"{value:.2f}".removeprefix("0") if value < 0.995 else "1"


def _number(value: float) -> str:
    return "open" if np.isinf(value) else f"{value:.2g}".removeprefix("0")
