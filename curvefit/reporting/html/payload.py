"""The runs as compact data for the page: one index of columns, and one line of JSON per run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from json import dumps
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...curves import Estimate, Interval
from ...curves._checks import safe_text
from ...curves.numbers import format_x, with_interval
from ...decisions.recommendation import Action
from ..thinning import thin
from .view import Numbers, RunView, place_of, text_of

__all__ = ["Payload", "payload", "script_json"]

_MOST_COLUMNS = 1000
_FEWEST_COLUMNS = 50
_ALL_COLUMNS = 250_000  # of all thumbnails and charts together: what keeps a page of thousands of runs small
_MOST_SHOWN = 6  # attributes in the table at first; the others can be asked for
_ZOOM = 2.5  # the start is cut off when it would take more than this many times the height of the rest
_SEVERITIES = {"error": 0, "warning": 1, "info": 2}
_ACTIONS = {a.name.lower(): a.value for a in Action}

_Array = NDArray[np.float64]


class Payload:
    """What the page reads: ``index`` and ``lines``, both safe inside a script element."""

    def __init__(self, index: str, lines: str, runs: int, named: int) -> None:
        self.index, self.lines, self.runs, self.named = index, lines, runs, named


class _Strings:
    """Texts that many runs share, each kept once."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def add(self, text: str) -> int:
        return self.known.setdefault(safe_text(text), len(self.known))


def script_json(tree: Any) -> str:
    """JSON that can stand in a script element: ASCII, and without a character that HTML knows."""
    text = dumps(tree, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def payload(title: str, runs: Sequence[RunView]) -> Payload:
    """Everything that the page shows of the runs.

    Parameters
    ----------
    title : str
        Of the page.
    runs : sequence of RunView
        In the order in which they are listed at first.
    """
    columns = int(np.clip(_ALL_COLUMNS // max(1, len(runs)), _FEWEST_COLUMNS, _MOST_COLUMNS))
    strings, found = _Strings(), _Strings()
    severities: dict[int, str] = {}
    lines, present = [], []
    for run in runs:
        names = []
        for row in run.diagnoses:
            name = found.add(str(row.get("name", "")).replace("_", " "))
            severities.setdefault(name, str(row.get("severity") or "info"))
            if str(row.get("verdict") or "present") == "present":
                names.append(name)
        present.append(sorted(names, key=lambda n: _SEVERITIES.get(severities[n], 2)))
        lines.append(_detail(run, columns, strings, found))
    index = {
        "title": safe_text(title),
        "columns": _columns(runs),
        "findings": {
            "names": list(found.known),
            "severity": [severities[i] for i in range(len(found.known))],
            "v": present,
        },
        "strings": list(strings.known),
    }
    return Payload(script_json(index), "\n".join(lines), len(runs), len({r.id for r in runs}))


def _columns(runs: Sequence[RunView]) -> list[dict[str, Any]]:
    """Columns of the table: who, its attributes, how far, where to, what to do."""
    out = [_text("id", "run", [r.id for r in runs], keep=True)]
    if any(r.status != "ok" for r in runs):
        out.append(_text("status", "status", [r.status for r in runs], keep=True, group="status"))
    if len({r.metric for r in runs}) > 1:
        out.append(_text("metric", "metric", [r.metric for r in runs], keep=True))
    keys = dict.fromkeys(k for r in runs for k in r.attributes)
    shown = 0
    for key in keys:
        values = [r.attributes.get(key) for r in runs]
        telling = shown < _MOST_SHOWN and len({str(v) for v in values}) > 1 and values.count(None) <= len(values) // 2
        shown += telling
        out.append(_attribute(str(key), values, keep=telling))
    points = [len(r.x) if r.points is None else r.points for r in runs]
    out.append(_numbers("points", "points", points, keep=False))
    out.append(_numbers("last", "last value", [_last(r.y) for r in runs], keep=True))
    out.extend(_forecasts(runs))
    out.extend(_estimates(runs))
    chances = [(r.recommendation or {}).get("probability") for r in runs]
    if any(c is not None for c in chances):
        out.append(_numbers("probability", "P(gain)", chances, keep=False))
    actions = [_action(r) for r in runs]
    if any(actions):
        out.append(_text("action", "recommendation", actions, keep=True, group="action"))
    return out


def _action(run: RunView) -> str:
    action = str((run.recommendation or {}).get("action") or "")
    return _ACTIONS.get(action, action.replace("_", " "))


def _forecasts(runs: Sequence[RunView]) -> Iterable[dict[str, Any]]:
    """Median and interval at the horizon, and the horizon where runs differ in it."""
    fans = [r.forecast if r.forecast is not None and len(r.forecast.x) else None for r in runs]
    if not any(fans):
        return
    ends = [None if f is None else float(f.x[-1]) for f in fans]
    known = {e for e in ends if e is not None}
    values: list[float | None] = []
    texts: list[str] = []
    for fan in fans:
        if fan is None:
            values.append(None)
            texts.append("")
            continue
        low, middle, high = (float(v[-1]) for v in (fan.low, fan.median, fan.high))
        ok = all(map(math.isfinite, (low, middle, high))) and low <= high
        values.append(middle)
        texts.append(" ".join(with_interval(Estimate("", middle, Interval(low, high)))) if ok else "")
    same = f" at {format_x(known.pop())}" if len(known) == 1 else ""
    yield {**_numbers("forecast", f"forecast{same}", values, keep=True), "s": texts}
    if not same:
        yield _numbers("horizon", "horizon", ends, keep=True)


def _estimates(runs: Sequence[RunView]) -> Iterable[dict[str, Any]]:
    """Every estimate that comes with a number, as a column that can be shown."""
    rows = [{str(e["name"]): e for e in r.estimates if e.get("name") and "value" in e} for r in runs]
    for name in dict.fromkeys(n for row in rows for n in row):
        values: list[Any] = []
        texts: list[str] = []
        for row in rows:
            estimate = row.get(name)
            values.append(estimate.get("value") if estimate else None)
            texts.append(" ".join(t for t in text_of(estimate)[1:3] if t) if estimate else "")
        yield {**_numbers(f"estimate {name}", name.replace("_", " "), values, keep=False), "s": texts}


def _attribute(name: str, values: Sequence[Any], *, keep: bool) -> dict[str, Any]:
    known = [v for v in values if v is not None]
    if known and all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in known):
        return {**_numbers(name, name, values, keep=keep), "group": "attribute"}
    return _text(name, name, ["" if v is None else str(v) for v in values], keep=keep, group="attribute")


def _text(key: str, label: str, values: Sequence[str], *, keep: bool, group: str = "") -> dict[str, Any]:
    """A column of texts; those that repeat are kept once."""
    clean = [safe_text(v) for v in values]
    column: dict[str, Any] = {"k": safe_text(key), "l": safe_text(label), "t": "text", "show": keep, "group": group}
    different = list(dict.fromkeys(clean))
    if len(different) <= len(clean) // 2:
        place = {text: i for i, text in enumerate(different)}
        return {**column, "c": different, "v": [place[t] for t in clean]}
    return {**column, "v": clean}


def _numbers(key: str, label: str, values: Sequence[Any], *, keep: bool) -> dict[str, Any]:
    numbers = [_six(v) for v in values]
    return {"k": safe_text(key), "l": safe_text(label), "t": "number", "show": keep, "group": "", "v": numbers}


def _six(value: Any) -> float | int | None:
    """A number for sorting and showing, or None."""
    if value is None or isinstance(value, str | bool) or not math.isfinite(value):
        return None
    rounded = float(f"{float(value):.7g}")
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded


def _last(y: Numbers) -> float | None:
    return float(y[-1]) if len(y) else None


@np.errstate(all="ignore")  # what overflows is shown as missing
def _detail(run: RunView, columns: int, strings: _Strings, found: _Strings) -> str:
    """One run as one line of JSON; keys are short since there may be thousands of lines."""
    x, y = _finite(run.x, run.y)
    log = run.scales[0] == "log"
    x, y = (x[x > 0], y[x > 0]) if log else (x, y)
    at = thin(x, y, columns, log=log)
    digits = _digits(y)
    parts = {"x": _series(x[at], 7), "y": _series(y[at], digits)}
    fan = run.forecast
    if fan is not None and len(fan.x):
        bands = ((fan.level, fan.low, fan.high), *fan.inner)
        # the first x of a grid stands for all between it and the last observation
        joined = np.r_[0, : len(fan.x)] if x.size and float(fan.x[0]) > x[-1] else np.arange(len(fan.x))
        grid = np.asarray(fan.x, dtype=float)[joined]
        grid[0] = x[-1] if joined.size > len(fan.x) else grid[0]
        parts["fx"], parts["fm"] = _series(grid, 7), _series(np.asarray(fan.median)[joined], digits)
        lines = [(v, np.asarray(a)[joined], np.asarray(b)[joined]) for v, a, b in bands]
        parts["fb"] = f"[{','.join(f'[{float(v):g},{_series(a, digits)},{_series(b, digits)}]' for v, a, b in lines)}]"
    for key, line in (("l", (run.law_x, run.law_y)), ("m", (run.mean_x, run.mean_y))):
        if len(line[0]):
            u, v = _finite(*line)
            keep = thin(u, v, max(30, columns // 2), log=log)
            parts[f"{key}x"], parts[f"{key}y"] = _series(u[keep], 7), _series(v[keep], digits)
    limits = run.y_limits if run.y_limits is not None else _limits(x, y, run)
    known: dict[str, Any] = {
        "u": strings.add(run.x_name),
        "w": strings.add(run.metric),
        "sc": [int(s == "log") for s in run.scales],
        "yl": None if limits is None else [_six(v) for v in limits],
        "n": len(run.x) if run.points is None else int(run.points),
        "bad": [_six(v) for v in run.nonfinite_x][:60],
        "ev": [[strings.add(label), _six(v)] for label, v in run.events],
        "e": [_row(r, strings) for r in run.estimates],
        "law": strings.add(run.law) if run.law else None,
        "p": [_row(r, strings) for r in run.parameters],
        "d": [_finding(r, strings, found) for r in run.diagnoses],
        "r": _advice(run.recommendation),
        "h": [[safe_text(a), safe_text(b), [safe_text(t) for t in c]] for a, b, c in run.horizon_rows],
        "a": safe_text(run.about),
        "no": [safe_text(t) for t in run.notes],
        "da": [safe_text(t) for t in run.data],
        "st": strings.add(run.status),
        "why": safe_text(run.reason),
    }
    plain = script_json({k: v for k, v in known.items() if v not in (None, [], "")})
    return "{" + ",".join(f'"{k}":{v}' for k, v in parts.items()) + "," + plain[1:]


def _row(row: Mapping[str, Any], strings: _Strings) -> list[Any]:
    label, value, interval, unit, remark = text_of(row)
    return [strings.add(label), safe_text(value), safe_text(interval), strings.add(unit), safe_text(remark)]


def _finding(row: Mapping[str, Any], strings: _Strings, found: _Strings) -> list[Any]:
    """Name, verdict, where, what is seen, what to do, x of the marks, whether it is only suspected."""
    name = found.add(str(row.get("name", "")).replace("_", " "))
    verdict = {"present": 0, "undecided": 1}.get(str(row.get("verdict") or "present"), 2)
    if verdict == 2:
        return [name, verdict]
    at, marks = place_of(row)
    said, advice = str(row.get("explanation") or ""), str(row.get("advice") or "") if verdict == 0 else ""
    doubted = int(bool(row.get("suspected")))
    return [name, verdict, safe_text(at), safe_text(said), strings.add(advice), [_six(v) for v in marks], doubted]


def _advice(row: Mapping[str, Any] | None) -> list[Any] | None:
    """Action, sentence, reasons."""
    if row is None:
        return None
    action = str(row.get("action") or "")
    sentence = str(row.get("sentence") or _ACTIONS.get(action, action))
    reasons = row.get("reasons") or ([row["reason"]] if row.get("reason") else [])
    sentence = sentence[:1].upper() + sentence[1:]
    return [safe_text(action), safe_text(sentence), [safe_text(t) for t in reasons]]


def _finite(x: ArrayLike, y: ArrayLike) -> tuple[_Array, _Array]:
    u, v = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    ok = np.isfinite(u) & np.isfinite(v)
    return u[ok], v[ok]


def _digits(y: _Array) -> int:
    """Significant digits with which a picture of the curve looks the same."""
    if y.size < 2:
        return 6
    low, high = np.quantile(y, [0.1, 0.9])
    size, spread = max(abs(low), abs(high)), high - low
    if not size > 0 or not spread > 0 or not math.isfinite(spread):
        return 6
    return int(np.clip(math.ceil(math.log10(size / spread)) + 4, 4, 12))


def _series(values: ArrayLike, digits: int) -> str:
    """Numbers as JSON; whole numbers as the first and the differences, in an object."""
    array = np.asarray(values, dtype=float)
    if array.size > 4 and np.all(np.abs(array) < 2**52) and np.all(array == np.rint(array)):
        steps = np.diff(array.astype(np.int64), prepend=0).tolist()
        return f'{{"d":[{",".join(map(str, steps))}]}}'
    return f"[{','.join('null' if not math.isfinite(v) else f'{v:.{digits}g}' for v in array.tolist())}]"


def _limits(x: _Array, y: _Array, run: RunView) -> tuple[float, float] | None:
    """Heights that show the curve: single extremes and a steep start do not set the scale."""
    if not y.size:
        return None
    late = y[x >= x[0] + 0.05 * (x[-1] - x[0])]
    core = np.quantile(late, [0.02, 0.98]) if late.size > 2 else np.array([y.min(), y.max()])
    low, high = float(core[0]), float(core[1])
    fan = run.forecast
    if fan is not None and len(fan.x):
        middle = _finite(fan.x, fan.median)[1]
        low, high = min([low, *middle.tolist()]), max([high, *middle.tolist()])
    span = high - low or max(float(np.ptp(y)), 1e-3 * abs(high), 1e-9)
    if np.ptp(y) <= _ZOOM * span:
        low, high = min(low, float(y.min())), max(high, float(y.max()))
    if fan is not None and len(fan.x):
        bottom, top = _finite(fan.x, fan.low)[1], _finite(fan.x, fan.high)[1]
        low = min(low, max(float(bottom.min(initial=low)), low - span / 2))
        high = max(high, min(float(top.max(initial=high)), high + span / 2))
    pad = 0.04 * (high - low) or 0.5 * span
    return low - pad, high + pad
