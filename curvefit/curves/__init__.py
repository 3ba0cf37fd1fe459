"""The vocabulary: frozen records that know nothing of statistics."""

from ._given import as_curve, as_run
from .curve import Curve, Flag, XUnit
from .errors import CurvefitError, DataError, DependencyError, LimitError, ReadError, UsageError
from .estimate import Estimate, Interval, IntervalKind, Prediction
from .metric import Direction, Kind, Metric, Split
from .run import Provenance, Run, Sampling
from .schedule import RateChange, Schedule
from .segments import ResumePolicy, Segmented, segment_log
from .status import Status

__all__ = [
    "as_curve",
    "as_run",
    "CurvefitError",
    "DataError",
    "DependencyError",
    "LimitError",
    "ReadError",
    "UsageError",
    "Curve",
    "Direction",
    "Estimate",
    "Flag",
    "Interval",
    "IntervalKind",
    "Kind",
    "Metric",
    "Prediction",
    "Provenance",
    "RateChange",
    "ResumePolicy",
    "Run",
    "Sampling",
    "Schedule",
    "Segmented",
    "Split",
    "Status",
    "XUnit",
    "segment_log",
]
