"""What came of reading a path: runs, failures, and files that are no logs."""

from __future__ import annotations

from dataclasses import dataclass

from ..curves import CurvefitError, Run
from ._walk import Skipped

__all__ = ["Failure", "Reading"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read.

    Parameters
    ----------
    path : str
        The file, safe for a terminal.
    error : CurvefitError
        Why.
    """

    path: str
    error: CurvefitError


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a path.

    Parameters
    ----------
    runs : tuple of Run
        Runs in the order of their files.
    failures : tuple of Failure
        Logs that could not be read.
    skipped : mapping of str to int
        Files of a folder that are no logs, counted by reason.
    """

    runs: tuple[Run, ...]
    failures: tuple[Failure, ...]
    skipped: Skipped
