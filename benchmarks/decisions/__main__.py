"""Studies of decisions: ``python -m benchmarks.decisions replay | calibration | divergence | keeping | gates [options]``.

Whether the monitor beats patience, whether its probabilities come true, whether runs come back from a divergence, which
checkpoint is kept, and the gates that the first two rest on. Last results: RESULTS.md.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run one study with its options."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name == "replay":
        from . import replay

        return replay.main(rest)
    if name == "calibration":
        from . import calibration

        return calibration.main(rest)
    if name == "divergence":
        from . import divergence

        return divergence.main()
    if name == "keeping":
        from . import keeping

        return keeping.main(rest)
    if name == "gates":
        from . import gates

        gates.main(rest)
        return 0
    print(__doc__)
    return 0 if name in ("-h", "--help") else 2


if __name__ == "__main__":
    sys.exit(main())
