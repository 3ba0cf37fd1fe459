"""What has been found out about a run so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..forecasting.forecast import Forecast
from ._changes import Change
from ._leveling import Course
from ._noise import Residuals
from ._periodogram import Line
from ._scan import Rise
from ._trace import Trace

__all__ = ["Known"]


@dataclass(slots=True, eq=False)
class Known:
    """Facts about a run, by the name of the curve; each is what the method of `Evidence` of that name answers.

    Parameters
    ----------
    raw : dict
        Traces of curves by themselves.
    traces : dict
        The same with a correlation from all curves that agree.
    later : dict
        The last bins of those by themselves, by name and first bin.
    residuals, courses, changes, steps, lines, forecasts : dict
        Of each curve.
    rises : dict
        Of each curve, by the first bin and the end of the stretch.
    chances : dict
        Of a gain, by name and gain.
    """

    raw: dict[str, Trace | None] = field(default_factory=dict)
    traces: dict[str, Trace | None] = field(default_factory=dict)
    later: dict[tuple[str, int], Trace] = field(default_factory=dict)
    residuals: dict[str, Residuals | None] = field(default_factory=dict)
    courses: dict[str, Course | None] = field(default_factory=dict)
    changes: dict[str, tuple[Change, ...]] = field(default_factory=dict)
    steps: dict[str, tuple[Change, ...]] = field(default_factory=dict)
    lines: dict[str, Line | None] = field(default_factory=dict)
    rises: dict[str, dict[tuple[int, int], Rise | None]] = field(default_factory=dict)
    forecasts: dict[str, Forecast | None] = field(default_factory=dict)
    chances: dict[tuple[str, float], float | None] = field(default_factory=dict)
