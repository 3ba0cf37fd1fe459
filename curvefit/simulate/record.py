"""What a simulation hands back: the run as a log would show it, and the truth behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Run
from ..curves._checks import frozen_array
from .noise import Noise

__all__ = ["Simulated"]


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """A simulated run and what is true of it.

    Parameters
    ----------
    run : Run
        As it would be read from a log.
    means : mapping of str to ndarray, shape (n,)
        Mean of each metric at the x of its curve (all logged x, those with non-finite values included), noise free.
    healthy : mapping of str to ndarray, shape (n,)
        The same without the faults; equal to ``means`` for a healthy run.
    faults : tuple of str
        Names of the faults planted.
    truth : mapping of str to float
        Where and how large, ``"overfitting.onset"`` for example; parameters of the law for a single curve.
    noise : Noise
        What was added to the means.
    sd : mapping of str to float
        Noise standard deviation of each metric, in its unit.
    """

    run: Run
    means: Mapping[str, NDArray[np.float64]]
    healthy: Mapping[str, NDArray[np.float64]]
    faults: tuple[str, ...]
    truth: Mapping[str, float]
    noise: Noise
    sd: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("means", "healthy"):
            arrays = {k: frozen_array(v) for k, v in getattr(self, name).items()}
            object.__setattr__(self, name, MappingProxyType(arrays))
        object.__setattr__(self, "truth", MappingProxyType({k: float(v) for k, v in self.truth.items()}))
        object.__setattr__(self, "sd", MappingProxyType({k: float(v) for k, v in self.sd.items()}))

    @property
    def curve(self) -> Curve:
        """The first curve."""
        return next(iter(self.run.curves.values()))
