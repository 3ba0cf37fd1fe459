"""Scores on real runs labelled by eye: precision, recall and F1 of each label, beside trainspotter and sk-autod.

    python -m benchmarks.diagnosis real [--half tune|report] [--misses]

A label counts where both passes (labels_a.csv, labels_b.csv) have it or neither has it; runs that either calls ambiguous
are left out. Halves are by a hash of source and group, so that runs of one experiment never lie on both sides: rules
are looked at on the half "tune" alone. The rivals (extra ``bench``) see the training and the validation loss, sk-autod at
the x they share; curves of other kinds they cannot read. Their findings count under the names in `RIVALS`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from curvefit.curves import Curve, Metric, Run
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.evidence import Evidence

from .real_runs import agreement, curves, listed

HERE = Path(__file__).parent
PASSES = (HERE / "labels_a.csv", HERE / "labels_b.csv")
LEAST = 8  # positives below which a label is not part of the mean
RIVALS = {
    "trainspotter": {
        "spikes": "spikes",
        "divergence": "diverged",
        "plateau": "plateaued",
        "overfitting": "overfitting",
        "eval_noise": "erratic",
    },
    "sk-autod": {
        "Classic overfitting": "overfitting",
        "Missed early stopping": "overfitting",
        "Exploding gradient": "diverged",
        "Noisy training": "erratic",
        "LR too low": "not_learning",
        "Dying ReLU proxy": "plateaued",
    },
}
"""Names of the rivals' findings and the labels they stand for."""

Key = tuple[str, str]


def labels() -> tuple[dict[Key, dict[str, bool | None]], list[str]]:
    """What both passes say of each run: True, False, or None where they differ; and all names."""
    passes = []
    for file in PASSES:
        with file.open(encoding="utf-8", newline="") as text:
            passes.append({(r["source"], r["run_id"]): set(r["labels"].split(";")) for r in csv.DictReader(text)})
    names = sorted(set().union(*passes[0].values(), *passes[1].values()) - {"ambiguous"})
    out: dict[Key, dict[str, bool | None]] = {}
    for key in passes[0].keys() & passes[1].keys():
        a, b = passes[0][key], passes[1][key]
        if "ambiguous" not in a | b:
            out[key] = {n: (n in a) if (n in a) == (n in b) else None for n in names}
    return out, names


def tuning(source: str, group: str) -> bool:
    """Whether the group belongs to the half that rules may be looked at on."""
    return hashlib.sha256(f"{source}/{group}".encode()).digest()[0] % 2 == 0


def as_run(part: Any) -> Run:
    """A run from the rows of its curves."""
    found = {}
    for name, rows in part.sort_values("x").groupby("metric", sort=True):
        kind, direction = str(rows["kind"].iloc[0]), str(rows["direction"].iloc[0])
        unit = str(rows["x_unit"].iloc[0])
        metric = Metric.infer(str(name), kind=kind, direction=direction)
        x_unit = unit.rstrip("s") if unit.rstrip("s") in ("step", "epoch", "token", "iteration", "sample") else "step"
        found[str(name)] = Curve(rows["x"].to_numpy(float), rows["y"].to_numpy(float), metric, x_unit=x_unit)
    return Run("run", found)


def ours(run: Run) -> set[str]:
    """Names of what is present, and ``benign`` when no warning or error is."""
    said = diagnose(run)
    return {d.name for d in said.present} | (set() if said.warnings else {"benign"})


def _losses(run: Run) -> tuple[Curve | None, Curve | None]:
    evidence = Evidence(run)
    names = (evidence.training or evidence.progress, evidence.validation)
    train, val = (run[n] if n is not None and run[n].kind == "loss" else None for n in names)
    return (None if train is val else train), val


def trainspotter(run: Run) -> set[str]:
    """What trainspotter finds."""
    import trainspotter as rival

    train, val = _losses(run)
    given = rival.Run()
    for name, curve in (("train/loss", train), ("eval/loss", val)):
        for x, y in zip(curve.x.tolist(), curve.y.tolist(), strict=True) if curve is not None else ():
            given.add_point(name, round(x), y)
    found = rival.run_all(given)
    loud = any(f.severity in ("warning", "error") for f in found)
    return {RIVALS["trainspotter"].get(f.detector, f.detector) for f in found} | (set() if loud else {"benign"})


def sk_autod(run: Run) -> set[str]:
    """What sk-autod finds; nothing where it refuses."""
    import sk_autod as rival

    train, val = _losses(run)
    if train is None or val is None:
        return {"benign"}
    x = val.x[(val.x >= train.x[0]) & (val.x <= train.x[-1])]
    if x.size < 5:
        return {"benign"}
    report = rival.diagnose(np.interp(x, train.x, train.y).tolist(), np.interp(x, val.x, val.y).tolist())
    found = {RIVALS["sk-autod"].get(f.detector_name, f.detector_name) for f in report.findings}
    loud = any(f.severity.value != "INFO" for f in report.findings)
    return found | (set() if loud else {"benign"})


READERS = {"curvefit": ours, "trainspotter": trainspotter, "sk-autod": sk_autod}


def score(truth: Iterable[bool], said: Iterable[bool]) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    t, s = np.array(list(truth)), np.array(list(said))
    hits = int(np.sum(t & s))
    precision = hits / max(int(s.sum()), 1)
    recall = hits / max(int(t.sum()), 1)
    return precision, recall, 2 * hits / max(int(t.sum() + s.sum()), 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print agreement, scores, and false warnings on benign runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("tune", "report"), help="default both")
    parser.add_argument("--misses", action="store_true", help="list what is wrong, on the half that is tuned")
    args = parser.parse_args(arguments)
    if args.misses and args.half != "tune":
        parser.error("only the half that is tuned may be looked at: --half tune")
    frame, (truth, names) = curves(), labels()
    keyed = dict(tuple(frame.groupby(["source", frame["run_id"].astype(str)])))
    keys = [(r["source"], r["run_id"]) for r in listed() if (r["source"], r["run_id"]) in truth]
    if args.half:
        keys = [k for k in keys if tuning(k[0], str(keyed[k]["group"].iloc[0])) == (args.half == "tune")]
    agreed = agreement(*PASSES)
    said: dict[str, dict[Key, set[str]]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the rivals' divisions by zero
        for reader, read in READERS.items():
            try:
                said[reader] = {k: read(as_run(keyed[k])) for k in keys}
            except ModuleNotFoundError as missing:
                print(f"{reader} is left out: {missing}")
    print(f"{len(keys)} runs that neither pass calls ambiguous" + (f", half {args.half}" if args.half else "") + "\n")
    print("| label | positives | kappa | " + " | ".join(f"{r}: precision, recall, F1" for r in said) + " |")
    print("|---|" + "---|" * (2 + len(said)))
    mean: dict[str, list[float]] = {r: [] for r in said}
    for name in sorted(names, key=lambda n: -sum(truth[k][n] is True for k in keys)):
        used = [k for k in keys if truth[k][name] is not None]
        positives = sum(bool(truth[k][name]) for k in used)
        cells = []
        for reader, answers in said.items():
            p, r, f = score([bool(truth[k][name]) for k in used], [name in answers[k] for k in used])
            known = reader == "curvefit" or name == "benign" or name in RIVALS[reader].values()
            cells.append(f"{p:.2f}, {r:.2f}, {f:.2f}" if known else "-")
            if positives >= LEAST and known:
                mean[reader].append(f)
        kappa = f"{agreed[name][2]:.2f}" if name in agreed else "-"
        print(f"| {name} | {positives} | {kappa} | " + " | ".join(cells) + " |")
    for reader, values in mean.items():
        print(f"\nmacro F1 of {reader}: {np.mean(values):.2f} over its {len(values)} labels with {LEAST} positives")
    calm = [k for k in keys if truth[k]["benign"]]
    for reader, answers in said.items():
        loud = sum("benign" not in answers[k] for k in calm)
        print(f"any warning of {reader} on benign runs: {loud} of {len(calm)}")
    if args.misses:
        for k in keys:
            wrong = [
                ("-" if truth[k][n] else "+") + n
                for n in names
                if truth[k][n] is not None and truth[k][n] != (n in said["curvefit"][k])
            ]
            if wrong:
                print(k[0], k[1][-50:], " ".join(wrong))


if __name__ == "__main__":
    main()
