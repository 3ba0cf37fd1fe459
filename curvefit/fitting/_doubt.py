"""Reasons to doubt a fit, each with its own verdict and sentence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Doubt"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """One check a fit was put through.

    Parameters
    ----------
    name : str
        Stable identifier of the check, for example ``"rank"`` or ``"gradient"``.
    ok : bool
        Whether the fit passed it.
    message : str
        What was found, in one plain sentence with the numbers.
    """

    name: str
    ok: bool
    message: str

    def __str__(self) -> str:
        return f"{'passed' if self.ok else 'DOUBT'} {self.name}: {self.message}"
