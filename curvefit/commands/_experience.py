"""The argument ``--experience``; apart from the others because it loads the forecaster."""

from __future__ import annotations

from argparse import ArgumentParser

from ..curves import CurvefitError, UsageError
from ..forecasting.learning.experience import Experience
from ._options import checked

__all__ = ["add_experience"]


def _load(text: str) -> Experience:
    """The experience; a refusal names the file, which argparse does not."""
    try:
        return Experience.load(text)
    except CurvefitError as error:
        raise UsageError(f"{text}: {error.what}", hint=error.hint) from None


experience = checked(_load)


def add_experience(parser: ArgumentParser) -> None:
    """What was learned from earlier runs."""
    parser.add_argument(
        "--experience", type=experience, metavar="FILE", help="what `curvefit learn` wrote; sharpens the forecasts"
    )
