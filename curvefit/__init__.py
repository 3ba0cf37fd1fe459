"""Read training curves, fit and forecast them, say how sure that is, and turn it into a decision.

One direction, from a log to a decision; each room is a stage of that line and knows only the rooms above it here:

1. ``curves``       the vocabulary: metrics, curves, runs, schedules, intervals, errors
2. ``readers``      a log becomes runs
3. ``models``       laws and noise
4. ``simulate``     curves with known truth; ``datasets`` a few real example runs
5. ``fitting``      which law describes the data
6. ``segmentation`` where the law changes
7. ``forecasting``  what will be observed
8. ``estimands``    quantities of interest, each with an interval
9. ``diagnostics``  what the run shows
10. ``decisions``   what to do
11. ``reporting``   for people: reports and figures
12. ``analysis``    all of it for one run
13. ``studies``     many runs: batches, comparisons, scaling laws
14. ``integrations`` the adapters of trainers
15. ``commands``    the command line

What people import stands here and is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Curve": "curves",
    "CurvefitError": "curves",
    "Estimate": "curves",
    "Interval": "curves",
    "Metric": "curves",
    "Prediction": "curves",
    "Provenance": "curves",
    "Run": "curves",
    "Schedule": "curves",
    "Status": "curves",
    "read": "readers.read",
    "write_parquet": "readers.parquet",
    "fit": "fitting.fit",
    "Fit": "fitting.fit",
    "select": "fitting.selection",
    "least_squares": "fitting.least_squares",
    "LeastSquaresFit": "fitting.least_squares",
    "segment": "segmentation.segmented_regression",
    "SegmentedFit": "segmentation.segmented_regression",
    "changepoints": "segmentation.level_changes",
    "ChangePoints": "segmentation.level_changes",
    "ChangeStream": "segmentation.change_stream",
    "decay_segments": "segmentation.decay_segments",
    "DecaySegments": "segmentation.decay_segments",
    "structural_breaks": "segmentation.structural_breaks",
    "StructuralBreaks": "segmentation.structural_breaks",
    "double_descent": "segmentation.bump",
    "BumpTest": "segmentation.bump",
    "forecast": "forecasting.api",
    "forecast_many": "forecasting.api",
    "Forecast": "forecasting.forecast",
    "backtest": "forecasting.backtest",
    "backtest_many": "forecasting.backtest",
    "Backtest": "forecasting.replay",
    "Backtests": "forecasting.replay",
    "learn": "forecasting.learning.learn",
    "Experience": "forecasting.learning.experience",
    "fit_annealed": "forecasting.annealed.fit",
    "AnnealedFit": "forecasting.annealed.fit",
    "estimate": "estimands.api",
    "plateau_onset": "estimands.api",
    "diagnose": "diagnostics.api",
    "Diagnoses": "diagnostics.diagnosis",
    "Diagnosis": "diagnostics.diagnosis",
    "recommend": "decisions.recommend",
    "Recommendation": "decisions.recommendation",
    "Monitor": "decisions.monitor",
    "Report": "reporting.report",
    "plot_backtest": "reporting.backtests",
    "plot_segments": "reporting.segments",
    "plot_profile": "reporting.segments",
    "plot_null": "reporting.segments",
    "analyze": "analysis",
    "batch": "studies.batch",
    "rerun": "studies.batch",
    "load_batch": "studies.result",
    "BatchResult": "studies.result",
    "write_store": "studies.store",
    "open_store": "studies.store",
    "Store": "studies.store",
    "compare": "studies.compare",
    "Comparison": "reporting.tables",
    "pool": "studies.pooling",
    "Pooled": "reporting.tables",
    "scaling_law": "studies.scaling",
    "ScalingFit": "reporting.tables",
    "load_example": "datasets.examples",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'curvefit' has no attribute {name!r}")
    value = getattr(import_module(f"curvefit.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from .analysis import analyze as analyze
    from .curves import Curve as Curve
    from .curves import CurvefitError as CurvefitError
    from .curves import Estimate as Estimate
    from .curves import Interval as Interval
    from .curves import Metric as Metric
    from .curves import Prediction as Prediction
    from .curves import Provenance as Provenance
    from .curves import Run as Run
    from .curves import Schedule as Schedule
    from .curves import Status as Status
    from .datasets.examples import load_example as load_example
    from .decisions.monitor import Monitor as Monitor
    from .decisions.recommend import recommend as recommend
    from .decisions.recommendation import Recommendation as Recommendation
    from .diagnostics.api import diagnose as diagnose
    from .diagnostics.diagnosis import Diagnoses as Diagnoses
    from .diagnostics.diagnosis import Diagnosis as Diagnosis
    from .estimands.api import estimate as estimate
    from .estimands.api import plateau_onset as plateau_onset
    from .fitting.fit import Fit as Fit
    from .fitting.fit import fit as fit
    from .fitting.least_squares import LeastSquaresFit as LeastSquaresFit
    from .fitting.least_squares import least_squares as least_squares
    from .fitting.selection import select as select
    from .forecasting.annealed.fit import AnnealedFit as AnnealedFit
    from .forecasting.annealed.fit import fit_annealed as fit_annealed
    from .forecasting.api import forecast as forecast
    from .forecasting.api import forecast_many as forecast_many
    from .forecasting.backtest import backtest as backtest
    from .forecasting.backtest import backtest_many as backtest_many
    from .forecasting.forecast import Forecast as Forecast
    from .forecasting.learning.experience import Experience as Experience
    from .forecasting.learning.learn import learn as learn
    from .forecasting.replay import Backtest as Backtest
    from .forecasting.replay import Backtests as Backtests
    from .readers.parquet import write_parquet as write_parquet
    from .readers.read import read as read
    from .reporting.backtests import plot_backtest as plot_backtest
    from .reporting.report import Report as Report
    from .reporting.segments import plot_null as plot_null
    from .reporting.segments import plot_profile as plot_profile
    from .reporting.segments import plot_segments as plot_segments
    from .reporting.tables import Comparison as Comparison
    from .reporting.tables import Pooled as Pooled
    from .reporting.tables import ScalingFit as ScalingFit
    from .segmentation.bump import BumpTest as BumpTest
    from .segmentation.bump import double_descent as double_descent
    from .segmentation.change_stream import ChangeStream as ChangeStream
    from .segmentation.decay_segments import DecaySegments as DecaySegments
    from .segmentation.decay_segments import decay_segments as decay_segments
    from .segmentation.level_changes import ChangePoints as ChangePoints
    from .segmentation.level_changes import changepoints as changepoints
    from .segmentation.segmented_regression import SegmentedFit as SegmentedFit
    from .segmentation.segmented_regression import segment as segment
    from .segmentation.structural_breaks import StructuralBreaks as StructuralBreaks
    from .segmentation.structural_breaks import structural_breaks as structural_breaks
    from .studies.batch import batch as batch
    from .studies.batch import rerun as rerun
    from .studies.compare import compare as compare
    from .studies.pooling import pool as pool
    from .studies.result import BatchResult as BatchResult
    from .studies.result import load_batch as load_batch
    from .studies.scaling import scaling_law as scaling_law
    from .studies.store import Store as Store
    from .studies.store import open_store as open_store
    from .studies.store import write_store as write_store
