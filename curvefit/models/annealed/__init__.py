"""The annealed power law: what a learning-rate schedule does to a loss curve."""

from .law import AnnealedLaw
from .progress import Progress
from .relaxation import Momentum, MultiPower, Relaxation

__all__ = ["AnnealedLaw", "Momentum", "MultiPower", "Progress", "Relaxation"]
