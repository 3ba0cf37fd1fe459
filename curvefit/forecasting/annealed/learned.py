"""The shipped constants: a prior for runs of any code, and the numbers of the mixture."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from .component import MixtureNumbers
from .shape import ShapePrior

__all__ = ["default_numbers", "default_prior", "provenance"]


@cache
def _shipped() -> dict[str, Any]:
    text = files(__package__).joinpath("learned.json").read_text(encoding="utf-8")
    values: dict[str, Any] = json.loads(text)
    return values


def default_prior() -> ShapePrior:
    """Shape prior for a run of unknown code: lengths as shares of the run, centered on all groups learned from."""
    return ShapePrior.from_dict(_shipped()["prior"])


def default_numbers() -> MixtureNumbers:
    """Width and weight of the component in the mixture."""
    return MixtureNumbers(**_shipped()["mixture"])


def provenance() -> dict[str, Any]:
    """What the constants were learned from, by which script, with the shapes of every group."""
    return {k: v for k, v in _shipped().items() if k not in ("prior", "mixture")}
