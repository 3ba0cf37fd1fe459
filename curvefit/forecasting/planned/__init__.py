"""The rest of a learning-rate schedule, inferred from its logged part."""

from .continuation import Continuation, continuations
from .ending import decay_end

__all__ = ["Continuation", "continuations", "decay_end"]
