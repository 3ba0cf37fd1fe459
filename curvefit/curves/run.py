"""One training run: its curves, its learning rate, its plan, and where all that came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from ._arguments import checked, is_number
from ._checks import frame_of
from ._metric_names import is_learning_rate as names_learning_rate
from ._metric_names import words_of
from .curve import Curve, XUnit
from .errors import DataError, UsageError, unknown_name
from .metric import Kind, Metric, Split
from .schedule import Schedule
from .segments import ResumePolicy, segment_log

_X_COLUMNS: dict[str, XUnit] = {
    "step": "step",
    "global_step": "step",
    "iteration": "iteration",
    "epoch": "epoch",
    "tokens": "token",
    "samples": "sample",
}

_OBJECTIVES = frozenset(("l1", "l2", "fair", "poisson", "quantile", "gamma", "tweedie", "kullback_leibler"))

__all__ = ["Provenance", "Run", "Sampling"]

Sampling = Literal["full", "sampled", "aggregated", "unknown"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a run came from and what happened on the way: nothing is lost without a count.

    Parameters
    ----------
    path : str
        File or folder.
    reader : str
        Name of the reader.
    rows_in, rows_kept : int
        Data rows found in the file, and used.
    rows_dropped : mapping of str to int
        Rows not used, by reason: ``rows_in == rows_kept + sum(rows_dropped.values())``.
    points_in, points_kept : int
        Metric values found (cells that are not missing), and kept in curves, non-finite ones included.
    points_dropped : mapping of str to int
        Values not kept, by reason: ``points_in == points_kept + sum(points_dropped.values())``.
    restarts : tuple of float
        x at which a resumed segment starts.
    sampling : {"full", "sampled", "aggregated", "unknown"}
        Whether the source holds every logged value.
    window : float or None
        Length in x over which each value is an average, where known.
    notes : tuple of str
        Plain sentences about what was found and done.
    """

    path: str = ""
    reader: str = ""
    rows_in: int = 0
    rows_kept: int = 0
    rows_dropped: Mapping[str, int] = field(default_factory=dict)
    points_in: int = 0
    points_kept: int = 0
    points_dropped: Mapping[str, int] = field(default_factory=dict)
    restarts: tuple[float, ...] = ()
    sampling: Sampling = "full"
    window: float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("rows_dropped", "points_dropped"):
            object.__setattr__(self, name, MappingProxyType({k: v for k, v in getattr(self, name).items() if v}))
        if self.rows_in != self.rows_kept + sum(self.rows_dropped.values()):
            raise AssertionError(
                f"{self.path}: {self.rows_in} rows in, {self.rows_kept} kept, {dict(self.rows_dropped)} dropped"
            )
        if self.points_in != self.points_kept + sum(self.points_dropped.values()):
            raise AssertionError(
                f"{self.path}: {self.points_in} points in, {self.points_kept} kept, {dict(self.points_dropped)} dropped"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        plain = [
            dict(v) if isinstance(v, Mapping) else v for v in (getattr(self, n) for n in self.__dataclass_fields__)
        ]
        return Provenance, tuple(plain)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Named curves of one training run.

    Parameters
    ----------
    name : str
        Name of the run.
    curves : mapping of str to Curve
        By metric name as logged.
    schedule : Schedule or None
        Learning rate, if logged.
    horizon : float or None
        Planned last x, if known, in the unit of the curves.
    provenance : Provenance or None
        Where it came from.
    attributes : mapping of str to str or float
        Facts about the run: method, seed, size.

    Examples
    --------
    >>> import curvefit as cf
    >>> run = cf.Run("r", {"val_loss": cf.Curve([1, 2, 3], [2.0, 1.5, 1.3], metric="val_loss")})
    >>> run["val_loss"]
    Curve('val_loss', 3 points, step 1 to 3)
    """

    name: str
    curves: Mapping[str, Curve]
    schedule: Schedule | None = None
    horizon: float | None = None
    provenance: Provenance | None = None
    attributes: Mapping[str, str | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for field_name in ("curves", "attributes"):
            if not isinstance(getattr(self, field_name), Mapping):
                raise UsageError(
                    f"{field_name} = {getattr(self, field_name)!r:.60} is not a mapping by name",
                    where="Run()",
                    hint="cf.Run('name', {'val_loss': curve})",
                )
        for name, curve in self.curves.items():
            if not isinstance(curve, Curve):
                raise DataError(
                    f"curves[{name!r}] is a {type(curve).__name__}, not a Curve", where=self.name, hint="cf.Curve(x, y)"
                )
        if self.horizon is not None and not (
            is_number(self.horizon) and np.isfinite(self.horizon) and self.horizon > 0
        ):
            raise DataError(f"horizon {self.horizon!r} is not a positive number", where=self.name)
        object.__setattr__(self, "curves", MappingProxyType(dict(self.curves)))
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    def __getitem__(self, metric: str) -> Curve:
        if not isinstance(metric, str) or metric not in self.curves:
            raise unknown_name("metric", metric, self.curves, where=self.name)
        return self.curves[metric]

    def __contains__(self, metric: object) -> bool:
        return metric in self.curves

    def __iter__(self) -> Iterator[str]:
        return iter(self.curves)

    def __len__(self) -> int:
        return len(self.curves)

    def __repr__(self) -> str:
        return f"Run({self.name!r}, metrics: {', '.join(self.curves) or 'none'})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Run, (self.name, dict(self.curves), self.schedule, self.horizon, self.provenance, dict(self.attributes))

    @classmethod
    @checked
    def from_mapping(
        cls,
        values: Mapping[str, Any],
        *,
        x: str | None = None,
        name: str = "run",
        x_unit: XUnit | None = None,
        resume: ResumePolicy = "supersede",
        **options: Any,
    ) -> Run:
        """From equally long columns: a Keras ``History.history``, the ``evals_result`` of xgboost or lightgbm, scores of sklearn.

        Parameters
        ----------
        values : mapping of str to array-like
            Columns; NaN in a metric column is a logged NaN, ``None`` is a missing value. A mapping in place of a column is
            one data set with its metrics: ``{"valid": {"rmse": [...]}}`` is the column ``valid/rmse``, and x counts
            iterations.
        x : str, optional
            Column of x; default the first of step, global_step, iteration, epoch, tokens and samples that is there,
            else points are numbered from 1.
        name, x_unit, resume, **options
            As for `Run`, `Curve` and the resume policy of readers.
        """
        values, objectives = _flat(values)
        if objectives is not None and x is None and x_unit is None:
            x_unit = "iteration"
        if not all(
            isinstance(k, str) and hasattr(v, "__len__") and not isinstance(v, str | bytes) for k, v in values.items()
        ):
            hint = "{'step': [1, 2, 3], 'val_loss': [1.0, 0.8, 0.7]}"
            raise DataError("columns are sequences by name", where=name, hint=hint)
        lengths = {k: len(v) for k, v in values.items()}
        if not lengths:
            raise DataError("no columns", where=name)
        if len(set(lengths.values())) > 1:
            hint = "put None where nothing was logged, or make one run of each"
            raise DataError(f"columns differ in length: {lengths}", where=name, hint=hint)
        if x is not None and x not in values:
            raise unknown_name("column", x, values, where=name)
        n = next(iter(lengths.values()))
        from ._checks import as_float_array

        if x is None:
            x = next((key for key in _X_COLUMNS if key in values), None)
        if x_unit is None:
            x_unit = _X_COLUMNS.get(x or "", "step")
        xs = np.arange(1.0, n + 1) if x is None else as_float_array(values[x], x)
        curves: dict[str, Curve] = {}
        schedule = None
        for key, column in values.items():
            if key == x:
                continue
            missing = np.array([v is None for v in column]) if not isinstance(column, np.ndarray) else np.zeros(n, bool)
            ys = as_float_array(column, key)
            rows = np.flatnonzero(~missing & np.isfinite(xs))
            part = segment_log(xs[rows], resume=resume, where=f"{name}: {key}")
            rows = rows[part.index]
            metric = Metric.infer(key, kind="error" if key in (objectives or ()) else None)
            if is_learning_rate(metric):
                good = rows[np.isfinite(ys[rows])]
                schedule = Schedule(xs[good], ys[good]) if schedule is None else schedule
            curves[key] = Curve(xs[rows], ys[rows], metric, x_unit=x_unit, segment=part.segment)
        return cls(name, curves, schedule=options.pop("schedule", schedule), **options)

    @classmethod
    @checked
    def from_frame(cls, frame: Any, *, x: str, name: str = "run", **options: Any) -> Run:
        """From a wide dataframe (pandas, polars, pyarrow, ...): one column of x, one per metric; nulls are absent."""
        data = frame_of(frame, "cf.Run.from_frame(frame, x='step')")
        numeric = [c for c in data.columns if data[c].dtype.is_numeric()]
        if x not in numeric:
            raise unknown_name("numeric column", x, numeric, where=name)
        columns: dict[str, Any] = {}
        for c in numeric:
            nulls = data[c].is_null().to_numpy()
            raw = data[c].to_numpy()
            columns[c] = (
                [None if m else v for m, v in zip(nulls, raw.tolist(), strict=True)] if nulls.any() and c != x else raw
            )
        return cls.from_mapping(columns, x=x, name=name, **options)

    @checked
    def find(self, *, kind: Kind | None = None, split: Split | None = None) -> list[Curve]:
        """Curves of that kind and split, in logged order, bookkeeping left out."""
        return [
            c
            for c in self.curves.values()
            if not c.metric.auxiliary
            and (kind is None or c.kind == kind)
            and (split is None or c.metric.split == split)
        ]

    def main_metric(self) -> str:
        """The curve to analyze when none is named: validation before test before train, loss before the rest.

        Raises
        ------
        DataError
            When no curve has a known direction and finite points.

        Notes
        -----
        Of two that are equally eligible the shorter name is taken, then the one that was logged first.
        """
        order_split = {"val": 0, None: 1, "test": 2, "train": 3}
        order_kind = {"loss": 0, "error": 1, "accuracy": 2, "reward": 3, "other": 4}
        ranked = sorted(
            (order_split[c.metric.split], order_kind[c.kind], len(key), i, key)
            for i, (key, c) in enumerate(self.curves.items())
            if c.direction is not None and not c.metric.auxiliary and len(c)
        )
        if not ranked:
            lost = [k for k, c in self.curves.items() if c.direction is not None and c.nonfinite_x.size]
            if lost:
                raise DataError(
                    f"every value of {lost[0]!r} is NaN or infinite: there are no finite points",
                    code="CF-DATA-001",
                    where=self.name,
                    hint="nothing can be fitted to it; check the run itself",
                )
            raise DataError(
                "no curve with a known direction and finite points",
                code="CF-DATA-004",
                where=self.name,
                hint=f"metrics here: {', '.join(self.curves) or 'none'}; name one and pass its direction "
                "(command line: --metric M --direction min|max)",
            )
        return ranked[0][-1]

    @checked
    def with_curve(self, key: str, curve: Curve) -> Run:
        """The same run with one curve added or replaced."""
        return replace(self, curves={**self.curves, key: curve})


def _flat(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], frozenset[str] | None]:
    """Columns of a mapping of mappings, and those that are called after an objective of boosting; None without mappings."""
    if not any(isinstance(v, Mapping) for v in values.values()):
        return values, None
    flat: dict[str, Any] = {}
    objectives = []
    for key, value in values.items():
        for inner, column in value.items() if isinstance(value, Mapping) else [("", value)]:
            name = f"{key}/{inner}" if inner else key
            flat[name] = column
            if inner in _OBJECTIVES:
                objectives.append(name)
    return flat, frozenset(objectives)


def is_learning_rate(metric: Metric) -> bool:
    """Whether a logged column is the learning rate."""
    return metric.auxiliary and names_learning_rate(words_of(metric.name))
