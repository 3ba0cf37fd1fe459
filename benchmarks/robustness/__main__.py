"""Every cut and 2,000 flipped bits of a sample per binary format: ``python -m benchmarks.robustness [FORMAT ...]``.

Exit code 1 when a reader crashes, says nothing of a loss, or gives a value that was not in the file although the format has
checksums.
"""

from __future__ import annotations

import argparse
import sys

from .damage import CHECKED, SAMPLES, Outcome, fuzz


def text(outcome: Outcome) -> str:
    """Counts by kind, the largest first."""
    return ", ".join(f"{n:,} {kind}" for kind, n in outcome.kinds.most_common())


def main() -> int:
    """Print one Markdown row per format."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=", ".join(SAMPLES))
    parser.add_argument("--flips", type=int, default=2000)
    args = parser.parse_args()
    print("| format | bytes | cut at every byte | bits flipped | slowest read (CPU) |\n|---|---|---|---|---|")
    failed = 0
    for name in args.formats or SAMPLES:
        size, cuts, bits = fuzz(name, flips=args.flips)
        slowest = max(cuts.slowest, bits.slowest)
        print(f"| {name} | {size:,} | {text(cuts)} | {text(bits)} | {1e3 * slowest:.0f} ms |", flush=True)
        for outcome in (cuts, bits):
            bad = {k for k in outcome.kinds if k.startswith(("crashed", "silent"))}
            bad |= {"changed"} & set(outcome.kinds) if name in CHECKED else set()
            for kind in sorted(bad):
                print(f"  {name}: {kind}, for example {outcome.examples[kind]}", file=sys.stderr)
            failed += len(bad)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
