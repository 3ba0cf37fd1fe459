"""The rest of a learning-rate schedule, inferred from its logged part."""

from .continuation import Continuation, continuations

__all__ = ["Continuation", "continuations"]
