"""Steps go back or repeat: the run was resumed from a checkpoint."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice, stretch
from ._text import number

__all__ = ["SEVERITY", "resumed"]

SEVERITY: Final = "info"
VOICE = Voice("resumed", SEVERITY)


def resumed(evidence: Evidence) -> Diagnosis:
    """Report restarts found while reading, and what they superseded.

    Parameters
    ----------
    evidence : Evidence
        Provenance of the run and segments of its curves.

    Returns
    -------
    Diagnosis
        Where: the x at which each later segment starts.

    Notes
    -----
    A fact of the log, not a test: there is no false alarm to speak of.
    """
    starts: dict[float, tuple[float, float]] = {}
    superseded = 0
    unit = "step"
    for curve in evidence.run.curves.values():
        superseded = max(superseded, int(curve.defects.get("superseded", 0)))
        if not len(curve):
            continue
        unit = curve.x_unit
        for i in np.flatnonzero(np.diff(curve.segment) != 0).tolist():
            starts.setdefault(float(curve.x[i + 1]), (float(curve.x[i]), float(curve.x[i + 1])))
    provenance = evidence.run.provenance
    if provenance is not None:
        superseded = max(superseded, int(provenance.rows_dropped.get("superseded", 0)))
        if provenance.restarts:
            starts = {x: (x, x) for x in provenance.restarts}
    if not starts:
        return VOICE.absent("The steps in the log never go back.", {"restarts": 0.0})
    where = tuple(stretch("restart", x, *ends, unit, method="log order") for x, ends in sorted(starts.items()))
    listed = ", ".join(number(e.value or 0.0) for e in where[:6]) + (", ..." if len(where) > 6 else "")
    gone = f"; {superseded} repeated rows were superseded" if superseded else ""
    return VOICE.present(
        f"The run was resumed {'once' if len(where) == 1 else f'{len(where)} times'}, at {unit} {listed}{gone}.",
        "Nothing to do; if a jump follows a restart, check that the optimizer state and the data order were restored.",
        {"restarts": float(len(where)), "superseded": float(superseded)},
        where=where,
    )
