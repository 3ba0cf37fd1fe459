"""The argument ``--experience``; apart from the others because it loads the forecaster."""

from __future__ import annotations

from argparse import ArgumentParser

from ..forecasting.learning.experience import Experience
from ._options import checked

__all__ = ["add_experience"]

experience = checked(Experience.load)


def add_experience(parser: ArgumentParser) -> None:
    """What was learned from earlier runs."""
    parser.add_argument(
        "--experience", type=experience, metavar="FILE", help="what `curvefit learn` wrote; sharpens the forecasts"
    )
