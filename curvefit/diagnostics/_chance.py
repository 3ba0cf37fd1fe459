"""The level of a model that knows nothing, from the number of classes or tokens where the run states it."""

from __future__ import annotations

import math

from .evidence import Evidence

__all__ = ["chance_level"]

_KEYS = ("classes", "num_classes", "vocab_size")


def chance_level(evidence: Evidence, name: str) -> float | None:
    """Loss or accuracy of a guess among equally likely classes; None when their number is not stated.

    Parameters
    ----------
    evidence : Evidence
        Of a run whose attributes may hold ``classes``, ``num_classes`` or ``vocab_size``.
    name : str
        Curve.

    Returns
    -------
    float or None
        ln K for a loss (in bits, log2 K), 1 / K for an accuracy (100 / K in percent).
    """
    for key in _KEYS:
        value = evidence.run.attributes.get(key)
        if isinstance(value, int | float) and math.isfinite(value) and value > 1:
            curve = evidence.run[name]
            if curve.kind == "loss":
                return math.log2(value) if curve.metric.unit == "bit" else math.log(value)
            if curve.kind == "accuracy":
                return (100.0 if curve.percent else 1.0) / value
            return None
    return None
