"""Figures of this folder: ``python -m benchmarks.diagnosis [healthy | planted | places | resnet | real] [options]``.

How often healthy runs are accused, what the same rules do when serial correlation is ignored (``healthy --iid``, the
negative control), how strong a fault has to be to be found, how often the intervals of places and sizes hold the truth,
and whether the worked example is read as it should be.
Without a name all parts run one after the other. Last results: RESULTS.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from . import healthy_bank, places, power, resnet, scores

PARTS: dict[str, Callable[[Sequence[str]], None]] = {
    "healthy": healthy_bank.main,
    "planted": power.main,
    "places": places.main,
    "resnet": resnet.main,
    "real": scores.main,
}


def main() -> int:
    """Run one part with its options, or all."""
    given = sys.argv[1:]
    if given and given[0] in PARTS:
        PARTS[given[0]](given[1:])
        return 0
    if given:
        print(__doc__)
        return 0 if given[0] in ("-h", "--help") else 2
    for name, part in PARTS.items():
        print(f"## {name}\n")
        part([])
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
