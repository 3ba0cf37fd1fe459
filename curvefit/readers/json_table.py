"""JSON documents: columns (a Keras History), a list of records, tables that pandas wrote, or several of them by name."""

from __future__ import annotations

import re
from typing import Any, final

from ..curves import ReadError, Run, XUnit
from ._base import Reader
from ._json import MAX_DOCUMENT, JsonText, Records, facts_of
from ._names import TIMES, normalize, plan_of, split_of
from ._runs import runs_of
from ._source import Source
from ._table import Account, Table
from ._text import decode_head, whole_text

__all__ = ["JsonTable"]

Rows = list[dict[str, Any]]
# A list of objects, lists or numbers, told from a console log's "[INFO]" and "[2026-01-01 12:00]"
_LIST = re.compile(rb"\[\s*(\{|\[|\]|(-?(\d[\d.eE+-]*|Infinity)|NaN|null)\s*[,\]])")
_NUMBERED_SET = re.compile(r"(train(ing)?|val(id(ation)?)?|eval(uation)?|test|dev)(_?\d{1,3})?")
HINT = "expected columns {'loss': [...]}, records [{'step': 1, 'loss': 2.3}, ...], or one object per line"


@final
class JsonTable(Reader):
    """One JSON document.

    Notes
    -----
    Objects one or two levels down are searched for a table; several tables are several runs, or several parts of the data
    when they are called train, val and so on. Columns of different lengths without x are numbered each on its own.
    """

    name = "json_table"
    suffixes = (".json",)
    aliases = ("json", "keras_history")

    def sniff(self, head: bytes, path: str) -> float:
        """Whether the file starts like a JSON document."""
        text = decode_head(head).lstrip()
        if not text.startswith((b"{", b"[")):
            return 0.0
        if text.startswith(b"["):
            return 0.7 if _LIST.match(text) else 0.0
        return 0.5 if text[1:].lstrip()[:1] in (b'"', b"}") else 0.0

    def read(self, source: Source) -> list[Run]:
        """Runs of a JSON document."""
        decoder = JsonText(source.where)
        value = decoder.document(whole_text(source, MAX_DOCUMENT, "write one object per line (JSON Lines)"))
        if _is_own(value):
            raise ReadError(
                "a result that curvefit wrote, no log", code="CF-IO-003", where=source.where, hint="pass the log itself"
            )
        found = _search(value, 0)
        if found is None:
            raise ReadError("a JSON document without a table", code="CF-IO-003", where=source.where, hint=HINT)
        table = found.table(source)
        table.notes[:0] = [*source.notes, *decoder.notes()]
        if table.rows == 0:
            raise ReadError("no data rows", code="CF-IO-002", where=source.where)
        return runs_of(table, source, reader=self.name)

    def example(self) -> bytes:
        """A Keras History."""
        return b'{"loss": [2.3, 1.9, 1.6, 1.5], "val_loss": [2.2, 2.0, 1.8, NaN], "lr": [0.1, 0.1, 0.01, 0.01]}\n'


class _Found:
    """Rows of a document, and what stands beside them."""

    def __init__(self, rows: list[Any], facts: dict[str, Any] | None = None, unit: XUnit = "step") -> None:
        self.rows = rows
        self.facts = facts or {}
        self.unit = unit
        self.notes: list[str] = []
        self.dropped: dict[str, int] = {}
        self.odd = 0

    def table(self, source: Source) -> Table:
        """The table of the rows."""
        records = Records(source.where)
        account = Account()
        for i, row in enumerate(self.rows, 1):
            if isinstance(row, dict):
                records.add(row, source.size // max(1, len(self.rows)))
            else:
                account.add("not an object", i)
        facts = facts_of(self.facts)
        return Table(
            records.finish(),
            account=account,
            attributes=facts,
            plan=plan_of(facts),
            notes=list(self.notes),
            points_dropped=dict(self.dropped),
            row_unit=self.unit,
            row_word="record",
        )


def _is_own(value: Any) -> bool:
    """Whether a document is what a command or a report of this package writes: it may lie beside the logs it is about."""
    if not isinstance(value, dict):
        return False
    return {"schema_version", "command"} <= value.keys() or str(value.get("schema", "")).startswith("curvefit/")


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, list | dict)


def _search(value: Any, depth: int) -> _Found | None:
    """The table in a value, or in what it contains."""
    if isinstance(value, list):
        return _from_list(value)
    if not isinstance(value, dict) or depth > 2:
        return None
    found = _from_split(value) or _from_columns(value) or _from_index(value)
    if found is not None:
        return found
    inner = {k: f for k, v in value.items() if (f := _search(v, depth + 1)) is not None}
    facts = {k: v for k, v in value.items() if k not in inner}
    if len(inner) == 1:
        found = next(iter(inner.values()))
        found.facts = {**facts, **found.facts}
        return found
    if not inner:
        return None
    boosted = _from_boosting({k: value[k] for k in inner}, facts)
    if boosted is not None:
        return boosted
    label = "split" if all(split_of(k) for k in inner) else "run"
    rows = [{label: key, **row} for key, f in inner.items() for row in f.rows if isinstance(row, dict)]
    together = _Found(rows, facts, next(iter(inner.values())).unit)
    for key, f in inner.items():
        together.notes.extend(f"{key}: {n}" for n in f.notes)
        for why, count in f.dropped.items():
            together.dropped[why] = together.dropped.get(why, 0) + count
    return together


def _from_boosting(sets: dict[str, Any], facts: dict[str, Any]) -> _Found | None:
    """``{"validation_0": {"logloss": [...]}, ...}``: the data sets of xgboost and lightgbm with their metrics."""
    numbered = any(k[-1].isdigit() or k == "training" for k in sets if k)
    if not numbered or not all(_NUMBERED_SET.fullmatch(k) and isinstance(v, dict) for k, v in sets.items()):
        return None
    columns = {f"{k}/{name}": c for k, v in sets.items() for name, c in v.items()}
    if not all(isinstance(c, list) and all(map(_is_scalar, c)) for c in columns.values()):
        return None
    if len(set(map(len, columns.values()))) != 1:
        return None
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    found = _Found(rows, facts, "iteration")
    found.notes.append("results of boosting, one data set per name; x is the number of the round")
    return found


def _from_list(value: list[Any]) -> _Found | None:
    traces = _from_traces(value)
    if traces is not None:
        return traces
    if value and sum(isinstance(v, dict) for v in value) >= 0.5 * len(value):
        return _Found(value)
    if value and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value):
        return _Found([{"value": v} for v in value])
    return None


def _from_traces(value: list[Any]) -> _Found | None:
    """``[{"name": "run-1", "x": [...], "y": [...]}, ...]``, as charts of Comet and Plotly are saved."""
    rows: Rows = []
    dropped = 0
    for trace in value:
        x, y = (trace.get("x"), trace.get("y")) if isinstance(trace, dict) else (None, None)
        if not isinstance(x, list) or not isinstance(y, list) or not all(map(_is_scalar, [*x, *y])):
            return None
        name = next((trace[k] for k in ("metric", "metricName", "name") if isinstance(trace.get(k), str)), "value")
        run = next((trace[k] for k in ("experimentKey", "name", "run") if isinstance(trace.get(k), str)), "")
        dropped += abs(len(x) - len(y))
        some = {"run": run} if run and run != name else {}
        rows += [{**some, "metric": name, "step": a, "value": b} for a, b in zip(x, y, strict=False)]
    if not rows:
        return None
    found = _Found(rows)
    found.notes.append(f"{len(value)} lines of a chart; x is taken for the step (x_unit= says otherwise)")
    found.dropped["x or y alone"] = dropped
    return found


def _from_columns(value: dict[str, Any]) -> _Found | None:
    """``{"loss": [...], "val_loss": [...]}``."""
    columns = {k: v for k, v in value.items() if isinstance(v, list) and v and all(map(_is_scalar, v))}
    if not columns:
        return None
    facts = {k: v for k, v in value.items() if k not in columns and not isinstance(v, list)}
    keras = any(k.startswith("val_") and k[4:] in columns for k in columns)
    unit: XUnit = "epoch" if keras else "step"
    lengths = {len(v) for v in columns.values()}
    if len(lengths) == 1:
        n = lengths.pop()
        return _Found([{k: v[i] for k, v in columns.items()} for i in range(n)], facts, unit)
    x = next((k for k in columns if normalize(k) in TIMES), None)
    if x is None:
        found = _Found([{"metric": k, "value": v} for k, c in columns.items() for v in c], facts, unit)
        found.notes.append("the columns differ in length: each is numbered on its own")
        return found
    n = len(columns[x])
    same = {k: v for k, v in columns.items() if len(v) == n}
    other = {k: v for k, v in columns.items() if len(v) != n}
    found = _Found([{k: v[i] for k, v in same.items()} for i in range(n)], facts, unit)
    found.dropped["of another length than x"] = sum(v is not None for c in other.values() for v in c)
    found.notes.append(f"not as long as {x!r}: {', '.join(map(repr, other))}")
    return found


def _from_index(value: dict[str, Any]) -> _Found | None:
    """``{"loss": {"0": 2.3, "1": 1.9}}``, as pandas writes columns."""
    inner = [v for v in value.values() if isinstance(v, dict)]
    if len(inner) < max(1, len(value)) or not all(
        v and all(k.isascii() and k.isdigit() and len(k) < 16 for k in v) and all(map(_is_scalar, v.values()))
        for v in inner
    ):
        return None
    keys = sorted({int(k) for v in inner for k in v})
    return _Found([{name: v[str(k)] for name, v in value.items() if str(k) in v} for k in keys])


def _from_split(value: dict[str, Any]) -> _Found | None:
    """``{"columns": [...], "data": [[...], ...]}``, as pandas and W&B write tables."""
    names, data = value.get("columns"), value.get("data")
    if not isinstance(names, list) or not isinstance(data, list) or not names:
        return None
    if not all(isinstance(r, list) and len(r) == len(names) for r in data) or not all(
        isinstance(n, str) for n in names
    ):
        return None
    return _Found([dict(zip(names, row, strict=True)) for row in data])
