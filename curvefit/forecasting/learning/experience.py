"""What was learned from a user's own runs: a record that is kept as JSON."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, CurvefitError, LimitError, ReadError, Schedule, Status, UsageError
from ..annealed.shape import ShapePrior
from ..forecast import Forecast
from ..forecasters._base import Forecaster
from ..forecasters.pooled import Pooled
from ..pool.calibration import Stretch
from ..pool.gate import Gate, shipped_gate
from .tune import Correction

__all__ = ["RANK", "Experience", "Experienced", "fingerprint"]

SCHEMA, VERSION = "curvefit-experience", 1
RANK = 16  # directions of the features in which the correction may lean
_MOST_BYTES = 4_000_000
_MOST_SCHEDULES = 8
_LARGEST = 100.0  # no number of the correction is near it
_DIGITS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Experience:
    """What finished runs say about the next one of their kind, as made by `learn`.

    Parameters
    ----------
    kinds : tuple of (str, str)
        Kind and direction of the metrics it was learned from; other metrics are forecast without it.
    metrics : tuple of str
        Their names.
    runs, groups, parts : int
        How many runs and groups it rests on, and how many parts of curves were looked at.
    base : str
        Fingerprint of the gate it corrects.
    share : float
        Part of the correction that is used, 0 to 1: chosen on runs left out, shrunk by the number of groups.
    correction : Correction or None
        Of the gate; None when runs left out were not forecast better with one.
    worse, better : float
        Factors on the intervals' half widths, towards worse and better values.
    crps_before, crps_after : float
        Mean CRPS of runs left out, relative to the error of the last value.
    lean : mapping of str to (float, float)
        Mean exponent and recency of the trends and share of "no change", before and after.
    prior : ShapePrior or None
        Shape of the law of the learning-rate schedule, when enough runs logged theirs.
    schedules : tuple of Schedule
        Learning rates of the runs: the rest of one that agrees with a log is likely to come again.
    """

    kinds: tuple[tuple[str, str], ...]
    metrics: tuple[str, ...]
    runs: int
    groups: int
    parts: int
    base: str
    share: float
    correction: Correction | None
    worse: float
    better: float
    crps_before: float
    crps_after: float
    lean: Mapping[str, tuple[float, float]]
    prior: ShapePrior | None = None
    schedules: tuple[Schedule, ...] = ()

    def __repr__(self) -> str:
        return f"Experience({self.runs} runs, {', '.join(self.metrics)}: CRPS {self.crps_before:.3f} to {self.crps_after:.3f})"

    def applies_to(self, curve: Curve) -> bool:
        """Whether it was learned from metrics of this kind and direction."""
        return (str(curve.kind), str(curve.direction)) in self.kinds

    def gate(self, base: Gate | None = None) -> Gate:
        """The gate it makes of the one it was learned with.

        Raises
        ------
        UsageError
            When the gate is another one: numbers learned for one say nothing about another.
        """
        base = base or shipped_gate()
        if fingerprint(base) != self.base:
            raise UsageError(
                "the experience was learned with another version of the gate",
                code="CF-USE-013",
                hint="learn again: curvefit learn RUNS -o experience.json",
            )
        stretch = base.stretch or Stretch(np.ones(6), np.ones(6))
        stretch = Stretch(stretch.worse * self.worse, stretch.better * self.better)
        if self.correction is None:
            return Gate(base.mean, base.sd, base.weight, base.bias, stretch)
        made = self.correction.applied(base)
        return Gate(made.mean, made.sd, made.weight, made.bias, stretch)

    def summary(self) -> str:
        """What was learned, in a few lines."""
        kinds = ", ".join(f"{kind} ({'smaller' if way == 'min' else 'larger'} is better)" for kind, way in self.kinds)
        rows = [f"Learned from {self.runs} runs in {self.groups} groups, {self.parts} parts of curves: {kinds}"]
        gain = 1 - self.crps_after / self.crps_before if self.crps_before > 0 else 0.0
        if self.correction is None:
            rows.append("  weights    as shipped: runs left out were not forecast better with others")
        else:
            rows.append(
                f"  weights    {self.share:.0%} of what these runs ask for is used; on runs left out the CRPS is"
            )
            rows.append(
                f"             {self.crps_after:.3f} of the last value's error, {self.crps_before:.3f} before ({gain:+.0%})"
            )
            rows += [
                f"  {name:<10} {after:.3g}, {before:.3g} before ({_MEANING[name]})"
                for name, (before, after) in self.lean.items()
            ]
        rows.append(
            f"  intervals  {self.worse:.2f} x as wide towards worse values, {self.better:.2f} x towards better ones"
        )
        if self.prior is not None:
            c = self.prior.center
            rows.append(
                f"  schedule   exponent {c.alpha:.3g} +- {self.prior.alpha_sd:.2g}, annealing gains {c.ratio:.0%} of the "
                f"amplitude; {len(self.schedules)} schedules known"
            )
        else:
            rows.append("  schedule   as shipped: too few runs logged a learning rate that changes")
        return "\n".join(rows)

    # ---------------------------------------------------------------- as JSON

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text, for JSON."""
        gate = None
        if self.correction is not None:
            u, s, v = np.linalg.svd(self.correction.weight, full_matrices=False)
            root = np.sqrt(s[:RANK])
            gate = {
                "left": _rounded(u[:, :RANK] * root),
                "right": _rounded(root[:, None] * v[:RANK]),
                "bias": _rounded(self.correction.bias),
            }
        schedule = None
        if self.prior is not None:
            rates = [{"x": s.x.tolist(), "rate": s.rate.tolist()} for s in self.schedules]
            schedule = {"prior": self.prior.to_dict(), "earlier": rates}
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "kinds": [list(k) for k in self.kinds],
            "metrics": list(self.metrics),
            "runs": self.runs,
            "groups": self.groups,
            "parts": self.parts,
            "base": self.base,
            "share": self.share,
            "gate": gate,
            "intervals": {"worse": self.worse, "better": self.better},
            "crps": {"before": self.crps_before, "after": self.crps_after},
            "lean": {k: list(v) for k, v in self.lean.items()},
            "schedule": schedule,
        }

    @classmethod
    def from_dict(cls, values: object, *, where: str = "experience") -> Experience:
        """Back from `to_dict`.

        Raises
        ------
        ReadError
            For anything that is not such a document: another schema or version, a missing part, a wrong shape, a
            number that is not finite.
        """
        try:
            return _parsed(values)
        except _BadDocument as error:
            raise ReadError(f"not an experience: {error}", code="CF-IO-014", where=where, hint=_HINT) from None
        except CurvefitError as error:
            raise ReadError(f"not an experience: {error.what}", code="CF-IO-014", where=where, hint=_HINT) from None

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        Path(path).write_text(self.to_json(), encoding="ascii")

    def to_json(self) -> str:
        """The JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False) + "\n"

    @classmethod
    def load(cls, path: str | Path) -> Experience:
        """Read what `save` wrote.

        Raises
        ------
        ReadError
            When the file cannot be read or is not an experience; LimitError when it is larger than 4 MB.
        """
        where = str(path)
        try:
            with Path(path).open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
        except OSError as error:
            raise ReadError(error.strerror or str(error), where=where, hint=_HINT) from None
        if len(data) > _MOST_BYTES:
            raise LimitError(f"larger than {_MOST_BYTES // 1_000_000} MB: not an experience", where=where, hint=_HINT)
        try:
            values = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise ReadError(
                f"not an experience, no complete JSON: {what}", code="CF-IO-014", where=where, hint=_HINT
            ) from None
        return cls.from_dict(values, where=where)


_HINT = "make one with curvefit learn RUNS -o experience.json"
_MEANING = {
    "exponent": "of x in the trends",
    "recency": "the larger, the more the late curve counts",
    "no_change": "share of 'it stays where it is'",
}


class Experienced(Forecaster):
    """The pool with a gate that has learned from a user's own runs; other metrics are forecast as shipped.

    Parameters
    ----------
    experience : Experience
        What was learned.
    base : Gate, optional
        The gate it was learned with; default the shipped one.
    """

    def __init__(self, experience: Experience, base: Gate | None = None) -> None:
        self.experience = experience
        self._own, self._base = Pooled(experience.gate(base)), Pooled(base)

    def forecast(self, curves: Sequence[Curve], xs: Sequence[NDArray[np.float64]]) -> list[Forecast]:
        """Forecast each curve at its future x."""
        known = [self.experience.applies_to(curve) for curve in curves]
        out: list[Any] = [None] * len(curves)
        for forecaster, chosen in ((self._own, True), (self._base, False)):
            places = [i for i, k in enumerate(known) if k is chosen]
            made = forecaster.forecast([curves[i] for i in places], [xs[i] for i in places]) if places else []
            for i, fc in zip(places, made, strict=True):
                out[i] = fc if chosen else _without(fc, curves[i], self.experience)
        return out


def _without(made: Forecast, curve: Curve, experience: Experience) -> Forecast:
    learned = ", ".join(sorted({kind for kind, _ in experience.kinds}))
    why = f"the experience is of another kind of metric ({learned}, not {curve.kind}): forecast without it"
    status = Status.DEGRADED if made.status is Status.OK else made.status
    return replace(made, status=status, reasons=(*made.reasons, why))


def fingerprint(gate: Gate) -> str:
    """Sixteen hexadecimal digits that tell gates apart."""
    parts = [gate.mean, gate.sd, gate.weight, gate.bias]
    if gate.stretch is not None:
        parts += [gate.stretch.worse, gate.stretch.better]
    text = b"".join(np.ascontiguousarray(p, dtype="<f8").tobytes() for p in parts)
    return hashlib.sha256(text).hexdigest()[:16]


def _rounded(values: NDArray[np.float64]) -> list[Any]:
    """Nested lists of numbers with five significant digits."""
    flat = [float(f"{v:.{_DIGITS}g}") for v in values.ravel().tolist()]
    found: list[Any] = np.array(flat).reshape(values.shape).tolist()
    return found


# -------------------------------------------------------------------- reading what somebody else may have written


class _BadDocument(ValueError):
    """What is wrong with it."""


def _parsed(values: object) -> Experience:
    top = _mapping(values, "the document")
    if top.get("schema") != SCHEMA:
        raise _BadDocument(f"its schema is {top.get('schema')!r}, not {SCHEMA!r}"[:200])
    if top.get("version") != VERSION:
        raise _BadDocument(f"version {top.get('version')!r}, this curvefit reads {VERSION}"[:200])
    kinds = tuple(
        (_text(pair[0], "kinds"), _text(pair[1], "kinds"))
        for pair in _list(top.get("kinds"), "kinds", 64)
        if isinstance(pair, list) and len(pair) == 2
    )
    if not kinds:
        raise _BadDocument("kinds are missing")
    base = shipped_gate()
    width, count = base.weight.shape[2], base.weight.shape[1]
    correction = None
    if top.get("gate") is not None:
        gate = _mapping(top["gate"], "gate")
        rank = len(_list(gate.get("right"), "gate.right", RANK))
        left = _array(gate.get("left"), (count, rank), "gate.left")
        right = _array(gate.get("right"), (rank, width), "gate.right")
        correction = Correction(left @ right, _array(gate.get("bias"), (width,), "gate.bias"))
    intervals, scores = _mapping(top.get("intervals"), "intervals"), _mapping(top.get("crps"), "crps")
    prior: ShapePrior | None = None
    schedules: tuple[Schedule, ...] = ()
    if top.get("schedule") is not None:
        part = _mapping(top["schedule"], "schedule")
        prior = ShapePrior.from_dict(_mapping(part.get("prior"), "schedule.prior"))
        schedules = tuple(_schedule(s) for s in _list(part.get("earlier"), "schedule.earlier", _MOST_SCHEDULES))
    lean = {
        _text(name, "lean"): (float(pair[0]), float(pair[1]))
        for name, value in _mapping(top.get("lean"), "lean").items()
        if name in _MEANING
        for pair in [_array(value, (2,), f"lean.{name}").tolist()]
    }
    return Experience(
        kinds=kinds,
        metrics=tuple(_text(m, "metrics") for m in _list(top.get("metrics"), "metrics", 1000)),
        runs=int(_number(top.get("runs"), "runs", 0, 1e9)),
        groups=int(_number(top.get("groups"), "groups", 0, 1e9)),
        parts=int(_number(top.get("parts"), "parts", 0, 1e9)),
        base=_text(top.get("base"), "base"),
        share=_number(top.get("share"), "share", 0, 1),
        correction=correction,
        worse=_number(intervals.get("worse"), "intervals.worse", 0.1, 10),
        better=_number(intervals.get("better"), "intervals.better", 0.1, 10),
        crps_before=_number(scores.get("before"), "crps.before", 0, 1e12),
        crps_after=_number(scores.get("after"), "crps.after", 0, 1e12),
        lean=lean,
        prior=prior,
        schedules=schedules,
    )


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _BadDocument(f"{where} is missing or no object")
    return value


def _list(value: object, where: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _BadDocument(f"{where} is missing, no list, or longer than {most}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise _BadDocument(f"{where} is missing or no short text")
    return value


def _number(value: object, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _BadDocument(f"{where} is missing or no number from {low:g} to {high:g}")
    return float(value)


def _array(value: object, shape: tuple[int, ...], where: str) -> NDArray[np.float64]:
    def flat(part: object, depth: int) -> list[float]:
        if depth == len(shape):
            return [_number(part, where, -_LARGEST, _LARGEST)]
        if not isinstance(part, list) or len(part) != shape[depth]:
            raise _BadDocument(f"{where} has not the shape {' x '.join(map(str, shape))}")
        return [v for item in part for v in flat(item, depth + 1)]

    return np.array(flat(value, 0), dtype=np.float64).reshape(shape)


def _schedule(value: object) -> Schedule:
    part = _mapping(value, "schedule.earlier")
    columns = []
    for name in ("x", "rate"):
        numbers = _list(part.get(name), f"schedule.earlier.{name}", 1000)
        columns.append([_number(v, f"schedule.earlier.{name}", 0, 1e300) for v in numbers])
    if len(columns[0]) != len(columns[1]) or not columns[0] or not all(map(math.isfinite, columns[0])):
        raise _BadDocument("schedule.earlier has x and rate of different length")
    return Schedule(columns[0], columns[1])
