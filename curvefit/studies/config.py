"""What a batch was asked: recorded beside the results, so that the same questions can be asked again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from .. import __version__
from ..curves import Direction, Run, UsageError
from ..curves._checks import check_level, safe_text
from ..curves.errors import unknown_name
from ..diagnostics.rules import registry as rules
from ..estimands import registry as estimands
from ..fitting.fit import find_model
from ..fitting.selection import Criterion
from ..forecasting.forecasters import registry as forecasters
from ._named import naming
from .schema import SCHEMA_VERSION, TABLES, FieldType

__all__ = ["ALL", "BatchConfig", "horizon_of"]

ALL = "all"  # in place of a metric: every one of the run whose direction is known

# No questions: where the curves are, and what stands beside them.
_OWN = ("dataset", "names", "attributes", "converted")
_LAWS = ("parameters", "comparison")


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """Questions to every run of a data set.

    Parameters
    ----------
    dataset : str
        Where the curves came from, absolute.
    tables : tuple of str
        Kinds of results to compute; the table of runs is always there.
    metrics : tuple of str
        Metrics to work on; empty for each run's main one, ``("all",)`` for every one whose direction is known. A run
        without one of them is refused for that metric.
    direction : {"min", "max"}, optional
        Which way is better, of every one of ``metrics``; default as the name of each says.
    models : tuple of str
        Laws to fit and compare; ``("auto",)`` compares those usual for such a metric; empty for none.
    horizons : tuple of str
        ``"planned"``, a number in the unit of x, or a multiple such as ``"2x"`` of the last x.
    level : float
        Nominal coverage of every interval.
    target, best, cost_per_unit, worth_per_unit : float or None
        As for `curvefit.analyze`.
    min_gain : float, str or None
        As for `curvefit.analyze`.
    method : str
        Forecaster.
    criterion : {"aicc", "bic", "rolling"}
        What laws are ranked by.
    rules, estimands : tuple of str
        Names of diagnoses and quantities of interest; empty for all.
    read : mapping
        Options of the readers, where logs are converted.
    attributes : mapping of str to {"string", "float"}
        Attributes of the runs and their types, as found.
    converted : bool
        Whether the curves were converted into a store below the output.
    names : str, optional
        Pattern of attributes in the names of runs and files, such as ``{method}-seed{seed}``.
    """

    dataset: str
    tables: tuple[str, ...] = tuple(name for name in TABLES if name != "runs")
    metrics: tuple[str, ...] = ()
    models: tuple[str, ...] = ("auto",)
    horizons: tuple[str, ...] = ("planned",)
    level: float = 0.95
    target: float | None = None
    best: float | None = None
    min_gain: float | str | None = None
    cost_per_unit: float | None = None
    worth_per_unit: float | None = None
    method: str = "pooled"
    criterion: Criterion = "aicc"
    rules: tuple[str, ...] = ()
    estimands: tuple[str, ...] = ()
    read: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, FieldType] = field(default_factory=dict)
    converted: bool = False
    direction: Direction | None = None
    names: str | None = None

    def __post_init__(self) -> None:
        check_level(self.level)
        for name, known in (("tables", TABLES), ("rules", rules), ("estimands", estimands)):
            for one in getattr(self, name):
                if one not in known:
                    raise unknown_name(name.removesuffix("s"), one, known)
        naming(self.names)
        if not self.horizons:
            raise UsageError("no horizon", code="CF-USE-009", hint="horizons=['planned'], ['2x'] or [10_000]")
        for text in self.horizons:
            horizon_of(text)
        for law in self.models:
            if law != "auto":
                find_model(law)
        if "auto" in self.models and len(self.models) > 1:
            raise UsageError("models names laws beside 'auto'", code="CF-USE-009", hint="'auto' alone, or the laws")
        if self.method not in forecasters:
            raise unknown_name("forecaster", self.method, forecasters)
        if self.direction is not None:
            if self.direction not in get_args(Direction):
                raise unknown_name("direction", self.direction, get_args(Direction))
            if not set(self.metrics) - {ALL}:
                raise UsageError(
                    "a direction without a metric it is the direction of",
                    code="CF-USE-009",
                    hint=f"--metric NAME --direction {self.direction}; in Python metrics='NAME'",
                )
        if self.criterion not in get_args(Criterion):
            raise unknown_name("criterion", self.criterion, get_args(Criterion))
        for name in ("target", "best", "cost_per_unit", "worth_per_unit"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value):
                raise UsageError(f"{name} = {value!r} is not finite", code="CF-USE-003")

    def wants(self, *tables: str) -> bool:
        """Whether one of these tables is to be computed."""
        if not self.models and set(tables) <= set(_LAWS):
            return False
        return any(t in self.tables for t in tables)

    def directed(self, run: Run) -> Run:
        """The run with the direction that was stated for the metrics asked for."""
        if self.direction is not None:
            for name in self.metrics:
                if name in run and run[name].direction != self.direction:
                    run = run.with_curve(name, run[name].with_metric(direction=self.direction))
        return run

    @property
    def digest(self) -> str:
        """Hash of the questions, of what the rows hold, and of the version that answers."""
        asked = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _OWN}
        asked |= {"attributes": dict(self.attributes), "schema": SCHEMA_VERSION, "version": __version__}
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=dict).encode()).hexdigest()

    def differences(self, other: BatchConfig) -> list[str]:
        """Questions that another configuration answers differently: what it says, and what this one does."""
        out = []
        for name in (f.name for f in fields(self) if f.name not in ("attributes", "converted", "dataset")):
            there, here = getattr(other, name), getattr(self, name)
            if there != here:
                out.append(f"{name} {_said(there)} -> {_said(here)}")
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **asdict(replace(self, read={}, attributes={})),
            "read": dict(self.read),
            "attributes": dict(self.attributes),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], *, where: str = "") -> BatchConfig:
        """From what `to_dict` made, or from a whole ``batch.json``.

        Raises
        ------
        UsageError
            When it is not what a batch records.
        """
        given = document.get("config", document)
        known = {f.name for f in fields(cls)}
        if not isinstance(given, dict) or "dataset" not in given or not set(given) <= known:
            raise UsageError("this is no recorded configuration of a batch", code="CF-USE-009", where=safe_text(where))
        version = document.get("schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            raise UsageError(
                f"the results are of schema version {version}, this package writes {SCHEMA_VERSION}",
                code="CF-USE-009",
                where=safe_text(where),
                hint="run the batch again",
            )
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        return cls(**plain)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> BatchConfig:
        """From the file ``batch.json`` of an earlier batch."""
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no JSON"
            raise UsageError(f"cannot read the configuration: {why}", where=safe_text(os.fspath(path))) from None
        if not isinstance(document, dict):
            document = {}
        return cls.from_dict(document, where=os.fspath(path))

    def store_path(self, out: Path) -> Path:
        """Where the curves are."""
        return out / "store" if self.converted else Path(self.dataset)


def _said(value: Any) -> str:
    """A setting for a message."""
    if isinstance(value, tuple | list):
        return ",".join(map(str, value)) or "default"
    return "default" if value is None or value == {} else safe_text(f"{value}")


def horizon_of(text: str) -> tuple[str, float]:
    """What a horizon asks for: ("planned", 0), ("x", number) or ("times", multiple of the last x).

    Raises
    ------
    UsageError
        For anything else.
    """
    if text == "planned":
        return "planned", 0.0
    times = text.endswith("x")
    try:
        value = float(text[:-1] if times else text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value) or value <= (1.0 if times else 0.0):
        raise UsageError(
            f"horizon {text!r:.40}", code="CF-USE-007", hint="'planned', a number of the unit of x, or a multiple: '2x'"
        )
    return ("times", value) if times else ("x", value)


def as_texts(values: Sequence[Any] | str | float | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """One or several names or numbers as texts."""
    if values is None:
        return default
    if isinstance(values, str | int | float):
        values = [values]
    return tuple(v if isinstance(v, str) else f"{float(v):.17g}" for v in values)
