"""Tables that a batch writes: one row set per kind of result, the same columns for every data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from ..curves._optional import optional

__all__ = ["SCHEMA_VERSION", "TABLES", "Field", "FieldType", "RunStatus", "Table", "arrow_schema", "attribute_column"]

SCHEMA_VERSION = 2
FieldType = Literal["string", "float", "int", "bool"]
RunStatus = Literal["ok", "degraded", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Field:
    """A column.

    Parameters
    ----------
    name : str
        Name of the column.
    type : {"string", "float", "int", "bool"}
        String, float64, int64 or bool; a missing value is null, never NaN.
    meaning : str
        What it holds, with its unit.
    """

    name: str
    type: FieldType
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of result.

    Parameters
    ----------
    name : str
        Name of the table and of its folder in the output.
    meaning : str
        What one row is.
    fields : tuple of Field
        Columns, in order.
    """

    name: str
    meaning: str
    fields: tuple[Field, ...]


_RUN = Field("run", "string", "name of the run")
_METRIC = Field("metric", "string", "name of the metric")
_LEVEL = Field("level", "float", "nominal coverage of the interval")
_STATUS = Field("status", "string", "ok, or the code of a `Status`: degraded, too_few_points, not_identified, ...")
_REASON = Field("reason", "string", "plain sentences behind the status, joined by '; '")


def _floats(*pairs: tuple[str, str]) -> tuple[Field, ...]:
    return tuple(Field(name, "float", meaning) for name, meaning in pairs)


def _texts(*pairs: tuple[str, str]) -> tuple[Field, ...]:
    return tuple(Field(name, "string", meaning) for name, meaning in pairs)


_TABLES = (
    Table(
        "runs",
        "one row per run and metric, failures included; further columns are the runs' attributes (method, seed, ...)",
        (
            _RUN,
            *_texts(
                ("metric", "metric that was worked on; null where the run failed before one was chosen"),
                ("status", "ok, degraded (some part of it), refused (the data), or failed (an error)"),
                ("code", "code of the error, such as CF-DATA-001 or CF-RES-KILLED; null when ok"),
                ("reason", "what was degraded, refused or failed, in words"),
                ("kind", "loss, error, accuracy, reward or other"),
                ("direction", "min or max: which way is better"),
                ("split", "train, val or test, where the name says so"),
                ("unit", "unit of the metric"),
                ("x_unit", "unit of x: step, epoch, token, ..."),
            ),
            Field("n", "int", "finite points of the curve"),
            Field("n_nonfinite", "int", "values that were NaN or infinite"),
            *_floats(
                ("x_first", "first x"),
                ("x_last", "last x"),
                ("y_last", "last value"),
                ("level_now", "local mean of the curve at the last x"),
                ("noise", "standard deviation of one observation about the mean near the end"),
                ("horizon", "x up to which estimates, diagnoses and the recommendation were asked"),
            ),
            *_texts(
                (
                    "horizon_from",
                    "where it comes from: asked, planned (the run's own length), decay (its learning rate's end) or twice (the data)",
                )
            ),
            Field("part", "int", "number of the unit of work, the same in the names of the files"),
        ),
    ),
    Table(
        "forecasts",
        "one row per run, metric and horizon: what will be observed there, and where the mean curve will be",
        (
            _RUN,
            _METRIC,
            *_floats(
                ("x", "where, in the unit of x"),
                ("median", "median of a new observation"),
                ("low", "lower end of the prediction interval"),
                ("high", "upper end of the prediction interval"),
                ("mean", "median of the mean curve"),
                ("mean_low", "lower end of the confidence interval of the mean curve"),
                ("mean_high", "upper end of the confidence interval of the mean curve"),
            ),
            _LEVEL,
            *_texts(
                ("asked", "the horizon as it was asked for: '2x', '10000' or 'planned'"),
                ("forecaster", "how it was made: pooled, annealed, ..."),
            ),
            _STATUS,
            _REASON,
        ),
    ),
    Table(
        "estimates",
        "one row per run, metric and quantity of interest",
        (
            _RUN,
            _METRIC,
            *_texts(("name", "estimand: value_at, remaining_improvement, best_point, ...")),
            *_floats(
                ("value", "estimate; null where the status says why"),
                ("low", "lower end of the interval; null where open or not estimable"),
                ("high", "upper end of the interval; null where open or not estimable"),
            ),
            _LEVEL,
            *_texts(("kind", "confidence or prediction"), ("unit", "unit of value and interval")),
            _STATUS,
            _REASON,
            *_texts(("details", "further named numbers as a JSON object")),
        ),
    ),
    Table(
        "parameters",
        "one row per run, metric, law and parameter",
        (
            _RUN,
            _METRIC,
            *_texts(("model", "law"), ("parameter", "its parameter")),
            *_floats(
                ("value", "estimate; null where the fit is not usable"),
                ("stderr", "standard error"),
                ("low", "lower end of the confidence interval; null where open or not estimable"),
                ("high", "upper end of the confidence interval; null where open or not estimable"),
            ),
            _LEVEL,
            *_texts(("interval", "how the interval was made"), ("unit", "unit of the parameter")),
            _STATUS,
            _REASON,
        ),
    ),
    Table(
        "comparison",
        "one row per run, metric and law: how well it describes the curve",
        (
            _RUN,
            _METRIC,
            *_texts(("model", "law")),
            Field("rank", "int", "1 is best; null for a law that could not be fitted"),
            Field("n", "int", "points"),
            Field("k", "int", "parameters of the law"),
            *_floats(
                ("score", "criterion (AICc unless asked otherwise), smaller is better"),
                ("delta", "score less the best score"),
                ("weight", "share of belief, proportional to exp(-delta / 2)"),
                ("rss", "residual sum of squares"),
                ("sigma", "residual standard deviation"),
                ("rho", "correlation of neighboring residuals"),
            ),
            *_texts(("criterion", "what score is")),
            _STATUS,
            _REASON,
        ),
    ),
    Table(
        "breakpoints",
        "one row per run, metric and breakpoint of a broken line; one row without x where there is none",
        (
            _RUN,
            _METRIC,
            Field("number", "int", "1, 2, ... in order of x; null where there is none"),
            *_floats(
                ("x", "breakpoint, in the unit of x"),
                ("low", "lower end of its confidence interval"),
                ("high", "upper end of its confidence interval"),
            ),
            _LEVEL,
            *_floats(
                ("slope_before", "slope of the line before it"),
                ("slope_after", "slope of the line after it"),
            ),
            *_texts(("axis", "linear or log: the axis of x on which the lines are straight")),
            _STATUS,
            _REASON,
        ),
    ),
    Table(
        "diagnoses",
        "one row per run, metric and rule, whatever the verdict",
        (
            _RUN,
            _METRIC,
            *_texts(
                ("name", "rule"),
                ("verdict", "present, absent or undecided"),
                ("severity", "error, warning or info: what it would mean if present"),
                ("on", "curve it was judged on; null when it concerns the run"),
            ),
            *_floats(
                ("x", "first place of the finding; null where there is none"),
                ("low", "lower end of its interval"),
                ("high", "upper end of its interval"),
                ("p_value", "of the test, where there is one"),
            ),
            Field("places", "int", "how many places there are"),
            *_texts(
                ("explanation", "one or two plain sentences"),
                ("advice", "what to do about it when present"),
                ("evidence", "the numbers the verdict rests on as a JSON object"),
            ),
        ),
    ),
    Table(
        "recommendations",
        "one row per run and metric: what to do, and the numbers behind it",
        (
            _RUN,
            _METRIC,
            *_texts(("action", "stop, continue, intervene or collect_more"), ("sentence", "the answer in a few words")),
            *_floats(
                ("x_star", "for continue: until when"),
                ("expected", "expected value of the mean curve at x_star"),
                ("expected_low", "lower end of its confidence interval"),
                ("expected_high", "upper end of its confidence interval"),
                ("keep_x", "x of the best point so far: the checkpoint to keep"),
                ("probability", "P(gain of the mean curve by the horizon is at least min_gain)"),
                ("expected_gain", "expected gain, positive is better whatever the direction"),
                ("min_gain", "smallest gain that matters"),
                ("horizon", "x up to which was asked"),
            ),
            *_texts(
                ("reason", "the deciding reason"),
                ("reasons", "all reasons as a JSON array"),
                ("arithmetic", "every number the decision used as a JSON object"),
            ),
        ),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({t.name: t for t in _TABLES})


def attribute_column(name: str) -> str:
    """Column of an attribute in the table of runs: its own name, with ``run.`` before one that is taken."""
    taken = {f.name for f in TABLES["runs"].fields}
    return f"run.{name}" if name in taken else name


def arrow_schema(name: str, attributes: Mapping[str, FieldType] | None = None) -> Any:
    """Arrow schema of a table.

    Parameters
    ----------
    name : str
        Name of the table.
    attributes : mapping of str to {"string", "float"}, optional
        Attributes of the runs, for the table of runs.
    """
    pa = optional("pyarrow", extra="parquet", feature="batches")
    types = {"string": pa.string(), "float": pa.float64(), "int": pa.int64(), "bool": pa.bool_()}
    fields = [pa.field(f.name, types[f.type], metadata={"meaning": f.meaning}) for f in TABLES[name].fields]
    if name == "runs":
        fields += [pa.field(attribute_column(a), types[kind]) for a, kind in (attributes or {}).items()]
    return pa.schema(fields)
