"""``import curvefit`` and ``curvefit --help`` against ``import numpy``."""

from __future__ import annotations

import statistics

from ._timing import Row, inside, paired

HELP = (
    "import contextlib, io\nfrom curvefit.__main__ import main\n"
    "with contextlib.redirect_stdout(io.StringIO()): main(['--help'])"
)


def run(quick: bool) -> list[Row]:
    """Inside fresh interpreters."""
    n = 7 if quick else 21
    rows = []
    for what, code in {
        "`import curvefit`, first record used": "import curvefit; curvefit.Curve",
        "`curvefit --help`": HELP,
    }.items():
        ours, numpy = paired(lambda code=code: inside(code), lambda: inside("import numpy"), n)
        mine, base = statistics.median(ours), statistics.median(numpy)
        limit = 1.3 * base + 0.050
        rows.append(
            Row(
                what,
                f"CPU {1e3 * mine:.0f} ms, numpy {1e3 * base:.0f} ms",
                f"1.3 x numpy + 50 ms = {1e3 * limit:.0f} ms",
                n,
                mine / limit,
            )
        )
    return rows
